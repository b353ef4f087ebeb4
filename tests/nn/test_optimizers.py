"""Optimizers against their papers, one number at a time; schedules; and both engines' memory of moments."""

from math import sqrt

import numpy as np
import pytest

from glassnet.errors import UnknownNameError
from glassnet.nn import (
    OPTIMIZERS,
    SCHEDULES,
    SGD,
    Adam,
    Architecture,
    Data,
    Network,
    Spec,
    SquaredError,
    get_optimizer,
    get_schedule,
)
from glassnet.nn.schedules import Adaptive, InverseScaling, Schedule


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


GRADIENTS = [0.5, -1.5, 2.0, 0.0, -0.25]
VARIANTS = {
    "sgd": (SGD(0.1), sgd_by_paper(GRADIENTS, 0.1, 0.9, True)),
    "sgd, no look-ahead": (SGD(0.1, 0.5, nesterov=False), sgd_by_paper(GRADIENTS, 0.1, 0.5, False)),
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


def test_schedules_by_name():
    assert set(SCHEDULES) == {"constant", "invscaling", "adaptive"}
    assert get_schedule("adaptive") == Adaptive()
    assert get_schedule(kept := InverseScaling(0.3)) is kept
    with pytest.raises(UnknownNameError, match=r"Unknown schedule 'adaptiv'\. Did you mean 'adaptive'"):
        get_schedule("adaptiv")


def test_schedules_are_their_formulas():
    assert Schedule().after_epoch(0.1, 0.05, 1000) == 0.05
    assert Schedule().on_plateau(0.1) is None
    assert InverseScaling(0.5).after_epoch(0.1, 0.05, 99) == pytest.approx(0.1 / 10)
    assert InverseScaling().on_plateau(0.1) is None
    assert Adaptive().after_epoch(0.1, 0.05, 1000) == 0.05
    assert Adaptive().on_plateau(0.1) == pytest.approx(0.02)
    assert Adaptive().on_plateau(1e-6) is None
