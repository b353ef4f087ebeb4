"""From which probability on a row counts as of the second class, where a metric of labels is to be high."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer

from glassnet.nn.elementary import Array

MOST_TRIED = 200
PLATEAU = 0.25  # of 1/√n: scores of n rows that are so near to the best are as good but for chance


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
    values = np.unique(p)
    places = (values[1:] + values[:-1]) / 2
    if len(places) > MOST_TRIED:
        places = places[np.linspace(0, len(places) - 1, MOST_TRIED).astype(int)]
    tried = np.unique([*places, 0.5])
    weights = {} if s is None else {"sample_weight": s}

    def score(threshold: float) -> float:
        said = classes[(p > threshold).astype(int)]
        return float(scorer._sign * scorer._score_func(labels, said, **weights, **scorer._kwargs))

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
