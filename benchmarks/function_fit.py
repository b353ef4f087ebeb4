"""How closely a small network can follow a function: Levenberg–Marquardt and L-BFGS, against scikit-learn's L-BFGS.

sin 2x + 0.3x² on [−3, 3], 200 points, ten tanh units, no penalty. A run is nine starts, the best of which counts;
scikit-learn, which has no restarts, is fitted nine times. The time is of all nine starts, one thread.
`python -m benchmarks.function_fit RUNS` prints JSON.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import child, pin, say, summary

STARTS = 9
X = np.linspace(-3, 3, 200)[:, None]
T = np.sin(2 * X) + 0.3 * X**2
Run = Callable[[Sequence[int]], float]


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """By solver: the error of the best start, and seconds."""
    say("  sin 2x + 0.3x²")
    return child("function_fit", str(rounds))


def ours(solver: Callable[..., Any], **options: Any) -> Run:
    """A run by one of our solvers: the RMSE of its best start."""
    from glassnet.nn import Architecture, Data, Spec, SquaredError, get_engine

    engine, spec = get_engine("kernel", n_jobs=1), Spec(Architecture.create([1, 10, 1], "tanh"), SquaredError())

    def run(seeds: Sequence[int]) -> float:
        solution = solver(engine, engine.init(spec, seeds), Data(X, T), **options)
        return float((2 * solution.loss) ** 0.5)

    return run


def theirs(**options: Any) -> Run:
    """A run by scikit-learn."""
    from sklearn.neural_network import MLPRegressor

    def rmse(seed: int) -> float:
        model = MLPRegressor(
            hidden_layer_sizes=(10,), activation="tanh", solver="lbfgs", alpha=0, random_state=seed, **options
        )
        return float(np.sqrt(np.mean((model.fit(X, T[:, 0]).predict(X) - T[:, 0]) ** 2)))

    return lambda seeds: min(map(rmse, seeds))


def main() -> None:
    from glassnet.training import lbfgs, levenberg_marquardt

    pin()
    warnings.simplefilter("ignore")
    contestants = {
        "Levenberg–Marquardt, 200 steps": ours(levenberg_marquardt),
        "L-BFGS, ftol=0, 2,000 steps": ours(lbfgs, gtol=1e-12, ftol=0, max_iterations=2000),
        "L-BFGS, SciPy's ftol, 2,000 steps": ours(lbfgs, gtol=1e-12, max_iterations=2000),
        "scikit-learn's L-BFGS, tol=1e-12, 2,000 steps": theirs(tol=1e-12, max_iter=2000),
    }
    errors: dict[str, list[float]] = {name: [] for name in contestants}
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    with threadpool_limits(1):
        for k in range(int(sys.argv[1])):
            for name, run in contestants.items():
                began = time.perf_counter()
                errors[name].append(run(range(STARTS * k, STARTS * (k + 1))))
                seconds[name].append(time.perf_counter() - began)
    result = {
        name: {"rmse": summary(errors[name]), "worst": max(errors[name]), "seconds": summary(seconds[name])}
        for name in contestants
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
