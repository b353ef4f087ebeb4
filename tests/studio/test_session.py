"""A run and its page: what the page says happens, nothing it says can harm, and no page holds anything up."""

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.examples import penguins
from glassnet.data.table import Table
from glassnet.errors import InputError
from glassnet.studio.hub import Hub
from glassnet.studio.run import Run


def session_of(page):
    return page.link.session


def test_a_page_is_told_everything_when_it_comes(hub, open_page):
    page = open_page(hub)
    page.wait("frame")
    kinds = [kind for kind, *_ in page.heard]
    assert kinds[0] == "hello"
    assert {"points", "run", "history", "frame"} <= set(kinds)
    run, _ = page.last("run")
    frame, arrays = page.last("frame")
    assert frame["version"] == run["version"] == page.last("points")[0]["version"]
    assert arrays["parameters"].shape == arrays["gradient"].shape == (run["parameters"],)
    assert len(run["layers"]) == len(run["sizes"]) - 1 == len(run["blocks"])
    for layer in run["layers"]:
        assert len(layer["names"]) == layer["units"]


def test_playing_trains_and_pausing_rests(page):
    page.say("play", pace="even")
    page.wait("frame", lambda frame: frame["epoch"] > 30)
    frame, _ = page.ask("pause", "frame", lambda frame: not frame["playing"])
    epoch = frame["epoch"]
    time.sleep(0.1)
    assert session_of(page).run.state.epoch == epoch
    assert frame["loss"] < page.link.session.history.points[0][2]


@pytest.mark.parametrize("pace", ["even", "epoch", "full"])
def test_every_pace_keeps_every_picture_in_the_history(page, pace):
    page.say("play", pace=pace)
    page.wait("frame", lambda frame: frame["step"] > 20)
    page.ask("pause", "frame", lambda frame: not frame["playing"])
    session = session_of(page)
    pictured = {frame["step"] for frame, _ in page.all("frame")}
    assert pictured <= {moment.steps for moment in session.history.moments}
    if pace == "epoch":
        steps = [point[0] for point in session.history.points]
        assert np.diff(steps).max() == 1


def test_a_page_that_draws_nothing_gets_two_pictures_and_holds_nothing_up(hub, open_page):
    page = open_page(hub, draws=False)
    page.wait("frame")
    before = len(page.all("frame"))
    page.say("play", pace="full")
    time.sleep(0.6)
    assert len(page.all("frame")) - before <= 2
    steps = session_of(page).run.steps
    time.sleep(0.3)
    assert session_of(page).run.steps > steps


def test_a_page_that_goes_leaves_its_run_at_rest_and_finds_it_again(hub, open_page):
    page = open_page(hub)
    page.wait("frame")
    page.say("play", pace="even")
    page.wait("frame", lambda frame: frame["epoch"] > 5)
    run_id = session_of(page).run_id
    page.link.close()
    time.sleep(0.2)
    steps = hub.sessions[run_id].run.steps
    time.sleep(0.2)
    assert hub.sessions[run_id].run.steps == steps
    again = open_page(hub, run_id)
    again.wait("frame")
    assert again.last("frame")[0]["step"] == steps
    assert len(again.last("history")[0]["points"]) > 5


def test_two_pages_have_two_runs(hub, open_page):
    one, two = open_page(hub), open_page(hub)
    one.wait("frame")
    two.wait("frame")
    one.ask("set", "run", changes={"seed": 11})
    assert session_of(two).run.settings["seed"] == 7


def test_a_page_that_comes_to_a_run_takes_it_over(hub, open_page):
    one = open_page(hub)
    one.wait("frame")
    two = open_page(hub, session_of(one).run_id)
    two.wait("frame")
    one.wait("taken")
    assert session_of(one) is session_of(two)


def test_only_so_many_runs_are_kept(hub, monkeypatch, open_page):
    monkeypatch.setattr("glassnet.studio.hub.MOST_RUNS", 3)
    pages = [open_page(hub) for _ in range(5)]
    pages[-1].wait("frame")
    assert len(hub.sessions) == 3
    assert session_of(pages[-1]).run_id in hub.sessions
    pages[0].wait("notice", lambda notice: "closed" in notice["text"])


