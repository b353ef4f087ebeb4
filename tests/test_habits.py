"""What one expects of a library: a quick import, all names in reach, types, predictions from many threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import glassnet as gn

IMPORT_SECONDS = 0.5  # of processor time, as promised
HEAVY = ("matplotlib", "narwhals", "numpy", "polars", "rich", "scipy", "sklearn")


def run(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_glassnet_takes_less_than_half_a_second() -> None:
    resource = pytest.importorskip("resource", reason="Windows does not tell the time of a child")

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run("import glassnet")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < IMPORT_SECONDS


def test_importing_glassnet_imports_nothing_heavy() -> None:
    loaded = run("import sys; old = set(sys.modules); import glassnet; print(*set(sys.modules) - old)").split()
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)


@pytest.mark.parametrize("name", gn.__all__)
def test_every_public_name_is_there_when_asked_for(name: str) -> None:
    assert getattr(gn, name) is not None
    assert name in dir(gn)


def test_packages_are_reached_through_glassnet_in_a_new_interpreter() -> None:
    code = """
import glassnet as gn
assert {*gn.__all__, "__version__"} <= set(dir(gn))
print(gn.nn.Network.__name__, gn.training.Plan.__name__, gn.data.Table is gn.Table, gn.__version__)
"""
    assert run(code).split() == ["Network", "Plan", "True", gn.__version__]


def test_names_are_imported_from_glassnet_in_a_new_interpreter() -> None:
    assert run("from glassnet import *; from glassnet import TableClassifier as T; print(T is TableClassifier)") == (
        "True\n"
    )


def test_a_misspelt_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'glassnet' has no attribute 'TableClasifier'"):
        gn.TableClasifier  # noqa: B018


@pytest.mark.slow
def test_a_type_checker_sees_the_types(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    file = tmp_path / "user.py"
    file.write_text(
        "import glassnet as gn\n"
        "model = gn.TableClassifier(max_iter=3)\n"
        "reveal_type(model.score([[1.0]], [1]))\n"
        "gn.TableClassifier(max_iter='many')\n"
        "gn.TableClasifier\n",
        encoding="utf-8",
    )

    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "", "--cache-dir", str(tmp_path / "cache"), str(file)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"MYPYPATH": str(Path(gn.__file__).parents[1]), "PATH": ""},
        timeout=100,
    ).stdout

    lines = [line for line in checked.splitlines() if line.startswith("user.py")]
    assert [line.split(": ", 1)[0] for line in lines] == ["user.py:3", "user.py:4", "user.py:5"], checked
    assert '"float"' in lines[0]
    assert "[arg-type]" in lines[1]
    assert "[attr-defined]" in lines[2]


@pytest.mark.parametrize("name", ["TableClassifier", "MLPClassifier"])
def test_many_threads_predict_the_bits_of_one(name: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4))
    y = np.where(X[:, 0] * X[:, 1] > 0, "yes", "no")
    callbacks = [lambda report: report.epoch.epoch == 3]
    model = getattr(gn, name)(hidden_layer_sizes=(32, 32), callbacks=callbacks, random_state=0).fit(X, y)
    parts = [X[i : i + 500 + 37 * i] for i in range(8)] * 4  # overlapping, each of its own length
    alone = [model.predict_proba(part) for part in parts]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(model.predict_proba, parts))

    for a, b in zip(alone, together, strict=True):
        assert np.array_equal(a, b)
