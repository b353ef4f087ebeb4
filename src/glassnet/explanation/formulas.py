"""Formulas that people type, "x1**2 + x2**2" or "sin(6*x) + x", as functions of columns."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.errors import InputError, unknown_name
from glassnet.explanation.grammar import ON_ARRAYS, Call, Name, Node, Number, Parser, evaluate, used
from glassnet.nn.elementary import Array

__all__ = ["Call", "Formula", "Name", "Node", "Number"]


@dataclass(frozen=True)
class Formula:
    """A formula of named variables, made by `Formula.parse`.

    Attributes:
        text: As it was typed.
        names: Its variables, in the order in which columns of an array are given.
        tree: What it says.

    >>> f = Formula.parse("sin(6*x) + x")
    >>> f.names, f(np.array([0.0, 0.5])).round(3).tolist()
    (('x',), [0.0, 0.641])
    >>> Formula.parse("x1**2 + x2**2", ["x1", "x2"])(np.array([[3.0, 4.0]])).tolist()
    [25.0]
    """

    text: str
    names: tuple[str, ...]
    tree: Node

    @classmethod
    def parse(cls, text: str, names: Sequence[str] | None = None) -> "Formula":
        """Read a formula.

        Numbers, names, + − * / ** and ^, parentheses, the functions sin cos tan exp log sqrt abs tanh min max sign and
        the constants pi and e. A name that is no identifier stands in backquotes: `bill length` * 2.

        Args:
            text: The formula.
            names: The variables that may occur; a variable called e or pi hides the constant. Left out, all names that
                occur are variables, in the order of their letters and numbers (x2 before x10).

        Raises:
            InputError: What is no formula, or one beyond the limits; it points at the place.
            UnknownNameError: A name that is none of `names`, or a function that does not exist.

        >>> Formula.parse("2*y + sin(z")
        Traceback (most recent call last):
        glassnet.errors.InputError: The formula ends where ')' was needed.
            2*y + sin(z
                       ^
        """
        if not isinstance(text, str):
            raise InputError(f"The formula is {text!r}, but a text was needed, as 'sin(6*x) + x'.")
        known = None if names is None else tuple(str(name) for name in names)
        tree = Parser(text, known).parse()
        return cls(text, tuple(sorted(used(tree), key=_in_order)) if known is None else known, tree)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """Those of `names` that occur."""
        found = used(self.tree)
        return tuple(name for name in self.names if name in found)

    def __call__(self, x: Any) -> Array:
        """The values (n,) of an array (n, d), of d columns in the order of `names`, or of a dict of columns (n,).

        Of one variable the array may be (n,). Where the formula has no value there is nan or inf, as NumPy has it.
        """
        columns = self._columns(x)
        first = next(iter(x.values()), ()) if isinstance(x, Mapping) else x
        n = np.broadcast_shapes(*(column.shape for column in columns.values())) if columns else (len(first),)
        with np.errstate(all="ignore"):
            value = evaluate(self.tree, columns, ON_ARRAYS, np.asarray)
        return np.broadcast_to(np.asarray(value, dtype=np.float64), n).copy()

    def _columns(self, x: Any) -> dict[str, Array]:
        """The columns by name."""
        if isinstance(x, Mapping):
            missing = [name for name in self.used if name not in x]
            if missing:
                raise unknown_name("column", missing[0], map(str, x))
            return {str(name): np.asarray(column, dtype=np.float64) for name, column in x.items() if name in self.used}
        x = np.asarray(x, dtype=np.float64)
        if x.ndim == 1 and len(self.names) == 1:
            x = x[:, None]
        if x.ndim != 2 or x.shape[1] != len(self.names):
            raise InputError(
                f"The formula takes (n, {len(self.names)}), one column for each of {', '.join(self.names)}, but x has "
                f"shape {x.shape}."
            )
        return {name: x[:, j] for j, name in enumerate(self.names)}

    def __str__(self) -> str:
        return self.text


def _in_order(name: str) -> list[tuple[int, str]]:
    """A key by which x2 comes before x10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
