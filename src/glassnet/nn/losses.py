"""L beside ∂L/∂y, and the prediction p(y).

The last layer is linear; the loss owns the step from its scores y to the prediction p. One convention, everywhere: the
loss of a row is a sum over outputs, the loss of a batch the mean over rows, weighted where rows have weights:

    L = Σᵢ sᵢ ℓ(yᵢ, tᵢ) / Σᵢ sᵢ        dy = ∂L/∂y = sᵢ ∂ℓ/∂y / Σᵢ sᵢ
"""

from dataclasses import dataclass

import numpy as np

from glassnet.errors import ShapeError, unknown_name
from glassnet.nn.elementary import Array, exp, log, log1p


@dataclass(frozen=True)
class Loss:
    """L(y, t) for scores y (n, k) and targets t (n, k)."""

    name = ""

    def rows(self, y: Array, t: Array) -> Array:
        """ℓ of each row, (n,)."""
        raise NotImplementedError

    def slope(self, y: Array, t: Array) -> Array:
        """∂ℓ/∂y of each row, (n, k)."""
        raise NotImplementedError

    def predict(self, y: Array) -> Array:
        """p(y), (n, k): what the scores say of the target."""
        raise NotImplementedError

    def __call__(self, y: Array, t: Array, s: Array | None = None) -> float:
        """L, the mean over rows weighted by s (n,)."""
        y, t = _checked(y, t)
        rows = self.rows(y, t)
        return float(rows.mean() if s is None else (s * rows).sum() / s.sum())

    def derivative(self, y: Array, t: Array, s: Array | None = None) -> Array:
        """dy = ∂L/∂y, (n, k)."""
        y, t = _checked(y, t)
        slope = self.slope(y, t)
        return slope / len(y) if s is None else slope * (s / s.sum())[:, None]


class SquaredError(Loss):
    """ℓ = Σ(y − t)² / 2        ∂ℓ/∂y = y − t        p = y

    So L = Σ(y − t)² / 2n.
    """

    name = "squared_error"

    def rows(self, y: Array, t: Array) -> Array:
        return 0.5 * ((y - t) ** 2).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return y - t

    def predict(self, y: Array) -> Array:
        return y


class BinaryCrossEntropy(Loss):
    """ℓ = −Σ[t ln p + (1 − t) ln(1 − p)]        ∂ℓ/∂y = p − t        p = 1 / (1 + e⁻ʸ)

    One output for two classes, or one per label where a row may have several. Written without p, so that nothing
    overflows: ℓ = Σ max(y, 0) − ty + ln(1 + e^−|y|).
    """

    name = "binary_cross_entropy"

    def rows(self, y: Array, t: Array) -> Array:
        return (np.maximum(y, 0) - t * y + log1p(exp(-np.abs(y)))).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return self.predict(y) - t

    def predict(self, y: Array) -> Array:
        return 1 / (1 + exp(-y))


class CrossEntropy(Loss):
    """ℓ = −Σ t ln p        ∂ℓ/∂y = p Σt − t        p = softmax y = eʸ / Σeʸ

    Targets are one-hot rows or rows of probabilities, for which Σt = 1.
    """

    name = "cross_entropy"

    def rows(self, y: Array, t: Array) -> Array:
        top = y.max(axis=1, keepdims=True)
        log_sum = top + log(exp(y - top).sum(axis=1, keepdims=True))  # the largest term is e⁰, so nothing overflows
        return (t * (log_sum - y)).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return self.predict(y) * t.sum(axis=1, keepdims=True) - t

    def predict(self, y: Array) -> Array:
        e = exp(y - y.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)


class Poisson(Loss):
    """ℓ = Σ(p − t + t ln(t / p)), half the deviance        ∂ℓ/∂y = p − t        p = eʸ

    For counts and other targets t ≥ 0.
    """

    name = "poisson"

    def rows(self, y: Array, t: Array) -> Array:
        t_log_t = np.where(t > 0, t * log(np.where(t > 0, t, 1)), 0)
        return (exp(y) - t + (t_log_t - t * y)).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return self.predict(y) - t

    def predict(self, y: Array) -> Array:
        return exp(y)


LOSSES: dict[str, Loss] = {
    loss.name: loss for loss in (SquaredError(), BinaryCrossEntropy(), CrossEntropy(), Poisson())
}


def get_loss(loss: str | Loss) -> Loss:
    """The loss of that name; a `Loss` is passed through.

    >>> get_loss("squared_error")(np.zeros((1, 1)), np.ones((1, 1)))
    0.5
    """
    if isinstance(loss, Loss):
        return loss
    try:
        return LOSSES[loss]
    except (KeyError, TypeError):
        raise unknown_name("loss", loss, LOSSES) from None


def _checked(y: Array, t: Array) -> tuple[Array, Array]:
    y, t = np.asarray(y), np.asarray(t)
    if y.ndim != 2 or y.shape != t.shape:
        raise ShapeError(
            f"scores y have shape {y.shape} and targets t {t.shape}, but a loss takes two of the same shape (n, k): "
            f"one row per sample, one column per output. For a single column, pass t[:, None]."
        )
    return y, t
