"""A derivation as a page: forward, then backward, each gradient beside its central differences."""

from collections.abc import Iterator, Sequence
from inspect import getdoc
from typing import Any

import numpy as np

from glassnet.explanation.central import Measured
from glassnet.explanation.derivation import Derivation, LayerDerivation
from glassnet.explanation.page import Block, Formula, Heading, Matrix, Table, Text, Verdict, noted, number
from glassnet.explanation.paths import Term, WeightPaths
from glassnet.nn.elementary import Array

FEW_TERMS = 12  # paths that are written out
FEW_NUMBERS = 60  # of a gradient whose central differences are shown, not only compared
FEW_ROWS = 5  # of a minibatch whose cells are shown


def derivation_page(d: Derivation) -> Sequence[Block]:
    """From top to bottom."""
    n = len(d.x)
    return [
        Heading("One row, forward and backward" if n == 1 else f"{n} rows, forward and backward"),
        Formula("\n".join(_formulas(d))),
        *noted(d.subject.note),
        Text("Conventions: " + "; ".join(d.conventions()) + "."),
        *_row(d),
        *_forward(d),
        *_backward(d),
        *([] if d.paths is None else weight_blocks(d.paths)),
        *_verdicts(d),
    ]


def formula_of(thing: Any) -> str:
    """The first line of an activation's or loss's docstring, which is its formula; its name where it has none."""
    known = type(thing).__module__.startswith("glassnet.nn.") and thing.name != "custom"
    doc = getdoc(type(thing)) if known else None
    return doc.split("\n")[0] if doc else f"{thing.name}, your own function"


def _formulas(d: Derivation) -> Iterator[str]:
    below = "x"
    for layer in d.layers[:-1]:
        letters = layer.letters
        inner = f"{below} {letters.w}" + (f" + {letters.b}" if layer.b is not None else "")
        yield f"{letters.z} = {inner},  {letters.h} = f({letters.z}):  {formula_of(layer.f)}"
        below = letters.h
    yield f"y = {below} v" + (" + c" if d.layers[-1].b is not None else "") + (" + x u" if d.u is not None else "")
    yield f"{d.subject.loss.name}:  {formula_of(d.subject.loss)}"


def row_names(d: Derivation) -> list[str] | None:
    """Labels of the rows, where there are several."""
    return [f"row {i}" for i in range(len(d.x))] if len(d.x) > 1 else None


def _row(d: Derivation) -> Iterator[Block]:
    """The cells of the rows in their own units, each column leading to its features."""
    if not d.subject.is_table:
        return
    yield Heading("The row" if len(d.x) == 1 else f"The first {min(FEW_ROWS, len(d.x))} rows")
    for i, x in enumerate(d.x[:FEW_ROWS]):
        yield Table(
            ("column", "cell", "prepared x"),
            [
                [
                    column.name,
                    "missing" if d.cells[column.name][i] is None else number(d.cells[column.name][i], 6),
                    ", ".join(f"{d.subject.feature_names[j]} = {number(x[j])}" for j in column.features),
                ]
                for column in d.subject.columns
                if column.features
            ],
            note=f"row {i}" if len(d.x) > 1 else "",
        )


def _forward(d: Derivation) -> Iterator[Block]:
    rows, outputs = row_names(d), d.subject.output_names
    yield Heading("Forward")
    yield Matrix("x", d.x, rows, d.subject.feature_names)
    for layer in d.layers[:-1]:
        letters = layer.letters
        yield from _parameters(layer)
        yield Matrix(letters.z, layer.z, rows, layer.units)
        yield Matrix(letters.h, layer.h, rows, layer.units, f"f({letters.z})")
    yield from _parameters(d.layers[-1])
    if d.u is not None:
        yield Matrix("u", d.u, d.subject.feature_names, outputs)
    yield Matrix("y", d.y, rows, outputs)
    yield Matrix("p", d.p, rows, outputs, _said(d))
    yield Matrix("t", d.t, rows, outputs[: d.t.shape[1]], "the target")
    yield Formula(f"L = {number(d.loss, 6)}")


def _said(d: Derivation) -> str:
    """What the model says, where it has words or units of its own."""
    if d.subject.model is None or len(d.x) > 1:
        return ""
    (said,) = d.subject.decode(d.p)
    shown = ", ".join(number(cell, 6) for cell in said) if isinstance(said, list) else number(said, 6)
    return f"prediction{' of this network' if d.subject.note else ''}: {shown}"


def _parameters(layer: LayerDerivation) -> Iterator[Block]:
    yield Matrix(layer.letters.w, layer.w, layer.inputs, layer.units)
    if layer.b is not None:
        yield Matrix(layer.letters.b, layer.b, None, layer.units)


