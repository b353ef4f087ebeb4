"""Operators of ONNX put one after another, and the columns of a table as such operators.

Every operator here is one that onnxruntime has in float and double alike, of opset 17.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.data.dates import CYCLES, DAY
from glassnet.data.schema import Column
from glassnet.exports.zones import transitions
from glassnet.nn.elementary import Array

MARCH_TO_EPOCH = 719_468  # days from 0000-03-01 to 1970-01-01
ERA, CENTURY, FOUR_YEARS, YEAR = 146_097, 36_524, 1_460, 365  # days; of four years, without its leap day


@dataclass
class Graph:
    """Nodes in their order, and constants; names are paths, so that none is a column's.

    Attributes:
        farthest: |z| beyond which the model's sine holds z at this bound.
    """

    farthest: float
    nodes: list[tuple[str, list[str], str, str, dict[str, Any]]] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def op(self, kind: str, *inputs: str | Array, domain: str = "", **attributes: Any) -> str:
        """Another node: the name of what it gives. Arrays among its inputs become constants."""
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        output = f"/glassnet/{len(self.nodes)}/{kind}"
        self.nodes.append((kind, names, output, domain, attributes))
        return output

    def constant(self, array: Array) -> str:
        """An array with a name."""
        name = f"/glassnet/constant/{len(self.constants)}"
        self.constants[name] = array
        return name

    def cast(self, x: str, dtype: Any) -> str:
        """x in another dtype of NumPy."""
        return self.op("Cast", x, to=np.dtype(dtype))

    def where(self, condition: str, yes: str | Array, no: str | Array) -> str:
        """One or the other, elementwise."""
        return self.op("Where", condition, yes, no)

    def joined(self, parts: list[str]) -> str:
        """Columns (n, …) side by side."""
        return parts[0] if len(parts) == 1 else self.op("Concat", *parts, axis=1)

    def columns(self, x: str, start: int, stop: int) -> str:
        """x[:, start:stop]."""
        return self.op("Slice", x, *(np.array([i]) for i in (start, stop, 1)))


def features_of(g: Graph, columns: tuple[Column, ...], made: dict[Column, str]) -> str:
    """Prepared features (n, d), double, of the inputs that the columns name; `made` keeps what views share."""
    for column in columns:
        if column not in made:
            made[column] = FEATURES[column.kind](g, column)
    return g.joined([made[column] for column in columns])


def _number(g: Graph, column: Column) -> str:
    missing = g.op("IsNaN", column.name)
    value = g.where(missing, np.array(column.median), column.name)
    if column.pieces:
        ends = np.array(column.pieces)
        part = g.op("Div", g.op("Sub", value, ends[None, :-1]), np.diff(ends)[None])
        x = g.op("Sub", g.op("Clip", part, np.array(0.0), np.array(1.0)), np.array([column.filled]))
    else:
        x = g.op("Div", g.op("Sub", value, np.array(column.mean)), np.array(column.scale))
    return _flagged(g, column, [x], missing)


def _boolean(g: Graph, column: Column) -> str:
    missing = g.op("IsNaN", column.name)
    side = g.op("Sub", g.op("Mul", column.name, np.array(2.0)), np.array(1.0))
    return _flagged(g, column, [g.where(missing, np.array(0.0), side)], missing)


def _category(g: Graph, column: Column) -> str:
    known, width = len(column.values), len(column.values) + column.pooled + bool(column.n_missing)
    nowhere = -1
    code = g.op(
        "LabelEncoder",
        column.name,
        domain="ai.onnx.ml",
        keys_strings=[*column.values, ""],
        values_int64s=[*range(known), width - 1 if column.n_missing else nowhere],
        default_int64=known if column.pooled else nowhere,
    )
    return g.cast(g.op("Equal", code, np.arange(width)[None]), np.float64)


def _date(g: Graph, column: Column) -> str:
    missing = g.op("IsNaN", column.name)
    utc = g.where(missing, np.array(column.median), column.name)
    x = [g.op("Div", g.op("Sub", utc, np.array(column.mean)), np.array(column.scale))]
    if column.cycles:
        local = _local(g, utc, column.zone)
        days = g.op("Floor", g.op("Div", local, np.array(DAY)))
        for name in column.cycles:
            x += _turn(g, PHASES[name](g, local, days), missing)
    return _flagged(g, column, x, missing)


def _time(g: Graph, column: Column) -> str:
    missing = g.op("IsNaN", column.name)
    seconds = g.where(missing, np.array(0.0), column.name)
    return _flagged(g, column, _turn(g, g.op("Div", seconds, np.array(DAY)), missing), missing)


def _flagged(g: Graph, column: Column, x: list[str], missing: str) -> str:
    """Features, with the flag for missing cells if training had any."""
    return g.joined([*x, *([g.cast(missing, np.float64)] if column.n_missing else [])])


def _turn(g: Graph, phase: str, missing: str) -> list[str]:
    """sin and cos of a whole turn times the phase; 0 where it is missing."""
    angle = g.op("Mul", phase, np.array(2 * np.pi))
    return [g.where(missing, np.array(0.0), g.op(wave, angle)) for wave in ("Sin", "Cos")]


def _local(g: Graph, utc: str, zone: str) -> str:
    """What the clock of a zone shows: UTC, and how far each change so far has put it forward."""
    if not zone:
        return utc
    starts, ahead = transitions(zone)
    local = g.op("Add", utc, np.array(ahead[0]))
    if starts:
        passed = g.cast(g.op("GreaterOrEqual", utc, np.array([starts])), np.float64)
        local = g.op("Add", local, g.op("MatMul", passed, np.diff(ahead)[:, None]))
    return local


def _day_of_year(g: Graph, local: str, days: str) -> str:
    """(day − 1) / days of the year: years are counted from March, so that a leap day is the last of its year."""

    def whole(kind: str, a: str, b: str | int) -> str:
        return g.op(kind, a, b if isinstance(b, str) else np.array(b))

    day = whole("Add", g.cast(days, np.int64), MARCH_TO_EPOCH)
    era = whole("Div", day, ERA)
    of_era = whole("Sub", day, whole("Mul", era, ERA))
    leaps = whole("Sub", whole("Div", of_era, FOUR_YEARS), whole("Div", of_era, CENTURY))
    year = whole("Div", whole("Sub", whole("Sub", of_era, leaps), whole("Div", of_era, ERA - 1)), YEAR)
    before = whole("Sub", whole("Add", whole("Mul", year, YEAR), whole("Div", year, 4)), whole("Div", year, 100))
    since_march = whole("Sub", of_era, before)
    winter = g.op("GreaterOrEqual", since_march, np.array(306))  # January and February, of the year that follows
    calendar = whole("Add", whole("Add", year, whole("Mul", era, 400)), g.cast(winter, np.int64))
    fours, centuries, eras = (g.op("Equal", whole("Mod", calendar, n), np.array(0)) for n in (4, 100, 400))
    leap = g.cast(g.op("Or", g.op("And", fours, g.op("Not", centuries)), eras), np.int64)
    ordinal = g.where(winter, whole("Sub", since_march, 306), whole("Add", whole("Add", since_march, 59), leap))
    return g.op("Div", g.cast(ordinal, np.float64), g.cast(whole("Add", leap, 365), np.float64))


def _day_of_week(g: Graph, local: str, days: str) -> str:
    since_monday = g.op("Mod", g.op("Add", g.cast(days, np.int64), np.array(3)), np.array(7))  # 1970 began on Thursday
    return g.op("Div", g.cast(since_monday, np.float64), np.array(7.0))


def _hour_of_day(g: Graph, local: str, days: str) -> str:
    return g.op("Div", g.op("Sub", local, g.op("Mul", days, np.array(DAY))), np.array(DAY))


PHASES: dict[str, Callable[[Graph, str, str], str]] = dict(
    zip(CYCLES, (_day_of_year, _day_of_week, _hour_of_day), strict=True)
)
FEATURES: dict[str, Callable[[Graph, Column], str]] = {
    "number": _number,
    "count": _number,
    "boolean": _boolean,
    "category": _category,
    "date": _date,
    "time": _time,
    "duration": _number,
}
