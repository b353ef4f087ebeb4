"""What is saved comes back equal; what is damaged is refused in words."""

import errno
import json
import os
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from safetensors.numpy import save as serialize

import glassnet as gn
from glassnet.errors import FileFormatError, InputError
from glassnet.formats import safetensors as format_
from glassnet.formats.safetensors import describe, load, save
from glassnet.nn import ACTIVATIONS, LOSSES, OPTIMIZERS, Activation, Cosine, Huber, Layer, Network, RMSprop
from glassnet.storage import pack, unpack

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
TWO = {**SMALL, "n_estimators": 2}  # networks of a table model: one of each view
TABLE = {
    "größe": [None if i % 7 == 0 else i / 3 for i in range(40)],
    "island": [None if i % 11 == 0 else ("Dream", "Biscoe", "Torgersen")[i % 3] for i in range(40)],
    "wild": [None if i % 13 == 0 else i % 2 == 0 for i in range(40)],
    "constant": [1] * 40,
}
TARGETS = {
    "texts": [("no", "yes")[i % 2] for i in range(40)],
    "three texts": [("a", "b", "ü")[i % 3] for i in range(40)],
    "ints": [(10, -3)[i % 2] for i in range(40)],
    "three ints": [(10, -3, 7)[i % 3] for i in range(40)],
    "flags": [i % 2 == 0 for i in range(40)],
    "floats": [(0.5, 1.5, 2.0)[i % 3] for i in range(40)],
}
LABELS = {
    "texts": np.array(TARGETS["texts"]),
    "objects": np.array(TARGETS["three texts"], dtype=object),
    "ints": np.array(TARGETS["ints"]),
    "int8": np.array(TARGETS["three ints"], dtype=np.int8),
    "flags": np.array(TARGETS["flags"]),
    "floats": np.array(TARGETS["three ints"], dtype=np.float32),
    "multilabel": np.array([[i % 2, i % 3 == 0, 1] for i in range(40)]),
    "one class": np.array(["same"] * 40),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def again(model, path):
    """The model after a round trip, which a second one leaves as it is."""
    save(model, path)
    first = path.read_bytes()
    loaded = load(path)
    save(loaded, path)
    assert path.read_bytes() == first
    json.dumps(describe(path), allow_nan=False)
    return loaded


def reforge(data: bytes, **changes) -> bytes:
    """The file with another record, and the checksum that belongs to it."""
    length = int.from_bytes(data[:8], "little")
    record = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["glassnet"]) | changes
    tensors = format_._tensors(data)
    record["sha256"] = format_.digest(record, tensors)
    return serialize(tensors, {"glassnet": format_.canonical(record)})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_comes_back(path, activation, bias, dtype):
    network = Network.create([3, 5, 4, 2], activation, bias=bias, seed=1, dtype=dtype)
    loaded = again(network, path)
    x = X.astype(dtype)
    assert loaded.parameters.dtype == dtype
    assert loaded.architecture == network.architecture
    assert_array_equal(loaded.forward(x)[0], network.forward(x)[0])


def test_a_linear_network_and_mixed_activations_come_back(path):
    for network in (Network.create([3, 1]), Network.create([3, 2, 4, 1], ["tanh", "relu"])):
        assert_array_equal(again(network, path).forward(X)[0], network.forward(X)[0])


@pytest.mark.parametrize("target", TARGETS)
def test_a_table_classifier_comes_back(path, target):
    model = gn.TableClassifier(**TWO, columns={"wild": "category"}).fit(TABLE, TARGETS[target])
    loaded = again(model, path)
    assert type(loaded) is gn.TableClassifier
    assert_array_equal(loaded.predict_proba(TABLE), model.predict_proba(TABLE))
    assert loaded.predict(TABLE).dtype == model.predict(TABLE).dtype
    assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    if target != "floats":  # scikit-learn's accuracy takes fractions for quantities
        assert loaded.score(TABLE, TARGETS[target]) == model.score(TABLE, TARGETS[target])
    assert loaded.get_params() == model.get_params()
    assert loaded.history_ == model.history_
    assert_array_equal(loaded.feature_names_in_, model.feature_names_in_)
    assert (loaded.n_features_in_, loaded.n_iter_) == (model.n_features_in_, model.n_iter_)


