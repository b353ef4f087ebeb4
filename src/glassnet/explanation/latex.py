"""A derivation as LaTeX: the formulas, and in them the numbers as matrices."""

import re
from collections.abc import Iterator

import numpy as np

from glassnet.explanation.derivation import Derivation, LayerDerivation
from glassnet.explanation.page import number
from glassnet.explanation.paths import WeightPaths
from glassnet.nn.elementary import Array

MOST = 8  # rows and columns of a matrix; of larger ones the first, and dots
FEW_TERMS = 6
ESCAPES = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def derivation_latex(d: Derivation) -> str:
    """Forward, backward, and the single weight, each an `align*`."""
    parts = [_align(_forward(d)), _align(_backward(d))]
    if d.subject.note:
        parts.insert(0, escaped(d.subject.note))
    if d.paths is not None:
        parts.append(_align(_scalars(d.paths)))
    return "\n\n".join(parts) + "\n"


def letter(name: str) -> str:
    """A letter with its number below.

    >>> letter("w12"), letter("y")
    ('w_{12}', 'y')
    """
    found = re.fullmatch(r"([a-z])(\d+)", name)
    return f"{found[1]}_{{{found[2]}}}" if found else name


def words(text: str) -> str:
    r"""Text of a user in a formula.

    >>> print(words("bill_length 50%"))
    \text{bill\_length 50\%}
    """
    return rf"\text{{{escaped(text)}}}"


def escaped(text: str) -> str:
    """Text with every character that LaTeX would take for its own escaped."""
    return re.sub(r"[\\~^]|[&%$#_{}]", lambda m: ESCAPES.get(m[0], f"\\{m[0]}"), text)


def scientific(value: float) -> str:
    """A number as it is printed in a text.

    >>> scientific(1.5e-7), scientific(0.25)
    ('1.5 \\\\times 10^{-7}', '0.25')
    """
    mantissa, _, exponent = number(float(value)).partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa


def matrix(values: Array) -> str:
    """A bmatrix; of a large one the first rows and columns."""
    cells = np.atleast_2d(values)
    n, m = cells.shape
    rows = [" & ".join([*map(scientific, row[:MOST]), *[r"\cdots"] * (m > MOST)]) for row in cells[:MOST].tolist()]
    if n > MOST:
        rows.append(" & ".join([r"\vdots"] * min(m, MOST) + [r"\ddots"] * (m > MOST)))
    return r"\begin{bmatrix} " + r" \\ ".join(rows) + r" \end{bmatrix}"


def _align(lines: Iterator[str]) -> str:
    body = " \\\\\n".join(f"  {line}" for line in lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def _by(name: str) -> str:
    return rf"\frac{{dL}}{{d{letter(name)}}}"


def _parameters(layer: LayerDerivation) -> Iterator[str]:
    w, b = letter(layer.letters.w), letter(layer.letters.b)
    yield f"{w} &= {matrix(layer.w)}" + (f", \\quad {b} = {matrix(layer.b)}" if layer.b is not None else "")


def _forward(d: Derivation) -> Iterator[str]:
    yield f"x &= {matrix(d.x)}"
    below = "x"
    for layer in d.layers[:-1]:
        w, b, z, h = map(letter, layer.letters)
        yield from _parameters(layer)
        yield f"{z} &= {below} {w}" + (f" + {b}" if layer.b is not None else "") + f" = {matrix(layer.z)}"
        yield rf"{h} &= f({z}) = {matrix(layer.h)}, \quad f = {words(layer.f.name)}"
        below = h
    yield from _parameters(d.layers[-1])
    skip = " + x u" if d.u is not None else ""
    if d.u is not None:
        yield f"u &= {matrix(d.u)}"
    yield f"y &= {below} v" + (" + c" if d.layers[-1].b is not None else "") + f"{skip} = {matrix(d.y)}"
    yield rf"p &= {matrix(d.p)}, \quad t = {matrix(d.t)}"
    yield rf"L &= {scientific(d.loss)} \quad ({words(d.subject.loss.name)})"


def _backward(d: Derivation) -> Iterator[str]:
    yield f"{_by('y')} &= {matrix(d.dy)}"
    for i in range(len(d.layers) - 1, -1, -1):
        layer, last = d.layers[i], i == len(d.layers) - 1
        w, b, z, h = layer.letters
        below = "x" if i == 0 else letter(d.layers[i - 1].letters.h)
        if not last:
            above = d.layers[i + 1].letters
            yield f"{_by(h)} &= {_by(above.z)} {letter(above.w)}^T = {matrix(layer.dh)}"
            yield rf"{_by(z)} &= {_by(h)} \odot f'({letter(z)}) = {matrix(layer.dz)}"
        yield f"{_by(w)} &= {below}^T {_by(z)} = {matrix(layer.dw)}"
        if layer.db is not None:
            how = rf"\sum_{{\text{{rows}}}} {_by(z)}" if len(d.x) > 1 else _by(z)
            yield f"{_by(b)} &= {how} = {matrix(layer.db)}"
        if last and d.du is not None:
            yield f"{_by('u')} &= x^T {_by('y')} = {matrix(d.du)}"
    first = d.layers[0].letters
    skip = f" + {_by('y')} u^T" if d.u is not None else ""
    yield f"{_by('x')} &= {_by(first.z)} {letter(first.w)}^T{skip} = {matrix(d.dx)}"


def _scalars(paths: WeightPaths) -> Iterator[str]:
    largest = sorted(paths.terms, key=lambda term: -abs(term.value))[:FEW_TERMS]
    yield rf"\frac{{dL}}{{d\,{words(paths.name)}}} &= {scientific(paths.total)} = \textstyle\sum \text{{of }}"
    for term in largest:
        names = r" \cdot ".join(words(name) for name, _ in term.factors)
        values = r" \cdot ".join(scientific(value) for _, value in term.factors)
        yield rf"&\quad {names} = {values} = {scientific(term.value)}"
    if len(paths.terms) > len(largest):
        yield rf"&\quad \text{{and {len(paths.terms) - len(largest)} more}}"
