"""Intervals and sets of an ensemble: what its networks say of rows that none of them, or not those, has seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from glassnet.data.records import Record, damaged
from glassnet.estimators.conformal import Calibration
from glassnet.estimators.ensemble import Member, OutOfFold, Trained, mean_prediction
from glassnet.estimators.spread import Spread
from glassnet.nn import Data, Engine, Loss
from glassnet.nn.elementary import Array

ORDERS = ("rows", "groups", "time")
MOST_FEATURES = 100  # from which the width is told; with more, the prediction alone tells it


@dataclass(frozen=True, eq=False)
class Conformal:
    """What an ensemble keeps for intervals and sets.

    With "split", one part of the rows was left to calibration: the whole ensemble is the model. With "cv+", each fold's
    networks have calibration rows of their own, which networks of other folds were trained on. The width model, the
    temperatures and the weights of the views are few numbers that the folds share; they are fitted to the rows that
    choose epochs, never to calibration rows.

    Attributes:
        calibration: Scores of the calibration rows, by the place of their fold in `folds`.
        folds: The folds, as the members count them; (None,) for the whole ensemble.
        spread: The width model of quantities; None for classes, and without calibration rows.
        order: "rows" where they were in random order, else "groups" or "time".
    """

    calibration: Calibration
    folds: tuple[int | None, ...]
    spread: Spread | None
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
        if not rows or found is None:  # too few: every interval will be infinite, and say so
            return cls(Calibration("split", np.zeros(0), np.zeros(0, dtype=np.int64)), (None,), None, order)
        if len(rows) == 1:
            kind = "split"  # all networks left out the same rows
        folds: tuple[int | None, ...] = (None,) if kind == "split" else tuple(rows)
        parts = [next(iter(rows.values()))] if kind == "split" else list(rows.values())
        spread = None
        if loss.name == "squared_error":
            residual = (found.t - found.p)[:, 0]
            spread = Spread.fit(_features(views[0].x[found.rows]), found.p[:, 0], residual)
        scores = []
        for fold, part in zip(folds, parts, strict=True):
            x, t = [view.x[part] for view in views], views[0].t[part]
            p = mean_prediction(members, x, loss, engine, fold)
            if spread is not None:
                scores.append(np.abs(t - p)[:, 0] / spread.at(_features(x[0]), p[:, 0]))
            else:
                true = p * t + (1 - p) * (1 - t) if p.shape[1] == 1 else (p * t).sum(axis=1, keepdims=True)
                scores.append(1 - true[:, 0])
        places = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        return cls(Calibration(kind, np.concatenate(scores), places), folds, spread, order)

    def interval(self, p: Callable[[int | None], Array], x: Any, coverage: float) -> Array:
        """Ends of the intervals, (n, 2), in the network's units.

        Args:
            p: The mean prediction (n, 1) of the networks that left a fold out, or of all.
            x: Features of the first view, (n, d).
            coverage: The share of new rows whose answer is to lie within.
        """
        centers = np.stack([p(fold)[:, 0] for fold in self.folds])
        features = _features(x)
        spreads = np.stack([self.spread.at(features, center) for center in centers]) if self.spread else centers * 0 + 1
        return self.calibration.interval(centers, spreads, coverage)

    def sets(self, probabilities: Callable[[int | None], Array], coverage: float) -> Array:
        """Which classes each row may be of, (n, classes) flags; `probabilities` are (n, classes)."""
        return self.calibration.sets(np.stack([probabilities(fold) for fold in self.folds]), coverage)

    def guarantee(self, coverage: float) -> str:
        """What holds for a coverage, in words."""
        holds = self.calibration.guarantee(coverage)
        if self.order == "time" and not holds.startswith("none"):
            return f"none, for tomorrow need not be like today; were it like the latest rows: {holds}"
        if self.order == "groups" and not holds.startswith("none"):
            return f"none for each row, for those of a group are alike; on average over many groups nearly: {holds}"
        return holds

    def to_dict(self) -> dict[str, Any]:
        """A record for a file."""
        return {
            "calibration": self.calibration.to_dict(),
            "folds": list(self.folds),
            "order": self.order,
            "spread": None if self.spread is None else self.spread.to_dict(),
        }

    @classmethod
    def from_dict(cls, record: Any) -> "Conformal":
        """What to_dict wrote down."""
        fields = Record(record, "the intervals")
        calibration = Calibration.from_dict(fields.field("calibration"))
        folds, spread = fields.items("folds"), fields.field("spread")
        whole = calibration.kind == "split"
        if (folds != [None] if whole else not all(type(f) is int for f in folds)) or (
            len(calibration.folds) and calibration.folds.max() >= len(folds)
        ):
            raise damaged("the intervals do not say which networks they are of")
        order = fields.text("order")
        if order not in ORDERS:
            raise damaged(f"the rows were in the unknown order {order!r}")
        return cls(calibration, tuple(folds), None if spread is None else Spread.from_dict(spread), order)


def _features(x: Any) -> Array:
    """Those from which the width is told."""
    if x.shape[1] > MOST_FEATURES:
        return np.zeros((x.shape[0], 0))
    return np.asarray(x.todense() if scipy.sparse.issparse(x) else x, np.float64)