# Settings.


def test_settings_that_can_change_while_it_trains_keep_what_was_learned(page):
    page.ask("step", "frame", unit="epoch")
    for changes in (
        {"rate": 0.01},
        {"l2": 0.1},
        {"batch": 10},
        {"optimizer": "sgd"},
        {"features": ["x1", "x2", "x1*x2"]},
    ):
        run, _ = page.ask("set", "run", changes=changes)
        assert run["settings"] | changes == run["settings"]
        assert session_of(page).run.steps == 1
    run, _ = page.ask("set", "run", changes={"seed": 3})
    assert session_of(page).run.steps == 0


def test_a_unit_more_keeps_the_loss_and_a_unit_less_says_what_it_cost(page):
    page.say("play", pace="full")
    page.wait("frame", lambda frame: frame["epoch"] > 100)
    frame, _ = page.ask("pause", "frame", lambda frame: not frame["playing"])
    more, _ = page.ask("unit", "frame", layer=0, add=True)
    assert more["loss"] == frame["loss"]
    page.ask("unit", "notice", lambda notice: "training loss is" in notice["text"], layer=1, remove=0)
    page.ask("undo", "run", lambda run: run["sizes"] == [2, 7, 4, 1])
    page.ask("undo", "run", lambda run: run["sizes"] == [2, 6, 4, 1])


def test_an_edit_shows_at_once_and_undo_takes_it_back(page):
    _, arrays = page.last("frame")
    before = arrays["parameters"].copy()
    _, arrays = page.ask("edit", "frame", weight=[0, 1, 2], value=2.5)
    index = session_of(page).run.place(0, 1, 2).index
    assert arrays["parameters"][index] == 2.5
    for value in (2.6, 2.7):  # a number that is dragged is one edit
        page.ask("edit", "frame", weight=[0, 1, 2], value=value)
    _, arrays = page.ask("undo", "frame")
    np.testing.assert_array_equal(arrays["parameters"], before)


def test_looking_back_shows_what_was_and_changes_nothing(page):
    for _ in range(5):
        page.ask("step", "frame", unit="epoch")
    losses = {point[0]: point[2] for point in session_of(page).history.points}
    frame, _ = page.ask("seek", "frame", step=2)
    assert (frame["looking"]["step"], frame["live"]) == (2, False)
    assert frame["loss"] == losses[2]
    page.ask("edit", "notice", lambda notice: "branch" in notice["text"], weight=[0, 0, 0], value=1)
    frame, _ = page.ask("back", "frame")
    assert frame["looking"]["step"] == 1
    frame, _ = page.ask("live", "frame")
    assert frame["live"]
    assert frame["loss"] == losses[5]


def test_a_branch_goes_on_from_there_in_the_same_bits(page):
    for _ in range(6):
        page.ask("step", "frame", unit="epoch")
    page.ask("edit", "frame", weight=[0, 0, 0], value=3)
    page.ask("seek", "frame", step=4)
    page.ask("branch", "frame")
    page.ask("step", "frame", unit="epoch")
    straight = Run({}, {})
    straight.apply(("advance", 5))
    np.testing.assert_array_equal(session_of(page).run.state.parameters, straight.state.parameters)
    assert session_of(page).run.events == [("advance", 5)]
    page.heard.clear()
    assert [point[0] for point in session_of(page).history.old] == [4, 5, 6]


def test_a_structure_of_the_past_is_shown_as_it_was(page):
    page.ask("step", "frame", unit="epoch")
    page.ask("unit", "run", layer=0, add=True)
    page.ask("step", "frame", unit="epoch")
    page.heard.clear()
    run, _ = page.ask("seek", "run", step=0)
    assert run["sizes"] == [2, 6, 4, 1]
    frame, _ = page.wait("frame", lambda frame: frame["looking"] is not None)
    assert frame["version"] == run["version"]
    run, _ = page.ask("live", "run")
    assert run["sizes"] == [2, 7, 4, 1]


