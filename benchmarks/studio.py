"""The studio in a real browser: pictures a second, work of the page, clicks while it trains, what an open page costs.

`python -m benchmarks.studio ROUNDS` measures in its own process and prints JSON. It needs Chromium and Playwright.
"""

import base64
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.timing import child, environment, say, summary

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
SIX = ["x1", "x2", "x1**2", "x2**2", "x1*x2", "sin(pi*x1)"]
NETWORKS: dict[str, dict[str, Any]] = {
    "2-4-2-1": {"features": SIX[:2], "layers": [4, 2], "batch": 10, "n": 250},
    "2-8×6-1": {"features": SIX[:2], "layers": [8] * 6, "batch": 0, "n": 300},
    "6-16-16-8-1": {"features": SIX, "layers": [16, 16, 8], "batch": 0, "n": 300},
}
SECONDS, CLICKS = 4.0, 12
# Runs before the page: it notes when a picture was acknowledged, which is when it has been drawn.
WATCH = """
window.drawn = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
  if (typeof text === "string" && text.startsWith('{"type":"ack"')) window.drawn.push(performance.now());
  return send.call(this, text);
};
"""


def measure(rounds: int, quick: bool) -> dict[str, Any]:
    """By network."""
    say("  the studio in Chromium")
    return child("studio", str(rounds), threads=2)


def settings(name: str) -> dict[str, Any]:
    """A run of that network."""
    network = NETWORKS[name]
    return {
        "data": {"kind": "circles", "n": network["n"], "noise": 0.1, "seed": 0, "share": 0.67},
        "features": network["features"],
        "layers": [{"units": units, "activation": "tanh"} for units in network["layers"]],
        "batch": network["batch"],
    }


def link(name: str) -> str:
    """The part of an address that opens it."""
    text = json.dumps({"settings": settings(name), "events": []})
    return "#s=" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def chromium() -> str | None:
    """Where a browser is, if there is one."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def studio() -> Iterator[str]:
    """A studio of its own, and its link."""
    command = [str(Path(sys.executable).parent / "glassnet"), "studio", "--no-open", "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(2)
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def metrics(client: Any) -> dict[str, float]:
    """Chromium's own counters: seconds of the main thread in tasks, scripts, …"""
    return {item["name"]: item["value"] for item in client.send("Performance.getMetrics")["metrics"]}


def one_round(browser: Any, name: str) -> dict[str, float]:
    """One fresh studio and page."""
    with studio() as url:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(url + link(name))
        _until(page, "window.drawn.length > 1")
        client = context.new_cdp_session(page)
        client.send("Performance.enable")
        found = {"first picture": page.evaluate("window.drawn[0]") / 1000}
        found["bytes"] = page.evaluate(
            "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
            ".reduce((sum, entry) => sum + entry.transferSize, 0)"
        )
        time.sleep(1)
        found |= _playing(page, client, "even", "")
        found["clicks p95"] = _clicks(page)
        page.locator("#play").click()
        time.sleep(0.3)
        found |= _playing(page, client, "full", " at full speed")
        found["epochs a second"] = _rate(page)
        context.close()
    return found


def _until(page: Any, condition: str, seconds: float = 20.0) -> None:
    """A strict policy allows no waiting inside the page: it is asked again and again."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        if time.monotonic() > end:
            raise TimeoutError(condition)
        time.sleep(0.02)


def _playing(page: Any, client: Any, pace: str, suffix: str) -> dict[str, float]:
    page.locator("#pace").select_option(pace)
    page.locator("#play").click()
    time.sleep(0.5)
    before, began = metrics(client), time.monotonic()
    count = page.evaluate("window.drawn.length")
    time.sleep(SECONDS)
    after, seconds = metrics(client), time.monotonic() - began
    pictures = page.evaluate("window.drawn.length") - count
    work = after["TaskDuration"] - before["TaskDuration"]
    return {
        f"pictures a second{suffix}": pictures / seconds,
        f"main thread a picture{suffix}": work / max(pictures, 1),
    }


def _rate(page: Any) -> float:
    """Epochs of one second, from the page's own numbers."""
    epoch = "Number(document.querySelector('#number-epoch').textContent.replace(/\\D/g, ''))"
    first, began = page.evaluate(epoch), time.monotonic()
    time.sleep(2)
    return float(page.evaluate(epoch) - first) / (time.monotonic() - began)


def _clicks(page: Any) -> float:
    """From a click on a unit while it trains to the next picture of Why, the slowest but one of twenty."""
    return float(
        page.evaluate(
            """async (clicks) => {
              const why = document.querySelector("#why"), times = [];
              const units = [...document.querySelectorAll("#network button[data-seat]")];
              for (let i = 0; i < clicks; i++) {
                const began = performance.now(), text = why.textContent;
                units[i % units.length].click();
                while (why.textContent === text && performance.now() - began < 2000)
                  await new Promise(requestAnimationFrame);
                times.push(performance.now() - began);
                await new Promise((done) => setTimeout(done, 120));
              }
              return times.sort((a, b) => a - b)[Math.floor(0.95 * (clicks - 1))] / 1000;
            }""",
            CLICKS,
        )
    )


def undisturbed(name: str) -> float:
    """Epochs a second of the same training without a page, in the same chunks."""
    from glassnet.studio.run import Run

    run = Run(settings(name), {})
    run.apply(("advance", 100 * run.per_epoch))
    epochs, began = 0, time.perf_counter()
    while time.perf_counter() - began < 1.5:
        run.apply(("advance", 50 * run.per_epoch))
        epochs += 50
    return epochs / (time.perf_counter() - began)


def main(rounds: int) -> dict[str, Any]:
    """Every network in turn, and the training without a page beside each."""
    from playwright.sync_api import sync_playwright

    results: dict[str, Any] = {}
    with sync_playwright() as playwright:
        path = chromium()
        if path is None:
            raise RuntimeError("no Chromium is found")
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=ARGUMENTS)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in NETWORKS}
        for _ in range(rounds):
            for name in NETWORKS:
                alone = undisturbed(name)
                one = one_round(browser, name)
                found[name].append({**one, "epochs a second without a page": alone})
        browser.close()
    for name, several in found.items():
        results[name] = {key: summary([one[key] for one in several]) for key in several[0]}
        results[name]["share kept"] = summary(
            [one["epochs a second"] / one["epochs a second without a page"] for one in several]
        )
    return results


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
