"""What the page is told of a run: its rows, its network, what may be chosen."""

from functools import cache
from typing import Any

import numpy as np

from glassnet.data.cells import elided
from glassnet.data.schema import KINDS, QUANTITIES, Column
from glassnet.nn import INITIALIZERS, OPTIMIZERS
from glassnet.studio.history import History
from glassnet.studio.pictures import Look, Pictures
from glassnet.studio.problems import make_problem
from glassnet.studio.run import Run
from glassnet.studio.settings import (
    DRAWN,
    LOSSES_OF,
    MOST_LAYERS,
    MOST_POINTS,
    MOST_UNITS,
    TRAINABLE,
    checked,
)
from glassnet.studio.slices import held_choices

SUPERSCRIPTS, SUBSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"), str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
THUMB_POINTS = 60
CANDIDATES = (  # engineered features of a plane
    ("{0}**2", "{0}²"),
    ("{1}**2", "{1}²"),
    ("{0}*{1}", "{0}{1}"),
    ("sin(pi*{0})", "sin π{0}"),
    ("sin(pi*{1})", "sin π{1}"),
    ("{0}**2 + {1}**2", "{0}² + {1}²"),
)
LINE_CANDIDATES = (("{0}**2", "{0}²"), ("{0}**3", "{0}³"), ("sin(pi*{0})", "sin π{0}"))


def label(name: str) -> str:
    """A name with its number as a subscript: x1 → x₁.

    >>> label("x1"), label("bill_length")
    ('x₁', 'bill_length')
    """
    letters = name.rstrip("0123456789")
    return letters + name[len(letters) :].translate(SUBSCRIPTS) if 0 < len(letters) <= 2 else name


def column_note(column: Column) -> str:
    """What training saw in a column, in a few words.

    >>> column_note(Column("size", "number", n_missing=3, minimum=1.5, maximum=12.0))
    '1.5 to 12, 3 missing'
    >>> column_note(Column("town", "category", values=("Bern", "Graz"))), column_note(Column("id", "ignore", note="x"))
    ('2 values: Bern, Graz', 'x')
    """
    if column.note or column.kind == "ignore":
        return column.note
    told = ""
    if column.kind == "category":
        told = f"{len(column.values)} values: {elided(column.values, 4)}"
    elif column.kind in QUANTITIES:
        told = f"{column.minimum:g} to {column.maximum:g}"
    elif column.kind == "date":
        told = f"a trend{''.join(f', {cycle}' for cycle in column.cycles)}"
    missing = f"{column.n_missing} missing" if column.n_missing else ""
    return ", ".join(part for part in (told, missing) if part)


def candidates(run: Run) -> list[dict[str, Any]]:
    """Features that can be switched on and off: raw ones, engineered ones, the user's own."""
    problem, on = run.problem, run.settings["features"]
    drawn = problem.preprocessor is None and problem.model is None
    found = [  # a table's names are shown as they are
        {"name": name, "label": label(name) if drawn else name, "formula": False, "removable": False}
        for name in problem.names
    ]
    if drawn:
        offered = CANDIDATES if len(problem.names) == 2 else LINE_CANDIDATES
        names = problem.names
        found += [
            {
                "name": formula.format(*names),
                "label": shown.format(*map(label, names)),
                "formula": True,
                "removable": False,
            }
            for formula, shown in offered
        ]
    known = {item["name"] for item in found}
    found += [{"name": name, "label": name, "formula": True, "removable": True} for name in on if name not in known]
    return [
        item | {"on": item["name"] in on, "place": on.index(item["name"]) if item["name"] in on else None}
        for item in found
    ]


def layer_names(run: Run) -> list[dict[str, Any]]:
    """Letters and names of every layer: with several hidden ones h¹₁, h²₁, …, else h₁."""
    architecture = run.state.spec.architecture
    hidden = len(architecture.activations)
    layers: list[dict[str, Any]] = []
    for i, f in enumerate(architecture.activations):
        number = str(i + 1) if hidden > 1 else ""
        units = architecture.sizes[i + 1]
        names = [f"h{number.translate(SUPERSCRIPTS)}{str(j + 1).translate(SUBSCRIPTS)}" for j in range(units)]
        layers.append({"letter": "w", "sup": number, "units": units, "activation": f.name, "names": names})
    outputs = run.problem.outputs
    letter = "v" if hidden else "w"
    if run.origin is not None:
        letter = _products(run)[-1]
        for layer, product in zip(layers, _products(run), strict=False):
            layer["letter"] = product
    layers.append(
        {"letter": letter, "sup": "", "units": len(outputs), "activation": "identity", "names": list(outputs)}
    )
    return layers


