"""Prediction by 10-64-64-1: one row from a list or an array, and 100,000 rows."""

from typing import Any

from benchmarks.timing import SideError, Workers, ratio, say, strongest, summary

SIDES = ("glassnet", "onnxruntime", "PyTorch", "scikit-learn", "JAX", "NumPy")
KINDS = {
    "one row, a list": ("list", 1),
    "one row, an array": ("array", 1),
    "100,000 rows, 1 thread": ("rows", 1),
    "100,000 rows, 2 threads": ("rows", 2),
}


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """By kind of call: seconds and ratios."""
    results: dict[str, Any] = {}
    for threads in (1, 2):
        with Workers(SIDES, threads) as workers:
            for kind, (what, needed) in KINDS.items():
                if needed == threads:
                    say(f"  {kind}")
                    results[kind] = measured(workers, what, rounds)
    return results


def measured(workers: Workers, what: str, rounds: int) -> dict[str, Any]:
    """One kind of call."""
    answers = workers.prepare(do="predict", what=what)
    checks = {side: answer["check"] for side, answer in answers.items() if "check" in answer}
    if max(checks.values()) - min(checks.values()) > 1e-4:
        raise SideError(f"the sides do not predict the same: {checks}")
    went = workers.rounds(rounds)
    times = {side: [answer["seconds"] for answer in of_side] for side, of_side in went.items()}
    medians = {side: summary(seconds) for side, seconds in times.items()}
    return {
        "seconds": medians,
        "ratios": {side: ratio(seconds, times["glassnet"]) for side, seconds in times.items()},
        "strongest": strongest({side: s["median"] for side, s in medians.items()}),
        "notes": {side: answer.get("note", answer.get("error", "")) for side, answer in answers.items()},
    }
