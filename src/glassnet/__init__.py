"""Dense neural networks you can see through, fast on any CPU.

>>> import glassnet as gn
>>> model = gn.TableClassifier(quality="fast", random_state=0).fit(gn.data.example("circles"), target="label")
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
    from glassnet.explanation.approximation import approximate
    from glassnet.explanation.attribution import attribute
    from glassnet.explanation.collapse import collapse
    from glassnet.explanation.construction import construct
    from glassnet.explanation.derivation import derive
    from glassnet.explanation.diagnosis import diagnose
    from glassnet.explanation.dueling import duel
    from glassnet.explanation.fit_report import fit_report
    from glassnet.explanation.influence import partial_dependence, permutation_importance
    from glassnet.explanation.naming import name_features
    from glassnet.explanation.probing import probe
    from glassnet.explanation.ranges import check_range
    from glassnet.explanation.simplification import simplify
    from glassnet.explanation.stepping import step
    from glassnet.explanation.width import advise_width
    from glassnet.exports.exporting import export
    from glassnet.formats.safetensors import load, save
    from glassnet.imports.onnx import from_onnx
    from glassnet.imports.pytorch import from_torch
    from glassnet.imports.scikit_learn import from_sklearn
    from glassnet.studio import studio

    __version__: str

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "Table",
    "TableClassifier",
    "TableRegressor",
    "advise_width",
    "approximate",
    "attribute",
    "check_range",
    "collapse",
    "construct",
    "data",
    "derive",
    "diagnose",
    "duel",
    "export",
    "fit_report",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "load",
    "name_features",
    "nn",
    "partial_dependence",
    "permutation_importance",
    "probe",
    "save",
    "show_config",
    "simplify",
    "step",
    "studio",
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
    "advise_width": "glassnet.explanation.width",
    "approximate": "glassnet.explanation.approximation",
    "attribute": "glassnet.explanation.attribution",
    "check_range": "glassnet.explanation.ranges",
    "collapse": "glassnet.explanation.collapse",
    "construct": "glassnet.explanation.construction",
    "derive": "glassnet.explanation.derivation",
    "diagnose": "glassnet.explanation.diagnosis",
    "duel": "glassnet.explanation.dueling",
    "export": "glassnet.exports.exporting",
    "fit_report": "glassnet.explanation.fit_report",
    "from_onnx": "glassnet.imports.onnx",
    "from_sklearn": "glassnet.imports.scikit_learn",
    "from_torch": "glassnet.imports.pytorch",
    "load": "glassnet.formats.safetensors",
    "name_features": "glassnet.explanation.naming",
    "partial_dependence": "glassnet.explanation.influence",
    "permutation_importance": "glassnet.explanation.influence",
    "probe": "glassnet.explanation.probing",
    "save": "glassnet.formats.safetensors",
    "show_config": "glassnet.config",
    "simplify": "glassnet.explanation.simplification",
    "step": "glassnet.explanation.stepping",
    "what_if": "glassnet.estimators.what_if",
}
_PACKAGES = ("data", "nn", "studio", "training")

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
