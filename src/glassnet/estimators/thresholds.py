"""From which probability on a row counts as of the second class, where a metric of labels is to be high."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer

from glassnet.nn.elementary import Array

MOST_TRIED, FEWEST_TRIED = 200, 20  # of one label; of each of many
PLATEAU = 0.25  # of 1/√n: scores of n rows that are so near to the best are as good but for chance
FEW = (0.5, 1.0, 2.0, 4.0)  # of the share of the second class: how many rows a few thresholds say to be of it
MOST_OF_ALL = 0.95


def few_thresholds(p: Array, share: float) -> Array:
    """Some that a metric of labels may like best, to compare epochs by: 0.5, and those that say more rows or fewer.

    Judged at 0.5 alone, an epoch that knows nothing of a rare class can seem better than one that knows its odds.

    Args:
        p: Probability of the second class, (n,).
        share: Of the rows, that is of it.

    >>> few_thresholds(np.linspace(0, 1, 101), 0.1).round(3).tolist()
    [0.5, 0.6, 0.8, 0.9, 0.95]
    """
    return np.unique([0.5, *np.quantile(p, [1 - min(share * factor, MOST_OF_ALL) for factor in FEW])])


def best_threshold(metric: str, p: Array, labels: Array, classes: Array, s: Array | None) -> float:
    """The threshold with the highest score, or rather the middle of those that are as good but for chance.

    Only a metric of labels depends on it, such as "f1" or "balanced_accuracy"; for one of probabilities it is 0.5.

    Args:
        metric: A name of `sklearn.metrics.get_scorer_names`.
        p: Probability of the second class, (n,), of rows that were not trained on.
        labels: The true ones, (n,).
        classes: Both labels.
        s: Weights of the rows, (n,), or None.

    >>> p = np.array([0.1, 0.2, 0.3, 0.35, 0.4, 0.45])
    >>> 0.3 < best_threshold("accuracy", p, np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1]), None) < 0.35
    True
    """
    scorer: Any = get_scorer(metric)
    if scorer._response_method != "predict":
        return 0.5
    weights = {} if s is None else {"sample_weight": s}

    def score(threshold: float) -> float:
        said = classes[(p > threshold).astype(int)]
        return float(scorer._sign * scorer._score_func(labels, said, **weights, **scorer._kwargs))

    return _best(score, p, MOST_TRIED)


def best_thresholds(metric: str, p: Array, labels: Array, s: Array | None) -> Array:
    """Those of several labels, (k,), of a metric that scores them together: one after the other, the rest as they are.

    Args:
        metric: A name of `sklearn.metrics.get_scorer_names`.
        p: Probability that a row has each label, (n, k), of rows that were not trained on.
        labels: Whether it has, (n, k), 0 and 1.
        s: Weights of the rows, (n,), or None.

    >>> p = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    >>> labels = np.array([[0, 1], [0, 1], [1, 0], [1, 0]])
    >>> best_thresholds("f1_macro", p, labels, None).round(2).tolist()
    [0.2, 0.7]
    """
    scorer: Any = get_scorer(metric)
    thresholds = np.full(p.shape[1], 0.5)
    if scorer._response_method != "predict":
        return thresholds
    weights = {} if s is None else {"sample_weight": s}
    for j in range(p.shape[1]):
        said = (p > thresholds).astype(int)

        def score(threshold: float, j: int = j, said: Array = said) -> float:
            said[:, j] = p[:, j] > threshold
            return float(scorer._sign * scorer._score_func(labels.astype(int), said, **weights, **scorer._kwargs))

        thresholds[j] = _best(score, p[:, j], max(MOST_TRIED // p.shape[1], FEWEST_TRIED))
    return thresholds


def _best(score: Callable[[float], float], p: Array, most: int) -> float:
    """The middle of those thresholds that are as good as the best but for chance."""
    values = np.unique(p)
    places = (values[1:] + values[:-1]) / 2
    if len(places) > most:
        places = places[np.linspace(0, len(places) - 1, most).astype(int)]
    tried = np.unique([*places, 0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        found = np.array([score(threshold) for threshold in tried])
    # The best of many is lucky: a plateau around it is steadier than its peak.
    near = found >= found.max() - PLATEAU / np.sqrt(len(p))
    best = int(found.argmax())
    low, high = best, best
    while low and near[low - 1]:
        low -= 1
    while high + 1 < len(tried) and near[high + 1]:
        high += 1
    return float((tried[low] + tried[high]) / 2)
