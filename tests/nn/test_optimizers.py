"""Optimizers against their papers, one number at a time, and both engines' memory of moments."""

from math import sqrt

import numpy as np
import pytest

from glassnet.errors import UnknownNameError
from glassnet.nn import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Architecture,
    Data,
    Nesterov,
    Network,
    RMSprop,
    Spec,
    SquaredError,
    get_optimizer,
)


def sgd_by_paper(gradients: list[float], rate: float, momentum: float, nesterov: bool) -> float:
    """Sutskever et al. 2013, equations 1 and 2, and with look-ahead 3 and 4, seen from the looked-ahead point."""
    theta = velocity = 0.0
    for g in gradients:
        velocity = momentum * velocity - rate * g
        theta += momentum * velocity - rate * g if nesterov else velocity
    return theta


def adam_by_paper(gradients: list[float], rate: float, b1: float, b2: float, epsilon: float) -> float:
    """Kingma and Ba 2015, the faster form at the end of section 2."""
    theta = m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        theta -= rate * sqrt(1 - b2**t) / (1 - b1**t) * m / (sqrt(v) + epsilon)
    return theta


def rmsprop_by_paper(gradients: list[float], rate: float, rho: float, momentum: float, epsilon: float) -> float:
    """Tieleman and Hinton 2012, lecture 6e, slide 29; momentum on the scaled gradient."""
    theta = v = velocity = 0.0
    for g in gradients:
        v = rho * v + (1 - rho) * g**2
        velocity = momentum * velocity + g / (sqrt(v) + epsilon)
        theta -= rate * velocity
    return theta


GRADIENTS = [0.5, -1.5, 2.0, 0.0, -0.25]
VARIANTS = {
    "sgd": (SGD(0.1), sgd_by_paper(GRADIENTS, 0.1, 0.9, True)),
    "sgd, no look-ahead": (SGD(0.1, 0.5, nesterov=False), sgd_by_paper(GRADIENTS, 0.1, 0.5, False)),
    "nesterov": (Nesterov(0.1, 0.8), sgd_by_paper(GRADIENTS, 0.1, 0.8, True)),
    "rmsprop": (RMSprop(), rmsprop_by_paper(GRADIENTS, 0.001, 0.9, 0.0, 1e-8)),
    "rmsprop, its own numbers": (RMSprop(0.1, 0.5, 0.6, 0.01), rmsprop_by_paper(GRADIENTS, 0.1, 0.5, 0.6, 0.01)),
    "adamw": (AdamW(0.1), adam_by_paper(GRADIENTS, 0.1, 0.9, 0.999, 1e-8)),  # its decay: below
    "adam": (Adam(), adam_by_paper(GRADIENTS, 0.001, 0.9, 0.999, 1e-8)),
    "adam, its own numbers": (Adam(0.1, 0.5, 0.6, 0.01), adam_by_paper(GRADIENTS, 0.1, 0.5, 0.6, 0.01)),
}


def test_every_optimizer_is_compared_with_its_paper():
    assert {type(optimizer) for optimizer, _ in VARIANTS.values()} == set(OPTIMIZERS.values())


