"""Peak memory of a fit beyond the data that are there already. `python -m benchmarks.memory CASE` is one fit."""

import json
import resource
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.timing import child, say


@dataclass(frozen=True)
class Case:
    """A fit; `copies` times the parameters is what it may take, beside a copy of the data and a batch's activations."""

    sizes: tuple[int, ...]
    rows: int
    batch: int
    solver: str
    copies: int
    dtype: str = "float32"

    @property
    def itemsize(self) -> int:
        return 4 if self.dtype == "float32" else 8

    @property
    def allowed(self) -> int:
        """Bytes."""
        data = self.rows * (self.sizes[0] + self.sizes[-1])
        parameters = sum((d + 1) * m for d, m in pairwise(self.sizes))
        activations = 2 * self.batch * sum(self.sizes)  # z or dz, and h
        return self.itemsize * (data + self.copies * parameters + activations)

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, {self.rows:,} rows, {self.solver}, {self.dtype}"


CASES = {
    "many rows": Case((784, 512, 512, 10), 60_000, 128, "adam", 7),
    "many parameters": Case((784, 2048, 2048, 10), 2_000, 128, "adam", 7),
    "l-bfgs": Case((200, 1024, 1024, 1), 500, 500, "lbfgs", 30, "float64"),
}


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """By case: bytes taken and bytes allowed; the worst of the rounds."""
    results = {}
    for name, case in CASES.items():
        say(f"  {case}")
        taken = max(child("memory", name)["taken"] for _ in range(rounds))
        results[name] = {"case": str(case), "copies": case.copies, "taken": taken, "allowed": case.allowed}
    return results


def resident() -> int:
    """Bytes of this process in memory now; the peak so far where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak()
    return pages * resource.getpagesize()


def peak() -> int:
    """Bytes, the most that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> None:
    import numpy as np

    from benchmarks.sides.ours import model
    from glassnet import MLPRegressor

    case = CASES[sys.argv[1]]

    def fit(sizes: tuple[int, ...], x: Any, t: Any) -> None:
        model(
            MLPRegressor, 1, hidden_layer_sizes=sizes[1:-1], solver=case.solver, batch_size=case.batch, max_iter=2
        ).fit(x, t)

    rng = np.random.default_rng(0)
    small = rng.standard_normal((case.batch, 4)).astype(case.dtype)
    fit((4, 4, case.sizes[-1]), small, small[:, 0])  # imports what a fit imports
    # Drawn in place, so that nothing before the fit reaches the peak.
    x = np.empty((case.rows, case.sizes[0]), case.dtype)
    for row in x:
        row[:] = rng.standard_normal(len(row))
    t = np.ascontiguousarray(x[:, : case.sizes[-1]]) if case.sizes[-1] > 1 else x[:, 0].copy()
    before, highest = resident(), peak()
    fit(case.sizes, x, t)
    after = peak()
    print(json.dumps({"taken": after - before if after > highest else 0}))


if __name__ == "__main__":
    main()