def test_a_training_that_diverges_stops_at_the_last_finite_picture_and_recovers(page):
    page.ask(
        "set",
        "run",
        changes={"data": {"kind": "hills"}, "optimizer": "sgd", "layers": [{"units": 6, "activation": "square"}]},
    )
    page.ask("set", "run", changes={"rate": 3.0})
    page.say("play", pace="full")
    frame, arrays = page.wait("frame", lambda frame: frame["diverged"] is not None)
    assert np.isfinite(arrays["parameters"]).all()
    assert frame["loss"] is not None
    assert frame["diverged"]["step"] == frame["step"] + 1  # the very next step is none
    page.ask("play", "notice", lambda notice: "ran away" in notice["text"], pace="even")
    run, _ = page.ask("recover", "run")
    assert run["settings"]["rate"] == pytest.approx(0.3)
    assert page.wait("frame")[0]["diverged"] is None


def test_stages_end_with_the_step_itself(page):
    names = []
    while True:
        stage, _ = page.ask("step", "stage", unit="stage")
        if stage["name"] is None:
            break
        names.append(stage["name"])
    assert names[0] == "forward"
    assert names[-1] == "update"
    assert session_of(page).run.steps == 1


def test_points_are_added_while_it_trains(page):
    page.ask("step", "frame", unit="epoch")
    run, _ = page.ask("point", "run", add=[0.5, 0.5, 1])
    assert run["settings"]["data"]["kind"] == "points"
    page.ask("step", "frame", unit="epoch")
    rows = len(run["settings"]["data"]["points"])
    run, _ = page.ask("point", "run", add=[0.6, 0.5, 0])
    assert session_of(page).run.steps == 1  # nothing began anew
    assert len(run["settings"]["data"]["points"]) == rows + 1
    run, _ = page.ask("point", "run", remove=0)
    assert len(run["settings"]["data"]["points"]) == rows
    run, _ = page.ask("point", "run", clear=True)
    assert len(run["settings"]["data"]["points"]) == 2


def test_a_link_opens_the_same_run(hub, page, open_page):
    page.ask("step", "frame", unit="epoch")
    page.ask("edit", "frame", weight=[0, 1, 1], value=0.7)
    for _ in range(3):
        page.ask("step", "frame", unit="batch")
    content = json.loads(hub.take(session_of(page).run_id, "state.json")[0])
    other = open_page(hub)
    other.wait("frame")
    other.ask(
        "open", "replaying", lambda told: told["step"] is None, settings=content["settings"], events=content["events"]
    )
    np.testing.assert_array_equal(session_of(other).run.state.parameters, session_of(page).run.state.parameters)


def test_a_long_replay_shows_how_far_it_is_and_can_be_left(page):
    events = [["advance", 10**9]]
    page.ask("open", "replaying", settings={}, events=events)
    page.ask("over", "run")
    time.sleep(0.5)
    page.heard.clear()
    time.sleep(0.3)
    assert not page.all("replaying")
    assert session_of(page).run.steps == 0


def test_panels_come_from_beside_the_training(page):
    page.say("play", pace="even")
    panel, _ = page.ask("panel", "panel", panel="probe")
    assert panel["blocks"]
    assert any("table" in block for block in panel["blocks"])
    for name in ("collapse", "tables", "diagnose"):
        assert page.ask("panel", "panel", lambda told, name=name: told["panel"] == name, panel=name)[0]["blocks"]


@pytest.mark.slow
def test_the_duel_is_a_panel_too(page):
    panel, _ = page.ask("panel", "panel", panel="duel")
    assert any("x1**2 + x2**2" in str(block) for block in panel["blocks"])


