"""Formulas as tokens, which the page sets as mathematics.

A text is a sign, {"i": "w", "sub": "26"} a letter, {"v": 0.5, "k": "value"} a number, of the kind "value", "gradient"
or "plain".
"""

from collections.abc import Callable, Sequence
from typing import Any

from glassnet.studio.run import Run

Token = Any
MOST_TERMS = 3  # of a sum; of more, the two largest and the rest


class Letters:
    """What things are called: w¹₂₆, h¹₆, x₂, y; the last layer's v and c."""

    def __init__(self, run: Run, names: Sequence[dict[str, Any]]) -> None:
        self.run, self.names = run, names
        self.last = len(names) - 1
        self.several = self.last > 1

    def _sup(self, layer: int) -> dict[str, str]:
        return {"sup": str(layer + 1)} if self.several and layer < self.last else {}

    def w(self, layer: int, i: int | str, j: int | str, *, d: bool = False) -> Token:
        """A weight, or a bias where i is "b"; `d` is its gradient."""
        if i == "b":
            letter = "c" if layer == self.last and self.last else "b"
            return {"i": letter, "sub": _one(j), "d": d, **self._sup(layer)}
        letter = self.names[layer]["letter"]
        comma = "," if any(len(_one(p)) > 1 and _one(p).isdecimal() for p in (i, j)) else ""
        return {"i": letter, "sub": f"{_one(i)}{comma}{_one(j)}", "d": d, **self._sup(layer)}

    def z(self, layer: int, j: int | str, *, d: bool = False) -> Token:
        """xw + b of a unit; of an output y."""
        if layer == self.last:
            return self.y(j, d=d)
        return {"i": "z", "sub": _one(j), "d": d, **self._sup(layer)}

    def h(self, layer: int, j: int | str, *, d: bool = False) -> Token:
        """f(z) of a unit; of layer −1 a feature."""
        if layer < 0:
            return {"i": "x", "sub": _one(j), "d": d}
        if layer == self.last:
            return self.y(j, d=d)
        return {"i": "h", "sub": _one(j), "d": d, **self._sup(layer)}

    def y(self, k: int | str, *, d: bool = False) -> Token:
        """A score."""
        several = len(self.run.problem.outputs) > 1
        return {"i": "y", "d": d, **({"sub": _one(k)} if several else {})}

    def unit(self, layer: int, j: int) -> str:
        """The name of a unit or a feature as a text."""
        if layer < 0:
            name = self.run.settings["features"][j]
            return str(name)
        return str(self.names[layer]["names"][j])


def _one(index: int | str) -> str:
    return str(index + 1) if isinstance(index, int) else index


def v(value: Any, kind: str = "value", **more: Any) -> Token:
    """A number."""
    return {"v": float(value), "k": kind, **more}


def g(value: Any, **more: Any) -> Token:
    """A gradient's number."""
    return v(value, "gradient", **more)


def total(terms: Sequence[tuple[list[Token], float]], rest: Callable[[float], Token]) -> list[Token]:
    """A sum: all terms where they are few, else the two largest and the rest."""
    if len(terms) > MOST_TERMS:
        order = sorted(terms, key=lambda term: -abs(term[1]))
        terms = [*order[:2], ([rest(float(sum(value for _, value in order[2:])))], 0.0)]
    found: list[Token] = []
    for place, (tokens, _) in enumerate(terms):
        found += (["+"] if place else []) + tokens
    return found


def slope_formula(name: str, z: float, h: float) -> list[Token]:
    """f′ with its numbers, as people write it."""
    if name == "tanh":
        return ["(", v(1, "plain"), "−", {"sq": [v(h)]}, ")"]
    if name == "logistic":
        return [v(h), "·", "(", v(1, "plain"), "−", v(h), ")"]
    if name == "identity":
        return [v(1, "plain")]
    if name == "relu":
        return [v(1 if z > 0 else 0, "plain")]
    if name == "square":
        return [v(2, "plain"), "·", v(z)]
    if name == "sine":
        return [{"fn": "cos", "of": [v(z)]}]
    return [{"i": "f"}, "′", "(", v(z), ")"]
