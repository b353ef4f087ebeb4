"""Every row scored once by a model that was not trained on it, and how sure the mean score is."""

from collections.abc import Iterator, Sequence

import numpy as np

from glassnet.data.table import Table
from glassnet.errors import InputError
from glassnet.estimators.report import FEWEST_TRAINING_ROWS, Scores, class_codes

Summary = dict[str, dict[str, dict[str, float | None]]]


def folds(table: Table, target: str, n_folds: int, *, classes: bool, seed: int) -> Iterator[tuple[Table, Table]]:
    """Rows to train on and rows to score on, n_folds times; each row is scored on once.

    Of every class, any two folds score on the same number of rows, or one differs by one. A row whose class has no
    other row is trained on in its own fold too, for a class that training never saw could not be scored.

    Args:
        table: All rows, with the target.
        target: The column to predict.
        n_folds: How many parts; 2 at least.
        classes: Whether the target holds classes.
        seed: Same seed, same folds.

    >>> [len(test) for _, test in folds(Table.read({"y": range(10)}), "y", 3, classes=False, seed=0)]
    [4, 3, 3]
    """
    n = len(table)
    if not 2 <= n_folds <= n or n - -(-n // n_folds) < FEWEST_TRAINING_ROWS:
        raise InputError(
            f"{n_folds} folds of {n} rows are not possible: give 2 or more folds, no more than there are rows, and at "
            f"least {FEWEST_TRAINING_ROWS} rows to train on beside each."
        )
    order = np.random.default_rng(seed).permutation(n)
    codes = class_codes(table, target) if classes else np.zeros(n, dtype=np.int64)
    order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[order] = np.arange(n) % n_folds  # dealt out like cards, one class after the other
    for k in range(n_folds):
        known = np.isin(codes, codes[fold != k])
        test = (fold == k) & known
        if test.any():
            yield table.take(np.flatnonzero(~test)), table.take(np.flatnonzero(test))


def summarize(scores: Sequence[dict[str, Scores]]) -> Summary:
    """The mean of every score over the folds, and its standard error s / √folds.

    The folds share training rows, so that the error is a little too small. Folds where a score is not defined are left
    out; without two that are left, there is no error.

    Args:
        scores: Of each fold, as `compare` gives them.

    >>> summarize([{"network": {"r2": 0.5, "n": 4}}, {"network": {"r2": 0.7, "n": 4}}])["network"]["r2"]["mean"]
    0.6
    """
    if not scores:
        return {}
    return {
        who: {name: _summary([fold[who][name] for fold in scores]) for name in found if name != "n"}
        for who, found in scores[0].items()
    }


def _summary(values: Sequence[float | None]) -> dict[str, float | None]:
    """Mean and standard error of the values that are there."""
    there = np.array([value for value in values if value is not None])
    return {
        "mean": float(there.mean()) if len(there) else None,
        "standard_error": float(there.std(ddof=1) / np.sqrt(len(there))) if len(there) > 1 else None,
    }
