"""What else a hand does in the studio: it draws, types, drags, hovers, collapses, drops files, and makes mistakes."""

import json
import re
import warnings

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.examples import penguins
from glassnet.errors import InputError
from glassnet.explanation.construction import construct

pytestmark = pytest.mark.slow


def button(window, name, **more):
    return window.page.get_by_role("button", name=name, **more).locator("visible=true").first


def tile(window, column, unit):
    return window.page.locator(f'#network button[data-seat="{column} {unit}"]')


def open_own_data(window):
    """Open the fold under which a formula is typed and points are drawn."""
    window.page.get_by_text("formula or own points").click()


def picture(window):
    """The output's picture, and where in it a place of the plane lies, in pixels of the page."""
    box = window.page.locator("#output canvas").first.bounding_box()
    (left, right), (low, high) = ((axis["lo"], axis["hi"]) for axis in axes(window))
    return lambda a, b: (
        box["x"] + (a - left) / (right - left) * box["width"],
        box["y"] + (high - b) / (high - low) * box["height"],
    )


def axes(window):
    described = window.session.pictures.described_axes()
    return [described[i] for i in window.session.look.axes(window.session.run.problem)]


def draw_a_point(window, place, known):
    window.page.mouse.click(*picture(window)(*place))
    window.until(lambda: len(window.session.run.settings["data"]["points"]) == known)
    window.until(lambda: window.page.locator("#output .output-plot").get_attribute("data-rows") == str(known))


# Data of one's own.


def test_points_are_drawn_by_hand_while_it_trains(window):
    open_own_data(window)
    button(window, "Draw points").click()
    window.until(lambda: window.session.run.settings["data"]["kind"] == "points")
    window.until(button(window, "■ −1").is_visible)
    known = len(window.session.run.settings["data"]["points"])
    window.play_button.click()
    window.until(lambda: window.session.run.state.epoch > 5)
    steps = window.session.run.steps
    corners = ((-1.1, -1.1), (-1.1, 1.1), (1.1, -1.1))  # no circle reaches them
    draw_a_point(window, corners[0], known + 1)
    button(window, "■ −1").click()
    draw_a_point(window, corners[1], known + 2)
    assert window.session.playing
    assert window.session.run.steps > steps  # it trains on: nothing has started over
    drawn = window.session.run.settings["data"]["points"][-2:]
    np.testing.assert_allclose([point[:2] for point in drawn], corners[:2], atol=0.02)
    assert [point[2] for point in drawn] == [1, 0]
    window.page.mouse.click(*picture(window)(*corners[1]))  # a click on a point takes it away
    window.until(lambda: len(window.session.run.settings["data"]["points"]) == known + 1)
    button(window, "Done drawing").click()
    window.page.mouse.click(*picture(window)(*corners[2]))
    window.play_button.click()
    window.until(lambda: not window.session.playing)
    assert len(window.session.run.settings["data"]["points"]) == known + 1


def test_a_formula_is_typed_and_what_is_wrong_with_it_is_said_beside_it(window):
    open_own_data(window)
    field = window.page.get_by_label("a formula: a value, or a comparison")
    field.fill("x2 > sni(3*x1)")
    field.press("Enter")
    form = window.page.locator("form").filter(has=field)
    wrong = form.get_by_role("alert")
    window.until(wrong.is_visible)
    assert "sni" in wrong.inner_text()
    assert field.input_value() == "x2 > sni(3*x1)"
    assert not window.text("#notice")  # it is said once
    assert window.session.run.settings["data"]["kind"] == "circles"
    field.fill("x2 > sin(3*x1)")
    field.press("Enter")
    window.until(lambda: window.session.run.settings["data"]["kind"] == "formula")
    window.until(lambda: not wrong.is_visible())
    window.play_until(lambda run: run.scores(run.network)[1] > 0.9)
    x, t = window.session.run.problem.raw, window.session.run.problem.answers
    noise = window.session.run.settings["data"]["noise"]
    clear = np.abs(x[:, 1] - np.sin(3 * x[:, 0])) > 4 * noise
    np.testing.assert_array_equal(t[clear] == 1, (x[:, 1] > np.sin(3 * x[:, 0]))[clear])


