"""Who gets into the studio and who does not; what it serves; and a talk that nothing on the page's side can hold up."""

import asyncio
import json
import socket
import struct
import threading
import time
from contextlib import closing
from http.client import HTTPConnection

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from glassnet.errors import InputError
from glassnet.studio import app, outbox, server
from glassnet.studio.outbox import Outbox
from glassnet.studio.server import Studio

ACK = '{"type":"ack"}'


def picture(size=0):
    header = b'{"type":"frame","arrays":{}}    '
    return struct.pack("<I", len(header)) + header + bytes(size)


class FakeLink:
    def __init__(self, deliver):
        self.deliver, self.received, self.closed = deliver, [], threading.Event()

    def receive(self, text):
        self.received.append(text)
        if text == "echo":
            self.deliver("echo")

    def close(self):
        self.closed.set()


class FakeHub:
    def __init__(self):
        self.links, self.uploads, self.closed = [], [], False

    def connect(self, run_id, deliver):
        self.links.append(FakeLink(deliver))
        deliver(json.dumps({"type": "hello", "run": run_id}))
        return self.links[-1]

    def upload(self, name, data):
        if name == "bad.csv":
            raise InputError("bad.csv has no rows.")
        self.uploads.append((name, len(data)))
        return {"table": "T", "name": name}

    def take(self, run_id, what):
        if run_id != "RUN":
            raise InputError("There is no such run.")
        return b"content", "application/json", 'näme".json\r\nX: y'

    def close(self):
        self.closed = True


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """A studio with a page of its own, that answers."""
    folder = tmp_path_factory.mktemp("studio")
    static = folder / "static"
    (static / "views").mkdir(parents=True)
    (folder / "secret.js").write_text("secret")
    (static / "index.html").write_text("<!doctype html><title>page</title>")
    (static / "main.js").write_text("1")
    (static / "views" / "a b.css").write_text("a {}")
    (static / "font.woff2").write_bytes(b"font")
    (static / "notes.md").write_text("not for the page")
    (static / "link.js").symlink_to(static / "main.js")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "STATIC", static)
        patch.setattr(app, "UPLOAD_BYTES", 3_000_000)
        studio = Studio(FakeHub())
        studio.hub = studio._hub
        studio.start()
        yield studio
        studio.close()
    assert studio.hub.closed


def cookie(studio):
    return f"glassnet-studio-{studio.port}={studio.url.partition('token=')[2]}"


