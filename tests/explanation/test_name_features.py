"""name_features: what is said of learned features was measured, and no single unit is given more than it can be."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import make_circles

import glassnet as gn
from glassnet.cli.app import Commands
from glassnet.cli.name_features import name_features as command
from glassnet.errors import InputError, UnknownNameError
from glassnet.explanation.candidates import usual_formulas, values
from glassnet.explanation.ceilings import along, ceilings, unit_r2
from glassnet.explanation.formulas import Formula
from glassnet.explanation.page import Verdict
from glassnet.nn import Network, get_activation

ROUND = "x1**2 + x2**2"


def disc(n, rng):
    """Points that fill the unit disc evenly."""
    angle, radius = rng.uniform(0, 2 * np.pi, n), np.sqrt(rng.uniform(0, 1, n))
    return radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


def of(found, formula):
    """What was found of a formula."""
    return next(feature for feature in found.features if feature.formula == formula)


@pytest.fixture(scope="module")
def rings():
    """A network that learned one half of make_circles, and the other half."""
    X, y = make_circles(800, noise=0.1, factor=0.5, random_state=0)
    model = gn.MLPClassifier((8,), "tanh", solver="lbfgs", max_iter=1000, alpha=0.01, random_state=0)
    return model.fit(X[:400], y[:400]), X[400:]


@pytest.fixture(scope="module")
def named(rings):
    return gn.name_features(*rings, ROUND)


def test_on_the_circles_all_units_span_the_square_of_the_radius_and_no_unit_is_it(named):
    found = of(named, ROUND)
    assert found.raw < 0.05
    assert 0.86 < found.layers[0].low <= found.layers[0].value < 0.996
    assert 0.83 < found.output.value < 0.97
    assert 0.05 < found.best_unit[1] < 0.25
    assert found.best_unit[1] <= found.unit_ceiling <= found.direction_ceiling < 0.5


def test_each_unit_of_the_first_layer_stands_below_the_ceiling_of_its_direction(named):
    assert [one.unit for one in named.first_units] == [f"h{j + 1}" for j in range(8)]
    assert all(0 <= one.r2 <= one.ceiling <= 0.5 for one in named.first_units)
    assert max(one.r2 for one in named.first_units) == named.best.best_unit[1]


def test_what_goes_together_is_not_told_apart(named):
    assert named.best.formula in (ROUND, f"sqrt({ROUND})")
    (other, correlation), *_ = named.alike
    assert {named.best.formula, other} == {ROUND, f"sqrt({ROUND})"}
    assert 0.9 < correlation < 1
    assert 0 <= sum(feature.first for feature in named.features) <= 1 + 1e-12


@pytest.mark.parametrize(
    ("draw", "ceiling"),
    [
        (lambda rng: disc(1500, rng), 1 / 3),
        (lambda rng: rng.uniform(-1, 1, (1500, 2)), 1 / 2),
        (lambda rng: make_circles(1500, noise=0.1, factor=0.5, random_state=0)[0], 0.41),
    ],
    ids=["disc", "square", "make_circles"],
)
def test_the_ceiling_of_one_direction_is_the_known_one(draw, ceiling):
    rng = np.random.default_rng(0)
    x = draw(rng)
    g = (x**2).sum(axis=1)[:, None]
    (found,) = ceilings(x, g, get_activation("tanh"), True, rng.normal(size=(4, 2)), rng)
    assert found.any_function == pytest.approx(ceiling, abs=0.035)
    assert 0.1 < found.activation < 0.6 * ceiling


@pytest.fixture(scope="module")
def under_ceilings():
    """Rows, a feature, and the ceilings of three activations."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 3)) * [1.0, 0.2, 5.0] + [0.0, 3.0, 0.0]
    g = (x[:, 0] * x[:, 2])[:, None]
    names = ("tanh", "relu", "sine")
    return x, g, {f: ceilings(x, g, get_activation(f), True, np.eye(3), rng)[0] for f in names}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.sampled_from(["tanh", "relu", "sine"]), st.floats(0.1, 5))
