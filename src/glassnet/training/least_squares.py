"""Levenberg–Marquardt: small regression networks to the last digits, from the Jacobian of every row."""

import math
import time
from dataclasses import dataclass

import numpy as np

from glassnet.errors import InputError
from glassnet.nn.engine import Engine
from glassnet.nn.least_squares import LeastSquares, LeastSquaresState, Problem
from glassnet.nn.losses import SquaredError
from glassnet.nn.state import Data, State, check_data
from glassnet.training.solvers import LIMIT, MET, STOPPED, STUCK, Solution, Start, StepCallback, best_of


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

    What a step is says `glassnet.nn.least_squares`: damped least squares with geodesic acceleration.

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

    places = np.arange(state.spec.architecture.n_parameters)
    places = places if state.frozen is None else places[~state.frozen]

    def solve(start: Start) -> None:
        problem = Problem(state.spec.architecture, data, start.theta, places, start.l2)
        _run(engine.least_squares(problem), start, rules)

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


@dataclass(frozen=True)
class _Rules:
    """When a start ends."""

    max_iterations: int
    gtol: float
    ftol: float
    xtol: float
    deadline: float


def _run(fit: LeastSquares, start: Start, rules: _Rules) -> None:
    """Step until something ends it."""

    def stand() -> LeastSquaresState:
        state, theta = fit.state(), start.theta.copy()
        fit.read(theta)
        start.theta, start.evaluations = theta, state.evaluations
        return state

    state = fit.state()
    start.loss, start.evaluations = state.loss, state.evaluations
    if not math.isfinite(state.loss):
        return start.end(STUCK, "no progress: the loss is not finite at the start")
    while True:
        if state.largest_gradient <= rules.gtol:
            return start.end(MET, f"gtol: no element of the gradient is larger than {rules.gtol:g}")
        if len(start.loss_curve) >= rules.max_iterations:
            return start.end(LIMIT, f"max_iterations: {rules.max_iterations} steps were made")
        if time.perf_counter() >= rules.deadline:
            return start.end(STOPPED, "time limit")
        fit.advance()
        state = stand()
        if start.step(start.theta, state.loss):
            return start.end(STOPPED, "callback")
        if 0 < state.fall <= rules.ftol:
            return start.end(MET, f"ftol: a step lowered the loss by no more than {rules.ftol:g} of it")
        if not state.moved or not math.isfinite(state.damping):
            return start.end(STUCK, "no progress: no step lowers the loss any more")
        if state.length <= rules.xtol * state.size:
            return start.end(MET, f"xtol: a step was no longer than {rules.xtol:g} of the parameters")
