"""What `glassnet fit` does with what it is given, and what it tells."""

import gzip
import json

import numpy as np
import polars as pl
import pytest

import glassnet as gn
from glassnet.training.trainer import Report

ONE = ("--networks", 1)
FEW = ("--max-epochs", 5, "--hidden", 8, *ONE)


def fitted(run, *args, stdin=None):
    """The JSON report of a short fit."""
    return json.loads(run.well("fit", *args, *FEW, "--json", stdin=stdin).stdout)


def test_the_report_tells_columns_network_scores_and_where_the_model_is(run, folder):
    told = run.well("fit", "train.csv", "-t", "kind", *FEW).stdout
    for fact in ("mass", "number", "island", "Biscoe", "category", "tagged", "boolean", "big, small"):
        assert fact in told
    for line in ("h = silu(x w + b)", "w (7, 8)", "73 parameters", "12 test rows", "network", "majority class"):
        assert line in told
    assert "linear model" in told
    assert "train.safetensors" in told
    assert "glassnet predict train.safetensors" in told
    assert (folder / "train.safetensors").is_file()


def test_the_scored_model_is_the_saved_one_and_scored_on_rows_held_out(run, folder):
    report = fitted(run, "train.csv", "-t", "kind", "-o", "m.safetensors", "--test", "test.csv")
    scored = json.loads(run.well("score", "m.safetensors", "test.csv", "--json").stdout)
    assert report["scores"]["network"] == scored
    assert (report["n_train"], report["n_test"]) == (60, 20)
    assert fitted(run, "train.csv", "-t", "kind")["n_test"] == 12
    assert fitted(run, "train.csv", "-t", "kind", "--test-size", 0.5)["n_train"] == 30
    without = fitted(run, "train.csv", "-t", "kind", "--test-size", 0)
    assert (without["n_train"], without["n_test"], without["scores"]) == (60, 0, {})


def test_baselines_of_classes_are_worked_by_hand(run, folder):
    scores = fitted(run, "train.csv", "-t", "kind", "--test", "test.csv")["scores"]
    assert scores["majority class"]["accuracy"] == 0.5
    assert scores["majority class"]["log_loss"] == pytest.approx(np.log(2))
    assert scores["linear model"]["accuracy"] > 0.8  # mass parts the kinds


def test_a_quantity_is_scored_in_its_own_units(run, folder):
    report = fitted(run, "train.csv", "-t", "price", "--test", "test.csv", "-o", "q.safetensors")
    y, mean = pl.read_csv("test.csv")["price"].to_numpy(), pl.read_csv("train.csv")["price"].mean()
    assert report["task"] == "quantity"
    assert report["scores"]["mean"]["rmse"] == pytest.approx(np.sqrt(((y - mean) ** 2).mean()))
    predicted = gn.load("q.safetensors").predict("test.csv")
    assert report["scores"]["network"]["mae"] == pytest.approx(np.abs(y - predicted).mean())
    assert report["scores"]["network"]["r2"] == pytest.approx(
        1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    )


@pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")  # after five epochs little is learned
def test_refit_trains_on_all_rows_by_the_same_recipe(run, folder):
    report = fitted(run, "train.csv", "-t", "kind", "--refit", "-o", "r.safetensors")
    fitted(run, "train.csv", "-t", "kind", "-o", "s.safetensors")
    assert report["refit"] is True
    refit, scored = gn.load("r.safetensors"), gn.load("s.safetensors")
    whole = gn.TableClassifier(**{**scored.get_params(), "random_state": 0}).fit("train.csv", target="kind")
    assert np.array_equal(refit.network_.parameters, whole.network_.parameters)
    assert not np.array_equal(refit.network_.parameters, scored.network_.parameters)


def test_a_refit_without_rows_held_out_has_nothing_to_add_and_says_so(run, folder):
    report = fitted(run, "train.csv", "-t", "kind", "--refit", "--test", "test.csv")
    assert report["refit"] is False
    assert any("--refit had nothing to add" in note for note in report["notes"])


