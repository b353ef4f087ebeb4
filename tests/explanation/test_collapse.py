"""A collapsed network is the network: everywhere where it is linear, around a row as far as the nearest hinge."""

import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import glassnet as gn
from glassnet.cli.collapse import collapse as command
from glassnet.errors import InputError, ShapeError
from glassnet.nn import Network, NumpyEngine

PIECEWISE = ("relu", "leaky_relu", "identity")


def random_network(seed, activations, skip=False, bias=True, k=None, d=None):
    rng = np.random.default_rng(seed)
    d, k = d or int(rng.integers(1, 5)), k or int(rng.integers(1, 4))
    sizes = [d, *rng.integers(1, 9, size=len(activations)).tolist(), k]
    network = Network.create(sizes, list(activations), skip=skip, bias=bias, seed=seed)
    for layer in network.layers:
        if layer.b is not None:
            layer.b += rng.normal(size=layer.b.shape)
    if network.skip is not None:
        network.skip += rng.normal(size=network.skip.shape)
    return network, rng


networks = {
    "seed": st.integers(0, 10_000),
    "skip": st.booleans(),
    "bias": st.booleans(),
}


@given(depth=st.integers(0, 4), **networks)
@settings(deadline=None, max_examples=60)
def test_a_linear_network_is_one_map_to_rounding(depth, seed, skip, bias):
    network, rng = random_network(seed, ["identity"] * depth, skip, bias)
    rows = rng.normal(size=(50, network.architecture.sizes[0]))

    whole = gn.collapse(network, rows=rows)

    y = network.forward(rows)[0]
    assert whole.w.shape == (rows.shape[1], y.shape[1])
    assert whole.b.shape == (y.shape[1],)
    assert_allclose(rows @ whole.w + whole.b, y, rtol=1e-10, atol=1e-10 * (1 + np.abs(y).max()))
    assert whole.difference <= 1e-10 * (1 + whole.largest)
    assert whole.rank <= whole.rank_bound


def test_a_narrow_layer_bounds_the_rank_and_a_skip_path_lifts_the_bound():
    narrow = Network.create([6, 2, 5], activation="identity", seed=1)
    assert (gn.collapse(narrow).rank, gn.collapse(narrow).rank_bound) == (2, 2)
    beside = Network.create([6, 2, 5], activation="identity", skip=True, seed=1)
    assert gn.collapse(beside).rank_bound == 5


@given(
    activations=st.lists(st.sampled_from(PIECEWISE), min_size=1, max_size=3),
    share=st.floats(0, 0.999),
    **networks,
)
@settings(deadline=None, max_examples=80)
def test_a_local_map_holds_within_its_distance_in_every_direction(activations, share, seed, skip, bias):
    network, rng = random_network(seed, activations, skip, bias)
    x = rng.normal(size=network.architecture.sizes[0])

    here = gn.collapse(network, at=x)

    reach = min(here.distance, 100.0)
    directions = rng.normal(size=(200, len(x)))
    rows = x + share * reach * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    y = network.forward(rows)[0]
    assert here.exact
    assert_allclose(rows @ here.w + here.b, y, rtol=1e-9, atol=1e-9 * (1 + np.abs(y).max()))


@given(activations=st.lists(st.sampled_from(PIECEWISE), min_size=1, max_size=3), **networks)
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.filter_too_much])
def test_past_the_nearest_hinge_the_network_leaves_the_map_by_the_change_that_is_told(activations, seed, skip, bias):
    network, rng = random_network(seed, activations, skip, bias)
    x = rng.normal(size=network.architecture.sizes[0])
    here = gn.collapse(network, at=x)
    assume(here.nearest is not None)
    near = here.nearest

    assert_allclose(np.linalg.norm(near.point - x), near.distance, rtol=1e-9)
    z = network.forward(near.point[None, :])[1][near.layer].z[0, near.unit]
    assert abs(z) < 1e-9 * (1 + np.abs(near.point).max()) * (1 + np.abs(network.parameters).max()) ** 3

    others = np.sort(np.concatenate(here.distances))
    assume(others.size == 1 or others[1] - others[0] > 1e-3)  # two hinges in one place change it twice
    past = 1e-6
    row = near.point + past * (near.point - x) / near.distance
    left = network.forward(row[None, :])[0][0] - (row @ here.w + here.b)
    assert_allclose(left / past, near.change, rtol=1e-4, atol=1e-4 * (1 + np.abs(near.change).max()))


def test_the_distance_to_a_hinge_is_exact():
    network = Network.create([2, 1, 1], activation="relu", seed=0)
    network.layers[0].w[:, 0], network.layers[0].b[:] = [3, 4], [-10]  # 3x₁ + 4x₂ = 10 is 2 from the origin

    here = gn.collapse(network, at=[0.0, 0.0])

    assert here.distance == 2
    assert here.active[0].tolist() == [False]
    assert_allclose(here.nearest.point, [1.2, 1.6])
    assert_allclose(here.nearest.change, 5 * network.layers[1].w[0])


def test_a_row_on_the_hinge_has_distance_0_and_relu_counts_as_off():
    network = Network.create([1, 1, 1], activation="relu", bias=False, seed=0)
    here = gn.collapse(network, at=[0.0])
    assert (here.distance, here.w.tolist(), here.active[0].tolist()) == (0, [[0]], [False])


