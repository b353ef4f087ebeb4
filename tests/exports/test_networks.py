"""Each activation, loss and shape says in every format what it says here, on rows that the export did not try."""

import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

import glassnet as gn
from glassnet.errors import InputError, ShapeError
from glassnet.exports.c import FLAGS, compiler, run_c, to_c
from glassnet.exports.content import FUNCTIONS, content_of
from glassnet.exports.python import run_python
from glassnet.exports.rows import plain_cells, raw_cells
from glassnet.nn import ACTIVATIONS, LOSSES, Network

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
needs_compiler = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
FORMATS = [".onnx", ".py", pytest.param(".c", marks=needs_compiler)]
D, M, K = 3, 5, 2
X = np.random.default_rng(7).normal(size=(40, D)) * 3


def said(path, model, x):
    """The outputs of a written file, in their order."""
    content = content_of(model)
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}[session.get_inputs()[0].type]
        return session.run(None, {"x": x.astype(kind)})
    if path.suffix == ".py":
        return run_python(content, path.read_text(encoding="utf-8"), raw_cells(content, x))
    return run_c(content, path.read_bytes(), plain_cells(content, x, np.dtype(np.float64)))


def network(activation="tanh", hidden=(M,), dtype=np.float64, **more):
    made = Network.create([D, *hidden, K], activation, seed=1, **more)
    parameters = made.parameters + np.random.default_rng(2).normal(size=made.parameters.shape) / 4
    return Network.from_parameters(made.architecture, parameters.astype(dtype))


@pytest.mark.parametrize("ending", FORMATS[:2])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_the_same(activation, ending, tmp_path):
    net, path = network(activation), tmp_path / f"net{ending}"
    done = gn.export(net, path)
    assert (done.n_rows, done.path, done.size_bytes) == (1000, path, path.stat().st_size)
    assert done.difference <= done.allowed
    far = np.vstack([X, X * 1e3, np.zeros((1, D))])  # where an exponential overflows, and at the kink
    expected = net.forward(far)[0]
    scale = np.abs(expected).max(axis=1, keepdims=True)
    np.testing.assert_allclose(said(path, net, far)[0] / scale, expected / scale, atol=1e-9)


@needs_compiler
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_the_same_in_c(activation):
    content, far = content_of(network(activation)), np.vstack([X, X * 1e3, np.zeros((1, D))])
    expected = content.parts[0].network.forward(far)[0]
    scale = np.abs(expected).max(axis=1, keepdims=True)
    found = run_c(content, to_c(content, content.dtype, "net").encode(), {"x": far})[0]
    np.testing.assert_allclose(found / scale, expected / scale, atol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_in_float32_is_the_same_to_its_rounding(activation, tmp_path):
    net = network(activation, dtype=np.float32)
    x = X.astype(np.float32)
    expected = net.forward(x)[0]
    for ending in (".onnx", ".py"):
        gn.export(net, tmp_path / f"net{ending}")
        found = said(tmp_path / f"net{ending}", net, x)[0]
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_sine_holds_its_argument_as_the_model_does(tmp_path):
    net = network("sine", dtype=np.float32)
    x = np.full((1, D), 1e5, np.float32)
    gn.export(net, tmp_path / "net.py")
    np.testing.assert_allclose(said(tmp_path / "net.py", net, x)[0], net.forward(x)[0], atol=1e-4)


@pytest.mark.parametrize(
    ("ending", "depth", "bias"),
    [
        *((ending, depth, bias) for ending in FORMATS[:2] for depth in range(5) for bias in (True, False)),
        *(pytest.param(".c", *shape, marks=needs_compiler) for shape in ((0, True), (1, False), (4, True))),
    ],
)
def test_every_depth_with_and_without_biases_and_skip(depth, bias, ending, tmp_path):
    net = network("silu", [M + i for i in range(depth)], bias=bias, skip=bias)
    gn.export(net, tmp_path / f"net{ending}")
    np.testing.assert_allclose(said(tmp_path / f"net{ending}", net, X)[0], net.forward(X)[0], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("ending", [".onnx", pytest.param(".c", marks=needs_compiler)])
def test_dtype_says_in_what_networks_compute(ending, tmp_path):
    net = network("gelu")
    coarse, fine = (gn.export(net, tmp_path / f"{d}{ending}", dtype=d) for d in ("float", "double"))
    assert fine.difference < 1e-12 < coarse.difference < 1e-4
    if ending == ".onnx":
        assert (coarse.inputs, fine.inputs) == ({"x": "float"}, {"x": "double"})


@needs_compiler
def test_the_macro_of_c_chooses_another_real(tmp_path):
    net = network("sine")
    gn.export(net, tmp_path / "net.c")
    cells = plain_cells(content_of(net), X, np.dtype(np.float64))
    found = run_c(content_of(net), (tmp_path / "net.c").read_bytes(), cells, ("-DGLASSNET_REAL=float",))[0]
    apart = np.abs(found - net.forward(X)[0]).max()
    assert 1e-10 < apart < 1e-5


def mlp(loss):
    """An MLP whose last function is that loss's, trained for a moment."""
    t = np.abs(X[:, :2])
    quick = {"hidden_layer_sizes": (M,), "max_iter": 2, "random_state": 0}
    if loss == "cross_entropy":
        return gn.MLPClassifier(**quick).fit(X, np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-1, 1])])
    if loss == "binary_cross_entropy":
        return gn.MLPClassifier(**quick).fit(X, X[:, 0] > 0)
    return gn.MLPRegressor(loss=loss, **quick).fit(X, t)


