"""How wide a network should be: its error on rows that it did not see, against its width."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from numbers import Integral
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.drawing import axes
from glassnet.explanation.held_out import Fit, network_fit, read_problem
from glassnet.explanation.page import Block, Explanation, Heading, Table, Text, Verdict, plain
from glassnet.explanation.samples import parts

WIDTHS = (0, 1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class TriedWidth:
    """Networks of one width.

    Attributes:
        width: Units of each hidden layer; 0 is a linear model.
        error: Log loss, or for quantities the mean squared error over the variance; the mean over folds.
        standard_error: Of the mean: s / √folds. Folds share training rows, so that it is a little too small.
        score: Accuracy or R², held out.
        n_parameters: Weights and biases, the mean over folds.
        multiplications: For the scores of one row: Σ d·m over layers.
        seconds: To prepare the rows and to fit, the mean over folds.
        errors: Of each fold.
    """

    width: int
    error: float
    standard_error: float
    score: float
    n_parameters: int
    multiplications: int
    seconds: float
    errors: tuple[float, ...]


@dataclass(frozen=True, eq=False, repr=False)
class WidthAdvice(Explanation):
    """What `advise_width` measured.

    Attributes:
        width: The advice: the least width whose error is at most that of the best one plus its standard error.
        best: The width of the least error.
        tried: All widths, narrowest first.
        layers: Hidden layers, all of one width.
        metric: "accuracy" or "r2".
        target: What was predicted.
        n: Rows.
        folds: Parts, each scored once.
    """

    width: int
    best: int
    tried: tuple[TriedWidth, ...]
    layers: int
    metric: str
    target: str
    n: int
    folds: int

    def __getitem__(self, width: int) -> TriedWidth:
        """The networks of that width."""
        return next(one for one in self.tried if one.width == width)

    @property
    def threshold(self) -> float:
        """The error of the best width plus its standard error."""
        return self[self.best].error + self[self.best].standard_error

    @property
    def hidden_layer_sizes(self) -> tuple[int, ...]:
        """The advice as an estimator takes it."""
        return (self.width,) * self.layers if self.width else ()

    def page(self) -> Sequence[Block]:
        classes = self.metric == "accuracy"
        error, score = ("log loss", "accuracy") if classes else ("MSE / variance", "R²")
        rows = [
            [of.width, of.error, of.standard_error, of.score, of.n_parameters, of.multiplications, of.seconds, mark]
            for of, mark in zip(self.tried, self._marks(), strict=True)
        ]
        headers = ["width", error, "± s.e.", score, "parameters", "multiplications", "seconds", ""]
        layers = f"{self.layers} hidden layers of that width" if self.layers > 1 else "one hidden layer of that width"
        return (
            Heading(f"{self.target}: error against width"),
            Text(
                f"{self.n} rows, {self.folds} folds, {layers}; width 0 is a linear model. The {error} is that of rows "
                f"which the network did not see, ± the standard error over folds; multiplications are those for one "
                f"row, seconds those of one fit."
            ),
            Table(headers, rows),
            *self._verdicts(),
        )

    def _marks(self) -> list[str]:
        """Which widths are the best and the advice."""
        words = {self.best: "best", self.width: "advised"} if self.best != self.width else {self.best: "best, advised"}
        return [words.get(one.width, "") for one in self.tried]

    def _verdicts(self) -> list[Verdict]:
        """The advice, and what would make it another one."""
        chosen, best = self[self.width], self[self.best]
        how = f"the least width within one standard error of the best ({chosen.error:.4g} ≤ {self.threshold:.4g})"
        units = f"{self.width} unit{'s' * (self.width > 1)}"
        hidden = f"one hidden layer of {units}" if self.layers == 1 else f"{self.layers} hidden layers of {units} each"
        told = f"Take {hidden if self.width else 'a linear model, without a hidden layer'}: {how}."
        if self.width < self.best:
            share = chosen.n_parameters / best.n_parameters
            told += f" The best, {self.best}, is not told apart from it; this has {share:.0%} of its parameters."
        verdicts = [Verdict("good", told)]
        if self.width == self.tried[-1].width:
            verdicts.append(Verdict("note", "No wider network was tried, and the error still falls: try wider ones."))
        return verdicts

    def to_dict(self) -> dict[str, Any]:
        """Every width with its errors, fold by fold."""
        advice = {"width": self.width, "best": self.best, "hidden_layer_sizes": self.hidden_layer_sizes}
        told = {"threshold": self.threshold, "tried": [asdict(one) for one in self.tried], "layers": self.layers}
        return plain(advice | told | {"metric": self.metric, "target": self.target, "n": self.n, "folds": self.folds})

    def plot(self, ax: Any = None) -> Any:
        """Error against width, with standard errors; the threshold as a line, the advice as a ring."""
        ax = axes(ax, figsize=(6, 4))
        places = np.arange(len(self.tried))
        ax.errorbar(
            places, [one.error for one in self.tried], [one.standard_error for one in self.tried], marker="o", capsize=3
        )
        at = [one.width for one in self.tried].index(self.width)
        ax.plot(at, self.tried[at].error, "o", markersize=14, fillstyle="none", color="black")
        ax.axhline(self.threshold, color="grey", linestyle=":")
        ax.set_yscale("log")
        ax.set_xticks(places, [str(one.width) for one in self.tried])
        ax.set(xlabel="width", ylabel="log loss" if self.metric == "accuracy" else "MSE / variance", title=self.target)
        return ax


def advise_width(
    X: Any,
    y: Any = None,
    *,
    target: str | None = None,
    widths: Sequence[int] = WIDTHS,
    layers: int = 1,
    network: Any = None,
    folds: int = 5,
    random_state: int = 0,
) -> WidthAdvice:
    """Cross-validated error against width, and the least width that is as good as the best.

    For every width the network is trained once for each fold, and scored on the rows that it did not see. The advice
    follows the one-standard-error rule (Breiman et al. 1984): the narrowest network whose error is at most that of the
    best one plus its standard error. It is advice for this many rows and this kind of training.

    Args:
        X: Rows with or without their target: whatever `Table.read` takes. The columns of an array are x1, x2, ….
        y: The labels or quantities, (n,); or leave it out and name the column of X that holds them.
        target: The column of X to predict.
        widths: Units of each hidden layer to try; 0 is a linear model.
        layers: Hidden layers, all of one width.
        network: A glassnet estimator that has not been fitted, whose `hidden_layer_sizes` is varied; unless given
            `TableClassifier()` or `TableRegressor()`. One of arrays gets the prepared columns.
        folds: Parts of the rows; fewer where a class has fewer rows.
        random_state: Of the folds, and of the network where it has none.

    Returns:
        A `WidthAdvice`: `width`, `hidden_layer_sizes` and `tried`.

    Raises:
        InputError: rows, answers or widths that cannot be used.

    >>> from glassnet.data.examples import circles
    >>> from glassnet.estimators import TableClassifier
    >>> fast = TableClassifier(n_estimators=1, activation="tanh", learning_rate_init=0.02, max_iter=100)
    >>> advice = advise_width(circles(), target="label", widths=(0, 1, 8), network=fast)
    >>> advice.width, advice[0].score < 0.6, advice[8].score > 0.95
    (8, True, True)
    """
    tried = sorted(set(widths))
    if not tried or not all(isinstance(width, Integral) and width >= 0 for width in tried):
        raise InputError(f"widths is {widths!r}, but whole numbers ≥ 0 are needed, at least one: 0 is a linear model.")
    if not isinstance(layers, Integral) or layers < 1:
        raise InputError(f"layers is {layers!r}, but a whole number ≥ 1 is needed; widths holds 0 for a linear model.")
    if network is not None and "hidden_layer_sizes" not in getattr(network, "get_params", dict)():
        raise InputError(
            f"network is a {type(network).__name__}, but an estimator with hidden_layer_sizes is needed, such as "
            f"TableClassifier() or MLPRegressor()."
        )
    problem = read_problem(X, y, target, network)
    splits = parts(problem.t, folds, problem.classes, random_state)
    spread = 1.0 if problem.classes else float(problem.t.var()) or 1.0
    found = []
    for width in tried:
        changes = {"hidden_layer_sizes": (int(width),) * int(layers) if width else ()}
        fits = [network_fit(problem, split, network, changes, random_state) for split in splits]
        found.append(_tried(int(width), int(layers), fits, spread))
    best = min(found, key=lambda one: one.error)
    chosen = next(one for one in found if one.error <= best.error + best.standard_error)
    return WidthAdvice(
        width=chosen.width,
        best=best.width,
        tried=tuple(found),
        layers=int(layers),
        metric="accuracy" if problem.classes else "r2",
        target=problem.target,
        n=len(problem.t),
        folds=len(splits),
    )


def _tried(width: int, layers: int, fits: Sequence[Fit], spread: float) -> TriedWidth:
    """What the folds say of one width."""
    errors = [float(fit.losses.mean()) / spread for fit in fits]
    return TriedWidth(
        width=width,
        error=float(np.mean(errors)),
        standard_error=float(np.std(errors, ddof=1) / np.sqrt(len(errors))),
        score=float(np.concatenate([fit.hits for fit in fits]).mean()),
        n_parameters=round(np.mean([fit.n_parameters or 0 for fit in fits])),  # folds may know other categories
        multiplications=round(np.mean([fit.multiplications or 0 for fit in fits])),
        seconds=float(np.mean([fit.seconds for fit in fits])),
        errors=tuple(errors),
    )
