"""A small table as people have them, and a way to call the commands."""

import numpy as np
import pytest
from click.testing import CliRunner

from glassnet.cli.app import cli


class Run:
    """Calls `glassnet` inside this process."""

    def __call__(self, *args, stdin=None):
        return CliRunner().invoke(cli, [str(arg) for arg in args], input=stdin, prog_name="glassnet")

    def well(self, *args, stdin=None):
        """A call that must end well."""
        result = self(*args, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result


@pytest.fixture
def run():
    return Run()


def csv_text(n, seed):
    """Rows with a missing number, a category, a boolean, classes and a quantity."""
    rng = np.random.default_rng(seed)
    lines = ["mass,island,tagged,kind,price"]
    for i in range(n):
        kind = ("big", "small")[i % 2]
        mass = "" if i % 10 == 7 else f"{rng.normal(5 if kind == 'big' else 1):.3f}"
        island, tagged = ("Dream", "Biscoe", "Torg")[i % 3], ("true", "false")[rng.integers(2)]
        lines.append(f"{mass},{island},{tagged},{kind},{2.5 * (i % 3) + rng.normal():.4f}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with train.csv and test.csv in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.csv").write_text(csv_text(n=60, seed=0))
    (tmp_path / "test.csv").write_text(csv_text(n=20, seed=1))
    return tmp_path


@pytest.fixture
def model(folder, run):
    """A model of the classes."""
    run.well("fit", "train.csv", "--target", "kind", "-o", "m.safetensors", "-q", "--max-epochs", 60)
    return folder / "m.safetensors"
