"""What `--help` shows as an example runs as it stands."""

import shlex

import numpy as np
import polars as pl
import pytest

import glassnet as gn
from glassnet.cli.app import PANELS, cli

OTHERS = ("Train and predict", "In the browser")  # which are tried elsewhere
EXPLAINING = [str(command.name) for panel, commands in PANELS.items() if panel not in OTHERS for command in commands]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with every file that the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    rng = np.random.default_rng(0)
    table = gn.data.example("circles").take(slice(0, 300)).frame
    table = table.with_columns(age=pl.Series(rng.integers(18, 80, len(table))))
    for name in ("new", "train", "test"):
        table.write_csv(folder / f"{name}.csv")
    model = gn.TableClassifier(hidden_layer_sizes=(16,), activation="relu", random_state=0)
    gn.save(model.fit(table, target="label"), folder / "m.safetensors")
    x = rng.normal(size=(60, 2))
    for name, sizes in (("linear", (3,)), ("deep", (4, 3))):
        lines = gn.MLPRegressor(sizes, activation="identity", solver="lbfgs", random_state=0)
        gn.save(lines.fit(x, x @ [1.0, 2.0]), folder / f"{name}.safetensors")
    sizes, age = rng.uniform(1, 9, (80, 2)), rng.uniform(1, 50, 80)
    price = sizes.prod(axis=1) - np.log(age)
    columns = {"length": sizes[:, 0], "width": sizes[:, 1], "age": age, "price": price}
    pl.DataFrame(columns).write_csv(folder / "prices.csv")
    return folder


@pytest.mark.parametrize("verb", EXPLAINING)
def test_every_example_runs(verb, place, run, monkeypatch):
    monkeypatch.chdir(place)
    lines = [line.strip() for line in str(cli.commands[verb].help).splitlines()]
    examples = [shlex.split(line)[1:] for line in lines if line.startswith("glassnet ")]
    assert examples
    for words in examples:
        assert words[0] == verb
        assert run.well(*words).stdout
