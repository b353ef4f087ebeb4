"""Levenberg–Marquardt: small regression networks to the last digits, from the Jacobian of every row."""

import math
import time
from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from glassnet.errors import InputError
from glassnet.nn.elementary import Array
from glassnet.nn.engine import Engine
from glassnet.nn.losses import SquaredError
from glassnet.nn.network import Network
from glassnet.nn.state import Data, State, check_data
from glassnet.training.solvers import LIMIT, MET, STOPPED, STUCK, Solution, Start, StepCallback, best_of

FIRST_DAMPING = 1e-3  # λ of the first step, against a D that is already in the units of J
LEAST_DAMPING = 1e-30  # √λ D at the rounding of J, so that [J; √λ D] has full rank whatever J has
PROBE = 0.1  # how far along a step its curvature is measured, as part of the step
MOST_BENT = 0.75  # a step whose correction is longer than this part of it is not trusted


def levenberg_marquardt(
    engine: Engine,
    state: State,
    data: Data,
    *,
    max_iterations: int = 200,
    gtol: float = 1e-12,
    ftol: float = 1e-10,
    xtol: float = 1e-12,
    max_elements: int = 25_000_000,
    time_limit_seconds: float | None = None,
    callback: StepCallback | None = None,
) -> Solution:
    """Train every network of `state` by Levenberg–Marquardt, and put the best first.

    The residuals r = (√(sᵢ/Σs) (yᵢ − tᵢ), √(α/Σs) w) have L = ‖r‖²/2, the squared error with its penalty. A step is

        δ = argmin ‖Jδ + r‖² + λ‖Dδ‖², J = ∂r/∂θ, by QR of [J; √λ D], not by normal equations,

    bent along the curve that it leaves: θ + δ + a/2, where a answers the second derivative of r along δ in the same
    way. D has the largest norm that each column of J has had, so that units do not matter (Moré 1978); λ follows the
    fall of L against the fall that J foretold (Nielsen 1999); a is the geodesic acceleration of Transtrum and Sethna
    (2012), without which the narrow valleys of a network take several times the steps.

    Arithmetic is in float64; of a float32 state the solution is rounded at the end. Frozen parameters stay.

    Args:
        engine: What computes scores and Jacobian.
        state: Where to start, each member on its own, and where the solutions are left, in order of their losses.
        data: All rows.
        max_iterations: Steps of each start at the most, those that had to be taken back included.
        gtol: Converged when no element of ∂L/∂θ is larger.
        ftol: Converged when a step lowers L by no more than this part of it; 0 never ends it.
        xtol: Converged when a step is no longer than this part of θ, ‖δ‖ ≤ xtol ‖θ‖; 0 never ends it.
        max_elements: Numbers in J at the most, n·k·P; the default is 200 MB. The work takes five times that.
        time_limit_seconds: End after about so long, all starts together.
        callback: Called after each step; one that had to be taken back repeats the loss.

    Ctrl-C ends it with the best so far.

    Raises:
        InputError: another loss than the squared error, a penalty l1, or a Jacobian larger than `max_elements`.

    >>> from glassnet.nn import Architecture, Data, NumpyEngine, Spec
    >>> engine, x = NumpyEngine(), np.linspace(-1, 1, 50)[:, None]
    >>> state = engine.init(Spec(Architecture.create([1, 4, 1], "tanh"), SquaredError()), seeds=[0, 1])
    >>> solution = levenberg_marquardt(engine, state, Data(x, x**2))
    >>> bool(solution.loss < 1e-8), len(solution.start_losses)
    (True, 2)
    """
    data = check_data(state.spec.architecture, state.spec.loss, data, np.float64)
    _check(state, data, max_elements, time_limit_seconds)
    deadline = math.inf if time_limit_seconds is None else time.perf_counter() + time_limit_seconds
    rules = _Rules(max_iterations, gtol, ftol, xtol, deadline)

    def solve(start: Start) -> None:
        _Search(_Residuals(engine, state, data, start), start).run(rules)

    return best_of(state, data, solve, callback)


