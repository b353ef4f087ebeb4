"""Penalties, clipping and bounds: their laws, and that both engines hold them in every step."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from glassnet.errors import InputError
from glassnet.nn import (
    OPTIMIZERS,
    SGD,
    Adam,
    Architecture,
    Cosine,
    CrossEntropy,
    Data,
    Gaussian,
    Network,
    Optimizer,
    Spec,
    SquaredError,
    State,
    central_difference,
)
from glassnet.nn.network import flatten_gradients
from glassnet.nn.regularizers import clip_norm, l1_penalty, l2_penalty, limit_columns

laws = settings(max_examples=60, deadline=None, derandomize=True)
vectors = arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6, allow_subnormal=False))
matrices = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.floats(-1e6, 1e6, allow_subnormal=False)
)


def rows(n: int = 30) -> Data:
    rng = np.random.default_rng(4)
    return Data(rng.normal(size=(n, 4)), rng.dirichlet(np.ones(2), size=n), rng.uniform(0.5, 2, size=n))


def spec(**changes: Any) -> Spec:
    architecture = Architecture.create([4, 9, 3, 2], ["tanh", "silu"], skip=True)
    return Spec(architecture, CrossEntropy(), **{"optimizer": SGD(0.3), "batch_size": 7} | changes)


def test_penalties_are_their_formulas():
    assert l2_penalty(np.array([1.0, -2.0]), alpha=3.0, rows=10.0) == pytest.approx(3 * 5 / 20)
    assert l1_penalty(np.array([1.0, -2.0]), alpha=3.0, rows=10.0) == pytest.approx(3 * 3 / 10)


@pytest.mark.parametrize(("l2", "l1"), [(0.9, 0.0), (0.0, 0.9), (0.4, 0.7)])
@pytest.mark.parametrize("weighted", [True, False])
def test_penalties_add_their_slopes_and_leave_biases_alone(engine, l2, l1, weighted):
    data = rows()
    s = data.s if weighted else None
    network = Network.create([4, 9, 2], "tanh", skip=True, seed=1)
    network.skip[...] = np.random.default_rng(0).normal(size=(4, 2))
    network.layers[0].w[0, 0] = 0  # where |w| has its kink the slope is 0

    plain, without = engine.gradients(network, CrossEntropy(), data.x, data.t, s)
    value, gradients = engine.gradients(network, CrossEntropy(), data.x, data.t, s, l2, l1)

    w, total = network.parameters, 30 if s is None else s.sum()
    is_weight = network.architecture.is_weight()
    assert value - plain == pytest.approx(
        (l2 * (w[is_weight] ** 2).sum() / 2 + l1 * np.abs(w[is_weight]).sum()) / total
    )
    pull = np.where(is_weight, l2 * w + l1 * np.sign(w), 0) / total
    np.testing.assert_allclose(flatten_gradients(gradients) - flatten_gradients(without), pull, atol=1e-14)


@pytest.mark.parametrize(("l2", "l1"), [(0.9, 0.0), (0.0, 0.9)])
def test_a_penalised_slope_is_that_of_the_loss_that_is_reported(engine, l2, l1):
    data, network = rows(), Network.create([4, 5, 2], "tanh", seed=1)

    def value() -> float:
        return engine.gradients(network, CrossEntropy(), data.x, data.t, data.s, l2, l1)[0]

    gradients = engine.gradients(network, CrossEntropy(), data.x, data.t, data.s, l2, l1)[1]
    for layer, gradient in zip(network.layers, gradients, strict=True):
        np.testing.assert_allclose(gradient.dw, central_difference(value, layer.w), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(gradient.db, central_difference(value, layer.b), rtol=1e-6, atol=1e-9)


def test_members_have_penalties_of_their_own(engine):
    state = engine.init(spec(optimizer=SGD(0.1, momentum=0.0), l2=0.1, l1=0.2), [1, 1, 1])
    assert (state.l2.tolist(), state.l1.tolist()) == ([0.1] * 3, [0.2] * 3)
    state.l1[1], state.l2[2] = 2.0, 5.0
    engine.advance(state, rows(), 10)
    sums = [np.abs(state.network(k).layers[0].w).sum() for k in range(3)]
    assert sums[0] > 1.2 * sums[1]
    assert sums[0] > 1.2 * sums[2]


@laws
@given(g=vectors, largest=st.floats(1e-3, 1e3))
def test_a_clipped_gradient_points_the_same_way_and_is_not_too_long(g, largest):
    kept, clipped = g.copy(), clip_norm(g, largest)
    norm = np.linalg.norm(g)
    assert (g == kept).all()
    assert np.linalg.norm(clipped) <= largest * (1 + 1e-12) or norm <= largest
    np.testing.assert_allclose(clipped, g * min(1.0, largest / norm) if norm else g, rtol=1e-12)


def test_a_gradient_within_bounds_is_left_bit_for_bit():
    g = np.random.default_rng(0).normal(size=20)
    np.testing.assert_array_equal(clip_norm(g, 100.0), g)


def test_a_gradient_of_float32_whose_square_leaves_the_format_is_clipped():
    clipped = clip_norm(np.array([3e25, -4e25], np.float32), 1.0)
    assert clipped.dtype == np.float32
    np.testing.assert_allclose(clipped, [0.6, -0.8], rtol=1e-6)


@laws
@given(w=matrices, largest=st.floats(1e-3, 1e3))
def test_limited_columns_point_the_same_way_and_are_not_too_long(w, largest):
    before = w.copy()
    limit_columns([w], largest)
    old, new = np.linalg.norm(before, axis=0), np.linalg.norm(w, axis=0)
    assert (new <= largest * (1 + 1e-12)).all()
    np.testing.assert_array_equal(w[:, old <= largest * (1 - 1e-12)], before[:, old <= largest * (1 - 1e-12)])
    np.testing.assert_allclose(w * np.maximum(old, largest), before * largest, rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_is_no_longer_than_its_clipped_gradient(engine, dtype):
    made = spec(gradient_norm=0.02, optimizer=SGD(0.5, momentum=0.0), dtype=dtype)
    state = engine.init(made, [1, 2])
    for _ in range(6):
        before = state.parameters.copy()
        engine.advance(state, rows(), 1)
        lengths = np.linalg.norm((state.parameters - before).astype(float), axis=1)
        np.testing.assert_allclose(lengths, 0.5 * 0.02, rtol=1e-5 if dtype is np.float32 else 1e-12)
    free = engine.advance(engine.init(replace(made, gradient_norm=1e6), [1, 2]), rows(), 6)
    plain = engine.advance(engine.init(replace(made, gradient_norm=None), [1, 2]), rows(), 6)
    np.testing.assert_array_equal(free.parameters, plain.parameters)


def test_a_frozen_gradient_does_not_count_for_the_norm(engine):
    made = spec(gradient_norm=1e-3, optimizer=SGD(1.0, momentum=0.0))
    state = engine.init(made, [1])
    state.frozen = np.arange(made.architecture.n_parameters) % 2 == 0
    before = state.parameters.copy()
    engine.advance(state, rows(), 1)
    assert np.linalg.norm(state.parameters - before) == pytest.approx(1e-3, rel=1e-10)


def test_weights_into_a_unit_stay_within_their_bound(engine):
    state = engine.init(spec(weight_norm=0.4), [1, 2])
    for _ in range(5):
        engine.advance(state, rows(), 1)
        for k in range(2):
            for layer in state.network(k).layers:
                assert (np.linalg.norm(layer.w, axis=0) <= 0.4 * (1 + 1e-12)).all()
    assert any(np.linalg.norm(layer.w, axis=0).max() > 0.399 for layer in state.network().layers)
    assert np.abs(state.network().layers[-1].b).max() > 0


def test_each_layer_has_rates_of_its_own(engine):
    # The bias of layer 0, the weights of layer 1 and the skip path stand still; layer 2 goes twice as fast.
    rates = ((1.0, 0.0), (0.0, 1.0), (2.0, 2.0), (0.0, 1.0))
    made = spec(optimizer=SGD(0.3, momentum=0.0))
    state, plain = (engine.advance(engine.init(each, [1]), rows(), 1) for each in (replace(made, rates=rates), made))
    first = engine.init(made, [1]).parameters[0]
    factors = np.ones(made.architecture.n_parameters)
    for (w, b), (of_w, of_b) in zip(made.architecture.blocks(), rates, strict=True):
        factors[w], factors[b] = of_w, of_b
    np.testing.assert_allclose(state.parameters[0] - first, factors * (plain.parameters[0] - first), atol=1e-15)
    np.testing.assert_array_equal(state.parameters[0][factors == 0], first[factors == 0])


def everything(optimizer: Optimizer, dtype: Any = np.float64) -> Spec:
    """All that a step may do, at once."""
    return spec(
        optimizer=optimizer,
        schedule=Cosine(warmup_steps=2),
        l2=0.5,
        l1=0.3,
        dropout=(0.3, 0.1),
        gradient_norm=0.5,
        weight_norm=0.6,
        rates=((1, 2), (0.5, 1), (3, 1), (2, 1)),
        dtype=dtype,
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_what_is_frozen_stays_bit_for_bit_under_everything_at_once(engine, optimizer, dtype):
    made = everything(optimizer(0.1, weight_decay=0.2), dtype)
    state = engine.init(made, [1, 2])
    state.total_steps = 12
    state.moments[...] = np.random.default_rng(0).uniform(0.1, 1, state.moments.shape)
    state.frozen = frozen = np.random.default_rng(1).random(made.architecture.n_parameters) < 0.4
    first = state.copy()
    engine.advance(state, rows(), 9)
    np.testing.assert_array_equal(state.parameters[:, frozen], first.parameters[:, frozen])
    np.testing.assert_array_equal(state.moments[:, :, frozen], first.moments[:, :, frozen])
    assert (state.parameters[:, ~frozen] != first.parameters[:, ~frozen]).mean() > 0.9


@pytest.mark.parametrize("at", [0, 1, 5, 9])  # before the first step, in the first epoch, at its end, in the second
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_a_training_under_everything_at_once_resumes_anywhere(engine, request, optimizer, at):
    def begun() -> State:
        return replace(engine.init(everything(optimizer(0.01, weight_decay=0.2)), [1, 2]), total_steps=14)

    whole = engine.advance(begun(), rows(), 14)
    saved = pickle.dumps(engine.advance(begun(), rows(), at))
    resumed = engine.advance(pickle.loads(saved), rows(), 14 - at)
    for name in ("parameters", "moments", "loss_sum"):
        np.testing.assert_array_equal(getattr(resumed, name), getattr(whole, name), err_msg=name)

    other = request.getfixturevalue("kernel" if engine.name == "numpy" else "reference")
    assert {engine.name, other.name} == {"numpy", "kernel"}
    elsewhere = other.advance(pickle.loads(saved), rows(), 14 - at)
    np.testing.assert_allclose(elsewhere.parameters, whole.parameters, rtol=1e-8, atol=1e-11)


def test_members_under_everything_at_once_are_the_single_ones(engine):
    together = engine.advance(engine.init(everything(OPTIMIZERS["adamw"](0.01)), [3, 8]), rows(), 9)
    for k, seed in enumerate([3, 8]):
        alone = engine.advance(engine.init(everything(OPTIMIZERS["adamw"](0.01)), [seed]), rows(), 9)
        np.testing.assert_array_equal(together.parameters[k], alone.parameters[0])
        np.testing.assert_array_equal(together.moments[:, k : k + 1], alone.moments)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"l1": -0.1}, r"l1 is -0.1 .* must be ≥ 0"),
        ({"l2": -1.0}, r"l2 -1.0, but penalties must be ≥ 0"),
        ({"gradient_norm": 0.0}, "gradient_norm is 0.0"),
        ({"weight_norm": -1.0}, "weight_norm -1.0"),
        ({"rates": ((1.0, 1.0),)}, "for each of 4 layers"),
        ({"rates": ((1.0, -1.0),) * 4}, "factors ≥ 0"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_what_cannot_be_is_told(changes, text):
    with pytest.raises(InputError, match=text):
        spec(**changes)


def test_a_loss_of_two_scores_needs_an_even_number_of_outputs():
    with pytest.raises(InputError, match="'gaussian' needs 2 scores for each target, but the network has 3 outputs"):
        Spec(Architecture.create([2, 3]), Gaussian(), Adam())
    assert Spec(Architecture.create([2, 4]), Gaussian()).loss.width == 2
    assert SquaredError.width == 1
