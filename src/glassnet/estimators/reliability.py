"""Whether probabilities hold what they promise: of rows that a model is 80 % sure of, 80 % should be right."""

import warnings
from dataclasses import dataclass

import numpy as np

from glassnet.data.table import Table
from glassnet.estimators.certainty import Estimate, wilson
from glassnet.estimators.report import TableModel
from glassnet.estimators.table_classifier import TableClassifier
from glassnet.nn.elementary import Array

BINS = 10
COVERAGES = (0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Bin:
    """Rows whose most probable class has a probability between two ends.

    Attributes:
        low: The one end.
        high: The other.
        n: How many rows.
        p: Their mean probability.
        share: Of those in which that class is the true one.
    """

    low: float
    high: float
    n: int
    p: float
    share: Estimate


@dataclass(frozen=True)
class Reliability:
    """A classifier's probabilities beside what came.

    Attributes:
        error: The expected calibration error Σ n_b/n · |share_b − p_b|.
        by_chance: What it would be on average if the probabilities were right, with so few rows in each bin.
        bins: Those that hold a row, ascending.
    """

    error: float
    by_chance: float
    bins: tuple[Bin, ...]


def reliability(codes: Array, p: Array) -> Reliability:
    """The probability of the most probable class in ten bins, beside how often it was the true one.

    Guo, Pleiss, Sun and Weinberger 2017, On Calibration of Modern Neural Networks, section 2. A bin of right
    probabilities misses by the mean of |N(0, σ²)|, which is σ √(2/π), with σ² = Σ p(1 − p) / n_b².

    Args:
        codes: The place of the true class of each row, (n,).
        p: Probabilities, (n, classes).

    >>> found = reliability(np.array([0, 0, 0, 1]), np.tile([0.75, 0.25], (4, 1)))
    >>> found.error, found.bins[0].n, found.bins[0].share.value
    (0.0, 4, 0.75)
    """
    sure, right = p.max(axis=1), p.argmax(axis=1) == codes
    place = np.minimum((sure * BINS).astype(int), BINS - 1)
    bins, error, by_chance = [], 0.0, 0.0
    for b in np.unique(place):
        inside = place == b
        n = int(inside.sum())
        share, mean = float(right[inside].mean()), float(sure[inside].mean())
        bins.append(Bin(b / BINS, (b + 1) / BINS, n, mean, wilson(share, n)))
        error += abs(share - mean) * n / len(codes)
        by_chance += float(np.sqrt(2 / np.pi * (sure[inside] * (1 - sure[inside])).sum())) / len(codes)
    return Reliability(error, by_chance, tuple(bins))


@dataclass(frozen=True)
class Coverage:
    """What intervals or sets of a coverage held.

    Attributes:
        asked: The coverage.
        share: Of the rows, those whose answer was within.
        size: The median width of the intervals in the target's units, inf where they are; or the mean size of the sets.
    """

    asked: float
    share: Estimate
    size: float


def coverages(model: TableModel, table: Table, truth: Array) -> tuple[Coverage, ...]:
    """How often the answer was within `predict_interval` or `predict_set`; () where a model has neither.

    Args:
        model: A fitted table model.
        table: Rows that it was not trained on.
        truth: Their answers, (n,): places of classes, or quantities.
    """
    if model.conformal_ is None:
        return ()
    found = []
    for asked in COVERAGES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # infinite intervals show themselves
            if isinstance(model, TableClassifier):
                sets = model.predict_set(table, asked)
                within, size = sets[np.arange(len(truth)), truth], float(sets.sum(axis=1).mean())
            else:
                low, high = model.predict_interval(table, asked).T
                within, size = (low <= truth) & (truth <= high), float(np.median(high - low))
        found.append(Coverage(asked, wilson(float(within.mean()), len(truth)), size))
    return tuple(found)