def _check(state: State, data: Data, max_elements: int, time_limit_seconds: float | None) -> None:
    """Say what cannot be before anything is done."""
    loss, (n, k), p = state.spec.loss, data.t.shape, state.spec.architecture.n_parameters
    if not isinstance(loss, SquaredError):
        raise InputError(
            f"The loss is {loss.name!r}, but Levenberg–Marquardt needs 'squared_error', a sum of squares. "
            f"For another loss take the solver 'lbfgs' or 'adam'."
        )
    if state.l1.any():
        raise InputError(
            "l1 is above 0, but Levenberg–Marquardt needs a sum of squares, and Σ|w| is none. "
            "Take l2, or the optimizer 'adam' or 'sgd'."
        )
    if n * k * p > max_elements:
        raise InputError(
            f"Levenberg–Marquardt would need a Jacobian of {n:,} rows × {k:,} outputs × {p:,} parameters = "
            f"{n * k * p:,} numbers ({8e-6 * n * k * p:,.0f} MB), but max_elements is {max_elements:,}. "
            f"Take the solver 'lbfgs' or 'adam', or fewer rows or hidden units, or raise max_elements."
        )
    if time_limit_seconds is not None and not time_limit_seconds > 0:
        raise InputError(
            f"time_limit_seconds is {time_limit_seconds!r}, but a limit is a number of seconds above 0, or None."
        )


class _Residuals:
    """r(θ) (m,) and J (m, F) over the F parameters that may move, m = nk rows of data and one per weight if α > 0."""

    def __init__(self, engine: Engine, state: State, data: Data, start: Start) -> None:
        self.engine, self.data, self.architecture, self.start = engine, data, state.spec.architecture, start
        self.movable = np.full(start.theta.shape, True) if state.frozen is None else ~state.frozen
        s = np.ones(len(data)) if data.s is None else data.s
        self.root = np.sqrt(s / s.sum())[:, None]  # (n, 1)
        self.pull = math.sqrt(start.l2 / s.sum())
        self.weights = np.flatnonzero(self.architecture.is_weight() & (start.l2 > 0))

    def whole(self, free: Array) -> Array:
        """All parameters (P,), those that may move from `free`."""
        theta = self.start.theta.copy()
        theta[self.movable] = free
        return theta

    def network(self, free: Array) -> Network:
        return Network.from_parameters(self.architecture, self.whole(free))

    def __call__(self, free: Array) -> Array:
        network = self.network(free)
        error = self.root * (self.engine.forward(network, self.data.x) - self.data.t)  # (n, k)
        return np.concatenate([error.ravel(), self.pull * network.parameters[self.weights]])

    def jacobian(self, free: Array) -> Array:
        j = self.engine.jacobian(self.network(free), self.data.x)  # (n, k, P)
        j *= self.root[:, :, None]
        penalty = np.zeros((len(self.weights), self.architecture.n_parameters))
        penalty[np.arange(len(self.weights)), self.weights] = self.pull
        return np.concatenate([j.reshape(-1, penalty.shape[1]), penalty])[:, self.movable]


@dataclass(frozen=True)
class _Rules:
    """When a start ends."""

    max_iterations: int
    gtol: float
    ftol: float
    xtol: float
    deadline: float


