"""Hostile model files, messages and formulas: ten thousand here, millions by `make fuzz`."""

from dataclasses import replace

import pytest
from fuzz.memory import Memory
from fuzz.targets import CORPUS, TARGETS, Broken, wild

PARTS = [*(("models", seed, 1750) for seed in range(4)), ("messages", 0, 400), ("formulas", 0, 2600)]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("name", "seed", "runs"), PARTS)
def test_hostile_bytes_are_answered_or_refused_within_their_limits(name, seed, runs):
    if name == "messages":
        pytest.importorskip("starlette", reason="the studio is an extra")
    target = replace(TARGETS[name], runs=0, past=0, memory=Memory())
    for data in wild(target, seed, runs):
        target(data)
    assert target.runs == runs
    if name == "models":
        assert target.past >= 0.3 * runs  # else the changes are too coarse to reach what is behind the checksum


@pytest.mark.parametrize("name", TARGETS)
def test_what_once_reached_something_new_is_still_survived(name):
    if name == "messages":
        pytest.importorskip("starlette", reason="the studio is an extra")
    kept = sorted((CORPUS / name).iterdir())
    assert kept
    for path in kept:
        TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("counted", [True, False])
def test_a_promise_that_is_broken_is_noticed(counted):
    def greedy(data):
        bytearray(200 * 2**20)  # asked for, and never touched
        return True

    memory = Memory()
    memory.calls, memory.counted = 1, counted and memory.counted  # not one of those that are looked at anyhow
    with pytest.raises(Broken, match="MB of memory"):
        replace(TARGETS["models"], check=greedy, memory=memory)(b"x")
    with pytest.raises(ZeroDivisionError):
        replace(TARGETS["models"], check=lambda data: 1 / 0)(b"x")
