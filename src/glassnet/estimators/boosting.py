"""scikit-learn's gradient boosting on a table: what a network of a table is measured against."""

from collections.abc import Sequence

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from glassnet.data.cells import as_flags, as_text, positions
from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.estimators.seen import IN_UNITS
from glassnet.nn import Loss, Quantile
from glassnet.nn.elementary import Array

BOOSTING = "gradient boosting"
MOST_VALUES = 255  # of a category, that scikit-learn's boosting takes
SHARED_FROM = 20_000  # rows; of fewer, threads would wait for each other


def boosted(columns: Sequence[Column], train: Table, truth: Array, test: Table, *, loss: Loss | None) -> Array:
    """What HistGradientBoosting, as scikit-learn sets it, says of rows after learning others.

    It takes categories and missing cells as they are.

    Args:
        columns: As training saw them.
        train: Rows to learn.
        truth: Their answers, (n,): classes as numbers from 0, or quantities.
        test: Rows to predict.
        loss: Of quantities, that of the network to compare with; None for classes.

    Returns:
        Probabilities (n, classes), or quantities (n,).

    >>> from glassnet.nn import SquaredError
    >>> rows = Table.read({"x": range(100)})
    >>> y = boosted([Column("x", "number")], rows, np.arange(100.0) ** 2, Table.read({"x": [50]}), loss=SquaredError())
    >>> bool(abs(y[0] - 2500) < 200)
    True
    """
    used = [column for column in columns if column.kind != "ignore"]
    categories = [column.kind == "category" for column in used]
    if loss is None:
        model = HistGradientBoostingClassifier(categorical_features=categories, random_state=0)
    else:
        quantile = loss.quantile if isinstance(loss, Quantile) else None
        model = HistGradientBoostingRegressor(
            loss=loss.name, quantile=quantile, categorical_features=categories, random_state=0
        )
    x, x_test = cells_as_numbers(used, train), cells_as_numbers(used, test)
    with threadpool_limits(1 if len(train) < SHARED_FROM else None):
        model.fit(x, truth)
        return model.predict_proba(x_test) if loss is None else model.predict(x_test)


def cells_as_numbers(columns: Sequence[Column], table: Table) -> Array:
    """A number for each cell, (n, columns), NaN where it is missing: categories by their place, dates in seconds.

    >>> cells_as_numbers([Column("a", "category", values=("x", "y"))], Table.read({"a": ["y", None]})).tolist()
    [[1.0], [nan]]
    """
    return np.column_stack([np.zeros((len(table), 0)), *(_numbers(column, table) for column in columns)])


def _numbers(column: Column, table: Table) -> Array:
    cells = table[column.name]
    if column.kind == "category":
        place = positions(cells, column.values).cast(float)
        other = place.is_null() & as_text(cells).is_not_null()  # a rare value, or one that training never saw
        numbers = place.to_numpy().copy()
        numbers[other.to_numpy()] = len(column.values) if column.pooled else np.nan
        return np.minimum(numbers, MOST_VALUES - 1)  # the rarest share one number
    read = as_flags(cells) if column.kind == "boolean" else IN_UNITS[column.kind](column, cells)
    return read.cast(float).to_numpy()