def test_a_table_regressor_comes_back(path):
    y = np.linspace(1000, 2000, 40)
    model = gn.TableRegressor(**TWO, activation=["tanh"], n_iter_no_change=np.inf).fit(TABLE, y)
    loaded = again(model, path)
    assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    assert loaded.n_iter_no_change == np.inf
    loaded.fit(TABLE, y)  # its parameters are still usable


@pytest.mark.parametrize("labels", LABELS)
def test_an_mlp_classifier_comes_back(path, labels):
    y = LABELS[labels]
    model = gn.MLPClassifier(**SMALL).fit(X, y)
    loaded = again(model, path)
    assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.predict(X).dtype.kind == model.predict(X).dtype.kind
    assert_array_equal(loaded.classes_, model.classes_)
    assert loaded.score(X, y) == model.score(X, y)
    public = {name for name in vars(model) if name.endswith("_")}
    assert {name for name in vars(loaded) if name.endswith("_")} == public
    assert_array_equal(loaded.feature_range_, model.feature_range_)
    for name in public - {"coefs_", "intercepts_", "classes_", "feature_range_"}:
        assert getattr(loaded, name) == getattr(model, name), name


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("y", [X[:, 0], X[:, :2]], ids=["one", "two"])
def test_an_mlp_regressor_comes_back(path, y, solver):
    early = solver != "lbfgs"
    model = gn.MLPRegressor(**SMALL, activation="tanh", solver=solver, early_stopping=early).fit(X, y)
    loaded = again(model, path)
    assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.history_ == model.history_
    assert loaded.n_features_in_ == 3


def test_an_mlp_keeps_poisson_float32_and_column_names(path):
    frame = pytest.importorskip("pandas").DataFrame(X.astype(np.float32), columns=["a", "b", "c"])
    model = gn.MLPRegressor("poisson", **SMALL).fit(frame, np.exp(X[:, 0]))
    loaded = again(model, path)
    assert loaded.coefs_[0].dtype == np.float32
    assert loaded.feature_names_in_.tolist() == ["a", "b", "c"]
    assert_array_equal(loaded.predict(frame), model.predict(frame))


def test_training_goes_on_where_it_stopped(path):
    """Without momentum an optimizer remembers nothing, so the two must stay equal, shuffling included."""
    model = gn.MLPClassifier((4,), solver="sgd", momentum=0, batch_size=7, random_state=3)
    y = LABELS["texts"]
    model.partial_fit(X, y, classes=["no", "yes"]).partial_fit(X, y)
    loaded = again(model, path)
    model.partial_fit(X, y)
    loaded.partial_fit(X, y)
    assert_array_equal(loaded.coefs_[0], model.coefs_[0])
    assert (loaded.t_, len(loaded.history_)) == (model.t_, len(model.history_)) == (120, 3)
    assert loaded.loss_curve_ == model.loss_curve_


def test_warm_start_goes_on_and_edited_weights_are_kept(path):
    model = gn.MLPRegressor(**SMALL, warm_start=True).fit(X, X[:, 0])
    model.coefs_[0] = np.zeros((3, 4))
    loaded = again(model, path)
    assert not loaded.coefs_[0].any()
    assert len(loaded.fit(X, X[:, 0]).history_) == 6


def test_random_generators_and_callbacks_are_left_out(path):
    given = {**SMALL, "random_state": np.random.RandomState(0), "callbacks": [lambda report: None]}
    loaded = again(gn.MLPRegressor(**given).fit(X, X[:, 0]), path)
    assert loaded.random_state is None
    assert loaded.callbacks is None


def test_a_history_may_hold_numbers_that_are_not_finite(path):
    model = gn.TableRegressor(**TWO).fit(TABLE, X[:, 0])
    model.history_.epochs[0].loss[0] = np.inf
    model.history_.epochs[1].loss[0] = np.nan
    losses = again(model, path).history_.loss
    assert losses[0] == np.inf
    assert np.isnan(losses[1])
    assert describe(path)["history"]["first"]["loss"] == ["inf"]


