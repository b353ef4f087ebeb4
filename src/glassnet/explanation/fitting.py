"""Networks of one hidden layer trained to follow a function, and a certificate for those of one input."""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.functions import FormulaFunction, Function
from glassnet.explanation.intervals import UNIT, Interval
from glassnet.explanation.intervals import tanh as tanh_bounds
from glassnet.explanation.pieces import rounding
from glassnet.nn import Architecture, Data, Engine, Network, Spec, SquaredError, engine_for
from glassnet.nn.activations import Activation
from glassnet.nn.elementary import Array
from glassnet.nn.network import Layer, flatten
from glassnet.training import lbfgs, levenberg_marquardt

MOST_ROWS = {1: 300, 2: 900, 3: 1500}  # to train on; 2,000 beyond three inputs
ENOUGH = 0.8  # of the error on the training rows at which a start is good enough
SOFT = 4.0  # how steep the sigmoids of a construction begin, in pieces: steep ones have no slope to follow
FINEST = 64_000  # pieces of a certificate


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to train on, scaled to [−1, 1] and to mean 0 and variance 1, and the way back."""

    data: Data
    middle: Array
    half: Array
    mean: float
    scale: float

    @classmethod
    def of(cls, function: Function, seed: int) -> "Rows":
        """Chebyshev points of one input, whose least squares come close to the least largest error; else Sobol's."""
        d = function.d
        n = MOST_ROWS.get(d, 2000)
        if d == 1:
            x = np.cos(np.pi * np.arange(n) / (n - 1))[:, None]
        else:
            from scipy.stats import qmc

            n = 2 ** int(np.log2(n))
            x = 2 * qmc.Sobol(d, seed=seed).random(n) - 1
            edge = np.sign(x[: n // 4])  # the largest errors like corners and edges
            x[: n // 4] = np.where(np.abs(x[: n // 4]) > 0.5, edge, x[: n // 4])
        middle, half = 0.5 * (function.lo + function.hi), 0.5 * (function.hi - function.lo)
        t = function(np.clip(middle + half * x, function.lo, function.hi))
        scale = float(t.std()) or 1.0
        return cls(Data(x, ((t - t.mean()) / scale)[:, None]), middle, half, float(t.mean()), scale)

    def scaled(self, network: Network) -> Array:
        """The parameters (P,) of a network of one hidden layer in the scaled coordinates."""
        first, last = network.layers
        assert first.b is not None
        assert last.b is not None
        w, b = first.w * self.half[:, None], first.b + self.middle @ first.w
        return flatten([(w, b), (last.w / self.scale, (last.b - self.mean) / self.scale)])

    def restored(self, network: Network) -> Network:
        """The network in the function's own coordinates."""
        first, last = network.layers
        assert first.b is not None
        assert last.b is not None
        w = first.w / self.half[:, None]
        return Network(
            [
                Layer(w, first.b - self.middle @ w, first.f),
                Layer(last.w * self.scale, last.b * self.scale + self.mean, last.f),
            ]
        )


@dataclass(frozen=True, eq=False)
class Trainer:
    """How networks of any width are trained on the rows.

    Args:
        activation: Of the hidden units.
        solver: "lm" or "lbfgs".
        restarts: Random starts of each width.
        seed: Of the starts.
        engine: What computes.
    """

    activation: Activation
    solver: str
    restarts: int
    seed: int
    engine: str

    def train(
        self, rows: Rows, units: int, start: Network | None, error: float | None, seconds: float
    ) -> tuple[Network, str]:
        """The best network of so many units, and where it started: "the construction" or "a random start".

        A start that follows the rows within the error is good enough and ends the search.
        """
        architecture = Architecture.create([rows.data.x.shape[1], units, 1], self.activation)
        spec = Spec(architecture, SquaredError(), init="glorot")
        engine = engine_for(self.engine, architecture, spec.loss)
        seeds = [self.seed * 1000 + k for k in range(self.restarts + (start is not None))]
        state = engine.init(spec, seeds)
        for k in range(1, self.restarts, 2):
            self._spread(state.network(k), k)
        first = np.zeros(architecture.n_parameters)
        if start is not None:
            first = rows.scaled(start)
            state.parameters[1:] = state.parameters[:-1].copy()
            state.parameters[0] = first  # the first to run, so that it has its turn
            state.seeds[1:] = state.seeds[:-1].copy()
            state.seeds[0] = seeds[-1]
        goal = None if error is None else ENOUGH * error / rows.scale
        deadline = perf_counter() + seconds

        def enough(step: int, loss: float, network: Network) -> bool:
            if perf_counter() > deadline:
                return True
            # √(2L) is the root mean square, which the largest error cannot be below.
            if goal is None or not (2 * loss) ** 0.5 <= goal:
                return False
            return float(np.abs(engine.forward(network, rows.data.x) - rows.data.t).max()) <= goal

        self._solve(engine, state, rows.data, enough)
        best = "the construction" if start is not None and state.seeds[0] == seeds[-1] else "a random start"
        return rows.restored(state.network(0)), best

    def _solve(self, engine: Engine, state: Any, data: Data, callback: Any) -> None:
        if self.solver == "lm":
            levenberg_marquardt(engine, state, data, max_iterations=200, ftol=1e-6, callback=callback)
        else:
            lbfgs(engine, state, data, max_iterations=1000, gtol=1e-9, ftol=0, callback=callback)

    def _spread(self, network: Network, k: int) -> None:
        """First weights that spread the units' turning points over the box (Nguyen and Widrow 1990)."""
        rng, layer = np.random.default_rng([self.seed, k]), network.layers[0]
        d, m = layer.w.shape
        length = 0.7 * m ** (1 / d) * (1.0 if k % 4 == 1 else 3.0)
        assert layer.b is not None
        w = rng.normal(size=(d, m))
        layer.w[...] = length * w / np.linalg.norm(w, axis=0)
        layer.b[...] = rng.uniform(-length, length, size=m)


def soft_start(function: Function, units: int, activation: str) -> Network | None:
    """The construction with so many units as a place to start from: steps made soft, or hats; None if it has none."""
    if function.d != 1:
        return None
    pieces = units if activation == "relu" else units + 1
    knots = np.linspace(function.lo[0], function.hi[0], pieces + 1)
    if activation == "relu":
        values = function(knots[:, None])
        v = np.diff(np.diff(values) / np.diff(knots), prepend=0.0)
        a, b, c = np.ones(units), -knots[:-1], float(values[0])
    elif activation in ("tanh", "logistic"):
        values, h = function((0.5 * (knots[:-1] + knots[1:]))[:, None]), knots[1] - knots[0]
        a, v, c = np.full(units, SOFT / h), np.diff(values), float(values[0])
        if activation == "tanh":  # σ(z) = ½ + ½ tanh(z/2)
            a, v, c = a / 2, v / 2, c + float(v.sum()) / 2
        b = -a * knots[1:-1]
    else:
        return None
    return Network.from_parameters(
        Architecture.create([1, units, 1], activation), np.concatenate([a, b, v, np.array([c])])
    )


def certificate(function: Function, network: Network, measured: float) -> float | None:
    """A bound on |f − y| over the whole domain, for a formula of one input and tanh or logistic units; else None.

    On a piece from a to b, with e = f − y: |e| ≤ max(|e(a)|, |e(b)|) + ⅛(b − a)² sup|f″ − y″|. Pieces are made smaller
    until the second term is small beside what was measured.
    """
    first = network.layers[0]
    if not (isinstance(function, FormulaFunction) and function.d == 1 and first.f.name in ("tanh", "logistic")):
        return None
    assert first.b is not None
    bound, n = np.inf, 1000
    while n <= FINEST:
        knots = np.linspace(function.lo[0], function.hi[0], n + 1)
        lo, hi = knots[:-1], knots[1:]
        with np.errstate(all="ignore"):
            bend = function.jet(lo[:, None], hi[:, None]).bend
            bends = (Interval(bend.lo[0, 0], bend.hi[0, 0]) - _second_derivative(network, lo, hi)).size
        values, room = function.nodes(knots[:, None])
        error = np.abs(values - network.forward(knots[:, None])[0][:, 0]) + room
        inner = 0.125 * (hi - lo) ** 2 * bends * (1 + 1e-12)
        bound = min(bound, float((np.maximum(error[:-1], error[1:]) + inner).max()))
        if bound <= 1.01 * measured or not np.isfinite(bound):
            break
        n *= 4
    total = (bound + 2 * rounding(network, function.lo, function.hi)) * (1 + 1e-12)
    return total if np.isfinite(total) else None


def _second_derivative(network: Network, lo: Array, hi: Array) -> Interval:
    """Bounds on y″ = Σ v w² f″(wx + b) on pieces (n,)."""
    first, last = network.layers
    w, b, v = first.w[0], first.b, last.w[:, 0]
    assert b is not None
    half = 0.5 if first.f.name == "logistic" else 1.0  # σ(z) = ½ + ½ tanh(z/2), so σ″(z) = ⅛ tanh″(z/2)
    piece = Interval(lo[:, None], hi[:, None])
    z = piece * Interval.of(half * w[None, :]) + Interval.of(half * b[None, :])
    t = tanh_bounds(z)
    bends = Interval.of(-2.0) * t * (Interval.of(1.0) - t * t).within(0, 1)
    factor = Interval.of(v * (0.125 if half < 1 else 1.0)) * (Interval.of(w) * Interval.of(w))
    terms = bends.within(-0.77, 0.77) * factor
    room = 2 * len(w) * UNIT * terms.size.sum(axis=1)
    return Interval(terms.lo.sum(axis=1) - room, terms.hi.sum(axis=1) + room)


def check_trainable(activation: Activation, solver: str) -> None:
    """Say what cannot be trained before anything is done."""
    if not activation.trainable:
        raise InputError(f"{activation.name!r} has slope 0, so it cannot be trained: take 'tanh', or construct one.")
    if solver not in ("lm", "lbfgs"):
        raise InputError(f"solver is {solver!r}, but 'lm', Levenberg–Marquardt, or 'lbfgs' was needed.")
