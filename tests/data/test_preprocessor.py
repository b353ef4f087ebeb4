"""Features are what training saw, each leads back to its column, and a file changes no bit of them."""

import datetime
import json
import math
import time
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.data.encoders import ENCODERS
from glassnet.data.examples import penguins
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import FEWER_VALUES, KINDS
from glassnet.data.table import Table
from glassnet.errors import DataWarning, FileFormatError, TableError

quiet = pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")

numbers = st.floats(-1e12, 1e12).map(lambda value: round(value, 6))
words = st.sampled_from(["Dream", "Biscoe", "é, ü", "=", "other", "1a"])
column = st.sampled_from([numbers, words, st.booleans()]).flatmap(
    lambda cells: st.lists(st.one_of(cells, st.none()), min_size=8, max_size=8)
)
tables = st.lists(column, min_size=1, max_size=4).map(
    lambda columns: {"x": [*range(7), 6]} | {f"c{j}": cells for j, cells in enumerate(columns)}
)


@quiet
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables)
def test_features_lead_back_to_their_cells(columns):
    table = Table.read(columns)
    preprocessor = Preprocessor.fit(table)
    back = preprocessor.inverse_transform(preprocessor.transform(table))

    for name, cells in back.items():
        for cell, original in zip(cells, table[name].to_list(), strict=True):
            if isinstance(original, float):
                spread = max(abs(preprocessor.columns[table.names.index(name)].mean), abs(original), 1)
                assert math.isclose(cell, original, abs_tol=1e-9 * spread)
            else:
                assert cell == original


@quiet
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables)
def test_a_file_changes_no_bit(columns):
    table = Table.read(columns)
    preprocessor = Preprocessor.fit(table)
    restored = Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict(), allow_nan=False)))
    assert restored == preprocessor
    assert restored.features == preprocessor.features
    assert restored.transform(table).tobytes() == preprocessor.transform(table).tobytes()


def test_every_kind_but_ignore_has_an_encoder():
    assert set(ENCODERS) == set(KINDS) - {"ignore"}


def test_features_worked_by_hand():
    table = Table.read({"x": [1, 2, None, 3], "sure": ["yes", "no", None, "yes"], "town": ["b", "a", None, "b"]})
    preprocessor = Preprocessor.fit(table)
    s = math.sqrt(1.5)  # 1, 2, 3 have variance 2/3
    expected = {
        "x": [-s, 0, 0, s],
        "x missing": [0, 0, 1, 0],
        "sure": [1, -1, 0, 1],
        "sure missing": [0, 0, 1, 0],
        "town=b": [1, 0, 0, 1],
        "town=a": [0, 1, 0, 0],
        "town missing": [0, 0, 1, 0],
    }
    x = preprocessor.transform(table)
    assert [feature.name for feature in preprocessor.features] == list(expected)
    np.testing.assert_allclose(x, np.column_stack(list(expected.values())), atol=1e-15)
    assert [feature.category for feature in preprocessor.features if feature.kind == "category"] == ["b", "a"]
    assert x.flags.c_contiguous
    assert x.dtype == np.float64


@quiet
def test_numbers_are_standard_over_training_even_far_from_zero():
    rng = np.random.default_rng(0)
    unit = rng.normal(size=1000)
    x = Preprocessor.fit(t := Table.read({"a": 1e9 + unit, "b": 1e-200 * unit, "c": unit})).transform(t)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=2e-7)  # 1e9 has seven digits left
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-9)
    np.testing.assert_allclose(x[:, 0], x[:, 2], atol=1e-6)


def fitted() -> Preprocessor:
    """Trained on a number, a code, a flag and a text, none of them missing."""
    return Preprocessor.fit(
        Table.read({"x": [1, 3], "code": [1, 2], "sure": [True, False], "town": ["a", "b"]}), {"code": "category"}
    )


