"""`glassnet export`, as it is typed."""

import json

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import glassnet as gn
from glassnet.cli.app import cli
from glassnet.exports.c import compiler


@pytest.fixture
def run(models, tmp_path, monkeypatch):
    """Calls the command in a folder with m.safetensors and net.safetensors."""
    monkeypatch.chdir(tmp_path)
    gn.save(models["two classes"], "m.safetensors")
    gn.save(gn.nn.Network.create([2, 3, 1], "tanh", seed=0), "net.safetensors")
    return lambda *args: CliRunner().invoke(cli, ["export", *map(str, args)], prog_name="glassnet")


@pytest.mark.parametrize("ending", ["onnx", "py", "c"])
def test_it_tells_what_was_written_and_how_near_it_is(ending, run, tmp_path):
    result = run("m.safetensors", f"m.{ending}")
    assert result.exit_code == 0, result.output
    size = (tmp_path / f"m.{ending}").stat().st_size
    for word in (f"m.{ending}", f"{size:,} bytes", "input", "output", "label", "probabilities"):
        assert word in result.stdout
    if ending != "c" or compiler():
        assert "largest difference from the model on 1,000 rows" in " ".join(result.stdout.split())


def test_rows_of_a_file_are_tried_and_json_is_for_programs(run):
    pl.DataFrame({"a": [0.5, None, 1.5], "b": [1.0, 2.0, 3.0]}).write_csv("new.csv")
    told = json.loads(run("m.safetensors", "m.py", "--rows", "new.csv", "--json").stdout)
    assert (told["n_rows"], told["inputs"]) == (3, {"a": "number", "b": "number"})
    assert told["difference"] <= told["allowed"]
    pl.DataFrame({"a": [0.5, 1.5], "b": [1, 2]}).write_csv("whole.csv")
    told = json.loads(run("net.safetensors", "net.onnx", "--rows", "whole.csv", "--json", "--dtype", "float").stdout)
    assert (told["n_rows"], told["inputs"], told["outputs"]) == (2, {"x": "float"}, {"y": "float"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("m.safetensors", "m.pt"), (".onnx", ".py", ".c")),
        (("m.safetensors", "no/m.py"), ("no folder", "'no'")),
        (("m.safetensors", "m.py", "--dtype", "float"), ("computes in double",)),
        (("m.csv", "m.py"), ("is a table by its name",)),
        (("m.safetensors", "m.py", "--rows", "wrong.csv"), ("no column", "'a'")),
        (("net.safetensors", "m.py", "--rows", "wrong.csv"), ("shape",)),
    ],
)
def test_what_is_wrong_is_one_message_and_status_2(words, told, run, tmp_path):
    pl.DataFrame({"b": np.ones(3)}).write_csv("wrong.csv")
    result = run(*words)
    assert result.exit_code == 2
    message = " ".join(result.stderr.split())
    assert all(word in message for word in told), message
    assert not list(tmp_path.glob("m.[!s]*"))
