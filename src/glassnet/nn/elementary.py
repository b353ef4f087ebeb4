"""exp, log, tanh, sin and cos, the same bits on every machine and in both engines.

A library's exp may round differently on the next processor; these use only +, −, × and ÷, which IEEE 754 rounds one
way, in the order written here. `elementary.h` in the kernel is the twin, equal bit for bit. Errors stay below 2 units
in the last place (float64) of the true value.

Method: x = k ln 2 + r with |r| ≤ ln 2 / 2, a Taylor polynomial in r, and 2ᵏ assembled from its bits.
"""

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class _Format:
    """What the method needs to know of a floating-point format."""

    real: type
    bits: type  # the integer of the same width
    mantissa: int  # stored bits of the mantissa
    bias: int  # of the exponent
    round_shift: float  # adding it leaves the nearest integer in the low bits
    ln2_high: float  # its low bits are zero, so k · ln2_high is exact
    ln2_low: float
    lowest: float  # below it exp is 0
    highest: float  # above it exp overflows
    saturated: float  # from 2|x| = saturated on, tanh rounds to 1
    exp_degree: int
    log_degree: int
    half_pi: tuple[float, float, float]  # π/2 in three parts, the first two with low bits zero
    farthest: float  # |x| beyond which sin and cos hold x at this bound, for too few bits of it are left
    sin_degree: int


_FLOAT64 = _Format(
    np.float64, np.int64, 52, 1023, 1.5 * 2**52, 6.93147180369123816490e-01, 1.90821492927058770002e-10,
    -746.0, 710.0, 40.0, 13, 11,
    (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21), 1e6, 17,
)  # fmt: skip
_FLOAT32 = _Format(
    np.float32, np.int32, 23, 127, 1.5 * 2**23, 0.693359375, -2.12194440054690583e-4,
    -104.0, 89.0, 20.0, 7, 5,
    (1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8), 8192.0, 9,
)  # fmt: skip


def _format(x: Array) -> _Format:
    return _FLOAT32 if x.dtype == np.float32 else _FLOAT64


def _as_real(x: object) -> Array:
    array = np.asarray(x)
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _reduce(x: Array, form: _Format) -> tuple[Array, Array]:
    """k (integers) and eʳ − 1, where x = k ln 2 + r."""
    real = form.real
    shifted = x * real(1 / np.log(2.0)) + real(form.round_shift)
    k = shifted.view(form.bits) - np.asarray(real(form.round_shift)).view(form.bits)
    whole = shifted - real(form.round_shift)
    r = (x - whole * real(form.ln2_high)) - whole * real(form.ln2_low)
    q = np.full_like(r, real(1 / factorial(form.exp_degree)))
    for j in range(form.exp_degree - 1, 1, -1):
        q = q * r + real(1 / factorial(j))
    return k, r + (r * r) * q


def _power_of_two(k: Array, form: _Format) -> Array:
    """2ᵏ from its bits, for exponents that a normal number has."""
    return ((k + form.bits(form.bias)) << form.bits(form.mantissa)).view(form.real)


def exp(x: object) -> Array:
    """eˣ, elementwise; 0 and inf where it leaves the format, nan for nan.

    >>> exp(np.array([0.0, 1.0, -np.inf]))
    array([1.        , 2.71828183, 0.        ])
    """
    array = _as_real(x)
    form = _format(array)
    with np.errstate(all="ignore"):
        clipped = np.clip(np.atleast_1d(array), form.real(form.lowest), form.real(form.highest))
        k, p = _reduce(clipped, form)
        half = k >> form.bits(1)  # in two steps, since 2ᵏ alone may leave the format before the product does
        result = ((form.real(1) + p) * _power_of_two(half, form)) * _power_of_two(k - half, form)
    return result.reshape(array.shape)


def _expm1(x: Array, form: _Format) -> Array:
    """eˣ − 1, exact to rounding for small x too; x is held within ± `saturated`."""
    k, p = _reduce(np.clip(x, form.real(-form.saturated), form.real(form.saturated)), form)
    power = _power_of_two(k, form)
    return power * p + (power - form.real(1))


def expm1_below(x: object) -> Array:
    """eˣ − 1 for x < 0, and 0 for x ≥ 0, elementwise.

    >>> expm1_below(np.array([-np.inf, -1e-20, 1.0]))
    array([-1.e+00, -1.e-20,  0.e+00])
    """
    array = _as_real(x)
    form = _format(array)
    with np.errstate(all="ignore"):
        result = _expm1(np.minimum(np.atleast_1d(array), form.real(0)), form)
    return result.reshape(array.shape)