@pytest.mark.parametrize(
    "row",
    [
        {"x": [3], "code": [2], "sure": [False], "town": ["b"]},
        {"town": ["b"], "extra": ["?"], "sure": [0], "code": [2.0], "x": ["3"]},
        {"x": [" 3.0 "], "code": ["2"], "sure": ["No"], "town": [" b "]},
        {"x": [3.0], "code": ["2.0"], "sure": ["FALSE"], "town": pl.Series(["b"], dtype=pl.Categorical)},
        {"x": np.float32([3]), "code": ["02"], "sure": [0.0], "town": np.array(["b"])},
    ],
)
def test_a_cell_counts_by_what_it_says_not_by_its_type(row):
    np.testing.assert_array_equal(fitted().transform(Table.read(row)), [[1, 0, 1, -1, 0, 1]])


def test_codes_survive_the_nan_that_turns_ints_to_floats():
    training = Table.read(b"code,x\n1,1\n2,2\n1,3\n")
    preprocessor = Preprocessor.fit(training, {"code": "category"})
    frame = pd.DataFrame({"code": [1, 2, None], "x": [1, 2, 3]})
    with pytest.warns(DataWarning, match=r"code \(1 of 3 cells\)"):
        x = preprocessor.transform(Table.read(frame))
    np.testing.assert_array_equal(x[:, :2], [[1, 0], [0, 1], [0, 0]])


@pytest.mark.parametrize("cells", [["00501", "10001"], [501, 10_001], [501.0, 10_001.0]], ids=["text", "int", "float"])
def test_codes_with_leading_zeros_are_found_without_them(cells):
    preprocessor = Preprocessor.fit(Table.read(b"zip,x\n00501,1\n10001,2\n00501,3\n"))
    np.testing.assert_array_equal(
        preprocessor.transform(Table.read({"zip": cells, "x": [1, 2]}))[:, :2], [[1, 0], [0, 1]]
    )


def test_no_two_features_have_one_name():
    columns = {
        "a": [1, None, 3],
        "a missing": [1, 2, 4],
        "b": ["x", "y", "y"],
        "b=x": [0, 1, 0],
        "a missing (of a)": [1, 2, 5],
    }
    preprocessor = Preprocessor.fit(Table.read(columns))
    assert [feature.name for feature in preprocessor.features] == [
        "a",
        "a missing (of a) (of a)",
        "a missing",
        "b=y",
        "b=x (of b)",
        "b=x",
        "a missing (of a)",
    ]
    assert [feature.column for feature in preprocessor.features] == [
        "a",
        "a",
        "a missing",
        "b",
        "b",
        *list(columns)[3:],
    ]


def test_a_file_of_the_first_version_still_loads():
    record = {
        "columns": [
            {"name": "x", "kind": "number", "n_missing": 0, "note": ""}
            | {"median": 2.0, "mean": 2.0, "scale": 1.0, "minimum": 1.0, "maximum": 3.0},
            {"name": "town", "kind": "category", "n_missing": 1, "note": "", "values": ["a", "b"], "pooled": False},
            {"name": "sure", "kind": "boolean", "n_missing": 0, "note": ""},
            {"name": "dull", "kind": "ignore", "n_missing": 0, "note": "constant: ignored"},
        ]
    }
    preprocessor = Preprocessor.from_dict(record)
    assert preprocessor.to_dict() == record
    x = preprocessor.transform(Table.read({"x": [3], "town": ["b"], "sure": ["no"]}))
    np.testing.assert_array_equal(x, [[1, 0, 1, 0, -1]])


def test_unexpectedly_missing_is_filled_with_one_warning():
    table = Table.read({"x": [None, 1], "code": [1, 1], "sure": [None, None], "town": ["a", ""]})
    with pytest.warns(DataWarning) as caught:
        x = fitted().transform(table)
    np.testing.assert_array_equal(x, [[0, 1, 0, 0, 1, 0], [-1, 1, 0, 0, 0, 0]])
    (warning,) = caught
    assert "x (1 of 2 cells), sure (2 of 2 cells), town (1 of 2 cells)" in str(warning.message)


