"""What moved a prediction, column by column: integrated gradients, with the gap that is left."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import InputError, unknown_name
from glassnet.explanation.drawing import axes
from glassnet.explanation.page import (
    Block,
    Explanation,
    Formula,
    Heading,
    Matrix,
    Table,
    Text,
    Verdict,
    noted,
    number,
    plain,
)
from glassnet.explanation.subject import Subject
from glassnet.nn import Network
from glassnet.nn.elementary import Array

NODES, WEIGHTS = (part / 2 for part in np.polynomial.legendre.leggauss(8))  # of an interval of length 1 about 0
NARROWEST = 2.0**-30  # of a piece of the path: there a kink is as good as found
MOST_POINTS = 400_000  # on all paths together
CHUNK = 4096  # points at a time
SHOWN_ROWS = 5  # of several rows, on a page of their own lines
FORMULA = Formula(
    "aⱼ = (xⱼ − x⁰ⱼ) ∫₀¹ ∂y/∂xⱼ(x⁰ + s(x − x⁰)) ds        Σⱼ aⱼ = y(x) − y(x⁰)",
    r"a_j = (x_j - x^0_j)\int_0^1 \frac{\partial y}{\partial x_j}(x^0 + s(x - x^0))\,ds",
)


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Explanation):
    """What `attribute` gives.

    Attributes:
        columns: As the user knows them.
        values: By row and column, (n, columns), in units of y; of a quantity in the target's own.
        by_feature: The same by prepared feature, (n, d).
        y: The score of each row, (n,).
        y0: The score of the baseline, (n,), which differs where rows explain different outputs.
        gap: Σⱼ aⱼ − (y − y0) of each row, (n,): what the quadrature missed.
        outputs: Which output was explained, by row.
        baseline: What x⁰ is, in words.
        x0: x⁰, (d,).
        points: Gradients that were taken on all paths.
    """

    columns: tuple[str, ...]
    values: Array
    by_feature: Array
    y: Array
    y0: Array
    gap: Array
    outputs: tuple[str, ...]
    baseline: str
    x0: Array
    points: int
    cells: dict[str, list[Any]]
    subject: Subject

    @property
    def relative_gap(self) -> float:
        """The largest |gap| as a share of Σ|aⱼ|, over all rows."""
        size = np.abs(self.by_feature).sum(axis=1)
        return float(np.divide(np.abs(self.gap), size, out=np.zeros(len(size)), where=size > 0).max())

    def page(self) -> tuple[Block, ...]:
        n = len(self.y)
        rows: list[Block] = []
        for i in range(min(n, SHOWN_ROWS)):
            order = np.argsort(-np.abs(self.values[i]), kind="stable")
            names, values = [self.columns[j] for j in order], self.values[i, order]
            lines = [
                [name, shown(self.cells[name][i]), float(value), _bar(value, values)]
                for name, value in zip(names, values, strict=True)
            ]
            rows += [
                Heading(f"Row {i}: {self.outputs[i]}") if n > 1 else Heading(f"What moved {self.outputs[i]}"),
                Table(["column", "cell", "moves it by", ""], lines),
                Text(f"{self.y0[i]:.6g} (baseline) + {self.values[i].sum():.6g} = {self.y[i]:.6g}"),
            ]
        if n > SHOWN_ROWS:
            rows.append(Text(f"… {n - SHOWN_ROWS} more rows; all of them: to_dict()"))
        if n > 1:
            sizes = np.abs(self.values).mean(axis=0)
            rows.append(Matrix("mean |a|", sizes, columns=self.columns, note="over the rows"))
        good = self.relative_gap < 1e-3
        return (
            *noted(self.subject.note),
            *rows,
            FORMULA,
            Text(f"Baseline x⁰: {self.baseline}. {self._units()}"),
            Verdict(
                "good" if good else "bad",
                f"Completeness: the parts add up to the change but for {float(np.abs(self.gap).max()):.2g} at the most "
                f"({self.relative_gap:.1g} of what they move; {self.points} gradients on the way).",
            ),
        )

    def _units(self) -> str:
        subject = self.subject
        if subject.score_affine != (0.0, 1.0):
            return f"Numbers are in units of {subject.quantity}."
        if len(subject.class_names) == len(subject.output_names) > 1:
            return "Numbers are scores y; of softmax only differences between scores matter."
        if subject.class_names:
            return f"Numbers are scores y: log-odds of {subject.output_names[0]}."
        return "Numbers are scores y."

    def to_dict(self) -> dict[str, Any]:
        names = ("columns", "values", "by_feature", "y", "y0", "gap", "outputs", "baseline", "x0", "points", "cells")
        return {
            **{name: plain(getattr(self, name)) for name in names},
            "features": list(self.subject.feature_names),
            "relative_gap": self.relative_gap,
            "note": self.subject.note,
        }

    def plot(self, ax: Any = None) -> Any:
        """Bars by column: of one row its parts, of several the mean of their sizes."""
        one = len(self.y) == 1
        values = self.values[0] if one else np.abs(self.values).mean(axis=0)
        order = np.argsort(np.abs(values), kind="stable")
        ax = axes(ax, figsize=(6, 0.8 + 0.3 * len(values)))
        ax.barh(range(len(order)), values[order], color=np.where(values[order] < 0, "#d0453b", "#2e7ebb"))
        ax.set_yticks(range(len(order)), [self.columns[j] for j in order])
        ax.axvline(0, color="grey", linewidth=0.8)
        ax.set_xlabel(f"moves {self.outputs[0]} by" if one else "mean size of what it moves")
        return ax


def attribute(
    model: Any, rows: Any, *, baseline: Any = None, output: str | int | None = None, tol: float = 1e-6
) -> Attribution:
    """Divide each row's change in y from a baseline among its columns: integrated gradients.

    aⱼ = (xⱼ − x⁰ⱼ) ∫₀¹ ∂y/∂xⱼ(x⁰ + s(x − x⁰)) ds, so that Σⱼ aⱼ = y(x) − y(x⁰), which is checked. The features of a
    column are added up. The path is halved where eight Gauss points do not agree with sixteen, or where the parts do
    not add up, which closes in on the kinks of relu. All in float64.

    Args:
        model: A `Network`, or a fitted estimator.
        rows: One row or several, as the model takes them.
        baseline: Rows whose prepared mean is x⁰. None is the mean of `rows`; where there is but one, the mean of
            training of a table model (and no category), and for arrays the origin.
        output: A name or number of the output; None is the predicted class, or the first output.
        tol: How far the parts may be from adding up, as a share of what they move.

    Returns:
        The parts, with `values` (n, columns) and the `gap` of each row.

    >>> network = Network.create([3, 4, 1], activation="relu", seed=0)
    >>> parts = attribute(network, [1.0, 2.0, -1.0])
    >>> bool(np.isclose(parts.values.sum(), parts.y[0] - parts.y0[0], atol=1e-6))
    True
    """
    subject = Subject.of(model, dtype=np.float64)
    x = subject.prepare(rows)
    x0, told = _baseline(subject, x, baseline)
    y, start = subject.network.forward(x)[0], subject.network.forward(x0[None, :])[0][0]
    which = _outputs(subject, y, output)
    parts, points = integrate(subject.network, x0, x, which, tol)
    mean, scale = subject.score_affine
    parts = parts * scale
    y, y0 = mean + scale * y[np.arange(len(x)), which], mean + scale * start[which]
    used = [column for column in subject.columns if column.features]
    return Attribution(
        columns=tuple(column.name for column in used),
        values=np.column_stack([parts[:, list(column.features)].sum(axis=1) for column in used]),
        by_feature=parts,
        y=y,
        y0=y0,
        gap=parts.sum(axis=1) - (y - y0),
        outputs=tuple(subject.output_names[j] for j in which),
        baseline=told,
        x0=x0,
        points=points,
        cells=subject.cells(x if not subject.is_table else rows),
        subject=subject,
    )


def integrate(network: Network, x0: Array, x: Array, which: Array, tol: float) -> tuple[Array, int]:
    """Σ over pieces of the path of (x − x⁰) ∫ ∂y/∂x ds, (n, d), and how many gradients that took.

    Of every piece it is known what its parts must add up to: the change of y along it.
    """
    way = x - x0
    row, middle, width = np.arange(len(x)), np.full(len(x), 0.5), np.ones(len(x))
    parts, points = np.zeros(x.shape), len(x) * len(NODES)
    whole = _piece(network, x0, way, which, row, middle, width)
    allowed = tol / 32 * np.maximum(np.abs(whole).sum(axis=1), 1e-300)
    while len(row):
        halves = [_piece(network, x0, way, which, row, middle + side * width / 4, width / 2) for side in (-1, 1)]
        points += 2 * len(row) * len(NODES)
        finer = halves[0] + halves[1]
        ends = [
            network.forward(x0 + (middle + side * width / 2)[:, None] * way[row])[0][np.arange(len(row)), which[row]]
            for side in (-1, 1)
        ]
        missed = np.maximum(np.abs(finer - whole).max(axis=1), np.abs(finer.sum(axis=1) - (ends[1] - ends[0])))
        done = (missed <= allowed[row]) | (width < NARROWEST) | (points > MOST_POINTS)
        np.add.at(parts, row[done], finer[done])
        rest = ~done
        whole = np.concatenate([half[rest] for half in halves])
        middle = np.concatenate([middle[rest] + side * width[rest] / 4 for side in (-1, 1)])
        row, width = np.tile(row[rest], 2), np.tile(width[rest] / 2, 2)
    return parts, points


def _piece(network: Network, x0: Array, way: Array, which: Array, row: Array, middle: Array, width: Array) -> Array:
    """(x − x⁰) ∫ ∂y/∂x ds over a piece of each path, by eight Gauss points, (pieces, d)."""
    found = np.zeros((len(row), way.shape[1]))
    size = CHUNK // len(NODES)
    for first in range(0, len(row), size):
        part = slice(first, first + size)
        s = middle[part, None] + width[part, None] * NODES  # (pieces, nodes)
        x = x0 + s[:, :, None] * way[row[part], None, :]
        gradient = _gradient(network, x.reshape(-1, way.shape[1]), np.repeat(which[row[part]], len(NODES)))
        mean = (WEIGHTS[:, None] * gradient.reshape(x.shape)).sum(axis=1)
        found[part] = width[part, None] * mean * way[row[part]]
    return found


def _gradient(network: Network, x: Array, which: Array) -> Array:
    """∂y/∂x of one output for each row, (n, d)."""
    y, trace = network.forward(x)
    dy = np.zeros_like(y)
    dy[np.arange(len(y)), which] = 1
    dx = network.backward(trace, dy)[0].dx
    assert dx is not None
    return dx


def _baseline(subject: Subject, x: Array, baseline: Any) -> tuple[Array, str]:
    if baseline is not None:
        given = subject.prepare(baseline)
        return given.mean(axis=0), "the row given" if len(given) == 1 else f"the mean of the {len(given)} rows given"
    if len(x) > 1:
        return x.mean(axis=0), f"the mean of these {len(x)} rows"
    zeros = np.zeros(x.shape[1])
    if subject.is_table:
        return zeros, "the mean of training in every number, and none of the known values of a category"
    return zeros, "the origin x = 0, since one row came and no other to compare it with: baseline= takes rows"


def _outputs(subject: Subject, y: Array, output: str | int | None) -> Array:
    """Which output to explain, (n,)."""
    names = subject.output_names
    if output is None:
        by_class = len(subject.class_names) == len(names) > 1
        return y.argmax(axis=1) if by_class else np.zeros(len(y), int)
    if isinstance(output, int) and not isinstance(output, bool):
        if not 0 <= output < len(names):
            raise InputError(f"output is {output}, but the network has {len(names)} outputs, counted from 0.")
        return np.full(len(y), output)
    if output not in names:
        raise unknown_name("output", output, names)
    return np.full(len(y), names.index(output))


def shown(cell: Any) -> str:
    """A cell on a page."""
    return "missing" if cell is None else number(cell, 6)


def _bar(value: float, values: Array, width: int = 12) -> str:
    largest = float(np.abs(values).max())
    length = round(width * abs(value) / largest) if largest > 0 else 0
    return ("+" if value > 0 else "−") * length
