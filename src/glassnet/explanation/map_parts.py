"""What the pages of linear maps share: their matrices, and their slopes in the columns of a table."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Matrix, Table, Text, plain
from glassnet.explanation.subject import Subject
from glassnet.nn.elementary import Array


@dataclass(frozen=True)
class OwnColumns:
    """The map in the columns of a table model, where their preparation is affine.

    Attributes:
        slopes: By column, for each score: what one unit more of it adds, (k,); of a boolean, what true is more than
            false.
        constant: What is left, (k,), with the other columns as they stand in the row.
        others: Columns whose preparation is not affine: categories, dates, times.
    """

    slopes: dict[str, Array]
    constant: Array
    others: tuple[str, ...]


def own_columns(w: Array, x: Array, y: Array, subject: Subject) -> OwnColumns | None:
    """y = Σⱼ slopeⱼ cellⱼ + constant, from the prepared row x (d,) and its scores y (k,); None for arrays."""
    if not subject.is_table:
        return None
    mean, scale = subject.score_affine
    slopes, constant = {}, y * scale + mean
    for column in subject.columns:
        if column.affine is not None and column.features:
            first = column.features[0]
            slopes[column.name] = w[first] * scale / column.affine[1]
            constant = constant - slopes[column.name] * (column.affine[0] + column.affine[1] * x[first])
    others = [column.name for column in subject.columns if column.features and column.affine is None]
    return OwnColumns(slopes, constant, tuple(others))


def own_blocks(own: OwnColumns | None, subject: Subject) -> tuple[Block, ...]:
    """A table of the slopes; nothing for a model of arrays."""
    if own is None:
        return ()
    unit = f", in units of {subject.quantity}" if subject.score_affine != (0.0, 1.0) else ""
    rows = [[name, *slopes.tolist()] for name, slopes in own.slopes.items()]
    others = f", with {', '.join(own.others)} (not affine) as they are here" if own.others else ""
    return (
        Text(f"In your own columns: what one unit more of each adds to the score{unit}"),
        Table(["column", *subject.output_names], [*rows, [f"constant{others}", *own.constant.tolist()]]),
    )


def plain_own(own: OwnColumns | None) -> Any:
    """JSON-able."""
    return None if own is None else plain(vars(own))


def labels(subject: Subject) -> dict[str, Any]:
    """Of rows and columns of w, and which network it is, for JSON."""
    names = {"features": list(subject.feature_names), "outputs": list(subject.output_names)}
    return {**names, "note": subject.note}


def matrices(w: Array, b: Array, subject: Subject) -> tuple[Block, ...]:
    """w and b, as the page calls them."""
    return (
        Matrix("W", w, rows=subject.feature_names, columns=subject.output_names, note="∂y/∂x, of prepared features"),
        Matrix("c", b, columns=subject.output_names),
    )


def bars(w: Array, subject: Subject, ax: Any, label: str) -> Any:
    """A bar for each feature and output."""
    ax = axes(ax, figsize=(6, 0.6 + max(0.3, 0.14 * w.shape[1]) * len(w)))
    places = np.arange(len(w))
    height = 0.8 / w.shape[1]
    for j, name in enumerate(subject.output_names):
        ax.barh(places + (j - (w.shape[1] - 1) / 2) * height, w[:, j], height, label=name)
    ax.set_yticks(places, subject.feature_names)
    ax.invert_yaxis()
    ax.axvline(0, color="grey", linewidth=0.8)
    ax.set_xlabel(label)
    if w.shape[1] > 1:
        ax.legend()
    return ax
