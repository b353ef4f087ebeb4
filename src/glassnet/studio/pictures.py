"""What a network looks like: a map of each unit, the output, the hidden space, as small arrays for the page."""

from dataclasses import dataclass, field
from itertools import pairwise
from math import floor, log10
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.nn import Network
from glassnet.nn.elementary import Array
from glassnet.nn.network import LayerTrace
from glassnet.studio.problems import Problem
from glassnet.studio.run import Run
from glassnet.studio.settings import listed, one_of, whole
from glassnet.studio.slices import held_choices, hold

MAP, OUTPUT, CURVE = 32, 96, 256  # pixels of a unit's map and of the output, points of a curve
MOST_POINTS = 1000  # rows that are drawn
MOST_TILES, FEWEST_TILES = 64, 3
BOUNDED = {"tanh": 1.0, "logistic": 1.0, "sine": 1.0}  # activations whose values need no scale of their own


def nice(value: float) -> float:
    """The next of 1, 2, 5, 10, … above.

    >>> [nice(v) for v in (0.3, 1.0, 12, 0.0)]
    [0.5, 1.0, 20.0, 1.0]
    """
    if not value > 0 or not value < 1e300:
        return 1.0
    unit = 10.0 ** floor(log10(value))
    return float(next(step * unit for step in (1, 2, 5, 10) if step * unit >= value * (1 - 1e-9)))


def sticky(old: float | None, value: float) -> float:
    """A scale that stays until it is passed or is three times too large."""
    return old if old is not None and value <= old and 3 * value >= old else nice(value)


@dataclass
class Look:
    """How the page looks at a run: which slice, which row, what lines show.

    Attributes:
        plane: The two raw features that span the pictures; None is the problem's own choice.
        held: What other columns are held at.
        row: The row that is worked at, among all rows; None is none.
        at: A place in the plane in its own units, which stands in for the row's.
        output: Which score the output picture shows, of several.
        most: Tiles that fit in a column.
        about: What is selected, which stays in sight.
    """

    plane: tuple[int, int] | None = None
    held: dict[str, Any] = field(default_factory=dict)
    row: int | None = None
    at: tuple[float, float] | None = None
    output: int = 0
    hidden: str = "decision"
    lines: str = "weight"
    most: int = 12
    maps: bool = True
    construct: bool = False
    folded: bool = False
    about: dict[str, Any] = field(default_factory=dict)

    def change(self, run: Run, asked: dict[str, Any]) -> None:
        """Take over what the page asks for.

        Raises:
            InputError: Something that this run does not have.
        """
        for name, value in asked.items():
            if name in ("type", "id"):
                continue
            if name not in LOOKS:
                raise InputError(f"There is nothing called {str(name)[:60]!r} to look at.")
            setattr(self, name, LOOKS[name](run, value))
            if name == "row":
                self.at = None

    def fit(self, run: Run) -> None:
        """Forget what another problem does not have."""
        d = len(run.problem.names)
        if self.plane is not None and max(self.plane) >= d:
            self.plane = None
        known = held_choices(run.problem)
        self.held = {name: value for name, value in self.held.items() if name in known}
        if self.row is not None and self.row >= len(run.x):
            self.row = None
        self.at = None
        self.output = min(self.output, run.t.shape[1] - 1)

    def axes(self, problem: Problem) -> tuple[int, ...]:
        """The raw features across and up; one of a curve."""
        if len(problem.names) == 1:
            return (0,)
        return self.plane or problem.best_plane


