"""Fits in several threads at once, and in a child forked after them, have the bits of fits alone.

The kernel keeps threads from call to call. Two fits must not get in each other's way in them, and a child, which has
none of its parent's threads, must start its own.
"""

import os
import time
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import numpy as np

import glassnet as gn
from benchmarks.soak.kills import digest

SECONDS_OF_A_CHILD = 60.0  # one that waits for a thread that it has not would wait for ever


def _fit(kind: Any, width: int, n_jobs: int, **more: Any) -> Any:
    X = np.random.default_rng(width).normal(size=(600, 6))
    y = X[:, 0] * X[:, 1] + X[:, 2]
    return kind((width, width), max_iter=4, random_state=width, n_jobs=n_jobs, **more).fit(
        X, y > 0 if kind is gn.MLPClassifier else y
    )


def _table() -> Any:
    X = np.random.default_rng(3).normal(size=(200, 3))
    return gn.TableRegressor(n_estimators=3, hidden_layer_sizes=(16,), max_iter=4, random_state=3, n_jobs=2).fit(
        X, X[:, 0] + X[:, 1] ** 2
    )


FITS: tuple[Callable[[], Any], ...] = (
    lambda: _fit(gn.MLPRegressor, 64, 2),
    lambda: _fit(gn.MLPRegressor, 20, 1, solver="lbfgs"),
    lambda: _fit(gn.MLPClassifier, 48, 2, dropout=0.2),
    lambda: _fit(gn.MLPClassifier, 8, 1, solver="sgd"),
    _table,
)
FORKED = FITS[:-1]  # polars, which reads tables, does not work in a child of a process that has used it


def threads(rounds: int, seed: int = 0) -> dict[str, Any]:
    """Fit in two to eight threads at once, and then in a forked child, `rounds` times.

    Returns:
        "rounds", "fits" in threads, "forks", and what must be 0: "other_bits", "failed" (a child that ended with
        another status than 0, or did not end).
    """
    random, began = Random(seed), time.perf_counter()
    found: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone = [digest(fit()) for fit in FITS]
        for _ in range(rounds):
            chosen = [random.randrange(len(FITS)) for _ in range(random.randint(2, 8))]
            with ThreadPoolExecutor(len(chosen)) as pool:
                digests = list(pool.map(lambda k: digest(FITS[k]()), chosen))
            found["fits"] += len(chosen)
            found["other_bits"] += sum(one != alone[k] for k, one in zip(chosen, digests, strict=True))
            found["forks"] += 1
            k = random.randrange(len(FORKED))
            found["failed"] += not _same_in_a_child(FORKED[k], alone[k])
    names = ("fits", "forks", "other_bits", "failed")
    return {"rounds": rounds, **{name: found[name] for name in names}, "seconds": round(time.perf_counter() - began, 1)}


def _same_in_a_child(fit: Callable[[], Any], expected: str) -> bool:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = int(digest(fit()) != expected)
        finally:
            os._exit(status)
    end = time.monotonic() + SECONDS_OF_A_CHILD
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.002)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False
