"""First weights.

Drawn from uniform numbers in one place for both engines, so that both start from the same. Biases are drawn too, so
that the hinges of a layer do not all start at the origin.
"""

from collections.abc import Callable
from math import sqrt

import numpy as np

from glassnet.errors import unknown_name
from glassnet.nn.elementary import Array

# From u, uniform in (0, 1), (fan_in + 1) · fan_out of them: w row by row, (fan_in · fan_out,), and b, (fan_out,).
# `activation` is the network's first.
Initializer = Callable[[Array, int, int, str], tuple[Array, Array]]


def _within(u: Array, count: int, w_bound: float, b_bound: float) -> tuple[Array, Array]:
    """±bound: no function but √ is needed, so the bits are the same on every machine."""
    signed = 2 * u - 1
    return w_bound * signed[:count], b_bound * signed[count:]


def glorot(u: Array, fan_in: int, fan_out: int, activation: str) -> tuple[Array, Array]:
    """±√(6 / (fan_in + fan_out)) for both: keeps the variance both ways (Glorot and Bengio 2010, eq. 16).

    For logistic units √(2 / (fan_in + fan_out)), as in scikit-learn.

    >>> glorot(np.array([0.0, 1.0, 0.5]), 1, 1, "tanh")[0].round(3)
    array([-1.732])
    """
    bound = sqrt((2 if activation == "logistic" else 6) / (fan_in + fan_out))
    return _within(u, fan_in * fan_out, bound, bound)


def he(u: Array, fan_in: int, fan_out: int, activation: str) -> tuple[Array, Array]:
    """±√(6 / fan_in), biases ±1 / √fan_in: keeps the variance through half-open units (He et al. 2015, eq. 10)."""
    return _within(u, fan_in * fan_out, sqrt(6 / fan_in), 1 / sqrt(fan_in))


def lecun(u: Array, fan_in: int, fan_out: int, activation: str) -> tuple[Array, Array]:
    """±√(3 / fan_in), biases ±1 / √fan_in: variance 1 / fan_in (LeCun et al. 1998, eq. 16); selu's choice."""
    return _within(u, fan_in * fan_out, sqrt(3 / fan_in), 1 / sqrt(fan_in))


def orthogonal(u: Array, fan_in: int, fan_out: int, activation: str) -> tuple[Array, Array]:
    """Orthonormal rows or columns, whichever are fewer, times √2 for half-open units (Saxe et al. 2014, section 3).

    By Gram and Schmidt, twice, on uniform numbers; biases ±1 / √fan_in.
    """
    w, b = _within(u, fan_in * fan_out, 1.0, 1 / sqrt(fan_in))
    rows = w.reshape(fan_in, fan_out)
    rows = (rows if fan_in <= fan_out else rows.T).copy()
    for i, row in enumerate(rows):
        for _ in range(2):  # the second pass takes away what rounding left
            row -= (rows[:i] @ row) @ rows[:i]
        row /= np.sqrt(row @ row)
    gain = sqrt(2) if activation in ("relu", "leaky_relu", "silu", "gelu", "mish", "elu", "softplus") else 1.0
    return gain * (rows if fan_in <= fan_out else rows.T).ravel(), b


def zeros(u: Array, fan_in: int, fan_out: int, activation: str) -> tuple[Array, Array]:
    """0: every unit of a layer stays like its neighbour. For seeing training fail."""
    return _within(u, fan_in * fan_out, 0.0, 0.0)


INITIALIZERS: dict[str, Initializer] = {
    "glorot": glorot,
    "he": he,
    "lecun": lecun,
    "orthogonal": orthogonal,
    "zeros": zeros,
}


def get_initializer(name: str) -> Initializer:
    """The initializer of that name."""
    try:
        return INITIALIZERS[name]
    except (KeyError, TypeError):
        raise unknown_name("initializer", name, INITIALIZERS) from None
