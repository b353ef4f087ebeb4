"""Runs and sessions for the studio's tests."""

import base64
import json
import os
import shutil
import time

import pytest

pytest.importorskip("starlette", reason="the studio is an extra")

from glassnet.data.examples import penguins
from glassnet.studio.hub import Hub
from glassnet.studio.server import Studio
from glassnet.studio.wire import unpacked


class Page:
    """A page without a browser: it hears everything, and draws what it is sent."""

    def __init__(self, hub, run_id=None, draws=True):
        self.heard, self.draws = [], draws
        self.link = hub.connect(run_id, self._hear)

    def _hear(self, message):
        if isinstance(message, bytes):
            header, arrays = unpacked(message)
            self.heard.append((header["type"], header, arrays))
            if self.draws:
                self.acknowledge()
        else:
            content = json.loads(message)
            self.heard.append((content["type"], content, {}))

    def acknowledge(self):
        # The first picture comes before `connect` has returned.
        if hasattr(self, "link"):
            self.link.receive('{"type":"ack"}')

    def say(self, kind, /, **content):
        self.link.receive(json.dumps({"type": kind, **content}))

    def all(self, kind):
        return [(content, arrays) for name, content, arrays in list(self.heard) if name == kind]

    def last(self, kind):
        found = self.all(kind)
        assert found, f"no {kind!r} among {[name for name, *_ in self.heard]}"
        return found[-1]

    def wait(self, kind, holds=lambda content: True, seconds=20.0):
        """The next message of this kind for which something holds."""
        end, seen = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            heard = list(self.heard)
            for name, content, arrays in heard[seen:]:
                if name == kind and holds(content):
                    return content, arrays
            seen = len(heard)
            time.sleep(0.005)
        raise AssertionError(f"no {kind!r} came in {seconds} s; errors: {self.all('notice')}")

    def ask(self, kind, expected, holds=lambda content: True, /, **content):
        """Say something and wait for what is expected to come after it."""
        self.heard.clear()
        self.say(kind, **content)
        return self.wait(expected, holds)


@pytest.fixture
def open_page():
    """`Page` itself: a page of a hub."""
    return Page


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def page(hub):
    page = Page(hub)
    page.wait("frame")
    return page


@pytest.fixture
def shelf():
    return {"penguins": ("penguins.csv", penguins())}


@pytest.fixture
def penguins_settings():
    """A function that gives settings of the bundled table."""
    return _penguins_settings


def _penguins_settings(**more):
    data = {"kind": "table", "table": "penguins", "name": "penguins.csv", "target": "species"}
    return {"data": data, "features": [], "batch": 32, "layers": [{"units": 5, "activation": "tanh"}], **more}


# The page in a real browser.

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="session")
def browser():
    """Chromium, as the machine has it; where tests must not be left out, its absence is a failure."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("GLASSNET_REQUIRE_BROWSER") == "1":
            pytest.fail("GLASSNET_REQUIRE_BROWSER is set, but no Chromium is found (on Debian: apt install chromium).")
        pytest.skip("no Chromium is found (on Debian: apt install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=ARGUMENTS)
        yield launched
        launched.close()


class Window:
    """A page of the studio in Chromium, with what went wrong in it."""

    def __init__(self, browser, studio, hub, hash_="", *, script=None, **context):
        context = {"viewport": {"width": 1280, "height": 800}, "accept_downloads": True, **context}
        self.context = browser.new_context(**context)
        if script is not None:
            self.context.add_init_script(script)
        self.hub, self.studio = hub, studio
        self.page = self.context.new_page()
        self.problems, self.foreign = [], []
        self.server_lost = False  # a test ends it: the browser reports each attempt to connect again
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self.problems.append(said.text))
        self.page.on("request", self._note)
        self.page.goto(studio.url + hash_)
        self.until("document.querySelectorAll('#network button[data-seat]').length > 0")

    def _note(self, request):
        if not request.url.startswith((f"http://127.0.0.1:{self.studio.port}/", "data:", "blob:")):
            self.foreign.append(request.url)

    @property
    def session(self):
        """The run behind the page."""
        return self.hub.sessions[self.page.evaluate("sessionStorage.getItem('run')")]

    def until(self, condition, seconds=20.0):
        """The page's policy allows no waiting inside of it: it is asked again and again."""
        end = time.monotonic() + seconds
        while not (found := self.page.evaluate(condition) if isinstance(condition, str) else condition()):
            assert time.monotonic() < end, f"not within {seconds} s: {condition}; problems: {self.problems}"
            time.sleep(0.03)
        return found

    def text(self, selector):
        return self.page.locator(selector).first.inner_text()

    @property
    def play_button(self):
        """It is in the header, and on a phone in the footer; its name is what a press would do."""
        return self.page.locator("#play, #foot-play").locator("visible=true").first

    def play_until(self, holds, seconds=40.0, press=None):
        """Press Play (or what `press` presses), and Pause when something holds of the run."""
        session, steps = self.session, self.session.run.steps
        (press or self.play_button.click)()
        self.until(lambda: session.playing or session.diverged or session.run.steps != steps)
        self.until(lambda: holds(session.run) or not session.playing, seconds)
        if session.playing:  # a press asks for what the button says: the page must know that it plays
            self.until(lambda: self.play_button.get_attribute("aria-label") == "Pause" or not session.playing)
        if session.playing:
            self.play_button.click()
        self.until(lambda: not session.playing)

    def say(self, kind, /, **content):
        """What the page could send, without the hand that it takes; for states that a test only needs."""
        self.session.receive(json.dumps({"type": kind, **content}))

    def drop(self, name, content):
        """Drop a file on the page, as a hand does."""
        data = content.encode() if isinstance(content, str) else content
        transfer = self.page.evaluate_handle(
            """([name, encoded]) => {
              const transfer = new DataTransfer();
              const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
              transfer.items.add(new File([bytes], name));
              return transfer;
            }""",
            [name, base64.b64encode(data).decode()],
        )
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event("#network", event, {"dataTransfer": transfer})

    def close(self):
        self.context.close()
        assert not [problem for problem in self.problems if not self.server_lost or "ERR_CONNECTION" not in problem]
        assert not self.foreign


@pytest.fixture
def serving():
    """A studio on a port of its own."""
    hub = Hub()
    with Studio(hub) as studio:
        studio.start()
        yield studio, hub


@pytest.fixture
def open_window(browser, serving):
    """A function that opens the studio in Chromium; what goes wrong in the page fails the test."""
    opened = []

    def open_one(hash_="", **context):
        opened.append(Window(browser, *serving, hash_, **context))
        return opened[-1]

    yield open_one
    for window in opened:
        window.close()


@pytest.fixture
def window(open_window):
    """The studio at 1280 × 800."""
    return open_window()
