"""A chain of linear layers in an ONNX file → a network. The file is read with the package onnx, and never run as it is.

Each node is understood or refused by name; what comes out is compared with onnxruntime, or onnx's own evaluator.
"""

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.errors import FileFormatError, InputError
from glassnet.imports.layers import Part, check_agreement, make_network
from glassnet.nn import Network, get_activation
from glassnet.nn.activations import Selu
from glassnet.nn.elementary import Array

NEEDED = "The package that reads ONNX is not here: pip install 'glassnet[onnx]'."
LARGEST_FILE = 2**31 - 1  # bytes, which protobuf takes
PASSING = ("Identity", "Dropout", "Flatten")  # that change nothing of rows (n, d)
ENDS = ("Softmax", "LogSoftmax")  # from scores to p, which a network leaves to its loss; so is a last Sigmoid
ACTIVATIONS = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "logistic",
    "LeakyRelu": "leaky_relu",
    "Elu": "elu",
    "Selu": "selu",
    "Softplus": "softplus",
    "Mish": "mish",
    "Gelu": "gelu",
    "Sin": "sine",
}
FLOAT32 = 1e-6  # attributes are float32 in every file, so that Selu in float64 is Selu to no more digits
# Attributes that an activation has to have, and what they are where a node does not say.
FORMS: dict[str, dict[str, tuple[Any, Any]]] = {
    "LeakyRelu": {"alpha": (0.01, 0.01)},
    "Elu": {"alpha": (1.0, 1.0)},
    "Selu": {
        "alpha": (Selu.scaled_alpha / Selu.scale, 1.6732632),
        "gamma": (Selu.scale, 1.0507010),
    },
    "Gelu": {"approximate": (b"tanh", b"none")},
}


def from_onnx(path: str | os.PathLike[str]) -> Network:
    """The network of an ONNX file that is a chain of linear layers and activations.

    Linear layers are Gemm, MatMul and Add with weights in the file. Activations are those of `glassnet.nn.ACTIVATIONS`
    that ONNX has: Relu, Tanh, Sigmoid, LeakyRelu (0.01), Elu (1), Selu, Softplus, Mish, Gelu (tanh), Sin, and z σ(z) as
    Sigmoid and Mul. Identity, Dropout and Flatten of rows are passed over. A last Sigmoid or Softmax is left out: the
    network gives the scores y before it.

    The network is compared with the file on random rows, by onnxruntime where that is installed.

    Args:
        path: The file. Weights may stand in other files of the same folder, nowhere else.

    Raises:
        InputError: There is no such file; the package onnx is missing; or a node, which the error names, is of no such
            chain.
        FileFormatError: It is no ONNX file, or is damaged.

    >>> from_onnx("missing.onnx")
    Traceback (most recent call last):
    ...
    glassnet.errors.InputError: missing.onnx cannot be read: No such file or directory.
    """
    place = Path(path)
    try:
        if place.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path} has more than {LARGEST_FILE:,} bytes, which no ONNX file has.")
        data = place.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    onnx = _package()
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's own, which differs between its versions
        raise FileFormatError(f"{path} is no ONNX file, or is damaged: {type(error).__name__}.") from None
    if not model.graph.node:
        raise FileFormatError(f"{path} is no ONNX file, or holds no graph.")
    chain = _Chain(onnx, model, place)
    chain.walk()
    network = make_network(chain.parts)
    check_agreement(network, _runner(onnx, chain), str(path), least_tolerance=FLOAT32)
    return network


def _package() -> Any:
    try:
        import onnx
        from onnx import external_data_helper, numpy_helper, reference  # noqa: F401 - they are modules of their own
    except ImportError:
        raise InputError(NEEDED) from None
    return onnx


