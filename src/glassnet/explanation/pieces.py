"""Networks with given weights: hats and steps along a line, two hidden layers on a grid, and what rounding adds.

Along a line u with knots k₀ < … < k_N, one hidden layer:

    hats      y = f(k₀) + Σᵢ (sᵢ − sᵢ₋₁) relu(u − kᵢ)                sᵢ the slope from kᵢ to kᵢ₊₁: linear between knots
    steps     y = f(m₀) + Σᵢ (f(mᵢ) − f(mᵢ₋₁)) step(u − kᵢ)          mᵢ the middle of a piece: constant between knots
    sigmoids  the same with σ(aᵢ(u − kᵢ)) for the steps, aᵢ large

On a grid in two or three inputs, two hidden layers: steps pick the box that x is in; relu makes the interpolant that is
linear on the simplices of Kuhn's triangulation, from its cone splines relu(min(u − q)) (see `_Cones`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import log

import numpy as np

from glassnet.explanation.functions import Function
from glassnet.explanation.intervals import UNIT
from glassnet.explanation.measuring import scores
from glassnet.nn import Activation, Network, get_activation
from glassnet.nn.elementary import Array
from glassnet.nn.network import Layer

ROUNDED_ULPS = 8  # of an activation's own arithmetic


def assembled(*weights: tuple[Array, Array], activation: str) -> Network:
    """A network of these (w, b); the last pair is linear."""
    last = len(weights) - 1
    return Network(
        [
            Layer(np.ascontiguousarray(w), b, get_activation("identity" if i == last else activation))
            for i, (w, b) in enumerate(weights)
        ]
    )


@dataclass(frozen=True, eq=False)
class Line:
    """One hidden layer along u: z = au + b, and v, c. `misfit` bounds what rounding made of v and c; `tails` what the
    sigmoids differ from steps."""

    a: Array
    b: Array
    v: Array
    c: float
    misfit: float
    tails: float = 0.0


def hats(function: Function, knots: Array) -> Line:
    """The interpolant that is linear between knots."""
    values, room = function.nodes(knots[:, None])
    slopes = np.diff(values) / np.diff(knots)
    v = np.diff(slopes, prepend=0.0)
    kept = np.append(True, v[1:] != 0)  # no unit where nothing bends
    # What the stored v make of the values, piece by piece.
    made = np.cumsum(np.append(values[0], np.cumsum(v) * np.diff(knots)))
    misfit = _misfit(made, values, room, v, knots[-1] - knots[0])
    return Line(np.ones(kept.sum()), -knots[:-1][kept], v[kept], float(values[0]), misfit)


def steps(function: Function, knots: Array, activation: str, budget: float) -> Line:
    """What is constant between knots; of sigmoids, steep enough for tails of about `budget`."""
    middles = 0.5 * knots[:-1] + 0.5 * knots[1:]
    values, room = function.nodes(middles[:, None])
    v, inner = np.diff(values), knots[1:-1]
    misfit = _misfit(np.cumsum(np.append(values[0], v)), values, room, v, 1.0)
    line = Line(np.ones(len(inner)), -inner, v, float(values[0]), misfit)
    if activation == "step" or not len(inner):
        return line
    # Seen from the midst of a piece the next sigmoid is e^(−κ/2) from its step, and all others e^(−κ).
    size = np.abs(v)
    kappa = min(2 * log(max(3.0, float(size.sum()) / max(budget, 1e-300))), 80.0)
    steep = kappa / np.minimum(np.diff(knots)[:-1], np.diff(knots)[1:])
    tails = float(size.max() * np.exp(-kappa / 2) + size.sum() * np.exp(-kappa)) * (1 + 1e-12)
    return Line(steep, -steep * inner, v, line.c, line.misfit, tails)


def _misfit(made: Array, values: Array, room: Array, v: Array, length: float) -> float:
    """How far the stored weights are from f at its nodes: as summed up here, which is rounded itself, and f's room."""
    m = 3 * (len(v) + 3) * UNIT
    return float((np.abs(made - values) + room).max()) + m / (1 - m) * float(np.abs(v).sum() * length + abs(values[0]))


def side_by_side(lines: Sequence[Line], directions: Sequence[Array], constant: float, activation: str) -> Network:
    """Lines along directions (d,), added up: one hidden layer."""
    w = np.concatenate([np.outer(direction, line.a) for line, direction in zip(lines, directions, strict=True)], axis=1)
    b, v = np.concatenate([line.b for line in lines]), np.concatenate([line.v for line in lines])
    c = constant + sum(line.c for line in lines)
    if not len(b):  # a constant: a network has at least one unit
        w, b, v = np.zeros((len(directions[0]), 1)), np.zeros(1), np.zeros(1)
    return assembled((w, b), (v[:, None], np.array([c])), activation=activation)


