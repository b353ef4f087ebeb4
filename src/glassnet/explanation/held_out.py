"""Learners that are made anew for every fold and scored on its rows: what a duel and the advice on width share."""

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.table import Table
from glassnet.data.targets import looks_like_classes
from glassnet.errors import InputError
from glassnet.estimators import TableClassifier, TableRegressor
from glassnet.estimators.table_rows import split_one_target
from glassnet.explanation.probing import linear_model
from glassnet.explanation.samples import Split, formula_features, table_variables, targets, unfitted
from glassnet.nn.elementary import Array

LEAST_P = 1e-15  # below it a probability that was wrong counts as this one


@dataclass(frozen=True)
class Problem:
    """What there is to learn: columns, and the code of each label (n,) or the quantities (n,)."""

    table: Table
    t: Array
    classes: bool
    target: str

    @property
    def chance(self) -> float:
        """The accuracy of the majority class, or the R² of the mean."""
        return float(np.bincount(self.t).max() / len(self.t)) if self.classes else 0.0


@dataclass(frozen=True)
class Fit:
    """A learner on the rows of one fold that it did not see.

    Attributes:
        hits: Of each row: 1 where the label is right, or 1 minus the square of the error over the variance of all
            answers, so that the mean over rows is the accuracy or R².
        losses: −ln p of the right label, or the square of the error.
        n_parameters: Of what was fitted; None where the learner does not tell.
        multiplications: For the scores of one row; None likewise.
        seconds: To prepare the rows and to fit.
    """

    hits: Array
    losses: Array
    n_parameters: int | None
    multiplications: int | None
    seconds: float


def read_problem(X: Any, y: Any, target: str | None, network: Any) -> Problem:
    """Rows as users have them; columns of an array are called x1, x2, …, as in the formulas.

    Raises:
        InputError: rows or answers that cannot be used, or a network that is no estimator.
    """
    if network is not None and not hasattr(network, "get_params"):
        raise InputError(
            f"network is a {type(network).__name__}, but an estimator that has not been fitted is needed, such as "
            f"TableClassifier() or MLPRegressor((16,)): it is trained anew for every fold."
        )
    if isinstance(X, np.ndarray) and X.ndim == 2:
        X = {f"x{j + 1}": column for j, column in enumerate(X.T)}
    table, answers, name = split_one_target(X, y, target)
    answers = np.asarray(answers.to_numpy() if hasattr(answers, "to_numpy") else answers)
    classes = looks_like_classes(Table.read({name: answers})[name]) if network is None else bool(is_classifier(network))
    return Problem(table, targets(answers, classes, name), classes, name)


def linear_fit(problem: Problem, split: Split, formulas: Sequence[str], network: Any = None) -> Fit:
    """The linear model on the columns, prepared as the network would have them, and what formulas make of them."""
    train, test = split
    began = time.perf_counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of convergence; of odd cells the network's own preparation tells
        preprocessor = Preprocessor.fit(problem.table.take(train), getattr(network, "columns", None))

        def features(rows: Array) -> Array:
            x = preprocessor.transform(problem.table.take(rows))
            return np.hstack([x, formula_features(formulas, table_variables(preprocessor, x), len(x))])

        model = linear_model(problem.classes).fit(features(train), problem.t[train])
        seconds = time.perf_counter() - began
        hits, losses = _scored(problem, model, features(test), test)
    weights, biases = int(np.size(model[-1].coef_)), int(np.size(model[-1].intercept_))
    return Fit(hits, losses, weights + biases, weights, seconds)


def network_fit(problem: Problem, split: Split, network: Any, changes: Mapping[str, Any], random_state: int) -> Fit:
    """A copy of the network with some parameters changed; one of arrays gets the prepared columns."""
    train, test = split
    if network is None:
        network = TableClassifier(n_estimators=1) if problem.classes else TableRegressor(n_estimators=1)
    model = unfitted(network, **changes)
    if "random_state" in model.get_params() and model.random_state is None:
        model.set_params(random_state=random_state)
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that ended early is judged by its scores
        learned: Any = problem.table.take(train)
        tested: Any = problem.table.take(test)
        if not isinstance(model, TableClassifier | TableRegressor):
            preprocessor = Preprocessor.fit(learned)
            learned, tested = preprocessor.transform(learned), preprocessor.transform(tested)
        model.fit(learned, problem.t[train])
        seconds = time.perf_counter() - began
        hits, losses = _scored(problem, model, tested, test)
    if not hasattr(model, "network_"):
        return Fit(hits, losses, None, None, seconds)
    shapes = [member.network.architecture for member in getattr(model, "members_", ())] or [model.network_.architecture]
    weights = sum(int(shape.is_weight().sum()) for shape in shapes)
    return Fit(hits, losses, sum(shape.n_parameters for shape in shapes), weights, seconds)


def _scored(problem: Problem, model: Any, rows: Any, test: Array) -> tuple[Array, Array]:
    """Hits and losses of each row."""
    t = problem.t[test]
    if problem.classes:
        p = np.asarray(model.predict_proba(rows))
        right = p[np.arange(len(t)), t]
        return (p.argmax(axis=1) == t).astype(np.float64), -np.log(np.clip(right, LEAST_P, None))
    squares = (np.asarray(model.predict(rows), np.float64).reshape(len(t)) - t) ** 2
    return 1 - squares / (problem.t.var() or 1.0), squares
