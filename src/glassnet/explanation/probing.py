"""What a linear model can do on raw features, on features made by hand, and on those that the hidden layers learned."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glassnet.data.table import Table as Rows
from glassnet.data.targets import looks_like_classes
from glassnet.errors import InputError
from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Explanation, Heading, Table, Text, Verdict, noted, plain
from glassnet.explanation.samples import (
    PENALTIES,
    Split,
    as_formulas,
    few_threads,
    formula_features,
    interval,
    paired_interval,
    parts,
    rows_and_answers,
    subject_variables,
    targets,
    unfitted,
)
from glassnet.explanation.separation import Separation, linear_separation
from glassnet.explanation.subject import Subject
from glassnet.nn.elementary import Array

METRICS = {"accuracy": "accuracy", "r2": "R²"}  # as people read them


@dataclass(frozen=True)
class Probed:
    """One set of features under the linear model.

    Attributes:
        name: "raw", "raw and x1**2 + x2**2", "hidden layer 1".
        n_features: How many there are.
        scores: Of each fold, on rows that the linear model did not see.
        separation: Whether the classes can be parted on all rows; None where quantities are predicted.
    """

    name: str
    n_features: int
    scores: tuple[float, ...]
    separation: Separation | None = None

    @property
    def score(self) -> float:
        """The mean over folds."""
        return float(np.mean(self.scores))

    @property
    def standard_error(self) -> float:
        """Of the mean: s / √folds. Folds share training rows, so that it is a little too small."""
        return float(np.std(self.scores, ddof=1) / np.sqrt(len(self.scores)))


@dataclass(frozen=True, eq=False, repr=False)
class Probe(Explanation):
    """What `probe` measured.

    Attributes:
        sets: Raw features, those with engineered ones where there are any, and each hidden layer's, in this order.
        metric: "accuracy" or "r2".
        chance: The score of the majority class, or 0 for the mean.
        gain: Score of the last hidden layer minus that of raw features, with the ends of its 95 % interval over rows.
        n: Rows.
        folds: Parts, each scored once.
        refit: Whether the network was trained anew for every fold.
        note: What the model is, where that needs saying.
    """

    sets: tuple[Probed, ...]
    metric: str
    chance: float
    gain: tuple[float, float, float] | None
    n: int
    folds: int
    refit: bool
    note: str = ""

    @property
    def raw(self) -> float:
        """The mean held-out score on raw features."""
        return self.sets[0].score

    @property
    def engineered(self) -> float | None:
        """The mean held-out score on raw and engineered features; None without any."""
        return next((found.score for found in self.sets[1:] if found.name.startswith("raw and ")), None)

    @property
    def layers(self) -> tuple[float, ...]:
        """The mean held-out score on each hidden layer's features."""
        return tuple(found.score for found in self.sets if found.name.startswith("hidden layer"))

    @property
    def hidden(self) -> float | None:
        """The mean held-out score on the last hidden layer's features; None of a network without any."""
        return self.layers[-1] if self.layers else None

    def page(self) -> Sequence[Block]:
        classes = self.metric == "accuracy"
        headers = ["features", "how many", METRICS[self.metric], "± s.e."]
        rows: list[list[Any]] = [[of.name, of.n_features, of.score, of.standard_error] for of in self.sets]
        rows.append([f"none: the {'majority class' if classes else 'mean'}", 0, self.chance, None])
        note = ""
        if classes:
            headers += ["margin", "linearly separable"]
            told = [*(_told(found.separation) for found in self.sets), [None, ""]]
            rows = [[*row, *cells] for row, cells in zip(rows, told, strict=True)]
            note = (
                "Separable: one linear map is right on all rows, proved either way. The margin, the least distance of "
                "a row from the boundary, is in standard deviations of the features."
            )
        return (
            Heading(f"The same {'logistic' if classes else 'ridge'} regression on each set of features"),
            Text(f"{self.n} rows, {self.folds} folds; ± is the standard error over folds. {self._held_out}"),
            Table(headers, rows, note),
            self._verdict(),
            *noted(self.note),
        )

    @property
    def _held_out(self) -> str:
        """What was held out, and what was not."""
        if self.refit:
            return (
                "For every fold the network was trained anew on the other rows, so that neither it nor the linear "
                "model saw the row that is scored. Separability is that of the network as it was given."
            )
        return (
            "The linear model did not see the row that is scored. The network stays as it is: if it was trained on "
            "these rows, its hidden features know of their answers. Rows that it never saw, or a network refitted for "
            "every fold, give scores that are free of that."
        )

    def _verdict(self) -> Verdict:
        if self.gain is None or self.hidden is None:
            return Verdict("note", "The network has no hidden layer: it is a linear model itself.")
        layer = "the last hidden layer" if len(self.layers) > 1 else "the hidden layer"
        told = f"{METRICS[self.metric]} {self.hidden:.3f} on {layer}, {self.raw:.3f} on raw features"
        by = f"difference {self.gain[0]:+.3f}, 95 % interval over rows {self.gain[1]:+.3f} to {self.gain[2]:+.3f}"
        if self.gain[1] > 0:
            caution = "" if self.refit else " New rows are promised that only if the network was not trained on these."
            return Verdict("good", f"What the network learned serves the linear model better: {told} ({by}).{caution}")
        if self.gain[2] < 0:
            return Verdict("bad", f"The linear model does better without what the network learned: {told} ({by}).")
        return Verdict("note", f"Learned and raw features serve the linear model alike: {told} ({by}).")

    def to_dict(self) -> dict[str, Any]:
        """Scores by features, fold by fold."""
        sets = [asdict(found) | {"score": found.score, "standard_error": found.standard_error} for found in self.sets]
        scores = {"raw": self.raw, "engineered": self.engineered, "hidden": self.hidden, "layers": self.layers}
        more = {"metric": self.metric, "chance": self.chance, "gain": self.gain, "n": self.n}
        return plain(scores | more | {"folds": self.folds, "refit": self.refit, "sets": sets, "note": self.note})

    def plot(self, ax: Any = None) -> Any:
        """A bar for each set of features, with its standard error; chance as a line."""
        ax = axes(ax, figsize=(6, 0.5 * len(self.sets) + 1.2))
        names = [found.name for found in self.sets]
        ax.barh(names, [found.score for found in self.sets], xerr=[found.standard_error for found in self.sets])
        ax.axvline(self.chance, color="grey", linestyle=":")
        ax.invert_yaxis()
        ax.set(xlabel=f"{METRICS[self.metric]} of a linear model, held out")
        return ax


