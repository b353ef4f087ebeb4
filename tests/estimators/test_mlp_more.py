"""What the perceptrons do beyond scikit-learn's: each parameter has the effect that it names."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from glassnet import MLPClassifier, MLPRegressor, nn
from glassnet.errors import InputError, UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
Y = np.sin(X[:, 0]) + X[:, 1]
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)


def regressor(*sizes, **parameters):
    return MLPRegressor(sizes, random_state=0, **{"max_iter": 30, "learning_rate_init": 0.01} | parameters)


def classifier(*sizes, **parameters):
    return MLPClassifier(sizes, random_state=0, **{"max_iter": 30, "learning_rate_init": 0.01} | parameters)


@pytest.mark.parametrize("random_state", range(3))
def test_levenberg_marquardt_fits_a_smooth_function_to_five_digits(random_state):
    x = np.linspace(-3, 3, 200)[:, None]
    y = np.sin(2 * x[:, 0]) + 0.3 * x[:, 0] ** 2
    model = MLPRegressor((10,), activation="tanh", solver="lm", n_restarts=8, random_state=random_state).fit(x, y)
    assert np.sqrt(np.mean((model.predict(x) - y) ** 2)) <= 1e-5


def test_an_activation_for_each_layer():
    model = classifier(8, 6, activation=["tanh", "relu"]).fit(X, LABELS)
    assert [layer.f.name for layer in model.network_.layers] == ["tanh", "relu", "identity"]
    with pytest.raises(InputError, match="3 activations were given for 2 hidden layers"):
        classifier(8, 6, activation=["tanh"] * 3).fit(X, LABELS)
    with pytest.raises(UnknownNameError, match="'tanh'"):
        classifier(8, 6, activation=["tahn", "relu"]).fit(X, LABELS)


def test_a_function_and_its_derivative_of_ones_own():
    pair = (np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    own, known = (regressor(8, activation=f, engine="numpy").fit(X, Y) for f in (pair, "tanh"))
    np.testing.assert_allclose(own.predict(X), known.predict(X), rtol=1e-6)
    np.testing.assert_array_equal(regressor(8, activation=pair).fit(X, Y).predict(X), own.predict(X))
    with pytest.raises(InputError, match="engine='numpy'"):
        regressor(8, activation=pair, engine="kernel").fit(X, Y)
    with pytest.raises(InputError, match="central differences"):
        regressor(8, activation=(np.tanh, np.cos)).fit(X, Y)


@pytest.mark.parametrize("solver", [*nn.OPTIMIZERS, "lbfgs", "lm", nn.RMSprop(0.01, decay=0.95)], ids=str)
def test_every_solver_learns(solver):
    assert regressor(16, solver=solver, max_iter=60).fit(X, Y).score(X, Y) > 0.9


@pytest.mark.parametrize("loss", [name for name in nn.LOSSES if "entropy" not in name])
def test_every_loss_learns(loss):
    y = np.exp(Y / 2) if loss == "poisson" else Y
    model = regressor(16, loss=loss, max_iter=60).fit(X, y)
    assert model.score(X, y) > 0.8
    assert clone(model).get_params()["loss"] == loss


def test_a_quantile_lies_above_its_share_of_rows():
    y = Y + RNG.normal(size=300)
    below = [np.mean(y < regressor(loss="quantile", quantile=q, max_iter=200).fit(X, y).predict(X)) for q in (0.1, 0.9)]
    assert below == pytest.approx([0.1, 0.9], abs=0.05)


@pytest.mark.parametrize("targets", [1, 2])
def test_a_learned_variance_follows_the_noise(targets):
    x = RNG.uniform(-1, 1, size=(2000, 1))
    noise = 0.1 + 0.5 * (x > 0)
    y = np.squeeze(x + noise * RNG.normal(size=(2000, targets)))
    mean, std = regressor(16, loss="gaussian", max_iter=60).fit(x, y).predict(x, return_std=True)
    assert mean.shape == std.shape == ((2000,) if targets == 1 else (2000, 2))
    assert np.median(std[x[:, 0] > 0.1]) == pytest.approx(0.6, rel=0.15)
    assert np.median(std[x[:, 0] < -0.1]) == pytest.approx(0.1, rel=0.5)
    with pytest.raises(InputError, match="gaussian"):
        regressor(4).fit(x, y).predict(x, return_std=True)


@pytest.mark.parametrize("schedule", ["step", "cosine", "one_cycle", nn.Cosine(final=0.5)], ids=str)
def test_a_schedule_shapes_the_whole_training(schedule):
    rates = nn.get_schedule(schedule).factors(0, 60, 60)
    plain, shaped = (regressor(8, learning_rate=name, shuffle=False).fit(X, Y) for name in ("constant", schedule))
    assert rates.std() > 0
    assert (plain.coefs_[0] != shaped.coefs_[0]).any()
    if schedule != "step":
        return
    with pytest.raises(InputError, match="partial_fit"):
        regressor(learning_rate=schedule).partial_fit(X, Y)


def test_warm_up_begins_slowly():
    def first_move(**parameters):
        model = regressor(8, solver="sgd", momentum=0, max_iter=1, batch_size=300, **parameters)
        start = regressor(8, solver="sgd", learning_rate_init=1e-300, max_iter=1).fit(X, Y).coefs_[0]
        return np.abs(model.fit(X, Y).coefs_[0] - start).max()

    assert first_move(warmup_steps=10) == pytest.approx(first_move() / 10, rel=1e-6)


def test_skip_path_and_biases():
    model = regressor(4, skip=True, max_iter=100).fit(X, Y)
    assert model.skip_coef_.shape == (4, 1)
    with_skip = model.predict(X)
    model.skip_coef_[...] = 0
    assert np.abs(model.predict(X) - with_skip).max() > 0.1
    bare = regressor(4, bias=False).fit(X, Y)
    assert bare.intercepts_ == []
    assert bare.predict(np.zeros((1, 4))) == 0


def test_dropout_acts_in_training_alone():
    free, dropped = regressor(32).fit(X, Y), regressor(32, dropout=0.5).fit(X, Y)
    assert (free.coefs_[0] != dropped.coefs_[0]).any()
    np.testing.assert_array_equal(dropped.predict(X), dropped.predict(X))
    with pytest.raises(InputError, match=r"for each of 1 hidden layers"):
        regressor(32, dropout=[0.1, 0.1]).fit(X, Y)


def test_penalties_and_norms_make_weights_small():
    size = [np.abs(regressor(16, max_iter=60, **p).fit(X, Y).coefs_[0]).sum() for p in ({}, {"l1": 30.0})]
    assert size[1] < 0.7 * size[0]
    decayed = regressor(16, solver="adamw", weight_decay=1.0, max_iter=60).fit(X, Y)
    assert np.abs(decayed.coefs_[0]).sum() < size[0]
    bound = regressor(16, weight_norm=0.5).fit(X, Y)
    assert all(np.linalg.norm(w, axis=0).max() <= 0.5 + 1e-12 for w in bound.coefs_)


def test_a_clipped_gradient_moves_no_farther():
    one_step = {"solver": "sgd", "momentum": 0, "max_iter": 1, "batch_size": 300}
    start = regressor(8, **one_step | {"learning_rate_init": 1e-300}).fit(X, Y)
    model = regressor(8, gradient_norm=0.01, **one_step | {"learning_rate_init": 1.0}).fit(X, 100 * Y)
    moves = [a - b for a, b in zip(model.coefs_, start.coefs_, strict=True)]
    assert np.sqrt(sum((move**2).sum() for move in moves)) <= 0.01 + 1e-12


def test_rates_by_layer_and_of_biases():
    start = regressor(8, solver="sgd", learning_rate_init=1e-300, max_iter=1).fit(X, Y)
    model = regressor(8, solver="sgd", max_iter=1, layer_rates=[0, 1], bias_rate=0).fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], start.coefs_[0])
    np.testing.assert_array_equal(model.intercepts_[1], start.intercepts_[1])
    assert (model.coefs_[1] != start.coefs_[1]).any()
    with pytest.raises(InputError, match=r"layer_rates has 1 factors.*2 layers"):
        regressor(8, layer_rates=[1]).fit(X, Y)


def test_first_weights_of_ones_own_and_frozen_layers():
    w, v, b, c = np.full((4, 3), 0.3), np.ones((3, 1)), np.arange(3.0), np.zeros(1)
    model = regressor(3, coefs_init=[w, v], intercepts_init=[b, c], frozen=[0], activation="tanh").fit(X, Y)
    np.testing.assert_array_equal(model.coefs_[0], w)
    np.testing.assert_array_equal(model.intercepts_[0], b)
    assert (model.coefs_[1] != v).any()
    with pytest.raises(InputError, match=r"coefs_init has shapes .*needs \[\(4, 3\), \(3, 1\)\]"):
        regressor(3, coefs_init=[w, w]).fit(X, Y)
    with pytest.raises(InputError, match="frozen holds 2"):
        regressor(3, frozen=[2]).fit(X, Y)


def test_first_weights_made_for_the_data():
    far = 1e4 * (X + 5)
    still = {"max_iter": 1, "learning_rate_init": 1e-300, "activation": "identity"}
    h = regressor(16, init="data", **still).fit(far, Y).transform(far)
    np.testing.assert_allclose(h.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(h.std(axis=0), 1)
    assert regressor(16, **still).fit(far, Y).transform(far).std() > 1000


def test_restarts_keep_the_best():
    options = {"solver": "lbfgs", "max_iter": 200, "tol": 1e-8, "alpha": 0.0}
    alone = [MLPRegressor((3,), "tanh", random_state=seed, **options).fit(X, Y).loss_ for seed in range(3)]
    best = MLPRegressor((3,), "tanh", random_state=0, n_restarts=6, **options).fit(X, Y)
    assert best.loss_ <= alone[0]
    assert best.loss_ == pytest.approx(0.5 * np.mean((best.predict(X) - Y) ** 2))


def test_tolerances_mean_what_they_say():
    options = {"solver": "lbfgs", "max_iter": 3000, "alpha": 0.0, "activation": "tanh"}
    loose, strict = regressor(6, tol=1e-8, **options).fit(X, Y), regressor(6, tol=1e-8, ftol=0.0, **options).fit(X, Y)
    assert strict.loss_ < loose.loss_
    assert strict.n_iter_ > loose.n_iter_


@pytest.mark.parametrize("parameters", [{"dropout": 0.1}, {"gradient_norm": 1.0}, {"weight_decay": 0.1}])
def test_what_a_solver_does_not_know_is_told(parameters):
    with pytest.raises(InputError, match=f"'lbfgs'.*{next(iter(parameters))}"):
        regressor(4, solver="lbfgs", **parameters).fit(X, Y)


def test_class_weights_and_label_smoothing():
    y = np.r_[np.ones(30, int), np.zeros(270, int)]
    x = X + 0.7 * y[:, None]
    recall = [classifier(8, class_weight=w).fit(x, y).predict(x)[:30].mean() for w in (None, "balanced", {0: 1, 1: 9})]
    assert recall[1] > recall[0]
    assert recall[2] > recall[0]
    with pytest.raises(UnknownNameError, match="class_weight 2"):
        classifier(class_weight={2: 1}).fit(x, y)
    sure, smoothed = (classifier(32, label_smoothing=e, max_iter=200).fit(X, LABELS) for e in (0.0, 0.2))
    assert smoothed.predict_proba(X).max() < sure.predict_proba(X).max()


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_transform_gives_the_learned_features(depth):
    model = classifier(*[6, 5][:depth], activation="tanh").fit(X, LABELS)
    h = model.transform(X)
    assert h.shape == (300, [4, 6, 5][depth])
    y = h @ model.coefs_[-1] + model.intercepts_[-1]
    np.testing.assert_allclose(1 / (1 + np.exp(-y[:, 0])), model.predict_proba(X)[:, 1], rtol=1e-9)


def test_learned_features_make_a_line_enough():
    learned = make_pipeline(MLPClassifier((16,), max_iter=300, random_state=0), LogisticRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert learned.fit(X, LABELS).score(X, LABELS) > 0.9 > LogisticRegression().fit(X, LABELS).score(X, LABELS)
