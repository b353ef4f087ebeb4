"""Fits that are killed again and again: nothing is lost, no file is torn, and the end has the bits of a quiet fit.

Each fit keeps checkpoints. A child trains, and SIGKILL ends it: at a random moment, or at a point inside a write
(before the first byte, halfway, before the new file takes the old one's name, and after). Then another child makes the
same call, until one comes to its end.
"""

import hashlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import glassnet as gn
from glassnet import storage
from glassnet.estimators import checkpoints

PREPARING, TRAINING, WRITING, DONE = range(4)  # where a child is
POINTS = ("before the write", "halfway", "before the replace", "after the replace")
LONGEST_SECONDS = 0.3  # that a child lives before it is killed
MOST_KILLS = 4  # of one fit; then it may end


def case_quantities(folder: Path) -> Any:
    """Adam with dropout, a cosine, early stopping and its best weights."""
    X = np.random.default_rng(0).normal(size=(3000, 12))
    model = gn.MLPRegressor(
        (48, 32), solver="adamw", learning_rate="cosine", dropout=0.1, early_stopping=True, max_iter=80,
        n_iter_no_change=np.inf, random_state=1, n_jobs=1,
    )  # fmt: skip
    return model.fit(X, X[:, 0] * X[:, 1] + X[:, 2] ** 2, checkpoint=folder, every=4)


def case_classes(folder: Path) -> Any:
    """Momentum and a rate that falls at plateaus, weights of rows, and rows given to validate on, in float32."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(4000, 10)).astype(np.float32)
    y = np.array(["a", "b", "c"])[np.argmax(X[:, :3] + 0.5 * rng.normal(size=(4000, 3)), axis=1)]
    model = gn.MLPClassifier(
        (40, 40), solver="sgd", learning_rate="adaptive", learning_rate_init=0.05, max_iter=60, n_iter_no_change=3,
        random_state=2, n_jobs=1,
    )  # fmt: skip
    warnings.simplefilter("ignore", ConvergenceWarning)  # it is to reach its last epoch
    s = rng.uniform(0.5, 2, 3000)
    return model.fit(X[:3000], y[:3000], s, X_val=X[3000:], y_val=y[3000:], checkpoint=folder, every=5)


def case_table(folder: Path) -> Any:
    """Three networks on two threads, each with a checkpoint of its own."""
    X = np.random.default_rng(2).normal(size=(1500, 5))
    model = gn.TableRegressor(n_estimators=3, hidden_layer_sizes=(64, 64), max_iter=40, random_state=3, n_jobs=2)
    return model.fit(X, X[:, 0] * X[:, 1] + np.abs(X[:, 2]), checkpoint=folder, every=4)


CASES: tuple[Callable[[Path], Any], ...] = (case_quantities, case_table, case_classes)


class Board:
    """What a child tells its parent, in memory that outlives it: where it is, and epochs that it has kept for good."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, 16)

    def tell(self, phase: int, epochs: int | None = None) -> None:
        """Where the child is; how many epochs are kept."""
        self.memory[:16] = struct.pack("qq", phase, self.read()[1] if epochs is None else epochs)

    def read(self) -> tuple[int, int]:
        """The phase, and the epochs."""
        phase, epochs = struct.unpack("qq", self.memory[:16])
        return phase, epochs


def digest(model: Any) -> str:
    """Of all that a fit ended with, except for the time that it took."""
    found = hashlib.sha256()
    members = getattr(model, "members_", None)
    networks = [model.network_] if members is None else [member.network for member in members]
    histories = [model.history_] if members is None else [member.history for member in members]
    for network, history in zip(networks, histories, strict=True):
        found.update(network.parameters.tobytes())
        told = history.to_dict()
        epochs = [{key: value for key, value in epoch.items() if key != "seconds"} for epoch in told.pop("epochs")]
        found.update(json.dumps([told, epochs]).encode())
    state = getattr(model, "_state", None)
    if state is not None:
        found.update(state.moments.tobytes() + state.learning_rate.tobytes() + state.best_score.tobytes())
        curve = getattr(model, "loss_curve_", None)  # L-BFGS has none
        found.update(repr((state.step, state.samples, model.n_iter_, model.loss_, curve)).encode())
    return found.hexdigest()


