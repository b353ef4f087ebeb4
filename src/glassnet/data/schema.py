"""The kind of each column, and what training saw in it."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from glassnet.data.cells import FALSE, PADDED, TRUE, as_flags, as_numbers, as_text, elided, infinite, moments, quoted
from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError, unknown_name

MOST_VALUES = 100  # of a category; rarer ones are pooled
MANY_VALUES = 20  # above this, a text that differs in most rows looks like an identifier


@dataclass(frozen=True)
class Column:
    """One column as training saw it; numbers in the column's own units.

    Attributes:
        kind: A key of KINDS.
        n_missing: Missing cells in training.
        median: What replaces a missing number.
        mean, scale: x = (value − mean) / scale, over the cells that were there.
        minimum, maximum: The training range.
        values: Of a category, the most frequent first.
        pooled: Whether rarer values were put together as "other".
        note: For a report, what is unusual here.
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


def number_column(series: pl.Series) -> Column:
    """A column of quantities."""
    numbers = number_cells(series)
    seen = numbers.drop_nulls().to_numpy()
    n_missing = numbers.null_count()
    if not len(seen):
        return _ignored(series, "no values")
    low, high = float(seen.min()), float(seen.max())
    median = float(np.median(seen))
    mean, scale = moments(seen, median)
    if scale == 0 and not n_missing:
        return _ignored(series, "constant")
    return Column(series.name, "number", n_missing, median, mean, scale or 1.0, low, high)


def category_column(series: pl.Series) -> Column:
    """A column of names, the most frequent first."""
    text = as_text(series)
    counts = text.drop_nulls().rename("value").value_counts(name="n").sort(["n", "value"], descending=[True, False])
    values = tuple(counts["value"].to_list())
    n_missing = text.null_count()
    if not values:
        return _ignored(series, "no values")
    if len(values) == 1 and not n_missing:
        return _ignored(series, "constant")
    note, pooled = "", len(values) > MOST_VALUES
    if len(values) > MANY_VALUES and 2 * len(values) > len(text) - n_missing:
        note = f"{len(values)} different values in {len(text)} rows: looks like an identifier or free text"
    elif pooled:
        note = f"{len(values)} different values: the {MOST_VALUES} most frequent are kept, the others pooled"
    return Column(series.name, "category", n_missing, values=values[:MOST_VALUES], pooled=pooled, note=note)


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
    "category": category_column,
    "boolean": boolean_column,
    "ignore": ignored_column,
}


def infer_columns(table: Table, overrides: Mapping[str, str] | None = None) -> tuple[Column, ...]:
    """What kind each column is, and what stands in it.

    Numeric columns are numbers, even when they hold only 0 and 1. Flags, and texts that say only true and false
    or yes and no, are booleans. Texts are numbers where every cell reads as one, without leading zeros, and
    categories otherwise. Columns without any difference between rows are ignored, with a DataWarning.

    Args:
        table: The training table, without its target.
        overrides: Kinds by column name: "number", "category", "boolean" or "ignore".

    >>> [column.kind for column in infer_columns(Table.read({"x": [1, 2], "sure": ["yes", "no"]}))]
    ['number', 'boolean']
    """
    overrides = dict(overrides or {})
    for name, kind in overrides.items():
        if name not in table.names:
            raise unknown_name("column", name, table.names)
        if kind not in KINDS:
            raise unknown_name("kind of column", kind, KINDS)
    columns = []
    for series in table.frame:
        kind = overrides[series.name] if series.name in overrides else infer_kind(series)
        columns.append(KINDS[kind](series))
    _warn(columns, overrides)
    return tuple(columns)


def infer_kind(series: pl.Series) -> str:
    """The kind of one column, by the rules of infer_columns."""
    dtype = series.dtype
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "number"
    if dtype == pl.Null:
        return "category"
    if dtype != pl.String:
        raise TableError(
            f"Column {series.name!r} holds {dtype}, which is not supported yet. Convert it to numbers or texts, "
            f"drop it, or pass columns={{{series.name!r}: 'ignore'}}."
        )
    text = as_text(series).drop_nulls()
    distinct = text.str.to_lowercase().unique()
    if len(text) and any(distinct.is_in(list(pair)).all() for pair in zip(TRUE, FALSE, strict=True)):
        return "boolean"
    numbers = as_numbers(text)
    share = 1 - numbers.null_count() / max(len(text), 1)
    if not len(text) or text.str.contains(PADDED).any():
        return "category"
    if share == 1:
        return "number"
    n_distinct = numbers.drop_nulls().n_unique()
    # 0, 1, 2, 3+ in many rows are codes; many different numbers and a few words are a column to clean.
    if share >= 0.8 and (n_distinct > MANY_VALUES or 2 * n_distinct > len(text)):
        raise TableError(
            f"Column {series.name!r} mixes numbers with text: {quoted(series, _no_number(series))}. "
            f"Clean these cells, or pass columns={{{series.name!r}: 'category'}}."
        )
    return "category"


def number_cells(series: pl.Series) -> pl.Series:
    """The cells as finite numbers, or a TableError that quotes those that are not."""
    numbers = as_numbers(series)
    if numbers.null_count() > series.null_count() and (bad := _no_number(series)).any():
        raise TableError(
            f"Column {series.name!r} needs numbers, but holds {quoted(series, bad)}. Clean these cells"
            f"{_or_category(series.name)}."
        )
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


def _no_number(series: pl.Series) -> pl.Series:
    """Which cells hold something other than a number."""
    return as_numbers(series).is_null() & as_text(series).is_not_null()


def _ignored(series: pl.Series, why: str) -> Column:
    """A column that can tell nothing."""
    return Column(series.name, "ignore", series.null_count(), note=f"{why}: ignored")


def _warn(columns: list[Column], overrides: Mapping[str, str]) -> None:
    """Say once which columns are left out, and once which look like identifiers."""
    silent = [c.name for c in columns if c.kind == "ignore" and overrides.get(c.name) != "ignore"]
    if silent:
        warnings.warn(
            f"Ignored, because every row has the same value or none: {elided(silent)}.", DataWarning, stacklevel=4
        )
    unique = [c.name for c in columns if "identifier" in c.note]
    if unique:
        warnings.warn(
            f"Nearly every row has its own text in {elided(unique)}: an identifier or free text, from which nothing "
            f"can be learned about new rows. Leave it out with columns={{{unique[0]!r}: 'ignore'}}.",
            DataWarning,
            stacklevel=4,
        )