@pytest.mark.parametrize("variant", VARIANTS)
def test_steps_are_those_of_the_paper(variant):
    optimizer, expected = VARIANTS[variant]
    theta, moments = np.zeros(1), np.zeros((len(optimizer.moment_names), 1))
    for step, g in enumerate(GRADIENTS, 1):
        optimizer.update(theta, np.array([g]), moments, optimizer.learning_rate, step)
    assert theta[0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("variant", VARIANTS)
def test_engines_take_the_steps_of_the_paper(engine, variant):
    # One row of x = 0 whose target moves: db = c − t is then the gradient that we want.
    optimizer, expected = VARIANTS[variant]
    state = engine.init(Spec(Architecture.create([1, 1]), SquaredError(), optimizer, init="zeros"), [0])
    for g in GRADIENTS:
        engine.advance(state, Data(np.zeros((1, 1)), state.parameters[:1, 1:] - g), 1)
    assert state.parameters[0].tolist() == pytest.approx([0, expected], rel=1e-12)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_network_stepped_by_hand_goes_where_the_engine_takes_it(engine, variant):
    optimizer = type(VARIANTS[variant][0])(0.01)
    rng = np.random.default_rng(0)
    x, t, loss = rng.normal(size=(9, 4)), rng.normal(size=(9, 2)), SquaredError()
    network = Network.create([4, 3, 2], "tanh", seed=8)
    state = engine.init(Spec(network.architecture, loss, optimizer, batch_size=9), [8])
    for _ in range(5):
        y, trace = network.forward(x)
        optimizer.step(network, network.backward(trace, loss.derivative(y, t)))
    engine.advance(state, Data(x, t), 5)
    np.testing.assert_allclose(state.parameters[0], network.parameters, rtol=1e-12)


def test_optimizers_by_name():
    assert get_optimizer("sgd", momentum=0.5) == SGD(momentum=0.5)
    assert get_optimizer("adam") == Adam()
    assert get_optimizer(kept := Adam(0.2)) is kept
    with pytest.raises(UnknownNameError, match=r"Unknown optimizer 'adan'\. Did you mean 'adam'"):
        get_optimizer("adan")


def adamw_by_paper(gradients: list[float], theta: float, rate: float, decay: float, epsilon: float) -> float:
    """Loshchilov and Hutter 2019, algorithm 2, with η = 1."""
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
        theta -= rate * m_hat / (sqrt(v_hat) + epsilon) + rate * decay * theta
    return theta


def test_adamw_takes_the_steps_of_the_paper(engine):
    # One row of x = 1 without a bias: dw = w − t.
    spec = Spec(Architecture.create([1, 1], bias=False), SquaredError(), AdamW(0.1, weight_decay=0.2), init="zeros")
    state = engine.init(spec, [0])
    state.parameters[...] = 3
    for g in GRADIENTS:
        engine.advance(state, Data(np.ones((1, 1)), state.parameters - g), 1)
    # The paper adds ε to √v̂, we to √v, which is a little less.
    assert state.parameters[0, 0] == pytest.approx(adamw_by_paper(GRADIENTS, 3.0, 0.1, 0.2, 1e-8), rel=1e-7)


@pytest.mark.parametrize("kind", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_without_a_gradient_weights_decay_in_closed_form(engine, kind):
    # x = 0 and t = b: no gradient but the decay, which pulls on weights alone.
    spec = Spec(Architecture.create([3, 2]), SquaredError(), kind(0.1, weight_decay=0.3))
    state = engine.init(spec, [7, 8])
    assert state.weight_decay.tolist() == [0.3, 0.3]
    state.weight_decay[1] = 0.5
    first = state.parameters.copy()
    for k in range(2):
        state.active[:] = np.arange(2) == k
        engine.advance(state, Data(np.zeros((4, 3)), np.tile(first[k, 6:], (4, 1))), 10)
    expected = first[:, :6] * (1 - 0.1 * np.array([[0.3], [0.5]])) ** 10
    np.testing.assert_allclose(state.parameters[:, :6], expected, rtol=1e-13)
    np.testing.assert_array_equal(state.parameters[:, 6:], first[:, 6:])


def test_a_network_stepped_by_hand_decays_too():
    network, optimizer = Network.create([2, 3, 1], skip=True), SGD(0.1, weight_decay=0.5)
    network.skip[...] = 1
    before = network.parameters
    y, trace = network.forward(np.ones((1, 2)))
    gradients = network.backward(trace, np.zeros_like(y))
    optimizer.step(network, gradients)
    is_weight = network.architecture.is_weight()
    np.testing.assert_allclose(network.parameters, before * np.where(is_weight, 0.95, 1), rtol=1e-15)
