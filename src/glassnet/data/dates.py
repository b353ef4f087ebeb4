"""Dates, times of day and durations, from texts or temporal columns; where a date stands in its year, week and day."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from glassnet.data.cells import as_numbers, as_text, quoted
from glassnet.errors import TableError

ISO = "%Y-%m-%d"
FORMS = {  # as strptime has it, and for messages; the first that fits every cell is taken
    ISO: "2026-01-31",
    "%d.%m.%Y": "31.01.2026",
    "%d/%m/%Y": "31/01/2026",
    "%m/%d/%Y": "01/31/2026",
    "%Y/%m/%d": "2026/01/31",
}
CLOCK = r"\d{1,2}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"
DATE = (
    rf"^(\d{{4}}[-/]\d{{1,2}}[-/]\d{{1,2}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{4}})(?:[T ]({CLOCK}) ?(Z|[+-]\d\d:?\d\d)?)?$"
)
ELAPSED = r"^-?(\d{1,6}):([0-5]\d):([0-5]\d(?:\.\d+)?)$"
DAY = 86_400.0
FIRST, LAST = -62_135_596_800.0, 253_402_300_799.0  # the years 1 and 9999, in seconds since 1970


@dataclass(frozen=True)
class Cycle:
    """A part of a date that comes again: its period, and where a clock stands in it, from 0 up to 1."""

    seconds: float
    phase: Callable[[pl.Series], pl.Series]


CYCLES: dict[str, Cycle] = {
    "day of year": Cycle(
        365.2425 * DAY, lambda t: (t.dt.ordinal_day() - 1) / (365 + t.dt.is_leap_year().cast(pl.Int16))
    ),
    "day of week": Cycle(7 * DAY, lambda t: (t.dt.weekday() - 1) / 7),
    "hour of day": Cycle(DAY, lambda t: t.dt.time().cast(pl.Int64) / (DAY * 1e9)),
}


def find_form(text: pl.Series) -> str | None:
    """How a column of texts writes its dates; None where not every cell is a date.

    >>> find_form(pl.Series(["31.12.2025", "1.2.2026 10:30"]))
    '%d.%m.%Y'
    """
    text = text.drop_nulls()
    if not len(text) or not text.head(100).str.contains(DATE).all():
        return None
    return next((form for form in FORMS if not parsed(text, form).null_count()), None)


def either_form(text: pl.Series) -> bool:
    """Whether every cell reads as a date with the day first and, as another date, with the month first."""
    first, second = (parsed(text.drop_nulls(), form) for form in ("%d/%m/%Y", "%m/%d/%Y"))
    return not first.null_count() and not second.null_count() and not first.equals(second)


def parsed(text: pl.Series, form: str) -> pl.Series:
    """Datetimes where the text is a date of this form, with or without a clock; in UTC if any of them has a zone.

    >>> parsed(pl.Series(["2026-01-31T10:30", "soon"]), ISO).to_list()
    [datetime.datetime(2026, 1, 31, 10, 30), None]
    """
    day, clock, zone = text.str.extract_groups(DATE).struct.unnest().get_columns()
    hours = clock_times(clock).cast(pl.Int64) // 1000  # in µs
    hours = pl.select(pl.when(clock.is_null()).then(0).otherwise(hours)).to_series().cast(pl.Duration("us"))
    moment = day.str.to_date(form, strict=False).cast(pl.Datetime("us")) + hours
    if zone.is_null().all():
        return moment.alias(text.name)
    sign = zone.str.starts_with("-").cast(pl.Int64) * -2 + 1
    east = [zone.str.extract(r"(\d\d):?(\d\d)", group).cast(pl.Int64).fill_null(0) for group in (1, 2)]
    ahead = (sign * (east[0] * 60 + east[1])).fill_null(0) * 60_000_000
    return (moment - ahead.cast(pl.Duration("us"))).dt.replace_time_zone("UTC").alias(text.name)


def clock_times(text: pl.Series) -> pl.Series:
    """Times of day where the text is one, as 9:05 or 23:59:59.5."""
    seconds, minutes = (text.str.to_time(form, strict=False) for form in ("%H:%M:%S%.f", "%H:%M"))
    return pl.select(pl.when(text.str.contains(f"^{CLOCK}$")).then(pl.coalesce(seconds, minutes))).to_series()


def elapsed(text: pl.Series) -> pl.Series:
    """Seconds, where the text is hours, minutes and seconds, as 1:23:45.

    >>> elapsed(pl.Series(["1:00:05", "-100:00:00.5", "1:30"])).to_list()
    [3605.0, -360000.5, None]
    """
    parts = [part.cast(pl.Float64) for part in text.str.extract_groups(ELAPSED).struct.unnest().get_columns()]
    sign = text.str.starts_with("-").cast(pl.Float64) * -2 + 1
    return (sign * (parts[0] * 3600 + parts[1] * 60 + parts[2])).alias(text.name)


def date_cells(series: pl.Series, form: str = ISO) -> pl.Series:
    """The cells as datetimes, from texts in the form or in ISO form, or a TableError that quotes the others."""
    if series.dtype in (pl.Date, pl.Datetime):
        return series.cast(pl.Datetime("us", zone_of(series)))
    dates = pl.Series(series.name, [None] * len(series), pl.Datetime("us"))
    if series.dtype == pl.String:
        text = as_text(series)
        dates = parsed(text, form)
        if form != ISO:
            both = [dates, parsed(text, ISO)]
            if any(map(zone_of, both)):
                both = [one if zone_of(one) else one.dt.replace_time_zone("UTC") for one in both]
            dates = pl.select(pl.coalesce(*both)).to_series()
    forms = FORMS[ISO] if form == ISO else f"{FORMS[form]}, as in training, or {FORMS[ISO]}"
    return _every(dates, series, f"dates, such as {forms}")


def zone_of(dates: pl.Series) -> str | None:
    """The time zone of datetimes; None without one."""
    return getattr(dates.dtype, "time_zone", None)


def known_zone(zone: str) -> bool:
    """Whether there is a clock for a time zone; "" is none and known."""
    try:
        pl.Series([0]).cast(pl.Datetime("us")).dt.replace_time_zone(zone or None)
    except pl.exceptions.PolarsError:
        return False
    return True


def clocks(dates: pl.Series, zone: str) -> tuple[pl.Series, pl.Series]:
    """The same instants on the clock of UTC, and on the clock of the zone; without one, twice the clock as written."""
    own = zone_of(dates)
    if own and not zone:
        raise TableError(
            f"Column {dates.name!r} holds times of the zone {own}, but training saw times without a zone. "
            f"Convert them to the clock that training saw, and remove the zone."
        )
    if not zone:
        return dates, dates
    if not own:
        # In the hour that a clock shows twice, the first; in the one that it leaves out, no time at all.
        told = dates.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        dates = _every(told, dates, f"times that the clock of {zone} shows")
    utc, local = dates.dt.convert_time_zone("UTC"), dates.dt.convert_time_zone(zone)
    return utc.dt.replace_time_zone(None), local.dt.replace_time_zone(None)


def seconds(utc: pl.Series) -> pl.Series:
    """Seconds since 1970 began."""
    return utc.dt.timestamp("us") / 1e6


def dates_of(values: np.ndarray, zone: str, daily: bool) -> list[Any]:
    """The dates, or datetimes to the millisecond, that stand so many seconds after 1970 began."""
    whole = np.rint(np.clip(values, FIRST, LAST) * 1e3).astype(np.int64)
    moments = pl.Series(whole).cast(pl.Datetime("ms"))
    if zone:
        moments = moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    return moments.dt.date().to_list() if daily else moments.to_list()


def time_cells(series: pl.Series) -> pl.Series:
    """The cells as times of day, or a TableError that quotes those that are none."""
    if series.dtype == pl.Time:
        return series
    none = pl.Series(series.name, [None] * len(series), pl.Time)
    return _every(clock_times(as_text(series)) if series.dtype == pl.String else none, series, "times, such as 10:30")


def day_share(times: pl.Series) -> pl.Series:
    """How much of the day has passed, from 0 up to 1."""
    return times.cast(pl.Int64) / (DAY * 1e9)


def times_of(shares: np.ndarray) -> list[Any]:
    """The times of day, to the microsecond, at which so much of the day has passed."""
    micros = np.rint(shares * DAY * 1e6).astype(np.int64) % int(DAY * 1e6)
    return pl.Series(micros * 1000).cast(pl.Time).to_list()


def duration_cells(series: pl.Series) -> pl.Series:
    """The cells in seconds, or a TableError that quotes those that are no duration."""
    if series.dtype == pl.Duration:
        return series.dt.total_microseconds() / 1e6
    numbers = as_numbers(series)
    if series.dtype == pl.String:
        numbers = pl.select(pl.coalesce(elapsed(as_text(series)), numbers)).to_series()
    return _every(numbers, series, "durations, such as 1:23:45, or seconds")


def _every(read: pl.Series, series: pl.Series, needed: str) -> pl.Series:
    """What was read, if a cell that could not be read was missing before."""
    bad = read.is_null() & (as_text(series).is_not_null() if series.dtype == pl.String else series.is_not_null())
    if bad.any():
        raise TableError(
            f"Column {series.name!r} needs {needed}, but holds {quoted(series, bad)}. Clean these cells, "
            f"or train with columns={{{series.name!r}: 'category'}}."
        )
    return read.alias(series.name)
