"""The studio as a web application: the page, its files, uploads, what is taken away, and the talk over a WebSocket."""

import asyncio
import gzip
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from glassnet.errors import InputError
from glassnet.studio.guard import Guard, Keys
from glassnet.studio.outbox import Outbox
from glassnet.studio.settings import UPLOAD_BYTES

if TYPE_CHECKING:
    from glassnet.studio.hub import Hub, Link

T = TypeVar("T")
End = tuple[int, str] | None  # None: the page has gone by itself
STATIC = Path(__file__).parent / "static"
MOST_LETTERS_OF_ID = 100
ACK = '{"type":"ack"}'
MOST_MESSAGE_BYTES = 4 * 2**20
SECONDS_TO_CLOSE = 1.0
# How a talk ends that the server ends: a code of the protocol, and a reason.
TOO_LONG = (1009, "A message may have 4 MB at the most.")
FELL_BEHIND = (1013, "The page did not keep up with what it was sent: it may come again.")
# Written here, for the system's own table may call a script plain text, which no browser runs.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


def create_app(hub: "Hub", port: int, keys: Keys) -> ASGIApp:
    """The application, behind its guard.

    Args:
        hub: The trainings.
        port: Where it will answer; requests must name it.
        keys: What opens it.
    """
    routes = [
        Route("/", _page),
        Route("/static/{name:path}", _static),
        Route("/upload", _upload, methods=["POST"]),
        Route("/take/{run}/{what}", _take),
        WebSocketRoute("/ws", _talk),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    app.state.hub = hub
    # Looked up among these and never resolved, so that no path leads out of the folder.
    found = (file for file in STATIC.rglob("*") if file.suffix in MEDIA_TYPES)
    app.state.files = {file.relative_to(STATIC).as_posix(): file for file in found}
    return Guard(app, port, keys)


async def _page(request: Request) -> Response:
    """The page, which names every module: without that a browser finds them one after the other."""
    modules = sorted(name for name in request.app.state.files if name.endswith(".js"))
    preloads = "".join(f'<link rel="modulepreload" href="/static/{quote(name)}">' for name in modules)
    html = (STATIC / "index.html").read_text(encoding="utf-8").replace("</head>", f"{preloads}</head>")
    return _compressed(request, html.encode(), MEDIA_TYPES[".html"], {})


async def _static(request: Request) -> Response:
    """A file of the page; a browser asks each time whether it has changed."""
    file: Path | None = request.app.state.files.get(request.path_params["name"])
    if file is None:
        return Response("There is no such file.", 404, media_type="text/plain")
    content = file.read_bytes()
    headers = {"Cache-Control": "no-cache", "ETag": f'"{sha256(content).hexdigest()[:32]}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return _compressed(request, content, MEDIA_TYPES[file.suffix], headers)


def _compressed(request: Request, content: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """Text in a quarter of its size, where the browser takes it so."""
    headers = headers | {"Vary": "Accept-Encoding"}
    if not media_type.startswith("font/") and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers = _gzipped(content), headers | {"Content-Encoding": "gzip"}
    return Response(content, headers=headers, media_type=media_type)


@lru_cache(maxsize=256)
def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)


async def _upload(request: Request) -> Response:
    """A table or a model that was dropped on the page."""
    declared = request.headers.get("content-length", "0")
    if len(declared) > 15 or int(declared) > UPLOAD_BYTES:
        return _too_large()
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > UPLOAD_BYTES:
                return _too_large()
            parts.append(part)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    hub: Hub = request.app.state.hub
    try:
        return JSONResponse(await _beside(hub.upload, request.query_params.get("name", "table"), b"".join(parts)))
    except InputError as error:
        return JSONResponse({"error": str(error)}, 400)


def _too_large() -> Response:
    """What of the file still comes is read and dropped by uvicorn, so that a browser gets to see this."""
    text = (
        f"The file is larger than {UPLOAD_BYTES // 1_000_000} MB, the most that the studio takes. "
        f"Choose some of its rows here, and train on all of them with 'glassnet fit'."
    )
    return JSONResponse({"error": text}, 413)


async def _take(request: Request) -> Response:
    """A file to take away."""
    hub: Hub = request.app.state.hub
    run, what = request.path_params["run"], request.path_params["what"]
    try:
        content, media_type, name = await _beside(hub.take, run, what)
    except InputError as error:
        return JSONResponse({"error": str(error)}, 404)
    disposition = f"attachment; filename*=utf-8''{quote(name, safe='')}"
    return Response(content, headers={"Content-Disposition": disposition}, media_type=media_type)


async def _talk(websocket: WebSocket) -> None:
    """A page and its run, until one of them goes, or the page falls behind."""
    hub: Hub = websocket.app.state.hub
    run = websocket.query_params.get("run")
    await websocket.accept()
    outbox = Outbox()
    try:
        link = await _beside(hub.connect, run if run and len(run) <= MOST_LETTERS_OF_ID else None, outbox.put)
        try:
            end = await _first_of(_read(websocket, link, outbox), _write(websocket, outbox), _overflow(outbox))
        finally:
            outbox.close()
            link.close()
        if end is not None:
            async with asyncio.timeout(SECONDS_TO_CLOSE):
                await websocket.close(*end)
    except (WebSocketDisconnect, TimeoutError):
        pass


async def _read(websocket: WebSocket, link: "Link", outbox: Outbox) -> End:
    """What the page says; whatever is none of its messages is the link's to refuse."""
    while (message := await websocket.receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is None:
            text = message["bytes"].decode(errors="replace")
        if len(text) > MOST_MESSAGE_BYTES:
            return TOO_LONG
        for _ in range(outbox.acknowledge() if text == ACK else 1):
            await _beside(link.receive, text)
    return None


async def _write(websocket: WebSocket, outbox: Outbox) -> End:
    """What the page is told."""
    while True:
        message = await outbox.get()
        if isinstance(message, bytes):
            await websocket.send_bytes(message)
        else:  # half a letter, as "\ud800" in JSON, is no Unicode: it is not worth a connection
            await websocket.send_text(message.encode(errors="replace").decode())


async def _overflow(outbox: Outbox) -> End:
    await outbox.overflow.wait()
    return FELL_BEHIND


async def _first_of(*coroutines: Coroutine[Any, Any, End]) -> End:
    """Run them side by side until one ends, end the others, and say how it ended."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return done.pop().result()


async def _beside(function: Callable[..., T], *arguments: object) -> T:
    """A call in a thread of its own, while the loop goes on; one that hangs does not keep the program from its end."""
    called: Future[T] = Future()
    called.set_running_or_notify_cancel()

    def call() -> None:
        try:
            called.set_result(function(*arguments))
        except BaseException as error:
            called.set_exception(error)

    Thread(target=call, name="glassnet studio call", daemon=True).start()
    return await asyncio.wrap_future(called)
