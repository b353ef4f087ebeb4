"""The server: a port of this computer that answers nobody else, from the link that is printed until Ctrl-C."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread, current_thread, main_thread
from types import TracebackType
from typing import TYPE_CHECKING, Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from glassnet.errors import InputError
from glassnet.studio.app import MOST_MESSAGE_BYTES, create_app
from glassnet.studio.guard import Keys

if TYPE_CHECKING:
    from glassnet.studio.hub import Hub

HOST = "127.0.0.1"
PING_SECONDS = 20.0
SECONDS_TO_END = 1.0  # for answers that are under way
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
OPENERS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")  # without one of them Linux shows no window


class Studio:
    """A studio that answers at `url`, the link with its token, until it is closed."""

    def __init__(self, hub: "Hub", port: int = 0) -> None:
        self._hub, self._keys = hub, Keys()
        try:
            self._socket = _listen(port)
        except InputError:
            hub.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.url = self._link(self._keys.token)
        self._server = _Server(create_app(hub, self.port, self._keys))
        self._thread: Thread | None = None
        self._closed = False

    def run(self, started: Callable[[str], None]) -> None:
        """Serve in this thread until `close` or, in the main thread, a signal.

        Args:
            started: Called with the link once the port answers.
        """
        self._server.started_with = lambda: started(self.url)
        with _heard(self._end):
            try:
                self._server.run(sockets=[self._socket])
            finally:
                self._server.ended = True
                with suppress(KeyboardInterrupt):
                    self._release()

    def start(self) -> None:
        """Serve in a thread that ends with the program, and return once the port answers."""
        answers = Event()

        def serve() -> None:
            try:
                self.run(lambda _: answers.set())
            finally:
                answers.set()

        self._thread = Thread(target=serve, name="glassnet studio", daemon=True)
        self._thread.start()
        answers.wait()

    def open_browser(self) -> None:
        """Show the page in the browser, if there is one with a window."""
        if sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in OPENERS):
            # In a process of its own: what a browser prints is not for our output. Others on this computer can read
            # its command line, so that the link in it is good for one use.
            link, nothing = self._link(self._keys.ticket()), subprocess.DEVNULL
            command = [sys.executable, "-m", "webbrowser", link]
            with suppress(OSError):
                opening = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)
                Thread(target=opening.wait, daemon=True).start()

    def close(self) -> None:
        """End the server and every training in it."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(timeout=10 * SECONDS_TO_END)
        elif not self._server.started:
            self._release()

    def _release(self) -> None:
        if not self._closed:
            self._closed = True
            self._socket.close()
            self._hub.close()

    def _link(self, token: str) -> str:
        return f"http://{HOST}:{self.port}/?token={token}"

    def _end(self) -> None:
        """At a signal: the first ends the server, a second all that still waits."""
        if self._server.ended:
            raise KeyboardInterrupt
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<glassnet studio at http://{HOST}:{self.port}/>"


class _Server(uvicorn.Server):
    """uvicorn, silent but for errors, that tells when it answers and waits for nobody at its end."""

    def __init__(self, app: ASGIApp) -> None:
        async def until_the_end(scope: Scope, receive: Receive, send: Send) -> None:
            with suppress(asyncio.CancelledError):  # uvicorn would print it
                await app(scope, receive, send)

        config = uvicorn.Config(
            until_the_end,
            loop="asyncio",
            http="h11",
            ws="websockets-sansio",
            ws_max_size=4 * MOST_MESSAGE_BYTES,  # the application says what is too long; this cuts the connection
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,  # costs more than it saves where nothing leaves the computer
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
        super().__init__(config)
        self.started_with: Callable[[], None] = lambda: None
        self.ended = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.started_with()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        giving_up = asyncio.get_running_loop().call_later(SECONDS_TO_END, self._give_up)
        try:
            await super().shutdown(sockets)
        finally:
            giving_up.cancel()

    def _give_up(self) -> None:
        """Cut the connections that have not ended by themselves."""
        self.force_exit = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are heard by the studio: uvicorn would raise them once more at its end."""
        yield


@contextmanager
def _heard(end: Callable[[], None]) -> Iterator[None]:
    """Signals call `end`; they cannot be heard outside the main thread."""
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, lambda number, frame: end()) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listen(port: int) -> socket.socket:
    """A socket that listens at that port of this computer; 0 is a free one."""
    if not 0 <= port < 2**16:
        raise InputError(f"The port is {port}, but a whole number from 0 to 65535 was needed; 0 is a free one.")
    # Named as TCP, or asyncio would leave Nagle's algorithm on, which holds each answer back for 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # at once again after an end; on Windows it would share the port with others
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise InputError(
            f"Port {port} cannot be opened: {error.strerror}. If another studio answers there, use it or end it; "
            f"else choose another port, or 0 for a free one."
        ) from None
    return listening


def serve(
    hub: "Hub", port: int, started: Callable[[str], None], *, open_browser: bool = True, block: bool = True
) -> Studio:
    """Open a studio.

    Args:
        hub: The trainings; closed with the studio.
        port: 0 is a free one.
        started: Called with the link once the port answers.
        open_browser: Show the page too.
        block: Return only when the studio has ended; else at once, while a thread serves.
    """
    studio = Studio(hub, port)

    def tell(link: str) -> None:
        started(link)
        if open_browser:
            studio.open_browser()

    if block:
        studio.run(tell)
    else:
        studio.start()
        tell(studio.url)
    return studio
