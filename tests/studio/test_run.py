"""A run is its settings and its events: replayed they give the same bits, whatever the events were."""

import json
import shutil
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.errors import InputError
from glassnet.exports.c import COMPILERS
from glassnet.studio.history import History, kept, moment_of, restore
from glassnet.studio.run import Run
from glassnet.studio.settings import DRAWN
from glassnet.studio.takeaway import read_state, ready, take

START = {
    "layers": [{"units": 4, "activation": "tanh"}, {"units": 3, "activation": "relu"}],
    "data": {"kind": "circles", "n": 40},
}
POINTS = {"kind": "points", "share": 0.67, "seed": 0, "points": [[0.1 * i, 0.2, i % 2] for i in range(9)]}

EVENTS = st.one_of(
    st.tuples(st.just("advance"), st.integers(0, 7)),
    st.tuples(st.just("edit"), st.integers(0, 2), st.integers(0, 1), st.integers(0, 1), st.floats(-2, 2)),
    st.tuples(st.just("edit"), st.integers(0, 2), st.just("b"), st.just(0), st.floats(-2, 2)),
    st.tuples(st.just("freeze"), st.lists(st.integers(0, 8), max_size=4), st.booleans()),
    st.tuples(st.just("add_unit"), st.integers(0, 1)),
    st.tuples(st.just("remove_unit"), st.integers(0, 1), st.integers(0, 2)),
    st.tuples(st.just("activation"), st.integers(0, 1), st.sampled_from(["identity", "relu", "logistic"])),
    st.tuples(st.just("input"), st.sampled_from(["x1", "x1*x2", "sin(x2)"]), st.booleans()),
    st.tuples(st.just("optimizer"), st.sampled_from(["sgd", "adam", "rmsprop"]), st.floats(0.001, 0.1)),
    st.tuples(st.just("rate"), st.floats(0.001, 0.1)),
    st.tuples(st.just("penalty"), st.sampled_from(["l1", "l2"]), st.floats(0, 0.1)),
    st.tuples(st.just("batch"), st.integers(0, 12)),
)


def happened(run, events):
    for event in events:
        with suppress(InputError):  # not every event fits every network; then nothing may have changed
            run.apply(event)
    return run


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=12))
def test_events_replayed_give_the_same_bits(events):
    run = happened(Run(START, {}), events)
    again = Run(run.first, {})
    for event in json.loads(json.dumps(run.events)):  # as a link or a file holds them
        again.apply(event)
    np.testing.assert_array_equal(again.state.parameters, run.state.parameters)
    np.testing.assert_array_equal(again.state.moments, run.state.moments)
    assert again.settings == run.settings
    assert again.frozen == run.frozen
    assert again.steps == run.steps


@settings(max_examples=40, deadline=None)
@given(EVENTS)
def test_an_event_that_cannot_happen_changes_nothing(event):
    run = Run({**START, "layers": [], "features": ["x1"]}, {})
    before = run.state.parameters.copy(), dict(run.settings), list(run.events), run.x.shape
    try:
        run.apply(event)
    except InputError:
        np.testing.assert_array_equal(run.state.parameters, before[0])
        assert (run.settings, run.events, run.x.shape) == before[1:]


def test_steps_in_any_parts_are_the_same_steps():
    whole, parts = Run(START, {}), Run(START, {})
    whole.apply(("advance", 60))
    for steps in (1, 2, 0, 7, 50):
        parts.apply(("advance", steps))
    np.testing.assert_array_equal(whole.state.parameters, parts.state.parameters)
    assert whole.events == parts.events == [("advance", 60)]


def test_frozen_parameters_stay():
    run = Run(START, {})
    places = run.places_of({"unit": [0, 1]})
    before = run.state.parameters[0, places].copy()
    run.apply(("freeze", places, True))
    run.apply(("advance", 50))
    np.testing.assert_array_equal(run.state.parameters[0, places], before)
    run.apply(("freeze", places, False))
    run.apply(("advance", 1))
    assert (run.state.parameters[0, places] != before).all()


def test_a_moment_goes_on_as_if_nothing_had_come_after_it():
    straight, detour = Run(START, {}), Run(START, {})
    straight.apply(("advance", 30))
    straight.apply(("advance", 30))
    detour.apply(("advance", 30))
    moment = moment_of(detour, *detour.losses(detour.state))
    happened(detour, [("edit", 0, 0, 0, 2.0), ("add_unit", 0), ("input", "x1*x2", True), ("rate", 0.5), ("advance", 9)])
    restore(detour, moment)
    detour.apply(("advance", 30))
    np.testing.assert_array_equal(detour.state.parameters, straight.state.parameters)
    assert detour.events == straight.events
    assert detour.settings == straight.settings


