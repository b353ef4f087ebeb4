"""What has not been measured yet: each fit in a process of its own, each result a line as soon as it is there."""

import datetime
import hashlib
import importlib.util
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.__main__ import machine
from benchmarks.accuracy.downloads import SourceError
from benchmarks.accuracy.peers import ABLATION, OURS, PEERS
from benchmarks.accuracy.tables import Entry, catalogue, load
from benchmarks.accuracy.variants import parameters
from benchmarks.timing import ROOT, environment, say

RESULTS = Path(__file__).with_name("results.jsonl")
LIMIT_SECONDS = 600.0  # of processor time for a fit, for each thread
PATIENCE = 5  # times that, on the wall: a machine may be busy
MODEL_SEED = 0
ROOMS = ("data", "nn", "training", "estimators")  # what a fit of ours depends on, beside the kernel
Line = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """A fit. All of it is the key of its result: whatever changes, it is measured again."""

    table: str
    data: str  # the beginning of the table's fingerprint
    fold: int
    peer: str
    version: str
    seed: int
    threads: int
    cap: int | None

    @classmethod
    def of(cls, line: Line) -> "Job":
        """That a line is the result of."""
        return cls(**{name: line[name] for name in cls.__dataclass_fields__})


def versions(peers: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The version of each peer; and for each that is not here, what is missing."""
    known, absent = {}, {}
    for peer in peers:
        packages = {**PEERS, **ABLATION}[peer].packages
        try:
            said = ", ".join(f"{package} {version(package)}" for package in packages)
        except PackageNotFoundError as error:
            absent[peer] = f"{error.name} is not installed"
            continue
        known[peer] = f"{said}, sources {sources()}" if packages[0] == OURS else said
    return known, absent


def sources() -> str:
    """A digest of glassnet as it is installed, and of its kernel: of what bears on a fit."""
    spec = importlib.util.find_spec(OURS)
    assert spec is not None
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    files = [file for room in ROOMS for file in sorted((installed / room).rglob("*.py"))]
    files += sorted((ROOT / "src" / "kernel").iterdir())
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.parent.name}/{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def commit() -> str:
    """Of the working copy, as git names it; empty without git."""
    with suppress(OSError):
        command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return ""


def read(file: Path = RESULTS) -> list[Line]:
    """All lines; one that was cut off in the middle is passed over."""
    lines = []
    for text in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        with suppress(json.JSONDecodeError):
            lines.append(json.loads(text))
    return lines


def append(line: Line, file: Path = RESULTS) -> None:
    """In one write, so that several may measure at once."""
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(line, ensure_ascii=False) + "\n")


def missing(
    entries: Iterable[Entry],
    known: Mapping[str, str],
    folds: Iterable[int],
    threads: int,
    cap: int | None,
    lines: Iterable[Line],
) -> Iterator[Job]:
    """Peer by peer and fold by fold what no line is the result of; where a peer was too slow, it is not tried again."""
    done, slow = set(), set()
    for line in lines:
        if "failed" not in line:
            done.add(Job.of(line))
        if line.get("late"):
            slow.add((line["table"], line["peer"], line["version"], line["threads"], line["cap"]))
    tables, folds = list(entries), list(folds)
    for peer, fold, entry in itertools.product(known, folds, tables):
        if (entry.name, peer, known[peer], threads, cap) in slow or _is_the_recipe(peer, entry):
            continue
        job = Job(entry.name, entry.fingerprint[:12], fold, peer, known[peer], MODEL_SEED, threads, cap)
        if fold < entry.folds and job not in done:
            yield job


def _is_the_recipe(peer: str, entry: Entry) -> bool:
    """Whether a variant changes nothing on that kind of table."""
    return peer in ABLATION and parameters(peer.removeprefix(f"{OURS}: "), entry.task) is None


def measure(job: Job) -> Line:
    """The job's result, in a process that ends when this one is interrupted."""
    request = {name: value for name, value in asdict(job).items() if name not in ("data", "version")}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.accuracy.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(job.threads),
        start_new_session=True,  # Ctrl-C is for the parent, which ends its children
    )
    try:
        answer, noise = process.communicate(
            json.dumps({**request, "limit_seconds": LIMIT_SECONDS}), timeout=PATIENCE * LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"no answer within {PATIENCE * LIMIT_SECONDS:.0f} s"}
    finally:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if process.returncode == -signal.SIGPROF:
        return {"late": LIMIT_SECONDS}
    if not answer.strip():
        last = noise.strip().splitlines()[-1:] or ["nothing was said"]
        return {"failed": f"its process ended, status {process.returncode}: {last[0][:200]}"}
    return dict(json.loads(answer.strip().splitlines()[-1]))


