"""A column's kind is what a person would call it."""

import datetime

import numpy as np
import polars as pl
import pytest

from glassnet.data.schema import KINDS, infer_columns, infer_kind
from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError, UnknownNameError


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("number", [1, 0, 1]),
        ("number", [1.5, None]),
        ("number", ["1", " 2.5", None, "1e3"]),
        ("boolean", [True, None, False]),
        ("boolean", ["Yes", "no", None]),
        ("boolean", ["TRUE", "false"]),
        ("category", ["a", "b"]),
        ("category", ["yes", "maybe"]),
        ("category", ["007", "8"]),
        ("category", ["0", "1", "2", "3+"] * 9),
    ],
)
def test_kind_of_a_column(kind, cells):
    assert infer_kind(pl.Series("c", cells)) == kind


def test_what_training_saw_of_numbers():
    (column,) = infer_columns(Table.read({"x": [1.0, 2.0, 6.0, None]}))
    assert (column.median, column.mean, column.minimum, column.maximum, column.n_missing) == (2, 3, 1, 6, 1)
    assert column.scale == pytest.approx(np.std([1, 2, 6]), rel=1e-15)


@pytest.mark.parametrize("values", [[1e9 - 1, 1e9 + 1], [1e-300, 3e-300], [1e299, 3e299], [-1e299, 1e299]])
def test_mean_and_scale_survive_extreme_numbers(values):
    (column,) = infer_columns(Table.read({"x": values}))
    assert column.mean == pytest.approx(sum(values) / 2, rel=1e-12, abs=1e280 if values[1] == -values[0] else 0)
    assert column.scale == pytest.approx((values[1] - values[0]) / 2, rel=1e-12)


def test_values_stand_by_frequency_then_by_name():
    (column,) = infer_columns(Table.read({"c": ["b", "a", "c", "c", None]}))
    assert column.values == ("c", "a", "b")
    assert column.n_missing == 1


@pytest.mark.parametrize("cells", [[1, 1], [None, None], ["a", "a"], [True, True], [0.1 + 0.2, 0.3]])
def test_a_column_without_differences_is_ignored_aloud(cells):
    with pytest.warns(DataWarning, match="Ignored.*: dull"):
        columns = infer_columns(Table.read({"dull": cells, "x": [1, 2]}))
    assert [column.kind for column in columns] == ["ignore", "number"]
    assert columns[0].note.endswith(": ignored")


def test_present_or_missing_is_a_difference():
    columns = infer_columns(Table.read({"a": [1, None], "b": ["x", None], "c": [True, None]}))
    assert [column.kind for column in columns] == ["number", "category", "boolean"]


def test_many_values_are_pooled_and_identifiers_named():
    many = [f"v{i % 150}" for i in range(600)]
    (column,) = infer_columns(Table.read({"c": many}))
    assert len(column.values) == 100
    assert column.pooled
    with pytest.warns(DataWarning, match=r"own text in id.*'ignore'"):
        infer_columns(Table.read({"id": [f"v{i}" for i in range(30)]}))


def test_overrides_decide():
    table = Table.read({"x": [1, 2, 1], "flag": [0, 1, 1], "id": [f"{i}" for i in range(3)]})
    columns = infer_columns(table, {"x": "category", "flag": "boolean", "id": "ignore"})
    assert [column.kind for column in columns] == ["category", "boolean", "ignore"]
    assert columns[0].values == ("1", "2")
    assert set(KINDS) == {"number", "category", "boolean", "ignore"}


@pytest.mark.parametrize(
    ("cells", "overrides", "error", "words"),
    [
        (["1", "x", *map(str, range(50))], {}, TableError, "'q' mixes numbers with text: 'x' in row 2.*'category'"),
        ([1.0, np.inf], {}, TableError, "'q' holds infinite.*inf in row 2"),
        ([1.0, 1e301], {}, TableError, "'q' holds infinite"),
        ([datetime.date(2020, 1, 1)], {}, TableError, "'q' holds Date.*not supported yet.*'ignore'"),
        ([datetime.timedelta(1)], {}, TableError, "'q' holds Duration.*not supported yet"),
        ([[1], [2]], {}, TableError, "'q' holds List.*not supported yet"),
        (["a", "b"], {"q": "number"}, TableError, "'q' needs numbers, but holds 'a' in row 1, 'b' in row 2"),
        (["a", "b"], {"q": "boolean"}, TableError, "'q' needs true or false"),
        ([1, 2], {"Q": "number"}, UnknownNameError, "Unknown column 'Q'"),
        ([1, 2], {"q": "numbr"}, UnknownNameError, "'numbr'. Did you mean 'number'"),
    ],
)
def test_an_unusable_column_is_named_with_its_cells(cells, overrides, error, words):
    with pytest.raises(error, match=words):
        infer_columns(Table.read({"q": cells}), overrides)


def test_a_date_can_be_ignored():
    (column,) = infer_columns(Table.read({"q": [datetime.date(2020, 1, 1)]}), {"q": "ignore"})
    assert column.kind == "ignore"
