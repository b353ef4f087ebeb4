"""Functions of one's own: the right derivative is accepted, the wrong one refused at its place, and NumPy runs them."""

from typing import Any

import numpy as np
import pytest

from glassnet.errors import InputError
from glassnet.nn import (
    ACTIVATIONS,
    LOSSES,
    Adam,
    Architecture,
    CustomActivation,
    CustomLoss,
    Data,
    Huber,
    Network,
    NumpyEngine,
    Spec,
    SquaredError,
    check_gradients,
    engine_for,
    get_activation,
)
from glassnet.nn.activations import Tanh


def quartic_rows(y: Any, t: Any) -> Any:
    return ((y - t) ** 4).sum(axis=1)


def quartic_slopes(y: Any, t: Any) -> Any:
    return 4 * (y - t) ** 3


CUBE = CustomActivation(lambda z: z**3, lambda z: 3 * z**2)
QUARTIC = CustomLoss(quartic_rows, quartic_slopes)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_with_its_derivative_is_accepted(name):
    f = ACTIVATIONS[name]
    own = get_activation((f, lambda z: f.derivative(z, f(z))))
    z = np.linspace(-2, 2, 7)
    assert isinstance(own, CustomActivation)
    np.testing.assert_array_equal(own(z), f(z))
    np.testing.assert_array_equal(own.derivative(z, own(z)), f.derivative(z, f(z)))


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"gaussian"}))
def test_every_loss_with_its_derivative_is_accepted(name):
    loss = LOSSES[name]
    own, (y, t) = CustomLoss(loss.rows, loss.slope, loss.predict), np.full((2, 3, 2), 0.3)
    assert own(y, t) == loss(y, t)
    np.testing.assert_array_equal(own.derivative(y, t), loss.derivative(y, t))
    np.testing.assert_array_equal(own.predict(y), loss.predict(y))


def test_a_wrong_derivative_is_refused_at_its_place():
    with pytest.raises(
        InputError, match=r"is -5\.99\d+ at z = -2\.996, but central differences of the function give 26\.9\d+"
    ):
        CustomActivation(lambda z: z**3, lambda z: 2 * z)
    with pytest.raises(
        InputError, match=r"derivative of the loss is -?[\d.]+ at y = -?[\d.]+, t = [\d.]+, but central differences"
    ):
        CustomLoss(quartic_rows, lambda y, t: 3 * (y - t) ** 3)
    with pytest.raises(InputError, match="derivative of the loss"):  # right in one column, wrong in the other
        CustomLoss(quartic_rows, lambda y, t: quartic_slopes(y, t) * np.array([1, -1]))


def test_what_is_no_number_is_refused():
    nowhere = np.full_like
    with pytest.raises(InputError, match=r"derivative of the activation is nan at z = -2\.996"):
        CustomActivation(lambda z: z, lambda z: nowhere(z, np.nan))
    with pytest.raises(InputError, match="derivative of the activation"):
        CustomActivation(lambda z: nowhere(z, np.nan), lambda z: nowhere(z, 1))
    with pytest.raises(InputError, match="derivative of the loss is nan"):
        CustomLoss(quartic_rows, lambda y, t: nowhere(y, np.nan))
    with pytest.raises(InputError, match="central differences of the loss give nan"):
        CustomLoss(lambda y, t: nowhere(y[:, 0], np.nan), quartic_slopes)


def test_shapes_that_are_not_kept_are_told():
    with pytest.raises(InputError, match=r"turns z of shape \(240,\) into \(\)"):
        CustomActivation(np.sum, np.ones_like)
    with pytest.raises(InputError, match=r"its derivative into \(\), but both must keep the shape"):
        CustomActivation(np.sin, lambda z: 1.0)
    with pytest.raises(InputError, match=r"gave shape \(50, 2\) .* sum the loss over axis 1"):
        CustomLoss(lambda y, t: (y - t) ** 4, quartic_slopes)
    with pytest.raises(InputError, match=r"its derivative \(50,\)"):
        CustomLoss(quartic_rows, lambda y, t: quartic_slopes(y, t).sum(axis=1))


