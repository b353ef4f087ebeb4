"""Levenberg–Marquardt from one place to the next, from the Jacobian of every row.

The residuals of the squared error with its penalty are r = (√(sᵢ/Σs) (yᵢ − tᵢ), √(α/Σs) w), so that L = ‖r‖²/2. A step
is

    δ = argmin ‖Jδ + r‖² + λ‖Dδ‖², J = ∂r/∂θ,

bent along the curve that it leaves: θ + δ + a/2, where a answers the second derivative of r along δ in the same way. D
has the largest norm that each column of J has had, so that units do not matter (Moré 1978); λ follows the fall of L
against the fall that J foretold (Nielsen 1999); a is the geodesic acceleration of Transtrum and Sethna (2012), without
which the narrow valleys of a network take several times the steps.

Each system is solved by Cholesky of JᵀJ + λD², and once more for what is left over, in the units of J: squaring loses
half the digits of a system that is nearly singular, and the second solution brings them back (Björck 1987).
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from glassnet.nn.elementary import Array
from glassnet.nn.network import Architecture, Network
from glassnet.nn.state import Data

if TYPE_CHECKING:
    from glassnet.nn.engine import Engine

FIRST_DAMPING = 1e-3  # λ of the first step, against a D that is already in the units of J
LEAST_DAMPING = 1e-30
PROBE = 0.1  # how far along a step its curvature is measured, as part of the step
MOST_BENT = 0.75  # a step whose correction is longer than this part of it is not trusted


class LeastSquaresState(Protocol):
    """Where a fit stands."""

    loss: float
    largest_gradient: float  # max |∂L/∂θ|
    damping: float  # λ
    evaluations: int  # of r
    fall: float  # the part of L by which the last step lowered it; 0 where it was not taken
    length: float  # ‖δ‖ of that step
    size: float  # ‖θ‖ before it
    moved: bool  # whether θ + δ is another number than θ


class LeastSquares(Protocol):
    """A fit, step by step: `Engine.least_squares` begins one."""

    def advance(self) -> None:
        """Propose a step, and take it if it lowers L; λ follows."""

    def state(self) -> LeastSquaresState:
        """Where it stands."""

    def read(self, theta: Array) -> None:
        """Write the parameters that may move into their places in theta (P,)."""


@dataclass(frozen=True)
class Problem:
    """What is made small: a network on data, from θ (P,) on, by moving the parameters `places` alone."""

    architecture: Architecture
    data: Data
    theta: Array
    places: Array  # (F,) int64
    l2: float = 0.0

    @property
    def root(self) -> Array:
        """√(s/Σs) of each row, (n,)."""
        s = np.ones(len(self.data)) if self.data.s is None else np.asarray(self.data.s, np.float64)
        return np.sqrt(s / s.sum())

    @property
    def pull(self) -> Array:
        """α/Σs of each weight that may move, 0 of a bias, (F,)."""
        total = float(len(self.data) if self.data.s is None else self.data.s.sum())
        return np.where(self.architecture.is_weight()[self.places], self.l2 / total, 0.0)

    @property
    def fixed(self) -> float:
        """Σ α/Σs w² of the weights that may not move: a part of the loss that stays."""
        total = float(len(self.data) if self.data.s is None else self.data.s.sum())
        still = self.architecture.is_weight()
        still[self.places] = False
        return self.l2 / total * float(np.sum(self.theta[still] ** 2))


@dataclass
class _State:
    """Of a fit on NumPy."""

    loss: float
    largest_gradient: float = math.nan
    damping: float = FIRST_DAMPING
    evaluations: int = 1
    fall: float = 0.0
    length: float = 0.0
    size: float = 0.0
    moved: bool = False


class NumpyLeastSquares:
    """The algebra as it is written; the kernel has a twin."""

    def __init__(self, engine: "Engine", problem: Problem) -> None:
        self.engine, self.problem = engine, problem
        self.root, self.pull, self.fixed = problem.root[:, None], problem.pull, problem.fixed
        self.theta = problem.theta[problem.places].astype(np.float64)  # (F,)
        self.r = self._residuals(self.theta)  # (nk,), without those of the penalty
        self.growth = 2.0  # by how much the next failure raises λ
        self.d = np.zeros(len(self.theta))  # (F,), the diagonal of D
        self._state = _State(self._loss(self.theta, self.r))
        if math.isfinite(self._state.loss):
            self._differentiate()

    def state(self) -> LeastSquaresState:
        return self._state

    def read(self, theta: Array) -> None:
        theta[self.problem.places] = self.theta

    def advance(self) -> None:
        state = self._state
        step, foretold = self._propose()
        theta = self.theta + step
        state.fall, state.moved = 0.0, bool((theta != self.theta).any())
        state.length, state.size = float(np.linalg.norm(step)), float(np.linalg.norm(self.theta))
        r = self._look(theta)
        loss = self._loss(theta, r)
        fall = state.loss - loss
        if not fall > 0:  # nan is no fall
            state.damping, self.growth = state.damping * self.growth, self.growth * 2
            return
        less = max(1 / 3, 1 - (2 * min(fall / foretold, 1) - 1) ** 3)
        state.damping, self.growth = max(LEAST_DAMPING, state.damping * less), 2.0
        state.fall, state.loss = fall / state.loss, loss
        self.theta, self.r = theta, r
        self._differentiate()

    def _network(self, free: Array) -> Network:
        theta = self.problem.theta.astype(np.float64)
        theta[self.problem.places] = free
        return Network.from_parameters(self.problem.architecture, theta)

    def _residuals(self, free: Array) -> Array:
        y = self.engine.forward(self._network(free), self.problem.data.x)
        return np.ravel(self.root * (y - self.problem.data.t))

    def _look(self, free: Array) -> Array:
        self._state.evaluations += 1
        return self._residuals(free)

    def _loss(self, free: Array, r: Array) -> float:
        return 0.5 * float(r @ r + np.sum(self.pull * free**2) + self.fixed)

    def _differentiate(self) -> None:
        """J, JᵀJ, Jᵀr and D where the fit stands."""
        j = self.engine.jacobian(self._network(self.theta), self.problem.data.x)  # (n, k, P)
        self.j = (self.root[:, :, None] * j[:, :, self.problem.places]).reshape(len(self.r), -1)  # (nk, F)
        self.gram = self.j.T @ self.j + np.diag(self.pull)
        self.gradient = self.j.T @ self.r + self.pull * self.theta
        self._state.largest_gradient = float(np.abs(self.gradient).max(initial=0))
        norms = np.sqrt(np.diag(self.gram))
        # A column that is zero yet, of a dead unit, must not leave its parameter free to go anywhere.
        self.d = np.maximum(self.d, np.where(norms > 0, norms, 1e-3 * norms.max(initial=0)))

    def _propose(self) -> tuple[Array, float]:
        """δ + a/2, or δ where it bends too much, and the fall of L that J and λ foretell."""
        damping = self._state.damping
        while True:
            damped = damping * self.d**2  # λD²
            try:
                factor = np.linalg.cholesky(self.gram + np.diag(damped))
                break
            except np.linalg.LinAlgError:
                damping *= 10
                if not math.isfinite(damping):
                    return np.full(len(self.theta), math.nan), math.nan

        def solve_factored(u: Array) -> Array:
            return -np.asarray(np.linalg.solve(factor.T, np.linalg.solve(factor, u)))

        def solve(u: Array, w: Array | float) -> Array:
            """argmin ‖Jv + u‖² + Σ pull (v + w)² + λ‖Dv‖²"""
            v = solve_factored(self.j.T @ u + self.pull * w)
            return v + solve_factored(self.j.T @ (self.j @ v + u) + self.pull * (v + w) + damped * v)

        step = solve(self.r, self.theta)
        if not np.isfinite(step).all():
            return step, math.nan
        linear = self.j @ step
        foretold = 0.5 * float(linear @ linear + np.sum(self.pull * step**2)) + float(np.sum(damped * step**2))
        probe = self._look(self.theta + PROBE * step)
        bend = solve(2 / PROBE * ((probe - self.r) / PROBE - linear), 0.0)  # of ∂²r/∂δ²
        if 2 * np.linalg.norm(self.d * bend) <= MOST_BENT * np.linalg.norm(self.d * step):
            return step + 0.5 * bend, foretold
        return step, foretold
