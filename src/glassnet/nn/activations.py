"""f beside its derivative.

An activation is applied to every element of z = xw + b. `derivative` may use z or h = f(z), whichever is cheaper. At a
kink the derivative is a convention: relu's f′(0) is 0.
"""

from dataclasses import dataclass

import numpy as np

from glassnet.errors import unknown_name
from glassnet.nn.elementary import Array, exp, tanh


@dataclass(frozen=True)
class Activation:
    """h = f(z), elementwise."""

    name = ""

    def __call__(self, z: Array) -> Array:
        raise NotImplementedError

    def derivative(self, z: Array, h: Array) -> Array:
        """f′(z), of the shape of z."""
        raise NotImplementedError


class Identity(Activation):
    """h = z        dh/dz = 1"""

    name = "identity"

    def __call__(self, z: Array) -> Array:
        return z

    def derivative(self, z: Array, h: Array) -> Array:
        return np.ones_like(z)


class Logistic(Activation):
    """h = 1 / (1 + e⁻ᶻ)        dh/dz = h(1 − h)"""

    name = "logistic"

    def __call__(self, z: Array) -> Array:
        return 1 / (1 + exp(-z))

    def derivative(self, z: Array, h: Array) -> Array:
        return h * (1 - h)


class Tanh(Activation):
    """h = tanh z        dh/dz = 1 − h²"""

    name = "tanh"

    def __call__(self, z: Array) -> Array:
        return tanh(z)

    def derivative(self, z: Array, h: Array) -> Array:
        return 1 - h * h


class Relu(Activation):
    """h = max(z, 0)        dh/dz = 1 where z > 0, else 0"""

    name = "relu"

    def __call__(self, z: Array) -> Array:
        return np.maximum(z, 0)

    def derivative(self, z: Array, h: Array) -> Array:
        return (z > 0).astype(z.dtype)


class Silu(Activation):
    """h = z σ(z), σ the logistic function        dh/dz = σ(1 + z(1 − σ))"""

    name = "silu"

    def __call__(self, z: Array) -> Array:
        return z * (1 / (1 + exp(-z)))

    def derivative(self, z: Array, h: Array) -> Array:
        s = 1 / (1 + exp(-z))
        return s * (1 + z * (1 - s))


ACTIVATIONS: dict[str, Activation] = {f.name: f for f in (Identity(), Logistic(), Tanh(), Relu(), Silu())}


def get_activation(activation: str | Activation) -> Activation:
    """The activation of that name; an `Activation` is passed through.

    >>> get_activation("tanh")(np.zeros(1))
    array([0.])
    """
    if isinstance(activation, Activation):
        return activation
    try:
        return ACTIVATIONS[activation]
    except (KeyError, TypeError):
        raise unknown_name("activation", activation, ACTIVATIONS) from None
