"""What a column is worth, and how predictions go with it: scikit-learn's permutation importance and partial dependence.

scikit-learn shuffles and replaces columns of an array. The array that it gets holds, for each column of the user's, the
number of the row that its cell is taken from: so that all features of a column move together, whatever its kind, in
every view that networks of one model have of it. Predictions are the whole model's.
"""
# scikit-learn carries no types.
# mypy: disable-error-code="misc"

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import inspection
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import Column
from glassnet.data.table import Table as Rows
from glassnet.errors import unknown_name
from glassnet.estimators.ensemble import scores_of
from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Explanation, Heading, Table, Text, Verdict, plain
from glassnet.explanation.subject import Subject, SubjectColumn, as_table
from glassnet.nn.elementary import Array

MOST_ROWS = 1000  # that are shuffled or predicted anew; more are drawn from
GRID = 25  # points of a curve; values of a category at the most
ENDS = (0.05, 0.95)  # quantiles of a quantity between which the curve is drawn


@dataclass(frozen=True, eq=False, repr=False)
class Importance(Explanation):
    """What `permutation_importance` gives: columns in the order of the rows' table.

    Attributes:
        columns: As the user knows them.
        falls: How much the score falls where a column is shuffled, (columns, repeats).
        score: The score as it is.
        scoring: Which score: "minus the loss", or a name of scikit-learn's.
        n_rows: Rows on which it was measured.
    """

    columns: tuple[str, ...]
    falls: Array
    score: float
    scoring: str
    n_rows: int

    @property
    def mean(self) -> Array:
        """Over the repeats, (columns,)."""
        return self.falls.mean(axis=1)

    def page(self) -> tuple[Block, ...]:
        order = np.argsort(-self.mean, kind="stable")
        spread = self.falls.std(axis=1)
        rows = [[self.columns[j], float(self.mean[j]), float(spread[j])] for j in order]
        within = [self.columns[j] for j in order if self.mean[j] <= 2 * spread[j]]
        return (
            Heading("What each column is worth"),
            Text(
                f"The score ({self.scoring}) of {self.n_rows} rows is {self.score:.5g}. With the cells of one column "
                f"shuffled among the rows it falls by"
            ),
            Table(["column", "on average", "± over shuffles"], rows),
            *([Verdict("note", f"No more than chance: {', '.join(within)}.")] if within else []),
            Text(
                "On rows of the training this also counts what was learned by heart. Of columns that say the same, "
                "each looks worthless while the other is there."
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        names = ("columns", "falls", "mean", "score", "scoring", "n_rows")
        return {name: plain(getattr(self, name)) for name in names}

    def plot(self, ax: Any = None) -> Any:
        order = np.argsort(self.mean, kind="stable")
        ax = axes(ax, figsize=(6, 0.8 + 0.3 * len(order)))
        ax.barh(range(len(order)), self.mean[order], xerr=self.falls.std(axis=1)[order], color="#2e7ebb")
        ax.set_yticks(range(len(order)), [self.columns[j] for j in order])
        ax.set_xlabel(f"fall of the score ({self.scoring})")
        return ax


@dataclass(frozen=True, eq=False, repr=False)
class Dependence(Explanation):
    """What `partial_dependence` gives.

    Attributes:
        column: Its name.
        values: The cells that were put into every row, (g,).
        average: The mean prediction over the rows, by output and cell, (k, g).
        low: The 10 % quantile over the rows, (k, g).
        high: The 90 % quantile.
        outputs: Names of the outputs.
        n_rows: Rows that were predicted for every cell.
    """

    column: str
    values: tuple[Any, ...]
    average: Array
    low: Array
    high: Array
    outputs: tuple[str, ...]
    n_rows: int

    def page(self) -> tuple[Block, ...]:
        rows = [
            [value if isinstance(value, float) else str(value), *self.average[:, i].tolist()]
            for i, value in enumerate(self.values)
        ]
        return (
            Heading(f"How predictions go with {self.column}"),
            Text(f"The mean prediction of {self.n_rows} rows, each with this cell in the place of its own:"),
            Table([self.column, *self.outputs], rows),
            Text(
                "The other columns stay as they are, also where no row looks like that. This is what the model says, "
                "not what would happen."
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        names = ("column", "values", "average", "low", "high", "outputs", "n_rows")
        return {name: plain(getattr(self, name)) for name in names}

    def plot(self, ax: Any = None) -> Any:
        ax = axes(ax, figsize=(6, 3.5))
        quantity = all(isinstance(value, float) for value in self.values)
        places = list(self.values) if quantity else list(range(len(self.values)))
        for mean, low, high, name in zip(self.average, self.low, self.high, self.outputs, strict=True):
            ax.plot(places, mean, marker="" if quantity else "o", label=name)
            ax.fill_between(places, low, high, alpha=0.15)
        if not quantity:
            ax.set_xticks(places, [str(value) for value in self.values], rotation=30, ha="right")
        ax.set_xlabel(self.column)
        ax.set_ylabel("prediction")
        ax.legend()
        return ax


def permutation_importance(
    model: Any, X: Any, y: Any = None, *, scoring: Any = None, n_repeats: int = 5, random_state: int = 0
) -> Importance:
    """How much worse a model gets where the cells of a column are shuffled among the rows.

    Args:
        model: A `Network`, or a fitted estimator.
        X: Rows, best ones that it was not trained on; of more than 1,000, some are drawn.
        y: Their targets; left out where X is a table that holds them.
        scoring: None is minus the loss; or a name of `sklearn.metrics.get_scorer_names`, as "accuracy" or "r2", or
            what `sklearn.metrics.make_scorer` makes.
        n_repeats: Shuffles of each column.
        random_state: Seeds them.

    >>> import glassnet as gn
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> model = gn.MLPRegressor((8,), "tanh", solver="lbfgs", random_state=0).fit(x, x[:, 0])
    >>> worth = permutation_importance(model, x, x[:, 0], scoring="r2").mean
    >>> bool(worth[0] > 1 and worth[1] < 0.1)
    True
    """
    subject = Subject.of(model)
    _, t = subject.examples(X, y)
    of_cells, t = _model(subject, X, random_state), _few(t, random_state)
    found = inspection.permutation_importance(
        of_cells,
        of_cells.own_cells(),
        t if scoring is None else np.asarray(subject.decode(t)),
        scoring=_minus_loss if scoring is None else scoring,
        n_repeats=n_repeats,
        random_state=random_state,
    )
    score = _minus_loss(of_cells, of_cells.own_cells(), t)
    if scoring is not None:
        from sklearn.metrics import get_scorer

        score = get_scorer(scoring)(of_cells, of_cells.own_cells(), np.asarray(subject.decode(t)))
    names = tuple(column.name for column in of_cells.columns)
    return Importance(names, found.importances, float(score), str(scoring or "minus the loss"), len(t))


def partial_dependence(model: Any, X: Any, column: str, *, random_state: int = 0) -> Dependence:
    """The mean prediction over the rows, each with one and the same cell in a column, cell after cell.

    Args:
        model: A `Network`, or a fitted estimator.
        X: Rows; of more than 1,000, some are drawn.
        column: A quantity, for which 25 numbers between its 5 % and its 95 % quantile are put in; or any other, for
            which its most frequent cells are.
        random_state: Seeds the drawing.

    Returns:
        Probabilities of classes; quantities in their own units.

    >>> from glassnet.nn import Network
    >>> network = Network.create([2, 3, 1], activation="tanh", seed=0)
    >>> partial_dependence(network, np.random.default_rng(0).normal(size=(50, 2)), "x2").average.shape
    (1, 25)
    """
    subject = Subject.of(model)
    of_cells = _model(subject, X, random_state)
    names = [used.name for used in of_cells.columns]
    if column not in names:
        raise unknown_name("column", column, names)
    place = names.index(column)
    cells = subject.cells(X)[column]
    chosen, values = of_cells.add_grid(place, [cells[i] for i in _places(len(cells), random_state)])
    found = inspection.partial_dependence(
        of_cells,
        of_cells.own_cells(),
        [place],
        custom_values={place: chosen},
        kind="both",
        method="brute",
    )
    rows = np.asarray(found["individual"])  # (k, n, g); of two classes, the second alone
    rows = rows.reshape(-1, *rows.shape[-2:])
    outputs = subject.output_names if not subject.class_names else subject.class_names[-len(rows) :]
    low, high = np.quantile(rows, [0.1, 0.9], axis=1)
    return Dependence(column, values, rows.mean(axis=1), low, high, tuple(outputs[: len(rows)]), rows.shape[1])


class _OfCells(BaseEstimator):
    """A model of an array that says, for each row and column, which row the cell comes from."""

    def __init__(self, subject: Subject, views: list[Array]) -> None:
        self.subject, self.views = subject, views
        self.columns: list[SubjectColumn] = [column for column in subject.columns if column.features]
        self.places = [[list(column.features) for column in self.columns]]  # of the features, by view and column
        if len(views) > 1:
            self.places += [_places_in(view, self.columns) for view in subject.model._views[1:]]
        self.blocks = [[x[:, at] for at in places] for x, places in zip(views, self.places, strict=True)]
        if subject.class_names:
            self.classes_ = np.asarray(subject.model.classes_)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def fit(self, X: Any, y: Any = None) -> Any:
        """Nothing is learned; scikit-learn asks for the method."""
        return self

    def own_cells(self) -> Array:
        """Every row its own, (n, columns)."""
        return np.repeat(np.arange(len(self.views[0]), dtype=np.float64)[:, None], len(self.columns), axis=1)

    def add_grid(self, place: int, cells: list[Any]) -> tuple[Array, tuple[Any, ...]]:
        """Numbers of cells to put into a column, added to its own where they are new, and the cells themselves."""
        column, block = self.columns[place], self.blocks[0][place]
        if column.affine is not None and len(np.unique(block[:, 0])) > GRID:
            ends = np.quantile(block[:, 0], ENDS)
            mean, scale = column.affine
            points = mean + scale * np.linspace(float(ends[0]), float(ends[1]), GRID)
            if column.kind == "count":
                points = np.unique(np.rint(points))
            added = np.zeros((len(points), block.shape[1]), block.dtype)
            added[:, 0] = (points - mean) / scale
            for blocks, more in zip(self.blocks, self._in_every_view(column.name, added), strict=True):
                blocks[place] = np.vstack([blocks[place], more])
            return len(block) + np.arange(len(points), dtype=np.float64), tuple(points.tolist())
        _, first, counts = np.unique([str(cell) for cell in cells], return_index=True, return_counts=True)
        chosen = first[np.sort(np.argsort(-counts, kind="stable")[:GRID])]
        if column.affine is not None:
            chosen = chosen[np.argsort(block[chosen, 0], kind="stable")]
        return chosen.astype(np.float64), tuple(cells[i] for i in chosen)

    def _in_every_view(self, name: str, features: Array) -> list[Array]:
        """Features of a column in the first view, and what the others make of the cells that they stand for."""
        found = [features]
        if len(self.views) > 1:
            whole, *others = (Preprocessor(_only(view, name)) for view in self.subject.model._views)
            cells = Rows.read(whole.inverse_transform(features))
            found += [np.asarray(view.transform(cells)) for view in others]
        return found

    def _put_together(self, X: Any) -> list[Array]:
        """x of each view, of rows whose cells come from the rows that X names."""
        numbers, found = np.asarray(X).astype(int), []
        for view, places, blocks in zip(self.views, self.places, self.blocks, strict=True):
            x = np.empty((len(numbers), view.shape[1]), view.dtype)
            for j, (at, block) in enumerate(zip(places, blocks, strict=True)):
                x[:, at] = block[numbers[:, j]]
            found.append(x)
        return found

    def scores(self, X: Any) -> Array:
        """y of rows that are put together from cells; of several networks, what makes the mean of their p."""
        if self.subject.note:
            return scores_of(self.subject.loss, self.p(X))
        return self.subject.engine.forward(self.subject.network, self._put_together(X)[0])

    def p(self, X: Any) -> Array:
        """p of such rows, as the whole model predicts."""
        if self.subject.note:
            return self.subject.model._mean_prediction(self._put_together(X))
        return self.subject.predictions(self.scores(X))

    def predict(self, X: Any) -> Array:
        """Labels, or quantities in their own units."""
        return np.asarray(self.subject.decode(self.p(X)))


class _Classes(ClassifierMixin, _OfCells):
    def predict_proba(self, X: Any) -> Array:
        """(n, classes)."""
        p = self.p(X)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


class _Quantities(RegressorMixin, _OfCells):
    pass


def _model(subject: Subject, X: Any, seed: int) -> _OfCells:
    """The model, and rows of which some are drawn, in every view that its networks have of them."""
    views = [subject.prepare(X)]
    if subject.note:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the first view has told of odd cells
            views += [np.asarray(view.transform(as_table(X))) for view in subject.model._views[1:]]
    return (_Classes if subject.class_names else _Quantities)(subject, [_few(x, seed) for x in views])


def _only(view: Preprocessor, name: str) -> tuple[Column, ...]:
    """One column of a preparation."""
    return tuple(column for column in view.columns if column.name == name)


def _places_in(view: Preprocessor, columns: list[SubjectColumn]) -> list[list[int]]:
    """Where the features of each column stand."""
    places: dict[str, list[int]] = {column.name: [] for column in columns}
    for j, feature in enumerate(view.features):
        places[feature.column].append(j)
    return list(places.values())


def _minus_loss(model: _OfCells, X: Any, t: Array) -> float:
    return -model.subject.loss(model.scores(X).astype(np.float64), t.astype(np.float64))


def _places(n: int, seed: int) -> Array:
    if n <= MOST_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, MOST_ROWS, replace=False))


def _few(rows: Array, seed: int) -> Array:
    return rows[_places(len(rows), seed)]
