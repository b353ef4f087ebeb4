"""A derivation equals automatic differentiation, is confirmed by central differences, and says where it cannot be."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.cli.app import cli
from glassnet.data.table import write_table
from glassnet.errors import InputError, ShapeError
from glassnet.explanation.central import CentralDifferences
from glassnet.explanation.derivation import derive
from glassnet.explanation.stepping import step
from glassnet.nn import LOSSES, CustomLoss, Huber, Network, Quantile
from glassnet.nn.activations import ACTIVATIONS, CustomActivation

jax.config.update("jax_enable_x64", True)

JAX_ACTIVATIONS = {
    "tanh": jnp.tanh,
    "logistic": jax.nn.sigmoid,
    "relu": jax.nn.relu,
    "square": lambda z: z * z,
}
JAX_LOSSES = {
    "squared_error": lambda y, t: ((y - t) ** 2).sum() / 2,
    "binary_cross_entropy": lambda y, t: (jnp.logaddexp(0, y) - t * y).sum(),
    "cross_entropy": lambda y, t: -(t * jax.nn.log_softmax(y)).sum(),
}
SIZES = ([2, 1], [2, 3, 2], [3, 2, 4, 1])


def problem(sizes, activation="tanh", bias=True, skip=False, n=1, seed=0, loss="squared_error"):
    """A network, rows and targets."""
    rng = np.random.default_rng(seed)
    network = Network.create(sizes, activation, bias=bias, skip=skip, seed=seed)
    if skip:
        network.skip[...] = rng.normal(size=network.skip.shape)
    k = sizes[-1] // LOSSES[loss].width if loss in LOSSES else sizes[-1]
    return network, rng.normal(size=(n, sizes[0])), rng.dirichlet(np.ones(k), size=n) if k > 1 else rng.random((n, 1))


def by_jax(network, loss, x, t):
    """dy, dz, dh, dw, db, dx, du: zeros that are added to y, z and h have their gradients."""
    fs = [JAX_ACTIVATIONS[layer.f.name] for layer in network.layers[:-1]]
    arrays = {
        "x": x,
        "w": [layer.w for layer in network.layers],
        "b": [jnp.zeros(layer.w.shape[1]) if layer.b is None else layer.b for layer in network.layers],
        "z": [jnp.zeros((len(x), layer.w.shape[1])) for layer in network.layers],
        "h": [jnp.zeros((len(x), layer.w.shape[1])) for layer in network.layers],
        "u": jnp.zeros((x.shape[1], t.shape[1])) if network.skip is None else network.skip,
    }

    def total(a):
        h = a["x"]
        for i, f in enumerate([*fs, lambda z: z]):
            z = h @ a["w"][i] + a["b"][i] + a["z"][i] + (a["x"] @ a["u"] if i == len(fs) else 0)
            h = f(z) + a["h"][i]
        return JAX_LOSSES[loss](h, t) / len(x)

    return jax.grad(total)(arrays)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(
    st.sampled_from(SIZES),
    st.sampled_from(sorted(JAX_ACTIVATIONS)),
    st.sampled_from(sorted(JAX_LOSSES)),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1, 3]),
    st.integers(0, 1000),
)
def test_every_gradient_is_that_of_automatic_differentiation(sizes, activation, loss, bias, skip, n, seed):
    network, x, t = problem(sizes, activation, bias, skip, n, seed)
    found = derive(network, x, t, loss=loss).to_dict()
    true = by_jax(network, loss, x, t)
    last = len(network.layers)
    for name in ("w", "z", "h"):
        for i in range(last):
            np.testing.assert_allclose(found[f"d{name}"][i], true[name][i], rtol=1e-9, atol=1e-12, err_msg=name)
    for i in range(last):
        assert (found["db"][i] is None) == (not bias)
        if bias:
            np.testing.assert_allclose(found["db"][i], true["b"][i], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["dx"], true["x"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found["dy"], true["z"][-1], rtol=1e-9, atol=1e-12)
    assert (found["du"] is None) == (not skip)
    if skip:
        np.testing.assert_allclose(found["du"], true["u"], rtol=1e-9, atol=1e-12)
    assert found["confirmed"]


@pytest.mark.parametrize("bias", [True, False], ids=["b", "no b"])
@pytest.mark.parametrize("skip", [True, False], ids=["u", "no u"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_central_differences_confirm_every_gradient_of_every_activation(activation, bias, skip):
    found = derive(*problem([3, 4, 5, 2], activation, bias, skip, n=2, seed=1))
    assert found.confirmed
    assert found.kinks == 0
    for name, distance in found.differences.items():
        assert distance is None or distance < 1e-7, name
    names = {name for name, _, _ in found.gradients()}
    assert {"dL/dy", "dL/dv", "dL/dh2", "dL/dz2", "dL/dw2", "dL/dh1", "dL/dz1", "dL/dw1", "dL/dx"} <= names
    assert ("dL/dc" in names, "dL/du" in names) == (bias, skip)


@pytest.mark.parametrize("loss", [*LOSSES.values(), Huber(0.1), Quantile(0.9)], ids=lambda loss: repr(loss))
def test_central_differences_confirm_every_gradient_of_every_loss(loss):
    network, x, t = problem([3, 4, 2], n=3, loss=loss.name)
    found = derive(network, x, t, loss=loss)
    assert found.confirmed
    assert all(distance is None or distance < 1e-7 for distance in found.differences.values())


def test_functions_of_the_users_own_are_derived_too():
    cube = CustomActivation(lambda z: z**3, lambda z: 3 * z**2)
    quartic = CustomLoss(lambda y, t: ((y - t) ** 4).sum(axis=1), lambda y, t: 4 * (y - t) ** 3)
    network, x, t = problem([2, 3, 1], cube, n=2)
    found = derive(network, x, t, loss=quartic, weight=(0, 1, 2))
    assert found.confirmed
    assert found.paths.total == pytest.approx(found.dw[0][1, 2], rel=1e-12)
    assert "your own function" in str(found)


def test_a_wrong_derivative_is_not_confirmed():
    class Wrong(type(ACTIVATIONS["tanh"])):
        def derivative(self, z, h):
            return 1.01 * (1 - h * h)

    network, x, t = problem([2, 3, 1], Wrong())
    found = derive(network, x, t)
    assert not found.confirmed
    assert "do not confirm" in str(found)
    assert found.layers[1].measured["dw"].confirmed  # above the fault all is well
    assert not found.layers[0].measured["dw"].confirmed


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "step"])
def test_at_a_kink_it_says_that_there_is_no_derivative(activation):
    network = Network.create([2, 3, 1], activation, seed=0)
    network.layers[0].b[...] = 0
    found = derive(network, [0.0, 0.0], 0.5)
    assert found.kinks > 0
    assert found.confirmed
    text = " ".join(str(found).split())
    assert "sit so near a kink" in text
    assert f"of {activation}." in text


def test_near_a_kink_the_step_is_made_smaller():
    network = Network.create([1, 1, 1], "relu", seed=0)
    network.layers[0].w[...], network.layers[0].b[...] = 1, 1e-5
    found = derive(network, [0.0], 0.5)
    assert found.kinks == 0
    assert found.confirmed


def test_a_kink_of_the_loss_counts_too():
    network = Network.create([1, 1], init="zeros")
    found = derive(network, [1.0], 0.0, loss="absolute_error")
    assert found.kinks > 0
    assert found.dy == 0


def test_tiny_gradients_are_confirmed_as_well_as_can_be_measured():
    network = Network.create([2, 3, 3], "tanh", seed=0)
    network.layers[-1].b[...] = [18, 0, 0]  # p of the first class is 1 − 3e-8
    assert derive(network, [0.1, 0.2], [1.0, 0.0, 0.0], loss="cross_entropy").confirmed


def test_a_column_that_is_not_scaled_is_confirmed():
    network, x, t = problem([2, 3, 1])
    x[:, 0] *= 1e4
    network.layers[0].w[0] /= 1e4
    assert derive(network, x, t).confirmed


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.sampled_from(SIZES), st.booleans(), st.sampled_from([1, 4]), st.data())
def test_the_terms_of_any_weight_sum_to_its_gradient(sizes, skip, n, data):
    network, x, t = problem(sizes, "tanh", True, skip, n)
    layer = data.draw(st.integers(0, len(network.layers) - 1 + skip))
    w = network.skip if layer == len(network.layers) else network.layers[layer].w
    biased = layer < len(network.layers) and data.draw(st.booleans())
    i = "b" if biased else data.draw(st.integers(0, w.shape[0] - 1))
    j = data.draw(st.integers(0, w.shape[1] - 1))
    found = derive(network, x, t, weight=(layer, i, j))
    true = found.du if layer == len(network.layers) else (found.db if biased else found.dw)[layer]
    true = true[j] if biased else true[i, j]
    assert found.paths.total == pytest.approx(true, rel=1e-10, abs=1e-14)
    assert found.paths.measured == pytest.approx(true, rel=1e-6, abs=1e-11)
    paths = np.prod(sizes[layer + 2 :], dtype=int)
    assert len(found.paths.terms) == n * paths


def test_paths_of_a_wide_network_end_where_they_would_be_too_many():
    network, x, t = problem([3, 4, 50, 60, 4])
    found = derive(network, x, t, weight=(0, 1, 2))
    assert len(found.paths.terms) == 50 * 60
    assert found.paths.total == pytest.approx(found.dw[0][1, 2])
    assert "more terms" in str(found)


def test_a_minibatch_is_the_mean_of_its_rows():
    network, x, t = problem([2, 3, 2], n=5)
    together = derive(network, x, t)
    alone = [derive(network, x[i], t[i]) for i in range(5)]
    assert together.loss == pytest.approx(np.mean([one.loss for one in alone]))
    for k in range(2):
        np.testing.assert_allclose(together.dw[k], np.mean([one.dw[k] for one in alone], axis=0), atol=1e-15)
        np.testing.assert_allclose(together.db[k], np.mean([one.db[k] for one in alone], axis=0), atol=1e-15)
        np.testing.assert_allclose(together.dz[k], np.concatenate([one.dz[k] for one in alone]) / 5, atol=1e-15)
    assert "mean over the 5 rows" in str(together)


def test_the_dict_has_one_entry_for_each_layer_and_the_output_layer_is_y():
    network, x, t = problem([2, 3, 4, 2])
    found = json.loads(derive(network, x[0], t[0]).to_json())
    for name in ("z", "h", "dz", "dh", "dw", "db", "w", "b"):
        assert len(found[name]) == 3, name
    assert found["z"][-1] == found["h"][-1] == found["y"]
    assert found["dz"][-1] == found["dh"][-1] == found["dy"]
    assert np.shape(found["x"]) == (1, 2)
    assert np.shape(found["dw"][1]) == np.shape(found["central_differences"]["dw"][1]) == (3, 4)
    assert found["loss"] == pytest.approx(0.5 * ((np.array(found["y"]) - t) ** 2).sum())


def test_its_numbers_are_the_models_own(penguins_model, penguins):
    found = derive(penguins_model, penguins.take([5]))
    assert found.x.dtype == found.dw[0].dtype == np.float32
    assert np.array_equal(found.p, penguins_model.predict_proba(penguins.take([5])))
    double = derive(penguins_model, penguins.take([5]), dtype=np.float64)
    assert double.dw[0].dtype == np.float64
    np.testing.assert_allclose(double.dw[0], found.dw[0], rtol=1e-3, atol=1e-6)
    assert double.confirmed
    assert found.confirmed


def test_a_row_of_a_table_stands_in_its_own_units_beside_its_features(penguins_model, penguins):
    cells = {name: penguins[name][5] for name in penguins.names if name != "species"}
    found = derive(penguins_model, cells, "Adelie")
    text = str(found)
    assert re.search(r"body_mass_g\s+3650\s+body_mass_g = -0\.68", text)
    assert re.search(r"sex\s+male\s+sex=male = 1, sex=female = 0", text)
    assert found.to_dict()["cells"]["body_mass_g"] == [3650]
    assert derive(penguins_model, penguins.take([5])).loss == found.loss
    assert found.to_dict()["prediction"] == penguins_model.predict(penguins.take([5])).tolist()


@pytest.mark.parametrize("regression", [True, False])
def test_an_mlp_is_derived_under_its_own_loss(regression):
    X = np.random.default_rng(0).normal(size=(60, 3))
    options = {"hidden_layer_sizes": (5,), "activation": "tanh", "solver": "lbfgs", "max_iter": 2000, "random_state": 0}
    y = np.arange(60) % 4 if regression else np.where(X[:, 0] > 0, "yes", "no")
    model = gn.MLPRegressor("poisson", **options) if regression else gn.MLPClassifier(**options)
    model.fit(X, y)
    found = derive(model, X[3], y[3])
    assert found.confirmed
    assert found.subject.loss.name == ("poisson" if regression else "binary_cross_entropy")
    assert found.p[0, 0] == pytest.approx(model.predict(X[3:4])[0] if regression else model.predict_proba(X[3:4])[0, 1])
    assert any("alpha=0.0001, is not in L" in told for told in found.conventions())


def test_a_wide_network_is_elided_on_the_page_and_whole_in_json():
    network, x, t = problem([30, 60, 40, 2])
    found = derive(network, x, t)
    text = str(found)
    assert "more columns; all of them: to_dict()" in text
    assert all(len(line) <= 120 for line in text.splitlines())
    assert np.shape(found.to_dict()["dw"][1]) == (60, 40)
    assert "<details>" in found.to_html()


def test_of_a_large_network_a_part_is_checked_and_it_says_so():
    network = Network.create([200, 300, 200, 3], "relu", seed=0)
    found = derive(network, np.random.default_rng(0).normal(size=(50, 200)), np.zeros((50, 3)))
    checked = found.layers[1].measured["dw"].checked
    assert 0 < checked.sum() < checked.size
    assert found.confirmed
    assert f"of {checked.size} checked" in str(found)


def test_latex_has_the_formulas_and_balances():
    network, x, t = problem([2, 3, 12, 1], skip=True)
    latex = derive(network, x, t, weight=(0, 1, 2)).to_latex()
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert r"\frac{dL}{dw_{2}} &= h_{1}^T \frac{dL}{dz_{2}}" in latex
    assert r"\frac{dL}{dz_{1}} &= \frac{dL}{dh_{1}} \odot f'(z_{1})" in latex
    assert r"\cdots" in latex


def test_its_picture_lies_on_the_diagonal():
    network, x, t = problem([2, 3, 1])
    ax = derive(network, x, t).plot()
    for points in ax.get_lines()[:-1]:
        np.testing.assert_allclose(points.get_xdata(), points.get_ydata(), atol=1e-7)


def test_the_model_stays_as_it_is():
    network, x, t = problem([2, 3, 1])
    before = network.parameters
    found = derive(network, x, t)
    step(network, x, t)
    assert np.array_equal(network.parameters, before)
    w = found.layers[0].w.copy()
    network.layers[0].w += 1
    assert np.array_equal(found.layers[0].w, w)


@pytest.mark.parametrize(
    ("arguments", "weight", "error", "message"),
    [
        (([1.0, 2.0],), None, InputError, "target is missing"),
        (([1.0, 2.0, 3.0], 1.0), None, ShapeError, r"\(n, 2\)"),
        (([1.0, 2.0], [1.0, 2.0]), None, ShapeError, "each row needs one"),
        ((np.zeros((0, 2)), []), None, InputError, "0 rows came"),
        (([1.0, 2.0], 1.0), (0, 5, 0), InputError, "i from 0 to 1"),
        (([1.0, 2.0], 1.0), (2, 0, 0), InputError, "layer 0 to 1"),
        (([1.0, 2.0], 1.0), (0, 0), InputError, r"\(layer, i, j\)"),
    ],
)
def test_what_cannot_be_derived_is_told(arguments, weight, error, message):
    with pytest.raises(error, match=message):
        derive(Network.create([2, 3, 1]), *arguments, weight=weight)


def test_a_row_without_its_target_is_told_by_name(circles_model):
    with pytest.raises(InputError, match="'label'"):
        derive(circles_model, {"x1": 0.1, "x2": 0.2})


def test_central_differences_of_the_chapters_network_by_hand():
    network = Network.create([1, 1, 1], "square", bias=False)
    network.layers[0].w[...], network.layers[1].w[...] = 2, 3  # y = 3 (2x)² = 12x², L = (12x² − t)²/2
    found = CentralDifferences(network, LOSSES["squared_error"], np.array([[1.0]]), np.array([[11.0]]))
    for measured, exact in ((found.y(), 1), (found.h(0), 3), (found.z(0), 12), (found.w(0), 12), (found.inputs(), 24)):
        np.testing.assert_allclose(measured.values, exact, rtol=1e-8)


class TestCommand:
    """`glassnet derive` and `glassnet step`."""

    @pytest.fixture
    def files(self, tmp_path, circles_model, circles, monkeypatch):
        monkeypatch.chdir(tmp_path)
        gn.save(circles_model, "m.safetensors")
        write_table({name: circles[name] for name in circles.names}, "circles.csv")
        return tmp_path

    def run(self, *args, status=0):
        done = CliRunner().invoke(cli, [str(arg) for arg in args], prog_name="glassnet")
        assert done.exit_code == status, done.output
        return done

    def test_it_says_what_the_library_says(self, files, circles_model, circles):
        told = json.loads(self.run("derive", "m.safetensors", "circles.csv", "--row", 3, "--format", "json").stdout)
        assert told == json.loads(derive(circles_model, circles.take([3])).to_json())
        text = self.run("derive", "m.safetensors", "circles.csv", "--row", 3, "--weight", 0, 1, 2).stdout
        assert "dL/dw(x2 → h3), in scalars" in text
        assert "confirm every gradient" in text

    def test_rows_are_a_minibatch_and_files_are_written(self, files, circles_model, circles):
        done = self.run(
            *("derive", "m.safetensors", "circles.csv", "--rows", "2:5", "--float64", "-o", "page.html"),
            *("--xlsx", "rows.xlsx", "--latex", "rows.tex"),
        )
        assert all(name in done.stderr for name in ("page.html", "rows.xlsx", "rows.tex"))
        assert "3 rows, forward and backward" in (files / "page.html").read_text(encoding="utf-8")
        assert r"\begin{align*}" in (files / "rows.tex").read_text(encoding="utf-8")
        self.run("derive", "m.safetensors", "circles.csv", "--rows", "2:5", "-o", "page.json")
        assert len(json.loads((files / "page.json").read_text(encoding="utf-8"))["x"]) == 3

    def test_a_bare_network_takes_the_column_left_as_its_target(self, files):
        gn.save(Network.create([2, 3, 1], "tanh", seed=0), "n.safetensors")
        write_table({"x1": [0.5, 1.0], "x2": [1.0, 2.0], "y": [0.0, 0.5]}, "rows.csv")
        told = json.loads(self.run("derive", "n.safetensors", "rows.csv", "--row", 1, "--format", "json").stdout)
        assert told["loss"] == derive(Network.create([2, 3, 1], "tanh", seed=0), [1.0, 2.0], 0.5).loss
        write_table({"a": [0.5], "b": [1.0], "c": [0.0], "d": [1.0]}, "more.csv")
        assert "--target" in self.run("derive", "n.safetensors", "more.csv", status=2).stderr

    def test_step_shows_before_and_after(self, files):
        text = self.run("step", "m.safetensors", "circles.csv", "--rows", "0:4", "--optimizer", "sgd").stdout
        assert "w before" in text
        assert "L after" in text

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (("--row", 999), "400 rows"),
            (("--rows", "7:3"), "A:B"),
            (("--row", 1, "--rows", "0:3"), "Both"),
            (("--weight", 0, 9, 9), "i from 0 to 1"),
            (("--weight", "zero", 1, 1), "counted from 0"),
            (("-o", "nowhere/page.html"), "no folder"),
            (("--xlsx", "page.csv"), ".xlsx"),
            (("--target", "x1"), "leave it out"),
        ],
    )
    def test_bad_options_are_one_message(self, files, options, said):
        done = self.run("derive", "m.safetensors", "circles.csv", *options, status=2)
        assert said in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
