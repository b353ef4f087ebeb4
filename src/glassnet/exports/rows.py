"""The rows that a file is tried on: drawn from what the model knows of its columns, or the user's; and their cells."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.data.cells import as_numbers, as_text, positions
from glassnet.data.dates import DAY, dates_of, times_of
from glassnet.data.schema import Column, flag_cells
from glassnet.data.table import Table
from glassnet.errors import InputError
from glassnet.estimators.seen import IN_UNITS
from glassnet.exports.content import Content
from glassnet.nn.elementary import Array
from glassnet.nn.network import check_features

ROWS = 1_000
MISSING = 0.05  # share of drawn cells
BEYOND = 0.05  # widths of the training range by which drawn numbers may leave it
UNSEEN = "a value that training never saw"
SEED = 0


def drawn(content: Content, n: int = ROWS) -> Any:
    """Rows for a model: a table of what its columns may hold, or x (n, d), standard normal in the networks' dtype.

    Numbers, dates, times and durations are drawn evenly from their range and a little beyond it; the ends and the
    median, every value of a category and one that training never saw come for certain, and each column has missing
    cells.
    """
    rng = np.random.default_rng(SEED)
    if not content.views:
        return rng.normal(size=(n, len(content.names))).astype(content.dtype)
    columns = {}
    for column in content.views[0]:
        cells = CELLS[column.kind](column, n, rng)
        columns[column.name] = [None if gone else c for c, gone in zip(cells, rng.random(n) < MISSING, strict=True)]
    return Table.read(columns)


def given(content: Content, rows: Any) -> Any:
    """The user's rows, as a table, or as x (n, d) in the networks' dtype.

    Raises:
        InputError: None, or not of the columns that the model needs.
    """
    if content.views:
        table = Table.read(rows)
        table.require(*content.names)
        found: Any = table
    else:
        named = isinstance(rows, str | os.PathLike | Table | dict) or hasattr(rows, "columns")
        if named:
            table = Table.read(rows)
            rows = table.select(content.names) if set(content.names) <= set(table.names) else table
            rows = np.column_stack([as_numbers(series).to_numpy() for series in rows.frame])
        found = check_features(np.asarray(rows, content.dtype), len(content.names))
        if not np.isfinite(found).all():
            raise InputError("The rows hold cells that are missing or no numbers, but this model takes numbers alone.")
    if not len(found):
        raise InputError("There are no rows to try the file on: give one at least, or none, and they are drawn.")
    return found


def raw_cells(content: Content, rows: Any) -> list[dict[str, Any]]:
    """Each row as its cells, in Python's own types, by the names of the inputs."""
    if not content.views:
        return [dict(zip(content.names, row, strict=True)) for row in rows.tolist()]
    columns = [rows[name].to_list() for name in content.names]
    return [dict(zip(content.names, row, strict=True)) for row in zip(*columns, strict=True)]


def plain_cells(content: Content, rows: Any, dtype: np.dtype[Any]) -> dict[str, Array]:
    """Each column (n, 1) in the units of a file that knows numbers and texts alone: NaN or "" where it is missing.

    Of a model of arrays it is x in a dtype.
    """
    if not content.views:
        return {"x": rows.astype(dtype)}
    return {column.name: _plain(column, rows[column.name])[:, None] for column in content.views[0]}


def _plain(column: Column, series: Any) -> Array:
    """Numbers (n,), or of a category texts (n,)."""
    if column.kind == "category":
        place, text = positions(series, column.values).to_list(), as_text(series).fill_null("").to_list()
        cells = [own if known is None else column.values[known] for known, own in zip(place, text, strict=True)]
        return np.array(cells, dtype=object)
    numbers = flag_cells(series) if column.kind == "boolean" else IN_UNITS[column.kind](column, series)
    return np.asarray(numbers.cast(float).fill_null(float("nan")).to_numpy(), dtype=np.float64)


def _points(column: Column, n: int, rng: np.random.Generator) -> Array:
    """Values of a quantity (n,), the ends of its range and its median among them."""
    room = BEYOND * (column.maximum - column.minimum)
    points = rng.uniform(column.minimum - room, column.maximum + room, n)
    known = np.array([column.minimum, column.median, column.maximum])[:n]
    points[rng.permutation(n)[: len(known)]] = known
    return points


def _dates(column: Column, n: int, rng: np.random.Generator) -> list[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dates_of(_points(column, n, rng), column.zone, column.daily)


def _times(column: Column, n: int, rng: np.random.Generator) -> list[Any]:
    return times_of(rng.uniform(0, DAY, n) / DAY)


def _categories(column: Column, n: int, rng: np.random.Generator) -> list[Any]:
    values = [*column.values, UNSEEN]
    places = np.concatenate([rng.permutation(len(values))[:n], rng.integers(len(values), size=max(n - len(values), 0))])
    return [values[place] for place in rng.permutation(places)]


CELLS: dict[str, Callable[[Column, int, np.random.Generator], list[Any]]] = {
    "number": lambda column, n, rng: _points(column, n, rng).tolist(),
    "count": lambda column, n, rng: np.round(_points(column, n, rng)).clip(0).tolist(),
    "duration": lambda column, n, rng: _points(column, n, rng).tolist(),
    "boolean": lambda column, n, rng: rng.choice([True, False], n).tolist(),
    "category": _categories,
    "date": _dates,
    "time": _times,
}
