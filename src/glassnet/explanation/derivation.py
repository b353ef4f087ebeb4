"""Rows worked through as on paper: every number of one forward and one backward pass, each gradient confirmed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np

from glassnet.errors import InputError, ShapeError
from glassnet.explanation.central import CentralDifferences, Measured, has_kink
from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Explanation, plain
from glassnet.explanation.paths import WeightPaths, check_weight, terms_of, weight_name
from glassnet.explanation.subject import Letters, Subject, as_table
from glassnet.nn import Loss
from glassnet.nn.activations import Activation
from glassnet.nn.elementary import Array
from glassnet.nn.network import LayerTrace

MOST_ROWS = 1000  # of a minibatch that is worked through


@dataclass(frozen=True, eq=False, repr=False)
class LayerDerivation:
    """The numbers of one layer, in the algebra's letters; of the last one z, h are y and dz, dh are dy.

    Attributes:
        letters: What the page calls them.
        inputs: Names of what the layer sees.
        units: Names of its units.
        f: Its activation; the last one's is the identity.
        w, b: (d, m); (m,) or None.
        z, h: xw + b and f(z), (n, m). Where there is a skip path, the last z holds xu too.
        dh, dz: ∂L/∂h and ∂L/∂z, (n, m).
        dw, db: ∂L/∂w (d, m), ∂L/∂b (m,) or None.
        measured: Central differences by name: "dh", "dz", "dw", "db".
    """

    letters: Letters
    inputs: tuple[str, ...]
    units: tuple[str, ...]
    f: Activation
    w: Array
    b: Array | None
    z: Array
    h: Array
    dh: Array
    dz: Array
    dw: Array
    db: Array | None
    measured: dict[str, Measured]


def _of_each_layer(name: str) -> property:
    """A list with this quantity of every layer, the output layer included."""
    return property(lambda self: [getattr(layer, name) for layer in self.layers])


@dataclass(frozen=True, eq=False, repr=False)
class Derivation(Explanation):
    """What `derive` found; `print` shows it as a page, `to_latex` as formulas, `to_excel` as a living sheet.

    L is the mean over rows of ℓ, which is a sum over outputs, without penalties on weights.

    Attributes:
        subject: The network with its names.
        cells: The rows in the user's own units, by column; of a model of arrays the features.
        x, t: Prepared features (n, d), targets (n, k).
        y, p: Scores and predictions, (n, k).
        loss: L.
        dy, dx: ∂L/∂y (n, k), ∂L/∂x (n, d).
        layers: First layer first, the output layer included.
        u, du: The skip path and ∂L/∂u, (d, k), or None.
        measured: Central differences by name: "dx", "du".
        paths: The one weight that was asked for, in scalars; or None.
        z, h, dz, dh, dw, db: Lists with those of each layer, the output layer's last: its z and h are y.
    """

    subject: Subject
    cells: dict[str, list[Any]]
    x: Array
    t: Array
    y: Array
    p: Array
    loss: float
    dy: Array
    dx: Array
    layers: tuple[LayerDerivation, ...]
    u: Array | None
    du: Array | None
    measured: dict[str, Measured]
    paths: WeightPaths | None = None

    z, h, dz, dh = (_of_each_layer(name) for name in ("z", "h", "dz", "dh"))
    dw, db = _of_each_layer("dw"), _of_each_layer("db")

    def gradients(self) -> list[tuple[str, Array, Measured]]:
        """Every gradient with its name and central differences, in the order in which backward meets them."""
        found: list[tuple[str, Array, Measured]] = []
        for layer in reversed(self.layers):
            for name, letter in (("dh", "h"), ("dz", "z"), ("dw", "w"), ("db", "b")):
                exact = getattr(layer, name)
                if exact is None or (layer is self.layers[-1] and name == "dz"):  # which is dy, as dh
                    continue
                found.append((f"dL/d{getattr(layer.letters, letter)}", exact, layer.measured[name]))
            if layer is self.layers[-1] and self.du is not None:
                found.append(("dL/du", self.du, self.measured["du"]))
        return [*found, ("dL/dx", self.dx, self.measured["dx"])]

    @property
    def differences(self) -> dict[str, float | None]:
        """‖gradient − central difference‖ / ‖gradient‖ of every gradient; None where it is 0, or nothing comparable.

        Elements at a kink, which have no derivative, are left out.
        """
        return {name: measured.distance(exact) for name, exact, measured in self.gradients()}

    @property
    def kinks(self) -> int:
        """How many elements sit on a kink, so that central differences confirm nothing."""
        return sum(int(measured.kinks.sum()) for _, _, measured in self.gradients())

    @property
    def confirmed(self) -> bool:
        """Whether backward, in float64, agrees with central differences wherever there is a derivative."""
        return bool(np.isfinite(self.loss)) and all(measured.confirmed for _, _, measured in self.gradients())

    def conventions(self) -> list[str]:
        """What must be known to come to the same numbers."""
        n = len(self.x)
        told = [
            f"L is the mean over the {n} rows of ℓ, and ℓ a sum over outputs"
            if n > 1
            else "L is ℓ of this row (of several rows it would be the mean), and ℓ a sum over outputs",
            "of the last layer z and h are both y, which is linear",
        ]
        if alpha := float(getattr(self.subject.model, "alpha", 0) or 0):
            shrinks = f"alpha={alpha:g} shrinks the weights beside L"  # by AdamW
            told.append(shrinks if self.subject.is_table else f"the penalty on weights, alpha={alpha:g}, is not in L")
        slopes = {layer.f.name: _slope_at_0(layer.f) for layer in self.layers if has_kink(layer.f)}
        if slopes:
            told.append(
                "at a kink f′(0) is a convention: " + ", ".join(f"{at:g} of {name}" for name, at in slopes.items())
            )
        return told

    def to_dict(self) -> dict[str, Any]:
        """x, y, p, dy, loss and the like once; z, h, dz, dh, dw, db, … as lists with one entry for each layer.

        The output layer is included: its z and h are y, its dz and dh are dy. A bias that is not there is None.
        "central_differences" has the same keys, and None in arrays where an element was not checked.
        """
        subject, names = self.subject, ("dz", "dh", "dw", "db")
        measured: dict[str, Any] = {
            name: [layer.measured[name].values if name in layer.measured else None for layer in self.layers]
            for name in names
        }
        measured |= {"dy": self.layers[-1].measured["dh"].values}
        measured |= {name: found.values for name, found in self.measured.items()}
        return plain(
            {
                "x": self.x,
                "t": self.t,
                "y": self.y,
                "p": self.p,
                "loss": self.loss,
                "dy": self.dy,
                "dx": self.dx,
                "u": self.u,
                "du": self.du,
                **{key: [getattr(layer, key) for layer in self.layers] for key in ("w", "b", "z", "h", *names)},
                "activations": [layer.f.name for layer in self.layers],
                "loss_name": subject.loss.name,
                "dtype": self.x.dtype.name,
                "features": subject.feature_names,
                "units": [layer.units for layer in self.layers],
                "cells": self.cells,
                "target": subject.target_name,
                "prediction": subject.decode(self.p),
                "central_differences": measured,
                "relative_differences": self.differences,
                "kinks": self.kinks,
                "confirmed": self.confirmed,
                "conventions": self.conventions(),
                "weight": None if self.paths is None else self.paths.to_dict(),
                "note": subject.note,
            }
        )

    def page(self) -> Sequence[Block]:
        """Forward, then backward, then the single weight."""
        from glassnet.explanation.derivation_page import derivation_page

        return derivation_page(self)

    def to_latex(self) -> str:
        """The same as formulas with their numbers, to be put into a document that loads amsmath."""
        from glassnet.explanation.latex import derivation_latex

        return derivation_latex(self)

    def to_excel(self, path: str | PathLike[str]) -> None:
        """Write a workbook (.xlsx) whose formulas live: change a weight, and every cell behind it follows."""
        from glassnet.explanation.spreadsheet import write_derivation

        write_derivation(self, path)

    def plot(self, ax: Any = None) -> Any:
        """Every gradient against its central difference: all points lie on the diagonal."""
        ax = axes(ax, figsize=(5, 5))
        ends: list[float] = [0.0]
        for name, exact, measured in self.gradients():
            a, b = exact[measured.checked], measured.values[measured.checked]
            ax.plot(a, b, "o", markersize=4, alpha=0.7, label=name)
            ends += [*a.tolist(), *b.tolist()]
        ax.axline((0, 0), slope=1, color="grey", linewidth=0.8, zorder=0)
        ax.set(xlabel="backward", ylabel="central difference", title="Each gradient, and what confirms it")
        ax.legend()
        return ax


def derive(
    model: Any,
    row: Any,
    target: Any = None,
    *,
    loss: str | Loss | None = None,
    weight: Sequence[Any] | None = None,
    dtype: Any = None,
) -> Derivation:
    """Work rows through: x, z = xw + b, h = f(z), y, p, L, then backward dL/dy, dL/dw and all others.

    Every number is the network's own. Beside each gradient stands a central difference, measured in float64.

    Args:
        model: A `glassnet.nn.Network` or a fitted `MLP*` or `Table*` estimator.
        row: One row, or the n rows of a minibatch: of a model of tables a dict of cells, a pandas Series or a table.
        target: The target of each row, in the user's own words; a model of tables finds it in the row where it is left
            out.
        loss: Another loss than the fitted one; of a bare network, None is the squared error.
        weight: (layer, i, j), counted from 0, also in scalars: the product of each path's factors. i is "b" for a bias;
            the layer after the last is the skip path.
        dtype: np.float64 works in that precision; None in the network's own.

    Raises:
        InputError: No target, or too many rows; ShapeError: a row or target of another shape.

    >>> from glassnet.nn import Network
    >>> network = Network.create([2, 3, 1], activation="tanh", seed=0)
    >>> derivation = derive(network, [1.0, 2.0], 0.5, weight=(0, 1, 2))
    >>> [dw.shape for dw in derivation.dw], derivation.confirmed
    ([(2, 3), (3, 1)], True)
    >>> print(" · ".join(name for name, _ in derivation.paths.terms[0].factors))
    dL/dy · v(h3 → y) · f′(z(h3)) · x2
    """
    subject = Subject.of(model, loss=loss, dtype=dtype)
    rows, x, t = rows_and_targets(subject, row, target)
    network, used = subject.network, subject.loss
    y, traces = subject.trace(x)
    dy = used.derivative(y, t).astype(y.dtype, copy=False)
    gradients = network.backward(traces, dy)
    last = len(network.layers) - 1
    asked = None if weight is None else check_weight(subject, weight)

    differences = CentralDifferences(network, used, x, t)
    layers = []
    for i, (layer, trace, gradient) in enumerate(zip(network.layers, traces, gradients, strict=True)):
        dh, dz = (dy if i == last else gradients[i + 1].dx), (dy if i == last else gradient.dz)
        assert dh is not None
        assert dz is not None
        measured = {"dz": differences.z(i), "dw": differences.w(i)}
        measured["dh"] = measured["dz"] if i == last else differences.h(i)
        if (by_b := differences.b(i)) is not None:
            measured["db"] = by_b
        letters = subject.letters(i)
        layers.append(
            LayerDerivation(
                letters=letters,
                inputs=subject.input_names(i),
                units=subject.unit_names(i),
                f=layer.f,
                w=layer.w.copy(),
                b=None if layer.b is None else layer.b.copy(),
                z=trace.z,
                h=trace.h,
                dh=dh,
                dz=dz,
                dw=gradient.dw,
                db=gradient.db,
                measured=measured,
            )
        )
    dx, du = gradients[0].dx, gradients[-1].du
    assert dx is not None
    measured = {"dx": differences.inputs()}
    if (by_u := differences.u()) is not None:
        measured["du"] = by_u
    derivation = Derivation(
        *(subject, subject.cells(rows), x, t, y, subject.predictions(y), used(y, t), dy, dx),
        *(tuple(layers), None if network.skip is None else network.skip.copy(), du, measured),
    )
    if asked is None:
        return derivation
    return replace(derivation, paths=_paths(derivation, asked, traces))


def _paths(derivation: Derivation, weight: tuple[int, int | str, int], traces: list[LayerTrace]) -> WeightPaths:
    """One weight in scalars."""
    subject, (layer, i, j) = derivation.subject, weight
    place: tuple[int, ...]
    if layer == len(derivation.layers):
        w, dw, measured, place = derivation.u, derivation.du, derivation.measured["du"], (int(i), j)
    else:
        found = derivation.layers[layer]
        letter, place = ("b", (j,)) if i == "b" else ("w", (int(i), j))
        w, dw, measured = getattr(found, letter), getattr(found, f"d{letter}"), found.measured[f"d{letter}"]
    assert w is not None
    assert dw is not None
    return WeightPaths(
        weight,
        weight_name(subject, weight),
        float(w[place]),
        float(dw[place]),
        terms_of(subject, weight, traces, derivation.dy, derivation.dz),
        float(measured.values[place]) if measured.checked[place] else None,
    )


def _slope_at_0(f: Activation) -> float:
    """f′(0), as backward takes it."""
    z = np.zeros(1)
    return float(f.derivative(z, f(z))[0])


def rows_and_targets(subject: Subject, row: Any, target: Any) -> tuple[Any, Array, Array]:
    """Rows as they came, x (n, d) and t (n, k), with what can be wrong about them told.

    Raises:
        InputError: No target; no row, or more than `MOST_ROWS`.
        ShapeError: Another number of targets than of rows.
    """
    rows = as_table(row) if subject.is_table else row
    if target is None:
        if not subject.is_table:
            raise InputError("The target is missing: a loss needs one for each row, derive(network, row, target).")
        if subject.target_name not in rows.names:
            raise InputError(
                f"The target is missing: give it beside the row, or in it, in the column {subject.target_name!r}."
            )
        target = rows[subject.target_name]
    x = subject.prepare(rows)
    if not 0 < len(x) <= MOST_ROWS:
        raise InputError(f"{len(x)} rows came, but a derivation works through 1 to {MOST_ROWS}: choose some.")
    t = subject.prepare_targets(target)
    if len(t) != len(x):
        raise ShapeError(f"{len(x)} rows came with {len(t)} targets, but each row needs one.")
    return rows, x, t
