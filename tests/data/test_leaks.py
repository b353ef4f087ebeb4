"""A column that is the target in another dress is named; one that merely helps is not."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from glassnet.data.leaks import leaks
from glassnet.data.table import Table
from glassnet.errors import TableError

RNG = np.random.default_rng(0)
Y = RNG.normal(size=200)
LABEL = np.array(["cat", "dog", "eel"])[RNG.integers(0, 3, 200)]
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=int(d)) for d in RNG.integers(0, 900, 200)]


@pytest.mark.parametrize(
    ("column", "target", "how"),
    [
        (LABEL, LABEL, "the same value"),
        (Y, Y, "the same value"),
        ([str(y) for y in Y], Y, "the same value"),
        ([{"cat": 7, "dog": 1, "eel": 3}[label] for label in LABEL], LABEL, "one value each"),
        (LABEL, [{"cat": 7, "dog": 1, "eel": 3}[label] for label in LABEL], "one value each"),
        (Y > 0, np.where(Y > 0, "yes", "no"), "one value each"),
        (2 * Y + 3, Y, "the same order"),
        (-np.exp(Y), Y, "the same order"),
        (np.round(Y, 4), Y, "the same order"),
        (DAYS, [day.toordinal() for day in DAYS], "the same order"),
        ([day.strftime("%d.%m.%Y") for day in DAYS], [-day.toordinal() for day in DAYS], "the same order"),
        ([None, *LABEL[1:]], LABEL, "the same value"),
    ],
)
def test_a_copy_of_the_target_is_found_in_every_dress(column, target, how):
    (leak,) = leaks(Table.read({"copy": column, "other": RNG.normal(size=200)}), pl.Series("answer", target))
    assert (leak.column, leak.target, leak.how) == ("copy", "answer", how)
    assert "Column 'copy' gives the target 'answer' away" in str(leak)
    assert "columns={'copy': 'ignore'}" in str(leak)


@pytest.mark.parametrize(
    ("column", "target"),
    [
        (Y + 0.05 * RNG.normal(size=200), Y),
        (Y**2, Y),
        (Y, LABEL),
        (np.arange(200), LABEL),
        ([f"c{i}" for i in range(200)], Y),  # each value once: every column of codes would do
        (LABEL == "cat", LABEL),
        (np.where(RNG.random(200) < 0.01, "dog", LABEL), LABEL),
        ([1.0] * 200, Y),
        ([None] * 200, Y),
        ([[1]] * 200, Y),
    ],
)
def test_a_column_that_merely_helps_is_no_leak(column, target):
    assert not leaks(Table.read({"c": pl.Series(column)}), pl.Series("answer", target))


def test_few_rows_may_agree_by_luck():
    assert not leaks(Table.read({"c": LABEL[:19]}), pl.Series("answer", LABEL[:19]))
    with pytest.raises(TableError, match="3 rows, but the table 19"):
        leaks(Table.read({"c": LABEL[:19]}), pl.Series("answer", LABEL[:3]))
