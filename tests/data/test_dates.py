"""Dates, times and durations become features that lead back to them, and count by the clock that people read."""

import datetime as dt
import json
import math
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.data.dates import FORMS, parsed
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.table import Table
from glassnet.errors import DataWarning, FileFormatError, TableError

quiet = pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = dt.datetime(2024, 1, 1, 12)
MILLISECOND, MICROSECOND = dt.timedelta(milliseconds=1), dt.timedelta(microseconds=1)

moments = st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30))
elapsed = st.timedeltas(dt.timedelta(days=-10_000), dt.timedelta(days=10_000))


def there_and_back(cells) -> list:
    """The cells after a table, features, a file and the way back."""
    table = Table.read({"t": cells, "x": [*range(len(cells) - 1), 0.5]})
    preprocessor = Preprocessor.fit(table)
    restored = Preprocessor.from_dict(json.loads(json.dumps(preprocessor.to_dict(), allow_nan=False)))
    assert restored == preprocessor
    x = restored.transform(table)
    assert x.tobytes() == preprocessor.transform(table).tobytes()
    assert np.isfinite(x).all()
    return restored.inverse_transform(x).get("t", cells)


def lists(cells):
    """Lists of such cells, some of them missing."""
    return st.lists(st.one_of(cells, st.none()), min_size=3, max_size=12)


@quiet
@settings(max_examples=60, deadline=None)
@given(lists(st.dates(dt.date(1, 1, 2), dt.date(9999, 12, 30))))
def test_days_come_back_as_they_were(cells):
    assert there_and_back(cells) == cells


@quiet
@settings(max_examples=60, deadline=None)
@given(st.one_of(lists(moments), lists(moments.map(lambda moment: moment.replace(tzinfo=dt.UTC)))))
def test_moments_come_back_to_the_millisecond(cells):
    for cell, original in zip(there_and_back(cells), cells, strict=True):
        assert (cell is None) == (original is None)
        if isinstance(cell, dt.datetime):
            assert abs(cell - original) <= MILLISECOND
        elif cell is not None:  # where every moment is a midnight, days
            assert dt.datetime.combine(cell, dt.time()) == original


@quiet
@settings(max_examples=60, deadline=None)
@given(lists(st.times()))
def test_times_of_day_come_back_to_the_microsecond(cells):
    for cell, original in zip(there_and_back(cells), cells, strict=True):
        assert (cell is None) == (original is None)
        if cell is not None:
            days = [dt.datetime.combine(NOON, time) for time in (cell, original)]
            assert abs(days[0] - days[1]) <= MICROSECOND


@quiet
@settings(max_examples=60, deadline=None)
@given(lists(elapsed))
def test_durations_come_back_to_the_microsecond(cells):
    for cell, original in zip(there_and_back(cells), cells, strict=True):
        assert (cell is None) == (original is None)
        assert cell is None or abs(cell - original) <= MICROSECOND


@settings(max_examples=60, deadline=None)
@given(moments.map(lambda moment: moment.replace(year=moment.year % 9000 + 1000)), st.sampled_from(sorted(FORMS)))
def test_a_date_reads_as_it_was_written(moment, form):
    texts = [moment.strftime(form), moment.strftime(form + " %H:%M:%S.%f"), moment.strftime(form + "T%H:%M")]
    midnight = dt.datetime.combine(moment, dt.time())
    minute = moment.replace(second=0, microsecond=0)
    assert parsed(pl.Series(texts), form).to_list() == [midnight, moment, minute]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2020-01-31T10:30Z", dt.datetime(2020, 1, 31, 10, 30)),
        ("2020-01-31 10:30:00.5+02:00", dt.datetime(2020, 1, 31, 8, 30, 0, 500_000)),
        ("2020-01-31 00:30 -0530", dt.datetime(2020, 1, 31, 6)),
    ],
)
def test_a_text_with_a_zone_is_an_instant(text, moment):
    assert parsed(pl.Series([text]), "%Y-%m-%d").to_list() == [moment.replace(tzinfo=dt.UTC)]


@pytest.mark.parametrize("text", ["2020-02-30", "2020-1-1 24:00", "20-01-01", "2020-01-01 10", "2020-01-01x", "", "7"])
def test_what_is_no_date_is_null(text):
    assert parsed(pl.Series([text]), "%Y-%m-%d").to_list() == [None]


