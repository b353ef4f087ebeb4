"""A table of many columns in a picture of two: what stands where, in which units, and what the others are held at."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import QUANTITIES, Column
from glassnet.errors import InputError
from glassnet.nn.elementary import Array

if TYPE_CHECKING:
    from glassnet.studio.problems import Problem


def places_of(preprocessor: Preprocessor) -> dict[str, list[int]]:
    """Where the features of each column stand, by its name."""
    places: dict[str, list[int]] = {}
    for j, feature in enumerate(preprocessor.features):
        places.setdefault(feature.column, []).append(j)
    return places


def affine_of(preprocessor: Preprocessor) -> tuple[tuple[float, float], ...]:
    """The own units of features that are a number of their column; others are in theirs already."""
    affine = [(0.0, 1.0)] * len(preprocessor.features)
    places = places_of(preprocessor)
    for column in preprocessor.columns:
        if column.kind in QUANTITIES and column.name in places:
            affine[places[column.name][0]] = (column.mean, column.scale)
    return tuple(affine)


def typical_row(preprocessor: Preprocessor, raw: Array) -> Array:
    """A row in the middle of numbers, and of categories the most frequent."""
    base = np.median(raw, axis=0)
    places = places_of(preprocessor)
    for column in preprocessor.columns:
        if column.kind == "category" and column.name in places:
            where = places[column.name]
            base[where] = 0
            base[where[int(raw[:, where].sum(axis=0).argmax())]] = 1
    return base


def held_choices(problem: "Problem") -> dict[str, Any]:
    """For each column of a table what a picture may hold it at: values of a category, the range of a number."""
    if problem.preprocessor is None:
        return {}
    choices: dict[str, Any] = {}
    places = places_of(problem.preprocessor)
    for column in problem.preprocessor.columns:
        where = places.get(column.name)
        if where is None:
            continue
        if column.kind == "category":
            features = [problem.preprocessor.features[j] for j in where]
            choices[column.name] = [feature.category or feature.kind for feature in features]
        elif column.kind == "boolean":
            choices[column.name] = ["no", "yes"]
        else:
            lo, hi = (float(problem.raw[:, where[0]].min()), float(problem.raw[:, where[0]].max()))
            mean, scale = problem.affine[where[0]]
            choices[column.name] = [mean + scale * lo, mean + scale * hi]
    return choices


def hold(problem: "Problem", held: Mapping[str, Any]) -> Array:
    """The base row (d,) with some columns at chosen values.

    Raises:
        InputError: A column or value that there is not.
    """
    base = problem.base.copy()
    if problem.preprocessor is None:
        return base
    choices, places = held_choices(problem), places_of(problem.preprocessor)
    kinds: dict[str, Column] = {column.name: column for column in problem.preprocessor.columns}
    for name, value in held.items():
        if name not in choices:
            raise InputError(f"There is no column {str(name)[:60]!r} to hold.")
        where = places[name]
        if kinds[name].kind == "category":
            if value not in choices[name]:
                raise InputError(f"{name!r} has no value {str(value)[:60]!r}.")
            base[where] = 0
            base[where[choices[name].index(value)]] = 1
        elif kinds[name].kind == "boolean":
            base[where[0]] = 1.0 if value in ("yes", True) else -1.0
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
            mean, scale = problem.affine[where[0]]
            base[where[0]] = (value - mean) / scale
        else:
            raise InputError(f"{name!r} is held at a number, but {str(value)[:60]!r} came.")
    return base
