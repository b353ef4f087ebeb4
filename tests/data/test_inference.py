"""A column's kind is what a person would call it."""

import datetime
import io

import numpy as np
import pandas as pd
import polars as pl
import pytest

from glassnet.data.inference import infer_columns, infer_kind
from glassnet.data.schema import KINDS, MOST_VALUES
from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError, UnknownNameError


def pd_strings(zips):
    return pd.DataFrame({"zip": zips}).convert_dtypes()


def parquet(zips):
    pl.DataFrame({"zip": zips}).write_parquet(stream := io.BytesIO())
    return stream.getvalue()


DAYS = [f"2020-03-{day:02}" for day in range(1, 31)]


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
        ("date", [datetime.date(2020, 1, 31), None]),
        ("date", [datetime.datetime(2020, 1, 31, 5, tzinfo=datetime.UTC)]),
        ("date", ["2020-01-31", None, "2020-02-01 10:30"]),
        ("date", ["2020-01-31T10:30:00.5Z", "2020-01-31T10:30:01+02:00"]),
        ("date", ["31.12.2020", "1.2.2020"]),
        ("date", ["31/12/2020", "01/02/2020 9:05"]),
        ("date", ["12/31/2020", "01/02/2020"]),
        ("date", ["2020/12/31", "2020/01/02"]),
        ("time", [datetime.time(10), None]),
        ("time", ["9:30", "23:59:59.5"]),
        ("duration", [datetime.timedelta(1)]),
        ("duration", ["9:30:00", "30:15:00"]),
        ("category", ["2020-01-31", "soon"]),
        ("category", ["1.2.3", "1.10.0"]),
        ("category", ["3:2", "0:1"]),
        ("category", ["3:20", "1:15"]),
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


def test_values_that_came_once_are_pooled_where_there_are_many():
    often, once = [f"v{i % 300}" for i in range(900)], [f"w{i}" for i in range(50)]
    (column,) = infer_columns(Table.read({"c": [*often, *once]}))
    assert set(column.values) == set(often)
    assert column.pooled
    assert column.note == "350 different values: the 300 seen 2 times or more are kept, the others pooled"
    (whole,) = infer_columns(Table.read({"c": often}))
    assert (whole.values, whole.pooled, whole.note) == (column.values, False, "")


def test_few_values_are_kept_however_rare():
    (column,) = infer_columns(Table.read({"c": ["a"] * 30 + ["b", "c"]}))
    assert (column.values, column.pooled) == (("a", "b", "c"), False)


def test_no_column_has_more_values_than_a_network_can_bear():
    (column,) = infer_columns(Table.read({"c": [f"v{i % (MOST_VALUES + 7)}" for i in range(3 * MOST_VALUES)]}))
    assert len(column.values) == MOST_VALUES
    assert column.pooled
    assert f"the {MOST_VALUES} most frequent are kept" in column.note
    (less,) = infer_columns(Table.read({"c": [f"v{i % 9}" for i in range(30)]}), most_values=4)
    assert (less.values, less.pooled) == (("v0", "v1", "v2", "v3"), True)


def test_identifiers_are_named():
    with pytest.warns(DataWarning, match=r"own text in ticket.*'ignore'"):
        (column,) = infer_columns(Table.read({"ticket": [f"v{i % 20}" for i in range(30)] + [*"abcdef"]}))
    assert column.kind == "category"


UNIQUE = [f"{i * 7919 % 1000:03x}-ab" for i in range(40)]
VISITS = [0] * 30 + [1] * 20 + [2] * 9 + [3] * 5 + [4, 7]
ROOMS = [2] * 3 + [3] * 10 + [4] * 20 + [5] * 22 + [6] * 15 + [7] * 8 + [8] * 4 + [9, 9, 11]


@pytest.mark.parametrize("cells", [VISITS, [*map(str, VISITS)], [float(v) for v in VISITS], [*VISITS, None], ROOMS])
def test_numbers_that_say_how_many_are_counts(cells):
    assert infer_kind(pl.Series("visits", cells)) == "count"
    (column,) = infer_columns(Table.read({"visits": cells}))
    assert (column.kind, column.minimum) == ("count", float(min(float(cell) for cell in cells if cell is not None)))


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("hour", [i % 24 for i in range(240)]),
        ("when", [i % 12 + 1 for i in range(240)]),  # months end without a tail, whatever they are called
        ("grade", VISITS),  # as its name says
        ("month", VISITS),
        ("zip code", VISITS),
        ("customer_id", VISITS),
        ("education", [1] * 40 + [2] * 30 + [3] * 9),  # codes
        ("smokes", [0] * 40 + [1] * 10),
        ("year built", [1950 + v for v in VISITS]),
        ("porch", [0] * 60 + [i * i for i in range(100, 140)]),  # square feet: most numbers are left out
        ("change", [-1, *VISITS]),
        ("length", [v + 0.5 for v in VISITS]),
        ("visits", VISITS[:5]),  # too few to tell
    ],
)
def test_other_whole_numbers_are_no_counts(name, cells):
    assert infer_kind(pl.Series(name, cells, strict=False)) == "number"


def test_a_kind_that_was_asked_for_is_a_count_or_none():
    assert infer_columns(Table.read({"n": [3, 400, 9]}), {"n": "count"})[0].kind == "count"
    assert infer_columns(Table.read({"visits": VISITS}), {"visits": "number"})[0].kind == "number"
    for cells in ([1.5, 2.0], [-1.0, 2.0]):
        with pytest.raises(TableError, match=rf"'n' needs counts, whole.*{cells[0]} in row 1.*'n': 'number'"):
            infer_columns(Table.read({"n": cells}), {"n": "count"})