def _products(run: Run) -> list[str]:
    """What the weights of a folded network are called: wv where two were multiplied."""
    assert run.origin is not None
    fs = [f.name for f in run.origin.state.spec.architecture.activations]
    letters = [f"w{str(i + 1).translate(SUPERSCRIPTS)}" if len(fs) > 1 else "w" for i in range(len(fs))] + ["v"]
    products = [letters[0]]
    for name, letter in zip(fs, letters[1:], strict=True):
        if name == "identity":
            products[-1] += letter
        else:
            products.append(letter)
    return products


def describe_run(run: Run, look: Look, pictures: Pictures, version: int, undo: int) -> dict[str, Any]:
    """The message "run"."""
    problem, architecture = run.problem, run.state.spec.architecture
    preprocessor = problem.preprocessor
    columns = None
    if preprocessor is not None:
        columns = [{"name": c.name, "kind": c.kind, "note": column_note(c)} for c in preprocessor.columns]
    axes = look.axes(problem)
    return {
        "version": version,
        "settings": (run.origin or run).settings,
        "title": problem.title,
        "kind": problem.kind,
        "classes": list(problem.classes),
        "target": problem.target,
        "outputs": list(problem.outputs),
        "sizes": list(architecture.sizes),
        "parameters": architecture.n_parameters,
        "blocks": [
            {"w": [w.start, w.stop], "b": [b.start, b.stop] if b.stop > b.start else None}
            for w, b in architecture.blocks()[: len(architecture.shapes)]
        ],
        "inputs": candidates(run),
        "layers": layer_names(run),
        "frozen": run.frozen,
        "rows": {"training": len(run.data), "validation": int(problem.held.sum())},
        "view": "curve" if len(axes) == 1 else "plane",
        "axes": pictures.described_axes(),
        "plane": list(axes),
        "held": look.held,
        "choices": held_choices(problem),
        "columns": columns,
        "loss": run.loss.name,
        "losses": list(problem.losses),
        "score": "accuracy" if problem.classes else "R²",
        "target_affine": list(problem.target_affine),
        "foldable": (run.origin or run).foldable,
        "folded": run.origin is not None,
        "undo": undo,
        "own": problem.model is not None,
        "note": " ".join(problem.notes),
    }


def describe_studio(run_id: str, limits: dict[str, int], lessons: list[dict[str, Any]]) -> dict[str, Any]:
    """The message "hello": what can be chosen."""
    return {
        "run": run_id,
        "datasets": thumbs(),
        "activations": list(TRAINABLE),
        "losses": {kind: list(names) for kind, names in LOSSES_OF.items()},
        "optimizers": list(OPTIMIZERS),
        "inits": list(INITIALIZERS),
        "kinds": list(KINDS),
        "lessons": lessons,
        "limits": {"units": MOST_UNITS, "layers": MOST_LAYERS, "points": MOST_POINTS, **limits},
        "candidates": [formula for formula, _ in CANDIDATES],
    }


@cache
def thumbs() -> list[dict[str, Any]]:
    """Every drawn set of data with some of its points."""
    return [_thumb(kind) for kind in DRAWN]


def _thumb(kind: str) -> dict[str, Any]:
    problem = make_problem(checked({"data": {"kind": kind, "n": THUMB_POINTS, "noise": 0.05}})["data"], {})
    answers = problem.answers
    if not problem.classes:
        answers = answers / np.abs(answers).max()
    points = np.column_stack([problem.raw, answers]).round(3)
    return {"name": kind, "label": kind, "kind": problem.kind, "points": points.tolist()}


def describe_history(history: History) -> dict[str, Any]:
    """The message "history"."""
    return {"points": history.points, "old": history.old}
