"""`glassnet cross-validate`: what it trains, what it tells, and how Ctrl-C ends it."""

import json

import numpy as np
import pytest

import glassnet as gn
from glassnet.estimators.cross_validation import folds
from glassnet.estimators.report import evaluate

FEW = ("--max-epochs", 5, "--hidden", 8, "--networks", 1, "--folds", 3)


def validated(run, *args):
    return json.loads(run.well("cross-validate", *args, *FEW, "--json").stdout)


@pytest.mark.parametrize(("target", "metric"), [("kind", "log_loss"), ("price", "rmse")])
@pytest.mark.filterwarnings("ignore:The network is no better:glassnet.errors.TrainingWarning")
def test_every_fold_is_a_fit_of_the_others(run, folder, target, metric):
    report = validated(run, "train.csv", "-t", target, "--seed", 4)
    table, classes = gn.Table.read("train.csv"), target == "kind"
    estimator = gn.TableClassifier if classes else gn.TableRegressor
    for fold, (train, test) in zip(report["folds"], folds(table, target, 3, classes=classes, seed=4), strict=True):
        model = estimator(hidden_layer_sizes=(8,), max_iter=5, n_estimators=1, random_state=4).fit(train, target=target)
        assert fold["scores"]["network"] == pytest.approx(evaluate(model, test))
        assert (fold["n_train"], fold["n_test"], fold["epochs"]) == (40, 20, 5)
    for who, scores in report["summary"].items():
        values = [fold["scores"][who][metric] for fold in report["folds"]]
        assert scores[metric]["mean"] == pytest.approx(np.mean(values))
        assert scores[metric]["standard_error"] == pytest.approx(np.std(values, ddof=1) / np.sqrt(3))


def test_the_page_has_each_fold_and_the_mean_beside_the_baselines(run, folder):
    summary = validated(run, "train.csv", "-t", "kind")["summary"]
    told = run.well("cross_validate", "train.csv", "-t", "kind", *FEW).stdout
    assert "network   majority class   linear model" in told
    for name in ("accuracy", "log loss"):
        assert name in told
    means = [line.split()[1:] for line in told.splitlines() if line.startswith("mean")]
    assert means[0] == [f"{summary[who]['accuracy']['mean']:.3f}" for who in summary]
    assert not list(folder.glob("*.safetensors"))


def test_rows_without_a_target_and_columns_and_kinds_are_as_in_fit(run, folder):
    (folder / "holes.csv").write_text((folder / "train.csv").read_text() + "1,Dream,true,,1\n")
    report = validated(run, "holes.csv", "-t", "kind", "--drop-missing-target", "--column", "island=ignore")
    assert report["n"] == 60
    assert "1 of 61 rows has no 'kind' and was left out." in report["notes"]


@pytest.mark.parametrize("n_done", [0, 1])
def test_ctrl_c_tells_of_the_folds_that_are_done(run, folder, monkeypatch, n_done):
    trainings = []

    def interrupt(self, report):
        trainings.extend([None] * (report.epoch.epoch == 1))
        if len(trainings) > n_done:
            raise KeyboardInterrupt

    monkeypatch.setattr("glassnet.cli.console.TrainingProgress.__call__", interrupt)
    result = run("cross-validate", "train.csv", "-t", "kind", *FEW, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["interrupted"], len(report["folds"])) == (130, True, n_done)
    assert f"Ctrl-C: {n_done} of 3 folds were done." in result.stderr
    trainings.clear()
    page = run("cross-validate", "train.csv", "-t", "kind", *FEW)
    assert (page.exit_code, "accuracy" in page.stdout) == (130, bool(n_done))


def test_ctrl_c_between_trainings_ends_alike(run, folder, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("glassnet.estimators.report.compare", interrupt)
    result = run("cross-validate", "train.csv", "-t", "kind", *FEW)
    assert (result.exit_code, result.stdout) == (130, "")


def test_the_example_is_taken_without_a_table(run, folder):
    assert validated(run)["target"] == "label"