class _Search:
    """Where a start is, and the QR of J there."""

    def __init__(self, residuals: _Residuals, start: Start) -> None:
        self.residuals, self.start = residuals, start
        self.theta = start.theta[residuals.movable]  # (F,)
        self.r = self.look(self.theta)  # (m,)
        self.loss = start.loss = 0.5 * float(self.r @ self.r)
        self.damping, self.growth = FIRST_DAMPING, 2.0  # λ, and by how much the next failure raises it
        self.d = np.zeros(len(self.theta))  # (F,), the diagonal of D

    def look(self, theta: Array) -> Array:
        """r there."""
        self.start.evaluations += 1
        return self.residuals(theta)

    def run(self, rules: _Rules) -> None:
        """Step until something ends it."""
        if not math.isfinite(self.loss):
            return self.start.end(STUCK, "no progress: the loss is not finite at the start")
        self.factor()
        while True:
            if np.abs(self.gradient).max(initial=0) <= rules.gtol:
                return self.start.end(MET, f"gtol: no element of the gradient is larger than {rules.gtol:g}")
            if len(self.start.loss_curve) >= rules.max_iterations:
                return self.start.end(LIMIT, f"max_iterations: {rules.max_iterations} steps were made")
            if time.perf_counter() >= rules.deadline:
                return self.start.end(STOPPED, "time limit")
            before = self.theta
            step, foretold = self.propose()
            fall = self.attempt(step, foretold)
            if self.start.step(self.residuals.whole(self.theta), self.loss):
                return self.start.end(STOPPED, "callback")
            if 0 < fall <= rules.ftol:
                return self.start.end(MET, f"ftol: a step lowered the loss by no more than {rules.ftol:g} of it")
            if (before + step == before).all() or not math.isfinite(self.damping):
                return self.start.end(STUCK, "no progress: no step lowers the loss any more")
            if np.linalg.norm(step) <= rules.xtol * np.linalg.norm(before):
                return self.start.end(MET, f"xtol: a step was no longer than {rules.xtol:g} of the parameters")

    def factor(self) -> None:
        """J = QR at θ, with Qᵀr, the gradient Jᵀr and D."""
        self.q, self.triangle = qr(self.residuals.jacobian(self.theta), mode="economic", check_finite=False)
        self.qr = self.q.T @ self.r
        self.gradient = self.triangle.T @ self.qr  # (F,)
        norms = np.sqrt((self.triangle**2).sum(axis=0))  # of the columns of J, which Q leaves as they are
        # A column that is zero yet, of a dead unit, must not leave its parameter free to go anywhere.
        self.d = np.maximum(self.d, np.where(norms > 0, norms, 1e-3 * norms.max(initial=0)))

    def propose(self) -> tuple[Array, float]:
        """δ + a/2, or δ where it bends too much, and the fall of L that J and λ foretell."""
        size = len(self.theta)
        stacked = np.concatenate([self.triangle, np.diag(math.sqrt(self.damping) * self.d)])
        q, triangle = qr(stacked, mode="economic", overwrite_a=True, check_finite=False)
        top = q[: len(self.triangle)]  # the rows that meet Qᵀr; below them are zeros

        def solve(against: Array) -> Array:
            """argmin ‖Jv + u‖² + λ‖Dv‖² of Qᵀu."""
            return -np.asarray(solve_triangular(triangle, top.T @ against, check_finite=False))

        step = solve(self.qr)
        if not np.isfinite(step).all():
            return np.full(size, math.nan), math.nan
        linear = self.triangle @ step  # Qᵀ Jδ
        foretold = 0.5 * float(linear @ linear) + self.damping * float(np.sum((self.d * step) ** 2))
        probe = self.look(self.theta + PROBE * step)
        curvature = 2 / PROBE * (self.q.T @ ((probe - self.r) / PROBE) - linear)  # Qᵀ ∂²r/∂δ²
        bend = solve(curvature)
        if 2 * np.linalg.norm(self.d * bend) <= MOST_BENT * np.linalg.norm(self.d * step):
            return step + 0.5 * bend, foretold
        return step, foretold

    def attempt(self, step: Array, foretold: float) -> float:
        """Take the step if it lowers L, and set λ; the part of L by which it fell, 0 or less if not taken."""
        theta = self.theta + step
        r = self.look(theta)
        loss = 0.5 * float(r @ r)
        fall = self.loss - loss
        if not fall > 0:  # nan is no fall
            self.damping, self.growth = self.damping * self.growth, self.growth * 2
            return 0.0
        gain = fall / foretold
        less = max(1 / 3, 1 - (2 * min(gain, 1) - 1) ** 3)
        self.damping, self.growth = max(LEAST_DAMPING, self.damping * less), 2.0
        part = fall / self.loss
        self.theta, self.r, self.loss = theta, r, loss
        self.factor()
        return part
