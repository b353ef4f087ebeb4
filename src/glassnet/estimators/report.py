"""How good a table model is: scores on rows that it did not train on, beside what needs no network."""

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from glassnet.data.several import Targets
from glassnet.data.table import Table
from glassnet.estimators.boosting import BOOSTING, boosted
from glassnet.estimators.quantities import MEASURES, best_constant, constant_name, level, row_losses
from glassnet.estimators.table_classifier import TableClassifier
from glassnet.estimators.table_regressor import TableRegressor
from glassnet.estimators.table_rows import RowOrder
from glassnet.nn import Loss
from glassnet.nn.elementary import Array

TableModel = TableClassifier | TableRegressor
Scores = dict[str, Any]  # numbers by name; None where one is not defined
FEWEST_TRAINING_ROWS = 2


class Opinion(NamedTuple):
    """What somebody says of each row: the place of its class or a quantity, (n,); and probabilities, (n, classes)."""

    said: Array
    p: Array | None = None

    @classmethod
    def of(cls, model: TableModel, p: Array) -> "Opinion":
        """That of a model's predictions p, (n, k)."""
        if not isinstance(model, TableClassifier):
            return cls(model.target_.decode(p))
        p = model.target_.probabilities(p)
        return cls((p[:, 1] > model.threshold_).astype(int) if p.shape[1] == 2 else p.argmax(axis=1), p)


def hold_out(
    table: Table,
    target: str,
    share: float,
    *,
    classes: bool,
    seed: int,
    groups: str | None = None,
    time: str | None = None,
) -> tuple[Array, Array]:
    """The places of rows to train on, and of rows to score on, both ascending.

    Classes are held out in proportion, and every class stays among the training rows. Of groups, whole ones are held
    out; with a time, the latest rows are, so that no moment is in both parts.

    Args:
        table: All rows, with the target.
        target: The column to predict.
        share: Share of the rows to hold out; 0 for none.
        classes: Whether the target holds classes.
        seed: Same seed, same rows.
        groups: The column that says what belongs together.
        time: The column that says when each row was.

    Returns:
        Both parts; the second is empty where no row can be spared.

    >>> train, test = hold_out(Table.read({"x": range(10), "y": range(10)}), "y", 0.2, classes=False, seed=0)
    >>> len(train), len(test)
    (8, 2)
    """
    n = len(table)
    n_test = min(round(n * share) or 1, n - FEWEST_TRAINING_ROWS)
    if not share or n_test < 1:
        return np.arange(n), np.zeros(0, dtype=np.int64)
    strata: Array | None = None
    counts: Array = np.zeros(0)
    if classes:
        strata = class_codes(table, target)
        counts = np.bincount(strata)
    order = RowOrder.read(table, groups, time, None)
    if order.time is not None:
        latest = np.argsort(order.time, kind="stable")
        later = order.time > order.time[latest[-n_test - 1]]
        train, test = np.flatnonzero(~later), np.flatnonzero(later)
    elif order.groups is not None:
        parts = GroupShuffleSplit(1, test_size=share, random_state=seed)
        train, test = next(parts.split(np.arange(n), groups=order.groups))
    else:
        fair = strata is not None and counts.min() >= 2 and min(n_test, n - n_test) >= len(counts)
        stratify = strata if fair else None
        train, test = train_test_split(np.arange(n), test_size=n_test, random_state=seed, stratify=stratify)
    if strata is not None:
        # A class that training never saw could not be scored.
        unseen = ~np.isin(strata[test], strata[train])
        train, test = np.concatenate([train, test[unseen]]), test[~unseen]
    return np.sort(train), np.sort(test)


def evaluate(model: TableModel, table: Any) -> Scores:
    """Scores of a fitted table model on a table that holds its target.

    Args:
        model: A fitted table model.
        table: Anything that `Table.read` takes, with the target in it.

    Returns:
        Accuracy and log loss (mean of −ln p of the true class) of a classifier; R², and in the target's units the
        root of the mean squared error and the mean absolute error, of a regressor, with the mean Poisson deviance or
        the mean pinball loss where that is its loss; and n, the rows. Of several targets such scores by target.

    >>> table = {"x": [7 * i % 40 for i in range(40)], "y": [(7 * i % 40 - 20) ** 2 for i in range(40)]}
    >>> model = TableRegressor(n_estimators=1, max_iter=40, random_state=0).fit(table, target="y")
    >>> list(evaluate(model, {"x": [1, 2], "y": [361, 324]}))
    ['r2', 'rmse', 'mae', 'n']
    """
    table = Table.read(table)
    if isinstance(model.target_, Targets):
        return {name: evaluate(model.of_target(name), table) for name in model.target_.names}
    return scores(answers(model, table), opinion(model, table), model.loss_)


