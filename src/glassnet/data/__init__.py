"""Table → prepared features."""

from glassnet.data.encoders import Feature
from glassnet.data.examples import EXAMPLES, example
from glassnet.data.inference import infer_columns
from glassnet.data.leaks import Leak, leaks
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import Column
from glassnet.data.several import Targets
from glassnet.data.table import Table, write_table
from glassnet.data.targets import ClassTarget, NumberTarget, looks_like_classes

__all__ = [
    "EXAMPLES",
    "ClassTarget",
    "Column",
    "Feature",
    "Leak",
    "NumberTarget",
    "Preprocessor",
    "Table",
    "Targets",
    "example",
    "infer_columns",
    "leaks",
    "looks_like_classes",
    "write_table",
]
