"""Error against width: slopes as theory has them, trained networks beside constructed ones, certificates that hold."""

import json
import time

import numpy as np
import pytest
from click.testing import CliRunner

import glassnet as gn
from glassnet.cli.app import Commands
from glassnet.cli.approximate import approximate as command
from glassnet.errors import InputError
from glassnet.explanation.fitting import Rows, certificate, soft_start
from glassnet.explanation.functions import as_function
from glassnet.explanation.measuring import measure
from glassnet.nn import Network


@pytest.fixture(scope="module")
def sine():
    return gn.approximate("sin(6*x)+x", on=(0, 1), error=1e-3, time_limit_seconds=30)


def worst(function, network, n=100_000):
    x = function.lo + (function.hi - function.lo) * np.random.default_rng(0).uniform(size=(n, function.d))
    return float(np.abs(network.forward(x)[0][:, 0] - function(x)).max())


def test_slopes_are_minus_one_for_steps_and_minus_two_for_hats(sine):
    assert sine.slopes["step"].fitted == pytest.approx(-1, abs=0.05)
    assert sine.slopes["relu"].fitted == pytest.approx(-2, abs=0.05)
    assert (sine.slopes["step"].expected, sine.slopes["relu"].expected) == (-1, -2)


def test_the_smallest_width_that_met_the_error_is_told_for_each_kind(sine):
    assert sine.smallest["relu"].units == 68
    assert sine.smallest["step"].units == pytest.approx(3500, abs=2)  # ½ · 7 / 1e-3
    trained = sine.smallest["trained"]
    assert trained.units < 10
    assert trained.certified <= 1e-3
    narrower = [point for point in sine.points if point.kind == "trained" and point.units < trained.units]
    assert narrower
    assert not any(point.meets(1e-3) for point in narrower)


def test_the_certificates_of_all_networks_hold(sine):
    assert sine.certified
    assert worst(sine.function, sine.network) <= sine.error <= 1e-3
    for point in sine.points:
        assert point.error <= point.certified


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("text", ["sin(6*x)+x", "exp(x)*cos(3*x)", "tanh(9*x - 3)"])
def test_the_certificate_of_any_network_holds(activation, text):
    function = as_function(text, (-1, 1))
    network = Network.create([1, 7, 1], activation, seed=3)
    network.layers[0].w *= 4
    found, _ = measure(function, network)
    bound = certificate(function, network, found)
    assert worst(function, network) <= bound <= 1.02 * found


def test_there_is_no_certificate_where_nothing_bounds_the_second_derivative():
    network = Network.create([1, 3, 1], "tanh", seed=0)
    assert certificate(as_function("abs(x - 0.3)", (0, 1)), Network.create([1, 3, 1], "relu"), 1.0) is None
    assert certificate(as_function(np.sin, (0, 1)), network, 1.0) is None
    assert certificate(as_function("x*y", (0, 1)), Network.create([2, 3, 1], "tanh"), 1.0) is None


def test_an_expected_slope_is_shown_only_where_f_is_that_smooth():
    for kink in ("abs(x - 1/3)", "abs(x - 1/2)"):  # in the midst of a piece, and between two
        slopes = gn.approximate(kink, on=(0, 1), widths=[2], time_limit_seconds=0.1).slopes
        assert slopes["step"].expected == -1
        assert "relu" not in slopes or slopes["relu"].expected is None
    root = gn.approximate("sqrt(x)", on=(0, 1), widths=[2], time_limit_seconds=0.1)
    assert root.slopes["relu"].fitted == pytest.approx(-0.5, abs=0.05)
    assert [slope.expected for slope in root.slopes.values()] == [None, None]
    unknown = gn.approximate(np.sin, on=(0, 6), widths=[2], time_limit_seconds=0.1)
    assert [slope.expected for slope in unknown.slopes.values()] == [None, None]
    known = gn.approximate(np.sin, on=(0, 6), widths=[2], lipschitz=1, curvature=1, time_limit_seconds=0.1)
    assert [slope.expected for slope in known.slopes.values()] == [-1, -2]


