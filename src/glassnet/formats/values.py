"""Plain values: what JSON can hold of parameters and histories, and how they are read again."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from glassnet.data.records import Record, damaged
from glassnet.errors import InputError
from glassnet.nn import ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, Activation
from glassnet.training import Epoch, History

NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}  # JSON has no word for these
LARGEST_COUNT = 2**63 - 1
# What a fitted model needs no more, or what says something of the machine instead.
LEFT_OUT = {"callbacks", "coefs_init", "intercepts_init", "n_jobs"}
# Objects that a parameter may be, beside plain values: rebuilt from their numbers.
PARTS: dict[str, dict[str, Any]] = {
    "optimizer": dict(OPTIMIZERS),
    "schedule": dict(SCHEDULES),
    "loss": {name: type(loss) for name, loss in LOSSES.items()},
}
PAIRS = "pairs"  # of a dict whose keys are not all texts


def name_activation(f: Activation) -> str:
    """The name under which the registry knows f."""
    if type(ACTIVATIONS.get(f.name)) is not type(f):
        raise InputError(
            f"The activation {f.name!r} is your own, and a file cannot hold code. "
            f"Those that can be saved: {', '.join(sorted(ACTIVATIONS))}."
        )
    return f.name


def plain(value: Any, name: str) -> Any:
    """The value in JSON's own types; what a file cannot hold is an InputError."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, Activation):
        return name_activation(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else repr(float(value))
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [plain(item, name) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(item, name) for key, item in value.items()}
    if isinstance(value, Mapping):  # JSON's keys are texts
        return {PAIRS: [[plain(key, name), plain(item, name)] for key, item in value.items()]}
    for kind, known in PARTS.items():
        if type(value) in known.values():
            numbers = {f.name: plain(getattr(value, f.name), name) for f in fields(value) if f.init}
            return {"part": kind, "name": value.name, "numbers": numbers}
    raise InputError(
        f"{name} holds {value!r}, which a file cannot hold: use texts, numbers, flags, None, lists or dicts."
    )


def read_parameter(value: Any) -> Any:
    """A constructor's argument that `plain` wrote; lists come back as tuples."""
    if isinstance(value, str):
        return NOT_FINITE.get(value, value)
    if isinstance(value, list):
        return tuple(read_parameter(item) for item in value)
    if not isinstance(value, dict):
        return value
    record = Record(value, "a parameter")
    if value.keys() == {PAIRS}:
        pairs = record.items(PAIRS)
        if not all(
            isinstance(pair, list) and len(pair) == 2 and not isinstance(pair[0], list | dict) for pair in pairs
        ):
            raise damaged("the pairs of a parameter are not pairs")
        return {read_parameter(key): read_parameter(item) for key, item in pairs}
    if value.keys() != {"part", "name", "numbers"}:
        return {key: read_parameter(item) for key, item in value.items()}
    known, numbers = PARTS.get(record.text("part"), {}), record.field("numbers")
    if record.text("name") not in known or not isinstance(numbers, dict):
        raise damaged(f"there is no {value['part']} {value['name']!r}")
    try:
        return known[value["name"]](**{str(key): read_parameter(number) for key, number in numbers.items()})
    except (TypeError, ValueError) as error:
        raise damaged(f"the {value['part']} {value['name']!r} cannot be made: {error}") from None


def read_number(value: Any, name: str) -> float:
    """A number that may be infinite or not a number."""
    value = NOT_FINITE.get(value, value) if isinstance(value, str) else value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise damaged(f"{name} holds {value!r}, a number was needed")
    return value


def read_numbers(values: Any, name: str) -> list[float]:
    """A list of such numbers."""
    if not isinstance(values, list):
        raise damaged(f"{name} is {type(values).__name__}, a list of numbers was needed")
    return [read_number(value, name) for value in values]


def read_count(record: Record, key: str) -> int:
    """A count that an int64 holds."""
    count = record.count(key)
    if count > LARGEST_COUNT:
        raise damaged(f"{key!r} of {record.name} is {count}, which no training reaches")
    return count


def record_parameters(model: Any) -> dict[str, Any]:
    """The constructor's arguments, without functions, first weights and threads; of random_state only an int."""
    parameters = {name: value for name, value in model.get_params(deep=False).items() if name not in LEFT_OUT}
    if not isinstance(parameters["random_state"], int | np.integer):
        parameters["random_state"] = None
    return {name: plain(value, f"The parameter {name}") for name, value in parameters.items()}


def create_estimator(kind: Any, content: Any) -> Any:
    """An estimator with the constructor's arguments; those that the file does not know keep their default."""
    known = kind().get_params(deep=False)
    if not isinstance(content, dict) or not content.keys() <= known.keys() - LEFT_OUT:
        raise damaged(f"its parameters are not those of a {kind.__name__}")
    return kind(**{key: read_parameter(value) for key, value in content.items()})


def read_history(content: Any) -> History:
    """The history that History.to_dict wrote."""
    record = Record(content, "the history")
    best = record.items("best_epoch")
    if not all(type(number) is int for number in best):
        raise damaged("'best_epoch' of the history must list counts")
    return History([_epoch(item) for item in record.items("epochs")], record.text("stopped_by"), best)


def _epoch(content: Any) -> Epoch:
    record = Record(content, "an epoch of the history")
    lists = {name: read_numbers(record.field(name), name) for name in ("loss", "score", "learning_rate")}
    held_out = record.field("validation_loss")
    if not all(lists.values()) or held_out == []:
        raise damaged("an epoch of the history measured nothing")
    return Epoch(
        epoch=read_count(record, "epoch"),
        validation_loss=None if held_out is None else read_numbers(held_out, "validation_loss"),
        seconds=read_number(record.field("seconds"), "seconds"),
        **lists,
    )
