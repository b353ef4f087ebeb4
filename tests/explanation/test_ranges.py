"""Rows outside of the training range are found, with how far out, and the tail of a network is what is said of it."""

import json
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError, RangeWarning
from glassnet.explanation.ranges import FAR_OUT, tail
from glassnet.nn import ACTIVATIONS, Network


def one_row(penguins, **cells):
    return {**penguins.frame.row(0, named=True), **cells}


def test_the_rows_of_the_training_lie_within(penguins_model, penguins):
    found = gn.check_range(penguins_model, penguins)
    assert not found.outside.any()
    assert found.cells == ()
    assert "within the training range" in str(found)


def test_a_quantity_beyond_the_range_is_told_in_widths_of_the_range(penguins_model, penguins):
    low, high = penguins["body_mass_g"].min(), penguins["body_mass_g"].max()
    found = gn.check_range(penguins_model, one_row(penguins, body_mass_g=high + 0.5 * (high - low)))
    assert [(cell.column, cell.beyond) for cell in found.cells] == [("body_mass_g", 0.5)]
    below = gn.check_range(penguins_model, one_row(penguins, body_mass_g=low - 2 * (high - low)))
    assert below.cells[0].beyond == pytest.approx(2)
    assert found.farther.shape == (1, 3, 3)


def test_an_unknown_category_has_no_distance(penguins_model, penguins):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = gn.check_range(penguins_model, one_row(penguins, island="Mars"))
    assert [(cell.column, cell.value, cell.beyond) for cell in found.cells] == [("island", "Mars", None)]
    assert len(found.rows) == 0


def test_scores_at_the_edge_are_those_of_the_row_brought_back(penguins_model, penguins):
    high = penguins["body_mass_g"].max()
    found = gn.check_range(penguins_model, one_row(penguins, body_mass_g=2 * high))
    at_edge = gn.attribute(penguins_model, one_row(penguins, body_mass_g=high), output=0).y
    assert found.at_edge[0, 0] == pytest.approx(at_edge[0], abs=1e-6)


@given(x=st.lists(st.floats(-10, 10), min_size=1, max_size=20), ends=st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
@settings(deadline=None)
def test_rows_of_arrays_are_outside_exactly_where_they_leave_the_interval(x, ends):
    network = Network.create([1, 3, 1], seed=0)
    found = gn.check_range(network, np.array(x)[:, None], X=np.array(ends)[:, None])
    assert found.outside.tolist() == [not min(ends) <= value <= max(ends) for value in x]


def test_training_rows_are_needed_for_arrays_and_refused_for_tables(penguins_model, penguins):
    with pytest.raises(InputError, match="X is missing"):
        gn.check_range(Network.create([1, 2, 1]), [[1.0]])
    with pytest.raises(InputError, match="leave X out"):
        gn.check_range(penguins_model, penguins, X=penguins)


def test_an_mlp_keeps_the_range_of_all_that_it_was_fitted_on_in_files_too(tmp_path):
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0, 1, (40, 2)), rng.uniform(2, 3, (40, 2))
    model = gn.MLPRegressor((3,), max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge
        model.fit(first, first[:, 0])
        kept = model.feature_range_
        assert np.array_equal(kept, [first.min(axis=0), first.max(axis=0)])
        model.partial_fit(second, second[:, 0])
    both = np.vstack([first, second])
    assert np.array_equal(model.feature_range_, [both.min(axis=0), both.max(axis=0)])
    gn.save(model, tmp_path / "m.safetensors")
    again = gn.load(tmp_path / "m.safetensors")
    assert gn.check_range(again, [[0.5, 0.5], [0.5, 9.0]]).outside.tolist() == [False, True]


def test_predictions_far_outside_of_the_training_range_come_with_a_warning(mass_model, penguins):
    row = penguins.take([0]).frame
    at = {factor: row.with_columns(pl.lit(59.6 + factor * 27.5).alias("bill_length_mm")) for factor in (0.05, 0.2)}
    mass_model.predict(at[0.05])
    with pytest.warns(RangeWarning, match=r"1 of 1 rows lies far .*bill_length_mm = 65.1 \(32.1 to 59.6\)"):
        mass_model.predict(at[0.2])


def test_every_activation_has_a_tail():
    assert FAR_OUT.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("skip", [False, True])
def test_a_tail_is_what_is_said_of_it(activation, skip):
    network = Network.create([1, 5, 4, 1], activation=activation, skip=skip, seed=3)
    if skip:
        network.skip[:] = 0.7
    far = np.array([[1e4], [2e4], [4e4]])
    y = network.forward(far)[0][:, 0]
    near, farther = np.abs(np.diff(y))  # over 10,000 and over 20,000
    kind = tail(network)
    if kind == "flat":
        assert max(near, farther) < 1e-6
    elif kind == "waves":
        assert np.abs(y).max() <= np.abs(network.layers[-1].w).sum() + np.abs(network.layers[-1].b).sum()
    elif kind == "linear":
        assert farther == pytest.approx(2 * near, rel=1e-2, abs=10)
    else:
        assert farther > 3 * near


def test_a_tail_of_several_kinds_is_that_of_the_strongest_that_passes():
    assert tail(Network.create([1, 2, 2, 1], ["tanh", "relu"])) == "flat"
    assert tail(Network.create([1, 2, 2, 1], ["sine", "tanh"])) == "waves"
    assert tail(Network.create([1, 2, 2, 1], ["tanh", "sine"])) == "flat"
    assert tail(Network.create([1, 2, 2, 1], ["square", "tanh"])) == "flat"
    assert tail(Network.create([1, 2, 1], [(np.abs, np.sign)])) == "unknown"
    assert tail(Network.create([1, 1], [])) == "linear"


def test_the_result_is_a_page_html_json_and_a_picture(penguins_model, penguins):
    found = gn.check_range(penguins_model, one_row(penguins, body_mass_g=1e5))
    assert "outside" in str(found)
    assert found._repr_html_().startswith("<div")
    assert json.loads(found.to_json())["outside"] == [True]
    assert found.plot().get_ylabel()
