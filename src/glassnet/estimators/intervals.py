"""Intervals and sets of an ensemble: what its networks say of rows that none of them, or not those, has seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse

from glassnet.data.records import Record, damaged
from glassnet.estimators.conformal import Calibration
from glassnet.estimators.ensemble import Member, OutOfFold, Trained, mean_prediction
from glassnet.estimators.quantities import MEASURES, level
from glassnet.estimators.spread import Spread
from glassnet.nn import Data, Engine, Loss
from glassnet.nn.elementary import Array

ORDERS = ("rows", "groups", "time")
MOST_FEATURES = 100  # from which the width is told; with more, the prediction alone tells it


@dataclass(frozen=True, eq=False)
class Conformal:
    """What an ensemble keeps for intervals and sets.

    Each of several quantities has a calibration, a width and a shift of its own, and its promise by itself.

    With "split", one part of the rows was left to calibration: the whole ensemble is the model. With "cv+", each fold's
    networks have calibration rows of their own, which networks of other folds were trained on. The width model, the
    temperatures and the weights of the views are few numbers that the folds share; they are fitted to the rows that
    choose epochs, never to calibration rows.

    Attributes:
        calibrations: Of each target, scores of the calibration rows, by the place of their fold in `folds`.
        folds: The folds, as the members count them; (None,) for the whole ensemble.
        spreads: The width model of each quantity; () for classes, and without calibration rows.
        shifts: How many widths the middle of the answers lies above the prediction: 0 but where that is a quantile.
        order: "rows" where they were in random order, else "groups" or "time".
    """

    calibrations: tuple[Calibration, ...]
    folds: tuple[int | None, ...]
    spreads: tuple[Spread, ...] = ()
    shifts: tuple[float, ...] = ()
    order: str = "rows"

    @classmethod
    def fit(
        cls,
        kind: str,
        trained: Sequence[Trained],
        members: Sequence[Member],
        views: Sequence[Data],
        found: OutOfFold | None,
        loss: Loss,
        engine: Engine,
        order: str,
    ) -> "Conformal | None":
        """From the calibration rows of the splits; None where none were to be left.

        Args:
            kind: "split", "cv+" or "none".
            trained: Which split each member had.
            members: The ensemble.
            views: All rows, as each view has them.
            found: What is known of the rows that chose epochs.
            loss: Of the members.
            engine: What evaluates them.
            order: That of the rows.
        """
        rows = {job.fold: job.split.calibrate for job, _, _ in trained if len(job.split.calibrate)}
        if kind == "none":
            return None
        quantities = loss.name in MEASURES
        outputs = views[0].t.shape[1] if quantities else 1
        if not rows or found is None:  # too few: every interval will be infinite, and say so
            nothing = Calibration("split", np.zeros(0), np.zeros(0, dtype=np.int64))
            return cls((nothing,) * outputs, (None,), order=order)
        if len(rows) == 1:
            kind = "split"  # all networks left out the same rows
        folds: tuple[int | None, ...] = (None,) if kind == "split" else tuple(rows)
        parts = [next(iter(rows.values()))] if kind == "split" else list(rows.values())
        places = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        t = [views[0].t[part] for part in parts]
        x = [_features(views[0].x[part]) for part in parts]
        p = [
            mean_prediction(members, [view.x[part] for view in views], loss, engine, fold)
            for fold, part in zip(folds, parts, strict=True)
        ]
        if not quantities:
            scores = [
                1 - (q * u + (1 - q) * (1 - u) if q.shape[1] == 1 else q * u).sum(axis=1)
                for q, u in zip(p, t, strict=True)
            ]
            return cls((Calibration(kind, np.concatenate(scores), places),), folds, order=order)
        known = _features(views[0].x[found.rows])
        spreads = tuple(Spread.fit(known, q, u - q) for q, u in zip(found.p.T, found.t.T, strict=True))
        shifts = tuple(
            float(np.median((u - q) / spread.at(known, q))) if level(loss) is not None else 0.0
            for spread, q, u in zip(spreads, found.p.T, found.t.T, strict=True)
        )
        calibrations = []
        for j, (spread, shift) in enumerate(zip(spreads, shifts, strict=True)):
            widths = [spread.at(f, q[:, j]) for f, q in zip(x, p, strict=True)]
            scores = [np.abs(u[:, j] - q[:, j] - shift * w) / w for u, q, w in zip(t, p, widths, strict=True)]
            calibrations.append(Calibration(kind, np.concatenate(scores), places))
        return cls(tuple(calibrations), folds, spreads, shifts, order)

    def interval(self, p: Callable[[int | None], Array], x: Any, coverage: float) -> Array:
        """Ends of the intervals, (n, k, 2), in the network's units.

        Args:
            p: The mean prediction (n, k) of the networks that left a fold out, or of all.
            x: Features of the first view, (n, d).
            coverage: The share of new rows whose answer is to lie within.
        """
        said = np.stack([p(fold) for fold in self.folds])  # (folds, n, k)
        features = _features(x)
        ends = []
        for j, calibration in enumerate(self.calibrations):
            centers = said[:, :, j]
            widths = np.ones_like(centers)
            if self.spreads:
                widths = np.stack([self.spreads[j].at(features, center) for center in centers])
                centers = centers + self.shifts[j] * widths
            ends.append(calibration.interval(centers, widths, coverage))
        return np.stack(ends, axis=1)

    def sets(self, probabilities: Callable[[int | None], Array], coverage: float) -> Array:
        """Which classes each row may be of, (n, classes) flags; `probabilities` are (n, classes)."""
        return self.calibrations[0].sets(np.stack([probabilities(fold) for fold in self.folds]), coverage)

    def guarantee(self, coverage: float) -> str:
        """What holds for a coverage, in words."""
        holds = self.calibrations[0].guarantee(coverage)  # of each by itself: all have as many rows
        if self.order == "time" and not holds.startswith("none"):
            return f"none, for tomorrow need not be like today; were it like the latest rows: {holds}"
        if self.order == "groups" and not holds.startswith("none"):
            return f"none for each row, for those of a group are alike; on average over many groups nearly: {holds}"
        return holds

    def of_output(self, j: int) -> "Conformal":
        """That of one target."""
        one = slice(j, j + 1)
        return replace(self, calibrations=self.calibrations[one], spreads=self.spreads[one], shifts=self.shifts[one])

    def to_dict(self) -> dict[str, Any]:
        """A record for a file; of one target as files have always had it."""
        calibrations = [calibration.to_dict() for calibration in self.calibrations]
        spreads = [spread.to_dict() for spread in self.spreads]
        one = len(calibrations) == 1
        return {
            "calibration": calibrations[0] if one else calibrations,
            "folds": list(self.folds),
            "order": self.order,
            "spread": (spreads[0] if one else spreads) if spreads else None,
            **({"shift": list(self.shifts)} if any(self.shifts) else {}),
        }

    @classmethod
    def from_dict(cls, record: Any) -> "Conformal":
        """What to_dict wrote down."""
        fields = Record(record, "the intervals")
        told, widths = fields.field("calibration"), fields.field("spread")
        calibrations = tuple(Calibration.from_dict(one) for one in (told if isinstance(told, list) else [told]))
        several = widths if isinstance(widths, list) else [] if widths is None else [widths]
        spreads = tuple(Spread.from_dict(one) for one in several)
        shifts = fields.numbers("shift") if "shift" in fields.record else (0.0,) * len(spreads)
        folds = fields.items("folds")
        if len({(one.kind, len(one.scores)) for one in calibrations}) != 1:
            raise damaged("the calibrations of its targets are not alike")
        if len(spreads) not in (0, len(calibrations)) or len(shifts) != len(spreads):
            raise damaged("the intervals have not one width for each target")
        for calibration in calibrations:
            whole = calibration.kind == "split"
            if (folds != [None] if whole else not all(type(f) is int for f in folds)) or (
                len(calibration.folds) and calibration.folds.max() >= len(folds)
            ):
                raise damaged("the intervals do not say which networks they are of")
        order = fields.text("order")
        if order not in ORDERS:
            raise damaged(f"the rows were in the unknown order {order!r}")
        return cls(calibrations, tuple(folds), spreads, shifts, order)


def _features(x: Any) -> Array:
    """Those from which the width is told."""
    if x.shape[1] > MOST_FEATURES:
        return np.zeros((x.shape[0], 0))
    return np.asarray(x.todense() if scipy.sparse.issparse(x) else x, np.float64)
