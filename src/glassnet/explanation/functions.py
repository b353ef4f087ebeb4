"""What is to be approximated: a formula, a Python function or the rows of a table, on a box, with its bounds.

A function bounds how far it strays from what stands in its place on a box with sides h:

    linear on the simplices of the box   |f − I| ≤ ⅛ Σⱼₖ hⱼhₖ sup|∂²f/∂xⱼ∂xₖ|, ≤ ¼ Σⱼ hⱼ (sup − inf) ∂f/∂xⱼ,
                                         ≤ sup f − inf f
    constant, f at the middle            |f − f(m)| ≤ ½ Σⱼ hⱼ sup|∂f/∂xⱼ|

The first holds since of weights λ over corners v, Σλ(x − v)ⱼ(x − v)ₖ ≤ hⱼhₖ/4.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.table import Table
from glassnet.errors import InputError, ShapeError
from glassnet.explanation.formulas import Formula
from glassnet.explanation.intervals import Jet, bounds, enclosure
from glassnet.nn.elementary import Array

SAMPLES = 16  # points in a box at which a deviation is measured where it cannot be bounded


@dataclass(frozen=True, eq=False)
class Function:
    """A real function on a box.

    Attributes:
        text: How it is called on a page.
        names: Of its inputs.
        lo, hi: The corners of the box (d,).
        lipschitz: |f(x) − f(x′)| ≤ lipschitz ‖x − x′‖, if the user says so.
        curvature: The largest second derivative in any direction, if the user says so.
    """

    text: str
    names: tuple[str, ...]
    lo: Array
    hi: Array
    lipschitz: float | None = None
    curvature: float | None = None

    @property
    def d(self) -> int:
        """Inputs."""
        return len(self.lo)

    @property
    def certain(self) -> bool:
        """Whether the bounds hold; else they are measured."""
        return self.lipschitz is not None or self.curvature is not None

    @property
    def basis(self) -> str:
        """What the bounds rest on."""
        return self._said() or "nothing: give lipschitz= or curvature="

    def _said(self) -> str:
        """What the user says of the function."""
        known = (("lipschitz", self.lipschitz), ("curvature", self.curvature))
        said = " and ".join(f"{name} {value:g}" for name, value in known if value is not None)
        return f"your word that {said}" if said else ""

    def __call__(self, x: Array) -> Array:
        """f (n,) of x (n, d)."""
        raise NotImplementedError

    def nodes(self, x: Array) -> tuple[Array, Array]:
        """f (n,) of x (n, d), and how far the true value may be from it."""
        values = self(x)
        return values, np.zeros_like(values)

    def line_error(self, lo: Array, hi: Array) -> Array:
        """How far f strays from its linear interpolant on each box (n,)."""
        if not self.certain:
            return self._measured(lo, hi, linear=True)
        h = np.linalg.norm(hi - lo, axis=1)
        return np.fmin(*self._by_constants(h, 0.5, 0.125))

    def constant_error(self, lo: Array, hi: Array) -> Array:
        """How far f strays from its value in the middle of each box (n,), by its slopes."""
        if not self.certain:
            return self._measured(lo, hi, linear=False)
        h, corner = hi - lo, self(lo)
        by_slope, _ = self._by_constants(np.linalg.norm(h, axis=1), 0.5, 0.0)
        if self.curvature is None:
            return by_slope
        # Along an edge the mean slope is met somewhere; elsewhere it differs by no more than curvature · ‖h‖.
        edges = [np.abs(self(lo + h * unit) - corner) for unit in np.eye(self.d)]
        rest = self.curvature * np.linalg.norm(h, axis=1)
        return np.fmin(by_slope, 0.5 * (np.sum(edges, axis=0) + h.sum(axis=1) * rest))

    def range_error(self, lo: Array, hi: Array) -> Array:
        """How far f strays from its value in the middle of each box (n,), by its range."""
        return np.full(len(lo), np.inf)

    def sizes(self, lo: Array, hi: Array) -> tuple[Array, Array]:
        """On each box the largest |∂f/∂xⱼ| (d, n) and |∂²f/∂xⱼ∂xₖ| (d, d, n), inf where nothing is known."""
        slope = np.inf if self.lipschitz is None else self.lipschitz
        bend = np.inf if self.curvature is None else self.curvature
        return np.full((self.d, len(lo)), slope), np.full((self.d, self.d, len(lo)), bend)

    def _by_constants(self, h: Array, slope: float, bend: float) -> tuple[Array, Array]:
        """slope · lipschitz · h and bend · curvature · h², inf where the user gave none."""
        none = np.full_like(h, np.inf)
        return (
            none if self.lipschitz is None else slope * self.lipschitz * h,
            none if self.curvature is None else bend * self.curvature * h * h,
        )

    def _measured(self, lo: Array, hi: Array, *, linear: bool) -> Array:
        """The largest deviation at some points of each box."""
        h, rng = hi - lo, np.random.default_rng(0)
        points = rng.uniform(size=(SAMPLES, self.d)) if self.d > 1 else (np.arange(SAMPLES) + 0.5)[:, None] / SAMPLES
        corners: dict[tuple[bool, ...], Array] = {}

        def corner(mask: Array) -> Array:
            key = tuple(mask.tolist())
            if key not in corners:
                corners[key] = self(lo + h * mask)
            return corners[key]

        middle = self(lo + h / 2)
        worst = np.zeros(len(lo))
        for t in points:
            stand_in = _on_simplex(t, corner) if linear else middle
            worst = np.fmax(worst, np.abs(self(lo + h * t) - stand_in))
        return worst


def _on_simplex(t: Array, corner: Callable[[Array], Array]) -> Array:
    """The value at t in [0, 1]ᵈ of what is linear on the simplex t₍₁₎ ≥ t₍₂₎ ≥ … (Kuhn's triangulation)."""
    order = np.argsort(-t, kind="stable")
    mask = np.zeros(len(t), bool)
    value = (1 - t[order[0]]) * corner(mask)
    for i, j in enumerate(order):
        mask = mask.copy()
        mask[j] = True
        value = value + (t[j] - (t[order[i + 1]] if i + 1 < len(t) else 0)) * corner(mask)
    return np.asarray(value)


@dataclass(frozen=True, eq=False)
class FormulaFunction(Function):
    """A formula: its bounds come from interval arithmetic, and the user's where they are tighter."""

    formula: Formula = None  # type: ignore[assignment]  # always given; the fields before it have defaults

    @property
    def certain(self) -> bool:
        return True

    @property
    def basis(self) -> str:
        said = self._said()
        return f"interval arithmetic on f, f′ and f″{f', and {said}' if said else ''}"

    def __call__(self, x: Array) -> Array:
        return self.formula(x)

    def nodes(self, x: Array) -> tuple[Array, Array]:
        values, room = enclosure(self.formula, x)
        if not np.isfinite(values).all():
            i = int(np.argmin(np.isfinite(values)))
            place = ", ".join(f"{name} = {value:.6g}" for name, value in zip(self.names, x[i], strict=True))
            raise InputError(
                f"{self.text} has no finite value at {place} (or interval arithmetic finds none), but what a network "
                f"is to follow must be continuous on the whole of its domain: choose another one."
            )
        return values, room

    def line_error(self, lo: Array, hi: Array) -> Array:
        jet, h = self.jet(lo, hi), (hi - lo).T
        with np.errstate(all="ignore"):
            by_bend = 0.125 * (jet.bend.size * h[:, None] * h[None, :]).sum(axis=(0, 1))
            by_slope = 0.25 * (h * (jet.slope.hi - jet.slope.lo)).sum(axis=0)
            found = _least(by_bend, by_slope, jet.value.hi - jet.value.lo)
        return _least(found, *self._by_constants(np.linalg.norm(h, axis=0), 0.5, 0.125))

    def constant_error(self, lo: Array, hi: Array) -> Array:
        jet, h = self.jet(lo, hi), (hi - lo).T
        with np.errstate(all="ignore"):
            by_slope = 0.5 * (h * jet.slope.size).sum(axis=0)
        return _least(by_slope, self._by_constants(np.linalg.norm(h, axis=0), 0.5, 0.0)[0])

    def range_error(self, lo: Array, hi: Array) -> Array:
        value = self.jet(lo, hi).value
        with np.errstate(all="ignore"):
            return _least(value.hi - value.lo)

    def sizes(self, lo: Array, hi: Array) -> tuple[Array, Array]:
        jet = self.jet(lo, hi)
        slope, bend = super().sizes(lo, hi)
        return np.fmin(jet.slope.size, slope), np.fmin(jet.bend.size, bend)

    def jet(self, lo: Array, hi: Array) -> Jet:
        """Bounds on every box."""
        return bounds(self.formula, lo, hi)


def _least(*candidates: Array) -> Array:
    """The least of several bounds, with room for the rounding of their own arithmetic; inf where none holds."""
    return np.asarray(np.fmin.reduce([np.where(np.isnan(c), np.inf, c) for c in candidates])) * (1 + 1e-12)


@dataclass(frozen=True, eq=False)
class PythonFunction(Function):
    """A Python function of d arguments, called with arrays where it takes them."""

    function: Callable[..., Any] = None  # type: ignore[assignment]  # always given

    def __call__(self, x: Array) -> Array:
        try:
            values = np.asarray(self.function(*x.T), dtype=np.float64)
            whole = values.shape in ((len(x),), ())
        except (TypeError, ValueError, AttributeError):
            whole = False
        if not whole:  # it knows single numbers only
            values = np.array([self._one(row) for row in x.tolist()], dtype=np.float64)
        values = np.broadcast_to(values, (len(x),))
        if not np.isfinite(values).all():
            row = x[int(np.argmin(np.isfinite(values)))]
            raise InputError(f"{self.text} gives no finite number at {row.tolist()}: choose another domain.")
        return values

    def _one(self, row: list[float]) -> float:
        try:
            return float(self.function(*row))
        except (TypeError, ValueError, ArithmeticError) as error:
            raise InputError(
                f"{self.text} fails at {row}: {error}. A function of {self.d} number{'s' * (self.d > 1)} that returns "
                f"one was needed; how many, `on` says: one pair (a, b) for each."
            ) from error


@dataclass(frozen=True, eq=False)
class Polyline(Function):
    """The line through the rows of a table: linear between them, which is all that a table says."""

    x: Array = None  # type: ignore[assignment]  # (n,), ascending; always given
    t: Array = None  # type: ignore[assignment]  # (n,)

    @property
    def certain(self) -> bool:
        return True

    @property
    def basis(self) -> str:
        return "the line through the rows of the table, which is known between them too"

    def __call__(self, x: Array) -> Array:
        return np.interp(x[:, 0], self.x, self.t)

    def nodes(self, x: Array) -> tuple[Array, Array]:
        values = self(x)
        return values, np.full_like(values, 1e-15 * np.abs(self.t).max())

    def line_error(self, lo: Array, hi: Array) -> Array:
        least, most = self._slopes(lo, hi)
        return _least(0.25 * (hi - lo)[:, 0] * (most - least))

    def constant_error(self, lo: Array, hi: Array) -> Array:
        least, most = self._slopes(lo, hi)
        return _least(0.5 * (hi - lo)[:, 0] * np.maximum(np.abs(least), np.abs(most)))

    def sizes(self, lo: Array, hi: Array) -> tuple[Array, Array]:
        least, most = self._slopes(lo, hi)
        bend = np.where(least == most, 0.0, np.inf)
        return np.maximum(np.abs(least), np.abs(most))[None], bend[None, None]

    def _slopes(self, lo: Array, hi: Array) -> tuple[Array, Array]:
        """The least and the largest slope on each box (n,)."""
        slopes = np.diff(self.t) / np.diff(self.x)
        first = np.clip(np.searchsorted(self.x, lo[:, 0], "right") - 1, 0, len(slopes) - 1)
        last = np.clip(np.searchsorted(self.x, hi[:, 0], "left"), first + 1, len(slopes))
        # reduceat takes pairs: of every second entry the reduction from first to last.
        pairs, padded = np.stack([first, last], axis=1).ravel(), np.append(slopes, slopes[-1])
        return np.minimum.reduceat(padded, pairs)[::2], np.maximum.reduceat(padded, pairs)[::2]


def as_function(f: Any, on: Any = None, lipschitz: float | None = None, curvature: float | None = None) -> Function:
    """A formula, a Python function or a table on its box.

    Args:
        f: A text, a `Formula`, something to call, or rows (x, t): two arrays, or whatever `Table.read` takes with two
            columns.
        on: (a, b), for a formula that of every input; or one pair for each; or a dict of pairs by name. A table may
            leave it out.
        lipschitz: Of a Python function: |f(x) − f(x′)| ≤ lipschitz ‖x − x′‖.
        curvature: Of a Python function: the largest second derivative in any direction.
    """
    for name, value in (("lipschitz", lipschitz), ("curvature", curvature)):
        if value is not None and not (np.isfinite(value) and value >= 0):
            raise InputError(f"{name} is {value!r}, but a number ≥ 0 was needed.")
    constants: dict[str, Any] = {"lipschitz": lipschitz, "curvature": curvature}
    if isinstance(f, str | Formula):
        wanted = list(map(str, on)) if isinstance(on, Mapping) else None
        formula = f if isinstance(f, Formula) else Formula.parse(f, wanted)
        if not formula.names:
            formula = Formula(formula.text, ("x",), formula.tree)
        lo, hi = _box(on, formula.names)
        return FormulaFunction(formula.text, formula.names, lo, hi, **constants, formula=formula)
    if callable(f):
        lo, hi = _box(on, None)
        names = tuple(map(str, on)) if isinstance(on, Mapping) else tuple(f"x{j + 1}" for j in range(len(lo)))
        return PythonFunction(_called(f), ("x",) if names == ("x1",) else names, lo, hi, **constants, function=f)
    if lipschitz is not None or curvature is not None:
        raise InputError("lipschitz and curvature came for a table, which has its own slopes: leave them out.")
    return _polyline(f, on)


def _called(function: Callable[..., Any]) -> str:
    """What a function is called on a page."""
    name = getattr(function, "__name__", type(function).__name__)
    return "f" if name == "<lambda>" else str(name)


def _box(on: Any, names: Sequence[str] | None) -> tuple[Array, Array]:
    """The corners of the domain (d,) each."""
    if isinstance(on, Mapping):
        on = list(on.values())
    try:
        pairs = np.array(on, dtype=np.float64)
    except (TypeError, ValueError):
        pairs = np.zeros(())
    if pairs.shape == (2,):
        pairs = np.tile(pairs, (len(names or "x"), 1))
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (names is not None and len(pairs) != len(names)):
        count = "one pair for each input" if names is None else f"a pair for each of {', '.join(names)}"
        raise InputError(f"on is {on!r}, but (a, b) was needed, or {count}: [(0, 1), (-1, 1)].")
    if not (np.isfinite(pairs).all() and (pairs[:, 0] < pairs[:, 1]).all()):
        raise InputError(f"on is {on!r}, but each pair (a, b) needs finite numbers with a < b.")
    return pairs[:, 0].copy(), pairs[:, 1].copy()


def _polyline(rows: Any, on: Any) -> Polyline:
    """The line through rows of x and t."""
    name = "x"
    if isinstance(rows, tuple | list) and len(rows) == 2:
        columns = [np.asarray(part, dtype=np.float64).ravel() for part in rows]
    else:
        table = Table.read(rows)
        if len(table.names) != 2:
            raise InputError(
                f"The table has the columns {', '.join(table.names)}, but two were needed, x and f(x). Of a table in "
                f"several inputs nothing is known between its rows: train a network, as TableRegressor does."
            )
        columns, name = [table[column].to_numpy().astype(np.float64) for column in table.names], table.names[0]
    x, t = columns
    if len(x) != len(t) or len(x) < 2 or not (np.isfinite(x).all() and np.isfinite(t).all()):
        raise ShapeError(f"x has {len(x)} values and f(x) {len(t)}, but as many, finite and at least 2, were needed.")
    order = np.argsort(x, kind="stable")
    x, t = x[order], t[order]
    if (np.diff(x) == 0).any():
        twice = x[int(np.argmax(np.diff(x) == 0))]
        raise InputError(f"x = {twice:g} comes twice: a function has one value there. Keep one, or their mean.")
    lo, hi = _box((x[0], x[-1]) if on is None else on, ("x",))
    if lo[0] < x[0] or hi[0] > x[-1]:
        raise InputError(f"on is {on!r}, but the rows reach from {x[0]:g} to {x[-1]:g} only.")
    return Polyline(f"the table of {len(x)} rows", (name,), lo, hi, x=x, t=t)
