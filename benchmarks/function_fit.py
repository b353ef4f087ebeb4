"""How closely a small network can follow a function: Levenberg–Marquardt and L-BFGS, against scikit-learn's L-BFGS.

    python benchmarks/function_fit.py

sin 2x + 0.3x² on [−3, 3], 200 points, ten tanh units, no penalty. A run is nine starts, the best of which counts;
scikit-learn, which has no restarts, is fitted nine times. Twenty runs; the time is of all nine starts, one BLAS thread.
"""

import platform
import statistics
import time
import warnings

import numpy as np
import sklearn
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from glassnet.nn import Architecture, Data, Spec, SquaredError, get_engine
from glassnet.training import lbfgs, levenberg_marquardt

RUNS, STARTS = 20, 9
X = np.linspace(-3, 3, 200)[:, None]
T = np.sin(2 * X) + 0.3 * X**2


def ours(solver, **options):
    """A run by one of our solvers: the RMSE of its best start."""
    engine, spec = get_engine(), Spec(Architecture.create([1, 10, 1], "tanh"), SquaredError())

    def run(seeds):
        solution = solver(engine, engine.init(spec, seeds), Data(X, T), **options)
        return (2 * solution.loss) ** 0.5

    return run


def theirs(**options):
    """A run by scikit-learn."""

    def run(seeds):
        models = [
            MLPRegressor(
                hidden_layer_sizes=(10,), activation="tanh", solver="lbfgs", alpha=0, random_state=seed, **options
            ).fit(X, T[:, 0])
            for seed in seeds
        ]
        return min(float(np.sqrt(np.mean((model.predict(X) - T[:, 0]) ** 2))) for model in models)

    return run


def main():
    """Print a table in Markdown."""
    warnings.simplefilter("ignore")
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, ", end="")
    print(f"NumPy {np.__version__}, scikit-learn {sklearn.__version__}; {RUNS} runs of {STARTS} starts.\n")
    print("| | RMSE: median | best | worst | seconds: median | worst |")
    print("|---|---|---|---|---|---|")
    contestants = {
        "Levenberg–Marquardt, 200 steps": ours(levenberg_marquardt),
        "Levenberg–Marquardt, 400 steps": ours(levenberg_marquardt, max_iterations=400),
        "L-BFGS, ftol=0, 2,000 steps": ours(lbfgs, gtol=1e-12, ftol=0, max_iterations=2000),
        "L-BFGS, SciPy's ftol, 2,000 steps": ours(lbfgs, gtol=1e-12, max_iterations=2000),
        "scikit-learn's L-BFGS, tol=1e-12, 2,000 steps": theirs(tol=1e-12, max_iter=2000),
    }
    with threadpool_limits(1):
        for name, run in contestants.items():
            errors, seconds = [], []
            for k in range(RUNS):
                began = time.perf_counter()
                errors.append(run(range(STARTS * k, STARTS * (k + 1))))
                seconds.append(time.perf_counter() - began)
            print(
                f"| {name} | {statistics.median(errors):.1e} | {min(errors):.1e} | {max(errors):.1e} "
                f"| {statistics.median(seconds):.2f} | {max(seconds):.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
