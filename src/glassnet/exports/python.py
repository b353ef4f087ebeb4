"""A model as one file of Python that needs the standard library alone."""

import inspect
import pprint
from importlib.metadata import version
from types import FunctionType
from typing import Any

import numpy as np

from glassnet.data.cells import as_numbers
from glassnet.data.dates import FORMS
from glassnet.data.delimited import MISSING
from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.exports import plain
from glassnet.exports.content import FARTHEST, LEAK, Content, Labels, Quantities
from glassnet.exports.python_text import (
    ARRAY_INPUT,
    HEADER,
    LABELS,
    MAIN,
    MANY_LABELS,
    MEAN,
    QUANTITIES,
    SCORES,
    SEVERAL_LABELS,
    SPREAD,
    TABLE_INPUT,
    TWO_LABELS,
)
from glassnet.exports.zones import transitions
from glassnet.nn import Network
from glassnet.nn.elementary import Array

# How `plain.date_of` is told a form: what stands between the parts, and their order.
ORDERS = {"%Y-%m-%d": "-ymd", "%d.%m.%Y": ".dmy", "%d/%m/%Y": "/dmy", "%m/%d/%Y": "/mdy", "%Y/%m/%d": "/ymd"}


def to_python(content: Content, name: str) -> str:
    """The text of the file, which is called `name`.py."""
    answer = content.answer
    body = TABLE_INPUT if content.views else ARRAY_INPUT
    body += MEAN.format(function=content.function)
    if answer is None:
        body += SCORES
    elif isinstance(answer, Labels):
        body += SEVERAL_LABELS if answer.several else TWO_LABELS if answer.binary else MANY_LABELS
        body += LABELS
    else:
        body += QUANTITIES + (SPREAD if answer.spread else "")
    kinds = [kind for kind in plain_kinds() if any(c.kind == kind for view in content.views for c in view)]
    used = [f"{kind}_features" for kind in kinds] or ["number_of"]
    used += [layer.f.name for part in content.parts for layer in part.network.layers]
    used += [f"p_{content.function}", "scores", "numbers"]
    functions = _needed(used)
    zones = sorted({column.zone for column in content.views[0]}) if content.views else []
    told = {zone: transitions(zone) if zone else plain.ZONES[""] for zone in zones}
    constants = {"LEAK": LEAK, "FARTHEST": FARTHEST[content.dtype.name], "ZONES": told}
    names = {name for function in functions for name in function.__code__.co_names}
    example = {c.name: _example(c) for c in content.views[0]} if content.views else dict.fromkeys(content.names, 0.5)
    return "\n".join(
        [
            HEADER.format(
                kind=content.kind,
                version=version("glassnet"),
                name=name,
                example=_in_docstring(pprint.pformat(example, width=100, compact=True, sort_dicts=False)),
                gives=_gives(answer),
            ),
            "import math",
            *(f"{key} = {value!r}" for key, value in constants.items() if key in names),
            *("\n\n" + inspect.getsource(function).rstrip() for function in functions),
            "\n",
            *_data(content, kinds),
            body.lstrip("\n"),
            MAIN.format(missing=pprint.pformat(MISSING, width=110, compact=True), header=_header(answer)),
        ]
    )


def run_python(content: Content, text: str, rows: list[dict[str, Any]]) -> list[Array]:
    """What the text, which we have just written, makes of rows: its outputs in their order."""
    namespace: dict[str, Any] = {"__name__": "glassnet_export"}
    exec(compile(text, "<export>", "exec"), namespace)
    if not isinstance(content.answer, Labels):
        found = [np.array(namespace["predict_many"](rows))]
        if isinstance(content.answer, Quantities) and content.answer.spread:
            found.append(np.array([namespace["predict_std"](row) for row in rows]))
        return found
    p = [namespace["predict_proba"](row) for row in rows]
    labels = [namespace["label_of"](one) for one in p]
    mixed = len({type(label) for labels in content.answer.classes for label in labels}) > 1
    text_labels = isinstance(content.answer.classes[0][0], str)
    return [np.array(labels, dtype=object if mixed or text_labels else None), np.array(p)]


def python_types(content: Content) -> tuple[dict[str, str], dict[str, str]]:
    """Kinds of the cells of a row and types of what is given for it, by their names."""
    answer = content.answer
    kinds = {c.name: c.kind for c in content.views[0]} if content.views else dict.fromkeys(content.names, "number")
    if answer is None:
        return kinds, {"y": "list of float"}
    if isinstance(answer, Quantities):
        return kinds, dict.fromkeys(content.outputs, "float" if len(answer.units) == 1 else "list of float")
    names = "|".join(sorted({type(label).__name__ for labels in answer.classes for label in labels}))
    return kinds, {"label": f"list of {names}" if answer.several else names, "probabilities": "list of float"}


def plain_kinds() -> list[str]:
    """The kinds of columns that a file can prepare."""
    return [name.removesuffix("_features") for name in vars(plain) if name.endswith("_features") and name[0] != "q"]