SENTENCES = [f"the {i}th guest said that the room was cold" for i in range(40)]


@pytest.mark.parametrize(
    ("name", "cells", "words"),
    [
        ("code", UNIQUE, r"nearly every row has its own value: code \('000-ab', …\).*\{'code': 'category'\}"),
        ("code", [*UNIQUE, UNIQUE[0], None], "identifier"),
        ("zip", [f"{i:05}" for i in range(40)], "its own value: zip"),
        ("customer_id", [i * i for i in range(40)], r"customer_id \('0', …\).*\{'customer_id': 'number'\}"),
        ("PassengerId", [*range(1, 41)], "PassengerId"),
        ("column_1", [str(i) for i in range(40)], "column_1"),
        ("notes", SENTENCES, r"free text: notes \('the 0th guest.*'\).*make columns of.*\{'notes': 'ignore'\}"),
        ("notes", SENTENCES[:5], "free text"),
    ],
)
def test_what_cannot_say_anything_about_new_rows_is_left_out_aloud(name, cells, words):
    table = Table.read({name: cells, "x": [*range(len(cells) - 1), 0]})
    with pytest.warns(DataWarning, match=words) as caught:
        left_out, _ = infer_columns(table)
    assert len(caught) == 1
    assert left_out.kind == "ignore"
    assert left_out.note.endswith(": left out")
    for kind in ("category", "ignore"):
        assert infer_columns(table, {name: kind})[0].kind == kind  # no warning: it was asked for


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("paid", [i * i for i in range(40)]),  # id is the end of a word, not a word
        ("size", [i * i for i in range(40)]),
        ("id", [i % 9 for i in range(40)]),  # the id of something that comes again
        ("id", [i + 0.5 for i in range(40)]),
        ("year", [*range(1980, 2020)]),
        ("id", [*range(10)]),
        ("island", ["Dream island in the sea", "Biscoe island, and so on"] * 20),
    ],
)
def test_what_may_say_something_is_kept(name, cells):
    assert infer_columns(Table.read({name: cells}))[0].kind != "ignore"


@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_counts_the_rows_is_kept_with_a_warning(start):
    with pytest.warns(DataWarning, match=r"step counts the rows.*\{'step': 'ignore'\}"):
        assert infer_columns(Table.read({"step": [*range(start, 40)]}))[0].kind == "number"


def test_days_and_months_that_may_be_either_are_told():
    with pytest.warns(DataWarning, match=r"In when, as in '05/06/2020', the day.*2026-01-31"):
        (column,) = infer_columns(Table.read({"when": ["05/06/2020", "07/06/2020"]}))
    assert column.form == "%d/%m/%Y"
    (column,) = infer_columns(Table.read({"when": ["05/06/2020", "07/16/2020"]}))
    assert column.form == "%m/%d/%Y"


def test_overrides_decide():
    cells = {
        "number": ["1", "2"],
        "count": [0, 7],
        "category": [1, 2],
        "boolean": [0, 1],
        "date": ["2020-01-31", "2020-02-01"],
        "time": ["3:20", "1:15"],
        "duration": ["1:00:00", "2:00:00"],
        "ignore": ["a", "b"],
    }
    columns = infer_columns(Table.read(cells), {kind: kind for kind in KINDS})
    assert {column.name: column.kind for column in columns} == {kind: kind for kind in KINDS}
    assert columns[2].values == ("1", "2")


@pytest.mark.parametrize("read", [lambda zips: ("zip\n" + "\n".join(zips)).encode(), pd_strings, parquet])
def test_codes_with_leading_zeros_are_categories(read):
    (column,) = infer_columns(Table.read(read(["00501", "10001", "00501"])))
    assert (column.kind, column.values) == ("category", ("00501", "10001"))


@pytest.mark.parametrize(
    ("cells", "overrides", "error", "words"),
    [
        (["1", "x", *map(str, range(50))], {}, TableError, "'q' mixes numbers with text: 'x' in row 2.*'category'"),
        ([1.0, np.inf], {}, TableError, "'q' holds infinite.*inf in row 2"),
        ([1.0, 1e301], {}, TableError, "'q' holds infinite"),
        ([[1], [2]], {}, TableError, "'q' holds List.*not supported.*'ignore'"),
        ([[1], [2]], {"q": "category"}, TableError, "'q' holds List.*not supported"),
        (["2020-01-31", "2020-02-30", *DAYS], {}, TableError, "'q' mixes dates with text: '2020-02-30' in row 2"),
        (["2020-01-31", "soon", None, *DAYS], {}, TableError, "'q' mixes dates with text: 'soon' in row 2;"),
        (["2020-01-31", "soon"], {"q": "date"}, TableError, "'q' needs dates, such as 2026-01-31, but holds 'soon'"),
        ([1, 2], {"q": "date"}, TableError, "'q' needs dates.* 1 in row 1"),
        (["10:30", "24:00"], {"q": "time"}, TableError, "'q' needs times.*'24:00' in row 2"),
        (["1:00:00", "1:00"], {"q": "duration"}, TableError, "'q' needs durations.*'1:00' in row 2"),
        ([datetime.date(2020, 1, 1)], {"q": "number"}, TableError, "'q' needs numbers"),
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
