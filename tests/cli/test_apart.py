"""Rows that may not be parted at random, and what is said of classes and losses, from the terminal."""

import json

import numpy as np
import polars as pl
import pytest

import glassnet as gn

FEW = ("--networks", "1", "--hidden", "8", "--max-epochs", "5")


@pytest.fixture
def visits(folder):
    """A table of 12 patients with 20 visits each, in the order of nothing."""
    rng = np.random.default_rng(0)
    n = 240
    rows = pl.DataFrame(
        {
            "patient": [f"P{i % 12}" for i in range(n)],
            "day": rng.permutation(n) // 2,  # two visits on each
            "dose": rng.normal(size=n),
        }
    )
    rows = rows.with_columns(
        ill=pl.Series(np.where(rows["dose"].to_numpy() + rng.normal(size=n) > 1, "yes", "no")),
        seen=pl.Series(rng.poisson(np.exp(rows["dose"].to_numpy()))),
    )
    rows.write_csv("visits.csv")
    return rows


def held_out(told, rows):
    """The rows of the file that were scored on; all of them are among the largest errors of so small a part."""
    found = {error["row"] for error in told["largest_errors"]}
    assert len(found) == min(told["n_test"], 20)
    return rows[sorted(found)]


def test_groups_are_never_parted_nor_learned_from(run, visits):
    told = json.loads(
        run.well("fit", "visits.csv", "-t", "ill", "--groups", "patient", *FEW, "--test-size", "0.1", "--json").stdout
    )
    tested = held_out(told, visits)["patient"].unique().to_list()
    assert told["n_test"] == visits.filter(pl.col("patient").is_in(tested)).height
    kinds = {column["name"]: column["kind"] for column in told["columns"]}
    assert kinds["patient"] == "ignore"


def test_with_a_time_the_latest_rows_are_scored_on_and_no_moment_is_parted(run, visits):
    told = json.loads(
        run.well("fit", "visits.csv", "-t", "ill", "--time", "day", *FEW, "--test-size", "0.05", "--json").stdout
    )
    tested = held_out(told, visits)
    assert sorted(tested["day"]) == sorted(visits["day"])[-told["n_test"] :]
    assert visits.filter(pl.col("day") == tested["day"].min()).height == 2
    assert "latest rows by day" in run.well("fit", "visits.csv", "-t", "ill", "--time", "day", *FEW).stdout


def test_folds_keep_groups_whole_and_time_in_order(run, visits):
    command = ("cross-validate", "visits.csv", "-t", "ill", *FEW, "--folds", "4", "--json")
    assert [f["n_test"] for f in json.loads(run.well(*command, "--groups", "patient").stdout)["folds"]] == [60] * 4
    folds = json.loads(run.well(*command, "--time", "day").stdout)["folds"]
    assert [(fold["n_train"], fold["n_test"]) for fold in folds] == [(48 * (k + 1), 48) for k in range(4)]


def test_a_class_that_counts_more_is_said_more_often(run, visits):
    said = {}
    for weight in ("0.05", "20"):
        run.well("fit", "visits.csv", "-t", "ill", "--class-weight", f"yes={weight}", *FEW[:4], "-o", "m.safetensors")
        p = pl.read_csv(run.well("predict", "m.safetensors", "visits.csv").stdout.encode())
        said[weight] = (p["prediction"] == "yes").mean()
    assert said["0.05"] < 0.1 < 0.5 < said["20"]
    run.well("fit", "visits.csv", "-t", "ill", "--class-weight", "balanced", *FEW, "-o", "m.safetensors")
    assert gn.load("m.safetensors").class_weight == "balanced"


def test_a_loss_and_a_calibration_reach_the_model(run, visits):
    run.well(
        "fit", "visits.csv", "-t", "seen", "--loss", "poisson", "--calibration", "none", *FEW, "-o", "m.safetensors"
    )
    model = gn.load("m.safetensors")
    assert (model.loss_.name, model.conformal_) == ("poisson", None)
    run.well("fit", "visits.csv", "-t", "dose", "--loss", "quantile", "--quantile", "0.8", *FEW, "-o", "m.safetensors")
    assert gn.load("m.safetensors").loss_.quantile == 0.8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-t", "ill", "--groups", "patient", "--time", "day"), "leave one out"),
        (("-t", "ill", "--groups", "pateint"), "did you mean 'patient'"),
        (("-t", "ill", "--time", "patient"), "dates or numbers that grow"),
        (("-t", "dose", "--class-weight", "balanced"), "--class-weight is for classes"),
        (("-t", "ill", "--class-weight", "maybe=3"), "'maybe'"),
        (("-t", "ill", "--class-weight", "yes"), "LABEL=WEIGHT"),
        (("-t", "ill", "--class-weight", "balanced", "--class-weight", "yes=2"), "leave the others out"),
        (("-t", "ill", "--loss", "poisson"), "--loss is for a quantity"),
        (("-t", "dose", "--loss", "poison"), "poisson"),
        (("-t", "ill", "--calibration", "splt"), "split"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(run, visits, options, said):
    error = run("fit", "visits.csv", *options, *FEW).stderr
    assert said in error
    assert "Traceback" not in error