def _needed(names: list[str]) -> list[FunctionType]:
    """Functions of `plain`, and those that they call, in the order in which they stand there."""
    known = {name: one for name, one in vars(plain).items() if isinstance(one, FunctionType)}
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found.add(name)
            waiting += known[name].__code__.co_names
            waiting += [n for c in known[name].__code__.co_consts if hasattr(c, "co_names") for n in c.co_names]
    return [one for name, one in known.items() if name in found]


def _data(content: Content, kinds: list[str]) -> list[str]:
    """Columns, networks and answers as constants."""
    lines = []
    if content.views:
        lines += [
            "# The columns as the networks of each view see them.",
            "VIEWS = [",
            *(
                line
                for view in content.views
                for line in ["    [", *(f"        {_column(c)!r}," for c in view), "    ],"]
            ),
            "]",
            f"FEATURES = {{{', '.join(f'{kind!r}: {kind}_features' for kind in kinds)}}}",
        ]
    else:
        lines += [f"NAMES = {pprint.pformat(list(content.names), width=110, compact=True)}"]
    if isinstance(content.answer, Labels):
        several = content.answer.several
        classes = [list(labels) for labels in content.answer.classes]
        lines += [f"CLASSES = {classes if several else classes[0]!r}"]
        if several or content.answer.binary:
            lines += [f"THRESHOLDS = {list(content.answer.thresholds)!r}"]
    elif content.answer is not None:
        lines += ["# Of each quantity mean, scale and form: p · scale + mean, and of a logarithm the exponential."]
        lines += [f"UNITS = {[(unit.mean, unit.scale, unit.form) for unit in content.answer.units]!r}"]
    lines += ["# Of each network its part in the mean, the view that it sees, and its layers: w, b and f."]
    lines += ["NETWORKS = ["]
    for part in content.parts:
        lines += [f'    {{"weight": {part.weight!r}, "view": {part.view}, "layers": [']
        lines += _layers(part.network)
        skip = "[]" if part.network.skip is None else _numbers(part.network.skip.T)
        lines += [f'    ], "skip": {skip}}},']
    return [*lines, "]\n"]


def _layers(network: Network) -> list[str]:
    lines = []
    for layer in network.layers:
        bias = np.zeros((1, layer.w.shape[1])) if layer.b is None else layer.b[None]
        lines += [f"        ({_numbers(layer.w.T)}, {_numbers(bias)}[0], {layer.f.name}),"]
    return lines


def _numbers(array: Array) -> str:
    """A matrix as text that gives the same numbers: a line of each row."""
    rows = (" ".join(map(repr, row)) for row in array.astype(np.float64).tolist())
    return 'numbers("""\n' + "\n".join(rows) + '\n""")'


def _column(column: Column) -> dict[str, Any]:
    """What the features of a column are made with."""
    told: dict[str, Any] = {"name": column.name, "kind": column.kind, "flags_missing": bool(column.n_missing)}
    if column.kind in ("number", "count", "duration", "date"):
        told["median"] = float(column.median)
        if column.pieces:
            return told | {"pieces": [*map(float, column.pieces)], "filled": [*map(float, column.filled)]}
        told |= {"mean": float(column.mean), "scale": float(column.scale)}
    if column.kind == "category":
        read = as_numbers(Table.read({"v": list(column.values)})["v"]).to_list()
        by_number = {n: i for i, n in enumerate(read) if n is not None and read.count(n) == 1}
        told |= {"values": {value: i for i, value in enumerate(column.values)}, "places_by_number": by_number}
        told |= {"pools_others": column.pooled}
    if column.kind == "date":
        told |= {"form": ORDERS[column.form], "example": FORMS[column.form], "cycles": list(column.cycles)}
        told |= {"zone": column.zone}
    return told


def _in_docstring(text: str) -> str:
    """Lines of code that end no docstring, under the first of them."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return safe.replace("\n", "\n" + " " * len("    predict("))


def _example(column: Column) -> Any:
    """A cell for the header."""
    known = {"boolean": True, "time": "10:30", "date": FORMS.get(column.form)}
    if column.kind in known:
        return known[column.kind]
    return column.values[0] if column.kind == "category" else float(f"{column.median:.6g}")


def _gives(answer: Labels | Quantities | None) -> str:
    if answer is None:
        return "predict gives the scores y of a row, a list."
    if isinstance(answer, Labels):
        return (
            "predict gives a label of each target, predict_proba the probability of the second class of each."
            if answer.several
            else "predict gives a label, predict_proba the probability of each of CLASSES, in their order."
        )
    one = "predict gives a number." if len(answer.units) == 1 else "predict gives a number for each target."
    return one + (" predict_std gives the standard deviation." if answer.spread else "")


def _header(answer: Labels | Quantities | None) -> str:
    """The expression of the columns that the command prints beside the prediction."""
    if isinstance(answer, Labels):
        return 'predict_proba, ["p_" + str(c) for c in CLASSES]' if not answer.several else "predict_proba, None"
    return "None, None"