def test_unseen_values_are_zeros_with_one_warning():
    table = Table.read({"x": [1, 1], "code": [3, 1], "sure": [True, True], "town": ["c", "A"]})
    with pytest.warns(DataWarning) as caught:
        x = fitted().transform(table)
    np.testing.assert_array_equal(x[:, [1, 2, 4, 5]], [[0, 0, 0, 0], [1, 0, 0, 0]])
    (warning,) = caught
    assert "code: '3', town: 'A', 'c'" in str(warning.message)


def test_rare_and_unseen_values_share_the_pool():
    cells = [f"v{i % 150}" for i in range(600)]
    preprocessor = Preprocessor.fit(Table.read({"c": [*cells, "rare"]}))
    assert preprocessor.features[-1].name == "c other"
    assert preprocessor.features[-1].kind == "other"
    x = preprocessor.transform(Table.read({"c": ["rare", "never seen"]}))
    assert (x[:, -1] == 1).all()
    assert (x.sum(axis=1) == 1).all()
    assert preprocessor.inverse_transform(x) == {"c": ["other", "other"]}


def test_no_rows_give_no_rows():
    empty = Table.read({"x": [], "code": [], "sure": [], "town": []})
    assert fitted().transform(empty).shape == (0, 6)
    assert fitted().inverse_transform(np.zeros((0, 6)))["town"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"X": None}, r"no column 'x' \(did you mean 'X'\?\)"),
        ({"x": ["1", "two"]}, "'x' needs numbers, but holds 'two' in row 2"),
        ({"x": [1, np.inf]}, "'x' holds infinite.*row 2"),
        ({"sure": ["yes", "perhaps"]}, "'sure' needs true or false.*'perhaps' in row 2"),
        ({"sure": [2, 1]}, "'sure' needs true or false.*2 in row 1"),
    ],
)
def test_a_cell_that_does_not_fit_is_quoted(change, words):
    columns = {"x": [1, 3], "code": [1, 2], "sure": [True, False], "town": ["a", "b"]} | change
    if "X" in columns:
        columns["X"] = columns.pop("x")
    with pytest.raises(TableError, match=words):
        fitted().transform(Table.read(columns))


def test_all_missing_columns_are_named_at_once():
    with pytest.raises(TableError, match="'x', 'code', 'sure'"):
        fitted().transform(Table.read({"town": ["a"]}))


@quiet
def test_nothing_to_learn_from_is_an_error():
    with pytest.raises(TableError, match=r"No column is left.*a \(constant: ignored\)"):
        Preprocessor.fit(Table.read({"a": [1, 1]}))
    with pytest.raises(TableError, match=r"notes \(free text: left out\).*Add one.*keep one by naming its kind"):
        Preprocessor.fit(Table.read({"notes": [f"the {i}th guest said that it was cold" for i in range(30)]}))
    with pytest.raises(TableError, match="no rows"):
        Preprocessor.fit(Table.read({"a": []}))


def mutations(record: object):
    """The record with, one at a time, every part removed or replaced by something foreign."""
    foreign = [None, 7, -1, "x", [], {}, [1], True, float("nan"), 10**400]
    if isinstance(record, dict):
        for key, value in record.items():
            yield {k: v for k, v in record.items() if k != key}
            yield from ({**record, key: other} for other in [*foreign, *mutations(value)])
    elif isinstance(record, list):
        for i, value in enumerate(record):
            yield from ([*record[:i], other, *record[i + 1 :]] for other in [*foreign, *mutations(value)])
        yield record + record


def test_a_damaged_record_is_refused_or_still_works():
    columns = penguins().without("species").frame.to_dict(as_series=False)
    columns["seen"] = [datetime.date(2007, 11, 11) + datetime.timedelta(days=2 * i) for i in range(344)]
    columns["at"] = [datetime.time(i % 24) for i in range(344)]
    columns["for"] = [datetime.timedelta(seconds=i % 30) for i in range(344)]
    table = Table.read(columns)
    record = Preprocessor.fit(table).to_dict()
    with pytest.raises(FileFormatError, match="damaged or of another version"):
        Preprocessor.from_dict({"columns": [{}]})
    refused = 0
    for damaged in [None, [], "x", *mutations(record)]:
        try:
            preprocessor = Preprocessor.from_dict(damaged)
        except FileFormatError:
            refused += 1
        else:  # a foreign note or count cannot be told from a true one
            preprocessor.inverse_transform(np.zeros((1, len(preprocessor.features))))
    assert refused > 100
    assert np.isfinite(Preprocessor.from_dict(record).transform(table)).all()


