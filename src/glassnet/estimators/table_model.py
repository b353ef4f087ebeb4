"""What models of tables have in common: a table → its features → networks, and back."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from itertools import islice, repeat
from time import perf_counter
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state

from glassnet.data.leaks import leaks
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.several import Targets
from glassnet.data.table import Table
from glassnet.errors import DataWarning, InputError, TableError, TrainingWarning, unknown_name
from glassnet.estimators.checkpoints import drawn_seed, of_table
from glassnet.estimators.ensemble import (
    Job,
    OutOfFold,
    combine,
    mean_prediction,
    one_output,
    train_members,
)
from glassnet.estimators.intervals import Conformal
from glassnet.estimators.outcome import warn_of_training
from glassnet.estimators.recipe import QUALITIES, networks
from glassnet.estimators.scoring import no_news, scorer_score
from glassnet.estimators.seen import warn_of_far_rows
from glassnet.estimators.splits import FEWEST_TO_CHOOSE, Split, splits
from glassnet.estimators.table_parameters import TableParameters
from glassnet.estimators.table_rows import Name, RowOrder, drop_weightless, reweighed, split_target
from glassnet.nn import Data, Engine, Loss, Network, State, get_engine
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
        target: str | Sequence[str] | None = None,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
        groups: Any = None,
        time: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int = 1,
    ) -> Self:
        """Learn from a table.

        With `checkpoint`, a fit that was cut off, be it by a power failure, goes on where it was when the same call is
        made again, and ends in the same bits as one that was not (within rounding, where the second machine has other
        instructions); networks that had been trained are not trained again. With `time_limit_seconds`, which is each
        call's, how many networks and epochs there are stays as the first call planned it. What callbacks remember is
        not kept.

        Args:
            X: A dataframe, a dict of columns, an array (n, d) or a file, with or without the target.
            y: The target of each row, (n,), or several, (n, k) or a table; or leave it out and name the column that
                holds it.
            target: The column of X to predict, or a list of several that one model is to predict.
            sample_weight: Weight of each row in the loss, (n,), ≥ 0; rows of weight 0 are left out.
            X_val: A table to validate on, with the target in it if X has; else a part of X is held out.
            y_val: Its target, where X has its own in y.
            groups: What belongs together, such as several rows of one patient: a column, which is then not learned
                from, or a value for each row, (n,). No network is judged by a group that it was trained on.
            time: When each row was: a column, or numbers or dates (n,). Networks are judged by later rows than those
                that they were trained on, the way they will be used.
            checkpoint: A folder of this fit alone, made where it is missing.
            every: Epochs of a network from one checkpoint to the next.

        Returns:
            The estimator, fitted.

        Raises:
            TableError: A table or a column that cannot be learned from; it names the column.
            InputError: A parameter out of range, or several targets that one model cannot have; a checkpoint of other
                data or parameters, or a folder that cannot be written.
            FileFormatError: A checkpoint that is torn, or of something else.
        """
        began = perf_counter()
        self._check_parameters()
        engine = get_engine(self.engine, self.n_jobs)  # before any work: it may be missing
        drawn = drawn_seed(checkpoint, every, self.random_state)
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
        for column in (answers if isinstance(answers, Table) else Table.read({described.name: answers})).frame:
            for leak in leaks(used, column):
                warnings.warn(str(leak), DataWarning, stacklevel=2)
        preprocessors = [preprocessor]
        if self.n_estimators != 1 and (pieces := preprocessor.in_pieces(table)) is not None:
            preprocessors.append(pieces)
        random = check_random_state(self.random_state if drawn is None else drawn)
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

        loss = self._loss(described)
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
        given = None if judged is views else judged
        checkpoints = of_table(learner, checkpoint, every, drawn, views, given, [job.split for job in jobs])
        with no_news():
            trained = train_members(
                jobs,
                parts,
                watch,
                self._recipe(len(jobs[0].split.train), len(preprocessor.features)),
                loss,
                engine=self.engine,
                n_jobs=self.n_jobs,
                time_limit_seconds=self._left(began),
                callbacks=self.callbacks or (),
                kept=checkpoints,
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
        kind = self._calibrates(described, len(t)) if judged is views else "none"
        learner.conformal_ = Conformal.fit(
            kind, sound, learner.members_, views, learner.out_of_fold_, loss, engine, order.name
        )
        learner._decide(told, judged[0].s)
        self.__dict__.update(learner.__dict__)
        self.n_features_in_, self.feature_names_in_ = len(table.names), np.array(table.names, dtype=object)
        self.n_iter_ = max(len(member.history) for member in self.members_)
        warn_of_training(self, [reweighed(view, factors) for view in views])
        return self

    @property
    def network_(self) -> Network:
        """The first network: the one that is explained."""
        return self.members_[0].network

    @property
    def history_(self) -> History:
        """The first network's."""
        return self.members_[0].history

    def of_target(self, name: str) -> Self:
        """A model of one of several targets: the same networks, with the output of that target alone.

        What tells of one target takes it: explanations, reports and `what_if`.

        Args:
            name: A target; of a model of one target that one, for which the model itself is given back.

        Raises:
            UnknownNameError: Another name; it tells the nearest known one.

        >>> from glassnet import TableRegressor
        >>> x = [i / 50 for i in range(100)]
        >>> table = {"x": x, "a": [(v - 1) ** 2 for v in x], "b": [(2 - v) ** 2 * v for v in x]}
        >>> model = TableRegressor(n_estimators=1, max_iter=20, random_state=0).fit(table, target=["a", "b"])
        >>> model.predict({"x": [1.0]}).shape, model.of_target("a").predict({"x": [1.0]}).shape
        ((1, 2), (1,))
        """
        self._check_fitted()
        names = self.target_.names
        if name not in names:
            raise unknown_name("target", name, names)
        if not isinstance(self.target_, Targets):
            return self
        j, one = names.index(name), copy(self)
        one.target_ = self.target_.parts[j]
        one.members_ = [replace(member, network=one_output(member.network, j)) for member in self.members_]
        found = self.out_of_fold_
        if found is not None:
            one.out_of_fold_ = OutOfFold(found.rows, found.p[:, [j]], found.t[:, [j]], found.s)
        if self.conformal_ is not None:
            one.conformal_ = self.conformal_.of_output(j)
        if hasattr(self, "threshold_"):
            one.threshold_ = float(self.threshold_[j])
        return one

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
            codes = self._strata(target, answers)
            share, calibration = self.validation_fraction, self._calibrates(target, n)
            turns = splits(n, codes, share, calibration, random, groups=order.groups, time=order.time)
        chosen = list(islice(turns, -(-count // n_views)))
        return [Job(i % n_views, i // n_views, chosen[i // n_views], int(random.randint(SEEDS))) for i in range(count)]

    def _default_score(self, engine: Engine, rows: Data) -> Score:
        """Minus the loss."""

        def score(state: State) -> Array:
            return -engine.evaluate(state, rows)

        rows = rows.astype(np.float32)
        return score

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        return tags

    def _check_fitted(self) -> None:
        if not hasattr(self, "members_"):
            name = type(self).__name__
            raise NotFittedError(f"This {name} has not been fitted yet. Call fit(table, target=...) before predicting.")

    def _check_one_target(self) -> None:
        """Fitted, and to one target: what tells of one takes no more."""
        self._check_fitted()
        names = self.target_.names
        if len(names) > 1:
            raise InputError(
                f"This model has {len(names)} targets, {self.target_.name}, but this tells of one: pass "
                f"model.of_target({names[0]!r}), or that of another."
            )

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

    def score(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, target: str | Sequence[str] | None = None
    ) -> float:
        """The accuracy of a classifier, the R² of a regressor, on a table with its target.

        Of several targets, the share of rows with all labels right, or the mean R² of the targets.

        Args:
            X: A table, with or without the target.
            y: The target, (n,) or (n, k), where X does not hold it.
            sample_weight: Weight of each row, (n,).
            target: The column of X that holds it, or a list; without y, what was fitted.
        """
        self._check_fitted()
        if y is None and target is None:
            target = self.target_.names
        table, answers, _ = split_target(self._read(X) if target is None else X, y, target)
        # Far from training a score is no guess: the answers are there.
        predictions = self._decoded(self._predicted(table, warns=False))
        return float(self._metric(self._answers(answers), predictions, sample_weight=sample_weight))

    # What the two do each in its own way.
    _metric: ClassVar[Callable[..., float]]

    def _constant_name(self) -> str:
        raise NotImplementedError

    def _describe_target(self, answers: Any, name: Name) -> Any:
        raise NotImplementedError

    def _loss(self, target: Any) -> Loss:
        raise NotImplementedError

    def _answers(self, answers: Any) -> Any:
        raise NotImplementedError

    def _decoded(self, p: Array) -> Array:
        raise NotImplementedError

    def _strata(self, target: Any, answers: Any) -> Array | None:
        """Of which kind each row is, (n,): every part has as many of each."""
        return None

    def _calibrates(self, target: Any, n: int) -> str:
        """Which rows calibrate."""
        return self._calibration(n)

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