def _backward(d: Derivation) -> Iterator[Block]:
    rows, outputs = row_names(d), d.subject.output_names
    yield Heading("Backward")
    yield from _gradient(d, "dL/dy", "", d.dy, d.layers[-1].measured["dh"], rows, outputs)
    for i in range(len(d.layers) - 1, -1, -1):
        layer, letters, last = d.layers[i], d.layers[i].letters, i == len(d.layers) - 1
        below = "x" if i == 0 else d.layers[i - 1].letters.h
        if not last:
            above = d.layers[i + 1].letters
            dz_above = "y" if i == len(d.layers) - 2 else above.z
            how = f"dL/d{dz_above} {above.w}ᵀ"
            yield from _gradient(d, f"dL/d{letters.h}", how, layer.dh, layer.measured["dh"], rows, layer.units)
            how = f"dL/d{letters.h} ⊙ f′({letters.z})"
            yield from _gradient(d, f"dL/d{letters.z}", how, layer.dz, layer.measured["dz"], rows, layer.units)
        how = f"{below}ᵀ dL/d{letters.z}"
        yield from _gradient(d, f"dL/d{letters.w}", how, layer.dw, layer.measured["dw"], layer.inputs, layer.units)
        if layer.db is not None:
            how = f"column sums of dL/d{letters.z}" if rows else f"dL/d{letters.z}"
            yield from _gradient(d, f"dL/d{letters.b}", how, layer.db, layer.measured["db"], None, layer.units)
        if last and d.du is not None:
            names = d.subject.feature_names
            yield from _gradient(d, "dL/du", "xᵀ dL/dy", d.du, d.measured["du"], names, outputs)
    first = d.layers[0].letters
    how = f"dL/d{first.z} {first.w}ᵀ" + (" + dL/dy uᵀ" if d.du is not None else "")
    yield from _gradient(d, "dL/dx", how, d.dx, d.measured["dx"], rows, d.subject.feature_names)


def _gradient(
    d: Derivation,
    name: str,
    how: str,
    exact: Array,
    measured: Measured,
    rows: Sequence[str] | None,
    columns: Sequence[str],
) -> Iterator[Block]:
    yield Matrix(name, exact, rows, columns, f"= {how}" if how else "")
    distance = measured.distance(exact)
    notes = [] if distance is None else [f"relative difference {distance:.1e}"]
    if kinks := int(measured.kinks.sum()):
        notes.append(f"{kinks} at a kink, where there is no derivative and the two may differ")
    if left := int(np.isnan(measured.values).sum()):
        notes.append(f"{measured.values.size - left} of {measured.values.size} checked")
    if exact.size > FEW_NUMBERS:  # twice as many would hide what they confirm
        yield Formula(f"central differences: {'; '.join(notes)}")
    else:
        yield Matrix("central differences", measured.values, rows, columns, "; ".join(notes))


def weight_blocks(paths: WeightPaths) -> Iterator[Block]:
    """One weight in scalars, term by term; of many terms the largest."""
    yield Heading(f"dL/d{paths.name}, in scalars")
    yield Text(
        f"{paths.name} = {number(paths.at, 6)}. Every path from it to the loss gives the product of its factors"
        + (", and the paths add up." if len(paths.terms) > 1 else ".")
    )
    several = len({term.row for term in paths.terms}) > 1
    largest: list[Term] = sorted(paths.terms, key=lambda term: -abs(term.value))[:FEW_TERMS]
    lines = []
    for term in largest:
        where = f"row {term.row}: " if several else ""
        lines.append(where + " · ".join(name for name, _ in term.factors))
        lines.append("  = " + " · ".join(number(value) for _, value in term.factors) + f" = {number(term.value, 6)}")
    if rest := len(paths.terms) - len(largest):
        lines.append(f"{rest} more terms, together {number(paths.total - sum(t.value for t in largest), 6)}")
    yield Formula("\n".join(lines))
    measured = "no derivative, for it is at a kink" if paths.measured is None else number(paths.measured, 6)
    yield Table(
        ("dL/dw", "value"),
        [
            ["sum of the terms", number(paths.total, 6)],
            ["backward", number(paths.gradient, 6)],
            ["central difference", measured],
        ],
    )


def _verdicts(d: Derivation) -> Iterator[Block]:
    denied = [name for name, _, measured in d.gradients() if not measured.confirmed]
    known = {name: distance for name, distance in d.differences.items() if distance is not None}
    if denied:
        yield Verdict("bad", f"Central differences do not confirm {', '.join(denied)}.")
    elif known:
        worst = max(known, key=lambda name: known[name])
        text = f"Central differences confirm every gradient: the farthest is {worst}, by {known[worst]:.1e} of itself"
        rounded = "; the numbers shown are float32, which the differences, in float64, are not"
        yield Verdict("good", text + (rounded if d.x.dtype == np.float32 else "") + ".")
    if d.kinks:
        yield Verdict(
            "note",
            f"{d.kinks} numbers sit so near a kink that the smallest step crosses it: there the loss has no "
            f"derivative, backward follows the convention, and they are left out of the comparison.",
        )
