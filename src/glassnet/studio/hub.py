"""All runs of a studio, and the tables and models that they share."""

import secrets
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Any

from glassnet.data.schema import KINDS
from glassnet.data.table import Table
from glassnet.errors import InputError, TableError
from glassnet.lessons import lessons
from glassnet.studio.commands import TABLE
from glassnet.studio.describe import column_note, thumbs
from glassnet.studio.run import Run
from glassnet.studio.session import Deliver, Session
from glassnet.studio.settings import UPLOAD_BYTES
from glassnet.studio.takeaway import read_model, ready

MOST_RUNS = 12  # the one that was seen longest ago makes way
MOST_SHELVED, MOST_CELLS = 24, 40_000_000  # tables and models, and their cells in all
MOST_COLUMNS = 2000


class Hub:
    """Runs by their names.

    Args:
        table: What new runs begin with, (name, table).
        model: The same, (name, model).
        target: The column of the table to predict; None is the last.
        rows: Rows and answers beside a model.
    """

    def __init__(
        self,
        *,
        table: tuple[str, Any] | None = None,
        model: tuple[str, Any] | None = None,
        target: str | None = None,
        rows: Any = None,
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self.seen: dict[str, float] = {}
        self.shelf: dict[str, Any] = {}
        self.lock = threading.Lock()
        self.helpers = ThreadPoolExecutor(1, thread_name_prefix="studio helper")
        self.helpers.submit(prepare)  # what the first page would wait for
        self.first: dict[str, Any] = {}
        if model is not None:
            key, table_key = self._shelve(*model), None
            if rows is not None:
                table_key = self._shelve("rows", rows)
            elif table is not None:
                table_key = self._shelve(*table)
            self.first = {"data": {"kind": "model", "model": key, "name": model[0], "table": table_key}}
        elif table is not None:
            target = target if target is not None else table[1].names[-1]
            table[1].require(target)
            data = {"kind": "table", "table": self._shelve(*table), "name": table[0], "target": target}
            self.first = {"data": data, **TABLE}
        if self.first:
            Run(self.first, self.shelf)  # what is wrong is told before a page opens

    def connect(self, run_id: str | None, deliver: Deliver) -> "Link":
        """A page has come, with the name of its run if it had one."""
        with self.lock:
            session = self.sessions.get(run_id or "")
            if session is None:
                while len(self.sessions) >= MOST_RUNS:
                    idle = [name for name, found in self.sessions.items() if found.deliver is None]
                    oldest = min(idle or self.sessions, key=lambda name: self.seen[name])
                    gone = self.sessions.pop(oldest)
                    gone.send("notice", text="This run was closed: too many are open.", level="error", id=None)
                    gone.close()
                name = secrets.token_urlsafe(9)
                session = self.sessions[name] = Session(name, self.first, self.shelf, self.helpers)
            self.seen[session.run_id] = time.monotonic()
        session.connect(deliver)
        return Link(session, deliver)

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """A table or a model file that was dropped on the page.

        Raises:
            InputError: It is neither, or too large to keep.
        """
        name = PurePosixPath(str(name).replace("\\", "/")).name[:200] or "table.csv"
        if len(data) > UPLOAD_BYTES:
            raise InputError(f"{name} has {len(data) / 1e6:.0f} MB, but {UPLOAD_BYTES / 1e6:.0f} MB are the most.")
        if not data:
            raise InputError(f"{name} is empty.")
        if len(data) > 9 and data[8:9] == b"{" and data[6:8] == b"\0\0":
            model = read_model(name, data)
            return {"model": self._shelve(name, model), "name": name, "note": f"{name} holds a {type(model).__name__}."}
        try:
            table = Table.read(data)
        except TableError as error:
            raise InputError(str(error).replace("The data", name, 1)) from None
        return self.describe_table(self._shelve(name, table))

    def describe_table(self, key: str) -> dict[str, Any]:
        """What the page is told of a table: its columns with their kinds, and a target to begin with."""
        from glassnet.data.inference import infer_columns

        name, table = self.shelf[key]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            columns = infer_columns(table)
        described = [{"name": c.name, "kind": c.kind, "note": column_note(c), "kinds": list(KINDS)} for c in columns]
        usable = [c.name for c in columns if c.kind in ("number", "count", "category", "boolean")]
        target = usable[-1] if usable else table.names[-1]
        return {"table": key, "name": name, "rows": len(table), "columns": described, "target": target}

    def _shelve(self, name: str, thing: Any) -> str:
        if isinstance(thing, Table):
            rows, columns = len(thing), len(thing.names)
            if columns > MOST_COLUMNS or rows * columns > MOST_CELLS:
                raise InputError(
                    f"{name} has {rows:,} rows of {columns:,} columns, but {MOST_COLUMNS:,} columns and "
                    f"{MOST_CELLS:,} cells are the most that the studio shows: take a part of it."
                )
        key = secrets.token_urlsafe(9)
        with self.lock:
            in_use = {part for session in self.sessions.values() for part in session.keys}
            cells = sum(len(t) * len(t.names) for _, t in self.shelf.values() if isinstance(t, Table))
            for old in [old for old in self.shelf if old not in in_use]:
                if len(self.shelf) < MOST_SHELVED and cells <= MOST_CELLS:
                    break
                _, gone = self.shelf.pop(old)
                cells -= len(gone) * len(gone.names) if isinstance(gone, Table) else 0
            self.shelf[key] = (name, thing)
        return key

    def take(self, run_id: str, what: str) -> tuple[bytes, str, str]:
        """A file to take away: its content, its media type and its name.

        Raises:
            InputError: No such run, or nothing of that name.
        """
        session = self.sessions.get(run_id)
        if session is None:
            raise InputError("There is no such run: it was closed.")
        make: Callable[[], tuple[bytes, str, str]] = session.ask(lambda: ready(session.shown, what, self.shelf))
        return make()

    def close(self) -> None:
        """End every run."""
        with self.lock:
            for session in self.sessions.values():
                session.close()
            self.sessions.clear()
        self.helpers.shutdown(wait=False, cancel_futures=True)


def prepare() -> None:
    """Read the lessons and draw the small pictures of data, which are the same for every page."""
    lessons()
    thumbs()


class Link:
    """One page and its run."""

    def __init__(self, session: Session, deliver: Callable[[str | bytes], None]) -> None:
        self.session, self.deliver = session, deliver

    def receive(self, text: Any) -> None:
        """Whatever the page sends."""
        self.session.receive(text)

    def close(self) -> None:
        """The page is gone."""
        self.session.disconnect(self.deliver)
