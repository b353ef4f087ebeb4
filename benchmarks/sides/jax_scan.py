"""JAX as well as we can write it: one flat vector of parameters, an epoch of `lax.scan` in one compiled call.

The buffers are donated, Adam is written out, the shuffle is inside; `jax_host.py` has NumPy draw the order, which is
faster. Where the rows are no whole batches, one more step takes the rest.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.flatten_util import ravel_pytree

from benchmarks.workloads import Workload, glorot

FRESH = False

Carry = tuple[Any, Any, Any, Any]  # θ, both moments, the count of steps


def forward(layers: Any, x: Any, f: Callable[[Any], Any]) -> Any:
    """Scores y (n, k)."""
    for w, b in layers[:-1]:
        x = f(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


def squared_error(y: Any, t: Any) -> Any:
    return jnp.sum((y - t) ** 2) / (2 * len(t))


def log_loss(y: Any, t: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(y), t[:, None], axis=1))


def adam(gradient: Callable[..., Any], carry: Carry, batch: tuple[Any, Any]) -> tuple[Carry, None]:
    """A step on a minibatch."""
    theta, m, v, count = carry
    g, count = gradient(theta, *batch), count + 1
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    rate = 0.001 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    return (theta - rate * m / (jnp.sqrt(v) + 1e-8), m, v, count), None


def epoch_of(gradient: Callable[..., Any], batch: int, unroll: int = 1, inside: bool = True) -> Callable[..., Carry]:
    """A compiled epoch; the order of the rows is drawn from a key inside, or given."""
    step = partial(adam, gradient)

    @partial(jax.jit, donate_argnums=0)
    def epoch(carry: Carry, x: Any, t: Any, order: Any) -> Carry:
        order = jax.random.permutation(order, len(x)) if inside else order
        x, t, whole = x[order], t[order], len(x) // batch * batch
        batches = x[:whole].reshape(-1, batch, x.shape[1]), t[:whole].reshape(-1, batch, *t.shape[1:])
        carry, _ = lax.scan(step, carry, batches, unroll=unroll)
        return step(carry, (x[whole:], t[whole:]))[0] if whole < len(x) else carry

    return epoch


def first(theta: np.ndarray) -> Carry:
    """Before the first step; arrays of its own, since they are given away."""
    return jnp.array(theta), jnp.zeros_like(theta), jnp.zeros_like(theta), jnp.zeros((), theta.dtype)


class Training:
    """Epochs, each one call."""

    note = "an epoch is one `jit` of a `scan`, flat parameters, donated"

    def __init__(self, workload: Workload, inside: bool = True, unrolls: tuple[int, ...] = (1,)) -> None:
        self.x, self.t = map(jnp.asarray, workload.data())
        self.inside, self.key, self.rng = inside, jax.random.key(0), np.random.default_rng(0)
        f = jnp.tanh if workload.activation == "tanh" else jax.nn.relu
        flat = [ravel_pytree(glorot(workload.sizes, seed)) for seed in range(workload.members)]
        unravel = flat[0][1]
        gradient = jax.grad(lambda theta, x, t: squared_error(forward(unravel(theta), x, f), t))
        thetas = np.stack([np.asarray(theta) for theta, _ in flat])
        if workload.members > 1:
            gradient = jax.vmap(gradient, in_axes=(0, None, None))
            self.note += "; `vmap`, one order of the rows for all"
        self.carry = first(thetas if workload.members > 1 else thetas[0])
        self.epochs = {u: epoch_of(gradient, workload.batch, u, inside) for u in unrolls}
        self.unroll = min(self.epochs, key=self.trial) if len(unrolls) > 1 else unrolls[0]

    def trial(self, unroll: int) -> float:
        """Seconds of an epoch, the best of three after the one that compiles."""
        self.unroll = unroll
        self(1)
        seconds = []
        for _ in range(3):
            began = time.perf_counter()
            self(1)
            seconds.append(time.perf_counter() - began)
        return min(seconds)

    def order(self) -> Any:
        """A key, or where the order is drawn outside, the order."""
        if not self.inside:
            return self.rng.permutation(len(self.x)).astype(np.int32)
        self.key, key = jax.random.split(self.key)
        return key

    def __call__(self, epochs: int) -> None:
        epoch = self.epochs[self.unroll]
        for _ in range(epochs):
            self.carry = epoch(self.carry, self.x, self.t, self.order())
        jax.block_until_ready(self.carry)


def training(workload: Workload, threads: int) -> Training:
    return Training(workload)


def learning(problem: Any) -> Callable[[int, int, bool], Iterator[np.ndarray]]:
    jax.config.update("jax_enable_x64", problem.x.dtype == np.float64)
    x, t = jnp.asarray(problem.x), jnp.asarray(problem.y if problem.classes else problem.y[:, None])
    _, unravel = ravel_pytree(glorot(problem.sizes, 0, problem.x.dtype.type))
    loss = log_loss if problem.classes else squared_error
    gradient = jax.grad(lambda theta, x, t: loss(forward(unravel(theta), x, jax.nn.relu), t))
    epoch = epoch_of(gradient, problem.batch, inside=False)

    @jax.jit
    def predict(theta: Any) -> Any:
        y = forward(unravel(theta), problem.x_test, jax.nn.relu)
        return jax.nn.softmax(y) if problem.classes else y[:, 0]

    def run(epochs: int, seed: int, watch: bool) -> Iterator[np.ndarray]:
        rng = np.random.default_rng(seed)
        carry = first(np.asarray(ravel_pytree(glorot(problem.sizes, seed, problem.x.dtype.type))[0]))
        for i in range(1, epochs + 1):
            carry = epoch(carry, x, t, rng.permutation(len(x)).astype(np.int32))
            if watch or i == epochs:
                yield np.asarray(predict(carry[0]))

    return run


def predictor(layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> dict[str, Any]:
    weights = jax.device_put(layers)
    compiled = jax.jit(lambda x: forward(weights, x, jax.nn.relu))

    def of_rows(x: np.ndarray) -> np.ndarray:
        return np.asarray(compiled(x))

    return {
        "list": lambda row: of_rows(np.array([row], np.float32)),
        "array": lambda row: of_rows(row[None, :]),
        "rows": of_rows,
        "note": "`jit`",
    }
