"""How much of a feature one unit of the first layer can be, whatever its weights: it looks in one direction alone."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from glassnet.nn import Activation
from glassnet.nn.elementary import Array

KNOTS = 12  # of the piecewise linear function that stands for any function of a direction
RANDOM_DIRECTIONS = 64
STEPS = 120  # of the search for the best direction of one feature
LONGEST_SIDE = 12  # features whose pairs are looked along
SCALES = np.array([0.3, 0.6, 1.0, 1.5, 2.5, 4.0, 8.0])  # of z against the spread of a direction
QUANTILES = np.linspace(0.02, 0.98, 13)  # of a direction, where a unit may have its middle


class Ceiling(NamedTuple):
    """The greatest R² that was found, of any function of one direction, and of this activation; and where.

    Attributes:
        any_function: sup over w and φ of R²(φ(x w)), estimated.
        activation: sup over w and b of R²(f(x w + b)); what a search found, so that the truth may lie a little above.
        direction: The w of `any_function`, (d,).
    """

    any_function: float
    activation: float
    direction: Array


def along(x: Array, w: Array, g: Array) -> Array:
    """R² of each feature g (n, C) by the best function of x w: one that is linear between quantiles, adjusted.

    >>> x = np.random.default_rng(0).uniform(-1, 1, size=(2000, 2))
    >>> along(x, np.array([1.0, 0.0]), x[:, :1] ** 2).round(2).tolist()
    [1.0]
    """
    s = x @ w
    knots = np.unique(np.quantile(s, np.linspace(0, 1, KNOTS)))
    spread = ((g - g.mean(axis=0)) ** 2).sum(axis=0)
    if len(knots) < 2:
        return np.zeros(g.shape[1])
    place = np.clip(np.searchsorted(knots, s, side="right") - 1, 0, len(knots) - 2)
    share = np.clip((s - knots[place]) / np.diff(knots)[place], 0, 1)
    basis, rows = np.zeros((len(s), len(knots))), np.arange(len(s))
    basis[rows, place] = 1 - share
    basis[rows, place + 1] += share
    q = np.linalg.qr(basis)[0]
    left = ((g - q @ (q.T @ g)) ** 2).sum(axis=0) / spread
    return 1 - left * (len(s) - 1) / max(len(s) - len(knots), 1)


def ceilings(
    x: Array, g: Array, f: Activation, bias: bool, directions: Array, rng: np.random.Generator
) -> list[Ceiling]:
    """The ceiling of each feature g (n, C).

    Args:
        x: What the first layer sees, (n, d).
        g: The features, (n, C).
        f: The activation of the first layer.
        bias: Whether its units have a bias.
        directions: Where to look first, (m, d), beside the axes, their pairs and random ones.
        rng: Of the random ones and of the search.
    """
    scale = x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    z = x / scale
    starts = np.stack([w / np.linalg.norm(w) for w in _directions(directions * scale, rng) if np.linalg.norm(w) > 0])
    first = np.stack([along(z, w, g) for w in starts])  # (directions, C)
    found = []
    for c in range(g.shape[1]):
        order = np.argsort(-first[:, c])[:3]
        w, best = _climb(z, starts[order[0]], g[:, c : c + 1], rng)
        unit = max(_best_unit(x, v / scale, g[:, c], f, bias) for v in (w, *starts[order]))
        found.append(Ceiling(max(best, unit), unit, w / scale))  # a unit is a function of one direction
    return found


def unit_r2(h: Array, g: Array) -> Array:
    """R² of features g (n, C) by a + v h of each unit, (m, C): the square of their correlation; 0 of what is constant.

    >>> unit_r2(np.array([[1.0], [2.0], [3.0]]), np.array([[-2.0], [-4.0], [-6.0]])).round(6).tolist()
    [[1.0]]
    """
    h, g = (a - a.mean(axis=0) for a in (h, g))
    lengths = np.linalg.norm(h, axis=0)[:, None] * np.linalg.norm(g, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(lengths > 0, np.minimum((h.T @ g / lengths) ** 2, 1.0), 0.0)


def _directions(given: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Where to look: the given ones, the axes, their sums and differences, random ones."""
    d = given.shape[1]
    axes = np.eye(d)
    yield from given
    yield from axes
    if d <= LONGEST_SIDE:
        for i in range(d):
            for j in range(i):
                yield from (axes[i] + axes[j], axes[i] - axes[j])
    yield from rng.normal(size=(RANDOM_DIRECTIONS, d))


def _climb(z: Array, w: Array, g: Array, rng: np.random.Generator) -> tuple[Array, float]:
    """The best direction near w: random steps that shrink, each kept if it is better."""
    best = float(along(z, w, g)[0])
    if z.shape[1] == 1:
        return w, best
    for size in np.geomspace(0.5, 0.01, STEPS):
        tried = w + size * rng.normal(size=len(w)) / np.sqrt(len(w))
        tried /= np.linalg.norm(tried)
        value = float(along(z, tried, g)[0])
        if value > best:
            w, best = tried, value
    return w, best


def _best_unit(x: Array, w: Array, g: Array, f: Activation, bias: bool) -> float:
    """The best R² of f(x w + b) that a grid along w finds, and then a search over w and b from there."""
    s = x @ w
    spread = s.std()
    if not spread > 0:
        return 0.0
    middles = np.quantile(s, QUANTILES) if bias else np.zeros(1)
    grid = np.array([(sign * a / spread, m) for sign in (1, -1) for a in SCALES for m in middles])
    with np.errstate(all="ignore"):
        h = f(np.outer(s, grid[:, 0]) - grid[:, 0] * grid[:, 1])
    fits = np.nan_to_num(unit_r2(h, g[:, None])[:, 0])
    a, m = grid[int(np.argmax(fits))]
    best = float(fits.max())
    if not f.trainable:
        return best
    centred = g - g.mean()
    centred /= np.linalg.norm(centred)

    def loss(theta: Array) -> tuple[float, Array]:
        """−R² and its gradient: ρ = ĝ · h̃/‖h̃‖, ∂ρ²/∂h = 2ρ(ĝ − ρ h̃/‖h̃‖)/‖h̃‖."""
        z = x @ theta[:-1] + theta[-1]
        h = f(z)
        off = h - h.mean()
        length = np.linalg.norm(off)
        if not (np.isfinite(length) and length > 1e-12):
            return 0.0, np.zeros_like(theta)
        rho = centred @ off / length
        dz = -2 * rho * (centred - rho * off / length) / length * f.derivative(z, h)
        return -float(rho**2), np.append(x.T @ dz, dz.sum() if bias else 0.0)

    with np.errstate(all="ignore"):
        solved = minimize(loss, np.append(a * w, -a * m), jac=True, method="L-BFGS-B", options={"maxiter": 100})
    return max(best, -float(solved.fun))
