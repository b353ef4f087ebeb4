"""Several networks that make one model: their splits, their weights, their mean, and how they end together."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from glassnet import Table, TableClassifier, TableRegressor
from glassnet.data import example
from glassnet.errors import InputError, UnknownNameError
from glassnet.estimators import ensemble
from glassnet.estimators.ensemble import cooled, scores_of, temperature, view_weights
from glassnet.nn import Network, get_loss

PENGUINS = example("penguins")
FEW = {"hidden_layer_sizes": (8,), "max_iter": 8, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:The network is no better:glassnet.errors.TrainingWarning")
N = 400


def counted(n=N):
    """A table whose target is the place of the row, which a network can learn."""
    places = np.arange(n)
    noise = np.random.default_rng(0).normal(size=(n, 2))
    return {"a": places + 20 * noise[:, 0], "b": noise[:, 1], "y": places.astype(float)}


def classes(n=300, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    kind = np.array(["x", "y", "z"])[np.digitize(a + 0.7 * rng.normal(size=n), [-0.5, 0.5])]
    return {"a": a, "b": rng.normal(size=n), "kind": kind}


@pytest.fixture
def trainings(monkeypatch):
    """Which rows each network trains on, and chooses its epoch by, of a model of `counted`."""
    seen, targets = [], []
    own, own_target = ensemble.train, TableRegressor._better_target

    def described(*given):
        targets.append(own_target(*given))
        return targets[-1]

    def noted(engine, state, rows, plan, *, validation=None, **more):
        seen.append([data and np.round(targets[-1].decode(data.t)).astype(int).tolist() for data in (rows, validation)])
        return own(engine, state, rows, plan, validation=validation, **more)

    monkeypatch.setattr(TableRegressor, "_better_target", described)
    monkeypatch.setattr(ensemble, "train", noted)
    return seen


@pytest.mark.parametrize(
    ("kind", "table", "target"), [(TableClassifier, classes(), "kind"), (TableRegressor, counted(), "y")]
)
def test_any_number_of_threads_gives_the_same_bits(kind, table, target):
    one, *others = (kind(**FEW, n_jobs=n, n_estimators=5).fit(table, target=target) for n in (1, 2, 3))
    for other in others:
        for a, b in zip(one.members_, other.members_, strict=True):
            assert_array_equal(a.network.parameters, b.network.parameters)
            assert (a.view, a.fold, a.weight, a.temperature) == (b.view, b.fold, b.weight, b.temperature)
            assert a.history.validation_loss == b.history.validation_loss
        assert_array_equal(one.predict(table), other.predict(table))


def test_by_default_there_are_four_pairs_of_the_two_views():
    model = TableRegressor(**FEW).fit(counted(), target="y")
    assert [(member.view, member.fold) for member in model.members_] == [(i % 2, i // 2) for i in range(8)]
    assert model.network_ is model.members_[0].network
    assert model.history_ is model.members_[0].history
    assert model.n_iter_ == max(len(member.history) for member in model.members_)
    for name in ("network_", "history_"):
        with pytest.raises(AttributeError):
            setattr(model, name, None)


@pytest.mark.parametrize(("quality", "networks"), [("fast", 2), ("default", 8), ("best", 20)])
def test_a_quality_is_a_number_of_networks_and_of_epochs(quality, networks):
    model = TableRegressor(quality=quality, hidden_layer_sizes=(2,), max_iter=1, random_state=0)
    assert len(model.fit(counted(), target="y").members_) == networks
    epochs = {q: TableRegressor(quality=q)._recipe(1000).epochs for q in ("fast", "default", "best")}
    assert epochs["fast"] < epochs["default"] < epochs["best"]


def test_a_wrong_quality_or_number_of_networks_is_told():
    with pytest.raises(UnknownNameError, match="Did you mean 'default'"):
        TableRegressor(quality="defualt").fit(counted(), target="y")
    with pytest.raises(UnknownNameError, match=r"calibration.*Did you mean 'split'"):
        TableRegressor(calibration="splt").fit(counted(), target="y")
    for wrong in (0, 2.5, "many", None, True):
        with pytest.raises(InputError, match="n_estimators is"):
            TableRegressor(n_estimators=wrong).fit(counted(), target="y")


@pytest.mark.parametrize("n_estimators", [1, 3, 8])
def test_a_table_without_pieces_has_one_view(n_estimators):
    noise = np.random.default_rng(0).normal(size=60)
    table = {"a": np.arange(60.0) % 3, "b": np.array(["u", "v"] * 30), "y": np.arange(60.0) % 3 + noise}
    model = TableRegressor(**FEW, n_estimators=n_estimators)
    members = model.fit(table, target="y").members_
    assert (model.pieces_, len(members), {member.view for member in members}) == (None, n_estimators, {0})


# Which rows each network has.


def test_networks_of_one_pair_leave_out_the_same_rows_and_pairs_others(trainings):
    TableRegressor(**FEW, n_estimators=10, n_jobs=1, calibration="none").fit(counted(), target="y")
    chosen = [tuple(choose) for _, choose in trainings]
    assert chosen[0::2] == chosen[1::2]
    assert sorted(row for part in chosen[0::2] for row in part) == list(range(N))  # each is left out by one pair
    for train, choose in trainings:
        assert sorted(train + choose) == list(range(N))


def test_calibration_rows_are_seen_by_no_network(trainings):
    TableRegressor(**FEW, n_estimators=10, n_jobs=1, calibration="split").fit(counted(), target="y")
    unseen = set(range(N)).difference(*(train + choose for train, choose in trainings))
    assert len(unseen) == N // 10
    for train, choose in trainings:
        assert sorted({*train, *choose, *unseen}) == list(range(N))


def test_calibration_rows_of_a_fold_are_seen_by_no_network_of_that_fold(trainings):
    TableRegressor(**FEW, n_estimators=10, n_jobs=1, calibration="cv+").fit(counted(), target="y")
    unseen = [set(range(N)).difference(train + choose) for train, choose in trainings[0::2]]
    assert [len(rows) for rows in unseen] == [N // 5 // 4] * 5
    assert len(set.union(*unseen)) == sum(map(len, unseen))  # each row calibrates once
    assert trainings[0::2] == trainings[1::2]


def test_a_given_table_chooses_the_epochs_of_all_networks(trainings):
    held = {name: np.array(cells)[::7] for name, cells in counted().items()}
    TableRegressor(**FEW, n_estimators=5, n_jobs=1).fit(counted(), target="y", X_val=held)
    assert [choose for _, choose in trainings] == [list(range(0, N, 7))] * 5
    assert [sorted(train) for train, _ in trainings] == [list(range(N))] * 5


def test_without_rows_held_out_all_networks_train_on_all_rows_and_keep_their_last_epoch(trainings):
    model = TableRegressor(**FEW, n_estimators=4, n_jobs=1, validation_fraction=0).fit(counted(), target="y")
    assert [choose for _, choose in trainings] == [None] * 4
    assert [sorted(train) for train, _ in trainings] == [list(range(N))] * 4
    assert [member.weight for member in model.members_] == [0.25] * 4
    assert [len(member.history) for member in model.members_] == [8] * 4


@pytest.mark.parametrize("n", [2, 12, 30, 45])
def test_a_small_table_is_learned_by_all_networks(n):
    table = {"a": np.arange(n) / 3, "y": np.arange(n) * 2.0 + np.random.default_rng(0).normal(size=n)}
    model = TableRegressor(**FEW, n_estimators=4).fit(table, target="y")
    assert np.isfinite(model.predict(table)).all()
    assert sum(member.weight for member in model.members_) == pytest.approx(1)


def test_rows_of_weight_zero_leave_no_trace_in_any_network():
    table = counted()
    table["a"][200:] *= 1000
    half = {name: cells[:200] for name, cells in table.items()}
    weighted = TableRegressor(**FEW, n_estimators=4).fit(table, target="y", sample_weight=np.repeat([1.0, 0.0], 200))
    absent = TableRegressor(**FEW, n_estimators=4).fit(half, target="y", sample_weight=np.ones(200))
    assert (weighted.preprocessor_, weighted.pieces_) == (absent.preprocessor_, absent.pieces_)
    for one, same in zip(weighted.members_, absent.members_, strict=True):
        assert_array_equal(one.network.parameters, same.network.parameters)
        assert one.weight == same.weight


def test_class_weights_are_weights_of_rows_for_all_networks():
    table = classes()
    weights = np.where(np.array(table["kind"]) == "x", 4.0, 1.0)
    by_row = TableClassifier(**FEW, n_estimators=5).fit(table, target="kind", sample_weight=weights)
    by_class = TableClassifier(**FEW, n_estimators=5, class_weight={"x": 4.0}).fit(table, target="kind")
    for one, same in zip(by_row.members_, by_class.members_, strict=True):
        assert_array_equal(one.network.parameters, same.network.parameters)
        assert (one.weight, one.temperature) == (same.weight, same.temperature)


# What they say together.


@pytest.mark.parametrize("n_estimators", [1, 2, 3, 8])
def test_predictions_are_the_weighted_mean_of_the_networks(n_estimators):
    table = classes()
    model = TableClassifier(**FEW, n_estimators=n_estimators).fit(table, target="kind")
    assert sum(member.weight for member in model.members_) == pytest.approx(1, abs=1e-12)
    x = [view.transform(Table.read(table)) for view in (model.preprocessor_, model.pieces_) if view is not None]
    mean = 0
    for member in model.members_:
        y = member.network.astype(np.float64).forward(x[member.view])[0]
        e = np.exp(y - y.max(axis=1, keepdims=True))
        mean = mean + member.weight * e / e.sum(axis=1, keepdims=True)
    assert_allclose(model.predict_proba(table), mean, atol=1e-5)
    assert (model.classes_[mean.argmax(axis=1)] == model.predict(table)).all()


def test_networks_of_a_view_count_alike_and_a_view_for_at_least_a_quarter():
    model = TableClassifier(**FEW, n_estimators=7).fit(classes(), target="kind")
    for view, count in ((0, 4), (1, 3)):
        weights = {member.weight for member in model.members_ if member.view == view}
        assert len(weights) == 1
        assert 0.25 <= count * weights.pop() <= 0.75


def test_views_are_weighed_by_what_they_know():
    right, wrong = np.array([[0.9], [0.1]]), np.array([[0.1], [0.9]])
    t = np.array([[1.0], [0.0]])
    loss = get_loss("binary_cross_entropy")

    def losses(p):
        return float(loss.rows(scores_of(loss, p), t).mean())

    assert view_weights(losses, [right, wrong]).tolist() == [0.75, 0.25]
    assert view_weights(losses, [wrong, right]).tolist() == [0.25, 0.75]
    assert view_weights(losses, [right]).tolist() == [1.0]


@given(degrees=st.floats(0.2, 5.0), k=st.sampled_from([1, 3]), seed=st.integers(0, 20))
def test_a_temperature_in_the_last_layer_divides_the_scores(degrees, k, seed):
    network = Network.create([3, 5, k], "silu", seed=seed)
    network.layers[-1].b[...] = np.arange(k) + 0.5
    before = network.parameters.copy()
    x = np.random.default_rng(seed).normal(size=(20, 3))
    y, cooler = network.forward(x)[0], cooled(network, degrees).forward(x)[0]
    assert_allclose(cooler, y / degrees, rtol=1e-12)
    assert_array_equal(cooler.argmax(axis=1), y.argmax(axis=1))
    assert_array_equal(cooler > 0, y > 0)
    assert_array_equal(network.parameters, before)


@pytest.mark.parametrize("name", ["binary_cross_entropy", "cross_entropy"])
def test_the_temperature_makes_the_loss_least_and_never_larger(name):
    loss, rng = get_loss(name), np.random.default_rng(0)
    y = 3 * rng.normal(size=(4000, 1 if name.startswith("binary") else 3))
    p = loss.predict(y / 2.5)  # scores are 2.5 times too sure
    drawn = (rng.random((len(p), 1)) > p.cumsum(axis=1)).sum(axis=1)  # one answer of each row, as likely as p says
    t = 1.0 - drawn[:, None] if p.shape[1] == 1 else np.eye(3)[np.minimum(drawn, 2)]
    found = temperature(loss, y, t, None)
    assert found == pytest.approx(2.5, rel=0.1)
    assert loss.rows(y / found, t).mean() < loss.rows(y, t).mean()
    assert temperature(loss, y / found, t, None) == pytest.approx(1, abs=1e-3)


def test_the_temperature_of_one_network_changes_no_label():
    table = classes()
    model = TableClassifier(**FEW | {"max_iter": 60}, n_estimators=1).fit(table, target="kind")
    (member,) = model.members_
    labels, p = model.predict(table), model.predict_proba(table)
    model.members_ = [replace(member, network=cooled(member.network, 3.0))]
    assert (model.predict(table) == labels).all()
    rooted = np.cbrt(p)  # scores divided by three
    assert_allclose(model.predict_proba(table), rooted / rooted.sum(axis=1, keepdims=True), rtol=1e-4)


def test_quantities_have_no_temperature():
    model = TableRegressor(**FEW, n_estimators=4).fit(counted(), target="y")
    assert {member.temperature for member in model.members_} == {1.0}


# How they end.


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_callback_hears_of_every_network_and_ends_them_all(n_jobs):
    heard = []

    def fifth(report):
        heard.append((report.training, report.trainings, report.epoch.epoch))
        return report.training == 2 and report.epoch.epoch == 5

    model = TableRegressor(**FEW | {"max_iter": 50}, n_estimators=6, n_jobs=n_jobs, callbacks=[fifth])
    model.fit(counted(), target="y")
    assert {of for _, of, _ in heard} == {6}
    assert {training for training, _, _ in heard} <= {0, 1, 2, 3}
    lengths = [len(member.history) for member in model.members_]
    assert lengths[2] == 5
    assert len(lengths) <= 3 if n_jobs == 1 else len(lengths) <= 4
    assert model.members_[2].history.stopped_by == "callback"
    assert sum(member.weight for member in model.members_) == pytest.approx(1)
    assert np.isfinite(model.predict(counted())).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_in_a_callback_is_the_fit_s_and_leaves_the_model_as_it_was(n_jobs):
    model = TableRegressor(**FEW, n_estimators=4, n_jobs=n_jobs).fit(counted(), target="y")
    before = model.predict(counted())
    closed = []

    class Fails:
        def __call__(self, report):
            if report.training == 1:
                raise LookupError("mine")

        def close(self):
            closed.append(True)

    with pytest.raises(LookupError, match="mine"):
        model.set_params(callbacks=[Fails()]).fit(counted(), target="y")
    assert closed == [True]
    assert_array_equal(model.predict(counted()), before)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_interrupt_raised_by_a_callback_ends_them_all(n_jobs):
    def interrupt(report):
        if report.training == 1 and report.epoch.epoch == 3:
            raise KeyboardInterrupt

    model = TableRegressor(**FEW | {"max_iter": 200}, n_estimators=6, n_jobs=n_jobs, callbacks=[interrupt])
    model.fit(counted(), target="y")
    assert model.history_.stopped_by == "interrupt"
    assert len(model.members_) <= 3


CHILD = """
import json, signal, sys, threading
import numpy as np
from glassnet import TableRegressor

