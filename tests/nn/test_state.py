"""A training can be taken apart between any two steps: read, edited, copied, saved, resumed, on either engine."""

import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.errors import InputError
from glassnet.nn import SGD, Adam, Architecture, CrossEntropy, Data, Engine, Optimizer, Spec, SquaredError, State
from glassnet.nn.random import permutation

N, D, K = 30, 4, 2

laws = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
optimizers = st.sampled_from([SGD(0.1), SGD(0.1, nesterov=False), Adam(0.01)])


def rows(n: int = N) -> Data:
    rng = np.random.default_rng(4)
    return Data(rng.normal(size=(n, D)), rng.dirichlet(np.ones(K), size=n), rng.uniform(0.5, 2, size=n))


def spec(optimizer: Optimizer | None = None, batch_size: int = 7, dtype: Any = np.float64) -> Spec:
    architecture = Architecture.create([D, 9, 3, K], ["tanh", "silu"])
    return Spec(architecture, CrossEntropy(), optimizer or Adam(0.01), l2=0.1, batch_size=batch_size, dtype=dtype)


def assert_same(left: State, right: State) -> None:
    """Bit for bit, every field."""
    for f in fields(State):
        a, b = getattr(left, f.name), getattr(right, f.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, f.name
            np.testing.assert_array_equal(a, b, err_msg=f.name)
        else:
            assert a == b, f.name


def assert_near(left: State, right: State) -> None:
    for name in ("parameters", "moments", "loss_sum"):
        np.testing.assert_allclose(getattr(left, name), getattr(right, name), rtol=1e-9, atol=1e-12, err_msg=name)
    assert (left.epoch, left.batch, left.step, left.samples) == (right.epoch, right.batch, right.step, right.samples)


def other(engine: Engine, request: pytest.FixtureRequest) -> Engine:
    return request.getfixturevalue("kernel" if engine.name == "numpy" else "reference")


@laws
@given(a=st.integers(0, 12), b=st.integers(0, 12), n=st.integers(1, N), batch=st.integers(1, 40), optimizer=optimizers)
def test_some_steps_and_then_some_are_all_of_them(engine, a, b, n, batch, optimizer):
    made = spec(optimizer, batch)
    at_once = engine.advance(engine.init(made, [1, 2]), rows(n), a + b)
    in_two = engine.advance(engine.advance(engine.init(made, [1, 2]), rows(n), a), rows(n), b)
    assert_same(in_two, at_once)


@laws
@given(steps=st.integers(0, 40), n=st.integers(1, N), batch=st.integers(1, 40))
def test_counters_tell_where_the_training_stands(engine, steps, n, batch):
    state = engine.advance(engine.init(spec(batch_size=batch), [0]), rows(n), steps)
    per_epoch = -(-n // batch)
    assert state.spec.batches(n) == per_epoch
    assert (state.epoch, state.batch) == divmod(steps, per_epoch)
    assert state.step == steps
    assert state.samples == state.epoch * n + state.batch * min(batch, n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [SGD(0.1), Adam(0.01)], ids=["sgd", "adam"])
def test_members_side_by_side_are_the_single_ones(engine, optimizer, dtype):
    seeds = [3, 2**64 - 1, 0]
    made = spec(optimizer, dtype=dtype)
    together = engine.init(made, seeds)
    together.learning_rate[:], together.l2[:] = [0.1, 0.01, 0.02], [0.0, 0.3, 0.1]
    engine.advance(together, rows(), 13)

    for k, seed in enumerate(seeds):
        alone = engine.init(made, [seed])
        alone.learning_rate[:], alone.l2[:] = [0.1, 0.01, 0.02][k], [0.0, 0.3, 0.1][k]
        engine.advance(alone, rows(), 13)
        np.testing.assert_array_equal(together.parameters[k], alone.parameters[0])
        np.testing.assert_array_equal(together.moments[:, k], alone.moments[:, 0])
        assert together.loss_sum[k] == alone.loss_sum[0]
        assert engine.evaluate(together, rows())[k] == engine.evaluate(alone, rows())[0]
    assert len(together) == len(seeds)


def test_an_inactive_member_is_left_as_it_is(engine):
    state = engine.advance(engine.init(spec(), [1, 2, 3]), rows(), 3)
    before = state.copy()
    state.active[1] = False
    engine.advance(state, rows(), 8)  # into the next epoch

    for name in ("parameters", "loss_sum"):
        assert (getattr(state, name)[1] == getattr(before, name)[1]).all(), name
        assert (getattr(state, name)[[0, 2]] != getattr(before, name)[[0, 2]]).any(), name
    assert (state.moments[:, 1] == before.moments[:, 1]).all()
    everyone = engine.advance(before, rows(), 8)
    np.testing.assert_array_equal(state.parameters[[0, 2]], everyone.parameters[[0, 2]])


def test_nobody_active_still_counts_the_steps(engine):
    state = engine.init(spec(), [1])
    state.active[:] = False
    first = state.parameters.copy()
    engine.advance(state, rows(), 6)
    assert (state.parameters == first).all()
    assert (state.epoch, state.batch) == (1, 1)


def test_a_copy_shares_nothing(engine):
    state = engine.advance(engine.init(spec(), [1]), rows(), 2)
    copied = state.copy()
    kept = pickle.loads(pickle.dumps(state))
    engine.advance(copied, rows(), 5)
    assert_same(state, kept)
    for f in fields(State):
        if isinstance(value := getattr(state, f.name), np.ndarray):
            assert not np.shares_memory(value, getattr(copied, f.name)), f.name


@pytest.mark.parametrize("at", [0, 1, 5, 9])  # before the first step, in the first epoch, at its end, in the second
def test_a_pickled_training_resumes_anywhere(engine, at):
    whole = engine.advance(engine.init(spec(), [1, 2]), rows(), 14)
    saved = pickle.dumps(engine.advance(engine.init(spec(), [1, 2]), rows(), at))
    assert_same(engine.advance(pickle.loads(saved), rows(), 14 - at), whole)


@pytest.mark.parametrize("at", [0, 1, 5, 9])
def test_a_training_resumes_on_the_other_engine(engine, request, at):
    second = other(engine, request)
    assert {engine.name, second.name} == {"numpy", "kernel"}
    whole = engine.advance(engine.init(spec(), [1, 2]), rows(), 14)
    state = engine.advance(engine.init(spec(), [1, 2]), rows(), at)
    assert_near(second.advance(pickle.loads(pickle.dumps(state)), rows(), 14 - at), whole)


def test_an_edited_weight_rate_or_mask_is_heard_mid_epoch(engine, request):
    second = other(engine, request)
    assert {engine.name, second.name} == {"numpy", "kernel"}
    states = []
    for each in (engine, second):
        state = each.advance(each.init(spec(), [1, 2]), rows(), 3)
        state.network(1).layers[0].w[2, 1] = 5.0
        state.learning_rate[0] *= 10
        state.frozen = np.zeros(state.parameters.shape[1], bool)
        state.frozen[2 * 9 + 1] = True  # the same weight: w (4, 9), row by row
        states.append(each.advance(state, rows(), 4))
    unedited = engine.advance(engine.init(spec(), [1, 2]), rows(), 7)

    assert_near(*states)
    assert states[0].network(1).layers[0].w[2, 1] == 5.0
    assert (states[0].parameters != unedited.parameters).mean() > 0.9


def test_a_network_of_a_state_is_a_view(engine):
    state = engine.init(spec(), [1])
    state.network().layers[-1].b[0] = 7
    assert state.parameters[0, -2] == 7
    assert (state.network().parameters == state.parameters[0]).all()


@pytest.mark.parametrize(
    "make", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]], ids=["columns", "strides"]
)
def test_arrays_of_another_layout_are_trained_too(engine, make):
    usual = engine.advance(engine.init(spec(), [1, 2]), rows(), 6)
    state = engine.init(spec(), [1, 2])
    state.parameters, state.moments = make(state.parameters), make(state.moments)
    engine.advance(state, rows(), 6)
    # NumPy's products may add up in another order for another layout; the kernel's do not.
    rtol = 0 if engine.name == "kernel" else 1e-12
    np.testing.assert_allclose(state.parameters, usual.parameters, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(state.moments, usual.moments, rtol=rtol, atol=rtol)


def test_the_loss_of_an_epoch_is_that_of_its_batches(engine):
    data, made = rows(), replace(spec(SGD(0.0, momentum=0.0)), l2=0.0)
    state = engine.advance(engine.init(made, [5]), Data(data.x, data.t), 5)  # without a step nothing changes
    assert state.epoch == 1
    assert state.loss_sum[0] / N == pytest.approx(engine.evaluate(state, Data(data.x, data.t))[0], rel=1e-12)


def test_rows_come_in_the_order_drawn_for_their_epoch(engine):
    data = Data(np.eye(6), np.ones((6, 1)))  # a row moves the weight of its own number alone
    made = Spec(Architecture.create([6, 1], bias=False), SquaredError(), SGD(0.5, momentum=0.0), batch_size=1)
    for epoch in (0, 1):
        state, order = engine.init(replace(made, init="zeros"), [9]), []
        state.epoch = epoch
        for _ in range(6):
            before = state.parameters.copy()
            engine.advance(state, data, 1)
            order += np.flatnonzero((state.parameters != before)[0]).tolist()
        assert order == permutation(9, epoch, 6).tolist()


def test_one_batch_of_all_rows_needs_no_shuffle(engine):
    shuffled = engine.advance(engine.init(spec(batch_size=N), [1]), rows(), 3)
    plain = engine.advance(engine.init(replace(spec(batch_size=N), shuffle=False), [1]), rows(), 3)
    np.testing.assert_array_equal(shuffled.parameters, plain.parameters)


def test_a_restarted_optimizer_keeps_the_networks(engine):
    state = engine.advance(engine.init(spec(), [1, 2]), rows(), 8)
    state.frozen = np.arange(state.parameters.shape[1]) < 3
    fresh = state.restart_optimizer(spec(SGD(0.5)))
    assert (fresh.parameters == state.parameters).all()
    assert fresh.best_parameters is None
    assert fresh.moments.shape == (1, *state.parameters.shape)
    assert not fresh.moments.any()
    assert fresh.learning_rate.tolist() == [0.5, 0.5]
    assert (fresh.frozen == state.frozen).all()
    assert (fresh.epoch, fresh.batch, fresh.step, fresh.samples) == (state.epoch, 0, 0, state.samples)
    engine.advance(fresh, rows(), 2)


def test_a_batch_of_no_rows_is_told(engine):
    with pytest.raises(InputError, match="batch_size is 0"):
        engine.init(spec(batch_size=0), [0])
