"""The kernel's own door: arrays in another dtype or layout are refused, never copied and lost; a state's are brought
into form by the engine."""

import time
from typing import Any

import numpy as np
import pytest

from glassnet.nn import SGD, Architecture, CrossEntropy, Data, Spec, SquaredError, State

pytestmark = pytest.mark.usefixtures("kernel")

D, M, K, N = 4, 3, 2, 6


def spec(dtype: Any = np.float64) -> Spec:
    return Spec(Architecture.create([D, M, K], "tanh"), CrossEntropy(), SGD(0.1), batch_size=3, dtype=dtype)


def data() -> Data:
    rng = np.random.default_rng(0)
    return Data(rng.normal(size=(N, D)), rng.dirichlet(np.ones(K), size=N), rng.uniform(0.5, 2, size=N))


def arguments(state: State) -> dict[str, Any]:
    """Of `_kernel.advance`, as they should be."""
    from glassnet import _kernel

    rows = data()
    return {
        "architecture": _kernel.Architecture([D, M, K], ["tanh"], True, False),
        "loss": _kernel.Loss("cross_entropy", [0.0]),
        "optimizer": "sgd",
        "hyper": [0.9, 1.0],
        **{name: getattr(state, name) for name in ("parameters", "moments", "seeds", "learning_rate")},
        "factors": np.ones(2),
        "rates": [],
        **{name: getattr(state, name) for name in ("l2", "l1", "weight_decay")},
        "dropout": [],
        "gradient_norm": 0.0,
        "weight_norm": 0.0,
        **{name: getattr(state, name) for name in ("loss_sum", "active", "frozen", "epoch", "batch", "step")},
        "x": rows.x,
        "starts": None,
        "columns": None,
        "t": rows.t,
        "s": rows.s,
        "batch_size": 3,
        "shuffle": True,
        "steps": 2,
        "threads": 1,
        "workspace": _kernel.Workspace(),
    }


def test_what_fits_is_trained_in_place(kernel):
    from glassnet import _kernel

    state = kernel.init(spec(), [1, 2])
    _kernel.advance(**arguments(state))
    usual = kernel.advance(kernel.init(spec(), [1, 2]), data(), 2)
    np.testing.assert_array_equal(state.parameters, usual.parameters)
    np.testing.assert_array_equal(state.loss_sum, usual.loss_sum)


ARRAYS = [
    *("parameters", "moments", "seeds", "learning_rate", "factors", "l2", "l1", "weight_decay", "loss_sum", "active"),
    *("x", "t", "s"),
]


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_another_dtype_is_refused(kernel, name):
    from glassnet import _kernel

    state = kernel.init(spec(), [1, 2])
    first, right = state.copy(), arguments(state)
    for wrong in (np.float32, np.int32):
        with pytest.raises(TypeError, match="incompatible function arguments"):
            _kernel.advance(**right | {name: right[name].astype(wrong)})
    np.testing.assert_array_equal(state.parameters, first.parameters)


@pytest.mark.parametrize("name", ["parameters", "moments", "x", "t"])
def test_an_array_of_another_layout_is_refused(kernel, name):
    from glassnet import _kernel

    right = arguments(kernel.init(spec(), [1, 2]))
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _kernel.advance(**right | {name: np.repeat(right[name], 2, axis=-1)[..., ::2]})


@pytest.mark.parametrize("name", ["parameters", "moments", "loss_sum"])
def test_an_array_that_may_not_be_written_is_refused(kernel, name):
    from glassnet import _kernel

    right = arguments(kernel.init(spec(), [1, 2]))
    right[name].flags.writeable = False
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _kernel.advance(**right)


