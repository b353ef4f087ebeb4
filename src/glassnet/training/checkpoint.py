"""Between two epochs a training is arrays and counters: taken apart here, to be kept, and put together to go on.

A stand holds all that the next epoch depends on, so that a training that goes on from one ends in the same bits as one
that was never interrupted: parameters, moments, rates, seeds and counters (a generator has no state but these), what
early stopping has seen, the best weights, and the history. Where a stand is kept is the business of who calls.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from glassnet.errors import FileFormatError, InputError
from glassnet.nn.elementary import Array
from glassnet.nn.state import State
from glassnet.training.history import Epoch, History

COLUMNS = ("loss", "validation_loss", "score", "learning_rate")  # of an epoch: a number for each network


@dataclass(frozen=True)
class Stand:
    """A training between two epochs.

    Attributes:
        arrays: By name: those of the state, and the history as "history.loss" (epochs, K) and so on.
        counters: The state's whole numbers; "first_epoch" and "earlier", the state's epoch and the length of the
            history when the training began.
        stopped_by: Why it ended, as `History` says; "" while there is more to do.
    """

    arrays: dict[str, Array]
    counters: dict[str, int]
    stopped_by: str = ""

    @property
    def earlier(self) -> int:
        """Epochs of the history that were there before the training began."""
        return self.counters["earlier"]


@dataclass(frozen=True)
class Checkpoint:
    """How a training is kept while it goes on.

    Args:
        keep: Keeps a stand; called before the first epoch, after every `every` epochs, and at the end.
        every: Epochs from one to the next.
        stand: The one to go on from, of the same spec, data and plan.
    """

    keep: Callable[[Stand], None]
    every: int = 1
    stand: Stand | None = None

    def __post_init__(self) -> None:
        if isinstance(self.every, bool) or not isinstance(self.every, int | np.integer) or self.every < 1:
            raise InputError(f"every is {self.every!r}, but it counts the epochs from one checkpoint to the next: ≥ 1.")


def take_apart(state: State, history: History, first_epoch: int, earlier: int, stopped_by: str = "") -> Stand:
    """The stand of a training whose state is between two epochs; its arrays are the state's own.

    >>> from glassnet.nn import Architecture, NumpyEngine, Spec, SquaredError
    >>> engine, spec = NumpyEngine(), Spec(Architecture.create([2, 1]), SquaredError())
    >>> stand = take_apart(engine.init(spec, [7]), History(), 0, 0)
    >>> other = engine.init(spec, [8])
    >>> put_together(stand, other, History())
    >>> int(other.seeds[0])
    7
    """
    held = {f.name: getattr(state, f.name) for f in fields(State) if f.name != "spec"}
    arrays = {f"state.{name}": value for name, value in held.items() if isinstance(value, np.ndarray)}
    counters = {name: value for name, value in held.items() if isinstance(value, int)}
    return Stand(
        arrays | _columns(history, len(state)),
        counters | {"first_epoch": first_epoch, "earlier": earlier},
        stopped_by,
    )


def put_together(stand: Stand, state: State, history: History) -> None:
    """Bring a state of the same spec, and a history, to where the stand was taken.

    Raises:
        FileFormatError: The stand is of another spec.
    """
    wanted = {f.name for f in fields(State) if isinstance(getattr(state, f.name), int)} | {"first_epoch", "earlier"}
    if stand.counters.keys() != wanted or not all(type(count) is int for count in stand.counters.values()):
        raise FileFormatError("The counters of the training were not kept whole.")
    for f in fields(State):
        kept, now = stand.arrays.get(f"state.{f.name}"), getattr(state, f.name)
        if f.name == "spec":
            continue
        if isinstance(now, int):
            setattr(state, f.name, stand.counters[f.name])
            continue
        needed = state.parameters if f.name == "best_parameters" else now
        if kept is not None and (needed is None or kept.shape != needed.shape or kept.dtype != needed.dtype):
            raise FileFormatError(
                f"The {f.name} that were kept have shape {kept.shape} and dtype {kept.dtype}, but this training has "
                + ("none." if needed is None else f"{needed.shape} and {needed.dtype}.")
            )
        if kept is None and f.name not in ("best_parameters", "frozen"):
            raise FileFormatError(f"The {f.name} were not kept.")
        setattr(state, f.name, None if kept is None else kept.copy())
    history.epochs[:] = _epochs(stand.arrays)
    history.stopped_by = stand.stopped_by


def _columns(history: History, k: int) -> dict[str, Array]:
    """The history as arrays: numbers that are infinite, or none at all, keep their bits."""
    none, e = [np.nan] * k, history.epochs
    numbers = {name: [none if (value := getattr(x, name)) is None else value for x in e] for name in COLUMNS}
    return {
        "history.epoch": np.array([x.epoch for x in e], np.int64),
        "history.seconds": np.array([x.seconds for x in e], np.float64),
        "history.validated": np.array([x.validation_loss is not None for x in e], bool),
        **{f"history.{name}": np.array(rows, np.float64).reshape(len(e), k) for name, rows in numbers.items()},
    }


def _epochs(arrays: dict[str, Array]) -> list[Epoch]:
    try:
        names = ("epoch", "seconds", "validated", *COLUMNS)
        lists = {name: arrays[f"history.{name}"].tolist() for name in names}
        rows = [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]
    except (KeyError, ValueError):
        raise FileFormatError("The history was not kept whole.") from None
    for row in rows:
        if not row.pop("validated"):
            row["validation_loss"] = None
    return [Epoch(**row) for row in rows]
