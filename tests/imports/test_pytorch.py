"""A state_dict of Linear layers comes over in the order of its names, transposed; all else is refused by name."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import glassnet as gn
from glassnet.errors import FileFormatError, InputError, ShapeError

RNG = np.random.default_rng(0)


def linear(out: int, into: int, dtype: type = np.float32) -> dict[str, np.ndarray]:
    return {"weight": RNG.normal(size=(out, into)).astype(dtype), "bias": RNG.normal(size=out).astype(dtype)}


def state(*sizes: int, names: list[str]) -> dict[str, np.ndarray]:
    shapes = zip(names, sizes[1:], sizes[:-1], strict=True)
    return {f"{name}.{kind}": a for name, out, into in shapes for kind, a in linear(out, into).items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_layers_come_in_the_order_of_the_numbers_in_their_names(path):
    names = [f"net.{i}" for i in (0, 2, 4, 6, 8, 10)]
    saved = state(4, 5, 6, 7, 8, 9, 2, names=names)
    save_file(dict(sorted(saved.items(), reverse=True)), path)
    x = RNG.normal(size=(20, 4)).astype(np.float32)
    h = x
    for name in names[:-1]:
        h = np.tanh(h @ saved[f"{name}.weight"].T + saved[f"{name}.bias"])
    y = h @ saved["net.10.weight"].T + saved["net.10.bias"]
    network = gn.from_torch(path, activation="tanh")
    np.testing.assert_allclose(network.forward(x)[0], y, rtol=1e-4, atol=1e-5)
    assert network.layers[0].w.dtype == np.float32
    assert "torch" not in sys.modules


def test_each_hidden_layer_may_have_its_own_activation_and_biases_may_be_missing(path):
    saved = state(3, 4, 5, 1, names=["a", "b", "c"])
    del saved["b.bias"]
    save_file(saved, path)
    network = gn.from_torch(path, ["relu", "gelu"])
    assert [layer.f.name for layer in network.layers] == ["relu", "gelu", "identity"]
    assert not network.layers[1].b.any()
    save_file({name: array for name, array in saved.items() if name.endswith("weight")}, path)
    assert all(layer.b is None for layer in gn.from_torch(path, "relu").layers)


def test_what_is_no_chain_of_linear_layers_is_refused_by_name(path):
    good = state(3, 4, 1, names=["0", "2"])
    conv = {"conv.weight": np.ones((2, 1, 3, 3), np.float32)}
    for tensors, activation, error, words in (
        (good | conv, "relu", InputError, "conv.weight"),
        (good | {"1.running_mean": np.ones(4, np.float32)}, "relu", InputError, "1.running_mean"),
        (good | {"9.bias": np.ones(4, np.float32)}, "relu", InputError, "9.bias"),
        (
            state(3, 4, names=["0"]) | state(5, 1, names=["2"]),
            "relu",
            ShapeError,
            "0 gives 4 .*, but 2 .* takes 5",
        ),
        (good | {"0.bias": np.ones(3, np.float32)}, "relu", ShapeError, "0 has weights"),
        (good | {"0.bias": np.full(4, np.nan, np.float32)}, "relu", InputError, "0 holds numbers"),
        (good, ["relu", "relu"], InputError, "2 activations were given for 1 hidden"),
        (good, "rellu", InputError, "relu"),
        ({name: array.astype(np.float16) for name, array in good.items()}, "relu", FileFormatError, "F16"),
        ({}, "relu", InputError, "no layer"),
    ):
        save_file(tensors, path)
        with pytest.raises(error, match=words):
            gn.from_torch(path, activation)


def test_a_file_that_is_missing_or_none_of_that_kind_is_told(path):
    with pytest.raises(InputError, match="cannot be read"):
        gn.from_torch(path, "relu")
    path.write_bytes(b"PK\x03\x04 a zip of pickles")
    with pytest.raises(FileFormatError, match=r"cannot be imported.*save_file"):
        gn.from_torch(path, "relu")
