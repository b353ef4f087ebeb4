"""The studio as its reader has it: in a real Chromium, by mouse and by keyboard."""

import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.examples import penguins
from glassnet.data.table import write_table
from glassnet.explanation.subject import Subject

pytestmark = pytest.mark.slow


def derived(run):
    return gn.derive(Subject.of(run.network, loss=run.loss), run.x[run.training_rows], run.t[run.training_rows])


def click_line(window, layer, i, j):
    """Click a line in its middle, where it runs between two tiles."""
    boxes = [
        window.page.locator(f'#network button[data-seat="{column} {unit}"]').bounding_box()
        for column, unit in ((layer, i), (layer + 1, j))
    ]
    start = boxes[0]["x"] + boxes[0]["width"], boxes[0]["y"] + boxes[0]["height"] / 2
    end = boxes[1]["x"], boxes[1]["y"] + boxes[1]["height"] / 2
    window.page.mouse.click((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)


def shown_weight(window):
    """Which weight Why speaks of, and its numbers."""
    window.until("document.querySelector('#why dd')?.title")
    about = window.session.about
    derivation, numerical = (dd.get_attribute("title") for dd in window.page.locator("#why dd").all())
    return about, float(derivation.replace("−", "-")), float(numerical.replace("−", "-"))


def test_the_first_picture_needs_nothing_from_elsewhere(window):
    assert window.page.title().startswith("glassnet studio")
    assert window.page.evaluate("document.fonts.check('15px \"STIX Two Math\"')")
    assert window.page.locator("#output canvas").first.get_attribute("aria-label")
    assert not window.foreign
    cookies = window.context.cookies()
    assert [(cookie["httpOnly"], cookie["sameSite"]) for cookie in cookies] == [(True, "Strict")]
    assert "token" not in window.page.url


def test_playing_moves_the_numbers_and_pausing_stops_them(window):
    window.page.keyboard.press("Space")
    window.until(lambda: window.session.run.state.epoch > 20)
    window.page.keyboard.press("Space")
    window.until(lambda: not window.session.playing)
    window.until(lambda: window.text("#number-epoch") == str(window.session.run.state.epoch))
    training = window.session.run.losses(window.session.run.state)[0]
    assert float(window.text("#number-loss")) == pytest.approx(training, abs=1e-4)


def test_a_line_that_is_clicked_tells_derives_numbers(window):
    window.play_until(lambda run: run.state.epoch > 30)
    run = window.session.run
    for layer, i, j in ((0, 1, 5), (1, 5, 3), (2, 0, 0)):
        click_line(window, layer, i, j)
        window.until(lambda: "weight" in window.session.about)
        time.sleep(0.3)
        about, derivation, numerical = shown_weight(window)
        exact = derived(run).dw[about["weight"][0]][tuple(about["weight"][1:])]
        assert derivation == exact
        assert numerical == pytest.approx(exact, rel=1e-6)
        assert "row" in window.text("#why .crumb")
        assert window.page.locator("#why math").count() >= 4
        window.page.keyboard.press("Escape")
        window.until(lambda: not window.session.about)


def test_a_weight_is_edited_frozen_and_the_script_replays_it_all(window, tmp_path):
    window.play_until(lambda run: run.state.epoch > 10)
    click_line(window, 0, 1, 5)
    window.until(lambda: "weight" in window.session.about)
    place = window.session.run.place(*window.session.about["weight"])
    box = window.page.locator("#why .number-box")
    box.click()
    box.fill("1.25")
    box.press("Enter")
    window.until(lambda: window.session.run.state.parameters[0, place.index] == 1.25)
    window.page.get_by_role("button", name="Freeze").click()
    window.until(lambda: window.session.run.frozen == [place.index])
    window.page.locator("#network select").locator("visible=true").first.select_option("relu")
    window.until(lambda: window.session.run.settings["layers"][0]["activation"] == "relu")
    steps = window.session.run.steps
    window.play_until(lambda run: run.steps > steps + 20)
    assert window.session.run.state.parameters[0, place.index] == 1.25
    script = tmp_path / taken(window, "code", tmp_path)
    result = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=100, cwd=tmp_path)
    assert "the same bits as in the studio" in result.stdout, result.stdout + result.stderr


