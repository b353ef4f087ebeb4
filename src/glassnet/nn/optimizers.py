"""From a gradient to a step.

An optimizer is its hyperparameters. What it carries from step to step, its moments, are arrays that the caller holds
(in training, the engine's state), so that they can be read and saved. All arrays are one vector (P,) for a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from glassnet.errors import unknown_name
from glassnet.nn.elementary import Array
from glassnet.nn.network import Network, flatten


@dataclass
class Optimizer:
    """Moves parameters θ against a gradient g."""

    name: ClassVar[str] = ""
    moment_names: ClassVar[tuple[str, ...]] = ()

    learning_rate: float = 0.001
    moments: Array | None = field(default=None, init=False, repr=False, compare=False)  # of `step`, (moments, P)
    steps: int = field(default=0, init=False, repr=False, compare=False)

    def update(self, theta: Array, g: Array, moments: Any, learning_rate: float, step: int) -> None:
        """Change θ (P,) and the moments, each (P,), in place; `step` counts from 1."""
        raise NotImplementedError

    def step(self, network: Network, gradients: Sequence[Any]) -> None:
        """One step of a network in place, the moments kept in `self.moments`.

        >>> network = Network.create([1, 1], seed=0)
        >>> y, trace = network.forward(np.ones((1, 1)))
        >>> SGD(learning_rate=0.5, momentum=0).step(network, network.backward(trace, y))
        >>> bool(np.allclose(network.forward(np.ones((1, 1)))[0], 0))
        True
        """
        theta, g = network.parameters, flatten((gradient.dw, gradient.db) for gradient in gradients)
        if self.moments is None:
            self.moments = np.zeros((len(self.moment_names), theta.size), theta.dtype)
        self.steps += 1
        self.update(theta, g, self.moments, self.learning_rate, self.steps)
        for layer, new in zip(network.layers, Network.from_parameters(network.architecture, theta).layers, strict=True):
            layer.w[...] = new.w
            if layer.b is not None:
                layer.b[...] = new.b


@dataclass
class SGD(Optimizer):
    """u ← μu − ηg        θ ← θ + u, or with Nesterov's look-ahead θ ← θ + μu − ηg

    Momentum μ (Polyak 1964), look-ahead as in Sutskever et al. 2013, section 2; η the learning rate.
    """

    name = "sgd"
    moment_names = ("velocity",)

    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True

    def update(self, theta: Array, g: Array, moments: Any, learning_rate: float, step: int) -> None:
        (u,) = moments
        u *= self.momentum
        u -= learning_rate * g
        theta += self.momentum * u - learning_rate * g if self.nesterov else u


@dataclass
class Adam(Optimizer):
    """m ← β₁m + (1 − β₁)g        v ← β₂v + (1 − β₂)g²        θ ← θ − ηₜ m / (√v + ε)

    ηₜ = η √(1 − β₂ᵗ) / (1 − β₁ᵗ) undoes the zeros that m and v start from (Kingma and Ba 2015, section 2).
    """

    name = "adam"
    moment_names = ("m", "v")

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def update(self, theta: Array, g: Array, moments: Any, learning_rate: float, step: int) -> None:
        m, v = moments
        m *= self.beta_1
        m += (1 - self.beta_1) * g
        v *= self.beta_2
        v += (1 - self.beta_2) * (g * g)
        rate = learning_rate * sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        theta -= rate * m / (np.sqrt(v) + self.epsilon)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam}


def get_optimizer(optimizer: str | Optimizer, **parameters: Any) -> Optimizer:
    """The optimizer of that name with these hyperparameters; an `Optimizer` is passed through.

    >>> get_optimizer("adam", beta_1=0.8).beta_1
    0.8
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    try:
        kind = OPTIMIZERS[optimizer]
    except (KeyError, TypeError):
        raise unknown_name("optimizer", optimizer, OPTIMIZERS) from None
    return kind(**parameters)