signal.signal(signal.SIGINT, signal.default_int_handler)  # as a shell starts it
n_jobs = int(sys.argv[1])
x = np.random.default_rng(0).normal(size=(4000, 5))
running = set()

def report_in(report):
    running.add(report.training)
    if len(running) == n_jobs:
        print("running", flush=True)

model = TableRegressor(max_iter=100_000, n_iter_no_change=float("inf"), n_jobs=n_jobs, random_state=0,
                       callbacks=[report_in])
model.fit(x, x[:, 0] + x[:, 1] ** 2)
said = model.predict(x[:100])
print(json.dumps({
    "stopped_by": [member.history.stopped_by for member in model.members_],
    "weights": sum(member.weight for member in model.members_),
    "finite": bool(np.isfinite(said).all()),
    "threads": threading.active_count(),
    "handler_restored": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
}))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a child cannot be sent Ctrl-C alone there")
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.usefixtures("kernel")
def test_ctrl_c_ends_all_networks_soon_and_leaves_a_model_that_can_be_used(n_jobs):
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(n_jobs)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert child.stdout.readline() == "running\n", child.communicate()[1]
        sent = time.perf_counter()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode == 0, err
    assert time.perf_counter() - sent < 5
    told = json.loads(out.splitlines()[-1])
    assert told["stopped_by"] == ["interrupt"] * n_jobs
    assert told["weights"] == pytest.approx(1)
    assert told["finite"]
    assert told["threads"] == 1
    assert told["handler_restored"]


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(("limit", "n"), [(1.0, 3000), (3.0, 3000)])
def test_a_time_limit_is_kept_by_all_networks_together(limit, n, n_jobs):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 10))
    model = TableRegressor(random_state=0, n_jobs=n_jobs, time_limit_seconds=limit)
    took = []
    while not took or (took[-1] >= 1.1 * limit + 0.3 and len(took) < 3):  # the machine may have been busy
        began = time.perf_counter()
        model.fit(x, x[:, 0] * x[:, 1] + 0.1 * rng.normal(size=n))
        took.append(time.perf_counter() - began)
    assert took[-1] < 1.1 * limit + 0.3
    assert model.score(x, x[:, 0] * x[:, 1]) > 0.3
    assert sum(member.weight for member in model.members_) == pytest.approx(1)


