"""L-BFGS: exact where the answer is known, faithful to the loss that it reports, and to be stopped at any step."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from glassnet.errors import InputError
from glassnet.nn import Architecture, CrossEntropy, Data, Engine, Network, Spec, SquaredError, State
from glassnet.training import lbfgs
from glassnet.training.solvers import STOPPED


def regression() -> tuple[Data, Any]:
    """Rows with noise and weights, and the solution of the normal equations, w row by row, then b."""
    rng = np.random.default_rng(0)
    x, s = rng.normal(size=(50, 3)), rng.uniform(0.5, 2, size=50)
    t = x @ rng.normal(size=(3, 2)) + rng.normal(size=(50, 2)) + 4
    ones = np.column_stack([x, np.ones(50)])
    return Data(x, t, s), np.linalg.solve(ones.T @ (s[:, None] * ones), ones.T @ (s[:, None] * t)).ravel()


def linear(dtype: Any = np.float64) -> Spec:
    return Spec(Architecture.create([3, 2]), SquaredError(), dtype=dtype)


def classification(engine: Engine) -> tuple[State, Data]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(60, 3))
    data = Data(x, np.eye(2)[(x[:, 0] * x[:, 1] > 0).astype(int)])
    return engine.init(Spec(Architecture.create([3, 6, 2], "tanh"), CrossEntropy(), l2=0.5), [2]), data


def test_linear_regression_is_solved_exactly(engine):
    data, exact = regression()
    state = engine.init(linear(), [0])
    solution = lbfgs(engine, state, data, gtol=1e-8, ftol=0)
    assert solution.converged
    np.testing.assert_allclose(state.parameters[0], exact, rtol=1e-7)
    assert state.best_parameters is None
    assert solution.loss == pytest.approx(engine.evaluate(state, data)[0], rel=1e-12)
    assert solution.evaluations >= solution.iterations == len(solution.loss_curve)


def test_float32_comes_near(engine):
    data, exact = regression()
    state = engine.init(linear(np.float32), [0])
    lbfgs(engine, state, data)
    assert state.parameters.dtype == np.float32
    np.testing.assert_allclose(state.parameters[0], exact, atol=1e-2)


def test_the_solution_is_flat_in_the_loss_that_is_reported(engine):
    state, data = classification(engine)
    solution = lbfgs(engine, state, data, max_iterations=2000, gtol=1e-7, ftol=0)

    def reported(theta: Any) -> float:
        network = Network.from_parameters(state.spec.architecture, theta)
        return engine.gradients(network, state.spec.loss, data.x, data.t, data.s, 0.5)[0]

    assert solution.loss == pytest.approx(reported(state.parameters[0]), rel=1e-12)
    assert solution.loss > engine.evaluate(state, data)[0], "the penalty is in the loss reported"
    assert np.abs(approx_fprime(state.parameters[0], reported, 1e-6)).max() < 1e-5


def test_the_loss_falls_at_every_step(engine):
    state, data = classification(engine)
    solution = lbfgs(engine, state, data, max_iterations=30)
    assert (np.diff(solution.loss_curve) < 0).all()
    assert solution.loss == solution.loss_curve[-1]


def test_limits_are_kept(engine):
    state, data = classification(engine)
    steps = lbfgs(engine, state, data, max_iterations=3, gtol=0)
    assert (steps.iterations, steps.status, steps.converged) == (3, 1, False)
    state, data = classification(engine)
    calls = lbfgs(engine, state, data, max_evaluations=5, gtol=0)
    assert calls.status == 1
    assert 5 <= calls.evaluations < 30


def test_each_tolerance_ends_it(engine):
    state, data = classification(engine)
    by_gradient = lbfgs(engine, state, data, gtol=1e-2, ftol=0)
    _, gradients = engine.gradients(state.network(), state.spec.loss, data.x, data.t, data.s, 0.5)
    assert by_gradient.converged
    assert max(np.abs(g).max() for layer in gradients for g in (layer.dw, layer.db)) <= 1e-2

    state, data = classification(engine)
    by_loss = lbfgs(engine, state, data, gtol=0, ftol=1e-2)
    before, last = by_loss.loss_curve[-2:]
    assert by_loss.converged
    assert (before - last) / max(before, last, 1) <= 1e-2


def test_a_callback_sees_every_step_and_may_stop(engine):
    state, data = classification(engine)
    seen: list[tuple[int, float]] = []
    last: list[Network] = []

    def watch(step: int, loss: float, network: Network) -> bool:
        seen.append((step, loss))
        last.append(network)
        value = engine.gradients(network, state.spec.loss, data.x, data.t, data.s, 0.5)[0]
        assert value == pytest.approx(loss, rel=1e-12)
        return step == 4

    solution = lbfgs(engine, state, data, callback=watch)
    assert [step for step, _ in seen] == [1, 2, 3, 4]
    assert solution.loss_curve == [loss for _, loss in seen]
    assert not solution.converged
    assert solution.status not in (0, 1)
    np.testing.assert_array_equal(state.parameters[0], last[-1].parameters)


def test_frozen_parameters_stay(engine):
    data, _ = regression()
    state = engine.init(linear(), [0])
    state.frozen = np.arange(8) % 3 == 0
    first = state.parameters.copy()
    solution = lbfgs(engine, state, data, gtol=1e-8, ftol=0)
    assert (state.parameters[0, state.frozen] == first[0, state.frozen]).all()
    assert solution.converged
    _, gradients = engine.gradients(state.network(), SquaredError(), data.x, data.t, data.s)
    flat = np.concatenate([gradients[0].dw.ravel(), gradients[0].db])
    assert np.abs(flat[~state.frozen]).max() <= 1e-8
    assert np.abs(flat[state.frozen]).max() > 1e-3


def test_ctrl_c_leaves_the_weights_of_the_last_step(engine):
    state, data = classification(engine)
    reached: list[Any] = []

    def interrupt(step: int, loss: float, network: Network) -> None:
        reached.append((loss, network.parameters))
        if step == 3:
            raise KeyboardInterrupt

    solution = lbfgs(engine, state, data, callback=interrupt)
    assert (solution.iterations, solution.status) == (3, STOPPED)
    assert solution.loss == reached[-1][0]
    np.testing.assert_array_equal(state.parameters[0], reached[-1][1])


def test_every_member_is_a_start_and_the_best_comes_first(engine):
    state, data = classification(engine)
    spec = state.spec
    alone = []
    for seed in (2, 3, 4):
        single = engine.init(spec, [seed])
        alone.append((lbfgs(engine, single, data), single.parameters[0]))
    state = engine.init(spec, [2, 3, 4])
    solution = lbfgs(engine, state, data)
    losses = [result.loss for result, _ in alone]
    order = np.argsort(losses)
    assert solution.start_losses == losses
    assert list(state.seeds) == [[2, 3, 4][k] for k in order]
    np.testing.assert_array_equal(state.parameters, [alone[k][1] for k in order])
    best = alone[order[0]][0]
    assert (solution.loss, solution.loss_curve, solution.message) == (best.loss, best.loss_curve, best.message)


def test_a_stop_leaves_the_starts_whose_turn_had_not_come(engine):
    state, data = classification(engine)
    state = engine.init(state.spec, [2, 3, 4])
    first, steps = state.parameters.copy(), []

    def stop_in_the_second(step: int, loss: float, network: Network) -> bool:
        steps.append(step)
        return step == 22

    solution = lbfgs(engine, state, data, max_iterations=20, callback=stop_in_the_second)
    assert steps == list(range(1, 23)), "numbers count on from start to start"
    assert np.isnan(solution.start_losses).tolist() == [False, False, True]
    assert state.seeds[2] == 4
    np.testing.assert_array_equal(state.parameters[2], first[2])


def test_ftol_is_absolute_below_a_loss_of_one_and_zero_switches_it_off(engine):
    x = np.linspace(-3, 3, 200)[:, None]
    data, spec = Data(x, np.sin(2 * x)), Spec(Architecture.create([1, 10, 1], "tanh"), SquaredError())
    early, late = ({"ftol": ftol, "gtol": 0.0, "max_iterations": 1000} for ftol in (1e-6, 0.0))
    by_loss = lbfgs(engine, engine.init(spec, [0]), data, **early)
    before, last = by_loss.loss_curve[-2:]
    assert by_loss.converged
    assert 1e-6 * last < before - last <= 1e-6
    goes_on = lbfgs(engine, engine.init(spec, [0]), data, **late)
    assert goes_on.iterations == 1000
    assert goes_on.loss < by_loss.loss / 10


@pytest.mark.parametrize("option", [{"dropout": (0.5,)}, {"gradient_norm": 1.0}, {"weight_norm": 2.0}])
def test_what_acts_on_minibatches_is_refused_by_name(engine, option):
    state, data = classification(engine)
    state.spec = replace(state.spec, **option)
    with pytest.raises(InputError, match=next(iter(option))):
        lbfgs(engine, state, data)
