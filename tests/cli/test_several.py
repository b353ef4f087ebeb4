"""Models of several targets from the terminal: trained, scored, used, and explained one target at a time."""

import json

import numpy as np
import polars as pl
import pytest

import glassnet as gn
from glassnet.cli.explain import load_model, load_rows
from glassnet.estimators.report import evaluate

FEW = ("--networks", 1, "--hidden", 8, "--max-epochs", 5)
PLAIN = {"separator": None, "encoding": None, "decimal": None, "sheet": None}
QUANTITIES, LABELS = ("-t", "days", "-t", "dose"), ("-t", "ill", "-t", "old")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table with targets of both kinds, and a model of each kind."""
    place = tmp_path_factory.mktemp("several")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(160, 2))
    noisy = x + rng.normal(size=x.shape)
    columns = {"x": x[:, 0], "z": x[:, 1], "days": 40 + 9 * noisy[:, 0], "dose": noisy[:, 1] ** 2 + x[:, 0]}
    columns |= {"ill": np.where(x[:, 0] + rng.normal(size=160) > 0, "yes", "no")}
    columns |= {"old": x[:, 1] + rng.normal(size=160) > 0}
    table = pl.DataFrame(columns)
    table.write_csv(place / "rows.csv")
    few = {"n_estimators": 1, "hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
    quantities = gn.TableRegressor(**few).fit(table.select("x", "z", "days", "dose"), target=["days", "dose"])
    labels = gn.TableClassifier(**few).fit(table.select("x", "z", "ill", "old"), target=["ill", "old"])
    gn.save(quantities, place / "q.safetensors")
    gn.save(labels, place / "l.safetensors")
    return place


@pytest.fixture
def place(made, tmp_path, monkeypatch):
    """A folder with links to the table and the models."""
    for file in made.iterdir():
        (tmp_path / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predicted(run, *args):
    return pl.read_csv(run.well("predict", *args).stdout.encode())


def fitted(run, *args):
    return json.loads(run.well("fit", "rows.csv", *args, *FEW, "-o", "m.safetensors", "--json").stdout)


def test_predict_gives_each_quantity_its_columns(run, place):
    model, rows = gn.load("q.safetensors"), pl.read_csv("rows.csv")
    found = predicted(run, "q.safetensors", "rows.csv", "--coverage", 0.8)
    names = [f"{name} {target}" for target in ("days", "dose") for name in ("prediction", "low", "high")]
    assert found.columns == names
    np.testing.assert_allclose(found.select("prediction days", "prediction dose"), model.predict(rows))
    ends = model.predict_interval(rows, 0.8)
    for j, target in enumerate(("days", "dose")):
        np.testing.assert_allclose(found.select(f"low {target}", f"high {target}"), ends[:, j])


def test_predict_gives_each_label_its_columns_and_refuses_sets(run, place):
    model, rows = gn.load("l.safetensors"), pl.read_csv("rows.csv")
    found = predicted(run, "l.safetensors", "rows.csv")
    assert found.columns == ["prediction ill", "p_no ill", "p_yes ill", "prediction old", "p_False old", "p_True old"]
    assert [list(row) for row in found.select("prediction ill", "prediction old").rows()] == model.predict(
        rows
    ).tolist()
    np.testing.assert_allclose(found.select("p_yes ill", "p_True old"), model.predict_proba(rows))
    np.testing.assert_allclose(found["p_no ill"] + found["p_yes ill"], 1)
    refused = run("predict", "l.safetensors", "rows.csv", "--coverage", 0.9)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "Sets are of one target" in refused.stderr


@pytest.mark.parametrize(("file", "shown"), [("q", ["R²", "days", "dose"]), ("l", ["accuracy", "ill", "old"])])
def test_score_is_by_target(run, place, file, shown):
    scores = json.loads(run.well("score", f"{file}.safetensors", "rows.csv", "--json").stdout)
    expected = evaluate(gn.load(f"{file}.safetensors"), "rows.csv")
    assert list(scores) == list(expected)
    for name, own in expected.items():
        assert scores[name] == pytest.approx(own)
    told = run.well("score", f"{file}.safetensors", "rows.csv").stdout
    assert "160 rows of rows.csv" in told
    for word in shown:
        assert word in told


def test_info_lists_the_targets(run, place):
    told = run.well("info", "q.safetensors").stdout
    assert "Targets, 2" in told
    assert "days: a quantity" in told
    assert "dose: a quantity" in told
    assert "old: 2 classes: False, True" in run.well("info", "l.safetensors").stdout


@pytest.mark.parametrize(
    ("options", "names", "constant"),
    [(QUANTITIES, ("days", "dose"), "mean"), (LABELS, ("ill", "old"), "majority class")],
)
def test_fit_scores_each_target_beside_baselines_and_saves_one_model(run, place, options, names, constant):
    told = fitted(run, *options, "--test", "rows.csv")
    model = gn.load("m.safetensors")
    assert model.target_.names == names
    assert told["target"] == list(names)
    assert (told["n_train"], told["n_test"]) == (160, 160)
    learned = {column["name"] for column in told["columns"] if column["kind"] != "ignore"}
    assert not learned & set(names)
    for name, scores in evaluate(model, "rows.csv").items():
        assert told["targets"][name]["scores"]["network"] == pytest.approx(scores)
        assert set(told["targets"][name]["scores"]) == {"network", constant, "linear model"}
        assert not set(told["targets"][name]["importance"]["columns"]) & set(names)


def test_the_report_tells_columns_once_and_each_target(run, place):
    made = run.well("fit", "rows.csv", *QUANTITIES, *FEW, "-o", "m.safetensors", "--report", "page.html")
    told = made.stdout
    assert told.count("\nTraining\n") == told.count("\nColumns\n") == 1
    for name in ("days", "dose"):
        assert f"{name}: Scores on 32 test rows" in told
        assert f"{name}: What each column is worth" in told
        assert f"Target {name}: a quantity" in told
        assert f"<h1>{name}</h1>" in (place / "page.html").read_text()
    assert "--target days" in told


def test_a_label_of_one_row_is_trained_on_whatever_the_seed(run, folder):
    lines = "".join(f"{i},{'ab'[i % 2]},{'yes' if i == 30 else 'no'}\n" for i in range(60))
    (folder / "rare.csv").write_text("x,y,rare\n" + lines)
    for seed in range(6):
        options = ("--test-size", 0.5, "--seed", seed, "-q")
        run.well("fit", "rare.csv", "-t", "y", "-t", "rare", *FEW, *options)


def test_rows_without_any_of_the_targets_are_left_out(run, folder):
    lines = "".join(f"{i},{i * 0.7},{i * i}\n" for i in range(40))
    (folder / "holes.csv").write_text("x,a,b\n" + lines + "1,,5\n2,5,\n3,,\n")
    for verb in ("fit", "cross-validate"):
        assert "--drop-missing-target" in run(verb, "holes.csv", "-t", "a", "-t", "b", *FEW).stderr
    options = ("-t", "a", "-t", "b", *FEW, "-o", "h.safetensors", "-q", "--drop-missing-target")
    fit = run.well("fit", "holes.csv", *options)
    assert "3 of 43 rows have no 'a' or no 'b' and were left out." in fit.stderr
    scored = json.loads(run.well("score", "h.safetensors", "holes.csv", "--drop-missing-target", "--json").stdout)
    assert [scores["n"] for scores in scored.values()] == [40, 40]


def test_targets_come_from_a_file_of_options(run, place):
    (place / "options.toml").write_text('target = ["days", "dose"]\n')
    assert fitted(run, "--config", "options.toml")["target"] == ["days", "dose"]
    assert fitted(run, "--config", "options.toml", "-t", "days")["target"] == "days"
    (place / "options.toml").write_text('target = ["days", 3]\n')
    refused = run("fit", "rows.csv", "--config", "options.toml")
    assert refused.exit_code == 2
    assert "'target'" in refused.stderr


def test_cross_validate_scores_each_target(run, place):
    command = ("cross-validate", "rows.csv", *QUANTITIES, *FEW, "--folds", 3)
    told = json.loads(run.well(*command, "--json").stdout)
    assert sum(fold["n_test"] for fold in told["folds"]) == 160
    for name in ("days", "dose"):
        values = [fold["scores"][name]["network"]["rmse"] for fold in told["folds"]]
        assert told["summary"][name]["network"]["rmse"]["mean"] == pytest.approx(np.mean(values))
        assert set(told["summary"][name]) == {"network", "mean", "linear model"}
    page = run.well(*command).stdout
    assert "days: RMSE" in page
    assert "dose: R²" in page


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (("fit", "-t", "ill", "-t", "dose"), ["'ill' reads as classes", "'dose' as a quantity"]),
        (("fit", "-t", "ill", "-t", "days", "--task", "classes"), ["'days' has 160 classes", "two each"]),
        (("fit", "-t", "days", "-t", "days"), ["--target days", "more than once"]),
        (("fit", "-t", "days", "-t", "doze"), ["'doze'", "'dose'"]),
        (("fit", *LABELS, "--class-weight", "balanced"), ["--class-weight", "2 targets"]),
        (("fit", *LABELS, "--metric", "f1"), ["--metric f1", "leave --metric out"]),
        (("duel", *QUANTITIES), ["days, dose", "one target"]),
        (("advise-width", *QUANTITIES), ["days, dose", "one target"]),
    ],
    ids=str,
)
def test_what_one_model_cannot_predict_is_said_in_one_line(run, place, words, facts):
    refused = run(words[0], "rows.csv", *words[1:], *(FEW if words[0] == "fit" else ()))
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr.count("Error") == 1
    for fact in facts:
        assert fact in refused.stderr


EXPLAINING = {
    "derive": (),
    "step": (),
    "collapse": (),
    "probe": ("--folds", 2),
    "name-features": ("--folds", 2),
    "attribute": (),
    "diagnose": (),
    "what-if": ("--set", "x=1"),
}


@pytest.mark.parametrize("verb", EXPLAINING)
def test_what_tells_of_one_target_asks_for_it(run, place, verb):
    refused = run(verb, "q.safetensors", "rows.csv", *EXPLAINING[verb])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "days, dose" in refused.stderr
    assert "--target days" in refused.stderr
    assert run.well(verb, "q.safetensors", "rows.csv", *EXPLAINING[verb], "--target", "dose").stdout
    assert "'dose'" in run(verb, "q.safetensors", "rows.csv", *EXPLAINING[verb], "--target", "doze").stderr


def test_the_studio_asks_for_a_target_too(run, place):
    assert "--target days" in run("studio", "q.safetensors", "--no-open").stderr


def test_an_explanation_is_that_of_the_model_of_the_target(run, place):
    told = json.loads(run.well("attribute", "l.safetensors", "rows.csv", "-t", "old", "--format", "json").stdout)
    model, rows = gn.load("l.safetensors").of_target("old"), gn.Table.read("rows.csv")
    assert told == gn.attribute(model, rows.take([0]), baseline=rows).to_dict()


def test_what_is_trained_again_does_not_learn_from_another_target(place):
    rows, _ = load_rows(load_model("q.safetensors", "days"), "rows.csv", PLAIN)
    assert rows.names == ["x", "z", "days"]
