"""The kinds of column, and what training saw in a column of each kind."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from glassnet.data.cells import as_flags, as_numbers, as_text, infinite, moments, quoted
from glassnet.data.dates import (
    CYCLES,
    DAY,
    ISO,
    clocks,
    date_cells,
    day_share,
    duration_cells,
    either_form,
    find_form,
    seconds,
    time_cells,
    zone_of,
)
from glassnet.errors import TableError

MANY_VALUES = 20  # above this, a text that differs in most rows looks like an identifier
LEAST_SEEN = 2  # of a value beyond the MANY_VALUES most frequent, or it is pooled
MOST_VALUES = 5_000  # of a category, however often they were seen
FEWER_VALUES = 100  # of a category, for networks that are not to learn rare ones by heart
EITHER_FIRST = "day or month may come first: read with the day first"
PIECES, FEWEST_PIECES = 16, 3  # into which a number is cut; with fewer of them it is as well left whole
QUANTITIES = ("number", "count", "duration")  # kinds with x = (value − mean) / scale, or pieces of it
TURNS = 1.5  # a cycle is told from a trend once half of it was seen twice


@dataclass(frozen=True)
class Column:
    """One column as training saw it; numbers in the column's own units, times in seconds.

    Attributes:
        kind: A key of KINDS.
        n_missing: Missing cells in training.
        median: What replaces a missing number; a date counts in seconds since 1970 began, in UTC.
        mean, scale: x = (value − mean) / scale, over the cells that were there.
        minimum, maximum: The training range; a time of day counts in seconds since midnight.
        values: Of a category, the most frequent first.
        pooled: Whether rarer values were put together as "other", as are those that training never saw.
        note: For a report, what is unusual here.
        cycles: Of a date, those keys of CYCLES that training spans.
        form: Of a date, how training wrote it, a key of FORMS.
        zone: Of a date, the time zone of its clock, "" without one.
        daily: Of a date, whether every one was a day without a clock.
        pieces: Of a number in pieces, their ends in the column's own units, ascending; else ().
        filled: Of a number in pieces, how full each piece was on average, from 0 to 1.
    """

    name: str
    kind: str
    n_missing: int = 0
    median: float = 0.0
    mean: float = 0.0
    scale: float = 1.0
    minimum: float = 0.0
    maximum: float = 0.0
    values: tuple[str, ...] = ()
    pooled: bool = False
    note: str = ""
    cycles: tuple[str, ...] = ()
    form: str = ISO
    zone: str = ""
    daily: bool = False
    pieces: tuple[float, ...] = ()
    filled: tuple[float, ...] = ()


def number_column(series: pl.Series) -> Column:
    """A column of quantities."""
    return _quantities(series.name, "number", number_cells(series))


def count_column(series: pl.Series) -> Column:
    """A column that counts something, as quantities: whole numbers from 0 on."""
    numbers = number_cells(series)
    bad = (numbers < 0) | (numbers != numbers.floor())
    if bad.any():
        raise TableError(
            f"Column {series.name!r} needs counts, whole numbers from 0 on, but holds {quoted(series, bad)}. Clean "
            f"these cells, or train with columns={{{series.name!r}: 'number'}}."
        )
    return _quantities(series.name, "count", numbers)


def duration_column(series: pl.Series) -> Column:
    """A column of durations, as quantities in seconds."""
    column = _quantities(series.name, "duration", finite(duration_cells(series), series))
    return replace(column, note=column.note or "in seconds")


def in_pieces(column: Column, series: pl.Series) -> Column:
    """A column of quantities, cut at its quantiles into at most PIECES pieces; unchanged where it has too few values.

    The median stands in for missing cells, as it does when they are encoded.
    """
    cells = duration_cells(series) if column.kind == "duration" else number_cells(series)
    values = cells.fill_null(column.median).to_numpy().astype(np.float64)
    ends = np.unique(np.quantile(values, np.linspace(0, 1, PIECES + 1)))
    if len(ends) <= FEWEST_PIECES or len(np.unique(values)) <= 2 * FEWEST_PIECES:
        return column
    filled = fill_of_pieces(values, ends).mean(axis=0)
    return replace(column, pieces=tuple(ends.tolist()), filled=tuple(filled.tolist()))


def fill_of_pieces(values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """How full each piece between two ends is, (n, pieces): 0 left of it, 1 right of it, the part within it else."""
    return np.clip((values[:, None] - ends[:-1]) / np.diff(ends), 0.0, 1.0)


def date_column(series: pl.Series) -> Column:
    """A column of dates: a trend, and the cycles that they run through often enough to be learned."""
    text = as_text(series) if series.dtype == pl.String else pl.Series([None], dtype=pl.String)
    form = find_form(text) or ISO
    dates = date_cells(series, form)
    zone = zone_of(dates) or ""
    utc, local = clocks(dates, zone)
    column = _quantities(series.name, "date", seconds(utc))
    if column.kind == "ignore":
        return column
    local = local.drop_nulls()
    turning = (
        name
        for name, cycle in CYCLES.items()
        if column.maximum - column.minimum >= TURNS * cycle.seconds and cycle.phase(local).n_unique() > 1
    )
    note = EITHER_FIRST if text.is_not_null().any() and either_form(text) else ""
    daily = not zone and (local == local.dt.truncate("1d")).all()
    return replace(column, cycles=tuple(turning), form=form, zone=zone, daily=daily, note=note)


def time_column(series: pl.Series) -> Column:
    """A column of times of day."""
    passed = day_share(time_cells(series)) * DAY
    column = _quantities(series.name, "time", passed)
    return (
        column
        if column.kind == "ignore"
        else Column(series.name, "time", column.n_missing, minimum=column.minimum, maximum=column.maximum)
    )


def _quantities(name: str, kind: str, numbers: pl.Series) -> Column:
    """A column that is quantities once they are read."""
    seen = numbers.drop_nulls().to_numpy()
    n_missing = numbers.null_count()
    if not len(seen):
        return _ignored(numbers.alias(name), "no values")
    low, high = float(seen.min()), float(seen.max())
    median = float(np.median(seen))
    mean, scale = moments(seen, median)
    if scale == 0 and not n_missing:
        return _ignored(numbers.alias(name), "constant")
    return Column(name, kind, n_missing, median, mean, scale or 1.0, low, high)


def category_column(series: pl.Series, most_values: int = MOST_VALUES) -> Column:
    """A column of names, the most frequent first.

    The MANY_VALUES most frequent are kept, and of the others those seen LEAST_SEEN times or more, most_values in all:
    in the first layer each has weights of its own, an embedding that is learned with the rest. What was seen once says
    little of itself; together such values teach what one is like that nobody has seen.
    """
    text = as_text(series)
    counts = text.drop_nulls().rename("value").value_counts(name="n").sort(["n", "value"], descending=[True, False])
    n, n_missing = counts.height, text.null_count()
    if not n:
        return _ignored(series, "no values")
    if n == 1 and not n_missing:
        return _ignored(series, "constant")
    again = int((counts["n"] >= LEAST_SEEN).sum())
    kept = min(max(again, MANY_VALUES), most_values, n)
    note = ""
    if n > MANY_VALUES and 2 * n > len(text) - n_missing:
        note = f"{n} different values in {len(text)} rows: looks like an identifier"
    elif kept < n:
        which = f"{kept} most frequent" if kept != again else f"{kept} seen {LEAST_SEEN} times or more"
        note = f"{n} different values: the {which} are kept, the others pooled"
    values = tuple(counts["value"].head(kept).to_list())
    return Column(series.name, "category", n_missing, values=values, pooled=kept < n, note=note)


def with_fewer_values(column: Column) -> Column:
    """A column with the FEWER_VALUES most frequent values alone, the others pooled; unchanged where it has no more."""
    if len(column.values) <= FEWER_VALUES:
        return column
    return replace(column, values=column.values[:FEWER_VALUES], pooled=True)


def boolean_column(series: pl.Series) -> Column:
    """A column of true or false."""
    flags = flag_cells(series)
    seen = flags.drop_nulls().unique()
    if not len(seen):
        return _ignored(series, "no values")
    if len(seen) == 1 and not flags.null_count():
        return _ignored(series, "constant")
    return Column(series.name, "boolean", flags.null_count())


def ignored_column(series: pl.Series) -> Column:
    """A column that the user leaves out."""
    return Column(series.name, "ignore", series.null_count(), note="left out as asked")


KINDS: dict[str, Callable[[pl.Series], Column]] = {
    "number": number_column,
    "count": count_column,
    "category": category_column,
    "boolean": boolean_column,
    "date": date_column,
    "time": time_column,
    "duration": duration_column,
    "ignore": ignored_column,
}


def number_cells(series: pl.Series) -> pl.Series:
    """The cells as finite numbers, or a TableError that quotes those that are not."""
    numbers = as_numbers(series)
    if numbers.null_count() > series.null_count() and (bad := no_number(series)).any():
        raise TableError(
            f"Column {series.name!r} needs numbers, but holds {quoted(series, bad)}. Clean these cells"
            f"{_or_category(series.name)}."
        )
    return finite(numbers, series)


def finite(numbers: pl.Series, series: pl.Series) -> pl.Series:
    """The numbers, or a TableError that quotes those that no sum can hold."""
    if infinite(numbers).any():
        raise TableError(
            f"Column {series.name!r} holds infinite or too large numbers: {quoted(series, infinite(numbers))}. "
            f"Replace them with a number, or leave the cells empty."
        )
    return numbers


def flag_cells(series: pl.Series) -> pl.Series:
    """The cells as true or false, or a TableError that quotes those that are neither."""
    flags = as_flags(series)
    bad = flags.is_null() & as_text(series).is_not_null()
    if bad.any():
        raise TableError(
            f"Column {series.name!r} needs true or false (yes or no, 1 or 0), but holds {quoted(series, bad)}. "
            f"Clean these cells{_or_category(series.name)}."
        )
    return flags


def _or_category(name: str) -> str:
    """The other way out of a cell that does not fit."""
    return f", or train with columns={{{name!r}: 'category'}}"


def no_number(series: pl.Series) -> pl.Series:
    """Which cells hold something other than a number."""
    return as_numbers(series).is_null() & as_text(series).is_not_null()


def _ignored(series: pl.Series, why: str) -> Column:
    """A column that can tell nothing."""
    return Column(series.name, "ignore", series.null_count(), note=f"{why}: ignored")
