"""TableClassifier, TableRegressor: any dataframe or file in, predictions in its own columns and units out."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, clone
from sklearn.metrics import r2_score

from glassnet.data.table import Table
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import DataWarning, InputError, unknown_name
from glassnet.estimators.recipe import HIDDEN
from glassnet.estimators.splits import FEWEST_TO_CHOOSE
from glassnet.estimators.table_model import TableModel
from glassnet.estimators.table_parameters import TRANSFORMS
from glassnet.estimators.table_rows import check_class_weight, class_factors
from glassnet.estimators.thresholds import best_threshold
from glassnet.nn import Data, Engine, State
from glassnet.nn.elementary import Array
from glassnet.training import Callback
from glassnet.training.trainer import Score

SKEWED = 1.0  # a target of more skewness may be learned better as its logarithm
MOST_TRIED_ROWS, TRIAL_SHARE, PAYS = 5000, 0.05, 0.95  # rows, share of a time limit, share of the squared error left
TIE = 1e-6  # of the loss, beside a share of errors: what decides between epochs with as many errors


def _accuracy(labels: Array, predicted: Array, sample_weight: Any) -> float:
    """scikit-learn's takes labels with a fraction for quantities."""
    return float(np.average(labels == predicted, weights=sample_weight))


class TableClassifier(ClassifierMixin, TableModel):
    """Networks that tell classes apart, on any table.

    Columns are prepared by themselves: numbers standardised and, where missing, set to the median with a flag;
    categories one-hot; booleans as they are; dates as a trend and the cycles of year, week and day. A column that gives
    the target away is told in a DataWarning. Eight networks x → silu layers → p are trained, four of them on numbers
    as they are, four on numbers in 16 pieces; each pair leaves another fifth of the rows out, and keeps the weights of
    the epoch with the fewest errors there. Their scores are divided by a temperature that makes probabilities honest on
    those rows, and the prediction is their weighted mean:

        p(x) = Σₖ wₖ softmax(yₖ(x) / T)

    Args:
        quality: "fast" trains two networks for 64 epochs, "default" eight for 128, "best" twenty for 192; of a
            large table fewer of both. Each is better than the one before, and takes several times as long.
        n_estimators: Networks, in place of what the quality says; 1 is one network on numbers as they are, of which
            every number can be followed by hand.
        hidden_layer_sizes: Units of each hidden layer; () is logistic regression.
        activation: A name for all hidden layers, or one each.
        alpha: λ of AdamW's weight decay, θ ← (1 − ηλ)θ at first; it falls with the rate.
        dropout: Share of the hidden units that a step leaves out at first; it falls with the rate.
        learning_rate_init: Rate of all weights; "auto" is 0.04 / √fan-in for the weights of a layer, 0.1 in place of
            0.04 for quantities, and less for small batches. It falls as a half cosine.
        batch_size: Rows of a minibatch; "auto" takes 32 to 256, growing with the table.
        max_iter: Epochs at the most; "auto" takes more for small tables, fewer for large ones.
        n_iter_no_change: Epochs without progress on held-out rows before a network's training stops; "auto" is a
            fifth of max_iter.
        validation_fraction: Share of the rows that each network leaves out to choose its epoch; 0 trains on all rows
            for `max_iter` epochs.
        calibration: Which rows nothing is trained or chosen on, for `predict_set` and `predict_interval`: "split" takes
            a tenth of all rows, 1,000 at the most; "cv+" a quarter of what each network leaves out; "auto" is "split"
            from 10,000 rows on, else "cv+"; "none" takes none.
        columns: Kinds for columns that were taken wrongly: "number", "category", "boolean", "date", "time", "duration"
            or "ignore".
        time_limit_seconds: End within so long: with fewer epochs, then with fewer networks, where it needs be.
        callbacks: Called after every epoch of every network with a `training.Report`; returning True ends all.
        engine: "auto", "kernel" or "numpy".
        random_state: An int gives the same networks every time.
        metric: What is to be high: a name of `sklearn.metrics.get_scorer_names`, such as "f1", "roc_auc" or
            "neg_log_loss". It chooses each network's epoch on the rows held out and, of two classes, where it is a
            metric of labels, `threshold_`.
        class_weight: How much the rows of each class count in the loss, beside sample_weight: "balanced" makes all
            classes count the same; or a weight > 0 by label, as {"rare": 5.0}, 1 for the labels that it leaves out.
        n_jobs: Threads of the kernel, at the most; -1 is one for each processor. None is what the environment says in
            GLASSNET_NUM_THREADS or OMP_NUM_THREADS, else one for each. Every number gives the same bits.

    Attributes:
        classes_: The labels, sorted.
        members_: The networks, each with its weight in the mean, its history, temperature and fold.
        network_: The first `Network`, the one that is explained; `print(model.network_)` shows its formulas.
        preprocessor_: Columns and the features that they became; `pieces_` is the same with numbers in pieces.
        history_: Losses of every epoch of the first network.
        threshold_: From which probability on a row counts as of the second of two classes.
        out_of_fold_: What networks say of rows that they were not trained on; None after loading.
        feature_names_in_: Columns of the training table.

    Sources: Holzmüller, Grinsztajn and Steinwart 2024, Better by Default (the recipe's beginnings); Gorishniy, Rubachev
    and Babenko 2022, On Embeddings for Numerical Features (pieces); Guo, Pleiss, Sun and Weinberger 2017, On
    Calibration of Modern Neural Networks (temperature).

    >>> from glassnet.data.examples import circles
    >>> model = TableClassifier(quality="fast", random_state=0).fit(circles(), target="label")
    >>> model.predict({"x1": [0.0, 1.0], "x2": [0.0, 0.0]}).tolist()
    ['inner', 'outer']
    """

    class_weight: str | Mapping[Any, float] | None

    _constant_name = "the majority class"
    _metric = staticmethod(_accuracy)
    score = TableModel.score  # not the mixin's, which knows no tables

    def __init__(
        self,
        *,
        quality: Literal["fast", "default", "best"] = "default",
        n_estimators: int | Literal["auto"] = "auto",
        hidden_layer_sizes: int | Sequence[int] = HIDDEN,
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
        class_weight: str | Mapping[Any, float] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self._keep(locals())

    @property
    def classes_(self) -> Array:
        """The labels, sorted."""
        return self.target_.classes

    def predict(self, X: Any) -> Array:
        """The most probable class of each row, (n,).

        Args:
            X: A table with the columns of training, in any order; others are not looked at.

        Raises:
            TableError: A missing column, or text where training had numbers.
        """
        return self._decoded(self._predicted(X))

    def _decoded(self, p: Array) -> Array:
        """The label of each row, (n,), of p (n, k)."""
        if p.shape[1] == 1 and self.threshold_ != 0.5:
            return self.target_.classes[(p[:, 0] > self.threshold_).astype(int)]
        return self.target_.decode(p)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, classes), columns in the order of `classes_`."""
        p = self._predicted(X)
        return self.target_.probabilities(p)

    def predict_set(self, X: Any, coverage: float = 0.9) -> Array:
        """Which classes each row may be of, (n, classes) flags: the true one is among them as often as `coverage` says.

        A class c is in where its score 1 − p(c) is no larger than that of a share `coverage` of calibration rows (least
        ambiguous sets: Sadinle, Lei and Wasserman 2019). The promise is of all rows on average, not of each class, and
        of rows like those of training, in random order; `guarantee` says it in words.

        Args:
            X: A table with the columns of training.
            coverage: The share of new rows whose class is to be in its set, between 0 and 1.

        Raises:
            InputError: A coverage that is none, or a model without calibration rows.
            TableError: As `predict`.

        >>> from glassnet.data.examples import penguins
        >>> model = TableClassifier(n_estimators=2, random_state=0).fit(penguins(), target="species")
        >>> model.predict_set(penguins().take([0]), coverage=0.9).tolist()
        [[True, False, False]]
        """
        conformal, x = self._calibrated(), self._seen(X)
        return conformal.sets(lambda fold: self.target_.probabilities(self._mean_prediction(x, fold)), coverage)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_class_weight(self.class_weight)

    def _class_factors(self, target: ClassTarget, rows: Data) -> Array | None:
        return class_factors(self.class_weight, target, rows)

    def _decide(self, answers: Any, s: Array | None) -> None:
        self.threshold_ = 0.5
        found = self.out_of_fold_
        if self.metric is None or found is None or found.p.shape[1] > 1:
            return
        labels, classes = self._answers(answers)[found.rows], self.target_.classes
        self.threshold_ = best_threshold(
            self.metric, found.p[:, 0], labels, classes, None if s is None else s[found.rows]
        )

    def _default_score(self, engine: Engine, rows: Data) -> Score:
        """Minus the share of errors; of epochs with as many, the one of the lower loss counts more."""

        def score(state: State) -> Array:
            y = engine.forward(state.network(), rows.x)
            right = (y > 0) == (rows.t > 0.5) if y.shape[1] == 1 else y.argmax(axis=1) == rows.t.argmax(axis=1)
            errors = 1 - np.average(np.ravel(right), weights=rows.s)
            return -(errors + TIE * np.minimum(engine.evaluate(state, rows), 1e3))

        return score

    def _describe_target(self, answers: Any, name: str) -> ClassTarget:
        described = ClassTarget.fit(answers, name)
        labels = described.labels
        if isinstance(labels[0], float) and len(labels) > len(answers) / 2 and any(x != round(x) for x in labels):
            raise InputError(
                f"Unknown label type: the target {name!r} holds {len(labels)} different numbers with fractions in "
                f"{len(answers)} rows, which are a quantity and no classes. Use TableRegressor."
            )
        if len(described.labels) > max(50, len(answers) // 2):
            warnings.warn(
                f"The target {name!r} has {len(described.labels)} classes in {len(answers)} rows. "
                f"If it is a quantity, use TableRegressor.",
                DataWarning,
                stacklevel=3,
            )
        return described

    def _loss_name(self, outputs: int) -> str:
        return "cross_entropy" if outputs > 1 else "binary_cross_entropy"

    def _answers(self, answers: Any) -> Any:
        return self.target_.classes[self.target_.codes(answers)]


class TableRegressor(RegressorMixin, TableModel):
    """Networks that predict a quantity, on any table.

    Columns are prepared as by `TableClassifier`, the target is standardised; predictions come in its own units, and
    intervals by `predict_interval`. The networks x → silu layers → y are trained on the squared error, and keep the
    weights of the epoch with the least on held-out rows. Parameters and attributes are `TableClassifier`'s, without
    `class_weight`, `classes_` and `threshold_`, and one more.

    Args:
        target_transform: "log" learns the logarithm of a target above 0, "none" the target itself, and "auto" tries
            both, where the target is skewed, on rows held out, and takes the logarithm if it leaves less than 95 % of
            the squared error; `target_.log` says so.

    >>> table = {"x": [i / 50 for i in range(200)], "y": [(i / 50 - 2) ** 2 for i in range(200)]}
    >>> model = TableRegressor(quality="fast", random_state=0).fit(table, target="y")
    >>> bool(abs(model.predict({"x": [2.0]})[0]) < 0.2)
    True
    """

    target_transform: Literal["auto", "none", "log"]

    _constant_name = "the mean"
    _metric = staticmethod(r2_score)
    score = TableModel.score  # not the mixin's, which knows no tables

    def __init__(
        self,
        *,
        quality: Literal["fast", "default", "best"] = "default",
        n_estimators: int | Literal["auto"] = "auto",
        hidden_layer_sizes: int | Sequence[int] = HIDDEN,
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
        target_transform: Literal["auto", "none", "log"] = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self._keep(locals())

    def predict(self, X: Any) -> Array:
        """The predicted quantity of each row, (n,), in the target's units.

        Args:
            X: A table with the columns of training, in any order; others are not looked at.

        Raises:
            TableError: A missing column, or text where training had numbers.
        """
        p = self._predicted(X)
        return self.target_.decode(p)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """The ends between which each answer lies as often as `coverage` says, (n, 2), in the target's units.

        μ(x) ± q · s(x), where s is the size of error to be expected at x, learned from rows that networks did not train
        on, and q bounds a share `coverage` of |y − μ| / s on calibration rows, which neither epochs nor weights nor s
        were chosen on (split conformal prediction; on tables of fewer than 10,000 rows CV+: Barber, Candès, Ramdas and
        Tibshirani 2021). The promise is of rows like those of training, in random order: `guarantee` says it in words.
        With too few calibration rows the ends are infinite, with a DataWarning.

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
        return self.target_.in_units(ends)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        if self.target_transform not in TRANSFORMS:
            raise unknown_name("target_transform", self.target_transform, TRANSFORMS)

    def _decoded(self, p: Array) -> Array:
        """Quantities, (n,), of p (n, 1)."""
        return self.target_.decode(p)

    def _describe_target(self, answers: Any, name: str) -> NumberTarget:
        return NumberTarget.fit(answers, name, log=self.target_transform == "log")

    def _better_target(
        self, described: NumberTarget, table: Table, answers: Any, s: Array | None, rows: Array, seed: int
    ) -> NumberTarget:
        """Standardised by some of the rows; with its logarithm, where a network that learns that errs less there."""
        y = described.quantities(answers)
        whole: dict[str, Any] = {"minimum": described.minimum, "maximum": described.maximum}
        plain = replace(NumberTarget.fit(y[rows], described.name, log=described.log), **whole)
        skewness = float(np.mean((y[rows] - y[rows].mean()) ** 3)) / (y[rows].std() ** 3 or 1.0)
        tried = np.random.RandomState(seed).permutation(rows)[:MOST_TRIED_ROWS]
        apart = round(len(tried) * self.validation_fraction)
        if self.target_transform != "auto" or y.min() <= 0 or skewness < SKEWED or apart < FEWEST_TO_CHOOSE:
            return plain
        test, train = tried[:apart], tried[apart:]
        errors = {}
        for transform in ("none", "log"):
            trial = clone(self).set_params(
                target_transform=transform,
                n_estimators=1,
                max_iter=max(self._recipe(len(train)).epochs // 2, 1),
                metric=None,
                callbacks=None,
                random_state=seed,
                time_limit_seconds=None if self.time_limit_seconds is None else TRIAL_SHARE * self.time_limit_seconds,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the fit itself will tell what there is to tell
                weights = None if s is None else s[train]
                held_out = {"X_val": table.take(test), "y_val": y[test]}
                trial.fit(table.take(train), y[train], sample_weight=weights, **held_out)
                errors[transform] = float(np.mean((trial.predict(held_out["X_val"]) - y[test]) ** 2))
        if errors["log"] >= PAYS * errors["none"]:
            return plain
        return replace(NumberTarget.fit(y[rows], described.name, log=True), **whole)

    def _loss_name(self, outputs: int) -> str:
        return "squared_error"

    def _answers(self, answers: Any) -> Any:
        return self.target_.quantities(answers)
