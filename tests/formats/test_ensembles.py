"""A table model of several networks comes back bit for bit; a record of networks that do not fit is refused."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save as serialize

import glassnet as gn
from glassnet.errors import FileFormatError, InputError
from glassnet.formats import safetensors as format_
from glassnet.formats.safetensors import describe, load, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

RNG = np.random.default_rng(0)
N = 300
NUMBERS = RNG.normal(size=(N, 2))
TABLE = {
    "size": [None if i % 50 == 0 else float(NUMBERS[i, 0]) for i in range(N)],
    "mass": NUMBERS[:, 1],
    "town": [("a", "b", "c")[i % 3] for i in range(N)],
}
RARE = np.where(NUMBERS.sum(axis=1) + RNG.normal(size=N) > 1.2, "yes", "no")
THREE = np.array(["low", "middle", "high"])[np.digitize(NUMBERS.sum(axis=1) + RNG.normal(size=N), [-0.5, 0.5])]
QUANTITY = NUMBERS.sum(axis=1) + RNG.normal(size=N) / 4
PRICE = np.exp(QUANTITY)
FOUR = {"hidden_layer_sizes": (8, 8), "max_iter": 8, "n_estimators": 4, "random_state": 0}
FITS = {
    "two classes": (gn.TableClassifier, RARE, {"metric": "f1_macro", "class_weight": "balanced"}),
    "three classes": (gn.TableClassifier, THREE, {"max_iter": 60}),
    "quantity": (gn.TableRegressor, QUANTITY, {"target_transform": "none"}),
    "logarithm": (gn.TableRegressor, PRICE, {"target_transform": "log"}),
    "split": (gn.TableRegressor, QUANTITY, {"calibration": "split"}),
    "uncalibrated": (gn.TableRegressor, QUANTITY, {"calibration": "none"}),
    "quantile": (gn.TableRegressor, QUANTITY, {"loss": "quantile", "quantile": 0.9}),
    "median": (gn.TableRegressor, PRICE, {"loss": "absolute_error"}),
    "counts": (gn.TableRegressor, np.round(PRICE), {"loss": "poisson"}),
    "two quantities": (gn.TableRegressor, {"sum": QUANTITY, "price": PRICE}, {}),
    "two labels": (gn.TableClassifier, {"rare": RARE == "yes", "low": THREE == "low"}, {"metric": "f1_macro"}),
}


@pytest.fixture(scope="module")
def models():
    return {name: kind(**FOUR | settings).fit(TABLE, y) for name, (kind, y, settings) in FITS.items()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


def said(model, coverage):
    """All that a model says of the table, as arrays and texts."""
    if isinstance(model, gn.TableClassifier):
        whole = [model.predict(TABLE), model.predict_proba(TABLE)]
        doubt = model.predict_set
    else:
        whole, doubt = [model.predict(TABLE)], model.predict_interval
    return [*whole, *([] if model.conformal_ is None else [doubt(TABLE, coverage), model.guarantee(coverage)])]


@pytest.mark.parametrize("name", FITS)
def test_an_ensemble_comes_back_bit_for_bit(name, models, path):
    model = models[name]
    save(model, path)
    loaded = load(path)
    assert [member.view for member in loaded.members_] == [0, 1, 0, 1]
    for came, went in zip(loaded.members_, model.members_, strict=True):
        for key in ("view", "fold", "weight", "temperature", "history"):
            assert getattr(came, key) == getattr(went, key), key
        assert came.network.architecture == went.network.architecture
        assert came.network.parameters.tobytes() == went.network.parameters.tobytes()
    assert (loaded.preprocessor_, loaded.pieces_, loaded.target_) == (model.preprocessor_, model.pieces_, model.target_)
    for coverage in (0.5, 0.9):
        for came, went in zip(said(loaded, coverage), said(model, coverage), strict=True):
            assert_array_equal(came, went)
    assert loaded.get_params() == model.get_params()
    assert (loaded.network_ is loaded.members_[0].network, loaded.n_iter_) == (True, model.n_iter_)
    assert loaded.out_of_fold_ is None  # rows are not kept
    first = path.read_bytes()
    save(loaded, path)
    assert path.read_bytes() == first
    json.dumps(describe(path), allow_nan=False)


def test_the_models_of_this_file_have_what_it_is_about(models):
    assert models["two classes"].threshold_ != 0.5
    assert models["logarithm"].target_.log
    assert [models[name].conformal_.calibrations[0].kind for name in ("quantity", "split")] == ["cv+", "split"]
    assert models["uncalibrated"].conformal_ is None
    assert models["quantity"].conformal_.spreads
    assert len({member.weight for member in models["three classes"].members_}) > 1
    assert {member.temperature for member in models["three classes"].members_} != {1.0}


def test_the_loss_and_its_number_come_back(models, path):
    kinds = {"quantile": gn.nn.Quantile(0.9), "median": gn.nn.AbsoluteError(), "counts": gn.nn.Poisson()}
    for name, loss in kinds.items():
        models[name].set_params(quantile=0.1)  # of the next fit, not of this one
        save(models[name], path)
        assert load(path).loss_ == models[name].loss_ == loss
        models[name].set_params(quantile=FITS[name][2].get("quantile", 0.5))
    assert load(path).target_.counts


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("quantile", {"quantile": 1.5}, "between 0 and 1"),
        ("quantile", {"quantile": None}, "a number was needed"),
        ("quantile", {"loss": "poisson"}, "does not fit such a target"),
        ("quantile", {"loss": "cross_entropy"}, "does not fit such a target"),
        ("quantile", {"loss": "squared_error"}, "but the loss is about the mean"),
        ("counts", {"loss": "squared_error"}, "does not fit such a target"),
        ("two labels", {"loss": "cross_entropy"}, "does not fit such a target"),
        ("two labels", {"threshold": [0.5]}, "a probability for each target was needed"),
        ("two labels", {"threshold": [0.5, 2.0]}, "a probability for each target was needed"),
        ("two labels", {"threshold": 0.5}, "a list was needed"),
        ("two quantities", {"target": {"kind": "several", "targets": []}}, "must be two or more"),
    ],
)
def test_a_forged_loss_or_target_is_refused(name, changes, words, models, path):
    save(models[name], path)
    record, tensors = opened(path)
    forge(path, record | changes, tensors)
    with pytest.raises(FileFormatError, match=words):
        load(path)


@pytest.mark.parametrize("change", ["one target less", "one interval less", "named alike", "of two kinds"])
def test_targets_that_do_not_fit_are_refused(change, models, path):
    save(models["two quantities"], path)
    record, tensors = opened(path)
    targets, conformal = record["target"]["targets"], record["conformal"]
    if change == "one target less":
        record["target"] = targets[0]
        words = "has 2 outputs, but the target 'sum' needs 1"
    elif change == "one interval less":
        conformal["calibration"], conformal["spread"] = conformal["calibration"][0], conformal["spread"][0]
        words = "not of so many targets"
    elif change == "named alike":
        targets[1]["name"] = targets[0]["name"]
        words = "need a name each"
    else:
        targets[1] = models["counts"].target_.to_dict()
        words = "of one kind"
    forge(path, record, tensors)
    with pytest.raises(FileFormatError, match=words):
        load(path)


@pytest.mark.parametrize("name", ["two classes", "logarithm"])
def test_the_threshold_and_the_logarithm_come_back(name, models, path):
    save(models[name], path)
    loaded = load(path)
    if name == "two classes":
        assert loaded.threshold_ == models[name].threshold_
        assert_array_equal(loaded.predict(TABLE) == "yes", loaded.predict_proba(TABLE)[:, 1] > loaded.threshold_)
    else:
        assert loaded.target_.log
        assert (loaded.predict_interval(TABLE) > 0).all()


def opened(path):
    """The record and the tensors of a file."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    record = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["glassnet"])
    return record, format_._tensors(data)


