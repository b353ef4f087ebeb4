"""Which kind each column of a training table is, and which columns cannot help."""

import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from glassnet.data.cells import FALSE, PADDED, TRUE, as_numbers, as_text, elided, quoted
from glassnet.data.dates import DATE, FORMS, clock_times, elapsed, find_form, parsed
from glassnet.data.schema import (
    EITHER_FIRST,
    KINDS,
    MANY_VALUES,
    MOST_VALUES,
    Column,
    category_column,
    no_number,
)
from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError, unknown_name

MOSTLY = 0.8  # numbers or dates that so many cells agree on, the others are mistakes
UNIQUE = 0.95  # an identifier may have a few doubles
WORDY, VERY_WORDY = 3, 8  # words in a cell of free text, on average, in long columns and in any
SAMPLE, LONGEST = 1_000, 60  # cells that are looked at, letters that are shown
IDENTIFIER, FREE_TEXT = "identifier", "free text"
NAME_OF_ROWS = re.compile(
    r"(?i)^(.*[\W_])?(id|uuid|guid|index|idx|key|nr|no|rownames?|row[\W_]?(number|num|id|no)|unnamed: 0|column_1)$"
)
NAME_IN_CAMELS = re.compile(r"[a-z](Id|ID)$")
FEW_COUNTS, FIRST_COUNT = 20, 5  # cells that tell a count from a number; the largest that may be its least
COUNTED = {0: 3, 1: 8}  # different values of a count that begins with 0, or later: 1, 2, 3 are codes or grades
TAIL = 4  # times as frequent as the largest value of a count is some other; hours and grades end without a tail
FILLED = 0.75  # of the cells above 0: up to that quantile no whole number is left out, as among sums and areas
NO_COUNT = re.compile(
    r"(?i)(^|[\W_])(year|yr|month|mo|week|weekday|day|hour|minute|zip|code|rank|rating|score|grade|class|level|age)"
    r"($|[\W_\d])"
)


def infer_columns(
    table: Table, overrides: Mapping[str, str] | None = None, *, most_values: int = MOST_VALUES
) -> tuple[Column, ...]:
    """What kind each column is, and what stands in it.

    - Numeric columns are numbers, even when they hold only 0 and 1; so are texts where every cell reads as a number
      without leading zeros. With leading zeros they are codes, and so categories.
    - Numbers are counts where all are whole and from 0 on, begin with 0 to 5, leave no number out where most cells are,
      and end in a tail: the largest is rare. Columns called year, month, code, rating, age, … are not. A count is
      learned as a number is, and comes back whole.
    - Flags, and texts that say only true and false or yes and no, are booleans.
    - Dates and datetimes are dates, and so are texts where every cell is 2026-01-31 or 31.01.2026, 31/01/2026,
      01/31/2026, 2026/01/31, with or without a clock. Where the day as well as the month may come first, the day
      does, with a DataWarning. Times of day, also texts as 10:30, are times; durations, also texts as 30:15:00 that
      go beyond a day, are numbers in seconds.
    - All other texts are categories.

    Left out with a DataWarning are columns from which nothing can be learned about new rows: those without any
    difference between rows; identifiers, that is texts nearly all different, and different whole numbers in a column
    that is called id, index, key, … or the like; and free text, that is texts of several words, mostly different. Name
    such a column in overrides to keep it. Whole numbers that count the rows under any other name are kept, with a
    DataWarning.

    Args:
        table: The training table, without its target.
        overrides: Kinds by column name: "number", "count", "category", "boolean", "date", "time", "duration" or
            "ignore".

    >>> [column.kind for column in infer_columns(Table.read({"x": [1, 2], "sure": ["yes", "no"]}))]
    ['number', 'boolean']
    """
    overrides = dict(overrides or {})
    for name, kind in overrides.items():
        if name not in table.names:
            raise unknown_name("column", name, table.names)
        if kind not in KINDS:
            raise unknown_name("kind of column", kind, KINDS)
    columns = [_column(series, overrides.get(series.name), most_values) for series in table.frame]
    _warn([column for column in columns if column.name not in overrides], table)
    return tuple(columns)


