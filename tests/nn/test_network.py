"""Networks: their shapes, first weights, parameters in a row, formulas, and what is said of those that cannot be."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from glassnet.errors import InputError, ShapeError, UnknownNameError
from glassnet.nn import ACTIVATIONS, INITIALIZERS, Architecture, Network, get_activation
from glassnet.nn.regularizers import l2_penalty


def test_parameters_lie_layer_by_layer_weights_before_biases():
    architecture = Architecture.create([2, 3, 1], "tanh")
    network = Network.from_parameters(architecture, np.arange(13.0))
    hidden, last = network.layers
    assert hidden.w.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert hidden.b.tolist() == [6, 7, 8]
    assert last.w.tolist() == [[9], [10], [11]]
    assert last.b.tolist() == [12]
    assert network.parameters.tolist() == list(range(13))
    assert architecture.n_parameters == 13
    assert architecture.is_weight().tolist() == [True] * 6 + [False] * 3 + [True] * 3 + [False]
    assert network.architecture == architecture


def test_without_bias_there_is_none():
    network = Network.create([2, 3, 1], bias=False)
    assert [layer.b for layer in network.layers] == [None, None]
    assert network.parameters.size == network.architecture.n_parameters == 9
    assert network.architecture.is_weight().all()
    assert not network.forward(np.zeros((1, 2)))[0].any()


def test_each_hidden_layer_may_have_its_own_activation():
    network = Network.create([2, 3, 4, 1], ["tanh", get_activation("relu")])
    assert [layer.f.name for layer in network.layers] == ["tanh", "relu", "identity"]


def test_the_formulas_are_told_with_their_shapes():
    lines = str(Network.create([4, 8, 3], "tanh")).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "h1 = tanh(x w1 + b1) w1 (4, 8), b1 (8,)",
        "y = h1 v + c v (8, 3), c (3,)",
    ]
    assert "b1" not in str(Network.create([4, 8, 3], bias=False))


@pytest.mark.parametrize(
    ("sizes", "text"), [([4], "at least"), ([4, 0, 2], "≥ 1"), ([4, 2.5, 1], "whole"), ([], "at least")]
)
def test_sizes_that_make_no_network_are_told(sizes, text):
    with pytest.raises(InputError, match=text):
        Network.create(sizes)


def test_too_many_or_few_activations_are_told():
    for activations in (["tanh", "tanh"], []):
        with pytest.raises(InputError, match=f"{len(activations)} activations were given for 1 hidden layers"):
            Network.create([4, 3, 2], activations)


def test_misspelt_names_are_told():
    with pytest.raises(UnknownNameError, match=r"Unknown activation 'tahn'\. Did you mean 'tanh'"):
        Network.create([1, 1, 1], "tahn")
    with pytest.raises(UnknownNameError, match=r"Unknown initializer 'glorott'\. Did you mean 'glorot'"):
        Network.create([1, 1, 1], init="glorott")
    wrong: Any = ["tanh"]
    with pytest.raises(UnknownNameError, match="Unknown activation"):
        get_activation(wrong)


def test_a_single_sample_is_told_how_to_come():
    with pytest.raises(ShapeError, match=r"x has shape \(4,\), but this network takes \(n, 4\).*x\[None, :\]"):
        Network.create([4, 2]).forward(np.zeros(4))


# Bounds as the papers give them: for w, and for b, of 30 inputs and 50 units.
BOUNDS = {
    ("glorot", "tanh"): (np.sqrt(6 / 80), np.sqrt(6 / 80)),
    ("glorot", "logistic"): (np.sqrt(2 / 80), np.sqrt(2 / 80)),
    ("he", "relu"): (np.sqrt(6 / 30), 1 / np.sqrt(30)),
    ("zeros", "relu"): (0, 0),
}


def test_every_initializer_has_its_bounds_here():
    assert {init for init, _ in BOUNDS} == set(INITIALIZERS)


@pytest.mark.parametrize(("init", "activation"), BOUNDS)
def test_first_weights_are_uniform_within_their_bounds(init, activation):
    layer = Network.create([30, 50, 1], activation, init=init, seed=1).layers[0]
    for drawn, bound in zip((layer.w.ravel(), layer.b), BOUNDS[init, activation], strict=True):
        if bound == 0:
            assert not drawn.any()
        else:
            assert np.abs(drawn).max() <= bound
            assert kstest(drawn, "uniform", (-bound, 2 * bound)).pvalue > 1e-3


def test_first_weights_depend_on_the_seed_alone():
    weights = Network.create([3, 4, 2], seed=5).parameters
    assert (Network.create([3, 4, 2], seed=5).parameters == weights).all()
    assert (Network.create([3, 4, 2], seed=6).parameters != weights).all()
    np.testing.assert_array_equal(
        Network.create([3, 4, 2], seed=5, dtype=np.float32).parameters, weights.astype(np.float32)
    )
    # On every machine, and in every version.
    assert Network.create([1, 1], bias=False).parameters.tolist() == pytest.approx([1.6458826655338439], rel=1e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_from_zero_activations_stay_numbers(name, dtype):
    f, z = ACTIVATIONS[name], np.array([-1e3, -50, -0.0, 0, 50, 1e3], dtype)
    h = f(z)
    assert np.isfinite(h).all()
    assert np.isfinite(f.derivative(z, h)).all()
    assert h.dtype == f.derivative(z, h).dtype == dtype


def test_relu_is_flat_at_its_kink():
    relu, z = ACTIVATIONS["relu"], np.array([-0.0, 0.0])
    assert relu.derivative(z, relu(z)).tolist() == [0, 0]


def test_the_penalty_is_that_of_its_formula():
    assert l2_penalty(np.array([1.0, -2.0]), alpha=3.0, rows=10.0) == pytest.approx(3 * 5 / 20)
