"""A step is what the optimizer makes of the gradients, and leaves the model as it is."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import UnknownNameError
from glassnet.explanation.derivation import derive
from glassnet.explanation.stepping import step
from glassnet.nn import Network


def problem(sizes, skip=False, n=1):
    """A network, rows and targets."""
    rng = np.random.default_rng(0)
    network = Network.create(sizes, "tanh", skip=skip, seed=0)
    if skip:
        network.skip[...] = rng.normal(size=network.skip.shape)
    return network, rng.normal(size=(n, sizes[0])), rng.random((n, sizes[-1]))


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "adamw", "rmsprop"])
def test_after_is_the_optimizers_own(name):
    network, x, t = problem([2, 3, 1], skip=True, n=3)
    found = step(network, x, t, optimizer=name, learning_rate=0.01)
    twin = network.astype(np.float64)
    twin = Network.from_parameters(twin.architecture, twin.parameters)
    y, trace = twin.forward(x)
    gn.nn.get_optimizer(name, learning_rate=0.01).step(twin, twin.backward(trace, (y - t) / 3))
    np.testing.assert_allclose(found.network.parameters, twin.parameters, rtol=1e-14)
    assert found.loss_after == pytest.approx(0.5 * ((twin.forward(x)[0] - t) ** 2).mean())
    for change in found.changes:
        np.testing.assert_allclose(change.before + change.update, change.after, atol=1e-15)


def test_plain_descent_is_the_default_of_a_bare_network():
    network, x, t = problem([2, 3, 1])
    found, gradients = step(network, x, t), derive(network, x, t)
    np.testing.assert_allclose(found.changes[0].after, network.layers[0].w - 0.1 * gradients.dw[0], rtol=1e-15)
    assert "θ ← θ − ηg" in str(found)


def test_small_steps_change_the_loss_as_its_slope_promises():
    network, x, t = problem([2, 3, 1], n=4)
    found = step(network, x, t, learning_rate=1e-6)
    assert found.loss_after - found.loss_before == pytest.approx(found.promised, rel=1e-3)


def test_a_table_model_steps_with_its_own_rate(circles):
    model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(8,), learning_rate_init=0.01, random_state=0)
    found = step(model.fit(circles, target="label"), circles.take(range(8)), weight=(0, 1, 2))
    assert (found.optimizer.name, found.optimizer.learning_rate) == ("adam", 0.01)
    assert "without the penalty on weights" in str(found)
    told = found.to_dict()
    assert told["weight"]["after"] == pytest.approx(told["changes"][0]["after"][1][2])
    assert set(told["moments"]) == {"m", "v"}


def test_moments_go_on_in_a_copy():
    network, x, t = problem([2, 3, 1])
    adam = gn.nn.Adam(0.01)
    first = step(network, x, t, optimizer=adam)
    assert adam.moments is None
    second = step(first.network, x, t, optimizer=first.optimizer)
    assert (first.optimizer.steps, second.optimizer.steps) == (1, 2)
    assert "step 2" in str(second)


def test_an_unknown_optimizer_is_told():
    with pytest.raises(UnknownNameError, match="Did you mean 'adam'"):
        step(*problem([2, 3, 1]), optimizer="adm")
