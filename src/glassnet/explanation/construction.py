"""The proof that one hidden layer approximates any continuous function, built: a network with given weights."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.errors import InputError, unknown_name
from glassnet.explanation.drawing import axes
from glassnet.explanation.formulas import Formula as ExpressionFormula
from glassnet.explanation.functions import FormulaFunction, Function, Polyline, as_function
from glassnet.explanation.measuring import measure, scores
from glassnet.explanation.page import Block, Explanation, Formula, Heading, Matrix, Table, Text, Verdict
from glassnet.explanation.plans import Built, GridPlan, LinePlan, Plan, foretold, least_pieces, most_pieces
from glassnet.explanation.ridges import ridge_sum
from glassnet.nn import Network
from glassnet.nn.elementary import Array

ACTIVATIONS = ("relu", "step", "logistic")
MOST_INPUTS = 3
FEW = 32  # pieces that need no saving
TRIES = 12  # at a slightly smaller goal, where rounding or what was measured breaks the first one
NOTHING = ExpressionFormula.parse("0")
BRICKS = {"relu": "hats", "step": "steps", "logistic": "steep sigmoids"}


@dataclass(frozen=True, eq=False, repr=False)
class Construction(Explanation):
    """A network with given weights, and how far it is from f.

    Attributes:
        network: It takes x (n, d) and gives y (n, 1).
        error: |f(x) − y(x)| ≤ error on the whole domain, where `certified`; else the largest that was found.
        certified: Whether the error holds for every x, the network's own rounding included.
        measured: The largest |f − y| that was found on a dense grid: a lower bound of the true one.
        measured_at: Where, (d,).
        wanted: The error that was asked for, or None.
        activation: "relu", "step" or "logistic".
        layers: How many hidden layers, and why.
        built: The parts of the error, and the pieces.
        function: What is approximated, and where.
    """

    network: Network
    error: float
    certified: bool
    measured: float
    measured_at: Array
    wanted: float | None
    activation: str
    layers: str
    built: Built = field(repr=False)
    function: Function = field(repr=False)

    @property
    def hidden(self) -> tuple[int, ...]:
        """Units of each hidden layer."""
        return self.network.architecture.sizes[1:-1]

    @property
    def units(self) -> int:
        """Hidden units in all."""
        return sum(self.hidden)

    def page(self) -> list[Block]:
        f, one = self.function, len(self.hidden) == 1
        domain = _domain(f)
        counted = " and ".join(f"{units:,}" for units in self.hidden)
        pieces = " × ".join(map(str, self.built.pieces)) if not one else " + ".join(map(str, self.built.pieces))
        blocks: list[Block] = [
            Heading(f"{f.text} on {domain}, by {BRICKS[self.activation]}"),
            Text(
                f"A network with given weights, not trained: {self.layers}, {counted} {self.activation} units, "
                f"{pieces} pieces."
            ),
            Formula(_formula(self.activation, one)),
            Table(
                ("part of the error", "size"),
                [
                    [f"{_BETWEEN[self.activation]} between the knots", self.built.bound],
                    *([["tails of the sigmoids", self.built.tails]] if self.activation == "logistic" else []),
                    ["rounding, of the weights and of computing y", self.built.rounding],
                    ["found on a dense grid (a lower bound)", self.measured],
                ],
            ),
            self._verdict(domain),
        ]
        if one:
            first, last = self.network.layers
            order = [f"h{i + 1}" for i in range(self.units)]
            blocks += [
                Matrix("w", first.w, rows=list(f.names), columns=order),
                Matrix("b", np.zeros(0) if first.b is None else first.b, columns=order),
                Matrix("v", last.w.T, columns=order, note=f"c = {float(self._c):.6g}"),
            ]
        return blocks

    @property
    def _c(self) -> float:
        b = self.network.layers[-1].b
        return 0.0 if b is None else float(b[0])

    def _verdict(self, domain: str) -> Verdict:
        outside = "Outside nothing is promised."
        if self.certified:
            return Verdict(
                "good",
                f"|f − y| ≤ {_up(self.error)} for every x of {domain}, certified by {self.function.basis}. {outside}",
            )
        return Verdict(
            "note",
            f"|f − y| reaches {self.error:.4g} at least, measured on a dense grid: a lower bound, no certificate. "
            f"With lipschitz= or curvature= it would be certified. {outside}",
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "function": self.function.text,
            "on": [[a, b] for a, b in zip(self.function.lo.tolist(), self.function.hi.tolist(), strict=True)],
            "names": list(self.function.names),
            "activation": self.activation,
            "hidden": list(self.hidden),
            "layers": self.layers,
            "pieces": list(self.built.pieces),
            "error": self.error,
            "certified": self.certified,
            "basis": self.function.basis,
            "wanted": self.wanted,
            "between_knots": self.built.bound,
            "tails": self.built.tails,
            "rounding": self.built.rounding,
            "measured": self.measured,
            "measured_at": self.measured_at.tolist(),
            "weights": [
                {"w": layer.w.tolist(), "b": None if layer.b is None else layer.b.tolist()}
                for layer in self.network.layers
            ],
        }

    def plot(self, ax: Any = None) -> Any:
        """f and y over the domain; of two inputs |f − y|, of three f and y along the diagonal."""
        ax, f = axes(ax), self.function
        if f.d == 2:
            x1, x2 = np.meshgrid(*(np.linspace(a, b, 200) for a, b in zip(f.lo, f.hi, strict=True)), indexing="ij")
            x = np.stack([x1.ravel(), x2.ravel()], axis=1)
            drawn = ax.pcolormesh(x1, x2, np.abs(f(x) - scores(self.network, x)).reshape(x1.shape), shading="nearest")
            ax.figure.colorbar(drawn, ax=ax, label="|f − y|")
            ax.set(xlabel=f.names[0], ylabel=f.names[1])
        else:
            t = np.linspace(0, 1, 1001)
            x = f.lo + t[:, None] * (f.hi - f.lo)
            along = x[:, 0] if f.d == 1 else t
            ax.plot(along, f(x), label=f.text, linewidth=4, alpha=0.4)
            ax.plot(along, scores(self.network, x), label=f"{self.units} {self.activation} units", linestyle="--")
            ax.set(xlabel=f.names[0] if f.d == 1 else "along the diagonal")
            ax.legend()
        bound = "≤" if self.certified else "≥"
        ax.set_title(f"|f − y| {bound} {_up(self.error) if self.certified else f'{self.error:.3g}'}")
        return ax


_BETWEEN = {"relu": "f bends", "step": "f rises or falls", "logistic": "f rises or falls"}


def construct(
    f: Any,
    on: Any = None,
    *,
    error: float | None = None,
    units: int | None = None,
    activation: str = "relu",
    lipschitz: float | None = None,
    curvature: float | None = None,
) -> Construction:
    """Build the network that the universal approximation theorem promises, without training.

    Of one input: one hidden layer of hats (relu), steps, or steep sigmoids (logistic), on equal pieces, or on halved
    ones where f bends in one place so much that equal ones would be too many. Of two or three: one hidden layer where f
    is a sum of functions of one direction each (x² + y², xy, sin(x + 2y)); else two hidden layers, of relu or steps.
    Steep sigmoids have no two-layer form with a certificate: where four boxes meet, none of their bumps is on.

    With a certificate |f − y| ≤ error holds for every x of the domain, tails of sigmoids and rounding included, also
    the rounding of computing y in float64. Bounds on f′ and f″ come from interval arithmetic on a formula; of a Python
    function the user gives them. Without, the error is measured, which bounds it from below only.

    Args:
        f: A formula, "sin(6*x) + x"; a Python function of d numbers or arrays; or rows, (x, t) or a table of two
            columns.
        on: The domain: (a, b), or one pair for each input, or a dict of pairs by name. Left out for rows: all of them.
        error: The largest |f − y| that is allowed; as few pieces are made as meet it.
        units: Instead of an error, the hidden units to spend, all layers together.
        activation: "relu", "step" or "logistic".
        lipschitz: Of a Python function: |f(x) − f(x′)| ≤ lipschitz ‖x − x′‖.
        curvature: Of a Python function: its largest second derivative in any direction.

    Raises:
        InputError: more than three inputs, or more units than can be built; it says how many it would take. A function
            without a value somewhere, or an error that pieces cannot meet, as at a jump.

    >>> built = construct("sin(6*x) + x", on=(0, 1), error=1e-3)
    >>> built.certified, built.error <= 1e-3, built.network.architecture.sizes
    (True, True, (1, 68, 1))
    >>> construct(lambda x: abs(x), on=(-1, 1), units=3, lipschitz=1).error <= 1 / 3 + 1e-12
    True
    """
    function = as_function(f, on, lipschitz, curvature)
    if activation not in ACTIVATIONS:
        raise unknown_name("activation", activation, ACTIVATIONS)
    rows = isinstance(function, Polyline)
    if (error is None) == (units is None) and not (rows and error is None):
        raise InputError("Give either error=, the largest |f − y| allowed, or units=, the hidden units to spend.")
    if error is not None and not (np.isfinite(error) and error > 0):
        raise InputError(f"error is {error!r}, but a number above 0 was needed.")
    if units is not None and units < 1:
        raise InputError(f"units is {units!r}, but a whole number ≥ 1 was needed.")
    function.nodes(np.stack([function.lo, function.hi]))  # where it has no value, that is told first
    return construct_function(function, activation, error, units)


def construct_function(function: Function, activation: str, error: float | None, units: int | None) -> Construction:
    """`construct` of what has been checked."""
    plan = _plan(function, activation, error)
    if units is not None:
        return _result(function, plan, activation, None, *_build(plan, most_pieces(plan, units), function, 0.0))
    if isinstance(function, Polyline):
        inner = function.x[(function.x > function.lo[0]) & (function.x < function.hi[0])]
        at_rows = [np.concatenate([function.lo, inner, function.hi])]
        if error is None:
            return _result(function, plan, activation, None, *_build(plan, at_rows, function, 0.0))
    assert error is not None
    budget, goal = 1e-3 * error, error if activation != "logistic" else (1 - 2e-3) * error
    for _ in range(TRIES):
        knots = least_pieces(plan, goal)
        if isinstance(function, Polyline) and plan.bound(at_rows) <= goal and plan.fits(at_rows):
            knots = min(at_rows, knots or at_rows, key=lambda lines: len(lines[0]))
        if isinstance(plan, LinePlan) and len(plan.functions) == 1:
            knots = _fewer(knots, plan, goal)
        if knots is None:
            raise _too_many(plan, function, error)
        built, measured, place = _build(plan, knots, function, budget)
        found = built.error if function.certain else max(built.error, measured)
        if found <= error:
            return _result(function, plan, activation, error, built, measured, place)
        goal -= 1.2 * (found - error) + 1e-3 * goal
        if goal <= 0:
            break
    raise InputError(
        f"The error {error:g} is beyond what float64 can keep: rounding alone adds {built.rounding:.2g}. Allow more."
    )


def _fewer(equal: list[Array] | None, plan: LinePlan, goal: float) -> list[Array] | None:
    """Equal pieces, unless halved ones are less than half as many."""
    if equal is not None and len(equal[0]) < 2 * FEW:
        return equal
    halved = plan.halved(goal)
    if equal is None or (halved is not None and 2 * len(halved[0]) < len(equal[0])):
        return halved
    return equal


def _build(plan: Plan, knots: list[Array], function: Function, budget: float) -> tuple[Built, float, Array]:
    """The network, and the largest error that was found."""
    bound = plan.bound(knots)
    if not np.isfinite(bound):
        raise InputError(
            f"No bound on the error of {function.text} was found: its slope has none, as at a jump or a pole. Choose "
            f"another domain."
        )
    built = plan.build(knots, budget or 1e-3 * bound)
    return built, *measure(function, built.network)


def _result(
    function: Function, plan: Plan, activation: str, wanted: float | None, built: Built, measured: float, place: Array
) -> Construction:
    error = built.error if function.certain else max(built.bound, measured)
    return Construction(
        built.network, error, function.certain, measured, place, wanted, activation, plan.words, built, function
    )


def _plan(function: Function, activation: str, error: float | None) -> Plan:
    """One hidden layer where it can be, else two.

    Raises:
        InputError: too many inputs, or sigmoids in two layers.
    """
    if function.d > MOST_INPUTS:
        raise _too_many(GridPlan(function, "step" if activation == "step" else "relu"), function, error)
    if function.d == 1:
        return LinePlan((function,), (np.ones(1),), NOTHING, activation, function.lo, function.hi)
    ridges = ridge_sum(function) if isinstance(function, FormulaFunction) else None
    if ridges is not None:
        constant, found = ridges
        lines = tuple(ridge.function for ridge in found), tuple(ridge.direction for ridge in found)
        return LinePlan(*lines, constant, activation, function.lo, function.hi)
    if activation == "logistic":
        raise InputError(
            f"{function.text} is no sum of functions of one direction, so it takes two hidden layers, and of sigmoids "
            f"these have no certificate: where four boxes meet, none of their bumps is on. Take 'relu' or 'step'."
        )
    return GridPlan(function, activation)


def _too_many(plan: Plan, function: Function, error: float | None) -> InputError:
    """What it would take, as a reason not to."""
    if function.d > MOST_INPUTS:
        pieces = _pieces_along(function, error, plan.order)
        corners = (pieces + 1) ** function.d if plan.order == 2 else pieces**function.d
        goal = f" for the error {error:g}" if error is not None else ""
        return InputError(
            f"{function.text} has {function.d} inputs, but networks with given weights are built for up to "
            f"{MOST_INPUTS}: with {pieces} pieces along each input it would take about {corners:.2g} units{goal}. "
            f"Train one, with fewer, as approximate does for up to 10 inputs."
        )
    assert error is not None
    pieces, units, _ = foretold(plan, error)
    if not units:
        return InputError(
            f"No bound on the error of {function.text} was found: its slope has none somewhere, as at a jump or a "
            f"pole. Choose another domain."
        )
    return InputError(
        f"{function.text} would take about {' and '.join(f'{size:,}' for size in units)} units for the error "
        f"{error:g}, {pieces:,} pieces along the longest line, which is more than can be built. Allow a larger error, "
        f"or train a network, as approximate does."
    )


def _pieces_along(function: Function, error: float | None, order: int) -> int:
    """Pieces along each input that the error takes, from bounds on the whole domain, or 16."""
    whole = function.lo[None], function.hi[None]
    slope, bend = function.sizes(*whole)
    h = function.hi - function.lo
    size = 0.125 * float((bend[:, :, 0] * np.outer(h, h)).sum()) if order == 2 else 0.5 * float(slope[:, 0] @ h)
    if error is None or not np.isfinite(size):
        return 16
    return max(1, int(np.ceil((size / error) ** (1 / order))))


def _domain(function: Function) -> str:
    return " × ".join(f"[{a:g}, {b:g}]" for a, b in zip(function.lo, function.hi, strict=True))


def _up(value: float) -> str:
    """A bound for people, never rounded down."""
    shown = f"{value:.4g}"
    return shown if float(shown) >= value else f"{value * 1.0005:.4g}"


def _formula(activation: str, one: bool) -> str:
    if one:
        return f"y = {activation}(xw + b) v + c"
    return f"y = {activation}({activation}(x w1 + b1) w2 + b2) v + c"
