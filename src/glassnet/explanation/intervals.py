"""Bounds that hold: interval arithmetic, and with it bounds on a formula, its slopes and its second derivatives.

An `Interval` is rounded outwards at every operation, so that it holds whatever the real numbers would give. A `Jet` has
an interval for f, for each ∂f/∂xⱼ and for each ∂²f/∂xⱼ∂xₖ, on n boxes at once. Where a derivative does not exist, at a
kink or a pole, its interval is the whole line, which promises nothing; and so are all three where f may have no value,
as log x where x may be 0. NumPy's own functions are taken to be right to `ULPS` units in the last place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np

from glassnet.explanation.formulas import Formula
from glassnet.explanation.grammar import evaluate
from glassnet.nn.elementary import Array

ULPS = 8
UNIT = 2.0**-53  # the largest relative error of one rounding
TINY = 5e-324  # the least number above 0, which stands for what underflows
FARTHEST = 1e6  # of an angle whose turns are counted


@dataclass(frozen=True)
class Interval:
    """All numbers from lo to hi, elementwise.

    >>> x = Interval(np.array([1.0]), np.array([2.0]))
    >>> (x - x).lo.tolist(), (x - x).hi.tolist()
    ([-1.0], [1.0])
    """

    lo: Array
    hi: Array

    @classmethod
    def of(cls, value: Any) -> "Interval":
        """One number."""
        value = np.asarray(value, dtype=np.float64)
        return cls(value, value)

    def __add__(self, other: "Interval") -> "Interval":
        return _safe(_sum(self.lo, other.lo, -np.inf), _sum(self.hi, other.hi, np.inf))

    def __neg__(self) -> "Interval":
        return Interval(-self.hi, -self.lo)

    def __sub__(self, other: "Interval") -> "Interval":
        return self + (-other)

    def __mul__(self, other: "Interval") -> "Interval":
        pairs = [(a, b) for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
        return _safe(
            np.minimum.reduce([_product(a, b, -np.inf) for a, b in pairs]),
            np.maximum.reduce([_product(a, b, np.inf) for a, b in pairs]),
        )

    @property
    def size(self) -> Array:
        """The largest |x|."""
        return np.maximum(np.abs(self.lo), np.abs(self.hi))

    @property
    def has_zero(self) -> Array:
        """Whether 0 is in it."""
        return (self.lo <= 0) & (self.hi >= 0)

    def hull(self, other: "Interval") -> "Interval":
        """The least interval that holds both."""
        return Interval(np.minimum(self.lo, other.lo), np.maximum(self.hi, other.hi))

    def within(self, lo: float, hi: float) -> "Interval":
        """What of it lies in there."""
        return Interval(np.clip(self.lo, lo, hi), np.clip(self.hi, lo, hi))

    def where(self, holds: Array, other: "Interval") -> "Interval":
        """This one where it holds, else the other."""
        return Interval(np.where(holds, self.lo, other.lo), np.where(holds, self.hi, other.hi))

    def unless(self, broken: Array) -> "Interval":
        """The whole line where something is broken."""
        return Interval(np.where(broken, -np.inf, self.lo), np.where(broken, np.inf, self.hi))


def _sum(a: Array, b: Array, towards: float) -> Array:
    """a + b, rounded in that direction only where the sum is not exact (Knuth's two-sum tells)."""
    with np.errstate(all="ignore"):
        s = a + b
        back = s - a
        error = (a - (s - back)) + (b - back)
    exact = (error == 0) | np.isinf(s)
    return np.where(exact, s, np.nextafter(s, towards))


def _product(a: Array, b: Array, towards: float) -> Array:
    """a · b, rounded in that direction only where it is not exact (Dekker's product tells); 0 · ∞ is 0."""
    with np.errstate(all="ignore"):
        p = a * b
        (a_high, a_low), (b_high, b_low) = _split(a), _split(b)
        error = ((a_high * b_high - p) + a_high * b_low + a_low * b_high) + a_low * b_low
        size = np.abs(p)
        exact = ((error == 0) & (size > 1e-250) & (size < 1e250)) | np.isinf(p)  # nothing has under- or overflown
        return np.where((a == 0) | (b == 0), 0.0, np.where(exact, p, np.nextafter(p, towards)))


def _split(x: Array) -> tuple[Array, Array]:
    """x as a sum of two numbers of 26 bits (Veltkamp)."""
    shifted = x * 134217729.0  # 2²⁷ + 1
    high = shifted - (shifted - x)
    return high, x - high


def _safe(lo: Array, hi: Array) -> Interval:
    """What is no number is unbounded."""
    return Interval(np.where(np.isnan(lo), -np.inf, lo), np.where(np.isnan(hi), np.inf, hi))


def widened(lo: Array, hi: Array, ulps: int = ULPS) -> Interval:
    """With room for the rounding of a library's function."""
    room = 2 * ulps * UNIT
    with np.errstate(all="ignore"):
        return _safe(lo - np.abs(lo) * room - TINY, hi + np.abs(hi) * room + TINY)


def _increasing(function: Callable[[Array], Array]) -> Callable[[Interval], Interval]:
    """An increasing function on intervals."""

    def on(x: Interval) -> Interval:
        with np.errstate(all="ignore"):
            return widened(function(x.lo), function(x.hi))

    return on


def _sine(x: Interval, shift: float = 0.0) -> Interval:
    """sin(x + shift), shift 0 or π/2: its ends, and ±1 where a crest or a trough lies between them."""
    with np.errstate(all="ignore"):
        ends = [(np.cos if shift else np.sin)(end) for end in (x.lo, x.hi)]
        turns = [
            (np.ceil((x.lo - peak) / (2 * pi) - 1e-9) <= np.floor((x.hi - peak) / (2 * pi) + 1e-9))
            for peak in (pi / 2 - shift, -pi / 2 - shift)
        ]
    far = ~(x.size <= FARTHEST)
    lo = np.where(turns[1] | far, -1.0, np.minimum(*ends))
    hi = np.where(turns[0] | far, 1.0, np.maximum(*ends))
    return widened(lo, hi).within(-1, 1)


def _cosine(x: Interval) -> Interval:
    return _sine(x, pi / 2)


def _whole_power(x: Interval, n: int) -> Interval:
    """xⁿ for a whole n; unbounded where n < 0 and 0 is in x."""
    if n == 0:
        return Interval.of(np.ones_like(x.lo))
    if n == 1:
        return x
    if n == 2:
        least = np.where(x.has_zero, 0.0, np.minimum(np.abs(x.lo), np.abs(x.hi)))
        return Interval(_product(least, least, -np.inf), _product(x.size, x.size, np.inf))
    with np.errstate(all="ignore"):
        ends = [np.power(end, float(n)) for end in (x.lo, x.hi)]
    lo, hi = np.minimum(*ends), np.maximum(*ends)
    if n > 0 and n % 2 == 0:
        lo = np.where(x.has_zero, 0.0, lo)
    powers = widened(lo, hi)
    if n % 2 == 0:
        powers = powers.within(0, np.inf)
    return powers if n > 0 else powers.unless(x.has_zero)


def _real_power(x: Interval, p: float) -> Interval:
    """xᵖ for x ≥ 0; unbounded where x reaches below."""
    with np.errstate(all="ignore"):
        ends = [np.power(end, p) for end in (x.lo, x.hi)]
    return widened(np.minimum(*ends), np.maximum(*ends)).within(0, np.inf).unless(x.lo < 0)


@dataclass(frozen=True)
class Jet:
    """Bounds on f (n,), its slopes (d, n) and its second derivatives (d, d, n), on n boxes.

    `defined` (n,) says where f surely has a value on the whole box.
    """

    value: Interval
    slope: Interval
    bend: Interval
    defined: Array

    @classmethod
    def variable(cls, lo: Array, hi: Array, j: int) -> "Jet":
        """xⱼ on boxes whose corners are lo and hi (n, d)."""
        n, d = lo.shape
        slope = np.zeros((d, n))
        slope[j] = 1
        bend = Interval.of(np.zeros((d, d, n)))
        return cls(Interval(lo[:, j], hi[:, j]), Interval.of(slope), bend, np.ones(n, bool))

    @classmethod
    def number(cls, value: float, like: Array) -> "Jet":
        """A constant, on boxes like these."""
        n, d = like.shape
        slope, bend = Interval.of(np.zeros((d, n))), Interval.of(np.zeros((d, d, n)))
        return cls(Interval.of(np.full(n, value)), slope, bend, np.full(n, bool(np.isfinite(value))))

    def chain(self, value: Interval, first: Interval, second: Interval, defined: Any = True) -> "Jet":
        """g(f), from bounds on g, g′ and g″ there: (g∘f)′ = g′f′, (g∘f)″ = g″f′f′ᵀ + g′f″; and where g has a value."""
        bend = second * _outer(self.slope, self.slope) + first * self.bend
        return Jet(value, first * self.slope, bend, self.defined & defined)

    def __add__(self, other: "Jet") -> "Jet":
        defined = self.defined & other.defined
        return Jet(self.value + other.value, self.slope + other.slope, self.bend + other.bend, defined)

    def __neg__(self) -> "Jet":
        return Jet(-self.value, -self.slope, -self.bend, self.defined)

    def __sub__(self, other: "Jet") -> "Jet":
        return self + (-other)

    def __mul__(self, other: "Jet") -> "Jet":
        crossed = _outer(self.slope, other.slope) + _outer(other.slope, self.slope)
        return Jet(
            self.value * other.value,
            self.slope * other.value + other.slope * self.value,
            self.bend * other.value + other.bend * self.value + crossed,
            self.defined & other.defined,
        )

    def __truediv__(self, other: "Jet") -> "Jet":
        x = other.value
        first, second = -_whole_power(x, -2), Interval.of(2.0) * _whole_power(x, -3)
        return self * other.chain(_whole_power(x, -1), first, second, ~x.has_zero)

    def power(self, exponent: "Jet") -> "Jet":
        """f to a power; of one that is not constant, exp(exponent · log f)."""
        n = exponent.value.lo.flat[0]
        if not (np.all(exponent.value.lo == n) and np.all(exponent.value.hi == n)):
            return _exp(exponent * _log(self))
        if n == int(n):
            powers = [_whole_power(self.value, int(n) - k) if n not in range(k) else Interval.of(0.0) for k in range(3)]
            defined = ~self.value.has_zero if n < 0 else np.True_
        else:
            defined = self.value.lo > 0 if n < 0 else self.value.lo >= 0
            powers = [_real_power(self.value, n - k) for k in range(3)]
        second = Interval.of(n) * Interval.of(n - 1) * powers[2]
        return self.chain(powers[0], Interval.of(n) * powers[1], second, defined)


def _outer(a: Interval, b: Interval) -> Interval:
    """aⱼ bₖ of slopes (d, n) → (d, d, n)."""
    return Interval(a.lo[:, None], a.hi[:, None]) * Interval(b.lo[None, :], b.hi[None, :])


def _sin(x: Jet) -> Jet:
    s, c = _sine(x.value), _cosine(x.value)
    return x.chain(s, c, -s)


def _cos(x: Jet) -> Jet:
    s, c = _sine(x.value), _cosine(x.value)
    return x.chain(c, -s, -c)


def _tan(x: Jet) -> Jet:
    pole = _cosine(x.value).has_zero  # or what is too far to tell
    t = _increasing(np.tan)(x.value).unless(pole)
    first = Interval.of(1.0) + _whole_power(t, 2)
    return x.chain(t, first, Interval.of(2.0) * t * first, ~pole)


def _exp(x: Jet) -> Jet:
    e = _increasing(np.exp)(x.value).within(0, np.inf)
    return x.chain(e, e, e)


def _log(x: Jet) -> Jet:
    none = x.value.lo <= 0
    logs = _increasing(np.log)(x.value).unless(none)
    return x.chain(logs, _whole_power(x.value, -1), -_whole_power(x.value, -2), ~none)


def _sqrt(x: Jet) -> Jet:
    half, quarter = Interval.of(0.5), Interval.of(-0.25)
    root = _increasing(np.sqrt)(x.value).within(0, np.inf).unless(x.value.lo < 0)
    first, second = half * _real_power(x.value, -0.5), quarter * _real_power(x.value, -1.5)
    return x.chain(root, first, second, x.value.lo >= 0)


def tanh(x: Interval) -> Interval:
    """tanh of an interval."""
    return _increasing(np.tanh)(x).within(-1, 1)


def _tanh(x: Jet) -> Jet:
    t = tanh(x.value)
    first = (Interval.of(1.0) - _whole_power(t, 2)).within(0, 1)
    return x.chain(t, first, (Interval.of(-2.0) * t * first).within(-0.77, 0.77))  # |tanh″| ≤ 4 / (3√3)


def _abs(x: Jet) -> Jet:
    lo = np.where(x.value.has_zero, 0.0, np.minimum(np.abs(x.value.lo), np.abs(x.value.hi)))
    across = (x.value.lo < 0) & (x.value.hi > 0)
    sign = Interval(np.where(x.value.lo >= 0, 1.0, -1.0), np.where(x.value.hi > 0, 1.0, -1.0))
    flat = Interval.of(np.zeros_like(lo)).unless(across)
    return x.chain(Interval(lo, x.value.size), sign, flat)


def _sign(x: Jet) -> Jet:
    sign = Interval(np.sign(x.value.lo), np.sign(x.value.hi))
    jump = Interval.of(np.zeros_like(x.value.lo)).unless(x.value.has_zero)
    return x.chain(sign, jump, jump)


def _max(*jets: Jet) -> Jet:
    """The largest: one of them where it is above the others on the whole box, else what all allow."""
    first, *rest = jets
    for other in rest:
        a, b = first.value, other.value
        above, below = a.lo >= b.hi, b.lo >= a.hi
        value = Interval(np.maximum(a.lo, b.lo), np.maximum(a.hi, b.hi))
        slope = first.slope.where(above, other.slope.where(below, first.slope.hull(other.slope)))
        bend = first.bend.where(above, other.bend.where(below, Interval.of(0.0).unless(~(above | below))))
        first = Jet(value, slope, bend, first.defined & other.defined)
    return first


def _min(*jets: Jet) -> Jet:
    return -_max(*(-jet for jet in jets))


ON_JETS: dict[str, Callable[..., Jet]] = {
    "+": Jet.__add__,
    "-": Jet.__sub__,
    "*": Jet.__mul__,
    "/": Jet.__truediv__,
    "**": Jet.power,
    "neg": Jet.__neg__,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "tanh": _tanh,
    "abs": _abs,
    "sign": _sign,
    "min": _min,
    "max": _max,
}


def bounds(formula: Formula, lo: Array, hi: Array) -> Jet:
    """Bounds on a formula, its slopes and its second derivatives, on n boxes with the corners lo and hi (n, d).

    >>> jet = bounds(Formula.parse("x**3"), np.array([[1.0]]), np.array([[2.0]]))
    >>> [(float(part.lo.min().round(9)), float(part.hi.max().round(9))) for part in (jet.value, jet.slope, jet.bend)]
    [(1.0, 8.0), (3.0, 12.0), (6.0, 12.0)]
    """
    variables = {name: Jet.variable(lo, hi, j) for j, name in enumerate(formula.names)}
    jet = evaluate(formula.tree, variables, ON_JETS, lambda value: Jet.number(value, lo))
    none = ~jet.defined
    return Jet(jet.value.unless(none), jet.slope.unless(none), jet.bend.unless(none), jet.defined)


def enclosure(formula: Formula, x: Array) -> tuple[Array, Array]:
    """f at points x (n, d): the middle of its interval, and the half-width within which the true value lies."""
    value = bounds(formula, x, x).value
    with np.errstate(all="ignore"):
        middle = 0.5 * value.lo + 0.5 * value.hi
        return middle, np.nextafter(np.maximum(value.hi - middle, middle - value.lo), np.inf)
