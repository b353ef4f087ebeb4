"""A network with given weights is as close as its certificate says, everywhere, and says when it has none."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.cli.app import Commands
from glassnet.cli.construct import construct as command
from glassnet.errors import InputError, UnknownNameError
from glassnet.explanation.functions import as_function
from glassnet.explanation.measuring import scores
from glassnet.explanation.pieces import grid_hats
from glassnet.explanation.plans import GridPlan
from glassnet.explanation.ridges import ridge_sum

POINTS = 100_000


def flat(page):
    """Its text, wherever its lines end."""
    return " ".join(str(page).split())


def worst(built, n=POINTS, seed=0):
    """The largest |f − y| at random points."""
    f = built.function
    x = f.lo + (f.hi - f.lo) * np.random.default_rng(seed).uniform(size=(n, f.d))
    x[:2] = f.lo, f.hi
    return float(np.abs(scores(built.network, x) - f(x)).max())


CERTIFIED = [
    ("sin(6*x)+x", (0, 1), "relu", 1e-3),
    ("sin(6*x)+x", (0, 1), "step", 2e-2),
    ("sin(6*x)+x", (0, 1), "logistic", 6e-2),
    ("sin(6*x)+x", (0, 1), "relu", 1e-4),
    ("exp(-x**2)*1e6", (-3, 5), "relu", 1e3),
    ("sqrt(x)", (0, 1), "relu", 1e-2),
    ("sqrt(x)", (0, 1), "logistic", 5e-2),
    ("abs(x - 0.3)", (-1, 1), "relu", 1e-3),
    ("max(x, 0)/(1 + x**2)", (-2, 2), "step", 2e-2),
    ("x + 1e6", (1000, 1001), "relu", 1e-8),
    ("x1**2 + x2**2", (-1, 1), "relu", 1e-2),
    ("x*y", (-1, 1), "logistic", 3e-1),
    ("sin(x + 2*y) - y/3 + 7", (0, 1), "step", 5e-2),
    ("sin(x*y) + x", (0, 1), "relu", 1e-2),
    ("sin(x*y)", (0, 1), "step", 1e-1),
    ("exp(-x**2 - y**2 - z*x)", (0, 1), "relu", 2e-1),
    ("x*y*z", (0, 1), "step", 3e-1),
    ("sqrt(1 - x**2)", (-1, 1), "relu", 1e-2),
    ("x*0 + y*0 + 3", (0, 1), "logistic", 1e-9),
]


@pytest.mark.parametrize(("text", "on", "activation", "error"), CERTIFIED)
def test_a_certificate_is_never_broken_on_random_points(text, on, activation, error):
    built = gn.construct(text, on=on, error=error, activation=activation)
    assert built.certified
    assert built.measured <= built.error <= error
    assert worst(built, n=POINTS if built.units < 1000 else 20_000) <= built.error


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["sin({0}*x)", "exp({0}*x)/5", "x**3 - {0}*x", "abs(x - {0}/9)", "tanh({0}*x)"]),
    st.floats(0.1, 9),
    st.integers(2, 60),
    st.sampled_from(["relu", "step", "logistic"]),
)
def test_a_certificate_holds_for_any_formula_and_number_of_units(template, number, units, activation):
    built = gn.construct(template.format(number), on=(-1, 1), units=units, activation=activation)
    assert built.certified
    assert built.units <= units
    assert worst(built, n=5000) <= built.error


def test_the_contract():
    built = gn.construct("sin(6*x)+x", on=(0, 1), error=1e-3)
    assert built.error <= 1e-3
    assert built.network.architecture.sizes == (1, 68, 1)
    y, _ = built.network.forward(np.array([[0.5]]))
    assert y[0, 0] == pytest.approx(math.sin(3) + 0.5, abs=1e-3)


@pytest.mark.parametrize(("activation", "units", "error"), [("step", 127, 2.734e-2), ("relu", 128, 2.747e-4)])
def test_128_pieces_are_as_close_as_theory_says(activation, units, error):
    built = gn.construct("sin(6*x)+x", on=(0, 1), units=units, activation=activation)
    assert built.built.pieces == (128,)
    assert built.error == pytest.approx(error, rel=1e-3)
    assert built.measured > 0.999 * built.error


def test_one_piece_less_would_not_meet_the_error():
    built = gn.construct("sin(6*x)+x", on=(0, 1), error=1e-3)
    assert gn.construct("sin(6*x)+x", on=(0, 1), units=built.units - 1).measured > 0.99e-3
    assert gn.construct("x**2", on=(0, 1), error=1e-3).units == 16  # ⅛ h² 2 ≤ 1e-3
    assert gn.construct("x**2", on=(0, 1), units=15).measured > 1e-3


def test_the_parts_of_the_error_add_up_to_it():
    built = gn.construct("sin(6*x)+x", on=(0, 1), error=1e-2, activation="logistic")
    parts = built.built
    assert built.error == pytest.approx(parts.bound + parts.tails + parts.rounding, rel=1e-9)
    assert parts.tails > 0
    assert parts.rounding > 0


def test_rounding_is_in_the_certificate_where_it_is_all_that_is_left():
    built = gn.construct("1e8*x + 1e8", on=(0, 1), error=1e-3)  # a line: no piece misses anything
    assert built.built.bound < 1e-12
    assert 0 < built.error < 1e-6
    assert worst(built) <= built.error


def test_pieces_are_halved_where_equal_ones_would_be_too_many():
    built = gn.construct("sqrt(x)", on=(0, 1), error=1e-3)
    knots = np.sort(-built.network.layers[0].b)
    assert built.units < 60
    assert np.diff(knots).max() > 100 * np.diff(knots).min()


@pytest.mark.parametrize("text", ["sign(x - 0.3)", "1/x", "log(x + 1)", "tan(2*x)", "tanh(sqrt(x))"])
def test_a_jump_or_a_pole_is_told_and_not_followed(text):
    with pytest.raises(InputError, match=r"however small the pieces|no finite value"):
        gn.construct(text, on=(-1, 1), error=1e-2)


def test_python_functions_are_certified_by_what_the_user_knows_and_measured_otherwise():
    sine = [gn.construct(np.sin, on=(0, 6), units=20, **known) for known in ({}, {"curvature": 1}, {"lipschitz": 1})]
    assert [built.certified for built in sine] == [False, True, True]
    assert sine[1].error == pytest.approx((6 / 20) ** 2 / 8, rel=1e-6)
    assert sine[2].error == pytest.approx(6 / 20 / 2, rel=1e-6)
    assert sine[0].error <= sine[1].error
    assert "lower bound, no certificate" in flat(sine[0])
    assert "your word that curvature 1" in flat(sine[1])
    for built in sine[1:]:
        assert worst(built) <= built.error


def test_steps_are_certified_by_curvature_too():
    built = gn.construct(np.sin, on=(0, 6), error=2e-2, curvature=1, activation="step")
    assert built.certified
    assert worst(built) <= built.error <= 2e-2


def test_a_function_of_single_numbers_and_of_several_inputs_will_do():
    built = gn.construct(lambda x, y: math.sin(x) * y, on=[(0, 3), (0, 1)], error=5e-2)
    assert not built.certified
    assert built.error <= 5e-2
    assert worst(built, n=2000) <= 1.05 * built.error
    with pytest.raises(InputError, match="A function of 1 number"):
        gn.construct(lambda x, y: x, on=(0, 1), error=1)


def test_the_rows_of_a_table_are_met_exactly_and_between_them_lies_a_line():
    rng = np.random.default_rng(0)
    x = rng.permutation(np.linspace(0, 2, 30) ** 2)
    built = gn.construct((x, np.sin(3 * x)))
    assert built.error < 1e-10
    assert np.allclose(built.network.forward(x[:, None])[0][:, 0], np.sin(3 * x), atol=1e-10)
    for activation in ("relu", "step"):
        fewer = gn.construct({"x": x, "height": np.sin(3 * x)}, error=0.2, activation=activation)
        assert worst(fewer) <= fewer.error <= 0.2
    with pytest.raises(InputError, match="comes twice"):
        gn.construct(([0, 0, 1], [1, 2, 3]))
    with pytest.raises(InputError, match="two were needed"):
        gn.construct({"a": [1.0], "b": [2.0], "c": [3.0]})


@pytest.mark.parametrize(
    ("text", "hidden"),
    [("x**2 + y**2", 1), ("x*y", 1), ("(x + y)*(x + y)", 1), ("exp(-(x - 2*y)**2)*cos(3*x - 6*y)", 1), ("sin(x*y)", 2)],
)
def test_one_hidden_layer_where_it_is_enough_and_two_where_not(text, hidden):
    built = gn.construct(text, on=(-1, 1), error=0.1)
    assert len(built.hidden) == hidden
    assert ("one hidden layer" if hidden == 1 else "two hidden layers") in str(built)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_ridges_add_up_to_their_formula(seed):
    rng = np.random.default_rng(seed)
    a, b, c = rng.integers(-4, 5, size=3) / 2
    text = f"({a})*x*y - sin({b}*x - {2 * b}*y + 1)*({c}) + x**2/({abs(c) + 1}) - (3 - y)*2 + {c}"
    function = as_function(text, (-1, 1))
    constant, ridges = ridge_sum(function)
    x = rng.uniform(-1, 1, size=(20, 2))
    total = constant(np.zeros(1)) + sum(ridge.function((x @ ridge.direction)[:, None]) for ridge in ridges)
    assert np.allclose(total, function(x), atol=1e-13)
    for ridge in ridges:
        assert (ridge.function.lo <= x @ ridge.direction).all()
        assert (x @ ridge.direction <= ridge.function.hi).all()


@pytest.mark.parametrize("d", [2, 3])
def test_the_grid_network_is_linear_on_simplices(d):
    names = "xyz"[:d]
    text = "*".join(f"sin({i + 2}*{name} + {i})" for i, name in enumerate(names))
    function = as_function(text, (-1, 2))
    knots = GridPlan(function, "relu").knots(4)
    network, misfit = grid_hats(function, knots)
    assert misfit < 1e-12
    rng = np.random.default_rng(0)
    h = np.array([k[1] - k[0] for k in knots])
    for _ in range(50):
        corner = np.array([rng.choice(k[:-1]) for k in knots])
        order = rng.permutation(d)
        vertices = [corner + h * np.isin(np.arange(d), order[:i]) for i in range(d + 1)]
        weights = rng.dirichlet(np.ones(d + 1))
        values = function(np.array(vertices))
        assert scores(network, (weights @ np.array(vertices))[None])[0] == pytest.approx(weights @ values, abs=1e-12)


def test_what_cannot_be_built_says_what_it_would_take():
    with pytest.raises(InputError, match=r"4 inputs.*about .* units for the error 0.01"):
        gn.construct("sin(a*b*c*d)", on=(0, 1), error=0.01)
    with pytest.raises(InputError, match=r"212,1\d\d units"):
        gn.construct("sin(6*x)+x", on=(0, 1), error=1e-10)
    with pytest.raises(InputError, match=r"would take about .* and .* units"):
        gn.construct("sin(x*y*z)", on=(0, 1), error=1e-6)
    with pytest.raises(InputError, match="no certificate"):
        gn.construct("sin(x*y)", on=(0, 1), error=0.1, activation="logistic")
    with pytest.raises(InputError, match="beyond what float64 can keep"):
        gn.construct("1e8*x", on=(0, 1), error=1e-12)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"error": 1, "units": 3}, "Give either"),
        ({}, "Give either"),
        ({"error": -1}, "above 0"),
        ({"units": 0}, "≥ 1"),
        ({"error": 1, "lipschitz": -1}, "lipschitz is -1"),
        ({"error": 1, "on": (1, 0)}, "a < b"),
        ({"error": 1, "on": [(0, 1), (0, 1)]}, "a pair for each of x"),
        ({"error": 1, "on": None}, "was needed"),
    ],
)
def test_errors_say_what_was_needed(changes, told):
    with pytest.raises(InputError, match=told):
        gn.construct("sin(x)", **{"on": (0, 1), **changes})


def test_a_misspelt_activation_gets_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'step'"):
        gn.construct("x", on=(0, 1), error=1, activation="steps")


@pytest.mark.parametrize("text", ["sin(x)", "x*y", "sin(x*y)", "x*y*z"])
def test_a_result_is_a_page_a_dict_and_a_picture(text):
    built = gn.construct(text, on=(0, 1), error=0.2)
    assert "certified by interval arithmetic" in flat(built)
    content = json.loads(built.to_json())
    assert content["error"] == built.error
    assert np.array_equal(content["weights"][0]["w"], built.network.layers[0].w)
    assert "<" in built._repr_html_()
    pytest.importorskip("matplotlib")
    assert "|f − y| ≤" in built.plot().get_title()


def glassnet(*args):
    return CliRunner().invoke(Commands(commands=[command]), ["construct", *map(str, args)], prog_name="glassnet")


def test_the_command_builds_saves_and_tells(tmp_path):
    file = tmp_path / "sine.safetensors"
    done = glassnet("sin(6*x)+x", "--on", 0, 1, "--error", 1e-3, "--format", "json", "--save", file)
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content["hidden"] == [68]
    assert content["error"] <= 1e-3
    again = gn.load(file)
    assert np.array_equal(again.layers[0].w, content["weights"][0]["w"])
    assert "sine.safetensors" in done.stderr


def test_the_command_takes_a_table_and_a_domain_for_each_input(tmp_path):
    table = tmp_path / "rows.csv"
    table.write_text("x,height\n0,1\n1,3\n2,0\n")
    assert "2 relu units" in glassnet(table).stdout
    done = glassnet("x1 - x2**2", "--on", -1, 1, "--on", 0, 2, "--units", 9)
    assert "[-1, 1] × [0, 2]" in done.stdout


@pytest.mark.parametrize(
    "args", [("sin(6*x",), ("sin(x)", "--error", 1), ("sin(x)", "--on", 0, 1), ("nowhere.csv", "--error", 1)]
)
def test_the_command_ends_with_a_message_and_status_2(args):
    done = glassnet(*args)
    assert done.exit_code == 2
    assert "Error" in done.stderr
    assert "Traceback" not in done.output
