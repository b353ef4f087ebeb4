"""Measure what ONLY names, all without it, and write docs/performance.md: `make bench`, or `python -m benchmarks`.

ONLY=w2,inference   these sections: training or one of w1 … w5, loss, inference, cold, growth, memory, solvers,
                    functions, studio; report measures nothing and writes the page anew
ROUNDS=3            so many rounds, instead of each section's own number
QUICK=1             few rounds, short ones: to see that it runs
"""

import datetime
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import report, training
from benchmarks.timing import ROOT, SideError, say
from benchmarks.workloads import WORKLOADS

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE, PICTURE = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.png"
TRAINING_ROUNDS = 7
SECTIONS = {  # module, and how often it goes round
    "loss": ("time_to_loss", 5),
    "inference": ("inference", 9),
    "cold": ("cold", 5),
    "growth": ("growth", 5),
    "memory": ("memory", 2),
    "solvers": ("solvers", 7),
    "functions": ("function_fit", 5),
    "studio": ("studio", 3),
}
PACKAGES = ("glassnet", "numpy", "scipy", "scikit-learn", "torch", "jax", "keras", "onnxruntime")


def chosen(only: str) -> list[str]:
    """The sections that ONLY asks for, in the order of the page.

    Raises:
        ValueError: it names one that there is not.

    >>> chosen("inference, w2b,w1")
    ['w1', 'w2b', 'inference']
    """
    known = [*WORKLOADS, *SECTIONS, "report"]
    names = {name.strip() for name in only.split(",") if name.strip()}
    if not names:
        return known[:-1]
    if "training" in names:
        names = names - {"training"} | set(WORKLOADS)
    if unknown := sorted(names - set(known)):
        raise ValueError(f"ONLY names {', '.join(unknown)}, but the sections are training, {', '.join(known)}.")
    return [name for name in known if name in names]


def machine() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def stamp(rounds: int, quick: bool) -> dict[str, Any]:
    """When, where and with what."""
    from glassnet import _kernel

    versions = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "machine": machine(),
        "cores": os.cpu_count(),
        "level": _kernel.level,
        "versions": versions,
        "rounds": rounds,
        "quick": quick,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
    }


def write(results: dict[str, Any]) -> None:
    """The file of results, the page and the picture."""
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(report.page(results), encoding="utf-8")
    report.picture(results, PICTURE)


def measured(names: list[str], rounds: int | None, quick: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each section and its result, as soon as there is one."""
    workloads = [name for name in names if name in WORKLOADS]
    if workloads:
        number = rounds or (3 if quick else TRAINING_ROUNDS)
        stamped = stamp(number, quick)
        for name, result in training.measure(workloads, number, quick):
            yield name, {"stamp": stamped, "result": result}
    for name in names:
        if name in SECTIONS:
            module, number = SECTIONS[name]
            number = rounds or (2 if quick else number)
            stamped = stamp(number, quick)
            yield name, {"stamp": stamped, "result": import_module(f"benchmarks.{module}").measure(number, quick)}


def run(only: str, rounds: int | None, quick: bool) -> None:
    """Section by section; each is written as soon as it is measured, the others stay as they were."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    began = time.perf_counter()
    for name, result in measured(chosen(only), rounds, quick):
        results[name] = result
        say(f"{name}: done after {time.perf_counter() - began:.0f} s")
        write(results)
    write(results)
    say(f"Written: {PAGE.relative_to(ROOT)}")


def main() -> int:
    """Reads the environment; the exit status."""
    env = os.environ
    try:
        rounds = int(env["ROUNDS"]) if env.get("ROUNDS") else None
        run(env.get("ONLY", ""), rounds, env.get("QUICK", "") not in ("", "0"))
    except ValueError as error:
        say(str(error))
        return 2
    except SideError as error:
        say(f"{error}\nThe sections measured before are written.")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted: the sections measured before are written.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
