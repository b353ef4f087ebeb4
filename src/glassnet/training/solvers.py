"""Trainings that look at all rows at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from glassnet.nn.elementary import Array
from glassnet.nn.engine import Engine
from glassnet.nn.network import Network, flatten
from glassnet.nn.state import Data, State

STOPPED = 99  # SciPy's status of a solver that its callback ended


@dataclass(frozen=True)
class Solution:
    """How a solver ended: its steps, its gradients, the loss with its penalty, and why it stopped.

    `status` is SciPy's: 0 where the tolerance was met, 1 at the limit of steps or evaluations, else stuck or stopped.
    """

    iterations: int
    evaluations: int
    loss: float
    status: int
    message: str
    loss_curve: list[float]

    @property
    def converged(self) -> bool:
        """Whether the tolerance was met."""
        return self.status == 0


def lbfgs(
    engine: Engine,
    state: State,
    data: Data,
    *,
    max_iterations: int = 200,
    max_evaluations: int = 15000,
    gtol: float = 1e-4,
    ftol: float = 2.220446049250313e-09,
    callback: Callable[[int, float, Network], bool | None] | None = None,
) -> Solution:
    """Train the first network of `state` in place by L-BFGS (SciPy's L-BFGS-B; Liu and Nocedal 1989).

    Args:
        engine: What computes the loss and its gradient.
        state: Where to start, and where the solution is left.
        data: All rows.
        max_iterations: Steps at the most.
        max_evaluations: Losses and gradients at the most.
        gtol: Converged when no element of the gradient is larger.
        ftol: Converged too when a step lowers the loss by no more than this part of it; the default is SciPy's.
        callback: Called after a step with its number, the loss and the network; True ends the solver.

    Ctrl-C ends it with the weights of the last step. Frozen parameters stay.
    """
    spec, member = state.spec, 0
    architecture, l2 = spec.architecture, float(state.l2[member])
    movable = slice(None) if state.frozen is None else ~state.frozen
    theta = state.parameters[member].astype(np.float64)
    data = data.astype(spec.dtype)
    steps: list[float] = []
    reached = theta[movable].copy()
    latest = np.nan

    def value_and_gradient(free: Array) -> tuple[float, Array]:
        nonlocal latest
        theta[movable] = free
        network = Network.from_parameters(architecture, theta.astype(spec.dtype))
        value, gradients = engine.gradients(network, spec.loss, data.x, data.t, data.s, l2)
        latest = value
        g = flatten((gradient.dw, gradient.db) for gradient in gradients)
        return value, g.astype(np.float64)[movable]

    def after_step(intermediate_result: Any) -> None:
        reached[...] = intermediate_result.x
        steps.append(float(intermediate_result.fun))
        if callback is not None:
            theta[movable] = reached
            if callback(len(steps), steps[-1], Network.from_parameters(architecture, theta.astype(spec.dtype))):
                raise StopIteration

    with np.errstate(all="ignore"):  # a line search may look where numbers overflow
        try:
            result = scipy.optimize.minimize(
                value_and_gradient,
                reached.copy(),
                method="L-BFGS-B",
                jac=True,
                callback=after_step,
                options={"maxiter": max_iterations, "maxfun": max_evaluations, "gtol": gtol, "ftol": ftol},
            )
            reached[...] = result.x
            solution = Solution(
                int(result.nit), int(result.nfev), float(result.fun), int(result.status), str(result.message), steps
            )
        except KeyboardInterrupt:
            loss = steps[-1] if steps else float(latest)
            solution = Solution(len(steps), len(steps), loss, STOPPED, "interrupted", steps)
    theta[movable] = reached
    state.parameters[member] = theta
    state.best_parameters[member] = theta
    return solution
