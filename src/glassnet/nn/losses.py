"""L beside ∂L/∂y, and the prediction p(y).

The last layer is linear; the loss owns the step from its scores y to the prediction p. One convention, everywhere: the
loss of a row is a sum over outputs, the loss of a batch the mean over rows, weighted where rows have weights:

    L = Σᵢ sᵢ ℓ(yᵢ, tᵢ) / Σᵢ sᵢ        dy = ∂L/∂y = sᵢ ∂ℓ/∂y / Σᵢ sᵢ
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from math import log as ln
from math import pi
from typing import ClassVar

import numpy as np

from glassnet.errors import InputError, ShapeError, unknown_name
from glassnet.nn.elementary import Array, exp, log, log1p


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise InputError(f"{message}.")


def _require_smoothing(share: float) -> None:
    _require(0 <= share < 1, f"label_smoothing is {share!r}, but must be a share from 0 up to, not including, 1")


@dataclass(frozen=True)
class Loss:
    """L(y, t) for scores y (n, width · k) and targets t (n, k)."""

    name: ClassVar[str] = ""
    width: ClassVar[int] = 1  # scores for each target

    @property
    def hyperparameters(self) -> list[float]:
        """Its numbers, in order: what its twin in the kernel reads."""
        return [float(getattr(self, f.name)) for f in fields(self)]

    def rows(self, y: Array, t: Array) -> Array:
        """ℓ of each row, (n,)."""
        raise NotImplementedError

    def slope(self, y: Array, t: Array) -> Array:
        """∂ℓ/∂y of each row, of the shape of y."""
        raise NotImplementedError

    def predict(self, y: Array) -> Array:
        """p(y), of the shape of y: what the scores say of the target."""
        raise NotImplementedError

    def __call__(self, y: Array, t: Array, s: Array | None = None) -> float:
        """L, the mean over rows weighted by s (n,)."""
        y, t = self._checked(y, t)
        rows = self.rows(y, t)
        return float(rows.mean() if s is None else (s * rows).sum() / s.sum())

    def derivative(self, y: Array, t: Array, s: Array | None = None) -> Array:
        """dy = ∂L/∂y, of the shape of y."""
        y, t = self._checked(y, t)
        slope = self.slope(y, t)
        return slope / len(y) if s is None else slope * (s / s.sum())[:, None]

    def _checked(self, y: Array, t: Array) -> tuple[Array, Array]:
        y, t = np.asarray(y), np.asarray(t)
        if y.ndim != 2 or t.ndim != 2 or y.shape != (t.shape[0], self.width * t.shape[1]):
            needed = "two of the same shape (n, k)" if self.width == 1 else f"y (n, {self.width}k) and t (n, k)"
            raise ShapeError(
                f"scores y have shape {y.shape} and targets t {t.shape}, but the loss {self.name!r} takes {needed}: "
                f"one row per sample, one column per output. For a single column, pass t[:, None]."
            )
        return y, t


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


class AbsoluteError(Loss):
    """ℓ = Σ|y − t|        ∂ℓ/∂y = sign(y − t), 0 where they are equal        p = y

    The best constant is the median: far rows pull no harder than near ones.
    """

    name = "absolute_error"

    def rows(self, y: Array, t: Array) -> Array:
        return np.abs(y - t).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return np.sign(y - t)

    def predict(self, y: Array) -> Array:
        return y


@dataclass(frozen=True)
class Huber(Loss):
    """ℓ = Σ r²/2 where |r| ≤ δ, else δ|r| − δ²/2, r = y − t        ∂ℓ/∂y = r held within ±δ        p = y

    Squared near, absolute far (Huber 1964). Where targets are standardised, δ counts standard deviations.

    >>> Huber(delta=1.0)(np.array([[3.0]]), np.array([[0.0]]))
    2.5
    """

    name = "huber"
    delta: float = 1.0

    def __post_init__(self) -> None:
        _require(self.delta > 0, f"delta is {self.delta!r}, but must be a number > 0")

    def rows(self, y: Array, t: Array) -> Array:
        r = np.abs(y - t)
        return np.where(r <= self.delta, 0.5 * (r * r), self.delta * (r - 0.5 * self.delta)).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return np.clip(y - t, -self.delta, self.delta)

    def predict(self, y: Array) -> Array:
        return y


@dataclass(frozen=True)
class Quantile(Loss):
    """ℓ = Σ q(t − y) where t > y, else (1 − q)(y − t)        ∂ℓ/∂y = −q, else 1 − q; 0 where equal        p = y

    The pinball loss (Koenker and Bassett 1978): the best constant is the q-quantile.

    >>> Quantile(quantile=0.75)(np.array([[0.0]]), np.array([[4.0]]))
    3.0
    """

    name = "quantile"
    quantile: float = 0.5

    def __post_init__(self) -> None:
        _require(0 < self.quantile < 1, f"quantile is {self.quantile!r}, but must be a number between 0 and 1")

    def rows(self, y: Array, t: Array) -> Array:
        return np.where(t > y, self.quantile * (t - y), (1 - self.quantile) * (y - t)).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        below, above = y.dtype.type(-self.quantile), y.dtype.type(1 - self.quantile)
        return np.where(t > y, below, np.where(t < y, above, y.dtype.type(0)))

    def predict(self, y: Array) -> Array:
        return y


class Gaussian(Loss):
    """ℓ = Σ ½(ln 2π + v + (t − μ)² e⁻ᵛ)        p = (μ, eᵛ): a mean and a variance for each target

    The negative log-likelihood of a normal distribution whose variance is learned too (Nix and Weigend 1994). Scores
    are the k means μ, then the k log-variances v: ∂ℓ/∂μ = (μ − t)e⁻ᵛ, ∂ℓ/∂v = ½(1 − (t − μ)² e⁻ᵛ).

    >>> Gaussian()(np.array([[0.0, 0.0]]), np.array([[0.0]]))  # ½ ln 2π
    0.9189385332046727
    """

    name = "gaussian"
    width = 2

    def rows(self, y: Array, t: Array) -> Array:
        mean, v = np.split(y, 2, axis=1)
        return (0.5 * (ln(2 * pi) + (v + (t - mean) ** 2 * exp(-v)))).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        mean, v = np.split(y, 2, axis=1)
        precision = exp(-v)
        return np.concatenate([(mean - t) * precision, 0.5 * (1 - (t - mean) ** 2 * precision)], axis=1)

    def predict(self, y: Array) -> Array:
        mean, v = np.split(y, 2, axis=1)
        return np.concatenate([mean, exp(v)], axis=1)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """ℓ = −Σ[t ln p + (1 − t) ln(1 − p)]        ∂ℓ/∂y = p − t        p = 1 / (1 + e⁻ʸ)

    One output for two classes, or one per label where a row may have several. Written without p, so that nothing
    overflows: ℓ = Σ max(y, 0) − ty + ln(1 + e^−|y|). With label smoothing ε, t becomes (1 − ε)t + ε/2.
    """

    name = "binary_cross_entropy"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _require_smoothing(self.label_smoothing)

    def rows(self, y: Array, t: Array) -> Array:
        return (np.maximum(y, 0) - self._smoothed(t) * y + log1p(exp(-np.abs(y)))).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return self.predict(y) - self._smoothed(t)

    def predict(self, y: Array) -> Array:
        return 1 / (1 + exp(-y))

    def _smoothed(self, t: Array) -> Array:
        return t if not self.label_smoothing else (1 - self.label_smoothing) * t + 0.5 * self.label_smoothing


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """ℓ = −Σ t ln p        ∂ℓ/∂y = p Σt − t        p = softmax y = eʸ / Σeʸ

    Targets are one-hot rows or rows of probabilities, for which Σt = 1. With label smoothing ε (Szegedy et al. 2016,
    section 7), t becomes (1 − ε)t + ε Σt / k.
    """

    name = "cross_entropy"
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _require_smoothing(self.label_smoothing)

    def rows(self, y: Array, t: Array) -> Array:
        top = y.max(axis=1, keepdims=True)
        log_sum = top + log(exp(y - top).sum(axis=1, keepdims=True))  # the largest term is e⁰, so nothing overflows
        return (self._smoothed(t) * (log_sum - y)).sum(axis=1)

    def slope(self, y: Array, t: Array) -> Array:
        return self.predict(y) * t.sum(axis=1, keepdims=True) - self._smoothed(t)

    def predict(self, y: Array) -> Array:
        e = exp(y - y.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def _smoothed(self, t: Array) -> Array:
        if not self.label_smoothing:
            return t
        share = self.label_smoothing / t.shape[1]
        return (1 - self.label_smoothing) * t + share * t.sum(axis=1, keepdims=True)


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


@dataclass(frozen=True)
class CustomLoss(Loss):
    """A loss of your own, on the NumPy engine: ℓ of each row and its derivative.

    The derivative is compared with central differences when it is given, at scores about 0 and targets from 0 to 1.

    Args:
        row_losses: ℓ(y, t): (n, k), (n, k) → (n,).
        row_slopes: ∂ℓ/∂y: (n, k), (n, k) → (n, k).
        prediction: p(y); left out, p = y.

    Raises:
        InputError: the derivative is not the loss's, or a shape is wrong.

    >>> quartic = CustomLoss(lambda y, t: ((y - t) ** 4).sum(axis=1), lambda y, t: 4 * (y - t) ** 3)
    >>> quartic(np.ones((1, 1)), np.zeros((1, 1)))
    1.0
    """

    name = "custom"
    row_losses: Callable[[Array, Array], Array]
    row_slopes: Callable[[Array, Array], Array]
    prediction: Callable[[Array], Array] | None = None

    def __post_init__(self) -> None:
        rng, step = np.random.default_rng(0), 1e-6
        y, t = rng.normal(size=(50, 2)), rng.uniform(size=(50, 2))
        rows, slope = np.asarray(self.row_losses(y, t)), np.asarray(self.row_slopes(y, t))
        if rows.shape != (50,) or slope.shape != y.shape:
            raise InputError(
                f"For y and t of shape (50, 2) the loss gave shape {rows.shape} and its derivative {slope.shape}, but "
                f"(50,), one number a row, and (50, 2) are needed: sum the loss over axis 1."
            )
        for j in range(2):
            nudge = np.zeros_like(y)
            nudge[:, j] = step
            measured = (self.row_losses(y + nudge, t) - self.row_losses(y - nudge, t)) / (2 * step)
            wrong = ~(np.abs(slope[:, j] - measured) <= 1e-4 * (1 + np.abs(measured)))  # nan is wrong too
            if wrong.mean() > 0.04:  # a kink or two may be met
                i = int(np.argmax(wrong))
                raise InputError(
                    f"The derivative of the loss is {slope[i, j]:.6g} at y = {y[i, j]:.4g}, t = {t[i, j]:.4g}, but "
                    f"central differences of the loss give {measured[i]:.6g}."
                )

    @property
    def hyperparameters(self) -> list[float]:
        return []

    def rows(self, y: Array, t: Array) -> Array:
        return np.asarray(self.row_losses(y, t))

    def slope(self, y: Array, t: Array) -> Array:
        return np.asarray(self.row_slopes(y, t), dtype=y.dtype)

    def predict(self, y: Array) -> Array:
        return y if self.prediction is None else np.asarray(self.prediction(y))


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        *(SquaredError(), AbsoluteError(), Huber(), Quantile(), Gaussian()),
        *(BinaryCrossEntropy(), CrossEntropy(), Poisson()),
    )
}


def get_loss(loss: str | Loss, **hyperparameters: float) -> Loss:
    """The loss of that name with these numbers; a `Loss` is passed through.

    >>> get_loss("squared_error")(np.zeros((1, 1)), np.ones((1, 1)))
    0.5
    >>> get_loss("huber", delta=2.0).delta
    2.0
    """
    if isinstance(loss, Loss):
        return loss
    try:
        found = LOSSES[loss]
    except (KeyError, TypeError):
        raise unknown_name("loss", loss, LOSSES) from None
    return type(found)(**hyperparameters) if hyperparameters else found
