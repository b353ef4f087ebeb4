"""Numbers in pieces: a line with a bend at every end can be read off them, and so can the number."""

import datetime
import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from glassnet.data.examples import penguins
from glassnet.data.preprocessor import MOST_IN_PIECES, Preprocessor
from glassnet.data.schema import FEWEST_PIECES, PIECES, fill_of_pieces
from glassnet.data.table import Table
from glassnet.errors import DataWarning, FileFormatError, TableError

pytestmark = pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
slow = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

number = st.floats(-1e9, 1e9).map(lambda value: round(value, 3))
cells = st.lists(st.one_of(number, number, number, st.none()), min_size=8, max_size=60)


def cut(values) -> tuple[Table, Preprocessor]:
    """A table of one number, which is cut, and its preparation in pieces."""
    table = Table.read({"v": values})
    pieces = Preprocessor.fit(table, {"v": "number"}).in_pieces(table)
    assume(pieces is not None)
    return table, pieces


def varies(values) -> bool:
    return len({value for value in values if value is not None}) > 1


def filled_by_hand(value: float, ends: tuple[float, ...]) -> list[float]:
    """As the paper writes it: 1 for pieces that the value has passed, 0 for those to come, its part of its own."""
    return [
        0.0 if value <= low else 1.0 if value >= high else (value - low) / (high - low) for low, high in pairwise(ends)
    ]