class _Chain:
    """The nodes of a model, read one after the other.

    `parts` are the layers so far; `current` is the name of what the latest node gave, `before` of what it took.
    """

    def __init__(self, onnx: Any, model: Any, place: Path) -> None:
        self.onnx, self.model, self.place = onnx, model, place
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for tensor in model.graph.initializer:
            self._bring_in(tensor)
        free = [value for value in model.graph.input if value.name not in self.constants]
        if len(free) != 1 or len(model.graph.output) != 1:
            raise InputError(
                f"{place} has {len(free)} inputs and {len(model.graph.output)} outputs, but a network has one of each."
            )
        (self.input,) = free
        tensor = self.input.type.tensor_type
        types = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.DOUBLE: np.float64}
        if tensor.elem_type not in types or len(tensor.shape.dim) != 2:
            raise InputError(f"The input {self.input.name!r} of {place} is no table (n, d) of float or double numbers.")
        self.dtype = types[tensor.elem_type]
        self.current = self.before = self.input.name
        self.parts: list[Part] = []

    def walk(self) -> None:
        """All nodes; the model then ends in the scores."""
        graph, ended = self.model.graph, False
        for i, node in enumerate(graph.node):
            refuse = self._refusal(node, i)
            if node.domain not in ("", "ai.onnx") or self.model.functions or len(node.output) < 1:
                raise refuse("is of another vocabulary than ONNX's own")
            if self._is_constant(node, refuse):
                continue
            if ended:
                raise refuse("comes after the scores have become probabilities")
            if self.current not in node.input:
                raise refuse("is not part of one chain")
            if node.op_type in ENDS:
                self._take_end(node, i, refuse)
                ended = True
                continue
            self._take(node, refuse)
            self.before, self.current = self.current, node.output[0]
        if self.current != graph.output[0].name and not ended:
            raise InputError(f"The output {graph.output[0].name!r} of {self.place} is not what its last node gives.")
        if self.parts and self.parts[-1].f is get_activation("logistic") and not ended:
            self.parts[-1].f, self.current = None, self.before
        graph.output[0].name = self.current

    def _take(self, node: Any, refuse: Callable[[str], InputError]) -> None:
        """One node of the chain."""
        kind, told = node.op_type, {a.name: self.onnx.helper.get_attribute_value(a) for a in node.attribute}
        part = self.parts[-1] if self.parts else None
        if kind in PASSING:
            if kind == "Flatten" and told.get("axis", 1) != 1:
                raise refuse("flattens another axis than 1")
        elif kind in ("Gemm", "MatMul"):
            self.parts.append(self._linear(node, told, refuse))
        elif kind == "Add" and part is not None and part.f is None:
            b = self._row(self._other(node, refuse), part.w.shape[1], refuse)
            part.b = b if part.b is None else part.b + b
        elif kind == "Mul" and part is not None and set(node.input) == {self.before, self.current}:
            if part.f is not get_activation("logistic"):
                raise refuse("multiplies what no network of ours does")
            part.f = get_activation("silu")
        elif kind in ACTIVATIONS and part is not None and part.f is None:
            for name, (needed, default) in FORMS.get(kind, {}).items():
                value = told.get(name, default)
                if value != needed and not (isinstance(needed, float) and math.isclose(value, needed, rel_tol=FLOAT32)):
                    raise refuse(f"has {name} = {value!r}, but only {needed!r} is known here")
            part.f = get_activation(ACTIVATIONS[kind])
        else:
            raise refuse("is no linear layer, nor an activation after one")

    def _linear(self, node: Any, told: dict[str, Any], refuse: Callable[[str], InputError]) -> Part:
        if node.input[0] != self.current or told.get("transA", 0):
            raise refuse("does not take the rows as they are")
        w = self._constant(node.input[1], refuse)
        if w.ndim != 2:
            raise refuse(f"has weights of shape {w.shape}, but a matrix was needed")
        w = w.T if told.get("transB", 0) else w
        part = Part(node.name or node.output[0], w * w.dtype.type(told.get("alpha", 1.0)))
        if len(node.input) > 2 and node.input[2]:
            part.b = self._row(self._constant(node.input[2], refuse), w.shape[1], refuse)
            part.b = part.b * w.dtype.type(told.get("beta", 1.0))
        return part

    def _row(self, array: Array, m: int, refuse: Callable[[str], InputError]) -> Array:
        """A bias (m,)."""
        if array.size not in (1, m) or array.ndim > 2 or (array.ndim == 2 and array.shape[0] != 1):
            raise refuse(f"adds an array of shape {array.shape}, but one number for each of {m} units was needed")
        return np.broadcast_to(array.ravel(), (m,))

    def _other(self, node: Any, refuse: Callable[[str], InputError]) -> Array:
        """The constant beside the chain."""
        (other,) = [name for name in node.input if name != self.current] or [self.current]
        return self._constant(other, refuse)

    def _constant(self, name: str, refuse: Callable[[str], InputError]) -> Array:
        if name not in self.constants:
            raise refuse(f"takes {name!r}, which is no constant of the file")
        found = self.constants[name]
        if isinstance(found, np.ndarray):
            return found
        try:
            array = np.asarray(self.onnx.numpy_helper.to_array(found))
        except (ValueError, TypeError, KeyError) as error:
            raise FileFormatError(f"{self.place} is damaged: the array {name!r} cannot be read ({error}).") from None
        return array

    def _is_constant(self, node: Any, refuse: Callable[[str], InputError]) -> bool:
        """Whether a node gives a constant, which is then known."""
        if node.op_type == "Constant":
            tensors = [a.t for a in node.attribute if a.name == "value"]
            if len(tensors) == 1:
                self._bring_in(tensors[0])
                self.constants[node.output[0]] = tensors[0]
            return True  # of another kind no layer takes it, and that is told there
        if node.op_type not in ("Identity", "Transpose") or node.input[0] not in self.constants:
            return False
        array = self._constant(node.input[0], refuse)
        order = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
        self.constants[node.output[0]] = array if node.op_type == "Identity" else np.transpose(array, order)
        return True

    def _take_end(self, node: Any, i: int, refuse: Callable[[str], InputError]) -> None:
        axis = next((a.i for a in node.attribute if a.name == "axis"), -1)
        if axis not in (-1, 1) or node.output[0] != self.model.graph.output[0].name:
            raise refuse("is not the last step, over the outputs of a row")

    def _bring_in(self, tensor: Any) -> None:
        """The content of an array that stands in a file of its own, which lies in the model's folder."""
        if any(size < 0 for size in tensor.dims):
            raise FileFormatError(f"{self.place} is damaged: the array {tensor.name!r} has shape {list(tensor.dims)}.")
        if tensor.data_location != self.onnx.TensorProto.EXTERNAL:
            return
        told = {entry.key: entry.value for entry in tensor.external_data}
        folder, location = self.place.parent.resolve(), told.get("location", "")
        file = (folder / location).resolve()
        if not location or folder not in file.parents:
            raise InputError(
                f"{self.place} keeps the array {tensor.name!r} in {location!r}, outside of its own folder, where "
                f"nothing is read. Put that file beside the model, and save the model with its name alone."
            )
        try:
            itemsize = self.onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
            size = math.prod(tensor.dims) * itemsize
            offset = int(told.get("offset", 0))
            if int(told.get("length", size)) != size or offset < 0 or file.stat().st_size < offset + size:
                raise FileFormatError(
                    f"{self.place} is damaged: the array {tensor.name!r} takes {size} bytes from {offset} on, which "
                    f"{location} does not hold."
                )
            with open(file, "rb") as stream:
                stream.seek(offset)
                tensor.raw_data = stream.read(size)
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror or error}.") from None
        except (KeyError, ValueError) as error:
            raise (
                error
                if isinstance(error, FileFormatError)
                else FileFormatError(f"{self.place} is damaged: where the array {tensor.name!r} stands is not told.")
            ) from None
        tensor.ClearField("external_data")
        tensor.data_location = self.onnx.TensorProto.DEFAULT

    def _refusal(self, node: Any, i: int) -> Callable[[str], InputError]:
        """What makes the error of a node."""

        def refuse(why: str) -> InputError:
            return InputError(
                f"{self.place} cannot be imported: node {node.name or f'number {i + 1}'!r} ({node.op_type}) {why}. "
                f"What can be: one chain of Gemm, MatMul and Add with constant weights, and {', '.join(ACTIVATIONS)}."
            )

        return refuse


def _runner(onnx: Any, chain: _Chain) -> Callable[[Array], Array]:
    """What the file itself makes of rows: by onnxruntime, or by onnx where that is missing or too old for the file."""
    model, name = chain.model, chain.input.name
    for value in (chain.input, *model.graph.output):  # rows may have been counted, or named
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]

    def by_evaluator(x: Array) -> Array:
        try:
            return np.asarray(onnx.reference.ReferenceEvaluator(model).run(None, {name: x})[0])
        except Exception as error:  # whatever it meets in a file
            raise FileFormatError(f"{chain.place} cannot be run: {error}") from None

    try:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception:  # missing, or an operator or a version that it does not know
        return by_evaluator
    return lambda x: np.asarray(session.run(None, {name: x})[0])