def test_the_same_seed_gives_the_same_file_and_another_seed_another(run, folder):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run.well("fit", "train.csv", "-t", "kind", *FEW, "-q", "-o", f"{name}.safetensors", "--seed", seed)
    weights = [gn.load(f"{name}.safetensors").network_.parameters for name in "abc"]
    assert np.array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_options_reach_the_estimator_and_silence_leaves_its_defaults(run, folder):
    options = (
        "--hidden",
        "6,5",
        "--activation",
        "tanh,relu",
        "--alpha",
        0.5,
        "--learning-rate",
        0.01,
        "--batch-size",
        7,
    )
    sized = ("--quality", "fast", "--networks", 2, "--dropout", 0.25)
    more = ("--max-epochs", 3, "--patience", 2, "--time-limit", 9, "--engine", "numpy", "--column", "island=ignore")
    run.well("fit", "train.csv", "-t", "kind", "-o", "m.safetensors", "-q", *options, *sized, *more)
    kept = gn.load("m.safetensors").get_params()
    assert list(kept["hidden_layer_sizes"]) == [6, 5]
    assert list(kept["activation"]) == ["tanh", "relu"]
    assert kept["columns"] == {"island": "ignore"}
    names = (
        "quality",
        "n_estimators",
        "dropout",
        "alpha",
        "learning_rate_init",
        "batch_size",
        "max_iter",
        "n_iter_no_change",
        "time_limit_seconds",
        "engine",
    )
    assert [kept[name] for name in names] == ["fast", 2, 0.25, 0.5, 0.01, 7, 3, 2, 9, "numpy"]

    automatic = ("--networks", "auto", "--learning-rate", "auto", "--patience", "auto", "--batch-size", "auto")
    run.well("fit", "train.csv", "-t", "kind", "-o", "d.safetensors", "-q", "--max-epochs", 1, *automatic)
    kept, defaults = gn.load("d.safetensors").get_params(), gn.TableClassifier().get_params()
    for name in set(defaults) - {"max_iter", "random_state", "callbacks", "columns"}:
        assert kept[name] == defaults[name], name


def test_hidden_0_is_a_linear_model(run, folder):
    for linear in ("0", "none"):
        run.well("fit", "train.csv", "-t", "kind", "--max-epochs", 2, "--hidden", linear, "-q")
        assert len(gn.load("train.safetensors").network_.layers) == 1


