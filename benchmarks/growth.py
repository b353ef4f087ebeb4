"""How the time grows with rows, width, depth and the number of networks; and whether a width is a cliff."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.timing import Workers, say
from benchmarks.workloads import Workload

CLIFF = 1.5  # the most that widths next to each other may differ in time per operation
WIDTHS = (45, 46, 47, 48, 49, 63, 64, 65)


def net(hidden: Sequence[int], rows: int = 4096, batch: int = 64, members: int = 1) -> Workload:
    return Workload("growth", (10, *hidden, 1), "relu", batch, rows, members)


SERIES = {
    "rows": {n: net((64, 64), rows=n) for n in (1024, 4096, 16384, 65536)},
    "width": {m: net((m, m)) for m in (16, 32, 64, 128, 256, 512)},
    "depth": {depth: net((64,) * depth) for depth in (1, 2, 4, 8, 16)},
    "networks": {k: net((64, 64), members=k) for k in (1, 2, 4, 8, 16, 32)},
    "cliff": {m: net((m, m), batch=32) for m in WIDTHS},
}


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """By series: seconds of a step (with rows, of an epoch) and of 10⁹ operations, and the slope."""
    seconds: dict[str, dict[int, list[float]]] = {name: {at: [] for at in points} for name, points in SERIES.items()}
    with Workers(["glassnet"], threads=1) as workers:
        for i in range(rounds):
            say(f"  round {i + 1} of {rounds}")
            for name, points in SERIES.items():
                for at, workload in points.items():
                    workers.prepare(do="train", workload=asdict(workload), quick=True)
                    (answer,) = workers.rounds(1)["glassnet"]
                    seconds[name][at].append(answer["seconds"])
    results: dict[str, Any] = {}
    for name, points in SERIES.items():
        steps = {at: statistics.median(values) for at, values in seconds[name].items()}
        results[name] = {
            "step": {str(at): value for at, value in steps.items()},
            "per_gflop": {str(at): value / points[at].flops * 1e9 for at, value in steps.items()},
        }
        whole = {at: value * points[at].steps for at, value in steps.items()} if name == "rows" else steps
        results[name]["slope"] = slope(list(whole), list(whole.values()))
    per = results["cliff"]["per_gflop"].values()
    results["cliff"]["spread"] = max(per) / min(per)
    return results


def slope(at: Sequence[float], values: Sequence[float]) -> float:
    """The power p of values ∝ atᵖ, by least squares of the logarithms.

    >>> round(slope([1, 2, 4], [3, 12, 48]), 6)
    2.0
    """
    line = statistics.linear_regression([math.log(a) for a in at], [math.log(v) for v in values])
    return line.slope
