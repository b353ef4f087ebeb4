"""A diagnosis: what it says of single cases, what its remedies do, and what it leaves unexamined, with the reason."""

import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_allclose
from sklearn.base import clone

import glassnet as gn
from glassnet.cli.diagnose import diagnose as command
from glassnet.errors import InputError, ShapeError
from glassnet.explanation.diagnosis import CHECKS
from glassnet.explanation.diagnosis.reference import Reference, explained
from glassnet.nn import CrossEntropy, Network, get_loss


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    return x, np.sin(2 * x[:, 0]) + x[:, 1] ** 2 + 0.05 * rng.normal(size=200)


def fitted(x, y, **parameters):
    usual = {
        "hidden_layer_sizes": (16,),
        "activation": "tanh",
        "batch_size": 32,
        "learning_rate_init": 1e-2,
        "random_state": 0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gn.MLPRegressor(**{**usual, **parameters}).fit(x, y)


def test_a_healthy_fit_gets_no_finding_and_says_what_was_examined(rows):
    found = gn.diagnose(fitted(*rows), *rows)
    assert isinstance(found, list)
    assert found == []
    assert set(found.report.examined) | set(found.report.skipped) == set(CHECKS)
    assert "None of" in str(found)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("zero_initialisation", {"init": "zeros"}),
        ("missing_bias", {"bias": False}),
        ("rate_too_high", {"learning_rate_init": 3.0}),
        ("rate_too_low", {"learning_rate_init": 1e-6}),
        ("stuck_at_chance", {"alpha": 10.0}),
        ("underfitting", {"hidden_layer_sizes": (1,)}),
    ],
)
def test_the_remedy_s_change_makes_the_network_learn(rows, name, parameters):
    x, y = rows
    model = fitted(x, y, **parameters)
    finding = next(finding for finding in gn.diagnose(model, x, y) if finding.name == name)

    mended = clone(model).set_params(**finding.change)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mended.fit(x, y)

    assert 1 - mended.score(x, y) < 0.5 * (1 - model.score(x, y))
    assert finding.remedy == " ".join(repr(clone(model).set_params(**finding.change)).split())


def test_causes_come_before_their_symptoms_which_name_them(rows):
    found = gn.diagnose(fitted(*rows, learning_rate_init=1e-6), *rows)
    assert found.names == ["rate_too_low", "stuck_at_chance"]
    assert "rate_too_low" in found[1].remedy


def test_findings_carry_the_numbers_that_they_speak_of(rows):
    x, y = rows
    (finding,) = gn.diagnose(fitted(1000 * x[:, :1], y, solver="lbfgs"), 1000 * x[:, :1], y)[:1]
    assert finding.name == "unscaled_inputs"
    assert_allclose(finding.evidence["largest_deviation"], 1000 * x[:, 0].std())
    assert "StandardScaler" in finding.remedy


def test_columns_of_nearly_the_target_are_found_where_there_are_others(rows):
    x, y = rows
    leaky = np.column_stack([x, y])
    finding = gn.diagnose(fitted(leaky, y), leaky, y)[0]
    assert (finding.name, finding.evidence["columns"]) == ("leaking_column", ["x3"])
    alone = gn.diagnose(fitted(y[:, None], y), y[:, None], y)
    assert "leaking_column" in alone.report.skipped


def test_a_leak_of_a_table_is_left_out_by_its_remedy(penguins):
    table = penguins.frame.with_columns(code=penguins["species"].str.to_uppercase())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(8,), max_iter=10, random_state=0)
        model.fit(table, target="species")
    finding = gn.diagnose(model, table)[0]
    assert finding.change == {"columns": {"code": "ignore"}}
    assert finding.remedy.startswith("TableClassifier(columns={'code': 'ignore'}")


