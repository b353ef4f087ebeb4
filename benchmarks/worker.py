"""One side in a process of its own: `python -m benchmarks.worker SIDE THREADS`, JSON lines in and out.

    {"do": "train", "workload": {…}}    prepare a training          → {"note": …}
    {"do": "predict", "what": "list"}   prepare predictions         → {"note": …}
    {"do": "learn", "problem": …}       prepare a problem           → {"losses": [held-out loss after each epoch]}
    {"do": "go"}                        measure what was prepared   → {"seconds": …, "share": …, …}

`share` is the part of the wall clock that this process had its cores; well below 1 it was fought for.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.timing import pin

CHUNK_SECONDS = 0.2  # that a measurement of a training lasts, at least
Go = Callable[..., dict[str, Any]]


class Watch:
    """Seconds on the wall, and the share of them that this process ran."""

    def __enter__(self) -> "Watch":
        self.wall, self.cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds, self.used = time.perf_counter() - self.wall, time.process_time() - self.cpu

    @property
    def share(self) -> float:
        return self.used / self.seconds


def train(module: Any, threads: int, workload: dict[str, Any], quick: bool = False) -> tuple[dict[str, Any], Go]:
    """Seconds of a step."""
    from benchmarks.workloads import Workload

    work = Workload(**{**workload, "sizes": tuple(workload["sizes"])})
    run = module.training(work, threads)
    if hasattr(run, "measure"):
        return {"note": run.note}, lambda: {"gflops": run.measure(), "share": 1.0}

    run(1)  # compiles, and fills the caches
    chunk = CHUNK_SECONDS / 5 if quick else CHUNK_SECONDS
    with Watch() as watch:
        run(1)
    if module.FRESH:  # a fit of one epoch is mostly set-up: look again
        with Watch() as longer:
            run(4)
        seconds = (longer.seconds - watch.seconds) / 3
    else:
        seconds = watch.seconds
    epochs = min(max(1, round(chunk / max(seconds, 1e-6))), 5000)
    if not module.FRESH:

        def go() -> dict[str, Any]:
            with Watch() as watch:
                run(epochs)
            return {"seconds": watch.seconds / epochs / work.steps, "share": watch.share}

        return {"note": run.note}, go

    def fits() -> dict[str, Any]:
        """A fit of some epochs less a fit of one, so that set-up is told apart."""
        with Watch() as one:
            run(1)
        with Watch() as many:
            run(1 + epochs)
        epoch = (many.seconds - one.seconds) / epochs
        return {"seconds": epoch / work.steps, "set_up": max(0.0, one.seconds - epoch), "share": many.share}

    return {"note": run.note}, fits


def predict(module: Any, threads: int, what: str, rows: int = 100_000) -> tuple[dict[str, Any], Go]:
    """Seconds of a call: a row as a "list" or an "array", or all "rows". Sides must agree on what they predict."""
    import numpy as np

    from benchmarks.workloads import glorot

    functions = module.predictor(glorot((10, 64, 64, 1), 0), threads)
    x = np.random.default_rng(1).standard_normal((rows if what == "rows" else 1, 10), dtype=np.float32)
    call, given = functions[what], {"list": x[0].tolist(), "array": x[0], "rows": x}[what]
    check = float(np.asarray(call(given)).ravel()[0])
    with Watch() as watch:
        for _ in range(3):
            call(given)
    calls = max(3, round(0.1 / watch.seconds * 3))

    def go() -> dict[str, Any]:
        with Watch() as watch:
            for _ in range(calls):
                call(given)
        return {"seconds": watch.seconds / calls, "share": watch.share}

    return {"note": functions["note"], "check": check}, go


def learn(module: Any, threads: int, problem: str, dtype: str, epochs: int) -> tuple[dict[str, Any], Go]:
    """Held-out loss by epochs, then seconds of a training of just so many."""
    from benchmarks.time_to_loss import PROBLEMS

    chosen = PROBLEMS[problem](dtype)
    run = module.learning(chosen)
    losses = [chosen.loss(p) for p in run(epochs, 0, True)]
    list(run(2, 0, False))

    def go(epochs: int, seed: int) -> dict[str, Any]:
        with Watch() as watch:
            (p,) = run(epochs, seed, False)
        return {"seconds": watch.seconds, "loss": chosen.loss(p), "share": watch.share}

    return {"losses": losses}, go


def serve(side: str, threads: int) -> None:
    """Answer until there is nothing more to read."""
    from benchmarks.sides import SIDES

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    prepare = {"train": train, "predict": predict, "learn": learn}
    go: Go | None = None
    module: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        task = request.pop("do")
        try:
            if task == "go":
                assert go is not None, "nothing is prepared"
                answer = go(**request)
            else:
                go = None  # let go of the one before
                module = module or importlib.import_module(f"benchmarks.sides.{SIDES[side]}")
                answer, go = prepare[task](module, threads, **request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    side, threads = sys.argv[1], int(sys.argv[2])
    if threads == 1:
        pin()
    serve(side, threads)


if __name__ == "__main__":
    main()
