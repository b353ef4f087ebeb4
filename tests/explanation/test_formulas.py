"""Formulas are read as mathematics writes them, run nothing, and their bounds hold."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet.errors import InputError, UnknownNameError
from glassnet.explanation.formulas import Formula
from glassnet.explanation.grammar import FUNCTIONS, MAX_LENGTH, Call, Name, Number, evaluate
from glassnet.explanation.intervals import bounds, enclosure

NAMES = ("x", "y")
SMOOTH = ("sin", "cos", "exp", "tanh", "abs")


LEAVES = st.one_of(st.sampled_from(NAMES).map(Name), st.integers(0, 9).map(lambda n: Number(n / 4)))


def trees(leaves=LEAVES):
    def grow(inner):
        pair = st.tuples(inner, inner)
        return st.one_of(
            st.builds(Call, st.sampled_from(["+", "-", "*", "/"]), pair),
            st.builds(Call, st.sampled_from(SMOOTH), st.tuples(inner)),
            st.builds(Call, st.sampled_from(["min", "max"]), st.lists(inner, min_size=2, max_size=3).map(tuple)),
            st.builds(lambda base, n: Call("**", (base, Number(float(n)))), inner, st.integers(0, 4)),
            st.builds(lambda part: Call("neg", (part,)), inner),
        )

    return st.recursive(leaves, grow, max_leaves=8)


@given(trees())
def test_a_formula_that_is_written_out_is_read_as_the_same(tree):
    assert Formula.parse(str(tree), NAMES).tree == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-x**2", -9.0),
        ("2**-x", 0.125),
        ("2**x**2", 512.0),
        ("x^2", 9.0),
        ("8/2/2", 2.0),
        ("1 - 2 - 3", -4.0),
        ("1−x", -2.0),
        (".5e1*x", 15.0),
        ("max(x, 1, 2) - min(x, 1)", 2.0),
        ("sign(-x) + abs(-x) + sqrt(x+1)", 4.0),
        ("log(e**x) + 0*pi", 3.0),
        ("tan(0) + cos(0) + sin(0) + tanh(0) + exp(0)", 2.0),
    ],
)
def test_precedence_and_functions_are_those_of_mathematics(text, value):
    assert Formula.parse(text, ["x"])(np.array([3.0]))[0] == pytest.approx(value, rel=1e-15)


def test_every_function_has_a_meaning_for_arrays_and_for_bounds():
    x = np.array([[0.3]])
    for name in FUNCTIONS:
        formula = Formula.parse(f"{name}(x{', 2*x' if name in ('min', 'max') else ''})")
        middle, room = enclosure(formula, x)
        assert abs(formula(x)[0] - middle[0]) <= room[0]


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("6x", 1, "write 6*x"),
        ("sin(6*x", 7, "ends where ')' was needed"),
        ("x +", 3, "ends where"),
        ("x $ 2", 2, "nothing that a formula has"),
        ("x**1000", 1, "beyond ±64"),
        ("1e999", 0, "beyond"),
        ("sin x", 0, "in parentheses"),
        ("sin(x, x)", 0, "takes one"),
        ("max(x)", 0, "at least two"),
        ("x)", 1, "the end"),
        ("*x", 0, "was needed"),
        ("x.real", 1, "nothing that a formula has"),
        ("(" * 60 + "x" + ")" * 60, 40, "within each other"),
    ],
)
def test_an_error_points_at_its_place(text, place, told):
    with pytest.raises(InputError) as caught:
        Formula.parse(text, ["x"])
    message, line, pointer = str(caught.value).split("\n")
    assert told in message
    assert pointer == " " * (4 + place) + "^"
    assert line.strip()


@pytest.mark.parametrize("text", ["", " ", "__import__('os').system('true')", "[x]", "lambda: x", "x if x else 1"])
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(InputError):
        Formula.parse(text)


def test_limits_hold_before_anything_overflows():
    for text in ("x" * (MAX_LENGTH + 1), "+".join(["x"] * 900), "x**(" + "+".join(["1"] * 900) + ")", "-" * 1900 + "x"):
        with pytest.raises(InputError):
            Formula.parse(text)


def test_a_misspelt_name_gets_the_nearest_known_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'mass'"):
        Formula.parse("log(mas)", ["mass", "wing"])
    with pytest.raises(UnknownNameError, match="Did you mean 'sin'"):
        Formula.parse("sinn(x)")


def test_names_come_in_the_order_of_letters_and_numbers_and_may_hide_constants():
    assert Formula.parse("x10 + x2 + e*pi").names == ("x2", "x10")
    assert Formula.parse("e", ["e"])(np.array([5.0])).tolist() == [5.0]
    assert Formula.parse("`bill length` * 2", ["bill length"])({"bill length": [1.5]}).tolist() == [3.0]


def test_arrays_dicts_and_constants_give_one_value_a_row():
    formula = Formula.parse("x1 - x2", ["x1", "x2", "x3"])
    x = np.arange(6.0).reshape(2, 3)
    assert formula(x).tolist() == formula({"x2": x[:, 1], "x1": x[:, 0]}).tolist() == [-1.0, -1.0]
    assert formula.used == ("x1", "x2")
    assert Formula.parse("2", ["x"])(np.zeros(3)).tolist() == [2.0, 2.0, 2.0]
    assert Formula.parse("2", ["x", "y"])({"x": [1, 2, 3], "y": ["a", "b", "c"]}).tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(InputError, match="x has shape"):
        formula(np.zeros((2, 2)))
    with pytest.raises(UnknownNameError):
        formula({"x1": [1.0]})


def test_where_there_is_no_value_there_is_nan_and_no_warning():
    assert not np.isfinite(Formula.parse("log(x) + 1/x + sqrt(x)")(np.array([-1.0, 0.0]))).any()


def dual(tree, x, direction):
    """f, f′ and f″ along a direction by truncated series: exact differentiation, of another kind than intervals'."""

    def lift(g, d1, d2):
        return lambda a: (g(a[0]), d1(a[0]) * a[1], d2(a[0]) * a[1] ** 2 + d1(a[0]) * a[2])

    def mul(a, b):
        return a[0] * b[0], a[1] * b[0] + a[0] * b[1], a[2] * b[0] + 2 * a[1] * b[1] + a[0] * b[2]

    def inverse(a):
        return lift(lambda u: 1 / u, lambda u: -1 / u**2, lambda u: 2 / u**3)(a)

    def power(a, n):
        result = (1.0, 0.0, 0.0)
        for _ in range(int(n[0])):
            result = mul(result, a)
        return result

    operations = {
        "+": lambda a, b: tuple(p + q for p, q in zip(a, b, strict=True)),
        "-": lambda a, b: tuple(p - q for p, q in zip(a, b, strict=True)),
        "neg": lambda a: tuple(-p for p in a),
        "*": mul,
        "/": lambda a, b: mul(a, inverse(b)),
        "**": power,
        "sin": lift(math.sin, math.cos, lambda u: -math.sin(u)),
        "cos": lift(math.cos, lambda u: -math.sin(u), lambda u: -math.cos(u)),
        "exp": lift(math.exp, math.exp, math.exp),
        "tanh": lift(math.tanh, lambda u: 1 - math.tanh(u) ** 2, lambda u: -2 * math.tanh(u) * (1 - math.tanh(u) ** 2)),
        "abs": lambda a: a if a[0] > 0 else tuple(-p for p in a),
        "min": lambda *parts: min(parts, key=lambda a: a[0]),
        "max": lambda *parts: max(parts, key=lambda a: a[0]),
    }
    values = {name: (x[j], direction[j], 0.0) for j, name in enumerate(NAMES)}
    return evaluate(tree, values, operations, lambda value: (value, 0.0, 0.0))


