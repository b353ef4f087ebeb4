"""What a page has still to be sent: bounded, so that one that is slow or gone holds up nothing and nobody."""

import asyncio
from collections import deque
from contextlib import suppress
from threading import Lock

MOST_MESSAGES, MOST_BYTES = 1000, 32 * 2**20
# Pictures that the page has not drawn. A training sends no third one by itself; those that answer a reader's step or
# look back come on top.
MOST_UNSEEN = 8
PICTURE = b'{"type":"frame"'  # how the header of a picture begins, after the four bytes of its length


class Outbox:
    """Messages from any thread to one page.

    A picture too many is dropped: the next one shows more. All else is kept in order, and where too much of it is
    waiting the page is given up; it comes back and is told everything anew.
    """

    def __init__(self) -> None:
        self.overflow = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._filled = asyncio.Event()
        self._waiting: deque[str | bytes] = deque()
        self._bytes = self._dropped = 0
        self._unseen: deque[bool] = deque()  # of each binary message that is not acknowledged: whether it is a picture
        self._closed = False

    def put(self, message: str | bytes) -> None:
        """Take a message, from any thread and at once."""
        picture = isinstance(message, bytes) and message.startswith(PICTURE, 4)
        with self._lock:
            full = len(self._waiting) >= MOST_MESSAGES or self._bytes + len(message) > MOST_BYTES
            if self._closed:
                return
            if picture and (full or sum(self._unseen) >= MOST_UNSEEN):
                self._dropped += 1
                return
            if full:
                self._closed = True
                self._waiting.clear()
            else:
                self._waiting.append(message)
                self._bytes += len(message)
                if isinstance(message, bytes):
                    self._unseen.append(picture)
        with suppress(RuntimeError):  # the loop is closed: the server has ended
            self._loop.call_soon_threadsafe((self.overflow if full else self._filled).set)

    async def get(self) -> str | bytes:
        """The next message, as soon as there is one."""
        while True:
            with self._lock:
                if self._waiting:
                    message = self._waiting.popleft()
                    self._bytes -= len(message)
                    return message
                self._filled.clear()
            await self._filled.wait()

    def acknowledge(self) -> int:
        """The page has drawn the oldest binary message: how many are off its hands, with those that were dropped."""
        with self._lock:
            if self._unseen:
                self._unseen.popleft()
            settled, self._dropped = 1 + self._dropped, 0
            return settled

    def close(self) -> None:
        """Drop whatever still comes."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