def taken(window, what, folder):
    """Take something away, and the name that it came under."""
    window.page.locator("#open-take").click()
    with window.page.expect_download() as download:
        window.page.locator("dialog[open]").get_by_text(re.compile(what, re.I)).first.click()
    name = download.value.suggested_filename
    download.value.save_as(folder / name)
    window.page.keyboard.press("Escape")
    return name


def test_everything_can_be_taken_away(window, tmp_path):
    window.play_until(lambda run: run.state.epoch > 20)
    model = gn.load(tmp_path / taken(window, "model", tmp_path))
    run = window.session.run
    y = run.network.forward(run.x)[0][:, 0]
    rows = {"x1": run.x[:, 0], "x2": run.x[:, 1]}
    np.testing.assert_array_equal(model.predict(rows) == model.classes_[1], y > 0)
    state = json.loads((tmp_path / taken(window, "state", tmp_path)).read_text())
    assert state["events"]
    png, svg = [], []
    for what in ("output", "network"):
        for kind, found in (("png", png), ("svg", svg)):
            buttons = picture_buttons(window, what, kind)
            if buttons:
                found.append(buttons)
    assert png
    assert svg


def picture_buttons(window, what, kind):
    window.page.locator("#open-take").click()
    buttons = window.page.locator("dialog[open] button").filter(has_text=re.compile(kind, re.I))
    content = None
    if buttons.count():
        with window.page.expect_download() as download:
            buttons.first.click()
        path = download.value.path()
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG") if kind == "png" else b"<svg" in content
    window.page.keyboard.press("Escape")
    return content


def test_a_table_that_is_dropped_is_trained_on(window, tmp_path):
    table = penguins()
    write_table({name: table[name] for name in table.names}, tmp_path / "penguins.csv")
    window.drop("penguins.csv", (tmp_path / "penguins.csv").read_bytes())
    window.until(lambda: window.session.run.problem.preprocessor is not None)
    target = window.page.get_by_label(re.compile("^(target|predict)", re.I)).locator("visible=true").first
    target.select_option("species")
    window.until(lambda: window.session.run.problem.classes == ("Adelie", "Chinstrap", "Gentoo"))
    window.play_until(lambda run: run.scores(run.network)[1] > 0.95)
    assert window.session.run.scores(window.session.run.network)[1] > 0.9


def test_a_file_that_is_no_table_is_told_so(window):
    window.drop("notes.csv", "just one line")
    window.until("document.querySelector('.problem:not(:empty)')")
    assert "notes.csv" in window.page.locator(".problem:not(:empty)").first.inner_text()
    window.problems.clear()  # the browser notes that the server said no


def test_names_from_a_table_are_shown_as_text_whatever_they_hold(window):
    evil = "<img src=x onerror=\"document.title='hacked'\">"
    rows = "\n".join(f"{i % 7},{(i * 3) % 5},{'yes' if i % 2 else evil}" for i in range(40))
    window.drop(
        "evil.csv",
        f'"{evil.replace(chr(34), chr(34) * 2)}",b,c\n{rows}\n'.replace(
            f",{evil}", f',"{evil.replace(chr(34), chr(34) * 2)}"'
        ),
    )
    window.until(lambda: window.session.run.problem.preprocessor is not None)
    time.sleep(0.5)
    window.page.locator('#network button[data-seat="0 0"]').click()
    window.page.locator("#open-panel").click()
    time.sleep(0.3)
    assert window.page.title().startswith("glassnet studio")
    assert window.page.locator("img").count() == 0


def test_keys_do_all_that_the_mouse_does(window):
    page = window.page
    page.keyboard.press(".")
    window.until(lambda: window.session.run.state.epoch == 1)
    page.keyboard.press("2")
    page.keyboard.press("3")
    page.keyboard.press(".")
    window.until(lambda: window.session.stage is not None)
    page.keyboard.press("1")
    page.keyboard.press(".")
    window.until(lambda: window.session.run.state.epoch == 2)
    page.keyboard.press(",")
    window.until(lambda: window.session.past is not None)
    page.keyboard.press("g")
    window.until(lambda: window.session.look.lines == "gradient")
    page.locator('#network button[data-seat="1 0"]').focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    window.until(lambda: window.session.about == {"unit": [0, 1]})
    page.keyboard.press("Escape")
    window.until(lambda: not window.session.about)
    page.keyboard.press("?")
    assert page.locator("dialog[open]").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    window.until(lambda: window.session.run.steps == 0)


