"""Losses at the edge: far scores, hard targets, wrong shapes, misspelt names."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glassnet.errors import ShapeError, UnknownNameError
from glassnet.nn import (
    LOSSES,
    Architecture,
    BinaryCrossEntropy,
    CrossEntropy,
    Data,
    Network,
    Poisson,
    Spec,
    SquaredError,
    get_loss,
)

laws = settings(max_examples=40, deadline=None, derandomize=True)
scores = arrays(np.float64, (5, 3), elements=st.floats(-50, 50))

# Three outputs, so that sums over outputs are seen.
FAR = [[1e3, -1e3, 0.0], [-1e3, -1e3, 1e3], [30.0, -40.0, 0.5], [1e-9, -1e-9, 0.0], [700.0, -700.0, 1.0]]
HARD = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
ONES_TOO = [[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0], [0.0, 1.0, 0.0]]


def true_row(loss: str, y: list[float], t: list[float]) -> Decimal:
    """ℓ as its definition says, to 1000 digits, where even e⁻¹⁰⁰⁰ beside 1 is not lost."""
    with localcontext() as context:
        context.prec = 1000
        ys, ts = [Decimal(a) for a in y], [Decimal(a) for a in t]
        if loss == "squared_error":
            return sum(((a - b) ** 2 for a, b in zip(ys, ts, strict=True)), Decimal(0)) / 2
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
    ours = LOSSES[name](np.array([y]), np.array([t]))
    true = true_row(name, y, t)
    expected = float("inf") if true > Decimal(np.finfo(float).max) else float(true)
    # Half a deviance near 0 is a difference of numbers near 1; the others are sums without cancellation.
    assert ours == pytest.approx(expected, rel=1e-13, abs=1e-15 if name == "poisson" else 1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LOSSES)
def test_far_scores_leave_finite_slopes_and_predictions(name, dtype):
    loss, y, t = LOSSES[name], np.array(FAR, dtype), np.array(HARD, dtype)
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
    network = Network.create([3, 3], init="zeros")
    network.layers[0].w[...] = np.eye(3)
    x, t = np.array(FAR), np.array(HARD)
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


@pytest.mark.parametrize("name", LOSSES)
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
    loss, y, t, s = LOSSES[name], np.array(FAR[2:4]), np.array(HARD[2:4]), np.array([1.0, 3.0])
    rows = [loss(y[i : i + 1], t[i : i + 1]) for i in range(2)]
    assert loss(y, t, s) == pytest.approx((rows[0] + 3 * rows[1]) / 4, rel=1e-14)
    np.testing.assert_allclose(loss.derivative(y, t, 5 * s), loss.derivative(y, t, s), rtol=1e-14)


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((3, 1), (3,)), ((3, 2), (3, 1)), ((3, 2), (2, 2))])
@pytest.mark.parametrize("name", LOSSES)
def test_shapes_that_do_not_fit_are_told(name, shapes):
    y, t = (np.zeros(shape) for shape in shapes)
    for call in (LOSSES[name], LOSSES[name].derivative):
        with pytest.raises(ShapeError, match=r"same shape \(n, k\).*t\[:, None\]"):
            call(y, t)


def test_names():
    for name, loss in LOSSES.items():
        assert get_loss(name) is get_loss(loss) is loss
    with pytest.raises(
        UnknownNameError, match=r"Unknown loss 'cross_entrop'. Did you mean 'cross_entropy'\? Known: binary_"
    ):
        get_loss("cross_entrop")
    with pytest.raises(UnknownNameError, match="Unknown loss None"):
        get_loss(None)  # type: ignore[arg-type]


def test_a_loss_that_the_kernel_does_not_have_is_told(kernel):
    class Huber(SquaredError):
        name = "huber"

    spec: Any = Spec(Architecture.create([1, 1]), Huber())
    with pytest.raises(ValueError, match="the kernel has no loss 'huber'"):
        kernel.advance(kernel.init(spec, [0]), Data(np.zeros((1, 1)), np.zeros((1, 1))), 1)