def test_describe_shows_what_a_table_model_holds(path):
    model = gn.TableClassifier(**TWO).fit(TABLE, TARGETS["three texts"])
    save(model, path)
    shown = describe(path)
    columns = {column["name"]: column for column in shown["columns"]}
    assert columns["island"]["values"] == ["Biscoe", "Dream", "Torgersen"]
    assert columns["größe"]["median"] == np.median([value for value in TABLE["größe"] if value is not None])
    assert shown["target"]["classes"] == ["a", "b", "ü"]
    assert shown["architecture"]["n_parameters"] == model.network_.parameters.size
    assert shown["architecture"]["layers"][0]["w"] == [len(shown["features"]), 4]
    assert shown["parameters"]["max_iter"] == 3
    assert shown["history"]["epochs"] == 3
    assert [(each["view"], each["epochs"]) for each in shown["networks"]] == [(0, 3), (1, 3)]
    assert [each["weight"] for each in shown["networks"]] == [member.weight for member in model.members_]
    assert shown["file_size_bytes"] == path.stat().st_size
    assert (shown["kind"], shown["format"], shown["glassnet"]) == ("TableClassifier", 2, gn.__version__)


class Cube(Activation):
    """h = z³"""

    name = "cube"

    def __call__(self, z):
        return z**3

    def derivative(self, z, h):
        return 3 * z**2


def network_with(**changes) -> Network:
    layer = {"w": np.ones((2, 1)), "b": np.ones(1), "f": ACTIVATIONS["identity"]} | changes
    return Network([Layer(**layer)])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (gn.TableClassifier(), "has not been fitted"),
        (gn.MLPRegressor(), "has not been fitted"),
        ({"w": 1}, "A dict cannot be saved"),
        (Network.create([2, 3, 1], Cube()), "'cube' is your own"),
        (network_with(w=np.full((2, 1), np.nan)), "infinite or not a number"),
        (network_with(w=np.ones((2, 1), int)), "int64"),
        (network_with(w=np.ones((2, 1), np.float32)), "float32, float64"),
        (network_with(b=np.ones(2)), r"layers.0.b has shape \(2,\)"),
        (network_with(f=ACTIVATIONS["relu"]), "not linear"),
        (Network([]), "last layer is missing"),
    ],
)
def test_what_cannot_be_saved_says_why_and_leaves_the_old_file(path, model, words):
    path.write_bytes(b"old")
    with pytest.raises(InputError, match=words):
        save(model, path)
    assert path.read_bytes() == b"old"


def test_parameters_that_no_file_holds_are_named(path):
    model = gn.MLPRegressor(**SMALL).fit(X, X[:, 0])
    with pytest.raises(InputError, match=r"alpha.*set_params"):
        save(model.set_params(alpha=-1), path)
    table = gn.TableRegressor(**TWO).fit(TABLE, X[:, 0])
    with pytest.raises(InputError, match="The parameter columns"):
        save(table.set_params(columns={"wild": object()}), path)


NETWORK = Network.create([2, 3, 1], "tanh", seed=0)


@pytest.mark.parametrize("function", ["write", "fsync", "replace"])
def test_a_failing_disk_keeps_the_old_file(path, function, monkeypatch):
    save(NETWORK, path)
    old = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write = os.write

    def torn(descriptor: int, data: memoryview) -> int:
        """The first bytes fit, the next do not."""
        monkeypatch.setattr(os, "write", fail)
        return write(descriptor, data[:100])

    monkeypatch.setattr(os, function, torn if function == "write" else fail)
    with pytest.raises(InputError, match=r"No space left on device.*unchanged"):
        save(Network.create([5, 1]), path)
    monkeypatch.undo()
    assert path.read_bytes() == old
    assert os.listdir(path.parent) == [path.name]


def test_an_interrupt_keeps_the_old_file(path, monkeypatch):
    path.write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(NETWORK, path)
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
def test_a_file_has_the_mode_of_the_umask_and_links_are_followed(path):
    before = os.umask(0o027)
    try:
        save(NETWORK, path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    link = path.with_name("link")
    link.symlink_to(path)
    save(Network.create([5, 1]), link)
    assert link.is_symlink()
    assert load(path).architecture.sizes == (5, 1)


def test_places_that_cannot_be_written_are_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for place, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "nowhere" / "model", "no folder"),
        (tmp_path / "file" / "model", "no folder"),
        (tmp_path / ("long" * 100), "could not be written"),
        ("", "the name of a file is needed"),
        ("a\0b", "the name of a file is needed"),
        (3, "the name of a file is needed"),
    ):
        with pytest.raises(InputError, match=words):
            save(NETWORK, place)


