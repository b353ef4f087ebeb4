"""Epochs, validation, early stopping, callbacks, time: when a training stops, and with which weights it ends."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from glassnet.errors import InputError
from glassnet.nn import SGD, Adam, Architecture, CrossEntropy, Data, Engine, Optimizer, Spec, SquaredError, State
from glassnet.nn.schedules import Adaptive, InverseScaling
from glassnet.training import History, Plan, Report, train

ENDLESS = Plan(10**9, patience=math.inf)


def line(n: int = 40) -> Data:
    """t = 2x + 1"""
    x = np.linspace(-1, 1, n)[:, None]
    return Data(x, 2 * x + 1)


def straight(optimizer: Optimizer | None = None, batch_size: int = 10, **more: Any) -> Spec:
    return Spec(Architecture.create([1, 1]), SquaredError(), optimizer or SGD(0.05), batch_size=batch_size, **more)


def overfit() -> tuple[Spec, Data, Data]:
    """Noisy labels: what is learned of the training rows is first right of the others too, and then wrong."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 5))
    t = np.eye(2)[(x[:, 0] * x[:, 1] + 0.7 * rng.normal(size=400) > 0).astype(int)]
    spec = Spec(Architecture.create([5, 40, 2], "tanh"), CrossEntropy(), Adam(0.02), batch_size=20)
    return spec, Data(x[:100], t[:100]), Data(x[100:], t[100:])


def scripted(scores: list[list[float]]) -> Callable[[State], Any]:
    """Scores of epoch after epoch, of every member."""
    return lambda state: np.array(scores[state.epoch - 1])


def test_epochs_are_trained_one_after_the_other(engine):
    state, data = engine.init(straight(), [0, 1]), line()
    history = train(engine, state, data, Plan(7, patience=math.inf))
    plain = engine.advance(engine.init(straight(), [0, 1]), data, 7 * 4)

    assert history.stopped_by == "max_epochs"
    assert [epoch.epoch for epoch in history] == list(range(1, 8))
    np.testing.assert_array_equal(state.parameters, plain.parameters)
    np.testing.assert_array_equal(history.epochs[-1].loss, plain.loss_sum / 40)
    assert history.epochs[-1].score == [-loss for loss in history.epochs[-1].loss]
    assert history.validation_loss == []
    assert all(a.seconds <= b.seconds for a, b in zip(history.epochs, history.epochs[1:], strict=False))
    assert history.loss == [np.mean(epoch.loss) for epoch in history]


def test_a_training_learns_the_line(engine):
    state = engine.init(straight(SGD(0.1)), [0])
    train(engine, state, line(), Plan(200, patience=math.inf))
    np.testing.assert_allclose(state.parameters, [[2, 1]], atol=1e-6)


def test_going_on_is_going_through(engine):
    spec = straight(schedule=InverseScaling(power_t=0.1))
    state, whole, data = engine.init(spec, [0]), engine.init(spec, [0]), line()
    plan = Plan(3, patience=math.inf)
    history = train(engine, state, data, plan)
    history = train(engine, state, data, plan, history=history)
    at_once = train(engine, whole, data, replace(plan, max_epochs=6))

    np.testing.assert_array_equal(state.parameters, whole.parameters)
    assert [e.epoch for e in history] == [e.epoch for e in at_once] == list(range(1, 7))
    assert [e.learning_rate for e in history] == [e.learning_rate for e in at_once]
    assert history.best_epoch == at_once.best_epoch


def test_validation_is_measured_and_watched(engine):
    spec, data, held_out = overfit()
    state = engine.init(spec, [0])
    history = train(engine, state, data, Plan(5, patience=math.inf), validation=held_out)
    last = history.epochs[-1]
    assert last.validation_loss == engine.evaluate(state, held_out).tolist()
    assert last.score == [-loss for loss in last.validation_loss]
    assert len(history.validation_loss) == 5


def test_early_stopping_ends_with_the_best_weights(engine):
    spec, data, held_out = overfit()
    state = engine.init(spec, [0])
    history = train(engine, state, data, Plan(300, patience=8, tol=0.0, keep_best=True), validation=held_out)

    losses = history.validation_loss
    best = int(np.argmin(losses))
    assert history.stopped_by == "patience"
    assert best < len(history) - 1, "nothing was overfitted"
    assert losses[-1] > losses[best]
    assert history.best_epoch == [best + 1]
    assert history.best is history.epochs[best]
    assert engine.evaluate(state, held_out)[0] == losses[best]
    assert len(history) == best + 1 + 9, "stops after more than 8 epochs without a better one"
    again = engine.advance(engine.init(spec, [0]), data, 5 * (best + 1))
    np.testing.assert_array_equal(state.parameters, again.parameters)


def test_without_keep_best_the_last_weights_stay(engine):
    spec, data, held_out = overfit()
    state = engine.init(spec, [0])
    history = train(engine, state, data, Plan(300, patience=8), validation=held_out)
    assert engine.evaluate(state, held_out)[0] == history.validation_loss[-1] > min(history.validation_loss)