def test_task_can_be_forced(run, folder):
    (folder / "codes.csv").write_text("x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(30)))
    assert fitted(run, "codes.csv", "-t", "y")["classes"] == [0, 1, 2]
    assert fitted(run, "codes.csv", "-t", "y", "--task", "quantity")["task"] == "quantity"
    assert "--task quantity" in run.well("fit", "codes.csv", "-t", "y", *FEW).stdout


def test_a_class_of_one_row_is_trained_on_not_tested_on(run, folder):
    (folder / "rare.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(30)) + "99,c\n")
    for seed in range(4):
        assert fitted(run, "rare.csv", "-t", "y", "--seed", seed)["classes"] == ["a", "b", "c"]


def test_two_rows_are_enough_to_fit(run, folder):
    (folder / "two.csv").write_text("x,y\n1,a\n2,b\n")
    report = fitted(run, "two.csv", "-t", "y")
    assert (report["n_train"], report["n_test"]) == (2, 0)


def test_a_table_from_standard_input(run, folder):
    report = fitted(run, "-", "-t", "kind", stdin=(folder / "train.csv").read_bytes())
    assert (report["n_train"], report["model"]) == (48, "model.safetensors")


def test_semicolons_decimal_commas_latin_1_and_gzip(run, folder):
    text = "größe;ort;preis\n" + "".join(f"{i},5;{'Köln' if i % 2 else 'Bonn'};{3 * i},25\n" for i in range(40))
    (folder / "german.csv.gz").write_bytes(gzip.compress(text.encode("latin-1")))
    found = fitted(run, "german.csv.gz", "-t", "preis")
    told = fitted(run, "german.csv.gz", "-t", "preis", "--separator", ";", "--decimal", ",", "--encoding", "latin-1")
    assert found["model"] == "german.safetensors"
    for report in (found, told):
        assert [(column["name"], column["kind"]) for column in report["columns"]] == [
            ("größe", "number"),
            ("ort", "category"),
        ]
        assert set(report["columns"][1]["values"]) == {"Köln", "Bonn"}
        assert report["task"] == "quantity"


def test_parquet(run, folder):
    pl.read_csv("train.csv").write_parquet("train.parquet")
    assert fitted(run, "train.parquet", "-t", "kind")["scores"] == fitted(run, "train.csv", "-t", "kind")["scores"]


def test_without_a_table_the_circles_are_learned_and_drawn(run, folder):
    told = run.well("fit", "--max-epochs", 60, *ONE).stdout
    assert "example of two circles" in told
    assert "inner, outer" in told
    assert "x1 across, x2 up" in told
    rows = [line for line in told.splitlines() if line.startswith("  ") and "░" in line and "on" not in line]
    assert len(rows) == 24
    middle = rows[12][2:]
    assert middle.lstrip("x").startswith("░")  # the ring's side
    assert " " in middle[18:30]  # the blob's
    assert (folder / "circles.safetensors").is_file()


def test_on_a_terminal_there_is_progress_and_colour(run, folder, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    result = run.well("fit", "--max-epochs", 30, "--hidden", 8, "--networks", 2)
    assert "Training" in result.stderr
    assert "epoch 30/30" in result.stderr
    assert "2/2 networks" in result.stderr
    assert "validation" in result.stderr
    assert "▀" in result.stdout
    assert "Training" not in run.well("fit", *FEW, "-q").stderr


def test_quiet_prints_nothing_and_json_is_one_strict_object(run, folder):
    assert run.well("fit", "train.csv", "-t", "kind", *FEW, "-q").stdout == ""
    out = run.well("fit", "train.csv", "-t", "kind", *FEW, "--json").stdout
    json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_warnings_become_notes_in_terminal_words(run, folder):
    (folder / "ids.csv").write_text("id,x,y\n" + "".join(f"u{i},{i},{'ab'[i % 2]}\n" for i in range(40)))
    result = run.well("fit", "ids.csv", "-t", "y", *FEW)
    assert "Note: " in result.stderr
    assert "--column id=ignore" in result.stderr
    assert ".py" not in result.stderr
    assert any("--column id=ignore" in note for note in fitted(run, "ids.csv", "-t", "y")["notes"])


def test_an_interrupted_fit_is_scored_and_saved_and_ends_with_130(run, folder, monkeypatch):
    def interrupt(self, report: Report) -> None:
        if (report.training, report.epoch.epoch) == (0, 3):
            raise KeyboardInterrupt

    monkeypatch.setattr("glassnet.cli.console.TrainingProgress.__call__", interrupt)
    result = run("fit", "train.csv", "-t", "kind", "-o", "m.safetensors", "--refit", "--json")
    assert result.exit_code == 130
    report = json.loads(result.stdout)
    assert (report["interrupted"], report["training"]["epochs"], report["refit"]) == (True, 3, False)
    assert set(report["scores"]) == {"network", "majority class", "linear model"}
    assert "Ctrl-C" in result.stderr
    assert gn.load("m.safetensors").history_.stopped_by == "interrupt"


def test_an_interrupted_refit_keeps_the_model_that_was_scored(run, folder, monkeypatch):
    epochs = []

    def interrupt(self, report: Report) -> None:
        epochs.append(report.epoch.epoch)
        if epochs[-2:] == [9, 1]:  # the first epoch of the second training
            raise KeyboardInterrupt

    monkeypatch.setattr("glassnet.cli.console.TrainingProgress.__call__", interrupt)
    result = run("fit", "train.csv", "-t", "kind", "-o", "m.safetensors", "--refit", "--json", "--max-epochs", 9, *ONE)
    report = json.loads(result.stdout)
    assert (result.exit_code, report["interrupted"], report["refit"]) == (130, True, False)
    assert any("the one that was scored is saved" in note for note in report["notes"])
    assert len(gn.load("m.safetensors").history_) == 9


def test_ctrl_c_before_the_training_leaves_nothing_and_ends_with_130(run, folder, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("glassnet.cli.problem.read_table", interrupt)
    result = run("fit", "train.csv", "-t", "kind")
    assert (result.exit_code, result.stdout) == (130, "")
    assert not list(folder.glob("*.safetensors"))


def test_toml_gives_options_and_the_command_line_wins(run, folder):
    (folder / "fit.toml").write_text(
        'target = "kind"\nhidden = [4, 3]\nmax_epochs = 2\ntest-size = 0.5\noutput = "t.safetensors"\nquiet = true\n'
        '[column]\nisland = "ignore"\n'
    )
    assert run.well("fit", "train.csv", "--config", "fit.toml").stdout == ""
    kept = gn.load("t.safetensors").get_params()
    assert (list(kept["hidden_layer_sizes"]), kept["max_iter"], kept["columns"]) == ([4, 3], 2, {"island": "ignore"})
    run.well("fit", "train.csv", "--config", "fit.toml", "--hidden", 6)
    assert list(gn.load("t.safetensors").get_params()["hidden_layer_sizes"]) == [6]


def test_rows_without_a_target_are_dropped_when_asked_and_counted(run, folder):
    lines = (folder / "train.csv").read_text().splitlines()
    lines[3], lines[9] = lines[3].replace("big", ""), lines[9].replace("big", " ")
    (folder / "holes.csv").write_text("\n".join(lines) + "\n")
    refused = run("fit", "holes.csv", "-t", "kind")
    assert (refused.exit_code, "--drop-missing-target" in refused.stderr) == (2, True)
    result = run.well("fit", "holes.csv", "-t", "kind", "--drop-missing-target", "--test-size", 0, "--json", *FEW)
    report = json.loads(result.stdout)
    assert report["n_train"] == 58
    assert report["notes"][0] == "2 of 60 rows have no 'kind' and were left out."
    assert "2 of 60 rows" in result.stderr


def test_a_metric_is_watched_and_told_and_no_hindrance_to_a_refit(run, folder):
    options = ("train.csv", "-t", "kind", "--metric", "roc_auc", *FEW)
    told = run.well("fit", *options, "--refit", "-o", "r.safetensors").stdout
    run.well("fit", *options, "-o", "s.safetensors", "-q")
    scored = gn.load("s.safetensors")
    assert scored.metric == "roc_auc"
    best = max(epoch.score[0] for epoch in scored.history_)
    assert f"roc_auc    {best:.4g} in the best epoch (--metric)" in told
    assert gn.load("r.safetensors").metric == "roc_auc"


def test_a_log_has_a_line_for_every_epoch_of_the_training_that_was_scored(run, folder):
    run.well("fit", "train.csv", "-t", "kind", *FEW, "-q", "--log", "log.csv", "--refit")
    log = pl.read_csv("log.csv")
    assert log["epoch"].to_list() == [1, 2, 3, 4, 5]
    assert log["validation_loss"].null_count() == 0


def test_a_log_of_several_networks_says_which_one_a_line_is_of(run, folder):
    run.well("fit", "train.csv", "-t", "kind", *FEW, "--networks", 3, "-q", "--log", "log.csv")
    log = pl.read_csv("log.csv")
    for network in range(3):
        assert log.filter(pl.col("network") == network)["epoch"].to_list() == [1, 2, 3, 4, 5]


def test_scores_have_intervals_and_differences_from_each_baseline(run, folder):
    report = fitted(run, "train.csv", "-t", "kind", "--test", "test.csv", "--compare")
    assert list(report["scores"]) == ["network", "majority class", "linear model", "gradient boosting"]
    for who, scores in report["scores"].items():
        for name in ("accuracy", "log_loss"):
            low, high = report["intervals"][who][name]
            assert low - 1e-9 <= scores[name] <= high + 1e-9
        low, high = report["intervals"][who]["accuracy"]
        assert high - low > 0.1
    network, other = (report["scores"][who]["log_loss"] for who in ("network", "gradient boosting"))
    assert report["differences"]["gradient boosting"]["log_loss"]["value"] == pytest.approx(network - other)
    told = run.well("fit", "train.csv", "-t", "kind", "--compare", *FEW).stdout
    assert "gradient boosting" in told
    assert "gradient boosting" not in run.well("fit", "train.csv", "-t", "kind", *FEW).stdout


def test_the_rows_with_the_largest_error_have_their_numbers_in_the_file(run, folder):
    lines = (folder / "train.csv").read_text().splitlines()
    lines[1] = lines[1].replace("big", "")
    (folder / "holes.csv").write_text("\n".join(lines) + "\n")
    report = fitted(run, "holes.csv", "-t", "kind", "--drop-missing-target")
    table = pl.read_csv("holes.csv")
    assert len(report["largest_errors"]) == report["n_test"]
    for wrong in report["largest_errors"]:
        row = table.row(wrong["row"], named=True)
        assert (wrong["cells"]["mass"], wrong["true"]) == (row["mass"], row["kind"])


def test_the_report_is_one_html_file_that_loads_nothing(run, folder):
    (folder / "evil.csv").write_text((folder / "train.csv").read_text().replace("Dream", "<script>alert(1)</script>"))
    run.well("fit", "evil.csv", "-t", "island", *FEW, "-q", "--report", "r.html")
    page = (folder / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") > 5
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not [link for link in ("http://", "https://", "src=", "href=", "@import") if link in page]


def test_a_column_that_gives_the_target_away_is_noted_with_the_option_that_helps(run, folder):
    table = pl.read_csv("train.csv").with_columns(pl.col("kind").replace({"big": "B", "small": "S"}).alias("size"))
    table.write_csv("leak.csv")
    noted = " ".join(run.well("fit", "leak.csv", "-t", "kind", *FEW).stderr.split())
    assert "'size' gives the target 'kind' away" in noted
    assert "--column size=ignore" in noted
    assert "away" not in run.well("fit", "leak.csv", "-t", "kind", *FEW, "--column", "size=ignore").stderr


def test_dates_as_text_can_be_classes(run, folder):
    (folder / "days.csv").write_text("x,y\n" + "".join(f"{i * 7 % 5},2026-01-0{i % 2 + 1}\n" for i in range(40)))
    assert fitted(run, "days.csv", "-t", "y", "--task", "classes")["classes"] == ["2026-01-01", "2026-01-02"]


def test_a_fit_tells_what_kept_it_from_learning_and_the_command_that_mends_it(run, folder):
    gn.data.example("circles").frame.write_csv("two circles.csv")
    told = " ".join(run.well("fit", "two circles.csv", "-t", "label", "--hidden", 2, *ONE).stderr.split())
    assert "Underfitting: The network explains" in told
    assert "Remedy: glassnet fit 'two circles.csv' --target label --max-epochs" in told
    assert "Underfitting" not in run.well("fit", "two circles.csv", "-t", "label", "--hidden", 2, *ONE, "-q").stderr
