"""A dense network: h = f(xw + b), repeated, and then y = hv + c.

Rows are samples. Forward keeps what backward needs in a trace that it returns; nothing is remembered in secret.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from glassnet.errors import InputError, ShapeError
from glassnet.nn.activations import Activation, Identity, get_activation
from glassnet.nn.elementary import Array
from glassnet.nn.initializers import get_initializer
from glassnet.nn.random import WEIGHTS, uniform


@dataclass(frozen=True)
class Architecture:
    """The shape of a network: what its parameters mean, without the parameters.

    Args:
        sizes: Inputs, units of each hidden layer, outputs: (d, m, …, k). Two sizes are a linear model.
        activations: One for each hidden layer; the last layer is linear.
        bias: Whether layers have a bias b.

    >>> Architecture((4, 8, 3), (get_activation("tanh"),)).n_parameters
    67
    """

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    bias: bool = True

    @classmethod
    def create(
        cls, sizes: Sequence[int], activation: str | Activation | Sequence[str | Activation] = "relu", bias: bool = True
    ) -> "Architecture":
        """From names: one activation for every hidden layer, or one each."""
        sizes = tuple(sizes)
        if len(sizes) < 2 or not all(isinstance(size, Integral) and size >= 1 for size in sizes):
            raise InputError(
                f"sizes is {list(sizes)}, but a network needs inputs, hidden units and outputs as whole numbers ≥ 1, "
                f"at least [inputs, outputs]: [4, 8, 3] is 4 features, 8 hidden units, 3 outputs."
            )
        n_hidden = len(sizes) - 2
        if isinstance(activation, str | Activation):
            activation = [activation] * n_hidden
        if len(activation) != n_hidden:
            raise InputError(
                f"{len(activation)} activations were given for {n_hidden} hidden layers: "
                f"give one name for all of them, or one each. The last layer is always linear."
            )
        return cls(tuple(int(size) for size in sizes), tuple(get_activation(f) for f in activation), bool(bias))

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(d, m) of each layer's w."""
        return tuple(pairwise(self.sizes))

    @cached_property
    def n_parameters(self) -> int:
        """P, all weights and biases."""
        return sum((d + self.bias) * m for d, m in self.shapes)

    def initial_parameters(self, initializer: str, seed: int) -> Array:
        """First weights as one vector (P,), float64: w row by row, then b, layer by layer."""
        bounds = get_initializer(initializer)
        style = self.activations[0].name if self.activations else "identity"
        parts = []
        for i, (d, m) in enumerate(self.shapes):
            u = 2 * uniform(seed, WEIGHTS, i, (d + self.bias) * m) - 1
            w_bound, b_bound = bounds(d, m, style)
            parts += [w_bound * u[: d * m], b_bound * u[d * m :]]
        return np.concatenate(parts)

    def is_weight(self) -> Array:
        """Which of the P parameters are weights, not biases, (P,) of bool: what L2 pulls on."""
        return np.concatenate([np.repeat([True, False], [d * m, m * self.bias]) for d, m in self.shapes])


@dataclass
class Layer:
    """h = f(xw + b)        w (d, m), b (m,) or None"""

    w: Array
    b: Array | None
    f: Activation

    def forward(self, x: Any) -> "LayerTrace":
        """x (n, d) → h (n, m), and what backward needs."""
        z = x @ self.w  # (n, m) = (n, d)(d, m)
        if self.b is not None:
            z = z + self.b
        return LayerTrace(x, z, self.f(z))

    def backward(self, trace: "LayerTrace", dh: Array, input_gradient: bool = True) -> "LayerGradient":
        """∂L/∂h (n, m) → ∂L/∂w, ∂L/∂b, ∂L/∂x."""
        dz = dh * self.f.derivative(trace.z, trace.h)  # (n, m)
        return LayerGradient(
            dw=trace.x.T @ dz,  # (d, m) = (d, n)(n, m)
            db=None if self.b is None else dz.sum(axis=0),  # (m,)
            dz=dz,
            dx=dz @ self.w.T if input_gradient else None,  # (n, d) = (n, m)(m, d)
        )


@dataclass(frozen=True)
class LayerTrace:
    """What a layer saw and made: x (n, d), z = xw + b (n, m), h = f(z) (n, m)."""

    x: Any  # an array, or a SciPy sparse matrix in the first layer
    z: Array
    h: Array


@dataclass(frozen=True)
class LayerGradient:
    """∂L/∂w (d, m), ∂L/∂b (m,) or None, ∂L/∂z (n, m), and ∂L/∂x (n, d), which is dh of the layer below.

    The kernel keeps dz and dx to itself.
    """

    dw: Array
    db: Array | None
    dz: Array | None = None
    dx: Array | None = None


