"""Checkpoints of a fit in a folder: which fit they are of, and how its trainings go on.

A folder holds FIT, which says whose it is, and a file of a stand for each network. What a fit is of is a fingerprint:
its parameters, digests of its data, and where it started. Files are written whole or not at all (`storage`), and
nothing in them is code.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import CodeType
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state

from glassnet.errors import FileFormatError, InputError
from glassnet.nn import Data, State
from glassnet.nn.elementary import Array
from glassnet.storage import pack, remove_parts, unpack, write_whole
from glassnet.training import Checkpoint, Stand

FORMAT = 1  # of the files
FIT = "fit.safetensors"
NETWORK = "network-{}.safetensors"
BEGIN_ANEW = "Delete the folder to begin anew, or give another one."
# What changes no bit of the result, and how long a call may take.
NOT_OF_THE_FIT = {"callbacks", "n_jobs", "verbose", "time_limit_seconds"}
DIGEST = "sha256 "  # before one, in a fingerprint
SHOWN = 60  # characters of a parameter that an error tells


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one fit.

    Attributes:
        folder: Where they are.
        every: Epochs from one to the next.
        seed: Of a fit whose `random_state` is None, what was drawn for it; else None.
        fit: The digest of the fingerprint, which every file carries.
        record: What FIT holds.
    """

    folder: Path
    every: int
    seed: int | None
    fit: str
    record: dict[str, Any]

    @classmethod
    def open(cls, folder: str | os.PathLike[str], every: int, fingerprint: dict[str, str], seed: int | None) -> Self:
        """The checkpoints in a folder, which is made where it is missing.

        Args:
            folder: Empty, or of the same fit.
            every: Epochs from one checkpoint to the next.
            fingerprint: What the fit is of: by the name that an error tells, a short text or a digest.
            seed: What `drawn_seed` gave.

        Raises:
            InputError: The folder is of another fit, or cannot be written.
            FileFormatError: A file is torn, or of something else.
        """
        place = _made(folder)
        path = place / FIT
        if not path.exists():
            if found := sorted(place.glob(NETWORK.format("*"))):
                raise FileFormatError(
                    f"{found[0]} is there, but not {FIT}, which says of which fit it is. {BEGIN_ANEW}"
                )
            record: dict[str, Any] = {"kind": "checkpoint", "format": FORMAT, "fingerprint": fingerprint, "seed": seed}
            write_whole(pack(record, {}), path)
        else:
            record, _ = _read(path)
            _compare(record["fingerprint"], fingerprint, place)
        remove_parts(place)
        fit = text_digest(f"{sorted(fingerprint.items())} {record['seed']}")
        return cls(place, int(every), record["seed"], fit, record)

    def note(self, **facts: Any) -> None:
        """Keep what the fit has decided, JSON-able, in `record`."""
        self.record.update(facts)
        write_whole(pack(self.record, {}), self.folder / FIT)

    def of(self, network: int = 0) -> Checkpoint:
        """How the training of a network is kept, and what it goes on from."""
        path = self.folder / NETWORK.format(network)

        def keep(stand: Stand) -> None:
            record = {
                "kind": "checkpoint",
                "format": FORMAT,
                "fit": self.fit,
                "counters": stand.counters,
                "stopped_by": stand.stopped_by,
            }
            write_whole(pack(record, stand.arrays), path)

        if not path.exists():
            return Checkpoint(keep, self.every)
        record, arrays = _read(path)
        if record.get("fit") != self.fit:
            raise FileFormatError(f"{path} is a checkpoint of another fit than {FIT} beside it. {BEGIN_ANEW}")
        counters, stopped_by = record.get("counters"), record.get("stopped_by")
        if not isinstance(counters, dict) or not isinstance(stopped_by, str):
            raise FileFormatError(f"{path} does not say where its training stands. {BEGIN_ANEW}")
        return Checkpoint(keep, self.every, Stand(arrays, counters, stopped_by))


def drawn_seed(folder: str | os.PathLike[str] | None, every: int, random_state: Any) -> int | None:
    """Where `random_state` is None, what stands for it: the seed that the folder keeps, or a new one; else None.

    Raises:
        InputError: `every` is no count, or has no folder.
        FileFormatError: As `Checkpoints.open`.
    """
    Checkpoint(lambda stand: None, every)  # which says what is wrong with it
    if folder is None and every != 1:
        raise InputError(f"every={every!r} is of checkpoints, but none was given: give checkpoint, a folder.")
    if folder is None or random_state is not None:
        return None
    path = _as_path(folder) / FIT
    kept = _read(path)[0].get("seed") if path.exists() else None
    return int(check_random_state(None).randint(np.iinfo(np.int32).max)) if kept is None else kept


def of_perceptron(
    model: Any,
    folder: str | os.PathLike[str] | None,
    every: int,
    seed: int | None,
    data: Data,
    validation: Data | None,
    anew: bool,
) -> Checkpoints | None:
    """The checkpoints of a perceptron's fit, with all its rows, validation rows given; None where no folder is.

    Raises:
        InputError: As `Checkpoints.open`; or a solver that no file can hold.
    """
    if folder is None:
        return None
    if model.solver in ("lbfgs", "lm"):
        raise InputError(
            f"solver={model.solver!r} keeps what it has learned of the loss to itself, so that no file can hold it: "
            f"a checkpoint needs a solver that takes steps, such as 'adam'."
        )
    content = {
        "X": data.x,
        "names of columns": getattr(model, "feature_names_in_", None),
        "y": (data.t, getattr(model, "classes_", None)),
        "sample_weight": data.s,
        **({} if validation is None else {"X_val": validation.x, "y_val": validation.t}),
    }
    start = "the first ones" if anew else DIGEST + text_digest(text_of(_start(model)))
    return Checkpoints.open(folder, every, fingerprint(model, content, start), seed)


