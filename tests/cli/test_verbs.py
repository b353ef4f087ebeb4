"""predict, score and info on a model that fit made; help."""

import io
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openpyxl
import polars as pl
import pytest
import rich_click as click

import glassnet as gn
from glassnet.cli.app import cli
from glassnet.cli.options import KINDS
from glassnet.data import schema


def test_predict_prints_csv_in_the_order_of_the_rows(run, model):
    printed = pl.read_csv(run.well("predict", model, "test.csv").stdout.encode())
    expected = gn.load(model).predict("test.csv")
    assert printed["prediction"].to_list() == list(expected)
    backwards = pl.read_csv("test.csv").reverse().write_csv().encode()
    printed = pl.read_csv(run.well("predict", model, "-", stdin=backwards).stdout.encode())
    assert printed["prediction"].to_list() == list(expected)[::-1]


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.tsv", "p.parquet"])
def test_predict_writes_what_the_name_says(run, model, name):
    run.well("predict", model, "test.csv", "-o", name)
    written = gn.Table.read(name)
    assert written.names == ["prediction", "p_big", "p_small"]
    assert written["prediction"].to_list() == list(gn.load(model).predict("test.csv"))


def test_predict_keeps_the_columns_of_the_table_first(run, model):
    printed = pl.read_csv(io.BytesIO(run.well("predict", model, "test.csv", "--keep").stdout.encode()))
    table = pl.read_csv("test.csv")
    assert printed.columns == [*table.columns, "prediction", "p_big", "p_small"]
    assert printed.select(table.columns).equals(table)
    printed.write_csv("twice.csv")
    again = run("predict", model, "twice.csv", "--keep")
    assert again.exit_code == 2
    assert "'prediction'" in again.stderr


def test_predict_needs_no_target_and_no_order_of_columns(run, model):
    pl.read_csv("test.csv").select("tagged", "price", "island", "mass").write_csv("new.csv")
    assert run.well("predict", model, "new.csv").stdout == run.well("predict", model, "test.csv").stdout


def test_predict_notes_what_training_never_saw_beside_the_output(run, model):
    (model.parent / "odd.csv").write_text("mass,island,tagged,price\n1,Atlantis,true,1\n")
    result = run.well("predict", model, "odd.csv")
    assert "Atlantis" in result.stderr
    assert len(result.stdout.splitlines()) == 2


def test_predict_of_a_quantity_is_one_column(run, folder):
    run.well("fit", "train.csv", "-t", "price", "-o", "q.safetensors", "-q", "--max-epochs", 3)
    printed = json.loads(run.well("predict", "q.safetensors", "test.csv", "--json").stdout)
    assert list(printed) == ["prediction"]
    np.testing.assert_allclose(printed["prediction"], gn.load("q.safetensors").predict("test.csv"))
    scores = json.loads(run.well("score", "q.safetensors", "test.csv", "--json").stdout)
    assert set(scores) == {"r2", "rmse", "mae", "n"}


def test_predict_says_between_which_ends_the_answer_lies_and_what_that_promises(run, folder):
    x = np.random.default_rng(0).uniform(0, 300, 300)
    rows = {"x": x, "y": x + np.tile([-9.0, 4.0, 5.0], 100)}
    model = gn.TableRegressor(n_estimators=2, hidden_layer_sizes=(8,), max_iter=20, random_state=0).fit(
        rows, target="y"
    )
    gn.save(model, "ends.safetensors")
    pl.DataFrame(rows).write_csv("rows.csv")
    printed = run.well("predict", "ends.safetensors", "rows.csv", "--coverage", "0.8")
    ends = pl.read_csv(printed.stdout.encode())
    assert ends.columns == ["prediction", "low", "high"]
    np.testing.assert_allclose(ends.select("low", "high"), model.predict_interval(rows, 0.8))
    assert model.guarantee(0.8) in " ".join(printed.stderr.split())


