"""What training saw of a column, in words, and which cells lie beyond it."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassnet.data.cells import as_numbers, as_text, elided, positions
from glassnet.data.dates import (
    DAY,
    clocks,
    date_cells,
    dates_of,
    day_share,
    duration_cells,
    seconds,
    time_cells,
    times_of,
)
from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.errors import RangeWarning
from glassnet.nn.elementary import Array

FAR = 0.1  # widths of the training range beyond its edge; from there on a prediction comes with a warning

# A column's cells in the units in which `Column` holds its range.
IN_UNITS: dict[str, Callable[[Column, Any], Any]] = {
    "number": lambda column, cells: as_numbers(cells),
    "count": lambda column, cells: as_numbers(cells),
    "duration": lambda column, cells: duration_cells(cells),
    "date": lambda column, cells: seconds(clocks(date_cells(cells, column.form), column.zone)[0]),
    "time": lambda column, cells: day_share(time_cells(cells)) * DAY,
}


def seen(column: Column, most: int = 5, *, median: bool = False) -> str:
    """The range of a column, or its most frequent values, in the column's own units.

    Args:
        column: As training saw it.
        most: Values of a category that are shown.
        median: Whether to add the median, which replaces missing cells.

    >>> seen(Column("day", "date", minimum=0.0, maximum=86400.0, daily=True))
    '1970-01-01 to 1970-01-02'
    >>> seen(Column("island", "category", values=("Dream", "Torg")))
    'Dream, Torg'
    """
    if column.kind == "category":
        return elided(column.values, most) + (", and others" if column.pooled else "")
    if column.kind == "boolean":
        return "true, false"
    if column.kind not in IN_UNITS:
        return ""
    points = np.array([column.minimum, column.maximum, column.median])
    if column.kind == "date":
        told = [str(date) for date in dates_of(points, column.zone, column.daily)]
    elif column.kind == "time":
        told = [str(time) for time in times_of(points / DAY)]
    else:
        told = [f"{point:.6g}" for point in points]
    middle = f", median {told[2]}" if median and column.kind != "time" else ""
    return f"{told[0]} to {told[1]}{middle}"


def beyond(column: Column, table: Table, margin: float = 0.0) -> Array:
    """Which cells of a column hold a value outside of its training range, or one that training never saw, (n,).

    Args:
        column: As training saw it.
        table: The rows.
        margin: How far outside still counts as within, in widths of the range.

    >>> beyond(Column("age", "number", minimum=1.0, maximum=80.0), Table.read({"age": [30, 99]})).tolist()
    [False, True]
    """
    cells = table[column.name]
    if column.kind == "category":
        unknown = positions(cells, column.values).is_null() & as_text(cells).is_not_null()
        return unknown.to_numpy()
    if column.kind not in IN_UNITS:
        return np.zeros(len(cells), dtype=bool)
    values = IN_UNITS[column.kind](column, cells).cast(float).fill_null(column.minimum).to_numpy()
    room = margin * (column.maximum - column.minimum)
    return (values < column.minimum - room) | (values > column.maximum + room)


def warn_of_far_rows(columns: Sequence[Column], table: Table) -> None:
    """One RangeWarning for the quantities that lie more than a tenth of their training range outside of it."""
    told, rows = [], np.zeros(len(table), dtype=bool)
    for column in columns:
        if column.kind in IN_UNITS and (far := beyond(column, table, FAR)).any():
            rows |= far
            cells = table[column.name].filter(far.tolist())
            told.append(f"{column.name} = {elided([str(cell) for cell in cells.unique().sort()], 2)} ({seen(column)})")
    if told:
        n = int(rows.sum())
        warnings.warn(
            f"{n} of {len(table)} rows {'lies' if n == 1 else 'lie'} far from what training saw: {elided(told, 5)}. "
            f"What a network says there is a guess.",
            RangeWarning,
            stacklevel=4,
        )
