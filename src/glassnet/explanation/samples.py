"""Rows with their answers, the columns that formulas may name, and folds: what everything scored held out shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import QUANTITIES
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import InputError, ShapeError
from glassnet.estimators.table_rows import split_target
from glassnet.explanation.formulas import Formula
from glassnet.explanation.subject import Subject, as_table
from glassnet.nn.elementary import Array

Z95 = 1.959964  # 95 % of a normal distribution lie within so many standard deviations
PENALTIES = np.logspace(-4, 4, 9)  # that ridge regression chooses from, by leaving out one training row at a time
SMALL = 10_000_000  # numbers: below, a second BLAS thread waits more than it works
Split = tuple[Array, Array]  # the rows to learn from, the rows to score


def rows_and_answers(subject: Subject, X: Any, y: Any) -> tuple[Any, Array]:
    """Rows that `Subject.prepare` takes, without their target, and the answers (n,) or (n, k).

    Raises:
        InputError: no answers; ShapeError: not one for each row.
    """
    if subject.is_table:
        X = as_table(X)
        if y is None:
            X, y, _ = split_target(X, None, subject.target_name)
        elif subject.target_name in X.names:
            X = X.without(subject.target_name)
    if y is None:
        raise InputError("y is missing: a model of arrays needs the answer of each row beside X.")
    answers = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    answers = answers[:, 0] if answers.ndim == 2 and answers.shape[1] == 1 else answers
    n = len(X) if subject.is_table else len(subject.prepare(X))
    if answers.ndim not in (1, 2) or len(answers) != n:
        raise ShapeError(f"X has {n} rows and y has shape {answers.shape}, but each row needs one answer.")
    return X, answers


def targets(answers: Array, classes: bool, name: str) -> Array:
    """The code of each label, (n,), or the quantities, (n,) or (n, k).

    Raises:
        InputError: what cannot be told apart or predicted.
    """
    if answers.ndim == 1:
        if classes:
            return ClassTarget.fit(answers, name).codes(answers)
        return NumberTarget.fit(answers, name).quantities(answers)
    if classes:
        raise InputError(f"y has shape {answers.shape}, but one label a row is needed, (n,).")
    if answers.dtype.kind not in "fiub" or not np.isfinite(answers.astype(float)).all():
        raise InputError(f"y is {answers.dtype.name} of shape {answers.shape}, but finite numbers are needed.")
    return answers.astype(np.float64)


def subject_variables(subject: Subject, x: Array) -> dict[str, Array]:
    """The columns that formulas may name, in their own units: numbers, counts, durations in seconds; booleans, 0 and 1.

    Args:
        subject: What prepared the rows.
        x: Prepared features (n, d). Where a cell is missing, x holds what stands for it.
    """
    return {
        column.name: column.affine[0] + column.affine[1] * x[:, column.features[0]].astype(np.float64)
        for column in subject.columns
        if column.affine is not None and column.features
    }


def table_variables(preprocessor: Preprocessor, x: Array) -> dict[str, Array]:
    """The same, of a preparation without a model."""
    places = [feature.column for feature in preprocessor.features]
    found = {}
    for column in preprocessor.columns:
        if column.kind in QUANTITIES:
            found[column.name] = column.mean + column.scale * x[:, places.index(column.name)]
        elif column.kind == "boolean":
            found[column.name] = 0.5 + 0.5 * x[:, places.index(column.name)]
    return found


def as_formulas(formulas: str | Sequence[str] | None) -> list[str]:
    """One formula, several or none, as a list."""
    return [formulas] if isinstance(formulas, str) else list(formulas or ())


def formula_features(formulas: Sequence[str], columns: Mapping[str, Array], n: int) -> Array:
    """What formulas make of columns, (n, formulas).

    Raises:
        InputError: a formula that cannot be read, or gives no finite number on some row.
    """
    made = np.empty((n, len(formulas)))
    matrix = np.column_stack([*columns.values()]) if columns else np.empty((n, 0))
    for j, text in enumerate(formulas):
        made[:, j] = Formula.parse(text, tuple(columns))(matrix)
        wrong = np.flatnonzero(~np.isfinite(made[:, j]))
        if len(wrong):
            raise InputError(
                f"The formula {text!r} gives no finite number on {len(wrong)} of {n} rows, first on row {wrong[0]}, "
                f"counted from 0. Use one that is defined on all rows, or leave these rows out."
            )
    return made


def parts(t: Array, folds: int, classes: bool, random_state: int) -> list[Split]:
    """Rows to learn from and rows to score, for each fold; of classes in proportion. No more folds than rows allow."""
    most = int(np.bincount(t).min()) if classes else len(t)
    if min(folds, most) < 2:
        there = "a class with a single row" if classes and most < 2 else f"{len(t)} rows and folds={folds}"
        raise InputError(f"2 folds or more, and as many rows (of every class), are needed, but there is {there}.")
    folder = (StratifiedKFold if classes else KFold)(min(folds, most), shuffle=True, random_state=random_state)
    return list(folder.split(np.zeros((len(t), 1)), t if classes else None))


def interval(differences: Array) -> tuple[float, float, float]:
    """The mean of differences (n,), and the ends of its 95 % interval, by the normal distribution.

    >>> interval(np.array([1.0, 1.0]))
    (1.0, 1.0, 1.0)
    """
    mean, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
    return mean, mean - Z95 * error, mean + Z95 * error


def accuracy_interval(hits: Array) -> tuple[float, float, float]:
    """The mean of hits 0 and 1, (n,), and the ends of Wilson's 95 % interval, which stays within 0 and 1.

    >>> [round(end, 2) for end in accuracy_interval(np.ones(10))]
    [1.0, 0.72, 1.0]
    """
    n, p, z2 = len(hits), float(hits.mean()), Z95**2
    middle, half = p + z2 / (2 * n), Z95 * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return p, float((middle - half) / (1 + z2 / n)), float((middle + half) / (1 + z2 / n))


def paired_interval(differences: Array) -> tuple[float, float, float]:
    """The mean of differences −1, 0 and 1 of hits on the same rows, and the ends of its 95 % interval.

    The ends are those of Bonett and Price (2012), who add one row to either side: where few rows differ, a plain normal
    interval is too sure.

    >>> [round(end, 3) for end in paired_interval(np.array([1.0] * 4 + [0.0] * 396))]
    [0.01, -0.002, 0.022]
    """
    n = len(differences) + 2
    won, lost = float((differences > 0).sum()) + 1, float((differences < 0).sum()) + 1
    middle, half = (won - lost) / n, Z95 * np.sqrt((won + lost) - (won - lost) ** 2 / n) / n
    return float(differences.mean()), float(middle - half), float(middle + half)


def few_threads(numbers: int) -> Any:
    """A context in which BLAS has one thread, where there are so few numbers that a second one only waits."""
    return threadpool_limits(1 if numbers < SMALL else None, "blas")


def unfitted(model: Any, **changes: Any) -> Any:
    """A copy of an estimator as it was before any fit, without callbacks, which may hold what cannot be copied."""
    parameters = model.get_params(deep=False)
    if "callbacks" in parameters:
        parameters["callbacks"] = None
    return clone(type(model)(**parameters)).set_params(**changes)