def test_features_worked_by_hand():
    start = dt.datetime(2021, 1, 1)  # a Friday
    cells = [start, start + dt.timedelta(days=3, hours=6), None, start + dt.timedelta(days=730, hours=18)]
    preprocessor = Preprocessor.fit(table := Table.read({"sold": cells}))
    assert [feature.name for feature in preprocessor.features] == [
        "sold: trend",
        *(f"sold: {part}, {wave}" for part in ("day of year", "day of week", "hour of day") for wave in ("sin", "cos")),
        "sold missing",
    ]
    assert {feature.column for feature in preprocessor.features} == {"sold"}
    assert [feature.kind for feature in preprocessor.features] == ["trend", *["cycle"] * 6, "missing"]

    x = preprocessor.transform(table)
    known = x[[0, 1, 3]]
    np.testing.assert_allclose(known[:, 0].mean(), 0, atol=1e-12)
    np.testing.assert_allclose(known[:, 0].std(), 1)
    np.testing.assert_allclose(x[2], [(3.25 - 734 / 3) / (np.std([0, 3.25, 730.75])), *[0] * 6, 1])
    year, week, day = (np.arctan2(x[:, j], x[:, j + 1])[[0, 1, 3]] / (2 * np.pi) % 1 for j in (1, 3, 5))
    np.testing.assert_allclose(year, [0, 3 / 365, 0], atol=1e-12)
    np.testing.assert_allclose(week, [4 / 7, 0, 6 / 7])
    np.testing.assert_allclose(day, [0, 0.25, 0.75], atol=1e-12)


@pytest.mark.parametrize(
    ("days", "cycles"),
    [
        ([0, 9], ()),
        ([0, 1, 2, 11], ("day of week",)),
        ([0, 7, 14, 21], ()),  # the same day of every week
        ([0, 1, 547], ("day of week",)),
        ([0, 1, 548], ("day of year", "day of week")),
        ([0, 0.5, 1.2], ()),
        ([0, 0.5, 1.6], ("hour of day",)),
    ],
)
def test_only_cycles_that_training_went_through_are_features(days, cycles):
    (column,) = Preprocessor.fit(Table.read({"t": [NOON + dt.timedelta(days=day) for day in days]})).columns
    assert column.cycles == cycles
    assert (column.minimum, column.maximum) == (
        NOON.replace(tzinfo=dt.UTC).timestamp(),
        pytest.approx(NOON.replace(tzinfo=dt.UTC).timestamp() + 86_400 * days[-1]),
    )


def berlin() -> Preprocessor:
    """Trained on every sixth hour of ten days around the day on which clocks in Berlin go forward."""
    start = dt.datetime(2024, 3, 26, tzinfo=dt.UTC)
    cells = [(start + dt.timedelta(hours=6 * i)).astimezone(BERLIN) for i in range(40)]
    return Preprocessor.fit(Table.read({"t": pl.Series(cells, dtype=pl.Datetime("ms", "Europe/Berlin"))}))


def test_the_trend_goes_by_utc_and_the_cycles_by_the_local_clock():
    preprocessor = berlin()
    assert preprocessor.columns[0].zone == "Europe/Berlin"
    before, after = dt.datetime(2024, 3, 30, 8, tzinfo=BERLIN), dt.datetime(2024, 3, 31, 8, tzinfo=BERLIN)
    x = preprocessor.transform(Table.read({"t": [before, after]}))
    elapsed_seconds = (x[1, 0] - x[0, 0]) * preprocessor.columns[0].scale
    assert elapsed_seconds == pytest.approx(23 * 3600)
    hour = [feature.name for feature in preprocessor.features].index("t: hour of day, sin")
    np.testing.assert_allclose(x[:, hour], math.sin(2 * math.pi * 8 / 24))
    assert preprocessor.inverse_transform(x)["t"] == [before, after]


@pytest.mark.parametrize(
    "cell",
    [
        dt.datetime(2024, 3, 30, 8),
        dt.datetime(2024, 3, 30, 7, tzinfo=dt.UTC),
        dt.datetime(2024, 3, 30, 3, tzinfo=ZoneInfo("America/New_York")),
        "2024-03-30 08:00",
        "2024-03-30T07:00:00Z",
        "2024-03-30T12:30:00+05:30",
        pd.Timestamp("2024-03-30 08:00"),
    ],
    ids=str,
)
def test_an_instant_counts_by_what_it_says_not_by_its_zone(cell):
    expected = berlin().transform(Table.read({"t": [dt.datetime(2024, 3, 30, 8, tzinfo=BERLIN)]}))
    np.testing.assert_array_equal(berlin().transform(Table.read({"t": [cell]})), expected)


