"""What can be learned from these rows, by a learner that has no training to go wrong: ridge regression with kernels."""

from dataclasses import dataclass

import numpy as np

from glassnet.nn.elementary import Array

WIDTHS = (0.5, 1.0, 2.0)  # of the Gaussian kernels, in medians of the distance between rows
PENALTIES = 10.0 ** np.arange(-6, 2)  # λ, per row
SAME = 1e-12


@dataclass(frozen=True)
class Reference:
    """Kernel ridge regression: t ≈ mean + K(K + λI)⁻¹(t − mean).

    Attributes:
        explained: The share of t's variance that it explains on rows that are left out, each in its turn.
        width: Of the Gaussian kernel, in prepared and standardised features; None is the linear kernel.
        penalty: λ.
    """

    explained: float
    width: float | None
    penalty: float

    @classmethod
    def choose(cls, x: Array, t: Array) -> "Reference":
        """The kernel and λ whose left-out rows are predicted best.

        Leaving a row out changes its residual from rᵢ to rᵢ / (1 − Hᵢᵢ), which for K + λI = QΛQᵀ costs one
        decomposition for all λ.
        """
        x = standardised(x, x)
        squares = _squares(x, x)
        middle = float(np.sqrt(np.median(squares[squares > SAME]))) if (squares > SAME).any() else 1.0
        centred, best = t - t.mean(axis=0), cls(-np.inf, None, 1.0)
        total = float((centred**2).sum())
        for width in (None, *(factor * middle for factor in WIDTHS)):
            values, q = np.linalg.eigh(_kernel(x, x, width))
            qt = q.T @ centred
            for penalty in PENALTIES * len(x):
                inverse = 1 / (np.maximum(values, 0) + penalty)
                alpha = q @ (inverse[:, None] * qt)  # (K + λI)⁻¹ t
                left_out = alpha / ((q**2) @ inverse)[:, None]
                explained = 1 - float((left_out**2).sum()) / total if total > 0 else 0.0
                if explained > best.explained:
                    best = cls(explained, width, float(penalty / len(x)))
        return best

    def predict(self, x: Array, t: Array, rows: Array) -> Array:
        """What it says of other rows, (n, k), learned from x and t."""
        rows, x = standardised(rows, x), standardised(x, x)
        k = _kernel(x, x, self.width) + self.penalty * len(x) * np.eye(len(x))
        return t.mean(axis=0) + _kernel(rows, x, self.width) @ np.linalg.solve(k, t - t.mean(axis=0))


def explained(t: Array, p: Array) -> float:
    """The share of t's variance that predictions explain, 1 − Σ(t − p)² / Σ(t − mean)²; 0 where t does not vary.

    For quantities this is R². For classes t is 0 and 1, and p their probabilities.

    >>> explained(np.array([[0.0], [1.0]]), np.array([[0.5], [0.5]]))
    0.0
    """
    total = float(((t - t.mean(axis=0)) ** 2).sum())
    with np.errstate(over="ignore", invalid="ignore"):
        rest = float(((t - p) ** 2).sum())
    return 0.0 if total <= 0 else 1 - rest / total if np.isfinite(rest) else -np.inf


def standardised(rows: Array, x: Array) -> Array:
    """Rows in units of the columns of x: mean 0, deviation 1; columns that do not vary are 0."""
    scale = x.std(axis=0)
    return np.divide(rows - x.mean(axis=0), scale, out=np.zeros(rows.shape), where=scale > SAME * np.abs(x).max())


def _squares(a: Array, b: Array) -> Array:
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T, 0)


def _kernel(a: Array, b: Array, width: float | None) -> Array:
    return a @ b.T if width is None else np.exp(-_squares(a, b) / (2 * width**2))
