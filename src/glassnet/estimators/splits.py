"""Which rows each network trains on, which choose its epoch, which calibrate: parts that differ from fold to fold."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from glassnet.nn.elementary import Array

FEWEST_TO_CHOOSE = 10  # rows; fewer say nothing, and every row is trained on
FEWEST_IN_FOLD = 16  # rows, of which a part can be spared for calibration
ROUND = 0.02  # a share that differs by less from 1/2, 1/3, … is taken as that
SPARED = 4  # one in so many rows of a fold calibrates, and chooses nothing
CALIBRATION_SHARE, MOST_CALIBRATION = 0.1, 1000
LATEST = (1.0, 0.5, 0.75, 1.25)  # of the share: how much of the latest is held out, in turn
SPLIT_FROM = 10_000  # rows; from there on a calibration part of its own costs nothing that could be measured


@dataclass(frozen=True)
class Split:
    """Rows by their places, each in one part at most: to train on, to choose by, to calibrate on."""

    train: Array
    choose: Array
    calibrate: Array


def deal(n: int, codes: Array | None, folds: int, random: np.random.RandomState) -> Array:
    """The fold of each row, (n,): of every class any two folds get as many rows, or one row more.

    Args:
        n: Rows.
        codes: The class of each row, (n,); None for quantities.
        folds: How many.
        random: Where the order comes from.

    >>> np.bincount(deal(10, None, 3, np.random.RandomState(0))).tolist()
    [4, 3, 3]
    """
    order = random.permutation(n)
    if codes is not None:
        order = order[np.argsort(codes[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[order] = np.arange(n) % folds
    return fold


def portion(n: int, codes: Array | None, share: float, random: np.random.RandomState) -> Array:
    """A share of n rows, and of every class, in random order.

    >>> len(portion(10, None, 0.3, np.random.RandomState(0)))
    3
    """
    order = random.permutation(n)
    if codes is not None:
        order = order[np.argsort(codes[order], kind="stable")]
    steps = np.floor((np.arange(n + 1) + random.uniform()) * share + 1e-9)  # one in 1/share is taken
    return order[np.diff(steps) > 0]


def deal_groups(groups: Array, folds: int, random: np.random.RandomState) -> Array:
    """The fold of each row, (n,), so that a group stands together: the largest group first, to the smallest fold.

    >>> fold = deal_groups(np.array([0, 0, 1, 2, 2, 2]), 2, np.random.RandomState(0))
    >>> bool(fold[0] == fold[1]), bool(fold[3] == fold[4] == fold[5])
    (True, True)
    """
    kinds, groups = np.unique(groups, return_inverse=True)
    sizes = np.bincount(groups, minlength=len(kinds))
    shuffled = random.permutation(len(sizes))
    filled, fold_of = np.zeros(folds), np.empty(len(sizes), dtype=np.int64)
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold_of[group] = filled.argmin()
        filled[fold_of[group]] += sizes[group]
    return fold_of[groups]


def splits(
    n: int,
    codes: Array | None,
    share: float,
    calibration: str,
    random: np.random.RandomState,
    *,
    groups: Array | None = None,
    time: Array | None = None,
) -> Iterator[Split]:
    """One split after the other, without end: folds of `share` of the rows, then folds of a new order.

    With `time`, what is held out is always later than what is trained on: the last rows, more or fewer in turn.

    Args:
        n: Rows.
        codes: The class of each row, (n,); None for quantities.
        share: Of the rows, that one network does not train on.
        calibration: "split": one part of the rows is left to calibration by all; "cv+": one in SPARED rows of each fold
            is; "none".
        random: Where the orders come from.
        groups: The group of each row, (n,): rows of one group are in one part.
        time: When each row was, (n,).
    """
    rows, apart = np.arange(n), np.zeros(0, dtype=np.int64)
    if time is not None:
        rows = np.argsort(time, kind="stable")
    if calibration == "split":
        size = max(min(round(n * CALIBRATION_SHARE), MOST_CALIBRATION), 1)
        apart = _some(rows, size, random, groups, time)
        rows = rows[~np.isin(rows, apart)]
    folds = max(2, round(1 / share))
    while True:
        if time is not None:
            helds = [rows[-max(round(len(rows) * share * part), 1) :] for part in LATEST]
        elif groups is not None:
            fold = deal_groups(groups[rows], folds, random)
            helds = [rows[fold == k] for k in range(folds)]
        elif abs(share * folds - 1) > ROUND:
            helds = [rows[portion(len(rows), None if codes is None else codes[rows], share, random)]]
        else:
            fold = deal(len(rows), None if codes is None else codes[rows], folds, random)
            helds = [rows[fold == k] for k in range(folds)]
        for held in helds:
            spared = np.zeros(0, dtype=np.int64)
            if calibration == "cv+" and len(held) >= FEWEST_IN_FOLD:
                spared = _some(held, len(held) // SPARED, random, groups, None)
            train = np.sort(rows[~np.isin(rows, held)])
            yield Split(train, np.sort(held[~np.isin(held, spared)]), np.sort(spared) if len(spared) else apart)


def _some(rows: Array, size: int, random: np.random.RandomState, groups: Array | None, time: Array | None) -> Array:
    """About so many of the rows, sorted: the latest, whole groups, or any."""
    if time is not None:
        return np.sort(rows[-size:])
    if groups is None:
        return np.sort(random.permutation(rows)[:size])
    kinds, sizes = np.unique(groups[rows], return_counts=True)
    order = random.permutation(len(kinds))
    taken = kinds[order[: 1 + np.searchsorted(np.cumsum(sizes[order]), size)]]
    return np.sort(rows[np.isin(groups[rows], taken)]) if len(taken) < len(kinds) else rows[:0]
