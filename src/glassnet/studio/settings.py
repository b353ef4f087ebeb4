"""What a run is made of, as a page, a link or a file says it: plain values, checked here and nowhere else."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from glassnet import lessons
from glassnet.errors import InputError, unknown_name
from glassnet.nn import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS

DRAWN = ("circles", "xor", "gaussians", "spirals", "plane", "hills")
MOST_LAYERS, MOST_UNITS, MOST_FEATURES = 6, 256, 64
UPLOAD_BYTES = 200_000_000
MOST_ROWS, MOST_POINTS, MOST_PARAMETERS = 5000, 2000, 200_000
LOSSES_OF = {
    "classes": ("binary_cross_entropy", "cross_entropy", "squared_error", "absolute_error", "huber"),
    "quantity": ("squared_error", "absolute_error", "huber", "quantile"),
}
TRAINABLE = tuple(name for name, f in ACTIVATIONS.items() if f.trainable)
Settings = dict[str, Any]

# A lesson begins without a hidden layer, the studio with two.
DEFAULTS: Settings = {
    **lessons.DEFAULTS,
    "layers": [{"units": 6, "activation": "tanh"}, {"units": 4, "activation": "tanh"}],
}


def checked(settings: Any) -> Settings:
    """Whole settings from a part of them; what is left out is the default.

    Raises:
        InputError: A name that does not exist, or a value out of range.

    >>> checked({"rate": 0.1})["rate"], checked({"layers": []})["layers"]
    (0.1, [])
    >>> checked({"rate": "fast"})
    Traceback (most recent call last):
    glassnet.errors.InputError: rate is 'fast', but a number from 1e-06 to 100 was needed.
    """
    given = _mapping(settings, "the settings")
    for name in given:
        if name not in DEFAULTS:
            raise unknown_name("setting", name, DEFAULTS)
    found = {name: CHECKS[name](name, given.get(name, default)) for name, default in DEFAULTS.items()}
    return found


def number(name: str, value: Any, low: float, high: float) -> float:
    """A finite number in that range."""
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not abs(value) <= 1e300 or not low <= value <= high:
        raise InputError(f"{name} is {_shown(value)}, but a number from {low:g} to {high:g} was needed.")
    return float(value)


def whole(name: str, value: Any, low: int, high: int) -> int:
    """A whole number in that range."""
    real = isinstance(value, int | float) and not isinstance(value, bool)
    if not real or not abs(value) <= 1e300 or value != int(value) or not low <= value <= high:
        raise InputError(f"{name} is {_shown(value)}, but a whole number from {low} to {high} was needed.")
    return int(value)


def text(name: str, value: Any, longest: int = 2000) -> str:
    """A text."""
    if not isinstance(value, str) or len(value) > longest:
        raise InputError(f"{name} is {_shown(value)}, but a text of at most {longest} letters was needed.")
    return value


def flag(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InputError(f"{name} is {_shown(value)}, but true or false was needed.")
    return value


def one_of(name: str, value: Any, known: Any) -> str:
    """One of the known names."""
    if not isinstance(value, str) or value not in known:
        raise unknown_name(name, value if isinstance(value, str) else _shown(value), known)
    return value


def listed(name: str, value: Any, most: int) -> list[Any]:
    """A list that is not too long."""
    if not isinstance(value, list) or len(value) > most:
        raise InputError(f"{name} is {_shown(value)}, but a list of at most {most} was needed.")
    return value


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{name} is {_shown(value)}, but an object was needed.")
    return value


def _shown(value: Any) -> str:
    """A value as a message shows it: not all of a long one."""
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    shown = repr(value) if isinstance(value, str | int | float | bool | None) else f"of type {type(value).__name__}"
    return shown if len(shown) <= 60 else shown[:60] + "…"


def _data(name: str, value: Any) -> Settings:
    given = _mapping(value, name)
    kind = one_of("kind of data", given.get("kind"), (*DRAWN, "formula", "points", "table", "model"))
    found: Settings = {
        "kind": kind,
        "share": number("share", given.get("share", 0.67), 0.1, 0.9),
        "seed": whole("the data's seed", given.get("seed", 0), 0, 2**31),
    }
    if kind in DRAWN or kind == "formula":
        found["n"] = whole("n", given.get("n", 300), 10, MOST_ROWS)
        found["noise"] = number("noise", given.get("noise", 0.1), 0, 0.5)
    if kind == "formula":
        found["text"] = text("the formula", given.get("text", "sin(3*x1) + x2"))
    elif kind == "points":
        found["points"] = [_point(point) for point in listed("points", given.get("points", []), MOST_POINTS)]
    elif kind in ("table", "model"):
        found[kind] = text(f"the {kind}", given.get(kind, ""), 100)
        found["name"] = text("name", given.get("name", ""), 300)
    if kind == "model":
        table = given.get("table")
        found["table"] = None if table is None else text("the table", table, 100)
    if kind == "table":
        found["target"] = text("the target", given.get("target", ""), 1000)
        kinds = _mapping(given.get("columns", {}), "columns")
        found["columns"] = {text("a column", key, 1000): text("a kind", kinds[key], 20) for key in kinds}
    return found


def _point(value: Any) -> list[float]:
    point = listed("a point", value, 3)
    if len(point) != 3:
        raise InputError(f"A point has {len(point)} numbers, but x1, x2 and a class, 0 or 1, were needed.")
    a, b = (number(f"x{i + 1} of a point", v, -10, 10) for i, v in enumerate(point[:2]))
    return [a, b, whole("the class of a point", point[2], 0, 1)]


def _layers(name: str, value: Any) -> list[Settings]:
    layers = [_mapping(layer, "a layer") for layer in listed(name, value, MOST_LAYERS)]
    return [
        {
            "units": whole("units", layer.get("units", 4), 1, MOST_UNITS),
            "activation": one_of("activation", layer.get("activation", "tanh"), TRAINABLE),
        }
        for layer in layers
    ]


def _features(name: str, value: Any) -> list[str]:
    found = [text("a feature", feature) for feature in listed(name, value, MOST_FEATURES * 8)]
    if len(set(found)) < len(found):
        raise InputError("A feature is named twice.")
    return found


def _within(low: float, high: float) -> Callable[[str, Any], float]:
    return lambda name, value: number(name, value, low, high)


CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "data": _data,
    "features": _features,
    "layers": _layers,
    "bias": flag,
    "init": lambda name, value: one_of("kind of first weights", value, INITIALIZERS),
    "loss": lambda name, value: one_of("loss", value, ("auto", *LOSSES)),
    "optimizer": lambda name, value: one_of("optimizer", value, OPTIMIZERS),
    "rate": _within(1e-6, 100),
    "l2": _within(0, 1000),
    "l1": _within(0, 1000),
    "batch": lambda name, value: whole(name, value, 0, 1_000_000),
    "seed": lambda name, value: whole(name, value, 0, 2**31),
}