def test_history_stays_within_its_memory_and_keeps_the_newest(monkeypatch):
    monkeypatch.setattr("glassnet.studio.history.MOST_BYTES", 200_000)
    run, history = Run(START, {}), History()
    for _ in range(400):
        run.apply(("advance", 1))
        history.add(moment_of(run, *run.losses(run.state)))
    assert sum(moment.size for moment in history.moments) <= 200_000
    steps = [moment.steps for moment in history.moments]
    assert steps == sorted(steps)
    assert steps[-20:] == list(range(381, 401))  # the oldest were thinned first
    assert steps[0] == 1
    assert len(history.points) == 400


@pytest.mark.parametrize("kind", [*DRAWN, "formula", "points"])
def test_every_kind_of_rows_trains(kind):
    run = Run({"data": POINTS if kind == "points" else {"kind": kind, "n": 60}}, {})
    first = run.losses(run.state)[0]
    run.apply(("advance", 200))
    assert run.losses(run.state)[0] < first


def test_every_setting_has_its_effect():
    base = Run(START, {})
    base.apply(("advance", 20))
    for change in (
        {"bias": False},
        {"init": "he"},
        {"loss": "squared_error"},
        {"optimizer": "sgd"},
        {"rate": 0.01},
        {"l2": 0.1},
        {"l1": 0.1},
        {"batch": 7},
        {"seed": 8},
        {"features": ["x1", "x1**2"]},
        {"data": {"kind": "circles", "n": 40, "noise": 0.3}},
        {"data": {"kind": "circles", "n": 40, "seed": 1}},
        {"data": {"kind": "circles", "n": 40, "share": 0.5}},
    ):
        other = Run({**START, **change}, {})
        other.apply(("advance", 20))
        same = other.state.parameters.shape == base.state.parameters.shape and np.array_equal(
            other.state.parameters, base.state.parameters
        )
        assert not same, change


# The script that is taken away, run as a reader would.


def replayed(run, shelf, folder):
    code, _, name = take(run, "replay.py", shelf)
    (folder / name).write_bytes(code)
    result = subprocess.run(
        [sys.executable, "-W", "error::SyntaxWarning", name], cwd=folder, capture_output=True, text=True, timeout=100
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_script_replays_edits_freezes_and_growth_to_the_same_bits(tmp_path):
    run = Run({**START, "batch": 8}, {})
    for event in (
        ("advance", 33),
        ("edit", 0, 1, 2, 0.75),
        ("edit", 1, "b", 0, -0.5),
        ("freeze", run.places_of({"weight": [0, 1, 2]}), True),
        ("advance", 20),
        ("add_unit", 0),
        ("input", "x1**2 + x2**2", True),
        ("activation", 1, "identity"),
        ("advance", 9),
        ("remove_unit", 0, 0),
        ("input", "x2", False),
        ("rate", 0.01),
        ("penalty", "l2", 0.01),
        ("advance", 5),
        ("optimizer", "sgd", 0.02),
        ("batch", 0),
        ("advance", 5),
    ):
        run.apply(event)
    assert "the same bits as in the studio" in replayed(run, {}, tmp_path)


def test_the_script_of_points_that_were_added_while_training(tmp_path):
    run = Run({"data": POINTS, "layers": START["layers"]}, {})
    run.apply(("advance", 10))
    run.apply(("rows", {**POINTS, "points": [*POINTS["points"], [0.5, -0.5, 1], [0.6, -0.5, 0]]}))
    run.apply(("advance", 10))
    run.apply(("batch", 4))
    run.apply(("advance", 3))
    run.apply(("rows", POINTS))
    run.apply(("advance", 10))
    assert "the same bits as in the studio" in replayed(run, {}, tmp_path)


def test_the_script_of_a_table_reads_the_file_beside_it(tmp_path, shelf, penguins_settings):
    from glassnet.data.table import write_table

    run = Run(penguins_settings(), shelf)
    run.apply(("advance", 40))
    table = shelf["penguins"][1]
    write_table({name: table[name] for name in table.names}, tmp_path / "penguins.csv")
    assert "the same bits as in the studio" in replayed(run, shelf, tmp_path)


# The file and the link.


def test_a_state_file_holds_everything_the_table_too(shelf, penguins_settings):
    run = Run(penguins_settings(), shelf)
    run.apply(("advance", 40))
    run.apply(("edit", 0, 0, 0, 1.25))
    content = json.loads(take(run, "state.json", shelf)[0])
    elsewhere = {}
    first, events = read_state(content, elsewhere)
    again = Run(first, elsewhere)
    for event in events:
        again.apply(event)
    np.testing.assert_array_equal(again.state.parameters, run.state.parameters)
    assert len(elsewhere) == 1


@pytest.mark.parametrize(
    "content",
    [None, {}, [], {"format": "glassnet studio 1"}, {"format": "glassnet studio 1", "settings": {}, "events": 3}],
)
def test_what_is_no_state_file_is_refused(content):
    with pytest.raises(InputError, match="state"):
        read_state(content, {})


def test_a_damaged_table_in_a_state_file_is_refused(penguins_settings):
    content = {
        "format": "glassnet studio 1",
        "settings": penguins_settings(),
        "events": [],
        "table": "bm8gcGFycXVldA==",
    }
    with pytest.raises(InputError, match="damaged"):
        read_state(content, {})


def test_a_link_that_could_not_hold_the_rows_says_so(shelf, penguins_settings):
    told = json.loads(take(Run(penguins_settings(), shelf), "link", shelf)[0])
    assert told["hash"] is None
    assert "file" in told["why"]
    assert json.loads(take(Run({}, {}), "link", {})[0])["hash"].startswith("#s=")


# The model in other languages.


@pytest.mark.parametrize("loss", ["auto", "squared_error"])  # a table model; the bare network, which has no labels
def test_plain_python_that_is_taken_away_says_what_the_page_shows(loss):
    run = Run({**START, "loss": loss}, {})
    run.apply(("advance", 20))
    content, media_type, name = take(run, "model.py", {})
    assert (media_type, name) == ("text/x-python; charset=utf-8", "circles.py")
    model = {"__name__": "taken"}
    exec(content, model)
    y = run.network.forward(run.x)[0][:, 0]
    if loss == "auto":
        said = [model["predict"]({"x1": a, "x2": b}) == model["CLASSES"][1] for a, b in run.x]
        np.testing.assert_array_equal(said, y > 0)
    else:
        np.testing.assert_allclose([model["predict"](list(row))[0] for row in run.x], y, rtol=1e-9)


@pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="there is no compiler of C")
def test_c_that_is_taken_away_compiles_under_the_name_of_its_file(tmp_path):
    content, _, name = take(Run(START, {}), "model.c", {})
    assert name == "circles.c"
    assert b"int circles_predict(const double x[2]" in content
    (tmp_path / name).write_bytes(content)
    compiler = next(filter(None, map(shutil.which, COMPILERS)))
    subprocess.run([compiler, "-std=c99", "-Werror", "-c", name], cwd=tmp_path, check=True)