def test_a_missing_file_gets_the_nearest_name(tmp_path):
    save(NETWORK, tmp_path / "penguins.safetensors")
    for place, words in (
        (tmp_path / "pengiuns.safetensors", r"Did you mean .*penguins\.safetensors\?"),
        (tmp_path / "penguins", "Did you mean"),
        (tmp_path / "x", "There is no file"),
        (tmp_path / "nowhere" / "x", "Nor is there a folder"),
        (tmp_path, "is a folder"),
    ):
        with pytest.raises(InputError, match=words):
            load(place)


def header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"abc", "not a safetensors file"),
        (b"a,b\n1,2\n3,4\n", "not a safetensors file"),
        (pickle.dumps([1, 2, 3] * 10), "not a safetensors file"),
        (b"PK\3\4" + bytes(100), "not a safetensors file"),
        (bytes(100), "not a safetensors file"),
        (b"\xff" * 7 + b"\x7f{}", "not a safetensors file"),
        ((10**9).to_bytes(8, "little") + b"{}", "not a safetensors file"),
        ((10**7).to_bytes(8, "little") + b"{}", "cut short"),
        (header(b"{}"), "none that glassnet wrote"),
        (header(b"{nonsense"), "not JSON"),
        (header(b'{"a":' * 100_000), "damaged"),
        (header(b'{"__metadata__":{"glassnet":"[' + b"[" * 100_000 + b'"}}'), "damaged"),
        (header(b'{"__metadata__":{"glassnet":"{\\"format\\":NaN}"}}'), "damaged"),
        (header(b'{"__metadata__":{"glassnet":"7"}}'), "which format"),
        (serialize({"weight": np.ones(3)}, {"format": "pt"}), "none that glassnet wrote"),
        (serialize({"weight": np.ones(3)}), "none that glassnet wrote"),
    ],
)
def test_a_foreign_file_gets_a_clear_error(path, data, words):
    path.write_bytes(data)
    for read in (load, describe):
        with pytest.raises(FileFormatError, match=words) as caught:
            read(path)
        assert path.name in str(caught.value)


def test_a_newer_format_asks_for_an_upgrade(path):
    save(NETWORK, path)
    path.write_bytes(reforge(path.read_bytes(), format=3, glassnet="9.1"))
    with pytest.raises(FileFormatError, match=r"newer glassnet \(9.1\) in format 3.*Upgrade"):
        load(path)


