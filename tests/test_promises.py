"""docs/promises.md names tests that exist, shows what was measured, and says the truth of where data goes."""

import ast
import doctest
import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
# An audit hook sees every connection of Python's sockets, and every name that is looked up.
PRIVATE = """
import sys
import warnings

asked = []
CONNECTS = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"}
sys.addaudithook(lambda event, args: asked.append((event, args)) if event in CONNECTS else None)
import glassnet as gn

warnings.simplefilter("ignore")
table = gn.data.example("penguins")
model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(3,), max_iter=2, random_state=0)
model.fit(table, target="species").predict(table)
gn.save(model, "model.safetensors")
gn.export(gn.load("model.safetensors"), "model.py")
gn.derive(model, table.take([0]), target="Adelie")
assert not asked, asked
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.connect(("127.0.0.1", 9))
assert asked, "the hook hears nothing"
"""
# Which promises are broken; make soak does a hundred times as much.
SOAKED = """
import json
from benchmarks.promises import MUST_BE_0
from benchmarks.soak.disk import disk
from benchmarks.soak.leaks import leaks
from benchmarks.soak.threads import threads

print(json.dumps([[name for name in MUST_BE_0 if done.get(name)] for done in (disk(9), threads(2), leaks(300))]))
"""


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_test_that_holds_a_promise_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_a_test() -> None:
    rows = [line for line in PAGE.split("## What was tried")[0].splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        assert "::test_" in row.rsplit("|", 2)[1], row


def test_the_table_is_that_of_the_figures() -> None:
    """Whoever changes its words writes it anew: promises.write()."""
    if not (ROOT / "benchmarks").is_dir():
        pytest.skip("the benchmarks are not part of this copy")
    promises = import_module("benchmarks.promises")
    assert promises.page(PAGE, promises.read(promises.SOAK) | promises.read(promises.FUZZ)) == PAGE
    outcome = doctest.testmod(promises, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert (outcome.attempted > 0, outcome.failed) == (True, 0)


@pytest.mark.slow
def test_a_fit_its_files_and_its_reasons_open_no_connection(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PRIVATE], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a limit of a file's size, forks")
def test_load_is_held_and_faults_are_survived() -> None:
    if not (ROOT / "benchmarks").is_dir():
        pytest.skip("the benchmarks are not part of this copy")
    command = [sys.executable, "-W", "ignore", "-c", SOAKED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == [[], [], []], done.stderr