def box_steps(function: Function, axes: Sequence[Array]) -> tuple[Network, float]:
    """Two hidden layers of steps: which side of each knot x is on, and which box it is in; then f in its middle."""
    d = len(axes)
    w1 = np.concatenate([np.outer(np.eye(d)[j], np.ones(len(knots) - 2)) for j, knots in enumerate(axes)], axis=1)
    b1 = np.concatenate([-knots[1:-1] for knots in axes])
    first = np.cumsum([0, *(len(knots) - 2 for knots in axes)])
    boxes = np.array(list(product(*(range(len(knots) - 1) for knots in axes))))  # (N, d)
    w2, b2, at = np.zeros((w1.shape[1], len(boxes))), np.full(len(boxes), 0.5 - d), np.arange(len(boxes))
    for j, knots in enumerate(axes):
        i, last = boxes[:, j], len(knots) - 2
        inside = i > 0  # past the knot below, which of the first box is the edge of the domain
        w2[first[j] + i[inside] - 1, at[inside]] += 1
        b2[~inside] += 1
        w2[first[j] + i[i < last], at[i < last]] -= 1  # and not past the one above
    middles = np.stack([(0.5 * knots[:-1] + 0.5 * knots[1:])[boxes[:, j]] for j, knots in enumerate(axes)], axis=1)
    values, room = function.nodes(middles)
    if not w1.shape[1]:  # one box: a network has at least one unit
        w1, b1, w2 = np.zeros((d, 1)), np.zeros(1), np.zeros((1, 1))
    network = assembled((w1, b1), (w2, b2), (values[:, None], np.zeros(1)), activation="step")
    return network, float(room.max())  # one unit is 1, all others 0: nothing else is rounded


def grid_hats(function: Function, axes: Sequence[Array]) -> tuple[Network, float]:
    """Two hidden layers of relu: the interpolant that is linear on the simplices of the grid."""
    values, room = function.nodes(_grid(axes))
    network = _Cones(axes, values.reshape([len(knots) for knots in axes])).network()
    return network, float((np.abs(scores(network, _grid(axes)) - values) + room).max())


def _grid(axes: Sequence[Array]) -> Array:
    """All nodes (n, d)."""
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


