"""How large the error of a prediction is likely to be: a positive width for every row, learned from residuals."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV

from glassnet.data.records import Record, damaged
from glassnet.nn.elementary import Array

LEAST_ROWS, MOST_ROWS = 20, 20_000  # with fewer a constant; of more an even selection is enough
BENDS = (0.2, 0.4, 0.6, 0.8)  # quantiles of the prediction, where the pieces meet
PENALTIES = np.logspace(-2, 6, 25)
# log |r| has a long left tail, for a residual may be 0 by chance: below a share of the usual size it says little of s.
# First the usual size is the median of all rows, then that of rows of the same s, of which a larger share loses nothing.
# Over five forms of σ, three of noise, 100 to 2000 rows and 6 or 30 columns, |log s/σ| is least with 0.1 to 0.2 at first
# (without a floor a fifth more), and a tenth less again with the two passes at 0.6 to 0.9.
FLOOR, NEXT_FLOORS = 0.2, (0.6, 0.6)
FARTHEST = 20.0  # times the median of s, and as far below: where a line is drawn too far


@dataclass(frozen=True, eq=False)
class Spread:
    """The size of the residual r of a prediction y:

        log s(x, y) = a + xu + max(x − κ, 0)v + by + max(y − λ, 0)w,

    a ridge regression of log |r|, its penalty chosen by leave-one-out; a constant where it does not beat one there.
    Each column bends at its median κ, the prediction at four quantiles λ: enough for a σ that grows, jumps or is least
    in the middle, and few enough for a hundred rows. Only the shape of s matters, for the scores of `Calibration`
    divide by it and its intervals multiply by it: no s, however wrong, costs coverage of all rows.

    Attributes:
        knots: κ (d,); the maximum where the median is at an end, as in a column of 0 and 1: it has no bend.
        bends: λ (4,).
        weights: u, v, b and w, (2d + 5,).
        bias: a.
        limits: The least and the largest log s.

    Source: Papadopoulos and Haralambous 2011, Reliable prediction intervals with regression neural networks, section 4;
    Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, Distribution-free predictive inference, section 5.2.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(size=(500, 2))
    >>> residual = rng.normal(size=500) * (0.1 + x[:, 0])  # ten times as large at 1 as at 0
    >>> spread = Spread.fit(x, np.zeros(500), residual)
    >>> low, high = spread.at(np.array([[0.1, 0.5], [0.9, 0.5]]), np.zeros(2))
    >>> bool(3 < high / low < 8)
    True
    """

    knots: Array
    bends: Array
    weights: Array
    bias: float
    limits: tuple[float, float]

    @classmethod
    def fit(cls, x: Array, center: Array, residual: Array) -> "Spread":
        """Learn from rows that neither trained the network nor will calibrate it.

        Args:
            x: Prepared features, (n, d).
            center: Predictions, (n,).
            residual: Target − prediction, (n,).
        """
        kept = slice(None, None, -(-len(residual) // MOST_ROWS) or 1)
        x, center = x[kept].astype(np.float64), center[kept].astype(np.float64)
        size = np.abs(residual[kept].astype(np.float64))
        usual = float(np.median(size[size > 0])) if size.any() else 1.0
        if len(size) < LEAST_ROWS or not size.any():
            return cls._constant(x.shape[1], np.log(usual))

        middle, lowest, highest = np.median(x, axis=0), x.min(axis=0), x.max(axis=0)
        knots = np.where((lowest < middle) & (middle < highest), middle, highest)
        bends = np.quantile(center, BENDS)
        columns = _pieces(x, center, knots, bends)  # (n, 2d + 5)
        log_s, weights, bias = _ridge(columns, np.log(np.maximum(size, FLOOR * usual)))
        for floor in NEXT_FLOORS:
            ratio = size / np.exp(log_s)
            ratio /= np.median(ratio[ratio > 0])
            log_s, weights, bias = _ridge(columns, log_s + np.log(np.maximum(ratio, floor)))
        center_of_log = float(np.median(log_s))
        return cls(knots, bends, weights, bias, (center_of_log - np.log(FARTHEST), center_of_log + np.log(FARTHEST)))

    @classmethod
    def _constant(cls, d: int, log_s: float) -> "Spread":
        """The same s for every row of d features."""
        zeros = np.zeros(2 * d + len(BENDS) + 1)
        return cls(np.zeros(d), np.zeros(len(BENDS)), zeros, float(log_s), (float(log_s), float(log_s)))

    def at(self, x: Array, center: Array) -> Array:
        """s > 0 of each row, (n,), within a factor of FARTHEST of the median in training.

        Args:
            x: Prepared features, (n, d).
            center: Predictions, (n,).
        """
        log_s = _pieces(x, center, self.knots, self.bends) @ self.weights + self.bias
        return np.exp(np.clip(log_s, *self.limits))

    def to_dict(self) -> dict[str, Any]:
        """A record for a file."""
        arrays = {key: getattr(self, key).tolist() for key in ("knots", "bends", "weights")}
        return arrays | {"bias": self.bias, "limits": list(self.limits)}

    @classmethod
    def from_dict(cls, record: Any) -> "Spread":
        """The spread that to_dict wrote down."""
        fields = Record(record, "the spread")
        knots, bends, weights = (np.array(fields.numbers(key)) for key in ("knots", "bends", "weights"))
        limits = fields.numbers("limits")
        if len(weights) != 2 * len(knots) + len(bends) + 1:
            raise damaged(f"the spread has {len(weights)} weights for {len(knots)} knots and {len(bends)} bends")
        if len(limits) != 2 or not limits[0] <= limits[1]:
            raise damaged("the spread's limits must be a lower and an upper one")
        return cls(knots, bends, weights, fields.number("bias"), (limits[0], limits[1]))


def _pieces(x: Array, center: Array, knots: Array, bends: Array) -> Array:
    """x, max(x − κ, 0), y and max(y − λ, 0) side by side, (n, 2d + 5)."""
    y = center[:, None]
    return np.hstack([x, np.maximum(x - knots, 0), y, np.maximum(y - bends, 0)], dtype=np.float64)


def _ridge(columns: Array, t: Array) -> tuple[Array, Array, float]:
    """Fitted values (n,), weights and bias of a ridge regression of t on columns; a constant where that is better."""
    n, mean = len(t), columns.mean(axis=0)
    varies = np.ptp(columns, axis=0) > 0
    scale = np.where(varies, columns.std(axis=0), 1.0)
    standard = np.where(varies, columns - mean, 0.0) / scale
    ridge = RidgeCV(PENALTIES).fit(standard, t)
    if -ridge.best_score_ >= np.mean((t - t.mean()) ** 2) * (n / (n - 1)) ** 2:  # both of rows left out
        return np.full(n, t.mean()), np.zeros(len(mean)), float(t.mean())
    weights = np.where(varies, ridge.coef_, 0.0) / scale
    return ridge.predict(standard), weights, float(ridge.intercept_ - mean @ weights)
