"""Central differences of the loss, by every number on its way: what confirms a derivation.

(L(a + ε) − L(a − ε)) / 2ε is measured in float64 for several ε, each in proportion to the number a, and the one is
taken that agrees best with the next smaller. Nothing of the derivation enters: from the changed number on, the network
is run forward again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from glassnet.nn import Loss, Network
from glassnet.nn.activations import Activation
from glassnet.nn.elementary import Array

STEPS = (1e-3, 1e-4, 1e-5, 1e-6)  # ε for numbers about 1
EPS = float(np.finfo(np.float64).eps)
NOISE = 1e-12  # a gradient that is shorter is 0 to rounding
TOLERANCE = 1e-6  # of a gradient
BUDGET = 2e8  # multiplications for one array; of larger ones a part is checked
FEWEST, SMALL, SHOWN = 8, 64, 12  # elements always checked; arrays checked whole; rows and columns of a page
CHUNK = 2_000_000  # numbers in memory at once
KINKED_LOSSES = ("absolute_error", "quantile")  # at y = t


@dataclass(frozen=True, eq=False)
class Measured:
    """Central differences of one array.

    Attributes:
        values: Of its shape; NaN where an element was not checked.
        kinks: Whether ±ε crossed a kink, at which there is no derivative, however small ε was.
        errors: How far the central differences of two ε were apart, and rounding: what they can tell at best.
        backward: The gradient that backward computes in float64.
    """

    values: Array
    kinks: Array
    errors: Array
    backward: Array

    @property
    def checked(self) -> Array:
        """Which elements can be compared."""
        return np.isfinite(self.values) & ~self.kinks

    def distance(self, gradient: Array) -> float | None:
        """‖gradient − measured‖ / ‖gradient‖ over what can be compared; None where that is nothing, or 0 to rounding.

        Args:
            gradient: Of the same shape, in any precision.
        """
        a, b = gradient[self.checked].astype(np.float64), self.values[self.checked]
        size = max(_norm(a), _norm(b))
        return _norm(a - b) / size if size > NOISE else None

    @property
    def confirmed(self) -> bool:
        """Whether backward, in float64, agrees as well as central differences can tell."""
        a, b = self.backward[self.checked], self.values[self.checked]
        return _norm(a - b) <= TOLERANCE * _norm(a) + 10 * _norm(self.errors[self.checked]) + NOISE


def _norm(a: Array) -> float:
    return float(np.linalg.norm(a))


def has_kink(f: Activation) -> bool:
    """Whether f bends or jumps at 0.

    >>> from glassnet.nn.activations import get_activation
    >>> [name for name in ("tanh", "relu", "elu", "step") if has_kink(get_activation(name))]
    ['relu', 'step']
    """
    z = np.array([-1e-9, 1e-9])
    h = f(z)
    slopes = f.derivative(z, h)
    return bool(abs(slopes[1] - slopes[0]) > 1e-6 or abs(h[1] - h[0]) > 1e-6)


# P numbers moved: z of the layer that they enter (P, r, m), of which rows (P, r), and the x (P, d) that a skip path
# sees where it is x that moved.
Moved = tuple[Array, Array, Array | None]


class CentralDifferences:
    """Measures a network in float64 on rows x (n, d) with targets t (n, k).

    >>> from glassnet.nn import SquaredError
    >>> network = Network.create([1, 1], bias=False)
    >>> network.layers[0].w[...] = 3
    >>> differences = CentralDifferences(network, SquaredError(), np.array([[2.0]]), np.array([[1.0]]))
    >>> differences.w(0).values.round(6)  # (2w − 1)²/2 has the slope 2(2w − 1)
    array([[10.]])
    """

    def __init__(self, network: Network, loss: Loss, x: Array, t: Array) -> None:
        self.network, self.loss = network.astype(np.float64), loss
        self.x, self.t = x.astype(np.float64), t.astype(np.float64)
        y, self.trace = self.network.forward(self.x)
        self.gradients = self.network.backward(self.trace, loss.derivative(y, self.t))
        self.kinked = [has_kink(layer.f) for layer in self.network.layers]

    def y(self) -> Measured:
        """By y, (n, k)."""
        return self.z(len(self.network.layers) - 1)

    def z(self, layer: int) -> Measured:
        """By z of a layer, (n, m); of the last one by y."""
        z, dz = self.trace[layer].z, self.gradients[layer].dz

        def moved(places: Array, steps: Array) -> Moved:
            i, j = np.unravel_index(places, z.shape)
            new = z[i][:, None, :].copy()
            new[np.arange(len(i)), 0, j] += steps
            return new, i[:, None], None

        return self._measure(z, dz, layer, 1, moved)

    def h(self, layer: int) -> Measured:
        """By h of a hidden layer, (n, m)."""
        return self._inputs(self.trace[layer].h, self.gradients[layer + 1].dx, layer + 1)

    def inputs(self) -> Measured:
        """By x, (n, d), the skip path included."""
        return self._inputs(self.x, self.gradients[0].dx, 0)

    def _inputs(self, h: Array, dh: Array | None, layer: int) -> Measured:
        into, skip, last = self.network.layers[layer], self.network.skip, len(self.network.layers) - 1

        def moved(places: Array, steps: Array) -> Moved:
            i, j = np.unravel_index(places, h.shape)
            new = h[i]
            new[np.arange(len(i)), j] += steps
            z, x = into.forward(new).z, new if layer == 0 else self.x[i]
            if skip is not None and layer == last:
                z = z + x @ skip
            return z[:, None, :], i[:, None], x

        return self._measure(h, dh, layer, 1, moved)

    def w(self, layer: int) -> Measured:
        """By the weights of a layer, (d, m)."""
        return self._weights(self.network.layers[layer].w, self.gradients[layer].dw, self.trace[layer].x, layer)

    def parameter(self, layer: int, i: int | str, j: int) -> float | None:
        """By one parameter alone, row i of w or "b", column j; None at a kink.

        >>> from glassnet.nn import SquaredError
        >>> network = Network.create([1, 1], bias=False)
        >>> network.layers[0].w[...] = 3
        >>> differences = CentralDifferences(network, SquaredError(), np.array([[2.0]]), np.array([[1.0]]))
        >>> round(differences.parameter(0, 0, 0), 6)
        10.0
        """
        into, step, gradient = self.network.layers[layer], self.trace[layer], self.gradients[layer]
        if i == "b":
            assert into.b is not None
            assert gradient.db is not None
            found = self._weights(
                into.b[None, :], gradient.db[None, :], np.ones((len(self.x), 1)), layer, np.array([j])
            )
            place = (0, j)
        else:
            place = (int(i), j)
            only = np.array([np.ravel_multi_index(place, into.w.shape)])
            found = self._weights(into.w, gradient.dw, step.x, layer, only)
        return float(found.values[place]) if found.checked[place] else None

    def b(self, layer: int) -> Measured | None:
        """By the biases of a layer, (m,); None where it has none."""
        b, db = self.network.layers[layer].b, self.gradients[layer].db
        if b is None or db is None:
            return None
        row = self._weights(b[None, :], db[None, :], np.ones((len(self.x), 1)), layer)
        return Measured(row.values[0], row.kinks[0], row.errors[0], db)

    def u(self) -> Measured | None:
        """By the skip path, (d, k); None where there is none."""
        u, du = self.network.skip, self.gradients[-1].du
        return None if u is None or du is None else self._weights(u, du, self.x, len(self.network.layers) - 1)

    def _weights(self, w: Array, dw: Array, x: Array, layer: int, only: Array | None = None) -> Measured:
        z, n = self.trace[layer].z, len(self.x)

        def moved(places: Array, steps: Array) -> Moved:
            i, j = np.unravel_index(places, w.shape)
            new = np.repeat(z[None], len(i), axis=0)  # (P, n, m)
            new[np.arange(len(i)), :, j] += steps[:, None] * x.T[i]
            return new, np.broadcast_to(np.arange(n), (len(i), n)), None

        reach = np.maximum(np.abs(x).max(axis=0), 1)[:, None]  # a large input moves z far
        return self._measure(w, dw, layer, n, moved, np.broadcast_to(reach, w.shape), only)

    @np.errstate(over="ignore", invalid="ignore")  # where a step leads out of the numbers, another one is taken
    def _measure(
        self,
        a: Array,
        da: Array | None,
        layer: int,
        rows: int,
        moved: Callable[[Array, Array], Moved],
        reach: Array | None = None,
        only: Array | None = None,
    ) -> Measured:
        assert da is not None
        scale = np.maximum(np.abs(a), 1) / (1 if reach is None else reach)
        shapes = [into.w.shape for into in self.network.layers]
        cost = rows * sum(d * m + 100 * m for d, m in shapes[layer:]) * 2 * len(STEPS)
        places = only
        if places is None:
            places = _chosen(a.shape, max(int(BUDGET / cost), SMALL if a.size <= SMALL else FEWEST))
        size = max(int(CHUNK / (rows * max(m for _, m in shapes[layer:]))), 1)
        values, errors, kinks = np.full(a.size, np.nan), np.full(a.size, np.nan), np.zeros(a.size, bool)
        for start in range(0, len(places), size):
            part = places[start : start + size]
            slopes, rounding, crossed = [], [], []
            for step in STEPS:
                steps = step * scale.ravel()[part]
                above, signs_above = self._losses(layer, *moved(part, steps))
                below, signs_below = self._losses(layer, *moved(part, -steps))
                slopes.append((above - below).sum(axis=1) / (2 * steps * len(self.x)))
                # A unit that is all but flat moves the loss by less than a float tells, and every small ε gives 0.
                rounding.append(EPS * np.maximum(np.abs(above).mean(axis=1), 1) / steps)
                crossed.append(_differ(signs_above, signs_below, len(part)))
            values[part], errors[part], kinks[part] = _best(np.array(slopes), np.array(rounding), np.array(crossed))
        return Measured(values.reshape(a.shape), kinks.reshape(a.shape), errors.reshape(a.shape), da)

    def _losses(self, layer: int, z: Array, rows: Array, x: Array | None) -> tuple[Array, list[Array]]:
        """ℓ of rows (P, r) whose z of a layer is given, (P, r); on which side of its kinks every number lies."""
        shape, layers = z.shape[:2], self.network.layers
        z, places, signs = z.reshape(-1, z.shape[2]), rows.ravel(), []
        for i in range(layer, len(layers) - 1):
            if self.kinked[i]:
                signs.append(z > 0)
            z = layers[i + 1].forward(layers[i].f(z)).z
        if self.network.skip is not None and layer < len(layers) - 1:
            z = z + (self.x[places] if x is None else x) @ self.network.skip
        t = self.t[places]
        if self.loss.name in KINKED_LOSSES:
            signs.append(z > t)
        return self.loss.rows(z, t).reshape(shape), signs


def _chosen(shape: tuple[int, ...], most: int) -> Array:
    """Places in a flattened array, at most so many: the corner that a page shows, and others evenly spread."""
    size = int(np.prod(shape))
    if size <= most:
        return np.arange(size)
    corner = np.arange(size).reshape(shape)[:SHOWN, :SHOWN].ravel()[:most]
    return np.union1d(corner, np.linspace(0, size - 1, max(most - len(corner), 0)).astype(int))


def _differ(above: list[Array], below: list[Array], n: int) -> Array:
    """Which of n moved numbers lie on another side of a kink with +ε than with −ε."""
    crossed = np.zeros(n, bool)
    for a, b in zip(above, below, strict=True):
        crossed |= (a != b).reshape(n, -1).any(axis=1)
    return crossed


def _best(slopes: Array, rounding: Array, crossed: Array) -> tuple[Array, Array, Array]:
    """Of each column the slope that agrees best with that of the next smaller ε; how well; whether all met a kink."""
    apart = np.abs(np.diff(slopes, axis=0)) + rounding[:-1]
    usable = np.where(np.isfinite(apart) & ~crossed[:-1], apart, np.inf)
    best = usable.argmin(axis=0)
    error = usable.min(axis=0)
    none = ~np.isfinite(error)
    best[none], error[none] = len(STEPS) - 1, apart[-1, none]
    return slopes[best, np.arange(slopes.shape[1])], error, crossed[-1]
