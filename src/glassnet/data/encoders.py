"""How a column of each kind becomes features of x (n, d), and comes back."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse

from glassnet.data.cells import as_text, positions
from glassnet.data.dates import (
    CYCLES,
    clocks,
    date_cells,
    dates_of,
    day_share,
    duration_cells,
    seconds,
    time_cells,
    times_of,
)
from glassnet.data.schema import Column, fill_of_pieces, finite, flag_cells, number_cells


@dataclass(frozen=True)
class Feature:
    """One column of x.

    Attributes:
        name: For people: "mass", "island=Dream", "mass missing", "town other", "sold: day of week, sin".
        column: The table's column it comes from.
        kind: "number", "piece", "boolean", "category", for flags "missing" and "other", for times "trend" and "cycle".
        category: The value that a category feature stands for.
    """

    name: str
    column: str
    kind: str
    category: str | None = None


class Encoder(ABC):
    """How one kind of column becomes features and comes back."""

    @abstractmethod
    def features(self, column: Column) -> list[Feature]:
        """The features of a column, in order."""

    @abstractmethod
    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        """Fill x (n, features), zeros at first; how many cells are unexpectedly missing, which values are unseen."""

    def encode_sparse(self, column: Column, series: pl.Series, d: int) -> tuple[Any, int, list[str]]:
        """The same as a CSR matrix of its own, (n, d)."""
        x = np.zeros((len(series), d))
        n_missing, values = self.encode(column, series, x)
        return scipy.sparse.csr_matrix(x), n_missing, values

    @abstractmethod
    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        """The cells that x (n, features) came from."""


class NumberEncoder(Encoder):
    """x = (value − mean) / scale; the median where missing, and a flag for it if training had missing cells.

    A column in pieces [e₀, e₁], …, [eₘ₋₁, eₘ] has one feature for each, xⱼ = min(max((value − eⱼ) / (eⱼ₊₁ − eⱼ), 0), 1)
    − its mean in training: a linear map of them is a line with a bend at every end, flat beyond the first and the last
    (piecewise-linear encoding: Gorishniy, Rubachev and Babenko 2022, On Embeddings for Numerical Features, 3.2).
    """

    def features(self, column: Column) -> list[Feature]:
        names = [f"{column.name} {low:.4g} to {high:.4g}" for low, high in pairwise(column.pieces)]
        pieces = [Feature(name, column.name, "piece") for name in names]
        return [*(pieces or [Feature(column.name, column.name, "number")]), *_missing_flag(column)]

    def cells(self, series: pl.Series) -> pl.Series:
        """The cells as finite numbers."""
        return number_cells(series)

    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        numbers = self.cells(series)
        values = numbers.fill_null(column.median).to_numpy()
        if column.pieces:
            x[:, : len(column.filled)] = fill_of_pieces(values, np.array(column.pieces)) - np.array(column.filled)
        else:
            x[:, 0] = (values - column.mean) / column.scale
        return _flag_missing(numbers, x, column), []

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        if column.pieces:
            filled = x[:, : len(column.filled)] + np.array(column.filled)
            return _with_missing((column.pieces[0] + filled @ np.diff(column.pieces)).tolist(), x, column)
        return _with_missing((x[:, 0] * column.scale + column.mean).tolist(), x, column)


class CountEncoder(NumberEncoder):
    """A number that comes back whole, and not below 0."""

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        return [None if cell is None else max(round(cell), 0) for cell in super().decode(column, x)]


class DurationEncoder(NumberEncoder):
    """A number of seconds."""

    def cells(self, series: pl.Series) -> pl.Series:
        return finite(duration_cells(series), series)

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        return [None if cell is None else timedelta(seconds=cell) for cell in super().decode(column, x)]


class DateEncoder(Encoder):
    """A trend x = (seconds − mean) / scale, and for each cycle that training spans the two features sin and cos.

    A cycle's angle is 2π times the part of the year, week or day that has passed. Where training dates have a time
    zone, the trend goes by UTC, in which every day has 24 hours, and the cycles by the clock of that zone, by which
    people live; new dates with another zone are converted, and those without one are taken to be on that clock. Dates
    without a zone count as they stand. A missing date is the median in the trend and 0 in the cycles, with a flag if
    training had missing cells.
    """

    def features(self, column: Column) -> list[Feature]:
        trend = Feature(f"{column.name}: trend", column.name, "trend")
        cycles = [feature for name in column.cycles for feature in _sin_cos(column.name, name)]
        return [trend, *cycles, *_missing_flag(column)]

    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        utc, local = clocks(date_cells(series, column.form), column.zone)
        x[:, 0] = (seconds(utc).fill_null(column.median).to_numpy() - column.mean) / column.scale
        for j, name in enumerate(column.cycles):
            _turn(CYCLES[name].phase(local), x[:, 1 + 2 * j :])
        return _flag_missing(utc, x, column), []

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        return _with_missing(dates_of(x[:, 0] * column.scale + column.mean, column.zone, column.daily), x, column)


class TimeEncoder(Encoder):
    """sin and cos of 2π times the part of the day that has passed, so that 23:59 is next to 0:00; 0 where missing."""

    def features(self, column: Column) -> list[Feature]:
        return [*_sin_cos(column.name, "hour of day"), *_missing_flag(column)]

    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        times = time_cells(series)
        _turn(day_share(times), x)
        return _flag_missing(times, x, column), []

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        cells = times_of(np.arctan2(x[:, 0], x[:, 1]) / (2 * np.pi))
        known = np.hypot(x[:, 0], x[:, 1]) > 0
        return [cell if there else None for cell, there in zip(cells, known.tolist(), strict=True)]


class BooleanEncoder(Encoder):
    """x = 1 for true, −1 for false, 0 where missing, and a flag for it if training had missing cells."""

    def features(self, column: Column) -> list[Feature]:
        return [Feature(column.name, column.name, "boolean"), *_missing_flag(column)]

    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        flags = flag_cells(series)
        x[:, 0] = (flags.cast(pl.Float64) * 2 - 1).fill_null(0.0).to_numpy()
        return _flag_missing(flags, x, column), []

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        cells = [None if value == 0 else value > 0 for value in x[:, 0].tolist()]
        return _with_missing(cells, x, column)


class CategoryEncoder(Encoder):
    """One feature a value, 1 where the cell has it; one more for "other" and for missing where training had them.

    "other" is what training pooled, and every value that it never saw; where it pooled none, a value never seen is 0 in
    all features.
    """

    def features(self, column: Column) -> list[Feature]:
        name = column.name
        other = [Feature(f"{name} other", name, "other")] if column.pooled else []
        return [
            *(Feature(f"{name}={value}", name, "category", value) for value in column.values),
            *other,
            *_missing_flag(column),
        ]

    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        places, n_missing, values = self._places(column, series)
        rows = np.flatnonzero(places >= 0)
        x[rows, places[rows]] = 1
        return n_missing, values

    def encode_sparse(self, column: Column, series: pl.Series, d: int) -> tuple[Any, int, list[str]]:
        places, n_missing, values = self._places(column, series)
        filled = places >= 0  # one feature of a row, or none
        ends = np.concatenate([[0], np.cumsum(filled)])
        x = scipy.sparse.csr_matrix((np.ones(ends[-1]), places[filled], ends), shape=(len(places), d))
        return x, n_missing, values

    def _places(self, column: Column, series: pl.Series) -> tuple[np.ndarray, int, list[str]]:
        """Which feature of each row is 1, (n,), −1 for none; cells unexpectedly missing, and values unseen."""
        text = as_text(series)
        place = positions(series, column.values)
        missing = text.is_null().to_numpy()
        unseen = place.is_null().to_numpy() & ~missing
        places = place.fill_null(-1).to_numpy().copy()
        if column.pooled:
            places[unseen] = len(column.values)
        if column.n_missing:
            places[missing] = len(column.values) + column.pooled
        values = [] if column.pooled else text.filter(pl.Series(unseen)).unique().sort().to_list()
        return places, 0 if column.n_missing else int(missing.sum()), values

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        names: list[str | None] = [*column.values, *["other"] * column.pooled, *[None] * bool(column.n_missing)]
        best, known = x.argmax(axis=1).tolist(), (x.max(axis=1) > 0).tolist()
        return [names[j] if there else None for j, there in zip(best, known, strict=True)]


ENCODERS: dict[str, Encoder] = {
    "number": NumberEncoder(),
    "count": CountEncoder(),
    "boolean": BooleanEncoder(),
    "category": CategoryEncoder(),
    "date": DateEncoder(),
    "time": TimeEncoder(),
    "duration": DurationEncoder(),
}  # a column of any other kind makes no feature


def _missing_flag(column: Column) -> list[Feature]:
    """The feature for missing cells, if training had any."""
    return [Feature(f"{column.name} missing", column.name, "missing")] if column.n_missing else []


def _flag_missing(cells: pl.Series, x: np.ndarray, column: Column) -> int:
    """Flag missing cells in the last feature; without one, how many nobody expected."""
    if not column.n_missing:
        return cells.null_count()
    x[cells.is_null().to_numpy(), -1] = 1
    return 0


def _with_missing(cells: list[Any], x: np.ndarray, column: Column) -> list[Any]:
    """Cells with None where the flag for missing is up."""
    if not column.n_missing:
        return cells
    return [None if gone else cell for cell, gone in zip(cells, (x[:, -1] > 0.5).tolist(), strict=True)]


def _sin_cos(column: str, cycle: str) -> list[Feature]:
    """The two features of a cycle."""
    return [Feature(f"{column}: {cycle}, {wave}", column, "cycle") for wave in ("sin", "cos")]


def _turn(phase: pl.Series, x: np.ndarray) -> None:
    """Fill the first two features with sin and cos of a whole turn times the phase; 0 where it is missing."""
    known = phase.is_not_null().to_numpy()
    angle = 2 * np.pi * phase.fill_null(0).to_numpy()
    x[:, 0], x[:, 1] = np.sin(angle) * known, np.cos(angle) * known
