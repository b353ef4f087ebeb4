"""Activations, the last functions of losses and the units of targets as operators of ONNX.

Each is put together from operators that onnxruntime has in float and double alike, as its formula in `nn` is.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.exports.content import LEAK
from glassnet.exports.onnx_graph import Graph
from glassnet.nn.activations import Gelu, Selu


def _logistic(g: Graph, z: str, dtype: Any) -> str:
    # Not Sigmoid, which onnxruntime stops short of 0 at, so that z σ(z) would go on falling.
    one = np.array(1, dtype)
    return g.op("Div", one, g.op("Add", one, g.op("Exp", g.op("Neg", z))))


def _softplus(g: Graph, z: str, dtype: Any) -> str:
    one = np.array(1, dtype)
    u = g.op("Exp", g.op("Neg", g.op("Abs", z)))
    w = g.op("Add", one, u)
    lost = g.op("Div", g.op("Sub", u, g.op("Sub", w, one)), w)  # by the rounding of 1 + u
    return g.op("Add", g.op("Max", z, np.array(0, dtype)), g.op("Add", g.op("Log", w), lost))


def _bent(g: Graph, z: str, dtype: Any, above: str, below: str) -> str:
    return g.where(g.op("Greater", z, np.array(0, dtype)), above, below)


def _expm1_below(g: Graph, z: str, dtype: Any) -> str:
    return g.op("Sub", g.op("Exp", g.op("Min", z, np.array(0, dtype))), np.array(1, dtype))


def _scaled(g: Graph, z: str, dtype: Any, factor: float) -> str:
    return g.op("Mul", z, np.array(factor, dtype))


def _gelu(g: Graph, z: str, dtype: Any) -> str:
    cube = g.op("Mul", z, g.op("Mul", z, z))
    inner = _scaled(g, g.op("Add", z, _scaled(g, cube, dtype, Gelu.cubic)), dtype, Gelu.root)
    return g.op("Mul", _scaled(g, z, dtype, 0.5), g.op("Add", np.array(1, dtype), g.op("Tanh", inner)))


def _sine(g: Graph, z: str, dtype: Any) -> str:
    return g.op("Sin", g.op("Clip", z, np.array(-g.farthest, dtype), np.array(g.farthest, dtype)))


ACTIVATIONS: dict[str, Callable[[Graph, str, Any], str]] = {
    "identity": lambda g, z, dtype: z,
    "logistic": _logistic,
    "tanh": lambda g, z, dtype: g.op("Tanh", z),
    "relu": lambda g, z, dtype: g.op("Relu", z),
    "silu": lambda g, z, dtype: g.op("Mul", z, _logistic(g, z, dtype)),
    "leaky_relu": lambda g, z, dtype: _bent(g, z, dtype, z, _scaled(g, z, dtype, LEAK)),
    "elu": lambda g, z, dtype: _bent(g, z, dtype, z, _expm1_below(g, z, dtype)),
    "selu": lambda g, z, dtype: _bent(
        g,
        z,
        dtype,
        _scaled(g, z, dtype, Selu.scale),
        _scaled(g, _expm1_below(g, z, dtype), dtype, Selu.scaled_alpha),
    ),
    "softplus": _softplus,
    "mish": lambda g, z, dtype: g.op("Mul", z, g.op("Tanh", _softplus(g, z, dtype))),
    "gelu": _gelu,
    "sine": _sine,
    "square": lambda g, z, dtype: g.op("Mul", z, z),
    "step": lambda g, z, dtype: g.cast(g.op("Greater", z, np.array(0, dtype)), dtype),
}


FUNCTIONS: dict[str, Callable[[Graph, str, Any], str]] = {
    "identity": lambda g, y, dtype: y,
    "gaussian": lambda g, y, dtype: y,  # of the second half only the root is given, exp(v / 2)
    "logistic": _logistic,
    "softmax": lambda g, y, dtype: g.op("Softmax", y, axis=1),
    "exponential": lambda g, y, dtype: g.op("Exp", y),
}
UNITS: dict[str, Callable[[Graph, str, Any], str]] = {
    "": lambda g, value, dtype: value,
    "log": lambda g, value, dtype: g.op("Exp", value),
    "counts": lambda g, value, dtype: g.op("Max", value, np.array(0, dtype)),
}
