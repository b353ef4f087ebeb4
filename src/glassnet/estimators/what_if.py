"""One row predicted again with some of its cells changed."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import product
from typing import Any

import numpy as np

from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.errors import DataWarning, InputError, RangeWarning, TableError, unknown_name
from glassnet.estimators.seen import beyond, seen
from glassnet.estimators.table_classifier import TableClassifier
from glassnet.estimators.table_regressor import TableRegressor

MOST_CASES = 10_000
SHOWN_CLASSES = 4  # whose probabilities a page has room for


@dataclass(frozen=True)
class Case:
    """One version of the row.

    Attributes:
        changes: The cells that were changed, by column; empty for the row as it is.
        prediction: The class, or the quantity in the target's units.
        probabilities: Of each class; None for a quantity.
    """

    changes: dict[str, Any]
    prediction: Any
    probabilities: dict[Any, float] | None = None


@dataclass(frozen=True)
class WhatIf:
    """What `what_if` found; `print` shows it as a page.

    Attributes:
        target: The column that is predicted.
        row: The cells that were changed, as they were.
        cases: The row as it is, then each of its changed versions.
        several: Whether a list of values was asked for, so that `after` is a list.
        notes: What makes a prediction less sure, such as values beyond the training range.
    """

    target: str
    row: dict[str, Any]
    cases: tuple[Case, ...]
    several: bool
    notes: tuple[str, ...] = ()

    @property
    def before(self) -> Any:
        """The prediction for the row as it is."""
        return self.cases[0].prediction

    @property
    def after(self) -> Any:
        """The prediction for the changed row; of lists of values, a list with one for each."""
        predictions = [case.prediction for case in self.cases[1:]]
        return predictions if self.several else predictions[0]

    def to_dict(self) -> dict[str, Any]:
        """Texts, numbers, flags, lists and dicts alone, as JSON has them."""
        before, *after = ({"changes": _plain(case.changes)} | _said(case) for case in self.cases)
        del before["changes"]
        return {
            "target": self.target,
            "row": _plain(self.row),
            "before": before,
            "after": after,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        page = self._listed() if self.several else self._compared()
        return "\n".join([*page, *(["", *self.notes] if self.notes else [])])

    def _compared(self) -> list[str]:
        """Before → after, line by line."""
        before, after = self.cases
        changes = [[f"  {name}", _shown(self.row[name]), "→", _shown(cell)] for name, cell in after.changes.items()]
        lines = ["What if", *_aligned(changes), "", f"then {self.target}"]
        if before.probabilities is None or after.probabilities is None:
            difference = after.prediction - before.prediction
            return [*lines, f"  {before.prediction:.6g} → {after.prediction:.6g}   ({difference:+.4g})"]
        told = "stays" if before.prediction == after.prediction else f"{_shown(before.prediction)} →"
        lines.append(f"  {told} {_shown(after.prediction)}")
        shares = []
        for label in self._shown_classes():
            p, q = before.probabilities[label], after.probabilities[label]
            shares.append([f"  p({_shown(label)})", _share(p), "→", _share(q), f" ({round(q - p, 3) + 0.0:+.3f})"])
        return [*lines, *_aligned(shares)]

    def _listed(self) -> list[str]:
        """One case a line, the row as it is first."""
        names, labels = list(self.row), self._shown_classes()
        rows = [[*names, self.target, *(f"p({_shown(label)})" for label in labels), ""]]
        for i, case in enumerate(self.cases):
            cells = [_shown(case.changes.get(name, self.row[name])) for name in names]
            p = [_share((case.probabilities or {})[label]) for label in labels]
            rows.append([*cells, _shown(case.prediction), *p, "" if i else "as it is"])
        return _aligned(rows)

    def _shown_classes(self) -> list[Any]:
        """The classes whose probabilities change most, in their own order."""
        if self.cases[0].probabilities is None:
            return []
        p = np.array([list((case.probabilities or {}).values()) for case in self.cases])
        most = np.sort(np.argsort(-np.ptp(p, axis=0), kind="stable")[:SHOWN_CLASSES])
        labels = list(self.cases[0].probabilities)
        return [labels[code] for code in most]


def what_if(model: Any, row: Any, /, changes: Mapping[str, Any] | None = None, **more: Any) -> WhatIf:
    """Predict one row as it is, and again with some cells changed.

    What comes out is what this model would say of such a row, not what would happen if someone's age or price were
    changed in the world: columns that go together in the training table stay as they are here, each by itself.

    Args:
        model: A fitted `TableClassifier` or `TableRegressor`.
        row: One row: a dict of cells, a pandas Series, or a table of one row, as `Table.read(file).take([3])`.
        changes: New cells by column, for names that are no Python names, as {"bill length": 40}.
        more: New cells by column. A list gives one prediction for each value; of several lists, for each combination.

    Returns:
        The predictions; `print` shows them as a page.

    Raises:
        InputError: A model of several targets.
        UnknownNameError: A column that the model does not know; it tells the nearest known one.
        TableError: A row that is not one row, or a cell that its column cannot hold.

    >>> table = {"age": [20, 30, 40, 50] * 30, "kind": ["young", "young", "old", "old"] * 30}
    >>> model = TableClassifier(n_estimators=1, max_iter=40, random_state=0).fit(table, target="kind")
    >>> what_if(model, {"age": 20}, age=50).after
    'old'
    >>> what_if(model, {"age": 20}, age=[30, 40]).after
    ['young', 'old']
    """
    if not isinstance(model, TableClassifier | TableRegressor):
        raise InputError(
            f"what_if takes a fitted TableClassifier or TableRegressor, which know columns, but came a "
            f"{type(model).__name__}."
        )
    model._check_one_target()
    table = _one_row(row)
    if changes is not None and not isinstance(changes, Mapping):
        raise InputError(f"changes is {changes!r}, but a dict of new cells by column is needed, as {{'age': 40}}.")
    asked = {**(changes or {}), **more}
    known = {column.name: column for column in model.preprocessor_.columns}
    values = {name: _values(name, cells) for name, cells in asked.items()}
    for name in asked:
        if name == model.target_.name and name not in known:
            raise InputError(f"{name!r} is what the model predicts. Change a column that it predicts from.")
        if name not in known:
            raise unknown_name("column", name, known)
    if not asked:
        raise InputError("Nothing was changed. Name a column and its new value, as what_if(model, row, age=40).")
    grid = list(product(*values.values()))
    if not 0 < len(grid) <= MOST_CASES:
        raise InputError(f"The lists of values make {len(grid)} rows, but 1 to {MOST_CASES} are needed.")
    changed = table.take(np.zeros(len(grid), dtype=int)).frame.with_columns(
        Table.read({name: [case[j] for case in grid]})[name] for j, name in enumerate(asked)
    )
    after = Table(changed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        cases = (
            *_cases(model, table, [{}]),
            *_cases(model, after, [dict(zip(asked, case, strict=True)) for case in grid]),
        )
    for warning in caught:
        if not issubclass(warning.category, DataWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    # How far a changed cell lies outside is said below.
    kinds = [(str(warning.message), warning.category) for warning in caught]
    told = [text for text, kind in kinds if issubclass(kind, DataWarning) and not issubclass(kind, RangeWarning)]
    return WhatIf(
        target=model.target_.name,
        row={name: table[name][0] if name in table.names else None for name in asked},
        cases=cases,
        several=any(_several(cells) for cells in asked.values()),
        notes=tuple(dict.fromkeys([*_notes([known[name] for name in asked], after), *told])),
    )


def _one_row(row: Any) -> Table:
    """The row as a table."""
    if hasattr(row, "to_dict") and hasattr(row, "index") and not hasattr(row, "columns"):
        row = row.to_dict()  # a pandas Series
    if isinstance(row, Mapping):
        row = {name: cell if _several(cell) else [cell] for name, cell in row.items()}
    if isinstance(row, np.ndarray) and row.ndim == 1:
        row = row[None, :]
    table = Table.read(row)
    if len(table) != 1:
        raise TableError(
            f"The table has {len(table)} rows, but what_if takes one. Choose it: Table.read(table).take([0]) is the "
            f"first."
        )
    return table


def _several(cells: Any) -> bool:
    """Whether these are several values for one cell."""
    return hasattr(cells, "__len__") and not isinstance(cells, str | bytes)


def _values(name: str, cells: Any) -> Sequence[Any]:
    """The values to try in a column, each once."""
    return Table.read({name: cells})[name].to_list() if _several(cells) else [cells]


def _cases(model: Any, table: Table, changes: list[dict[str, Any]]) -> list[Case]:
    """The model's word on each row of a table."""
    if isinstance(model, TableRegressor):
        return [Case(change, float(y)) for change, y in zip(changes, model.predict(table), strict=True)]
    labels = model.target_.labels
    return [
        Case(change, labels[int(p.argmax())], dict(zip(labels, p.tolist(), strict=True)))
        for change, p in zip(changes, model.predict_proba(table), strict=True)
    ]


