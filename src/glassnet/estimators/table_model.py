"""What models of tables have in common: a table → its features → networks, and back."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from itertools import islice, repeat
from time import perf_counter
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state

from glassnet.data.leaks import leaks
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.table import Table
from glassnet.errors import DataWarning, InputError, TableError, TrainingWarning
from glassnet.estimators.ensemble import Job, OutOfFold, combine, mean_prediction, scores_of, train_members
from glassnet.estimators.intervals import Conformal
from glassnet.estimators.recipe import QUALITIES, networks
from glassnet.estimators.scoring import no_news, scorer_score
from glassnet.estimators.seen import warn_of_far_rows
from glassnet.estimators.splits import FEWEST_TO_CHOOSE, Split, splits
from glassnet.estimators.table_parameters import TableParameters
from glassnet.estimators.table_rows import RowOrder, drop_weightless, reweighed, split_target
from glassnet.nn import Data, Engine, Network, State, get_engine, get_loss
from glassnet.nn.elementary import Array
from glassnet.training import History
from glassnet.training.trainer import Score

FEWEST_ROWS = 2
SEEDS = 2**31


class TableModel(TableParameters):
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
        jobs = self._jobs(described, answers, len(preprocessors), random, order if X_val is None else None)
        spared = np.unique(np.concatenate([job.split.calibrate for job in jobs]))
        open_to_choice = np.setdiff1d(np.arange(len(table)), spared)  # rows that calibrate decide nothing else
        described = self._better_target(described, used, answers, s, open_to_choice, int(random.randint(SEEDS)))
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
        self.__dict__.update(learner.__dict__)
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

    def _jobs(
        self, target: Any, answers: Any, n_views: int, random: np.random.RandomState, order: RowOrder | None
    ) -> list[Job]:
        """The networks to train: views in turn, the networks of one turn with the same split; no order, no split."""
        n = len(answers)
        count = networks(n, QUALITIES[self.quality]) if self.n_estimators == "auto" else int(self.n_estimators)
        if order is None or np.ceil(n * self.validation_fraction) < FEWEST_TO_CHOOSE:
            none = np.zeros(0, dtype=np.int64)
            turns: Iterator[Split] = repeat(Split(np.arange(n), none, none))
        else:
            codes = target.codes(answers) if is_classifier(self) else None
            share, calibration = self.validation_fraction, self._calibration(n)
            turns = splits(n, codes, share, calibration, random, groups=order.groups, time=order.time)
        chosen = list(islice(turns, -(-count // n_views)))
        return [Job(i % n_views, i // n_views, chosen[i // n_views], int(random.randint(SEEDS))) for i in range(count)]

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

    def _better_target(
        self, described: Any, table: Table, answers: Any, s: Array | None, rows: Array, seed: int
    ) -> Any:
        """The target in the form that networks learn best, as some of the rows tell."""
        return described

    def _decide(self, answers: Any, s: Array | None) -> None:
        """Choose what turns predictions into labels, by the answers and weights of rows that epochs were chosen by."""


def _prepared(preprocessor: Preprocessor, table: Table, t: Array, s: Array | None) -> Data:
    """All rows, as a network sees them."""
    return Data(preprocessor.transform(table, sparse=preprocessor.mostly_zeros), t, s).astype(np.float32)
