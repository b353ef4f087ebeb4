"""Early stopping by any of scikit-learn's scorers."""

import warnings
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer

from glassnet import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor, load, save
from glassnet.errors import InputError, UnknownNameError
from glassnet.estimators.ensemble import cooled
from glassnet.estimators.thresholds import few_thresholds

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 3))
X_VAL = RNG.normal(size=(60, 3))


def noisy(X: np.ndarray) -> np.ndarray:
    return X[:, 0] * X[:, 1] + 0.5 * np.random.default_rng(1).normal(size=len(X))


def labels(X: np.ndarray) -> np.ndarray:
    return np.where(noisy(X) > 0, "yes", "no")


def thirds(X: np.ndarray) -> np.ndarray:
    return np.digitize(noisy(X), [-0.3, 0.3])


def fit(model, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y(X), X_val=X_VAL, y_val=y(X_VAL))


def as_trained(model):
    """The model before its temperature and its threshold, which are found after training."""
    if not isinstance(model, TableClassifier):
        return model
    model = copy(model)
    model.members_ = [replace(m, network=cooled(m.network, 1 / m.temperature)) for m in model.members_]
    model.threshold_ = 0.5
    return model


MODELS = {
    "table": lambda scoring=None: TableClassifier(n_estimators=1, max_iter=30, random_state=0, metric=scoring),
    "mlp": lambda **given: MLPClassifier((16,), max_iter=30, early_stopping=True, random_state=0, **given),
}
REGRESSORS = {
    "table": lambda scoring=None: TableRegressor(n_estimators=1, max_iter=30, random_state=0, metric=scoring),
    "mlp": lambda **given: MLPRegressor((16,), max_iter=30, early_stopping=True, random_state=0, **given),
}


def best_score(scoring, model, y):
    """Of the labels of two classes of a table model those by the best of a few thresholds count."""
    score = get_scorer(scoring)
    if scoring != "balanced_accuracy" or not hasattr(model, "threshold_"):
        return score(model, X_VAL, y)
    found = []
    for threshold in few_thresholds(model.predict_proba(X_VAL)[:, 1], np.mean(np.asarray(y) == model.classes_[1])):
        model.threshold_ = threshold
        found.append(score(model, X_VAL, y))
    return max(found)


# One of each kind: of thresholds, of probabilities, of labels.
@pytest.mark.parametrize(
    ("scoring", "y"),
    [
        ("roc_auc", labels),
        ("average_precision", lambda X: labels(X) == "yes"),
        ("neg_log_loss", thirds),
        ("roc_auc_ovr", thirds),
        ("f1_macro", thirds),
        ("balanced_accuracy", labels),
    ],
)
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_weights_of_the_best_score_are_kept(make, scoring: str, y) -> None:
    model = fit(make(scoring=scoring), y)

    scores = [epoch.score[0] for epoch in model.history_]
    assert model.history_.best.score[0] == max(scores)
    assert_allclose(best_score(scoring, as_trained(model), y(X_VAL)), max(scores), rtol=1e-6)


@pytest.mark.parametrize("scoring", ["r2", "neg_median_absolute_error"])
@pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
def test_quantities_are_scored_in_their_own_units(make, scoring: str) -> None:
    def far(X: np.ndarray) -> np.ndarray:
        return 1000 + 50 * noisy(X)

    model = fit(make(scoring=scoring), far)

    best = max(epoch.score[0] for epoch in model.history_)
    assert_allclose(get_scorer(scoring)(model, X_VAL, far(X_VAL)), best, rtol=1e-4)


def test_a_row_held_out_is_scored_by_its_weight() -> None:
    s = RNG.uniform(0.1, 5, size=len(X))
    given = {"n_estimators": 1, "max_iter": 3, "random_state": 0, "calibration": "none", "metric": "accuracy"}
    weighted = TableClassifier(**given).fit(X, labels(X), sample_weight=s)
    plain = TableClassifier(**given).fit(X, labels(X))

    # Of 40 rows without weights, a share of right ones is a whole number of fortieths.
    assert all((40 * epoch.score[0]).is_integer() for epoch in plain.history_)
    assert not any((40 * epoch.score[0]).is_integer() for epoch in weighted.history_)


def test_a_perceptron_tells_the_scores_of_its_scorer() -> None:
    model = fit(MODELS["mlp"](scoring="roc_auc"), labels)

    assert model.validation_scores_ == [epoch.score[0] for epoch in model.history_]
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_a_warm_start_compares_scores_of_one_scorer_alone(tmp_path) -> None:
    model = fit(MODELS["mlp"](scoring="roc_auc", warm_start=True), labels)
    save(model, tmp_path / "model.safetensors")

    for each in (model, load(tmp_path / "model.safetensors")):
        before = each.best_validation_score_
        assert fit(each, labels).best_validation_score_ >= before
        # Log losses are below 0, so that an area of the past would never be beaten.
        assert fit(each.set_params(scoring="neg_log_loss"), labels).best_validation_score_ < 0


def test_predictions_of_a_fitted_model_are_its_own_after_a_fit_that_failed() -> None:
    model = fit(MODELS["table"](), labels)
    before = model.predict(X).tolist()

    with pytest.raises(InputError, match="cannot score"):
        fit(model.set_params(metric="roc_auc"), thirds)

    assert model.predict(X).tolist() == before


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (TableClassifier(metric="roc_auk"), "Did you mean 'roc_auc'"),
        (MLPClassifier(early_stopping=True, scoring="roc_auk"), "Did you mean 'roc_auc'"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(model, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        model.fit(X, labels(X))


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (
            TableClassifier(metric="f1", calibration="none"),
            {},
            "cannot score TableClassifier on these 40 rows: pos_label",
        ),
        (TableClassifier(metric="r2"), {}, "cannot score"),
        (TableClassifier(metric="accuracy", validation_fraction=0), {}, "needs rows to validate on"),
        (TableClassifier(metric="roc_auc"), {"X_val": X[:9], "y_val": ["no"] * 9}, "not defined on the 9 rows"),
        (TableClassifier(metric="neg_max_error"), {"sample_weight": np.full(len(X), 2.0)}, "takes no weights of rows"),
        (MLPClassifier(scoring="roc_auc"), {}, "Set early_stopping=True"),
        (MLPClassifier(scoring="roc_auc", solver="lbfgs", early_stopping=True), {}, "solver='lbfgs'"),
    ],
)
def test_a_scorer_that_cannot_score_is_told_before_any_training(model, given: dict, message: str) -> None:
    def refuse(report: object) -> None:
        raise AssertionError("an epoch was trained")

    with pytest.raises(InputError, match=message):
        model.set_params(callbacks=[refuse]).fit(X, labels(X), **given)
