"""Levenberg–Marquardt: the loss that the engine reports, to the last digits; each limit ends it as it says."""

import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.errors import InputError, ShapeError
from glassnet.nn import Architecture, CrossEntropy, Data, Engine, Network, NumpyEngine, Spec, SquaredError, State
from glassnet.nn.network import flatten_gradients
from glassnet.training import Solution, levenberg_marquardt

NEVER: dict[str, float] = {"gtol": 0.0, "ftol": 0.0, "xtol": 0.0}
L2 = 0.3


def noisy(engine: Engine, seeds: Any = (0,), dtype: Any = np.float64) -> tuple[State, Data]:
    """Two outputs, weights of rows, a penalty: all that a residual is made of."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3))
    t = np.column_stack([np.sin(x[:, 0]) * x[:, 1], x[:, 2] ** 2]) + 0.1 * rng.normal(size=(60, 2))
    spec = Spec(Architecture.create([3, 5, 2], "tanh"), SquaredError(), l2=L2, dtype=dtype)
    return engine.init(spec, seeds), Data(x, t, rng.uniform(0.5, 2, size=60))


def curve(engine: Engine, seeds: Any = (0,)) -> tuple[State, Data]:
    """A function without noise, which ten units can follow closely."""
    x = np.linspace(-3, 3, 200)[:, None]
    spec = Spec(Architecture.create([1, 10, 1], "tanh"), SquaredError())
    return engine.init(spec, seeds), Data(x, np.sin(2 * x) + 0.3 * x**2)


def reported(engine: Engine, state: State, data: Data, member: int = 0) -> tuple[float, Any]:
    """The loss with its penalty and its gradient, as the engine has them."""
    value, gradients = engine.gradients(
        state.network(member), state.spec.loss, data.x, data.t, data.s, float(state.l2[member])
    )
    return value, flatten_gradients(gradients)


@pytest.mark.parametrize("random_state", [0, 1])
def test_a_function_is_met_to_five_digits(kernel, random_state):
    state, data = curve(kernel, range(9 * random_state, 9 * random_state + 9))
    solution = levenberg_marquardt(kernel, state, data)
    y = kernel.forward(state.network(), data.x)
    assert np.sqrt(np.mean((y - data.t) ** 2)) <= 1e-5
    assert solution.loss == min(solution.start_losses)


def test_what_is_made_small_is_the_loss_that_the_engine_reports(engine):
    state, data = noisy(engine)
    first, _ = reported(engine, state, data)
    assert levenberg_marquardt(engine, state, data, max_iterations=0).loss == pytest.approx(first, rel=1e-13)
    solution = levenberg_marquardt(engine, state, data, max_iterations=2000, **{**NEVER, "gtol": 1e-7})
    loss, gradient = reported(engine, state, data)
    assert solution.converged
    assert solution.loss == pytest.approx(loss, rel=1e-13)
    assert loss < first / 2
    assert np.abs(gradient).max() <= 1.001e-7
    assert state.best_parameters is None


def test_linear_regression_is_solved_exactly(engine):
    rng = np.random.default_rng(1)
    x, s = rng.normal(size=(50, 3)), rng.uniform(0.5, 2, size=50)
    t, ones = rng.normal(size=(50, 2)) + 4, np.column_stack([x, np.ones(50)])
    exact = np.linalg.solve(ones.T @ (s[:, None] * ones), ones.T @ (s[:, None] * t))
    state = engine.init(Spec(Architecture.create([3, 2]), SquaredError()), [0])
    solution = levenberg_marquardt(engine, state, Data(x, t, s), ftol=0)
    assert solution.iterations < 20
    np.testing.assert_allclose(state.parameters[0], exact.ravel(), rtol=1e-7)


@settings(deadline=None, max_examples=10)
@given(st.integers(-12, 12), st.integers(-12, 12))
def test_the_units_of_features_and_targets_do_not_matter(a, b):
    engine, x_unit, t_unit = NumpyEngine(), 2.0**a, 2.0**b
    state, data = curve(engine)
    levenberg_marquardt(engine, state, data, max_iterations=15, **NEVER)
    other, _ = curve(engine)
    first, last = other.network().layers
    first.w /= x_unit
    last.w *= t_unit
    last.b *= t_unit  # type: ignore[operator]
    levenberg_marquardt(engine, other, Data(data.x * x_unit, data.t * t_unit), max_iterations=15, **NEVER)
    np.testing.assert_allclose(
        engine.forward(other.network(), data.x * x_unit) / t_unit, engine.forward(state.network(), data.x), atol=1e-6
    )


def test_gtol_is_the_largest_element_of_the_gradient(engine):
    state, data = noisy(engine)
    solution = levenberg_marquardt(engine, state, data, **{**NEVER, "gtol": 1e-4})
    assert solution.converged
    assert solution.message.startswith("gtol")
    assert np.abs(reported(engine, state, data)[1]).max() <= 1e-4
    before, _ = noisy(engine)
    levenberg_marquardt(engine, before, data, max_iterations=solution.iterations - 1, **NEVER)
    assert np.abs(reported(engine, before, data)[1]).max() > 1e-4, "nor did it go a step too far"


def test_ftol_is_the_part_of_the_loss_by_which_a_step_lowers_it(engine):
    state, data = noisy(engine)
    solution = levenberg_marquardt(engine, state, data, **{**NEVER, "ftol": 1e-3})
    assert solution.converged
    assert solution.message.startswith("ftol")
    losses = np.array(solution.loss_curve)
    falls = -np.diff(losses) / losses[:-1]
    falls = falls[falls > 0]  # others were taken back
    assert falls[-1] <= 1e-3 < falls[:-1].min()


def test_xtol_is_the_length_of_a_step_against_the_parameters(engine):
    state, data = noisy(engine)
    path = [state.parameters[0].copy()]

    def follow(step: int, loss: float, network: Network) -> None:
        path.append(network.parameters)

    solution = levenberg_marquardt(engine, state, data, callback=follow, **{**NEVER, "xtol": 1e-3})
    assert solution.converged
    assert solution.message.startswith("xtol")
    lengths = [np.linalg.norm(b - a) / np.linalg.norm(a) for a, b in pairwise(path)]
    assert lengths[-1] <= 1e-3 < min(length for length in lengths[:-1] if length > 0)


def test_without_tolerances_it_ends_where_no_step_lowers_the_loss(engine):
    state, data = noisy(engine)
    solution = levenberg_marquardt(engine, state, data, max_iterations=3000, **NEVER)
    assert not solution.converged
    assert solution.message.startswith("no progress")
    assert np.abs(reported(engine, state, data)[1]).max() < 1e-7


def test_limits_of_steps_and_of_time_are_kept(engine):
    state, data = curve(engine)
    solution = levenberg_marquardt(engine, state, data, max_iterations=7, **NEVER)
    assert (solution.iterations, solution.status, solution.converged) == (7, 1, False)
    assert solution.message.startswith("max_iterations")
    assert solution.evaluations >= 7
    state, data = curve(engine, range(5))
    began = time.perf_counter()
    solution = levenberg_marquardt(engine, state, data, max_iterations=10**6, time_limit_seconds=0.1, **NEVER)
    assert time.perf_counter() - began < 3
    assert solution.message == "time limit"
    assert not solution.converged
    with pytest.raises(InputError, match="time_limit_seconds is 0"):
        levenberg_marquardt(engine, state, data, time_limit_seconds=0)


def test_the_limit_of_the_jacobian_is_said_before_training(engine):
    state, data = noisy(engine)
    first = state.parameters.copy()
    needed = 60 * 2 * state.parameters.shape[1]
    with pytest.raises(InputError, match=r"60 rows × 2 outputs × 32 parameters = 3,840 .* 3,839\. .*'lbfgs' or 'adam'"):
        levenberg_marquardt(engine, state, data, max_elements=needed - 1)
    assert (state.parameters == first).all()
    levenberg_marquardt(engine, state, data, max_iterations=1, max_elements=needed)


def test_what_is_no_sum_of_squares_is_refused(engine):
    state, data = noisy(engine)
    other = engine.init(Spec(state.spec.architecture, CrossEntropy()), [0])
    with pytest.raises(InputError, match=r"'cross_entropy', but .* 'squared_error'"):
        levenberg_marquardt(engine, other, data)
    state.l1[:] = 0.1
    with pytest.raises(InputError, match="l1"):
        levenberg_marquardt(engine, state, data)


def test_targets_of_another_width_are_refused(engine):
    state, data = noisy(engine)
    with pytest.raises(ShapeError):
        levenberg_marquardt(engine, state, Data(data.x, data.t[:, :1]))


def test_every_member_is_a_start_and_they_end_in_order(engine):
    state, data = noisy(engine, range(4))
    solution = levenberg_marquardt(engine, state, data, max_iterations=30)
    losses = [reported(engine, state, data, member)[0] for member in range(4)]
    np.testing.assert_allclose(losses, sorted(solution.start_losses), rtol=1e-12)
    assert solution.loss == solution.start_losses[state.seeds[0]], "seeds move with their networks"
    assert solution.loss_curve[-1] == solution.loss


def test_the_loss_never_rises_and_a_callback_sees_every_step(engine):
    state, data = curve(engine)
    seen: list[tuple[int, float]] = []

    def watch(step: int, loss: float, network: Network) -> bool:
        seen.append((step, loss))
        assert SquaredError()(engine.forward(network, data.x), data.t) == pytest.approx(loss, rel=1e-10)
        return step == 25

    solution = levenberg_marquardt(engine, state, data, callback=watch)
    assert [step for step, _ in seen] == list(range(1, 26))
    assert solution.loss_curve == [loss for _, loss in seen]
    assert (np.diff(solution.loss_curve) <= 0).all()
    assert solution.message == "callback"
    assert not solution.converged


def test_frozen_parameters_stay(engine):
    state, data = noisy(engine)
    state.frozen = np.arange(state.parameters.shape[1]) % 3 == 0
    first = state.parameters.copy()
    solution = levenberg_marquardt(engine, state, data, max_iterations=2000, **{**NEVER, "gtol": 1e-7})
    loss, gradient = reported(engine, state, data)
    assert (state.parameters[0, state.frozen] == first[0, state.frozen]).all()
    assert solution.loss == pytest.approx(loss, rel=1e-13), "what frozen weights cost is in the loss too"
    assert np.abs(gradient[~state.frozen]).max() <= 1.001e-7
    assert np.abs(gradient[state.frozen]).max() > 1e-4


class Interrupted:
    """An engine whose user, once armed, presses Ctrl-C during the next step."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.armed = engine, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def least_squares(self, problem: Any) -> Any:
        fit, broken = self.engine.least_squares(problem), self

        class Fit:
            def __getattr__(self, name: str) -> Any:
                if broken.armed and name == "advance":
                    raise KeyboardInterrupt
                return getattr(fit, name)

        return Fit()

    def arm_in_the_second_start(self, step: int, loss: float, network: Network) -> None:
        self.armed = step == 25