def test_a_trained_network_may_start_from_the_construction():
    function = as_function("sin(6*x)+x", (0, 1))
    for activation in ("tanh", "logistic", "relu"):
        start = soft_start(function, 32, activation)
        assert start.architecture.sizes == (1, 32, 1)
        assert measure(function, start)[0] < 0.4
    rows = Rows.of(function, 0)
    scaled = Network.from_parameters(start.architecture, rows.scaled(start))
    x = function.lo + (function.hi - function.lo) * 0.5 * (rows.data.x + 1)
    assert np.allclose(rows.mean + rows.scale * scaled.forward(rows.data.x)[0], start.forward(x)[0], atol=1e-9)
    assert np.allclose(rows.restored(scaled).parameters, start.parameters, atol=1e-9)


def test_lbfgs_and_other_activations_train_too():
    found = gn.approximate(
        "sin(3*x)", on=(-1, 1), error=0.05, solver="lbfgs", activation="sine", widths=[1], time_limit_seconds=9
    )
    assert found.smallest["trained"].units == 1
    assert not found.certified  # sine units have no certificate here


def test_two_inputs_are_followed_side_by_side():
    found = gn.approximate("x**2 + y**2", on=(-1, 1), error=0.05, time_limit_seconds=30)
    assert {kind for kind, point in found.smallest.items() if point} == {"step", "relu", "trained"}
    assert worst(found.function, found.network, n=20_000) <= 1.05 * found.error
    assert not found.certified


def test_beyond_three_inputs_networks_are_trained_and_the_units_of_the_others_told():
    found = gn.approximate("a + b - c + d", on=(-1, 1), error=0.3, widths=[2], time_limit_seconds=1)
    assert {point.kind for point in found.points} == {"trained"}
    assert "4 inputs" in found.notes[0]
    assert "units" in found.notes[0]
    with pytest.raises(InputError, match="11 inputs"):
        gn.approximate("+".join(f"x{i}" for i in range(11)), on=(0, 1))


def test_what_was_not_met_is_said():
    found = gn.approximate("sin(40*x)", on=(0, 1), error=1e-6, widths=[1], time_limit_seconds=0.1)
    assert found.smallest["trained"] is None
    assert "No trained network met 1e-06" in str(found)
    assert found.smallest["step"] is None
    assert any("would take about" in note for note in found.notes)


def test_the_same_seed_gives_the_same_networks():
    runs = [gn.approximate("sin(6*x)", on=(0, 1), widths=[3], random_state=4, time_limit_seconds=60) for _ in range(2)]
    assert np.array_equal(runs[0].network.parameters, runs[1].network.parameters)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"error": 0}, "above 0"),
        ({"restarts": 0}, "at least 1"),
        ({"widths": []}, "≥ 1"),
        ({"solver": "newton"}, "'lm'"),
        ({"activation": "step"}, "slope 0"),
        ({"on": (-1, 1), "f": "log(x)"}, "no finite value"),
    ],
)
def test_errors_say_what_was_needed(changes, told):
    with pytest.raises(InputError, match=told):
        gn.approximate(**{"f": "sin(x)", "on": (0, 1), **changes})


def test_a_result_is_a_page_a_dict_and_a_picture(sine):
    page = str(sine)
    assert "tanh, trained" in page
    assert "-2" in page
    content = json.loads(sine.to_json())
    assert content["smallest"]["relu"]["units"] == 68
    assert content["slopes"]["step"]["expected"] == -1
    assert "<table" in sine._repr_html_()
    pytest.importorskip("matplotlib")
    assert sine.plot().get_xscale() == "log"


def test_the_command_of_the_contract(tmp_path):
    runner, file = CliRunner(), tmp_path / "sine.safetensors"
    args = ["approximate", "sin(6*x)+x", "--on", "0", "1", "--error", "1e-3", "--format", "json", "--save", str(file)]
    began = time.process_time()
    done = runner.invoke(Commands(commands=[command]), args, prog_name="glassnet")
    assert time.process_time() - began < 5
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content["smallest"]["trained"]["units"] < content["smallest"]["relu"]["units"] == 68
    assert gn.load(file).architecture.sizes == (1, content["units"], 1)