@pytest.mark.parametrize(
    "cell", [dt.date(2020, 2, 1), dt.datetime(2020, 2, 1), "2020-02-01", "02/01/2020", " 2/1/2020 00:00 "]
)
def test_new_dates_may_be_written_as_in_training_or_in_iso_form(cell):
    preprocessor = Preprocessor.fit(Table.read(b"t\n01/31/2020\n02/01/2020\n02/28/2020\n"))
    x = preprocessor.transform(Table.read({"t": [cell]}))
    assert preprocessor.inverse_transform(x)["t"] == [dt.date(2020, 2, 1)]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["01/31/2020", "soon"], "'t' needs dates, such as 01/31/2026, as in training, or 2026-01-31.*'soon' in row 2"),
        (["31/01/2020"], "holds '31/01/2020' in row 1; rows count from 1.*Clean these cells"),
        ([20200131], "holds 20200131 in row 1"),
        (["2020-01-31T00:00Z"], "zone UTC, but training saw times without a zone.*remove the zone"),
    ],
)
def test_a_cell_that_is_no_date_is_quoted(cells, words):
    preprocessor = Preprocessor.fit(Table.read({"t": ["01/31/2020", "02/01/2020"]}))
    with pytest.raises(TableError, match=words):
        preprocessor.transform(Table.read({"t": cells}))


def test_a_time_that_no_clock_shows_is_quoted():
    with pytest.raises(TableError, match=r"clock of Europe/Berlin shows, but holds datetime.*2, 30\) in row 1"):
        berlin().transform(Table.read({"t": [dt.datetime(2024, 3, 31, 2, 30)]}))


def test_an_unexpectedly_missing_date_is_the_median_with_a_warning():
    preprocessor = Preprocessor.fit(Table.read({"t": [dt.date(2020, 1, day) for day in (1, 4, 31)]}))
    with pytest.warns(DataWarning, match=r"t \(1 of 1 cells\)"):
        x = preprocessor.transform(Table.read({"t": [None]}))
    assert preprocessor.inverse_transform(x)["t"] == [dt.date(2020, 1, 4)]


def test_midnight_is_near_midnight():
    preprocessor = Preprocessor.fit(table := Table.read({"t": ["23:59", "0:01", "12:00", None]}))
    assert [feature.name for feature in preprocessor.features] == [
        "t: hour of day, sin",
        "t: hour of day, cos",
        "t missing",
    ]
    x = preprocessor.transform(table)
    assert np.linalg.norm(x[0] - x[1]) < 0.01
    np.testing.assert_allclose(x[2:], [[0, -1, 0], [0, 0, 1]], atol=1e-12)
    assert (preprocessor.columns[0].minimum, preprocessor.columns[0].maximum) == (60, 86_340)


def test_a_duration_is_a_number_in_seconds():
    table = Table.read({"t": ["26:00:10", "0:00:05.5", None]})
    preprocessor = Preprocessor.fit(table)
    (column,) = preprocessor.columns
    assert (column.kind, column.minimum, column.maximum, column.note) == ("duration", 5.5, 93_610, "in seconds")
    assert [feature.name for feature in preprocessor.features] == ["t", "t missing"]
    again = Table.read({"t": [dt.timedelta(hours=26, seconds=10), dt.timedelta(seconds=5.5), None]})
    for other in (again, Table.read({"t": [93_610, 5.5, None]}), Table.read({"t": ["93610", "0:00:05.5", ""]})):
        np.testing.assert_array_equal(preprocessor.transform(other), preprocessor.transform(table))


@quiet
@pytest.mark.parametrize("cell", ["2020-01-31", "10:30", "30:00:00"])
def test_a_column_without_differences_is_ignored(cell):
    columns = Preprocessor.fit(Table.read({"t": [cell] * 3, "x": [1, 2, 3]})).columns
    assert (columns[0].kind, columns[0].note) == ("ignore", "constant: ignored")


@pytest.mark.parametrize(
    "change", [{"cycles": ["day of month"]}, {"form": "%d"}, {"zone": "Europe/Atlantis"}, {"daily": 1}, {"scale": 0}]
)
def test_a_damaged_record_is_refused(change):
    record = Preprocessor.fit(Table.read({"t": ["2020-01-31", "2021-01-31"]})).to_dict()["columns"][0]
    assert Preprocessor.from_dict({"columns": [record]}).columns[0].form == "%Y-%m-%d"
    with pytest.raises(FileFormatError, match="damaged or of another version"):
        Preprocessor.from_dict({"columns": [record | change]})
