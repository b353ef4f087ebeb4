"""probe: one linear model on raw and learned features, scored on rows it did not see; separability is proved."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.datasets import make_circles

import glassnet as gn
from glassnet.cli.app import Commands
from glassnet.cli.probe import probe as command
from glassnet.errors import InputError, ShapeError, UnknownNameError
from glassnet.explanation.samples import accuracy_interval, interval, paired_interval
from glassnet.explanation.separation import linear_separation
from glassnet.nn import Network

ROUND = "x1**2 + x2**2"


@pytest.fixture(scope="module")
def rings():
    """make_circles, a network that learned half of it, and the other half."""
    X, y = make_circles(600, noise=0.1, factor=0.5, random_state=0)
    model = gn.MLPClassifier((8,), "tanh", solver="lbfgs", max_iter=1000, alpha=0.01, random_state=0)
    return model.fit(X[:300], y[:300]), X[300:], y[300:]


def test_on_the_circles_raw_features_are_chance_and_learned_ones_nearly_all_right(rings):
    found = gn.probe(*rings, engineered=ROUND)
    assert 0.4 < found.raw < 0.6
    assert found.hidden > 0.97
    assert found.engineered > 0.97
    assert found.layers == (found.hidden,)
    assert found.gain[1] > 0.4
    assert found.chance == pytest.approx(max(np.mean(rings[2]), 1 - np.mean(rings[2])))
    assert "serves the linear model better" in str(found)


def test_a_line_cannot_part_the_circles_and_a_plane_in_the_square_can(circles):
    x, y = circles.without("label").frame.to_numpy(), circles["label"].to_list()
    model = gn.MLPClassifier((8,), "tanh", solver="lbfgs", max_iter=1000, random_state=0).fit(x, y)
    raw, engineered, hidden = gn.probe(model, x, y, engineered=ROUND).sets
    assert raw.separation.separable is False
    assert raw.separation.bound < 1e-9
    for found in (engineered, hidden):
        assert found.separation.separable is True
        assert found.separation.margin > 0.05


def test_the_scores_are_those_of_scikit_learn_on_the_same_folds(rings):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model, X, y = rings
    found = gn.probe(model, X, y, folds=4, random_state=3)
    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    assert_allclose(found.sets[0].scores, cross_val_score(linear, X, y, cv=folds))
    assert_allclose(found.sets[1].scores, cross_val_score(linear, model.transform(X), y, cv=folds))
    assert found.raw == pytest.approx(np.mean(found.sets[0].scores))


def test_refit_hides_the_rows_from_the_network_too():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 4)), rng.integers(0, 2, 120)  # nothing to learn, all to remember
    model = gn.MLPClassifier((40,), "tanh", solver="lbfgs", alpha=0.0, max_iter=500, random_state=0).fit(X, y)
    remembered = gn.probe(model, X, y)
    assert remembered.hidden > 0.9
    assert "only if the network was not trained on these" in " ".join(str(remembered).split())
    refitted = gn.probe(model, X, y, refit=True)
    assert refitted.hidden < 0.7
    assert "the network was trained anew on the other rows" in " ".join(str(refitted).split())


def test_a_model_of_tables_finds_its_target_and_names_its_layers(penguins_model, penguins):
    found = gn.probe(penguins_model, penguins, engineered="bill_length_mm / bill_depth_mm")
    again = gn.probe(penguins_model, penguins.without("species"), penguins["species"])
    assert [one.name for one in found.sets] == [
        *("raw", "raw and bill_length_mm / bill_depth_mm", "hidden layer 1", "hidden layer 2"),
    ]  # fmt: skip
    assert found.layers == again.layers
    assert len(found.layers) == 2
    assert found.hidden == found.layers[-1]
    assert again.engineered is None


def test_refit_trains_models_of_tables_on_the_table(circles_model, circles):
    found = gn.probe(circles_model, circles, folds=3, refit=True)
    assert found.hidden > 0.9
    assert found.raw == gn.probe(circles_model, circles, folds=3).raw


def test_quantities_are_scored_by_r2_and_have_no_separation(mass_model, penguins):
    known = penguins.take(np.flatnonzero(penguins["body_mass_g"].is_not_null().to_numpy()))
    found = gn.probe(mass_model, known)
    assert found.metric == "r2"
    assert found.chance == 0
    assert 0.7 < found.raw < 1
    assert found.sets[0].separation is None
    assert "separable" not in str(found)


def test_a_bare_network_takes_labels_or_quantities(rings):
    model, X, y = rings
    bare, fitted = gn.probe(model.network_, X, y), gn.probe(model, X, y)
    assert [one.scores for one in bare.sets] == [one.scores for one in fitted.sets]
    assert gn.probe(model.network_, X, np.where(y == 1, "in", "out")).metric == "accuracy"
    assert gn.probe(model.network_, X, X[:, 0] ** 2).metric == "r2"
    several = gn.probe(model.network_, X, X**2)
    assert several.raw < 0.1 < several.hidden


def test_without_a_hidden_layer_there_is_nothing_learned_to_probe(rings):
    found = gn.probe(Network.create([2, 1]), *rings[1:])
    assert found.hidden is None
    assert found.layers == ()
    assert found.gain is None
    assert "no hidden layer" in str(found)


def test_every_form_of_the_result_can_be_made(rings):
    found = gn.probe(*rings, engineered=[ROUND, "x1*x2"])
    content = json.loads(found.to_json())
    assert content["hidden"] == found.hidden
    assert content["sets"][0]["separation"]["separable"] is False
    assert "hidden layer 1" in found._repr_html_()
    assert len(found.plot().patches) == 3
    assert repr(found).startswith("<Probe:")


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"y": None}, InputError, "y is missing"),
        ({"y": [0, 1]}, ShapeError, "X has 300 rows and y has shape"),
        ({"folds": 1}, InputError, "2 folds or more"),
        ({"y": np.arange(300) == 0}, InputError, "a class with a single row"),
        ({"y": np.zeros((300, 2), int)}, InputError, "one label a row"),
        ({"engineered": "x1*x9"}, UnknownNameError, "x9"),
        ({"engineered": "log(x1)"}, InputError, "no finite number on"),
    ],
)
def test_what_cannot_be_probed_is_told(rings, changes, error, message):
    given_ = {"y": rings[2]} | changes
    with pytest.raises(error, match=message):
        gn.probe(rings[0], rings[1], **given_)


def test_a_bare_network_cannot_be_refitted(rings):
    with pytest.raises(InputError, match="does not say how it was trained"):
        gn.probe(rings[0].network_, *rings[1:], refit=True)


def test_weights_that_ran_away_are_told():
    network = Network.create([2, 3, 1])
    network.layers[0].w[0, 0] = np.nan
    with pytest.raises(InputError, match="'hidden layer 1' are not all finite"):
        gn.probe(network, np.eye(2).repeat(5, axis=0), np.arange(10) % 2)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=12))
def test_on_a_line_separable_means_that_one_class_lies_before_the_other(rows):
    x, codes = np.array([float(place) for place, _ in rows]), np.array([int(label) for _, label in rows])
    if len(set(codes)) < 2:
        return
    first, second = x[codes == 0], x[codes == 1]
    parted = bool(first.max() < second.min() or second.max() < first.min())
    found = linear_separation(x[:, None], codes)
    assert found.separable is parted
    if parted:
        gap = max(second.min() - first.max(), first.min() - second.max())
        assert found.margin == pytest.approx(gap / 2 / x.std())


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(2, 4))
def test_classes_named_by_the_greatest_of_linear_scores_are_found_separable_until_one_row_lies(seed, d, k):
    rng = np.random.default_rng(seed)
    x, w, c = rng.normal(size=(60, d)), rng.normal(size=(d, k)), rng.normal(size=k)
    scores = np.sort(x @ w + c, axis=1)
    clear = scores[:, -1] - scores[:, -2] > 1e-3
    x = x[clear]
    codes = np.unique((x @ w + c).argmax(axis=1), return_inverse=True)[1]
    if codes.max() == 0:
        return
    found = linear_separation(x, codes)
    assert found.separable is True
    assert found.margin > 0
    lie = linear_separation(np.vstack([x, x[:1]]), np.append(codes, (codes[0] + 1) % (codes.max() + 1)))
    assert lie.separable is False
    assert lie.bound < 1e-9


def test_the_margin_is_the_widest_between_two_classes():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.repeat([-1.0, 1.0], 20), rng.uniform(-1, 1, 40)])
    assert linear_separation(x, np.repeat([0, 1], 20)).margin == pytest.approx(1 / x[:, 0].std(), rel=1e-3)


def test_columns_that_do_not_vary_part_nothing():
    assert linear_separation(np.ones((4, 2)), np.array([0, 1, 0, 1])).separable is False


def test_too_much_to_prove_is_undecided_and_says_so(monkeypatch):
    monkeypatch.setattr("glassnet.explanation.separation.LARGEST_PROGRAMME", 3)
    found = linear_separation(np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 0]))
    assert found.separable is None
    assert "linear programme" in found.reason


@given(st.integers(1, 500), st.floats(0, 1))
def test_intervals_of_accuracy_hold_it_and_stay_within_0_and_1(n, share):
    hits = (np.arange(n) < round(share * n)).astype(float)
    mean, low, high = accuracy_interval(hits)
    assert -1e-12 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1 + 1e-12


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(0)
    kinds = {
        "interval": (interval, lambda: rng.exponential(size=60), 1.0),
        "accuracy": (accuracy_interval, lambda: (rng.uniform(size=40) < 0.95).astype(float), 0.95),
        "paired": (paired_interval, lambda: rng.choice([-1.0, 0.0, 1.0], p=[0.02, 0.95, 0.03], size=200), 0.01),
    }
    for name, (of, draw, truth) in kinds.items():
        ends = [of(draw())[1:] for _ in range(2000)]
        assert np.mean([low <= truth <= high for low, high in ends]) > 0.915, name


def run(*arguments):
    """The command, as the terminal calls it."""
    group = Commands(commands=[command])
    return CliRunner().invoke(group, ["probe", *map(str, arguments)], prog_name="glassnet")


def test_the_command_prints_the_page_and_json(tmp_path, monkeypatch, circles_model, circles):
    monkeypatch.chdir(tmp_path)
    gn.save(circles_model, "m.safetensors")
    circles.frame.write_csv("circles.csv")
    page = run("m.safetensors", "circles.csv", "--engineered", ROUND)
    assert page.exit_code == 0, page.output
    assert f"raw and {ROUND}" in page.stdout
    told = json.loads(run("m.safetensors", "circles.csv", "--folds", 3, "--refit", "--format", "json").stdout)
    assert (told["folds"], told["refit"]) == (3, True)
    wrong = run("m.safetensors", "circles.csv", "--engineered", "x1**")
    assert wrong.exit_code == 2
    assert "The formula ends" in wrong.output
    assert "--refit" in run("--help").output
