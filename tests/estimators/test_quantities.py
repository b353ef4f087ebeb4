"""What a table model of quantities predicts under each loss: means, medians, quantiles, counts."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import mean_absolute_error, mean_pinball_loss, mean_poisson_deviance

import glassnet as gn
from glassnet import TableRegressor
from glassnet.errors import InputError, TableError, UnknownNameError
from glassnet.estimators.certainty import estimates
from glassnet.estimators.quantities import MEASURES, best_constant, row_losses
from glassnet.estimators.report import compare, evaluate
from glassnet.nn import Poisson, Quantile, get_loss

SMALL = {"n_estimators": 2, "hidden_layer_sizes": (16,), "max_iter": 40, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")


def uneven(n, seed):
    """y = 2a + noise whose size grows with b."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(size=(2, n))
    return {"a": a, "b": b, "y": 2 * a + (0.2 + b) * rng.normal(size=n)}


def counted(n, seed):
    """Counts whose logarithm of the rate is 2a − 2b."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(size=(2, n))
    return {"a": a, "b": b, "y": rng.poisson(np.exp(2 * a - 2 * b))}


@pytest.fixture(scope="module")
def models():
    rows = {"poisson": counted(400, 0)}
    return {
        loss: TableRegressor(loss=loss, quantile=0.9, **SMALL).fit(rows.get(loss, uneven(400, 0)), target="y")
        for loss in MEASURES
    }


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_share_of_answers_below_a_quantile_is_that_quantile(quantile):
    below = []
    for seed in range(3):
        model = TableRegressor(loss="quantile", quantile=quantile, **SMALL).fit(uneven(400, seed), target="y")
        new = uneven(2000, seed + 100)
        below.append(np.mean(new["y"] < model.predict(new)))
    assert np.mean(below) == pytest.approx(quantile, abs=0.05)


def test_a_quantile_follows_the_noise_that_a_mean_does_not():
    model = TableRegressor(loss="quantile", quantile=0.9, **SMALL).fit(uneven(1000, 0), target="y")
    quiet, loud = model.predict({"a": [0.5, 0.5], "b": [0.05, 0.95]})
    assert loud - quiet > 0.5  # the truth is 1.28 · 0.9 = 1.15


def test_counts_are_learned_better_by_their_own_loss():
    deviances = {"poisson": [], "squared_error": []}
    for seed in range(3):
        train, new = counted(500, seed), counted(3000, seed + 100)
        for loss, found in deviances.items():
            p = TableRegressor(loss=loss, **SMALL).fit(train, target="y").predict(new)
            found.append(mean_poisson_deviance(new["y"], np.maximum(p, 1e-3)))
    assert np.mean(deviances["poisson"]) < np.mean(deviances["squared_error"])


def test_counts_are_never_predicted_below_0(models):
    model = models["poisson"]
    far = {"a": [-3.0, 0.0, 1.0], "b": [5.0, 1.0, 0.0]}
    with pytest.warns(gn.errors.RangeWarning):
        assert (model.predict(far) >= 0).all()
    new = counted(500, 7)
    low, high = model.predict_interval(new, 0.9).T
    assert low.min() >= 0
    assert np.mean((low <= new["y"]) & (new["y"] <= high)) > 0.8


def test_an_interval_around_a_quantile_is_moved_to_the_middle_and_holds_what_it_promises():
    above, below = [], []
    for seed in range(3):
        model = TableRegressor(loss="quantile", quantile=0.9, calibration="split", **SMALL | {"max_iter": 10})
        model.fit(uneven(1500, seed), target="y")  # 150 rows calibrate
        new = uneven(2000, seed + 100)
        low, high = model.predict_interval(new, 0.8).T
        above.append(np.mean(new["y"] > high))
        below.append(np.mean(new["y"] < low))
    assert np.mean(above) + np.mean(below) == pytest.approx(0.2, abs=0.07)
    assert abs(np.mean(above) - np.mean(below)) < 0.1  # around the quantile, all would lie below


def test_a_far_answer_pulls_a_median_less_than_a_mean():
    rng = np.random.default_rng(0)
    a = rng.uniform(size=400)
    y = a + 0.1 * rng.normal(size=400)
    y[::20] += 50
    errors = {
        loss: mean_absolute_error(a, TableRegressor(loss=loss, **SMALL).fit({"a": a}, y).predict({"a": a}))
        for loss in ("squared_error", "absolute_error")
    }
    assert errors["absolute_error"] < errors["squared_error"] / 4


def test_the_logarithm_is_tried_by_the_loss_in_units(monkeypatch):
    rng = np.random.default_rng(0)
    a = rng.uniform(size=400)
    y = np.exp(4 * a + 0.2 * rng.normal(size=400))
    asked = []

    def noted(loss, truth, said):
        asked.append(loss)
        return row_losses(loss, truth, said)

    monkeypatch.setattr("glassnet.estimators.quantities.row_losses", noted)
    model = TableRegressor(loss="quantile", quantile=0.75, **SMALL).fit({"a": a}, y)
    assert asked == [Quantile(0.75)] * 2
    assert model.target_.log
    assert np.mean(y < model.predict({"a": a})) == pytest.approx(0.75, abs=0.1)


def test_what_a_loss_cannot_have_is_told():
    table = {"a": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 0.0, 2.0, -1.0]}
    with pytest.raises(TableError, match=r"'y' is -1\.0 in a row, but loss='poisson' needs"):
        TableRegressor(loss="poisson").fit(table, target="y")
    with pytest.raises(InputError, match='leave target_transform at "auto"'):
        TableRegressor(loss="poisson", target_transform="log").fit(table, target="y")
    with pytest.raises(UnknownNameError, match="Did you mean 'poisson'"):
        TableRegressor(loss="poison").fit(table, target="y")
    for wrong in (0, 1, -0.5, "half", None, True):
        with pytest.raises(InputError, match=r"quantile is .*between 0 and 1"):
            TableRegressor(loss="quantile", quantile=wrong).fit(table, target="y")


def test_negative_counts_to_validate_on_are_told(models):
    with pytest.raises(TableError, match="needs counts"):
        TableRegressor(loss="poisson", **SMALL).fit(
            counted(50, 0), target="y", X_val={"a": [0.1], "b": [0.2], "y": [-3.0]}
        )


def test_a_loss_is_a_parameter_like_any_other():
    model = TableRegressor(loss="quantile", quantile=0.3)
    assert clone(model).get_params()["loss"] == "quantile"
    assert clone(model).set_params(quantile=0.7).quantile == 0.7
    fitted = TableRegressor(loss="quantile", quantile=0.3, **SMALL).fit(uneven(60, 0), target="y")
    fitted.set_params(quantile=0.9)
    assert fitted.loss_ == Quantile(0.3), "what was fitted stays"


@pytest.mark.parametrize("loss", MEASURES)
def test_epochs_are_chosen_by_the_loss(loss, models):
    history = models[loss].history_
    assert history.best_epoch[0] == 1 + int(np.argmin(history.validation_loss))


def test_the_report_has_the_score_that_the_loss_is_about(models):
    new = {"poisson": counted(300, 3)}
    own = {
        "squared_error": ("rmse", lambda y, p: np.sqrt(np.mean((y - p) ** 2)), "mean"),
        "absolute_error": ("mae", mean_absolute_error, "median"),
        "quantile": ("pinball", lambda y, p: mean_pinball_loss(y, p, alpha=0.9), "0.9 quantile"),
        "poisson": ("deviance", mean_poisson_deviance, "mean"),
    }
    for loss, (name, score, constant) in own.items():
        train = gn.Table.read(counted(400, 0) if loss == "poisson" else uneven(400, 0))
        test = gn.Table.read(new.get(loss, uneven(300, 3)))
        y = test["y"].to_numpy()
        assert evaluate(models[loss], test)[name] == pytest.approx(score(y, models[loss].predict(test)))
        found = compare(models[loss], train, test, boosting=True)
        assert list(found) == ["network", constant, "linear model", "gradient boosting"]
        others = [found[who][name] for who in ("linear model", "gradient boosting")]
        assert max(others) < found[constant][name], "each is trained for that loss"


@pytest.mark.parametrize("loss", [Quantile(0.8), Poisson()], ids=["quantile", "poisson"])
def test_the_best_constant_is_that_of_the_loss(loss):
    t = np.random.default_rng(0).poisson(3, size=(200, 2)).astype(float)
    s = np.random.default_rng(1).integers(1, 4, size=200).astype(float)
    best = best_constant(loss, t, s)

    def total(p):
        return sum(s @ row_losses(loss, column, np.full(200, one)) for column, one in zip(t.T, p, strict=True))

    for step in np.array([[0.3, 0], [-0.3, 0], [0, 0.3], [0, -0.3]]):
        assert total(best) <= total(best + step) + 1e-9


def test_the_interval_of_a_score_is_around_the_score():
    rng = np.random.default_rng(0)
    y, said = rng.poisson(3, 300).astype(float), rng.uniform(1, 5, 300)
    for name, loss in (("pinball", Quantile(0.2)), ("deviance", Poisson())):
        found, _ = estimates(y, {"a": gn.estimators.report.Opinion(said)}, loss=loss)
        value, low, high = found["a"][name]
        assert value == pytest.approx(row_losses(loss, y, said).mean())
        assert low < value < high


@pytest.mark.parametrize("loss", ["absolute_error", "poisson", "quantile"])
def test_a_fit_report_tells_of_the_loss(loss, models):
    rows = counted if loss == "poisson" else uneven
    report = gn.fit_report(models[loss], rows(400, 0), rows(100, 3))
    words = {
        "absolute_error": ("MAE rises by", "the median of y"),
        "poisson": ("Poisson deviance rises by", "the logarithm of the mean of y"),
        "quantile": ("pinball loss rises by", "the 0.9 quantile, below which 0.9"),
    }
    told = " ".join(str(report).split())
    assert all(word in told for word in words[loss])
    assert report.to_dict()["loss"] == loss
    assert MEASURES[loss] in report.to_dict()["scores"]["network"]
    assert report.importance.mean.max() > 0


def test_the_score_of_counts_is_explained_in_logarithms(models):
    model = TableRegressor(loss="poisson", **SMALL | {"n_estimators": 1}).fit(counted(200, 0), target="y")
    row = {"a": [0.3], "b": [0.8]}
    parts = gn.attribute(model, row)
    assert parts.y == pytest.approx(np.log(model.predict(row)), rel=1e-5)
    assert "Numbers are in units of ln y" in str(parts)
    assert gn.what_if(model, row, a=0.9).after > gn.what_if(model, row, a=0.9).before
    assert gn.derive(model, row, [1.0]).to_dict()
    assert get_loss("poisson") == gn.explanation.subject.Subject.of(model).loss
