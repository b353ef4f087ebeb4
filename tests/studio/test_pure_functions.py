"""The page's pure functions, tested in Node where there is Node, else in the browser."""

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "js"
FILES = sorted(FOLDER.glob("*.test.mjs"))
# The repository as a site, so that relative imports lead where they lead on the disk.
SITE = "http://files.test"
SHIMS = {
    f'"node:{name}"': f'"{SITE}/{(FOLDER / "browser" / shim).relative_to(ROOT).as_posix()}"'
    for name, shim in (("test", "runner.mjs"), ("assert/strict", "assert.mjs"), ("assert", "assert.mjs"))
}
TYPES = {".js": "text/javascript", ".mjs": "text/javascript"}


def in_node(files):
    """Run files of tests with Node's own runner, and give what it said."""
    return subprocess.run(["node", "--test", *map(str, files)], capture_output=True, text=True, timeout=100)


def in_browser(browser, files, more=()):
    """Run files of tests in a page: (name, what went wrong or None) of each; `more` are files that are on no disk."""
    context = browser.new_context()

    def serve(route):
        path = urlsplit(route.request.url).path
        file = ROOT / path.lstrip("/")
        content = dict(more).get(path) or (
            file.read_text(encoding="utf-8") if file.is_file() else "<title>files</title>"
        )
        for name, shim in SHIMS.items():
            content = content.replace(f"from {name}", f"from {shim}")
        route.fulfill(body=content, content_type=TYPES.get(Path(path).suffix, "text/html"))

    context.route(f"{SITE}/**", serve)
    page = context.new_page()
    page.goto(f"{SITE}/page")
    runner = SHIMS['"node:test"'].strip('"')
    told = []
    for file in files:
        told += page.evaluate("async ([runner, file]) => (await import(runner)).run(file)", [runner, f"{SITE}{file}"])
    context.close()
    return [tuple(one) for one in told]


def on_site(files):
    return ["/" + file.relative_to(ROOT).as_posix() for file in files]


def test_the_pure_functions_do_what_their_tests_say(request):
    assert FILES
    if shutil.which("node"):
        said = in_node(FILES)
        assert said.returncode == 0, said.stdout + said.stderr
    else:
        told = in_browser(request.getfixturevalue("browser"), on_site(FILES))
        assert told
        assert [one for one in told if one[1] is not None] == []


@pytest.mark.slow
def test_without_node_the_same_tests_run_in_the_browser(browser):
    told = in_browser(browser, on_site(FILES))
    written = re.findall(r"^test\(", "\n".join(file.read_text(encoding="utf-8") for file in FILES), re.MULTILINE)
    assert len(told) >= len(written) > 0
    assert [one for one in told if one[1] is not None] == []


FAILING = """
import assert from "node:assert/strict";
import { test } from "node:test";
import { roundUp125 } from "../../../src/glassnet/studio/static/views/colours.js";

test("holds", () => assert.equal(roundUp125(1.1), 2));
test("fails", () => assert.equal(roundUp125(1.1), 1));
test("fails later", async () => { await null; assert.ok(false, "it is not"); });
test("is not the same zero", () => assert.equal(-0, 0));
test("is not the same type", () => assert.deepEqual(new Float64Array([1, 2]), [1, 2]));
test("is not the same depth", () => assert.deepEqual({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }));
test("is the same", () => assert.deepEqual({ a: [NaN, new Set([1])] }, { a: [NaN, new Set([1])] }));
test("does not match", () => assert.match("abc", /d/));
test("knows no such assertion", () => assert.almost(1, 1));
"""


@pytest.mark.slow
def test_the_browser_finds_what_fails(browser):
    path = f"/{FOLDER.relative_to(ROOT).as_posix()}/failing.test.mjs"
    told = dict(in_browser(browser, [path], [(path, FAILING)]))
    assert [name for name, wrong in told.items() if wrong is None] == ["holds", "is the same"]
    assert told["fails"] == "2 is not 1"
    assert told["fails later"] == "it is not"
