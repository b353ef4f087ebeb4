"""A time zone as numbers: when its clock is put forward or back, and how far it is ahead of UTC from then on."""

from functools import cache
from typing import Any

import numpy as np

from glassnet.data.dates import DAY, clocks, seconds
from glassnet.data.table import Table
from glassnet.nn.elementary import Array

FIRST_YEAR, LAST_YEAR = 1900, 2100  # the clock is followed from the one to the other; beyond, it stays as it is there


@cache
def transitions(zone: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Moments in seconds since 1970 in UTC, and seconds ahead of UTC: before the first, then from each on.

    >>> starts, ahead = transitions("Europe/Berlin")
    >>> at_new_year_2026 = sum(start <= 1767225600 for start in starts)
    >>> ahead[at_new_year_2026]
    3600.0
    >>> transitions("UTC")
    ((), (0.0,))
    """
    epoch = np.datetime64("1970-01-01")
    first, last = ((np.datetime64(str(year)) - epoch) / np.timedelta64(1, "s") for year in (FIRST_YEAR, LAST_YEAR))
    days = np.arange(first, last, DAY)
    ahead = _ahead(days, zone)
    places = np.flatnonzero(np.diff(ahead))
    low, high = days[places], days[places + 1]  # within these days the clock is changed
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        before = _ahead(middle, zone) == ahead[places]
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return tuple(high.tolist()), (*ahead[:1].tolist(), *ahead[places + 1].tolist())


def _ahead(utc: Array, zone: str) -> Array:
    """How far the clock of a zone is ahead of UTC, in seconds, at moments in whole seconds."""
    moments: Any = Table.read({"t": utc.astype("datetime64[s]").astype("datetime64[us]")})["t"]
    _, local = clocks(moments.dt.replace_time_zone("UTC"), zone)
    return seconds(local).to_numpy() - utc
