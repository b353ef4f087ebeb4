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
from glassnet.nn.network import Network, flatten_gradients


@dataclass
class Optimizer:
    """Moves parameters θ against a gradient g."""

    name: ClassVar[str] = ""
    moment_names: ClassVar[tuple[str, ...]] = ()

    learning_rate: float = 0.001
    # λ: before each step weights, not biases, shrink by 1 − ηλ (Loshchilov and Hutter 2019).
    weight_decay: float = field(default=0.0, kw_only=True)
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
        theta, g = network.parameters, flatten_gradients(gradients)
        if self.moments is None:
            self.moments = np.zeros((len(self.moment_names), theta.size), theta.dtype)
        self.steps += 1
        for w, _ in network.architecture.blocks():
            theta[w] *= 1 - self.learning_rate * self.weight_decay
        self.update(theta, g, self.moments, self.learning_rate, self.steps)
        new = Network.from_parameters(network.architecture, theta)
        for layer, fresh in zip(network.layers, new.layers, strict=True):
            layer.w[...] = fresh.w
            if layer.b is not None:
                layer.b[...] = fresh.b
        if network.skip is not None:
            network.skip[...] = new.skip


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


@dataclass
class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← (1 − ηλ)θ for weights, then Adam's step (Loshchilov and Hutter 2019)"""

    name = "adamw"

    weight_decay: float = field(default=0.01, kw_only=True)


@dataclass
class RMSprop(Optimizer):
    """v ← ρv + (1 − ρ)g²        u ← μu + g / (√v + ε)        θ ← θ − ηu        (Tieleman and Hinton 2012)"""

    name = "rmsprop"
    moment_names = ("v", "velocity")

    learning_rate: float = 0.001
    decay: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-8

    def update(self, theta: Array, g: Array, moments: Any, learning_rate: float, step: int) -> None:
        v, u = moments
        v *= self.decay
        v += (1 - self.decay) * (g * g)
        u *= self.momentum
        u += g / (np.sqrt(v) + self.epsilon)
        theta -= learning_rate * u


@dataclass
class Nesterov(SGD):
    """SGD that looks ahead: θ ← θ + μu − ηg"""

    name = "nesterov"


OPTIMIZERS: dict[str, type[Optimizer]] = {kind.name: kind for kind in (SGD, Nesterov, Adam, AdamW, RMSprop)}


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