def train_in_child(case: Callable[[Path], Any], folder: Path, board: Board, point: str, at_write: int) -> int:
    """The process that makes the call; it leaves the digest of its model beside the folder.

    At write number `at_write` it kills itself at `point`, if one is given.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        _set_failpoint(board, point, at_write)
        board.tell(TRAINING)
        result = digest(case(folder))
        board.tell(DONE)
        folder.with_suffix(".digest").write_text(result)
        status = 0
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def _set_failpoint(board: Board, point: str, at_write: int) -> None:
    """Tell the board of every write, and die in one of them."""
    whole, write, replace = storage.write_whole, os.write, os.replace
    writes = 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def here(name: str) -> bool:
        return point == name and writes == at_write

    def told_whole(data: bytes, path: Path) -> None:
        nonlocal writes
        writes += 1
        board.tell(WRITING)
        if here(POINTS[0]):
            die()
        whole(data, path)
        board.tell(TRAINING, epochs_kept(path.parent))

    def half(descriptor: int, data: Any) -> int:
        if here(POINTS[1]) and board.read()[0] == WRITING:
            write(descriptor, data[: len(data) // 2])
            die()
        return write(descriptor, data)

    def told_replace(source: Any, target: Any) -> None:
        if here(POINTS[2]):
            die()
        replace(source, target)
        if here(POINTS[3]):
            die()

    checkpoints.write_whole = told_whole
    os.write, os.replace = half, told_replace


def epochs_kept(folder: Path) -> int:
    """Epochs in all files of a folder; a torn one is a FileFormatError."""
    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        record, _ = storage.unpack(path.read_bytes())
        total += int(record["counters"]["epoch"]) if "counters" in record else 0
    return total


def kills(count: int, seed: int = 0) -> dict[str, Any]:
    """Kill children until `count` were killed.

    Returns:
        "kills"; those "in_training" and "in_a_write", and "points" met; "fits" that came to their end; and what must be
        0: "torn" files, "lost" (an epoch that was kept is gone), "other_bits", "failed" (a child ended with an error).
    """
    rng, began = random.Random(seed), time.perf_counter()
    found: Counter[str] = Counter()
    points: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        quiet = [_end(case, Path(place, case.__name__), Board()) for case in CASES]
        while found["kills"] < count:
            case, folder, board = CASES[found["fits"] % len(CASES)], Path(place, f"fit{found['fits']}"), Board()
            for _ in range(min(MOST_KILLS, count - found["kills"])):
                point = rng.choice(POINTS) if rng.random() < 0.3 else ""
                child = train_in_child(case, folder, board, point, rng.randint(1, 8))
                if not point:
                    time.sleep(rng.uniform(0.02, LONGEST_SECONDS))
                    os.kill(child, signal.SIGKILL)
                if _waited(child) != -signal.SIGKILL:
                    break  # it came to its end before
                phase, kept = board.read()
                found["kills"] += 1
                found["in_a_write"] += phase == WRITING
                found["in_training"] += phase == TRAINING
                points[point or "anywhere"] += 1
                try:
                    found["lost"] += epochs_kept(folder) < kept
                except ValueError:
                    found["torn"] += 1
            result = _end(case, folder, board)
            found["failed"] += not result
            found["other_bits"] += result != quiet[found["fits"] % len(CASES)]
            found["fits"] += 1
    names = ("kills", "in_training", "in_a_write", "fits", "torn", "lost", "other_bits", "failed")
    return {
        **{name: found[name] for name in names},
        "points": dict(sorted(points.items())),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _end(case: Callable[[Path], Any], folder: Path, board: Board) -> str:
    """The digest of a fit that nobody disturbs any more; "" where it ended with an error."""
    return folder.with_suffix(".digest").read_text() if _waited(train_in_child(case, folder, board, "", 0)) == 0 else ""


def _waited(child: int) -> int:
    """How a child ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
