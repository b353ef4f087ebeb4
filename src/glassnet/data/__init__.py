"""Table → prepared features."""

from glassnet.data.examples import EXAMPLES, example
from glassnet.data.preprocessor import Feature, Preprocessor
from glassnet.data.schema import Column, infer_columns
from glassnet.data.table import Table, write_table
from glassnet.data.targets import ClassTarget, NumberTarget, looks_like_classes

__all__ = [
    "EXAMPLES",
    "ClassTarget",
    "Column",
    "Feature",
    "NumberTarget",
    "Preprocessor",
    "Table",
    "example",
    "infer_columns",
    "looks_like_classes",
    "write_table",
]
