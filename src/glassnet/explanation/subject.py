"""What is explained: a network with the names, units and preparation that its model gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import QUANTITIES, Column
from glassnet.data.table import Table
from glassnet.data.targets import NumberTarget
from glassnet.errors import InputError, ShapeError
from glassnet.estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from glassnet.estimators.table_rows import split_target
from glassnet.nn import Engine, Loss, Network, NumpyEngine, SquaredError, engine_for, get_loss
from glassnet.nn.elementary import Array
from glassnet.nn.network import LayerTrace, check_features

TABLES, PERCEPTRONS = TableClassifier | TableRegressor, MLPClassifier | MLPRegressor


@dataclass(frozen=True)
class SubjectColumn:
    """A column as the user knows it, and the features that it became.

    Attributes:
        name: Of the table's column; of a model of arrays, of the feature.
        kind: "number", "category", …, as `glassnet.data` has them; "number" for a model of arrays.
        features: Which columns of x it makes, from 0; () for one that was left out.
        affine: (mean, scale) where the cell is mean + scale · x of its first feature, wherever it is not missing: for
            numbers, counts, durations (in seconds) and booleans (0 and 1). None for other kinds.
    """

    name: str
    kind: str
    features: tuple[int, ...]
    affine: tuple[float, float] | None


class Letters(NamedTuple):
    """What the formulas call the quantities of a layer: "w", "b", "z", "h", or of the last one "v", "c", "y", "y"."""

    w: str
    b: str
    z: str
    h: str


@dataclass(frozen=True, eq=False)
class Subject:
    """A network to explain. The arrays of `network` may be the model's own: copy before changing them.

    Attributes:
        network: Layers, in the model's own dtype unless another was asked for.
        loss: The fitted one; of a bare network the squared error, unless another was asked for.
        model: The estimator; None for a bare network.
        feature_names: Of the columns of x, (d,): the preparation's, the dataframe's, or x1, x2, ….
        columns: As the user knows them, each with its features; of a model of arrays, one for each feature.
        output_names: Of the columns of y: a class, "y", or what is predicted.
        class_names: The labels as texts, in the order of `classes_`; () where quantities are predicted.
        target_name: What the model predicts; "y" where nobody named it.
        target_affine: (mean, scale): a prediction p, and a target t, is mean + scale · p in units of the target, or of
            its logarithm where that is learned.
        score_affine: The same of a score y, in units of `quantity`; another one where p is eʸ.
        note: What else should be said: which network of several this is; or "".

    >>> subject = Subject.of(Network.create([2, 3, 1], activation="tanh", seed=0))
    >>> subject.feature_names, subject.output_names, subject.loss.name
    (('x1', 'x2'), ('y',), 'squared_error')
    >>> subject.prepare([1.0, 2.0]).shape, subject.letters(0), subject.unit_names(0)
    ((1, 2), Letters(w='w', b='b', z='z', h='h'), ('h1', 'h2', 'h3'))
    """

    network: Network
    loss: Loss
    model: Any
    feature_names: tuple[str, ...]
    columns: tuple[SubjectColumn, ...]
    output_names: tuple[str, ...]
    class_names: tuple[str, ...]
    target_name: str = "y"
    target_affine: tuple[float, float] = (0.0, 1.0)
    score_affine: tuple[float, float] = (0.0, 1.0)
    note: str = ""

    @classmethod
    def of(cls, model: Any, *, loss: str | Loss | None = None, dtype: Any = None) -> "Subject":
        """From a `Network`, or a fitted `MLP*` or `Table*` estimator.

        Args:
            model: What to explain.
            loss: Another loss than the fitted one.
            dtype: np.float64 explains a copy in that precision; None keeps the network's own.

        Raises:
            InputError: something else, a model that is not fitted, or a model of tables with several targets.
        """
        if isinstance(model, Subject):
            return model
        if isinstance(model, TABLES):
            model._check_one_target()
        elif not isinstance(model, PERCEPTRONS | Network):
            raise InputError(
                f"An explanation takes a glassnet.nn.Network, or a fitted MLPClassifier, MLPRegressor, "
                f"TableClassifier or TableRegressor, but a {type(model).__name__} came."
            )
        network = model if isinstance(model, Network) else model.network_
        used = get_loss(loss) if loss is not None else _fitted_loss(model)
        k = network.layers[-1].w.shape[1]
        if k % used.width:
            raise InputError(f"The loss {used.name!r} needs {used.width} scores a target, but the network gives {k}.")
        names, columns = _columns(model, network.layers[0].w.shape[0])
        labels = tuple(str(label) for label in getattr(model, "classes_", ()))
        target: Any = getattr(model, "target_", None)
        return cls(
            network=network if dtype is None else network.astype(dtype),
            loss=used,
            model=None if isinstance(model, Network) else model,
            feature_names=names,
            columns=columns,
            output_names=_output_names(labels, k, used, _target_name(target)),
            class_names=labels,
            target_name=getattr(target, "name", "y"),
            target_affine=(target.mean, target.scale) if isinstance(target, NumberTarget) else (0.0, 1.0),
            score_affine=_score_affine(target),
            note=_which_network(model),
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the network's numbers."""
        return self.network.layers[0].w.dtype

    @property
    def is_table(self) -> bool:
        """Whether the model takes tables, and prepares them."""
        return isinstance(self.model, TABLES)

    @cached_property
    def engine(self) -> Engine:
        """Where the numbers come from: the model's own engine, for a bare network NumPy's."""
        if self.model is None:
            return NumpyEngine()
        return engine_for(self.model.engine, self.network.architecture, self.loss)

    def prepare(self, rows: Any) -> Array:
        """Rows as users have them → x (n, d), dense, in the network's dtype; one row alone may lack its brackets.

        Args:
            rows: For a model of tables whatever `Table.read` takes, or a dict of cells; columns that the model does not
                know are passed over. For a model of arrays an array, a dataframe, a `Table` or a dict with its names.
        """
        if self.is_table:
            return np.asarray(self.model.preprocessor_.transform(as_table(rows)), self.dtype)
        d, named = len(self.feature_names), isinstance(rows, Mapping | Table)
        if named:
            table = as_table(rows)
            wanted = hasattr(self.model, "feature_names_in_") or set(self.feature_names) <= set(table.names)
            x = (table.select(self.feature_names) if wanted else table).frame.to_numpy()
        elif self.model is not None and (hasattr(rows, "columns") or hasattr(rows, "tocsr")):
            x = self.model._prepared(rows)[1]
        else:
            x = rows
        x = x.toarray() if hasattr(x, "toarray") else np.asarray(x)
        if x.dtype.kind not in "fiub":
            raise InputError(f"The rows hold {x.dtype.name}, but this network takes numbers, {d} a row.")
        return np.asarray(check_features(x[None, :] if x.ndim == 1 else x, d), self.dtype)

    def prepare_targets(self, y: Any) -> Array:
        """Targets as users have them → t (n, k), in the network's dtype; one alone may lack its brackets.

        Raises:
            ShapeError: not one target for each row and output.
        """
        if hasattr(y, "to_numpy"):
            y = y.to_numpy()
        y = [y] if isinstance(y, str) or np.ndim(y) == 0 else y
        if self.is_table:
            return np.asarray(self.model.target_.encode(y), self.dtype)
        values, k = np.asarray(y), self.network.layers[-1].w.shape[1] // self.loss.width
        if values.ndim == 1 and len(values) == k and k > 1 and not self._is_multiclass:
            values = values[None, :]  # one row of several targets
        if self.model is not None:
            return np.asarray(self.model._encode(values), self.dtype)
        values = values[:, None] if values.ndim == 1 and k == 1 else values
        if values.ndim != 2 or values.shape[1] != k or values.dtype.kind not in "fiub":
            raise ShapeError(
                f"The target is {np.asarray(y).dtype.name} of shape {np.shape(y)}, but this network needs (n, {k}): "
                f"one row of {k} number{'s' * (k > 1)} per sample."
            )
        return np.asarray(values, self.dtype)

    @property
    def quantity(self) -> str:
        """What scores are in units of: the target, or its logarithm where that, or that of its mean, is learned."""
        target = getattr(self.model, "target_", None)
        return f"ln {self.target_name}" if getattr(target, "counts", False) else _target_name(target)

    @property
    def _is_multiclass(self) -> bool:
        return getattr(self.model, "out_activation_", "") == "softmax"

    def examples(self, X: Any, y: Any = None) -> tuple[Array, Array]:
        """Rows and their targets → x (n, d), t (n, k); a model of tables finds its target in the table by itself.

        Raises:
            InputError: no targets; ShapeError: not as many as there are rows.
        """
        if y is None and self.is_table:
            X, y, _ = split_target(as_table(X), None, self.target_name)
        if y is None:
            raise InputError("y is missing: a model of arrays needs the target of each row beside X.")
        x, t = self.prepare(X), self.prepare_targets(y)
        if len(x) != len(t):
            raise ShapeError(f"X has {len(x)} rows and y has {len(t)}, but each row needs one target.")
        return x, t

    def cells(self, rows: Any) -> dict[str, list[Any]]:
        """The cells of rows as the user has them, by the columns that the model uses."""
        if not self.is_table:
            return dict(zip(self.feature_names, self.prepare(rows).T.tolist(), strict=True))
        table = as_table(rows)
        return {column.name: table[column.name].to_list() for column in self.columns if column.features}

    def trace(self, x: Array) -> tuple[Array, list[LayerTrace]]:
        """Scores y (n, k), and x, z, h of every layer, as the model's engine computes them."""
        return self.engine.trace(self.network, x)

    def predictions(self, y: Array) -> Array:
        """p of scores y, of their shape, as the model predicts: a model of tables takes this step in float64."""
        return self.loss.predict(y.astype(np.float64) if self.is_table else y)

    def decode(self, p: Array) -> list[Any]:
        """What the model would say of each row: a label, or a quantity in its own units."""
        if self.model is None:
            return p[:, 0].tolist() if p.shape[1] == 1 else p.tolist()
        decoder = self.model._decoded if self.is_table else self.model._decode
        return decoder(p[:, : p.shape[1] // self.loss.width]).tolist()

    def letters(self, layer: int) -> Letters:
        """What the formulas call the quantities of a layer, counted from 0: numbered where several are hidden."""
        last = len(self.network.layers) - 1
        if layer == last:
            return Letters("v", "c", "y", "y")
        i = str(layer + 1) if last > 1 else ""
        return Letters(f"w{i}", f"b{i}", f"z{i}", f"h{i}")

    def unit_names(self, layer: int) -> tuple[str, ...]:
        """Of the units of a layer, counted from 0: h1, h2, …; with several hidden layers h1.1, …; of y its own."""
        if layer == len(self.network.layers) - 1:
            return self.output_names
        h = self.letters(layer).h
        dot = "." if h != "h" else ""
        return tuple(f"{h}{dot}{j + 1}" for j in range(self.network.layers[layer].w.shape[1]))

    def input_names(self, layer: int) -> tuple[str, ...]:
        """Of what a layer sees: features, or the units of the layer below."""
        return self.feature_names if layer == 0 else self.unit_names(layer - 1)


def as_table(rows: Any) -> Table:
    """Rows as a table: whatever `Table.read` takes, a dict of cells, a pandas Series, or one row of an array."""
    if hasattr(rows, "to_dict") and hasattr(rows, "index") and not hasattr(rows, "columns"):
        rows = rows.to_dict()  # a pandas Series
    if isinstance(rows, Mapping):
        rows = {name: cell if _several(cell) else [cell] for name, cell in rows.items()}
    if isinstance(rows, np.ndarray) and rows.ndim == 1:
        rows = rows[None, :]
    return Table.read(rows)


def _several(cells: Any) -> bool:
    return hasattr(cells, "__len__") and not isinstance(cells, str | bytes)


def _which_network(model: Any) -> str:
    """Which network of several is explained."""
    count = len(getattr(model, "members_", ()))
    return f"Network 1 of {count}, on its own: the model averages them." if count > 1 else ""


def _fitted_loss(model: Any) -> Loss:
    if isinstance(model, Network):
        return SquaredError()
    return model.loss_ if isinstance(model, TABLES) else model._loss


def _columns(model: Any, d: int) -> tuple[tuple[str, ...], tuple[SubjectColumn, ...]]:
    """The names of features, and the columns that they come from."""
    if isinstance(model, TABLES):
        preprocessor: Preprocessor = model.preprocessor_
        places: dict[str, list[int]] = {column.name: [] for column in preprocessor.columns}
        for j, feature in enumerate(preprocessor.features):
            places[feature.column].append(j)
        columns = tuple(
            SubjectColumn(column.name, column.kind, tuple(places[column.name]), _affine(column))
            for column in preprocessor.columns
        )
        return tuple(feature.name for feature in preprocessor.features), columns
    names = tuple(map(str, getattr(model, "feature_names_in_", [f"x{j + 1}" for j in range(d)])))
    return names, tuple(SubjectColumn(name, "number", (j,), (0.0, 1.0)) for j, name in enumerate(names))


def _target_name(target: Any) -> str:
    """What the network predicts: of a target that is learned as its logarithm, that."""
    name = getattr(target, "name", "y")
    return f"ln {name}" if getattr(target, "log", False) else name


def _score_affine(target: Any) -> tuple[float, float]:
    """Of counts p = eʸ, in units of their mean: y + ln mean is the logarithm of what is predicted."""
    if not isinstance(target, NumberTarget):
        return 0.0, 1.0
    return (float(np.log(target.scale)), 1.0) if target.counts else (target.mean, target.scale)


def _affine(column: Column) -> tuple[float, float] | None:
    if column.kind in QUANTITIES:
        return column.mean, column.scale
    return (0.5, 0.5) if column.kind == "boolean" else None


def _output_names(labels: tuple[str, ...], k: int, loss: Loss, target: str) -> tuple[str, ...]:
    if labels and k == len(labels):
        return labels
    if labels and k == 1:
        return (labels[-1],)
    n = k // loss.width
    names = [target] if n == 1 else [f"{target}{j + 1}" for j in range(n)]
    if loss.width == 2:
        return (*(f"{name}: mean" for name in names), *(f"{name}: ln variance" for name in names))
    return tuple(names)
