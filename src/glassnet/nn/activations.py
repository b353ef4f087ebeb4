"""f beside its derivative.

An activation is applied to every element of z = xw + b. `derivative` may use z or h = f(z), whichever is cheaper. At a
kink the derivative is a convention: relu's f′(0) is 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.errors import InputError, unknown_name
from glassnet.nn.elementary import Array, cos, exp, expm1_below, log1p, sin, tanh


@dataclass(frozen=True)
class Activation:
    """h = f(z), elementwise."""

    name: ClassVar[str] = ""
    trainable: ClassVar[bool] = True  # whether the slope says where to go

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


class LeakyRelu(Activation):
    """h = z where z > 0, else 0.01 z        dh/dz = 1, else 0.01"""

    name = "leaky_relu"

    def __call__(self, z: Array) -> Array:
        return np.where(z > 0, z, z.dtype.type(0.01) * z)

    def derivative(self, z: Array, h: Array) -> Array:
        return np.where(z > 0, z.dtype.type(1), z.dtype.type(0.01))


class Elu(Activation):
    """h = z where z > 0, else eᶻ − 1        dh/dz = 1, else h + 1        (Clevert et al. 2016, α = 1)"""

    name = "elu"

    def __call__(self, z: Array) -> Array:
        return np.where(z > 0, z, expm1_below(z))

    def derivative(self, z: Array, h: Array) -> Array:
        return np.where(z > 0, z.dtype.type(1), h + 1)


class Selu(Activation):
    """h = λz where z > 0, else λα(eᶻ − 1)        dh/dz = λ, else h + λα        (Klambauer et al. 2017)"""

    name = "selu"
    scale, scaled_alpha = 1.0507009873554805, 1.7580993408473768  # λ and λα

    def __call__(self, z: Array) -> Array:
        return np.where(z > 0, self.scale * z, self.scaled_alpha * expm1_below(z))

    def derivative(self, z: Array, h: Array) -> Array:
        return np.where(z > 0, z.dtype.type(self.scale), h + self.scaled_alpha)


class Softplus(Activation):
    """h = ln(1 + eᶻ)        dh/dz = σ(z)"""

    name = "softplus"

    def __call__(self, z: Array) -> Array:
        return np.maximum(z, 0) + log1p(exp(-np.abs(z)))  # eᶻ alone would overflow

    def derivative(self, z: Array, h: Array) -> Array:
        return 1 / (1 + exp(-z))


class Mish(Activation):
    """h = z t, t = tanh(ln(1 + eᶻ))        dh/dz = t + z σ(z)(1 − t²)        (Misra 2020)"""

    name = "mish"

    def __call__(self, z: Array) -> Array:
        return z * tanh(np.maximum(z, 0) + log1p(exp(-np.abs(z))))

    def derivative(self, z: Array, h: Array) -> Array:
        t = tanh(np.maximum(z, 0) + log1p(exp(-np.abs(z))))
        return t + z * ((1 / (1 + exp(-z))) * (1 - t * t))


class Gelu(Activation):
    """h = ½z(1 + t), t = tanh(√(2/π)(z + 0.044715 z³)): the tanh form (Hendrycks and Gimpel 2016, section 2)

    dh/dz = ½(1 + t) + ½z(1 − t²) √(2/π)(1 + 0.134145 z²)
    """

    name = "gelu"
    root, cubic = 0.7978845608028654, 0.044715  # √(2/π)

    def __call__(self, z: Array) -> Array:
        return 0.5 * z * (1 + tanh(self.root * (z + self.cubic * (z * z * z))))

    def derivative(self, z: Array, h: Array) -> Array:
        t = tanh(self.root * (z + self.cubic * (z * z * z)))
        return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * (self.root * (1 + (3 * self.cubic) * (z * z)))


class Sine(Activation):
    """h = sin z        dh/dz = cos z"""

    name = "sine"

    def __call__(self, z: Array) -> Array:
        return sin(z)

    def derivative(self, z: Array, h: Array) -> Array:
        return cos(z)


class Square(Activation):
    """h = z²        dh/dz = 2z

    A polynomial: two units without bias make x² + y² exactly, and no width makes a sine.
    """

    name = "square"

    def __call__(self, z: Array) -> Array:
        return z * z

    def derivative(self, z: Array, h: Array) -> Array:
        return 2 * z


class Step(Activation):
    """h = 1 where z > 0, else 0        dh/dz = 0

    For looking and for networks built by hand: its slope is 0 wherever it has one, so nothing below it learns.
    """

    name = "step"
    trainable = False

    def __call__(self, z: Array) -> Array:
        return (z > 0).astype(z.dtype)

    def derivative(self, z: Array, h: Array) -> Array:
        return np.zeros_like(z)


@dataclass(frozen=True)
class CustomActivation(Activation):
    """A function and its derivative of your own, on the NumPy engine.

    The derivative is compared with central differences when it is given, at points from −3 to 3.

    Args:
        function: h = f(z), elementwise on arrays.
        slope: f′(z), elementwise.

    Raises:
        InputError: the slope is not the function's, or one of the two does not keep the shape of z.

    >>> cube = CustomActivation(lambda z: z**3, lambda z: 3 * z**2)
    >>> cube(np.array([2.0]))
    array([8.])
    """

    function: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    name = "custom"

    def __post_init__(self) -> None:
        z = np.linspace(-3, 3, 240) + 0.00417  # off the kinks that people like: whole numbers and halves
        step = 1e-6
        h, given = np.asarray(self.function(z)), np.asarray(self.slope(z))
        if h.shape != z.shape or given.shape != z.shape:
            raise InputError(
                f"The activation turns z of shape {z.shape} into {h.shape} and its derivative into "
                f"{given.shape}, but both must keep the shape: use NumPy functions, elementwise."
            )
        measured = (self.function(z + step) - self.function(z - step)) / (2 * step)
        wrong = ~(np.abs(given - measured) <= 1e-4 * (1 + np.abs(measured)))  # nan is wrong too
        if not np.isfinite(h).all() or wrong.mean() > 0.02:  # a kink or two may be met
            i = int(np.argmax(np.where(np.isfinite(given - measured), np.abs(given - measured), np.inf)))
            raise InputError(
                f"The derivative of the activation is {given[i]:.6g} at z = {z[i]:.4g}, but central "
                f"differences of the function give {measured[i]:.6g}. Give f and f′ as (function, derivative)."
            )

    def __call__(self, z: Array) -> Array:
        return np.asarray(self.function(z), dtype=z.dtype)

    def derivative(self, z: Array, h: Array) -> Array:
        return np.asarray(self.slope(z), dtype=z.dtype)


ACTIVATIONS: dict[str, Activation] = {
    f.name: f
    for f in (
        *(Identity(), Logistic(), Tanh(), Relu(), Silu(), LeakyRelu(), Elu(), Selu(), Softplus(), Mish(), Gelu()),
        *(Sine(), Square(), Step()),
    )
}


def get_activation(
    activation: "str | Activation | tuple[Callable[[Array], Array], Callable[[Array], Array]]",
) -> Activation:
    """The activation of that name; an `Activation` is passed through, a pair (f, f′) is made one.

    >>> get_activation("tanh")(np.zeros(1))
    array([0.])
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, tuple) and len(activation) == 2 and all(map(callable, activation)):
        return CustomActivation(*activation)
    try:
        return ACTIVATIONS[activation]  # type: ignore[index]  # whatever it is, it is told
    except (KeyError, TypeError):
        raise unknown_name("activation", activation, ACTIVATIONS) from None
