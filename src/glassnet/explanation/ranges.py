"""Rows outside of the range that training saw: how far out, and what the network does there."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.schema import QUANTITIES
from glassnet.errors import InputError
from glassnet.estimators.seen import IN_UNITS, beyond, seen
from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Explanation, Heading, Table, Text, Verdict, number, plain
from glassnet.explanation.subject import Subject, as_table
from glassnet.nn import ACTIVATIONS, Network
from glassnet.nn.elementary import Array

FARTHER = (1, 10, 100)  # times as far beyond the edge: where the tail is measured
FAR_OUT = {  # what an activation makes of a z that grows without end: a tail, or a power of it
    **dict.fromkeys(("logistic", "tanh", "step"), "flat"),
    "sine": "waves",
    **dict.fromkeys(("identity", "relu", "leaky_relu", "elu", "selu", "softplus", "silu", "mish", "gelu"), 1),
    "square": 2,
}
TAILS = {
    "unknown": "What it does far out is not known: it has a function of the user's own.",
    "waves": "Far out its predictions go up and down without end, as sines do.",
    "flat": "Far out its predictions become flat: every unit of a layer stands in a flat tail.",
    "linear": "Far out its predictions go on in straight lines, up or down without end, whatever the truth does.",
    "steep": "Far out its predictions grow faster than any straight line.",
}


@dataclass(frozen=True)
class Outlier:
    """One cell outside of the training range.

    Attributes:
        row: From 0.
        column: Its name.
        value: The cell.
        known: What training saw, in words.
        beyond: How far out, in widths of the training range; None for a value that has no distance, as a category.
    """

    row: int
    column: str
    value: Any
    known: str
    beyond: float | None


@dataclass(frozen=True, eq=False, repr=False)
class RangeCheck(Explanation):
    """What `check_range` gives.

    Attributes:
        outside: Which rows have a cell outside of the training range, (n,) of bool.
        cells: Every such cell.
        tail: What this network does far out: "flat", "linear", "steep", "waves" or "unknown".
        rows: The numbers of the rows that lie outside by a quantity, (o,).
        at_edge: Scores of these rows brought back to the edge of the range, (o, k).
        farther: Scores at once, ten and a hundred times the distance beyond the edge, (o, 3, k).
    """

    outside: Array
    cells: tuple[Outlier, ...]
    tail: str
    rows: Array
    at_edge: Array
    farther: Array
    subject: Subject

    def page(self) -> tuple[Block, ...]:
        n = len(self.outside)
        head = Heading("Within what training saw?")
        told = Text(
            f"{TAILS[self.tail]} Ranges are those of single columns: a row may be within each of them and still unlike "
            f"any row of training."
        )
        if not self.outside.any():
            return head, Verdict("good", f"All {n} rows lie within the training range of every column."), told
        lines = [[cell.row, cell.column, number(cell.value, 6), cell.known, cell.beyond] for cell in self.cells]
        blocks: list[Block] = [
            head,
            Verdict("bad", f"{int(self.outside.sum())} of {n} rows lie outside: what a network says there is a guess."),
            Table(
                ["row", "column", "cell", "training saw", "beyond"],
                lines,
                note="Rows count from 0; beyond: in widths of the training range.",
            ),
            told,
        ]
        if len(self.rows):
            names = self.subject.output_names
            k = int(np.abs(self.farther[:, 0] - self.at_edge).max(axis=0).argmax())
            scores = [
                [int(row), *map(float, (edge[k], *far[:, k]))]
                for row, edge, far in zip(self.rows, self.at_edge, self.farther, strict=True)
            ]
            headers = ["row", "at the edge", "as it is", *(f"{times}× as far" for times in FARTHER[1:])]
            blocks.append(Table(headers, scores, note=f"The score of {names[k]}, from the edge of the range outwards."))
        return tuple(blocks)

    def to_dict(self) -> dict[str, Any]:
        return {
            **{name: plain(getattr(self, name)) for name in ("outside", "tail", "rows", "at_edge", "farther")},
            "cells": [plain(vars(cell)) for cell in self.cells],
            "outputs": list(self.subject.output_names),
        }

    def plot(self, ax: Any = None) -> Any:
        """How far each row lies outside, in widths of the training range."""
        far = np.zeros(len(self.outside))
        for cell in self.cells:
            far[cell.row] = max(far[cell.row], 1.0 if cell.beyond is None else cell.beyond)
        ax = axes(ax, figsize=(6, 2.5))
        ax.bar(range(len(far)), far, color="#d0453b")
        ax.set_xlabel("row")
        ax.set_ylabel("ranges beyond")
        return ax


def check_range(model: Any, rows: Any, *, X: Any = None) -> RangeCheck:
    """Find rows outside of the range that training saw, and say what the network does there.

    A fitted estimator has kept the range of each column, a table model the values of its categories, too. A `Network`
    has not: give the rows that it was trained on.

    Args:
        model: A `Network`, or a fitted estimator.
        rows: To look at, as the model takes them.
        X: The training rows, for a `Network`, or to look at another range than that of the fit.

    Raises:
        InputError: X is missing for a network, or came for a table model.

    >>> network = Network.create([1, 4, 1], activation="tanh", seed=0)
    >>> found = check_range(network, [[0.5], [3.0]], X=[[0.0], [1.0]])
    >>> found.outside.tolist(), found.cells[0].beyond, found.tail
    ([False, True], 2.0, 'flat')
    """
    subject = Subject.of(model, dtype=np.float64)
    if subject.is_table:
        if X is not None:
            raise InputError("X was given, but a table model has kept the range of its training: leave X out.")
        cells, low, high = _of_table(subject, rows)
    else:
        cells, low, high = _of_arrays(subject, rows, _range_of_arrays(subject, X))
    x = subject.prepare(rows)
    outside = np.zeros(len(x), bool)
    outside[[cell.row for cell in cells]] = True
    edge = np.clip(x, low, high)
    far = np.flatnonzero((edge != x).any(axis=1))
    x, edge = x[far], edge[far]
    scores = [subject.network.forward(edge + times * (x - edge))[0] for times in FARTHER]
    return RangeCheck(
        outside=outside,
        cells=tuple(sorted(cells, key=lambda cell: cell.row)),
        tail=tail(subject.network),
        rows=far,
        at_edge=subject.network.forward(edge)[0],
        farther=np.stack(scores, axis=1),
        subject=subject,
    )


def tail(network: Network) -> str:
    """What y does far from the origin, from the growth of the activations: "flat", "linear", "steep", "waves".

    It says the most that may be: in some directions a network of relu is flat, too.

    >>> tail(Network.create([1, 3, 3, 1], activation=["relu", "tanh"])), tail(Network.create([1, 3, 1], "relu"))
    ('flat', 'linear')
    """
    power, end = 1, ""
    for f in network.architecture.activations:
        if f != ACTIVATIONS.get(f.name):
            return "unknown"
        becomes = FAR_OUT[f.name]
        if not end and isinstance(becomes, str):
            end = becomes  # from here on z stays within bounds, and what is flat or goes in waves remains so
        elif isinstance(becomes, int):
            power *= becomes
    if end and network.skip is None:
        return end
    return "steep" if power > 1 and not end else "linear"


def _of_table(subject: Subject, rows: Any) -> tuple[list[Outlier], Array, Array]:
    """The cells that lie outside, and the range of each feature, infinite where it is none of a quantity."""
    table = as_table(rows)
    d = len(subject.feature_names)
    low, high, cells = np.full(d, -np.inf), np.full(d, np.inf), []
    known = {column.name: column for column in subject.model.preprocessor_.columns}
    for column in subject.columns:
        if not column.features:
            continue
        kept = known[column.name]
        if kept.kind in QUANTITIES:
            first = column.features[0]
            low[first], high[first] = ((end - kept.mean) / kept.scale for end in (kept.minimum, kept.maximum))
        far = np.flatnonzero(beyond(kept, table))
        values = table[column.name].to_list()
        out = _how_far(kept, table) if kept.kind in IN_UNITS else np.full(len(table), np.nan)
        for i in far:
            size = None if np.isnan(out[i]) else float(out[i])
            cells.append(Outlier(int(i), column.name, values[i], seen(kept), size))
    # Rounding of (value − mean) / scale must not bring a row of the edge outside.
    return cells, low - 1e-9 * np.abs(low), high + 1e-9 * np.abs(high)


def _how_far(column: Any, table: Any) -> Array:
    """In widths of the range; nan for a range of no width, and for missing cells."""
    values = IN_UNITS[column.kind](column, table[column.name]).cast(float).to_numpy()
    width = column.maximum - column.minimum
    out = np.maximum(column.minimum - values, values - column.maximum)
    return _in_widths(out, np.full(len(values), width))


def _in_widths(out: Array, width: Array) -> Array:
    """out / width; nan where that is no number, for a range of no width, or next to none."""
    with np.errstate(all="ignore"):
        ratio = out / width
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _range_of_arrays(subject: Subject, X: Any) -> Array:
    """The least and the greatest value of each feature, (2, d): of the rows, else as the model has kept it."""
    if X is not None:
        training = subject.prepare(X)
        return np.stack([training.min(axis=0), training.max(axis=0)])
    kept = getattr(subject.model, "feature_range_", None)
    if kept is None:
        raise InputError("X is missing: this model has not kept the range of its training. Give the training rows.")
    return np.asarray(kept)


def _of_arrays(subject: Subject, rows: Any, training: Array) -> tuple[list[Outlier], Array, Array]:
    x, (low, high) = subject.prepare(rows), training
    out = np.maximum(low - x, x - high)
    widths = _in_widths(out, high - low)
    cells = [
        Outlier(
            int(i),
            subject.feature_names[j],
            float(x[i, j]),
            f"{low[j]:.6g} to {high[j]:.6g}",
            None if np.isnan(widths[i, j]) else float(widths[i, j]),
        )
        for i, j in np.argwhere(out > 0)
    ]
    return cells, low, high
