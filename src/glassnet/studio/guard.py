"""Who may speak with the studio: this page, in this browser, and nobody else on this computer or behind a link.

The port is open to every program and every web page that this computer runs. So each request must name this server
(against DNS rebinding), come from its own page (against other sites and other ports) and bring the cookie that only the
printed link gives.
"""

from hmac import compare_digest
from html import escape
from secrets import token_urlsafe
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
SAFE = ("GET", "HEAD")
NO_COOKIE = "Open the link that 'glassnet studio' printed in the terminal: this browser has not come by it yet."
FOREIGN = "The studio answers its own page only, and this request comes from elsewhere."
WRONG_HOST = (
    "The studio answers at 127.0.0.1 and localhost only, at its own port: open the link that it printed in the "
    "terminal. Where the port is forwarded from another computer, it must keep its number."
)
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    '<meta name="color-scheme" content="light dark">{head}<title>glassnet studio</title>'
    "<h1>glassnet studio</h1><p>{text}</p></html>"
)


class Keys:
    """What opens the studio: the token of the printed link, and tickets that open it once."""

    def __init__(self) -> None:
        self.token = token_urlsafe(32)
        self._tickets: set[str] = set()

    def ticket(self) -> str:
        """A token for one use, for a command line that others on this computer can see."""
        ticket = token_urlsafe(32)
        self._tickets.add(ticket)
        return ticket

    def open(self, token: str) -> bool:
        """Whether this token or ticket opens the studio."""
        spent = {ticket for ticket in self._tickets if _equal(ticket, token)}
        self._tickets -= spent
        return _equal(self.token, token) or bool(spent)


class Guard:
    """ASGI: lets through what comes from the studio's own page, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, port: int, keys: Keys) -> None:
        self._app, self._keys = app, keys
        self._cookie = f"glassnet-studio-{port}"  # browsers do not tell cookies of different ports apart
        names = ("127.0.0.1", "localhost")
        self._hosts = {f"{name}:{port}" for name in names} | ({*names} if port == 80 else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._answer(scope, Headers(scope=scope))
        if answer is None:
            await self._app(scope, receive, with_headers)
        elif scope["type"] == "http":
            await answer(scope, receive, with_headers)
        else:
            await send({"type": "websocket.close"})  # before a talk has begun, this is answered with 403

    def _answer(self, scope: Scope, headers: Headers) -> Response | None:
        """A refusal, or the way in by a token; None for a request of our own page."""
        if headers.get("host", "").lower() not in self._hosts or len(headers.getlist("host")) > 1:
            return _refusal(scope, WRONG_HOST)
        if not _is_own(scope, headers):
            return _refusal(scope, FOREIGN)
        known = self._is_known(headers)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in query if name == "token"]
        if scope["type"] == "http" and scope["path"] == "/" and tokens:
            opened = self._keys.open(tokens[0])
            if opened or known:
                place = urlencode([(name, value) for name, value in query if name != "token"])
                return self._entrance(f"/?{place}" if place else "/", headers)
        return None if known else _refusal(scope, NO_COOKIE)

    def _is_known(self, headers: Headers) -> bool:
        pairs = [part.strip().partition("=") for line in headers.getlist("cookie") for part in line.split(";")]
        return any(_equal(self._keys.token, value) for name, _, value in pairs if name == self._cookie)

    def _entrance(self, place: str, headers: Headers) -> Response:
        """The token becomes a cookie, and leaves the address."""
        answer: Response = RedirectResponse(place, 303)
        if headers.get("sec-fetch-site") == "cross-site":
            # Come by a link of another page, as a notebook's, a browser would not send a strict cookie along with
            # the redirect. With what this page asks for by itself, it does.
            refresh = f'<meta http-equiv="refresh" content="0;url={escape(place)}">'
            answer = HTMLResponse(PAGE.format(head=refresh, text=f'<a href="{escape(place)}">Enter</a>'))
        answer.set_cookie(self._cookie, self._keys.token, path="/", httponly=True, samesite="strict")
        return answer


def _is_own(scope: Scope, headers: Headers) -> bool:
    """Whether a request comes from the page that this server sent, as far as the browser tells."""
    safe = scope["type"] == "http" and scope["method"] in SAFE
    origins = headers.getlist("origin")
    if (origins or not safe) and origins != [f"http://{headers['host']}".lower()]:
        return False
    visit = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none") or (safe and visit)


def _refusal(scope: Scope, text: str) -> Response:
    if scope["type"] == "http" and scope["method"] not in SAFE:
        return JSONResponse({"error": text}, 403)
    return HTMLResponse(PAGE.format(head="", text=escape(text)), 403)


def _equal(a: str, b: str) -> bool:
    """In a time that does not tell how many letters agree."""
    return compare_digest(a.encode(), b.encode("utf-8", "replace"))
