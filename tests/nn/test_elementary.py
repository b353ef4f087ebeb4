"""exp, log, tanh and their kin: the kernel's bits are the reference's, and both are near the true value."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from glassnet.nn import elementary

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    name: getattr(elementary, name) for name in ("exp", "log", "tanh", "log1p", "sin", "cos", "expm1_below")
}
# What log1p is asked for: e^−|y|.
ONLY_UNIT = {"log1p"}

# Where a function rises.
GRIDS = {
    "exp": (-110, 90),
    "log": (1e-6, 50),
    "tanh": (-25, 25),
    "log1p": (0, 1),
    "sin": (-1.57, 1.57),
    "cos": (-3.14, 0),
    "expm1_below": (-45, 2),
}

every_function = pytest.mark.parametrize("name", FUNCTIONS)
every_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def inputs(name: str, dtype: Any) -> Any:
    """Where something may go wrong: edges of the format, of the method's steps, and a grid between."""
    form = np.finfo(dtype)
    tiny, small = form.smallest_subnormal, form.tiny
    if name in ONLY_UNIT:
        powers = np.ldexp(1.0, -np.arange(0, 1074 if dtype is np.float64 else 149))
        return np.concatenate([[0.0, np.nan], powers, np.linspace(0, 1, 2001)]).astype(dtype)
    special = [0.0, -0.0, np.nan, np.inf, -np.inf, tiny, -tiny, small, -small, form.max, form.min, 1.0, -1.0, form.eps]
    half_steps = (np.arange(-2200, 2201) / 2) * np.log(2)  # where k of x = k ln 2 + r changes
    ends = [88.72, 88.73, -87.4, -103.9, -104.1, 709.78, 709.79, -708.4, -745.1, -745.2, 9.1, 19.1, 20.1]
    powers = np.ldexp(np.array([0.7, 0.70710678, 0.71, 1.0, 1.41421356, 1.42])[:, None], np.arange(-148, 127)).ravel()
    grid = np.concatenate([np.linspace(-20, 20, 2001), np.linspace(-1e-3, 1e-3, 201)])
    return np.concatenate(
        [np.array(special, dtype), *(np.array(a).astype(dtype) for a in (half_steps, ends, powers, grid))]
    )


def of_kernel(name: str, x: Any) -> Any:
    from glassnet import _kernel

    result = np.empty_like(x)
    _kernel.elementary(name, x, result)
    return result


def assert_same_bits(ours: Any, theirs: Any, x: Any) -> None:
    """Zeros with their signs too; one nan is as good as another."""
    assert ours.dtype == theirs.dtype
    differ = ~((ours == theirs) & (np.signbit(ours) == np.signbit(theirs)) | (np.isnan(ours) & np.isnan(theirs)))
    assert not differ.any(), f"at {x[differ][:3]!r}: {ours[differ][:3]!r} and {theirs[differ][:3]!r}"


@every_dtype
@every_function
def test_the_kernel_gives_the_reference_s_bits(kernel, name, dtype):
    x = inputs(name, dtype)
    assert_same_bits(of_kernel(name, x), FUNCTIONS[name](x), x)


@every_function
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    wide=arrays(np.float64, 64, elements=st.floats(allow_subnormal=True)),
    narrow=arrays(np.float32, 64, elements=st.floats(width=32)),
)
def test_the_kernel_gives_the_reference_s_bits_anywhere(kernel, name, wide, narrow):
    for x in (wide, narrow):
        u = np.exp(-np.abs(x)) if name in ONLY_UNIT else x
        assert_same_bits(of_kernel(name, u), FUNCTIONS[name](u), u)


PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def true_sine(x: Decimal, j: int) -> Decimal:
    """Σ (−1)ⁱ x^(2i + j) / (2i + j)!, after whole turns are taken away: the sine for j = 1, the cosine for j = 0."""
    x = x - 2 * PI * (x / (2 * PI)).to_integral_value()
    term = total = x if j else Decimal(1)
    while abs(term) > Decimal(10) ** -60:
        j += 2
        term *= -x * x / (j * (j - 1))
        total += term
    return total


def true_value(name: str, x: float) -> Decimal:
    """To 60 digits."""
    d = Decimal(x)
    if name == "exp":
        return d.exp()
    if name == "log":
        return d.ln()
    if name == "log1p":
        return (1 + d).ln()
    if name == "expm1_below":
        return d.exp() - 1
    if name in ("sin", "cos"):
        return true_sine(d, 1 if name == "sin" else 0)
    return ((2 * d).exp() - 1) / ((2 * d).exp() + 1)