def test_no_unit_passes_its_ceilings(under_ceilings, seed, name, size):
    x, g, found = under_ceilings
    rng = np.random.default_rng(seed)
    w = size * rng.normal(size=3) / x.std(axis=0)
    z = x @ w + rng.normal() - x.mean(axis=0) @ w
    r2 = float(unit_r2(get_activation(name)(z)[:, None], g)[0, 0])
    assert r2 <= found[name].activation + 0.02  # what a search found lies a little below the truth
    if name != "sine":  # a sine may turn more often than a function that is linear between twelve quantiles
        assert r2 <= float(along(x, w, g)[0]) + 0.02


def test_few_rows_are_refused_and_rows_alone_with_a_feature_are_not(rings):
    with pytest.raises(InputError, match="X has 19 rows, but 20 or more"):
        gn.name_features(rings[0], rings[1][:19])
    alone = rings[1][:25].copy()
    alone[0] = 40.0
    assert gn.name_features(rings[0], alone).n == 25


def test_a_direction_that_holds_a_feature_is_found():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 4))
    w = np.array([1.0, -2.0, 0.5, 1.5])
    (found,) = ceilings(x, np.sin(x @ w)[:, None] + (x @ w)[:, None], get_activation("relu"), True, np.eye(4), rng)
    assert found.any_function > 0.97
    assert abs(found.direction @ w) / np.linalg.norm(found.direction) / np.linalg.norm(w) > 0.97


def test_two_square_units_are_named_by_what_they_are():
    network = Network.create([2, 2, 1], "square", bias=False)
    network.layers[0].w[...], network.layers[1].w[...] = np.eye(2), 1.0
    found = gn.name_features(network, disc(400, np.random.default_rng(0)))
    assert found.best.formula == ROUND
    assert found.best.layers[0].low > 0.999
    assert found.best.output.low > 0.999
    assert of(found, "x1**2").best_unit == ("h1", pytest.approx(1.0))
    assert found.best.unit_ceiling == pytest.approx(found.best.direction_ceiling, abs=0.1)


def test_a_product_is_found_among_many_and_units_above_are_named():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 3))
    model = gn.MLPRegressor((24, 4), activation="tanh", solver="lbfgs", max_iter=800, random_state=0)
    found = gn.name_features(model.fit(X, X[:, 0] * X[:, 1]), X)
    assert found.best.formula == "x1*x2"
    assert found.best.first > 0.95
    assert found.best.output.low > 0.9
    assert len(found.units) == 4
    assert {unit.unit for unit in found.units} == {"h2.1", "h2.2", "h2.3", "h2.4"}
    assert "Single units above the first layer" in str(found)


def test_odd_networks_are_told_to_span_nothing_even():
    network = Network.create([2, 8, 1], "tanh", bias=False, seed=0)
    found = gn.name_features(network, np.random.default_rng(0).normal(size=(400, 2)), ROUND)
    assert of(found, ROUND).layers[0].high < 0.2
    assert not any(block.kind == "good" for block in found.page() if isinstance(block, Verdict))


def test_a_layer_of_random_weights_that_does_as_well_is_told(circles):
    settings = {"learning_rate_init": 0.001, "max_iter": 20, "random_state": 0}  # so that the last layer learns most
    wide = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(128,), **settings).fit(circles, target="label")
    found = gn.name_features(wide, circles)
    assert found.best.untrained[0] > 0.95
    assert "is no sign of training" in " ".join(str(found).split())


def test_what_raw_features_give_is_not_called_learned(penguins_model, penguins):
    found = gn.name_features(penguins_model, penguins)
    assert found.linear > 0.8
    assert not any(block.kind == "good" for block in found.page() if isinstance(block, Verdict))


