"""Full disks and folders that take nothing: the last good file stays, nothing is left beside it, and it is said.

What writes: `gn.save`, `gn.export`, and a fit that keeps checkpoints. A child writes once, then once more where there
is too little room: a limit of a file's size at a random byte, a tiny disk (root alone may make one), or a folder that
may only be read.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.errors import InputError

X = np.random.default_rng(0).normal(size=(60, 3))
NOBODY = 65534  # root writes into any folder
DISK_BYTES = 96 * 1024


def _model(seed: int) -> Any:
    return gn.MLPRegressor((24, 24), max_iter=6, random_state=seed)


def _save(folder: Path, seed: int) -> None:
    gn.save(_model(seed).fit(X, X[:, 0]), folder / "model.safetensors")


def _export(folder: Path, seed: int) -> None:
    gn.export(gn.nn.Network.create([3, 40, 1], seed=seed), folder / "model.py")


def _keep(folder: Path, seed: int) -> None:
    """A fit that ends in its third epoch, and one that goes on from there."""
    with suppress(_Ended):
        _model(0).set_params(callbacks=None if seed else [_end]).fit(X, X[:, 0], checkpoint=folder / "kept")


class _Ended(Exception):
    """A fit that is over."""


def _end(report: Any) -> None:
    if report.epoch.epoch == 3:
        raise _Ended


WRITERS: tuple[Callable[[Path, int], None], ...] = (_save, _export, _keep)


def limited(folder: Path, random: Random) -> None:
    """No file may be longer than this; the signal that says so is an error of the write instead."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = max((path.stat().st_size for path in folder.rglob("*") if path.is_file()), default=4096)
    most = random.randrange(min(size, 500))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def full(folder: Path, random: Random) -> None:
    """A disk with less room than the file takes."""
    left = random.randrange(0, 1500)
    with open(folder / "ballast", "wb", buffering=0) as ballast:
        for part in (4096, 1):
            with suppress(OSError):
                while True:
                    ballast.write(bytes(part))
        ballast.truncate(max(os.fstat(ballast.fileno()).st_size - left, 0))


def read_only(folder: Path, random: Random) -> None:
    """Nothing new may be put into any of its folders."""
    for place in (*folder.rglob("*"), folder):
        os.chmod(place, 0o555 if place.is_dir() else 0o444)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setuid(NOBODY)


def disk(count: int, seed: int = 0) -> dict[str, Any]:
    """Write where nothing can be written, `count` times.

    Returns:
        "faults", how many of each kind, and what must be 0: "changed" (the last good file is another or gone), "left"
        (pieces beside it), "unsaid" (no error, or another than an InputError).
    """
    random, began = Random(seed), time.perf_counter()
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for writer in WRITERS:  # else each child would import it all again
                writer(Path(place), 0)
        small = _mounted(Path(place, "disk"))
        kinds = [limited, read_only, *([full] if small else [])]
        try:
            for k in range(count):
                kind, writer = kinds[k % len(kinds)], WRITERS[k // len(kinds) % len(WRITERS)]
                folder = Path(place, "disk" if kind is full else "", f"fault{k}")
                folder.mkdir()
                for name in _one(kind, writer, folder, random.randrange(2**32)):
                    found[name] += 1
                found[kind.__name__] += 1
                for path in sorted(folder.rglob("*"), reverse=True):
                    os.chmod(path, 0o700)
                    path.rmdir() if path.is_dir() else path.unlink()
        finally:
            if small:
                subprocess.run(["umount", str(Path(place, "disk"))], check=True)
    kinds_met = {"limited": "limits", "full": "full_disks", "read_only": "read_only_folders"}
    return {
        "faults": count,
        **{said: found[name] for name, said in kinds_met.items()},
        **{name: found[name] for name in ("changed", "left", "unsaid")},
        "seconds": round(time.perf_counter() - began, 1),
    }


def _mounted(place: Path) -> bool:
    """A tiny disk in memory, where this process may make one."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0777", "tmpfs", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _one(
    kind: Callable[[Path, Random], None], writer: Callable[[Path, int], None], folder: Path, seed: int
) -> list[str]:
    """Which promises a child finds broken."""
    reader, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = {"broken": ["unsaid"], "said": ""}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer["broken"] = _attempt(kind, writer, folder, Random(seed))
        except BaseException as error:
            answer["said"] = f"{kind.__name__}, {writer.__name__}: {type(error).__name__}: {error}"
        finally:
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
    os.close(writing)
    with open(reader, "rb") as told:
        answer = json.loads(told.read())
    os.waitpid(child, 0)
    if answer["said"]:
        print(answer["said"], file=sys.stderr)
    return list(answer["broken"])


def _attempt(
    kind: Callable[[Path, Random], None], writer: Callable[[Path, int], None], folder: Path, random: Random
) -> list[str]:
    writer(folder, 0)
    good = _contents(folder)
    kind(folder, random)
    broken = []
    try:
        writer(folder, 1)
        broken.append("unsaid")
    except InputError:
        pass
    after = _contents(folder)
    broken += ["changed"] * any(after.get(name) != data for name, data in good.items())
    broken += ["left"] * bool(after.keys() - good.keys())
    return broken


def _contents(folder: Path) -> dict[str, bytes]:
    names = (path for path in folder.rglob("*") if path.is_file() and path.name != "ballast")
    return {str(path): path.read_bytes() for path in names}
