"""`make fuzz`: hostile bytes by the million, guided by what code they reach; see `--help`.

What it found goes into fuzz/results.json and into the table of docs/promises.md. Bytes that broke a promise are kept in
build/fuzz/; with `--keep`, the last that reached something new go into fuzz/corpus/, where tests try them for ever.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from types import FunctionType

import atheris
from benchmarks import promises

from fuzz.targets import CORPUS, TARGETS, Target

FULL_RUNS = {"models": 1_000_000, "messages": 200_000, "formulas": 1_000_000}
LONGEST_INPUT = 65_536
BROKEN = Path("build", "fuzz")
MOST_KEPT, MOST_KEPT_BYTES = 12, 80_000  # of a target


def watch() -> None:
    """Count what runs of every function of glassnet that has been imported.

    Not `atheris.instrument_imports`: the loader of an editable installation makes nothing of it.
    """
    for found in gc.get_objects():
        if isinstance(found, FunctionType) and (found.__module__ or "").split(".")[0] == "glassnet":
            atheris.instrument_func(found)


def guided(target: Target, runs: int, seed: int, folder: Path) -> None:
    """Let libFuzzer choose what is changed next; it ends the process."""
    inputs = folder / "inputs"
    inputs.mkdir()
    valid = target.seeds()
    for k, data in enumerate(valid):
        target.check(data)  # it imports what it needs
        (inputs / f"seed-{k}").write_bytes(data)
    watch()

    def mutated(data: bytes, most: int, number: int) -> bytes:
        # Much of what is found to be new is refused at once; half of all begins with what is valid, to get further.
        random = Random(number)
        found = random.choice(valid) if random.random() < 0.5 else bytes(data)
        for _ in range(random.choice((1, 1, 2, 4))):
            found = target.mutate(found, random)
        return found if len(found) <= most else found[:most]

    began = time.perf_counter()

    def one(data: bytes) -> None:
        target(data)
        if target.runs == runs:
            (folder / "result.json").write_text(json.dumps(result(target, time.perf_counter() - began)))

    options = [f"-runs={runs}", f"-seed={seed + 1}", f"-max_len={LONGEST_INPUT}", "-timeout=60", "-rss_limit_mb=4096"]
    kept = CORPUS / target.name
    folders = [str(inputs), *([str(kept)] if kept.is_dir() else [])]
    BROKEN.mkdir(parents=True, exist_ok=True)
    atheris.Setup(
        ["fuzz", *options, f"-artifact_prefix={BROKEN}/{target.name}-", "-verbosity=0", *folders],
        one,
        custom_mutator=mutated,
    )
    atheris.Fuzz()


def result(target: Target, seconds: float) -> dict[str, object]:
    """What was tried, and the most that it took."""
    return {
        "target": target.name,
        "runs": target.runs,
        "past": round(target.past / target.runs, 3),
        "seconds": round(seconds, 1),
        "slowest_seconds": round(target.slowest, 2),
        "most_bytes": target.largest,
    }


def keep(name: str, inputs: Path) -> None:
    """The newest of the small inputs that reached something new, beside those that are kept already."""
    folder = CORPUS / name
    folder.mkdir(exist_ok=True)
    kept = [path.read_bytes() for path in folder.iterdir()]
    room, size = MOST_KEPT - len(kept), sum(map(len, kept))
    found = [path for path in inputs.iterdir() if not path.name.startswith("seed-")]
    for path in sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        data = path.read_bytes()
        if room and data and data not in kept and size + len(data) <= MOST_KEPT_BYTES:
            (folder / path.name[:12]).write_bytes(data)
            room, size = room - 1, size + len(data)


def main() -> int:
    """The exit status: that of the first target that broke a promise."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)}; all, where none is named")
    parser.add_argument("--runs", type=int, help="executions of each; else a million, of messages 200,000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep some of what reached something new in fuzz/corpus")
    parser.add_argument("--here", type=Path, help=argparse.SUPPRESS)  # libFuzzer ends its process
    asked = parser.parse_args()
    unknown = set(asked.targets) - set(TARGETS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(TARGETS)}")
    if asked.here:
        guided(TARGETS[asked.targets[0]], asked.runs, asked.seed, asked.here)
    for name in asked.targets or TARGETS:
        with tempfile.TemporaryDirectory() as folder:
            runs = asked.runs or FULL_RUNS[name]
            command = [sys.executable, "-m", "fuzz", name, f"--here={folder}", f"--runs={runs}", f"--seed={asked.seed}"]
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
            code = subprocess.run(command, env=environment, check=False).returncode
            if code:
                return code
            found = json.loads(Path(folder, "result.json").read_text())
            print(json.dumps(found), flush=True)
            promises.note(promises.FUZZ, name, found)
            if asked.keep:
                keep(name, Path(folder, "inputs"))
    promises.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