@every_dtype
@every_function
def test_errors_stay_below_two_units_in_the_last_place(name, dtype):
    rng = np.random.default_rng(0)
    x = {
        "exp": rng.uniform(-87, 88, 400),
        "log": np.exp(rng.uniform(-80, 80, 400)),
        "tanh": np.exp(rng.uniform(-30, 2.2, 400)) * rng.choice([-1, 1], 400),
        "log1p": np.exp(rng.uniform(-40, 0, 400)),
        "expm1_below": -np.exp(rng.uniform(-30, 4, 400)),
        "sin": np.concatenate([rng.uniform(-100, 100, 300), np.exp(rng.uniform(-30, 0, 100))]),
        "cos": np.concatenate([rng.uniform(-100, 100, 300), np.exp(rng.uniform(-30, 0, 100))]),
    }[name].astype(dtype)
    if name == "log":
        x = np.concatenate([x, 1 + rng.uniform(-0.3, 0.4, 100).astype(dtype)])  # where ln x is near 0
    results = FUNCTIONS[name](x)
    with localcontext() as context:
        context.prec = 60
        for at, result in zip(x.tolist(), results, strict=True):
            unit = Decimal(float(np.spacing(np.abs(result))))
            error = abs(Decimal(float(result)) - true_value(name, at)) / unit
            assert error < 2, f"{name}({at!r}) = {result!r} is {error:.2f} units off"


@every_dtype
@pytest.mark.parametrize("name", GRIDS)
def test_never_falls_where_it_should_rise(name, dtype):
    grid = GRIDS[name]
    values = FUNCTIONS[name](np.linspace(*grid, 20001).astype(dtype))
    # Next to ±1 the grid is finer than the format, and values waver within the bound of two units in the last place.
    rounding = 2 * np.finfo(dtype).epsneg if name in ("tanh", "sin", "cos", "expm1_below") else 0
    assert (values[1:] >= values[:-1] - rounding).all()


@every_dtype
def test_edges_of_the_format(dtype):
    exp, log, tanh, log1p, sin, cos, expm1_below = FUNCTIONS.values()
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype)
    tiny = np.finfo(dtype).smallest_subnormal

    assert_same_bits(exp(x), np.array([np.inf, 0, np.nan, 1, 1], dtype), x)
    assert_same_bits(log(x), np.array([np.inf, np.nan, np.nan, -np.inf, -np.inf], dtype), x)
    assert_same_bits(tanh(x), np.array([1, -1, np.nan, 0.0, -0.0], dtype), x)
    assert_same_bits(np.abs(sin(x)), np.array([np.nan, np.nan, np.nan, 0, 0], dtype), x)
    assert_same_bits(cos(x), np.array([np.nan, np.nan, np.nan, 1, 1], dtype), x)
    assert_same_bits(np.abs(expm1_below(x)), np.array([0, 1, np.nan, 0, 0], dtype), x)
    assert_same_bits(log1p(x[3:4]), np.array([0.0], dtype), x)
    assert tanh(np.array([tiny]))[0] == tiny
    assert log1p(np.array([tiny]))[0] == tiny
    assert log(np.array([tiny]))[0] == pytest.approx(np.log(np.float64(tiny)), rel=1e-6)
    assert exp(np.array([-1e30, 1e30], dtype)).tolist() == [0, np.inf]
    assert tanh(np.array([np.finfo(dtype).min, np.finfo(dtype).max])).tolist() == [-1, 1]


def test_subnormal_results_fade_to_zero():
    x = np.array([-708.0, -720.0, -740.0, -745.0, -746.0])
    values = FUNCTIONS["exp"](x)
    assert (np.diff(values) < 0).all()
    assert values[3] == np.finfo(np.float64).smallest_subnormal
    assert values[4] == 0


@every_dtype
@every_function
def test_shape_and_dtype_are_kept(name, dtype):
    for shape in [(), (0,), (2, 3)]:
        result = FUNCTIONS[name](np.full(shape, 0.5, dtype))
        assert (result.shape, result.dtype) == (shape, dtype)
    assert FUNCTIONS["exp"]([0, 1]).dtype == np.float64


@pytest.mark.parametrize("name", ["tanh", "sin"])
def test_odd_as_tanh_and_sin_are(name):
    x = np.linspace(0, 30, 1001)[1:]
    assert_same_bits(FUNCTIONS[name](-x), -FUNCTIONS[name](x), x)


@every_dtype
def test_far_phases_are_held_at_their_bound(dtype):
    bound = 1e6 if dtype is np.float64 else 8192.0
    for name in ("sin", "cos"):
        far = FUNCTIONS[name](np.array([bound, 2 * bound, np.finfo(dtype).max], dtype))
        assert (far == far[0]).all()
        assert abs(far[0]) <= 1
    x = np.array([0.9 * bound, -0.3 * bound], dtype)
    # Near the bound the phase has lost some digits; the unit circle is kept.
    np.testing.assert_allclose(FUNCTIONS["sin"](x) ** 2 + FUNCTIONS["cos"](x) ** 2, 1, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(FUNCTIONS["sin"](x), np.sin(x.astype(float)), atol=1e3 * np.finfo(dtype).eps)


@every_dtype
def test_a_power_above_zero_is_held_at_zero(dtype):
    assert (FUNCTIONS["expm1_below"](np.array([0, 1e-9, 1, 1e30, np.inf], dtype)) == 0).all()
