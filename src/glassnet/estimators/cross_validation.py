"""Every row scored once by a model that was not trained on it, and how sure the mean score is."""

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.model_selection import GroupKFold, TimeSeriesSplit

from glassnet.data.table import Table
from glassnet.errors import InputError
from glassnet.estimators.report import FEWEST_TRAINING_ROWS, Scores, class_codes
from glassnet.estimators.table_rows import RowOrder
from glassnet.nn.elementary import Array

Summary = dict[str, dict[str, dict[str, float | None]]]


def folds(
    table: Table,
    target: str,
    n_folds: int,
    *,
    classes: bool,
    seed: int,
    groups: str | None = None,
    time: str | None = None,
) -> Iterator[tuple[Table, Table]]:
    """Rows to train on and rows to score on, n_folds times; each row is scored on once.

    Of every class, any two folds score on the same number of rows, or one differs by one. A row whose class has no
    other row is trained on in its own fold too, for a class that training never saw could not be scored.

    Groups are never parted. With a time, rows are scored on by models of earlier rows alone: the first part, one of
    n_folds + 1, is only trained on.

    Args:
        table: All rows, with the target.
        target: The column to predict.
        n_folds: How many parts; 2 at least.
        classes: Whether the target holds classes.
        seed: Same seed, same folds.
        groups: The column that says what belongs together.
        time: The column that says when each row was.

    >>> [len(test) for _, test in folds(Table.read({"y": range(10)}), "y", 3, classes=False, seed=0)]
    [4, 3, 3]
    """
    n = len(table)
    if not 2 <= n_folds <= n or n - -(-n // n_folds) < FEWEST_TRAINING_ROWS:
        raise InputError(
            f"{n_folds} folds of {n} rows are not possible: give 2 or more folds, no more than there are rows, and at "
            f"least {FEWEST_TRAINING_ROWS} rows to train on beside each."
        )
    codes = class_codes(table, target) if classes else np.zeros(n, dtype=np.int64)
    for train, test in _parts(RowOrder.read(table, groups, time, None), codes, n_folds, seed):
        unknown = ~np.isin(codes[test], codes[train])
        train, test = np.sort(np.concatenate([train, test[unknown]])), np.sort(test[~unknown])
        if len(test):
            yield table.take(train), table.take(test)


def _parts(order: RowOrder, codes: Array, n_folds: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Places of rows to train on and to score on."""
    n = len(codes)
    if order.time is not None:
        rows = np.argsort(order.time, kind="stable")
        for train, test in TimeSeriesSplit(n_folds).split(rows):
            yield rows[train], rows[test]
    elif order.groups is not None:
        if order.groups.max() + 1 < n_folds:
            raise InputError(f"{n_folds} folds of {order.groups.max() + 1} groups are not possible: give fewer folds.")
        yield from GroupKFold(n_folds, shuffle=True, random_state=seed).split(codes, groups=order.groups)
    else:
        dealt = np.random.default_rng(seed).permutation(n)
        dealt = dealt[np.argsort(codes[dealt], kind="stable")]
        fold = np.empty(n, dtype=np.int64)
        fold[dealt] = np.arange(n) % n_folds  # dealt out like cards, one class after the other
        for k in range(n_folds):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


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
