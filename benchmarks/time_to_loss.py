"""Time to equal held-out loss: the same network, optimizer, rate, batch and dtype; one thread each.

Epoch by epoch, it is first seen when each side reaches a held-out loss that all reach; then a training of just so many
epochs is timed, sides in turn.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.timing import Workers, ratio, say, strongest, summary

SIDES = ("glassnet", "scikit-learn", "PyTorch", "JAX")
EPOCHS = 60


@dataclass
class Problem:
    """Rows to train on and rows to look at; `y` is a label where there are classes."""

    hidden: tuple[int, ...]
    batch: int
    classes: int
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @property
    def sizes(self) -> tuple[int, ...]:
        return (self.x.shape[1], *self.hidden, self.classes or 1)

    def loss(self, p: np.ndarray) -> float:
        """Of held-out predictions: log loss, or half the mean squared error."""
        p = p.astype(np.float64)
        if self.classes:
            return float(-np.log(np.maximum(p[np.arange(len(p)), self.y_test], 1e-12)).mean())
        return float(((p - self.y_test) ** 2).mean() / 2)


def digits(dtype: str) -> Problem:
    """1,347 rows of 64 pixels, ten classes."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    x, y = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split((x / 16).astype(dtype), y, test_size=0.25, random_state=0, stratify=y)
    return Problem((100,), 200, 10, x, y, x_test, y_test)


def friedman(dtype: str) -> Problem:
    """Friedman's function of ten variables, 4,000 rows."""
    from sklearn.datasets import make_friedman1
    from sklearn.model_selection import train_test_split

    x, y = make_friedman1(5000, 10, noise=1.0, random_state=0)
    x, y = (x - x.mean(axis=0)) / x.std(axis=0), (y - y.mean()) / y.std()
    x, x_test, y, y_test = train_test_split(x.astype(dtype), y.astype(dtype), test_size=0.2, random_state=0)
    return Problem((64, 64), 32, 0, x, y, x_test, y_test)


PROBLEMS: dict[str, Callable[[str], Problem]] = {"digits": digits, "friedman": friedman}


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """By problem and dtype: the loss to reach, epochs, seconds, ratios."""
    results = {}
    epochs = EPOCHS // 3 if quick else EPOCHS
    with Workers(SIDES, threads=1) as workers:
        for problem in PROBLEMS:
            for dtype in ("float32", "float64"):
                say(f"  {problem}, {dtype}")
                curves = {
                    side: answer["losses"]
                    for side, answer in workers.prepare(do="learn", problem=problem, dtype=dtype, epochs=epochs).items()
                    if "losses" in answer
                }
                results[f"{problem}, {dtype}"] = race(workers, curves, rounds)
    return results


def race(workers: Workers, curves: dict[str, list[float]], rounds: int) -> dict[str, Any]:
    """Trainings of as many epochs as each side needs."""
    target, epochs = needed(curves)
    kept: dict[str, list[dict[str, Any]]] = {side: [] for side in curves}
    for seed in range(rounds):
        each = {side: {"epochs": n, "seed": seed} for side, n in epochs.items()}
        for side, answers in workers.rounds(1, **each).items():
            kept[side] += answers
    times = {side: [answer["seconds"] for answer in answers] for side, answers in kept.items()}
    medians = {side: summary(seconds) for side, seconds in times.items()}
    return {
        "target": target,
        "epochs": epochs,
        "seconds": medians,
        "reached": {side: summary([answer["loss"] for answer in answers])["median"] for side, answers in kept.items()},
        "ratios": {side: ratio(seconds, times["glassnet"]) for side, seconds in times.items()},
        "strongest": strongest({side: s["median"] for side, s in medians.items()}),
    }


def needed(curves: dict[str, list[float]]) -> tuple[float, dict[str, int]]:
    """A loss that all sides reach, 2 % above the best of the worst of them, and after how many epochs each does.

    >>> needed({"a": [3.0, 2.0, 1.0], "b": [2.0, 2.5, 2.6]})
    (2.04, {'a': 2, 'b': 1})
    """
    target = 1.02 * max(min(losses) for losses in curves.values())
    return target, {
        side: next(i for i, loss in enumerate(losses, 1) if loss <= target) for side, losses in curves.items()
    }