def test_rows_held_out_by_the_user_take_the_place_of_a_second_fit(rows):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(80, 3)), rng.normal(size=80)
    model = fitted(x, y + x[:, 0], solver="lbfgs", hidden_layer_sizes=(60,), alpha=0, max_iter=300)
    fresh = rng.normal(size=(200, 3))
    found = gn.diagnose(model, x, y + x[:, 0], X_val=fresh, y_val=fresh[:, 0] + rng.normal(size=200))
    finding = next(finding for finding in found if finding.name == "overfitting")
    assert "200 rows given as validation" in finding.text
    assert finding.change["alpha"] > 0


def test_a_bare_network_is_examined_as_far_as_it_tells(rows):
    x, y = rows
    network = Network.create([2, 8, 1], activation="tanh", init="zeros")
    found = gn.diagnose(network, x, y)
    assert found.names[0] == "zero_initialisation"
    assert "rate_too_high" in found.report.skipped
    assert "Network.create" in found[0].remedy


def test_units_that_are_copies_up_to_the_sign_of_an_odd_function_are_counted(rows):
    x, y = rows
    model = fitted(x, y)
    for array in (model.coefs_[0], model.intercepts_[0]):
        array[..., 8:12] = -array[..., 4:8]
    finding = next(finding for finding in gn.diagnose(model, x, y) if finding.name == "duplicate_units")
    assert (finding.evidence["copies"], finding.evidence["units"]) == (4, 16)


def test_dead_and_saturated_units_are_counted(rows):
    x, y = rows
    relu, tanh = fitted(x, y, activation="relu"), fitted(x, y)
    relu.intercepts_[0][:12] = -100
    tanh.intercepts_[0][:12] = 100
    dead = next(finding for finding in gn.diagnose(relu, x, y) if finding.name == "dead_units")
    saturated = next(finding for finding in gn.diagnose(tanh, x, y) if finding.name == "saturated_units")
    assert dead.evidence["dead"] >= 12
    assert saturated.evidence["share"] >= 12 / 16


def test_what_stops_without_a_word_elsewhere_is_told(circles):
    x = np.column_stack([circles["x1"], circles["x2"]])
    model = gn.MLPClassifier((8,), "logistic", random_state=0).fit(x, circles["label"].to_list())
    assert "stuck_at_chance" in gn.diagnose(model, x, circles["label"].to_list()).names

    x = np.linspace(-1, 1, 300)[:, None]
    y = 1000 * x[:, 0] ** 2
    assert gn.diagnose(fitted(x, y, learning_rate_init=1e-3), x, y).names[0] == "unscaled_targets"


def test_narrow_columns_are_no_fault_where_the_network_knows_its_rows():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = gn.MLPClassifier((32,), max_iter=60, random_state=0).fit(x, y)
    assert gn.diagnose(model, x, y) == []


def test_pure_noise_is_said_to_be_that():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 2)), rng.normal(size=300)
    found = gn.diagnose(fitted(x, y, alpha=10.0, hidden_layer_sizes=(4,)), x, y)
    assert found.names == ["stuck_at_chance"]
    assert "may say nothing" in found[0].text


@pytest.mark.parametrize("loss", ["huber", "absolute_error", "quantile", "gaussian", "poisson"])
def test_every_loss_can_be_diagnosed(rows, loss):
    x, y = rows
    y = np.exp(0.3 * y)
    found = gn.diagnose(fitted(x, y, loss=loss, max_iter=150), x, y)
    assert {"zero_initialisation", "rate_too_low"} <= set(found.report.examined)
    assert ("underfitting" in found.report.skipped) == (loss == "quantile")


def test_several_outputs_several_labels_and_no_hidden_layer_can_be_diagnosed(rows):
    x, y = rows
    two = np.column_stack([y, x[:, 0]])
    assert gn.diagnose(fitted(x, two), x, two).names == []
    labels = (two > 0).astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = gn.MLPClassifier((8,), max_iter=20, random_state=0).fit(x, labels)
        linear = gn.MLPRegressor((), solver="lbfgs", random_state=0).fit(x, x @ [1.0, 2.0])
    assert gn.diagnose(model, x, labels).report.examined
    assert "dead_units" in gn.diagnose(linear, x, x @ [1.0, 2.0]).report.skipped


