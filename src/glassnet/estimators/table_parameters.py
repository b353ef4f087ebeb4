"""What a table model may be told: its parameters, checked, and the recipe that they make."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from time import perf_counter
from typing import Any, Literal, cast

import numpy as np
from sklearn.base import BaseEstimator

from glassnet.errors import InputError, unknown_name
from glassnet.estimators.recipe import (
    LEAST_PATIENCE,
    PATIENCE,
    QUALITIES,
    RATE,
    RATES,
    Recipe,
    batch_size,
    epochs,
    hidden,
)
from glassnet.estimators.scoring import check_scoring
from glassnet.estimators.splits import SPLIT_FROM
from glassnet.nn import Architecture
from glassnet.training import Callback

LEAST_SECONDS = 0.05  # of training, whatever the preparation took of the limit
TRANSFORMS = ("auto", "none", "log")
CALIBRATIONS = ("auto", "split", "cv+", "none")


class TableParameters(BaseEstimator):
    """Parameters that `TableClassifier` and `TableRegressor` share; the classes say what each is, and its default.

    scikit-learn reads them off each class's own constructor, which therefore lists them all.
    """

    quality: Literal["fast", "default", "best"]
    n_estimators: int | Literal["auto"]
    hidden_layer_sizes: int | Sequence[int] | Literal["auto"]
    activation: str | Sequence[str]
    alpha: float
    dropout: float
    learning_rate_init: float | Literal["auto"]
    batch_size: int | Literal["auto"]
    max_iter: int | Literal["auto"]
    n_iter_no_change: float | Literal["auto"]
    validation_fraction: float
    calibration: Literal["auto", "split", "cv+", "none"]
    columns: Mapping[str, str] | None
    time_limit_seconds: float | None
    callbacks: Sequence[Callback] | None
    engine: str
    random_state: Any
    metric: str | None
    n_jobs: int | None

    def _keep(self, given: Mapping[str, Any]) -> None:
        """Every argument of a constructor under its name, as scikit-learn has it: nothing is checked before `fit`."""
        for name in given.keys() - {"self"}:
            setattr(self, name, given[name])

    def _recipe(self, n: int, d: int = 1) -> Recipe:
        """How a network is trained on n rows of d features, as they are."""
        quality, batch = QUALITIES[self.quality], self._batch_size(n)
        most = epochs(n, batch, quality) if self.max_iter == "auto" else int(self.max_iter)
        patience = self.n_iter_no_change
        rates = RATES.get(getattr(self, "loss", "of classes"), RATE)
        return Recipe(
            hidden=tuple(self._hidden(d)),
            activation=self.activation if isinstance(self.activation, str) else tuple(self.activation),
            rate=rates if self.learning_rate_init == "auto" else float(self.learning_rate_init),
            by_fan_in=self.learning_rate_init == "auto",
            dropout=float(self.dropout),
            weight_decay=float(self.alpha),
            batch_size=batch,
            epochs=most,
            patience=max(PATIENCE * most, LEAST_PATIENCE) if patience == "auto" else float(patience),
        )

    def _calibration(self, n: int) -> str:
        """Which rows calibrate."""
        return ("split" if n >= SPLIT_FROM else "cv+") if self.calibration == "auto" else self.calibration

    def _left(self, began: float) -> float | None:
        """Of the time limit, what is left for training."""
        if self.time_limit_seconds is None:
            return None
        return max(self.time_limit_seconds - (perf_counter() - began), LEAST_SECONDS)

    def _hidden(self, d: int = 1) -> list[int]:
        """Units of each hidden layer for d features."""
        given = self.hidden_layer_sizes
        if isinstance(given, str):
            if given != "auto":
                raise unknown_name("hidden_layer_sizes", given, ["auto"])
            return hidden(d)
        sizes: list[int] = [*cast("Sequence[int]", given)] if isinstance(given, Sequence | np.ndarray) else [given]
        if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
            raise InputError(
                f'hidden_layer_sizes is {self.hidden_layer_sizes!r}, but must be "auto", or whole numbers ≥ 1, one for '
                f"each hidden layer: (64, 64) is two layers of 64 units, () a linear model."
            )
        return sizes

    def _activation(self) -> Any:
        return self.activation if isinstance(self.activation, str) else list(self.activation)

    def _batch_size(self, n: int) -> int:
        """Small batches for small tables, so that an epoch has steps enough."""
        return batch_size(n) if self.batch_size == "auto" else min(int(self.batch_size), n)

    def _rate(self) -> float:
        """A plain rate that stands for the one of the recipe: that of a hidden layer."""
        if self.learning_rate_init != "auto":
            return float(self.learning_rate_init)
        return self._recipe(2).rate / float(np.sqrt(self._hidden()[0] if self._hidden() else 1))

    def _check_parameters(self) -> None:
        """Every number in its range, before any work begins."""
        Architecture.create([1, *self._hidden(), 1], self._activation())
        check_scoring(self.metric, "metric")
        limit = self.time_limit_seconds
        if limit is not None and not (isinstance(limit, int | float | np.number) and limit > 0):
            raise InputError(f"time_limit_seconds is {limit!r}, but a limit is a number of seconds above 0, or None.")
        if self.quality not in QUALITIES:
            raise unknown_name("quality", self.quality, QUALITIES)
        if self.calibration not in CALIBRATIONS:
            raise unknown_name("calibration", self.calibration, CALIBRATIONS)
        automatic = '"auto" or '
        checks: tuple[tuple[str, Callable[[Any], Any], str], ...] = (
            ("alpha", lambda v: 0 <= v < np.inf, "a number ≥ 0"),
            ("dropout", lambda v: 0 <= v < 1, "a number from 0 up to, not including, 1"),
            ("learning_rate_init", lambda v: v > 0, "a number > 0"),
            ("max_iter", lambda v: 1 <= v < np.inf and v == np.floor(v), "a whole number ≥ 1"),
            ("n_iter_no_change", lambda v: v >= 1 and v == np.floor(v), "a whole number ≥ 1, or inf"),
            ("n_estimators", lambda v: 1 <= v < np.inf and v == np.floor(v), "a whole number ≥ 1"),
            ("batch_size", lambda v: isinstance(v, int | np.integer) and v >= 1, "a whole number ≥ 1"),
        )
        for name, holds, needs in checks:
            value, auto = getattr(self, name), name not in ("alpha", "dropout")
            if isinstance(value, str) and auto and value == "auto":
                continue
            if not isinstance(value, int | float | np.number) or isinstance(value, bool) or not holds(value):
                raise InputError(f"{name} is {value!r}, but must be {automatic * auto}{needs}.")
        fraction = self.validation_fraction
        if not isinstance(fraction, int | float) or not 0 <= fraction < 1:
            raise InputError(
                f"validation_fraction is {fraction!r}, but must be a number from 0 up to, not including, 1."
            )
        if not isinstance(self.n_jobs, Integral | None) or self.n_jobs == 0:
            raise InputError(
                f"n_jobs is {self.n_jobs!r}, but must be a number of threads, 1 or more, or −1 for all processors, or "
                f"None."
            )