def models():
    yield NETWORK
    yield gn.MLPClassifier(**SMALL).fit(X, LABELS["objects"])
    yield gn.TableClassifier(**TWO).fit(TABLE, TARGETS["three texts"])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A file of each kind, as bytes, and a path to write their remains to."""
    place = tmp_path_factory.mktemp("damage") / "model.safetensors"
    contents = []
    for model in models():
        save(model, place)
        contents.append(place.read_bytes())
    return contents, place


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_a_truncated_file_is_refused(files, data):
    contents, place = files
    content = data.draw(st.sampled_from(contents))
    place.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(FileFormatError):
        load(place)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_changed_bytes_are_refused_or_mean_the_same(files, data):
    contents, place = files
    content = data.draw(st.sampled_from(contents))
    changed = bytearray(content)
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), min_size=1, max_size=4)
    ):
        changed[position] = value
    place.write_bytes(changed)
    try:
        loaded = load(place)
    except FileFormatError:
        return
    save(loaded, place)
    assert place.read_bytes() == content


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value, path=()):
    """The path to every part of a record."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_forged_record_with_a_right_checksum_is_refused_or_loads(files, data):
    """The checksum guards against accidents; against forgery every part is checked on its own."""
    contents, place = files
    content = data.draw(st.sampled_from(contents))
    length = int.from_bytes(content[:8], "little")
    record = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["glassnet"])
    paths = [path for path in places(record) if path and path != ("sha256",)]
    *parents, last = data.draw(st.sampled_from(paths))
    inner = record
    for key in parents:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[last] = data.draw(JSON)
    else:
        del inner[last]
    tensors = format_._tensors(content)
    record["sha256"] = format_.digest(record, tensors)
    place.write_bytes(serialize(tensors, {"glassnet": format_.canonical(record)}))
    try:
        loaded = load(place)
    except FileFormatError:
        return
    describe(place)
    if not isinstance(loaded, Network) and loaded.engine == "auto":
        with suppress(InputError), np.errstate(all="ignore"):  # a column may have another name now
            loaded.predict(X if isinstance(loaded, gn.MLPClassifier) else TABLE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "Forest"}, "known are"),
        ({"architecture": {"sizes": [2, 4, 1], "activations": ["tanh"], "bias": True}}, "the architecture needs"),
        ({"architecture": {"sizes": [2, 10**12, 1], "activations": ["tanh"], "bias": True}}, "the architecture needs"),
        ({"architecture": {"sizes": [2, 3, 1], "activations": ["tanh"], "bias": False}}, "not one of the architecture"),
        ({"architecture": {"sizes": [2, 3, 1], "activations": ["thin"], "bias": True}}, "Unknown activation"),
        ({"architecture": {"sizes": [2], "activations": [], "bias": True}}, "at least"),
        ({"architecture": None}, "a record was needed"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(path, changes, words):
    save(NETWORK, path)
    path.write_bytes(reforge(path.read_bytes(), **changes))
    with pytest.raises(FileFormatError, match=words):
        load(path)


def test_forged_weights_are_refused(path):
    record = {
        "format": 1,
        "glassnet": "0.1.0",
        "kind": "Network",
        "architecture": {"sizes": [2, 1], "activations": [], "bias": False},
    }
    for w, words in (
        (np.full((2, 1), np.nan), "not a number"),
        (np.ones((2, 1), np.float16), "F16"),
        (np.ones((2, 1), np.int64), "I64"),
        (np.ones((1, 2)), "shape"),
    ):
        content = record | {"sha256": format_.digest(record, {"layers.0.w": w})}
        path.write_bytes(serialize({"layers.0.w": w}, {"glassnet": format_.canonical(content)}))
        with pytest.raises(FileFormatError, match=words):
            load(path)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("rates", [["", 1.0], [10**400, 1.0]])
def test_forged_rates_of_layers_are_refused(path, rates):
    save(gn.MLPRegressor((3,), max_iter=1, layer_rates=[1.0, 1.0]).fit([[0.0], [1.0]], [0.0, 1.0]), path)
    record, tensors = unpack(path.read_bytes())
    record["parameters"]["layer_rates"] = rates
    path.write_bytes(pack(record, tensors))
    with pytest.raises(FileFormatError, match="its parameters make no training"):
        load(path)


def test_every_changed_weight_is_noticed(path):
    save(NETWORK, path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="checksum"):
        load(path)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (gn.MLPRegressor, {"loss": "gaussian", "skip": True, "activation": ["mish"]}),
        (gn.MLPRegressor, {"loss": Huber(0.5), "solver": RMSprop(0.01, decay=0.8), "learning_rate": Cosine(final=0.1)}),
        (gn.MLPRegressor, {"bias": False, "frozen": [0], "coefs_init": [np.ones((3, 4)), np.ones((4, 1))]}),
        (gn.MLPRegressor, {"solver": "lm", "n_restarts": 2}),
        (gn.MLPClassifier, {"label_smoothing": 0.1, "class_weight": {0: 2.0, 1: 1.0}, "dropout": [0.2]}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_every_kind_of_parameter_comes_back(kind, parameters, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    model = kind(hidden_layer_sizes=(4,), max_iter=3, random_state=0, **parameters).fit(X, X[:, 0] > 0)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    for name in set(parameters) - {"coefs_init"}:
        given = parameters[name]
        assert again.get_params()[name] == (tuple(given) if isinstance(given, list) else given)
    if model.solver == "adam":
        for each in (model, again):
            each.partial_fit(X, X[:, 0] > 0)
        if "frozen" in parameters:
            np.testing.assert_array_equal(again.coefs_[0], np.ones((3, 4)))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("loss", [name for name in LOSSES if "entropy" not in name])
@pytest.mark.parametrize("solver", OPTIMIZERS)
def test_every_loss_and_optimizer_comes_back(loss, solver, tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = gn.MLPRegressor((4,), loss=loss, solver=solver, max_iter=2, random_state=0).fit(X, np.exp(X[:, 0]))
    save(model, tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(X), model.predict(X))