def test_a_step_is_flat_on_both_sides_of_its_jump():
    network = Network.create([1, 1, 1], activation="step", seed=0)
    network.layers[0].w[:], network.layers[0].b[:] = 2, -1
    here = gn.collapse(network, at=[0.0])
    v = network.layers[1].w[0]
    assert here.distance == 0.5
    assert_allclose(here.nearest.change, v)
    assert_allclose(network.forward([[0.51]])[0][0] - here.b, v)


@pytest.mark.parametrize("activation", ["tanh", "silu", ["relu", "gelu"], (lambda z: 2 * z, lambda z: 2 + 0 * z)])
def test_for_what_bends_the_map_is_the_jacobian_and_says_so(activation):
    activations = activation if isinstance(activation, list) else [activation, activation]
    network = Network.create([3, 4, 5, 2], activations, skip=True, seed=2)
    x = np.array([0.3, -0.2, 0.9])

    here = gn.collapse(network, at=x)

    assert not here.exact
    assert here.distance == 0
    assert here.nearest is None
    assert_allclose(here.w, NumpyEngine().jacobian(network, x[None, :], wrt="inputs")[0].T)
    assert_allclose(x @ here.w + here.b, here.y)
    assert "tangent" in str(here)


def test_in_the_columns_of_a_table_the_map_predicts_what_the_model_does(penguins):
    model = gn.TableRegressor(n_estimators=1, hidden_layer_sizes=(6,), activation="relu", max_iter=20, random_state=0)
    known = penguins.take(np.flatnonzero(penguins["body_mass_g"].is_not_null().to_numpy()))
    model.fit(known, target="body_mass_g")
    row = known.take([7])

    own = gn.collapse(model, at=row).own

    cells = {name: float(row[name][0]) for name in own.slopes}
    predicted = own.constant + sum(slope * cells[name] for name, slope in own.slopes.items())
    assert_allclose(predicted, model.predict(row), rtol=1e-5)
    assert set(own.others) == {"species", "island", "sex"}
    assert "not affine" in str(gn.collapse(model, at=row))


@given(
    activations=st.lists(st.sampled_from(("identity", "identity", "tanh", "relu")), min_size=1, max_size=5),
    **networks,
)
@settings(deadline=None, max_examples=60)
def test_a_simplified_network_says_the_same_with_no_more_weights(activations, seed, skip, bias):
    network, rng = random_network(seed, activations, skip, bias)
    rows = rng.normal(size=(40, network.architecture.sizes[0]))

    small = gn.simplify(network, rows=rows)

    assert_allclose(small.network.forward(rows)[0], network.forward(rows)[0], rtol=1e-9, atol=1e-9)
    assert small.after == small.network.parameters.size <= small.before == network.parameters.size
    assert sorted([*small.folded, *small.kept]) == [i for i, name in enumerate(activations) if name == "identity"]


def test_a_bottleneck_stays_since_without_it_there_would_be_more_weights():
    small = gn.simplify(Network.create([50, 2, 50, 1], activation=["identity", "tanh"], seed=0))
    assert (small.folded, small.kept) == ((), (0,))
    assert "narrow" in str(small)


def test_simplifying_keeps_the_dtype():
    network = Network.create([3, 5, 2], activation="identity", dtype=np.float32)
    assert gn.simplify(network).network.layers[0].w.dtype == np.float32


def test_what_cannot_be_collapsed_is_told():
    network = Network.create([2, 3, 1], activation="tanh")
    with pytest.raises(InputError, match=r"tanh.*collapse\(model, at=row\)"):
        gn.collapse(network)
    with pytest.raises(ShapeError, match="2 rows"):
        gn.collapse(network, at=np.ones((2, 2)))
    with pytest.raises(InputError, match="Both at and rows"):
        gn.collapse(network, at=[1.0, 2.0], rows=np.ones((2, 2)))


def test_every_result_is_a_page_html_json_and_a_picture(penguins_model, penguins):
    linear = Network.create([2, 3, 1], activation="identity")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = [
            gn.collapse(linear),
            gn.simplify(linear),
            gn.collapse(Network.create([2, 3, 2], "relu"), at=[1.0, 2.0]),
            gn.collapse(penguins_model, at=penguins.take([0])),
        ]
    for result in results:
        assert str(result)
        assert result._repr_html_().startswith("<div")
        assert json.loads(result.to_json())
        assert result.plot().get_xlabel()


def test_the_command_shows_the_map_around_a_row_and_of_a_linear_model(tmp_path, circles):
    model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(4,), activation="relu", max_iter=5, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(circles, target="label")
    gn.save(model, tmp_path / "m.safetensors")
    gn.save(Network.create([2, 3, 1], activation="identity"), tmp_path / "n.safetensors")
    circles.frame.write_csv(tmp_path / "c.csv")

    def run(*words):
        result = CliRunner().invoke(command, [str(word) for word in words])
        assert not result.exception, result.output
        return result.output

    shown = json.loads(run(tmp_path / "m.safetensors", tmp_path / "c.csv", "--row", 3, "--format", "json"))
    assert_allclose(shown["w"], gn.collapse(model, at=circles.take([3])).w)
    assert "linear layers are one" in run(tmp_path / "n.safetensors")
    assert "13 parameters became 3" in run(tmp_path / "n.safetensors", "--simplify")