def _notes(columns: list[Column], after: Table) -> list[str]:
    """What is unlike anything in training."""
    notes = []
    for column in columns:
        if column.kind == "ignore":
            notes.append(f"Column {column.name!r} was left out in training, so that it changes nothing.")
        elif column.kind != "category" and (far := beyond(column, after)).any():  # of categories, predict warns
            cells = ", ".join(dict.fromkeys(_shown(cell) for cell in after[column.name].filter(far.tolist()).to_list()))
            notes.append(
                f"{column.name} = {cells} lies beyond what training saw ({seen(column)}): "
                f"what a network says there is a guess."
            )
    return notes


def _said(case: Case) -> dict[str, Any]:
    """A case's prediction, JSON-able."""
    p = case.probabilities
    return {"prediction": case.prediction, "probabilities": None if p is None else {str(k): v for k, v in p.items()}}


def _plain(cells: dict[str, Any]) -> dict[str, Any]:
    """Cells, JSON-able."""
    return {
        name: str(cell) if isinstance(cell, date | time | timedelta) else cell.item() if hasattr(cell, "item") else cell
        for name, cell in cells.items()
    }


def _shown(cell: Any) -> str:
    """A cell on a page."""
    return "missing" if cell is None else f"{cell:.6g}" if isinstance(cell, float) else str(cell)


def _share(p: float) -> str:
    """A probability on a page."""
    return f"{p:.3f}"


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows of cells as lines, columns under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
