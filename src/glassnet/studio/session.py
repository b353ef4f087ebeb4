"""A run that lives: a thread that trains it, listens to the page, and sends pictures as fast as the page draws them.

One thread alone touches the run. The page's messages wait in a queue and are taken between two short stretches of
training; what is sent back is handed to `deliver`, which never blocks. A picture is sent only while the page has fewer
than two undrawn, so that a slow page, or none, holds nothing up.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from copy import copy
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.studio.commands import COMMANDS
from glassnet.studio.describe import describe_history, describe_run, layer_names
from glassnet.studio.history import History, Moment, kept, moment_of, restore
from glassnet.studio.pictures import Look, Pictures, sticky
from glassnet.studio.run import Run
from glassnet.studio.tour import Tour
from glassnet.studio.why import answer
from glassnet.studio.wire import frame, message, parsed

PICTURE_SECONDS = 1 / 30  # between two pictures, at the least
FULL_SECONDS = 0.026  # of training between two pictures at full speed, which cost some 5 ms each
SLICE_SECONDS = 0.012  # of training between two looks into the queue
LONGEST_SECONDS = 0.25  # of training without a picture
WHY_SECONDS, FINDINGS_SECONDS = 0.3, 8.0  # between two renewals while training
IN_FLIGHT = 2  # pictures that the page has not drawn yet
GROWTH = 1.04  # epochs from picture to picture at an even pace
Deliver = Callable[[str | bytes], None]


class Session:
    """A run with its page.

    Attributes:
        run: What is trained.
        look, pictures: How it is shown.
        history: Its past; `undone` the moments before changes, for undo.
        past: The run as it was, while the page looks back; else None.
        tour: The lesson that is taken, if any.
    """

    def __init__(self, run_id: str, settings: Any, shelf: Mapping[str, Any], helpers: Executor) -> None:
        self.run_id, self.shelf, self.helpers = run_id, shelf, helpers
        self.lock = threading.Lock()  # of `deliver` and the credit alone
        self.deliver: Deliver | None = None
        self.flying = 0
        self.inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.playing, self.pace, self.closed = False, "even", False
        self.version = 0
        self.past: Run | None
        self.past_moment: Moment | None
        self.stage: Any
        self.diverged: dict[str, Any] | None
        self.about: dict[str, Any]
        self.history: History
        self.undone: list[Moment]
        self.collapsed_by = 0  # how many events there were when the page's collapse had set the identity
        self.pending: list[Any]
        self._structure: Any
        self._described: dict[str, Any] | None
        self.tour = Tour(self)
        self._per_step = 1e-5  # seconds of a step, measured as it trains
        self._epochs_per_second = 0.0
        self._told_why = self._told_findings = self._pictured = 0.0
        self.begin(Run(settings, shelf))
        self.thread = threading.Thread(target=self._live, name=f"studio {run_id}", daemon=True)
        self.thread.start()

    # The page: these are called from other threads.

    def connect(self, deliver: Deliver) -> None:
        """A page is there, and is told everything. One that was there before is let go."""
        with self.lock:
            before, self.deliver, self.flying = self.deliver, deliver, 0
        if before is not None:
            before(message({"type": "taken"}))
        self.inbox.put(("connected", None))

    def disconnect(self, deliver: Deliver) -> None:
        """The page is gone: the training stops, so that nothing works unseen; the run stays."""
        with self.lock:
            if self.deliver is not deliver:
                return
            self.deliver = None
        self.inbox.put(("gone", None))

    def receive(self, text: Any) -> None:
        """A message of the page, whatever it may be."""
        if text == '{"type":"ack"}':
            with self.lock:
                self.flying = max(self.flying - 1, 0)
            self.inbox.put(("ack", None))
        else:
            self.inbox.put(("text", text))

    def post(self, work: Callable[[], None]) -> None:
        """Something to be done on the run's own thread."""
        self.inbox.put(("work", work))

    def ask(self, work: Callable[[], Any]) -> Any:
        """What `work` gives on the run's own thread; for who has time to wait."""
        done: Future[Any] = Future()

        def answer_it() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # it is raised again where it was asked for
                done.set_exception(error)

        self.post(answer_it)
        return done.result(timeout=60)

    @property
    def keys(self) -> set[str]:
        """The tables and models that this run needs."""
        moments = [self.run.settings, self.run.first, *(moment.settings for moment in self.undone)]
        return {str(s["data"][what]) for s in moments for what in ("table", "model") if s["data"].get(what)}

    def close(self) -> None:
        """End the thread, between two slices of training: none runs on while the interpreter ends."""
        self.closed = True
        self.inbox.put(("closed", None))
        if threading.current_thread() is not self.thread:
            self.thread.join(timeout=5)

    # What is sent.

    def send(self, kind: str, /, **content: Any) -> None:
        """A message, if a page is there."""
        with self.lock:
            deliver = self.deliver
        if deliver is not None:
            deliver(message({"type": kind, **content}))

    def notice(self, text: str, level: str = "info", message_id: Any = None) -> None:
        """One line for the reader."""
        self.send("notice", text=text, level=level, id=message_id)

    @property
    def shown(self) -> Run:
        """The run that the page sees: as it is, or as it was; folded where the page asks for that."""
        shown = self.past or self.run
        return shown.folded() if self.look.folded and shown.foldable else shown

    def announce(self) -> None:
        """Tell what has changed about the run, if anything has."""
        shown = self.shown
        structure = (
            id(shown.problem),
            tuple(shown.settings["features"]),
            shown.state.spec.architecture,
            self.look.axes(shown.problem),
        )
        if structure != self._structure or self.pictures.run is not shown:
            self.pictures.run = shown
            if structure != self._structure:
                self._structure = structure
                self.version += 1
                self.look.fit(shown)
                self.pictures.refresh()
                self.pictures.rank(shown.network)
                self.stage = None
        described = describe_run(shown, self.look, self.pictures, self.version, len(self.undone))
        if described != self._described:
            if self._described is None or described["version"] != self._described["version"]:
                self._send_binary({"type": "points", "version": self.version}, self.pictures.points())
            self._described = described
            self.send("run", **described)

    def picture(self, *, always: bool = True) -> None:
        """A frame of the network; with `always`, even where the page has undrawn ones."""
        with self.lock:
            if self.deliver is None or (self.flying >= IN_FLIGHT and not always):
                return
        shown = self.shown
        if not self.playing and not self.stage:
            self.pictures.rank(shown.network)
        header, arrays = self._frame(shown)
        self._send_binary(header, arrays)
        self._pictured = time.monotonic()

    def _send_binary(self, header: dict[str, Any], arrays: dict[str, Any]) -> None:
        with self.lock:
            deliver = self.deliver
            self.flying += 1
        if deliver is not None:
            deliver(frame(header, arrays))

    def _frame(self, shown: Run) -> tuple[dict[str, Any], dict[str, Any]]:
        network, pictures = shown.network, self.pictures
        arrays, told = pictures.arrays(network)
        _, gradient = shown.gradient(network)
        training, held = shown.losses(shown.state)
        score, held_score = shown.scores(network)
        parameters = shown.state.parameters[0]
        arrays |= {"parameters": parameters.astype(np.float64), "gradient": np.nan_to_num(gradient)}
        lines = parameters
        if self.look.lines == "gradient":
            lines = gradient
        elif self.look.lines == "update":
            lines = arrays["update"] = self._last_update(shown)
        size = float(np.quantile(np.abs(np.nan_to_num(lines)), 0.95))
        pictures.lines_scale = sticky(pictures.lines_scale, size)
        if self.look.construct:
            built, told["built"] = self.tour.constructed(shown)
            if built is not None:
                arrays["built"] = built
        moment = self.past_moment
        new, self.pending = self.pending, []
        return {
            "type": "frame",
            "version": self.version,
            "live": self.past is None,
            "playing": self.playing,
            "epoch": shown.state.epoch,
            "batch": shown.state.batch,
            "step": shown.steps,
            "loss": training,
            "validation": held,
            "score": score,
            "validation_score": held_score,
            "epochs_per_second": self._epochs_per_second if self.playing else None,
            "looking": None if moment is None else {"step": moment.steps, "epoch": moment.epoch},
            "end": {"step": self.run.steps, "epoch": self.run.state.epoch},
            "diverged": self.diverged,
            "new": new,
            "lines_scale": pictures.lines_scale,
            "row": self.look.row,
            "at": self.look.at,
            **told,
        }, arrays

    def _last_update(self, shown: Run) -> Any:
        """What the next step will change: the step is taken on a copy, of a folded network by what it was folded of."""
        real = copy(shown.origin or shown)
        with np.errstate(all="ignore"):
            real.state = real.engine.advance(real.state.copy(), real.data, 1)
            after = real.folded() if shown.origin else real
        return np.nan_to_num(after.state.parameters[0] - shown.state.parameters[0]).astype(np.float64)

    def why(self) -> None:
        """Answer again what is asked, if anything is; of a network that has changed it may be there no more."""
        self._told_why = time.monotonic()
        if not self.about:
            return
        try:
            found = answer(self.shown, self.pictures, self.about, self.tour.hidden, layer_names(self.shown))
        except InputError:
            self.about = {}
        else:
            self.send("why", **found)

    def everything(self) -> None:
        """All that a page needs that has just come."""
        self._described = None
        self.announce()
        self.pending = []
        self.send("history", **describe_history(self.history))
        self.picture()
        self.why()
        self.tour.tell()

    # What happens to the run.

    def begin(self, run: Run) -> None:
        """Another run in the place of this one."""
        self.run, self.past, self.past_moment = run, None, None
        self.playing, self.stage, self.diverged, self.about = False, None, None, {}
        self.history, self.undone, self.pending = History(), [], []
        self.look = Look()
        self.pictures = Pictures(run, self.look)
        self._structure = self._described = None
        self.remember()

    def remember(self) -> None:
        """Keep this moment."""
        moment = moment_of(self.run, *self.run.losses(self.run.state))
        self.history.add(moment)
        self.pending.append(moment.point)

    def change(self, *event: Any, undo: bool = True) -> None:
        """Let an event happen that can be undone.

        Raises:
            InputError: It cannot, or the page looks at the past.
        """
        if self.past is not None:
            raise InputError("You are looking back: branch from here to change it, or go on to the end.")
        if self.look.folded and self.run.foldable and event[0] in ("edit", "freeze", "add_unit", "remove_unit"):
            raise InputError("This is the network folded into fewer layers: part it again to change it.")
        before = moment_of(self.run, *self.run.losses(self.run.state)) if undo else None
        last = self.run.events[-1:]
        self.run.apply(event)
        coalesced = event[0] == "edit" and last and last[0][:4] == event[:4]
        if before is not None and not coalesced:
            self.undone = kept([*self.undone, before])
        self.stage = None
        self.remember()

    def look_back(self, moment: Moment | None) -> None:
        """Show a moment of the past; None is the present."""
        self.playing, self.stage = False, None
        if moment is None or moment.steps >= self.run.steps:
            self.past = self.past_moment = None
        else:
            self.past, self.past_moment = copy(self.run), moment
            restore(self.past, moment)

    def go_on_from(self, moment: Moment) -> None:
        """The run is again what it was, and goes on from there."""
        restore(self.run, moment)
        self.past = self.past_moment = None
        self.stage = self.diverged = None

    def train(self, steps: int) -> None:
        """Some steps, as long as they are; where weights run away the last finite state stays."""
        start, before = time.perf_counter(), self.history.moments[-1]
        epoch = self.run.state.epoch
        self.run.apply(("advance", steps))
        seconds = time.perf_counter() - start
        if steps:
            self._per_step = 0.7 * self._per_step + 0.3 * seconds / steps
        if not np.isfinite(self.run.state.parameters).all() or not np.isfinite(self.run.losses(self.run.state)[0]):
            self._stop_at_infinity(before)
        elif seconds > 0 and self.run.state.epoch > epoch:
            self._epochs_per_second = (self.run.state.epoch - epoch) / seconds

    def _stop_at_infinity(self, before: Moment) -> None:
        """Walk from the last moment to the last step whose numbers are numbers, and stop there."""
        target = self.run.steps
        restore(self.run, before)
        while self.run.steps < target:
            last = moment_of(self.run, np.nan, np.nan)
            self.run.apply(("advance", 1))
            finite = np.isfinite(self.run.state.parameters).all()
            if not finite or not np.isfinite(self.run.losses(self.run.state)[0]):
                self.diverged = {"epoch": self.run.state.epoch, "step": self.run.steps}
                restore(self.run, last)
                break
        self.playing = False
        self.remember()

    # The thread.

    def _live(self) -> None:
        while not self.closed:
            wait = None
            if self.playing:
                wait = max(self._pictured + PICTURE_SECONDS - time.monotonic(), 0) if self.pace != "full" else 0
            try:
                item = self.inbox.get(timeout=wait) if wait != 0 else self.inbox.get_nowait()
            except queue.Empty:
                if self.playing:
                    self._safely(self._play)
                continue
            self._safely(lambda item=item: self._take(*item))  # type: ignore[misc]

    def _safely(self, work: Callable[[], None], message_id: Any = None) -> None:
        """Whatever goes wrong is told, and the run goes on living."""
        try:
            work()
        except InputError as error:
            self.notice(str(error), "error", message_id)
        except Exception as error:  # a mistake of ours must not end the thread: the page is told
            self.playing = False
            logging.getLogger(__name__).exception("A message could not be handled.")
            self.notice(f"Something went wrong in the studio ({type(error).__name__}: {error}).", "error", message_id)

    def _take(self, kind: str, content: Any) -> None:
        if kind == "connected":
            self.send("hello", **self.tour.hello())
            self.everything()
            self.findings()
        elif kind == "gone":
            self.playing = False
        elif kind == "work":
            content()
        elif kind == "text":
            asked = parsed(content)
            command = COMMANDS.get(asked["type"])
            if command is None:
                raise InputError(f"There is no message of the type {asked['type'][:60]!r}.")
            name = asked.get("id")
            self._safely(lambda: command(self, asked), name if isinstance(name, int | str) else None)

    def _play(self) -> None:
        """Train to the next picture, or as far as a look into the queue is due."""
        if self.past is not None:
            self.look_back(None)
            self.announce()
        began = time.monotonic()
        target = self._next_picture()
        while self.playing and self.run.steps < target:
            most = max(int(SLICE_SECONDS / max(self._per_step, 1e-8)), 1)
            self.train(min(target - self.run.steps, most))
            if time.monotonic() - began > SLICE_SECONDS and not self.inbox.empty():
                break
            if time.monotonic() - began > LONGEST_SECONDS:
                target = self.run.steps
        if self.run.steps >= target or not self.playing:
            if self.playing:
                self.remember()
            self._pictured = time.monotonic()
            self.picture(always=False)
            self.follow_up()

    def follow_up(self) -> None:
        """What is renewed now and then while training, and at once when it rests."""
        now = time.monotonic()
        if not self.playing or now - self._told_why > WHY_SECONDS:
            self.why()
        if not self.playing or now - self._told_findings > FINDINGS_SECONDS:
            self.findings()
        self.tour.watch()
        if self.diverged is not None and not self.playing:
            self.picture()

    def _next_picture(self) -> int:
        """The step of the next picture at this pace."""
        state, per_epoch = self.run.state, self.run.per_epoch
        if self.pace == "full":
            return self.run.steps + max(int(FULL_SECONDS / max(self._per_step, 1e-8)), 1)
        epochs = 1 if self.pace == "epoch" else max(1, round((GROWTH - 1) * state.epoch))
        return self.run.steps + epochs * per_epoch - state.batch

    def findings(self) -> None:
        """Look for faults beside the training, on a copy."""
        self._told_findings = time.monotonic()
        self.tour.examine(self.shown)
