"""onnxruntime, a graph of Gemm and Relu."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def graph(layers: list[tuple[np.ndarray, np.ndarray]]) -> onnx.ModelProto:
    """The network, rows first."""
    nodes, weights, h = [], [], "x"
    for i, (w, b) in enumerate(layers):
        last = i == len(layers) - 1
        weights += [numpy_helper.from_array(w, f"w{i}"), numpy_helper.from_array(b, f"b{i}")]
        nodes.append(helper.make_node("Gemm", [h, f"w{i}", f"b{i}"], ["y" if last else f"z{i}"]))
        if not last:
            nodes.append(helper.make_node("Relu", [f"z{i}"], [f"h{i}"]))
            h = f"h{i}"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", layers[0][0].shape[0]])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", len(layers[-1][1])])
    body = helper.make_graph(nodes, "network", [x], [y], weights)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def predictor(layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> dict[str, Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(
        graph(layers).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def of_rows(x: np.ndarray) -> np.ndarray:
        return session.run(None, {"x": x})[0]

    return {
        "list": lambda row: of_rows(np.array([row], np.float32)),
        "array": lambda row: of_rows(row[None, :]),
        "rows": of_rows,
        "note": "`session.run`",
    }
