"""One model of several targets: shapes as scikit-learn has them, each target as good as alone."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import make_multilabel_classification
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import accuracy_score, f1_score, r2_score
from sklearn.model_selection import cross_val_score

import glassnet as gn
from glassnet import TableClassifier, TableRegressor
from glassnet.errors import InputError, TableError, UnknownNameError
from glassnet.estimators.report import evaluate
from glassnet.estimators.thresholds import best_thresholds

SMALL = {"n_estimators": 2, "hidden_layer_sizes": (32,), "max_iter": 40, "random_state": 0}
pytestmark = [
    pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning"),
    pytest.mark.filterwarnings("ignore::glassnet.errors.RangeWarning"),
]


def two_quantities(n=400, seed=0):
    """Of very different units; the second is learned better as its logarithm."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-1, 1, size=(2, n))
    return {
        "a": a,
        "b": b,
        "mass": 1e6 * (2 * a - b + 0.1 * rng.normal(size=n)),
        "price": np.exp(2 * a + 2 * b + 0.1 * rng.normal(size=n)),
    }


def labels(n=600, seed=0):
    return make_multilabel_classification(n, n_features=8, n_classes=3, n_labels=2, random_state=seed)


@pytest.fixture(scope="module")
def regressor():
    return TableRegressor(**SMALL).fit(two_quantities(), target=["mass", "price"])


@pytest.fixture(scope="module")
def classifier():
    x, y = labels()
    return TableClassifier(**SMALL).fit(x[:400], y[:400])


def test_shapes_are_those_of_scikit_learn(regressor, classifier):
    table = two_quantities(50, 1)
    x, y = np.column_stack([table["a"], table["b"]]), np.column_stack([table["mass"], table["price"]])
    forest = RandomForestRegressor(3, random_state=0).fit(x, y)
    assert regressor.predict(table).shape == forest.predict(x).shape == (50, 2)
    assert regressor.predict_interval(table).shape == (50, 2, 2)
    assert regressor.score(table) == pytest.approx(r2_score(y, regressor.predict(table)))
    assert regressor.score({"a": table["a"], "b": table["b"]}, y) == regressor.score(table)
    x, y = labels()
    assert classifier.predict(x).shape == classifier.predict_proba(x).shape == y.shape
    assert classifier.predict(x).dtype == y.dtype
    assert [c.tolist() for c in classifier.classes_] == [[0, 1]] * 3
    assert classifier.score(x, y) == pytest.approx(accuracy_score(y, classifier.predict(x)))
    assert_array_equal(classifier.predict(x), classifier.predict_proba(x) > 0.5)


@pytest.mark.parametrize("target", ["mass", "price"])
def test_each_quantity_is_learned_about_as_well_as_alone(target, regressor):
    table, new = two_quantities(), two_quantities(1000, 1)
    rows = {"a": table["a"], "b": table["b"]}
    alone = TableRegressor(**SMALL).fit(rows, table[target]).score(new, new[target])
    together = r2_score(new[target], regressor.predict(new)[:, ["mass", "price"].index(target)])
    assert together > alone - 0.1
    assert together > 0.7


def test_each_interval_holds_what_it_promises(regressor):
    new = two_quantities(2000, 1)
    for j, name in enumerate(["mass", "price"]):
        low, high = regressor.predict_interval(new, 0.8)[:, j].T
        assert np.mean((low <= new[name]) & (new[name] <= high)) > 0.6  # of few calibration rows
    assert "in practice" in regressor.guarantee(0.8) or "at least 80 %" in regressor.guarantee(0.8)


def test_each_quantity_has_its_own_units_and_logarithm(regressor):
    assert [part.log for part in regressor.target_.parts] == [False, True]
    spread = regressor.predict(two_quantities(200, 2)).std(axis=0)
    assert spread[0] > 1e5 > spread[1]