def ask(studio, path="/", method="GET", body=None, **headers):
    """The status, headers and body of an answer; a header that is None is left out."""
    headers = {"host": f"127.0.0.1:{studio.port}", "cookie": cookie(studio)} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    with closing(HTTPConnection("127.0.0.1", studio.port, timeout=10)) as connection:
        connection.putrequest(method, path, skip_host=True)
        if body is not None and "transfer-encoding" not in headers:
            headers.setdefault("content-length", str(len(body)))
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value] if value is not None else []:
                connection.putheader(name, one)
        connection.endheaders(body, encode_chunked="transfer-encoding" in headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def own(studio):
    return f"http://127.0.0.1:{studio.port}"


def talk(studio, run="", origin=True, cookies=True, **more):
    origin = own(studio) if origin is True else origin
    headers = {"Cookie": cookie(studio)} if cookies is True else {}
    return connect(
        f"ws://127.0.0.1:{studio.port}/ws{run}", origin=origin, additional_headers=headers, proxy=None, **more
    )


def upgrade(studio):
    """The request that begins a talk."""
    return (
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\nOrigin: {own(studio)}\r\nCookie: {cookie(studio)}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# Who gets in.


def test_the_link_becomes_a_cookie_and_the_token_leaves_the_address(studio):
    link = studio.url.removeprefix(own(studio))
    status, headers, _ = ask(studio, f"{link}&lesson=3&x=a%26b", cookie=None)
    assert (status, headers["location"]) == (303, "/?lesson=3&x=a%26b")
    name, *attributes = headers["set-cookie"].split("; ")
    assert name == cookie(studio)
    assert {"HttpOnly", "Path=/", "samesite=strict"} == {a if a[0] != "S" else a.lower() for a in attributes}
    assert ask(studio, link, cookie=None)[1]["location"] == "/"
    assert ask(studio, cookie=name)[0] == 200


def test_from_a_page_elsewhere_the_link_opens_without_a_redirect(studio):
    """A strict cookie does not go along with a redirect that began on another site."""
    link = studio.url.removeprefix(own(studio))
    visit = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    status, headers, body = ask(studio, f"{link}&x=%22%3E%3Cscript%3E", cookie=None, **visit)
    assert (status, headers["set-cookie"].split("; ")[0]) == (200, cookie(studio))
    assert b'content="0;url=/?x=%22%3E%3Cscript%3E"' in body


def test_a_ticket_opens_once(studio):
    ticket = studio._keys.ticket()
    assert [ask(studio, f"/?token={ticket}", cookie=None)[0] for _ in range(2)] == [303, 403]


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/?token=%ff", "/static/main.js", "/take/RUN/x"])
@pytest.mark.parametrize("sent", [None, "other=1", "glassnet-studio-{port}=wrong", "glassnet-studio-1={token}"])
def test_without_the_cookie_there_is_only_a_word_on_how_to_get_in(studio, path, sent):
    token = studio.url.partition("token=")[2]
    status, headers, body = ask(studio, path, cookie=sent and sent.format(port=studio.port, token=token))
    assert status == 403
    assert b"Open the link" in body
    assert "set-cookie" not in headers
    assert headers["content-security-policy"]


def test_an_upload_without_the_cookie_says_so_in_json(studio):
    status, _, body = ask(studio, "/upload", "POST", b"a", cookie=None, origin=own(studio))
    assert status == 403
    assert "Open the link" in json.loads(body)["error"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_another_host_is_refused_lest_a_name_be_bound_to_this_computer(studio, host):
    host = host.format(port=studio.port)
    assert ask(studio, host=host)[0] == 403
    assert ask(studio, studio.url.removeprefix(own(studio)), host=host, cookie=None)[0] == 403


def test_the_studio_has_two_names(studio):
    assert ask(studio, host=f"localhost:{studio.port}")[0] == 200
    assert ask(studio, host=f"LOCALHOST:{studio.port}")[0] == 200


def raw(studio, request):
    """The first line of the answer to these bytes."""
    with socket.create_connection(("127.0.0.1", studio.port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(1000).split(b"\r\n")[0]


def test_two_hosts_or_none_are_refused(studio):
    entry = f"Cookie: {cookie(studio)}\r\n\r\n".encode()
    right = f"Host: 127.0.0.1:{studio.port}\r\n".encode()
    assert b" 200 " in raw(studio, b"GET / HTTP/1.1\r\n" + right + entry)
    assert b" 400 " in raw(studio, b"GET / HTTP/1.1\r\n" + right + b"Host: evil.example\r\n" + entry)
    assert b" 400 " in raw(studio, b"GET / HTTP/1.1\r\n" + entry)
    assert b" 403 " in raw(studio, b"GET / HTTP/1.0\r\n" + entry)


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:{port}", "http://127.0.0.1"],
)
def test_what_changes_something_must_come_from_the_studio_s_own_page(studio, origin):
    before = list(studio.hub.uploads)
    origin = origin and origin.format(port=studio.port)
    assert ask(studio, "/upload?name=a.csv", "POST", b"a", origin=origin)[0] == 403
    assert ask(studio, "/upload?name=a.csv", "POST", b"a", origin=[own(studio), "http://evil.example"])[0] == 403
    assert ask(studio, "/", "DELETE", origin=origin)[0] == 403
    assert studio.hub.uploads == before


def test_the_origin_must_be_the_name_that_the_page_was_opened_by(studio):
    other = f"localhost:{studio.port}"
    assert ask(studio, "/upload?name=a.csv", "POST", b"a", origin=f"http://{other}")[0] == 403
    assert ask(studio, "/upload?name=a.csv", "POST", b"a", origin=f"http://{other}", host=other)[0] == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_other_sites_and_ports_cannot_take_in_what_the_studio_serves(studio, site):
    for path in ("/", "/static/main.js", "/take/RUN/state.json"):
        for mode, dest in (("no-cors", "script"), ("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
            assert ask(studio, path, sec_fetch_site=site, sec_fetch_mode=mode, sec_fetch_dest=dest)[0] == 403
    assert ask(studio, origin="http://evil.example")[0] == 403
    assert ask(studio, sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="document")[0] == 200
    assert ask(studio, "/static/main.js", sec_fetch_site="same-origin", sec_fetch_mode="cors")[0] == 200


# What is served.


def test_every_answer_carries_the_policy(studio):
    asked = [("/", "GET"), ("/static/main.js", "GET"), ("/nothing", "GET"), ("/take/RUN/x", "GET"), ("/upload", "PUT")]
    for path, method in asked:
        headers = ask(studio, path, method, origin=None if method == "GET" else own(studio))[1]
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        nothing = ("object-src", "base-uri", "form-action", "frame-ancestors")
        assert {policy[name] for name in nothing} == {"'none'"}
        assert {policy[name] for name in ("default-src", "script-src", "style-src", "connect-src")} == {"'self'"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
        assert "server" not in headers


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("main.js", "text/javascript"),
        ("views/a%20b.css", "text/css"),
        ("font.woff2", "font/woff2"),
        ("link.js", "text/javascript"),
    ],
)
def test_files_come_with_their_type_and_are_asked_for_again_only_when_changed(studio, name, media_type):
    status, headers, body = ask(studio, f"/static/{name}")
    assert status == 200
    assert headers["content-type"].split(";")[0] == media_type
    assert body
    status, headers, body = ask(studio, f"/static/{name}", if_none_match=headers["etag"])
    assert (status, body) == (304, b"")
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "views",
        "views/",
        "notes.md",
        "../secret.js",
        "%2e%2e/secret.js",
        "..%2fsecret.js",
        "views/..%2f..%2fsecret.js",
        "..%5csecret.js",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "main.js%00",
        "a" * 5000,
    ],
)
def test_nothing_but_the_page_s_own_files_is_served(studio, path):
    status, _, body = ask(studio, f"/static/{path}")
    assert status == 404
    assert b"secret" not in body


def test_what_is_taken_away_is_a_file_whatever_its_name(studio):
    status, headers, body = ask(studio, "/take/RUN/state.json")
    assert (status, body, headers["content-type"]) == (200, b"content", "application/json")
    assert headers["content-disposition"] == "attachment; filename*=utf-8''n%C3%A4me%22.json%0D%0AX%3A%20y"
    status, _, body = ask(studio, "/take/OTHER/state.json")
    assert (status, json.loads(body)) == (404, {"error": "There is no such run."})


# What is dropped on the page.


def upload(studio, name, body, **headers):
    status, _, answer = ask(studio, f"/upload?name={name}", "POST", body, origin=own(studio), **headers)
    return status, json.loads(answer)


def test_an_upload_reaches_the_hub_and_its_errors_the_page(studio):
    assert upload(studio, "b%20c.csv", b"x" * 1000) == (200, {"table": "T", "name": "b c.csv"})
    assert studio.hub.uploads[-1] == ("b c.csv", 1000)
    assert upload(studio, "bad.csv", b"x") == (400, {"error": "bad.csv has no rows."})


def test_an_upload_may_come_in_parts_of_unknown_number(studio):
    parts = (b"x" * 100_000 for _ in range(5))
    assert upload(studio, "parts.csv", parts, transfer_encoding="chunked")[0] == 200
    assert studio.hub.uploads[-1] == ("parts.csv", 500_000)


def test_an_upload_over_the_limit_is_refused_before_it_comes(studio):
    head = (
        f"POST /upload HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\nOrigin: {own(studio)}\r\nCookie: {cookie(studio)}"
    )
    for length in ("3000001", "9" * 19):
        assert b" 413 " in raw(studio, f"{head}\r\nContent-Length: {length}\r\n\r\n".encode())


def test_an_upload_over_the_limit_is_cut_off_and_the_page_told(studio):
    before = list(studio.hub.uploads)
    status, answer = upload(studio, "large.csv", b"x" * 20_000_000)
    assert (status, "3 MB" in answer["error"]) == (413, True)
    parts = (b"x" * 100_000 for _ in range(60))
    status, answer = upload(studio, "large.csv", parts, transfer_encoding="chunked")
    assert (status, "3 MB" in answer["error"]) == (413, True)
    assert studio.hub.uploads == before


def test_an_upload_that_breaks_off_leaves_nothing(studio):
    before = list(studio.hub.uploads)
    head = (
        f"POST /upload HTTP/1.1\r\nHost: 127.0.0.1:{studio.port}\r\nOrigin: {own(studio)}\r\nCookie: {cookie(studio)}"
    )
    with socket.create_connection(("127.0.0.1", studio.port), timeout=10) as connection:
        connection.sendall(f"{head}\r\nContent-Length: 100\r\n\r\nabc".encode())
    assert ask(studio)[0] == 200
    assert studio.hub.uploads == before


# The talk.


def test_a_page_talks_with_its_run(studio):
    with talk(studio, "?run=R1") as page:
        assert json.loads(page.recv()) == {"type": "hello", "run": "R1"}
        page.send("echo")
        assert page.recv() == "echo"
    link = studio.hub.links[-1]
    assert link.closed.wait(10)
    assert link.received == ["echo"]
    link.deliver("to nobody")  # the page is gone, and nothing breaks


def test_a_name_of_a_run_that_is_far_too_long_is_none(studio):
    with talk(studio, f"?run={'R' * 1000}") as page:
        assert json.loads(page.recv())["run"] is None


@pytest.mark.parametrize("origin", [None, "http://evil.example", "http://127.0.0.1:1", "null"])
def test_another_site_cannot_talk(studio, origin):
    with pytest.raises(InvalidStatus) as refused:
        talk(studio, origin=origin)
    assert refused.value.response.status_code == 403


def test_nobody_talks_without_the_cookie_or_by_another_name(studio):
    before = len(studio.hub.links)
    with pytest.raises(InvalidStatus) as refused:
        talk(studio, cookies=False)
    assert refused.value.response.status_code == 403
    assert b" 403 " in raw(studio, upgrade(studio).replace(b"127.0.0.1", b"evil.example"))
    assert b" 101 " in raw(studio, upgrade(studio))
    wait_for(lambda: len(studio.hub.links) == before + 1)


def test_there_is_no_other_place_to_talk(studio):
    with pytest.raises(InvalidStatus) as refused:
        connect(
            f"ws://127.0.0.1:{studio.port}/other",
            origin=own(studio),
            additional_headers={"Cookie": cookie(studio)},
            proxy=None,
        )
    assert refused.value.response.status_code in (403, 404)


def test_a_thousand_malformed_messages_are_the_hub_s_to_refuse(studio):
    strange = ["", "{", "[" * 100_000, "1e999999", '"\\ud800"', "null", "\0", b"", b"\xff\xfe", b'{"type":"ack"}x']
    with talk(studio) as page:
        page.recv()
        for i in range(1000):
            page.send(strange[i % len(strange)])
        page.send("echo")
        assert page.recv() == "echo"
    assert len(studio.hub.links[-1].received) == 1001
    assert all(isinstance(text, str) for text in studio.hub.links[-1].received)


def frame(opcode, payload):
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + bytes(4) + payload


@pytest.mark.parametrize(
    ("sent", "code"),
    [(frame(1, b"\xff\xfe"), 1007), (b"\xff\xff\xff\xff", 1002), (frame(3, b"x"), 1002)],
    ids=["no Unicode", "no frame", "no such kind"],
)
def test_what_breaks_the_protocol_ends_the_talk_and_nothing_else(studio, sent, code):
    with talk(studio) as page:
        page.recv()
        page.socket.sendall(sent)
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=10)
    assert closed.value.rcvd.code == code
    assert studio.hub.links[-1].closed.wait(10)
    assert ask(studio)[0] == 200


def test_a_message_over_four_megabytes_ends_the_talk_with_a_reason(studio):
    with talk(studio) as page:
        page.recv()
        page.send("x" * (4 * 2**20 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(timeout=10)
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1009, "A message may have 4 MB at the most.")
    with talk(studio) as page:
        page.recv()
        page.send("x" * (4 * 2**20))
        page.send("echo")
        assert page.recv() == "echo"


def test_half_a_letter_does_not_end_the_talk(studio):
    with talk(studio) as page:
        page.recv()
        studio.hub.links[-1].deliver("a \ud800 b")
        assert page.recv() == "a ? b"


def test_a_page_that_reads_but_never_draws_gets_no_more_pictures(studio):
    with talk(studio) as page:
        page.recv()
        link = studio.hub.links[-1]
        for _ in range(100):
            link.deliver(picture())
        link.deliver("last")
        got = []
        while (message := page.recv(timeout=10)) != "last":
            got.append(message)
        assert got == [picture()] * outbox.MOST_UNSEEN
        page.send(ACK)  # says that one is drawn, and settles those that were dropped
        wait_for(lambda: len(link.received) == 101 - outbox.MOST_UNSEEN)
        link.deliver(picture(8))
        assert page.recv(timeout=10) == picture(8)


def test_a_page_that_does_not_read_holds_nobody_up_and_is_given_up(studio):
    before = len(studio.hub.links)
    with socket.create_connection(("127.0.0.1", studio.port)) as page:
        page.sendall(upgrade(studio))
        page.recv(12)
        wait_for(lambda: len(studio.hub.links) > before)
        link = studio.hub.links[-1]
        start = time.monotonic()
        for _ in range(60):
            link.deliver("x" * 2**20)
        assert time.monotonic() - start < 1
        assert link.closed.wait(10)
        assert ask(studio)[0] == 200


def test_a_browser_that_vanished_is_noticed(monkeypatch):
    monkeypatch.setattr(server, "PING_SECONDS", 0.1)
    hub = FakeHub()
    with Studio(hub) as studio:
        studio.start()
        with socket.create_connection(("127.0.0.1", studio.port)) as page:
            page.sendall(upgrade(studio))  # and from here on not a word, not even to a ping
            wait_for(lambda: hub.links)
            assert hub.links[0].closed.wait(10)


# The outbox by itself.


def test_the_outbox_gives_up_a_page_that_is_too_far_behind():
    async def fill(message, times):
        box = Outbox()
        for _ in range(times):
            box.put(message)
        await asyncio.sleep(0)
        return box

    assert not asyncio.run(fill("x", outbox.MOST_MESSAGES)).overflow.is_set()
    assert asyncio.run(fill("x", outbox.MOST_MESSAGES + 1)).overflow.is_set()
    assert asyncio.run(fill("x" * 2**20, 33)).overflow.is_set()
    box = asyncio.run(fill(picture(), 5000))
    assert not box.overflow.is_set()
    box.put("the loop is closed, and nothing breaks")


def test_the_outbox_keeps_the_order_of_many_threads():
    async def gather():
        box, n = Outbox(), 200

        def work(name):
            for i in range(n):
                box.put(f"{name}{i}")

        threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        got = [await box.get() for _ in range(3 * n)]
        for thread in threads:
            thread.join()
        return [
            [message for message in got if message[0] == name] == [f"{name}{i}" for i in range(n)] for name in "abc"
        ]

    assert asyncio.run(gather()) == [True, True, True]


def test_points_are_never_dropped():
    async def fill():
        box = Outbox()
        for _ in range(20):
            box.put(picture())
        points = picture().replace(b"frame", b"point")
        box.put(points)
        got = [await box.get() for _ in range(outbox.MOST_UNSEEN + 1)]
        return got[-1] == points

    assert asyncio.run(fill())