@pytest.mark.parametrize("limit", [0, -1, "soon", float("nan")])
def test_a_limit_that_is_none_is_told_before_any_work(limit):
    with pytest.raises(InputError, match="time_limit_seconds is"):
        TableRegressor(**FEW, time_limit_seconds=limit).fit(counted(), target="y")


@settings(max_examples=10, deadline=None)
@given(n_estimators=st.integers(1, 7), random_state=st.integers(0, 3))
def test_a_copy_of_a_fit_is_the_same_fit(n_estimators, random_state):
    settings_ = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": random_state, "n_estimators": n_estimators}
    one, same = (TableClassifier(**settings_).fit(PENGUINS, target="species") for _ in range(2))
    assert_array_equal(one.predict_proba(PENGUINS), same.predict_proba(PENGUINS))


@pytest.mark.filterwarnings("ignore:The network is no better")
def test_layers_are_wider_where_a_table_has_many_features():
    rng = np.random.default_rng(0)
    for columns, units in ((3, 96), (65, 128)):
        x = rng.normal(size=(60, columns))
        model = TableRegressor(n_estimators=2, max_iter=1, random_state=0).fit(x, x[:, 0] + rng.normal(size=60))
        assert [layer.w.shape[1] for layer in model.network_.layers] == [units] * 3 + [1]
        assert {member.network.layers[0].w.shape[1] for member in model.members_} == {units}
