"""A guard for CI against a slow kernel: `python -m benchmarks.guard` exits 1 and says what is too slow.

It compares what was measured in the same process, in turn, the best of many times; never bare seconds. The bounds are
generous: a kernel that passes can still be slower than it should be, but one that fails has lost its speed.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.workloads import WORKLOADS, Workload
from glassnet import MLPRegressor
from glassnet.nn import Adam, Architecture, Data, Engine, Spec, SquaredError, get_engine

REPEATS = 40  # each of a millisecond or so: some of them find a busy machine quiet
PRODUCT = 4.0  # a step may take so many times as long as NumPy's products with as many operations
CALL = 4.0  # a step of the smallest network, in calls of a tiny product
ENGINE = 4.0  # the kernel is at least so many times as fast as the NumPy engine
WIDTHS = 2.0  # neighbouring widths differ by no more, per operation
ACCELERATED = sys.platform == "darwin"  # NumPy's products run on a matrix unit that no program of ours can use


@dataclass(frozen=True)
class Check:
    """A ratio, and where it must lie."""

    name: str
    measured: float
    at_most: float

    @property
    def passed(self) -> bool:
        return self.measured <= self.at_most

    def __str__(self) -> str:
        """
        >>> print(Check("a step of w2", 5.0, at_most=4.0))
        FAILED  a step of w2: 5.00, at most 4
        """
        return f"{'ok    ' if self.passed else 'FAILED'}  {self.name}: {self.measured:.2f}, at most {self.at_most:g}"


def best(*functions: Callable[[], Any]) -> list[float]:
    """The least seconds of each, in turn."""
    seconds = [float("inf")] * len(functions)
    for _ in range(REPEATS):
        for i, function in enumerate(functions):
            began = time.perf_counter()
            function()
            seconds[i] = min(seconds[i], time.perf_counter() - began)
    return seconds


def stepper(engine: Engine, workload: Workload, steps: int) -> Callable[[], Any]:
    """A function that goes on by so many steps."""
    architecture = Architecture.create(list(workload.sizes), workload.activation)
    spec = Spec(architecture, SquaredError(), Adam(), batch_size=workload.batch, dtype=np.float32)
    state, data = engine.init(spec, seeds=[0]), Data(*workload.data())
    engine.advance(state, data, 1)
    return lambda: engine.advance(state, data, steps)


def product(n: int, d: int, m: int, times: int) -> Callable[[], None]:
    """NumPy's (n, d)(d, m), so many times."""
    a, b, c = np.ones((n, d), np.float32), np.ones((d, m), np.float32), np.empty((n, m), np.float32)

    def multiply() -> None:
        for _ in range(times):
            np.matmul(a, b, out=c)

    return multiply


def against_products(kernel: Engine) -> Iterator[Check]:
    """Steps as long as NumPy's products of the widest layer."""
    for name, steps in (("w2b", 20), ("w4", 1)):
        workload = WORKLOADS[name]
        n, m = workload.batch, max(workload.sizes[1:])
        times = max(1, round(steps * workload.flops / (2 * n * m * m)))
        ours, numpy = best(stepper(kernel, workload, steps), product(n, m, m, times))
        yield Check(f"a step of {name}, in NumPy products of as many operations", ours / numpy, PRODUCT)


def against_calls(kernel: Engine) -> Check:
    """The smallest network: what a step costs beside its arithmetic."""
    ours, numpy = best(stepper(kernel, WORKLOADS["w1"], 1000), product(10, 2, 8, 1000))
    return Check("a step of w1, in calls of a tiny NumPy product", ours / numpy, CALL)


def against_numpy_engine(kernel: Engine) -> Check:
    """The twin in NumPy."""
    ours, theirs = best(stepper(kernel, WORKLOADS["w2"], 10), stepper(get_engine("numpy"), WORKLOADS["w2"], 10))
    return Check("a step of w2, in parts of the NumPy engine's", ours / theirs, 1 / ENGINE)


def among_widths(kernel: Engine) -> Check:
    """No width is a cliff."""
    workloads = [Workload("width", (10, m, m, 1), "relu", 32, 3200) for m in (45, 46, 47, 48, 49, 63, 64, 65)]
    seconds = best(*(stepper(kernel, workload, 50) for workload in workloads))
    per = [s / workload.flops for s, workload in zip(seconds, workloads, strict=True)]
    return Check("time per operation among widths 45–49 and 63–65", max(per) / min(per), WIDTHS)


def among_threads() -> Check:
    """The number of weights that differ between n_jobs=1 and n_jobs=2."""
    x, t = Workload("threads", (20, 100, 100, 1), "relu", 100, 2000).data()

    def weights(n_jobs: int) -> np.ndarray:
        parameters: dict[str, Any] = {"n_jobs": n_jobs, "max_iter": 3, "batch_size": 100, "random_state": 0}
        with warnings.catch_warnings(action="ignore"):  # three epochs are no convergence
            model = MLPRegressor((100, 100), engine="kernel", **parameters).fit(x, t[:, 0])
        return np.concatenate([w.ravel() for w in (*model.coefs_, *model.intercepts_)])

    return Check("weights that differ between n_jobs=1 and n_jobs=2", float((weights(1) != weights(2)).sum()), 0)


def checks() -> Iterator[Check]:
    """All that can be made here."""
    kernel = get_engine("kernel", n_jobs=1)
    if not ACCELERATED:
        yield from against_products(kernel)
        yield against_calls(kernel)
    yield against_numpy_engine(kernel)
    yield among_widths(kernel)
    yield among_threads()


def judge(made: Iterator[Check]) -> int:
    """Print each; the exit status."""
    failed = 0
    for check in made:
        print(check, flush=True)
        failed += not check.passed
    if failed:
        print(f"{failed} of the kernel's ratios lie outside their bounds; benchmarks/guard.py says what they mean.")
    return 1 if failed else 0


def main() -> int:
    with threadpool_limits(1):
        return judge(checks())


if __name__ == "__main__":
    sys.exit(main())