def test_a_formula_of_one_letter_is_a_curve_beside_the_network_that_is_constructed(window):
    open_own_data(window)
    field = window.page.get_by_label("a formula: a value, or a comparison")
    field.fill("sin(6*x) + x")
    field.press("Enter")
    window.until(lambda: window.session.run.settings["data"].get("text") == "sin(6*x) + x")
    canvas = window.page.locator("#output canvas").first
    window.until(lambda: canvas.get_attribute("aria-label").startswith("Output over x"))
    button(window, "constructed").click()
    window.until(lambda: "built network has" in canvas.get_attribute("aria-label"))
    units = window.session.run.settings["layers"][0]["units"]

    def error(units):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return construct("sin(6*x) + x", (-1.0, 1.0), units=units, activation="logistic").measured

    assert window.session.tour.constructed(window.session.run)[1]["error"] == pytest.approx(error(units))
    assert f"constructed {error(units):.2g}" in window.text("#output .errors")
    slider = window.page.get_by_role("slider", name="Units of the first hidden layer")
    slider.press("ArrowRight")
    window.until(lambda: window.session.run.settings["layers"][0]["units"] == units + 1)
    window.until(lambda: f"constructed {error(units + 1):.2g}" in window.text("#output .errors"))


def test_two_features_that_are_switched_on_at_once_are_both_on(window):
    window.page.evaluate("""() => {
      const [first, second] = document.querySelectorAll("#network .tile.off");
      first.click();
      second.click();
    }""")
    window.until(lambda: len(window.session.run.settings["features"]) == 4)


# Files.


def test_a_state_that_is_dropped_is_the_same_run_to_the_last_bit(window, open_window):
    window.play_until(lambda run: run.state.epoch > 20)
    window.say("edit", weight=[0, 1, 2], value=0.75)
    window.say("freeze", about={"unit": [1, 0]}, on=True)
    window.say("set", changes={"batch": 20})
    window.until(lambda: window.session.run.settings["batch"] == 20)
    steps = window.session.run.steps
    window.play_until(lambda run: run.steps > steps + 30)
    content, _, name = window.hub.take(window.session.run_id, "state.json")
    other = open_window()
    other.drop(name, content)
    other.until(lambda: other.session.run.steps == window.session.run.steps)
    other.until(lambda: other.session.run.events == window.session.run.events)
    np.testing.assert_array_equal(other.session.run.state.parameters, window.session.run.state.parameters)
    assert other.session.run.frozen == window.session.run.frozen != []
    other.until(lambda: other.text("#number-epoch") == str(window.session.run.state.epoch))


def test_a_state_that_is_none_is_told_so(window):
    window.drop("broken.json", "{")
    alert = window.page.get_by_role("alert").filter(has_text="broken.json")
    window.until(alert.is_visible)
    window.drop("other.json", json.dumps({"format": "of someone else"}))
    window.until(lambda: "no state of the studio" in window.page.locator("body").inner_text())
    assert window.session.run.settings["data"]["kind"] == "circles"