def test_stages_walk_through_one_minibatch(window):
    window.page.get_by_role("button", name="stage").click()
    seen = []
    for _ in range(30):
        window.page.keyboard.press(".")
        time.sleep(0.15)
        if window.session.run.steps:
            break
        seen.append(window.session.stage.stages[window.session.stage.index - 1]["name"])
    assert list(dict.fromkeys(seen)) == ["forward", "loss", "dy", "dv", "dh", "dz", "dw", "update"]
    assert window.session.run.steps == 1


def test_a_unit_more_and_a_layer_more_by_a_click(window):
    page = window.page
    before = window.session.run.losses(window.session.run.state)[0]
    page.get_by_role("button", name=re.compile("unit more", re.I)).first.click()
    window.until(lambda: window.session.run.settings["layers"][0]["units"] == 7)
    assert window.session.run.losses(window.session.run.state)[0] == before
    page.keyboard.press("Control+z")
    window.until(lambda: window.session.run.settings["layers"][0]["units"] == 6)
    page.get_by_role("button", name=re.compile("layer", re.I)).first.click()
    window.until(lambda: len(window.session.run.settings["layers"]) == 3)


def test_a_link_opens_the_same_run_elsewhere(window, open_window):
    window.play_until(lambda run: run.state.epoch > 15)
    link = json.loads(window.hub.take(window.session.run_id, "link")[0])["hash"]
    other = open_window(link)
    other.until(lambda: other.session.run.steps == window.session.run.steps)
    np.testing.assert_array_equal(other.session.run.state.parameters, window.session.run.state.parameters)


def test_reloading_keeps_the_run_and_another_tab_has_its_own(window):
    window.play_until(lambda run: run.state.epoch > 10)
    session = window.session
    window.page.reload()
    window.until("document.querySelector('#number-epoch').textContent !== '0'")
    assert window.session is session
    tab = window.context.new_page()
    tab.goto(f"http://127.0.0.1:{window.studio.port}/")
    end = time.monotonic() + 10
    while (name := tab.evaluate("sessionStorage.getItem('run')")) is None:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert name != session.run_id


def test_a_page_without_its_server_says_so_and_still_looks_back(window):
    for _ in range(3):
        window.page.keyboard.press(".")
    window.until(lambda: window.session.run.steps == 3)
    window.server_lost = True
    window.studio.close()
    window.until("!document.querySelector('#lost').hidden")
    assert window.page.locator("#lost").inner_text()


def test_less_motion_means_two_pictures_a_second(open_window):
    window = open_window(reduced_motion="reduce")
    window.page.evaluate("""() => {
      window.counted = 0;
      new MutationObserver(() => window.counted++).observe(document.querySelector("#number-epoch"),
        { childList: true, characterData: true, subtree: true });
    }""")
    window.page.keyboard.press("Space")
    time.sleep(3)
    assert 2 <= window.page.evaluate("window.counted") <= 9


# Who must not speak with it.


def test_a_page_of_another_origin_cannot_speak_with_the_studio(browser, serving):
    studio, _ = serving
    context = browser.new_context()
    context.route(
        "http://evil.test/", lambda route: route.fulfill(body="<title>evil</title>", content_type="text/html")
    )
    page = context.new_page()
    page.goto(studio.url)  # the cookie is there
    page.goto("http://evil.test/")
    told = page.evaluate(
        """async (port) => {
          const socket = await new Promise((done) => {
            const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
            socket.onopen = () => done("open");
            socket.onerror = () => done("refused");
          });
          const ask = (path, more) => fetch(`http://127.0.0.1:${port}/${path}`, { credentials: "include", ...more })
            .then(() => "answered", () => "refused");
          const read = await ask("", {});
          const sent = await ask("upload?name=a.csv", { method: "POST", body: "a,b" });
          return [socket, read, sent];
        }""",
        studio.port,
    )
    assert told == ["refused", "refused", "refused"]
    context.close()


def test_the_page_runs_nothing_that_is_put_into_it(window):
    told = window.page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          setTimeout("window.ranToo = true", 0);
        }"""
    )
    window.until(lambda: len(window.problems) >= 2)  # the policy's own words
    assert told is None
    assert window.page.evaluate("[window.ran, window.ranToo]") == [None, None]
    window.problems.clear()
