"""Cells of a column, read as numbers, as flags or as text; a cell that cannot be read so becomes null.

The columns are a Table's: what is missing is null, never NaN.
"""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

TRUE, FALSE = ("true", "yes"), ("false", "no")
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
PADDED = r"^[+-]?0\d+$"  # 00007 is a code: as the number 7 it would lose its zeros
LARGEST = 1e300  # beyond it sums and differences overflow


def as_numbers(series: pl.Series) -> pl.Series:
    """Float64 where the cell is a number or numeric text, null elsewhere.

    >>> as_numbers(pl.Series(["1", " 2.5 ", "x", None])).to_list()
    [1.0, 2.5, None, None]
    """
    if series.dtype == pl.String:
        text = as_text(series)
        numeric = text.str.contains(NUMBER) | text.str.to_lowercase().str.contains(r"^[+-]?inf(inity)?$")
        series = pl.select(pl.when(numeric).then(text.str.strip_prefix("+"))).to_series()
    elif not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
        return pl.Series(series.name, [None] * len(series), pl.Float64)
    return series.cast(pl.Float64, strict=False)


def as_flags(series: pl.Series) -> pl.Series:
    """Boolean where the cell is true or false, yes or no, 1 or 0; null elsewhere.

    >>> as_flags(pl.Series(["Yes", "no", "1", "perhaps"])).to_list()
    [True, False, True, None]
    """
    if series.dtype == pl.Boolean:
        return series
    text = as_text(series).str.to_lowercase()
    yes, no = text.is_in([*TRUE, "1", "1.0"]), text.is_in([*FALSE, "0", "0.0"])
    return pl.select(pl.when(yes).then(True).when(no).then(False)).to_series().alias(series.name)


def as_text(series: pl.Series) -> pl.Series:
    """The cell as text without spaces around it; whole numbers without a point; durations in seconds; empty is null.

    >>> as_text(pl.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', None]
    """
    if series.dtype == pl.String:
        text = series.str.strip_chars()
        return pl.select(pl.when(text != "").then(text)).to_series().alias(series.name)
    if series.dtype == pl.Duration:
        series = series.dt.total_microseconds() / 1e6
    if series.dtype.is_float():
        series = series.cast(pl.Float64)
        whole = (series == series.floor()) & (series.abs() < 2.0**53)
        number = series.cast(pl.Int64, strict=False).cast(pl.String)
        return pl.select(pl.when(whole).then(number).otherwise(series.cast(pl.String))).to_series().alias(series.name)
    return series.cast(pl.String)


def positions(series: pl.Series, values: Sequence[str]) -> pl.Series:
    """Where each cell stands among values, by its text or else, for 1, 1.0 and "01", by its number; null if nowhere.

    >>> positions(pl.Series([2.0, 1.0, 7.0]), ["1", "2", "007"]).to_list()
    [1, 0, 2]
    """
    text = series if series.dtype == pl.String else as_text(series)
    known: dict[str, int] = {value: i for i, value in enumerate(values)}
    distinct = text.unique().drop_nulls()
    place = {cell: known[cell] for cell in distinct if cell in known}
    unseen = distinct.filter(~distinct.is_in(list(place)))
    by_number: dict[float, list[int]] = {}
    for i, number in enumerate(as_numbers(pl.Series(values, dtype=pl.String)) if len(unseen) else ()):
        if number is not None:
            by_number.setdefault(number, []).append(i)
    for cell, stripped, number in zip(unseen, as_text(unseen), as_numbers(unseen), strict=True):
        same = by_number.get(number, [])
        if stripped in known:
            place[cell] = known[stripped]
        elif len(same) == 1:
            place[cell] = same[0]
    return text.replace_strict(list(place), list(place.values()), default=None, return_dtype=pl.Int64)


def quoted(series: pl.Series, bad: pl.Series, limit: int = 5) -> str:
    """The cells marked bad and their rows, for a message."""
    rows = bad.fill_null(False).arg_true()
    shown = ", ".join(f"{series[row]!r} in row {row + 1}" for row in rows.head(limit).to_list())
    more = f", … ({len(rows)} cells)" if len(rows) > limit else ""
    return f"{shown}{more}; rows count from 1, after the header"


def elided(names: Sequence[str], limit: int = 12) -> str:
    """Names for a message, cut where they are many.

    >>> elided(["a", "b", "c"], limit=2)
    'a, b, … (1 more)'
    """
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown}, … ({len(names) - limit} more)"


def infinite(numbers: pl.Series) -> pl.Series:
    """Which cells no sum can hold."""
    return pl.Series(np.abs(numbers.to_numpy()) > LARGEST)  # NumPy, where wide tables pay least per column


def moments(values: np.ndarray, centre: float) -> tuple[float, float]:
    """Mean and standard deviation; the scale is 0 where the spread is only rounding.

    Taken around a centre inside the data, so that 1e9 ± 1 keeps its digits.
    """
    deviation = values - centre
    top = float(np.abs(deviation).max())
    if top <= 1e-14 * float(np.abs(values).max()):
        return centre, 0.0
    unit = deviation / top  # squares of tiny or huge numbers stay in range
    offset = float(unit.mean())
    scale = top * math.sqrt(float(np.square(unit - offset).mean()))
    return centre + top * offset, scale
