"""How good a table model is: scores on rows that it did not train on, beside what needs no network."""

import warnings
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

from glassnet.data.table import Table
from glassnet.estimators.table import TableClassifier, TableRegressor
from glassnet.nn.elementary import Array

Scores = dict[str, Any]  # numbers by name; None where one is not defined
FEWEST_TRAINING_ROWS = 2


def hold_out(table: Table, target: str, share: float, *, classes: bool, seed: int) -> tuple[Table, Table | None]:
    """Rows to train on, and rows to score on, which keep the order of the table.

    Classes are held out in proportion, and every class stays among the training rows.

    Args:
        table: All rows, with the target.
        target: The column to predict.
        share: Share of the rows to hold out; 0 for none.
        classes: Whether the target holds classes.
        seed: Same seed, same rows.

    Returns:
        Both parts; None instead of the second where no row can be spared.

    >>> train, test = hold_out(Table.read({"x": range(10), "y": range(10)}), "y", 0.2, classes=False, seed=0)
    >>> len(train), len(test)
    (8, 2)
    """
    n = len(table)
    n_test = min(round(n * share) or 1, n - FEWEST_TRAINING_ROWS)
    if not share or n_test < 1:
        return table, None
    strata: Array | None = None
    counts: Array = np.zeros(0)
    if classes:
        strata = class_codes(table, target)
        counts = np.bincount(strata)
    fair = strata is not None and counts.min() >= 2 and min(n_test, n - n_test) >= len(counts)
    train, test = train_test_split(np.arange(n), test_size=n_test, random_state=seed, stratify=strata if fair else None)
    if strata is not None:
        # A class that training never saw could not be scored.
        unseen = ~np.isin(strata[test], strata[train])
        train, test = np.concatenate([train, test[unseen]]), test[~unseen]
    return table.take(np.sort(train)), table.take(np.sort(test)) if len(test) else None


def evaluate(model: TableClassifier | TableRegressor, table: Any) -> Scores:
    """Scores of a fitted table model on a table that holds its target.

    Args:
        model: A fitted table model.
        table: Anything that `Table.read` takes, with the target in it.

    Returns:
        Accuracy and log loss (mean of −ln p of the true class) of a classifier; R², and in the target's units the
        root of the mean squared error and the mean absolute error, of a regressor; and n, the rows.

    >>> model = TableRegressor(max_iter=1, random_state=0).fit({"x": [0, 1, 2, 3], "y": [0, 2, 4, 6]}, target="y")
    >>> list(evaluate(model, {"x": [1, 2], "y": [2, 4]}))
    ['r2', 'rmse', 'mae', 'n']
    """
    table = Table.read(table)
    answers = table[model.target_.name]
    if isinstance(model, TableClassifier):
        return _class_scores(model.target_.codes(answers), model.predict_proba(table))
    return _quantity_scores(model.target_.decode(model.target_.encode(answers)), model.predict(table))


def compare(model: TableClassifier | TableRegressor, train: Table, test: Table) -> dict[str, Scores]:
    """The scores of a network and of its baselines on the same rows.

    Args:
        model: A model fitted to `train`.
        train: Its training rows, with the target.
        test: The rows to score on, with the target.

    >>> table = Table.read({"x": [0, 1, 2, 3], "y": [0, 2, 4, 7]})
    >>> list(compare(TableRegressor(max_iter=1, random_state=0).fit(table, target="y"), table, table))
    ['network', 'mean', 'linear model']
    """
    return {"network": evaluate(model, test), **baselines(model, train, test)}


def baselines(model: TableClassifier | TableRegressor, train: Table, test: Table) -> dict[str, Scores]:
    """What the network has to beat, on the same rows and the same prepared features.

    Args:
        model: A model fitted to `train`.
        train: Its training rows, with the target.
        test: The rows to score on, with the target.

    Returns:
        Scores as of `evaluate`: of the majority class with its share (or the mean), and of a linear model.
    """
    name, target = model.target_.name, model.target_
    with warnings.catch_warnings():  # the model's own evaluation has told of odd cells already
        warnings.simplefilter("ignore")
        x, x_test = model.preprocessor_.transform(train), model.preprocessor_.transform(test)
    if isinstance(model, TableClassifier):
        codes, codes_test = target.codes(train[name]), target.codes(test[name])
        majority, linear = DummyClassifier(strategy="prior"), LogisticRegression(max_iter=300)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            p = [baseline.fit(x, codes).predict_proba(x_test) for baseline in (majority, linear)]
        return {
            "majority class": _class_scores(codes_test, p[0]),
            "linear model": _class_scores(codes_test, p[1]),
        }
    t, y_test = target.encode(train[name]), target.decode(target.encode(test[name]))
    mean = target.decode(np.full((len(test), 1), t.mean()))
    y = target.decode(Ridge().fit(x, t[:, 0]).predict(x_test)[:, None])
    return {"mean": _quantity_scores(y_test, mean), "linear model": _quantity_scores(y_test, y)}


def class_codes(table: Table, target: str) -> Array:
    """The class of each row, (n,), counted from 0 in the order of the labels as text."""
    return np.unique(np.array([str(cell) for cell in table[target].to_list()]), return_inverse=True)[1]


def _class_scores(codes: Array, p: Array) -> Scores:
    """Scores of probabilities p (n, classes) for true classes (n,)."""
    return {
        "accuracy": float((p.argmax(axis=1) == codes).mean()),
        "log_loss": float(log_loss(codes, p, labels=np.arange(p.shape[1]))),
        "n": len(codes),
    }


def _quantity_scores(y: Array, predicted: Array) -> Scores:
    """Scores of predictions (n,); R² is None where all of y is one number, for which it is not defined."""
    return {
        "r2": float(r2_score(y, predicted)) if len(np.unique(y)) > 1 else None,
        "rmse": float(np.sqrt(mean_squared_error(y, predicted))),
        "mae": float(mean_absolute_error(y, predicted)),
        "n": len(y),
    }
