"""duel: both sides are fitted on the same folds and scored on rows they did not see, and who won is said plainly."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose

import glassnet as gn
from glassnet.cli.app import Commands
from glassnet.cli.duel import duel as command
from glassnet.errors import InputError, TableError, UnknownNameError

ROUND = "x1**2 + x2**2"
SMALL = {"hidden_layer_sizes": (8,), "activation": "tanh", "learning_rate_init": 0.02, "max_iter": 100}


def small(**changes):
    return gn.TableClassifier(**{"n_estimators": 1} | SMALL | changes)


@pytest.fixture(scope="module")
def even():
    """The circles, where the formula and the network are both nearly always right."""
    return gn.duel(gn.data.example("circles"), target="label", features=ROUND, network=small())


def page(found):
    """The page without its line breaks."""
    return " ".join(str(found).split())


def test_on_the_circles_the_formula_does_with_four_parameters_what_the_network_does(even):
    assert even.winner == "draw"
    assert even.linear.score[0] > 0.98
    assert even.network.score[0] > 0.97
    assert 0.4 < even.plain_linear.score[0] < 0.6
    assert (even.linear.n_parameters, even.network.n_parameters, even.plain_linear.n_parameters) == (4, 33, 3)
    assert even.difference[1] <= 0 <= even.difference[2]
    assert "A draw" in page(even)
    assert "took 4 parameters" in page(even)


def test_a_formula_that_says_nothing_loses_to_the_network(circles):
    found = gn.duel(circles, target="label", features="x1*x2", network=small())
    assert found.winner == "network"
    assert found.difference[1] > 0.4
    assert found.difference[0] == pytest.approx(found.network.score[0] - found.linear.score[0])
    assert "The network won." in page(found)


def test_a_network_that_cannot_bend_loses_to_the_formula(circles):
    found = gn.duel(circles, target="label", features=ROUND, network=small(hidden_layer_sizes=()))
    assert found.winner == "linear"
    assert found.difference[2] < -0.4
    assert "The linear model with the formulas won." in page(found)


def test_without_formulas_the_plain_linear_model_stands(circles):
    found = gn.duel(circles, target="label", network=small())
    assert found.plain_linear is None
    assert [side.name for side in found.sides] == ["columns", "network"]
    assert "The linear model took 3 parameters" in page(found)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:sklearn.exceptions.ConvergenceWarning")
def test_scores_are_those_of_each_side_alone_on_the_same_folds(circles):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = circles.without("label").frame.to_numpy()
    y = (circles["label"].to_numpy() == "outer").astype(int)
    found = gn.duel(x, y, ROUND, network=gn.MLPClassifier(**SMALL, random_state=1), folds=4, random_state=5)
    folds = StratifiedKFold(4, shuffle=True, random_state=5)
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    p = cross_val_predict(linear, np.column_stack([x, (x**2).sum(axis=1)]), y, cv=folds, method="predict_proba")
    network = make_pipeline(StandardScaler(), gn.MLPClassifier(**SMALL, random_state=1))
    assert found.linear.score[0] == pytest.approx(np.mean(p.argmax(axis=1) == y))
    assert found.linear.loss[0] == pytest.approx(-np.log(p[np.arange(len(y)), y]).mean(), rel=1e-3)
    assert found.network.score[0] == pytest.approx(np.mean(cross_val_predict(network, x, y, cv=folds) == y), abs=0.01)
    assert found.folds == 4


@pytest.mark.filterwarnings("error")
def test_quantities_are_told_in_r2_and_their_own_units():
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 3, size=(200, 2))
    area = 1000 * X[:, 0] * X[:, 1]
    net = gn.TableRegressor(n_estimators=1, hidden_layer_sizes=(4,), max_iter=10, random_state=0)
    table = {"length": X[:, 0], "width": X[:, 1], "area": area}
    found = gn.duel(table, target="area", features="length*width", network=net)
    assert found.metric == "r2"
    assert found.winner == "linear"
    assert found.linear.score[0] > 0.9999
    assert found.plain_linear.loss[0] > 50 * found.linear.loss[0]
    alone = found.plain_linear
    assert alone.score[0] == pytest.approx(1 - alone.loss[0] ** 2 / area.var())
    assert found.target == "area"


def test_same_seed_same_scores(circles):
    first, second = (gn.duel(circles, target="label", features=ROUND, network=small(), folds=2) for _ in range(2))
    assert_allclose(first.network.score, second.network.score)
    assert first.difference == second.difference


def test_a_real_table_with_missing_cells_and_categories_can_be_fought_over(penguins):
    network = small(max_iter=60)
    found = gn.duel(penguins, target="species", features="bill_length_mm / bill_depth_mm", network=network)
    assert found.linear.score[0] > 0.97
    assert found.n == 344
    ignored = gn.duel(penguins, target="species", network=small(max_iter=2, columns={"island": "ignore"}), folds=2)
    everything = gn.duel(penguins, target="species", network=small(max_iter=2), folds=2)
    assert ignored.linear.n_parameters < everything.linear.n_parameters


def test_every_form_of_the_result_can_be_made(even):
    content = json.loads(even.to_json())
    assert content["winner"] == "draw"
    assert content["linear"]["n_parameters"] == 4
    assert content["difference"] == list(even.difference)
    assert "<table>" in even._repr_html_()
    assert len(even.plot().containers) == 3


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"features": "x1*x3"}, UnknownNameError, "x3"),
        ({"features": "log(x1)"}, InputError, "no finite number on"),
        ({"target": "colour"}, TableError, "colour"),
        ({"target": None}, InputError, "neither y nor target"),
        ({"folds": 1}, InputError, "2 folds or more"),
        ({"network": gn.nn.Network.create([2, 1])}, InputError, "an estimator that has not been fitted"),
    ],
)
def test_what_cannot_be_fought_over_is_told(circles, changes, error, message):
    with pytest.raises(error, match=message):
        gn.duel(circles, **{"target": "label"} | changes)


def run(*arguments):
    """The command, as the terminal calls it."""
    group = Commands(commands=[command])
    return CliRunner().invoke(group, ["duel", *map(str, arguments)], prog_name="glassnet")


def test_the_command_runs_on_the_circles_and_on_a_table(tmp_path, monkeypatch, penguins):
    monkeypatch.chdir(tmp_path)
    told = run("--features", ROUND, "--hidden", 8, "--activation", "tanh", "--max-epochs", 60)
    assert told.exit_code == 0, told.output
    assert f"columns and {ROUND}" in told.stdout
    penguins.frame.write_csv("penguins.csv")
    options = ("-t", "body_mass_g", "--drop-missing-target", "--hidden", 4, "--max-epochs", 20, "--folds", 3)
    done = run("penguins.csv", *options, "--features", "flipper_length_mm**2", "--format", "json")
    content = json.loads(done.stdout)
    assert (content["metric"], content["folds"], content["n"]) == ("r2", 3, 342)
    wrong = run("--features", "x1 +")
    assert wrong.exit_code == 2
    assert "The formula ends" in wrong.output
    assert "--hidden" in run("--help").output