def _plane(run: Run, value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    pair = [whole("an axis", axis, 0, len(run.problem.names) - 1) for axis in listed("the plane", value, 2)]
    if len(pair) != 2 or pair[0] == pair[1]:
        raise InputError("The plane needs two different features.")
    return pair[0], pair[1]


def _held(run: Run, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError("What is held must be named: {column: value}.")
    hold(run.problem, value)
    return dict(value)


def _row(run: Run, value: Any) -> int | None:
    return None if value is None else whole("the row", value, 0, len(run.x) - 1)


def _at(run: Run, value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    pair = listed("a place", value, 2)
    if len(pair) != 2 or not all(isinstance(v, int | float) and abs(v) < 1e15 for v in pair):
        raise InputError("A place is two numbers.")
    return float(pair[0]), float(pair[1])


def _about(run: Run, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > 1:
        raise InputError("One thing can be asked about: {'weight': [l, i, j]}, {'unit': [l, j]}, ….")
    return dict(value)


LOOKS: dict[str, Any] = {
    "plane": _plane,
    "held": _held,
    "row": _row,
    "at": _at,
    "output": lambda run, value: whole("the output", value, 0, run.t.shape[1] - 1),
    "hidden": lambda run, value: one_of("view of the hidden space", value, ("decision", "components")),
    "lines": lambda run, value: one_of("kind of lines", value, ("weight", "gradient", "update")),
    "most": lambda run, value: whole("tiles", value, FEWEST_TILES, MOST_TILES),
    "maps": lambda run, value: bool(value),
    "construct": lambda run, value: bool(value),
    "about": _about,
}


class Canvas:
    """The places at which pictures are worked out: features of every pixel, made once for a slice.

    Attributes:
        axes: The raw features across and up.
        lo, hi: Of them, in raw features.
        small, large: Features x of the pixels of maps (MAP², d) and of the output (OUTPUT², d), or of a curve.
    """

    def __init__(self, run: Run, look: Look) -> None:
        problem = run.problem
        self.axes = look.axes(problem)
        lo, hi = problem.box
        self.lo, self.hi = lo[list(self.axes)], hi[list(self.axes)]
        self.base = hold(problem, look.held)
        self.curve = len(self.axes) == 1
        self._run, self._features = run, list(run.settings["features"])
        self.small = self._pixels(MAP)
        self.large = self._prepared(self._line(CURVE)) if self.curve else self._pixels(OUTPUT)

    def _prepared(self, raw: Array) -> Array:
        """x of raw rows; where a formula has no value, 0."""
        problem, columns = self._run.problem, []
        for feature in problem.features(self._features):
            column = raw[:, feature] if isinstance(feature, int) else feature(raw)
            columns.append(np.where(np.isfinite(column), column, 0.0))
        return np.column_stack(columns)

    def _line(self, n: int) -> Array:
        raw = np.repeat(self.base[None], n, axis=0)
        raw[:, self.axes[0]] = np.linspace(self.lo[0], self.hi[0], n)
        return raw

    def _pixels(self, n: int) -> Array:
        """Row by row from the top, each from the left: the middle of every pixel."""
        if self.curve:
            return np.repeat(self._prepared(self._line(n))[None], n, axis=0).reshape(n * n, -1)
        middle = (np.arange(n) + 0.5) / n
        raw = np.repeat(self.base[None], n * n, axis=0)
        raw[:, self.axes[0]] = np.tile(self.lo[0] + middle * (self.hi[0] - self.lo[0]), n)
        raw[:, self.axes[1]] = np.repeat((self.hi[1] - middle * (self.hi[1] - self.lo[1])), n)
        return self._prepared(raw)

    def at(self, run: Run, look: Look, row: int) -> Array:
        """x (1, d) of a row, moved to a place in the plane where one is given."""
        raw = run.problem.raw[row : row + 1].copy()
        if look.at is not None:
            for axis, value in zip(self.axes, look.at, strict=False):
                mean, scale = run.problem.affine[axis]
                raw[0, axis] = (value - mean) / scale
        return self._prepared(raw)


class Pictures:
    """Pictures of a run, with the scales that they keep from one to the next."""

    def __init__(self, run: Run, look: Look) -> None:
        self.run, self.look = run, look
        self.scales: list[float | None] = []
        self.output_scale: float | None = None
        self.lines_scale: float | None = None
        self.shown: list[list[int]] = []
        self._up: Array | None = None
        self.refresh()

    def refresh(self) -> None:
        """After a change of rows, features or slice."""
        self.canvas = Canvas(self.run, self.look)
        rng = np.random.default_rng(0)
        n = len(self.run.x)
        self.rows = np.arange(n) if n <= MOST_POINTS else np.sort(rng.choice(n, MOST_POINTS, replace=False))
        self.scales, self.output_scale, self.lines_scale, self._up = [], None, None, None

    def rank(self, network: Network) -> None:
        """Which units have a tile: the strongest of each column, by what they send on; chosen ones stay."""
        run, most = self.run, self.look.most
        _, trace = run.engine.trace(network, run.x[self.rows[:400]])
        columns: list[list[int]] = []
        chosen = self._chosen()
        values = [trace[0].x, *(step.h for step in trace[:-1])]
        for column, (h, layer) in enumerate(zip(values, network.layers, strict=True)):
            units = h.shape[1]
            if units <= most:
                columns.append(list(range(units)))
                continue
            strength = np.linalg.norm(layer.w, axis=1) * h.std(axis=0)
            order = np.argsort(-np.nan_to_num(strength), kind="stable").tolist()
            first = [j for j in order if (column, j) in chosen]
            columns.append(sorted([*first, *(j for j in order if (column, j) not in chosen)][: max(most - 1, 1)]))
        outputs = network.layers[-1].w.shape[1]
        shown = list(range(min(outputs, most)))
        columns.append(shown)
        self.shown = columns

    def _chosen(self) -> set[tuple[int, int]]:
        """(column, unit) of what is selected; column 0 is the inputs."""
        about = self.look.about
        found: set[tuple[int, int]] = set()
        for key in ("weight", "bias", "unit", "input"):
            value = about.get(key)
            places = value if isinstance(value, list) and all(isinstance(v, int) for v in value) else []
            if key == "weight" and len(places) == 3:
                found |= {(places[0], places[1]), (places[0] + 1, places[2])}
            elif key in ("unit", "bias") and len(places) == 2:
                found.add((places[0] + 1, places[1]))
            elif key == "input" and isinstance(value, int):
                found.add((0, value))
        return found

    def arrays(self, network: Network) -> tuple[dict[str, Array], dict[str, Any]]:
        """Maps, output and hidden space, with what the page must know to draw them."""
        run, look, canvas = self.run, self.look, self.canvas
        if not self.shown:
            self.rank(network)
        told: dict[str, Any] = {}
        found: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            if look.maps:
                found["maps"] = self._maps(network)
                told["scales"] = [float(scale or 1) for scale in self.scales]
            y = run.engine.forward(network, canvas.large)
            shown = self._one_output(y)
            scale = float(np.nanmax(np.abs(shown), initial=0)) if np.isfinite(shown).all() else 1.0
            if canvas.curve:
                found["curve"] = shown.astype(np.float32)
            else:
                self.output_scale = sticky(self.output_scale, min(scale, 1e6) if run.problem.classes else scale)
                found["output"] = _bytes(shown, self._pole()).reshape(OUTPUT, OUTPUT)
            told["output_scale"] = self._pole()
            _, trace = run.engine.trace(network, run.x[self.rows])
            found["hidden"], told["hidden"] = self._hidden(network, trace)
            if look.row is not None:
                found["values"] = self._values(network, look.row)
            found["rest"] = self._rest(network)
        told["shown"] = self.shown
        sizes = network.architecture.sizes
        told["more"] = [size - len(shown) for size, shown in zip(sizes, self.shown, strict=True)]
        return found, told

    def _pole(self) -> float:
        """The score at which the output has its full colour; of two classes ±1 beyond doubt is enough."""
        if self.run.problem.classes:
            return 1.0 if self.run.loss.name not in ("binary_cross_entropy", "cross_entropy") else 2.0
        return self.output_scale or 1.0

    def _one_output(self, y: Array) -> Array:
        """The score that the output picture shows; of several classes, how far one leads before the best other."""
        if y.shape[1] == 1:
            return y[:, 0]
        k = self.look.output
        return y[:, k] - np.delete(y, k, axis=1).max(axis=1)

    def _maps(self, network: Network) -> Array:
        _, trace = self.run.engine.trace(network, self.canvas.small)
        columns = [self.canvas.small, *(step.h for step in trace[:-1]), trace[-1].z]
        if len(self.scales) != len(columns):
            self.scales = [None] * len(columns)
        tiles = []
        for column, (values, shown) in enumerate(zip(columns, self.shown, strict=True)):
            chosen = values[:, shown]
            largest = float(np.quantile(np.abs(chosen), 0.98)) if np.isfinite(chosen).all() else 1.0
            bounded = None
            if 0 < column < len(columns) - 1:
                bounded = BOUNDED.get(network.layers[column - 1].f.name)
            last = column == len(columns) - 1
            pole = self._pole() if last and self.run.problem.classes else None
            self.scales[column] = bounded or pole or sticky(self.scales[column], largest)
            tiles.append(_bytes(chosen, self.scales[column] or 1.0).T)
        return np.concatenate(tiles).reshape(-1, MAP, MAP)

    def _hidden(self, network: Network, trace: list[LayerTrace]) -> tuple[Array, dict[str, Any]]:
        """Rows in the space of the last hidden layer: across y, up the main component of what is left of h."""
        h, layer = np.asarray(trace[-1].x, np.float64), network.layers[-1]
        k = self.look.output if layer.w.shape[1] > 1 else 0
        if not np.isfinite(h).all():
            return np.zeros((len(h), 2), np.float32), {"across": "y", "up": "", "line": 0.0}
        centred = h - h.mean(axis=0)
        if self.look.hidden == "decision":
            across, told = self._one_output(trace[-1].z), {"across": "y", "up": "main component beside it", "line": 0.0}
            v = layer.w[:, k] / (np.linalg.norm(layer.w[:, k]) or 1)
            left = centred - np.outer(centred @ v, v)
            up = self._component(left)
            return np.column_stack([across, left @ up]).astype(np.float32), told
        covariance = centred.T @ centred
        values, vectors = np.linalg.eigh(covariance)
        first = vectors[:, -1] * (np.sign(vectors[:, -1] @ layer.w[:, k]) or 1)
        second = self._kept(vectors[:, -2] if h.shape[1] > 1 else np.zeros(h.shape[1]))
        total = float(values.sum()) or 1.0
        shares = values[::-1][:2] / total
        told = {
            "across": f"first component, {shares[0]:.0%} of the variance",
            "up": f"second, {shares[1]:.0%}" if len(shares) > 1 else "",
            "line": None,
        }
        return np.column_stack([centred @ first, centred @ second]).astype(np.float32), told

    def _component(self, centred: Array) -> Array:
        covariance = centred.T @ centred
        return self._kept(np.linalg.eigh(covariance)[1][:, -1])

    def _kept(self, up: Array) -> Array:
        """The direction or its opposite, whichever is nearer to the last one: a picture does not flip."""
        if self._up is not None and len(self._up) == len(up) and float(self._up @ up) < 0:
            up = -up
        self._up = up
        return up

    def _values(self, network: Network, row: int) -> Array:
        x = self.canvas.at(self.run, self.look, row)
        _, trace = self.run.engine.trace(network, x)
        return np.concatenate([x[0], *(step.h[0] for step in trace[:-1]), trace[-1].z[0]]).astype(np.float32)

    def _rest(self, network: Network) -> Array:
        """Between two columns, the root sum of squares of the weights that have no line."""
        rest = []
        for layer, (above, below) in zip(network.layers, pairwise(self.shown), strict=True):
            seen = np.zeros(layer.w.shape, bool)
            seen[np.ix_(above, below)] = True
            rest.append(np.sqrt(np.sum(np.where(seen, 0, layer.w) ** 2)))
        return np.array(rest, np.float32)

    def points(self) -> dict[str, Array]:
        """The rows that are drawn, in the own units of the two axes."""
        run, problem = self.run, self.run.problem
        raw, xy = problem.raw[self.rows], np.zeros((len(self.rows), 2))
        for place, axis in enumerate(self.canvas.axes):
            mean, scale = problem.affine[axis]
            xy[:, place] = mean + scale * raw[:, axis]
        answers = problem.answers[self.rows]
        if self.canvas.curve:
            xy[:, 1] = self.in_units(run.t[self.rows][:, 0])
        return {
            "xy": xy.astype(np.float32),
            "t": answers.astype(np.float32),
            "held": problem.held[self.rows].astype(np.uint8),
            "row": self.rows.astype(np.uint32),
        }

    def in_units(self, t: Array) -> Array:
        """A quantity in its own units; scores of classes as they are."""
        mean, scale = self.run.problem.target_affine
        return t if self.run.problem.classes else mean + scale * t

    def described_axes(self) -> list[dict[str, Any]]:
        """Every raw feature that pictures can be cut along, with its range in its own units."""
        problem = self.run.problem
        lo, hi = problem.box
        return [
            {"name": name, "lo": mean + scale * float(lo[j]), "hi": mean + scale * float(hi[j])}
            for j, (name, (mean, scale)) in enumerate(zip(problem.names, problem.affine, strict=True))
        ]


def _bytes(values: Array, scale: float) -> Array:
    """Signed bytes, 127 at the scale; what is no number is 0."""
    scaled = np.nan_to_num(values * (127 / scale), nan=0.0, posinf=127, neginf=-127)
    return np.clip(np.rint(scaled), -127, 127).astype(np.int8)
