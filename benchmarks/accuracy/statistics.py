"""What is said of figures: means over tables, intervals over folds and over tables, ranks."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student

SHIFT = 0.01  # so that a table without errors does not decide alone
RESAMPLES = 10_000
LEVEL = 0.95


class Interval(NamedTuple):
    """A figure, and where it lies with 95 % confidence."""

    value: float
    low: float
    high: float


def shifted_mean(values: Sequence[float] | np.ndarray, axis: int = -1) -> np.ndarray:
    """exp(mean(log(x + 0.01))) − 0.01, over the last axis.

    >>> round(float(shifted_mean([0.09, 0.39])), 4)
    0.19
    """
    return np.exp(np.log(np.asarray(values) + SHIFT).mean(axis=axis)) - SHIFT


def standard_error(values: Sequence[float]) -> float:
    """Of a mean over folds; none of a single one.

    >>> standard_error([1.0, 3.0]), standard_error([1.0])
    (1.0, nan)
    """
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan


def paired(ours: Sequence[float], theirs: Sequence[float], test_share: float = 0.25) -> Interval:
    """Of the relative difference, ours less theirs in units of their mean: the corrected resampled t.

    mean ± t s √(1/J + n_test/n_train) (Nadeau and Bengio 2003), for folds share most of their training rows. A single
    fold has no interval: its figure stands for both ends.

    >>> paired([2.0, 2.2], [2.0, 2.0])
    Interval(value=0.05, low=-0.7281, high=0.8281)
    >>> paired([1.0], [2.0])
    Interval(value=-0.5, low=-0.5, high=-0.5)
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    if not b.any():
        return Interval(*([0.0 if not a.any() else math.inf] * 3))
    d = (a - b) / b.mean()
    n, mean = len(d), float(d.mean())
    reach = 0.0
    if n > 1:
        reach = float(student.ppf((1 + LEVEL) / 2, n - 1) * d.std(ddof=1) * math.sqrt(1 / n + test_share))
    return Interval(*(round(x, 4) for x in (mean, mean - reach, mean + reach)))


def ratio(ours: Sequence[float], theirs: Sequence[float], shifted: bool = True) -> Interval:
    """Of the (shifted) geometric means over tables; the interval is the bootstrap's, over tables.

    >>> ratio([0.1, 0.3, 0.2], [0.1, 0.3, 0.2])
    Interval(value=1.0, low=1.0, high=1.0)
    >>> ratio([1.0, 4.0], [2.0, 8.0], shifted=False).value
    0.5
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    resampled = np.random.default_rng(0).integers(len(a), size=(RESAMPLES, len(a)))

    def quotient(rows: np.ndarray) -> np.ndarray:
        if shifted:
            return shifted_mean(a[rows]) / shifted_mean(b[rows])
        return np.exp(np.log(a[rows] / b[rows]).mean(axis=-1))

    low, high = np.quantile(quotient(resampled), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(*(round(float(x), 6) for x in (quotient(np.arange(len(a))), low, high)))


def share(wins: int, n: int) -> Interval:
    """Of tables that were won; the interval is Wilson's.

    >>> tuple(round(x, 3) for x in share(8, 16))
    (0.5, 0.28, 0.72)
    """
    z = 1.959964
    middle, reach = (wins + z * z / 2) / (n + z * z), z / (n + z * z) * math.sqrt(wins * (n - wins) / n + z * z / 4)
    return Interval(wins / n, middle - reach, middle + reach)


def ranks(table: np.ndarray) -> np.ndarray:
    """Of each column within each row, 1 for the least; equals share theirs.

    >>> ranks(np.array([[0.1, 0.3, 0.1]]))
    array([[1.5, 3. , 1.5]])
    """
    return rankdata(table, axis=1)
