"""`glassnet studio` as a process: what it prints, whom it answers, and how it ends; and `gn.studio` in this one."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import glassnet as gn
from glassnet.cli.app import cli
from glassnet.errors import InputError
from glassnet.studio.opening import hub_of
from glassnet.studio.server import Studio

LINK = re.compile(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})\n")
# A hub without training, so that a process is up in a moment; STUCK never ends by itself.
PROGRAM = """
import sys, time, types
class Hub:
    def __init__(self, **shown):
        print(sorted(shown), file=sys.stderr)
    def connect(self, run_id, deliver):
        deliver('{"type":"hello"}')
        return types.SimpleNamespace(receive=lambda text: time.sleep(60 if text == "stick" else 0), close=lambda: None)
    def upload(self, name, data):
        raise RuntimeError("a fault of ours")
    def close(self):
        print("closed", file=sys.stderr)
module = types.ModuleType("glassnet.studio.hub")
module.Hub = Hub
sys.modules[module.__name__] = module
from glassnet.cli.app import main
main()
"""


@contextmanager
def studio(*args):
    """A process with its link; it is killed in the end, if it still runs."""
    # Old libraries warn of what they have mended since: no deprecation of theirs is ours.
    warned = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    command = [sys.executable, *warned, "-c", PROGRAM, "studio", "--no-open", *map(str, args)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        running.link = running.stdout.readline()
        running.port, running.token = LINK.fullmatch(running.link).groups()
        yield running
    finally:
        running.kill()
        running.communicate()


def ended(running, *signals):
    """Its status and output after these signals."""
    for number in signals:
        running.send_signal(number)
        time.sleep(0.15)
    out, err = running.communicate(timeout=20)
    return running.returncode, out, err


def get(port, path, **headers):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def talk(running, origin=None):
    headers = {"Cookie": f"glassnet-studio-{running.port}={running.token}"}
    origin = origin or f"http://127.0.0.1:{running.port}"
    return connect(f"ws://127.0.0.1:{running.port}/ws", origin=origin, additional_headers=headers, proxy=None)


def test_the_link_stands_alone_on_a_line_once_the_port_answers_and_ctrl_c_ends_with_0():
    with studio() as running:
        place = urlsplit(running.link.strip())
        assert get(running.port, f"{place.path}?{place.query}") == 303
        assert get(running.port, f"{place.path}?{place.query}", Host="evil.example") == 403
        assert get(running.port, "/") == 403
        with talk(running) as page:
            assert json.loads(page.recv()) == {"type": "hello"}
        with pytest.raises(InvalidStatus):
            talk(running, origin="http://evil.example")
        status, out, err = ended(running, signal.SIGINT)
    assert (status, out) == (0, "")
    assert re.fullmatch(r"\[\]\nThe studio .* Ctrl-C ends it\.\nclosed\n", err)


@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT, signal.SIGINT], [signal.SIGTERM]], ids=len)
def test_neither_a_stuck_page_nor_impatience_spoils_the_end(signals):
    with studio() as running, talk(running) as page, socket.create_connection(("127.0.0.1", running.port)) as half:
        page.recv()
        page.send("stick")
        half.sendall(b"POST /upload HTTP/1.1\r\n")
        status, out, err = ended(running, *signals)
    assert (status, out) == (0, "")
    assert err.endswith("closed\n")
    assert "Traceback" not in err


def test_a_fault_of_ours_is_told_on_standard_error_and_the_studio_goes_on():
    with studio() as running:
        connection = HTTPConnection("127.0.0.1", int(running.port), timeout=10)
        headers = {"Cookie": f"glassnet-studio-{running.port}={running.token}"}
        connection.request("POST", "/upload", b"x", headers | {"Origin": f"http://127.0.0.1:{running.port}"})
        answer = connection.getresponse()
        assert answer.status == 500
        assert answer.getheader("content-security-policy")
        connection.close()
        status, out, err = ended(running, signal.SIGINT)
    assert (status, out) == (0, "")
    assert "RuntimeError: a fault of ours" in err


def test_a_port_in_use_is_one_message_and_status_2(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", PROGRAM, "studio", "--port", str(port), "--no-open"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(rf"Error: Port {port} cannot be opened: .* in use\. .* choose another port", done.stderr)
    assert "closed" in done.stderr


def test_a_port_is_free_again_after_the_end():
    with studio() as running:
        port = running.port
        with talk(running) as page:
            page.recv()
            assert ended(running, signal.SIGINT)[0] == 0
    with studio("--port", port) as running:
        assert running.port == port


# In this process.


class Hub:
    def __init__(self, **shown):
        self.shown, self.closed = shown, 0

    def close(self):
        self.closed += 1


def test_a_studio_closes_its_hub_whether_it_was_started_or_not():
    for start in (False, True):
        kept = Hub()
        studio = Studio(kept)
        if start:
            studio.start()
            assert get(studio.port, "/") == 403
        studio.close()
        assert kept.closed == 1
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", studio.port), timeout=2).close()
        studio.close()
        assert kept.closed == 1


def test_only_this_computer_is_answered():
    studio = Studio(Hub())
    assert studio._socket.getsockname() == ("127.0.0.1", studio.port)
    studio.close()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be_is_refused(port):
    kept = Hub()
    with pytest.raises(InputError, match="0 to 65535"):
        Studio(kept, port)
    assert kept.closed == 1


def test_a_browser_gets_a_link_for_one_use_in_a_process_of_its_own(monkeypatch):
    opened = []
    monkeypatch.setenv("BROWSER", "some")
    monkeypatch.setattr(subprocess, "Popen", lambda command, **more: opened.append(command) or Waited())
    studio = Studio(Hub())
    studio.open_browser()
    studio.close()
    (command,) = opened
    assert command[:-1] == [sys.executable, "-m", "webbrowser"]
    assert command[-1].startswith(f"http://127.0.0.1:{studio.port}/?token=")
    assert command[-1] != studio.url


class Waited:
    def wait(self):
        return 0


def test_without_a_window_no_browser_is_started(monkeypatch):
    if sys.platform in ("win32", "darwin"):
        pytest.skip("there is always a window")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **more: pytest.fail("a browser was started"))
    studio = Studio(Hub())
    studio.open_browser()
    studio.close()


def test_the_package_is_the_function_too():
    import glassnet.studio.settings

    assert gn.studio is glassnet.studio
    assert gn.studio.studio.__module__ == "glassnet.studio"
    assert gn.studio.settings is glassnet.studio.settings
    assert callable(gn.studio)


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr("glassnet.studio.find_spec", lambda name: None if name == "uvicorn" else object())
    with pytest.raises(InputError, match=r'uvicorn.*pip install "glassnet\[studio\]"'):
        gn.studio()


# What it begins with.


@pytest.fixture
def shown(monkeypatch):
    """What the hub is given, with tables as their columns."""

    def plain(thing):
        if isinstance(thing, gn.Table):
            return {name: thing[name].to_list() for name in thing.names}
        return tuple(map(plain, thing)) if isinstance(thing, tuple) else thing

    monkeypatch.setattr("glassnet.studio.opening.Hub", lambda **shown: {k: plain(v) for k, v in shown.items()})
    return hub_of


TABLE = {"a": [1.0, 2.0], "kind": ["x", "y"]}


def test_a_table_is_shown_with_its_target_whichever_way_it_is_given(shown, tmp_path):
    (tmp_path / "t.csv").write_text("a,kind\n1,x\n2,y\n")
    table = {"a": [1, 2], "kind": ["x", "y"]}
    assert shown(None, None, None) == {}
    assert shown(tmp_path / "t.csv", None, None) == {"table": ("t.csv", table), "target": None}
    assert shown(None, str(tmp_path / "t.csv"), "a") == {"table": ("t.csv", table), "target": "a"}
    assert shown(TABLE, None, "kind") == {"table": ("table", TABLE), "target": "kind"}
    assert shown(None, {"a": [1.0, 2.0]}, ["x", "y"]) == {
        "table": ("table", {"a": [1.0, 2.0], "target": ["x", "y"]}),
        "target": "target",
    }


def test_a_model_is_shown_alone_or_with_rows(shown, tmp_path):
    network = gn.nn.Network.create([1, 2, 1])
    assert shown(network, None, None) == {"model": ("Network", network)}
    assert shown(network, TABLE, None) == {"model": ("Network", network), "table": ("table", TABLE)}
    assert shown(network, [[1.0]], [2.0])["rows"] == ([[1.0]], [2.0])
    rows, answers = shown(network, TABLE, "kind")["rows"]
    assert (rows, answers.tolist()) == ({"a": [1.0, 2.0]}, ["x", "y"])
    gn.save(network, tmp_path / "m.safetensors")
    name, model = shown(str(tmp_path / "m.safetensors"), None, None)["model"]
    assert (name, type(model)) == ("m.safetensors", gn.nn.Network)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((None, None, "kind"), r"studio\(X=table, y='column'\)"),
        ((gn.nn.Network.create([1, 1]), None, [1.0]), r"studio\(model, X, y\)"),
        ((TABLE, TABLE, None), "no model"),
        ((None, {"target": [1.0]}, [1.0]), "has a column 'target' already"),
        ((None, TABLE, [1.0]), "2 rows and y has 1"),
        (("no.safetensors", None, None), "no.safetensors"),
        ((42, None, None), "int"),
    ],
)
def test_what_cannot_be_shown_is_an_input_error(shown, given, said):
    with pytest.raises(InputError, match=said):
        shown(*given)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--target", "a"], "no TABLE was given"),
        (["t.csv", "m.safetensors"], "The model comes first"),
        (["m.safetensors", "--target", "a"], "no TABLE was given"),
        (["t.csv", "--target", "knd"], "'kind'"),
        (["nothing.csv"], "no file"),
        (["nothing.safetensors"], "no file"),
        (["--port", "65536"], "65535"),
    ],
)
def test_bad_arguments_of_the_command_are_one_message_and_status_2(args, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,kind\n1,x\n2,y\n")
    gn.save(gn.nn.Network.create([1, 1]), "m.safetensors")
    result = CliRunner().invoke(cli, ["studio", "--no-open", *args], prog_name="glassnet")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert said in " ".join(result.stderr.split())