def test_several_targets_may_come_in_any_form():
    table = two_quantities(60)
    frame = pd.DataFrame(table)
    x, y = frame[["a", "b"]], frame[["mass", "price"]]
    few = SMALL | {"max_iter": 3}
    named = TableRegressor(**few).fit(frame, target=["mass", "price"])
    for given in (y, y.to_dict("list"), gn.Table.read(y)):
        other = TableRegressor(**few).fit(x, given)
        assert other.target_.names == ("mass", "price")
        assert_array_equal(other.predict(x), named.predict(x))
    for nameless in (y.to_numpy(), y.to_numpy().tolist()):
        other = TableRegressor(**few).fit(x, nameless)
        assert other.target_.names == ("target1", "target2")
        assert_array_equal(other.predict(x), named.predict(x))
    assert TableRegressor(**few).fit(frame.drop(columns="price"), target=["mass"]).predict(x).shape == (60,)


def test_rows_may_be_weighted_grouped_and_validated_on():
    table = two_quantities(80)
    weights = np.arange(80) % 3
    few = SMALL | {"max_iter": 3}
    TableRegressor(**few).fit(table, target=["mass", "price"], sample_weight=weights, groups=np.arange(80) // 4)
    kept = {name: cells[weights > 0] for name, cells in table.items()}
    more = {"sample_weight": weights[weights > 0]}
    a = TableRegressor(**few).fit(table, target=["mass", "price"], sample_weight=weights, X_val=two_quantities(30, 1))
    b = TableRegressor(**few).fit(kept, target=["mass", "price"], X_val=two_quantities(30, 1), **more)
    assert_array_equal(a.predict(table), b.predict(table))


@pytest.mark.parametrize("loss", ["poisson", "quantile", "absolute_error"])
def test_several_quantities_have_any_loss(loss):
    rng = np.random.default_rng(0)
    a = rng.uniform(size=300)
    y = np.column_stack([rng.poisson(5 * a), rng.poisson(20 - 15 * a)])
    model = TableRegressor(loss=loss, quantile=0.8, **SMALL).fit({"a": a}, y)
    low, high = model.predict({"a": [0.1, 0.9]})
    assert low[0] < high[0]
    assert low[1] > high[1]
    assert np.isfinite(model.predict_interval({"a": a}, 0.8)).all()


def test_labels_are_told_better_than_by_the_majority(classifier):
    x, y = labels()
    right = (classifier.predict(x[400:]) == y[400:]).mean(axis=0)
    majority = np.maximum(y[400:].mean(axis=0), 1 - y[400:].mean(axis=0))
    assert right.mean() > majority.mean() + 0.05


def test_labels_keep_their_own_types():
    x, y = labels(200)
    table = {"x1": x[:, 0], "x2": x[:, 1], "sick": np.where(y[:, 0], "yes", "no"), "old": y[:, 1].astype(bool)}
    model = TableClassifier(**SMALL | {"max_iter": 5}).fit(table, target=["sick", "old"])
    said = model.predict(table)
    assert {type(cell) for cell in said[:, 0]} == {str}
    assert set(said[:, 1]) <= {True, False}
    assert [c.tolist() for c in model.classes_] == [["no", "yes"], [False, True]]
    assert 0 <= model.score(table) <= 1


def test_a_metric_chooses_a_threshold_for_every_label():
    x, y = labels()
    table, new = (x[:400, 3:], y[:400]), (x[400:, 3:], y[400:])
    model = TableClassifier(metric="f1_macro", **SMALL | {"max_iter": 5}).fit(*table)
    assert model.threshold_.shape == (3,)
    assert_array_equal(model.predict(new[0]), model.predict_proba(new[0]) > model.threshold_)
    found = model.out_of_fold_
    chosen, at_half = (f1_score(found.t, found.p > t, average="macro") for t in (model.threshold_, 0.5))
    assert chosen >= at_half


def test_thresholds_of_several_labels_follow_the_metric_that_scores_them_together():
    rng = np.random.default_rng(0)
    odds = rng.uniform(size=(1000, 2)) * [0.4, 1.0]  # right probabilities: the first label is rare
    held = (rng.uniform(size=(1000, 2)) < odds).astype(int)
    thresholds = best_thresholds("f1_macro", odds, held, None)
    assert thresholds[0] < 0.35
    assert_array_equal(best_thresholds("roc_auc", odds, held, None), [0.5, 0.5])
    chosen, at_half = (f1_score(held, odds > t, average="macro") for t in (thresholds, 0.5))
    assert chosen > at_half + 0.1


def test_what_several_targets_cannot_have_is_told(classifier, regressor):
    x, y = labels(100)
    with pytest.raises(InputError, match="'target2' has 3 classes, but several targets need two each"):
        TableClassifier(**SMALL).fit(x, np.column_stack([y[:, 0], np.arange(100) % 3]))
    with pytest.raises(InputError, match="a row has a class of each"):
        TableClassifier(class_weight="balanced", **SMALL).fit(x, y)
    with pytest.raises(InputError, match="only where all are 0 and 1"):
        TableClassifier(metric="f1_macro", **SMALL).fit(x, np.where(y, "yes", "no"))
    with pytest.raises(InputError, match="Sets are of one target"):
        classifier.predict_set(x)
    with pytest.raises(TableError, match="'target1' holds only 1"):
        TableClassifier(**SMALL).fit(x, np.column_stack([np.ones(100, int), y[:, 0]]))
    for wrong in ([], ["mass", "mass"], [1, 2]):
        with pytest.raises(InputError, match="a list of different ones"):
            TableRegressor(**SMALL).fit(two_quantities(), target=wrong)
    with pytest.raises(TableError, match=r"'prize'.*did you mean 'price'"):
        TableRegressor(**SMALL).fit(two_quantities(), target=["mass", "prize"])
    with pytest.raises(TableError, match="came as 3 columns, but this model has 2: mass, price"):
        regressor.score({"a": [1.0], "b": [0.0]}, [[1.0, 2.0, 3.0]])


def test_cross_validation_scores_several_targets():
    table = two_quantities(200)
    x, y = np.column_stack([table["a"], table["b"]]), np.column_stack([table["mass"], table["price"]])
    assert cross_val_score(TableRegressor(**SMALL), x, y, cv=2).min() > 0.5
    x, y = labels(300)
    few = TableClassifier(**SMALL | {"max_iter": 8})
    assert cross_val_score(few, x, y, cv=2, scoring="roc_auc").mean() > 0.6


def test_a_model_of_one_of_several_targets_says_the_same(regressor, classifier):
    table = two_quantities(50, 1)
    both, ends = regressor.predict(table), regressor.predict_interval(table)
    for j, name in enumerate(["mass", "price"]):
        one = regressor.of_target(name)
        assert_allclose(one.predict(table), both[:, j], rtol=1e-5)
        assert_allclose(one.predict_interval(table), ends[:, j], rtol=1e-4)
        assert one.score(table) == pytest.approx(r2_score(table[name], both[:, j]), abs=1e-5)
        assert one.of_target(name) is one
        assert evaluate(regressor, table)[name]["r2"] == pytest.approx(one.score(table))
    x, _ = labels()
    assert_allclose(
        classifier.of_target("target2").predict_proba(x)[:, 1], classifier.predict_proba(x)[:, 1], rtol=1e-4
    )
    with pytest.raises(UnknownNameError, match="Did you mean 'price'"):
        regressor.of_target("prize")
    assert regressor.predict(table).shape == (50, 2), "the model itself stays as it is"


def test_what_tells_of_one_target_asks_for_it(regressor):
    table = two_quantities(100, 1)
    row = gn.Table.read(table).take([0])
    one = regressor.of_target("price")
    asked = [
        lambda m: gn.what_if(m, row, a=0.5),
        lambda m: gn.attribute(m, row),
        lambda m: gn.derive(m, row),
        lambda m: gn.permutation_importance(m, table),
        lambda m: gn.partial_dependence(m, table, "a"),
        lambda m: gn.diagnose(m, table),
        lambda m: gn.fit_report(m, table),
    ]
    for explain in asked:
        with pytest.raises(InputError, match=r"2 targets, mass, price, but this tells of one: pass model.of_target"):
            explain(regressor)
        assert str(explain(one))
