"""The past of a run: states that pictures were made of, to look back at, to branch from and to undo to."""

from bisect import bisect_right
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

from glassnet.nn import State
from glassnet.studio.problems import Problem
from glassnet.studio.run import Run

MOST_BYTES, MOST_MOMENTS = 64 * 2**20, 4000
UNDO_BYTES, MOST_UNDO = 16 * 2**20, 50


class Point(NamedTuple):
    """Of the curve: when, and what was measured; None where it is no number."""

    steps: int
    epoch: float
    loss: float | None
    validation: float | None


@dataclass(frozen=True, eq=False)
class Moment:
    """A run as it was: enough to show it and to train on from it, in the same bits.

    Attributes:
        steps, epoch: Minibatches and epochs (with its part) since the beginning.
        loss, validation: What was measured; None where it is no number.
        state: A copy.
        problem: The rows, shared with the run.
        settings, events: As they were.
    """

    steps: int
    epoch: float
    loss: float | None
    validation: float | None
    state: State
    problem: Problem
    settings: dict[str, Any]
    events: tuple[Any, ...]

    @property
    def point(self) -> Point:
        """For the curve."""
        return Point(self.steps, self.epoch, self.loss, self.validation)

    @property
    def size(self) -> int:
        """Bytes that it alone holds, about."""
        return int(self.state.parameters.nbytes + self.state.moments.nbytes + 8 * len(self.events) + 2000)


def moment_of(run: Run, loss: float, validation: float) -> Moment:
    """The run as it is now."""
    return Moment(
        steps=run.steps,
        epoch=run.state.epoch + run.state.batch / run.per_epoch,
        loss=_finite(loss),
        validation=_finite(validation),
        state=run.state.copy(),
        problem=run.problem,
        settings=deepcopy(run.settings),
        events=tuple(run.events),
    )


def restore(run: Run, moment: Moment) -> None:
    """The run as it was then; features are worked out again where they were others."""
    same = run.problem is moment.problem and run.settings["features"] == moment.settings["features"]
    run.problem, run.settings = moment.problem, deepcopy(moment.settings)
    if not same:
        run.prepare()
    run.state = moment.state.copy()
    run.events, run.steps = list(moment.events), moment.steps


class History:
    """Moments in the order of their steps, within a limit of memory: the older half is thinned first.

    >>> run, history = Run({}, {}), History()
    >>> for _ in range(5):
    ...     run.apply(("advance", 3))
    ...     history.add(moment_of(run, *run.losses(run.state)))
    >>> history.near(7).steps, len(history.before(7)), [point.steps for point in history.points]
    (6, 2, [3, 6, 9, 12, 15])
    """

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.points: list[Point] = []  # of every moment, also of those thinned
        self.old: list[Point] = []  # of what a branch left behind
        self._bytes = 0

    def add(self, moment: Moment) -> None:
        """One more; one at the same step takes the place of the other."""
        while self.moments and self.moments[-1].steps >= moment.steps:
            self._bytes -= self.moments.pop().size
        while self.points and self.points[-1].steps >= moment.steps:
            self.points.pop()
        self.moments.append(moment)
        self.points.append(moment.point)
        self._bytes += moment.size
        if len(self.moments) > MOST_MOMENTS or (self._bytes > MOST_BYTES and len(self.moments) > 4):
            half = len(self.moments) // 2
            self.moments = self.moments[:half:2] + self.moments[half:]
            self._bytes = sum(kept.size for kept in self.moments)
        if len(self.points) > 2 * MOST_MOMENTS:
            half = len(self.points) // 2
            self.points = self.points[:half:2] + self.points[half:]

    def near(self, steps: float) -> Moment:
        """The last moment that is not after this step; the first, if all are."""
        place = bisect_right([moment.steps for moment in self.moments], steps)
        return self.moments[max(place - 1, 0)]

    def before(self, steps: float) -> list[Moment]:
        """Moments before a step."""
        return [moment for moment in self.moments if moment.steps < steps]

    def branch(self, moment: Moment) -> None:
        """Go on from a moment: what came after it is the old branch."""
        self.old = [point for point in self.points if point.steps >= moment.steps]
        self.moments = [kept for kept in self.moments if kept.steps <= moment.steps]
        self.points = [point for point in self.points if point.steps <= moment.steps]
        self._bytes = sum(kept.size for kept in self.moments)


def kept(undone: list[Moment]) -> list[Moment]:
    """The newest of the moments to undo to, within their own limit; the last one always."""
    found: list[Moment] = []
    size = 0
    for moment in reversed(undone[-MOST_UNDO:]):
        size += moment.size
        if found and size > UNDO_BYTES:
            break
        found.append(moment)
    return found[::-1]


def _finite(value: float) -> float | None:
    return value if value == value and abs(value) < 1e300 else None