def infer_kind(series: pl.Series) -> str:
    """The kind of one column, by the rules of infer_columns."""
    if series.dtype != pl.String:
        return _kind_of_dtype(series)
    text = as_text(series).drop_nulls()
    distinct = text.str.to_lowercase().unique()
    if not len(text) or text.str.contains(PADDED).any():
        return "category"
    if any(distinct.is_in(list(pair)).all() for pair in zip(TRUE, FALSE, strict=True)):
        return "boolean"
    numbers = as_numbers(text)
    if not numbers.null_count():
        return _number_or_count(series.name, numbers)
    _refuse_mixed(series, numbers, "numbers", no_number(series))
    if find_form(text):
        return "date"
    if text.str.contains(DATE).sum() >= MOSTLY * len(text):
        form = max(FORMS, key=lambda form: -parsed(text, form).null_count())
        _refuse_mixed(series, parsed(text, form), "dates", parsed(as_text(series), form).is_null())
    if not clock_times(text).null_count() and text.str.contains(r"\d\d:\d\d").any():  # 3:20 and 1:15 may be scores
        return "time"
    return "duration" if not elapsed(text).null_count() else "category"


def _kind_of_dtype(series: pl.Series) -> str:
    """The kind of a column that holds no texts."""
    if series.dtype.is_numeric():
        return _number_or_count(series.name, as_numbers(series).drop_nulls())
    kind = KIND_OF_DTYPE.get(series.dtype.base_type())
    if kind is not None:
        return kind
    raise TableError(
        f"Column {series.name!r} holds {series.dtype}, which is not supported. Convert it to numbers or texts, "
        f"drop it, or pass columns={{{series.name!r}: 'ignore'}}."
    )


def _number_or_count(name: str, numbers: pl.Series) -> str:
    """ "count" where numbers say how many of something, by the rules of infer_columns, else "number"."""
    cells, named = numbers.to_numpy(), any(told.search(name) for told in (NO_COUNT, NAME_OF_ROWS, NAME_IN_CAMELS))
    least = cells.min() if len(cells) >= FEW_COUNTS and not named else -1
    if not 0 <= least <= FIRST_COUNT or (cells != np.floor(cells)).any():
        return "number"
    values, frequencies = np.unique(cells, return_counts=True)
    many = len(values) >= COUNTED[int(least > 0)]
    above = np.repeat(values, frequencies)[frequencies[0] * int(least == 0) :]
    end = np.floor(np.quantile(above, FILLED)) if len(above) else 0.0
    filled = (values <= end).sum() == end - least + 1
    return "count" if many and filled and TAIL * frequencies[-1] <= frequencies.max() else "number"


def _refuse_mixed(series: pl.Series, read: pl.Series, what: str, bad: pl.Series) -> None:
    """Raise a TableError for many different numbers or dates and a few words: that is a column to clean."""
    seen = read.drop_nulls()
    # 0, 1, 2, 3+ in many rows are codes.
    many = seen.n_unique() > MANY_VALUES or 2 * seen.n_unique() > len(read)
    if len(seen) >= MOSTLY * len(read) and many:
        raise TableError(
            f"Column {series.name!r} mixes {what} with text: {quoted(series, bad & as_text(series).is_not_null())}. "
            f"Clean these cells, or pass columns={{{series.name!r}: 'category'}}."
        )


def _column(series: pl.Series, asked: str | None, most_values: int) -> Column:
    """One column, of the kind that was asked for or inferred."""
    kind = asked
    if kind is None:
        kind = infer_kind(series)
        if why := _unlearnable(series, kind):
            return Column(series.name, "ignore", series.null_count(), note=f"{why}: left out")
    elif kind != "ignore" and (series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object)):
        _kind_of_dtype(series)
    return category_column(series, most_values) if kind == "category" else KINDS[kind](series)


