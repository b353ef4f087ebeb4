"""TableRegressor: any dataframe or file in, quantities in their own units out, with intervals."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from glassnet.data.several import Targets
from glassnet.data.table import Table
from glassnet.data.targets import NumberTarget
from glassnet.errors import InputError, unknown_name
from glassnet.estimators.quantities import MEASURES, better_form, constant_name
from glassnet.estimators.table_model import TableModel
from glassnet.estimators.table_parameters import TRANSFORMS
from glassnet.estimators.table_rows import Name
from glassnet.nn import Loss, get_loss
from glassnet.nn.elementary import Array
from glassnet.training import Callback


class TableRegressor(RegressorMixin, TableModel):
    """Networks that predict a quantity, on any table.

    Columns are prepared as by `TableClassifier`, the target is standardised; predictions come in its own units, and
    intervals by `predict_interval`. The networks x → silu layers → y are trained on the squared error or another loss,
    and keep the weights of the epoch with the least on held-out rows. Parameters and attributes are
    `TableClassifier`'s, without `class_weight`, `classes_` and `threshold_`, and some more.

    Several targets, `target=["a", "b"]` or a y (n, k), are learned by the same networks with an output for each, every
    one standardised in its own units; predictions are (n, k).

    Args:
        loss: What is predicted, by the names of scikit-learn's HistGradientBoostingRegressor: the mean of the answers
            of rows like this one with "squared_error"; their median with "absolute_error", which far answers pull no
            harder than near ones; their `quantile` with "quantile"; the mean of counts and other answers ≥ 0 with
            "poisson", as mean(y) · eʸ, so that it is never below 0 and effects multiply.
        quantile: Of the answers, the share that is to lie below what is predicted, with loss="quantile".
        target_transform: "log" learns the logarithm of a target above 0, "none" the target itself, and "auto" tries
            both, where the target is skewed, on rows held out, and takes the logarithm if it leaves less than 95 % of
            the loss in the target's units; `target_.log` says so. Of several targets each is tried by itself. With
            "poisson" there is none.

    >>> table = {"x": [i / 50 for i in range(200)], "y": [(i / 50 - 2) ** 2 for i in range(200)]}
    >>> model = TableRegressor(quality="fast", random_state=0).fit(table, target="y")
    >>> bool(abs(model.predict({"x": [2.0]})[0]) < 0.2)
    True
    """

    loss: Literal["squared_error", "absolute_error", "poisson", "quantile"]
    quantile: float
    target_transform: Literal["auto", "none", "log"]

    _metric = staticmethod(r2_score)
    score = TableModel.score  # not the mixin's, which knows no tables

    def __init__(
        self,
        *,
        quality: Literal["fast", "default", "best"] = "default",
        n_estimators: int | Literal["auto"] = "auto",
        hidden_layer_sizes: int | Sequence[int] | Literal["auto"] = "auto",
        activation: str | Sequence[str] = "silu",
        alpha: float = 0.02,
        dropout: float = 0.15,
        learning_rate_init: float | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        n_iter_no_change: float | Literal["auto"] = "auto",
        validation_fraction: float = 0.2,
        calibration: Literal["auto", "split", "cv+", "none"] = "auto",
        columns: Mapping[str, str] | None = None,
        time_limit_seconds: float | None = None,
        callbacks: Sequence[Callback] | None = None,
        engine: str = "auto",
        random_state: Any = None,
        metric: str | None = None,
        loss: Literal["squared_error", "absolute_error", "poisson", "quantile"] = "squared_error",
        quantile: float = 0.5,
        target_transform: Literal["auto", "none", "log"] = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self._keep(locals())

    def predict(self, X: Any) -> Array:
        """The predicted quantity of each row, (n,), in the target's units; of several targets (n, k).

        Args:
            X: A table with the columns of training, in any order; others are not looked at.

        Raises:
            TableError: A missing column, or text where training had numbers.
        """
        p = self._predicted(X)
        return self.target_.decode(p)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """The ends between which each answer lies as often as `coverage` says, (n, 2), in the target's units.

        Of several targets (n, k, 2): the coverage is that of each target by itself, not of all at once.

        μ(x) ± q · s(x), where s is the size of error to be expected at x, learned from rows that networks did not train
        on, and q bounds a share `coverage` of |y − μ| / s on calibration rows, which neither epochs nor weights nor s
        were chosen on (split conformal prediction; on tables of fewer than 10,000 rows CV+: Barber, Candès, Ramdas and
        Tibshirani 2021). The promise is of rows like those of training, in random order: `guarantee` says it in words.
        With too few calibration rows the ends are infinite, with a DataWarning. Where μ is a quantile or a median, the
        interval is moved to the middle of the answers; with "poisson" its lower end is not below 0.

        Args:
            X: A table with the columns of training.
            coverage: The share of new rows whose answer is to lie within, between 0 and 1.

        Raises:
            InputError: A coverage that is none, or a model without calibration rows.
            TableError: As `predict`.

        >>> x = [i / 250 for i in range(500)]
        >>> table = {"x": x, "y": [a**2 + (-1) ** i * a / 4 for i, a in enumerate(x)]}
        >>> model = TableRegressor(n_estimators=2, random_state=0).fit(table, target="y")
        >>> low, high = model.predict_interval({"x": [1.0]}, coverage=0.8)[0]
        >>> bool(low < 1 < high)
        True
        """
        conformal, x = self._calibrated(), self._seen(X)
        ends = conformal.interval(lambda fold: self._mean_prediction(x, fold), x[0], coverage)
        return self.target_.in_units(ends if isinstance(self.target_, Targets) else ends[:, 0])

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.loss not in MEASURES:
            raise unknown_name("loss", self.loss, MEASURES)
        number = isinstance(self.quantile, int | float | np.number) and not isinstance(self.quantile, bool)
        if not number or not 0 < self.quantile < 1:
            raise InputError(f"quantile is {self.quantile!r}, but must be a number between 0 and 1.")
        if self.target_transform not in TRANSFORMS:
            raise unknown_name("target_transform", self.target_transform, TRANSFORMS)
        if self.loss == "poisson" and self.target_transform == "log":
            raise InputError(
                'target_transform is "log", but loss="poisson" learns the logarithm of the mean by itself, with counts '
                'of 0 as well: leave target_transform at "auto", or choose another loss.'
            )

    def _decoded(self, p: Array) -> Array:
        """Quantities, (n,) or (n, k), of p (n, k)."""
        return self.target_.decode(p)

    def _constant_name(self) -> str:
        return f"the {constant_name(self.loss_)}"

    def _describe_target(self, answers: Any, name: Name) -> NumberTarget | Targets:
        form: dict[str, bool] = {"log": self.target_transform == "log", "counts": self.loss == "poisson"}
        if isinstance(name, str):
            return NumberTarget.fit(answers, name, **form)
        return Targets(tuple(NumberTarget.fit(answers[one], one, **form) for one in name))

    def _better_target(
        self, described: NumberTarget | Targets, table: Table, answers: Any, s: Array | None, rows: Array, seed: int
    ) -> NumberTarget | Targets:
        y = described.quantities(answers)
        if isinstance(described, NumberTarget):
            return better_form(self, described, table, y, s, rows, seed)
        parts: Any = zip(described.parts, y.T, strict=True)
        return Targets(tuple(better_form(self, part, table, column, s, rows, seed) for part, column in parts))

    def _loss(self, target: Any) -> Loss:
        return get_loss(self.loss, **({"quantile": float(self.quantile)} if self.loss == "quantile" else {}))

    def _answers(self, answers: Any) -> Any:
        return self.target_.quantities(answers)
