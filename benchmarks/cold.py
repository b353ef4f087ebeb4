"""Cold start: a new process that imports a side and trains one epoch of w2. `python -m benchmarks.cold SIDE` is one."""

import importlib
import json
import sys
import time
from typing import Any

from benchmarks.sides import SIDES as MODULES
from benchmarks.timing import SideError, child, say, strongest, summary
from benchmarks.workloads import WORKLOADS

SIDES = ("glassnet", "scikit-learn", "PyTorch", "PyTorch, compiled", "JAX", "Keras on JAX", "NumPy")
NOTHING = "NumPy"  # which only makes the data
SLOW = "PyTorch, compiled"  # half a minute: once is enough


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """Seconds from the start of the process to its end, in turn; all processors may be used."""
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for i in range(rounds):
        say(f"  round {i + 1} of {rounds}")
        for side, seconds in times.items():
            if side == SLOW and (quick or i > 0):
                continue
            began = time.perf_counter()
            try:
                child("cold", side, threads=2)
            except SideError as error:
                say(f"    {side}: {error}")
                continue
            seconds.append(time.perf_counter() - began)
    medians = {side: summary(seconds) for side, seconds in times.items() if seconds}
    return {
        "seconds": medians,
        "strongest": strongest({side: s["median"] for side, s in medians.items() if side != NOTHING}),
    }


def main() -> None:
    module: Any = importlib.import_module(f"benchmarks.sides.{MODULES[sys.argv[1]]}")
    workload = WORKLOADS["w2"]
    if hasattr(module, "first_fit"):
        module.first_fit(workload)
    else:
        module.training(workload, 2)(1)
    print(json.dumps("done"))


if __name__ == "__main__":
    main()
