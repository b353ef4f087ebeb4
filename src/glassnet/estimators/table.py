"""TableClassifier, TableRegressor: any dataframe or file in, predictions in its own columns and units out."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state

from glassnet.data.leaks import leaks
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.table import Table
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import DataWarning, InputError, TableError, TrainingWarning
from glassnet.estimators.scoring import check_scoring, scorer_score
from glassnet.estimators.seen import warn_of_far_rows
from glassnet.estimators.table_rows import check_class_weight, class_factors, drop_weightless, reweighed, split_target
from glassnet.nn import Adam, Architecture, Data, Engine, Network, Spec, State, get_engine, get_loss
from glassnet.nn.elementary import Array
from glassnet.training import Callback, Plan, train
from glassnet.training.trainer import Score

FEWEST_ROWS = 2
FEWEST_VALIDATION_ROWS = 10  # below, a validation part says nothing, and every row is trained on
SEEDS = 2**31


class _TableModel(BaseEstimator):
    """What the two have in common: table → preprocessor → network, and back."""

    def __init__(
        self,
        *,
        hidden_layer_sizes: int | Sequence[int] = (128, 128),
        activation: str | Sequence[str] = "silu",
        alpha: float = 1e-3,
        learning_rate_init: float = 2e-3,
        batch_size: int | str = "auto",
        max_iter: int = 500,
        n_iter_no_change: int = 20,
        validation_fraction: float = 0.2,
        columns: Mapping[str, str] | None = None,
        time_limit_seconds: float | None = None,
        callbacks: Sequence[Callback] | None = None,
        engine: str = "auto",
        random_state: Any = None,
        scoring: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.columns = columns
        self.time_limit_seconds = time_limit_seconds
        self.callbacks = callbacks
        self.engine = engine
        self.random_state = random_state
        self.scoring = scoring
        self.n_jobs = n_jobs

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        target: str | None = None,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Learn from a table.

        Args:
            X: A dataframe, a dict of columns, an array (n, d) or a file, with or without the target.
            y: The target of each row, (n,); or leave it out and name the column that holds it.
            target: The column of X to predict.
            sample_weight: Weight of each row in the loss, (n,), ≥ 0; rows of weight 0 are left out.
            X_val: A table to validate on, with the target in it if X has; else a part of X is held out.
            y_val: Its target, where X has its own in y.

        Returns:
            The estimator, fitted.

        Raises:
            TableError: A table or a column that cannot be learned from; it names the column.
            InputError: A parameter out of range.
        """
        self._check_parameters()
        engine = get_engine(self.engine, self.n_jobs)
        table, answers, name = split_target(X, y, target)
        table, answers, s = drop_weightless(table, answers, sample_weight)
        if len(table) < FEWEST_ROWS:
            raise TableError(
                f"The table has {len(table)} row{'s' * (len(table) != 1)} to learn from, but at least {FEWEST_ROWS} "
                f"are needed, and a few dozen to learn anything that holds."
            )
        described = self._describe_target(answers, name)
        preprocessor = Preprocessor.fit(table, self.columns)
        used = table.select([column.name for column in preprocessor.columns if column.kind != "ignore"])
        for leak in leaks(used, Table.read({name: answers})[name]):
            warnings.warn(str(leak), DataWarning, stacklevel=2)
        random = check_random_state(self.random_state)
        rows = Data(preprocessor.transform(table, sparse=preprocessor.mostly_zeros), described.encode(answers), s)
        factors = self._class_factors(described, rows)
        places: Array | slice = slice(None)  # of the rows to validate on, among `answers`
        if X_val is None:
            data, validation, places = self._hold_out(rows, random)
        else:
            table_val, answers, _ = split_target(X_val, y_val, target)
            data = rows
            x_val = preprocessor.transform(table_val, sparse=preprocessor.mostly_zeros)
            validation = Data(x_val, described.encode(answers))

        loss = get_loss(self._loss_name(rows.t.shape[1]))
        spec = Spec(
            architecture=Architecture.create([rows.x.shape[1], *self._hidden(), rows.t.shape[1]], self._activation()),
            loss=loss,
            optimizer=Adam(self.learning_rate_init),
            l2=float(self.alpha),
            batch_size=self._batch_size(len(data)),
            init="he",
            dtype=np.float32,
        )
        scored = validation  # a scorer weighs classes in its own way
        data, validation = reweighed(data, factors), reweighed(validation, factors) if validation is not None else None
        state = engine.init(spec, [int(random.randint(SEEDS))])
        score = None
        if self.scoring is not None:
            learner: Any = copy(self)  # what was fitted before stays until this fit has gone well
            learner.target_, learner.loss_ = described, loss
            score = learner._scorer(engine, state, scored, learner._answers(answers)[places])
        plan = Plan(
            max_epochs=self.max_iter,
            patience=self.n_iter_no_change if validation is not None else np.inf,
            tol=0.0,
            keep_best=validation is not None,
            time_limit_seconds=self.time_limit_seconds,
        )
        history = train(engine, state, data, plan, validation=validation, score=score, callbacks=self.callbacks or ())

        self.preprocessor_, self.target_, self.loss_, self.history_ = preprocessor, described, loss, history
        self.network_ = Network.from_parameters(spec.architecture, state.parameters[0].copy())
        self.n_features_in_, self.feature_names_in_ = len(table.names), np.array(table.names, dtype=object)
        self.n_iter_ = len(history)
        self._tell(data, validation if validation is not None else data)
        return self

    def _scorer(self, engine: Engine, state: State, validation: Data | None, y: Array) -> Score:
        if validation is None:
            raise InputError(
                f"scoring={self.scoring!r} needs rows to validate on, but validation_fraction="
                f"{self.validation_fraction} of this table is fewer than {FEWEST_VALIDATION_ROWS}. Hold out more, give "
                f"X_val, or leave scoring out."
            )
        return scorer_score(str(self.scoring), self, engine, state, validation, y)

    def _hold_out(self, rows: Data, random: np.random.RandomState) -> tuple[Data, Data | None, Any]:
        """Rows to train on; rows to validate on, classes in proportion, and their places, or none of too few rows."""
        n, seed = len(rows), int(random.randint(SEEDS))
        held_out = int(np.ceil(n * self.validation_fraction))
        if held_out < FEWEST_VALIDATION_ROWS:
            return rows, None, slice(0)
        classes = rows.t.argmax(axis=1) if rows.t.shape[1] > 1 else rows.t[:, 0]
        counts = np.unique(classes, return_counts=True)[1]
        fair = isinstance(self, ClassifierMixin) and counts.min() >= 2 and held_out >= len(counts)
        places = train_test_split(
            np.arange(n), test_size=held_out, random_state=seed, stratify=classes if fair else None
        )
        return rows.take(places[0]), rows.take(places[1]), places[1]

    def _tell(self, data: Data, judged: Data) -> None:
        """Warn of a training that ended badly, or learned nothing."""
        if self.history_.stopped_by == "non-finite loss":
            best = self.history_.best
            kept = f"the weights of epoch {best.epoch} were restored" if best else "the first weights were restored"
            warnings.warn(
                f"The loss became infinite or not a number in epoch {len(self.history_)}; {kept}. "
                f"Try a smaller rate, such as learning_rate_init={self.learning_rate_init / 10:g}.",
                TrainingWarning,
                stacklevel=3,
            )
        mean = np.average(data.t, axis=0, weights=data.s)
        constant = np.broadcast_to(self._score_of_constant(mean), judged.t.shape)
        gain = self.loss_.rows(constant, judged.t) - self.loss_.rows(self._scores_of(judged.x), judged.t)
        if judged.s is not None:
            gain = gain * judged.s / judged.s.mean()
        noise = gain.std() / np.sqrt(len(gain))  # standard error of the mean gain
        varies = not np.all(data.t == data.t[0])
        started = self.history_.loss[0] if len(self.history_) else 0.0
        # A scorer may have chosen weights that are right more often, and surer where they are wrong. The best of many
        # epochs is one standard error lucky.
        if self.scoring is not None or not varies or gain.mean() > 2 * noise:
            return
        if -gain.mean() > 10 * abs(float(self.loss_.rows(constant, judged.t).mean())):
            warnings.warn(
                f"The training did not settle: its loss began at {started:.2g} and its best network is far worse than "
                f"predicting {self._constant_name} for every row. "
                f"Try a smaller rate, such as learning_rate_init={self.learning_rate_init / 100:g}.",
                TrainingWarning,
                stacklevel=3,
            )
        else:
            warnings.warn(
                f"The network is no better than predicting {self._constant_name} for every row (its loss is lower by "
                f"{gain.mean():.2g} ± {noise:.2g} on rows it did not train on). The columns may say nothing about "
                f"{self.target_.name!r}, or the rows may be too few.",
                TrainingWarning,
                stacklevel=3,
            )

    def _check_fitted(self) -> None:
        if not hasattr(self, "network_"):
            name = type(self).__name__
            raise NotFittedError(f"This {name} has not been fitted yet. Call fit(table, target=...) before predicting.")

    def _scores_of(self, x: Array) -> Array:
        return get_engine(self.engine, self.n_jobs).forward(self.network_, x)

    def _predicted(self, X: Any, *, warns: bool = True) -> Array:
        """p of each row, (n, k), float64; rows far from training come with a RangeWarning."""
        self._check_fitted()
        table = Table.read(X)
        x = self.preprocessor_.transform(table, sparse=self.preprocessor_.mostly_zeros)
        if warns:
            warn_of_far_rows(self.preprocessor_.columns, table)
        return self._predictions(self._scores_of(x))

    def _predictions(self, y: Array) -> Array:
        """p (n, k), float64, of scores y (n, k)."""
        return self.loss_.predict(y.astype(np.float64))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, *, target: str | None = None) -> float:
        """The accuracy of a classifier, the R² of a regressor, on a table with its target.

        Args:
            X: A table, with or without the target.
            y: The target, (n,), where X does not hold it.
            sample_weight: Weight of each row, (n,).
            target: The column of X that holds it; without y, the one that was fitted.
        """
        self._check_fitted()
        if y is None and target is None:
            target = self.target_.name
        table, answers, _ = split_target(X, y, target)
        # Far from training a score is no guess: the answers are there.
        predictions = self.target_.decode(self._predicted(table, warns=False))
        return float(self._metric(self._answers(answers), predictions, sample_weight=sample_weight))

    def _hidden(self) -> list[int]:
        sizes = self.hidden_layer_sizes
        sizes = list(sizes) if isinstance(sizes, Sequence | np.ndarray) else [sizes]
        if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
            raise InputError(
                f"hidden_layer_sizes is {self.hidden_layer_sizes!r}, but must be whole numbers ≥ 1, one for each "
                f"hidden layer: (64, 64) is two layers of 64 units, () a linear model."
            )
        return sizes

    def _activation(self) -> Any:
        return self.activation if isinstance(self.activation, str) else list(self.activation)

    def _batch_size(self, n: int) -> int:
        """Small batches for small tables, so that an epoch has steps enough."""
        if self.batch_size != "auto":
            return min(int(self.batch_size), n)
        return min(n, next((size for rows, size in ((500, 32), (1000, 64), (3000, 128)) if n < rows), 256))

    def _check_parameters(self) -> None:
        """Every number in its range, before any work begins."""
        Architecture.create([1, *self._hidden(), 1], self._activation())
        check_scoring(self.scoring)
        for name, low, needs in (
            ("alpha", 0, "a number ≥ 0"),
            ("learning_rate_init", None, "a number > 0"),
            ("max_iter", 1, "a whole number ≥ 1"),
            ("n_iter_no_change", 1, "a whole number ≥ 1, or inf"),
        ):
            value = getattr(self, name)
            real = isinstance(value, int | float | np.number) and not isinstance(value, bool) and value == value
            whole = "whole" not in needs or (real and (value == np.floor(value) and (value < np.inf or "inf" in needs)))
            if not real or not whole or (value < low if low is not None else value <= 0):
                raise InputError(f"{name} is {value!r}, but must be {needs}.")
        fraction = self.validation_fraction
        if not isinstance(fraction, int | float) or not 0 <= fraction < 1:
            raise InputError(
                f"validation_fraction is {fraction!r}, but must be a number from 0 up to, not including, 1."
            )
        if self.batch_size != "auto" and (not isinstance(self.batch_size, int | np.integer) or self.batch_size < 1):
            raise InputError(f'batch_size is {self.batch_size!r}, but must be "auto" or a whole number ≥ 1.')
        if not isinstance(self.n_jobs, Integral | None) or self.n_jobs == 0:
            raise InputError(
                f"n_jobs is {self.n_jobs!r}, but must be a number of threads, 1 or more, or −1 for all processors, or "
                f"None."
            )

    # What the two do each in its own way.
    _constant_name: ClassVar[str]
    _metric: ClassVar[Callable[..., float]]

    def _describe_target(self, answers: Any, name: str) -> Any:
        raise NotImplementedError

    def _loss_name(self, outputs: int) -> str:
        raise NotImplementedError

    def _score_of_constant(self, mean: Array) -> Array:
        raise NotImplementedError

    def _answers(self, answers: Any) -> Any:
        raise NotImplementedError

    def _class_factors(self, target: Any, rows: Data) -> Array | None:
        """What the weights of each class are multiplied with."""
        return None


