"""Dense neural networks you can see through, fast on any CPU.

>>> import glassnet as gn
>>> model = gn.TableClassifier(random_state=0).fit(gn.data.example("circles"), target="label")
>>> model.predict({"x1": [0.0], "x2": [0.0]}).tolist()
['inner']
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glassnet import data, nn, training
    from glassnet.config import show_config
    from glassnet.data.table import Table
    from glassnet.estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
    from glassnet.estimators.what_if import what_if
    from glassnet.formats.safetensors import load, save

    __version__: str

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
    "show_config",
    "training",
    "what_if",
]

# Where each name comes from: scikit-learn, SciPy and Polars take a second to import, so nothing is before it is used.
_MODULES = {
    "MLPClassifier": "glassnet.estimators",
    "MLPRegressor": "glassnet.estimators",
    "Table": "glassnet.data.table",
    "TableClassifier": "glassnet.estimators",
    "TableRegressor": "glassnet.estimators",
    "load": "glassnet.formats.safetensors",
    "save": "glassnet.formats.safetensors",
    "show_config": "glassnet.config",
    "what_if": "glassnet.estimators.what_if",
}
_PACKAGES = ("data", "nn", "training")

if not TYPE_CHECKING:  # a type checker would take any name for known

    def __getattr__(name: str) -> object:
        """A public name, when it is first asked for."""
        if name == "__version__":
            from importlib.metadata import version

            value = version("glassnet")
        elif name in _PACKAGES:
            value = import_module(f"glassnet.{name}")
        elif name in _MODULES:
            value = getattr(import_module(_MODULES[name]), name)
        else:
            raise AttributeError(
                f"module 'glassnet' has no attribute {name!r}", name=name, obj=import_module("glassnet")
            )
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """All public names, also those that have not been imported yet."""
    return sorted({*globals(), *__all__, "__version__"})
