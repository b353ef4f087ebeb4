"""TableClassifier, TableRegressor: any dataframe or file in, predictions in its own columns and units out."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice, repeat
from time import perf_counter
from typing import Any, ClassVar, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state

from glassnet.data.leaks import leaks
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.table import Table
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import DataWarning, InputError, TableError, TrainingWarning, unknown_name
from glassnet.estimators.ensemble import Job, OutOfFold, combine, mean_prediction, scores_of, train_members
from glassnet.estimators.intervals import Conformal
from glassnet.estimators.recipe import (
    HIDDEN,
    QUALITIES,
    networks,
)
from glassnet.estimators.scoring import no_news, scorer_score
from glassnet.estimators.seen import warn_of_far_rows
from glassnet.estimators.splits import FEWEST_TO_CHOOSE, Split, splits
from glassnet.estimators.table_parameters import TRANSFORMS, TableParameters
from glassnet.estimators.table_rows import (
    RowOrder,
    check_class_weight,
    class_factors,
    drop_weightless,
    reweighed,
    split_target,
)
from glassnet.estimators.thresholds import best_threshold
from glassnet.nn import Data, Engine, Network, State, get_engine, get_loss
from glassnet.nn.elementary import Array
from glassnet.training import Callback, History
from glassnet.training.trainer import Score

FEWEST_ROWS = 2
SEEDS = 2**31
SKEWED = 1.0  # a target of more skewness may be learned better as its logarithm
MOST_TRIED_ROWS, TRIAL_SHARE, PAYS = 5000, 0.05, 0.95  # rows, share of a time limit, share of the squared error left
TIE = 1e-6  # of the loss, beside a share of errors: what decides between epochs with as many errors


class _TableModel(TableParameters):
    """What the two have in common: table → preprocessor → network, and back."""

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        target: str | None = None,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        groups: Any = None,
        time: Any = None,
    ) -> Self:
        """Learn from a table.

        Args:
            X: A dataframe, a dict of columns, an array (n, d) or a file, with or without the target.
            y: The target of each row, (n,); or leave it out and name the column that holds it.
            target: The column of X to predict.
            sample_weight: Weight of each row in the loss, (n,), ≥ 0; rows of weight 0 are left out.
            X_val: A table to validate on, with the target in it if X has; else a part of X is held out.
            y_val: Its target, where X has its own in y.
            groups: What belongs together, such as several rows of one patient: a column, which is then not learned
                from, or a value for each row, (n,). No network is judged by a group that it was trained on.
            time: When each row was: a column, or numbers or dates (n,). Networks are judged by later rows than those
                that they were trained on, the way they will be used.

        Returns:
            The estimator, fitted.

        Raises:
            TableError: A table or a column that cannot be learned from; it names the column.
            InputError: A parameter out of range.
        """
        began = perf_counter()
        self._check_parameters()
        engine = get_engine(self.engine, self.n_jobs)  # before any work: it may be missing
        table, answers, name = split_target(X, y, target)
        kept = None if sample_weight is None else np.asarray(sample_weight) > 0
        table, answers, s = drop_weightless(table, answers, sample_weight)
        if len(table) < FEWEST_ROWS:
            raise TableError(
                f"The table has {len(table)} row{'s' * (len(table) != 1)} to learn from (n_samples={len(table)}), but "
                f"at least {FEWEST_ROWS} are needed, and a few dozen to learn anything that holds."
            )
        described = self._describe_target(answers, name)
        order = RowOrder.read(table, groups, time, kept)
        kinds = dict(self.columns or {})
        if isinstance(groups, str):
            kinds.setdefault(groups, "ignore")
        preprocessor = Preprocessor.fit(table, kinds)
        used = table.select([column.name for column in preprocessor.columns if column.kind != "ignore"])
        for leak in leaks(used, Table.read({name: answers})[name]):
            warnings.warn(str(leak), DataWarning, stacklevel=2)
        preprocessors = [preprocessor]
        if self.n_estimators != 1 and (pieces := preprocessor.in_pieces(table)) is not None:
            preprocessors.append(pieces)
        random = check_random_state(self.random_state)
        described = self._better_target(described, used, answers, s, int(random.randint(SEEDS)))
        t = described.encode(answers)
        views = [_prepared(p, table, t, s) for p in preprocessors]
        factors = self._class_factors(described, views[0])
        judged, told = views, answers  # what epochs are chosen by
        if X_val is not None:
            table_val, told, _ = split_target(X_val, y_val, target)
            judged = [_prepared(p, table_val, described.encode(told), None) for p in preprocessors]

        loss = get_loss(self._loss_name(t.shape[1]))
        learner: Any = copy(self)  # what was fitted before stays until this fit has gone well
        learner.target_, learner.loss_, learner.preprocessor_ = described, loss, preprocessor
        learner.pieces_ = preprocessors[1] if len(preprocessors) > 1 else None
        learner.out_of_fold_ = None
        learner._decide(told, None)  # as a scorer has to, before anything is trained
        jobs = self._jobs(views, random, order if judged is views else None)

        def chosen(job: Job) -> Data | None:
            if judged is not views:
                return judged[job.view]
            return judged[job.view].take(job.split.choose) if len(job.split.choose) else None

        def parts(job: Job) -> tuple[Data, Data | None]:
            rows, validation = views[job.view], chosen(job)
            rows = rows.take(job.split.train) if len(job.split.train) < len(rows) else rows
            return reweighed(rows, factors), None if validation is None else reweighed(validation, factors)

        def watch(engine: Engine, state: State, job: Job) -> Score | None:
            rows = chosen(job)
            if rows is None or self.metric is None:  # a scorer weighs classes in its own way, the loss as it is told to
                return None if rows is None else learner._default_score(engine, reweighed(rows, factors))
            places = slice(None) if judged is not views else job.split.choose
            return scorer_score(self.metric, learner, engine, state, rows, learner._answers(told)[places], "metric")

        if self.metric is not None and chosen(jobs[0]) is None:
            raise InputError(
                f"metric={self.metric!r} needs rows to validate on, but validation_fraction={self.validation_fraction} "
                f"of this table is fewer than {FEWEST_TO_CHOOSE}. Hold out more, give X_val, or leave metric out."
            )
        with no_news():
            trained = train_members(
                jobs,
                parts,
                watch,
                self._recipe(len(jobs[0].split.train)),
                loss,
                engine=self.engine,
                n_jobs=self.n_jobs,
                time_limit_seconds=self._left(began),
                callbacks=self.callbacks or (),
            )
        sound = [one for one in trained if one[2].stopped_by != "non-finite loss"] or trained
        if len(sound) < len(trained):
            warnings.warn(
                f"{len(trained) - len(sound)} of {len(trained)} networks diverged, and are left out. Try a smaller "
                f"rate, such as learning_rate_init={self._rate() / 10:g}.",
                TrainingWarning,
                stacklevel=2,
            )
        learner.members_, learner.out_of_fold_ = combine(
            sound, lambda job: parts(job)[1], loss, engine, cools=is_classifier(self)
        )
        kind = self._calibration(len(t)) if judged is views else "none"
        learner.conformal_ = Conformal.fit(
            kind, sound, learner.members_, views, learner.out_of_fold_, loss, engine, order.name
        )
        learner._decide(told, judged[0].s)
        fitted = (
            *learner._decisions,
            "members_",
            "conformal_",
            "out_of_fold_",
            "target_",
            "loss_",
            "preprocessor_",
            "pieces_",
        )
        for attribute in fitted:
            setattr(self, attribute, getattr(learner, attribute))
        self.n_features_in_, self.feature_names_in_ = len(table.names), np.array(table.names, dtype=object)
        self.n_iter_ = max(len(member.history) for member in self.members_)
        self._tell([reweighed(view, factors) for view in views])
        return self

    @property
    def network_(self) -> Network:
        """The first network: the one that is explained."""
        return self.members_[0].network

    @property
    def history_(self) -> History:
        """The first network's."""
        return self.members_[0].history

    def _jobs(self, views: Sequence[Data], random: np.random.RandomState, order: RowOrder | None) -> list[Job]:
        """The networks to train: views in turn, the networks of one turn with the same split; no order, no split."""
        n, t = len(views[0]), views[0].t
        count = networks(n, QUALITIES[self.quality]) if self.n_estimators == "auto" else int(self.n_estimators)
        if order is None or np.ceil(n * self.validation_fraction) < FEWEST_TO_CHOOSE:
            none = np.zeros(0, dtype=np.int64)
            turns: Iterator[Split] = repeat(Split(np.arange(n), none, none))
        else:
            codes = None
            if is_classifier(self):
                codes = t.argmax(axis=1) if t.shape[1] > 1 else t[:, 0].astype(np.int64)
            turns = splits(
                n, codes, self.validation_fraction, self._calibration(n), random, groups=order.groups, time=order.time
            )
        chosen = list(islice(turns, -(-count // len(views))))
        return [
            Job(i % len(views), i // len(views), chosen[i // len(views)], int(random.randint(SEEDS)))
            for i in range(count)
        ]

    def _default_score(self, engine: Engine, rows: Data) -> Score:
        """Minus the loss."""

        def score(state: State) -> Array:
            return -engine.evaluate(state, rows)

        rows = rows.astype(np.float32)
        return score

    def _tell(self, views: Sequence[Data]) -> None:
        """Warn of a training that ended badly, or learned nothing."""
        if self.history_.stopped_by == "non-finite loss":
            best = self.history_.best
            kept = f"the weights of epoch {best.epoch} were restored" if best else "the first weights were restored"
            warnings.warn(
                f"The loss became infinite or not a number in epoch {len(self.history_)}; {kept}. "
                f"Try a smaller rate, such as learning_rate_init={self._rate() / 10:g}.",
                TrainingWarning,
                stacklevel=3,
            )
        data = views[0]
        mean = np.average(data.t, axis=0, weights=data.s)
        found = self.out_of_fold_
        if found is None:
            found = OutOfFold(np.arange(len(data)), self._mean_prediction([view.x for view in views]), data.t, data.s)
        constant = np.broadcast_to(scores_of(self.loss_, mean), found.t.shape)
        gain = self.loss_.rows(constant, found.t) - self.loss_.rows(scores_of(self.loss_, found.p), found.t)
        if found.s is not None:
            gain = gain * found.s / found.s.mean()
        noise = gain.std() / np.sqrt(len(gain))  # standard error of the mean gain
        folds = len({member.fold for member in self.members_})
        varies = not np.all(data.t == data.t[0])
        started = self.history_.loss[0] if len(self.history_) else 0.0
        # A scorer may have chosen weights that are right more often, and surer where they are wrong. The best of many
        # epochs is one standard error of its own fold lucky.
        if self.metric is not None or not varies or gain.mean() > (1 + np.sqrt(folds)) * noise:
            return
        if -gain.mean() > 10 * abs(float(self.loss_.rows(constant, found.t).mean())):
            warnings.warn(
                f"The training did not settle: its loss began at {started:.2g} and its best network is far worse than "
                f"predicting {self._constant_name} for every row. "
                f"Try a smaller rate, such as learning_rate_init={self._rate() / 100:g}.",
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def _check_fitted(self) -> None:
        if not hasattr(self, "members_"):
            name = type(self).__name__
            raise NotFittedError(f"This {name} has not been fitted yet. Call fit(table, target=...) before predicting.")

    def _predicted(self, X: Any, *, warns: bool = True) -> Array:
        """p of each row, (n, k), float64; rows far from training come with a RangeWarning."""
        return self._mean_prediction(self._seen(X, warns=warns))

    def _seen(self, X: Any, *, warns: bool = True) -> list[Any]:
        """The features of each view."""
        self._check_fitted()
        table = self._read(X)
        x = [p.transform(table, sparse=p.mostly_zeros) for p in self._views]
        if warns:
            warn_of_far_rows(self.preprocessor_.columns, table)
        return x

    def _read(self, X: Any) -> Table:
        """A table to predict; an array has no names, so that it needs as many columns as in training."""
        table = Table.read(X)
        if isinstance(X, np.ndarray) and len(table.names) != self.n_features_in_:
            raise TableError(
                f"X has {len(table.names)} features, but {type(self).__name__} is expecting {self.n_features_in_} "
                f"features as input: an array needs the columns of training, in their order."
            )
        return table

    def _calibrated(self) -> Conformal:
        """What intervals and sets need.

        Raises:
            InputError: Nothing was left to calibrate on.
        """
        self._check_fitted()
        if self.conformal_ is None:
            raise InputError(
                "This model has no calibration rows, on which nothing was trained or chosen. Fit it with "
                'calibration="auto", and without X_val.'
            )
        return self.conformal_

    def guarantee(self, coverage: float = 0.9) -> str:
        """What holds for intervals or sets of that coverage, in words.

        Args:
            coverage: As for `predict_interval` or `predict_set`.

        Raises:
            InputError: A coverage that is none, or a model without calibration rows.
        """
        return self._calibrated().guarantee(coverage)

    @property
    def _views(self) -> list[Preprocessor]:
        """How the networks see a table: numbers as they are, numbers in pieces."""
        return [self.preprocessor_, *([self.pieces_] if self.pieces_ is not None else [])]

    def _mean_prediction(self, x: Sequence[Any], fold: int | None = None) -> Array:
        """Σ weight · p of the networks, or of those of one fold, (n, k), of the features of each view."""
        return mean_prediction(self.members_, x, self.loss_, get_engine(self.engine, self.n_jobs), fold)

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
        table, answers, _ = split_target(self._read(X) if target is None else X, y, target)
        # Far from training a score is no guess: the answers are there.
        predictions = self._decoded(self._predicted(table, warns=False))
        return float(self._metric(self._answers(answers), predictions, sample_weight=sample_weight))

    # What the two do each in its own way.
    _constant_name: ClassVar[str]
    _metric: ClassVar[Callable[..., float]]

    def _describe_target(self, answers: Any, name: str) -> Any:
        raise NotImplementedError

    def _loss_name(self, outputs: int) -> str:
        raise NotImplementedError

    def _answers(self, answers: Any) -> Any:
        raise NotImplementedError

    def _decoded(self, p: Array) -> Array:
        raise NotImplementedError

    def _class_factors(self, target: Any, rows: Data) -> Array | None:
        """What the weights of each class are multiplied with."""
        return None

    def _better_target(self, described: Any, table: Table, answers: Any, s: Array | None, seed: int) -> Any:
        """The target in another form, where networks learn that better."""
        return described

    _decisions: ClassVar[tuple[str, ...]] = ()  # attributes that `_decide` sets

    def _decide(self, answers: Any, s: Array | None) -> None:
        """Choose what turns predictions into labels, by the answers and weights of rows that epochs were chosen by."""


def _prepared(preprocessor: Preprocessor, table: Table, t: Array, s: Array | None) -> Data:
    """All rows, as a network sees them."""
    return Data(preprocessor.transform(table, sparse=preprocessor.mostly_zeros), t, s).astype(np.float32)


def _accuracy(labels: Array, predicted: Array, sample_weight: Any) -> float:
    """scikit-learn's takes labels with a fraction for quantities."""
    return float(np.average(labels == predicted, weights=sample_weight))


class TableClassifier(ClassifierMixin, _TableModel):
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

    _constant_name = "the majority class"
    _metric = staticmethod(_accuracy)
    score = _TableModel.score  # not the mixin's, which knows no tables

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
        # scikit-learn reads the parameters off this signature, so that it repeats them all.
        super().__init__(
            quality=quality,
            n_estimators=n_estimators,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            alpha=alpha,
            dropout=dropout,
            learning_rate_init=learning_rate_init,
            batch_size=batch_size,
            max_iter=max_iter,
            n_iter_no_change=n_iter_no_change,
            validation_fraction=validation_fraction,
            calibration=calibration,
            columns=columns,
            time_limit_seconds=time_limit_seconds,
            callbacks=callbacks,
            engine=engine,
            random_state=random_state,
            metric=metric,
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

    _decisions = ("threshold_",)

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


class TableRegressor(RegressorMixin, _TableModel):
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

    _constant_name = "the mean"
    _metric = staticmethod(r2_score)
    score = _TableModel.score  # not the mixin's, which knows no tables

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
        # scikit-learn reads the parameters off this signature, so that it repeats them all.
        super().__init__(
            quality=quality,
            n_estimators=n_estimators,
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            alpha=alpha,
            dropout=dropout,
            learning_rate_init=learning_rate_init,
            batch_size=batch_size,
            max_iter=max_iter,
            n_iter_no_change=n_iter_no_change,
            validation_fraction=validation_fraction,
            calibration=calibration,
            columns=columns,
            time_limit_seconds=time_limit_seconds,
            callbacks=callbacks,
            engine=engine,
            random_state=random_state,
            metric=metric,
            n_jobs=n_jobs,
        )
        self.target_transform = target_transform

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

    def _better_target(self, described: NumberTarget, table: Table, answers: Any, s: Array | None, seed: int) -> Any:
        """With its logarithm, where a network that learns that is nearer to the target itself on rows held out."""
        y = described.quantities(answers)
        skewness = float(np.mean((y - y.mean()) ** 3)) / (y.std() ** 3 or 1.0)
        n = min(len(y), MOST_TRIED_ROWS)
        apart = round(n * self.validation_fraction)
        if self.target_transform != "auto" or y.min() <= 0 or skewness < SKEWED or apart < FEWEST_TO_CHOOSE:
            return described
        order = np.random.RandomState(seed).permutation(len(y))[:n]
        test, train = order[:apart], order[apart:]
        errors = {}
        for transform in ("none", "log"):
            trial = clone(self).set_params(
                target_transform=transform,
                n_estimators=1,
                max_iter=max(self._recipe(n).epochs // 2, 1),
                metric=None,
                callbacks=None,
                random_state=seed,
                time_limit_seconds=None if self.time_limit_seconds is None else TRIAL_SHARE * self.time_limit_seconds,
            )
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                weights = None if s is None else s[train]
                rows = table.take(train), y[train]
                trial.fit(*rows, sample_weight=weights, X_val=table.take(test), y_val=y[test])
                errors[transform] = float(np.mean((trial.predict(table.take(test)) - y[test]) ** 2))
        return (
            NumberTarget.fit(answers, described.name, log=True) if errors["log"] < PAYS * errors["none"] else described
        )

    def _loss_name(self, outputs: int) -> str:
        return "squared_error"

    def _answers(self, answers: Any) -> Any:
        return self.target_.quantities(answers)