@pytest.mark.parametrize(
    ("scores", "patience", "tol", "epochs", "best"),
    [
        ([1, 1, 1, 1, 1, 1], 2, 0.1, 4, 1),  # the third epoch without improvement is one more than 2
        ([1, 1, 1, 1, 1, 1], 0, 0.1, 2, 1),
        ([1, 1.05, 1.1, 1.15, 1.2, 1.25], 2, 0.1, 4, 4),  # each is better, none by 0.1
        ([1, 1.125, 1.25, 1.375, 1.5, 1.625], 2, 0.125, 6, 6),  # each is better by exactly tol
        ([1, 2, 1, 1, 3, 1], 2, 0.1, 6, 5),  # two in a row are within patience
        ([1, 1, 1, 1, 1, 1], 2, 0.0, 6, 1),  # as good counts where tol is 0
        ([1, 0, 0, 0, 0, 0], math.inf, 0.1, 6, 1),
        ([1, 2, -math.inf, -math.inf, -math.inf, 0], 2, 0.1, 5, 2),
    ],
)
def test_patience_and_tol(reference, scores, patience, tol, epochs, best):
    state = reference.init(straight(), [0])
    score = scripted([[float(s)] for s in scores])
    history = train(reference, state, line(), Plan(6, patience=patience, tol=tol, keep_best=True), score=score)
    assert len(history) == epochs
    assert history.stopped_by == ("patience" if epochs < 6 else "max_epochs")
    assert history.best_epoch == [best]
    assert [epoch.score for epoch in history] == [[s] for s in scores[:epochs]]


