"""A dense network: h = f(xw + b), repeated, and then y = hv + c.

Rows are samples. Forward keeps what backward needs in a trace that it returns; nothing is remembered in secret.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import InputError, ShapeError
from glassnet.nn.activations import Activation, Identity, get_activation
from glassnet.nn.elementary import Array
from glassnet.nn.initializers import get_initializer
from glassnet.nn.random import WEIGHTS, uniform

if TYPE_CHECKING:
    from glassnet.nn.diagram import Diagram


@dataclass(frozen=True)
class Architecture:
    """The shape of a network: what its parameters mean, without the parameters.

    Args:
        sizes: Inputs, units of each hidden layer, outputs: (d, m, …, k). Two sizes are a linear model.
        activations: One for each hidden layer; the last layer is linear.
        bias: Whether layers have a bias b.
        skip: Whether there is a linear path u (d, k) from input to output beside the layers: y = hv + c + xu.

    >>> Architecture((4, 8, 3), (get_activation("tanh"),)).n_parameters
    67
    """

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    bias: bool = True
    skip: bool = False

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "relu",
        bias: bool = True,
        skip: bool = False,
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
        return cls(
            tuple(int(size) for size in sizes), tuple(get_activation(f) for f in activation), bool(bias), bool(skip)
        )

    @cached_property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """(d, m) of each layer's w."""
        return tuple(pairwise(self.sizes))

    @cached_property
    def n_parameters(self) -> int:
        """P, all weights and biases."""
        return sum((d + self.bias) * m for d, m in self.shapes) + self.skip * self.sizes[0] * self.sizes[-1]

    @property
    def trainable(self) -> bool:
        """Whether every activation has a slope that says where to go."""
        return all(f.trainable for f in self.activations)

    def initial_parameters(self, initializer: str, seed: int) -> Array:
        """First weights as one vector (P,), float64: w row by row, then b, layer by layer; u, which starts at 0."""
        draw = get_initializer(initializer)
        style = self.activations[0].name if self.activations else "identity"
        parts = []
        for i, (d, m) in enumerate(self.shapes):
            w, b = draw(uniform(seed, WEIGHTS, i, (d + 1) * m), d, m, style)
            parts += [w, b[: m * self.bias]]
        return np.concatenate([*parts, np.zeros(self.skip * self.sizes[0] * self.sizes[-1])])

    def is_weight(self) -> Array:
        """Which of the P parameters are weights, not biases, (P,) of bool: what penalties pull on."""
        mask = np.zeros(self.n_parameters, bool)
        for w, _ in self.blocks():
            mask[w] = True
        return mask

    def blocks(self) -> list[tuple[slice, slice]]:
        """Where w and b of each layer stand in the vector (P,); u last, with an empty b."""
        ends, start = [], 0
        for d, m in self.shapes:
            ends.append((slice(start, start + d * m), slice(start + d * m, start + (d + self.bias) * m)))
            start += (d + self.bias) * m
        if self.skip:
            ends.append((slice(start, self.n_parameters), slice(self.n_parameters, self.n_parameters)))
        return ends


@dataclass
class Layer:
    """h = f(xw + b)        w (d, m), b (m,) or None"""

    w: Array
    b: Array | None
    f: Activation

    def forward(self, x: Any, mask: Array | None = None) -> "LayerTrace":
        """x (n, d) → h (n, m), and what backward needs."""
        z = x @ self.w  # (n, m) = (n, d)(d, m)
        if self.b is not None:
            z = z + self.b
        return LayerTrace(x, z, self.f(z), mask)

    def backward(self, trace: "LayerTrace", dh: Array, input_gradient: bool = True) -> "LayerGradient":
        """∂L/∂h (n, m) → ∂L/∂w, ∂L/∂b, ∂L/∂x."""
        if trace.mask is not None:
            dh = dh * trace.mask
        dz = dh * self.f.derivative(trace.z, trace.h)  # (n, m)
        return LayerGradient(
            dw=trace.x.T @ dz,  # (d, m) = (d, n)(n, m)
            db=None if self.b is None else dz.sum(axis=0),  # (m,)
            dz=dz,
            dx=dz @ self.w.T if input_gradient else None,  # (n, d) = (n, m)(m, d)
        )


