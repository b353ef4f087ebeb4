"""Schedules: the closed forms of their factors, cut anywhere the same, and what is said of those that cannot be."""

import inspect
from dataclasses import replace
from math import cos, pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.errors import InputError, UnknownNameError
from glassnet.nn import (
    SCHEDULES,
    SGD,
    Architecture,
    Cosine,
    Data,
    OneCycle,
    Schedule,
    Spec,
    SquaredError,
    StepDecay,
    get_schedule,
)
from glassnet.nn.schedules import Adaptive, InverseScaling

FLAT = (Schedule, InverseScaling, Adaptive)
laws = settings(max_examples=40, deadline=None, derandomize=True)
every_schedule = pytest.mark.parametrize("kind", SCHEDULES.values(), ids=SCHEDULES.keys())


def one_cycle(s: float, peak: float, start: float, final: float) -> float:
    """Half a cosine up and half a cosine down."""
    if s < peak:
        return start + (1 - start) * (1 - cos(pi * s / peak)) / 2
    return final + (1 - final) * (1 + cos(pi * (s - peak) / (1 - peak))) / 2


@laws
@given(total=st.integers(1, 300), final=st.floats(0, 1), peak=st.floats(0.05, 0.95), start=st.floats(0, 1))
def test_factors_are_their_formulas(total, final, peak, start):
    progress = [step / total for step in range(total)]
    factors = {
        Cosine(final=final): [final + (1 - final) * (1 + cos(pi * s)) / 2 for s in progress],
        OneCycle(0, peak, start, final): [one_cycle(s, peak, start, final) for s in progress],
        StepDecay(milestones=(0.25, peak), gamma=0.3): [0.3 ** ((s >= 0.25) + (s >= peak)) for s in progress],
        StepDecay(milestones=(peak, 0.25), gamma=0.3): [0.3 ** ((s >= 0.25) + (s >= peak)) for s in progress],
        StepDecay(milestones=()): [1.0] * total,
        Schedule(): [1.0] * total,
    }
    for schedule, expected in factors.items():
        assert schedule.factors(0, total, total).tolist() == pytest.approx(expected, rel=1e-12, abs=1e-14), schedule


@every_schedule
@laws
@given(warmup=st.integers(1, 30), total=st.integers(1, 100))
def test_a_warm_up_rises_by_equal_steps(kind, warmup, total):
    rising, plain = kind(warmup_steps=warmup).factors(0, 50, total), kind().factors(0, 50, total)
    np.testing.assert_allclose(rising[:warmup], plain[:warmup] * (np.arange(1, 51)[:warmup] / warmup), rtol=1e-14)
    np.testing.assert_array_equal(rising[warmup:], plain[warmup:])


@every_schedule
@laws
@given(a=st.integers(0, 40), b=st.integers(0, 40), warmup=st.integers(0, 12), total=st.integers(0, 60))
def test_factors_may_be_asked_for_in_parts(kind, a, b, warmup, total):
    schedule = kind(warmup_steps=warmup)
    whole = schedule.factors(0, a + b, total)
    assert whole.shape == (a + b,)
    assert whole.dtype == np.float64
    parts = np.concatenate([schedule.factors(0, a, total), schedule.factors(a, b, total)])
    np.testing.assert_array_equal(parts, whole)


@every_schedule
@laws
@given(step=st.integers(0, 10**6), total=st.integers(0, 10**6), warmup=st.integers(0, 100))
def test_a_factor_never_leaves_0_to_1(kind, step, total, warmup):
    factors = kind(warmup_steps=warmup).factors(step, 20, total)
    assert ((factors >= 0) & (factors <= 1)).all()


def test_past_the_end_the_last_factor_holds():
    for schedule, last in ((Cosine(final=0.25), 0.25), (OneCycle(final=0.125), 0.125), (StepDecay(gamma=0.5), 0.25)):
        assert schedule.factors(10, 5, 10).tolist() == pytest.approx([last] * 5)


@pytest.mark.parametrize("schedule", [Cosine(), OneCycle(), StepDecay(), Schedule(warmup_steps=6)])
def test_an_engine_steps_at_the_scheduled_rate(engine, schedule):
    # One row of x = 0, a target that stays ahead by one: each step is then the rate itself.
    spec = Spec(Architecture.create([1, 1]), SquaredError(), SGD(0.5, momentum=0), schedule, init="zeros")
    state, moved = engine.init(spec, [0]), []
    state.total_steps = 8
    for _ in range(10):
        before = state.parameters[0, 1]
        engine.advance(state, Data(np.zeros((1, 1)), np.array([[before + 1]])), 1)
        moved.append(state.parameters[0, 1] - before)
    np.testing.assert_allclose(moved, 0.5 * schedule.factors(0, 10, 8), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("schedule", [Cosine(warmup_steps=3), OneCycle(), StepDecay()])
def test_a_scheduled_training_may_be_cut_anywhere(engine, schedule):
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(20, 3)), rng.normal(size=(20, 2)))
    spec = Spec(Architecture.create([3, 5, 2], "tanh"), SquaredError(), SGD(0.05), schedule, batch_size=6)

    def advanced(*parts: int) -> Any:
        state = engine.init(spec, [1])
        state.total_steps = 14
        for part in parts:
            engine.advance(state, data, part)
        return state.parameters

    whole = advanced(14)
    for parts in ((3, 11), (4, 4, 6), (1,) * 14, (0, 14, 0)):
        np.testing.assert_array_equal(advanced(*parts), whole)
    constant = engine.advance(engine.init(replace(spec, schedule=Schedule()), [1]), data, 14)
    assert (whole != constant.parameters).any()


def test_schedules_by_name():
    for name, kind in SCHEDULES.items():
        assert get_schedule(name) == kind()
    assert get_schedule("cosine", final=0.5, power_t=3.0) == Cosine(final=0.5)  # what others have is left out
    assert get_schedule(kept := InverseScaling(power_t=0.3)) is kept
    with pytest.raises(UnknownNameError, match=r"Unknown schedule 'adaptiv'\. Did you mean 'adaptive'"):
        get_schedule("adaptiv")
    with pytest.raises(UnknownNameError, match=r"Unknown schedule None"):
        get_schedule(None)  # type: ignore[arg-type]


def test_schedules_that_cannot_be_are_told():
    with pytest.raises(InputError, match="warmup_steps is -1"):
        Schedule(warmup_steps=-1)
    for peak in (0.0, 1.0, -0.5):
        with pytest.raises(InputError, match=f"peak is {peak}"):
            OneCycle(peak=peak)
    with pytest.raises(InputError, match="warmup_steps is -1"):
        OneCycle(warmup_steps=-1)


def test_rates_after_an_epoch_and_on_a_plateau():
    assert InverseScaling(power_t=0.5).after_epoch(0.1, 0.05, 99) == pytest.approx(0.1 / 10)
    assert Adaptive().on_plateau(0.1) == pytest.approx(0.02)
    assert Adaptive().on_plateau(1e-6) is None
    for kind in set(SCHEDULES.values()) - {InverseScaling}:
        assert kind().after_epoch(0.1, 0.05, 1000) == 0.05
    for kind in set(SCHEDULES.values()) - {Adaptive}:
        assert kind().on_plateau(0.1) is None


@every_schedule
def test_every_schedule_says_its_formula(kind):
    assert inspect.getdoc(kind)
    assert kind.name in SCHEDULES
    assert (kind in FLAT) == (kind().factors(0, 9, 9) == 1).all()