def test_predict_gives_the_set_of_classes(run, folder):
    x = np.linspace(-2, 2, 300)
    rows = {"x": x, "y": np.where(x + np.tile([-1, 0, 1], 100) > 0, "cat", "dog")}
    parameters = {"n_estimators": 2, "hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
    model = gn.TableClassifier(**parameters).fit(rows, target="y")
    gn.save(model, "sets.safetensors")
    pl.DataFrame(rows).write_csv("rows.csv")
    printed = run.well("predict", "sets.safetensors", "rows.csv", "--coverage", "0.9")
    told = {(True, False): "cat", (False, True): "dog", (True, True): "cat | dog"}
    sets = [told[tuple(row)] for row in model.predict_set(rows, 0.9).tolist()]
    assert set(sets) == set(told.values())
    assert pl.read_csv(printed.stdout.encode())["set"].to_list() == sets


def test_predicted_labels_are_those_of_the_threshold(run, folder):
    rng = np.random.default_rng(0)
    rows = {"x": rng.normal(size=1000)}
    rows["y"] = np.where(rows["x"] + rng.normal(size=1000) > 2.2, "rare", "common")
    parameters = {"n_estimators": 2, "hidden_layer_sizes": (32,), "random_state": 0}
    model = gn.TableClassifier(metric="balanced_accuracy", **parameters).fit(rows, target="y")
    assert (model.predict(rows) != model.classes_[model.predict_proba(rows).argmax(axis=1)]).any()
    gn.save(model, "rare.safetensors")
    pl.DataFrame(rows).write_csv("rows.csv")
    printed = pl.read_csv(run.well("predict", "rare.safetensors", "rows.csv").stdout.encode())
    assert printed["prediction"].to_list() == list(model.predict(rows))


def test_score_prints_what_json_says(run, model):
    scores = json.loads(run.well("score", model, "test.csv", "--json").stdout)
    told = run.well("score", model, "test.csv").stdout
    assert f"{scores['accuracy']:.3f}" in told
    assert f"{scores['log_loss']:.3f}" in told
    assert "20 rows" in told


def test_score_of_one_row_has_no_r2_and_is_strict_json(run, folder):
    run.well("fit", "train.csv", "-t", "price", "-o", "q.safetensors", "-q", "--max-epochs", 3)
    (folder / "one.csv").write_text("".join((folder / "test.csv").read_text().splitlines(keepends=True)[:2]))
    assert json.loads(run.well("score", "q.safetensors", "one.csv", "--json").stdout)["r2"] is None
    assert "1 row of" in run.well("score", "q.safetensors", "one.csv").stdout


def test_info_shows_columns_values_network_and_training(run, model):
    told = run.well("info", model).stdout
    for fact in (
        "TableClassifier",
        "kind: 2 classes: big, small",
        "Biscoe",
        "median",
        "h1 = silu",
        "epoch",
    ):
        assert fact in told
    content = json.loads(run.well("info", model, "--json").stdout)
    assert sorted(content["columns"][1]["values"]) == ["Biscoe", "Dream", "Torg"]


def test_info_cuts_long_lists_but_not_in_json(run, folder):
    values = [f"v{i:03d}" for i in range(60)]
    (folder / "many.csv").write_text("c,y\n" + "".join(f"{value},{i}\n" for i in range(3) for value in values))
    run.well("fit", "many.csv", "-t", "y", "--max-epochs", 1, "-q", "--test-size", 0)
    told = run.well("info", "many.safetensors").stdout
    assert "more)" in told
    assert "v059" not in told
    assert len(json.loads(run.well("info", "many.safetensors", "--json").stdout)["columns"][0]["values"]) == 60


def test_info_knows_bare_networks_and_mlps(run, folder):
    gn.save(gn.nn.Network.create([2, 3, 1], "tanh"), "net.safetensors")
    assert "h = tanh(x w + b)" in run.well("info", "net.safetensors").stdout
    x = np.random.default_rng(0).normal(size=(30, 2))
    mlp = gn.MLPRegressor((4,), max_iter=30, solver="lbfgs", random_state=0)
    gn.save(mlp.fit(x, x.sum(axis=1)), "mlp.safetensors")
    assert "MLPRegressor" in run.well("info", "mlp.safetensors").stdout
    for name, kind in (("net", "Network"), ("mlp", "MLPRegressor")):
        result = run("predict", f"{name}.safetensors", "test.csv")
        assert result.exit_code == 2
        assert kind in result.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_read_once(run, model):
    os.mkfifo("pipe")
    table = (model.parent / "test.csv").read_bytes()
    with ThreadPoolExecutor() as beside:
        beside.submit(lambda: (model.parent / "pipe").write_bytes(table))
        assert run.well("predict", model, "pipe").stdout == run.well("predict", model, "test.csv").stdout


@pytest.mark.parametrize("verb", cli.commands)
def test_help_has_examples_and_every_option(run, verb):
    told = run.well(verb, "--help").stdout
    assert f"glassnet {verb} " in told
    for option in cli.commands[verb].params:
        if isinstance(option, click.Option):
            assert option.opts[-1] in told
    assert verb in run.well("--help").stdout


def test_kinds_in_messages_are_those_of_columns():
    assert set(KINDS) == set(schema.KINDS)


def test_help_is_there_before_anything_heavy():
    code = """
import sys
from glassnet.cli.app import cli
try:
    cli.main(["--help"], prog_name="glassnet")
except SystemExit:
    print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "what-if" in done.stdout
    assert not loaded & {"narwhals", "numpy", "polars", "scipy", "sklearn"}


def test_help_of_fit_shows_the_defaults_of_the_estimator(run):
    told = run.well("fit", "--help").stdout
    defaults = gn.TableClassifier().get_params()
    for name in ("alpha", "learning_rate_init", "max_iter", "activation"):
        assert f"default: {defaults[name]}]" in " ".join(told.replace("│", " ").split())


def test_version(run):
    assert run.well("--version").stdout == f"glassnet {gn.__version__}\n"


def test_info_shows_ranges_of_dates_times_and_durations(run, folder):
    lines = [f"2026-01-{i % 28 + 1:02},{i % 24:02}:30,{30 + i}:00:00,{i * 37 % 11}.5" for i in range(60)]
    (folder / "moments.csv").write_text("\n".join(["day,at,took,y", *lines]) + "\n")
    fitted = run.well("fit", "moments.csv", "-t", "y", "--test-size", 0, "--max-epochs", 1).stdout
    for told in (fitted, run.well("info", "moments.safetensors").stdout):
        for fact in ("2026-01-01 to 2026-01-28", "00:30:00 to 23:30:00", "108000 to 320400"):
            assert fact in told


def test_a_sheet_of_a_workbook_is_fitted_scored_and_predicted(run, folder):
    table = pl.read_csv("train.csv")
    book = openpyxl.Workbook()
    book.active.append(["other"])
    sheet = book.create_sheet("rows")
    for row in (table.columns, *table.rows()):
        sheet.append(row)
    book.save("book.xlsx")
    options = ("-t", "kind", "--max-epochs", 3)
    # Of the two tables one is no workbook, and the sheet is not asked of it.
    run.well("fit", "book.xlsx", *options, "--sheet", "rows", "--test", "test.csv", "-q")
    run.well("fit", "train.csv", *options, "--test", "test.csv", "-q")
    from_sheet = run.well("predict", "book.safetensors", "book.xlsx", "--sheet", "rows").stdout
    assert from_sheet == run.well("predict", "train.safetensors", "train.csv").stdout
    scored = json.loads(run.well("score", "book.safetensors", "book.xlsx", "--sheet", "rows", "--json").stdout)
    assert scored == json.loads(run.well("score", "train.safetensors", "train.csv", "--json").stdout)


def test_score_can_drop_rows_without_an_answer(run, model):
    lines = (model.parent / "test.csv").read_text().splitlines()
    lines[1] = lines[1].replace("big", "")
    (model.parent / "holes.csv").write_text("\n".join(lines) + "\n")
    assert "--drop-missing-target" in run("score", model, "holes.csv").stderr
    scored = run.well("score", model, "holes.csv", "--drop-missing-target", "--json")
    assert json.loads(scored.stdout)["n"] == 19
    assert "1 of 20 rows has no 'kind'" in scored.stderr


def test_what_if_says_what_the_library_says(run, model):
    options = ("--row", 3, "--set", "mass=9.5", "--set", "island=Torg")
    row = pl.read_csv("test.csv")[3]
    answer = gn.what_if(gn.load(model), row, mass=9.5, island="Torg")
    assert json.loads(run.well("what-if", model, "test.csv", *options, "--json").stdout) == answer.to_dict()
    assert run.well("what_if", model, "test.csv", *options).stdout.strip() in str(answer)


def test_what_if_tries_every_value_of_a_column_and_notes_what_is_far(run, model):
    result = run.well("what-if", model, "test.csv", "--set", "mass=1", "--set", "mass=500", "--set", "mass=")
    assert "as it is" in result.stdout
    assert "missing" in result.stdout.splitlines()[-1]
    assert "mass = 500 lies beyond" in " ".join(result.stderr.split())