def _unlearnable(series: pl.Series, kind: str) -> str:
    """Why nothing in a column can be learned about new rows; "" if something can."""
    if kind == "category" and series.dtype == pl.String:
        text = as_text(series).drop_nulls()
        n_distinct, n = text.n_unique(), len(text)
        sample = text.head(SAMPLE)
        words = int(sample.str.count_matches(r"\S+").sum()) / len(sample) if 2 * n_distinct > n else 0
        if words >= VERY_WORDY or (words >= WORDY and n_distinct > MANY_VALUES):
            return FREE_TEXT
        return IDENTIFIER if n_distinct > MANY_VALUES and n_distinct >= UNIQUE * n else ""
    if kind in ("number", "count") and (NAME_OF_ROWS.match(series.name) or NAME_IN_CAMELS.search(series.name)):
        numbers = as_numbers(series)
        n_distinct = numbers.n_unique()
        whole = not numbers.null_count() and bool((numbers == numbers.floor()).all())
        return IDENTIFIER if whole and n_distinct > MANY_VALUES and n_distinct >= UNIQUE * len(numbers) else ""
    return ""


def _counts_rows(series: pl.Series) -> bool:
    """Whether the cells are 0, 1, 2, … or 1, 2, 3, … down the table."""
    if len(series) <= MANY_VALUES or series.null_count() or series[0] not in (0, 1):
        return False
    return bool((series.diff().drop_nulls() == 1).all())


def _warn(columns: list[Column], table: Table) -> None:
    """Say once for each reason which columns are left out, or look odd; those that nobody asked for."""
    for told, message in WARNINGS:
        found = [column for column in columns if told(column, table)]
        if found:
            first = found[0].name
            shown = as_text(table.frame[first].drop_nulls().head(1)).to_list()
            cell = "" if not shown else shown[0] if len(shown[0]) <= LONGEST else shown[0][:LONGEST] + "…"
            names = elided([column.name for column in found])
            warnings.warn(message.format(names=names, first=repr(first), cell=repr(cell)), DataWarning, stacklevel=4)


KIND_OF_DTYPE: dict[Any, str] = {
    pl.Boolean: "boolean",
    pl.Null: "category",
    pl.Date: "date",
    pl.Datetime: "date",
    pl.Time: "time",
    pl.Duration: "duration",
}

WARNINGS: tuple[tuple[Callable[[Column, Table], bool], str], ...] = (
    (
        lambda column, _: column.note.endswith(": ignored"),
        "Ignored, because every row has the same value or none: {names}.",
    ),
    (
        lambda column, _: column.note.startswith(IDENTIFIER),
        "Left out, because nearly every row has its own value: {names} ({cell}, …). That is an identifier, from which "
        "nothing can be learned about new rows. Agree with columns={{{first}: 'ignore'}}, or keep it with "
        "columns={{{first}: 'category'}} or columns={{{first}: 'number'}}.",
    ),
    (
        lambda column, _: column.note.startswith(FREE_TEXT),
        "Left out, because it is free text: {names} ({cell}). A network for tables learns from numbers and from values "
        "that come again; make columns of what the text says, such as its topic or its length, and agree with "
        "columns={{{first}: 'ignore'}}.",
    ),
    (
        lambda column, _: column.note.endswith("looks like an identifier"),
        "Most rows have their own text in {names}: little can be learned from it about new rows. Leave it out with "
        "columns={{{first}: 'ignore'}}.",
    ),
    (
        lambda column, _: column.note.startswith(EITHER_FIRST),
        "In {names}, as in {cell}, the day as well as the month may come first: the day was taken to. If the month "
        "does, write these dates as 2026-01-31.",
    ),
    (
        lambda column, table: column.kind == "number" and _counts_rows(table.frame[column.name]),
        "{names} counts the rows from the first to the last. If that is only their number, and no quantity, leave it "
        "out with columns={{{first}: 'ignore'}}.",
    ),
)
