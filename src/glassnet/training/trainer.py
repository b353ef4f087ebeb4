"""Epochs, validation, early stopping: x, t → a trained network.

The engine does the steps; the trainer looks between epochs: it records what they measured, keeps the best weights,
slows down or stops. A long epoch is asked of the engine in pieces, so that Ctrl-C and a time limit are heard soon.
"""

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType

import numpy as np

from glassnet.errors import InputError
from glassnet.nn.elementary import Array
from glassnet.nn.engine import Engine
from glassnet.nn.state import Data, State
from glassnet.training.checkpoint import Checkpoint, put_together, take_apart
from glassnet.training.history import Epoch, History

LISTEN_SECONDS = 0.2  # the longest that the engine works without hearing Ctrl-C


@dataclass(frozen=True)
class Plan:
    """When to stop, and what to watch.

    Args:
        max_epochs: Epochs at the most.
        patience: Stop after more than so many epochs without an improvement; inf never stops.
        tol: What counts as one: a score at least the best one plus tol.
        keep_best: End with the best weights rather than the last. Needs validation rows to mean anything.
        time_limit_seconds: End after about so long.
    """

    max_epochs: int
    patience: float = 10
    tol: float = 1e-4
    keep_best: bool = False
    time_limit_seconds: float | None = None

    def __post_init__(self) -> None:
        limit = self.time_limit_seconds
        if limit is not None and not limit > 0:
            raise InputError(f"time_limit_seconds is {limit!r}, but a limit is a number of seconds above 0, or None.")


@dataclass(frozen=True)
class Report:
    """What a callback is told after an epoch: the epoch, all before it, and the state, which it may read or edit.

    Where several trainings make one model, `training` of `trainings` is the one that is told of, counted from 0.
    """

    epoch: Epoch
    history: History
    state: State
    max_epochs: int
    training: int = 0
    trainings: int = 1


# Called after every epoch; returning True ends the training. If it has a method `close`, that is called, without
# arguments, when the training has ended, however it did.
Callback = Callable[[Report], bool | None]
# The scores of the K networks of a state, larger is better.
Score = Callable[[State], Array]


def closing(callbacks: Iterable[Callback]) -> ExitStack:
    """A context at whose end each callback that has a `close` is told so, also after an error."""
    stack = ExitStack()
    for callback in callbacks:
        close = getattr(callback, "close", None)
        if callable(close):
            stack.callback(close)
    return stack


def train(
    engine: Engine,
    state: State,
    data: Data,
    plan: Plan,
    *,
    validation: Data | None = None,
    score: Score | None = None,
    callbacks: Sequence[Callback] = (),
    history: History | None = None,
    interrupt: threading.Event | None = None,
    checkpoint: Checkpoint | None = None,
) -> History:
    """Train the K networks of `state` in place, until the plan says stop.

    Args:
        engine: What does the steps.
        state: From `engine.init`, or from an earlier training to go on with.
        data: Rows to train on.
        plan: When to stop, and what to watch.
        validation: Rows held out; their loss is recorded, and watched unless `score` is given.
        score: What to watch instead, larger is better. Without it and without `validation`, the training loss.
        callbacks: Called after every epoch; closed at the end, where they have a `close`.
        history: The history of an earlier training to go on with.
        interrupt: Set by another thread, ends this training as Ctrl-C does. Without it, Ctrl-C itself is heard.
        checkpoint: How the training is kept as it goes on, and what to go on from. One that ended for a reason of its
            own is not trained again; after Ctrl-C or the time limit there is more to do. A callback's own memory is
            not kept, nor is what it changes in `state.spec`.

    Returns:
        The history. `state.parameters` hold the best weights where `plan.keep_best`, else the last.
    """
    history = history if history is not None else History()
    stand = checkpoint.stand if checkpoint is not None else None
    if stand is not None:
        put_together(stand, state, history)
    if state.batch and history.epochs and history.epochs[-1].epoch == state.epoch + 1:
        history.epochs.pop()  # of a part of the epoch that now goes on
    began = time.perf_counter()
    deadline = began + plan.time_limit_seconds if plan.time_limit_seconds else math.inf
    first_epoch = state.epoch if stand is None else stand.counters["first_epoch"]
    earlier = len(history) if stand is None else stand.earlier
    if len(history) > earlier:
        began -= history.epochs[-1].seconds  # which are counted on
    if plan.keep_best and state.best_parameters is None:
        state.best_parameters = state.parameters.copy()
    if state.step == 0:
        state.total_steps = plan.max_epochs * state.spec.batches(len(data))

    def keep(stopped_by: str = "") -> None:
        if checkpoint is not None:
            checkpoint.keep(take_apart(state, history, first_epoch, earlier, stopped_by))

    if stand is None:
        keep()  # where nothing can be kept, that is told at once
    data = data.astype(state.spec.dtype)
    validation = validation.astype(state.spec.dtype) if validation is not None else None
    pace = _Pace()
    with closing(callbacks), heard_interrupt() if interrupt is None else nullcontext(interrupt) as heard:
        try:
            while stand is None or not stand.stopped_by:
                ended_early = _advance_one_epoch(engine, state, data, pace, deadline, heard)
                if ended_early and not state.batch:
                    keep()
                    history.stopped_by = ended_early
                    break
                epoch = _measure(engine, state, data, validation, score, began)
                history.epochs.append(epoch)
                _keep_best(state, epoch, plan)
                if ended_early:
                    history.stopped_by = ended_early
                    break
                for k, (first, rate) in enumerate(zip(state.first_rate, state.learning_rate, strict=True)):
                    state.learning_rate[k] = state.spec.schedule.after_epoch(float(first), float(rate), state.samples)
                stopped = _stop_or_slow_down(state, plan)
                report = Report(epoch, history, state, plan.max_epochs)
                answers = [callback(report) for callback in callbacks]
                if any(answers):
                    stopped = "callback"
                if not np.isfinite(epoch.loss).all() and not np.isfinite(state.parameters[state.active]).all():
                    stopped = "non-finite loss"  # weights that are not numbers never come back
                if not stopped and state.epoch >= first_epoch + plan.max_epochs:
                    stopped = "max_epochs"
                interrupted = heard.is_set()
                due = checkpoint is not None and (state.epoch - first_epoch) % checkpoint.every == 0
                if stopped or interrupted or due:
                    keep(stopped)
                if interrupted:
                    stopped = "interrupt"
                if stopped:
                    history.stopped_by = stopped
                    break
        except KeyboardInterrupt:  # from a callback, or where no handler could be set
            history.stopped_by = "interrupt"
    state.active[:] = True
    if plan.keep_best and state.best_parameters is not None:
        state.parameters[...] = state.best_parameters
    history.best_epoch = [int(epoch) for epoch in state.best_epoch]
    return history


