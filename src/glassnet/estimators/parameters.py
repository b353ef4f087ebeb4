"""What one may ask of a perceptron, and what the engine and the trainer are told of it."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import Parameter, Signature, signature
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions

from glassnet.errors import InputError
from glassnet.estimators.scoring import check_scoring
from glassnet.nn import (
    ACTIVATIONS,
    INITIALIZERS,
    OPTIMIZERS,
    SCHEDULES,
    SGD,
    Activation,
    Adam,
    AdamW,
    Architecture,
    Loss,
    Nesterov,
    Optimizer,
    RMSprop,
    Schedule,
    Spec,
    State,
    get_activation,
    get_schedule,
)
from glassnet.nn.network import standardise_units
from glassnet.training import Callback, Plan, Report


class Parameters(BaseEstimator):
    """The parameters of both estimators; `MLPClassifier` says what each one does."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS)), Activation, list, tuple],
        "solver": [StrOptions({"lbfgs", "lm", *OPTIMIZERS}), Optimizer],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES)), Schedule],
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
        "bias": ["boolean"],
        "skip": ["boolean"],
        "dropout": [Interval(Real, 0, 1, closed="left"), "array-like"],
        "l1": [Interval(Real, 0, None, closed="left")],
        "weight_decay": [None, Interval(Real, 0, None, closed="left")],
        "gradient_norm": [None, Interval(Real, 0, None, closed="neither")],
        "weight_norm": [None, Interval(Real, 0, None, closed="neither")],
        "warmup_steps": [Interval(Integral, 0, None, closed="left")],
        "layer_rates": [None, "array-like"],
        "bias_rate": [Interval(Real, 0, None, closed="left")],
        "init": [StrOptions({"data", *INITIALIZERS})],
        "coefs_init": [None, list, tuple],
        "intercepts_init": [None, list, tuple],
        "frozen": [None, list, tuple],
        "n_restarts": [Interval(Integral, 0, None, closed="left")],
        "ftol": [None, Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: Any = "constant",
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
        bias: bool = True,
        skip: bool = False,
        dropout: Any = 0.0,
        l1: float = 0.0,
        weight_decay: float | None = None,
        gradient_norm: float | None = None,
        weight_norm: float | None = None,
        warmup_steps: int = 0,
        layer_rates: Any = None,
        bias_rate: float = 1.0,
        init: str = "glorot",
        coefs_init: Any = None,
        intercepts_init: Any = None,
        frozen: Any = None,
        n_restarts: int = 0,
        ftol: float | None = None,
        n_jobs: int | None = None,
    ) -> None:
        given = locals()
        for name in signature(Parameters.__init__).parameters:
            if name != "self":
                setattr(self, name, given[name])

    def _hidden_sizes(self) -> list[int]:
        """The units of the hidden layers; there may be none."""
        sizes = self.hidden_layer_sizes
        hidden = list(sizes) if hasattr(sizes, "__iter__") else [sizes]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return hidden

    def _check_scoring(self) -> None:
        check_scoring(self.scoring)
        if self.scoring is not None and (not self.early_stopping or not self._is_stochastic()):
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

    def _architecture(self, d: int, outputs: int) -> Architecture:
        activation = self.activation if isinstance(self.activation, str | Activation) else self._activation_each()
        return Architecture.create([d, *self._hidden_sizes(), outputs], activation, bool(self.bias), bool(self.skip))

    def _activation_each(self) -> Any:
        """A pair of functions is one activation, anything else a list with one for each hidden layer."""
        pair = tuple(self.activation)
        return get_activation(pair) if len(pair) == 2 and all(map(callable, pair)) else list(pair)

    def _is_stochastic(self) -> bool:
        return self.solver not in ("lbfgs", "lm")

    def _optimizer(self) -> Optimizer:
        rate = float(self.learning_rate_init)
        known: dict[str, Callable[[], Optimizer]] = {
            "sgd": lambda: SGD(rate, momentum=self.momentum, nesterov=bool(self.nesterovs_momentum)),
            "nesterov": lambda: Nesterov(rate, momentum=self.momentum),
            "adam": lambda: Adam(rate, self.beta_1, self.beta_2, self.epsilon),
            "adamw": lambda: AdamW(rate, self.beta_1, self.beta_2, self.epsilon),
            "rmsprop": lambda: RMSprop(rate, epsilon=self.epsilon),
        }
        optimizer = self.solver if isinstance(self.solver, Optimizer) else known.get(self.solver, known["adam"])()
        return optimizer if self.weight_decay is None else replace(optimizer, weight_decay=float(self.weight_decay))

    def _schedule(self) -> Schedule:
        """scikit-learn's three are for "sgd"; the others for every solver that takes steps."""
        name, powers = self.learning_rate, {"power_t": float(self.power_t)}
        if name in ("invscaling", "adaptive") and self.solver not in ("sgd", "nesterov"):
            name = "constant"
        return get_schedule(name, warmup_steps=int(self.warmup_steps), **powers)

    def _is_planned(self) -> bool:
        """Whether the schedule runs to the last epoch, so that to reach it is no failure."""
        return type(self._schedule()).shape is not Schedule.shape

    def _alpha(self) -> float:
        """α; for "lm", which is asked for the function to many digits, scikit-learn's default stands for 0."""
        return 0.0 if self.solver == "lm" and self.alpha == 0.0001 else float(self.alpha)

    def _dropout(self, hidden: int) -> tuple[float, ...]:
        if not isinstance(self.dropout, Real):
            return tuple(float(rate) for rate in self.dropout)
        return (float(self.dropout),) * hidden if self.dropout else ()

    def _rates(self, architecture: Architecture) -> tuple[tuple[float, float], ...]:
        """Factors on the rate of w and b of each layer; the skip path has none of its own."""
        layers = len(architecture.shapes)
        if self.layer_rates is None and self.bias_rate == 1:
            return ()
        factors = [1.0] * layers if self.layer_rates is None else [float(factor) for factor in self.layer_rates]
        if len(factors) != layers:
            raise InputError(
                f"layer_rates has {len(factors)} factors, but this network has {layers} layers, the last one included."
            )
        pairs = [(factor, factor * float(self.bias_rate)) for factor in factors]
        return (*pairs, *[(1.0, 1.0)] * architecture.skip)

    def _spec(self, architecture: Architecture, loss: Loss, dtype: type, n: int) -> Spec:
        """For n rows."""
        size = min(200, n) if self.batch_size == "auto" else int(self.batch_size)
        if size > n and self._is_stochastic():
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=5
            )
        stochastic = {
            "dropout": self._dropout(len(architecture.activations)),
            "gradient_norm": self.gradient_norm,
            "weight_norm": self.weight_norm,
            "rates": self._rates(architecture),
        }
        if not self._is_stochastic():
            asked = [name for name, value in stochastic.items() if value]
            asked += ["weight_decay"] if self.weight_decay else []
            if asked:
                raise InputError(
                    f"solver={self.solver!r} looks at all rows at once and knows no {', '.join(asked)}: "
                    f"use solver='adam', 'sgd' or another that takes steps, or leave it out."
                )
        return Spec(
            architecture,
            loss,
            self._optimizer(),
            self._schedule(),
            l2=self._alpha(),
            l1=float(self.l1),
            batch_size=min(size, n),
            shuffle=bool(self.shuffle),
            init="glorot" if self.init == "data" else self.init,
            dtype=dtype,
            **(stochastic if self._is_stochastic() else {}),
        )

    def _prepare(self, state: State, x: Any) -> None:
        """First weights that are given or made for the data."""
        for member in range(len(state)):
            network = state.network(member)
            if self.init == "data":
                rows = x[: min(1000, x.shape[0])]
                standardise_units(network, rows.toarray() if hasattr(rows, "toarray") else rows)
            for name, given, arrays in (
                ("coefs_init", self.coefs_init, [layer.w for layer in network.layers]),
                ("intercepts_init", self.intercepts_init, [layer.b for layer in network.layers]),
            ):
                if given is None:
                    continue
                shapes = [None if array is None else array.shape for array in arrays]
                if [np.shape(array) if array is not None else None for array in given] != shapes:
                    raise InputError(
                        f"{name} has shapes {[np.shape(array) for array in given]}, but this network needs {shapes}."
                    )
                for array, value in zip(arrays, given, strict=True):
                    if array is not None:
                        array[...] = value
        self._freeze(state)

    def _freeze(self, state: State) -> None:
        """What stays as it is."""
        if self.frozen is not None:
            blocks = state.spec.architecture.blocks()
            layers = len(state.spec.architecture.shapes)
            state.frozen = np.zeros(state.parameters.shape[1], bool)
            for i in self.frozen:
                if not isinstance(i, int | np.integer) or not -layers <= i < layers:
                    raise InputError(
                        f"frozen holds {i!r}, but it lists layers by number, from 0 to {layers - 1}, the last included."
                    )
                for part in blocks[range(layers)[i]]:
                    state.frozen[part] = True

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
            if self.early_stopping and self._is_stochastic():
                print(f"Validation score: {epoch.score[0]:f}")  # noqa: T201
            if self.solver == "sgd" and self.learning_rate == "adaptive" and rate != epoch.learning_rate[0]:
                print(f"{self._plateau()} Setting learning rate to {rate:f}")  # noqa: T201

        return narrate


def with_parameters(own: Any) -> Any:
    """Give an `__init__(self, …, **parameters)` the whole signature, which scikit-learn reads."""
    whole = signature(own).parameters
    rest = [p for name, p in signature(Parameters.__init__).parameters.items() if name not in whole]
    positional = [p for p in whole.values() if p.kind is Parameter.POSITIONAL_OR_KEYWORD]
    keyword = [p for p in whole.values() if p.kind is Parameter.KEYWORD_ONLY]
    own.__signature__ = Signature([*positional, *rest, *keyword])
    return own
