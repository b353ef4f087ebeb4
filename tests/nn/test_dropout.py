"""Dropout: masks that depend on their address alone, the same in both engines, and gone outside training."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from glassnet.errors import InputError
from glassnet.nn import SGD, Adam, Architecture, CrossEntropy, Data, Network, Spec, SquaredError
from glassnet.nn.random import DROPOUT, dropout_mask, random_words

N, M = 300, 5  # rows of a batch cross the kernel's chunk of 256; an odd count of numbers is drawn for it
FAR = 1e3


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 0.0625])
def test_masks_have_the_asked_mean(rate):
    mask = dropout_mask(3, 1, 2, 0, (2000, 50), rate)
    dropped = (mask == 0).mean()
    assert abs(dropped - rate) < 4 * np.sqrt(rate * (1 - rate) / mask.size)
    assert np.unique(mask).tolist() == [0, 1 / (1 - rate)]
    assert abs(mask.mean() - 1) < 4 * np.sqrt(rate / (1 - rate) / mask.size)  # so the expectation of h is unchanged


def test_places_of_a_mask_do_not_know_each_other():
    kept = dropout_mask(0, 0, 0, 0, (4000, 4), 0.5) > 0
    patterns = np.bincount(kept @ (1 << np.arange(4)), minlength=16)
    assert chisquare(patterns).pvalue > 1e-3
    assert chisquare(np.bincount(2 * kept[:-1, 3] + kept[1:, 3], minlength=4)).pvalue > 1e-3


def test_masks_differ_by_seed_epoch_batch_and_layer():
    addresses = [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    masks = [dropout_mask(*address, (20, 10), 0.5) for address in addresses]
    assert len({mask.tobytes() for mask in masks}) == len(addresses)
    for mask in masks[1:]:
        assert 0.35 < (mask == masks[0]).mean() < 0.65
    np.testing.assert_array_equal(dropout_mask(0, 0, 0, 0, (20, 10), 0.5), masks[0])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rate=st.floats(0, 0.999), rows=st.integers(1, 40), m=st.integers(1, 9), more=st.integers(0, 9))
def test_a_mask_of_more_rows_begins_with_that_of_fewer(rate, rows, m, more):
    mask = dropout_mask(1, 2, 3, 4, (rows + more, m), rate)
    np.testing.assert_array_equal(mask[:rows], dropout_mask(1, 2, 3, 4, (rows, m), rate))
    assert set(np.unique(mask)) <= {0, 1 / (1 - rate)}


def mask_of_a_step(engine: Any, layer: int, rate: float, seeds: list[int], epoch: int, batch: int) -> Any:
    """What an engine multiplied h of a layer by, (K, N, M), read from the step that it took.

    x is the unit matrix and everything is linear, so that dw of the first layer is dz, and h is 1 everywhere: with
    y = Σ mask, dw = (y − t) mask / n.
    """
    sizes = [2 * N, *[M] * (layer + 1), 1]
    rates = tuple([0.0] * layer + [rate])
    spec = Spec(
        Architecture.create(sizes, "identity", bias=False),
        SquaredError(),
        SGD(1.0, momentum=0.0),
        dropout=rates,
        batch_size=N,
        shuffle=False,
    )
    state = engine.init(spec, seeds)
    for k in range(len(seeds)):
        first, *between, last = state.network(k).layers
        first.w[...], last.w[...] = 1, 1
        for each in between:
            each.w[...] = np.eye(M)
    state.epoch, state.batch = epoch, batch
    before = state.parameters.copy()
    engine.advance(state, Data(np.eye(2 * N), np.full((2 * N, 1), FAR)), 1)
    dw = (before - state.parameters)[:, : 2 * N * M].reshape(-1, 2 * N, M)[:, batch * N : (batch + 1) * N]
    y = (dw != 0).sum(axis=2, keepdims=True) / (1 - rate)
    return dw / ((y - FAR) / N)


@pytest.mark.parametrize(("epoch", "batch"), [(0, 0), (7, 1)])
@pytest.mark.parametrize("rate", [0.5, 0.2, 2.5 / 65536])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_step_uses_the_masks_of_its_address(engine, layer, rate, epoch, batch):
    masks = mask_of_a_step(engine, layer, rate, [4, 2**64 - 1], epoch, batch)
    for mask, seed in zip(masks, [4, 2**64 - 1], strict=True):
        np.testing.assert_allclose(mask, dropout_mask(seed, epoch, batch, layer, (N, M), rate), rtol=1e-12)


def test_a_share_between_two_of_the_grid_is_rounded_the_same_way(engine):
    # One of the very draws lies there: 16 bits that are an even number, and the share half a step above.
    draws = random_words(4, DROPOUT, 0, N * M // 2).astype("<u4").view("<u2")
    draw = next(int(v) for v in draws if v % 2 == 0 and 0.3 < v / 65536 < 0.7)
    rate = (draw + 0.5) / 65536
    (mask,) = mask_of_a_step(engine, 0, rate, [4], 0, 0)
    np.testing.assert_allclose(mask, dropout_mask(4, 0, 0, 0, (N, M), rate), rtol=1e-12)


def small(dropout: tuple[float, ...] = (0.5, 0.2), **changes: Any) -> Spec:
    architecture = Architecture.create([4, 9, 7, 2], ["tanh", "relu"])
    return Spec(architecture, CrossEntropy(), Adam(0.01), dropout=dropout, batch_size=7, **changes)


def rows(n: int = 30) -> Data:
    rng = np.random.default_rng(4)
    return Data(rng.normal(size=(n, 4)), rng.dirichlet(np.ones(2), size=n))


def test_prediction_knows_no_dropout(engine):
    state = engine.advance(engine.init(small(), [1, 2]), rows(), 3)
    plain = replace(state, spec=replace(state.spec, dropout=()))
    np.testing.assert_array_equal(engine.evaluate(state, rows()), engine.evaluate(plain, rows()))
    np.testing.assert_allclose(
        engine.evaluate(state, rows()),
        [CrossEntropy()(engine.forward(state.network(k), rows().x), rows().t) for k in range(2)],
        rtol=1e-14,
    )
    _, trace = engine.trace(state.network(), rows().x)
    assert all(step.mask is None for step in trace)
    np.testing.assert_array_equal(trace[1].x, trace[0].h)


def test_a_share_of_zero_is_no_dropout(engine):
    none = engine.advance(engine.init(small(dropout=()), [1, 2]), rows(), 9)
    zero = engine.advance(engine.init(small(dropout=(0.0, 0.0)), [1, 2]), rows(), 9)
    some = engine.advance(engine.init(small(dropout=(0.0, 0.5)), [1, 2]), rows(), 9)
    np.testing.assert_array_equal(zero.parameters, none.parameters)
    assert (some.parameters != none.parameters).any()


def test_the_loss_of_a_step_is_that_of_the_masked_network(engine):
    data, spec = rows(), replace(small(), batch_size=30)
    state = engine.init(spec, [5])
    before = Network.from_parameters(spec.architecture, state.parameters[0].copy())
    engine.advance(state, data, 1)
    masks = [
        dropout_mask(5, 0, 0, i, (30, m), rate) for i, (m, rate) in enumerate(zip([9, 7], [0.5, 0.2], strict=True))
    ]
    assert state.loss_sum[0] / 30 == pytest.approx(CrossEntropy()(before.forward(data.x, masks)[0], data.t), rel=1e-13)


@pytest.mark.parametrize("at", [0, 1, 5, 9])  # before the first step, in the first epoch, at its end, in the second
def test_a_training_resumes_with_its_masks(engine, request, at):
    whole = engine.advance(engine.init(small(), [1, 2]), rows(), 14)
    saved = pickle.dumps(engine.advance(engine.init(small(), [1, 2]), rows(), at))
    np.testing.assert_array_equal(engine.advance(pickle.loads(saved), rows(), 14 - at).parameters, whole.parameters)

    other = request.getfixturevalue("kernel" if engine.name == "numpy" else "reference")
    assert {engine.name, other.name} == {"numpy", "kernel"}
    elsewhere = other.advance(pickle.loads(saved), rows(), 14 - at)
    np.testing.assert_allclose(elsewhere.parameters, whole.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_members_with_dropout_are_the_single_ones(engine, dtype):
    together = engine.advance(engine.init(small(dtype=dtype), [3, 8]), rows(), 13)
    for k, seed in enumerate([3, 8]):
        alone = engine.advance(engine.init(small(dtype=dtype), [seed]), rows(), 13)
        np.testing.assert_array_equal(together.parameters[k], alone.parameters[0])


@pytest.mark.parametrize("dropout", [(0.5,), (0.5, 1.0), (-0.1, 0.5), (0.1, 0.1, 0.1)])
def test_shares_that_cannot_be_are_told(dropout):
    with pytest.raises(InputError, match=r"dropout is .* for each of 2 hidden layers"):
        small(dropout=dropout)