def run(entries: Iterable[Entry], peers: Iterable[str], folds: Iterable[int], threads: int, cap: int | None) -> None:
    """Build the tables, then measure all that is missing; each result is kept as soon as it is there."""
    known, absent = versions(peers)
    for peer, why in absent.items():
        say(f"{peer}: left out, for {why}")
    here = [entry for entry in entries if _is_there(entry)]
    jobs = list(missing(here, known, folds, threads, cap, read()))
    say(f"{len(jobs)} fits to do on {len(here)} tables")
    where = f"{machine()}, {os.cpu_count()} cores"
    state = commit()
    began, late = time.perf_counter(), set()
    for number, job in enumerate(jobs, 1):
        if (job.table, job.peer) in late:
            continue
        line = {**asdict(job), "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}", "machine": where}
        line["load"] = round(os.getloadavg()[0], 1)
        if job.peer.startswith(OURS):
            line["commit"] = state
        line |= measure(job)
        append(line)
        if "late" in line:
            late.add((job.table, job.peer))
        gone = datetime.timedelta(seconds=round(time.perf_counter() - began))
        say(f"[{number}/{len(jobs)}, {gone}] {job.peer} on {job.table}, fold {job.fold}: {_said(line)}")


def _is_there(entry: Entry) -> bool:
    """Whether the table can be had; says why not."""
    try:
        load(entry)
    except SourceError as error:
        say(f"{entry.name}: left out, for {error}")
        return False
    return True


def _said(line: Line) -> str:
    """A result in a few words.

    >>> _said({"error": 0.25, "log_loss": 0.5, "cpu_seconds": 1.23})
    'error 0.2500, log-loss 0.5000, fitted in 1.2 s of processor time'
    """
    if "late" in line:
        return f"not done after {line['late']:.0f} s"
    if "failed" in line:
        return f"failed: {line['failed']}"
    names = {"error": "error", "log_loss": "log-loss", "nrmse": "nRMSE"}
    parts = [f"{title} {line[name]:.4f}" for name, title in names.items() if name in line]
    return ", ".join([*parts, f"fitted in {line['cpu_seconds']:.1f} s of processor time"])


def chosen_tables(names: str) -> list[Entry]:
    """
    Raises:
        ValueError: there is no table of that name.

    >>> [entry.name for entry in chosen_tables("ames, diabetes")]
    ['diabetes', 'ames']
    """
    return [catalogue()[name] for name in chosen(names, list(catalogue()), "tables")]


def chosen(names: str, known: list[str], what: str) -> list[str]:
    """Those that are named, in their own order; all where none is.

    Raises:
        ValueError: one is unknown.

    >>> chosen("b", ["a", "b"], "letters"), chosen("", ["a", "b"], "letters")
    (['b'], ['a', 'b'])
    """
    asked = {name.strip() for name in names.split(",") if name.strip()}
    if unknown := sorted(asked - set(known)):
        raise ValueError(f"{', '.join(unknown)} is none of the {what}: {', '.join(known)}.")
    return [name for name in known if name in asked or not asked]
