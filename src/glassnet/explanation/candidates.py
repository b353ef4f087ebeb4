"""Features that people make by hand, as formulas of the columns at hand, for `name_features` to look for."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from glassnet.explanation.formulas import Formula
from glassnet.nn.elementary import Array

OFF_CENTRE = 0.25  # standard deviations: a mean further from 0 than this is taken off before squaring
ALIKE = 0.9999  # two candidates that go together like this are one


def usual_formulas(columns: Mapping[str, Array]) -> list[str]:
    """Squares, cubes, absolute values, sines, exponentials, logarithms, products and distances of columns.

    A column far from 0 is taken relative to its mean, and in sin and exp relative to its spread too, both rounded, so
    that what the formula says is all there is: the square of a mass about 4000 is nearly a line.

    >>> usual_formulas({"x1": np.array([-1.0, 0.0, 1.0])})
    ['x1**2', 'x1**3', 'abs(x1)', 'sin(x1)', 'sin(2*x1)', 'exp(x1)']
    >>> usual_formulas({"mass": np.array([3000.0, 4000.0, 5000.0])})[0]
    '(mass - 4000)**2'
    """
    terms = [_term(name, column) for name, column in columns.items()]
    found: list[str] = []
    for (name, column), term in zip(columns.items(), terms, strict=True):
        found += _of_one(name, column, term)
    for (u, u_scale), (v, v_scale) in combinations(terms, 2):
        found.append(f"{u}*{v}")
        # A distance needs one unit; columns of very different spread are measured in theirs.
        a, b = (u, v) if 1 / 3 < u_scale / v_scale < 3 else (_scaled(u, u_scale), _scaled(v, v_scale))
        found += [f"{_squared(a)} + {_squared(b)}", f"sqrt({_squared(a)} + {_squared(b)})"]
    if len(terms) > 2:
        every = " + ".join(_squared(_scaled(u, scale)) for u, scale in terms)
        found += [every, f"sqrt({every})"]
    return found


def values(formulas: Sequence[str], columns: Mapping[str, Array], keep: int) -> tuple[list[str], Array]:
    """The formulas that vary and are finite on all rows, one of any that are alike, and their values (n, C).

    Args:
        formulas: What to evaluate.
        columns: Of each name, (n,).
        keep: How many of the first ones stay whatever they are like.
    """
    matrix, names = np.column_stack([*columns.values()]), tuple(columns)
    kept: list[str] = []
    made: list[Array] = []
    standard: list[Array] = []
    for i, text in enumerate(formulas):
        g = Formula.parse(text, names)(matrix)
        spread = g.std() if np.isfinite(g).all() else 0.0
        if not spread > 1e-12 * (1 + np.abs(g).max()):
            continue
        unit = (g - g.mean()) / (spread * np.sqrt(len(g)))
        if i >= keep and standard and np.abs(np.stack(standard) @ unit).max() > ALIKE:
            continue
        kept.append(text)
        made.append(g)
        standard.append(unit)
    return kept, np.column_stack(made) if made else np.empty((len(matrix), 0))


def _term(name: str, column: Array) -> tuple[str, float]:
    """The column about its middle, as a text, and its spread with two digits."""
    mean, scale, text = float(column.mean()), float(column.std()), _quoted(name)
    if abs(mean) > OFF_CENTRE * scale:
        digits = 1 - int(np.floor(np.log10(scale)))  # the mean to a hundredth of the spread or so
        middle = round(mean, digits)
        text = f"({text} {'-' if middle > 0 else '+'} {abs(middle):.12g})"
    return text, float(f"{scale:.2g}")


def _quoted(name: str) -> str:
    """A name as formulas have it."""
    return name if name.isidentifier() else f"`{name}`"


def _scaled(term: str, scale: float) -> str:
    """A term in its own spread, where that is not about 1."""
    return term if 1 / 3 < scale < 3 else f"{term}/{scale:g}"


def _squared(term: str) -> str:
    return f"({term})**2" if "/" in term else f"{term}**2"


def _of_one(name: str, column: Array, term: tuple[str, float]) -> Iterator[str]:
    u, scale = term
    bare = u[1:-1] if u.startswith("(") else u
    yield from (f"{u}**2", f"{u}**3", f"abs({bare})")
    if column.min() > 0:
        yield f"log({_quoted(name)})"
    s = _scaled(u, scale)
    inside = bare if s == u else s
    yield from (f"sin({inside})", f"sin(2*{s})", f"exp({inside})")