@dataclass(frozen=True)
class LayerTrace:
    """What a layer saw and made: x (n, d), z = xw + b (n, m), h = f(z) (n, m), and in training its dropout mask."""

    x: Any  # an array, or a SciPy sparse matrix in the first layer
    z: Array
    h: Array
    mask: Array | None = None

    @property
    def out(self) -> Array:
        """What the next layer sees: h, or h ⊙ mask."""
        return self.h if self.mask is None else self.h * self.mask


@dataclass(frozen=True)
class LayerGradient:
    """∂L/∂w (d, m), ∂L/∂b (m,) or None, ∂L/∂z (n, m), and ∂L/∂x (n, d), which is dh of the layer below.

    The kernel keeps dz and dx to itself. Of the last layer there is also ∂L/∂u, where the network has a skip path.
    """

    dw: Array
    db: Array | None
    dz: Array | None = None
    dx: Array | None = None
    du: Array | None = None


@dataclass
class Network:
    """Layers one after the other; the last is linear. `skip` is u (d, k), a linear path beside them, or None.

    >>> network = Network.create([2, 3, 1], activation="tanh", seed=0)
    >>> y, trace = network.forward(np.ones((5, 2)))
    >>> y.shape, [gradient.dw.shape for gradient in network.backward(trace, np.ones((5, 1)))]
    ((5, 1), [(2, 3), (3, 1)])
    """

    layers: list[Layer]
    skip: Array | None = None

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "relu",
        *,
        bias: bool = True,
        skip: bool = False,
        init: str = "glorot",
        seed: int = 0,
        dtype: Any = np.float64,
    ) -> "Network":
        """A network with first weights.

        Args:
            sizes: Inputs, units of each hidden layer, outputs: [d, m, …, k].
            activation: A name, an `Activation`, or one for each hidden layer.
            bias: False leaves out every b, as in h = f(xw).
            skip: True adds a linear path from input to output: y = hv + c + xu. u starts at 0.
            init: "glorot", "he", "lecun", "orthogonal" or "zeros".
            seed: Same seed, same weights, on any machine.
            dtype: float32 or float64.

        Raises:
            InputError: sizes that make no network, or another number of activations than hidden layers.
            UnknownNameError: an activation or initializer that does not exist.
        """
        architecture = Architecture.create(sizes, activation, bias, skip)
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
        shape = architecture.sizes[0], architecture.sizes[-1]
        return cls(layers, parameters[start:].reshape(shape) if architecture.skip else None)

    @property
    def architecture(self) -> Architecture:
        """The shape of this network."""
        sizes = (self.layers[0].w.shape[0], *(layer.w.shape[1] for layer in self.layers))
        fs = tuple(layer.f for layer in self.layers[:-1])
        return Architecture(sizes, fs, self.layers[0].b is not None, self.skip is not None)

    @property
    def parameters(self) -> Array:
        """A copy of all weights and biases as one vector (P,): w row by row, then b, layer by layer, then u."""
        return flatten([(layer.w, layer.b) for layer in self.layers], self.skip)

    def astype(self, dtype: Any) -> "Network":
        """The same network in another dtype; arrays that have it already, row by row in memory, are shared."""

        def cast(array: Array | None) -> Array | None:
            return None if array is None else np.ascontiguousarray(array, dtype)

        layers = [Layer(np.ascontiguousarray(layer.w, dtype), cast(layer.b), layer.f) for layer in self.layers]
        return Network(layers, cast(self.skip))

    def forward(self, x: Any, masks: Sequence[Array | None] = ()) -> tuple[Array, list[LayerTrace]]:
        """x (n, d) → scores y (n, k), and the trace that backward reads.

        Args:
            x: Features (n, d).
            masks: In training with dropout, what multiplies h of each hidden layer, (n, m) or None.

        Raises:
            ShapeError: x is not (n, d).
        """
        x = check_features(x, self.layers[0].w.shape[0])
        trace: list[LayerTrace] = []
        for i, layer in enumerate(self.layers):
            trace.append(layer.forward(trace[-1].out if trace else x, masks[i] if i < len(masks) else None))
        if self.skip is not None:
            y = trace[-1].z + x @ self.skip
            trace[-1] = replace(trace[-1], z=y, h=y)
        return trace[-1].h, trace

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
        gradients.reverse()
        if self.skip is not None:
            x = trace[0].x
            dx = gradients[0].dx + dy @ self.skip.T if input_gradient else None  # (n, d) = (n, k)(k, d)
            gradients[0] = replace(gradients[0], dx=dx)
            gradients[-1] = replace(gradients[-1], du=x.T @ dy)  # (d, k) = (d, n)(n, k)
        return gradients

    def diagram(self, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None) -> "Diagram":
        """The graph of units, with the weights on its edges: `.svg`, `.mermaid`; a notebook shows it.

        Args:
            inputs: Names of the features; else x1, x2, ….
            outputs: Names of the outputs; else y, or y1, y2, ….

        Raises:
            InputError: Another number of names.

        >>> print(Network.create([1, 1], bias=False, init="zeros").diagram(["age"], ["price"]))
        graph LR
            n0_0(("age"))
            n1_0(("price"))
            n0_0 -->|"0"| n1_0
        """
        from glassnet.nn.diagram import Diagram

        return Diagram(self, inputs, outputs)

    def __str__(self) -> str:
        """The formulas with their shapes.

        >>> print(Network.create([2, 3, 1], activation="tanh"))
        h = tanh(x w + b)    w (2, 3), b (3,)
        y = h v + c          v (3, 1), c (1,)
        """
        formulas, shapes, name = [], [], "x"
        last = len(self.layers) - 1
        for i, layer in enumerate(self.layers):
            number = i + 1 if last > 1 else ""  # one hidden layer needs none
            w, b, h = ("v", "c", "y") if i == last else (f"w{number}", f"b{number}", f"h{number}")
            inner = f"{name} {w}" + (f" + {b}" if layer.b is not None else "")
            inner += " + x u" if i == last and self.skip is not None else ""
            formulas.append(f"{h} = {inner if i == last else f'{layer.f.name}({inner})'}")
            shape = f"{w} {layer.w.shape}" + (f", {b} {layer.b.shape}" if layer.b is not None else "")
            shapes.append(shape + (f", u {self.skip.shape}" if i == last and self.skip is not None else ""))
            name = h
        width = max(map(len, formulas))
        return "\n".join(f"{formula:<{width}}    {shape}" for formula, shape in zip(formulas, shapes, strict=True))