def answers(model, x):
    """What predict and its kin give, in the order of a file's outputs."""
    if hasattr(model, "predict_proba"):
        return [model.predict(x), model.predict_proba(x)]
    return list(model.predict(x, return_std=True)) if model.loss == "gaussian" else [model.predict(x)]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_predicts_the_same(loss, ending, tmp_path):
    model, path = mlp(loss), tmp_path / f"mlp{ending}"
    gn.export(model, path)
    for found, expected in zip(said(path, model, X), answers(model, X), strict=True):
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)
        else:
            np.testing.assert_array_equal(found, expected)


def test_no_loss_is_forgotten():
    assert set(FUNCTIONS) == set(LOSSES)


@pytest.mark.parametrize("ending", FORMATS)
def test_labels_of_rows_that_may_have_several(ending, tmp_path):
    model = gn.MLPClassifier((M,), max_iter=2, random_state=0).fit(X, (X[:, :2] > 0).astype(int))
    gn.export(model, tmp_path / f"mlp{ending}")
    labels, p = said(tmp_path / f"mlp{ending}", model, X)
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_allclose(p, model.predict_proba(X), atol=1e-12)


def test_rows_of_ones_own_are_tried_in_place_of_drawn_ones(tmp_path):
    model = mlp("squared_error")
    assert gn.export(model, tmp_path / "m.py", rows=X[:7]).n_rows == 7
    with pytest.raises(ShapeError, match="shape"):
        gn.export(model, tmp_path / "m.py", rows=X[:, :2])
    with pytest.raises(ValueError, match="missing"):
        gn.export(model, tmp_path / "m.py", rows=X * np.nan)
    with pytest.raises(ValueError, match="no rows"):
        gn.export(model, tmp_path / "m.py", rows=X[:0])


def test_names_of_features_are_those_of_the_dataframe(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(X, columns=["age", "mass", "size"])
    model = gn.MLPRegressor((M,), max_iter=2, random_state=0).fit(frame, X[:, 0])
    assert list(gn.export(model, tmp_path / "m.py", rows=frame[["size", "age", "mass"]]).inputs) == list(frame)
    found = said(tmp_path / "m.py", model, X)[0]
    np.testing.assert_allclose(found, model.predict(frame), rtol=1e-11)


def test_what_cannot_be_written_is_told(tmp_path):
    cube = Network.create([D, M, K], "tanh")
    cube.layers[0].f = gn.nn.CustomActivation(lambda z: z**3, lambda z: 3 * z**2)
    broken = network()
    broken.layers[0].w[0, 0] = np.nan
    for model, path, told in (
        (cube, "a.py", "activation of your own"),
        (broken, "a.onnx", "infinite or not a number"),
        (network(), "a.pt", r"\.onnx, \.py .* or \.c"),
        ("text", "a.py", "A str cannot be exported"),
    ):
        with pytest.raises(InputError, match=told):
            gn.export(model, tmp_path / path)
    with pytest.raises(ValueError, match="computes in double"):
        gn.export(network(), tmp_path / "a.py", dtype="float")
    with pytest.raises(ValueError, match="'half'"):
        gn.export(network(), tmp_path / "a.onnx", dtype="half")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_that_says_something_else_is_not_written(ending, tmp_path, monkeypatch):
    path = tmp_path / f"net{ending}"
    path.write_text("as it was")

    def wrong(model):
        content = content_of(model)
        content.parts[0].network.layers[0].w[0, 0] += 1e-9
        return content

    net = network()
    copy = Network.from_parameters(net.architecture, net.parameters)
    monkeypatch.setattr("glassnet.exports.exporting.content_of", lambda model: wrong(copy))
    with pytest.raises(ValueError, match="not written: y differs by"):
        gn.export(net, path)
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]


@needs_compiler
def test_c_has_no_warning_and_no_undefined_behaviour(tmp_path):
    net = network("mish", (M, M + 1), skip=True)
    gn.export(net, tmp_path / "net.c")
    content = content_of(net)
    cells = plain_cells(content, X, np.dtype(np.float64))
    more = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wmissing-prototypes", "-Wshadow")
    if not sanitizes(tmp_path, more):
        pytest.skip("this compiler has no sanitizers")
    found = run_c(content, (tmp_path / "net.c").read_bytes(), cells, more)
    np.testing.assert_allclose(found[0], net.forward(X)[0], rtol=1e-11)
    text = (tmp_path / "net.c").read_text()
    assert "malloc" not in text
    assert set(FLAGS) >= {"-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"}


def sanitizes(folder, flags):
    (folder / "empty.c").write_text("int main(void) { return 0; }\n")
    done = subprocess.run([compiler(), *flags, "empty.c", "-o", "empty"], cwd=folder, capture_output=True, check=False)
    return done.returncode == 0 and subprocess.run([folder / "empty"], check=False).returncode == 0


def test_without_a_compiler_c_is_written_and_that_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("glassnet.exports.c.COMPILERS", ("no-such-compiler",))
    done = gn.export(network(), tmp_path / "net.c")
    assert (done.n_rows, done.difference) == (0, None)
    assert "net_predict" in (tmp_path / "net.c").read_text()


def test_without_the_packages_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"pip install 'glassnet\[onnx\]'"):
        gn.export(network(), tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())