def test_ctrl_c_in_the_midst_of_a_step_keeps_the_best_so_far(engine):
    state, data = noisy(engine, range(3))
    first = state.parameters.copy()
    broken: Any = Interrupted(engine)
    solution: Solution = levenberg_marquardt(
        broken, state, data, max_iterations=20, callback=broken.arm_in_the_second_start, **NEVER
    )
    assert np.isnan(solution.start_losses).tolist() == [False, False, True]
    np.testing.assert_array_equal(state.parameters[2], first[2])
    losses = [reported(engine, state, data, member)[0] for member in range(2)]
    np.testing.assert_allclose(losses, sorted(solution.start_losses[:2]), rtol=1e-12)


def test_float32_is_solved_in_float64_and_rounded(engine):
    state, data = noisy(engine, dtype=np.float32)
    exact, _ = noisy(engine)
    exact.parameters[...] = state.parameters
    levenberg_marquardt(engine, state, data)
    levenberg_marquardt(engine, exact, data)
    assert state.parameters.dtype == np.float32
    np.testing.assert_array_equal(state.parameters, exact.parameters.astype(np.float32))


def test_sparse_rows_give_what_dense_ones_do(engine):
    state, data = noisy(engine)
    rows = np.where(np.abs(data.x) > 0.5, data.x, 0)
    levenberg_marquardt(engine, state, Data(rows, data.t), max_iterations=20)
    sparse, _ = noisy(engine)
    levenberg_marquardt(engine, sparse, Data(scipy.sparse.csr_matrix(rows), data.t), max_iterations=20)
    np.testing.assert_allclose(sparse.parameters, state.parameters, rtol=1e-6, atol=1e-9)


def test_fewer_rows_than_parameters_are_met_exactly(engine):
    rng = np.random.default_rng(3)
    data = Data(rng.normal(size=(6, 2)), rng.normal(size=(6, 1)))
    state = engine.init(Spec(Architecture.create([2, 12, 1], "tanh"), SquaredError()), range(3))
    assert levenberg_marquardt(engine, state, data).loss < 1e-20


def test_numbers_that_overflow_end_it_without_noise(engine):
    state, data = curve(engine)
    state.parameters[...] = 1e200
    first = state.parameters.copy()
    solution = levenberg_marquardt(engine, state, Data(data.x, 1e200 * data.t))
    assert not solution.converged
    assert solution.message.startswith("no progress")
    np.testing.assert_array_equal(state.parameters, first)
