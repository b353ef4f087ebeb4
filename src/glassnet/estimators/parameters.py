"""What one may ask of a perceptron, and what the engine and the trainer are told of it."""

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions

from glassnet.errors import InputError
from glassnet.estimators.scoring import check_scoring
from glassnet.nn import ACTIVATIONS, SGD, Adam, Architecture, Loss, Spec, get_schedule
from glassnet.training import Callback, Plan, Report


class Parameters(BaseEstimator):
    """The parameters of both estimators; `MLPClassifier` says what each one does."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "engine": [StrOptions({"auto", "kernel", "numpy"})],
        "time_limit_seconds": [None, Interval(Real, 0, None, closed="neither")],
        "callbacks": [None, list, tuple],
        "scoring": [None, str],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        engine: str = "auto",
        time_limit_seconds: float | None = None,
        callbacks: Sequence[Callback] | None = None,
        scoring: str | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.engine = engine
        self.time_limit_seconds = time_limit_seconds
        self.callbacks = callbacks
        self.scoring = scoring

    def _hidden_sizes(self) -> list[int]:
        """The units of the hidden layers; there may be none."""
        sizes = self.hidden_layer_sizes
        hidden = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return hidden

    def _check_scoring(self) -> None:
        check_scoring(self.scoring)
        if self.scoring is not None and (not self.early_stopping or self.solver == "lbfgs"):
            raise InputError(
                f"scoring={self.scoring!r} says what early stopping watches, but there is none with "
                f"early_stopping={self.early_stopping} and solver={self.solver!r}. Set early_stopping=True and "
                f"solver='adam' or 'sgd', or leave scoring out."
            )

    def _check_callbacks(self) -> None:
        for callback in self.callbacks or ():
            if not callable(callback):
                raise InputError(
                    f"callbacks holds {callback!r}, but each one is a function that takes a glassnet.training.Report "
                    f"after an epoch and may return True to end the training."
                )

    def _spec(self, architecture: Architecture, loss: Loss, dtype: type, n: int) -> Spec:
        """For n rows."""
        if self.solver == "sgd":
            optimizer: Any = SGD(self.learning_rate_init, self.momentum, self.nesterovs_momentum)
        else:
            optimizer = Adam(self.learning_rate_init, self.beta_1, self.beta_2, self.epsilon)
        size = min(200, n) if self.batch_size == "auto" else int(self.batch_size)
        if size > n and self.solver != "lbfgs":
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=5
            )
        return Spec(
            architecture,
            loss,
            optimizer,
            get_schedule(self.learning_rate if self.solver == "sgd" else "constant", power_t=float(self.power_t)),
            l2=float(self.alpha),
            batch_size=min(size, n),
            shuffle=bool(self.shuffle),
            dtype=dtype,
        )

    def _plan(self, max_epochs: int) -> Plan:
        return Plan(
            max_epochs,
            patience=self.n_iter_no_change,
            tol=self.tol,
            keep_best=bool(self.early_stopping),
            time_limit_seconds=self.time_limit_seconds,
        )

    def _all_callbacks(self, first: int) -> list[Callback]:
        """The user's, after the one that prints; `first` is the epoch that is counted from."""
        return [*([self._narrator(first)] if self.verbose else []), *(self.callbacks or ())]

    def _plateau(self) -> str:
        """What has not improved."""
        watched = "Validation score" if self.early_stopping else "Training loss"
        return f"{watched} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs."

    def _narrator(self, first: int) -> Callback:
        """Prints a line after every epoch."""

        def narrate(report: Report) -> None:
            epoch, rate = report.epoch, report.state.learning_rate[0]
            print(f"Iteration {epoch.epoch - first}, loss = {epoch.loss[0]:.8f}")  # noqa: T201 - verbose asks for it
            if self.early_stopping and self.solver != "lbfgs":
                print(f"Validation score: {epoch.score[0]:f}")  # noqa: T201
            if self.solver == "sgd" and self.learning_rate == "adaptive" and rate != epoch.learning_rate[0]:
                print(f"{self._plateau()} Setting learning rate to {rate:f}")  # noqa: T201

        return narrate