def flatten(pairs: Iterable[tuple[Array, Array | None]], skip: Array | None = None) -> Array:
    """(w, b) or (dw, db) of every layer and u or du as one vector (P,), in the order that `Architecture` fixes."""
    parts = [part for pair in pairs for part in pair] + [skip]
    return np.concatenate([part.ravel() for part in parts if part is not None])


def flatten_gradients(gradients: Sequence[LayerGradient]) -> Array:
    """The gradients of a network as one vector (P,)."""
    return flatten([(gradient.dw, gradient.db) for gradient in gradients], gradients[-1].du)


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


def standardise_units(network: Network, x: Array) -> None:
    """Scale and shift every hidden layer in place, so that z has mean 0 and variance 1 on these rows, unit by unit.

    Data-dependent first weights (Salimans and Kingma 2016, section 3): no unit begins saturated or dead. Without biases
    only the scale is set.

    >>> network, x = Network.create([2, 4, 1]), np.random.default_rng(0).normal(5, 9, size=(50, 2))
    >>> standardise_units(network, x)
    >>> network.forward(x)[1][0].z.std(axis=0).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    for layer in network.layers[:-1]:
        z = layer.forward(x).z
        scale = z.std(axis=0)
        scale = np.where(scale > 0, scale, 1)
        layer.w /= scale
        if layer.b is not None:
            layer.b[...] = (layer.b - z.mean(axis=0)) / scale
        x = layer.forward(x).h
