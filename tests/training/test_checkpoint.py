"""A training that goes on from a stand ends in the bits of one that was never interrupted."""

import copy
import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glassnet.errors import FileFormatError, InputError
from glassnet.nn import OPTIMIZERS, Architecture, Cosine, Data, Engine, Optimizer, Spec, SquaredError, State
from glassnet.nn.schedules import Adaptive
from glassnet.training import Checkpoint, History, Plan, Stand, train

EPOCHS = 7
PLAN = Plan(EPOCHS, patience=math.inf, keep_best=True)


class Cut(Exception):
    """The power has failed."""


def rows(n: int = 50) -> Data:
    x = np.random.default_rng(0).normal(size=(n, 4))
    return Data(x, x[:, :1] * x[:, 1:2], np.linspace(0.5, 2, n))


def spec(optimizer: Optimizer, **more: Any) -> Spec:
    settings = {"dropout": (0.2,), "l2": 1e-3, "batch_size": 16, "schedule": Cosine(warmup_steps=5)} | more
    return Spec(Architecture.create([4, 9, 1], "tanh", skip=True), SquaredError(), optimizer, **settings)


class Shelf:
    """Keeps the latest stand, as a file would; the power fails after so many."""

    def __init__(self, cut_after: float = math.inf) -> None:
        self.stands: list[Stand] = []
        self.cut_after = cut_after

    def keep(self, stand: Stand) -> None:
        self.stands.append(copy.deepcopy(stand))
        if len(self.stands) > self.cut_after:
            raise Cut


def run(engine: Engine, of: Spec, checkpoint: Checkpoint | None = None, plan: Plan = PLAN, **more: Any) -> Any:
    state, history = engine.init(of, [3, 4]), History()
    train(engine, state, rows(), plan, validation=rows(20), history=history, checkpoint=checkpoint, **more)
    return state, history


def assert_same(one: tuple[State, History], other: tuple[State, History]) -> None:
    for name in ("parameters", "moments", "best_parameters", "best_score", "best_epoch", "stale", "learning_rate"):
        np.testing.assert_array_equal(getattr(one[0], name), getattr(other[0], name), err_msg=name)
    for name in ("epoch", "batch", "step", "samples", "total_steps"):
        assert getattr(one[0], name) == getattr(other[0], name), name
    timeless = [[replace(epoch, seconds=0.0) for epoch in history] for _, history in (one, other)]
    assert timeless[0] == timeless[1]
    assert one[1].stopped_by == other[1].stopped_by
    assert one[1].best_epoch == other[1].best_epoch


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_training_that_was_cut_off_ends_in_the_same_bits(engine, optimizer):
    of = spec(optimizer())
    quiet = run(engine, of)
    for after in (0, 3, EPOCHS):
        shelf = Shelf(cut_after=after)
        with pytest.raises(Cut):
            run(engine, of, Checkpoint(shelf.keep))
        assert_same(run(engine, of, Checkpoint(Shelf().keep, stand=shelf.stands[-1])), quiet)


def test_it_may_be_cut_off_again_and_again_and_be_kept_now_and_then(engine):
    of, stand = spec(OPTIMIZERS["adam"]()), None
    for _ in range(2):
        shelf = Shelf(cut_after=1)
        with pytest.raises(Cut):
            run(engine, of, Checkpoint(shelf.keep, every=2, stand=stand))
        stand = shelf.stands[-1]
    assert_same(run(engine, of, Checkpoint(Shelf().keep, every=2, stand=stand)), run(engine, of))


def test_patience_and_falling_rates_are_remembered(engine):
    of = spec(OPTIMIZERS["sgd"](0.01), schedule=Adaptive())
    plan = Plan(30, patience=2, tol=1e-2, keep_best=True)
    quiet, whole = run(engine, of, plan=plan), Shelf()
    run(engine, of, Checkpoint(whole.keep), plan)
    assert len({rate for epoch in quiet[1] for rate in epoch.learning_rate}) > 1
    for stand in whole.stands[::7]:
        assert_same(run(engine, of, Checkpoint(Shelf().keep, stand=stand), plan), quiet)


def test_what_had_ended_is_not_trained_again(engine):
    shelf = Shelf()
    quiet = run(engine, spec(OPTIMIZERS["adam"]()), Checkpoint(shelf.keep, every=5))
    assert [stand.counters["epoch"] for stand in shelf.stands] == [0, 5, 7]
    assert shelf.stands[-1].stopped_by == "max_epochs"

    def never(*_: Any) -> None:
        raise AssertionError("it was trained again")

    again = run(engine, quiet[0].spec, Checkpoint(never, stand=shelf.stands[-1]), callbacks=[never])
    assert_same(again, quiet)


def test_after_an_interrupt_there_is_more_to_do(engine):
    of, shelf, interrupt = spec(OPTIMIZERS["adam"]()), Shelf(), threading.Event()
    told = lambda report: interrupt.set() if report.epoch.epoch == 4 else None  # noqa: E731
    _, history = run(engine, of, Checkpoint(shelf.keep, every=100), callbacks=[told], interrupt=interrupt)
    assert history.stopped_by == "interrupt"
    assert shelf.stands[-1].counters["epoch"] == 4
    assert_same(run(engine, of, Checkpoint(Shelf().keep, stand=shelf.stands[-1])), run(engine, of))


def test_after_the_time_limit_there_is_more_to_do_and_seconds_count_on(engine):
    of, shelf = spec(OPTIMIZERS["adam"]()), Shelf()
    short = replace(PLAN, time_limit_seconds=1e-9)
    _, history = run(engine, of, Checkpoint(shelf.keep), short)
    assert history.stopped_by == "time limit"
    again = run(engine, of, Checkpoint(Shelf().keep, stand=shelf.stands[-1]))
    assert_same(again, run(engine, of))
    seconds = [epoch.seconds for epoch in again[1]]
    assert seconds == sorted(seconds)


def test_a_stand_of_another_network_is_refused(engine):
    shelf = Shelf()
    run(engine, spec(OPTIMIZERS["adam"]()), Checkpoint(shelf.keep))
    stand = shelf.stands[-1]
    with pytest.raises(FileFormatError, match="moments"):
        run(engine, spec(OPTIMIZERS["sgd"]()), Checkpoint(Shelf().keep, stand=stand))
    torn = replace(stand, arrays={name: a for name, a in stand.arrays.items() if name != "history.loss"})
    with pytest.raises(FileFormatError, match="history"):
        run(engine, spec(OPTIMIZERS["adam"]()), Checkpoint(Shelf().keep, stand=torn))
    with pytest.raises(FileFormatError, match="counters"):
        run(engine, spec(OPTIMIZERS["adam"]()), Checkpoint(Shelf().keep, stand=replace(stand, counters={})))


@pytest.mark.parametrize("every", [0, -1, 2.5, True])
def test_every_counts_epochs(every):
    with pytest.raises(InputError, match="every is"):
        Checkpoint(Shelf().keep, every=every)
