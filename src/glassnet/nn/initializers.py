"""First weights.

Drawn uniformly from ±bound, in one place for both engines: no function but √ is needed, so the bits are the same
everywhere. Biases are drawn too, so that the hinges of a layer do not all start at the origin.
"""

from collections.abc import Callable
from math import sqrt

from glassnet.errors import unknown_name

# Gives the bounds of weights and of biases, for a layer of fan_in inputs and fan_out units and an activation.
Initializer = Callable[[int, int, str], tuple[float, float]]


def glorot(fan_in: int, fan_out: int, activation: str) -> tuple[float, float]:
    """√(6 / (fan_in + fan_out)) for both: keeps the variance both ways (Glorot and Bengio 2010, eq. 16).

    For logistic units √(2 / (fan_in + fan_out)), as in scikit-learn.

    >>> glorot(4, 2, "tanh")
    (1.0, 1.0)
    """
    bound = sqrt((2 if activation == "logistic" else 6) / (fan_in + fan_out))
    return bound, bound


def he(fan_in: int, fan_out: int, activation: str) -> tuple[float, float]:
    """√(6 / fan_in), biases 1 / √fan_in: keeps the variance through half-open units (He et al. 2015, eq. 10).

    >>> he(6, 2, "relu")[0]
    1.0
    """
    return sqrt(6 / fan_in), 1 / sqrt(fan_in)


def zeros(fan_in: int, fan_out: int, activation: str) -> tuple[float, float]:
    """0: every unit of a layer stays like its neighbour. For seeing training fail.

    >>> zeros(4, 2, "tanh")
    (0.0, 0.0)
    """
    return 0.0, 0.0


INITIALIZERS: dict[str, Initializer] = {"glorot": glorot, "he": he, "zeros": zeros}


def get_initializer(name: str) -> Initializer:
    """The initializer of that name."""
    try:
        return INITIALIZERS[name]
    except (KeyError, TypeError):
        raise unknown_name("initializer", name, INITIALIZERS) from None