def forge(path, record, tensors):
    """Write them, with the checksum that belongs to them."""
    record["sha256"] = format_.digest(record, tensors)
    path.write_bytes(serialize(tensors, {"glassnet": format_.canonical(record)}))


def change_member(k, **changes):
    def change(record, tensors):
        record["members"][k] |= changes

    return change


def without_member(record, tensors):
    gone = record["members"].pop()
    record["members"][0]["weight"] += gone["weight"]


def one_more_member(record, tensors):
    record["members"].append(dict(record["members"][1]))
    record["members"][1]["weight"] /= 2
    record["members"][-1]["weight"] /= 2


def without(name):
    return lambda record, tensors: tensors.pop(name)


def with_tensor(name, array):
    return lambda record, tensors: tensors.update({name: array})


def without_view(record, tensors):
    record["pieces"] = None


def other_columns(record, tensors):
    record["pieces"]["columns"] = record["pieces"]["columns"][::-1]


def whole_numbers(record, tensors):
    record["pieces"] = record["preprocessor"]


def narrower_spread(record, tensors):
    spread = record["conformal"]["spread"]
    d = len(spread["knots"])
    spread["knots"] = spread["knots"][1:]
    spread["weights"] = [*spread["weights"][1:d], *spread["weights"][d + 1 :]]


