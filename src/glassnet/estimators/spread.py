"""How large the error of a prediction is likely to be: a positive width for every row, learned from residuals."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.records import Record, damaged
from glassnet.nn.elementary import Array

LEAST_ROWS, MOST_ROWS = 20, 20_000  # with fewer a constant; of more an even selection is enough
QUANTILES = (0.2, 0.4, 0.6, 0.8)  # of the prediction, where its pieces meet; of ℓ, where the curve's do
PENALTIES = np.logspace(-2, 6, 17)
# log |r| has a long left tail, for a residual may be 0 by chance: below a share of the usual size it says little of s.
# First the usual size is the median of all rows, then that of rows of the same s, where a larger share loses nothing.
# Over σ that grows, jumps or is least in the middle, three kinds of noise, 100 to 2000 rows and 6 or 30 columns, the
# deviation of log s from log σ is least at 0.1 to 0.2 for the first, at 0.6 to 0.9 for the others, which take off 4 to
# 10 %; the curve takes off 4 to 13 % more.
FLOORS = (0.2, 0.6, 0.6)
FARTHEST = 20.0  # times the median of s, and as far below: where a line is drawn too far


@dataclass(frozen=True, eq=False)
class Spread:
    """The size of the residual of a prediction y, from two ridge regressions of its logarithm:

        ℓ(x, y) = xu + max(x − κ, 0)v + yb + max(y − λ, 0)w + a
        log s   = ℓc + max(ℓ − μ, 0)e + g

    Each column bends at its median κ, the prediction at four quantiles λ: enough for a σ that grows or is least in the
    middle, and few enough for a hundred rows. The curve of the second line steepens what the penalty has levelled, as
    at a jump of σ; it is learned from each row's ℓ without that row. Penalties are chosen by leave-one-out, and where
    none beats a constant there, s is one.

    Only the shape of s matters, for the scores of `Calibration` divide by it and its intervals multiply by it: no s,
    however wrong, costs coverage of all rows.

    Attributes:
        knots: κ (d,); the maximum where the median is at an end, as in a column of 0 and 1: it has no bend.
        bends: λ (4,).
        weights: u, v, b and w, (2d + 5,).
        bias: a.
        turns: μ (4,).
        curve: c and e, (5,).
        level: g.
        limits: The least and the largest log s.

    Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, Distribution-free predictive inference for regression,
    section 5.2; Papadopoulos and Haralambous 2011, Reliable prediction intervals with regression neural networks.

    >>> rng = np.random.default_rng(0)
    >>> x = rng.uniform(size=(500, 2))
    >>> residual = rng.normal(size=500) * (0.1 + x[:, 0])  # eleven times as large at 1 as at 0
    >>> spread = Spread.fit(x, np.zeros(500), residual)
    >>> low, high = spread.at(np.array([[0.1, 0.5], [0.9, 0.5]]), np.zeros(2))
    >>> bool(3 < high / low < 8)
    True
    """

    knots: Array
    bends: Array
    weights: Array
    bias: float
    turns: Array
    curve: Array
    level: float
    limits: tuple[float, float]

    @classmethod
    def fit(cls, x: Array, center: Array, residual: Array) -> "Spread":
        """Learn from rows that neither trained the network nor will calibrate it.

        Args:
            x: Prepared features, (n, d).
            center: Predictions, (n,).
            residual: Target − prediction, (n,).
        """
        kept = slice(None, None, max(-(-len(residual) // MOST_ROWS), 1))
        x, center, size = x[kept], center[kept], np.abs(residual[kept].astype(np.float64))
        if len(size) < LEAST_ROWS or not size.any():
            return cls._constant(x.shape[1], float(np.log(np.median(size[size > 0]))) if size.any() else 0.0)

        middle, highest = np.median(x, axis=0), x.max(axis=0)
        knots = np.where((x.min(axis=0) < middle) & (middle < highest), middle, highest)
        bends = np.quantile(center, QUANTILES)
        ridge = _Ridge(_pieces(x, center, knots, bends))
        line = left_out = np.zeros(len(size))
        for floor in FLOORS:
            weights, bias, line, left_out = ridge.fit(_targets(size, line, floor))
        if not weights.any():
            return cls._constant(x.shape[1], bias)
        turns = np.quantile(line, QUANTILES)
        curve, level, _, _ = _Ridge(_bent(left_out, turns)).fit(_targets(size, left_out, FLOORS[-1]))
        middle_log = float(np.median(_bent(line, turns) @ curve + level))
        limits = (middle_log - float(np.log(FARTHEST)), middle_log + float(np.log(FARTHEST)))
        return cls(knots, bends, weights, bias, turns, curve, level, limits)

    @classmethod
    def _constant(cls, d: int, log_s: float) -> "Spread":
        """The same s for every row of d features."""
        four = np.zeros(len(QUANTILES))
        weights, curve = np.zeros(2 * d + len(four) + 1), np.zeros(len(four) + 1)
        return cls(np.zeros(d), four, weights, 0.0, four, curve, log_s, (log_s, log_s))

    def at(self, x: Array, center: Array) -> Array:
        """s > 0 of each row, (n,), within a factor of FARTHEST of the median in training.

        Args:
            x: Prepared features, (n, d).
            center: Predictions, (n,).
        """
        line = _pieces(x, center, self.knots, self.bends) @ self.weights + self.bias
        return np.exp(np.clip(_bent(line, self.turns) @ self.curve + self.level, *self.limits))

    def to_dict(self) -> dict[str, Any]:
        """A record for a file."""
        arrays = {key: getattr(self, key).tolist() for key in ("knots", "bends", "weights", "turns", "curve")}
        return arrays | {"bias": self.bias, "level": self.level, "limits": list(self.limits)}

    @classmethod
    def from_dict(cls, record: Any) -> "Spread":
        """The spread that to_dict wrote down."""
        fields = Record(record, "the spread")
        arrays = {key: np.array(fields.numbers(key)) for key in ("knots", "bends", "weights", "turns", "curve")}
        d, bends, weights, turns, curve = (len(array) for array in arrays.values())
        if weights != 2 * d + bends + 1 or curve != turns + 1:
            raise damaged(
                f"the spread has {weights} weights for {d} knots and {bends} bends, {curve} for {turns} turns"
            )
        limits = fields.numbers("limits")
        if len(limits) != 2 or limits[0] > limits[1]:
            raise damaged("the spread's limits must be a lower and an upper one")
        return cls(bias=fields.number("bias"), level=fields.number("level"), limits=(limits[0], limits[1]), **arrays)


def _bent(v: Array, turns: Array) -> Array:
    """v and max(v − μ, 0) side by side, (n, 5)."""
    return np.hstack([v[:, None], np.maximum(v[:, None] - turns, 0)], dtype=np.float64)


def _pieces(x: Array, center: Array, knots: Array, bends: Array) -> Array:
    """x, max(x − κ, 0), y and max(y − λ, 0) side by side, (n, 2d + 5)."""
    return np.hstack([x, np.maximum(x - knots, 0), _bent(center, bends)], dtype=np.float64)


def _targets(size: Array, log_s: Array, floor: float) -> Array:
    """log |r|, where |r| is at least the share `floor` of what is usual for rows of that s, (n,)."""
    ratio = size / np.exp(log_s)
    return log_s + np.log(np.maximum(ratio, floor * np.median(ratio[ratio > 0])))


class _Ridge:
    """Ridge regressions on the same columns, (n, m), each with the penalty of the least leave-one-out error.

    scikit-learn's RidgeCV does not tell what it predicted for the rows left out.
    """

    def __init__(self, columns: Array) -> None:
        varies = np.ptp(columns, axis=0) > 0
        self.columns, self.mean = columns, columns.mean(axis=0)
        self.scale = np.where(varies, columns.std(axis=0), np.inf)  # a constant column gets the weight 0
        self.u, self.v, self.wt = np.linalg.svd((columns - self.mean) / self.scale, full_matrices=False)

    def fit(self, t: Array) -> tuple[Array, float, Array, Array]:
        """Weights (m,), bias, fitted values (n,) and those of each row left out (n,), of targets t (n,)."""
        n, mean = len(t), t.mean()
        z = self.u.T @ (t - mean)  # (min(n, m),)
        # The share of each direction that a penalty keeps; the last keeps none: a constant.
        kept = [*(self.v**2 / (self.v**2 + penalty) for penalty in PENALTIES), np.zeros_like(self.v)]
        residuals = [t - mean - self.u @ (k * z) for k in kept]
        leverages = [self.u**2 @ k for k in kept]
        # The residual of a row left out is r / (1 − its leverage), where 1/n is that of the mean.
        left = [r / (1 - 1 / n - h) for r, h in zip(residuals, leverages, strict=True)]
        best = int(np.argmin([np.mean(r**2) for r in left]))
        root = np.divide(kept[best], self.v, out=np.zeros_like(self.v), where=self.v > 0)
        weights = self.wt.T @ (root * z) / self.scale
        bias = float(mean - self.mean @ weights)
        # Here the row stays in the mean: a mean without it falls as t rises, and a curve would learn that.
        return weights, bias, self.columns @ weights + bias, t - residuals[best] / (1 - leverages[best])
