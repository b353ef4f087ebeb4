"""The benchmarks are honest before they are fast: their statistics, their page, what ONLY means, the guard of CI."""

import doctest
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks").is_dir():
    pytest.skip("the benchmarks are not part of this copy", allow_module_level=True)
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

report, targets, timing, workloads = (
    import_module(f"benchmarks.{name}") for name in ("report", "targets", "timing", "workloads")
)
command = import_module("benchmarks.__main__")

posix = pytest.mark.skipif(sys.platform == "win32", reason="workers are talked to through POSIX pipes")
seconds = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=9)


@pytest.mark.parametrize("name", ["__main__", "growth", "guard", "report", "time_to_loss", "timing", "workloads"])
def test_the_examples_in_the_benchmarks_run(name: str) -> None:
    outcome = doctest.testmod(import_module(f"benchmarks.{name}"), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.attempted > 0
    assert outcome.failed == 0


@given(seconds)
def test_a_median_lies_between_its_quartiles(values: list[float]) -> None:
    s = timing.summary(values)
    assert min(values) <= s["low"] <= s["median"] <= s["high"] <= max(values)


@given(seconds, st.floats(0.1, 10))
def test_a_side_that_is_always_so_many_times_as_slow_has_that_ratio(values: list[float], factor: float) -> None:
    r = timing.ratio([factor * value for value in values], values)
    assert r["low"] == pytest.approx(factor)
    assert r["median"] == pytest.approx(factor)
    assert r["high"] == pytest.approx(factor)


def test_a_slow_round_of_the_whole_machine_does_not_change_a_ratio() -> None:
    assert timing.ratio([2.0, 20.0, 2.0], [1.0, 10.0, 1.0]) == {"median": 2.0, "low": 2.0, "high": 2.0}


def test_operations_of_a_step_are_counted_product_by_product() -> None:
    n, d, m, k = 5, 4, 3, 2
    y_and_dw = 2 * 2 * n * (d * m + m * k)
    assert workloads.Workload("w", (d, m, k), "relu", n, n).flops == y_and_dw + 2 * n * m * k


def test_only_names_sections_and_all_of_training() -> None:
    assert command.chosen("") == [*workloads.WORKLOADS, *command.SECTIONS]
    assert command.chosen("memory,training") == [*workloads.WORKLOADS, "memory"]
    with pytest.raises(ValueError, match=r"ONLY names w9, but the sections are training, w1, w2"):
        command.chosen("w2,w9")


def test_a_misspelt_section_ends_the_command_with_a_message() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks"],
        cwd=ROOT,
        env={"ONLY": "w9", "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "ONLY names w9" in done.stderr
    assert "Traceback" not in done.stderr


def trained(ours: float, theirs: float, missing: list[str]) -> dict[str, Any]:
    """A workload's result, as `training.measure` gives it."""
    times = {"glassnet": [ours] * 3, "JAX": [theirs] * 3, "PyTorch": [3 * theirs] * 3}
    one = {
        "seconds": {side: timing.summary(values) for side, values in times.items()},
        "ratios": {side: timing.ratio(values, times["glassnet"]) for side, values in times.items()},
        "strongest": "JAX",
        "set_up": 1e-3,
        "notes": {**dict.fromkeys(times, "a note"), **dict.fromkeys(missing, "no compiler")},
        "missing": missing,
        "least_share": 1.0,
        "others": 0.0,
        "peak": 100.0,
        "share_of_peak": {"median": 0.5, "low": 0.5, "high": 0.5},
    }
    return {"1": one, "2": one}


def stamped(result: Any) -> dict[str, Any]:
    stamp = {
        "date": "2030-01-02 03:04 UTC",
        "machine": "A processor",
        "cores": 2,
        "level": "avx2",
        "versions": {"numpy": "9.9"},
        "rounds": 3,
        "quick": False,
        "load": 0.0,
    }
    return {"stamp": stamp, "result": result}


def test_the_page_says_who_is_quicker_who_is_missing_and_on_what_machine() -> None:
    page = report.page({"w2": stamped(trained(2e-5, 1e-5, ["PyTorch, compiled"]))})
    assert "2030-01-02. A processor, 2 cores, kernel level avx2. numpy 9.9." in page
    assert "| JAX | **10 µs (10–10)** |" in page  # the quickest is set in bold, whoever it is
    assert "| glassnet | 20 µs (20–20) |" in page
    assert "| w2 over JAX, 1 thread | ≥ 2.8× | 0.50× | **missed** |" in page
    assert "- PyTorch, compiled could not run w2, threads: 1. no compiler" in page


def test_the_page_warns_of_a_busy_machine() -> None:
    result = trained(1e-5, 1e-4, [])
    result["1"] |= {"least_share": 0.5}
    assert "The machine was busy: a side had its core for only 50%" in report.page({"w2": stamped(result)})


def test_a_target_is_met_from_its_very_value_on() -> None:
    met = {t.name: t.met for t in targets.targets({"w3": trained(1.0, 3.0, [])})}
    assert met == {"w3 over JAX, 1 thread": True, "w3, share of the FMA peak, 1 thread": False}


def test_the_page_beside_the_results_is_theirs() -> None:
    """Whoever edits a remark writes the page anew: ONLY=report."""
    results, page = ROOT / "benchmarks" / "results.json", ROOT / "docs" / "performance.md"
    if not results.exists():
        pytest.skip("nothing has been measured yet")
    assert report.page(json.loads(results.read_text(encoding="utf-8"))) == page.read_text(encoding="utf-8")


@posix
def test_a_side_that_cannot_run_is_left_out_with_its_reason() -> None:
    with timing.Workers(["no such side"], threads=1) as workers:
        answers = workers.prepare(do="train", workload={})
        assert "no such side" in answers["no such side"]["error"]
        assert workers.able == {}


@posix
def test_a_worker_trains_and_measures(kernel: Any) -> None:
    from dataclasses import asdict

    small = workloads.Workload("small", (2, 3, 1), "tanh", 10, 50)
    with timing.Workers(["glassnet"], threads=1) as workers:
        workers.prepare(do="train", workload=asdict(small), quick=True)
        (answer,) = workers.rounds(1)["glassnet"]
        process = workers.all["glassnet"].process
    assert 0 < answer["seconds"] < 1e-2
    assert process.poll() is not None, "a worker is left running"


def test_the_guard_fails_with_the_name_of_what_is_too_slow(kernel: Any, capsys: pytest.CaptureFixture[str]) -> None:
    guard = import_module("benchmarks.guard")
    assert guard.judge(iter([guard.Check("quick", 1.0, at_most=1)])) == 0
    assert guard.judge(iter([guard.Check("quick", 1.0, at_most=1), guard.Check("slow", 5.0, at_most=4)])) == 1
    out = capsys.readouterr().out
    assert "FAILED  slow: 5.00, at most 4" in out
    assert "1 of the kernel's ratios" in out


def test_the_guard_can_measure_all_that_it_checks(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = import_module("benchmarks.guard")
    monkeypatch.setattr(guard, "REPEATS", 1)
    made = [guard.against_calls(kernel), guard.against_numpy_engine(kernel), guard.among_threads()]
    assert all(np.isfinite(check.measured) for check in made)