def test_many_rows_are_drawn_from():
    x = np.random.default_rng(0).normal(size=(5000, 2))
    found = gn.diagnose(fitted(x, x[:, 0], max_iter=5), x, x[:, 0])
    assert found.report.numbers["rows"] == 5000


def test_what_cannot_be_diagnosed_is_told(rows):
    x, y = rows
    model = fitted(x, y, max_iter=2)
    with pytest.raises(InputError, match="y is missing"):
        gn.diagnose(model, x)
    with pytest.raises(ShapeError):
        gn.diagnose(model, x, y[:-1])
    with pytest.raises(InputError, match="1 row"):
        gn.diagnose(model, x[:1], y[:1])


def test_left_out_rows_are_predicted_as_if_the_ridge_had_not_seen_them():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 2))
    t = np.column_stack([np.sin(x[:, 0]), x[:, 1] ** 2])
    chosen = Reference.choose(x, t)
    said = np.array([chosen.predict(np.delete(x, i, 0), np.delete(t, i, 0), x[i : i + 1])[0] for i in range(30)])
    # Without a row, its mean and scale are others: a little, among 30.
    assert chosen.explained == pytest.approx(explained(t, said), abs=0.05)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "binary_cross_entropy", "poisson", "gaussian"])
def test_the_loss_of_the_best_constant_is_below_that_of_any(loss):
    from glassnet.explanation.diagnosis.case import Case
    from glassnet.explanation.subject import Subject

    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(60, 2)), rng.uniform(0, 1, size=(60, 1))
    t = t.round() if loss == "binary_cross_entropy" else t
    width = get_loss(loss).width
    subject = Subject.of(Network.create([2, 3, width], seed=0), loss=loss)
    case = Case(subject, x, t, None, None)
    for c in rng.normal(size=(200, width)):
        assert case.constant <= get_loss(loss)(np.tile(c, (60, 1)), t) + 1e-5


def test_the_loss_of_the_best_constant_of_classes_is_their_entropy():
    from glassnet.explanation.diagnosis.case import Case
    from glassnet.explanation.subject import Subject

    t = np.eye(3)[[0] * 10 + [1] * 20 + [2] * 30]
    subject = Subject.of(Network.create([2, 3, 3], seed=0), loss=CrossEntropy())
    shares = np.array([1, 2, 3]) / 6
    case = Case(subject, np.random.default_rng(0).normal(size=(60, 2)), t, None, None)
    assert case.constant == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-6)


def test_the_result_is_a_page_html_json_and_a_picture(rows):
    found = gn.diagnose(fitted(*rows, learning_rate_init=1e-6), *rows)
    assert "rate too low" in str(found)
    assert found._repr_html_().startswith("<div")
    assert json.loads(found.to_json())["findings"][0]["name"] == "rate_too_low"
    assert found.plot()


def test_the_command_gives_remedies_that_can_be_typed(tmp_path, penguins):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        settings = {"hidden_layer_sizes": (8,), "learning_rate_init": 1e-7, "max_iter": 5, "random_state": 0}
        model = gn.TableClassifier(n_estimators=1, **settings)
        gn.save(model.fit(penguins, target="species"), tmp_path / "m.safetensors")
    table = tmp_path / "p.csv"
    penguins.frame.write_csv(table)

    result = CliRunner().invoke(command, [str(tmp_path / "m.safetensors"), str(table), "--format", "json"])

    assert not result.exception, result.output
    first = json.loads(result.stdout)["findings"][0]
    assert first["name"] == "rate_too_low"
    assert first["remedy"].startswith(f"glassnet fit {table} --target species --learning-rate ")
