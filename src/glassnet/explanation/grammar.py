"""The grammar of formulas: text → a tree of numbers, names and calls.

    sum      product { (+ | −) product }
    product  sign { (* | /) sign }
    sign     (− | +) sign | power
    power    atom [ ** sign ]                                    ^ is ** too
    atom     number | name | function(sum, …) | (sum)

Nothing is ever handed to Python to run. What `+` or `sin` means is decided where a tree is evaluated, so that the same
tree serves arrays, intervals and derivatives.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import e, inf, isfinite, pi
from typing import Any, NoReturn, TypeVar

import numpy as np

from glassnet.errors import InputError, UnknownNameError, unknown_name

MAX_LENGTH = 2000  # letters of a formula
MAX_LEVELS = 40  # parentheses and signs within each other
MAX_DEPTH = 200  # of the tree, which a long sum makes too
MAX_EXPONENT = 64  # of x**n

CONSTANTS = {"pi": pi, "π": pi, "e": e}
V = TypeVar("V")


@dataclass(frozen=True)
class Number:
    """A constant."""

    value: float

    def __str__(self) -> str:
        return repr(self.value).removesuffix(".0")


@dataclass(frozen=True)
class Name:
    """A variable."""

    name: str

    def __str__(self) -> str:
        return self.name if re.fullmatch(_IDENTIFIER, self.name) else f"`{self.name}`"


@dataclass(frozen=True)
class Call:
    """An operation on what its arguments say: + − * / ** of two, neg of one, or a function."""

    operation: str
    arguments: "tuple[Node, ...]"

    def __str__(self) -> str:
        parts = [str(part) for part in self.arguments]
        if self.operation == "neg":
            return f"(-{parts[0]})"
        return f"({f' {self.operation} '.join(parts)})" if self.operation in _SIGNS else self._called(parts)

    def _called(self, parts: list[str]) -> str:
        return f"{self.operation}({', '.join(parts)})"


Node = Number | Name | Call

_SIGNS = ("+", "-", "*", "/", "**")
_ONE_ARGUMENT: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "tanh": np.tanh,
    "sign": np.sign,
}
_SEVERAL: dict[str, Callable[[Any, Any], Any]] = {"min": np.minimum, "max": np.maximum}
FUNCTIONS = (*_ONE_ARGUMENT, *_SEVERAL)


def _folded(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """A function of two as one of several."""

    def of_several(first: Any, *more: Any) -> Any:
        for other in more:
            first = function(first, other)
        return first

    return of_several


ON_ARRAYS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "neg": np.negative,
    **_ONE_ARGUMENT,
    **{name: _folded(function) for name, function in _SEVERAL.items()},
}

_IDENTIFIER = r"[^\W\d]\w*"
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>{_IDENTIFIER})|`(?P<quoted>[^`]+)`"
    r"|(?P<sign>\*\*|[-+*/^(),−]))"
)


def evaluate(
    node: Node, values: Mapping[str, V], operations: Mapping[str, Callable[..., V]], number: Callable[[float], V]
) -> V:
    """What the tree says, where each name has a value and each operation a meaning.

    >>> tree = Parser("2*x + 1", None).parse()
    >>> evaluate(tree, {"x": "x"}, {"+": "({} + {})".format, "*": "{}·{}".format}, str)
    '(2.0·x + 1.0)'
    """
    if isinstance(node, Number):
        return number(node.value)
    if isinstance(node, Name):
        return values[node.name]
    return operations[node.operation](*(evaluate(part, values, operations, number) for part in node.arguments))


def used(node: Node) -> frozenset[str]:
    """The names that occur.

    >>> sorted(used(Parser("x*y + pi", None).parse()))
    ['x', 'y']
    """
    if isinstance(node, Call):
        return frozenset().union(*map(used, node.arguments))
    return frozenset({node.name}) if isinstance(node, Name) else frozenset()


def constant(node: Node) -> float | None:
    """Its value, where no name occurs."""
    if used(node):
        return None
    with np.errstate(all="ignore"):
        return float(evaluate(node, {}, ON_ARRAYS, np.float64))


@dataclass(frozen=True)
class _Token:
    """A word of the formula, and where it stands. `kind` is "number", "name", "quoted", "sign" or "end"."""

    kind: str
    text: str
    place: int


class Parser:
    """Recursive descent: each rule of the grammar is a method."""

    def __init__(self, text: str, names: tuple[str, ...] | None) -> None:
        if len(text) > MAX_LENGTH:
            raise InputError(f"The formula has {len(text)} letters, but {MAX_LENGTH} are the most.")
        self.text, self.names, self.levels = text, names, 0
        self.tokens = list(self._split())
        self.i = 0

    def _split(self) -> Iterator[_Token]:
        place, end = 0, len(self.text.rstrip())
        while place < end:
            match = _TOKEN.match(self.text, place)
            if match is None:
                place += len(self.text[place:]) - len(self.text[place:].lstrip())
                self.fail(f"{self.text[place]!r} is nothing that a formula has.", place)
            kind = str(match.lastgroup)
            word = match[kind].replace("−", "-").replace("^", "**") if kind == "sign" else match[kind]
            yield _Token(kind, word, match.start(kind))
            place = match.end()
        yield _Token("end", "", len(self.text))

    def fail(self, message: str, place: int, error: type[InputError] = InputError) -> NoReturn:
        """An error with a pointer at the place."""
        line = re.sub(r"\s", " ", self.text)
        first = max(0, place - 60)  # of a long formula the surroundings are enough
        raise error(f"{message}\n    {line[first : place + 40]}\n    {' ' * (place - first)}^")

    @property
    def next(self) -> _Token:
        return self.tokens[self.i]

    def take(self) -> _Token:
        self.i += 1
        return self.tokens[self.i - 1]

    def met(self, *signs: str) -> bool:
        """Whether one of these signs comes next."""
        return self.next.kind == "sign" and self.next.text in signs

    def need(self, sign: str) -> None:
        """Take that sign, or say that it is missing."""
        if self.met(sign):
            self.take()
        elif self.next.kind == "end":
            self.fail(f"The formula ends where {sign!r} was needed.", self.next.place)
        else:
            self.unexpected(f"{sign!r} was needed")

    def unexpected(self, wanted: str) -> NoReturn:
        token = self.next
        if token.kind != "sign" and self.i and self.tokens[self.i - 1].kind != "sign":
            before = self.tokens[self.i - 1].text
            self.fail(
                f"Between {before!r} and {token.text!r} a sign is missing: write {before}*{token.text}.", token.place
            )
        self.fail(f"Where {token.text!r} stands, {wanted}.", token.place)

    def parse(self) -> Node:
        if self.next.kind == "end":
            raise InputError("The formula is empty, but something like 'sin(6*x) + x' was needed.")
        tree = self.sum()
        if self.next.kind != "end":
            self.unexpected("an operator such as + or *, or the end, was needed")
        return self.shallow(tree)

    def shallow(self, tree: Node) -> Node:
        """The tree, unless it is too deep to be walked."""
        if _depth(tree) > MAX_DEPTH:
            raise InputError(f"The formula is {_depth(tree)} operations deep, but {MAX_DEPTH} are the most.")
        return tree

    def sum(self) -> Node:
        node = self.product()
        while self.met("+", "-"):
            node = Call(self.take().text, (node, self.product()))
        return node

    def product(self) -> Node:
        node = self.sign()
        while self.met("*", "/"):
            node = Call(self.take().text, (node, self.sign()))
        return node

    def sign(self) -> Node:
        if not self.met("+", "-"):
            return self.power()
        self.enter()
        operation = self.take().text
        node = self.sign()
        self.levels -= 1
        return Call("neg", (node,)) if operation == "-" else node

    def power(self) -> Node:
        base = self.atom()
        if not self.met("**"):
            return base
        self.enter()
        place = self.take().place
        exponent = self.sign()
        self.levels -= 1
        n = constant(self.shallow(exponent))
        if n is not None and not abs(n) <= MAX_EXPONENT:
            self.fail(f"The exponent {n:g} is beyond ±{MAX_EXPONENT}.", place)
        return Call("**", (base, exponent if n is None else Number(n)))

    def enter(self) -> None:
        """One level deeper."""
        self.levels += 1
        if self.levels > MAX_LEVELS:
            self.fail(f"More than {MAX_LEVELS} parentheses or signs stand within each other.", self.next.place)

    def atom(self) -> Node:
        token = self.next
        if token.kind == "number":
            if not isfinite(float(token.text)):
                self.fail(f"{token.text} is beyond what a number can be.", token.place)
            return Number(float(self.take().text))
        if token.kind in ("name", "quoted"):
            self.take()
            return self.function(token) if token.kind == "name" and self.met("(") else self.variable(token)
        if self.met("("):
            self.enter()
            self.take()
            node = self.sum()
            self.need(")")
            self.levels -= 1
            return node
        if token.kind == "end":
            self.fail("The formula ends where a number, a name or '(' was needed.", token.place)
        self.unexpected("a number, a name or '(' was needed")

    def function(self, token: _Token) -> Node:
        """A call; the name has been read."""
        if token.text not in FUNCTIONS:
            if token.text in (self.names or ()):
                self.fail(f"{token.text!r} is a variable and no function: write {token.text}*(…).", token.place)
            self.fail(str(unknown_name("function", token.text, FUNCTIONS)), token.place, UnknownNameError)
        self.enter()
        self.take()
        arguments = [self.sum()]
        while self.met(","):
            self.take()
            arguments.append(self.sum())
        self.need(")")
        self.levels -= 1
        least, most = (2, inf) if token.text in _SEVERAL else (1, 1)
        if not least <= len(arguments) <= most:
            wanted = "at least two" if most > 1 else "one"
            self.fail(f"{token.text} takes {wanted}, but {len(arguments)} came.", token.place)
        return Call(token.text, tuple(arguments))

    def variable(self, token: _Token) -> Node:
        """A name that stands for a value."""
        name = token.text
        if name in (self.names or ()):
            return Name(name)
        if token.kind == "name" and name in CONSTANTS:
            return Number(CONSTANTS[name])
        if token.kind == "name" and name in FUNCTIONS:
            self.fail(f"{name} is a function: write what it is of in parentheses, {name}(…).", token.place)
        if self.names is None:
            return Name(name)
        self.fail(str(unknown_name("name", name, [*self.names, "e", "pi"])), token.place, UnknownNameError)


def _depth(node: Node) -> int:
    """How deep the tree is, found level by level, so that a deep one overflows nothing."""
    depth, level = 0, [node]
    while level:
        depth += 1
        level = [part for above in level if isinstance(above, Call) for part in above.arguments]
    return depth