def no_spread(record, tensors):
    record["conformal"]["spread"] = None


def other_fold(record, tensors):
    record["conformal"]["folds"] = [*record["conformal"]["folds"][:-1], 17]


def without_fold(record, tensors):
    record["conformal"]["folds"] = record["conformal"]["folds"][:1]


FORGED = {
    "heavy": (change_member(1, weight=0.9), "do not add up to 1"),
    "weightless": (change_member(1, weight=0.0), "a positive number was needed"),
    "negative": (change_member(1, weight=-0.2), "a positive number was needed"),
    "unknown view": (change_member(1, view=2), "sees the table in a way that the file does not hold"),
    "another first view": (change_member(0, view=1), "sees the table in a way that the file does not hold"),
    "numbers as pieces": (change_member(1, view=0), "has shape"),
    "view of a text": (change_member(1, view="1"), "a count was needed"),
    "fold below 0": (change_member(1, fold=-1), "a count was needed"),
    "cold": (change_member(1, temperature=0), "a positive number was needed"),
    "no history": (change_member(1, history=None), "a record was needed"),
    "no view": (without_view, "sees the table in a way that the file does not hold"),
    "columns in another order": (other_columns, "not of the same columns"),
    "whole numbers for pieces": (whole_numbers, "has shape"),
    "one network less": (without_member, "of a network that the file does not describe"),
    "one network more": (one_more_member, "is missing"),
    "no networks": (lambda record, tensors: record.update(members=[]), "do not add up to 1"),
    "networks of a text": (lambda record, tensors: record.update(members="four"), "a list was needed"),
    "networks unsaid": (lambda record, tensors: record.pop("members"), "that the file does not describe"),
    "a tensor less": (without("members.2.layers.1.b"), "layers.1.b is missing"),
    "all of one network's": (
        lambda record, tensors: [tensors.pop(name) for name in list(tensors) if name.startswith("members.3.")],
        "is missing",
    ),
    "a tensor more": (with_tensor("members.1.layers.9.w", np.ones((2, 2), np.float32)), "not one of the architecture"),
    "a network of nobody": (with_tensor("members.9.layers.0.w", np.ones((2, 2), np.float32)), "does not describe"),
    "the first's again": (with_tensor("members.0.layers.0.w", np.ones((2, 2), np.float32)), "does not describe"),
    "a tensor of no network": (with_tensor("members.x", np.ones((2, 2), np.float32)), "does not describe"),
    "not a number": (with_tensor("members.1.layers.1.b", np.full(8, np.nan, np.float32)), "not a number"),
    "of other features": (narrower_spread, "told from other features"),
    "no width": (no_spread, "not of such a target"),
    "a fold of nobody": (other_fold, "of networks that the file does not hold"),
    "a fold less": (without_fold, "do not say which networks they are of"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_ensemble_is_refused(name, models, path):
    change, words = FORGED[name]
    save(models["quantity"], path)
    record, tensors = opened(path)
    change(record, tensors)
    forge(path, record, tensors)
    for read in (load, describe):
        with pytest.raises(FileFormatError, match=words):
            read(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threshold": "half"}, "a number was needed"),
        ({"threshold": None}, "a number was needed"),
        ({"conformal": {}}, "has no"),
        ({"conformal": []}, "a record was needed"),
        ({"pieces": 3}, "a record was needed"),
    ],
)
def test_a_forged_decision_is_refused(changes, words, models, path):
    save(models["two classes"], path)
    record, tensors = opened(path)
    forge(path, record | changes, tensors)
    with pytest.raises(FileFormatError, match=words):
        load(path)


def test_a_width_for_labels_is_refused(models, path):
    save(models["quantity"], path)
    spread = opened(path)[0]["conformal"]["spread"]
    save(models["three classes"], path)
    record, tensors = opened(path)
    record["conformal"]["spread"] = spread
    forge(path, record, tensors)
    with pytest.raises(FileFormatError, match="not of such a target"):
        load(path)


def test_members_of_a_model_of_one_network_are_refused(path):
    network = gn.nn.Network.create([2, 3, 1], "tanh", seed=0)
    save(network, path)
    record, tensors = opened(path)
    forge(path, record, tensors | {"members.1.layers.0.w": np.ones((2, 3))})
    with pytest.raises(FileFormatError, match="a Network has one network"):
        load(path)


@pytest.mark.parametrize("name", ["two classes", "quantity"])
def test_a_file_of_the_first_format_is_its_one_network(name, models, path):
    model = models[name]
    save(model, path)
    record, tensors = opened(path)
    record["format"] = 1
    for key in ("members", "pieces", "conformal", "threshold"):
        record.pop(key, None)
    for key in (
        "quality",
        "n_estimators",
        "calibration",
        "target_transform",
        "loss",
        "quantile",
    ):  # it had none of them
        record["parameters"].pop(key, None)
    record["parameters"]["scoring"] = record["parameters"].pop("metric")
    for column in record["preprocessor"]["columns"]:
        assert not {"pieces", "filled"} & column.keys()
    forge(path, record, {name: array for name, array in tensors.items() if not name.startswith("members.")})
    assert describe(path)["format"] == 1

    loaded = load(path)
    (member,) = loaded.members_
    assert (member.view, member.fold, member.weight, member.temperature) == (0, 0, 1.0, 1.0)
    assert loaded.history_ == model.history_
    assert loaded.metric == model.metric
    assert loaded.pieces_ is loaded.conformal_ is None
    y, _ = model.network_.forward(model.preprocessor_.transform(gn.Table.read(TABLE)).astype(np.float32))
    p = model.loss_.predict(y.astype(np.float64))
    if name == "quantity":
        np.testing.assert_allclose(loaded.predict(TABLE), model.target_.decode(p), rtol=1e-5, atol=1e-5)
        with pytest.raises(InputError, match="no calibration rows"):
            loaded.predict_interval(TABLE)
    else:
        np.testing.assert_allclose(loaded.predict_proba(TABLE)[:, 1:], p, rtol=1e-5)
        assert loaded.threshold_ == 0.5
        assert_array_equal(loaded.predict(TABLE), model.target_.decode(loaded.predict_proba(TABLE)[:, 1:]))
    save(loaded, path)  # as one of today's, and there it stays
    assert describe(path)["format"] == format_.FORMAT
    assert_array_equal(load(path).predict(TABLE), loaded.predict(TABLE))
    loaded.fit(TABLE, FITS[name][1])  # its parameters are still usable


def test_a_model_of_one_network_comes_back(path):
    model = gn.TableRegressor(**FOUR | {"n_estimators": 1}).fit(TABLE, QUANTITY)
    save(model, path)
    loaded = load(path)
    assert (len(loaded.members_), loaded.pieces_) == (1, None)
    assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    assert_array_equal(loaded.predict_interval(TABLE), model.predict_interval(TABLE))