def probe(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    engineered: str | Sequence[str] | None = None,
    folds: int = 5,
    refit: bool = False,
    random_state: int = 0,
) -> Probe:
    """The same linear model on raw features, on engineered ones, and on what each hidden layer made of them.

    The linear model is logistic regression (C = 1) for classes, and for quantities ridge regression that chooses its
    penalty on its training rows; features are standardised first. Scores are accuracy or R², a mean over folds.

    Args:
        model: A `Network`, or a fitted `MLP*` or `Table*` estimator.
        X: Rows as the model takes them; best some that it was not trained on.
        y: Their labels or quantities, (n,); a model of tables finds its target in X by itself.
        engineered: Formulas of columns in their own units, as "x1**2 + x2**2", that stand beside the raw features.
        folds: Parts of the rows, each scored by a linear model of the others; fewer where a class has fewer rows.
        refit: Train a copy of the network for every fold, on the other folds alone. Not for a bare `Network`.
        random_state: Of the folds; same number, same folds.

    Returns:
        A `Probe`: `raw`, `engineered`, `hidden` and `layers` are its scores.

    Raises:
        InputError: rows, answers or formulas that cannot be used, or too few rows.

    >>> from glassnet import MLPClassifier
    >>> from glassnet.data.examples import circles
    >>> table = circles()
    >>> X, y = table.without("label").frame.to_numpy(), table["label"].to_list()
    >>> model = MLPClassifier((8,), "tanh", solver="lbfgs", max_iter=1000, random_state=0).fit(X, y)
    >>> found = probe(model, X, y, engineered="x1**2 + x2**2")
    >>> found.raw < 0.6, found.engineered > 0.98, found.hidden > 0.98
    (True, True, True)
    """
    subject = Subject.of(model)
    X, answers = rows_and_answers(subject, X, y)
    if subject.model is not None:
        classes = bool(is_classifier(subject.model))
    else:
        classes = answers.ndim == 1 and looks_like_classes(Rows.read({"y": answers})["y"])
    t = targets(answers, classes, subject.target_name)
    splits = parts(t, folds, classes, random_state)
    x, formulas = subject.prepare(X), as_formulas(engineered)
    made = formula_features(formulas, subject_variables(subject, x), len(x))
    sets = _sets(subject, x, formulas, made)
    by_fold: list[Mapping[str, Array]] = [sets] * len(splits)
    if refit:
        by_fold = [_refitted_sets(subject, X, answers, train, random_state, formulas, made) for train, _ in splits]
    scores: dict[str, tuple[float, ...]] = {}
    wrong: dict[str, Array] = {}
    with few_threads(sum(features.size for features in sets.values())):
        for name in sets:
            p = [linear_predictions(of[name], t, split, classes) for of, split in zip(by_fold, splits, strict=True)]
            errors = [_errors(t[test], told, classes) for (_, test), told in zip(splits, p, strict=True)]
            scores[name] = tuple(_score(t[test], e, classes) for (_, test), e in zip(splits, errors, strict=True))
            wrong[name] = np.concatenate(errors)
        separations = {name: linear_separation(features, t) if classes else None for name, features in sets.items()}
    gain = None
    if len(subject.network.layers) > 1:
        first, last = next(iter(sets)), list(sets)[-1]
        less = wrong[first] - wrong[last]
        gain = paired_interval(less) if classes else interval(less / (float(t.var(axis=0).mean()) or 1.0))
    return Probe(
        sets=tuple(Probed(name, features.shape[1], scores[name], separations[name]) for name, features in sets.items()),
        metric="accuracy" if classes else "r2",
        chance=float(np.bincount(t).max() / len(t)) if classes else 0.0,
        gain=gain,
        n=len(t),
        folds=len(splits),
        refit=refit,
        note=subject.note,
    )


