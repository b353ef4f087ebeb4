"""Backward against two judges: JAX's automatic differentiation and central differences."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.nn import (
    ACTIVATIONS,
    LOSSES,
    Activation,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Network,
    Quantile,
    central_difference,
    check_gradients,
    get_loss,
)
from glassnet.nn.network import flatten

jax.config.update("jax_enable_x64", True)

N, D, K = 7, 4, 2  # all sizes are different: a transposed product cannot pass unseen
HIDDEN = (3, 6, 5)
L2, L1 = 0.7, 0.3

# From their definitions. Whoever adds an activation or a loss adds its definition here.
JAX_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "logistic": lambda z: 1 / (1 + jnp.exp(-z)),
    "tanh": lambda z: (jnp.exp(z) - jnp.exp(-z)) / (jnp.exp(z) + jnp.exp(-z)),
    "relu": lambda z: jnp.where(z > 0, z, 0.0),
    "silu": lambda z: z / (1 + jnp.exp(-z)),
    "leaky_relu": lambda z: jnp.where(z > 0, z, 0.01 * z),
    "elu": lambda z: jnp.where(z > 0, z, jnp.exp(z) - 1),
    "selu": lambda z: 1.0507009873554804934 * jnp.where(z > 0, z, 1.6732632423543772848 * (jnp.exp(z) - 1)),
    "softplus": lambda z: jnp.log(1 + jnp.exp(z)),
    "mish": lambda z: z * jnp.tanh(jnp.log(1 + jnp.exp(z))),
    "gelu": lambda z: z / 2 * (1 + jnp.tanh(jnp.sqrt(2 / jnp.pi) * (z + 0.044715 * z**3))),
    "sine": jnp.sin,
    "square": lambda z: z**2,
    "step": lambda z: jnp.where(z > 0, 1.0, 0.0),
}


def _jax_binary_cross_entropy(loss: Any, y: Any, t: Any) -> Any:
    p, e = 1 / (1 + jnp.exp(-y)), loss.label_smoothing
    t = (1 - e) * t + e / 2
    return -(t * jnp.log(p) + (1 - t) * jnp.log(1 - p)).sum(axis=1)


def _jax_cross_entropy(loss: Any, y: Any, t: Any) -> Any:
    t = (1 - loss.label_smoothing) * t + loss.label_smoothing / K
    return -(t * jnp.log(jnp.exp(y) / jnp.exp(y).sum(axis=1, keepdims=True))).sum(axis=1)


def _jax_huber(loss: Any, y: Any, t: Any) -> Any:
    r = jnp.abs(y - t)
    return jnp.where(r <= loss.delta, r**2 / 2, loss.delta * r - loss.delta**2 / 2).sum(axis=1)


def _jax_gaussian(loss: Any, y: Any, t: Any) -> Any:
    mean, variance = y[:, :K], jnp.exp(y[:, K:])
    return -jnp.log(jnp.exp(-((t - mean) ** 2) / (2 * variance)) / jnp.sqrt(2 * jnp.pi * variance)).sum(axis=1)


JAX_LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "squared_error": lambda loss, y, t: ((y - t) ** 2).sum(axis=1) / 2,
    "absolute_error": lambda loss, y, t: jnp.abs(y - t).sum(axis=1),
    "huber": _jax_huber,
    "quantile": lambda loss, y, t: jnp.maximum(loss.quantile * (t - y), (loss.quantile - 1) * (t - y)).sum(axis=1),
    "gaussian": _jax_gaussian,
    "binary_cross_entropy": _jax_binary_cross_entropy,
    "cross_entropy": _jax_cross_entropy,
    "poisson": lambda loss, y, t: (jnp.exp(y) - t + t * jnp.log(t / jnp.exp(y))).sum(axis=1),
}

# Every loss, and those with numbers of their own with other numbers too.
CASES: dict[str, Loss] = {
    **LOSSES,
    "huber, near": Huber(0.25),
    "quantile, low": Quantile(0.1),
    "binary_cross_entropy, smoothed": BinaryCrossEntropy(0.2),
    "cross_entropy, smoothed": CrossEntropy(0.3),
}
# Every activation under one loss, and every loss above one activation.
CROSS = [(f, "cross_entropy") for f in ACTIVATIONS] + [("tanh", loss) for loss in CASES if loss != "cross_entropy"]

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)
every_loss = pytest.mark.parametrize("loss", CASES)
in_turn = pytest.mark.parametrize(("activation", "loss"), CROSS)
every_form = pytest.mark.parametrize(
    ("bias", "skip"), [(True, True), (True, False), (False, True), (False, False)], ids=["b,u", "b", "u", "none"]
)
every_depth = pytest.mark.parametrize("depth", range(len(HIDDEN) + 1))


@dataclass(frozen=True)
class Problem:
    """A network away from kinks, and rows for it."""

    network: Network
    x: Any
    t: Any
    s: Any


@cache
def problem(activation: str, loss: str, bias: bool = True, skip: bool = True, depth: int = 2) -> Problem:
    """The same for every engine; targets are positive and sum to 1, as all losses accept."""
    sizes = [D, *HIDDEN[:depth], K * CASES[loss].width]
    for seed in count():
        rng = np.random.default_rng(seed)
        network = Network.create(sizes, activation, bias=bias, skip=skip, seed=seed)
        if network.skip is not None:
            network.skip[...] = rng.normal(size=network.skip.shape) / 2  # it starts at 0, on the kink of |u|
        x, t, s = rng.normal(size=(N, D)) / 2, rng.dirichlet(np.ones(K), size=N), rng.uniform(0.5, 2, size=N)
        y, trace = network.forward(x)
        r = np.abs(y[:, :K] - t)
        kinks = [*(np.abs(step.z).min() for step in trace[:-1]), np.abs(network.parameters).min(), r.min()]
        kinks.append(np.abs(r - getattr(CASES[loss], "delta", 0)).min())
        if min(kinks) > 1e-3 and np.abs(y).max() < 6:  # farther out the definitions lose digits themselves
            return Problem(network, x, t, s)
    raise AssertionError


Parameters = tuple[list[tuple[Any, Any]], Any]


def jax_scores(parameters: Parameters, activation: str, x: Any) -> Any:
    layers, skip = parameters
    h = x
    for i, (w, b) in enumerate(layers):
        z = h @ w + b
        h = z if i == len(layers) - 1 else JAX_ACTIVATIONS[activation](z)
    return h + x @ skip


def jax_parameters(network: Network) -> Parameters:
    """Without bias b = 0, without skip path u = 0, and their gradients are ignored."""
    layers = [(layer.w, np.zeros(layer.w.shape[1]) if layer.b is None else layer.b) for layer in network.layers]
    d, k = network.architecture.sizes[0], network.architecture.sizes[-1]
    return layers, np.zeros((d, k)) if network.skip is None else network.skip


def expected_gradients(network: Network, slopes: Parameters) -> dict[str, Any]:
    """By name, those that the network has."""
    layers, du = slopes
    named = {f"dw of layer {i}": dw for i, (dw, _) in enumerate(layers)}
    if network.layers[0].b is not None:
        named |= {f"db of layer {i}": db for i, (_, db) in enumerate(layers)}
    return {name: np.asarray(g) for name, g in (named | ({} if network.skip is None else {"du": du})).items()}


@cache
def jax_gradients(
    activation: str, loss: str, bias: bool = True, skip: bool = True, depth: int = 2
) -> tuple[float, dict[str, Any]]:
    """The weighted mean loss with its penalties, and its gradient."""
    p = problem(activation, loss, bias, skip, depth)

    def objective(parameters: Parameters) -> Any:
        rows = JAX_LOSSES[CASES[loss].name](CASES[loss], jax_scores(parameters, activation, p.x), p.t)
        weights = [*(w for w, _ in parameters[0]), parameters[1]]
        penalty = L2 * sum((w**2).sum() for w in weights) / 2 + L1 * sum(jnp.abs(w).sum() for w in weights)
        return ((p.s * rows).sum() + penalty) / p.s.sum()

    value, slopes = jax.value_and_grad(objective)(jax_parameters(p.network))
    return float(value), expected_gradients(p.network, slopes)


def named(gradients: Sequence[Any]) -> dict[str, Any]:
    """The gradients of an engine by name."""
    all_of = {f"dw of layer {i}": g.dw for i, g in enumerate(gradients)}
    all_of |= {f"db of layer {i}": g.db for i, g in enumerate(gradients)}
    return {name: g for name, g in (all_of | {"du": gradients[-1].du}).items() if g is not None}


def distance(ours: Any, theirs: Any) -> float:
    """‖ours − theirs‖ / ‖theirs‖"""
    assert ours.shape == theirs.shape
    return float(np.linalg.norm(ours - theirs) / max(np.linalg.norm(theirs), 1e-300))  # 0 / 0 is no distance


def assert_near(ours: dict[str, Any], expected: dict[str, Any], bound: float) -> None:
    assert set(ours) == set(expected)
    for name, gradient in expected.items():
        assert distance(ours[name], gradient) < bound, name


def test_every_registered_name_has_a_definition_to_be_compared_with():
    assert set(JAX_ACTIVATIONS) == set(ACTIVATIONS)
    assert set(JAX_LOSSES) == set(LOSSES)


@every_loss
@every_activation
def test_gradients_agree_with_automatic_differentiation(engine, activation, loss):
    p = problem(activation, loss)
    value, expected = jax_gradients(activation, loss)

    ours, gradients = engine.gradients(p.network, CASES[loss], p.x, p.t, p.s, L2, L1)

    assert ours == pytest.approx(value, rel=1e-12)
    assert_near(named(gradients), expected, 1e-9)


@every_loss
@every_activation
def test_float32_gradients_agree_with_automatic_differentiation(engine, activation, loss):
    p = problem(activation, loss)
    value, expected = jax_gradients(activation, loss)
    single = Network.from_parameters(p.network.architecture, p.network.parameters.astype(np.float32))
    x, t, s = (array.astype(np.float32) for array in (p.x, p.t, p.s))

    ours, gradients = engine.gradients(single, CASES[loss], x, t, s, L2, L1)

    assert {gradient.dtype for gradient in named(gradients).values()} == {np.dtype(np.float32)}
    assert ours == pytest.approx(value, rel=2e-6)
    assert_near(named(gradients), expected, 2e-5)


@in_turn
def test_gradients_agree_without_bias_and_skip_path(engine, activation, loss):
    p = problem(activation, loss, bias=False, skip=False)
    value, expected = jax_gradients(activation, loss, bias=False, skip=False)

    ours, gradients = engine.gradients(p.network, CASES[loss], p.x, p.t, p.s, L2, L1)

    assert ours == pytest.approx(value, rel=1e-12)
    assert_near(named(gradients), expected, 1e-9)


@every_depth
@every_form
@pytest.mark.parametrize(("activation", "loss"), [("tanh", "cross_entropy"), ("silu", "gaussian")])
def test_gradients_agree_in_every_form_of_a_network(engine, activation, loss, bias, skip, depth):
    p = problem(activation, loss, bias, skip, depth)
    value, expected = jax_gradients(activation, loss, bias, skip, depth)

    ours, gradients = engine.gradients(p.network, CASES[loss], p.x, p.t, p.s, L2, L1)

    assert ours == pytest.approx(value, rel=1e-12)
    assert_near(named(gradients), expected, 1e-9)


@in_turn
def test_gradients_are_the_slopes_of_the_loss_that_is_reported(engine, activation, loss):
    p = problem(activation, loss)
    network = Network.from_parameters(p.network.architecture, p.network.parameters)

    def value() -> float:
        return engine.gradients(network, CASES[loss], p.x, p.t, p.s, L2, L1)[0]

    gradients = engine.gradients(network, CASES[loss], p.x, p.t, p.s, L2, L1)[1]
    slopes = [(central_difference(value, layer.w), central_difference(value, layer.b)) for layer in network.layers]
    assert_near(named(gradients), expected_gradients(network, (slopes, central_difference(value, network.skip))), 1e-6)


@every_loss
def test_without_weights_every_row_counts_as_one(engine, loss):
    p = problem("tanh", loss)

    value, gradients = engine.gradients(p.network, CASES[loss], p.x, p.t, None, L2, L1)
    ones, of_ones = engine.gradients(p.network, CASES[loss], p.x, p.t, np.ones(N), L2, L1)

    assert value == pytest.approx(ones, rel=1e-14)
    assert_near(named(gradients), named(of_ones), 1e-14)


@every_loss
def test_a_row_of_weight_two_is_the_row_twice(engine, loss):
    p = problem("silu", loss, depth=1)
    twice = np.concatenate([np.arange(N), [3]])
    s = np.ones(N)
    s[3] = 2

    value, gradients = engine.gradients(p.network, CASES[loss], p.x, p.t, s, L2, L1)
    repeated, of_repeated = engine.gradients(p.network, CASES[loss], p.x[twice], p.t[twice], None, L2, L1)

    assert value == pytest.approx(repeated, rel=1e-14)
    assert_near(named(gradients), named(of_repeated), 1e-13)


@pytest.mark.parametrize("rows", [N, 300])  # the kernel takes 256 rows at a time
@pytest.mark.parametrize(("bias", "skip"), [(True, False), (False, True)], ids=["b", "u"])
@every_activation
def test_jacobians_agree_with_automatic_differentiation(engine, activation, bias, skip, rows):
    network = problem(activation, "squared_error", bias, skip).network
    x = np.random.default_rng(5).normal(size=(rows, D))
    parameters = engine.jacobian(network, x)
    inputs = engine.jacobian(network, x, wrt="inputs")

    assert parameters.shape == (rows, K, network.architecture.n_parameters)
    assert inputs.shape == (rows, K, D)
    for i in (1, rows - 1):
        for j in range(K):
            slopes = jax.grad(lambda parameters, r, j=j: jax_scores(parameters, activation, r)[0, j], argnums=(0, 1))
            (layers, du), of_row = slopes(jax_parameters(network), x[i : i + 1])
            pairs = [(np.asarray(dw), np.asarray(db) if bias else None) for dw, db in layers]
            by_parameters = flatten(pairs, np.asarray(du) if skip else None)
            assert distance(parameters[i, j], by_parameters) < 1e-9, f"of output {j} at row {i}"
            assert distance(inputs[i, j], np.asarray(of_row)[0]) < 1e-9, f"of output {j} at row {i}"


def test_check_gradients_finds_a_wrong_derivative():
    class Wrong(Activation):
        name = "wrong"

        def __call__(self, z: Any) -> Any:
            return np.sin(z)

        def derivative(self, z: Any, h: Any) -> Any:
            return np.cos(z) + 1e-3

    p = problem("tanh", "cross_entropy", depth=1)
    right = check_gradients(p.network, get_loss("cross_entropy"), p.x, p.t, p.s)
    wrong = check_gradients(Network.create([D, 3, K], Wrong()), get_loss("cross_entropy"), p.x, p.t, p.s)

    assert set(right) == {"dw of layer 0", "db of layer 0", "dw of layer 1", "db of layer 1", "du of layer 1"}
    assert max(right.values()) < 1e-6
    assert min(wrong["dw of layer 0"], wrong["db of layer 0"]) > 1e-5
    assert max(wrong["dw of layer 1"], wrong["db of layer 1"]) < 1e-6
