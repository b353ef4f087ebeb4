"""Networks: their shapes, first weights, parameters in a row, formulas, and what is said of those that cannot be."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest

from glassnet.errors import InputError, ShapeError, UnknownNameError
from glassnet.nn import INITIALIZERS, Architecture, Network, get_activation


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
        "h = tanh(x w + b) w (4, 8), b (8,)",
        "y = h v + c v (8, 3), c (3,)",
    ]
    assert " b" not in str(Network.create([4, 8, 3], bias=False))


def test_several_hidden_layers_are_numbered():
    assert str(Network.create([4, 8, 5, 3], "tanh")).splitlines()[1].split("  ")[0] == "h2 = tanh(h1 w2 + b2)"


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
    ("lecun", "selu"): (np.sqrt(3 / 30), 1 / np.sqrt(30)),
    ("zeros", "relu"): (0, 0),
}


def test_every_initializer_has_its_bounds_here():
    assert {init for init, _ in BOUNDS} | {"orthogonal"} == set(INITIALIZERS)


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


def test_lecun_keeps_the_variance_of_a_sum():
    w = Network.create([30, 500, 1], "selu", init="lecun", seed=2).layers[0].w
    assert w.var() == pytest.approx(1 / 30, rel=0.03)


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1), ("relu", np.sqrt(2)), ("gelu", np.sqrt(2)), ("sine", 1)])
@pytest.mark.parametrize(("d", "m"), [(30, 50), (50, 30), (200, 200), (1, 5), (5, 1), (1, 1)])
def test_orthogonal_weights_are_orthogonal(activation, gain, d, m):
    layer = Network.create([d, m, 1], activation, init="orthogonal", seed=3).layers[0]
    w = layer.w / gain
    product = w @ w.T if d <= m else w.T @ w
    np.testing.assert_allclose(product, np.eye(min(d, m)), atol=1e-12)
    assert np.abs(layer.b).max() <= 1 / np.sqrt(d)
    assert (Network.create([d, m, 1], activation, init="orthogonal", seed=4).layers[0].w != layer.w).any() or d * m == 1


def test_a_skip_path_lies_last_and_begins_at_nothing():
    network = Network.create([2, 3, 4, 3], "tanh", skip=True)
    architecture = network.architecture
    assert network.skip.shape == (2, 3)
    assert not network.skip.any()
    assert architecture.n_parameters == network.parameters.size == 9 + 16 + 15 + 6
    assert architecture.blocks()[-1] == (slice(40, 46), slice(46, 46))
    assert architecture.is_weight()[40:].all()
    again = Network.from_parameters(architecture, np.arange(46.0))
    assert again.skip.tolist() == [[40, 41, 42], [43, 44, 45]]
    assert again.parameters.tolist() == list(range(46))
    assert "x u" in str(network)
    assert "u (2, 3)" in str(network)


def test_a_skip_path_adds_a_linear_map(engine):
    x = np.random.default_rng(0).normal(size=(300, 2))
    with_skip, without = (Network.create([2, 5, 3], "tanh", skip=skip, seed=1) for skip in (True, False))
    np.testing.assert_array_equal(engine.forward(with_skip, x), engine.forward(without, x))
    with_skip.skip[...] = [[1, 2, 3], [4, 5, 6]]
    y, trace = engine.trace(with_skip, x)
    np.testing.assert_allclose(y, engine.forward(without, x) + x @ with_skip.skip, rtol=1e-12)
    np.testing.assert_array_equal(trace[-1].z, y)
