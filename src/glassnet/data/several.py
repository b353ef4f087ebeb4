"""Several targets of one model ↔ t (n, k)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from glassnet.data.records import Record, damaged
from glassnet.data.table import Table
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import TableError


@dataclass(frozen=True)
class Targets:
    """Several targets of one model, side by side: all quantities, or all of two classes; t (n, k), a column for each.

    Where one target has values (n,), these have a table of k columns, in any order where they have the names.

    >>> targets = Targets((NumberTarget.fit([1.0, 3.0], "height"), NumberTarget.fit([0.0, 8.0], "weight")))
    >>> targets.encode([[3.0, 0.0]])
    array([[ 1., -1.]])
    >>> targets.decode(np.array([[1.0, -1.0]]))
    array([[3., 0.]])
    """

    parts: tuple[ClassTarget | NumberTarget, ...]

    @property
    def name(self) -> str:
        """The names, as one text."""
        return ", ".join(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Of each target."""
        return tuple(part.name for part in self.parts)

    @property
    def labels(self) -> tuple[tuple[Any, ...], ...]:
        """Of each target of classes."""
        return tuple(part.labels for part in self.parts if isinstance(part, ClassTarget))

    @property
    def classes(self) -> list[np.ndarray]:
        """The two labels of each target, sorted."""
        return [part.classes for part in self.parts if isinstance(part, ClassTarget)]

    @property
    def log(self) -> bool:
        """Whether any is learned as its logarithm."""
        return any(getattr(part, "log", False) for part in self.parts)

    @property
    def counts(self) -> bool:
        """Whether they are divided by their means alone."""
        return any(getattr(part, "counts", False) for part in self.parts)

    def columns(self, values: Any) -> list[pl.Series]:
        """The cells of each target."""
        table = Table.read(values)
        names = self.names if set(self.names) <= set(table.names) else table.names
        if len(names) != len(self.parts):
            raise TableError(
                f"The targets came as {len(names)} columns, but this model has {len(self.parts)}: {self.name}. Give a "
                f"table that has them, or an array (n, {len(self.parts)}) in this order."
            )
        return [table[name] for name in names]

    def encode(self, values: Any) -> np.ndarray:
        """Targets t, (n, k)."""
        return np.hstack([part.encode(cells) for part, cells in zip(self.parts, self.columns(values), strict=True)])

    def codes(self, values: Any) -> np.ndarray:
        """The place of each label among the two of its target, (n, k)."""
        pairs = zip(self.parts, self.columns(values), strict=True)
        return np.column_stack([part.codes(cells) for part, cells in pairs if isinstance(part, ClassTarget)])

    def quantities(self, values: Any) -> np.ndarray:
        """The targets as finite numbers in their own units, (n, k)."""
        pairs = zip(self.parts, self.columns(values), strict=True)
        return np.column_stack([part.quantities(cells) for part, cells in pairs if isinstance(part, NumberTarget)])

    def probabilities(self, p: np.ndarray) -> np.ndarray:
        """That of the second class of each target, (n, k)."""
        return p

    def decode(self, p: np.ndarray) -> np.ndarray:
        """Labels, or quantities in their own units, (n, k), of p (n, k)."""
        return side_by_side([part.decode(p[:, [j]]) for j, part in enumerate(self.parts)])

    def in_units(self, p: np.ndarray) -> np.ndarray:
        """Quantities of p (n, k, …)."""
        parts = [part for part in self.parts if isinstance(part, NumberTarget)]
        return np.stack([part.in_units(p[:, j]) for j, part in enumerate(parts)], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """A record for a file."""
        return {"kind": "several", "targets": [part.to_dict() for part in self.parts]}

    @classmethod
    def from_dict(cls, record: Any, kind: type[ClassTarget] | type[NumberTarget]) -> "Targets":
        """The targets that to_dict wrote down, all of one kind."""
        parts = tuple(kind.from_dict(part) for part in Record(record, "the targets").items("targets"))
        found = cls(parts)
        if len(parts) < 2 or len(set(found.names)) < len(parts):
            raise damaged("several targets need a name each, and must be two or more")
        if any(len(labels) != 2 for labels in found.labels) or len({getattr(p, "counts", None) for p in parts}) > 1:
            raise damaged("several targets must have two classes each, or be quantities of one kind")
        return found


def side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Columns (n,) as one array (n, k): of objects where they are of several types, so that no label changes its own.

    >>> side_by_side([np.array([1, 2]), np.array([True, False])]).tolist()
    [[1, True], [2, False]]
    """
    alike = len({column.dtype for column in columns}) == 1
    return np.column_stack(columns if alike else [column.astype(object) for column in columns])
