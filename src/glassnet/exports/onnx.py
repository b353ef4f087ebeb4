"""A model as ONNX. The one door for onnx and onnxruntime."""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.exports.content import FARTHEST, Content, Labels, Part, Quantities
from glassnet.exports.onnx_functions import ACTIVATIONS, FUNCTIONS, UNITS
from glassnet.exports.onnx_graph import Graph, features_of
from glassnet.nn.elementary import Array

# Opset 17 and ai.onnx.ml 3 came in 2022, so that runtimes of the last years run them.
OPSET, ML_OPSET, IR_VERSION = 17, 3, 8
NEEDED = "The packages that write ONNX and try it are not here: pip install 'glassnet[onnx]'."


def to_onnx(content: Content, dtype: np.dtype[Any]) -> bytes:
    """The file of a model whose networks compute in a dtype.

    Raises:
        InputError: The packages are missing; a column without a name; targets whose labels are of several types.
    """
    onnx = _package()
    from onnx import helper

    if "" in content.names:
        raise InputError("A column has no name, which an input of ONNX needs. Name it, and train anew.")
    g = Graph(FARTHEST[content.dtype.name])
    results = dict(zip(_output_names(content), _outputs(g, content, dtype), strict=True))
    for name, result in results.items():
        g.nodes.append(("Identity", [result], name, "", {}))
    nodes = []
    for kind, inputs, output, domain, attributes in g.nodes:
        told: dict[str, Any] = {
            key: helper.np_dtype_to_tensor_dtype(value) if isinstance(value, np.dtype) else value
            for key, value in attributes.items()
        }
        nodes.append(helper.make_node(kind, inputs, [output], domain=domain, name=output, **told))
    types = output_types(content, dtype)
    graph = helper.make_graph(
        nodes,
        "glassnet",
        [
            helper.make_tensor_value_info(name, _tensor_type(onnx, type_), shape)
            for name, (type_, shape) in input_types(content, dtype).items()
        ],
        [
            helper.make_tensor_value_info(name, _tensor_type(onnx, type_), shape)
            for name, (type_, shape) in zip(results, types, strict=True)
        ],
        [_tensor(onnx, name, array) for name, array in g.constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(
        graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="glassnet", producer_version=_version()
    )
    model.doc_string = f"{content.kind} of glassnet; metadata 'glassnet' says what its inputs hold."
    helper.set_model_props(model, {"glassnet": json.dumps(description(content, dtype), ensure_ascii=False)})
    onnx.checker.check_model(model)
    return model.SerializeToString()


def run_onnx(data: bytes, inputs: Mapping[str, Array]) -> list[Array]:
    """What onnxruntime makes of rows: the outputs in their order."""
    _package()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return [np.asarray(output) for output in session.run(None, dict(inputs))]


def input_types(content: Content, dtype: np.dtype[Any]) -> dict[str, tuple[str, list[Any]]]:
    """Type and shape of each input, by its name."""
    if not content.views:
        return {"x": (_word(dtype), ["n", len(content.names)])}
    return {c.name: ("string" if c.kind == "category" else "double", ["n", 1]) for c in content.views[0]}


def output_types(content: Content, dtype: np.dtype[Any]) -> list[tuple[str, list[Any]]]:
    """Type and shape of each output."""
    number, answer = "double" if content.views else _word(dtype), content.answer
    if answer is None:
        return [(number, ["n", content.parts[0].network.architecture.sizes[-1]])]
    if isinstance(answer, Labels):
        count = len(answer.classes) if answer.several else len(answer.classes[0])
        return [(_label_type(answer), ["n", count] if answer.several else ["n"]), (number, ["n", count])]
    shape = ["n"] if len(answer.units) == 1 else ["n", len(answer.units)]
    return [(number, shape)] * len(content.outputs)


def onnx_types(content: Content, dtype: np.dtype[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Types of the inputs and outputs, by their names."""
    told = description(content, dtype)
    inputs, outputs = ({one["name"]: one["type"] for one in told[key]} for key in ("inputs", "outputs"))
    return inputs, outputs


def description(content: Content, dtype: np.dtype[Any]) -> dict[str, Any]:
    """What the file's metadata say of its inputs, outputs and classes."""
    inputs: list[dict[str, Any]] = [
        {"name": name, "type": type_, "shape": shape} for name, (type_, shape) in input_types(content, dtype).items()
    ]
    if content.views:
        for one, column in zip(inputs, content.views[0], strict=True):
            one |= {"kind": column.kind, "holds": MEANINGS[column.kind], "zone": column.zone or None}
    else:
        inputs[0]["features"] = list(content.names)
    types = zip(_output_names(content), output_types(content, dtype), strict=True)
    found: dict[str, Any] = {
        "glassnet": _version(),
        "model": content.kind,
        "inputs": inputs,
        "outputs": [{"name": name, "type": type_, "shape": shape} for name, (type_, shape) in types],
    }
    if isinstance(content.answer, Labels):
        found["classes"] = [list(labels) for labels in content.answer.classes]
    return found


MEANINGS = {
    "number": "the number; NaN is missing",
    "count": "the number; NaN is missing",
    "duration": "seconds; NaN is missing",
    "boolean": "1 is true, 0 is false; NaN is missing",
    "category": "the text as training had it, without spaces around; the empty text is missing",
    "date": "seconds since 1970 began, in UTC if the column has a zone, else by the clock as written; NaN is missing",
    "time": "seconds since midnight; NaN is missing",
}


def _outputs(g: Graph, content: Content, dtype: np.dtype[Any]) -> list[str]:
    made: dict[Any, str] = {}
    x = [g.cast(features_of(g, view, made), dtype) for view in content.views] or ["x"]
    p, number = [], np.dtype(np.float64) if content.views else dtype
    for part in content.parts:
        y = _scores(g, part, x[part.view], dtype)
        found = FUNCTIONS[content.function](g, g.cast(y, number) if number != dtype else y, number)
        p.append(found if len(content.parts) == 1 else g.op("Mul", found, np.array(part.weight, number)))
    mean = p[0]
    for found in p[1:]:
        mean = g.op("Add", mean, found)
    if content.answer is None:
        return [mean]
    if isinstance(content.answer, Labels):
        return _labels(g, content.answer, mean, number)
    return _quantities(g, content.answer, mean, number)


def _scores(g: Graph, part: Part, x: str, dtype: np.dtype[Any]) -> str:
    """y of a network: h = f(xw + b), repeated, and y = hv + c + xu."""
    h = x
    for layer in part.network.layers:
        h = g.op("MatMul", h, layer.w.astype(dtype))
        if layer.b is not None:
            h = g.op("Add", h, layer.b.astype(dtype)[None])
        h = ACTIVATIONS[layer.f.name](g, h, dtype)
    skip = part.network.skip
    return h if skip is None else g.op("Add", h, g.op("MatMul", x, skip.astype(dtype)))


def _labels(g: Graph, answer: Labels, p: str, number: np.dtype[Any]) -> list[str]:
    if not answer.several and not answer.binary:
        return [g.op("Gather", _label_array(answer.classes[0]), g.op("ArgMax", p, axis=1, keepdims=0)), p]
    above = g.cast(g.op("Greater", p, np.array([answer.thresholds], number)), np.int64)
    _label_type(answer)
    said = [g.op("Gather", _label_array(labels), g.columns(above, j, j + 1)) for j, labels in enumerate(answer.classes)]
    if answer.several:
        return [g.joined(said), p]
    both = g.joined([g.op("Sub", np.array(1, number), p), p])
    return [g.op("Squeeze", said[0], np.array([1])), both]


def _quantities(g: Graph, answer: Quantities, p: str, number: np.dtype[Any]) -> list[str]:
    k = len(answer.units)
    means, found = [], []
    for j, unit in enumerate(answer.units):
        value = p if k == 1 and not answer.spread else g.columns(p, j, j + 1)
        if (unit.mean, unit.scale) != (0.0, 1.0):
            value = g.op("Mul", value, np.array(unit.scale, number))
            value = g.op("Add", value, np.array(unit.mean, number))
        means.append(UNITS[unit.form](g, value, number))
    found.append(g.joined(means))
    if answer.spread:
        half = g.op("Mul", g.columns(p, k, 2 * k), np.array(0.5, number))
        found.append(g.op("Exp", half))  # √eᵛ of the score v
    return [g.op("Squeeze", one, np.array([1])) for one in found] if k == 1 else found


def _label_type(answer: Labels) -> str:
    """The type of the labels, which an output needs to have one of."""
    types = {type(label) for labels in answer.classes for label in labels}
    if len(types) != 1:
        raise InputError(
            f"The targets have labels of several types ({', '.join(sorted(one.__name__ for one in types))}), but an "
            f"output of ONNX has one. Recode them, or write .py."
        )
    return LABEL_TYPES[types.pop()]


def _label_array(labels: tuple[Any, ...]) -> Array:
    return np.array(labels, dtype=object if isinstance(labels[0], str) else None)


LABEL_TYPES = {str: "string", bool: "bool", int: "int64", float: "double"}


def _output_names(content: Content) -> list[str]:
    """Those of the content; one that a column has already ends in _."""
    taken = set(input_types(content, content.dtype))
    names = []
    for name in content.outputs:
        while name in taken:
            name += "_"
        names.append(name)
    return names


def _word(dtype: np.dtype[Any]) -> str:
    return {"float32": "float", "float64": "double"}[dtype.name]


def _tensor_type(onnx: Any, word: str) -> int:
    return int(getattr(onnx.TensorProto, word.upper()))


def _tensor(onnx: Any, name: str, array: Array) -> Any:
    return onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(np.shape(array)), name)


def _version() -> str:
    return version("glassnet")


def _package() -> Any:
    """The package onnx, where onnxruntime is there as well."""
    try:
        import onnx
        import onnxruntime  # noqa: F401 - no file is written that it has not run
    except ImportError:
        raise InputError(NEEDED) from None
    return onnx