def _accuracy(labels: Array, predicted: Array, sample_weight: Any) -> float:
    """scikit-learn's takes labels with a fraction for quantities."""
    return float(np.average(labels == predicted, weights=sample_weight))


class TableClassifier(ClassifierMixin, _TableModel):
    """A network that tells classes apart, on any table.

    Columns are prepared by themselves: numbers standardised and, where missing, set to the median with a flag;
    categories one-hot; booleans as they are; dates as a trend and the cycles of year, week and day. The network is
    x → silu layers → p, trained by Adam on cross-entropy until the loss of held-out rows stops falling; the weights of
    the best epoch are kept. A column that gives the target away is told in a DataWarning.

    Args:
        hidden_layer_sizes: Units of each hidden layer; () is logistic regression.
        activation: A name for all hidden layers, or one each.
        alpha: α of the penalty α‖w‖² / 2n.
        learning_rate_init: Adam's rate.
        batch_size: Rows of a minibatch; "auto" takes 32 to 256, growing with the table.
        max_iter: Epochs at the most.
        n_iter_no_change: Epochs without a lower validation loss before training stops.
        validation_fraction: Share of the rows held out to see when to stop; 0 trains on all for `max_iter` epochs.
        columns: Kinds for columns that were taken wrongly: "number", "category", "boolean", "date", "time", "duration"
            or "ignore".
        time_limit_seconds: End after about so long, with the best weights so far.
        callbacks: Called after every epoch with a `training.Report`; returning True ends the training.
        engine: "auto", "kernel" or "numpy".
        random_state: An int gives the same network every time.
        scoring: What to watch on the held-out rows in place of the loss: a name of `sklearn.metrics.get_scorer_names`,
            such as "roc_auc", "neg_log_loss" or "f1_macro". The weights of the epoch with the highest score are kept.
        class_weight: How much the rows of each class count in the loss, beside sample_weight: "balanced" makes all
            classes count the same; or a weight > 0 by label, as {"rare": 5.0}, 1 for the labels that it leaves out.
        n_jobs: Threads of the kernel, at the most; -1 is one for each processor. None is what the environment says in
            GLASSNET_NUM_THREADS or OMP_NUM_THREADS, else one for each. Every number gives the same bits.

    Attributes:
        classes_: The labels, sorted.
        network_: The trained `Network`; `print(model.network_)` shows its formulas.
        preprocessor_: Columns and the features that they became.
        history_: Losses of every epoch.
        feature_names_in_: Columns of the training table.

    >>> from glassnet.data.examples import circles
    >>> model = TableClassifier(random_state=0).fit(circles(), target="label")
    >>> model.predict({"x1": [0.0, 1.0], "x2": [0.0, 0.0]}).tolist()
    ['inner', 'outer']
    """

    _constant_name = "the majority class"
    _metric = staticmethod(_accuracy)
    score = _TableModel.score  # not the mixin's, which knows no tables

    def __init__(
        self,
        *,
        hidden_layer_sizes: int | Sequence[int] = (128, 128),
        activation: str | Sequence[str] = "silu",
        alpha: float = 1e-3,
        learning_rate_init: float = 2e-3,
        batch_size: int | str = "auto",
        max_iter: int = 500,
        n_iter_no_change: int = 20,
        validation_fraction: float = 0.2,
        columns: Mapping[str, str] | None = None,
        time_limit_seconds: float | None = None,
        callbacks: Sequence[Callback] | None = None,
        engine: str = "auto",
        random_state: Any = None,
        scoring: str | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        # scikit-learn reads the parameters off this signature, so that it repeats them all.
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            alpha=alpha,
            learning_rate_init=learning_rate_init,
            batch_size=batch_size,
            max_iter=max_iter,
            n_iter_no_change=n_iter_no_change,
            validation_fraction=validation_fraction,
            columns=columns,
            time_limit_seconds=time_limit_seconds,
            callbacks=callbacks,
            engine=engine,
            random_state=random_state,
            scoring=scoring,
            n_jobs=n_jobs,
        )
        self.class_weight = class_weight

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
        p = self._predicted(X)
        return self.target_.decode(p)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (n, classes), columns in the order of `classes_`."""
        p = self._predicted(X)
        return self.target_.probabilities(p)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_class_weight(self.class_weight)

    def _class_factors(self, target: ClassTarget, rows: Data) -> Array | None:
        return class_factors(self.class_weight, target, rows)

    def _describe_target(self, answers: Any, name: str) -> ClassTarget:
        described = ClassTarget.fit(answers, name)
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

    def _score_of_constant(self, mean: Array) -> Array:
        p = np.clip(mean, 1e-6, 1 - 1e-6)
        return np.log(p) if len(p) > 1 else np.log(p / (1 - p))

    def _answers(self, answers: Any) -> Any:
        return self.target_.classes[self.target_.codes(answers)]


class TableRegressor(RegressorMixin, _TableModel):
    """A network that predicts a quantity, on any table.

    Columns are prepared as by `TableClassifier`, the target is standardised, and predictions come in its own units. The
    network is x → silu layers → y, trained by Adam on the squared error until the loss of held-out rows stops falling;
    the weights of the best epoch are kept. Parameters and attributes are `TableClassifier`'s, without
    `class_weight` and `classes_`.

    >>> table = {"x": [i / 50 for i in range(200)], "y": [(i / 50 - 2) ** 2 for i in range(200)]}
    >>> model = TableRegressor(random_state=0).fit(table, target="y")
    >>> bool(abs(model.predict({"x": [2.0]})[0]) < 0.2)
    True
    """

    _constant_name = "the mean"
    _metric = staticmethod(r2_score)
    score = _TableModel.score  # not the mixin's, which knows no tables

    def predict(self, X: Any) -> Array:
        """The predicted quantity of each row, (n,), in the target's units.

        Args:
            X: A table with the columns of training, in any order; others are not looked at.

        Raises:
            TableError: A missing column, or text where training had numbers.
        """
        p = self._predicted(X)
        return self.target_.decode(p)

    def _describe_target(self, answers: Any, name: str) -> NumberTarget:
        return NumberTarget.fit(answers, name)

    def _loss_name(self, outputs: int) -> str:
        return "squared_error"

    def _score_of_constant(self, mean: Array) -> Array:
        return mean

    def _answers(self, answers: Any) -> Any:
        return self.target_.quantities(answers)
