"""Attributions add up to the change of the output, and what scikit-learn measures is what it measures on the model."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn import inspection

import glassnet as gn
from glassnet.cli.attribute import attribute as command
from glassnet.errors import InputError, UnknownNameError
from glassnet.nn import ACTIVATIONS, Network

SMOOTH = [name for name, f in ACTIVATIONS.items() if f.trainable]  # of a step nothing is left to integrate


@given(
    seed=st.integers(0, 10_000),
    activations=st.lists(st.sampled_from(SMOOTH), min_size=0, max_size=3),
    skip=st.booleans(),
    size=st.floats(0.1, 3),
)
@settings(deadline=None, max_examples=60)
def test_attributions_add_up_to_the_change_of_the_output(seed, activations, skip, size):
    rng = np.random.default_rng(seed)
    network = Network.create([3, *rng.integers(1, 9, len(activations)).tolist(), 2], activations, skip=skip, seed=seed)
    for layer in network.layers:
        layer.b += rng.normal(size=layer.b.shape)
    rows, baseline = size * rng.normal(size=(4, 3)), rng.normal(size=3)

    parts = gn.attribute(network, rows, baseline=baseline, output=1)

    change = network.forward(rows)[0][:, 1] - network.forward(baseline[None, :])[0][0, 1]
    moved = np.abs(parts.values).sum(axis=1)
    assert_allclose(parts.y - parts.y0, change, atol=1e-12)
    assert (np.abs(parts.values.sum(axis=1) - change) <= 1e-5 * moved + 1e-12).all()
    assert_allclose(parts.gap, parts.values.sum(axis=1) - change, atol=1e-12)


def test_of_a_linear_network_each_part_is_weight_times_change():
    network = Network.create([4, 3, 1], activation="identity", seed=3)
    whole = gn.collapse(network)
    row, baseline = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.5, 0.5, 0.0, 1.0])
    parts = gn.attribute(network, row, baseline=baseline)
    assert_allclose(parts.values[0], whole.w[:, 0] * (row - baseline), rtol=1e-12)


def test_a_column_that_the_network_does_not_read_gets_nothing():
    network = Network.create([3, 8, 1], activation="relu", seed=0)
    network.layers[0].w[1] = 0
    assert (gn.attribute(network, np.random.default_rng(0).normal(size=(5, 3))).values[:, 1] == 0).all()


def test_columns_that_do_the_same_get_the_same():
    network = Network.create([2, 8, 1], activation="relu", seed=0)
    network.layers[0].w[1] = network.layers[0].w[0]
    parts = gn.attribute(network, [2.0, 2.0], baseline=[-1.0, -1.0])
    assert_allclose(parts.values[0, 0], parts.values[0, 1])


def test_a_path_through_one_kink_is_divided_exactly():
    network = Network.create([2, 1, 1], activation="relu", seed=0)
    network.layers[0].w[:, 0], network.layers[0].b[:] = [1, 2], [-1]  # on from s = ⅓ on the way to (1, 1)
    network.layers[1].w[:], network.layers[1].b[:] = 3, 0
    parts = gn.attribute(network, [1.0, 1.0], baseline=[0.0, 0.0])
    assert_allclose(parts.values[0], [3 * 2 / 3, 6 * 2 / 3], rtol=1e-6)


def test_the_features_of_a_column_are_added_up_in_the_target_s_units(mass_model, penguins):
    rows = penguins.take([0, 5, 100])
    parts = gn.attribute(mass_model, rows, baseline=penguins.take([1, 2, 4]))
    assert parts.columns == tuple(column.name for column in mass_model.preprocessor_.columns if column.kind != "ignore")
    assert_allclose(parts.y, mass_model.predict(rows), rtol=1e-5)
    assert_allclose(parts.values.sum(axis=1), parts.by_feature.sum(axis=1))
    assert parts.relative_gap < 1e-5
    assert "body_mass_g" in str(parts)


def test_the_predicted_class_is_explained_unless_another_is_named(penguins_model, penguins):
    rows = penguins.take([0, 340])
    assert gn.attribute(penguins_model, rows).outputs == tuple(penguins_model.predict(rows))
    assert gn.attribute(penguins_model, rows, output="Gentoo").outputs == ("Gentoo", "Gentoo")
    with pytest.raises(UnknownNameError, match="Gentoo"):
        gn.attribute(penguins_model, rows, output="Gento")
    with pytest.raises(InputError, match="3 outputs"):
        gn.attribute(penguins_model, rows, output=3)


def test_the_baseline_is_said():
    network = Network.create([2, 3, 1], seed=0)
    assert "origin" in gn.attribute(network, [1.0, 2.0]).baseline
    assert gn.attribute(network, np.eye(2)).baseline == "the mean of these 2 rows"
    assert_allclose(gn.attribute(network, np.eye(2)).x0, [0.5, 0.5])
    assert gn.attribute(network, [1.0, 2.0], baseline=[0.0, 1.0]).baseline == "the row given"


@pytest.fixture(scope="module")
def perceptron():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 3))
    y = np.sin(2 * x[:, 0]) + x[:, 1] ** 2
    return gn.MLPRegressor((12,), "tanh", solver="lbfgs", tol=1e-2, max_iter=2000, random_state=0).fit(x, y), x, y


def test_permutation_importance_is_scikit_learn_s_on_the_same_shuffles(perceptron):
    model, x, y = perceptron
    ours = gn.permutation_importance(model, x, y, scoring="r2", random_state=4)
    theirs = inspection.permutation_importance(model, x, y, scoring="r2", random_state=4)
    assert_allclose(ours.falls, theirs.importances, rtol=1e-6, atol=1e-9)
    assert_allclose(ours.score, model.score(x, y))
    assert ours.columns[int(ours.mean.argmin())] == "x3"


def test_without_a_scoring_the_loss_is_what_rises(perceptron):
    model, x, y = perceptron
    worth = gn.permutation_importance(model, x, y)
    assert_allclose(worth.score, -0.5 * np.mean((model.predict(x) - y) ** 2), rtol=1e-6)
    assert (worth.mean[:2] > 0.1).all()


def test_partial_dependence_is_scikit_learn_s_on_the_same_grid(perceptron):
    model, x, _ = perceptron
    ours = gn.partial_dependence(model, x, "x2")
    theirs = inspection.partial_dependence(model, x, [1], custom_values={1: np.array(ours.values)}, method="brute")
    assert_allclose(ours.average, theirs["average"], rtol=1e-6)
    assert (ours.low <= ours.high).all()


def test_a_category_is_shuffled_and_replaced_as_a_whole(penguins_model, penguins):
    worth = gn.permutation_importance(penguins_model, penguins, scoring="accuracy", n_repeats=2)
    assert "island" in worth.columns
    assert worth.falls.shape == (len(worth.columns), 2)
    curve = gn.partial_dependence(penguins_model, penguins, "island")
    assert set(curve.values) == {"Biscoe", "Dream", "Torgersen"}
    assert_allclose(curve.average.sum(axis=0), 1, rtol=1e-6)  # probabilities
    whole = penguins.frame.with_columns(island=penguins["island"].replace_strict(dict.fromkeys(curve.values, "Dream")))
    mean = penguins_model.predict_proba(whole).mean(axis=0)
    assert_allclose(curve.average[:, curve.values.index("Dream")], mean, rtol=1e-5)


def test_few_numbers_are_taken_as_they_are(penguins_model, penguins):
    assert gn.partial_dependence(penguins_model, penguins, "year").values == (2007, 2008, 2009)
    with pytest.raises(UnknownNameError, match="year"):
        gn.partial_dependence(penguins_model, penguins, "yaer")


def test_every_result_is_a_page_html_json_and_a_picture(penguins_model, penguins):
    results = [
        gn.attribute(penguins_model, penguins.take([0])),
        gn.attribute(penguins_model, penguins.take(list(range(8)))),
        gn.permutation_importance(penguins_model, penguins, n_repeats=2),
        gn.partial_dependence(penguins_model, penguins, "island"),
        gn.partial_dependence(penguins_model, penguins, "body_mass_g"),
    ]
    for result in results:
        assert str(result)
        assert result._repr_html_().startswith("<div")
        assert json.loads(result.to_json())
        assert result.plot().get_xlabel()


def test_the_command_explains_a_row_and_more(tmp_path, penguins_model, penguins):
    gn.save(penguins_model, tmp_path / "m.safetensors")
    penguins.frame.write_csv(tmp_path / "p.csv")

    def run(*words):
        paths = [str(tmp_path / "m.safetensors"), str(tmp_path / "p.csv")]
        return CliRunner().invoke(command, [*paths, *words])

    shown = json.loads(run("--row", "3", "--format", "json").output)
    assert_allclose(shown["values"], gn.attribute(penguins_model, penguins.take([3]), baseline=penguins).values)
    text = run("--importance", "--dependence", "island", "--ranges").output
    assert "What each column is worth" in text
    assert "How predictions go with island" in text
    assert "Within what training saw?" in text
    assert isinstance(run("--row", "3", "--ranges").exception, InputError)
    assert isinstance(run("--scoring", "r2").exception, InputError)
