"""Columns → prepared features x (n, d), and each feature back to its column."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from glassnet.data.cells import as_text, elided, positions
from glassnet.data.records import Record, damaged
from glassnet.data.schema import Column, flag_cells, infer_columns, number_cells
from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError


@dataclass(frozen=True)
class Feature:
    """One column of x.

    Attributes:
        name: For people: "bill_length_mm", "island=Dream", "bill_length_mm missing", "town other".
        column: The table's column it comes from.
        kind: "number", "boolean", "category", or for flags "missing" and "other".
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

    @abstractmethod
    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        """The cells that x (n, features) came from."""


class NumberEncoder(Encoder):
    """x = (value − mean) / scale; the median where missing, and a flag for it if training had missing cells."""

    def features(self, column: Column) -> list[Feature]:
        return [Feature(column.name, column.name, "number"), *_missing_flag(column)]

    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        numbers = number_cells(series)
        x[:, 0] = (numbers.fill_null(column.median).to_numpy() - column.mean) / column.scale
        return _flag_missing(numbers, x, column), []

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        return _with_missing((x[:, 0] * column.scale + column.mean).tolist(), x, column)


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
    """One feature a value, 1 where the cell has it; one more for "other" and for missing where training had them."""

    def features(self, column: Column) -> list[Feature]:
        name = column.name
        other = [Feature(f"{name} other", name, "other")] if column.pooled else []
        return [
            *(Feature(f"{name}={value}", name, "category", value) for value in column.values),
            *other,
            *_missing_flag(column),
        ]

    def encode(self, column: Column, series: pl.Series, x: np.ndarray) -> tuple[int, list[str]]:
        text = as_text(series)
        place = positions(series, column.values)
        unseen = place.is_null() & text.is_not_null()
        values = [] if column.pooled else text.filter(unseen).unique().sort().to_list()
        if column.pooled:
            x[unseen.to_numpy(), len(column.values)] = 1
        rows = place.is_not_null().arg_true().to_numpy()
        x[rows, place.drop_nulls().to_numpy()] = 1
        return _flag_missing(text, x, column), values

    def decode(self, column: Column, x: np.ndarray) -> list[Any]:
        names: list[str | None] = [*column.values, *["other"] * column.pooled, *[None] * bool(column.n_missing)]
        best, known = x.argmax(axis=1).tolist(), (x.max(axis=1) > 0).tolist()
        return [names[j] if there else None for j, there in zip(best, known, strict=True)]


ENCODERS: dict[str, Encoder] = {
    "number": NumberEncoder(),
    "boolean": BooleanEncoder(),
    "category": CategoryEncoder(),
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


@dataclass(frozen=True)
class Preprocessor:
    """Prepares tables for a network, always in the way that training saw.

    >>> table = Table.read({"mass": [1.0, 3.0], "island": ["Dream", "Biscoe"]})
    >>> preprocessor = Preprocessor.fit(table)
    >>> [feature.name for feature in preprocessor.features]
    ['mass', 'island=Biscoe', 'island=Dream']
    >>> preprocessor.transform(table)
    array([[-1.,  0.,  1.],
           [ 1.,  1.,  0.]])
    """

    columns: tuple[Column, ...]

    @classmethod
    def fit(cls, table: Table, columns: Mapping[str, str] | None = None) -> "Preprocessor":
        """Learn from a training table without its target; columns overrides kinds, as in infer_columns."""
        if not table.n_rows:
            raise TableError("The training table has no rows. At least two were needed.")
        preprocessor = cls(infer_columns(table, columns))
        if not preprocessor.features:
            notes = ", ".join(f"{column.name} ({column.note})" for column in preprocessor.columns[:10])
            raise TableError(f"No column is left to learn from: {notes or 'there is none beside the target'}. Add one.")
        return preprocessor

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The columns of x, in order; all features of one column stand together."""
        return tuple(feature for column, _ in self._blocks for feature in ENCODERS[column.kind].features(column))

    @cached_property
    def _blocks(self) -> list[tuple[Column, slice]]:
        """Each column that makes features, and where in x they stand."""
        blocks, start = [], 0
        for column in self.columns:
            if column.kind in ENCODERS:
                stop = start + len(ENCODERS[column.kind].features(column))
                blocks.append((column, slice(start, stop)))
                start = stop
        return blocks

    def transform(self, table: Table) -> np.ndarray:
        """Prepared features of any table that has the training columns.

        Columns that training did not have are passed over. Missing cells where training had none are filled, and
        unseen categories are zeros in all features of their column: each with one DataWarning.

        Returns:
            x, (n, d).
        """
        table.require(*(column.name for column, _ in self._blocks))
        x = np.zeros((table.n_rows, len(self.features)))
        missing: dict[str, int] = {}
        unseen: dict[str, list[str]] = {}
        for column, block in self._blocks:
            n_missing, values = ENCODERS[column.kind].encode(column, table.frame[column.name], x[:, block])
            if n_missing:
                missing[column.name] = n_missing
            if values:
                unseen[column.name] = values
        if missing:
            cells = elided([f"{name} ({n} of {table.n_rows} cells)" for name, n in missing.items()])
            warnings.warn(
                f"Missing where training had no missing cell: {cells}. Filled with what training saw as typical; "
                f"these predictions deserve less trust.",
                DataWarning,
                stacklevel=3,
            )
        if unseen:
            shown = elided([f"{name}: {elided([repr(v) for v in values], 5)}" for name, values in unseen.items()])
            warnings.warn(
                f"Values that training never saw: {shown}. They count as none of the known values.",
                DataWarning,
                stacklevel=3,
            )
        return x

    def inverse_transform(self, x: np.ndarray) -> dict[str, list[Any]]:
        """The cells, by column, that features (n, d) stand for; None where missing or unseen."""
        return {column.name: ENCODERS[column.kind].decode(column, x[:, block]) for column, block in self._blocks}

    def to_dict(self) -> dict[str, Any]:
        """A record for a file: texts, flags and finite numbers only."""
        return {"columns": [_to_record(column) for column in self.columns]}

    @classmethod
    def from_dict(cls, record: Any) -> "Preprocessor":
        """The preprocessor that to_dict wrote down; its features are equal bit for bit."""
        columns = tuple(_from_record(item) for item in Record(record, "the preprocessor").items("columns"))
        if len({column.name for column in columns}) < len(columns):
            raise damaged("two columns have the same name")
        return cls(columns)


def _to_record(column: Column) -> dict[str, Any]:
    """One column as a record."""
    common = {"name": column.name, "kind": column.kind, "n_missing": column.n_missing, "note": column.note}
    if column.kind == "number":
        names = ("median", "mean", "scale", "minimum", "maximum")
        return common | {name: getattr(column, name) for name in names}
    if column.kind == "category":
        return common | {"values": list(column.values), "pooled": column.pooled}
    return common


def _from_record(item: Any) -> Column:
    """One column from its record."""
    name = Record(item, "a column").text("name")
    record = Record(item, f"column {name!r}")
    kind = record.text("kind")
    seen: dict[str, Any] = {}
    if kind == "number":
        seen = {key: record.number(key) for key in ("median", "mean", "minimum", "maximum")}
        seen["scale"] = record.positive("scale")
    elif kind == "category":
        seen = {"values": record.texts("values"), "pooled": record.flag("pooled")}
        if not seen["values"]:
            raise damaged(f"column {name!r} has no values")
    elif kind not in (*ENCODERS, "ignore"):
        raise damaged(f"column {name!r} is of the unknown kind {kind!r}")
    return Column(name, kind, record.count("n_missing"), note=record.text("note"), **seen)
