"""Columns that give the target away: copies of it under another name, in other units or in other words."""

from dataclasses import dataclass

import polars as pl

from glassnet.data.cells import as_numbers, as_text
from glassnet.data.dates import find_form, parsed
from glassnet.data.table import Table
from glassnet.errors import TableError

FEWEST_ROWS = 20  # in fewer rows a perfect agreement may be luck
CERTAIN = 0.9999  # rank correlation; rounding may swap a few neighbours


@dataclass(frozen=True)
class Leak:
    """A column from which the target can be read off; as a text, what to tell the user.

    Attributes:
        column: Its name.
        target: The target's name.
        how: "the same value", "one value each" or "the same order".
    """

    column: str
    target: str
    how: str

    def __str__(self) -> str:
        return (
            f"Column {self.column!r} gives the target {self.target!r} away: {MEANING[self.how]}. If it is not known "
            f"before the target is, leave it out with columns={{{self.column!r}: 'ignore'}}."
        )


MEANING = {
    "the same value": "it holds the same value in every row",
    "one value each": "each of its values goes with one value of the target, and the other way round",
    "the same order": "it puts the rows in the same order, or in the opposite one, as a copy in other units would",
}


def leaks(table: Table, target: pl.Series) -> tuple[Leak, ...]:
    """The columns that are the target in another dress, and so predict it only where it is known already.

    A column gives the target away if it is equal to it; if their values, each of which comes twice or more on average,
    correspond one to one, as "f" and "m" to 0 and 1; or if both are numbers or dates and their ranks correlate by more
    than 0.9999 either way, as those of 2y + 3 or log y do. Rows in which one of the two is missing are not looked at,
    and where fewer than 20 are left, nothing is said.

    Args:
        table: The training table, without its target.
        target: The target, one value for each row.

    >>> table = Table.read({"sex": ["f", "m", "m"] * 10, "size": list(range(30))})
    >>> [leak.column for leak in leaks(table, pl.Series("label", [1, 0, 0] * 10))]
    ['sex']
    """
    if len(target) != table.n_rows:
        raise TableError(f"The target has {len(target)} rows, but the table {table.n_rows}. They must be the same.")
    target = Table.read({target.name: target})[target.name]
    if target.dtype.is_nested():
        return ()
    found = ((series.name, _how(series, target)) for series in table.frame if not series.dtype.is_nested())
    return tuple(Leak(name, target.name, how) for name, how in found if how)


def _how(series: pl.Series, target: pl.Series) -> str:
    """How a column gives the target away; "" if it does not."""
    both = pl.DataFrame([series.alias("a"), target.alias("t")]).drop_nulls()
    n, n_values = both.height, both["a"].n_unique()
    if n < FEWEST_ROWS or n_values < 2:
        return ""
    n_targets = both["t"].n_unique()
    if n_values == n_targets and both.n_unique() == n_values:
        if as_text(both["a"]).equals(as_text(both["t"])):
            return "the same value"
        if 2 * n_values <= n:
            return "one value each"
    a, t = _ordered(both["a"]), _ordered(both["t"])
    if a is None or t is None or n_targets <= 2:
        return ""
    correlation = pl.DataFrame([a.rank().alias("a"), t.rank().alias("t")]).select(pl.corr("a", "t")).item()
    return "the same order" if abs(correlation) > CERTAIN else ""


def _ordered(series: pl.Series) -> pl.Series | None:
    """The column as numbers, if it has an order that means something."""
    if series.dtype == pl.String:
        form = find_form(as_text(series))
        series = parsed(as_text(series), form) if form else as_numbers(series)
        return None if series.null_count() else series.to_physical()
    return series.to_physical() if series.dtype.is_numeric() or series.dtype.is_temporal() else None
