"""Pictures made of characters: a curve in one line, and what a model says of the plane."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from glassnet.data.table import Table
from glassnet.estimators import TableClassifier
from glassnet.nn.elementary import Array

BARS = "▁▂▃▄▅▆▇█"
MARGIN = 0.06  # of the plane around its points


def curves(series: Sequence[Sequence[float]], width: int = 30) -> list[str]:
    """Values over time, each series in one line; each character is the mean of its share of them.

    All lines have one scale, a logarithmic one, since a loss falls by factors.

    >>> curves([[1.0, 0.1, 0.01], [0.1, 0.1, float("inf")]])
    ['█▅▁', '▅▅×']
    """
    means = [[float(part.mean()) for part in np.array_split(values, min(width, len(values)))] for values in series]
    seen = [mean for line in means for mean in line if 0 < mean < math.inf]
    low, high = (math.log(min(seen)), math.log(max(seen))) if seen else (0.0, 0.0)
    steps = (len(BARS) - 1) / ((high - low) or 1.0)

    def bar(mean: float) -> str:
        if not math.isfinite(mean):
            return "×"
        return BARS[round((math.log(mean) - low) * steps) if mean > 0 else 0]

    return ["".join(map(bar, line)) for line in means]


@dataclass(frozen=True)
class Regions:
    """What a classifier says of each pixel of a plane, and which rows lie there.

    Attributes:
        codes: The most probable class, (height, width), first row at the top.
        sure: Its probability, (height, width).
        points: The class of a row that lies there, −1 where none does, (height, width).
        across, up: The columns, with their ranges.
    """

    codes: Array
    sure: Array
    points: Array
    classes: list[str]
    across: tuple[str, float, float]
    up: tuple[str, float, float]

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return len(self.codes)

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.codes.shape[1]


def decision_regions(model: TableClassifier, table: Table, width: int = 48, height: int = 48) -> Regions | None:
    """The map of a classifier that looks at exactly two number columns; None for any other.

    Args:
        model: A fitted classifier.
        table: Rows to put on the map, with their target.
        width: Pixels from left to right.
        height: Pixels from top to bottom.
    """
    columns = [column for column in model.preprocessor_.columns if column.kind != "ignore"]
    if len(columns) != 2 or any(column.kind not in ("number", "count") for column in columns):
        return None
    ranges = [_with_margin(column.minimum, column.maximum) for column in columns]
    horizontal, vertical = (
        (low + (np.arange(size) + 0.5) / size * (high - low))
        for (low, high), size in zip(ranges, (width, height), strict=True)
    )
    first, second = np.meshgrid(horizontal, vertical[::-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = model.predict_proba({columns[0].name: first.ravel(), columns[1].name: second.ravel()})
    points = np.full((height, width), -1)
    xy = np.column_stack([table[column.name].cast(float, strict=False).to_numpy() for column in columns])
    there = np.isfinite(xy).all(axis=1)
    low, high = np.array(ranges).T
    place = ((xy[there] - low) / (high - low) * [width, height]).astype(int).clip(0, [width - 1, height - 1])
    points[height - 1 - place[:, 1], place[:, 0]] = model.target_.codes(table[model.target_.name])[there]
    return Regions(
        codes=p.argmax(axis=1).reshape(height, width),
        sure=p.max(axis=1).reshape(height, width),
        points=points,
        classes=[str(label) for label in model.classes_],
        across=(columns[0].name, *ranges[0]),
        up=(columns[1].name, *ranges[1]),
    )


def _with_margin(low: float, high: float) -> tuple[float, float]:
    """A range a little wider, and never empty."""
    margin = MARGIN * (high - low) or 1.0
    return low - margin, high + margin
