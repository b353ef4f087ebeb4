"""Features made by hand and a linear model, against a network that makes its own: on the same rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from glassnet.explanation.drawing import axes
from glassnet.explanation.held_out import Fit, Problem, linear_fit, network_fit, read_problem
from glassnet.explanation.page import Block, Explanation, Heading, Table, Text, Verdict, plain
from glassnet.explanation.samples import accuracy_interval, as_formulas, few_threads, interval, paired_interval, parts

Interval = tuple[float, float, float]  # a mean, and the ends of its 95 % interval over rows
METRICS = {"accuracy": "accuracy", "r2": "R²", "log_loss": "log loss", "rmse": "RMSE"}  # as people read them


@dataclass(frozen=True)
class Side:
    """One of those that met.

    Attributes:
        name: "columns and x1**2 + x2**2", "columns alone", "network".
        score: Accuracy or R², held out.
        loss: Log loss, or the root of the mean squared error in the target's units.
        n_parameters: Fitted numbers; None where the learner does not tell.
        seconds: To prepare the rows and to fit, the mean over folds.
    """

    name: str
    score: Interval
    loss: Interval
    n_parameters: int | None
    seconds: float


@dataclass(frozen=True, eq=False, repr=False)
class Duel(Explanation):
    """How a duel ended.

    Attributes:
        winner: "linear", "network" or "draw": who has the higher score, where the interval of the difference does not
            hold 0.
        linear: The linear model with the formulas.
        network: The network on the columns alone.
        plain_linear: The linear model on the columns alone; None where no formula was given.
        difference: Score of the network minus that of the linear model, row by row on the same rows.
        loss_difference: The same of the loss: of −ln p, or of the squared error over the variance of the answers.
        metric: "accuracy" or "r2".
        chance: The score of the majority class, or 0 for the mean.
        target: What was predicted.
        n: Rows.
        folds: Parts, each scored once.
    """

    winner: str
    linear: Side
    network: Side
    plain_linear: Side | None
    difference: Interval
    loss_difference: Interval
    metric: str
    chance: float
    target: str
    n: int
    folds: int

    @property
    def sides(self) -> tuple[Side, ...]:
        """All that met, the linear model with formulas first."""
        return tuple(side for side in (self.linear, self.network, self.plain_linear) if side is not None)

    @property
    def loss_metric(self) -> str:
        """ "log_loss" or "rmse"."""
        return "log_loss" if self.metric == "accuracy" else "rmse"

    def page(self) -> Sequence[Block]:
        score, loss = METRICS[self.metric], METRICS[self.loss_metric]
        kind = "logistic" if self.metric == "accuracy" else "ridge"
        headers = ["who", score, "95 % interval", loss, "parameters", "seconds"]
        rows = [
            [s.name, s.score[0], f"{s.score[1]:.3f} to {s.score[2]:.3f}", s.loss[0], s.n_parameters, s.seconds]
            for s in self.sides
        ]
        nobody = "the majority class" if self.metric == "accuracy" else "the mean"
        return (
            Heading(f"{self.target}: {kind} regression with formulas against a network"),
            Text(
                f"{self.n} rows, {self.folds} folds, the same for all. Both sides were fitted anew for every fold, the "
                f"preparation of columns included, and scored on the rows that they did not see. Intervals tell of "
                f"other rows like these, not of other trainings; seconds are of one fit, the mean over folds."
            ),
            Table(headers, rows, f"For comparison: {nobody} has {score} {self.chance:.3f}."),
            self._verdict(),
            *self._probabilities(),
        )

    def _verdict(self) -> Verdict:
        by = f"{METRICS[self.metric]} of the network minus the linear model's: {_ends(self.difference)}"
        costs = self._costs()
        if self.winner == "draw":
            return Verdict("note", f"A draw: the difference is within what these rows can tell. {by}. {costs}")
        who = "The network" if self.winner == "network" else self._linear_name()
        return Verdict("good", f"{who} won. {by}. {costs}")

    def _linear_name(self) -> str:
        return "The linear model with the formulas" if self.plain_linear else "The linear model"

    def _costs(self) -> str:
        """Parameters and time, side by side."""
        told = f"{self._linear_name()} took {self.linear.n_parameters} parameters and {self.linear.seconds:.3g} s a fit"
        size = f"{self.network.n_parameters:,} parameters and " if self.network.n_parameters is not None else ""
        return f"{told}, the network {size}{self.network.seconds:.3g} s."

    def _probabilities(self) -> list[Verdict]:
        """A difference in log loss that accuracy does not show."""
        mean, low, high = self.loss_difference
        if self.metric != "accuracy" or low <= 0 <= high:
            return []
        who = "network's" if mean < 0 else "linear model's"
        told = f"The {who} probabilities are better. Log loss of the network minus the linear model's"
        return [Verdict("note", f"{told}: {_ends(self.loss_difference)}.")]

    def to_dict(self) -> dict[str, Any]:
        """Scores, sizes and times of all sides."""

        def of(side: Side | None) -> dict[str, Any] | None:
            return None if side is None else asdict(side)

        return plain(
            {
                "winner": self.winner,
                "metric": self.metric,
                "loss_metric": self.loss_metric,
                "linear": of(self.linear),
                "network": of(self.network),
                "plain_linear": of(self.plain_linear),
                "difference": self.difference,
                "loss_difference": self.loss_difference,
                "chance": self.chance,
                "target": self.target,
                "n": self.n,
                "folds": self.folds,
            }
        )

    def plot(self, ax: Any = None) -> Any:
        """The score of each side with its interval; chance as a line."""
        ax = axes(ax, figsize=(6, 0.5 * len(self.sides) + 1.2))
        for side in self.sides:
            mean, low, high = side.score
            ax.errorbar([mean], [side.name], xerr=[[mean - low], [high - mean]], fmt="o", capsize=3)
        ax.axvline(self.chance, color="grey", linestyle=":")
        ax.invert_yaxis()
        ax.set(xlabel=f"{METRICS[self.metric]}, held out")
        return ax


def duel(
    X: Any,
    y: Any = None,
    features: str | Sequence[str] = (),
    *,
    target: str | None = None,
    network: Any = None,
    folds: int = 5,
    random_state: int = 0,
) -> Duel:
    """Logistic or linear regression with formulas of your own against a network without them, on the same folds.

    The linear model sees the columns, prepared as a `Table*` estimator prepares them, and the formulas; logistic
    regression has C = 1, and for quantities ridge regression chooses its penalty on its training rows. The network
    sees the columns alone. Each row is scored once, by fits that did not see it.

    Args:
        X: Rows with or without their target: whatever `Table.read` takes. The columns of an array are x1, x2, ….
        y: The labels or quantities, (n,); or leave it out and name the column of X that holds them.
        features: Formulas of columns in their own units, as "x1**2 + x2**2"; a name that is no identifier stands in
            backquotes. None at all sets the plain linear model against the network.
        target: The column of X to predict.
        network: An estimator that has not been fitted; `TableClassifier()` or `TableRegressor()` unless given. One of
            arrays gets the prepared columns.
        folds: Parts of the rows; fewer where a class has fewer rows.
        random_state: Of the folds, and of the network where it has none.

    Returns:
        A `Duel`: `winner`, `linear` and `network`.

    Raises:
        InputError: rows, answers or formulas that cannot be used.

    >>> from glassnet.data.examples import circles
    >>> from glassnet.estimators import TableClassifier
    >>> fast = TableClassifier(n_estimators=1, hidden_layer_sizes=(8,), activation="tanh", max_iter=100)
    >>> found = duel(circles(), target="label", features="x1**2 + x2**2", network=fast)
    >>> found.linear.score[0] > 0.98, found.plain_linear.score[0] < 0.6, found.linear.n_parameters
    (True, True, 4)
    """
    problem, formulas = read_problem(X, y, target, network), as_formulas(features)
    splits = parts(problem.t, folds, problem.classes, random_state)
    with few_threads(len(problem.t) * len(problem.table.names)):
        linear = [linear_fit(problem, split, formulas, network) for split in splits]
        alone = [linear_fit(problem, split, (), network) for split in splits] if formulas else []
    learned = [network_fit(problem, split, network, {}, random_state) for split in splits]
    spread = 1.0 if problem.classes else float(problem.t.var()) or 1.0
    hits = _joined(learned, "hits") - _joined(linear, "hits")
    difference = paired_interval(hits) if problem.classes else interval(hits)
    return Duel(
        winner="network" if difference[1] > 0 else "linear" if difference[2] < 0 else "draw",
        linear=_side(problem, f"columns and {', '.join(formulas)}" if formulas else "columns", linear),
        network=_side(problem, "network", learned),
        plain_linear=_side(problem, "columns alone", alone) if formulas else None,
        difference=difference,
        loss_difference=interval((_joined(learned, "losses") - _joined(linear, "losses")) / spread),
        metric="accuracy" if problem.classes else "r2",
        chance=problem.chance,
        target=problem.target,
        n=len(problem.t),
        folds=len(splits),
    )


def _joined(fits: Sequence[Fit], what: str) -> Any:
    """Hits or losses of all rows, fold after fold."""
    return np.concatenate([getattr(fit, what) for fit in fits])


def _side(problem: Problem, name: str, fits: Sequence[Fit]) -> Side:
    """The scores over all rows."""
    hits, loss = _joined(fits, "hits"), interval(_joined(fits, "losses"))
    if not problem.classes:
        loss = (float(np.sqrt(loss[0])), float(np.sqrt(max(loss[1], 0))), float(np.sqrt(loss[2])))
    seconds = float(np.mean([fit.seconds for fit in fits]))
    score = accuracy_interval(hits) if problem.classes else interval(hits)
    return Side(name, score, loss, fits[0].n_parameters, seconds)


def _ends(found: Interval) -> str:
    return f"{found[0]:+.3f}, 95 % interval {found[1]:+.3f} to {found[2]:+.3f}"
