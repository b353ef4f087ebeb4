"""Columns of hundreds of values, and counts, from the table to the prediction and its reasons."""

import warnings

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.table import Table
from glassnet.errors import DataWarning
from glassnet.estimators.boosting import boosted
from glassnet.explanation.samples import subject_variables, table_variables
from glassnet.explanation.subject import Subject
from glassnet.nn import SquaredError

VALUES, TIMES = 300, 8


@pytest.fixture(scope="module")
def towns():
    """A table in which nothing but the town tells y, with a few towns that come once."""
    rng = np.random.default_rng(0)
    effect = rng.permutation(np.linspace(-2, 2, VALUES))
    codes = rng.permutation(np.repeat(np.arange(VALUES), TIMES))
    names, y = [f"t{code}" for code in codes], effect[codes]
    return {"town": [*names, *(f"once{i}" for i in range(9))], "y": [*y.tolist(), *[0.0] * 9]}


@pytest.fixture(scope="module")
def model(towns):
    """A regressor, in two views."""
    return gn.TableRegressor(quality="fast", target_transform="none", random_state=0).fit(towns, target="y")


def test_hundreds_of_values_are_told_apart(model, towns):
    assert len(model.preprocessor_.columns[0].values) == VALUES
    assert len(model.pieces_.columns[0].values) == 100
    # Whoever knows the 100 most frequent alone leaves two thirds of the variance.
    assert model.score(towns) > 0.8


def test_an_unknown_value_counts_as_a_rare_one_without_a_warning(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        rare, unknown, known = model.predict({"town": ["once3", "nowhere", "t1"]})
    assert rare == unknown != known


def test_what_follows_a_fit_takes_hundreds_of_values(model, towns, tmp_path):
    few = {name: cells[:12] for name, cells in towns.items()}
    said = model.predict(few)
    low, high = model.predict_interval(few).T
    assert ((low <= said) & (said <= high)).all()
    gn.save(model, tmp_path / "towns.safetensors")
    np.testing.assert_array_equal(gn.load(tmp_path / "towns.safetensors").predict(few), said)

    parts = gn.attribute(model, few)
    np.testing.assert_allclose(parts.values.sum(axis=1), parts.y - parts.y0, atol=1e-2)
    assert gn.permutation_importance(model, few, few["y"], n_repeats=1).columns == ("town",)
    changed = gn.what_if(model, {"town": "t1"}, town=["t2", "nowhere"])
    np.testing.assert_allclose(changed.after, model.predict({"town": ["t2", "nowhere"]}), rtol=1e-5)


def test_boosting_is_compared_where_it_cannot_tell_all_values_apart(model, towns):
    table = Table.read(towns)
    said = boosted(model.preprocessor_.columns, table, np.array(towns["y"]), table, loss=SquaredError())
    assert np.isfinite(said).all()


@pytest.fixture(scope="module")
def visits():
    """A table with a count, and its model."""
    rng = np.random.default_rng(0)
    n = rng.poisson(12, 400)
    y = np.log1p(n) + 0.1 * rng.normal(size=400)
    table = {"visits": n.tolist(), "weight": rng.normal(size=400).tolist(), "y": y.tolist()}
    return gn.TableRegressor(quality="fast", target_transform="none", random_state=0).fit(table, target="y"), table


def test_explanations_speak_of_a_count_in_its_own_unit(visits):
    model, table = visits
    assert model.preprocessor_.columns[0].kind == "count"
    subject = Subject.of(model)
    x = subject.prepare(table)
    for found in (subject_variables(subject, x), table_variables(model.preprocessor_, x)):
        np.testing.assert_allclose(found["visits"], table["visits"], atol=1e-5)


def test_the_curve_of_a_count_stands_at_whole_numbers(visits):
    model, table = visits
    wide = {"visits": [*range(60), *table["visits"]], "weight": [*[0.0] * 60, *table["weight"]]}
    cells = gn.partial_dependence(model, wide, "visits").values
    assert all(cell == round(cell) for cell in cells)
    assert len(set(cells)) == len(cells) > 5


def test_a_count_far_from_training_is_told(visits):
    model, _ = visits
    with pytest.warns(gn.errors.RangeWarning, match="visits = 400"):
        model.predict({"visits": [400], "weight": [0.0]})