def test_members_stop_when_they_are_done(engine):
    # The first is best at epoch 2, the second at 5, the third never again after 1.
    scores = [[1, 1, 9], [3, 2, 0], [0, 3, 0], [0, 4, 0], [0, 5, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    state, data = engine.init(straight(), [0, 1, 2]), line()
    plan = Plan(20, patience=1, keep_best=True)
    history = train(engine, state, data, plan, score=scripted([[float(s) for s in row] for row in scores]))

    assert history.stopped_by == "patience"
    assert history.best_epoch == [2, 5, 1]
    assert len(history) == 7
    for k, best in enumerate(history.best_epoch):
        alone = engine.advance(engine.init(straight(), [k]), data, 4 * best)
        np.testing.assert_array_equal(state.parameters[k], alone.parameters[0])
    assert state.active.all(), "all may be trained on"
    assert [epoch.loss[2] for epoch in history][2:] == [history.epochs[2].loss[2]] * 5, "a member that stopped changed"


def test_members_with_early_stopping_are_the_single_ones(engine):
    spec, data, held_out = overfit()
    plan, seeds = Plan(200, patience=3, tol=0.0, keep_best=True), [0, 1, 2, 3]
    together = engine.init(spec, seeds)
    history = train(engine, together, data, plan, validation=held_out)
    assert len(set(history.best_epoch)) > 1
    for k, seed in enumerate(seeds):
        alone = engine.init(spec, [seed])
        single = train(engine, alone, data, plan, validation=held_out)
        assert single.best_epoch == history.best_epoch[k : k + 1]
        np.testing.assert_array_equal(together.parameters[k], alone.parameters[0])


def test_a_plateau_slows_an_adaptive_rate_until_it_stops(reference):
    state = reference.init(straight(SGD(1e-4), schedule=Adaptive()), [0])
    plan = Plan(1000, patience=1, tol=1.0)
    history = train(reference, state, line(), plan, score=lambda state: np.zeros(len(state)))
    rates = [epoch.learning_rate[0] for epoch in history]
    assert history.stopped_by == "patience"
    assert sorted(set(rates), reverse=True) == pytest.approx([1e-4, 2e-5, 4e-6, 8e-7])
    assert rates == sorted(rates, reverse=True)


def test_a_rate_falls_with_the_rows_seen(reference):
    state = reference.init(straight(SGD(0.1), schedule=InverseScaling(power_t=0.5)), [0])
    history = train(reference, state, line(), Plan(3, patience=math.inf))
    used = [epoch.learning_rate[0] for epoch in history]
    assert used == pytest.approx([0.1, 0.1 / math.sqrt(41), 0.1 / math.sqrt(81)])
    assert state.learning_rate[0] == pytest.approx(0.1 / math.sqrt(121))


def test_a_callback_sees_the_epoch_and_may_stop(engine):
    seen: list[Report] = []

    def watch(report: Report) -> bool:
        seen.append(report)
        assert report.history.epochs[-1] is report.epoch
        assert report.state.epoch == report.epoch.epoch == len(report.history)
        assert report.max_epochs == 50
        return report.epoch.epoch == 3

    history = train(engine, engine.init(straight(), [0]), line(), Plan(50, patience=math.inf), callbacks=[watch])
    assert history.stopped_by == "callback"
    assert len(history) == len(seen) == 3


def test_every_callback_is_called_though_one_says_stop(reference):
    called: list[str] = []
    callbacks = [lambda _: called.append("first") or True, lambda _: called.append("second")]
    train(reference, reference.init(straight(), [0]), line(), Plan(5), callbacks=callbacks)
    assert called == ["first", "second"]


def test_a_callback_may_edit_the_state(engine):
    def halt(report: Report) -> None:
        report.state.learning_rate[:] = 0

    state = engine.init(straight(SGD(0.05, momentum=0.0)), [0])
    history = train(engine, state, line(), Plan(4, patience=math.inf), callbacks=[halt])
    assert history.epochs[1].learning_rate == [0.0]
    after_one = engine.advance(engine.init(straight(SGD(0.05, momentum=0.0)), [0]), line(), 4)
    np.testing.assert_array_equal(state.parameters, after_one.parameters)


def test_an_error_in_a_callback_comes_out(reference):
    def fail(report: Report) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        train(reference, reference.init(straight(), [0]), line(), Plan(5), callbacks=[fail])


def test_time_is_kept_between_epochs(engine):
    began = time.perf_counter()
    history = train(engine, engine.init(straight(), [0]), line(), replace(ENDLESS, time_limit_seconds=0.2))
    spent = time.perf_counter() - began
    assert history.stopped_by == "time limit"
    assert len(history) > 1
    assert 0.2 <= spent < 2


def slow() -> Spec:
    """Steps that take a while."""
    return Spec(Architecture.create([1, 100, 100, 1], "tanh"), SquaredError(), SGD(1e-3), batch_size=1)


def test_time_is_kept_within_a_long_epoch(engine):
    state, data = engine.init(slow(), [0]), line(200_000)
    began = time.perf_counter()
    history = train(engine, state, data, replace(ENDLESS, time_limit_seconds=0.3))
    spent = time.perf_counter() - began
    assert history.stopped_by == "time limit"
    assert 0.3 <= spent < 3
    assert state.epoch == 0
    assert 0 < state.batch < 200_000
    assert np.isfinite(state.parameters).all()


def test_what_was_trained_of_an_epoch_is_measured_too(engine):
    state, data, held_out = engine.init(slow(), [0]), line(200_000), line(9)
    plan = replace(ENDLESS, time_limit_seconds=0.1, keep_best=True)
    history = train(engine, state, data, plan, validation=held_out)
    (epoch,) = history
    assert epoch.epoch == 1
    assert epoch.loss == [state.loss_sum[0] / state.batch]
    assert epoch.validation_loss == [engine.evaluate(state, held_out)[0]]
    assert history.best_epoch == [1]


def test_a_training_cut_by_time_goes_on_where_it_was(engine):
    data, state, history = line(50), engine.init(slow(), [0]), History()
    for _ in range(6):
        history = train(engine, state, data, replace(ENDLESS, time_limit_seconds=0.01), history=history)
    whole = engine.advance(engine.init(slow(), [0]), data, state.step)
    assert state.step > 6
    np.testing.assert_array_equal(state.parameters, whole.parameters)
    assert (state.epoch, state.batch) == (whole.epoch, whole.batch)
    assert [epoch.epoch for epoch in history] == list(range(1, state.epoch + 1 + (state.batch > 0)))


@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_a_limit_of_no_time_is_told(seconds):
    with pytest.raises(InputError, match=r"time_limit_seconds is .*above 0, or None"):
        Plan(5, time_limit_seconds=seconds)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_that_are_no_numbers_stop_the_training(engine, dtype):
    state = engine.init(straight(SGD(1e20), dtype=dtype), [0])
    history = train(engine, state, line(), Plan(500, patience=math.inf))
    assert history.stopped_by == "non-finite loss"
    assert len(history) < 50
    assert not np.isfinite(history.epochs[-1].loss[0])


def test_a_training_that_ran_away_ends_with_its_best_weights(engine):
    state = engine.init(straight(), [0])

    def push(report: Report) -> None:
        if report.epoch.epoch == 3:
            report.state.learning_rate[:] = 1e30

    history = train(
        engine, state, line(), Plan(500, patience=math.inf, keep_best=True), validation=line(7), callbacks=[push]
    )
    assert history.stopped_by == "non-finite loss"
    assert history.best_epoch == [3]
    assert engine.evaluate(state, line(7))[0] == history.epochs[2].validation_loss[0]


def test_frozen_parameters_stay_through_a_training(engine):
    state = engine.init(straight(), [0])
    state.frozen = np.array([True, False])
    first = state.parameters.copy()
    train(engine, state, line(), Plan(3))
    assert state.parameters[0, 0] == first[0, 0]
    assert state.parameters[0, 1] != first[0, 1]


def test_float32_data_and_networks_are_trained_as_such(engine: Engine):
    state = engine.init(straight(dtype=np.float32), [0])
    history = train(engine, state, line(), Plan(3), validation=line(5))
    assert state.parameters.dtype == np.float32
    assert history.epochs[-1].loss[0] < history.epochs[0].loss[0]