def test_findings_come_by_themselves(page):
    page.heard.clear()
    page.ask("set", "run", changes={"init": "zeros"})
    page.ask("step", "frame", unit="epoch")
    found, _ = page.wait("findings", lambda told: any("initialisation" in f["name"] for f in told["findings"]))
    assert all(f["text"] and f["remedy"] for f in found["findings"])


# Tables and models.


def test_a_table_is_uploaded_and_trained(hub, page):
    table = penguins()
    told = hub.upload("folder\\penguins.csv", table.frame.write_csv().encode())
    assert (told["name"], told["rows"]) == ("penguins.csv", 344)
    assert {column["name"] for column in told["columns"]} == set(table.names)
    data = {"kind": "table", "table": told["table"], "name": told["name"], "target": "species"}
    run, _ = page.ask("set", "run", changes={"data": data})
    assert run["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert run["columns"]
    assert len(run["choices"]["island"]) == 3
    page.say("play", pace="even")
    page.wait("frame", lambda frame: (frame["validation_score"] or 0) > 0.9)
    data["columns"] = {"year": "category"}
    run, _ = page.ask("set", "run", changes={"data": data})
    assert next(c for c in run["columns"] if c["name"] == "year")["kind"] == "category"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [("empty.csv", b"", "empty"), ("picture.png", bytes(range(256)) * 20, "picture.png"), ("a.csv", b"x\n", "a.csv")],
)
def test_what_is_no_table_is_refused_by_its_name(hub, name, data, said):
    with pytest.raises(InputError, match=said):
        hub.upload(name, data)


def test_a_table_too_wide_is_refused(hub, monkeypatch):
    monkeypatch.setattr("glassnet.studio.hub.MOST_CELLS", 100)
    with pytest.raises(InputError, match="cells"):
        hub.upload("penguins.csv", penguins().frame.write_csv().encode())


def test_a_model_is_opened_with_and_without_its_table(tmp_path, open_page):
    table = penguins()
    model = gn.TableClassifier(n_estimators=1, hidden_layer_sizes=(6,), activation="tanh", max_iter=20, random_state=0)
    model.fit(table, target="species")
    path = tmp_path / "m.safetensors"
    gn.save(model, path)
    hub = Hub()
    try:
        key = hub.upload("m.safetensors", path.read_bytes())["model"]
        page = open_page(hub)
        page.wait("frame")
        run, _ = page.ask("set", "run", changes={"data": {"kind": "model", "model": key, "name": "m.safetensors"}})
        assert run["sizes"] == [len(model.preprocessor_.features), 6, 3]
        assert "came without rows" in run["note"]
        session = session_of(page)
        np.testing.assert_array_equal(session.run.state.parameters[0], model.network_.parameters.astype(float))
        x = session.run.x[:5]
        np.testing.assert_allclose(
            session.run.network.forward(x)[0], model.network_.forward(x.astype(np.float32))[0], rtol=1e-4, atol=1e-4
        )
    finally:
        hub.close()
    hub = Hub(model=("m", model), table=("penguins", table))
    try:
        page = open_page(hub)
        page.wait("frame")
        frame, _ = page.last("frame")
        rows = session_of(page).run.training_rows
        said = model.predict(table)[rows]
        assert frame["score"] == pytest.approx(np.mean(said == np.array(table["species"].to_list())[rows]))
    finally:
        hub.close()


@pytest.mark.parametrize("loss", ["auto", "squared_error"])
@pytest.mark.parametrize("kind", ["circles", "hills"])
def test_the_model_that_is_taken_predicts_what_the_page_showed(hub, tmp_path, kind, loss, open_page):
    page = open_page(hub)
    page.wait("frame")
    page.ask("set", "frame", changes={"data": {"kind": kind}, "loss": loss})
    for _ in range(3):
        page.ask("step", "frame", unit="epoch")
    content, _, name = hub.take(session_of(page).run_id, "model.safetensors")
    (tmp_path / name).write_bytes(content)
    model = gn.load(tmp_path / name)
    run = session_of(page).run
    y = run.network.forward(run.x)[0]
    if kind == "circles" and loss == "squared_error":  # no table model has this loss: the network alone
        np.testing.assert_array_equal(model.forward(run.x)[0], y)
        return
    rows = Table.read({"x1": run.x[:, 0], "x2": run.x[:, 1]})
    if kind == "hills":
        np.testing.assert_allclose(model.predict(rows), y[:, 0], rtol=1e-12)
    else:
        np.testing.assert_array_equal(model.predict(rows) == model.classes_[1], y[:, 0] > 0)