def compare(model: TableModel, train: Table, test: Table, *, boosting: bool = False) -> dict[str, Scores]:
    """The scores of a network and of its baselines on the same rows.

    Args:
        model: A model of one target fitted to `train`; one of several is that by its `of_target`.
        train: Its training rows, with the target.
        test: The rows to score on, with the target.
        boosting: Whether scikit-learn's gradient boosting is one of them.

    >>> table = Table.read({"x": [7 * i % 40 for i in range(40)], "y": [(7 * i % 40 - 20) ** 2 for i in range(40)]})
    >>> model = TableRegressor(n_estimators=1, max_iter=40, random_state=0).fit(table, target="y")
    >>> list(compare(model, table, table))
    ['network', 'mean', 'linear model']
    """
    truth, loss = answers(model, test), model.loss_
    return {who: scores(truth, found, loss) for who, found in opinions(model, train, test, boosting=boosting).items()}


def answers(model: TableModel, table: Table) -> Array:
    """The true answer of each row, (n,): the place of its class among the classes, or the quantity."""
    cells = table[model.target_.name]
    return model.target_.codes(cells) if isinstance(model, TableClassifier) else model.target_.quantities(cells)


def opinion(model: TableModel, table: Table) -> Opinion:
    """What a model says of each row."""
    if not isinstance(model, TableClassifier):
        return Opinion(model.predict(table))
    p = model.predict_proba(table)
    return Opinion.of(model, p[:, 1:] if p.shape[1] == 2 else p)


def opinions(model: TableModel, train: Table, test: Table, *, boosting: bool = False) -> dict[str, Opinion]:
    """What the network says of each row, and beside it what it has to beat.

    Args:
        model: A model fitted to `train`.
        train: Its training rows, with the target.
        test: The rows to predict.
        boosting: Whether to train scikit-learn's gradient boosting too, on the same rows.

    Returns:
        Of the network; of the majority class with its share, or the constant that its loss is about, such as the mean;
        of a linear model on the same prepared features; of gradient boosting, with the same loss, where it is asked
        for.
    """
    found = {"network": opinion(model, test)}
    with warnings.catch_warnings():  # the network's own opinion has told of odd cells already
        warnings.simplefilter("ignore")
        x, x_test = model.preprocessor_.transform(train), model.preprocessor_.transform(test)
        truth, classes = answers(model, train), isinstance(model, TableClassifier)
        if classes:
            learners = {
                "majority class": DummyClassifier(strategy="prior"),
                "linear model": LogisticRegression(max_iter=300),
            }
            p = {who: learner.fit(x, truth).predict_proba(x_test) for who, learner in learners.items()}
            found |= {who: Opinion(p.argmax(axis=1), p) for who, p in p.items()}
        else:
            constant = best_constant(model.loss_, truth[:, None], None)
            found |= {
                constant_name(model.loss_): Opinion(np.full(len(test), float(constant[0]))),
                "linear model": Opinion(_linear(model.loss_, x, truth, x_test)),
            }
        if boosting:
            said = boosted(model.preprocessor_.columns, train, truth, test, loss=None if classes else model.loss_)
            found[BOOSTING] = Opinion(said.argmax(axis=1), said) if classes else Opinion(said)
    return found


def _linear(loss: Loss, x: Array, truth: Array, x_test: Array) -> Array:
    """What a linear model says: its exponential for counts; for a quantile moved by that of its residuals."""
    scale, share = (truth.mean() if loss.name == "poisson" else truth.std()) or 1.0, level(loss)
    if loss.name == "poisson":
        said: Array = scale * PoissonRegressor(alpha=1 / len(x), max_iter=300).fit(x, truth / scale).predict(x_test)
        return said
    fitted = Ridge().fit(x, (truth - truth.mean()) / scale)
    above = truth - (truth.mean() + scale * fitted.predict(x))
    return truth.mean() + scale * fitted.predict(x_test) + (0.0 if share is None else np.quantile(above, share))


def scores(truth: Array, found: Opinion, loss: Loss | None = None) -> Scores:
    """Scores of an opinion; R² is None where all of the truth is one number.

    Args:
        truth: The answers, (n,).
        found: What is said of them.
        loss: That of the model; None for classes, and where it is the squared error.

    >>> scores(np.array([0, 1]), Opinion(np.array([0, 0]), np.array([[0.8, 0.2], [0.8, 0.2]])))["accuracy"]
    0.5
    """
    said, p = found
    if p is not None:
        return {
            "accuracy": float((said == truth).mean()),
            "log_loss": float(log_loss(truth, p, labels=np.arange(p.shape[1]))),
            "n": len(truth),
        }
    own = {} if loss is None or not own_measure(loss) else {own_measure(loss): row_losses(loss, truth, said).mean()}
    return {
        "r2": float(r2_score(truth, said)) if len(np.unique(truth)) > 1 else None,
        "rmse": float(np.sqrt(mean_squared_error(truth, said))),
        "mae": float(mean_absolute_error(truth, said)),
        **{name: float(value) for name, value in own.items()},
        "n": len(truth),
    }


def own_measure(loss: Loss | None) -> str:
    """The score that the loss is about, where it is neither RMSE nor MAE, which all have; else ""."""
    name = "" if loss is None else MEASURES.get(loss.name, "")
    return name if name not in ("rmse", "mae") else ""


def class_codes(table: Table, target: str) -> Array:
    """The class of each row, (n,), counted from 0 in the order of the labels as text."""
    return np.unique(np.array([str(cell) for cell in table[target].to_list()]), return_inverse=True)[1]
