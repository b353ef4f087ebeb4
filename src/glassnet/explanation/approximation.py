"""Error against width: networks with given weights and trained ones, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.construction import BRICKS, MOST_INPUTS, construct_function
from glassnet.explanation.drawing import axes
from glassnet.explanation.fitting import Rows, Trainer, certificate, check_trainable, soft_start
from glassnet.explanation.functions import Function, as_function
from glassnet.explanation.measuring import measure
from glassnet.explanation.page import Block, Explanation, Heading, Table, Text, Verdict, number
from glassnet.nn import Activation, Network, get_activation

MOST_INPUTS_TRAINED = 10
TRAINED_WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)
BUILT_WIDTHS = {1: (8, 16, 32, 64, 128, 256, 512), 2: (16, 64, 256, 512), 3: (64, 256, 1024)}
DIGITS = 1e-12  # errors below are rounding and follow no power of the width
SLOPE_POINTS = 4  # the widest networks, by which a slope is fitted
TRAINED = "trained"


@dataclass(frozen=True)
class Point:
    """One network.

    Attributes:
        kind: "relu", "step" or "logistic" for one with given weights, "trained" for a trained one.
        units: Hidden units, all layers together.
        error: The largest |f − y| that was found: a lower bound.
        certified: An upper bound that holds everywhere, or None.
        start: Of a trained network, where its training began.
    """

    kind: str
    units: int
    error: float
    certified: float | None
    start: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in ("kind", "units", "error", "certified", "start")}

    def meets(self, error: float) -> bool:
        """Whether it is within the error: certified so where there is a certificate, else as far as was found."""
        return (self.error if self.certified is None else self.certified) <= error


@dataclass(frozen=True)
class Slope:
    """error ∝ widthˢ: s as fitted to the widest networks, and as theory has it where f is smooth enough, else None."""

    fitted: float
    expected: float | None


@dataclass(frozen=True, eq=False, repr=False)
class Approximation(Explanation):
    """What `approximate` found.

    Attributes:
        points: All networks, by kind and width.
        slopes: By kind.
        smallest: By kind the smallest that met the error; None where none did.
        network: The smallest trained network that met the error; if none did, or none was asked for, the best one.
        error: Its largest |f − y|: certified where `certified`, else as found, which is a lower bound.
        certified: Whether `error` is an upper bound that holds on the whole domain.
        wanted: The error that was asked for, or None.
        activation: Of the trained networks.
        notes: What was left out, and why.
        function: What is approximated, and where.
    """

    points: tuple[Point, ...]
    slopes: dict[str, Slope]
    smallest: dict[str, Point | None]
    network: Network
    error: float
    certified: bool
    wanted: float | None
    activation: str
    notes: tuple[str, ...]
    function: Function = field(repr=False)

    @property
    def kinds(self) -> list[str]:
        """Those that there are points of, in order."""
        return list(dict.fromkeys(point.kind for point in self.points))

    def _called(self, kind: str) -> str:
        return f"{self.activation}, trained" if kind == TRAINED else BRICKS[kind]

    def page(self) -> list[Block]:
        f = self.function
        domain = " × ".join(f"[{a:g}, {b:g}]" for a, b in zip(f.lo, f.hi, strict=True))
        by_width = {(point.kind, point.units): point.error for point in self.points}
        widths = sorted({point.units for point in self.points})
        blocks: list[Block] = [
            Heading(f"{f.text} on {domain}: error against width"),
            Table(
                ("units", *map(self._called, self.kinds)),
                [[units, *(by_width.get((kind, units)) for kind in self.kinds)] for units in widths],
                note="The largest |f − y| that was found on a dense grid and by a search around its worst points: a "
                "lower bound of the true one.",
            ),
        ]
        if self.slopes:
            blocks.append(
                Table(
                    ("slope", "fitted", "expected"),
                    [
                        [self._called(kind), f"{slope.fitted:.2f}", _expected(slope)]
                        for kind, slope in self.slopes.items()
                    ],
                    note=f"error ∝ width^slope, fitted to the {SLOPE_POINTS} widest networks.",
                )
            )
        if self.wanted is not None:
            blocks.append(
                Table(
                    (f"smallest with error ≤ {self.wanted:g}", "units", "found", "certified"),
                    [[self._called(kind), *_smallest(point)] for kind, point in self.smallest.items()],
                )
            )
        blocks.append(self._verdict())
        return [*blocks, *(Text(note) for note in self.notes)]

    def _verdict(self) -> Verdict:
        trained, built = self.smallest.get(TRAINED), self._smallest_built()
        if self.wanted is None or trained is None:
            told = "" if self.wanted is None else f"No trained network met {self.wanted:g} in the time. "
            units = self.network.architecture.sizes[1]
            plural = "s" * (units > 1)
            reach = "at most" if self.certified else "at least"
            return Verdict(
                "note", f"{told}The best trained one has {units} unit{plural} and an error of {reach} {self.error:.4g}."
            )
        sure = "certified" if trained.certified is not None else "as far as was found"
        beside = f"; with given weights it takes {built.units}" if built is not None else ""
        return Verdict(
            "good",
            f"{trained.units} trained {self.activation} unit{'s' * (trained.units > 1)} met {self.wanted:g}, "
            f"{sure}{beside}. That a narrower one would not is not shown: training finds what it finds.",
        )

    def _smallest_built(self) -> Point | None:
        found = [point for kind, point in self.smallest.items() if kind != TRAINED and point is not None]
        return min(found, key=lambda point: point.units, default=None)

    def to_dict(self) -> dict[str, Any]:
        f = self.function
        return {
            "function": f.text,
            "on": [[a, b] for a, b in zip(f.lo.tolist(), f.hi.tolist(), strict=True)],
            "names": list(f.names),
            "wanted": self.wanted,
            "points": [point.to_dict() for point in self.points],
            "slopes": {kind: {"fitted": s.fitted, "expected": s.expected} for kind, s in self.slopes.items()},
            "smallest": {kind: point and point.to_dict() for kind, point in self.smallest.items()},
            "activation": self.activation,
            "error": self.error,
            "certified": self.certified,
            "units": self.network.architecture.sizes[1],
            "weights": [{"w": layer.w.tolist(), "b": _listed(layer.b)} for layer in self.network.layers],
            "notes": list(self.notes),
        }

    def plot(self, ax: Any = None) -> Any:
        """Error against width, both on logarithmic axes."""
        ax = axes(ax)
        for kind in self.kinds:
            found = [point for point in self.points if point.kind == kind]
            slope = f", slope {self.slopes[kind].fitted:.2f}" if kind in self.slopes else ""
            label = f"{self._called(kind)}{slope}"
            ax.loglog([p.units for p in found], [max(p.error, 1e-17) for p in found], "o-", label=label)
        if self.wanted is not None:
            ax.axhline(self.wanted, color="grey", linestyle=":", label=f"asked for: {self.wanted:g}")
        ax.set(xlabel="hidden units", ylabel="largest |f − y| found", title=self.function.text)
        ax.legend()
        return ax


def _expected(slope: Slope) -> str:
    return "" if slope.expected is None else f"{slope.expected:g}"


def _listed(array: Any) -> Any:
    return None if array is None else array.tolist()


def _smallest(point: Point | None) -> list[Any]:
    """The cells of a table; numbers as texts, since a kind that met nothing has words there."""
    if point is None:
        return ["none met it", None, None]
    return [f"{point.units:,}", point.error, "no" if point.certified is None else f"≤ {number(point.certified)}"]


def approximate(
    f: Any,
    on: Any = None,
    error: float | None = None,
    *,
    activation: str | Activation = "tanh",
    widths: Sequence[int] | None = None,
    solver: str = "lm",
    restarts: int = 4,
    lipschitz: float | None = None,
    curvature: float | None = None,
    random_state: int = 0,
    time_limit_seconds: float = 2.0,
    engine: str = "auto",
) -> Approximation:
    """Follow f with networks of more and more units: given weights and trained ones, side by side.

    Steps have an error ∝ 1/width where f′ is bounded, hats ∝ 1/width² where f″ is, in one dimension; these slopes are
    expected only where bounds on f′ and f″ show that f is so smooth. Networks with given weights are made for up to
    three inputs, as `construct` makes them; trained ones have one hidden layer, up to ten inputs. Each width is trained
    from random starts and, of one input, from the construction with as many units, made soft.

    Errors are the largest |f − y| that was found, on a dense grid up to three inputs, by Sobol points beyond, and by a
    search around the worst: lower bounds. Networks with given weights are certified as `construct` says, and so are
    trained networks of tanh or logistic units that follow a formula of one input, by interval arithmetic on f″ − y″.

    Args:
        f: As `construct` takes it.
        on: The domain, as `construct` takes it.
        error: The largest |f − y| allowed: the smallest width of each kind that met it is told.
        activation: Of the trained networks.
        widths: Of the trained networks; else from 1 on, until the error is met ten times over, or the time is up.
        solver: "lm", Levenberg–Marquardt, or "lbfgs".
        restarts: Random starts of each width.
        lipschitz: Of a Python function: |f(x) − f(x′)| ≤ lipschitz ‖x − x′‖.
        curvature: Of a Python function: its largest second derivative in any direction.
        random_state: Seed of the starts.
        time_limit_seconds: Of the trainings together; no width is begun after it. At least one width is trained.
        engine: "auto", "kernel" or "numpy".

    Raises:
        InputError: more than ten inputs, a function without a value somewhere.

    >>> found = approximate("sin(6*x) + x", on=(0, 1), error=1e-3)
    >>> {kind: slope.expected for kind, slope in found.slopes.items() if slope.expected}
    {'step': -1, 'relu': -2}
    >>> found.smallest["relu"].units, found.smallest["trained"].units < 10, found.certified
    (68, True, True)
    """
    function = as_function(f, on, lipschitz, curvature)
    units = get_activation(activation)
    check_trainable(units, solver)
    if function.d > MOST_INPUTS_TRAINED:
        raise InputError(f"{function.text} has {function.d} inputs, but up to {MOST_INPUTS_TRAINED} are trained here.")
    if error is not None and not (np.isfinite(error) and error > 0):
        raise InputError(f"error is {error!r}, but a number above 0 was needed.")
    if restarts < 1:
        raise InputError(f"restarts is {restarts!r}, but at least 1 was needed.")
    if widths is not None and (not len(widths) or min(widths) < 1):
        raise InputError(f"widths is {list(widths)!r}, but whole numbers ≥ 1 were needed.")
    function.nodes(np.stack([function.lo, function.hi]))  # told before the work begins
    built, smallest, notes = _constructed(function, error)
    trainer = Trainer(units, solver, restarts, random_state, engine)
    trained, network = _trained(function, error, trainer, sorted(set(widths or TRAINED_WIDTHS)), time_limit_seconds)
    met = [point for point in trained if error is not None and point.meets(error)]
    if error is not None:
        smallest[TRAINED] = min(met, key=lambda point: point.units, default=None)
    chosen = smallest.get(TRAINED) or min(trained, key=lambda point: point.error)
    points = (*built, *trained)
    return Approximation(
        points=points,
        slopes=_slopes(function, points),
        smallest=smallest,
        network=network[chosen.units],
        error=chosen.error if chosen.certified is None else chosen.certified,
        certified=chosen.certified is not None,
        wanted=error,
        activation=units.name,
        notes=tuple(notes),
        function=function,
    )


def _constructed(function: Function, error: float | None) -> tuple[list[Point], dict[str, Point | None], list[str]]:
    """Networks with given weights over widths, the smallest that met the error, and why there are none."""
    points: list[Point] = []
    smallest: dict[str, Point | None] = {}
    notes: list[str] = []
    if function.d > MOST_INPUTS:
        try:
            construct_function(function, "relu", error, None if error is not None else 1)
        except InputError as reason:
            notes.append(str(reason))
        return points, smallest, notes
    for kind in ("step", "relu"):
        for width in BUILT_WIDTHS[function.d]:
            try:
                points.append(_point(construct_function(function, kind, None, width)))
            except InputError:
                continue  # too few units for any network, or no bound
        if error is not None:
            try:
                smallest[kind] = _point(construct_function(function, kind, error, None))
            except InputError as reason:
                smallest[kind] = None
                notes.append(f"By {BRICKS[kind]}: {reason}")
    unique = {(point.kind, point.units): point for point in points}
    return list(unique.values()), smallest, notes


def _point(built: Any) -> Point:
    return Point(built.activation, built.units, built.measured, built.error if built.certified else None)


def _trained(
    function: Function, error: float | None, trainer: Trainer, widths: Sequence[int], seconds: float
) -> tuple[list[Point], dict[int, Network]]:
    """Trained networks over widths, from narrow to wide."""
    rows, deadline = Rows.of(function, trainer.seed), perf_counter() + seconds
    points: list[Point] = []
    networks: dict[int, Network] = {}
    for width in widths:
        left = deadline - perf_counter()
        if points and left <= 0:
            break
        start = soft_start(function, width, trainer.activation.name)
        met = any(error is not None and point.meets(error) for point in points)
        # What has to be met ends a training; afterwards it is seen how far it goes.
        networks[width], began = trainer.train(rows, width, start, None if met else error, max(left, 0.1))
        found, _ = measure(function, networks[width])
        points.append(Point(TRAINED, width, found, certificate(function, networks[width], found), began))
        if error is not None and points[-1].error <= 0.1 * error:
            break
    return points, networks


def _slopes(function: Function, points: Sequence[Point]) -> dict[str, Slope]:
    """Of each kind of network with given weights that has enough widths."""
    slopes = {}
    for kind in ("step", "relu"):
        found = [point for point in points if point.kind == kind and point.error > DIGITS][-SLOPE_POINTS:]
        if len(found) >= 3:
            width, error = (np.log([getattr(point, name) for point in found]) for name in ("units", "error"))
            slopes[kind] = Slope(float(np.polyfit(width, error, 1)[0]), _order(function, kind))
    return slopes


def _order(function: Function, kind: str) -> int | None:
    """What theory says of one input: −1 of steps where f′ is bounded, −2 of hats where f″ is; else None."""
    if function.d != 1:
        return None
    knots = np.linspace(function.lo[0], function.hi[0], 257)[:, None]
    slope, bend = function.sizes(knots[:-2], knots[2:])  # overlapping: no kink hides between two pieces
    if kind == "step":
        return -1 if np.isfinite(slope).all() or np.isfinite(bend).all() else None
    return -2 if np.isfinite(bend).all() else None
