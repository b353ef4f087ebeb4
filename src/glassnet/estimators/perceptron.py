"""From rows to a trained network, as scikit-learn's perceptrons do it: what both estimators share."""
# scikit-learn carries no types, so its decorators are Any.
# mypy: allow-untyped-decorators

import os
import time
import warnings
from dataclasses import replace
from typing import Any, Self

import numpy as np
import scipy.optimize
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin, _fit_context, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import check_is_fitted, validate_data

from glassnet.errors import InputError, ShapeError
from glassnet.estimators.checkpoints import drawn_seed, of_perceptron
from glassnet.estimators.parameters import Parameters
from glassnet.estimators.rows import check_rows, drop_weightless, split
from glassnet.estimators.scoring import no_news, scorer_score
from glassnet.nn import Data, Engine, Layer, Loss, Network, Predictor, Spec, State, engine_for
from glassnet.nn.activations import Identity
from glassnet.nn.elementary import Array
from glassnet.training import Checkpoint, Epoch, History, Report, closing, lbfgs, levenberg_marquardt, train
from glassnet.training.trainer import Score

FITTED = 1e-8  # of the loss of the mean: an error of 1e-4 standard deviations, which nobody calls unconverged


class Perceptron(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Parameters):
    """What trains and predicts; a subclass knows its targets.

    `_state` is what the engine works on; `coefs_` and `intercepts_` are views of its parameters. They are the user's,
    too: every training begins by writing them back, and every prediction reads them.
    """

    out_activation_: str
    coefs_: list[Array]
    intercepts_: list[Array]
    history_: History
    loss_curve_: list[float]
    validation_scores_: list[float] | None
    _state: State

    @property
    def network_(self) -> Network:
        """The trained network: layers made of `coefs_` and `intercepts_` as they stand, the same memory."""
        check_is_fitted(self, "coefs_")
        fs = (*self._architecture(len(self.coefs_[0]), self.coefs_[-1].shape[1]).activations, Identity())
        bs: list[Array] | list[None] = self.intercepts_ or [None] * len(self.coefs_)
        layers = [Layer(w, b, f) for w, b, f in zip(self.coefs_, bs, fs, strict=True)]
        return Network(layers, getattr(self, "skip_coef_", None))

    def transform(self, X: Any) -> Array:
        """The learned features: h of the last hidden layer, (n, m), which the output layer sees; without one, X."""
        network, X = self._prepared(X)
        _, trace = self._engine(network).trace(network, X)
        h = trace[-1].x
        return h.toarray() if hasattr(h, "toarray") else h

    def predictor(self) -> Predictor:
        """A function of one row that takes about a microsecond, for programs that ask row by row.

        It takes a list, a tuple or an array of d numbers, as they are: no names, no checks beyond their count, and nan
        gives nan. It returns p: a float where there is one output (of two classes, the probability of `classes_[1]`),
        else an array (k,); with loss="gaussian" the mean and the variance. It keeps the network as it is now: after
        another fit, ask for another one.

        >>> from glassnet import MLPRegressor
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> model = MLPRegressor((10,), activation="tanh", solver="lbfgs", random_state=0).fit(X, X[:, 0] ** 2)
        >>> predict = model.predictor()
        >>> abs(predict([0.5]) - 0.25) < 0.01
        True
        """
        network = self.network_
        return self._engine(network).predictor(network, self._loss)

    @property
    def _n_features_out(self) -> int:
        return self.coefs_[-1].shape[0]

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int = 1,
    ) -> Self:
        """Train on rows X and their targets y.

        With `checkpoint`, a fit that was cut off, be it by a power failure, goes on where it was when the same call is
        made again, and ends in the same bits as one that was not; one that had ended returns its model at once. Bits
        differ within rounding where the second machine has other instructions (AVX2, AVX-512; `glassnet.show_config`
        says which) or engine. `time_limit_seconds` is each call's: a fit that it ended, or Ctrl-C, goes on when called
        again. What callbacks remember is not kept. With `warm_start` a checkpoint is of the weights that the fit went
        on from, too, so that every such fit needs a folder of its own.

        Args:
            X: Features (n, d), an array, a dataframe of numbers or a sparse matrix. float32 is trained in float32.
            y: Targets (n,) or (n, k).
            sample_weight: A weight ≥ 0 for each row, (n,). A row of weight 0 is as if absent.
            X_val: Rows that are not trained on. Their loss is recorded in `history_`; with `early_stopping` they take
                the place of the rows that would be split off.
            y_val: Their targets.
            checkpoint: A folder of this fit alone, made where it is missing. For solvers that take steps.
            every: Epochs from one checkpoint to the next.

        Raises:
            ValueError: a parameter or an array that cannot be used, before anything is trained; or weights that have
                left the numbers, after.
            InputError: a checkpoint of other data or parameters; it says which. Or a folder that cannot be written,
                or no longer: the last checkpoint stays as it was.
            FileFormatError: a checkpoint that is torn, or of something else.

        >>> import tempfile
        >>> from glassnet import MLPRegressor
        >>> X = np.linspace(-1, 1, 50)[:, None]
        >>> model = MLPRegressor((10,), max_iter=500, random_state=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first = model.fit(X, X[:, 0], checkpoint=folder, every=10).predict(X)
        ...     bool((model.fit(X, X[:, 0], checkpoint=folder, every=10).predict(X) == first).all())
        True
        """
        return self._fit(X, y, sample_weight, X_val, y_val, checkpoint=checkpoint, every=every)

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any = None,
        y_val: Any = None,
        *,
        incremental: bool = False,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int = 1,
    ) -> Self:
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if incremental and self._is_planned():
            raise InputError(
                f"learning_rate={self.learning_rate!r} depends on how long training is, which partial_fit does not "
                f"know: use 'constant', or fit."
            )
        self._check_callbacks()
        self._check_scoring()
        anew = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = check_rows(self, X, y, reset=anew)
        X, y, s = drop_weightless(X, y, sample_weight)
        self._learn_range(X, anew)
        data = Data(X, self._learn_targets(y, incremental), self._weigh(y, s, incremental))
        validation = self._check_validation(X_val, y_val)

        drawn = drawn_seed(checkpoint, every, self.random_state)
        kept = of_perceptron(self, checkpoint, every, drawn, data, validation, anew)
        rng = check_random_state(self.random_state if drawn is None else drawn)
        seed = int(rng.randint(np.iinfo(np.int32).max))
        if self.early_stopping and self._is_stochastic():
            if validation is None:
                # Two classes are one output; scikit-learn stratifies no more than these, and so do we.
                stratify = is_classifier(self) and data.t.shape[1] == 1
                data, validation = split(data, self.validation_fraction, stratify, rng)
            if len(validation) < 2:
                raise ValueError(
                    "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
                )

        loss = self._loss
        architecture = self._architecture(X.shape[1], data.t.shape[1] * loss.width)
        engine = engine_for(self.engine, architecture, loss, self._optimizer(), self.n_jobs)
        spec = self._spec(architecture, loss, X.dtype.type, len(data))
        if anew:
            self._state, self.history_ = engine.init(spec, [seed]), History()
            self._prepare(self._state, X)
        else:
            self._resume(engine, spec, seed, incremental)
        self.n_layers_, self.n_outputs_ = len(architecture.sizes), data.t.shape[1]

        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is found, and said once, below
            if self._is_stochastic():
                self._train_epochs(engine, data, validation, incremental, anew, None if kept is None else kept.of())
            else:
                self._train_whole(engine, data, validation, rng)
        network = self._state.network()
        self.coefs_ = [layer.w for layer in network.layers]
        if network.skip is not None:
            self.skip_coef_ = network.skip
        self.intercepts_ = [layer.b for layer in network.layers if layer.b is not None]
        self.t_ = self._state.samples
        if not np.isfinite(self._state.parameters).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
                " preprocessed."
            )
        return self

    def _learn_range(self, X: Any, anew: bool) -> None:
        """The least and the greatest value of each feature, over all fits that went on from each other."""
        low, high = (end.toarray() if hasattr(end, "toarray") else end for end in (X.min(axis=0), X.max(axis=0)))
        found = np.stack([np.ravel(low), np.ravel(high)]).astype(np.float64)
        known = None if anew else getattr(self, "feature_range_", None)
        if known is not None and known.shape == found.shape:
            found = np.stack([np.minimum(known[0], found[0]), np.maximum(known[1], found[1])])
        self.feature_range_ = found

    def _check_validation(self, X_val: Any, y_val: Any) -> Data | None:
        if X_val is None and y_val is None:
            return None
        if X_val is None or y_val is None:
            given, missing = ("y_val", "X_val") if X_val is None else ("X_val", "y_val")
            raise InputError(f"{given} was given without {missing}: a validation set needs both, or neither.")
        X_val, y_val = check_rows(self, X_val, y_val, reset=False)
        return Data(X_val, self._encode(y_val))

    @property
    def _loss(self) -> Loss:
        raise NotImplementedError

    def _weigh(self, y: Any, s: Array | None, incremental: bool) -> Array | None:
        """The weights of rows; a classifier's classes may have theirs."""
        return s

    def _resume(self, engine: Engine, spec: Spec, seed: int, incremental: bool) -> None:
        """Go on from `coefs_` and `intercepts_`, which may have been edited, or set by hand before any fit."""
        state: State | None = getattr(self, "_state", None)
        if state is None or state.spec.architecture != spec.architecture:
            state, incremental = engine.init(spec, [seed]), False
        spec = replace(spec, dtype=state.spec.dtype)
        given, network = [*self.coefs_, *self.intercepts_], state.network()
        parameters = [layer.w for layer in network.layers]
        parameters += [layer.b for layer in network.layers if layer.b is not None]
        shapes, needed = [np.shape(array) for array in given], [array.shape for array in parameters]
        if shapes != needed:
            raise ShapeError(
                f"coefs_ and intercepts_ have shapes {shapes}, but hidden_layer_sizes={self.hidden_layer_sizes} and "
                f"these data need {needed}. To begin anew, call fit with warm_start=False."
            )
        for parameter, array in zip(parameters, given, strict=True):
            parameter[...] = array
        if incremental and type(state.spec.optimizer) is type(spec.optimizer):
            state.spec, state.l2[:], state.active[:], state.batch = spec, spec.l2, True, 0
            self._state = state
        else:  # the optimizer starts again, what has been watched goes on
            self._state = replace(
                state.restart_optimizer(spec),
                best_score=state.best_score,
                best_epoch=state.best_epoch,
                stale=state.stale,
            )
        if not hasattr(self, "history_"):
            self.history_ = History()

    def _train_epochs(
        self,
        engine: Engine,
        data: Data,
        validation: Data | None,
        incremental: bool,
        anew: bool,
        checkpoint: Checkpoint | None,
    ) -> None:
        """SGD or Adam."""
        state, history, watched = self._state, self.history_, bool(self.early_stopping)
        if anew or not hasattr(self, "loss_curve_"):
            self.loss_curve_ = []
        earlier = getattr(self, "validation_scores_", None) is not None, getattr(self, "_scored_by", None)
        if anew or not hasattr(self, "validation_scores_") or earlier != (watched, self.scoring):
            self.validation_scores_ = [] if watched else None
            state.best_score[:], state.stale[:] = -np.inf, 0  # those of something else that was watched
        self._scored_by = self.scoring

        def own_score(state: State) -> Array:
            if not watched or validation is None:
                return -state.loss_sum / len(data)
            p = self._predictions(engine.forward(state.network(), validation.x))
            finite = np.isfinite(p).all()
            return np.array([self._score(p, validation.t, validation.s) if finite else np.nan])

        score: Score = own_score
        if self.scoring is not None and validation is not None:
            with no_news():
                score = scorer_score(self.scoring, self, engine, state, validation, self._decode(validation.t))

        before = len(history) if checkpoint is None or checkpoint.stand is None else checkpoint.stand.earlier
        with no_news():
            train(
                engine,
                state,
                data,
                self._plan(1 if incremental else self.max_iter),
                validation=validation,
                score=score,
                callbacks=self._all_callbacks(state.epoch),
                history=history,
                checkpoint=checkpoint,
            )

        epochs = history.epochs[before:]
        self.n_iter_ = len(epochs)
        self.loss_ = epochs[-1].loss[0] if epochs else np.nan
        self.loss_curve_ += [epoch.loss[0] for epoch in epochs]
        best = float(state.best_score[0])
        self.best_loss_ = None if watched else -best
        self.best_validation_score_ = best if watched else None
        if self.validation_scores_ is not None:
            self.validation_scores_ += [epoch.score[0] for epoch in epochs]
        if self.verbose and history.stopped_by == "patience":
            adaptive = self.solver == "sgd" and self.learning_rate == "adaptive"
            print(self._plateau() + " Learning rate too small." * adaptive + " Stopping.")  # noqa: T201
        if history.stopped_by == "interrupt":
            warnings.warn("Training interrupted by user.", stacklevel=5)
        elif history.stopped_by == "max_epochs" and not incremental and not self._is_planned():
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                f"converged yet.",
                ConvergenceWarning,
                stacklevel=5,
            )
        elif history.stopped_by == "non-finite loss" and watched:
            warnings.warn(
                f"Stochastic Optimizer: after {self.n_iter_} iterations the weights were no longer finite; the best "
                f"ones before are kept. Scale the data, or lower learning_rate_init={self.learning_rate_init}.",
                ConvergenceWarning,
                stacklevel=5,
            )

    def _train_whole(self, engine: Engine, data: Data, validation: Data | None, rng: np.random.RandomState) -> None:
        """L-BFGS or Levenberg–Marquardt: all rows at once; a step is an epoch of the history."""
        starts = self._starts(engine, data, rng)
        state, history, first, began = self._state, self.history_, self._state.epoch, time.perf_counter()
        callbacks = self._all_callbacks(first)
        limit = np.inf if self.time_limit_seconds is None else self.time_limit_seconds
        history.stopped_by = ""

        def after_step(number: int, loss: float, network: Network) -> bool:
            state.parameters[0], state.epoch = network.parameters, first + number
            held_out = None if validation is None else engine.evaluate(state, validation).tolist()
            # These solvers find the length of a step by themselves; 1 is what they try first.
            epoch = Epoch(state.epoch, [loss], held_out, [-loss], [1.0], time.perf_counter() - began)
            history.epochs.append(epoch)
            report = Report(epoch, history, state, self.max_iter)
            answers = [callback(report) for callback in callbacks]
            if any(answers):
                history.stopped_by = "callback"
            elif epoch.seconds >= limit:
                history.stopped_by = "time limit"
            return bool(history.stopped_by)

        with closing(callbacks):
            tolerances: dict[str, Any] = {} if self.ftol is None else {"ftol": float(self.ftol)}
            if self.solver == "lm":
                if self.tol != 1e-4:  # scikit-learn's default is far above what this solver is for
                    tolerances["gtol"] = self.tol
                solution = levenberg_marquardt(
                    engine, starts, data, max_iterations=self.max_iter, callback=after_step, **tolerances
                )
            else:
                solution = lbfgs(
                    engine,
                    starts,
                    data,
                    max_iterations=self.max_iter,
                    max_evaluations=self.max_fun,
                    gtol=self.tol,
                    callback=after_step,
                    **tolerances,
                )
        best = starts.member(0)
        best.epoch = state.epoch
        self._state = best
        self.loss_, self.n_iter_ = solution.loss, min(solution.iterations, self.max_iter)
        history.best_epoch = [state.epoch]
        if solution.message == "interrupted":
            history.stopped_by = "interrupt"
            warnings.warn("Training interrupted by user.", stacklevel=5)
        elif not history.stopped_by:
            history.stopped_by = {0: "converged", 1: "max_epochs"}.get(solution.status, "no progress")
            if self.solver == "lm":
                spread = float(np.var(data.t, axis=0).sum()) / 2
                if solution.status == 1 and solution.loss > FITTED * spread:
                    warnings.warn(
                        f"Levenberg-Marquardt reached {self.max_iter} iterations and may not have converged. "
                        f"Increase max_iter, or n_restarts.",
                        ConvergenceWarning,
                        stacklevel=5,
                    )
                return
            result = scipy.optimize.OptimizeResult(
                nit=solution.iterations, status=solution.status, message=solution.message
            )
            _check_optimize_result("lbfgs", result, self.max_iter)  # warns as scikit-learn does

    def _starts(self, engine: Engine, data: Data, rng: np.random.RandomState) -> State:
        """The state, and beside it as many more networks as there are restarts, each with first weights of its own."""
        if not self.n_restarts:
            return self._state
        seeds = np.asarray(rng.randint(np.iinfo(np.int32).max, size=self.n_restarts))
        starts = engine.init(self._state.spec, [int(self._state.seeds[0]), *seeds.tolist()])
        self._prepare(starts, data.x)
        starts.parameters[0] = self._state.parameters[0]
        self._state = self._state.copy()
        return starts

    def _predictions(self, y: Array) -> Array:
        """p (n, k) of scores y."""
        return self._loss.predict(y)

    def _predicted(self, X: Any) -> Array:
        """p (n, k) of rows X."""
        return self._predictions(self._scores(X))

    def _scores(self, X: Any) -> Array:
        """y of rows X."""
        network, X = self._prepared(X)
        return self._engine(network).forward(network, X)

    def _engine(self, network: Network) -> Engine:
        return engine_for(self.engine, network.architecture, self._loss, n_jobs=self.n_jobs)

    def _prepared(self, X: Any) -> tuple[Network, Any]:
        """The network, and rows X that it takes; in float32 where both are."""
        check_is_fitted(self, "coefs_")
        X = validate_data(self, X, accept_sparse="csr", reset=False)
        dtype = np.result_type(X.dtype, self.coefs_[0].dtype, np.float32)
        return self.network_.astype(dtype), X

    def _learn_targets(self, y: Any, incremental: bool) -> Array:
        """t (n, k) of the y to train on, from which a first fit learns their kind."""
        raise NotImplementedError

    def _encode(self, y: Any) -> Array:
        """t (n, k) of more y of the same kind."""
        raise NotImplementedError

    def _decode(self, p: Array) -> Array:
        """y as `predict` gives it, of p or t (n, k)."""
        raise NotImplementedError

    def _score(self, p: Array, t: Array, s: Array | None) -> float:
        """What early stopping watches."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
