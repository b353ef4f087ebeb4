"""Ctrl-C: heard between steps, ends a training in order; what others do with it is left to them."""

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from glassnet.nn import Architecture, Data, Engine, Spec, SquaredError
from glassnet.training import History, Plan, Report, train

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="a child cannot be sent Ctrl-C alone there")

# A fit without end that prints a line as soon as it runs, and what is left of it at the end.
CHILD = """
import json, math, os, signal, sys, time
import numpy as np
from glassnet.nn import Architecture, Data, Spec, SquaredError, get_engine
from glassnet.training import Plan, train

signal.signal(signal.SIGINT, signal.default_int_handler)  # as a shell starts it
case = sys.argv[2]
engine = get_engine(sys.argv[1], 2 if case == "threads" else None)
x = np.random.default_rng(0).normal(size=(300_000 if case == "long epoch" else 2_000, 20))
t = x[:, :1] ** 2
hidden = {"long epoch": [300, 300], "threads": [500, 500]}.get(case, [30])
batch_size = {"long epoch": 1, "threads": 500}.get(case, 50)
spec = Spec(Architecture.create([20, *hidden, 1], "tanh"), SquaredError(), batch_size=batch_size)
state = engine.init(spec, [0])
held_out = Data(x[:200], t[:200])

def report_in(report):
    print("running", flush=True)
    while case == "hung callback":
        time.sleep(0.01)

if case == "long epoch":
    advance = engine.advance
    class Told(type(engine)):
        def advance(self, *arguments):
            print("running", flush=True)
            return advance(*arguments)
    engine = Told()
plan = Plan(10**9, patience=math.inf, keep_best=True)
history = train(engine, state, Data(x, t), plan, validation=held_out, callbacks=[report_in])
print(json.dumps({
    "stopped_by": history.stopped_by,
    "epochs": len(history),
    "best_epoch": history.best_epoch[0],
    "best_loss": min((epoch.validation_loss[0] for epoch in history), default=None),
    "final_loss": float(engine.evaluate(state, held_out)[0]),
    "finite": bool(np.isfinite(state.parameters).all()),
    "handler_restored": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
}))
"""


def start(engine: Engine, case: str) -> subprocess.Popen[str]:
    """A child that has begun to train."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, engine.name, case]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline() == "running\n", child.communicate()[1]
    return child


def end(child: subprocess.Popen[str]) -> dict[str, Any]:
    """What the child said at last, once it ended by itself."""
    try:
        out, err = child.communicate(timeout=20)
    finally:
        child.kill()
    assert child.returncode == 0, err
    return json.loads(out.splitlines()[-1])


@needs_signals
def test_ctrl_c_ends_a_fit_with_its_best_weights(engine):
    child = start(engine, "many epochs")
    time.sleep(0.2)
    child.send_signal(signal.SIGINT)
    told = end(child)
    assert told["stopped_by"] == "interrupt"
    assert told["epochs"] >= 1
    assert told["final_loss"] == told["best_loss"]
    assert told["finite"]
    assert told["handler_restored"]


@needs_signals
def test_ctrl_c_ends_a_fit_with_threads_soon(kernel):
    child = start(kernel, "threads")
    time.sleep(0.3)
    sent = time.perf_counter()
    child.send_signal(signal.SIGINT)
    told = end(child)
    assert time.perf_counter() - sent < 5
    assert told["stopped_by"] == "interrupt"
    assert told["final_loss"] == told["best_loss"]
    assert told["finite"]
    assert told["handler_restored"]


@needs_signals
def test_ctrl_c_is_heard_within_a_long_epoch(engine):
    child = start(engine, "long epoch")
    time.sleep(0.3)
    sent = time.perf_counter()
    child.send_signal(signal.SIGINT)
    told = end(child)
    assert time.perf_counter() - sent < 5
    assert (told["stopped_by"], told["epochs"], told["best_epoch"]) == ("interrupt", 1, 1)
    assert told["final_loss"] == told["best_loss"]
    assert told["finite"]
    assert told["handler_restored"]


@needs_signals
def test_a_second_ctrl_c_does_not_wait(reference):
    child = start(reference, "hung callback")
    child.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):  # the first one waits for the callback, which never ends
        child.wait(0.5)
    child.send_signal(signal.SIGINT)
    told = end(child)
    assert (told["stopped_by"], told["epochs"]) == ("interrupt", 1)
    assert told["finite"]
    assert told["handler_restored"]


def fit(engine: Engine, callback: Any, epochs: int = 3) -> History:
    x = np.linspace(-1, 1, 20)[:, None]
    state = engine.init(Spec(Architecture.create([1, 1]), SquaredError()), [0])
    return train(engine, state, Data(x, x), Plan(epochs, patience=math.inf), callbacks=[callback])


@pytest.fixture
def python_s_own_handler() -> Iterator[None]:
    """As in a Python that nobody has told otherwise."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("python_s_own_handler")
def test_in_a_thread_no_handler_is_touched(reference):
    seen: list[Any] = []
    thread = threading.Thread(target=fit, args=(reference, lambda _: seen.append(signal.getsignal(signal.SIGINT))))
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler] * 3


@pytest.mark.usefixtures("python_s_own_handler")
def test_a_handler_of_someone_else_is_left_alone(reference):
    heard: list[int] = []

    def mine(number: int, frame: Any) -> None:
        heard.append(number)

    def interrupt(report: Report) -> None:
        assert signal.getsignal(signal.SIGINT) is mine
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, mine)
    assert fit(reference, interrupt).stopped_by == "max_epochs"
    assert heard == [signal.SIGINT] * 3
    assert signal.getsignal(signal.SIGINT) is mine


@pytest.mark.usefixtures("python_s_own_handler")
def test_the_handler_is_given_back_after_an_error(reference):
    def fail(report: Report) -> None:
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        raise LookupError

    with pytest.raises(LookupError):
        fit(reference, fail)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("python_s_own_handler")
def test_an_interrupt_between_epochs_ends_in_order(reference):
    history = fit(reference, lambda _: signal.raise_signal(signal.SIGINT))
    assert (history.stopped_by, len(history)) == ("interrupt", 1)


def test_a_keyboard_interrupt_raised_by_hand_ends_in_order(reference):
    def interrupt(report: Report) -> None:
        raise KeyboardInterrupt

    history = fit(reference, interrupt)
    assert (history.stopped_by, len(history)) == ("interrupt", 1)
