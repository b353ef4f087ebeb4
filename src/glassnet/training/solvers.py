"""Trainings that look at all rows at once, from several starts, and L-BFGS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import scipy.optimize
from threadpoolctl import ThreadpoolController

from glassnet.errors import InputError
from glassnet.nn.elementary import Array
from glassnet.nn.engine import Engine
from glassnet.nn.network import Network
from glassnet.nn.state import Data, State

MET, LIMIT, STUCK, STOPPED = 0, 1, 2, 99  # the statuses of SciPy's solvers; the last is of those that a callback ended

SMALL = 1_000_000  # numbers in the Jacobian of all rows below which a second BLAS thread costs more than it brings

# Told after a step: its number, counted on from start to start, the loss and the network; True ends the solver.
StepCallback = Callable[[int, float, Network], bool | None]


@dataclass(frozen=True)
class Solution:
    """How the best start ended: its steps, its evaluations, the loss with its penalty, and why it stopped.

    `status` is SciPy's: 0 where a tolerance was met, 1 at the limit of steps or evaluations, else stuck or stopped.
    `loss_curve` is the loss after each step. `start_losses` has the loss that each start ended with, in the order in
    which they ran; nan where it was stopped before its first step.
    """

    iterations: int
    evaluations: int
    loss: float
    status: int
    message: str
    loss_curve: list[float]
    start_losses: list[float]

    @property
    def converged(self) -> bool:
        """Whether a tolerance was met."""
        return self.status == MET


@dataclass
class Start:
    """One member on its way: where it is, what it cost, and in the end why it stopped."""

    theta: Array  # (P,) float64, replaced and never written to, so that an interrupt finds it whole
    l2: float
    l1: float
    report: Callable[[float, Array], bool]
    loss: float = np.nan
    evaluations: int = 0
    status: int = STOPPED
    message: str = "interrupted"
    loss_curve: list[float] = field(default_factory=list)

    def step(self, theta: Array, loss: float) -> bool:
        """Go there; whether the callback ends the solver."""
        self.theta, self.loss = theta, loss
        self.loss_curve.append(loss)
        return self.report(loss, theta)

    def end(self, status: int, message: str) -> None:
        """Say why it stopped."""
        self.status, self.message = status, message


def best_of(state: State, data: Data, solve: Callable[[Start], None], callback: StepCallback | None) -> Solution:
    """Solve from every member of `state`, and leave the solutions there in order of their losses, the best first.

    Ctrl-C, a callback that says so, or a time limit ends all: members whose turn had not come stay as they are.

    Raises:
        InputError: the spec or the state asks for what is done to single minibatches or steps.
    """
    _check_smooth(state)
    architecture, dtype, steps = state.spec.architecture, state.spec.dtype, 0

    def report(loss: float, theta: Array) -> bool:
        nonlocal steps
        steps += 1
        if callback is None:
            return False
        return bool(callback(steps, loss, Network.from_parameters(architecture, theta.astype(dtype))))

    first = state.parameters.astype(np.float64)
    starts = [Start(first[k], float(state.l2[k]), float(state.l1[k]), report) for k in range(len(state))]
    threads = 1 if data.t.size * architecture.n_parameters < SMALL else None
    with (
        np.errstate(all="ignore"),
        _libraries().limit(limits=threads, user_api="blas"),
    ):  # a step may look where numbers overflow
        for start in starts:
            try:
                solve(start)
            except KeyboardInterrupt:
                start.end(STOPPED, "interrupted")
            if start.status == STOPPED:
                break
    losses = np.array([start.loss for start in starts])
    order = np.argsort(np.where(np.isnan(losses), np.inf, losses), kind="stable")
    state.parameters[...] = np.array([starts[k].theta for k in order])
    state.best_parameters = None
    for which in (state.seeds, state.l2, state.l1):
        which[...] = which[order]
    best = starts[order[0]]
    return Solution(
        len(best.loss_curve), best.evaluations, best.loss, best.status, best.message, best.loss_curve, losses.tolist()
    )


@cache
def _libraries() -> ThreadpoolController:
    """NumPy's and SciPy's; to look for them takes as long as a small fit."""
    return ThreadpoolController()


def _check_smooth(state: State) -> None:
    """A solver makes the loss small as it is: what changes it from step to step has no place here."""
    spec = state.spec
    asked = {
        "dropout": any(spec.dropout),
        "gradient_norm": spec.gradient_norm is not None,
        "weight_norm": spec.weight_norm is not None,
        "weight_decay": bool(state.weight_decay.any()),
    }
    names = ", ".join(name for name, given in asked.items() if given)
    if names:
        raise InputError(
            f"{names} came to a solver that looks at all rows at once, but acts on the steps of minibatches: "
            f"leave it out and hold the weights small by l2, or take the optimizer 'adam' or 'sgd'."
        )


def lbfgs(
    engine: Engine,
    state: State,
    data: Data,
    *,
    max_iterations: int = 200,
    max_evaluations: int = 15000,
    gtol: float = 1e-4,
    ftol: float = 2.220446049250313e-09,
    callback: StepCallback | None = None,
) -> Solution:
    """Train every network of `state` by L-BFGS (SciPy's L-BFGS-B; Liu and Nocedal 1989), and put the best first.

    Args:
        engine: What computes the loss and its gradient.
        state: Where to start, each member on its own, and where the solutions are left, in order of their losses.
        data: All rows.
        max_iterations: Steps of each start at the most.
        max_evaluations: Losses and gradients of each start at the most.
        gtol: Converged when no element of the gradient is larger.
        ftol: Converged too when a step lowers the loss by no more than ftol · max(L before, L after, 1): a part of the
            loss above 1, but an absolute fall below. The default is SciPy's and stops well short of an exact fit; 0
            leaves gtol alone to decide.
        callback: Called after each step.

    Ctrl-C ends it with the weights of the last step. Frozen parameters stay.

    >>> from glassnet.nn import Architecture, Data, NumpyEngine, Spec, SquaredError
    >>> engine, x = NumpyEngine(), np.linspace(-1, 1, 50)[:, None]
    >>> state = engine.init(Spec(Architecture.create([1, 4, 1], "tanh"), SquaredError()), seeds=[0, 1])
    >>> solution = lbfgs(engine, state, Data(x, x**2), gtol=1e-5, ftol=0)
    >>> solution.converged, bool(solution.loss == min(solution.start_losses))
    (True, True)
    """
    spec = state.spec
    everything = state.frozen is None
    movable = slice(None) if state.frozen is None else ~state.frozen
    data = data.astype(spec.dtype)

    def solve(start: Start) -> None:
        fixed = start.theta
        objective = engine.objective(spec.architecture, spec.loss, data, start.l2, start.l1)

        def whole(free: Array) -> Array:
            theta = fixed.copy()
            theta[movable] = free
            return theta

        def value_and_gradient(free: Array) -> tuple[float, Array]:
            value, g = objective((free if everything else whole(free)).astype(spec.dtype, copy=False))
            start.evaluations += 1
            return value, g.astype(np.float64, copy=False)[movable]

        def after_step(intermediate_result: Any) -> None:
            if start.step(whole(intermediate_result.x), float(intermediate_result.fun)):
                raise StopIteration

        result = scipy.optimize.minimize(
            value_and_gradient,
            fixed[movable],
            method="L-BFGS-B",
            jac=True,
            callback=after_step,
            options={"maxiter": max_iterations, "maxfun": max_evaluations, "gtol": gtol, "ftol": ftol},
        )
        start.theta, start.loss = whole(result.x), float(result.fun)
        start.end(int(result.status), str(result.message))

    return best_of(state, data, solve, callback)
