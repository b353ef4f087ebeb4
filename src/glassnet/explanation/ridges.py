"""A formula of several inputs as a sum of functions of one direction each, where it is one.

f(x) = c + Σ gᵢ(wᵢ · x) is what one hidden layer is made for. Found are sums whose terms have one input each, or several
only as one combination wᵢ · x (sin(x + 2*y)), and products of two such combinations:
ab = ¼(a + b)² − ¼(a − b)². Coefficients are compared as fractions, so that nothing is rounded on the way.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from glassnet.explanation.formulas import Formula
from glassnet.explanation.functions import FormulaFunction
from glassnet.explanation.grammar import Call, Name, Node, Number, used
from glassnet.nn.elementary import Array

U = Name("u")  # wᵢ · x


@dataclass(frozen=True, eq=False)
class Ridge:
    """g(w · x): w (d,), and g on the range that w · x has."""

    direction: Array
    function: FormulaFunction


def ridge_sum(function: FormulaFunction) -> tuple[Formula, list[Ridge]] | None:
    """c, without a name in it, and the ridges of a formula; None where it is no such sum.

    >>> from glassnet.explanation.functions import as_function
    >>> c, ridges = ridge_sum(as_function("x1**2 + sin(x1 + 2*x2) + 3", (0, 1)))
    >>> str(c), [(r.direction.tolist(), r.function.text) for r in ridges]
    ('(0 + 3)', [([1.0, 0.0], '(u ** 2)'), ([1.0, 2.0], 'sin(u)')])
    >>> ridge_sum(as_function("sin(x*y)", (0, 1))) is None
    True
    """
    rest: Node = Number(0.0)
    found: dict[tuple[float, ...], Node] = {}
    for term in _terms(function.formula.tree, lambda node: node):
        if not used(term.node):
            rest = Call("+", (rest, term.wrap(term.node)))
            continue
        parts = _ridges(term.node, function.names)
        if parts is None:
            return None
        for direction, tree in parts:
            wrapped = term.wrap(tree)
            found[direction] = Call("+", (found[direction], wrapped)) if direction in found else wrapped
    found = found or {(1.0, *(0.0 for _ in function.names[1:])): Number(0.0)}  # a constant
    ridges = [_ridge(np.array(direction), tree, function) for direction, tree in found.items()]
    return Formula(str(rest), ("u",), rest), ridges


def _ridge(direction: Array, tree: Node, function: FormulaFunction) -> Ridge:
    """With the range of w · x over the box, rounded outwards."""
    ends = direction * np.array([function.lo, function.hi])
    room = 1e-15 * np.abs(ends).sum() if np.count_nonzero(direction) > 1 or not set(direction) <= {0.0, 1.0} else 0.0
    lo, hi = ends.min(axis=0).sum() - room, ends.max(axis=0).sum() + room
    formula = Formula(str(tree), ("u",), tree)
    return Ridge(direction, FormulaFunction(str(tree), ("u",), np.array([lo]), np.array([hi]), formula=formula))


@dataclass(frozen=True)
class _Term:
    """A term, and what stands around it: factors and signs."""

    node: Node
    wrap: Callable[[Node], Node]


def _terms(node: Node, wrap: Callable[[Node], Node]) -> Iterator[_Term]:
    """The terms of a sum, through signs and constant factors."""
    if isinstance(node, Call):
        operation, arguments = node.operation, node.arguments
        if operation in ("+", "-"):
            yield from _terms(arguments[0], wrap)
            yield from _terms(arguments[1], wrap if operation == "+" else lambda part: wrap(Call("neg", (part,))))
            return
        if operation == "neg":
            yield from _terms(arguments[0], lambda part: wrap(Call("neg", (part,))))
            return
        if operation in ("*", "/") and used(arguments[0]) and not used(arguments[1]):
            yield from _terms(arguments[0], lambda part: wrap(Call(operation, (part, arguments[1]))))
            return
        if operation == "*" and not used(arguments[0]) and used(arguments[1]):
            yield from _terms(arguments[1], lambda part: wrap(Call("*", (arguments[0], part))))
            return
    yield _Term(node, wrap)


def _ridges(node: Node, names: tuple[str, ...]) -> list[tuple[tuple[float, ...], Node]] | None:
    """A term as ridges: direction and g(u), or None."""
    inputs = used(node)
    if len(inputs) == 1:
        return [(tuple(float(name in inputs) for name in names), _renamed(node))]
    if isinstance(node, Call) and node.operation == "*":
        a, b = (_affine(part) for part in node.arguments)
        if a is not None and b is not None and (squares := _product(a, b, names)):
            return squares
    return _one_direction(node, names)


def _renamed(node: Node) -> Node:
    """With u for its only name."""
    if isinstance(node, Call):
        return Call(node.operation, tuple(map(_renamed, node.arguments)))
    return U if isinstance(node, Name) else node


Affine = tuple[dict[str, Fraction], Fraction]  # coefficients and constant


def _affine(node: Node) -> Affine | None:
    """w · x + b, where the node is that."""
    if isinstance(node, Number):
        return {}, Fraction(node.value)
    if isinstance(node, Name):
        return {node.name: Fraction(1)}, Fraction(0)
    parts = [_affine(part) for part in node.arguments] if node.operation in ("+", "-", "*", "/", "neg") else [None]
    if any(part is None for part in parts):
        return None
    known = [part for part in parts if part is not None]
    if node.operation == "neg":
        return _combined(known[0], known[0], Fraction(-1), Fraction(0))
    a, b = known
    if node.operation in ("+", "-"):
        return _combined(a, b, Fraction(1), Fraction(1 if node.operation == "+" else -1))
    if node.operation == "*" and not a[0]:
        a, b = b, a
    if b[0] or (node.operation == "/" and not b[1]):
        return None
    return _combined(a, a, b[1] if node.operation == "*" else 1 / b[1], Fraction(0))


def _combined(a: Affine, b: Affine, p: Fraction, q: Fraction) -> Affine:
    """pa + qb."""
    names = dict.fromkeys([*a[0], *b[0]])
    weights = {name: p * a[0].get(name, Fraction(0)) + q * b[0].get(name, Fraction(0)) for name in names}
    return {name: weight for name, weight in weights.items() if weight}, p * a[1] + q * b[1]


def _exact(value: Fraction) -> bool:
    """Whether a float is this number."""
    try:
        return Fraction(float(value)) == value
    except OverflowError:
        return False


def _direction(a: Affine, names: tuple[str, ...]) -> tuple[float, ...] | None:
    weights = [a[0].get(name, Fraction(0)) for name in names]
    return tuple(map(float, weights)) if all(map(_exact, weights)) and any(weights) else None


def _product(a: Affine, b: Affine, names: tuple[str, ...]) -> list[tuple[tuple[float, ...], Node]] | None:
    """ab = ¼(a + b)² − ¼(a − b)²."""
    ridges: list[tuple[tuple[float, ...], Node]] = []
    for sign in (1, -1):
        both = _combined(a, b, Fraction(1), Fraction(sign))
        direction = _direction(both, names)
        if direction is None or not _exact(both[1]):
            return None  # or a² of one direction, which _one_direction finds
        shifted: Node = Call("+", (U, Number(float(both[1])))) if both[1] else U
        square = Call("**", (shifted, Number(2.0)))
        ridges.append((direction, Call("*", (Number(0.25 * sign), square))))
    return ridges


def _one_direction(node: Node, names: tuple[str, ...]) -> list[tuple[tuple[float, ...], Node]] | None:
    """g(w · x), where all inputs come in multiples of one combination."""
    # Where all inputs cancel, any direction will do.
    first = next((part for part in _affine_parts(node) if part[0]), ({names[0]: Fraction(1)}, Fraction(0)))
    direction = _direction(first, names)
    if direction is None:
        return None
    tree = _in_terms_of(node, first)
    return None if tree is None else [(direction, tree)]


def _affine_parts(node: Node) -> Iterator[Affine]:
    """The largest affine parts that have names, from left to right."""
    if not used(node):
        return
    found = _affine(node)
    if found is not None:
        yield found
    elif isinstance(node, Call):
        for part in node.arguments:
            yield from _affine_parts(part)


def _in_terms_of(node: Node, first: Affine) -> Node | None:
    """The node with su + t in the place of each affine part, u = w · x; None where one is no multiple of w."""
    if not used(node):
        return node
    found = _affine(node)
    if found is None:
        assert isinstance(node, Call)
        parts = [_in_terms_of(part, first) for part in node.arguments]
        return None if None in parts else Call(node.operation, tuple(part for part in parts if part is not None))
    name, weight = next(iter(first[0].items()))
    scale, shift = found[0].get(name, Fraction(0)) / weight, found[1]
    wanted = {other: scale * w for other, w in first[0].items()} if scale else {}
    if found[0] != wanted or not (_exact(scale) and _exact(shift)):
        return None
    if not scale:
        return Number(float(shift))
    scaled: Node = U if scale == 1 else Call("*", (Number(float(scale)), U))
    return Call("+", (scaled, Number(float(shift)))) if shift else scaled
