"""Levenberg–Marquardt on the kernel against the NumPy engine; how much of L-BFGS is gradients.

`python -m benchmarks.solvers ROUNDS` measures in its own process, and prints JSON.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.timing import child, pin, ratio, say, summary

# At most 100 parameters; sin of a mixture of the inputs.
PROBLEMS = {"1-10-1 tanh, 200 rows": ((1, 10, 1), 200), "4-16-1 tanh, 1,000 rows": ((4, 16, 1), 1000)}
STEPS = 50
GRADIENTS = ((10, 64, 64, 1), 1000)


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """By solver."""
    say("  Levenberg–Marquardt and L-BFGS")
    return child("solvers", str(rounds))


class Clocked:
    """An engine whose every call is timed."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.seconds = engine, 0.0

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.engine, name)
        if not callable(attribute):
            return attribute

        def timed(*arguments: Any, **named: Any) -> Any:
            if name == "objective":  # a function that is called in the engine's place
                return self.clocked(attribute(*arguments, **named))
            return self.clocked(attribute)(*arguments, **named)

        return timed

    def clocked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.perf_counter() - began

        return timed


def data(sizes: tuple[int, ...], rows: int) -> Any:
    import numpy as np

    from glassnet.nn import Data

    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, (rows, sizes[0]))
    return Data(x, np.sin(2 * x.sum(axis=1, keepdims=True)) + 0.01 * rng.standard_normal((rows, 1)))


def steps_of_lm(rounds: int) -> dict[str, Any]:
    """Seconds of 50 steps on either engine."""
    from glassnet.nn import Architecture, Spec, SquaredError, get_engine
    from glassnet.training import levenberg_marquardt

    results = {}
    for name, (sizes, rows) in PROBLEMS.items():
        spec, rowwise = Spec(Architecture.create(list(sizes), "tanh"), SquaredError()), data(sizes, rows)
        times: dict[str, list[float]] = {"kernel": [], "numpy": []}
        for i in range(rounds + 1):  # the first one warms up
            for kind in times:
                engine = get_engine(kind, n_jobs=1)
                state = engine.init(spec, [i])
                began = time.perf_counter()
                solution = levenberg_marquardt(engine, state, rowwise, max_iterations=STEPS, gtol=0, ftol=0, xtol=0)
                times[kind].append((time.perf_counter() - began) / max(1, solution.iterations))
        results[name] = {
            "step": {kind: summary(seconds[1:]) for kind, seconds in times.items()},
            "ratio": ratio(times["numpy"][1:], times["kernel"][1:]),
        }
    return results


def share_of_gradients(rounds: int) -> dict[str, float]:
    """Of an L-BFGS training, the part that is spent inside the engine's calls."""
    from glassnet.nn import Architecture, Spec, SquaredError, get_engine
    from glassnet.training import lbfgs

    sizes, rows = GRADIENTS
    spec, rowwise, shares = Spec(Architecture.create(list(sizes), "tanh"), SquaredError()), data(sizes, rows), []
    for seed in range(rounds):
        engine = Clocked(get_engine("kernel", n_jobs=1))
        state, engine.seconds = engine.init(spec, [seed]), 0.0
        began = time.perf_counter()
        lbfgs(engine, state, rowwise, max_iterations=200, gtol=0, ftol=0)
        shares.append(engine.seconds / (time.perf_counter() - began))
    return summary(shares)


def main() -> None:
    pin()
    rounds = int(sys.argv[1])
    print(json.dumps({"lm": steps_of_lm(rounds), "lbfgs": share_of_gradients(rounds)}))


if __name__ == "__main__":
    main()
