"""One fit in a process of its own: `python -m benchmarks.accuracy.worker`, a job in and a line of results out, as JSON.

The fit ends by the clock of the processor: more than its limit kills the process, whatever it is doing.
"""

import json
import os
import signal
import sys
import time
import warnings
from typing import Any

import numpy as np

from benchmarks.accuracy.peers import ABLATION, PEERS, Problem, scores
from benchmarks.accuracy.tables import catalogue, load, split


def measure(
    table: str, fold: int, peer: str, seed: int, threads: int, cap: int | None, limit_seconds: float
) -> dict[str, Any]:
    """Scores on the test rows, and what fit and prediction took: seconds on the wall, and of the processor."""
    entry, chosen = catalogue()[table], {**PEERS, **ABLATION}[peer]
    rows = load(entry)
    problem = Problem(entry.task, entry.text, seed, threads)
    train, test = split(entry, rows, fold, cap)
    answers, classes = rows["target"].to_numpy(), None
    if not problem.regression:
        names, indices = np.unique(answers, return_inverse=True)
        answers, classes = (answers, names) if chosen.strings else (indices, np.arange(len(names)))
    features = rows.drop("target")
    a, b = chosen.frames(problem, features[train], features[test])
    model = chosen.model(problem)

    signal.setitimer(signal.ITIMER_PROF, limit_seconds * threads)
    wall, processor = time.perf_counter(), time.process_time()
    model = model.fit(a, answers[train])
    seconds = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - processor}
    signal.setitimer(signal.ITIMER_PROF, 0.0)

    wall = time.perf_counter()
    expected = answers[test] if classes is None else np.searchsorted(classes, answers[test])
    result = scores(classes, expected, model, b)
    if problem.regression:
        result = {"nrmse": result["rmse"] / float(np.std(answers))}
    seconds["predict_seconds"] = time.perf_counter() - wall
    return {
        **{name: round(value, 8) for name, value in result.items()},
        **{name: round(value, 4) for name, value in seconds.items()},
    }


def main() -> None:
    """What libraries print is no answer; what they warn of is their defaults' own."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    try:
        answer = measure(**json.load(sys.stdin))
    except Exception as error:  # whatever a library raises is its result here: the round goes on, and the page says so
        answer = {"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
    os._exit(0)  # some libraries' threads end badly


if __name__ == "__main__":
    main()
