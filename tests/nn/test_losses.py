"""Losses at the edge: far scores, hard targets, wrong shapes, misspelt names."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from glassnet.errors import InputError, ShapeError, UnknownNameError
from glassnet.nn import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Gaussian,
    Huber,
    Network,
    Poisson,
    Quantile,
    SquaredError,
    get_loss,
)

laws = settings(max_examples=40, deadline=None, derandomize=True)
scores = arrays(np.float64, (5, 3), elements=st.floats(-50, 50))

# Three outputs, so that sums over outputs are seen.
FAR = [[1e3, -1e3, 0.0], [-1e3, -1e3, 1e3], [30.0, -40.0, 0.5], [1e-9, -1e-9, 0.0], [700.0, -700.0, 1.0]]
HARD = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
ONES_TOO = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]


TWO_PI = Decimal("6.28318530717958647692528676655900576839433879875021")


def scores_of(loss: Any, y: Any) -> Any:
    """As many as the loss takes: beside means the log-variances that do not overflow."""
    y = np.asarray(y)
    return y if loss.width == 1 else np.concatenate([y, np.clip(y[..., ::-1], -20, 20)], axis=-1)


def true_row(loss: str, y: list[float], t: list[float]) -> Decimal:
    """ℓ as its definition says, to 1000 digits, where even e⁻¹⁰⁰⁰ beside 1 is not lost."""
    with localcontext() as context:
        context.prec = 1000
        ys, ts = [Decimal(a) for a in y], [Decimal(a) for a in t]
        if loss == "squared_error":
            return sum(((a - b) ** 2 for a, b in zip(ys, ts, strict=True)), Decimal(0)) / 2
        rs = [abs(a - b) for a, b in zip(ys, ts, strict=False)]
        if loss == "absolute_error":
            return sum(rs, Decimal(0))
        if loss == "huber":
            return sum((r * r / 2 if r <= 1 else r - Decimal(1) / 2 for r in rs), Decimal(0))
        if loss == "quantile":
            return sum(rs, Decimal(0)) / 2  # of one half
        if loss == "gaussian":
            pairs = zip(rs, ys[len(ts) :], strict=True)
            return sum(((TWO_PI.ln() + v + r * r / v.exp()) / 2 for r, v in pairs), Decimal(0))
        if loss == "cross_entropy":
            total = sum((a.exp() for a in ys), Decimal(0))
            return -sum((b * (a.exp() / total).ln() for a, b in zip(ys, ts, strict=True)), Decimal(0))
        if loss == "binary_cross_entropy":
            ps = [1 / (1 + (-a).exp()) for a in ys]
            return -sum(((p if b else 1 - p).ln() for p, b in zip(ps, ts, strict=True)), Decimal(0))
        terms = [a.exp() - b + (b * (b / a.exp()).ln() if b else 0) for a, b in zip(ys, ts, strict=True)]
        return sum(terms, Decimal(0))


CASES = [
    (name, y, t)
    for name in LOSSES
    for y, t in zip(FAR * 2, HARD + (ONES_TOO if name != "cross_entropy" else HARD), strict=True)
]


@pytest.mark.parametrize(("name", "y", "t"), CASES)
def test_far_scores_and_hard_targets_lose_no_digit(name, y, t):
    y = scores_of(LOSSES[name], y)
    ours = LOSSES[name](y[None, :], np.array([t]))
    true = true_row(name, y.tolist(), t)
    expected = float("inf") if true > Decimal(np.finfo(float).max) else float(true)
    # Half a deviance near 0 is a difference of numbers near 1; the others are sums without cancellation.
    assert ours == pytest.approx(expected, rel=1e-13, abs=1e-15 if name == "poisson" else 1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LOSSES)
def test_far_scores_leave_finite_slopes_and_predictions(name, dtype):
    loss, t = LOSSES[name], np.array(HARD, dtype)
    y = scores_of(loss, FAR).astype(dtype)
    if name == "poisson":
        y = np.minimum(y, 80)  # e¹⁰⁰⁰ is no number of either format
    assert np.isfinite(loss(y, t))
    assert np.isfinite(loss.derivative(y, t)).all()
    assert np.isfinite(loss.predict(y)).all()
    assert loss.derivative(y, t).dtype == loss.predict(y).dtype == dtype


def test_counts_beyond_the_format_are_infinite_and_silent(engine):
    network = Network.create([1, 1], init="zeros")
    network.layers[0].w[0, 0] = 1
    value, gradients = engine.gradients(network, Poisson(), np.array([[1e3]]), np.array([[1.0]]))
    assert value == np.inf
    assert gradients[0].db[0] == np.inf
    value, gradients = engine.gradients(network, Poisson(), np.array([[-1e3]]), np.array([[1.0]]))
    assert value == 999  # e⁻¹⁰⁰⁰ − 1 + 1000
    assert gradients[0].db[0] == -1


@pytest.mark.parametrize("name", LOSSES)
def test_both_engines_say_the_same_at_the_edge(kernel, reference, name):
    assert kernel.name == "kernel"
    x, t = scores_of(LOSSES[name], FAR), np.array(HARD)
    network = Network.create([x.shape[1]] * 2, init="zeros")
    network.layers[0].w[...] = np.eye(x.shape[1])
    if name == "poisson":
        x = np.minimum(x, 80)
    ours, theirs = (engine.gradients(network, LOSSES[name], x, t) for engine in (kernel, reference))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-14)
    np.testing.assert_allclose(ours[1][0].db, theirs[1][0].db, rtol=1e-13)


@laws
@given(y=scores)
def test_probabilities_are_probabilities(y):
    p, q = CrossEntropy().predict(y), BinaryCrossEntropy().predict(y)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-14)
    assert ((p >= 0) & (p <= 1) & (q >= 0) & (q <= 1)).all()
    np.testing.assert_allclose(q + BinaryCrossEntropy().predict(-y), 1, rtol=1e-14)


@laws
@given(y=scores, shift=st.floats(-100, 100))
def test_a_shift_of_all_scores_changes_no_softmax(y, shift):
    np.testing.assert_allclose(CrossEntropy().predict(y + shift), CrossEntropy().predict(y), rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"gaussian"}))  # a smaller variance may always be likelier
@laws
@given(y=scores)
def test_no_loss_falls_below_that_of_the_truth(name, y):
    loss = LOSSES[name]
    truth = np.random.default_rng(0).normal(size=(5, 3))
    t = loss.predict(truth)
    assert loss(y, t) >= loss(truth, t) - 1e-12
    np.testing.assert_allclose(loss.derivative(truth, t), 0, atol=1e-14)


def test_values_worked_by_hand():
    assert SquaredError()(np.array([[1.0, 3.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 2.0]])) == (5 / 2 + 4 / 2) / 2
    assert BinaryCrossEntropy()(np.zeros((2, 1)), np.array([[1.0], [0.0]])) == pytest.approx(np.log(2))
    assert CrossEntropy()(np.zeros((1, 4)), np.array([[0, 0, 1.0, 0]])) == pytest.approx(np.log(4))
    assert Poisson()(np.zeros((1, 1)), np.array([[0.0]])) == 1  # p = 1, t = 0
    assert Poisson()(np.zeros((1, 1)), np.array([[2.0]])) == pytest.approx(2 * np.log(2) - 1)


@pytest.mark.parametrize("name", LOSSES)
def test_weights_weigh_rows(name):
    loss, t, s = LOSSES[name], np.array(HARD[2:4]), np.array([1.0, 3.0])
    y = scores_of(loss, FAR[2:4])
    rows = [loss(y[i : i + 1], t[i : i + 1]) for i in range(2)]
    assert loss(y, t, s) == pytest.approx((rows[0] + 3 * rows[1]) / 4, rel=1e-14)
    np.testing.assert_allclose(loss.derivative(y, t, 5 * s), loss.derivative(y, t, s), rtol=1e-14)


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((3, 1), (3,)), ((3, 3), (3, 1)), ((3, 2), (2, 2))])
@pytest.mark.parametrize("name", LOSSES)
def test_shapes_that_do_not_fit_are_told(name, shapes):
    y, t = (np.zeros(shape) for shape in shapes)
    for call in (LOSSES[name], LOSSES[name].derivative):
        with pytest.raises(ShapeError, match=r"(same shape \(n, k\)|y \(n, 2k\) and t \(n, k\)).*t\[:, None\]"):
            call(y, t)


def test_names():
    for name, loss in LOSSES.items():
        assert get_loss(name) is get_loss(loss) is loss
    with pytest.raises(
        UnknownNameError, match=r"Unknown loss 'cross_entrop'. Did you mean 'cross_entropy'\? Known: absolute_"
    ):
        get_loss("cross_entrop")
    assert get_loss("quantile", quantile=0.9) == Quantile(0.9) != Quantile()
    with pytest.raises(UnknownNameError, match="Unknown loss None"):
        get_loss(None)  # type: ignore[arg-type]


targets = arrays(np.float64, (5, 2), elements=st.floats(-10, 10, allow_subnormal=False))


@laws
@given(mean=targets, v=targets, t=targets)
def test_the_gaussian_loss_is_that_of_the_normal_distribution(mean, v, t):
    loss, y = Gaussian(), np.concatenate([mean, v], axis=1)
    expected = -norm.logpdf(t, mean, np.exp(v / 2)).sum(axis=1)
    np.testing.assert_allclose(loss.rows(y, t), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(loss.predict(y), np.concatenate([mean, np.exp(v)], axis=1), rtol=1e-14)
    # Where the variance is that of the targets, nothing pulls.
    truth = np.concatenate([mean, np.log((t - mean) ** 2 + 1)], axis=1)
    far = mean + np.sqrt((t - mean) ** 2 + 1)
    np.testing.assert_allclose(loss.slope(truth, far)[:, 2:], 0, atol=1e-13)


def best_constant(loss: Any, t: Any) -> Any:
    """The target that as a constant score loses least."""
    return t[np.argmin([loss(np.full_like(t, constant), t) for constant in t[:, 0]]), 0]


@laws
@given(quantile=st.integers(1, 99).map(lambda percent: percent / 100), seed=st.integers(0, 1000))
def test_the_best_constant_of_a_quantile_is_the_quantile(quantile, seed):
    t = np.random.default_rng(seed).exponential(size=(37, 1))
    assert best_constant(Quantile(quantile), t) == np.quantile(t, quantile, method="inverted_cdf")
    assert best_constant(AbsoluteError(), t) == np.median(t)


@laws
@given(y=targets, t=targets)
def test_half_the_absolute_error_is_the_median_s_quantile(y, t):
    np.testing.assert_allclose(2 * Quantile(0.5).rows(y, t), AbsoluteError().rows(y, t), rtol=1e-14)
    np.testing.assert_array_equal(2 * Quantile(0.5).slope(y, t), AbsoluteError().slope(y, t))


def test_where_score_and_target_meet_there_is_no_slope():
    y = np.array([[1.5, -2.0]])
    for loss in (AbsoluteError(), Quantile(0.9), Huber(), SquaredError()):
        assert loss.derivative(y, y).tolist() == [[0, 0]]


@laws
@given(y=targets, t=targets, delta=st.floats(0.01, 30))
def test_huber_lies_between_squared_and_absolute(y, t, delta):
    huber = Huber(delta).rows(y, t)
    squared, absolute = SquaredError().rows(y, t), AbsoluteError().rows(y, t)
    assert (huber <= squared * (1 + 1e-12) + 1e-12).all()
    assert (huber <= delta * absolute * (1 + 1e-12) + 1e-12).all()
    assert (huber >= delta * absolute - delta**2 * y.shape[1] / 2 - 1e-9).all()
    np.testing.assert_allclose(Huber(50.0).rows(y, t), squared, rtol=1e-14)  # nothing is so far
    assert (np.abs(Huber(delta).slope(y, t)) <= delta).all()


def test_huber_goes_over_without_a_jump():
    delta, zero = 0.7, np.zeros((1, 1))
    for side in (-1, 1):
        inside, outside = (np.array([[side * delta * (1 + e)]]) for e in (-1e-9, 1e-9))
        assert Huber(delta)(inside, zero) == pytest.approx(Huber(delta)(outside, zero), rel=1e-8)
        assert Huber(delta).slope(inside, zero)[0, 0] == pytest.approx(
            Huber(delta).slope(outside, zero)[0, 0], rel=1e-8
        )


@laws
@given(y=scores, smoothing=st.floats(0, 0.99), seed=st.integers(0, 1000))
def test_label_smoothing_is_another_target(y, smoothing, seed):
    rng = np.random.default_rng(seed)
    hard, several = np.eye(3)[rng.integers(3, size=5)], rng.integers(0, 2, size=(5, 3)).astype(float)
    for loss, plain, t, smoothed in (
        (CrossEntropy(smoothing), CrossEntropy(), hard, (1 - smoothing) * hard + smoothing / 3),
        (BinaryCrossEntropy(smoothing), BinaryCrossEntropy(), several, (1 - smoothing) * several + smoothing / 2),
    ):
        np.testing.assert_allclose(loss.rows(y, t), plain.rows(y, smoothed), rtol=1e-12)
        np.testing.assert_allclose(loss.slope(y, t), plain.slope(y, smoothed), rtol=1e-12, atol=1e-14)
        np.testing.assert_array_equal(loss.predict(y), plain.predict(y))


@pytest.mark.parametrize(
    ("name", "number", "text"),
    [
        ("huber", {"delta": 0.0}, "delta is 0.0, but must be a number > 0"),
        ("quantile", {"quantile": 1.0}, "quantile is 1.0, but must be a number between 0 and 1"),
        ("quantile", {"quantile": 0.0}, "quantile is 0.0"),
        ("cross_entropy", {"label_smoothing": 1.0}, "label_smoothing is 1.0, but must be a share from 0"),
        ("binary_cross_entropy", {"label_smoothing": -0.1}, "label_smoothing is -0.1"),
    ],
)
def test_numbers_that_cannot_be_are_told(name, number, text):
    with pytest.raises(InputError, match=text):
        get_loss(name, **number)
