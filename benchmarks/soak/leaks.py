"""A hundred thousand fits in one process, each predicted from row by row: memory does not grow.

Small networks of every estimator, so that it is the number of fits that counts. What a fit leaves behind by mistake,
0.1 kB of it, would be 9 MB at the end.
"""

import ctypes
import gc
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import glassnet as gn

ALLOWED_MB = 6.0  # over the last nine tenths; pieces of memory that the allocator keeps come to 2 or so
TABLES = 200  # one in so many is a table model, which takes ten times as long


def leaks(count: int, seed: int = 0) -> dict[str, Any]:
    """Fit `count` networks, one after the other.

    Returns:
        "fits", "predictions" of single rows, the process's megabytes after a tenth of them and at the end, and what
        must be 0: "grown", whether the end is more than `ALLOWED_MB` above.
    """
    began = time.perf_counter()
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 2))
    table = {"mass": X[:, 0], "island": ["a", "b", None] * 4, "answer": X[:, 1]}
    predictions, first = 0, 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for k in range(count):
            if k % TABLES == 0:
                model = gn.TableRegressor(n_estimators=1, hidden_layer_sizes=(2,), max_iter=2, random_state=k)
                model.fit(table, target="answer").predict({name: cells[:1] for name, cells in table.items()})
            else:
                kind, y = (gn.MLPClassifier, X[:, 0] > 0) if k % 10 == 1 else (gn.MLPRegressor, X[:, 0])
                solver = "lbfgs" if k % 10 == 2 else "adam"
                one = kind((2,), solver=solver, max_iter=2, random_state=k).fit(X, y).predictor()
                one(X[0])
                one(X[1].tolist())
                predictions += 2
            if k + 1 == max(count // 10, 1):
                first = _resident_mb()
    last = _resident_mb()
    return {
        "fits": count,
        "predictions": predictions,
        "megabytes_at_a_tenth": round(first, 1),
        "megabytes": round(last, 1),
        "grown": int(last > first + ALLOWED_MB),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _resident_mb() -> float:
    """What the process holds, without what is free already."""
    gc.collect()
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * 4096 / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # its peak, in bytes on macOS
