"""Intervals and sets of classes that hold the answer as often as they say: conformal prediction."""

import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from glassnet.data.records import Record, damaged
from glassnet.errors import DataWarning, InputError
from glassnet.nn.elementary import Array

KINDS = ("split", "cv+")
LARGEST_DENOMINATOR = 10**9
CHUNK = 2**20  # numbers at a time: 8 MB


def exact_coverage(coverage: float) -> Fraction:
    """The fraction that a coverage was meant to be: 0.9 is 9/10, and so is 1 − 0.1; anything else is an InputError.

    >>> exact_coverage(1 - 0.7)
    Fraction(3, 10)
    """
    number = isinstance(coverage, int | float | np.number) and not isinstance(coverage, bool)
    meant = Fraction(float(coverage)).limit_denominator(LARGEST_DENOMINATOR) if number and 0 < coverage < 1 else 0
    if not 0 < meant < 1:
        raise InputError(
            f"coverage is {coverage!r}, but a number between 0 and 1 was needed: the share of new rows whose answer is "
            f"to lie within. 0.9 stands for nine of ten."
        )
    return Fraction(meant)


def rank(n: int, coverage: float) -> int:
    """Which of n sorted scores, counted from 1, bounds a share `coverage` of new ones: ⌈(n + 1) coverage⌉.

    n + 1 where there are too few rows for that: then nothing bounds them.

    Source: Papadopoulos, Proedrou, Vovk and Gammerman 2002, Inductive confidence machines for regression.

    >>> rank(9, 0.9), rank(19, 0.9), rank(8, 0.9)
    (9, 18, 9)
    """
    return -int(-(n + 1) * exact_coverage(coverage) // 1)


def rows_needed(coverage: float) -> int:
    """The fewest calibration rows with a finite interval: ⌈1/α⌉ − 1 where α = 1 − coverage.

    >>> rows_needed(0.9), rows_needed(0.95), rows_needed(2 / 3)
    (9, 19, 2)
    """
    return -int(-1 // (1 - exact_coverage(coverage))) - 1


@dataclass(frozen=True, eq=False)
class Calibration:
    """Scores of rows that trained nothing and on which nothing was chosen, and what they say of new rows.

    The score of a row is large where the answer lies far from the prediction:

        quantities   R = |y − μ(x)| / s(x)      with s of `Spread`, or 1
        classes      R = 1 − p of the true class

    "split" has one model, the same for all rows, and n scores. If calibration rows and a new one are exchangeable (in
    random order: the same process, no drift), the rank of the new score among the n + 1 is uniform, so that it is at
    most the ⌈(n + 1) coverage⌉-th smallest with at least that probability.

    "cv+" has K models, each with the scores of those rows of its own fold that it never saw. An answer lies outside
    only where fewer than ⌊α(n + 1)⌋ of the n rows are as strange, each to its own model. That is a mean of K p-values,
    and twice a mean of p-values is one: coverage is at least 1 − 2(⌊α(n + 1)⌋ + K − 1)/(n + K), somewhat less than
    1 − 2α. In practice it is near 1 − α, and above it where the K spreads differ. Nothing else is asked of the models,
    which may choose an epoch on rows of their own.

    Either is a promise of all new rows, on average over calibrations: not of each class, nor of each region. `Spread`
    makes the second nearly true.

    Attributes:
        kind: "split" or "cv+".
        scores: R of the calibration rows, (n,).
        folds: The model that each score is of, (n,); 0 throughout for "split".

    Source: Barber, Candès, Ramdas and Tibshirani 2021, Predictive inference with the jackknife+, section 3; Vovk and
    Wang 2020, Combining p-values via averaging; Sadinle, Lei and Wasserman 2019, Least ambiguous set-valued classifiers
    with bounded error levels; Romano, Sesia and Candès 2020, Classification with valid and adaptive coverage,
    section 2.3.

    >>> calibration = Calibration("split", np.arange(1.0, 20.0), np.zeros(19, dtype=int))  # scores 1 to 19
    >>> calibration.interval(np.array([[100.0, 200.0]]), np.array([[1.0, 2.0]]), coverage=0.9)
    array([[ 82., 118.],
           [164., 236.]])
    >>> calibration.guarantee(0.9)
    'at least 90 % of new rows like these (split conformal, 19 calibration rows)'
    """

    kind: str
    scores: Array
    folds: Array

    def interval(self, centers: Array, spreads: Array, coverage: float) -> Array:
        """Lower and upper ends of each new row, (n_new, 2).

        Of the values μₖ(x) + sₖ(x) Rᵢ, where k is the fold of i, the upper end is the ⌈(n + 1) coverage⌉-th smallest;
        of μₖ(x) − sₖ(x) Rᵢ the lower one is the ⌊(n + 1) α⌋-th smallest. For "split" that is μ(x) ± s(x)q. Below a
        coverage of one half the ends can cross, where models disagree: then both are their mean. With fewer than
        `rows_needed` rows all are (−∞, ∞), with a DataWarning.

        Args:
            centers: μ, (K, n_new), K = 1 for "split".
            spreads: s > 0, (K, n_new).
            coverage: The share of new rows whose answer is to lie within.
        """
        outside = self._outside(coverage)
        if not outside:
            return np.tile([-np.inf, np.inf], (centers.shape[1], 1))
        # The lower end mirrors the upper one: ⌊(n + 1) α⌋ = n + 1 − ⌈(n + 1) coverage⌉, and a sign changes no bit.
        lower, upper = -self._upper(-centers, spreads, outside), self._upper(centers, spreads, outside)
        middle = (lower + upper) / 2
        return np.stack([np.minimum(lower, middle), np.maximum(upper, middle)], axis=1)

    def _upper(self, centers: Array, spreads: Array, outside: int) -> Array:
        """The value of μₖ(x) + sₖ(x) Rᵢ that `outside` of them reach, (n_new,)."""
        # Within a fold values rise with R, so none but its largest scores can be among the largest of all.
        largest = {k: np.sort(self.scores[self.folds == k])[-outside:] for k in np.unique(self.folds)}
        if len(largest) == 1:
            ((k, scores),) = largest.items()
            return centers[k] + spreads[k] * scores[0]
        width = sum(map(len, largest.values()))
        upper = np.empty(centers.shape[1])
        rows = max(CHUNK // width, 1)
        for start in range(0, len(upper), rows):
            part = slice(start, start + rows)
            values = np.hstack([centers[k, part, None] + spreads[k, part, None] * r for k, r in largest.items()])
            values.partition(width - outside, axis=1)
            upper[part] = values[:, width - outside]
        return upper

    def sets(self, probabilities: Array, coverage: float) -> Array:
        """Which classes each new row may be of, (n_new, k) flags.

        A class c is in where (1 + #{i: Rᵢ ≥ 1 − pₖ(c | x)}) / (n + 1) > α, and k is the fold of i; for "split" that is
        1 − p(c | x) ≤ q: of all sets with that coverage these are the smallest on average, where p is right. No set is
        empty, for the most probable class is always in, which can only add to the coverage. With fewer than
        `rows_needed` rows every class is in, with a DataWarning.

        Args:
            probabilities: p, (K, n_new, k), K = 1 for "split".
            coverage: The share of new rows whose class is to be in its set.

        >>> calibration = Calibration("split", np.arange(0.05, 1.0, 0.05), np.zeros(19, dtype=int))
        >>> calibration.sets(np.array([[[0.7, 0.25, 0.05], [0.94, 0.05, 0.01]]]), coverage=0.8)
        array([[ True,  True, False],
               [ True, False, False]])
        """
        outside = self._outside(coverage)
        reached = np.zeros(probabilities.shape[1:], dtype=np.int64)  # scores that are no less than that of c
        for k in np.unique(self.folds):
            scores = np.sort(self.scores[self.folds == k])
            reached += len(scores) - np.searchsorted(scores, 1 - probabilities[k])
        sets = reached >= outside
        sets[np.arange(len(sets)), probabilities.mean(axis=0).argmax(axis=1)] = True
        return sets

    def _outside(self, coverage: float) -> int:
        """⌊(n + 1) α⌋, the scores that a new one must not exceed; 0, with a DataWarning, where rows are too few."""
        n = len(self.scores)
        if n < rows_needed(coverage):
            warnings.warn(
                f"{_rows(n)} came, but a coverage of {coverage:g} needs {rows_needed(coverage)}: nothing can be "
                f"excluded, intervals are infinite and sets hold every class. Use more rows, or a lower coverage.",
                DataWarning,
                stacklevel=3,
            )
        return n + 1 - rank(n, coverage)

    def guarantee(self, coverage: float) -> str:
        """What holds for a coverage with so many rows, in words.

        >>> print(Calibration("cv+", np.ones(400), np.repeat(np.arange(5), 80)).guarantee(0.9))
        at least 78.2 % of new rows like these by theory,
        about 90 % in practice (CV+ of 5 folds, 400 calibration rows)
        >>> Calibration("split", np.ones(5), np.zeros(5, dtype=int)).guarantee(0.9)
        'none: infinite, for 9 calibration rows are needed (split conformal, 5 calibration rows)'
        """
        n, n_folds, wanted = len(self.scores), len(np.unique(self.folds)), f"{100 * coverage:.6g} %"
        method = f"CV+ of {n_folds} folds" if self.kind == "cv+" else "split conformal"
        source = f"({method}, {_rows(n)})"
        if n < rows_needed(coverage):
            return f"none: infinite, for {_rows(rows_needed(coverage))} are needed {source}"
        if self.kind == "split":
            return f"at least {wanted} of new rows like these {source}"
        least = max(1 - 2 * (n - rank(n, coverage) + n_folds) / (n + n_folds), 0.0)
        theory = f"{np.floor(1000 * least) / 10:g} %"  # a promise is not rounded up
        return f"at least {theory} of new rows like these by theory, about {wanted} in practice {source}"

    def to_dict(self) -> dict[str, Any]:
        """A record for a file."""
        return {"kind": self.kind, "scores": self.scores.tolist(), "folds": self.folds.tolist()}

    @classmethod
    def from_dict(cls, record: Any) -> "Calibration":
        """The calibration that to_dict wrote down."""
        fields = Record(record, "the calibration")
        kind, scores, folds = fields.text("kind"), fields.numbers("scores"), fields.items("folds")
        if kind not in KINDS:
            raise damaged(f"the calibration is of kind {kind!r}, {' or '.join(map(repr, KINDS))} was needed")
        if len(folds) != len(scores) or not all(type(fold) is int and 0 <= fold < len(scores) for fold in folds):
            raise damaged("'folds' of the calibration must count one fold for each score, from 0 on")
        if kind == "split" and any(folds):
            raise damaged("a split calibration has one fold")
        return cls(kind, np.array(scores), np.array(folds, dtype=np.int64))


def _rows(n: int) -> str:
    """n calibration rows, in words."""
    return f"{n} calibration row{'' if n == 1 else 's'}"