@dataclass
class Network:
    """Layers one after the other; the last is linear.

    >>> network = Network.create([2, 3, 1], activation="tanh", seed=0)
    >>> y, trace = network.forward(np.ones((5, 2)))
    >>> y.shape, [gradient.dw.shape for gradient in network.backward(trace, np.ones((5, 1)))]
    ((5, 1), [(2, 3), (3, 1)])
    """

    layers: list[Layer]

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "relu",
        *,
        bias: bool = True,
        init: str = "glorot",
        seed: int = 0,
        dtype: Any = np.float64,
    ) -> "Network":
        """A network with first weights.

        Args:
            sizes: Inputs, units of each hidden layer, outputs: [d, m, …, k].
            activation: A name, an `Activation`, or one for each hidden layer.
            bias: False leaves out every b, as in h = f(xw).
            init: "glorot", "he" or "zeros".
            seed: Same seed, same weights, on any machine.
            dtype: float32 or float64.

        Raises:
            InputError: sizes that make no network, or another number of activations than hidden layers.
            UnknownNameError: an activation or initializer that does not exist.
        """
        architecture = Architecture.create(sizes, activation, bias)
        return cls.from_parameters(architecture, architecture.initial_parameters(init, seed).astype(dtype))

    @classmethod
    def from_parameters(cls, architecture: Architecture, parameters: Array) -> "Network":
        """Layers that are views of one vector of parameters (P,): a change in one is a change in the other."""
        layers, start = [], 0
        for (d, m), f in zip(architecture.shapes, (*architecture.activations, Identity()), strict=True):
            w = parameters[start : start + d * m].reshape(d, m)
            start += d * m
            b = parameters[start : start + m] if architecture.bias else None
            start += m * architecture.bias
            layers.append(Layer(w, b, f))
        return cls(layers)

    @property
    def architecture(self) -> Architecture:
        """The shape of this network."""
        sizes = (self.layers[0].w.shape[0], *(layer.w.shape[1] for layer in self.layers))
        return Architecture(sizes, tuple(layer.f for layer in self.layers[:-1]), self.layers[0].b is not None)

    @property
    def parameters(self) -> Array:
        """A copy of all weights and biases as one vector (P,): w row by row, then b, layer by layer."""
        return flatten((layer.w, layer.b) for layer in self.layers)

    def forward(self, x: Any) -> tuple[Array, list[LayerTrace]]:
        """x (n, d) → scores y (n, k), and the trace that backward reads.

        Raises:
            ShapeError: x is not (n, d).
        """
        x = check_features(x, self.layers[0].w.shape[0])
        trace = []
        for layer in self.layers:
            trace.append(layer.forward(x))
            x = trace[-1].h
        return x, trace

    def backward(self, trace: list[LayerTrace], dy: Array, input_gradient: bool = True) -> list[LayerGradient]:
        """∂L/∂y (n, k) → the gradients of every layer, first layer first.

        `input_gradient=False` leaves out dx of the first layer, which training does not need.
        """
        dh: Array | None = dy
        gradients = []
        for i in range(len(self.layers) - 1, -1, -1):
            assert dh is not None
            gradients.append(self.layers[i].backward(trace[i], dh, input_gradient or i > 0))
            dh = gradients[-1].dx
        return gradients[::-1]

    def __str__(self) -> str:
        """The formulas with their shapes.

        >>> print(Network.create([2, 3, 1], activation="tanh"))
        h1 = tanh(x w1 + b1)    w1 (2, 3), b1 (3,)
        y = h1 v + c            v (3, 1), c (1,)
        """
        formulas, shapes, name = [], [], "x"
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            w, b, h = ("v", "c", "y") if i == last else (f"w{i + 1}", f"b{i + 1}", f"h{i + 1}")
            inner = f"{name} {w}" + (f" + {b}" if layer.b is not None else "")
            formulas.append(f"{h} = {inner if i == last else f'{layer.f.name}({inner})'}")
            shapes.append(f"{w} {layer.w.shape}" + (f", {b} {layer.b.shape}" if layer.b is not None else ""))
            name = h
        width = max(map(len, formulas))
        return "\n".join(f"{formula:<{width}}    {shape}" for formula, shape in zip(formulas, shapes, strict=True))


def flatten(pairs: Any) -> Array:
    """(w, b) or (dw, db) of every layer as one vector (P,), in the order that `Architecture` fixes."""
    return np.concatenate([part.ravel() for pair in pairs for part in pair if part is not None])


def check_features(x: Any, d: int) -> Any:
    """x as (n, d), or a `ShapeError`; sparse matrices pass."""
    if not hasattr(x, "tocsr"):
        x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != d:
        single = " For a single sample, pass x[None, :]." if x.ndim == 1 else ""
        raise ShapeError(
            f"x has shape {x.shape}, but this network takes (n, {d}): "
            f"one row per sample, one column per feature.{single}"
        )
    return x
