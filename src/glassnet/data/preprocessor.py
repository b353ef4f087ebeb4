"""Columns → prepared features x (n, d), and each feature back to its column."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from glassnet.data.cells import elided
from glassnet.data.dates import CYCLES, FORMS, known_zone
from glassnet.data.encoders import ENCODERS, Feature
from glassnet.data.inference import infer_columns
from glassnet.data.records import Record, damaged
from glassnet.data.schema import MOST_VALUES, QUANTITIES, Column, in_pieces, with_fewer_values
from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError

MOST_IN_PIECES = 128  # columns


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
    def fit(
        cls, table: Table, columns: Mapping[str, str] | None = None, *, most_values: int = MOST_VALUES
    ) -> "Preprocessor":
        """Learn from a training table.

        Args:
            table: Without its target.
            columns: Kinds by column name, as for `infer_columns`.
            most_values: Of a category, that get a feature of their own.

        Raises:
            TableError: A table or a column that nothing can be learned from; it says why.
        """
        if not table.n_rows:
            raise TableError("The training table has no rows. At least two were needed.")
        preprocessor = cls(infer_columns(table, columns, most_values=most_values))
        if not preprocessor.features:
            notes = ", ".join(f"{column.name} ({column.note})" for column in preprocessor.columns[:10])
            raise TableError(
                f"No column is left to learn from: {notes or 'there is none beside the target'}. Add one that says "
                f"something about new rows, or keep one by naming its kind, as columns={{'name': 'category'}}."
            )
        return preprocessor

    def in_pieces(self, table: Table) -> "Preprocessor | None":
        """The same columns in another way: quantities in pieces, and of a category FEWER_VALUES at the most.

        Pieces are cut at quantiles of the training table, but not where more than MOST_IN_PIECES columns are
        quantities: x would be all pieces. Networks of fewer values learn fewer by heart; the rows held out, by which
        views are weighed, tell whether that is better. None where nothing changes.
        """
        many = [column for column in self.columns if column.kind in QUANTITIES]
        cut = tuple(
            in_pieces(column, table[column.name])
            if column.kind in QUANTITIES and len(many) <= MOST_IN_PIECES
            else with_fewer_values(column)
            for column in self.columns
        )
        return Preprocessor(cut) if cut != self.columns else None

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The columns of x, in order; all features of one column stand together."""
        features = [feature for column, _ in self._blocks for feature in ENCODERS[column.kind].features(column)]
        # A column may be called "a missing", as the flag of column a: the flag makes way.
        taken = {feature.name for feature in features if feature.name == feature.column}
        for j, feature in enumerate(features):
            name = feature.name
            while name != feature.column and name in taken:
                name += f" (of {feature.column})"
            taken.add(name)
            features[j] = replace(feature, name=name)
        return tuple(features)

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

    @property
    def mostly_zeros(self) -> bool:
        """Whether a sparse x pays: many features, of which a row has few, since each category is one of many."""
        filled = sum(1 if column.kind == "category" else block.stop - block.start for column, block in self._blocks)
        return len(self.features) >= 64 and filled <= len(self.features) / 8

    def transform(self, table: Table, *, sparse: bool = False) -> Any:
        """Prepared features of any table that has the training columns.

        Columns that training did not have are passed over. A category that training never saw is "other" where training
        pooled its rare ones, else zeros in all features of its column, with one DataWarning. Missing cells where
        training had none are filled, with one DataWarning.

        Args:
            table: The rows.
            sparse: Give a SciPy CSR matrix, made column by column: the zeros of categories are never in memory.

        Returns:
            x, (n, d).
        """
        table.require(*(column.name for column, _ in self._blocks))
        x = None if sparse else np.zeros((table.n_rows, len(self.features)))
        parts: list[Any] = []
        missing: dict[str, int] = {}
        unseen: dict[str, list[str]] = {}
        for column, block in self._blocks:
            encoder, series = ENCODERS[column.kind], table.frame[column.name]
            if x is None:
                part, n_missing, values = encoder.encode_sparse(column, series, block.stop - block.start)
                parts.append(part)
            else:
                n_missing, values = encoder.encode(column, series, x[:, block])
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
        return scipy.sparse.hstack(parts, format="csr") if x is None else x

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
    record = {"name": column.name, "kind": column.kind, "n_missing": column.n_missing, "note": column.note}
    seen = {key: getattr(column, key) for key in SEEN[column.kind] if key not in PARTS or getattr(column, key)}
    return record | {key: list(value) if isinstance(value, tuple) else value for key, value in seen.items()}


def _from_record(item: Any) -> Column:
    """One column from its record."""
    name = Record(item, "a column").text("name")
    record = Record(item, f"column {name!r}")
    kind = record.text("kind")
    if kind not in SEEN:
        raise damaged(f"column {name!r} is of the unknown kind {kind!r}")
    seen = {key: READERS[key](record, key) for key in SEEN[kind]}
    column = Column(name, kind, record.count("n_missing"), note=record.text("note"), **seen)
    ends = np.array(column.pieces)
    if len(ends) != len(column.filled) + bool(len(ends)) or (np.diff(ends) <= 0).any():
        raise damaged(f"column {name!r} has pieces that do not follow one another")
    if kind == "category" and not column.values:
        raise damaged(f"column {name!r} has no values")
    if not set(column.cycles) <= set(CYCLES) or column.form not in FORMS or not known_zone(column.zone):
        raise damaged(f"column {name!r} has dates of an unknown form")
    return column


NUMBERS = ("median", "mean", "scale", "minimum", "maximum")
PARTS = ("pieces", "filled")
SEEN: dict[str, tuple[str, ...]] = {  # what a file holds of a column, beside its name, kind, n_missing and note
    "number": (*NUMBERS, *PARTS),
    "count": (*NUMBERS, *PARTS),
    "duration": (*NUMBERS, *PARTS),
    "date": (*NUMBERS, "cycles", "form", "zone", "daily"),
    "time": ("minimum", "maximum"),
    "category": ("values", "pooled"),
    "boolean": (),
    "ignore": (),
}
READERS: dict[str, Callable[[Record, str], Any]] = {
    **dict.fromkeys(NUMBERS, Record.number),
    **dict.fromkeys(PARTS, Record.numbers),
    "scale": Record.positive,
    "values": Record.texts,
    "pooled": Record.flag,
    "cycles": Record.texts,
    "form": Record.text,
    "zone": Record.text,
    "daily": Record.flag,
}