def test_no_step_goes_row_by_row():
    rng = np.random.default_rng(0)
    columns = {f"n{j}": rng.normal(size=100_000) for j in range(10)}
    columns |= {f"c{j}": rng.choice(list("abcdefgh"), 100_000) for j in range(10)}
    table = Table.read(columns)
    preprocessor = Preprocessor.fit(table)
    start = time.perf_counter()
    preprocessor.transform(table)
    assert time.perf_counter() - start < 3  # a fifth of a second on an idle machine; a Python loop takes ten


names = st.lists(st.one_of(st.none(), st.integers(0, 60).map("v{}".format)), min_size=2, max_size=200)


@quiet
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(names, names, st.integers(2, 30))
def test_a_category_is_one_feature_or_none_dense_or_sparse(seen, new, most):
    preprocessor = Preprocessor.fit(
        Table.read({"x": range(len(seen)), "c": seen}), {"x": "number", "c": "category"}, most_values=most
    )
    column = preprocessor.columns[1]
    assert len(column.values) <= most
    for cells in (seen, new):
        table = Table.read({"x": range(len(cells)), "c": cells})
        x = preprocessor.transform(table)
        np.testing.assert_array_equal(preprocessor.transform(table, sparse=True).toarray(), x)
        if column.kind == "ignore":
            continue
        back = preprocessor.inverse_transform(x)["c"]
        rest = "other" if column.pooled else None
        assert back == [cell if cell is None or cell in column.values else rest for cell in cells]


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=50).filter(lambda cells: len(set(cells)) > 1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_counts_come_back_whole(cells):
    table = Table.read({"n": [*cells, None]})
    preprocessor = Preprocessor.fit(table, {"n": "count"})
    for view in (preprocessor, preprocessor.in_pieces(table) or preprocessor):
        x = view.transform(table)
        back = view.inverse_transform(x)["n"]
        assert back == [*cells, None]
        assert all(type(cell) is int for cell in back[:-1])
    between = np.array([[-1e9, 0.0], [0.123, 0.0]])
    low, near = preprocessor.inverse_transform(between)["n"]
    assert low == 0
    assert type(near) is int


def test_the_other_view_has_the_most_frequent_values_alone():
    cells = [f"v{i}" for i in range(150) for _ in range(2 + i)]
    table = Table.read({"c": cells})
    preprocessor = Preprocessor.fit(table)
    (column,) = preprocessor.in_pieces(table).columns
    assert column.values == preprocessor.columns[0].values[:FEWER_VALUES]
    assert column.pooled
    few = Table.read({"c": cells[-300:]})
    assert Preprocessor.fit(few).in_pieces(few) is None


def test_thousands_of_values_take_no_memory_for_their_zeros():
    rows, values = 40_000, 3_000
    table = Table.read({"c": [f"v{i % values}" for i in range(rows)]})
    preprocessor = Preprocessor.fit(table)
    tracemalloc.start()
    x = preprocessor.transform(table, sparse=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert x.shape == (rows, values)
    assert x.nnz == rows
    assert peak < 50e6  # in full it is 960 MB


def test_many_categories_make_a_sparse_x_with_the_same_numbers():
    rng = np.random.default_rng(0)
    table = Table.read({"city": [f"c{i}" for i in rng.integers(0, 90, 2000)], "mass": rng.normal(size=2000)})
    preprocessor = Preprocessor.fit(table)
    assert preprocessor.mostly_zeros
    sparse = preprocessor.transform(table, sparse=True)
    np.testing.assert_array_equal(sparse.toarray(), preprocessor.transform(table))
    assert sparse.nnz <= 2 * len(table)
    assert not Preprocessor.fit(table.select(["mass"])).mostly_zeros