def of_table(
    model: Any,
    folder: str | os.PathLike[str] | None,
    every: int,
    seed: int | None,
    views: Sequence[Data],
    judged: Sequence[Data] | None,
    splits: Sequence[Any],
) -> Checkpoints | None:
    """The checkpoints of a table model's fit, by what its networks see, view after view; None where no folder is.

    Args:
        model: The estimator.
        folder: Where.
        every: Epochs from one checkpoint to the next.
        seed: What `drawn_seed` gave.
        views: All rows.
        judged: The rows of X_val, where there are some.
        splits: Of each network, which rows it trains on; groups and time show there.

    Raises:
        InputError: As `Checkpoints.open`.
    """
    if folder is None:
        return None
    first = views[0]
    content = {
        "X": ([view.x for view in views], [p.to_dict() for p in model._views]),
        "y": (first.t, model.target_.to_dict()),
        "sample_weight": first.s,
        "groups and time": splits,
        **({} if judged is None else {"X_val": [view.x for view in judged], "y_val": judged[0].t}),
    }
    limit = {"time_limit_seconds": text_of(model.time_limit_seconds)}  # which decides how much is trained
    return Checkpoints.open(folder, every, fingerprint(model, content) | limit, seed)


def _start(model: Any) -> list[Any]:
    """All that a warm start goes on from."""
    state: State | None = getattr(model, "_state", None)
    names = ("seeds", "epoch", "samples", "best_score", "best_epoch", "stale", "frozen")
    return [model.coefs_, model.intercepts_, [] if state is None else [getattr(state, name) for name in names]]


def _made(folder: str | os.PathLike[str]) -> Path:
    """The folder, which is there."""
    place = _as_path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"checkpoint={str(folder)!r} cannot be made a folder: {error.strerror or error}. Give another one."
        ) from None
    return place


def _as_path(folder: Any) -> Path:
    try:
        return Path(folder)
    except TypeError:
        raise InputError(f"checkpoint is {folder!r}, but the name of a folder is needed.") from None


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        record, arrays = unpack(path.read_bytes())
        if record.get("kind") != "checkpoint":
            raise FileFormatError(f"it holds a {record.get('kind')}")
        if record.get("format") != FORMAT:
            raise FileFormatError(f"it has format {record.get('format')}, and this glassnet reads format {FORMAT}")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except FileFormatError as error:
        raise FileFormatError(f"{path} is no checkpoint to go on from: {error}. {BEGIN_ANEW}") from None
    return record, arrays


def _compare(kept: dict[str, str], now: dict[str, str], folder: Path) -> None:
    """Two fingerprints are one, or an error names what differs."""
    names = [name for name in {**kept, **now} if kept.get(name) != now.get(name)]
    if not names:
        return
    told = []
    for name in names:
        before, after = kept.get(name, "nothing"), now.get(name, "nothing")
        short = max(len(before), len(after)) <= SHOWN and not before.startswith(DIGEST)
        told.append(f"{name} (was {before}, is {after})" if short else name)
    raise InputError(
        f"The checkpoint in {folder} is of another fit; what differs: {', '.join(told)}. {BEGIN_ANEW} "
        f"To go on with it, call fit with the same data and parameters."
    )


def fingerprint(model: Any, data: Mapping[str, Any], start: str = "the first ones") -> dict[str, str]:
    """What a fit is of: the estimator, its parameters, its data, and where it starts.

    >>> from glassnet import MLPRegressor
    >>> fingerprint(MLPRegressor(max_iter=7), {"X": np.eye(2)})["max_iter"]
    '7'
    """
    parameters = {k: v for k, v in model.get_params(deep=False).items() if k not in NOT_OF_THE_FIT}
    return {
        "estimator": type(model).__name__,
        **{name: _short(text_of(value)) for name, value in parameters.items()},
        **{f"the data ({name})": DIGEST + text_digest(text_of(value)) for name, value in data.items()},
        "the weights to start from": start,
    }


def text_digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else DIGEST + text_digest(text)


def text_of(value: Any) -> str:
    """A text that two values share only where they are the same; arrays by their bytes.

    Of a function that is the user's own, its name and its code; what it takes from elsewhere is not looked at.

    >>> text_of(np.zeros(2)) == text_of([0.0, 0.0]), text_of([1, "a"]) == text_of((1, "a"))
    (False, True)
    """
    if isinstance(value, np.random.RandomState):
        return f"a generator {text_of(list(value.get_state(legacy=True)))}"
    if hasattr(value, "tocsr"):
        matrix = value.tocsr()
        return f"sparse {matrix.shape} {text_of([matrix.data, matrix.indices, matrix.indptr])}"
    if isinstance(value, np.ndarray) and value.dtype != object:
        found = hashlib.sha256(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data).hexdigest()
        return f"array {value.dtype} {value.shape} {found}"
    if isinstance(value, np.ndarray):
        return f"array object {value.shape} {text_digest(text_of(value.ravel().tolist()))}"
    if isinstance(value, np.generic):
        return text_of(value.item())
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{text_of(key)}: {text_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(text_of, value)) + ")"
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__qualname__}{text_of({f.name: getattr(value, f.name) for f in fields(value)})}"
    if callable(value):
        return _code(getattr(value, "__code__", None)) + f" {getattr(value, '__qualname__', type(value).__qualname__)}"
    return repr(value)


def _code(code: CodeType | None) -> str:
    """What a function does, as far as its own code says."""
    if code is None:
        return "function"
    constants = " ".join(_code(part) if isinstance(part, CodeType) else repr(part) for part in code.co_consts)
    return f"function {code.co_code.hex()} {code.co_names} {constants}"
