"""What the kernel is to reach, and whether it does."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.growth import CLIFF

SPEED = {  # workload: ratio to the strongest peer with one thread, and with two where that is asked for
    "w1": (25.0, None),
    "w2": (2.8, None),
    "w2b": (2.8, 4.0),
    "w3": (3.0, None),
    "w4": (1.4, 1.25),
    "w5": (3.0, 5.0),
}
SHARE = {"w2": 0.60, "w2b": 0.75, "w3": 0.70, "w4": 0.80}  # of the FMA peak, one thread
ROW = 0.1  # of onnxruntime's time for one row
LM = 10.0  # times as fast as on the NumPy engine


@dataclass(frozen=True)
class Target:
    """What was asked for, what was measured."""

    name: str
    asked: str
    measured: str
    met: bool
    bound: str = ""  # what would be measured if a step were its products alone, at the FMA peak


def targets(results: dict[str, Any]) -> Iterator[Target]:
    """Of the sections that were run."""
    for name, asked in SPEED.items():
        for threads, at_least in zip(("1", "2"), asked, strict=True):
            if at_least is not None and threads in results.get(name, {}):
                yield _speed(name, threads, at_least, results[name][threads])
    for name, share in SHARE.items():
        if "share_of_peak" in results.get(name, {}).get("1", {}):
            value = results[name]["1"]["share_of_peak"]["median"]
            yield Target(f"{name}, share of the FMA peak, 1 thread", f"≥ {share:.0%}", f"{value:.0%}", value >= share)
    for kind, value in results.get("inference", {}).items():
        if kind.startswith("one row") and "onnxruntime" in value["ratios"]:
            part = 1 / value["ratios"]["onnxruntime"]["median"]
            yield Target(f"{kind}: part of onnxruntime's time", f"≤ {ROW:g}", f"{part:.2f}", part <= ROW)
    if "growth" in results:
        spread = results["growth"]["cliff"]["spread"]
        yield Target(
            "widths 45–49 and 63–65, time per operation", f"within {CLIFF:g}×", f"{spread:.2f}×", spread <= CLIFF
        )
    for case in results.get("memory", {}).values():
        taken, allowed = case["taken"] / 1e6, case["allowed"] / 1e6
        yield Target(f"memory: {case['case']}", f"≤ {allowed:.0f} MB", f"{taken:.0f} MB", taken <= allowed)
    for problem, value in results.get("solvers", {}).get("lm", {}).items():
        times = value["ratio"]["median"]
        yield Target(f"Levenberg–Marquardt against NumPy, {problem}", f"≥ {LM:g}×", f"{times:.1f}×", times >= LM)


def _speed(name: str, threads: str, at_least: float, result: dict[str, Any]) -> Target:
    """Over the strongest peer."""
    peer, plural = result["strongest"], "s" * (threads == "2")
    ratio, plain = result["ratios"][peer]["median"], result["ratios"].get("JAX", {}).get("median")
    measured = f"{ratio:.2f}×" + (f", over JAX's own shuffle {plain:.2f}×" if plain and peer != "JAX" else "")
    bound = ratio / result["share_of_peak"]["median"] * int(threads) if "share_of_peak" in result else None
    return Target(
        f"{name} over {peer}, {threads} thread{plural}",
        f"≥ {at_least:g}×",
        measured,
        ratio >= at_least,
        f"{bound:.1f}×" if bound and bound < 100 else "",
    )
