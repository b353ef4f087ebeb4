"""Numbers at the edge of what floats hold: the answer is right, or the refusal says why."""

import math
import warnings

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import DataWarning, InputError
from glassnet.nn.losses import BinaryCrossEntropy, CrossEntropy, Poisson

mpmath.mp.dps = 60
SMALL = {"hidden_layer_sizes": (16,), "n_estimators": 1, "random_state": 0}
scores = st.floats(-700, 700)


def line(n=400, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(n, 2))
    return x, x[:, 0] - 0.5 * x[:, 1]


@pytest.mark.parametrize("size", [1e30, 1e-30, 1e150, 1e-150])
@pytest.mark.parametrize("engine", ["kernel", "numpy"])
def test_a_table_in_huge_or_tiny_units_is_learned_like_any_other(size, engine):
    x, y = line()
    for inputs, target in ((x * size, y), (x, y * size)):
        model = gn.TableRegressor(**SMALL, engine=engine).fit(inputs, target)
        assert model.score(inputs, target) > 0.95
    labels = np.where(y > 0, "up", "down")
    model = gn.TableClassifier(**SMALL, engine=engine).fit(x * size, labels)
    assert model.score(x * size, labels) > 0.95


def test_a_model_that_scales_nothing_refuses_what_no_weight_can_hold():
    x, y = line()
    with pytest.raises(ValueError, match="large values and need to be preprocessed"):
        gn.MLPRegressor((8,), max_iter=20, random_state=0).fit(x * 1e300, y)
    for size in (1e-30, 5e-324):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 20 epochs converge to little
            model = gn.MLPRegressor((8,), max_iter=20, random_state=0).fit(x * size, y)
        assert np.isfinite(model.predict(x * size)).all()


def test_subnormal_numbers_are_learned_or_said_to_be_one_value():
    x, y = line()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = gn.TableRegressor(**SMALL).fit({"tiny": np.full(400, 5e-324) * np.arange(400), "x": x[:, 0]}, y)
    assert np.isfinite(model.predict({"tiny": [0.0, 1e-321], "x": [0.1, 0.2]})).all()


def test_a_target_far_from_zero_keeps_its_digits():
    x, y = line()
    model = gn.TableRegressor(**SMALL).fit(x, y + 1e9)
    residual = model.predict(x) - 1e9 - y
    assert np.sqrt(np.mean(residual**2)) < 0.2 * y.std()
    assert np.abs(model.predict_interval(x, 0.9).mean() - 1e9) < 1


def test_a_constant_column_changes_nothing():
    x, y = line()
    with pytest.warns(DataWarning, match="same value"):
        model = gn.TableRegressor(**SMALL).fit({"a": x[:, 0], "b": x[:, 1], "one": np.full(400, 7.0)}, y)
    alone = gn.TableRegressor(**SMALL).fit({"a": x[:, 0], "b": x[:, 1]}, y)
    assert (
        model.predict({"a": x[:, 0], "b": x[:, 1], "one": x[:, 0]}) == alone.predict({"a": x[:, 0], "b": x[:, 1]})
    ).all()


def test_one_row_of_each_class_is_learned():
    rows = {"x": [0.0, 1.0, 2.0], "y": ["a", "b", "c"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = gn.TableClassifier(**SMALL).fit(rows, target="y")
    assert model.predict_proba(rows).shape == (3, 3)
    np.testing.assert_allclose(model.predict_proba(rows).sum(axis=1), 1)


def test_rows_of_weight_zero_are_as_if_they_were_not_there():
    x, y = line()
    weights = np.r_[np.ones(200), np.zeros(200)]
    wild = np.r_[y[:200], np.full(200, 1e30)]
    model = gn.TableRegressor(**SMALL).fit(x, wild, sample_weight=weights)
    assert (
        model.predict(x) == gn.TableRegressor(**SMALL).fit(x[:200], y[:200], sample_weight=np.ones(200)).predict(x)
    ).all()
    with pytest.raises(InputError, match="not every weight may be zero"):
        gn.TableRegressor(**SMALL).fit(x, y, sample_weight=np.zeros(400))
    network = gn.MLPRegressor((8,), max_iter=5, random_state=0)
    with pytest.raises(ValueError, match=r"zero|0 for every row"):
        network.fit(x, y, sample_weight=np.zeros(400))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_million_rows_are_learned_in_a_few_bytes_for_each():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, size=(10_000_000, 1)).astype(np.float32)
    y = np.abs(x[:, 0])
    model = gn.MLPRegressor((4,), batch_size=8192, max_iter=1, learning_rate_init=0.01, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one epoch is no convergence
        model.fit(x, y)
    assert model.score(x[:1000], y[:1000]) > 0.9


# Losses to the last bit that matters, beside 60 digits.


def told(value):
    return float(value)


@given(scores)
def test_the_logistic_and_its_loss_are_right_to_a_few_last_bits(y):
    loss = BinaryCrossEntropy()
    rows = np.array([[y]])
    assert math.isclose(loss.predict(rows)[0, 0], told(1 / (1 + mpmath.exp(-mpmath.mpf(y)))), rel_tol=1e-15)
    for t in (0.0, 1.0):
        exact = mpmath.log1p(mpmath.exp(mpmath.mpf(y if t == 0 else -y)))
        # max(y, 0) − ty is exact, so that only ln(1 + e^−|y|) can err: by two units of log1p and one of exp.
        assert math.isclose(loss.rows(rows, np.array([[t]]))[0], told(exact), rel_tol=1e-15, abs_tol=0)


@given(st.lists(scores, min_size=2, max_size=6))
def test_log_sum_exp_is_right_to_a_few_last_bits(y):
    rows = np.array([y])
    total = mpmath.fsum(mpmath.exp(mpmath.mpf(v)) for v in y)
    for k, score in enumerate(y):
        t = np.eye(len(y))[[k]]
        exact = mpmath.log(total) - mpmath.mpf(score)
        size = max(abs(v) for v in y)  # the loss is a difference of two numbers of this size
        assert math.isclose(CrossEntropy().rows(rows, t)[0], told(exact), rel_tol=1e-15, abs_tol=1e-15 * max(size, 1))
        p = mpmath.exp(mpmath.mpf(score)) / total
        if p > 1e-290:
            assert math.isclose(CrossEntropy().predict(rows)[0, k], told(p), rel_tol=3e-13)


@given(st.floats(-30, 30), st.integers(0, 1000))
def test_half_the_poisson_deviance_is_right_beside_the_sizes_of_its_terms(y, t):
    exact = mpmath.exp(mpmath.mpf(y)) - t + (t * mpmath.log(t) - t * mpmath.mpf(y) if t else 0)
    size = math.exp(y) + t * (1 + abs(y)) + (t * math.log(t) if t else 0)
    assert abs(Poisson().rows(np.array([[y]]), np.array([[float(t)]]))[0] - told(exact)) <= 2e-15 * size
