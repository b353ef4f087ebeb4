"""Time of a step, every side on every workload, one thread and two, beside the processor's peak."""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from benchmarks.timing import SideError, Workers, ratio, say, strongest, summary
from benchmarks.workloads import WORKLOADS

SIDES = (
    "glassnet",
    "scikit-learn",
    "PyTorch",
    "PyTorch, compiled",
    "JAX",
    "JAX, NumPy's shuffle",
    "Keras on JAX",
    "FMA peak",
)
ENSEMBLE_SIDES = tuple(side for side in SIDES if side != "Keras on JAX")


def measure(names: list[str], rounds: int, quick: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each workload and its results, by "1" and "2" for the threads, as soon as it has been measured with both."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    numbers = (1, 2) if cores > 1 else (1,)
    results: dict[str, dict[str, Any]] = {name: {} for name in names}
    for threads in numbers:
        with Workers(SIDES, threads) as workers:
            for name in names:
                began = time.perf_counter()
                results[name][str(threads)] = measured(workers, name, rounds, quick)
                say(f"  {name}, {threads} thread{'s' * (threads > 1)}: {time.perf_counter() - began:.0f} s")
                if threads == numbers[-1]:
                    yield name, results[name]


def measured(workers: Workers, name: str, rounds: int, quick: bool) -> dict[str, Any]:
    """One workload."""
    workload = WORKLOADS[name]
    sides = ENSEMBLE_SIDES if workload.members > 1 else SIDES
    if quick:
        sides = tuple(side for side in sides if side != "PyTorch, compiled")
    answers = workers.prepare(sides, do="train", workload=asdict(workload), quick=quick)
    if "error" in answers["glassnet"]:
        raise SideError(f"glassnet could not run {name}: {answers['glassnet']['error']}")
    went = workers.rounds(rounds)
    peaks = [answer["gflops"] for answer in went.pop("FMA peak", [])]
    times = {side: [answer["seconds"] for answer in answers] for side, answers in went.items()}
    result = summed_up(workload.flops, times, peaks, went, answers)
    shares = [answer["share"] for all_of in went.values() for answer in all_of]
    return {**result, "least_share": min(shares), "others": workers.others}


def summed_up(
    flops: int,
    times: dict[str, list[float]],
    peaks: list[float],
    went: dict[str, list[dict[str, Any]]],
    answers: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Medians, ratios to ours, share of the peak."""
    ours = times["glassnet"]
    best = strongest({side: summary(seconds)["median"] for side, seconds in times.items()})
    result: dict[str, Any] = {
        "seconds": {side: summary(seconds) for side, seconds in times.items()},
        "ratios": {side: ratio(seconds, ours) for side, seconds in times.items()},
        "strongest": best,
        "set_up": summary([answer["set_up"] for answer in went["glassnet"]])["median"],
        "notes": {side: answer.get("note", answer.get("error", "")) for side, answer in answers.items()},
        "missing": [side for side, answer in answers.items() if "error" in answer],
        "rounds": len(ours),
    }
    if peaks:
        result["peak"] = summary(peaks)["median"]
        result["share_of_peak"] = ratio([flops * 1e-9 / seconds for seconds in ours], peaks)
    return result
