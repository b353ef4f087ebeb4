"""Where a network is linear, said as one linear map: everywhere, around a row, or layer by layer."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.errors import InputError, ShapeError
from glassnet.explanation.map_parts import OwnColumns, bars, labels, matrices, own_blocks, own_columns, plain_own
from glassnet.explanation.page import Block, Explanation, Formula, Heading, Matrix, Table, Text, Verdict, noted, plain
from glassnet.explanation.simplification import folded, rows_to_compare
from glassnet.explanation.subject import Subject
from glassnet.nn import ACTIVATIONS, Network
from glassnet.nn.activations import Activation
from glassnet.nn.elementary import Array

HINGED = ("relu", "leaky_relu", "step")  # piecewise linear: one piece on each side of z = 0
LINEAR = ("identity", *HINGED)
STEP = 1e-7  # past a hinge, where a change is measured
FORMULA = Formula("y = x W + c", r"y = xW + c")


@dataclass(frozen=True, eq=False, repr=False)
class LinearMap(Explanation):
    """A network without anything non-linear, as one map y = xw + b: what `collapse(network)` gives.

    Attributes:
        w: (d, k), float64.
        b: (k,), float64.
        rank: Of w, as numbers of this size show it.
        rank_bound: What the rank cannot exceed, whatever the weights: the narrowest layer, d or k.
        difference: The largest |y − (xw + b)| over the rows, both sides in float64.
        largest: The largest |y| over the rows.
        n_rows: Rows on which the two were compared.
        own_rows: Whether these were given, not drawn.
    """

    w: Array
    b: Array
    rank: int
    rank_bound: int
    difference: float
    largest: float
    n_rows: int
    own_rows: bool
    subject: Subject

    @property
    def own(self) -> OwnColumns | None:
        """The map in the user's columns, where they are affine; None for a model of arrays."""
        return own_columns(self.w, np.zeros(len(self.w)), self.b, self.subject)

    def page(self) -> tuple[Block, ...]:
        sizes = self.subject.network.architecture.sizes
        rows = "rows given" if self.own_rows else "rows drawn from a normal distribution"
        return (
            Heading(f"{len(sizes) - 1} linear layers are one"),
            *noted(self.subject.note),
            Text(
                "Without a non-linear function between them, layers multiply out, since x(wv) = (xw)v: "
                f"{' → '.join(map(str, sizes))} is the map {sizes[0]} → {sizes[-1]}."
            ),
            FORMULA,
            *matrices(self.w, self.b, self.subject),
            *own_blocks(self.own, self.subject),
            Verdict(
                "good" if self.difference <= 1e-9 * max(self.largest, 1) else "bad",
                f"On {self.n_rows} {rows} the network and the map differ by {self.difference:.2g} at the most, where "
                f"|y| goes up to {self.largest:.3g}: rounding.",
            ),
            Text(
                f"W has rank {self.rank}, and no weights could give it more than {self.rank_bound}"
                + ("" if self.rank_bound == min(sizes[0], sizes[-1]) else ": the narrowest layer restricts it")
                + ". Depth adds nothing to what such a network can say, though it changes how it trains."
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        names = ("w", "b", "rank", "rank_bound", "difference", "largest", "n_rows", "own_rows")
        values = {name: plain(getattr(self, name)) for name in names}
        return {"kind": "everywhere", **labels(self.subject), **values, "own": plain_own(self.own)}

    def plot(self, ax: Any = None) -> Any:
        return bars(self.w, self.subject, ax, "slope, everywhere")


@dataclass(frozen=True)
class Hinge:
    """The nearest place where a unit changes its piece.

    Attributes:
        layer: Of the unit, from 0.
        unit: From 0.
        name: Of the unit.
        distance: From the row, in prepared features.
        point: The place, (d,), which is on the hinge.
        change: (k,). Past it, y leaves the map by this much per unit of distance; of a step, by this much at once.
    """

    layer: int
    unit: int
    name: str
    distance: float
    point: Array
    change: Array


@dataclass(frozen=True, eq=False, repr=False)
class LocalMap(Explanation):
    """The linear map y = xw + b of a network around a row: what `collapse(network, at=row)` gives.

    Attributes:
        w: (d, k), float64.
        b: (k,), float64.
        exact: Whether the network is this map in the whole region around the row, not its tangent there alone.
        x: The row, (d,), prepared.
        y: Its scores, (k,).
        active: For each hidden layer, which of its units have z > 0, (m,).
        distances: For each hidden layer, the distance |z| / ‖∂z/∂x‖ from the row to the hinge of each unit, (m,): inf
            for a unit that has none, or that does not move in the region.
        nearest: The nearest hinge: within this distance in any direction the map holds. None where there is none.
    """

    w: Array
    b: Array
    exact: bool
    x: Array
    y: Array
    active: tuple[Array, ...]
    distances: tuple[Array, ...]
    nearest: Hinge | None
    subject: Subject

    @property
    def own(self) -> OwnColumns | None:
        """The map in the user's columns, where they are affine; None for a model of arrays."""
        return own_columns(self.w, self.x, self.y, self.subject)

    @property
    def distance(self) -> float:
        """To the nearest hinge: inf where there is none, 0 for a tangent, which promises nothing around the row."""
        return 0.0 if not self.exact else np.inf if self.nearest is None else self.nearest.distance

    def page(self) -> tuple[Block, ...]:
        subject = self.subject
        difference = float(np.abs(self.x @ self.w + self.b - self.y).max())
        head = (
            Heading("The network around this row" + ("" if self.exact else ": its tangent")),
            *noted(subject.note),
            Matrix("x", self.x, columns=subject.feature_names, note="the row, prepared"),
            FORMULA,
            *matrices(self.w, self.b, subject),
            *own_blocks(self.own, subject),
        )
        if not self.exact:
            bent = ", ".join(dict.fromkeys(f.name for f in subject.network.architecture.activations if not _pieces(f)))
            return (
                *head,
                Verdict(
                    "note",
                    f"W is the Jacobian ∂y/∂x at the row, and c = y − xW: a tangent. {bent} bends everywhere, so that "
                    f"away from the row the network leaves this map at once.",
                ),
            )
        return (
            *head,
            Verdict("good", f"At the row, map and network differ by {difference:.2g}: rounding."),
            *self._region(),
        )

    def _region(self) -> tuple[Block, ...]:
        counts = [
            [subject_h, len(active), int(active.sum()), float(distances.min())]
            for subject_h, active, distances in zip(
                (self.subject.letters(i).h for i in range(len(self.active))), self.active, self.distances, strict=True
            )
        ]
        table = Table(
            ["layer", "units", "active (z > 0)", "nearest hinge"],
            counts,
            note="Distances in prepared features, as |z| / ‖∂z/∂x‖ of a unit; at z = 0 itself relu's slope is taken "
            "as 0.",
        )
        if self.nearest is None:
            return table, Verdict("note", "No hinge borders on this region: the map holds for every row.")
        near = self.nearest
        matters = "the network leaves the map there" if near.change.any() else "but y does not depend on it there"
        return table, Verdict(
            "note",
            f"Within a distance of {near.distance:.4g} the map holds exactly, in every direction. Nearest is the hinge "
            f"of {near.name}, and {matters}.",
        )

    def to_dict(self) -> dict[str, Any]:
        near = self.nearest
        return {
            "kind": "region" if self.exact else "tangent",
            **labels(self.subject),
            **{name: plain(getattr(self, name)) for name in ("w", "b", "x", "y", "active", "distances", "distance")},
            "nearest": None if near is None else plain(vars(near)),
            "own": plain_own(self.own),
        }

    def plot(self, ax: Any = None) -> Any:
        return bars(self.w, self.subject, ax, "slope around the row" + ("" if self.exact else " (tangent)"))


def collapse(model: Any, *, at: Any = None, rows: Any = None) -> LinearMap | LocalMap:
    """The linear map y = xw + b that a network is: everywhere, or around one row.

    Without `at` every activation must be the identity; then w = w₁w₂…v and b = (…(b₁w₂ + b₂)…)v + c, with u added to w
    where there is a skip path. With `at`, a network of relu, leaky_relu, step and identity is exactly linear around the
    row, as far as the nearest hinge; for any other the map is its tangent, the Jacobian, and says so.

    Args:
        model: A `Network`, or a fitted estimator.
        at: One row, as the model takes it.
        rows: Without `at`, rows on which map and network are compared; None draws some.

    Returns:
        The map, with `w` (d, k) and `b` (k,) in prepared features.

    Raises:
        InputError: without `at`, a network that is not linear.
        ShapeError: `at` is not one row.

    >>> from glassnet.nn import Network
    >>> network = Network.create([2, 5, 1], activation="identity", seed=0)
    >>> whole = collapse(network)
    >>> whole.w.shape, whole.rank_bound, whole.difference < 1e-12
    ((2, 1), 1, True)
    >>> network = Network.create([2, 5, 1], activation="relu", seed=0)
    >>> here = collapse(network, at=[1.0, 2.0])
    >>> bool(np.allclose(here.x @ here.w + here.b, here.y)), here.exact
    (True, True)
    """
    subject = Subject.of(model, dtype=np.float64)
    if at is not None:
        if rows is not None:
            raise InputError("Both at and rows were given: rows compare the map of a linear network, at is one row.")
        x = subject.prepare(at)
        if len(x) != 1:
            raise ShapeError(f"at holds {len(x)} rows, but a map belongs to one: choose it, as at=X[0].")
        return _around(subject, x[0])
    curved = [f.name for f in subject.network.architecture.activations if f is not ACTIVATIONS["identity"]]
    if curved:
        raise InputError(
            f"The network has {', '.join(dict.fromkeys(curved))}, so that no one linear map is equal to it. Around a "
            f"row there is one: collapse(model, at=row)."
        )
    return _everywhere(subject, rows)


def _everywhere(subject: Subject, rows: Any) -> LinearMap:
    layer, *rest = subject.network.layers
    for above in rest:
        layer = folded(layer, above)
    d, k = layer.w.shape
    w = layer.w.copy() if subject.network.skip is None else layer.w + subject.network.skip
    b = np.zeros(k) if layer.b is None else layer.b.copy()
    narrowest = min(subject.network.architecture.sizes)
    x, given = rows_to_compare(subject, rows)
    y = subject.network.forward(x)[0]
    return LinearMap(
        w=w,
        b=b,
        rank=int(np.linalg.matrix_rank(w)),
        rank_bound=narrowest if subject.network.skip is None else min(d, k),
        difference=float(np.abs(y - (x @ w + b)).max()),
        largest=float(np.abs(y).max()),
        n_rows=len(x),
        own_rows=given,
        subject=subject,
    )


def _around(subject: Subject, x: Array) -> LocalMap:
    """The map at a row; ∂z/∂x (d, m) goes forward layer by layer, ∂y/∂h (m, k) comes back."""
    network = subject.network
    y, trace = network.forward(x[None, :])
    hidden = list(zip(network.layers, trace, strict=True))[:-1]
    slopes = [layer.f.derivative(step.z[0], step.h[0]) for layer, step in hidden]
    dh_dx, offset = np.eye(len(x)), np.zeros(len(x))  # what the next layer sees is x dh_dx + offset
    dz_dx = []
    for (layer, step), slope in zip(hidden, slopes, strict=True):
        dz_dx.append(dh_dx @ layer.w)  # (d, m) = (d, m)(m, m)
        offset = (offset @ layer.w + (0 if layer.b is None else layer.b)) * slope + step.h[0] - slope * step.z[0]
        dh_dx = dz_dx[-1] * slope
    last = network.layers[-1]
    w = dh_dx @ last.w + (0 if network.skip is None else network.skip)
    exact = all(map(_pieces, network.architecture.activations))
    # A tangent goes through its point; a map is the same for all rows of its region, so that its offset is not y − xw.
    b = offset @ last.w + (0 if last.b is None else last.b) if exact else y[0] - x @ w
    distances = tuple(
        _distances(layer.f, step.z[0], dz) if exact else np.full(step.z[0].shape, np.inf)
        for (layer, step), dz in zip(hidden, dz_dx, strict=True)
    )
    nearest = None
    if exact and distances and min(map(np.min, distances)) < np.inf:
        nearest = _nearest_hinge(subject, x, hidden, slopes, dz_dx, distances)
        if any((step.z == 0).any() for _, step in hidden[nearest.layer + 1 :]):
            nearest = replace(nearest, change=_measured_change(network, x, w, b, nearest))
    return LocalMap(
        w=w,
        b=b,
        exact=exact,
        x=x,
        y=y[0],
        active=tuple(step.z[0] > 0 for _, step in hidden),
        distances=distances,
        nearest=nearest,
        subject=subject,
    )


def _distances(f: Activation, z: Array, dz_dx: Array) -> Array:
    """|z| / ‖∂z/∂x‖ of each unit: within a region z is affine in x, so this is the distance to the plane z = 0."""
    if f.name not in HINGED:
        return np.full(z.shape, np.inf)
    norms = np.linalg.norm(dz_dx, axis=0)
    return np.divide(np.abs(z), norms, out=np.full(z.shape, np.inf), where=norms > 0)


def _nearest_hinge(
    subject: Subject,
    x: Array,
    hidden: list[Any],
    slopes: list[Array],
    dz_dx: list[Array],
    distances: tuple[Array, ...],
) -> Hinge:
    i = int(np.argmin([part.min() for part in distances]))
    j = int(distances[i].argmin())
    step, direction = hidden[i][1], dz_dx[i][:, j]
    dy_dh = subject.network.layers[-1].w  # (m, k)
    for (layer, _), slope in zip(hidden[:i:-1], slopes[:i:-1], strict=True):
        dy_dh = layer.w @ (slope[:, None] * dy_dh)
    f = hidden[i][0].f
    ends = f.derivative(np.array([1.0, -1.0]), f(np.array([1.0, -1.0])))
    bend = (ends[0] - ends[1]) * np.linalg.norm(direction)
    jump = 0.0 if f.name != "step" else -1.0 if step.z[0, j] > 0 else 1.0
    return Hinge(
        layer=i,
        unit=j,
        name=subject.unit_names(i)[j],
        distance=float(distances[i][j]),
        point=x - step.z[0, j] * direction / (direction @ direction),
        change=(bend + jump) * dy_dh[j],
    )


def _measured_change(network: Network, x: Array, w: Array, b: Array, near: Hinge) -> Array:
    """Where units above stand at 0 themselves, as behind a layer that is off, slopes there do not tell: a step does."""
    past = STEP * (1 + near.distance)
    row = near.point + past * (near.point - x) / max(near.distance, 1e-300)
    return (network.forward(row[None, :])[0][0] - (row @ w + b)) / past


def _pieces(f: Activation) -> bool:
    """Whether f is made of straight pieces; a function of the user's own may be, but nobody knows."""
    return f.name in LINEAR and f == ACTIVATIONS[f.name]