@slow
@given(cells.filter(varies), st.lists(number, max_size=10))
def test_a_piece_is_as_full_as_the_paper_says(values, others):
    table, pieces = cut(values)
    (column,) = pieces.columns
    told = [column.median if value is None else value for value in values]
    x = pieces.transform(table)[:, : len(column.filled)]
    filled = np.array([filled_by_hand(value, column.pieces) for value in told])
    np.testing.assert_allclose(column.filled, filled.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(x, filled - column.filled, atol=1e-12)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    if others:
        new = pieces.transform(Table.read({"v": np.array(others)}))[:, : len(column.filled)]
        np.testing.assert_allclose(
            new, [np.subtract(filled_by_hand(value, column.pieces), column.filled) for value in others], atol=1e-12
        )


@slow
@given(cells.filter(varies), st.lists(number, min_size=1, max_size=10))
def test_numbers_come_back_and_beyond_training_its_range(values, others):
    table, pieces = cut(values)
    (column,) = pieces.columns
    width = max(abs(column.minimum), abs(column.maximum))
    back = pieces.inverse_transform(pieces.transform(table))["v"]
    for cell, value in zip(back, values, strict=True):
        assert (cell is None) == (value is None)
        assert value is None or math.isclose(cell, value, abs_tol=1e-12 * width)
    new = pieces.inverse_transform(pieces.transform(Table.read({"v": np.array(others)})))["v"]
    np.testing.assert_allclose(new, np.clip(others, column.minimum, column.maximum), atol=1e-12 * width)


@slow
@given(cells.filter(varies), st.lists(number, min_size=2, max_size=20))
def test_no_piece_falls_as_the_number_grows(values, others):
    _, pieces = cut(values)
    x = pieces.transform(Table.read({"v": np.sort(others)}))[:, : len(pieces.columns[0].filled)]
    assert (np.diff(x, axis=0) >= 0).all()


@slow
@given(cells.filter(varies))
def test_pieces_run_through_the_range_and_a_file_changes_no_bit_of_them(values):
    table, pieces = cut(values)
    (column,) = pieces.columns
    assert (column.pieces[0], column.pieces[-1]) == (column.minimum, column.maximum)
    assert (np.diff(column.pieces) > 0).all()
    assert FEWEST_PIECES <= len(column.filled) <= PIECES
    restored = Preprocessor.from_dict(json.loads(json.dumps(pieces.to_dict(), allow_nan=False)))
    assert restored == pieces
    assert restored.features == pieces.features
    assert restored.transform(table).tobytes() == pieces.transform(table).tobytes()


def test_pieces_worked_by_hand():
    table = Table.read({"v": range(33)})
    pieces = Preprocessor.fit(table, {"v": "number"}).in_pieces(table)
    (column,) = pieces.columns
    assert column.pieces == tuple(range(0, 33, 2))
    assert [feature.name for feature in pieces.features][:2] == ["v 0 to 2", "v 2 to 4"]
    assert {feature.kind for feature in pieces.features} == {"piece"}
    x = pieces.transform(Table.read({"v": [-5.0, 2.5, 99.0]})) + np.array(column.filled)
    np.testing.assert_allclose(x, [[0] * 16, [1, 0.25] + [0] * 14, [1] * 16], atol=1e-15)


def test_a_line_with_a_bend_at_every_end_is_linear_in_the_pieces():
    rng = np.random.default_rng(0)
    v = rng.normal(size=500)
    table = Table.read({"v": v})
    pieces = Preprocessor.fit(table).in_pieces(table)
    ends = np.array(pieces.columns[0].pieces)
    heights = rng.normal(size=len(ends))
    y = np.interp(v, ends, heights)
    x = np.hstack([pieces.transform(table), np.ones((500, 1))])
    w, *_ = np.linalg.lstsq(x, y, rcond=None)
    np.testing.assert_allclose(w[:-1], np.diff(heights), atol=1e-9)


def test_skewed_numbers_are_cut_where_they_are():
    v = np.exp(np.random.default_rng(0).normal(size=1600) * 3)
    table = Table.read({"v": v})
    ends = Preprocessor.fit(table).in_pieces(table).columns[0].pieces
    counts, _ = np.histogram(v, ends)
    assert (counts == 100).all()


def test_only_numbers_and_durations_are_cut():
    n = 60
    table = Table.read(
        {
            "number": [i**1.5 for i in range(n)],
            "for": [datetime.timedelta(seconds=i * i) for i in range(n)],
            "day": [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(n)],
            "at": [datetime.time(i % 24) for i in range(n)],
            "town": [("a", "b", "c")[i % 3] for i in range(n)],
            "sure": [i % 2 == 0 for i in range(n)],
        }
    )
    whole = Preprocessor.fit(table)
    pieces = whole.in_pieces(table)
    assert [column.name for column in pieces.columns if column.pieces] == ["number", "for"]
    assert [column for column in pieces.columns if not column.pieces] == list(whole.columns[2:])
    back = pieces.inverse_transform(pieces.transform(table))["for"]
    assert [round(cell.total_seconds(), 6) for cell in back] == [i * i for i in range(n)]


def test_a_missing_cell_is_the_median_with_a_flag():
    table = Table.read({"v": [None, *range(33), None]})
    pieces = Preprocessor.fit(table, {"v": "number"}).in_pieces(table)
    x = pieces.transform(Table.read({"v": [None, 16.0]}))
    assert pieces.features[-1].kind == "missing"
    np.testing.assert_array_equal(x[0, :-1], x[1, :-1])
    assert x[:, -1].tolist() == [1, 0]
    assert pieces.inverse_transform(x)["v"] == [None, 16.0]


def test_a_missing_cell_where_training_had_none_warns_and_text_is_refused():
    table = Table.read({"v": range(33)})
    pieces = Preprocessor.fit(table, {"v": "number"}).in_pieces(table)
    with pytest.warns(DataWarning, match=r"v \(1 of 2 cells\)"):
        x = pieces.transform(Table.read({"v": [None, 16]}))
    np.testing.assert_array_equal(x[0], x[1])
    with pytest.raises(TableError, match="'v' needs numbers, but holds 'two' in row 2"):
        pieces.transform(Table.read({"v": ["1", "two"]}))


@pytest.mark.parametrize(
    "columns",
    [
        {"few": [i % (2 * FEWEST_PIECES) for i in range(100)]},
        {"mostly 0": [0] * 95 + [1, 2, 3, 4, 5]},
        {"sure": [i % 2 == 0 for i in range(100)], "town": [("a", "b")[i % 2] for i in range(100)]},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_where_nothing_is_cut_there_is_no_second_preparation(columns):
    table = Table.read(columns)
    kinds = {name: "number" for name, cells in columns.items() if isinstance(cells[0], int) and name != "sure"}
    assert Preprocessor.fit(table, kinds).in_pieces(table) is None


def test_with_more_columns_than_most_there_is_no_second_preparation():
    rng = np.random.default_rng(0)
    columns = {f"c{j}": rng.normal(size=40) for j in range(MOST_IN_PIECES + 1)}
    table = Table.read(columns)
    assert Preprocessor.fit(table).in_pieces(table) is None
    table = table.select(list(columns)[:-1])
    assert all(column.pieces for column in Preprocessor.fit(table).in_pieces(table).columns)


def test_a_column_with_few_values_is_left_whole_among_others():
    table = Table.read({"v": range(100), "few": [i % 3 for i in range(100)]})
    pieces = Preprocessor.fit(table, {"v": "number", "few": "number"}).in_pieces(table)
    assert [bool(column.pieces) for column in pieces.columns] == [True, False]
    assert pieces.features[-1].kind == "number"


@pytest.mark.parametrize(
    "change",
    [
        {"pieces": []},
        {"filled": [0.5]},
        {"pieces": [3.0, 2.0, 1.0], "filled": [0.5, 0.5]},
        {"pieces": [1.0, 1.0, 2.0], "filled": [0.5, 0.5]},
        {"pieces": [1.0, float("nan"), 2.0], "filled": [0.5, 0.5]},
        {"pieces": ["1", "2"], "filled": [0.5]},
        {"pieces": 3},
    ],
)
def test_a_record_whose_pieces_do_not_follow_one_another_is_refused(change):
    table = penguins()
    record = Preprocessor.fit(table).in_pieces(table).to_dict()
    place = next(i for i, column in enumerate(record["columns"]) if column.get("pieces"))
    record["columns"][place] |= change
    with pytest.raises(FileFormatError):
        Preprocessor.from_dict(record)


def test_a_record_without_pieces_is_that_of_whole_numbers():
    table = penguins()
    whole = Preprocessor.fit(table)
    record = whole.in_pieces(table).to_dict()
    for column in record["columns"]:
        column.pop("pieces", None), column.pop("filled", None)
    assert Preprocessor.from_dict(record) == whole


def test_ends_that_differ_by_one_bit_divide():
    ends = np.array([1.0, np.nextafter(1.0, 2), 2.0])
    assert fill_of_pieces(np.array([0.0, 1.0, ends[1], 1.5, 3.0]), ends).tolist() == [
        [0, 0],
        [0, 0],
        [1, 0],
        [1, pytest.approx(0.5)],
        [1, 1],
    ]


def test_the_largest_and_the_least_numbers_stay_finite():
    table = Table.read({"large": np.linspace(-1e150, 1e150, 100), "tiny": np.linspace(-1e-300, 1e-300, 100)})
    pieces = Preprocessor.fit(table).in_pieces(table)
    assert all(column.pieces for column in pieces.columns)
    x = pieces.transform(table)
    assert np.isfinite(x).all()
    assert np.isfinite(list(pieces.inverse_transform(x).values())).all()