@pytest.mark.parametrize(
    "events", [2, "x", {"a": 1}, [None], [[]], [[[1], 2]], [["advance", "x"]], [["advance", [1]]]], ids=repr
)
def test_a_run_with_events_that_are_none_is_refused_in_words(hub, open_page, events):
    page = open_page(hub)
    page.wait("frame")
    page.ask("open", "notice", settings={}, events=events)
    assert "went wrong" not in page.last("notice")[0]["text"]


def test_the_run_goes_on_while_its_model_is_exported(hub, open_page, monkeypatch):
    page = open_page(hub)
    page.wait("frame")
    started, go_on = threading.Event(), threading.Event()

    def slow(model, path):
        started.set()
        assert go_on.wait(30)
        path.write_text("done")

    monkeypatch.setattr("glassnet.exports.exporting.export", slow)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(hub.take, session_of(page).run_id, "model.py")
        assert started.wait(30)
        page.ask("step", "frame", unit="epoch")
        assert not asked.done()
        go_on.set()
        assert asked.result(30)[0] == b"done"


def test_the_model_of_a_table_predicts_from_the_users_own_columns(shelf, tmp_path, penguins_settings):
    from glassnet.studio.takeaway import model_of

    run = Run(penguins_settings(), shelf)
    run.apply(("advance", 200))
    gn.save(model_of(run), tmp_path / "m.safetensors")
    model, table = gn.load(tmp_path / "m.safetensors"), shelf["penguins"][1]
    assert model.score(table) > 0.9
    assert model.predict(
        {"bill_length_mm": [39.1], **{n: table.take([0])[n] for n in table.names if n != "bill_length_mm"}}
    )


# Whatever it says.


def test_a_thousand_malformed_messages_change_nothing_and_are_answered(page):
    rng = random.Random(0)
    types = ["open", "set", "edit", "freeze", "unit", "layer", "point", "look", "why", "panel", "lesson", "try", "seek"]
    values = [
        None,
        -1,
        1e308,
        10**40,
        "",
        "x" * 1000,
        [],
        [[]],
        {},
        {"a": []},
        True,
        [0, 0, 0],
        [0, "b", 1],
        "\ud800",
        float("inf"),
    ]
    keys = [
        "changes",
        "weight",
        "value",
        "about",
        "layer",
        "add",
        "remove",
        "plane",
        "held",
        "row",
        "name",
        "part",
        "step",
        "settings",
        "events",
    ]
    raw = [
        "",
        "{",
        "[]",
        "null",
        "1",
        '{"type":3}',
        '{"type":"nothing"}',
        "[" * 5000,
        '{"type":"play","pace":7}',
        "\x00",
        '{"a":NaN}',
    ]
    page.say("pause")
    for _ in range(1000):
        if rng.random() < 0.3:
            page.link.receive(rng.choice([*raw, b"\xff\xfe"]))
        else:
            message = {"type": rng.choice(types), **{rng.choice(keys): rng.choice(values) for _ in range(3)}}
            page.link.receive(json.dumps(message))
    _, arrays = page.ask("over", "frame", lambda frame: frame["step"] == 0)
    assert np.isfinite(arrays["parameters"]).all()
    told = [notice["text"] for notice, _ in page.all("notice")]
    assert not [text for text in told if "Something went wrong" in text]
    assert session_of(page).thread.is_alive()


def test_an_error_carries_the_name_of_its_message(page):
    page.link.receive(json.dumps({"type": "set", "changes": {"rate": -1}, "id": 17}))
    notice, _ = page.wait("notice", lambda notice: notice["id"] == 17)
    assert notice["level"] == "error"
    assert "rate is -1" in notice["text"]


