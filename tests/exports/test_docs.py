"""The code of docs/exports.md runs as it stands, from the top to the bottom."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import glassnet as gn
from glassnet.cli.app import cli
from glassnet.exports.c import FLAGS, compiler

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def code(language):
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder in which the Python of the page has run."""
    folder = tmp_path_factory.mktemp("page")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "\n".join(code("python"))],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    gn.data.example("penguins").frame.write_csv(folder / "penguins.csv")
    return folder


def test_the_python_runs(place):
    assert {"penguins.onnx", "penguins.py"} <= {path.name for path in place.iterdir()}


def test_the_commands_run(place, monkeypatch):
    monkeypatch.chdir(place)
    if code("c"):
        (place / "main.c").write_text(code("c")[0])
    for line in "".join(code("sh")).splitlines():
        words = shlex.split(line)
        if words[0] == "glassnet":
            result = CliRunner().invoke(cli, words[1:], prog_name="glassnet")
            assert result.exit_code == 0, result.output
        elif words[0] == "python":
            done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, timeout=60, check=True)
            assert done.stdout.startswith("prediction,p_Adelie,")
        elif compiler():
            assert set(words) >= set(FLAGS) - {"-O1", "-Werror"}
            subprocess.run([compiler(), *words[1:]], timeout=60, check=True)
            told = subprocess.run(["./circles"], capture_output=True, text=True, timeout=60, check=True).stdout
            assert re.fullmatch(r"inner [01]\.\d{3}\n", told)