@dataclass
class _Pace:
    """How many steps the engine is asked for at once: as many as take about LISTEN_SECONDS."""

    steps: int = 1

    def adapt(self, seconds: float) -> None:
        self.steps = max(1, int(self.steps * min(8.0, LISTEN_SECONDS / max(seconds, 1e-9))))


def _advance_one_epoch(
    engine: Engine, state: State, data: Data, pace: _Pace, deadline: float, heard: threading.Event
) -> str:
    """Whole, or up to a deadline or Ctrl-C; says which, "" for whole."""
    target, batches = state.epoch + 1, state.spec.batches(len(data))
    while state.epoch < target:
        if heard.is_set():
            return "interrupt"
        started = time.perf_counter()
        if started >= deadline:
            return "time limit"
        whole = pace.steps <= batches - state.batch
        engine.advance(state, data, min(pace.steps, batches - state.batch))
        if whole:  # the rest of an epoch says little of the pace
            pace.adapt(time.perf_counter() - started)
    return ""


def _measure(
    engine: Engine, state: State, data: Data, validation: Data | None, score: Score | None, began: float
) -> Epoch:
    part = state.batch > 0  # of an epoch that ended early
    loss = state.loss_sum / (state.batch * state.spec.batch_size if part else len(data))
    held_out = engine.evaluate(state, validation) if validation is not None else None
    watched = score(state) if score is not None else -(held_out if held_out is not None else loss)
    return Epoch(
        epoch=state.epoch + part,
        loss=loss.tolist(),
        validation_loss=None if held_out is None else held_out.tolist(),
        score=[float(number) for number in watched],
        learning_rate=state.learning_rate.tolist(),
        seconds=time.perf_counter() - began,
    )


def _keep_best(state: State, epoch: Epoch, plan: Plan) -> None:
    """Count epochs without improvement by tol; keep the weights of the best score."""
    score = epoch.score
    for k in np.flatnonzero(state.active):
        state.stale[k] = state.stale[k] + 1 if score[k] < state.best_score[k] + plan.tol else 0
        if score[k] > state.best_score[k]:
            state.best_score[k], state.best_epoch[k] = score[k], epoch.epoch
            if plan.keep_best and state.best_parameters is not None:
                state.best_parameters[k] = state.parameters[k]


def _stop_or_slow_down(state: State, plan: Plan) -> str:
    late = state.active & (state.stale > plan.patience)
    if not late.any():
        return "" if state.active.any() else "patience"
    for k in np.flatnonzero(late):
        rate = state.spec.schedule.on_plateau(float(state.learning_rate[k]))
        if rate is None:
            state.active[k] = False
        else:
            state.learning_rate[k], state.stale[k] = rate, 0
    return "" if state.active.any() else "patience"


@contextmanager
def heard_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, to be looked at between steps, instead of breaking one; a second one interrupts at once.

    Only where Python's own handler is in place: who has set another wants to be asked himself.
    """
    heard = threading.Event()

    def hear(number: int, frame: FrameType | None) -> None:
        if heard.is_set():
            raise KeyboardInterrupt
        heard.set()

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield heard
        return
    previous = signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, previous)
