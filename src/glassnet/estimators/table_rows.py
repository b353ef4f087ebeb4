"""Tables as users give them → rows to train on, with their answers and weights, or one clear message."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.exceptions import DataConversionWarning

from glassnet.data.cells import as_text
from glassnet.data.encoders import ENCODERS
from glassnet.data.inference import infer_columns
from glassnet.data.table import Table
from glassnet.data.targets import ClassTarget
from glassnet.errors import InputError, TableError, unknown_name
from glassnet.nn import Data
from glassnet.nn.elementary import Array

Name = str | tuple[str, ...]  # of one target, or of several


def split_target(X: Any, y: Any, target: str | Sequence[str] | None) -> tuple[Table, Any, Name]:
    """The table without its target, the target, and its name; several are a table of their own."""
    if isinstance(y, str):
        raise InputError(f"y is the text {y!r}. To name a column of the table, write target={y!r}.")
    if (y is None) == (target is None):
        came = (
            "neither y nor target was given (fit requires y to be passed, but the target y is None)"
            if y is None
            else "both y and target were given"
        )
        raise InputError(f"{came}, but one is needed: fit(X, y), or fit(table, target='column').")
    table = Table.read(X)
    if target is not None:
        asked = (target,) if isinstance(target, str) else tuple(target)
        if not asked or len(set(asked)) < len(asked) or not all(isinstance(name, str) for name in asked):
            raise InputError(f"target is {target!r}, but must be the name of a column, or a list of different ones.")
        table.require(*asked)
        rest = table.without(*asked)
        return (rest, table[asked[0]], asked[0]) if len(asked) == 1 else (rest, table.select(asked), asked)
    name: Name = str(getattr(y, "name", None) or "target")
    answers = y if hasattr(y, "__len__") else np.asarray(y)
    if _has_columns(answers):
        columns = Table.read(answers)
        named = isinstance(answers, Table | Mapping) or hasattr(answers, "columns")
        if not columns.names:
            raise InputError(f"y has shape {np.shape(y)}, but at least one column is needed.")
        if len(columns.names) > 1:
            names = columns.names if named else [f"{name}{j + 1}" for j in range(len(columns.names))]
            name, answers = tuple(names), Table(columns.frame.rename(dict(zip(columns.names, names, strict=True))))
        else:
            if isinstance(answers, np.ndarray):
                warnings.warn(
                    f"A column-vector y was passed when a 1d array was expected: y has shape {answers.shape}, and "
                    f"y.ravel() is taken.",
                    DataConversionWarning,
                    stacklevel=3,
                )
            name, answers = columns.names[0] if named else name, columns.frame.to_series(0)
    if len(answers) != len(table):
        raise InputError(f"X has {len(table)} rows and y has {len(answers)}, but each row needs one answer.")
    return table, answers, name


def split_one_target(X: Any, y: Any, target: str | None) -> tuple[Table, Any, str]:
    """The same of what takes one target alone."""
    table, answers, name = split_target(X, y, target)
    if not isinstance(name, str):
        raise InputError(f"y has {len(name)} columns, {', '.join(name)}, but one target is needed: a column (n,).")
    return table, answers, name


def _has_columns(y: Any) -> bool:
    """Whether a target is a table of several, or of one."""
    if isinstance(y, Table | Mapping) or len(getattr(y, "shape", ())) == 2:
        return True
    return isinstance(y, list | tuple) and len(y) > 0 and isinstance(y[0], list | tuple | np.ndarray)


def drop_weightless(table: Table, answers: Any, sample_weight: Any) -> tuple[Table, Any, Array | None]:
    """Without the rows of weight 0."""
    if sample_weight is None:
        return table, answers, None
    s = np.asarray(sample_weight, dtype=np.float64)
    if s.shape != (len(table),) or not np.isfinite(s).all() or (s < 0).any() or not s.any():
        raise InputError(
            f"sample_weight has shape {s.shape} for {len(table)} rows"
            + (f" and a smallest value of {s.min():g}" if s.size else "")
            + ", but needs one finite number ≥ 0 for each row: not every weight may be zero."
        )
    rows = np.flatnonzero(s)
    kept = answers.take(rows) if isinstance(answers, Table) else Table.read({"answer": answers})["answer"].gather(rows)
    return table.take(rows), kept, s[rows]


@dataclass(frozen=True)
class RowOrder:
    """Why rows may not be dealt out at random.

    Attributes:
        groups: The group of each row, from 0, (n,), or None.
        time: When each row was, (n,), or None.
    """

    groups: Array | None = None
    time: Array | None = None

    @classmethod
    def read(cls, table: Table, groups: Any, time: Any, kept: Array | None) -> "RowOrder":
        """From what `fit` was given: the name of a column, or a value for each row, of which `kept` are used.

        Raises:
            InputError: Both, or not one value for each row.
            TableError: No such column, or times that are none.
        """
        if groups is not None and time is not None:
            raise InputError("groups and time were both given, but rows are held out by one of them: leave one out.")
        name, given = ("groups", groups) if time is None else ("time", time)
        if given is None:
            return cls()
        if isinstance(given, str):
            table.require(given)
            cells = table[given]
        else:
            cells = Table.read({name: given})[name]
            cells = cells.filter(pl.Series(kept)) if kept is not None and len(cells) == len(kept) else cells
        if len(cells) != len(table):
            raise InputError(f"{name} has {len(cells)} values for {len(table)} rows, but each row needs one.")
        if name == "groups":
            codes = as_text(cells).fill_null("").rank("dense").to_numpy().astype(np.int64) - 1
            if codes.max() < 1:
                raise InputError("groups puts all rows into one group, but at least two are needed to hold one out.")
            return cls(groups=codes)
        column = infer_columns(Table(cells.to_frame(name)), None)[0]
        if column.kind not in ("number", "count", "date"):
            shown, note = given if isinstance(given, str) else name, f" ({column.note})" if column.note else ""
            raise TableError(
                f"The times {shown!r} are taken for {column.kind}{note}, but dates or numbers that grow are needed."
            )
        x = np.zeros((len(cells), len(ENCODERS[column.kind].features(column))))
        ENCODERS[column.kind].encode(column, cells.alias(name), x)
        return cls(time=x[:, 0])

    @property
    def name(self) -> str:
        """ "rows", "groups" or "time"."""
        return "groups" if self.groups is not None else "time" if self.time is not None else "rows"


def check_class_weight(class_weight: Any) -> None:
    """An InputError unless it is None, "balanced" or a dict of numbers above 0."""
    fits = class_weight is None or (isinstance(class_weight, str) and class_weight == "balanced")
    if isinstance(class_weight, Mapping):
        fits = all(
            isinstance(w, int | float | np.number) and not isinstance(w, bool) and 0 < w < np.inf
            for w in class_weight.values()
        )
    if not fits:
        raise InputError(
            f'class_weight is {class_weight!r}, but must be None, "balanced", or a dict of finite numbers > 0, '
            f"such as {{'rare': 5.0}}; classes that are not in it have weight 1."
        )


def class_factors(class_weight: Any, target: ClassTarget, rows: Data) -> Array | None:
    """What the weights of rows of each class are multiplied with, (classes,); None where nothing changes.

    "balanced" is Σs / (k Σs of the class), so that all k classes weigh the same, and the rows together as before.

    >>> target = ClassTarget.fit(["no", "no", "no", "yes"])
    >>> class_factors("balanced", target, Data(np.zeros((4, 1)), target.encode(["no", "no", "no", "yes"]))).round(3)
    array([0.667, 2.   ])
    """
    if class_weight is None:
        return None
    k = len(target.labels)
    if isinstance(class_weight, str):
        sums = np.bincount(_codes(rows), weights=rows.s, minlength=k)
        return sums.sum() / (k * np.where(sums, sums, np.inf))  # a class may have lost all its rows to weight 0
    for label in class_weight:
        if label not in target.labels:
            raise unknown_name("class in class_weight", label, map(str, target.labels))
    return np.array([float(class_weight.get(label, 1.0)) for label in target.labels])


def reweighed(rows: Data, factors: Array | None) -> Data:
    """The rows, their weights multiplied by the factors of their classes."""
    if factors is None:
        return rows
    s = factors[_codes(rows)]
    return Data(rows.x, rows.t, s if rows.s is None else s * rows.s)


def _codes(rows: Data) -> Array:
    """The class of each row, (n,), from t (n, 1) of 0 and 1 or one-hot t (n, k)."""
    return rows.t.argmax(axis=1) if rows.t.shape[1] > 1 else rows.t[:, 0].astype(np.int64)
