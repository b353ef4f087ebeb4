"""Dense neural networks you can see through, fast on any CPU.

>>> import glassnet as gn
>>> model = gn.TableClassifier(random_state=0).fit(gn.data.example("circles"), target="label")
>>> model.predict({"x1": [0.0], "x2": [0.0]}).tolist()
['inner']
"""

from importlib.metadata import version

from glassnet import data, nn, training
from glassnet.data.table import Table
from glassnet.estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from glassnet.formats.safetensors import load, save

__version__ = version("glassnet")
__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "Table",
    "TableClassifier",
    "TableRegressor",
    "data",
    "load",
    "nn",
    "save",
    "training",
]