# Folded where the identity stands between.


def test_a_collapse_sets_the_identity_and_shows_one_linear_map_which_goes_on_training(page):
    page.ask("set", "run", changes={"layers": [{"units": 5, "activation": "tanh"}]})
    run, _ = page.ask("collapse", "run", on=True)
    assert (run["sizes"], run["folded"], run["foldable"]) == ([2, 1], True, True)
    assert run["layers"][0]["letter"] == "wv"
    real = session_of(page).run.network
    frame, arrays = page.wait("frame", lambda frame: frame["version"] == run["version"])
    product = real.layers[0].w @ real.layers[1].w
    np.testing.assert_array_equal(arrays["parameters"][:2], product[:, 0])
    np.testing.assert_array_equal(arrays["parameters"][2], real.layers[0].b @ real.layers[1].w + real.layers[1].b)
    why, _ = page.ask("why", "why", about={"weight": [0, 1, 0]})
    assert why["steps"][0]["name"] == "product"
    assert why["steps"][0]["tokens"][-1]["v"] == product[1, 0]
    bias, _ = page.ask("why", "why", about={"bias": [0, 0]})
    assert bias["steps"][0]["tokens"][-1]["v"] == arrays["parameters"][2]
    page.ask("edit", "notice", lambda notice: "part it" in notice["text"], weight=[0, 0, 0], value=1)
    before = frame["loss"]
    page.say("play", pace="even")
    page.wait("frame", lambda frame: frame["epoch"] > 30 and frame["loss"] < before)
    page.ask("look", "frame", lambda frame: frame["version"] == run["version"], lines="update")
    page.ask("pause", "frame", lambda frame: not frame["playing"])
    run, _ = page.ask("collapse", "run", on=False)
    assert (run["sizes"], run["folded"]) == ([2, 5, 1], False)


def test_parting_at_once_takes_the_identity_back_too(page):
    page.ask("collapse", "run", on=True, layer=0)
    assert page.last("run")[0]["sizes"] == [2, 4, 1]
    run, _ = page.ask("collapse", "run", on=False)
    assert [layer["activation"] for layer in run["settings"]["layers"]] == ["tanh", "tanh"]
    assert session_of(page).run.events == []


def test_the_update_of_a_folded_network_is_the_folded_update(page):
    page.ask("set", "run", changes={"layers": [{"units": 3, "activation": "identity"}], "optimizer": "sgd"})
    page.ask("collapse", "run", on=True)
    _, arrays = page.ask("look", "frame", lambda frame: "update" in frame["arrays"], lines="update")
    run = session_of(page).run
    before = run.folded().state.parameters[0].copy()
    run.apply(("advance", 1))
    np.testing.assert_allclose(arrays["update"], run.folded().state.parameters[0] - before, atol=1e-15)


def test_a_slider_of_units_grows_and_shrinks_a_layer_at_once(page):
    run, _ = page.ask("unit", "run", layer=0, units=20)
    assert run["sizes"] == [2, 20, 4, 1]
    run, _ = page.ask("unit", "run", layer=0, units=3)
    assert run["sizes"] == [2, 3, 4, 1]
    page.ask("undo", "run", lambda run: run["sizes"] == [2, 20, 4, 1])
    page.ask("undo", "run", lambda run: run["sizes"] == [2, 6, 4, 1])
    page.ask("unit", "notice", lambda notice: "units is 0" in notice["text"], layer=0, units=0)


def test_two_features_in_quick_succession_are_both_on(page):
    page.say("feature", name="x1*x2", on=True)
    run, _ = page.ask("feature", "run", lambda run: len(run["settings"]["features"]) == 4, name="x1**2", on=True)
    assert run["settings"]["features"] == ["x1", "x2", "x1*x2", "x1**2"]
    page.ask("feature", "notice", lambda notice: "on already" in notice["text"], name="x1**2", on=True)
