"""Backward against two judges: JAX's automatic differentiation and central differences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.nn import (
    ACTIVATIONS,
    LOSSES,
    Activation,
    Network,
    central_difference,
    check_gradients,
    get_loss,
)
from glassnet.nn.network import flatten

jax.config.update("jax_enable_x64", True)

N, D, K = 7, 4, 2  # all sizes are different: a transposed product cannot pass unseen
HIDDEN = (3, 6, 5)
ALPHA = 0.7

# From their definitions. Whoever adds an activation or a loss adds its definition here.
JAX_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + jnp.exp(-z)),
    "tanh": lambda z: (jnp.exp(z) - jnp.exp(-z)) / (jnp.exp(z) + jnp.exp(-z)),
    "relu": lambda z: jnp.where(z > 0, z, 0.0),
    "silu": lambda z: z / (1 + jnp.exp(-z)),
}


def _jax_binary_cross_entropy(y: Any, t: Any) -> Any:
    p = 1 / (1 + jnp.exp(-y))
    return -(t * jnp.log(p) + (1 - t) * jnp.log(1 - p)).sum(axis=1)


def _jax_cross_entropy(y: Any, t: Any) -> Any:
    return -(t * jnp.log(jnp.exp(y) / jnp.exp(y).sum(axis=1, keepdims=True))).sum(axis=1)


JAX_LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared_error": lambda y, t: ((y - t) ** 2).sum(axis=1) / 2,
    "binary_cross_entropy": _jax_binary_cross_entropy,
    "cross_entropy": _jax_cross_entropy,
    "poisson": lambda y, t: (jnp.exp(y) - t + t * jnp.log(t / jnp.exp(y))).sum(axis=1),
}

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_loss = pytest.mark.parametrize("loss", LOSSES)
with_and_without_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
every_depth = pytest.mark.parametrize("depth", range(len(HIDDEN) + 1))


@dataclass(frozen=True)
class Problem:
    """A network away from kinks, and rows for it."""

    network: Network
    x: Any
    t: Any
    s: Any


@cache
def problem(activation: str, bias: bool, depth: int) -> Problem:
    """The same for every engine and loss; targets are positive and sum to 1, as all losses accept."""
    rng = np.random.default_rng(53)
    network = Network.create([D, *HIDDEN[:depth], K], activation, bias=bias, seed=depth)
    x, t, s = rng.normal(size=(N, D)), rng.dirichlet(np.ones(K), size=N), rng.uniform(0.5, 2, size=N)
    for step in network.forward(x)[1][:-1]:
        # Where relu is not on its kink nothing is, for it has the only one.
        assert activation != "relu" or np.abs(step.z).min() > 1e-3, "a unit sits on a kink: choose another seed"
    return Problem(network, x, t, s)


def jax_scores(layers: Sequence[tuple[Any, Any]], activation: str, x: Any) -> Any:
    for i, (w, b) in enumerate(layers):
        z = x @ w + b
        x = z if i == len(layers) - 1 else JAX_ACTIVATIONS[activation](z)
    return x


def jax_layers(network: Network) -> list[tuple[Any, Any]]:
    """Without bias b = 0, and its gradient is ignored."""
    return [(layer.w, np.zeros(layer.w.shape[1]) if layer.b is None else layer.b) for layer in network.layers]


@cache
def jax_gradients(activation: str, loss: str, bias: bool, depth: int) -> tuple[float, list[tuple[Any, Any]]]:
    """The weighted mean loss with its penalty, and (dw, db) of every layer."""
    p = problem(activation, bias, depth)

    def objective(layers: list[tuple[Any, Any]]) -> Any:
        rows = JAX_LOSSES[loss](jax_scores(layers, activation, p.x), p.t)
        penalty = ALPHA * sum((w**2).sum() for w, _ in layers) / (2 * p.s.sum())
        return (p.s * rows).sum() / p.s.sum() + penalty

    value, gradients = jax.value_and_grad(objective)(jax_layers(p.network))
    return float(value), [(np.asarray(dw), np.asarray(db)) for dw, db in gradients]


def distance(ours: Any, theirs: Any) -> float:
    """‖ours − theirs‖ / ‖theirs‖"""
    assert ours.shape == theirs.shape
    return float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), 1e-300))  # 0 / 0 is no distance


def assert_gradients_near(gradients: Sequence[Any], expected: list[tuple[Any, Any]], bias: bool, bound: float) -> None:
    assert len(gradients) == len(expected)
    for i, (gradient, (dw, db)) in enumerate(zip(gradients, expected, strict=True)):
        assert distance(gradient.dw, dw) < bound, f"dw of layer {i}"
        if bias:
            assert distance(gradient.db, db) < bound, f"db of layer {i}"
        else:
            assert gradient.db is None, f"layer {i} has no bias"


def test_every_registered_name_has_a_definition_to_be_compared_with():
    assert set(JAX_ACTIVATIONS) == set(ACTIVATIONS)
    assert set(JAX_LOSSES) == set(LOSSES)


@every_depth
@with_and_without_bias
@every_loss
@every_activation
def test_gradients_agree_with_automatic_differentiation(engine, activation, loss, bias, depth):
    p = problem(activation, bias, depth)
    value, expected = jax_gradients(activation, loss, bias, depth)

    ours, gradients = engine.gradients(p.network, LOSSES[loss], p.x, p.t, p.s, ALPHA)

    assert ours == pytest.approx(value, rel=1e-12)
    assert_gradients_near(gradients, expected, bias, 1e-9)


@with_and_without_bias
@every_loss
@every_activation
def test_float32_gradients_agree_with_automatic_differentiation(engine, activation, loss, bias):
    depth = 2
    p = problem(activation, bias, depth)
    value, expected = jax_gradients(activation, loss, bias, depth)
    single = Network.from_parameters(p.network.architecture, p.network.parameters.astype(np.float32))
    x, t, s = (array.astype(np.float32) for array in (p.x, p.t, p.s))

    ours, gradients = engine.gradients(single, LOSSES[loss], x, t, s, ALPHA)

    assert {gradient.dw.dtype for gradient in gradients} == {np.dtype(np.float32)}
    assert ours == pytest.approx(value, rel=2e-6)
    assert_gradients_near(gradients, expected, bias, 2e-5)


@with_and_without_bias
@every_loss
@every_activation
def test_gradients_are_the_slopes_of_the_loss_that_is_reported(engine, activation, loss, bias):
    p = problem(activation, bias, 3)
    network = Network.from_parameters(p.network.architecture, p.network.parameters)

    def value() -> float:
        return engine.gradients(network, LOSSES[loss], p.x, p.t, p.s, ALPHA)[0]

    gradients = engine.gradients(network, LOSSES[loss], p.x, p.t, p.s, ALPHA)[1]
    numeric = [
        (central_difference(value, layer.w), None if layer.b is None else central_difference(value, layer.b))
        for layer in network.layers
    ]
    assert_gradients_near(gradients, numeric, bias, 1e-6)


@every_loss
def test_without_weights_every_row_counts_as_one(engine, loss):
    p = problem("tanh", True, 2)

    value, gradients = engine.gradients(p.network, LOSSES[loss], p.x, p.t, None, ALPHA)
    ones, of_ones = engine.gradients(p.network, LOSSES[loss], p.x, p.t, np.ones(N), ALPHA)

    assert value == pytest.approx(ones, rel=1e-14)
    assert_gradients_near(gradients, [(g.dw, g.db) for g in of_ones], True, 1e-14)


@every_loss
def test_a_row_of_weight_two_is_the_row_twice(engine, loss):
    p = problem("silu", True, 1)
    twice = np.concatenate([np.arange(N), [3]])
    s = np.ones(N)
    s[3] = 2

    value, gradients = engine.gradients(p.network, LOSSES[loss], p.x, p.t, s, ALPHA)
    repeated, of_repeated = engine.gradients(p.network, LOSSES[loss], p.x[twice], p.t[twice], None, ALPHA)

    assert value == pytest.approx(repeated, rel=1e-14)
    assert_gradients_near(gradients, [(g.dw, g.db) for g in of_repeated], True, 1e-13)


@pytest.mark.parametrize("rows", [N, 300])  # the kernel takes 256 rows at a time
@with_and_without_bias
@every_activation
def test_jacobians_agree_with_automatic_differentiation(engine, activation, bias, rows):
    network = problem(activation, bias, 2).network
    x = np.random.default_rng(5).normal(size=(rows, D))
    parameters = engine.jacobian(network, x)
    inputs = engine.jacobian(network, x, wrt="inputs")

    assert parameters.shape == (rows, K, network.architecture.n_parameters)
    assert inputs.shape == (rows, K, D)
    for i in (1, rows - 1):
        for j in range(K):
            slopes = jax.grad(lambda layers, r, j=j: jax_scores(layers, activation, r)[0, j], argnums=(0, 1))
            of_layers, of_row = slopes(jax_layers(network), x[i : i + 1])
            by_parameters = flatten((np.asarray(dw), np.asarray(db) if bias else None) for dw, db in of_layers)
            assert distance(parameters[i, j], by_parameters) < 1e-9, f"of output {j} at row {i}"
            assert distance(inputs[i, j], np.asarray(of_row)[0]) < 1e-9, f"of output {j} at row {i}"


def test_check_gradients_finds_a_wrong_derivative():
    class Wrong(Activation):
        name = "wrong"

        def __call__(self, z: Any) -> Any:
            return np.sin(z)

        def derivative(self, z: Any, h: Any) -> Any:
            return np.cos(z) + 1e-3

    p = problem("tanh", True, 1)
    right = check_gradients(p.network, get_loss("cross_entropy"), p.x, p.t, p.s)
    wrong = check_gradients(Network.create([D, 3, K], Wrong()), get_loss("cross_entropy"), p.x, p.t, p.s)

    assert set(right) == {"dw of layer 0", "db of layer 0", "dw of layer 1", "db of layer 1"}
    assert max(right.values()) < 1e-6
    assert min(wrong["dw of layer 0"], wrong["db of layer 0"]) > 1e-5
    assert max(wrong["dw of layer 1"], wrong["db of layer 1"]) < 1e-6