def test_a_kink_or_two_are_no_mistake():
    hat = CustomActivation(lambda z: np.maximum(1 - np.abs(z), 0), lambda z: np.where(np.abs(z) < 1, -np.sign(z), 0))
    assert hat(np.array([0.25])).tolist() == [0.75]
    CustomLoss(lambda y, t: np.abs(y - t).sum(axis=1), lambda y, t: np.sign(y - t))


def test_a_network_with_functions_of_ones_own_is_trained():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(40, 2)), rng.uniform(size=(40, 1))
    architecture = Architecture.create([2, 5, 1], CUBE)
    network = Network.from_parameters(architecture, architecture.initial_parameters("glorot", 0))
    assert max(check_gradients(network, QUARTIC, x, t).values()) < 1e-6

    for dtype in (np.float32, np.float64):
        engine = engine_for("auto", architecture, QUARTIC)
        state = engine.init(Spec(architecture, QUARTIC, Adam(0.01), dtype=dtype), [0])
        first = engine.evaluate(state, Data(x, t))[0]
        engine.advance(state, Data(x, t), 60)
        assert engine.evaluate(state, Data(x, t))[0] < first / 2
        assert state.parameters.dtype == dtype


class MyTanh(Tanh):
    """Another function under its parent's name."""

    def __call__(self, z: Any) -> Any:
        return 2 * np.tanh(z)


class MyError(SquaredError):
    """Another loss under its parent's name."""

    def rows(self, y: Any, t: Any) -> Any:
        return 2 * super().rows(y, t)


OWN = {
    "activation": (Architecture.create([2, 3, 1], CUBE), SquaredError(), "CustomActivation"),
    "loss": (Architecture.create([2, 3, 1], "tanh"), QUARTIC, "CustomLoss"),
    "subclass of an activation": (Architecture.create([2, 3, 1], MyTanh()), SquaredError(), "MyTanh"),
    "subclass of a loss": (Architecture.create([2, 3, 1], "tanh"), MyError(), "MyError"),
}


@pytest.mark.parametrize(("architecture", "loss", "name"), OWN.values(), ids=OWN.keys())
def test_ones_own_functions_run_on_numpy_and_the_kernel_refuses_them(architecture, loss, name):
    assert isinstance(engine_for("auto", architecture, loss), NumpyEngine)
    assert isinstance(engine_for("numpy", architecture, loss), NumpyEngine)
    with pytest.raises(InputError, match=f"does not know .*{name}.*use engine='numpy', or 'auto'"):
        engine_for("kernel", architecture, loss)


@pytest.mark.parametrize(("architecture", "loss", "name"), OWN.values(), ids=OWN.keys())
def test_the_kernel_itself_puts_nothing_in_their_place(kernel, architecture, loss, name):
    state, data = kernel.init(Spec(architecture, loss), [0]), Data(np.ones((3, 2)), np.ones((3, 1)))
    for call in (
        lambda: kernel.advance(state, data, 1),
        lambda: kernel.evaluate(state, data),
        lambda: kernel.gradients(state.network(), loss, data.x, data.t),
    ):
        with pytest.raises(InputError, match=f"does not know .*{name}"):
            call()


def test_what_the_kernel_knows_runs_there(kernel):
    assert kernel.name == "kernel"
    for activation in ACTIVATIONS.values():
        for loss in (*LOSSES.values(), Huber(0.3)):
            architecture = Architecture.create([2, 3, loss.width], activation)
            assert engine_for("auto", architecture, loss).name == "kernel"
            assert engine_for("kernel", architecture, loss).name == "kernel"
            assert engine_for("numpy", architecture, loss).name == "numpy"


class Halving(Adam):
    """Adam's name, and not its step."""

    def update(self, theta, g, moments, learning_rate, step):
        theta /= 2


def test_an_optimizer_of_ones_own_is_not_taken_for_its_parent(kernel):
    spec = Spec(Architecture.create([2, 1]), SquaredError(), Halving())
    data = Data(np.ones((3, 2)), np.ones((3, 1)))
    assert engine_for("auto", spec.architecture, spec.loss, spec.optimizer).name == "numpy"
    with pytest.raises(InputError, match="Halving"):
        kernel.advance(kernel.init(spec, [0]), data, 1)
    state = NumpyEngine().init(spec, [0])
    before = state.parameters.copy()
    np.testing.assert_array_equal(NumpyEngine().advance(state, data, 1).parameters, before / 2)