def test_a_model_that_is_dropped_shows_what_it_has_learned(window, tmp_path):
    table = penguins()
    columns = {name: table[name] for name in table.names if name != "species"}
    model = gn.TableClassifier(
        n_estimators=1,
        hidden_layer_sizes=(5,),
        activation="tanh",
        max_iter=300,
        learning_rate_init=0.02,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of so few epochs
        model.fit(columns, table["species"])
    gn.save(model, tmp_path / "model.safetensors")
    window.drop("model.safetensors", (tmp_path / "model.safetensors").read_bytes())
    window.until(lambda: window.session.run.problem.model is not None)
    np.testing.assert_array_equal(window.session.run.network.parameters, model.network_.parameters)
    window.until("document.querySelectorAll('#network button[data-seat^=\"2 \"]').length === 3")
    assert window.page.get_by_role("combobox", name="Output shown").locator("option").all_inner_texts() == [
        "Adelie",
        "Chinstrap",
        "Gentoo",
    ]


def drop_a_wide_table(window):
    """A table of forty numbers, two of which decide."""
    values = np.random.default_rng(0).normal(size=(200, 40))
    answer = np.where(values[:, 3] - values[:, 17] > 0, "up", "down")
    lines = [",".join(f"{value:.4f}" for value in row) + f",{said}" for row, said in zip(values, answer, strict=True)]
    window.drop("wide.csv", ",".join([f"c{i}" for i in range(40)] + ["way"]) + "\n" + "\n".join(lines))
    window.until(lambda: window.session.run.problem.preprocessor is not None)
    window.page.get_by_label(re.compile("^(target|predict)")).first.select_option("way")
    window.until(lambda: window.session.run.settings["data"]["target"] == "way")
    window.until(lambda: window.session.run.x.shape[1] == 40)


def test_a_table_of_forty_columns_shows_the_strongest_and_lists_all(window):
    drop_a_wide_table(window)
    more = button(window, re.compile(r"^\d+ more in column 1"))
    window.until(more.is_visible)
    shown = window.page.locator("#network button[data-seat^='0 ']").count()
    assert 3 <= shown <= 12
    assert re.match(rf"{40 - shown} more", more.get_attribute("aria-label"))
    window.play_until(lambda run: run.scores(run.network)[0] > 0.97)
    window.until(lambda: set(window.session.pictures.shown[0]) >= {3, 17})  # the two that decide are in sight
    more.click()
    assert window.page.get_by_role("option").locator("visible=true").count() == 40
    window.page.get_by_role("listbox", name="All features").get_by_role("option", name="c29").click()
    window.until(lambda: "input" in window.session.about)
    window.until(tile(window, 0, 29).is_visible)  # asked for, it is shown although it is weak
    assert window.page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")


def test_a_column_is_found_by_the_name_that_the_table_gives_it(window):
    drop_a_wide_table(window)
    more = button(window, re.compile(r"^\d+ more in column 1"))
    more.click()
    window.page.get_by_role("searchbox", name="Search", exact=True).fill("c29")
    assert window.page.get_by_role("option").locator("visible=true").count() == 1
    window.page.keyboard.press("Enter")
    window.until(lambda: "input" in window.session.about)
    window.page.get_by_text("features: 40 of 40").click()
    window.page.get_by_role("searchbox", name="Search features").fill("c29")
    assert (
        window.page.get_by_role("group", name="Features").get_by_role("checkbox").locator("visible=true").count() == 1
    )


def test_a_file_above_the_limit_is_refused_by_the_server_in_words(window, monkeypatch):
    monkeypatch.setattr("glassnet.studio.app.UPLOAD_BYTES", 1_000_000)
    window.drop("large.csv", "a,b\n" + "1.5,2.5\n" * 200_000)
    alert = window.page.get_by_role("alert").filter(has_text="1 MB")
    window.until(alert.is_visible)
    assert "glassnet fit" in alert.inner_text()
    assert button(window, "Drop or choose a table").is_visible()  # the next try is possible
    window.drop("small.csv", "a,b\n" + "1.5,2.5\n2.5,1.0\n" * 20)
    window.until(lambda: window.session.run.settings["data"]["kind"] == "table")
    window.until(lambda: not alert.is_visible())
    window.problems.clear()  # the browser notes that the server said no


def test_a_file_above_the_limit_is_not_even_sent(open_window, monkeypatch):
    monkeypatch.setattr("glassnet.studio.tour.UPLOAD_BYTES", 1_000_000)
    window = open_window()
    sent = []
    window.page.on("request", lambda request: sent.append(request.method))
    window.drop("large.csv", "a,b\n" + "1.5,2.5\n" * 200_000)
    window.until(window.page.get_by_role("alert").filter(has_text="large.csv has 1.6 MB").is_visible)
    assert "POST" not in sent


# Looking at it.


def test_a_row_is_dragged_and_the_values_of_all_units_follow(window):
    window.play_until(lambda run: run.state.epoch > 20)
    row = window.page.get_by_role("spinbutton", name="Row looked at")
    row.fill("7")
    row.press("Enter")
    window.until(lambda: window.session.look.row == 6)
    place = picture(window)
    network, x = window.session.run.network, window.session.run.x[6]
    window.until(lambda: spoken(window) == pytest.approx(hidden(network, x), abs=6e-4))
    window.page.mouse.move(*place(*x))
    window.page.mouse.down()
    window.page.mouse.move(*place(0.9, 0.9), steps=4)
    window.page.mouse.move(*place(-0.4, 0.7), steps=4)
    window.page.mouse.up()
    window.until(lambda: window.session.look.at is not None and abs(window.session.look.at[0] + 0.4) < 0.02)
    at = window.session.look.at
    assert at == pytest.approx((-0.4, 0.7), abs=0.02)
    window.until(lambda: spoken(window) == pytest.approx(hidden(network, at), abs=6e-4))


def spoken(window):
    """The values of the first hidden layer's units at the row that is looked at, as a screen reader says them."""
    found = []
    for unit in range(6):
        said = re.search("value (.*?) at this row", tile(window, 1, unit).get_attribute("aria-label"))
        found.append(float(said[1].replace("−", "-")) if said else float("nan"))
    return found


def hidden(network, x):
    return list(network.forward(np.array([x]))[1][0].h[0])


def test_what_is_hovered_stays_and_all_else_steps_back_until_it_is_left(window):
    def opacity(unit):
        return float(tile(window, 1, unit).evaluate("tile => getComputedStyle(tile).opacity"))

    assert [opacity(unit) for unit in range(3)] == [1, 1, 1]
    tile(window, 1, 0).hover()
    window.until(lambda: opacity(1) == pytest.approx(0.38) == opacity(2))
    assert opacity(0) == 1
    assert window.text("#output h2").startswith("Unit h¹₁")  # the large picture shows it
    before = lines_of(window)
    window.page.mouse.move(5, 5)
    window.until(lambda: opacity(1) == opacity(2) == 1)
    assert window.text("#output h2").startswith("Output y")
    window.until(lambda: lines_of(window) > 1.1 * before)  # the lines too


def lines_of(window):
    """How much colour there is in the picture of the lines."""
    return window.page.evaluate("""() => {
      const canvas = document.querySelector("#network canvas.lines");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += Math.abs(data[i] - data[i + 2]);
      return sum;
    }""")


def test_c_folds_two_layers_into_one_and_parts_them_again(window):
    window.play_until(lambda run: run.state.epoch > 20)
    bent = window.session.run.network
    window.page.keyboard.press("c")
    window.until(lambda: window.session.look.folded)
    window.until("document.querySelectorAll('#network button[data-seat]').length === 9")  # once all have come together
    straight, folded = window.session.run.network, window.session.shown.network
    assert straight.layers[1].f.name == "identity"
    np.testing.assert_allclose(folded.layers[1].w, straight.layers[1].w @ straight.layers[2].w, rtol=1e-12)
    x = window.session.run.x
    np.testing.assert_allclose(folded.forward(x)[0], straight.forward(x)[0], rtol=1e-9, atol=1e-12)
    tile(window, 2, 0).click()
    window.until(lambda: window.session.about == {"unit": [1, 0]})
    window.page.keyboard.press("c")
    window.until(lambda: not window.session.look.folded)
    window.until("document.querySelectorAll('#network button[data-seat]').length === 13")
    assert window.session.run.network.layers[1].f.name == "tanh"
    np.testing.assert_array_equal(window.session.run.network.parameters, bent.parameters)


# Mistakes, and too much of something.


def test_weights_that_run_away_stop_the_training_and_can_be_called_back(window):
    button(window, "plane").click()
    window.until(lambda: window.session.run.settings["data"]["kind"] == "plane")
    rail = window.page.get_by_role("complementary", name="Settings")
    rail.get_by_label("optimizer").select_option("sgd")
    rail.get_by_label("rate").select_option("10")
    window.until(lambda: window.session.run.settings["rate"] == 10)
    window.page.get_by_label("Pace", exact=True).select_option(label="full speed")
    window.play_until(lambda run: False)
    alert = window.page.get_by_role("alert").filter(has_text="Diverged in epoch")
    window.until(alert.is_visible)
    assert np.isfinite(window.session.run.state.parameters).all()
    assert re.match(r"\d", window.text("#number-loss"))  # of the last finite picture
    alert.get_by_role("button").click()
    window.until(lambda: window.session.run.settings["rate"] == 1)
    window.until(lambda: not alert.is_visible())
    assert rail.get_by_label("rate").input_value() == "1"
    steps = window.session.run.steps
    button(window, "One step", exact=True).click()
    window.until(lambda: window.session.run.steps > steps or window.session.diverged)


def test_what_is_told_does_not_lie_over_what_is_pressed_next(window):
    for units in (5, 4, 3, 2):
        button(window, "One unit less in h¹").click(timeout=2000)
        window.until(lambda n=units: window.session.run.settings["layers"][0]["units"] == n)
    window.until(lambda: "Without that unit the training loss is" in window.text("#notice"))


def test_two_tabs_train_side_by_side(window):
    tab = window.context.new_page()
    tab.goto(f"http://127.0.0.1:{window.studio.port}/")
    window.until(lambda: tab.locator("#network button[data-seat]").count() > 0)
    first = window.session
    second = window.hub.sessions[tab.evaluate("sessionStorage.getItem('run')")]
    assert first is not second
    window.play_button.click()
    tab.locator("#play").click()
    window.until(lambda: min(first.run.state.epoch, second.run.state.epoch) > 20)
    tab.locator("#play").click()
    window.until(lambda: not second.playing)
    epoch = first.run.state.epoch
    window.until(lambda: first.run.state.epoch > epoch + 5)
    tab.close()
    window.until(lambda: second.deliver is None)
    assert first.playing  # the tab that was closed has stopped nothing


def test_a_run_that_is_opened_twice_belongs_to_the_last_window_until_it_is_taken_back(window):
    session = window.session
    tab = window.context.new_page()
    tab.goto(f"http://127.0.0.1:{window.studio.port}/")
    window.until(lambda: tab.evaluate("sessionStorage.getItem('run')"))  # one of its own, at first
    tab.evaluate("run => sessionStorage.setItem('run', run)", session.run_id)
    tab.reload()
    window.until(lambda: tab.locator("#network button[data-seat]").count() > 0)
    told = window.page.get_by_role("alert").filter(has_text="opened in another window")
    window.until(told.is_visible)
    window.page.keyboard.press(".")
    told.get_by_role("button").click()
    window.until(lambda: not told.is_visible())
    window.page.keyboard.press(".")
    window.until(lambda: session.run.state.epoch == 1)
    window.until(tab.get_by_role("alert").filter(has_text="opened in another window").is_visible)


def test_a_long_run_keeps_its_history_within_its_memory(window, monkeypatch):
    monkeypatch.setattr("glassnet.studio.history.MOST_BYTES", 200_000)
    window.page.get_by_label("Pace", exact=True).select_option(label="1 epoch a picture")
    history = window.session.history
    window.play_until(lambda run: len(history.points) > 1.3 * len(history.moments))
    assert sum(moment.size for moment in history.moments) <= 200_000
    steps = [moment.steps for moment in history.moments]
    assert steps[0] == 0
    assert np.diff(steps)[0] > np.diff(steps)[-1]  # the older half was thinned
    window.page.get_by_role("slider", name="History").focus()
    window.page.keyboard.press("Home")
    window.until(lambda: window.session.past is not None and window.session.past.steps == 0)
    window.until(lambda: window.text("#number-epoch") == "0")


def test_a_layer_is_asked_at_its_head_and_goes_with_its_last_unit(window):
    button(window, "4 units").click()
    window.until(lambda: window.session.about == {"layer": 1})
    for units in (3, 2, 1):
        button(window, "One unit less in h²").click()
        window.until(lambda units=units: window.session.run.settings["layers"][1]["units"] == units)
    button(window, "Remove layer h²").click()
    window.until(lambda: len(window.session.run.settings["layers"]) == 1)


def test_the_model_is_taken_away_in_another_language_and_a_refusal_is_said(window, tmp_path, monkeypatch):
    window.page.locator("#open-take").click()
    with window.page.expect_download() as download:
        button(window, "Plain Python").click()
    assert download.value.suggested_filename == "circles.py"
    assert "def predict(" in download.value.path().read_text()
    window.until("document.querySelector('#take [role=status]').textContent === 'circles.py is saved.'")

    def refused(model, path):
        raise InputError(f"{path} cannot be.")

    monkeypatch.setattr("glassnet.exports.exporting.export", refused)
    button(window, "C", exact=True).click()
    window.until("document.querySelector('#take [role=status]').textContent === 'circles.c cannot be.'")
    window.problems.clear()  # the browser notes that the server said no


def test_a_table_has_no_link_and_that_is_no_error(window):
    drop_a_wide_table(window)
    window.page.locator("#open-take").click()
    window.until("document.querySelector('#take').textContent.includes('A link holds no table')")
    assert not window.page.get_by_label("settings, seeds").is_visible()
