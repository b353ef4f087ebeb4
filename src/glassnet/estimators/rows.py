"""Rows as users give them → rows to train on, or one clear message."""

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import train_test_split
from sklearn.utils import column_or_1d
from sklearn.utils.validation import _check_sample_weight, validate_data

from glassnet.errors import InputError
from glassnet.nn import Data
from glassnet.nn.elementary import Array


def check_rows(model: Any, X: Any, y: Any, reset: bool) -> tuple[Any, Any]:
    """X (n, d) in float32 or float64, an array or CSR, and y (n,) or (n, k).

    With `reset` the model learns the number and the names of the columns; without, X must have the same.
    """
    X, y = validate_data(
        model,
        X,
        y,
        accept_sparse="csr",
        multi_output=True,
        y_numeric=not is_classifier(model),
        dtype=(np.float64, np.float32),
        reset=reset,
    )
    return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def drop_weightless(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Array | None]:
    """The rows of weight above 0, and their weights; no weights where all are 1.

    >>> X, y, s = drop_weightless(np.eye(3), np.arange(3), [2, 0, 1])
    >>> y.tolist(), s.tolist()
    ([0, 2], [2.0, 1.0])
    """
    if sample_weight is None:
        return X, y, None
    s = _check_sample_weight(sample_weight, X)
    if (s < 0).any():
        raise InputError(
            f"sample_weight has {int((s < 0).sum())} negative values, the least {s.min():g}, but a weight says how "
            f"often a row counts: give weights ≥ 0; 0 leaves a row out."
        )
    keep = s > 0
    if not keep.any():
        raise InputError(
            "sample_weight is 0 for every row, so nothing is left to train on: give some row a weight > 0."
        )
    if not keep.all():
        X, y, s = X[keep], y[keep], s[keep]
    return X, y, None if (s == 1).all() else s


def split(data: Data, fraction: float, stratify: bool, rng: np.random.RandomState) -> tuple[Data, Data]:
    """Rows to train on, and a fraction to hold out; with `stratify`, of every value of t the same fraction."""
    training, held_out = train_test_split(
        np.arange(len(data)), random_state=rng, test_size=fraction, stratify=data.t if stratify else None
    )
    return data.take(training), data.take(held_out)
