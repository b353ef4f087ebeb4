"""Chains of layers come over from ONNX with the numbers that onnxruntime gives; every other node is refused by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import FileFormatError, InputError

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, external_data_helper, helper, numpy_helper  # noqa: E402

D, M, K = 4, 6, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, D))
# The operator, its attributes, the least opset, and our name.
ACTIVATIONS = [
    ("Relu", {}, 13, "relu"),
    ("Tanh", {}, 13, "tanh"),
    ("Sigmoid", {}, 13, "logistic"),
    ("LeakyRelu", {"alpha": 0.01}, 13, "leaky_relu"),
    ("Elu", {}, 13, "elu"),
    ("Selu", {}, 13, "selu"),
    ("Softplus", {}, 13, "softplus"),
    ("Mish", {}, 18, "mish"),
    ("Gelu", {"approximate": "tanh"}, 20, "gelu"),
    ("Sin", {}, 13, "sine"),
]


def arrays(dtype: Any = np.float32) -> dict[str, np.ndarray]:
    shapes = {"w": (D, M), "b": (M,), "v": (M, K), "c": (K,)}
    return {name: RNG.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs.split(), [output], name=f"the_{output}", **attributes)


def model(
    nodes: list[Any], constants: dict[str, np.ndarray], *, out: str = "y", opset: int = 13, rows: Any = "n"
) -> Any:
    kind = helper.np_dtype_to_tensor_dtype(next(iter(constants.values())).dtype)
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, [rows, D])],
        [helper.make_tensor_value_info(out, kind, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def saved(tmp_path: Path, *arguments: Any, **more: Any) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(model(*arguments, **more), path)
    return path


def chain(activation: str = "Relu", **attributes: Any) -> list[Any]:
    """MatMul, Add, activation, Gemm."""
    return [
        node("MatMul", "x w", "xw"),
        node("Add", "xw b", "z"),
        node(activation, "z", "h", **attributes),
        node("Gemm", "h v c", "y"),
    ]


@pytest.mark.parametrize(("kind", "attributes", "opset", "name"), ACTIVATIONS, ids=[one[0] for one in ACTIVATIONS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_chain_comes_over(kind, attributes, opset, name, dtype, tmp_path):
    a = arrays(dtype)
    network = gn.from_onnx(saved(tmp_path, chain(kind, **attributes), a, opset=opset))
    f = gn.nn.get_activation(name)
    x = X.astype(dtype)
    np.testing.assert_allclose(network.forward(x)[0], f(x @ a["w"] + a["b"]) @ a["v"] + a["c"], rtol=1e-5, atol=1e-6)
    assert network.layers[0].f is f
    assert network.layers[0].w.dtype == dtype


def test_gemm_may_be_transposed_and_scaled_and_torchs_habits_are_known(tmp_path):
    a = arrays()
    nodes = [
        node("Flatten", "x", "flat", axis=1),
        node("Gemm", "flat wt b", "z", transB=1, alpha=0.5, beta=2.0),
        node("Sigmoid", "z", "s"),
        node("Mul", "z s", "h"),
        node("Dropout", "h", "kept"),
        helper.make_node("Constant", [], ["vt"], value=numpy_helper.from_array(a["v"].T.copy())),
        node("Transpose", "vt", "v", perm=[1, 0]),
        node("MatMul", "kept v", "hv"),
        node("Add", "c hv", "y"),
    ]
    given = {"wt": a["w"].T.copy(), "b": a["b"], "c": a["c"]}
    network = gn.from_onnx(saved(tmp_path, nodes, given, rows=1))
    z = 0.5 * X @ a["w"] + 2 * a["b"]
    np.testing.assert_allclose(network.forward(X)[0], z / (1 + np.exp(-z)) @ a["v"] + a["c"], rtol=1e-4, atol=1e-5)
    assert network.layers[0].f.name == "silu"


@pytest.mark.parametrize("end", ["Softmax", "LogSoftmax", "Sigmoid"])
def test_a_last_step_to_probabilities_is_left_out(end, tmp_path):
    a = arrays()
    attributes = {} if end == "Sigmoid" else {"axis": 1}
    plain = gn.from_onnx(saved(tmp_path, chain("Tanh"), a))
    ended = gn.from_onnx(saved(tmp_path, [*chain("Tanh"), node(end, "y", "p", **attributes)], a, out="p"))
    np.testing.assert_array_equal(plain.parameters, ended.parameters)
    assert ended.layers[-1].f.name == "identity"


def test_an_activation_at_the_end_stays(tmp_path):
    a = arrays()
    network = gn.from_onnx(saved(tmp_path, [*chain(), node("Relu", "y", "p")], a, out="p"))
    y = np.maximum(X @ a["w"] + a["b"], 0) @ a["v"] + a["c"]
    np.testing.assert_allclose(network.forward(X)[0], np.maximum(y, 0), rtol=1e-4, atol=1e-5)
    assert (y < 0).any()


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("MatMul", "x w", "z"), node("Conv", "z w", "y")], r"the_y' \(Conv\).*no linear layer"),
        ([node("MatMul", "x w", "z"), node("Relu", "z", "h"), node("Add", "h z", "y")], r"the_y' \(Add\)"),
        ([node("MatMul", "x w", "z"), node("Add", "z x", "y")], r"the_y' \(Add\) takes 'x'"),
        ([node("Relu", "x", "y")], r"the_y' \(Relu\)"),
        (chain("LeakyRelu", alpha=0.2), r"the_h' \(LeakyRelu\) has alpha = 0.2"),
        (chain("Elu", alpha=2.0), r"the_h' \(Elu\) has alpha = 2"),
        ([node("Gemm", "x w", "y", transA=1)], r"the_y' \(Gemm\) does not take the rows"),
        ([node("MatMul", "w x", "y")], r"the_y' \(MatMul\)"),
        ([node("MatMul", "x w", "z"), node("Softmax", "z", "h", axis=0), node("MatMul", "h v", "y")], "Softmax"),
        ([node("MatMul", "x w", "y", domain="com.example")], "another vocabulary"),
        ([node("MatMul", "x w", "y"), node("Relu", "w", "unused")], "is not part of one chain"),
        ([node("MatMul", "x b", "y")], r"has weights of shape \(6,\)"),
        ([node("MatMul", "x w", "z"), node("Add", "z c", "y")], r"the_y' \(Add\) adds an array of shape \(3,\)"),
    ],
)
def test_what_is_no_chain_is_refused_and_the_node_named(nodes, words, tmp_path):
    with pytest.raises(InputError, match=words):
        gn.from_onnx(saved(tmp_path, nodes, arrays()))


def external(tmp_path: Path, **changes: str) -> Path:
    """A model whose first weights stand in a file beside it, told as `changes` say."""
    made = model(chain(), arrays())
    tensor = made.graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(b"1234" + tensor.raw_data)
    length = len(tensor.raw_data)
    told = {"location": "weights.bin", "offset": "4", "length": str(length)} | changes
    external_data_helper.set_external_data(tensor, location=told["location"])
    del tensor.external_data[:]
    for key, value in told.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    tensor.ClearField("raw_data")
    path = tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def test_weights_may_stand_in_a_file_beside_the_model(tmp_path):
    network = gn.from_onnx(external(tmp_path))
    content = (tmp_path / "weights.bin").read_bytes()[4:]
    np.testing.assert_array_equal(network.layers[0].w, np.frombuffer(content, "<f4").reshape(D, M))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"location": "../weights.bin"}, "outside of its own folder"),
        ({"location": "/etc/hostname"}, "outside of its own folder"),
        ({"location": ""}, "outside of its own folder"),
        ({"location": "missing.bin"}, "cannot be read"),
        ({"offset": "8"}, "does not hold"),
        ({"offset": "-4"}, "does not hold"),
        ({"offset": "four"}, "is not told"),
        ({"length": "9999999"}, "does not hold"),
    ],
)
def test_no_file_elsewhere_is_read_and_sizes_are_checked(changes, words, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "weights.bin").write_bytes(bytes(4 * D * M + 4))
    with pytest.raises(InputError, match=words):
        gn.from_onnx(external(tmp_path / "model", **changes))


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "model").mkdir()
    path = external(tmp_path / "model")
    (tmp_path / "model" / "weights.bin").rename(tmp_path / "weights.bin")
    (tmp_path / "model" / "weights.bin").symlink_to(tmp_path / "weights.bin")
    with pytest.raises(InputError, match="outside of its own folder"):
        gn.from_onnx(path)


def test_what_is_no_onnx_file_is_told(tmp_path):
    path = tmp_path / "model.onnx"
    whole = model(chain(), arrays()).SerializeToString()
    for content in (b"", b"no model at all", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match="no ONNX file"):
            gn.from_onnx(path)
    torn = model(chain(), arrays())
    torn.graph.initializer[0].raw_data = b"1234"
    path.write_bytes(torn.SerializeToString())
    with pytest.raises(FileFormatError, match="array 'w' cannot be read"):
        gn.from_onnx(path)
    two = model(chain(), arrays())
    two.graph.input.append(helper.make_tensor_value_info("x2", TensorProto.FLOAT, [1, 2]))
    path.write_bytes(two.SerializeToString())
    with pytest.raises(InputError, match="2 inputs"):
        gn.from_onnx(path)


@pytest.mark.parametrize("activation", ["identity", "relu", "tanh"])
def test_what_was_exported_comes_back(activation, tmp_path):
    pytest.importorskip("onnxruntime")
    network = gn.nn.Network.create([D, M, K], activation, seed=1)
    gn.export(network, tmp_path / "model.onnx")
    np.testing.assert_array_equal(gn.from_onnx(tmp_path / "model.onnx").parameters, network.parameters)


def test_without_onnxruntime_the_evaluator_of_onnx_compares(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    assert gn.from_onnx(saved(tmp_path, chain(), arrays())).architecture.sizes == (D, M, K)


def test_without_onnx_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    path = saved(tmp_path, chain(), arrays())
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'glassnet\[onnx\]'"):
        gn.from_onnx(path)


def test_explanations_work_on_what_came(tmp_path):
    network = gn.from_onnx(saved(tmp_path, chain(), arrays(np.float64)))
    y = network.forward(X)[0]
    assert gn.diagnose(network, X, y) is not None
    local = gn.collapse(network, at=X[0])
    np.testing.assert_allclose(X[0] @ local.w + local.b, y[0])