def test_columns_are_named_in_their_own_units(penguins_model, penguins):
    found = gn.name_features(penguins_model, penguins, "bill_length_mm / bill_depth_mm")
    assert of(found, "bill_length_mm / bill_depth_mm").raw > 0.9  # near a line, and shown all the same
    assert any("(body_mass_g - 4200)" in feature.formula for feature in found.features)
    table = penguins.frame.rename({"bill_length_mm": "bill length"})
    model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(4,), max_iter=60, random_state=0)
    model.fit(table, target="species")
    assert gn.name_features(model, table, "`bill length`**2").n_candidates > 10


def test_same_seed_same_numbers_and_many_rows_are_thinned(rings):
    model, X = rings
    many = np.tile(X, (6, 1)) + np.random.default_rng(0).normal(scale=0.01, size=(6 * len(X), 2))
    first, second = (gn.name_features(model, many, random_state=1) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert first.n == 2000


def test_every_form_of_the_result_can_be_made(named):
    content = json.loads(named.to_json())
    assert content["features"][0]["output"]["low"] == named.best.output.low
    assert len(content["features"]) == len(named.features) == 8
    assert named._repr_html_().startswith("<div")
    assert named.plot().get_legend() is not None


@pytest.mark.parametrize(
    ("candidates", "error", "message"),
    [
        ("x1*x3", UnknownNameError, "x3"),
        ("x1 - x1", InputError, "is the same number on every row"),
        ("sqrt(x1)", InputError, "no finite number on"),
    ],
)
def test_formulas_that_cannot_be_looked_for_are_told(rings, candidates, error, message):
    with pytest.raises(error, match=message):
        gn.name_features(*rings, candidates)


@pytest.mark.filterwarnings("ignore:The network is no better:glassnet.errors.TrainingWarning")
def test_a_table_of_categories_alone_has_no_formulas():
    table = {"kind": ["a", "b", "c"] * 10, "y": [0, 1, 1] * 10}
    model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(2,), max_iter=30, random_state=0)
    model.fit(table, target="y")
    with pytest.raises(InputError, match="No column holds numbers"):
        gn.name_features(model, table)
    with pytest.raises(InputError, match="No column of numbers varies"):
        gn.name_features(Network.create([2, 3, 1]), np.ones((20, 2)))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 4), st.floats(-1e4, 1e4), st.floats(1e-3, 1e3))
def test_every_usual_formula_can_be_read_and_means_what_it_says(seed, d, mean, spread):
    rng = np.random.default_rng(seed)
    columns = {f"column {j}": mean + spread * rng.normal(size=30) for j in range(d)}
    formulas = usual_formulas(columns)
    for text in formulas:
        Formula.parse(text, tuple(columns))
    kept, g = values(formulas, columns, keep=0)
    assert g.shape == (30, len(kept))
    assert np.isfinite(g).all()
    again = Formula.parse(kept[0], tuple(columns))(np.column_stack([*columns.values()]))
    np.testing.assert_array_equal(again, g[:, 0])


def test_squares_are_taken_about_the_middle_of_a_column():
    mass = np.random.default_rng(0).normal(4000, 800, size=200)
    square = Formula.parse(usual_formulas({"mass": mass})[0], ["mass"])(mass)
    assert abs(np.corrcoef(square, mass)[0, 1]) < 0.5  # mass**2 itself has 0.99


def run(*arguments):
    """The command, as the terminal calls it."""
    group = Commands(commands=[command])
    return CliRunner().invoke(group, ["name-features", *map(str, arguments)], prog_name="glassnet")


def test_the_command_takes_tables_with_and_without_the_target(tmp_path, monkeypatch, rings, circles, circles_model):
    monkeypatch.chdir(tmp_path)
    gn.save(circles_model, "table.safetensors")
    gn.save(rings[0], "array.safetensors")
    circles.frame.write_csv("with.csv")
    circles.without("label").frame.write_csv("without.csv")
    for model in ("table", "array"):
        told = [
            json.loads(run(f"{model}.safetensors", f"{rows}.csv", "--candidate", ROUND, "--format", "json").stdout)
            for rows in ("with", "without")
        ]
        assert told[0] == told[1]
        assert any(feature["formula"] == ROUND for feature in told[0]["features"])
    assert "--candidate" in run("--help").output