def test_onnx_that_is_taken_away_takes_the_columns_of_the_table(shelf, penguins_settings):
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnx is an extra")
    run = Run(penguins_settings(), shelf)
    content, _, name = take(run, "model.onnx", shelf)
    assert name == "penguins.onnx"
    inputs = {one.name for one in onnxruntime.InferenceSession(content).get_inputs()}
    assert inputs <= set(shelf["penguins"][1].names)
    assert "bill_length_mm" in inputs


def test_c_of_categories_is_refused_with_the_name_of_the_file_and_no_path(shelf, penguins_settings):
    with pytest.raises(InputError, match=r"(?i)categor|number") as refused:
        take(Run(penguins_settings(), shelf), "model.c", shelf)
    assert "/tmp" not in str(refused.value)


def test_an_export_is_of_the_moment_when_it_was_asked_for_while_the_run_goes_on():
    run = Run(START, {})
    before = take(run, "model.py", {})[0]
    make = ready(run, "model.py", {})
    run.apply(("advance", 20))
    assert make()[0] == before
    assert take(run, "model.py", {})[0] != before


def test_what_can_be_undone_stays_within_its_memory(monkeypatch):
    run = Run(START, {})
    moment = moment_of(run, 0.0, 0.0)
    monkeypatch.setattr("glassnet.studio.history.UNDO_BYTES", 3 * moment.size)
    assert kept([moment] * 10) == [moment] * 3
    monkeypatch.setattr("glassnet.studio.history.UNDO_BYTES", 1)
    assert kept([moment] * 10) == [moment]


def test_a_moment_of_other_rows_and_features_is_restored_with_them():
    run = Run({"data": POINTS, "layers": START["layers"]}, {})
    before = moment_of(run, *run.losses(run.state))
    run.apply(("rows", {**POINTS, "points": [*POINTS["points"], [0.5, -0.5, 1]]}))
    run.apply(("input", "x1*x2", True))
    run.apply(("advance", 3))
    restore(run, before)
    assert run.x.shape == (len(POINTS["points"]), 2)
    run.apply(("advance", 3))
    straight = Run({"data": POINTS, "layers": START["layers"]}, {})
    straight.apply(("advance", 3))
    np.testing.assert_array_equal(run.state.parameters, straight.state.parameters)