def linear_model(classes: bool) -> Any:
    """The one linear model that every set of features gets."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000) if classes else RidgeCV(PENALTIES))


def linear_predictions(features: Array, t: Array, split: Split, classes: bool) -> Array:
    """What the linear model of the training rows says of the others."""
    train, test = split
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # a row that alone holds a feature divides 0 by 0
        warnings.simplefilter("ignore", ConvergenceWarning)
        return linear_model(classes).fit(features[train], t[train]).predict(features[test])


def _sets(subject: Subject, x: Array, formulas: Sequence[str], made: Array) -> dict[str, Array]:
    """The sets of features by name, raw ones first, the last hidden layer's at the end."""
    sets = {"raw": x.astype(np.float64)}
    if formulas:
        sets[f"raw and {', '.join(formulas)}"] = np.hstack([sets["raw"], made])
    for i, step in enumerate(subject.trace(x)[1][:-1]):
        sets[f"hidden layer {i + 1}"] = step.h.astype(np.float64)
    for name, features in sets.items():
        if not np.isfinite(features).all():
            raise InputError(
                f"The features of {name!r} are not all finite numbers: look for nan and inf in the rows, and for "
                f"weights that ran away."
            )
    return sets


def _refitted_sets(
    subject: Subject, X: Any, answers: Array, train: Array, random_state: int, formulas: Sequence[str], made: Array
) -> dict[str, Array]:
    """The sets of features of all rows, by a copy of the model that was trained on some alone."""
    if subject.model is None:
        raise InputError(
            "refit=True trains the network anew for every fold, but a bare Network does not say how it was trained. "
            "Pass a fitted estimator, or rows that the network was not trained on, with refit=False."
        )
    model = unfitted(subject.model, **({"n_estimators": 1} if subject.is_table else {}))
    if model.random_state is None:
        model.set_params(random_state=random_state)
    rows: Any = X if isinstance(X, Rows) else subject.prepare(X)
    with warnings.catch_warnings():  # the user heard them when the model itself was fitted
        warnings.simplefilter("ignore")
        again = Subject.of(model.fit(rows.take(train) if isinstance(rows, Rows) else rows[train], answers[train]))
        return _sets(again, again.prepare(rows), formulas, made)


def _errors(t: Array, p: Array, classes: bool) -> Array:
    """Of each row: whether it is wrong, or the square of its error, the mean over outputs; (n,)."""
    return (t != p).astype(np.float64) if classes else ((t - p) ** 2).reshape(len(t), -1).mean(axis=1)


def _score(t: Array, errors: Array, classes: bool) -> float:
    """Accuracy, or R² against the mean of these rows; 0 where they are all one number."""
    spread = 1.0 if classes else float(t.var(axis=0).mean())
    return 1 - float(errors.mean()) / spread if spread else 0.0


def _told(found: Separation | None) -> list[Any]:
    """The margin, and a word."""
    if found is None or found.separable is None:
        return [None, f"undecided: {found.reason}" if found else ""]
    return [found.margin, "yes" if found.separable else "no"]