def tanh(x: object) -> Array:
    """tanh x = (e²ˣ − 1) / (e²ˣ + 1), elementwise, exact to rounding for small x too.

    >>> tanh(np.array([0.0, 0.5, np.inf]))
    array([0.        , 0.46211716, 1.        ])
    """
    array = _as_real(x)
    form = _format(array)
    with np.errstate(all="ignore"):
        flat = np.atleast_1d(array)
        e = _expm1(np.abs(flat) * form.real(2), form)  # e²ˣ − 1
        result = np.copysign(e / (e + form.real(2)), flat)
    return result.reshape(array.shape)


def _quarter_turns(x: Array, shift: int) -> Array:
    """sin(x + shift · π/2): x = k π/2 + r with |r| ≤ π/4, and the quadrant says which series, and its sign."""
    form = _format(x)
    real, bits = form.real, form.bits
    with np.errstate(all="ignore"):
        held = np.where(np.isinf(x), real(np.nan), np.clip(x, real(-form.farthest), real(form.farthest)))
        shifted = held * real(2 / np.pi) + real(form.round_shift)
        quadrant = shifted.view(bits) - np.asarray(real(form.round_shift)).view(bits) + bits(shift)
        whole = shifted - real(form.round_shift)
        r = held
        for part in form.half_pi:
            r = r - whole * real(part)
        z = r * r
        sine, cosine = np.zeros_like(z), np.zeros_like(z)
        for j in range(form.sin_degree, 1, -2):  # Σ (−1)ʲ rʲ / j!, odd powers and even ones
            sign = -1 if j % 4 == 3 else 1
            sine = sine * z + real(sign / factorial(j))
            cosine = cosine * z + real(sign * -1 / factorial(j + 1))
        sine = r + r * (z * sine)
        cosine = real(1) - (z * real(0.5) - z * (z * cosine))
        result = np.where(quadrant & bits(1), cosine, sine)
        return np.where(quadrant & bits(2), -result, result)


def sin(x: object) -> Array:
    """sin x, elementwise. Beyond |x| = 1e6 (float32: 8192) x is held there, for its phase is mostly rounding.

    >>> sin(np.array([0.0, np.pi / 2]))
    array([0., 1.])
    """
    array = _as_real(x)
    return _quarter_turns(np.atleast_1d(array), 0).reshape(array.shape)


def cos(x: object) -> Array:
    """cos x, elementwise, with the bound of `sin`.

    >>> cos(np.array([0.0, np.pi]))
    array([ 1., -1.])
    """
    array = _as_real(x)
    return _quarter_turns(np.atleast_1d(array), 1).reshape(array.shape)


def log(x: object) -> Array:
    """ln x, elementwise; −inf at 0, nan below.

    x = 2ᵏ m with √½ ≤ m < √2, and ln m = 2 artanh s with s = (m − 1) / (m + 1).

    >>> log(np.array([1.0, np.e, 0.0]))
    array([  0.,   1., -inf])
    """
    array = _as_real(x)
    form = _format(array)
    real = form.real
    with np.errstate(all="ignore"):
        m, k = np.frexp(np.atleast_1d(array))
        small = m < real(np.sqrt(0.5))
        m = np.where(small, m + m, m)
        k = (k - small).astype(real)
        f = m - real(1)
        s = f / (real(2) + f)
        z = s * s
        series = np.full_like(z, real(2 / (2 * form.log_degree + 1)))
        for j in range(form.log_degree - 1, 0, -1):
            series = series * z + real(2 / (2 * j + 1))
        result = k * real(form.ln2_high) + ((s + s) + (s * (z * series) + k * real(form.ln2_low)))
        result = np.where(np.isposinf(array), array, np.where(array > 0, result, np.where(array == 0, -np.inf, np.nan)))
    return result.astype(real, copy=False).reshape(array.shape)


def log1p(u: Array) -> Array:
    """ln(1 + u) for 0 ≤ u ≤ 1, exact to rounding for tiny u too.

    >>> log1p(np.array([1e-20, 1.0]))
    array([1.00000000e-20, 6.93147181e-01])
    """
    w = 1 + u
    return log(w) + (u - (w - 1)) / w  # what the rounding of 1 + u lost is given back