def test_an_output_of_another_dtype_is_refused():
    from glassnet import _kernel

    handle, parameters = _kernel.Architecture([D, K], [], True, False), np.zeros(D * K + K)
    loss, x, t, space = _kernel.Loss("cross_entropy", [0.0]), data().x, data().t, _kernel.Workspace()
    for wrong in (np.float32, np.int64):
        with pytest.raises(TypeError):
            _kernel.forward(handle, parameters, x, None, None, np.empty((N, K), wrong), [], [], 1, space)
        with pytest.raises(TypeError):
            _kernel.gradients(
                handle, loss, parameters, x, None, None, t, None, 0.0, 0.0, np.empty(parameters.size, wrong), 1, space
            )
        with pytest.raises(TypeError):
            _kernel.jacobian(handle, parameters, x, None, None, True, np.empty((N, K, D), wrong), 1, space)
        with pytest.raises(TypeError):
            _kernel.elementary("exp", np.zeros(3), np.zeros(3, wrong))
    with pytest.raises(TypeError):
        _kernel.permutation(0, 0, np.zeros(3, np.int32))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"parameters": np.zeros((2, 5))}, r"parameters are not \(K, P\)"),
        ({"moments": np.zeros((1, 1, 5))}, r"moments are not \(moments, K, P\)"),
        ({"factors": np.ones(3)}, "factors are not one for each step"),
        ({"rates": [1.0]}, "rates are not a pair a layer"),
        ({"dropout": [0.1, 0.1]}, "dropout is not one a hidden layer"),
        ({"t": np.zeros((N, K + 1))}, r"t is not \(n, k\)"),
        ({"s": np.ones(N - 1)}, r"s is not \(n,\)"),
        ({"x": np.zeros((N, D + 1))}, r"x is not \(n, d\)"),
        ({"batch": 2}, "past the end of the epoch"),
        ({"optimizer": "adan"}, "no optimizer 'adan'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(kernel, changes, text):
    from glassnet import _kernel

    with pytest.raises(ValueError, match=text):
        _kernel.advance(**arguments(kernel.init(spec(), [1, 2])) | changes)


def test_a_state_edited_with_other_dtypes_is_trained_all_the_same(engine):
    usual = engine.init(spec(), [1, 2])
    usual.learning_rate[:], usual.l2[:], usual.active[1] = 1, 2, False
    usual.frozen = np.arange(usual.parameters.shape[1]) < 5
    edited = usual.copy()
    edited.learning_rate, edited.l2 = np.array([1, 1]), np.array([2, 2], np.float32)
    edited.frozen = np.repeat(edited.frozen, 2)[::2]
    edited.parameters = edited.parameters.astype(np.float64, order="F")
    engine.advance(edited, data(), 3)
    engine.advance(usual, data(), 3)
    np.testing.assert_allclose(edited.parameters, usual.parameters, rtol=1e-12)
    np.testing.assert_allclose(edited.loss_sum, usual.loss_sum, rtol=1e-12)


def test_the_order_that_is_kept_is_the_one_of_this_seed_this_epoch_and_so_many_rows(kernel):
    """One engine takes turns with trainings that differ in all three, step by step."""
    rng = np.random.default_rng(0)
    trainings = []
    for seed, n in ((1, 40), (2, 40), (1, 43)):
        rows = Data(rng.normal(size=(n, D)), rng.dirichlet(np.ones(K), size=n))
        trainings.append((rows, kernel.init(spec(), [seed]), kernel.init(spec(), [seed])))
    for _ in range(30):
        for rows, state, _ in trainings:
            kernel.advance(state, rows, 1)
    for rows, state, whole in trainings:
        kernel.advance(whole, rows, 30)
        assert (state.parameters == whole.parameters).all()
        assert state.epoch >= 2


def test_a_step_of_a_long_epoch_costs_no_more_than_its_rows(kernel):
    n, steps = 2_000_000, 100
    rows = Data(np.zeros((n, 1), np.float32), np.zeros((n, 1), np.float32))
    long = Spec(Architecture.create([1, 2, 1], "tanh"), SquaredError(), SGD(0.1), batch_size=64, dtype=np.float32)
    state = kernel.init(long, [0])
    kernel.advance(state, rows, 1)  # which makes the order
    start = time.process_time()
    for _ in range(steps):
        kernel.advance(state, rows, 1)
    assert time.process_time() - start < 0.5  # an order for each took 4 s
