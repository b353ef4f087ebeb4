"""advise_width: the advice is the least width within one standard error of the best, measured on held-out rows."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.cli.advise_width import advise_width as command
from glassnet.cli.app import Commands
from glassnet.errors import InputError
from glassnet.explanation import width as module
from glassnet.explanation.held_out import Fit


def small(**changes):
    settings = {"n_estimators": 1, "activation": "tanh", "dropout": 0, "learning_rate_init": 0.02, "max_iter": 100}
    return gn.TableClassifier(**settings | changes)


@pytest.fixture(scope="module")
def advice():
    return gn.advise_width(gn.data.example("circles"), target="label", widths=(8, 0, 1, 8, 4), network=small())


def test_the_circles_need_more_than_two_units_and_a_line_is_chance(advice):
    assert [one.width for one in advice.tried] == [0, 1, 4, 8]
    assert advice.width in (4, 8)
    assert advice[0].score < 0.65
    assert advice[1].score < 0.75  # a half plane
    assert advice[advice.width].score > 0.97
    assert advice.hidden_layer_sizes == (advice.width,)


def test_the_cost_of_each_width_is_that_of_its_network(advice):
    for one in advice.tried:
        network = gn.nn.Network.create([2, one.width, 1] if one.width else [2, 1])
        assert one.n_parameters == network.architecture.n_parameters
        assert one.multiplications == sum(layer.w.size for layer in network.layers)
        assert one.seconds > 0


def test_errors_are_means_over_folds_with_their_standard_error(advice):
    for one in advice.tried:
        assert one.error == pytest.approx(np.mean(one.errors))
        assert one.standard_error == pytest.approx(np.std(one.errors, ddof=1) / np.sqrt(5))
    assert advice[0].error == pytest.approx(np.log(2), abs=0.03)  # of a line on the circles: it knows nothing


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.lists(st.floats(0.01, 10), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_advice_is_the_least_width_within_one_standard_error_of_the_best(errors):
    left = iter([error for each in errors for error in each])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "network_fit", lambda *_: Fit(np.ones(2), np.full(2, next(left)), 1, 1, seconds=1.0))
        widths = range(len(errors))
        found = gn.advise_width(np.arange(12.0)[:, None], [0, 1] * 6, widths=widths, folds=3)
    means = np.mean(errors, axis=1)
    best = int(np.argmin(means))
    threshold = means[best] + np.std(errors[best], ddof=1) / np.sqrt(3)
    assert found.best == best
    assert found.threshold == pytest.approx(threshold)
    assert found.width == next(w for w in widths if means[w] <= threshold * (1 + 1e-12))
    assert found.width <= found.best


def test_a_line_needs_no_hidden_layer():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    y = X @ [1.0, -2.0] + rng.normal(scale=0.5, size=150)
    network = gn.MLPRegressor(activation="tanh", solver="lbfgs", max_iter=300, random_state=0)
    found = gn.advise_width(X, y, widths=(0, 2, 16), network=network)
    assert found.width == 0
    assert found.metric == "r2"
    assert found.hidden_layer_sizes == ()
    assert "a linear model, without a hidden layer" in " ".join(str(found).split())


def test_a_wave_needs_units_and_wider_ones_are_asked_for_where_the_last_is_best():
    X = np.linspace(-2, 2, 120)[:, None]
    network = gn.MLPRegressor(activation="tanh", solver="lbfgs", max_iter=300, n_restarts=2, random_state=0)
    found = gn.advise_width(X, np.sin(3 * X[:, 0]), widths=(0, 1, 6), network=network)
    assert found.width == 6
    assert found[6].score > 0.9 > found[1].score
    assert "try wider ones" in " ".join(str(found).split())


def test_several_layers_share_a_width(circles):
    found = gn.advise_width(circles, target="label", widths=(0, 3), layers=2, network=small(max_iter=20), folds=2)
    assert found[3].n_parameters == 9 + 12 + 4
    assert found[0].n_parameters == 3


def test_every_form_of_the_result_can_be_made(advice):
    content = json.loads(advice.to_json())
    assert content["width"] == advice.width
    assert len(content["tried"]) == 4
    assert len(content["tried"][0]["errors"]) == 5
    assert "advised" in advice._repr_html_()
    assert advice.plot().get_xlabel() == "width"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": ()}, "widths is"),
        ({"widths": (2, -1)}, "whole numbers ≥ 0"),
        ({"widths": (2.5,)}, "whole numbers ≥ 0"),
        ({"layers": 0}, "layers is 0"),
        ({"network": gn.nn.Network.create([2, 1])}, "an estimator with hidden_layer_sizes"),
        ({"folds": 1}, "2 folds or more"),
    ],
)
def test_what_cannot_be_tried_is_told(circles, changes, message):
    with pytest.raises(InputError, match=message):
        gn.advise_width(circles, target="label", **changes)


def run(*arguments):
    """The command, as the terminal calls it."""
    group = Commands(commands=[command])
    return CliRunner().invoke(group, ["advise-width", *map(str, arguments)], prog_name="glassnet")


def test_the_command_tries_the_widths_it_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("--activation", "tanh", "--max-epochs", 20, "--folds", 2, "--widths", "0,2")
    page = run(*options)
    assert page.exit_code == 0, page.output
    assert "label: error against width" in page.stdout
    told = json.loads(run(*options, "--layers", 2, "--format", "json").stdout)
    assert [one["width"] for one in told["tried"]] == [0, 2]
    assert told["layers"] == 2
    assert "no list of widths" in run("--widths", "2,x").output
    assert "--hidden" not in run("--help").output