@settings(max_examples=150, deadline=None)
@given(trees(), st.integers(0, 2**32 - 1))
def test_bounds_hold_for_the_value_the_slopes_and_the_second_derivatives(tree, seed):
    rng = np.random.default_rng(seed)
    lo = rng.uniform(-2, 2, size=2)
    hi = lo + rng.uniform(0, 1) ** 3
    jet = bounds(Formula(str(tree), NAMES, tree), lo[None], hi[None])
    for _ in range(5):
        x = rng.uniform(lo, hi)
        for j, direction in enumerate(np.eye(2)):
            try:
                found = dual(tree, x.tolist(), direction.tolist())
            except (ZeroDivisionError, OverflowError):
                return
            within = (jet.value.lo[0], jet.value.hi[0]), (jet.slope.lo[j, 0], jet.slope.hi[j, 0])
            for value, (low, high) in zip(found, (*within, (jet.bend.lo[j, j, 0], jet.bend.hi[j, j, 0])), strict=True):
                room = 1e-9 * max(1.0, abs(value))  # of the differentiation in floats, not of the bounds
                assert low - room <= value <= high + room


def test_bounds_are_tight_where_they_can_be():
    k = np.linspace(0, 1, 129)[:, None]
    jet = bounds(Formula.parse("sin(6*x) + x"), k[:-1], k[1:])
    assert jet.slope.size.max() == pytest.approx(7, rel=1e-12)
    assert jet.bend.size.max() == pytest.approx(36, rel=1e-12)


@pytest.mark.parametrize("text", ["1/x", "log(x)", "sqrt(x)", "abs(x)", "sign(x)", "tan(2*x)", "x**-2", "max(x, 0)"])
def test_nothing_is_promised_across_a_kink_a_jump_or_a_pole(text):
    jet = bounds(Formula.parse(text), np.array([[-1.0]]), np.array([[1.0]]))
    assert np.isinf(jet.bend.size).all()


@pytest.mark.parametrize("text", ["tanh(log(x))", "sin(sqrt(x))", "cos(1/x)", "max(x**-0.5, x)", "0*log(-1) + x"])
def test_where_there_may_be_no_value_what_stands_around_it_hides_nothing(text):
    jet = bounds(Formula.parse(text), np.array([[-1.0]]), np.array([[1.0]]))
    assert not jet.defined.any()
    assert np.isinf(jet.value.size).all()


def test_what_is_exact_is_not_widened():
    jet = bounds(Formula.parse("sqrt(1 - x**2) + 3*x*x"), np.array([[0.5]]), np.array([[1.0]]))
    assert jet.defined.all()
    assert bounds(Formula.parse("x*x - 0.25*x"), np.array([[0.5]]), np.array([[0.5]])).value.lo.tolist() == [0.125]
