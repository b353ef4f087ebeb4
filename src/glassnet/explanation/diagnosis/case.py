"""What every check looks at: the network, its rows, and what is worked out of them once and when it is needed."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from glassnet.data.table import Table
from glassnet.data.targets import NumberTarget
from glassnet.errors import InputError, ShapeError
from glassnet.explanation.diagnosis.finding import NotExamined
from glassnet.explanation.diagnosis.reference import Reference, explained
from glassnet.explanation.diagnosis.trials import RateTrial, spec_of, try_rates
from glassnet.explanation.samples import unfitted
from glassnet.explanation.subject import Subject, as_table
from glassnet.nn import Data, Loss, Network
from glassnet.nn.elementary import Array
from glassnet.nn.network import LayerTrace

MOST_ROWS = 2000  # that are looked at; more are drawn from
REFERENCE_ROWS = 400  # of the kernel's matrix
FEWEST_ROWS = 8  # that are parted into some to train on and some to hold out
FEW, SOME = 60, 400  # rows below which four and three folds are held out in turn; above, one
REFIT_SECONDS = 1.0, 2.0  # the longest that one fold may train, and all together
MEANS = ("squared_error", "huber", "absolute_error", "gaussian", "poisson", "binary_cross_entropy", "cross_entropy")


@dataclass(frozen=True)
class HeldOut:
    """Shares of the variance explained on rows trained on, and on rows held out.

    Attributes:
        training: By the network, on its training rows.
        held_out: By the network, on the others.
        reference: By kernel ridge regression, on the same others.
        how: Which rows were held out.
    """

    training: float
    held_out: float
    reference: float
    how: str


class Case:
    """A model with the rows that it was trained on."""

    def __init__(self, model: Any, X: Any, y: Any, X_val: Any, y_val: Any) -> None:
        self.found: list[str] = []  # names of the faults so far: what comes later may be their symptom
        self.subject = Subject.of(model, dtype=np.float64)
        self.model = self.subject.model
        self.trained_in = Subject.of(model).dtype.name
        self.rows, self.answers = self._parts(X, y)
        self.n = len(self.answers)
        places = np.arange(self.n)
        if self.n > MOST_ROWS:
            places = np.sort(np.random.default_rng(0).choice(self.n, MOST_ROWS, replace=False))
            self.rows, self.answers = _take(self.rows, places), _take(self.answers, places)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about cells, predictions have told
            self.x, self.t = self.subject.examples(self.rows, self.answers)
            self.validation = None if X_val is None else self.subject.examples(*self._parts(X_val, y_val))
        if len(self.x) < 2:
            raise InputError(f"X has {len(self.x)} row, but a diagnosis compares rows: give those of the training.")

    def _parts(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Rows and answers, in forms of which rows can be taken."""
        if self.subject.is_table:
            rows, name = as_table(X), self.subject.target_name
            answers = rows[name] if y is None else Table.read({name: y})[name]
            if len(answers) != len(rows):
                raise ShapeError(f"X has {len(rows)} rows and y has {len(answers)}, but each row needs one target.")
            return rows.without(name) if name in rows.names else rows, answers
        if y is None:
            raise InputError("y is missing: a model of arrays needs the target of each row beside X.")
        x = self.subject.prepare(X)
        return x, np.asarray(y)

    @property
    def network(self) -> Network:
        """In float64."""
        return self.subject.network

    @property
    def loss(self) -> Loss:
        """The fitted one."""
        return self.subject.loss

    @cached_property
    def forward(self) -> tuple[Array, list[LayerTrace]]:
        """Scores y, and x, z, h of every layer."""
        return self.network.forward(self.x)

    @cached_property
    def trace(self) -> list[LayerTrace]:
        """Of the hidden layers."""
        return self.forward[1][:-1]

    @cached_property
    def now(self) -> float:
        """The loss, without penalty."""
        return self.loss(self.forward[0], self.t)

    @cached_property
    def constant(self) -> float:
        """The loss of the best constant scores: what a network that looks at no column reaches."""
        from scipy.optimize import minimize

        k = self.forward[0].shape[1]

        def of(c: Array) -> tuple[float, Array]:
            y = np.broadcast_to(c, (len(self.t), k)).astype(np.float64)
            return self.loss(y, self.t), self.loss.derivative(y, self.t).sum(axis=0)

        start = np.zeros(k)
        if self.loss.width == 1 and self.loss.name in ("squared_error", "huber", "absolute_error", "quantile"):
            start = np.median(self.t, axis=0) if self.loss.name != "squared_error" else self.t.mean(axis=0)
        return float(minimize(of, start, jac=True, method="L-BFGS-B").fun)

    @cached_property
    def unit(self) -> float:
        """What losses are measured in: that of the best constant, or where losses may be negative, their spread."""
        if self.loss.name == "gaussian" or self.constant <= 0:
            return float(self.loss.rows(np.zeros_like(self.forward[0]), self.t).std()) or 1.0
        return self.constant

    def predictions(self, x: Array) -> Array:
        """p (n, k) of prepared rows, one column for each target."""
        with np.errstate(over="ignore"):
            return self.loss.predict(self.network.forward(x)[0])[:, : self.t.shape[1]]

    @cached_property
    def explained(self) -> float:
        """The share of the targets' variance that predictions explain on these rows."""
        self._require_means()
        return explained(self.t, self.predictions(self.x))

    @cached_property
    def reference(self) -> Reference:
        """Kernel ridge regression on these rows, or some of them, judged on left-out ones."""
        self._require_means()
        if not (self.t.std(axis=0) > 0).any():
            raise NotExamined("the target is the same in every row")
        few: Any = slice(None)
        if len(self.x) > REFERENCE_ROWS:
            few = np.random.default_rng(1).choice(len(self.x), REFERENCE_ROWS, replace=False)
        return Reference.choose(self.x[few], self.t[few])

    def _require_means(self) -> None:
        if self.loss.name not in MEANS:
            raise NotExamined(f"predictions under the loss {self.loss.name!r} are not means, with which these compare")

    @cached_property
    def held_out(self) -> HeldOut:
        """The model on rows that it was not trained on: those given, or parts on which it is fitted again without."""
        if self.validation is not None:
            x, t = self.validation
            reference = self.reference.predict(self.x[:REFERENCE_ROWS], self.t[:REFERENCE_ROWS], x)
            return HeldOut(
                self.explained,
                explained(t, self.predictions(x)),
                explained(t, reference),
                f"{len(t)} rows given as validation",
            )
        if self.model is None:
            raise NotExamined("a bare network cannot be fitted again: give X_val and y_val")
        if len(self.x) < FEWEST_ROWS:
            raise NotExamined(f"there are fewer than {FEWEST_ROWS} rows")
        return self._refitted()

    def _refitted(self) -> HeldOut:
        n = len(self.x)
        splits = 4 if n <= SOME else 5
        rounds = 4 if n < FEW else 3 if n < SOME else 1
        codes = self.t.argmax(axis=1) if self.t.shape[1] > 1 else self.t[:, 0]
        fair = bool(self.subject.class_names) and np.unique(codes, return_counts=True)[1].min() >= splits
        folds = (StratifiedKFold if fair else KFold)(splits, shuffle=True, random_state=0)
        limit = min(REFIT_SECONDS[0], REFIT_SECONDS[1] / rounds)
        training: list[float] = []
        truth: list[Array] = []
        said: list[Array] = []
        referred: list[Array] = []
        for train, test in list(folds.split(self.x, codes if fair else None))[:rounds]:
            again = unfitted(self.model, time_limit_seconds=limit)
            alone: dict[str, Any] = (
                {"n_estimators": 1} if self.subject.is_table else {"warm_start": False, "verbose": False}
            )
            if isinstance(getattr(self.model, "target_", None), NumberTarget):
                alone["target_transform"] = "log" if self.model.target_.log else "none"
            again.set_params(**alone)
            if again.random_state is None:
                again.set_params(random_state=0)
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    again.fit(_take(self.rows, train), _take(self.answers, train))
                    if self.subject.class_names and len(again.classes_) < len(self.subject.class_names):
                        continue  # a class so rare that this part has none of it
                    network = again.network_.astype(np.float64)
                    x = self._prepared_by(again)
            except ValueError:
                continue  # it diverges, or cannot be trained on so few
            mean, scale = Subject.of(again).target_affine  # of this part, which differ from part to part
            t = (self.t * self.subject.target_affine[1] + self.subject.target_affine[0] - mean) / scale
            p = self.loss.predict(network.forward(x)[0])[:, : self.t.shape[1]]
            training.append(explained(t[train], p[train]))
            few = train[:REFERENCE_ROWS]
            for part, values in (
                (truth, t[test]),
                (said, p[test]),
                (referred, self.reference.predict(x[few], t[few], x[test])),
            ):
                part.append(mean + scale * values)
        if not training:
            raise NotExamined("the model could not be fitted on a part of these rows")
        t = np.concatenate(truth)
        how = f"{len(t)} rows held out in {len(training)} part{'s' * (len(training) > 1)}, fitted again without them"
        return HeldOut(
            float(np.mean(training)), explained(t, np.concatenate(said)), explained(t, np.concatenate(referred)), how
        )

    def _prepared_by(self, again: Any) -> Array:
        """All rows as a model that was fitted again prepares them."""
        if not self.subject.is_table:
            return self.x
        return np.asarray(again.preprocessor_.transform(self.rows))

    @cached_property
    def rates(self) -> RateTrial:
        """Short trainings with other rates on three quarters of the rows, judged on these and on the others."""
        if self.model is None:
            raise NotExamined("a bare network does not tell how it was trained")
        try:
            spec, seed = spec_of(self.model, self.network, self.loss, len(self.x))
        except InputError as error:
            raise NotExamined(str(error)) from None
        if not spec.architecture.trainable:
            raise NotExamined("an activation has no slope")
        rows = np.random.default_rng(2).permutation(len(self.x))
        unseen = len(rows) // 4 if len(rows) >= FEW else 0
        data = Data(self.x, self.t).astype(spec.dtype)
        judged = data.take(rows[:unseen]) if unseen else data
        return try_rates(self.model, self.network, spec, seed, data.take(rows[unseen:]), judged)


def _take(rows: Any, places: Array) -> Any:
    return rows.take(places) if isinstance(rows, Table) else rows[places]
