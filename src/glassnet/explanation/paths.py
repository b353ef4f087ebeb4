"""The derivative by one weight in scalars: for each path from it to the loss the product of the path's factors."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.subject import Subject
from glassnet.nn.elementary import Array

MOST_TERMS = 10_000  # above, paths end at the layer above the weight, whose dL/dz is known
Factor = tuple[str, float]


@dataclass(frozen=True)
class Term:
    """One path's part: its factors, from the loss back to what the weight multiplies.

    Attributes:
        row: Of the minibatch, from 0.
        factors: Names and values.
    """

    row: int
    factors: tuple[Factor, ...]

    @property
    def value(self) -> float:
        """The product of the factors."""
        return prod(value for _, value in self.factors)


@dataclass(frozen=True)
class WeightPaths:
    """dL/dw of one weight, as a sum over paths (and rows).

    Attributes:
        weight: (layer, i, j), counted from 0; i is "b" for a bias; the layer after the last is the skip path u.
        name: "w(x1 → h2)".
        at: The weight itself.
        gradient: dL/dw as backward has it.
        terms: They sum to it.
        measured: The central difference; None at a kink.
    """

    weight: tuple[int, int | str, int]
    name: str
    at: float
    gradient: float
    terms: tuple[Term, ...]
    measured: float | None

    @property
    def total(self) -> float:
        """The sum of the terms."""
        return float(sum(term.value for term in self.terms))

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "weight": list(self.weight),
            "name": self.name,
            "value": self.at,
            "gradient": self.gradient,
            "central_difference": self.measured,
            "sum_of_terms": self.total,
            "terms": [
                {"row": term.row, "factors": [list(factor) for factor in term.factors], "value": term.value}
                for term in self.terms
            ],
        }


def check_weight(subject: Subject, weight: Any) -> tuple[int, int | str, int]:
    """(layer, i, j) that the network has.

    Raises:
        InputError: another form, or a number beyond the network's.
    """
    network = subject.network
    form = (
        f"weight is {weight!r}, but must be (layer, i, j), each counted from 0: layer 0 to {len(network.layers) - 1}, "
        f"i what it comes from ('b' for the bias), j the unit it leads to"
    )
    if network.skip is not None:
        form += f"; layer {len(network.layers)} is the skip path u"
    if not isinstance(weight, tuple | list) or len(weight) != 3:
        raise InputError(f"{form}.")
    layer, i, j = weight
    layers = len(network.layers) + (network.skip is not None)
    if not isinstance(layer, int | np.integer) or not 0 <= layer < layers:
        raise InputError(f"{form}.")
    skips = layer == len(network.layers)
    w, b = (network.skip, None) if skips else (network.layers[int(layer)].w, network.layers[int(layer)].b)
    assert w is not None
    fits = (i == "b" and b is not None) or (isinstance(i, int | np.integer) and 0 <= i < w.shape[0])
    if not fits or not isinstance(j, int | np.integer) or not 0 <= j < w.shape[1]:
        biased = " (and 'b')" if b is not None else ""
        d, m = w.shape
        raise InputError(f"{form}. Layer {layer} has i from 0 to {d - 1}{biased}, j from 0 to {m - 1}.")
    return int(layer), i if i == "b" else int(i), int(j)


def weight_name(subject: Subject, weight: tuple[int, int | str, int]) -> str:
    """ "w(x1 → h2)", or "b(h2)"."""
    layer, i, j = weight
    if layer == len(subject.network.layers):
        return f"u({subject.feature_names[int(i)]} → {subject.output_names[j]})"
    letters, unit = subject.letters(layer), subject.unit_names(layer)[j]
    return f"{letters.b}({unit})" if i == "b" else f"{letters.w}({subject.input_names(layer)[int(i)]} → {unit})"


def terms_of(
    subject: Subject, weight: tuple[int, int | str, int], traces: list[Any], dy: Array, dzs: list[Array]
) -> tuple[Term, ...]:
    """The terms of dL/dw: all paths, or where they are too many those up to dL/dz of the layer above.

    Args:
        subject: The network and its names.
        weight: As `check_weight` returns it.
        traces: Of the layers, with x, z and h.
        dy: ∂L/∂y (n, k).
        dzs: ∂L/∂z of each layer, (n, m).
    """
    layers, (layer, i, j) = subject.network.layers, weight
    last, n = len(layers) - 1, len(dy)
    if layer > last:
        name, output, seen = subject.feature_names[int(i)], subject.output_names[j], traces[0].x[:, int(i)]
        return tuple(Term(row, ((_by_output(output), float(dy[row, j])), (name, float(seen[row])))) for row in range(n))

    widths = [len(subject.unit_names(k)) for k in range(layer + 1, last + 1)]
    depth = max(k for k in range(len(widths) + 1) if k == 0 or n * prod(widths[:k]) <= MOST_TERMS)
    end = layer + depth  # where the paths end: at y, or where that makes too many of them, before
    slopes = [layers[k].f.derivative(traces[k].z, traces[k].h) for k in range(layer, end)]

    def factors(row: int, units: tuple[int, ...]) -> Iterator[Factor]:
        """From the end of the path, back through its unit in each layer."""
        top = subject.unit_names(end)[units[-1]]
        yield _by_output(top) if end == last else f"dL/dz({top})", float(dzs[end][row, units[-1]])
        for k in range(depth, 0, -1):
            below, above = units[k - 1], units[k]
            yield weight_name(subject, (layer + k, below, above)), float(layers[layer + k].w[below, above])
            yield f"f′(z({subject.unit_names(layer + k - 1)[below]}))", float(slopes[k - 1][row, below])
        yield ("1", 1.0) if i == "b" else (subject.input_names(layer)[int(i)], float(traces[layer].x[row, int(i)]))

    paths = list(product((j,), *map(range, widths[:depth])))
    return tuple(Term(row, tuple(factors(row, units))) for row in range(n) for units in paths)


def _by_output(name: str) -> str:
    return "dL/dy" if name == "y" else f"dL/dy({name})"
