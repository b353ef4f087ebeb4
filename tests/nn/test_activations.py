"""Activations: their values where they are known, their slopes, their kinks, and the one that cannot be trained."""

import inspect
from math import erf, exp, log, sqrt, tanh

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.errors import InputError
from glassnet.nn import ACTIVATIONS, Architecture, Network, Spec, SquaredError

every_activation = pytest.mark.parametrize("name", ACTIVATIONS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# f(−1), f(2), f′(0) by the convention that the docstring gives.
KNOWN = {
    "identity": (-1, 2, 1),
    "logistic": (1 / (1 + exp(1)), 1 / (1 + exp(-2)), 0.25),
    "tanh": (tanh(-1), tanh(2), 1),
    "relu": (0, 2, 0),
    "silu": (-1 / (1 + exp(1)), 2 / (1 + exp(-2)), 0.5),
    "leaky_relu": (-0.01, 2, 0.01),
    "elu": (exp(-1) - 1, 2, 1),
    "selu": (1.0507009873554805 * 1.6732632423543772 * (exp(-1) - 1), 2 * 1.0507009873554805, 1.7580993408473768),
    "softplus": (log(1 + exp(-1)), log(1 + exp(2)), 0.5),
    "mish": (-tanh(log(1 + exp(-1))), 2 * tanh(log(1 + exp(2))), tanh(log(2))),
    "gelu": (-0.15880800939172324, 1.9545976940877752, 0.5),
    "sine": (np.sin(-1), np.sin(2), 1),
    "square": (1, 4, 0),
    "step": (0, 1, 0),
}


def test_every_activation_has_its_values_here():
    assert set(KNOWN) == set(ACTIVATIONS)


@every_activation
def test_values_are_the_known_ones(name):
    f, z = ACTIVATIONS[name], np.array([-1.0, 2.0, 0.0])
    h = f(z)
    below, above, slope = KNOWN[name]
    assert h[:2].tolist() == pytest.approx([below, above], rel=1e-14)
    assert f.derivative(z, h)[2] == pytest.approx(slope, rel=1e-15)


@every_activation
@settings(max_examples=40, deadline=None, derandomize=True)
@given(z=st.floats(-30, 30))
def test_slopes_are_those_of_central_differences(name, z):
    f, step = ACTIVATIONS[name], 1e-5
    if abs(z) < 2 * step:
        z += 4 * step  # off the kinks, which are all at 0
    at = np.array([z])
    numeric = (f(at + step) - f(at - step)) / (2 * step)
    assert f.derivative(at, f(at))[0] == pytest.approx(numeric[0], rel=1e-5, abs=1e-8)


@every_dtype
@every_activation
def test_far_from_zero_activations_stay_numbers(name, dtype):
    f, z = ACTIVATIONS[name], np.array([-1e3, -50, -0.0, 0, 50, 1e3], dtype)
    h = f(z)
    assert np.isfinite(h).all()
    assert np.isfinite(f.derivative(z, h)).all()
    assert h.dtype == f.derivative(z, h).dtype == dtype
    assert h.shape == f.derivative(z, h).shape == z.shape


def test_gelu_is_near_that_of_the_normal_distribution():
    z = np.linspace(-6, 6, 401)
    exact = z * 0.5 * (1 + np.array([erf(v / sqrt(2)) for v in z]))
    np.testing.assert_allclose(ACTIVATIONS["gelu"](z), exact, atol=5e-4)


def test_selu_keeps_mean_and_variance():
    # The fixed point of Klambauer et al. 2017: z of mean 0 and variance 1 gives h of mean 0 and variance 1.
    z, weight = np.polynomial.hermite_e.hermegauss(180)
    h, weight = ACTIVATIONS["selu"](z), weight / weight.sum()
    assert weight @ h == pytest.approx(0, abs=1e-2)
    assert weight @ h**2 == pytest.approx(1, abs=1e-2)


def test_relu_is_flat_at_its_kink():
    relu, z = ACTIVATIONS["relu"], np.array([-0.0, 0.0])
    assert relu.derivative(z, relu(z)).tolist() == [0, 0]


def test_small_powers_keep_their_digits():
    z = np.array([-1e-12, -1e-300])
    np.testing.assert_allclose(ACTIVATIONS["elu"](z), z, rtol=1e-11)
    np.testing.assert_allclose(ACTIVATIONS["softplus"](-np.array([50.0, 500.0])), np.exp([-50.0, -500.0]), rtol=1e-14)


@every_activation
def test_every_activation_says_its_formula(name):
    assert "h = " in inspect.getdoc(type(ACTIVATIONS[name]))


def test_a_step_is_not_trained_and_says_why(engine):
    architecture = Architecture.create([2, 3, 3, 1], ["tanh", "step"])
    assert not architecture.trainable
    with pytest.raises(InputError, match=r"activation step has slope 0 .*To train, take 'logistic' or 'tanh'"):
        engine.init(Spec(architecture, SquaredError()), [0])


def test_a_step_by_hand_decides(engine):
    # Both of two: h = 1 where x₁ + x₂ > 1.5.
    network = Network.create([2, 1, 1], "step", init="zeros")
    network.layers[0].w[...], network.layers[0].b[...], network.layers[1].w[...] = 1, -1.5, 1
    table = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    assert engine.forward(network, table).ravel().tolist() == [0, 0, 0, 1]
