"""How many pieces meet an error, and the network that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.formulas import Formula
from glassnet.explanation.functions import Function
from glassnet.explanation.intervals import UNIT, enclosure
from glassnet.explanation.pieces import Line, box_steps, grid_hats, hats, rounding, side_by_side, steps
from glassnet.nn import Network
from glassnet.nn.elementary import Array

MAX_UNITS = 20_000  # of one hidden layer
MAX_WEIGHTS = 10_000_000  # between two hidden layers, 80 MB
MAX_HALVINGS = 60
MOST_BROKEN = 8  # pieces without a bound that are halved at a time
COARSE = 64  # pieces on which it is seen where a function is steep


@dataclass(frozen=True, eq=False)
class Built:
    """A network with given weights, and the parts of its error.

    Attributes:
        network: Its weights.
        pieces: Along each line, or along each axis.
        bound: What the pieces miss.
        tails: What sigmoids differ from steps.
        rounding: What the arithmetic adds: of the weights, and of computing y.
    """

    network: Network
    pieces: tuple[int, ...]
    bound: float
    tails: float
    rounding: float

    @property
    def error(self) -> float:
        """All of it."""
        return (self.bound + self.tails + self.rounding) * (1 + 1e-12)


class Plan(Protocol):
    """A way to build, by the number n of pieces."""

    @property
    def words(self) -> str:
        """How many hidden layers, and why."""

    @property
    def order(self) -> int:
        """The bound falls as n^−order, where f is smooth."""

    def knots(self, n: int) -> list[Array]:
        """Knots along each line or axis."""

    def units(self, knots: Sequence[Array]) -> tuple[int, ...]:
        """Units of each hidden layer."""

    def fits(self, knots: Sequence[Array]) -> bool:
        """Whether it can be built at all."""

    def bound(self, knots: Sequence[Array]) -> float:
        """What the pieces miss, at most."""

    def build(self, knots: Sequence[Array], budget: float) -> Built:
        """The network."""


@dataclass(frozen=True, eq=False)
class LinePlan:
    """One hidden layer: a function of one input, or a sum of functions of one direction each."""

    functions: tuple[Function, ...]
    directions: tuple[Array, ...]
    constant: Formula  # without a name
    activation: str
    lo: Array
    hi: Array

    @property
    def order(self) -> int:
        return 2 if self.activation == "relu" else 1

    @property
    def words(self) -> str:
        if len(self.directions[0]) == 1:
            return "one hidden layer"
        if len(self.directions) == 1:
            return "one hidden layer, since it is a function of one direction"
        return f"one hidden layer, since it is a sum of {len(self.directions)} functions of one direction each"

    def shares(self) -> Array:
        """Pieces of each line, the largest 1: where the sum of the errors is least for so many pieces."""
        needs = []
        for function in self.functions:
            k = np.linspace(function.lo[0], function.hi[0], COARSE + 1)[:, None]
            slope, bend = function.sizes(k[:-1], k[1:])
            size = bend[0, 0] if self.order == 2 else slope[0]
            known = size[np.isfinite(size)]
            worst = float(known.max(initial=0)) if len(known) else np.inf
            needs.append((worst * (k[-1, 0] - k[0, 0]) ** self.order) ** (1 / (self.order + 1)))
        whole = np.array(needs)
        if not np.isfinite(whole).all() or whole.max() == 0:
            return np.ones(len(whole))
        return np.asarray(whole / whole.max())

    def knots(self, n: int) -> list[Array]:
        return [
            np.linspace(function.lo[0], function.hi[0], max(1, ceil(n * share)) + 1)
            for function, share in zip(self.functions, self.shares() if len(self.functions) > 1 else [1.0], strict=True)
        ]

    def units(self, knots: Sequence[Array]) -> tuple[int, ...]:
        """Of hats as many as pieces, of steps one less; hats need none where nothing bends, so it may be fewer."""
        spare = 1 if self.activation == "relu" else 2
        return (max(1, sum(len(line) - spare for line in knots)),)

    def fits(self, knots: Sequence[Array]) -> bool:
        return self.units(knots)[0] <= MAX_UNITS

    def piece_errors(self, function: Function, knots: Array) -> Array:
        """What each piece misses (n,)."""
        lo, hi = knots[:-1, None], knots[1:, None]
        if self.activation == "relu":
            return function.line_error(lo, hi)
        by_slope, by_range = function.constant_error(lo, hi), function.range_error(lo, hi)
        # Halfway up a sigmoid the other piece's constant counts for half: by range alone that may be twice as far.
        return np.fmin(by_slope, by_range if self.activation == "step" else 2 * by_range)

    def bound(self, knots: Sequence[Array]) -> float:
        pairs = zip(self.functions, knots, strict=True)
        return float(sum(self.piece_errors(function, line).max() for function, line in pairs))

    def halved(self, goal: float) -> list[Array] | None:
        """Knots by halving the pieces that miss more than the goal: fewer than equal ones, where f bends in one place.

        None where they are too many.

        Raises:
            InputError: a piece that no halving mends.
        """
        (function,) = self.functions
        knots = np.array([function.lo[0], function.hi[0]])
        for _ in range(MAX_HALVINGS):
            errors = self.piece_errors(function, knots)
            wide = np.flatnonzero(errors > goal)
            if not len(wide):
                return [knots]
            if len(knots) + len(wide) > MAX_UNITS and np.isfinite(errors).all():
                return None
            # Where there is no bound at all, it is of no use to halve the others.
            wide = wide if np.isfinite(errors).all() else np.flatnonzero(np.isinf(errors))[:MOST_BROKEN]
            knots = np.insert(knots, wide + 1, 0.5 * knots[wide] + 0.5 * knots[wide + 1])
        worst = int(errors.argmax())
        stays = f"stays {errors[worst]:.3g}" if np.isfinite(errors[worst]) else "has no bound"
        raise InputError(
            f"At x = {knots[worst]:.6g} the error {stays} however small the pieces: {function.text} seems to jump "
            f"there, or to have no end, and only what is continuous can be followed everywhere. Choose a domain "
            f"without that place."
        )

    def build(self, knots: Sequence[Array], budget: float) -> Built:
        lines: list[Line] = [
            hats(function, line) if self.activation == "relu" else steps(function, line, self.activation, budget)
            for function, line in zip(self.functions, knots, strict=True)
        ]
        constant, room = (float(part[0]) for part in enclosure(self.constant, np.zeros((1, 1))))
        network = side_by_side(lines, self.directions, constant, self.activation)
        added = len(lines) * UNIT * (abs(constant) + sum(abs(line.c) for line in lines))
        rounded = room + added + sum(line.misfit for line in lines) + 2 * rounding(network, self.lo, self.hi)
        if self.activation == "step":
            rounded += self._shifted()
        pieces = tuple(len(line) - 1 for line in knots)
        return Built(network, pieces, self.bound(knots), sum(line.tails for line in lines), rounded)

    def _shifted(self) -> float:
        """A step along a slanted direction comes a rounding of w · x too early or too late."""
        missed = 0.0
        for function, direction in zip(self.functions, self.directions, strict=True):
            if np.count_nonzero(direction) == 1 and direction.sum() == 1:
                continue  # z = x − k has the right sign
            off = 1e-15 * (len(direction) + 2) * float((np.abs(direction) * np.maximum(-self.lo, self.hi)).sum())
            slope, _ = function.sizes(function.lo[None], function.hi[None])
            missed += off * float(slope.max())
        return missed


@dataclass(frozen=True, eq=False)
class GridPlan:
    """Two hidden layers, for a function of two or three inputs that is no sum of functions of one direction."""

    function: Function
    activation: str

    @property
    def words(self) -> str:
        return "two hidden layers, since it is no sum of functions of one direction, for which one would do"

    @property
    def order(self) -> int:
        return 2 if self.activation == "relu" else 1

    def knots(self, n: int) -> list[Array]:
        f = self.function
        return [
            np.linspace(a, b, max(1, ceil(n * share)) + 1)
            for a, b, share in zip(f.lo, f.hi, self.shares(), strict=True)
        ]

    def shares(self) -> Array:
        """Pieces along each axis, the most 1, in proportion to what bends or rises there."""
        f = self.function
        corners = self.corners([np.linspace(a, b, 5) for a, b in zip(f.lo, f.hi, strict=True)])
        slope, bend = f.sizes(*corners)
        size = np.sqrt(np.einsum("jjn->jn", bend)) if self.order == 2 else slope
        need = size.max(axis=1) * (f.hi - f.lo)
        if not np.isfinite(need).all() or need.max() == 0:
            return np.ones(f.d)
        return np.asarray(np.maximum(need / need.max(), 1e-3))

    def corners(self, knots: Sequence[Array]) -> tuple[Array, Array]:
        """The corners of all boxes (n, d)."""
        low = [axis.ravel() for axis in np.meshgrid(*(line[:-1] for line in knots), indexing="ij")]
        high = [axis.ravel() for axis in np.meshgrid(*(line[1:] for line in knots), indexing="ij")]
        return np.stack(low, axis=1), np.stack(high, axis=1)

    def units(self, knots: Sequence[Array]) -> tuple[int, ...]:
        pieces = [len(line) - 1 for line in knots]
        boxes, d = int(np.prod(pieces)), len(pieces)
        if self.activation == "step":
            return max(1, sum(pieces) - d), boxes
        slanted = sum(a + b - 1 for i, a in enumerate(pieces) for b in pieces[i + 1 :])
        faces = sum(a * b for i, a in enumerate(pieces) for b in pieces[i + 1 :])
        return sum(pieces) + slanted, 1 + faces + (2 * boxes if d == 3 else 0)

    def fits(self, knots: Sequence[Array]) -> bool:
        first, second = self.units(knots)
        return first * second <= MAX_WEIGHTS

    def bound(self, knots: Sequence[Array]) -> float:
        lo, hi = self.corners(knots)
        f = self.function
        if self.activation == "relu":
            return float(f.line_error(lo, hi).max())
        return float(np.fmin(f.constant_error(lo, hi), f.range_error(lo, hi)).max())

    def build(self, knots: Sequence[Array], budget: float) -> Built:
        network, misfit = (grid_hats if self.activation == "relu" else box_steps)(self.function, knots)
        rounded = misfit + (3 * rounding(network, self.function.lo, self.function.hi) if self.order == 2 else 0.0)
        return Built(network, tuple(len(line) - 1 for line in knots), self.bound(knots), 0.0, rounded)


def least_pieces(plan: Plan, goal: float) -> list[Array] | None:
    """Knots of the fewest equal pieces whose bound meets the goal; None where no network that fits has it."""
    n = 1
    while plan.bound(plan.knots(n)) > goal:
        n *= 2
        if not plan.fits(plan.knots(n)):
            break
    low, high = n // 2, n  # low misses the goal
    if not plan.fits(plan.knots(high)):
        while high - low > 1:  # the largest that fits
            middle = (low + high) // 2
            low, high = (middle, high) if plan.fits(plan.knots(middle)) else (low, middle)
        if low == 0 or plan.bound(plan.knots(low)) > goal:
            return None
        low, high = n // 2, low
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if plan.bound(plan.knots(middle)) <= goal else (middle, high)
    return plan.knots(high)


def most_pieces(plan: Plan, units: int) -> list[Array]:
    """Knots of the most equal pieces that so many units make.

    Raises:
        InputError: too few for any, or more than can be built.
    """

    def within(n: int) -> bool:
        return sum(plan.units(plan.knots(n))) <= units

    if not within(1):
        raise InputError(f"units is {units}, but {sum(plan.units(plan.knots(1)))} are the fewest that make a network.")
    n = 1
    while within(2 * n):
        n *= 2
    low, high = n, 2 * n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if within(middle) else (low, middle)
    if not plan.fits(plan.knots(low)):
        raise InputError(
            f"units is {units:,}, but a network with given weights has at most {MAX_UNITS:,} in one hidden layer, or "
            f"{MAX_WEIGHTS:,} weights between two."
        )
    return plan.knots(low)


def foretold(plan: Plan, goal: float) -> tuple[int, tuple[int, ...], float]:
    """What it would take: pieces along a line or axis, units of each layer, from the largest bound that was tried."""
    tried = [n for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512) if plan.fits(plan.knots(n))]
    n = tried[-1] if tried else 1
    bound = plan.bound(plan.knots(n))
    if not np.isfinite(bound):
        return n, (), bound
    wanted = ceil(n * (bound / goal) ** (1 / plan.order))
    sizes = [max(2, ceil((len(line) - 1) / n * wanted) + 1) for line in plan.knots(n)]
    return wanted, plan.units([np.broadcast_to(0.0, size) for size in sizes]), bound