class _Cones:
    """Σ_q c_q relu(min(u − q)) on a grid, u = (x − lo)/h.

    A hat on Kuhn's triangulation is the box spline of e₁, …, e_d and e₁ + … + e_d, the difference in all these
    directions of its cone spline relu(min u). Nodal values are parted into a constant, functions of one input, of two,
    of three, each zero where one of its inputs is 0: a function that is zero there is a sum of cones with c its
    difference in all directions. A cone of one input is relu(u − q), of two relu((u₁ − q₁) − relu(u₁ − u₂ − q₁ + q₂)),
    of three, with a = u₁ − q₁ and m = min(u₂ − q₂, u₃ − q₃), relu(a) − relu(a − m) + relu(min(0, a) − m).
    """

    def __init__(self, axes: Sequence[Array], values: Array) -> None:
        self.d, self.values = len(axes), values
        self.lo, self.h = [knots[0] for knots in axes], [(k[-1] - k[0]) / (len(k) - 1) for k in axes]
        counts = [len(knots) - 1 for knots in axes]
        # Units of the first layer: (j, i) is relu(uⱼ − i), (j, k, i) is relu(uⱼ − uₖ − i).
        self.columns: dict[tuple[int, ...], int] = {}
        w: list[Array] = []
        b: list[float] = []
        for j in range(self.d):
            for i in range(counts[j]):
                self.columns[j, i] = len(w)
                w.append(np.eye(self.d)[j] / self.h[j])
                b.append(-self.lo[j] / self.h[j] - i)
        for j, k in combinations(range(self.d), 2):
            for i in range(1 - counts[k], counts[j]):
                self.columns[j, k, i] = len(w)
                w.append(np.eye(self.d)[j] / self.h[j] - np.eye(self.d)[k] / self.h[k])
                b.append(-self.lo[j] / self.h[j] + self.lo[k] / self.h[k] - i)
        self.w1, self.b1 = np.array(w).T, np.array(b)
        self.along = np.zeros(len(w))  # what passes the second layer as it is, a sum of relu(uⱼ − i)
        self.units: list[tuple[list[tuple[int, float]], float, float]] = []  # (first unit, weight) …, bias, v

    def network(self) -> Network:
        for size in range(1, self.d + 1):
            for inputs in combinations(range(self.d), size):
                self._add(inputs)
        w2 = np.zeros((len(self.b1), len(self.units) + 1))
        for column, (parts, _, _) in enumerate(self.units):
            for unit, weight in parts:
                w2[unit, column] += weight
        # The sum that passes must not be cut by relu: it is lifted above 0, and let down at the end.
        w2[:, -1] = self.along
        nodes = self.along[: sum(len(axis) - 1 for axis in map(range, self.values.shape))]
        lift = float(np.abs(nodes).sum() * 2 * max(self.values.shape)) + 1.0
        b2 = np.array([*(bias for _, bias, _ in self.units), lift])
        v = np.array([*(v for _, _, v in self.units), 1.0])
        c = float(self.values.flat[0]) - lift
        return assembled((self.w1, self.b1), (w2, b2), (v[:, None], np.array([c])), activation="relu")

    def _add(self, inputs: tuple[int, ...]) -> None:
        """The part of the values that these inputs make together."""
        part = self.values[tuple(slice(None) if j in inputs else 0 for j in range(self.d))]
        for axis in range(part.ndim):
            part = part - part.take([0], axis)
        c = part
        for direction in [*np.eye(part.ndim, dtype=int), np.ones(part.ndim, int)]:
            shifted = np.pad(c, [(step, 0) for step in direction])[tuple(slice(0, n) for n in c.shape)]
            c = c - shifted
        for node in product(*(range(1, n) for n in c.shape)):
            if c[node]:
                self._cone(inputs, [i - 1 for i in node], float(c[node]))

    def _cone(self, inputs: tuple[int, ...], q: list[int], c: float) -> None:
        """c relu(min(u − q)) of these inputs."""
        j = inputs[0]
        if len(inputs) == 1:
            self.along[self.columns[j, q[0]]] += c
            return
        if len(inputs) == 2:  # uⱼ = relu(uⱼ), for uⱼ ≥ 0
            parts = [(self.columns[j, 0], 1.0), (self.columns[j, inputs[1], q[0] - q[1]], -1.0)]
            self.units.append((parts, -float(q[0]), c))
            return
        k, m = inputs[1:]
        least = [(self.columns[k, 0], 1.0), (self.columns[k, m, q[1] - q[2]], -1.0)]  # min(u₂ − q₂, u₃ − q₃) + q₂
        less = [(unit, -weight) for unit, weight in least]
        self.along[self.columns[j, q[0]]] += c
        self.units.append(([(self.columns[j, 0], 1.0), *less], float(q[1] - q[0]), -c))
        # min(0, a) = a − relu(a)
        below = [(self.columns[j, 0], 1.0), (self.columns[j, q[0]], -1.0)]
        self.units.append(([*below, *less], float(q[1] - q[0]), c))


def rounding(network: Network, lo: Array, hi: Array) -> float:
    """How far y, computed in any order of its sums, may be from what the stored weights give in real numbers.

    A running bound from layer to layer: a sum of m products is off by at most γ_m Σ|x||w|, γ_m = mu/(1 − mu), and what
    came off before grows by |w|. x may be off by two units in its last place, as a knot may.
    """
    lo, hi = np.atleast_1d(np.asarray(lo, float)), np.atleast_1d(np.asarray(hi, float))
    off = 4 * UNIT * np.maximum(np.abs(lo), np.abs(hi))
    for layer in network.layers:
        up, down = np.maximum(layer.w, 0), np.minimum(layer.w, 0)
        b = np.zeros(layer.w.shape[1]) if layer.b is None else layer.b
        m = len(layer.w) + 2
        size = np.maximum(np.abs(lo), np.abs(hi)) @ np.abs(layer.w) + np.abs(b)
        off = off @ np.abs(layer.w) + m * UNIT / (1 - m * UNIT) * size
        lo, hi = lo @ up + hi @ down + b - off, hi @ up + lo @ down + b + off
        lo, hi, off = _through(layer.f, lo, hi, off)
    return float(off.max())


def _through(f: Activation, lo: Array, hi: Array, off: Array) -> tuple[Array, Array, Array]:
    """Bounds on h and on how far it is off, from those of z, of an increasing f."""
    if f.name == "identity":
        return lo, hi, off
    steepest = {"relu": 1.0, "tanh": 1.0, "logistic": 0.25}[f.name] if f.name != "step" else 0.0
    lo, hi = f(lo), f(hi)
    own = 0.0 if f.name in ("relu", "step") else 2 * ROUNDED_ULPS * UNIT
    return lo - own, hi + own, steepest * off + own
