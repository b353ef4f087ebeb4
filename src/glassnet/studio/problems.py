"""Rows to learn from, wherever they come from: drawn, typed as a formula, put down by hand, a table, a model's own."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.data.examples import EXAMPLES
from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import QUANTITIES
from glassnet.data.targets import ClassTarget, NumberTarget, looks_like_classes
from glassnet.errors import InputError, TableError
from glassnet.explanation.formulas import Formula
from glassnet.explanation.subject import Subject, as_table
from glassnet.nn import Loss, get_loss
from glassnet.nn.elementary import Array
from glassnet.studio.settings import DRAWN, MOST_FEATURES, Settings
from glassnet.studio.slices import affine_of, places_of, typical_row

MOST_CLASSES = 20
MOST_VALUES = 100  # of a category, each of which is a unit on the page
MODEL_ROWS = 400  # drawn where a model came without a table
EDGE = 1.1  # how far a picture reaches beyond the rows
TWO = ("squared_error", "absolute_error", "huber")  # losses that take two classes as −1 and +1
Shelf = Mapping[str, Any]  # tables and models that the page can name: (name, Table) or (name, model)


@dataclass(frozen=True, eq=False)
class Problem:
    """Rows with their answers, and how to speak of them.

    Attributes:
        title: What it is called.
        classes: Names of the classes in the order of their codes; () of a quantity.
        target: What is predicted.
        names: Of the raw features, which formulas may use.
        raw: The raw features (n, d).
        answers: Codes of classes, or quantities in the network's units, (n,).
        held: Which rows are held out, (n,).
        affine: (mean, scale) of each raw feature: its own units are mean + scale · value.
        target_affine: The same of a quantity.
        base: The row that the other features of a picture are held at, (d,).
        preprocessor, target_map: What makes a table a model of tables; None where rows come from elsewhere.
        network: Parameters to begin with, and their shape; a model's own.
        note: What should be said of these rows.
    """

    title: str
    classes: tuple[str, ...]
    target: str
    names: tuple[str, ...]
    raw: Array
    answers: Array
    held: Array
    affine: tuple[tuple[float, float], ...]
    base: Array
    target_affine: tuple[float, float] = (0.0, 1.0)
    preprocessor: Preprocessor | None = None
    target_map: ClassTarget | NumberTarget | None = None
    model: Subject | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def kind(self) -> str:
        """ "classes" or "quantity"."""
        return "classes" if self.classes else "quantity"

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the scores y."""
        return self.classes if len(self.classes) > 2 else ("y",)

    def loss(self, name: str) -> Loss:
        """The loss of that name; "auto" is what fits.

        Raises:
            InputError: One that these answers cannot have.
        """
        if name == "auto":
            if self.model is not None:
                return self.model.loss
            name = {0: "squared_error", 2: "binary_cross_entropy"}.get(len(self.classes), "cross_entropy")
        if name not in self.losses:
            raise InputError(
                f"The loss {name} does not fit {self._answers}: choose one of {', '.join(self.losses)}, or auto."
            )
        return get_loss(name)

    @property
    def losses(self) -> tuple[str, ...]:
        """What fits these answers."""
        if not self.classes:
            return (*TWO, "quantile")
        return ("binary_cross_entropy", *TWO) if len(self.classes) == 2 else ("cross_entropy", "squared_error")

    @property
    def _answers(self) -> str:
        return f"{len(self.classes)} classes" if self.classes else "a quantity"

    def targets(self, loss: Loss) -> Array:
        """t (n, k): 0 and 1 of two classes under cross entropy, −1 and +1 under other losses; else one-hot."""
        if not self.classes:
            return self.answers[:, None]
        codes = self.answers.astype(int)
        if len(self.classes) > 2:
            return np.eye(len(self.classes))[codes]
        ones = codes[:, None].astype(np.float64)
        return ones if loss.name == "binary_cross_entropy" else 2 * ones - 1

    def score(self, y: Array, rows: Array) -> float:
        """The accuracy of scores y (n, k) of these rows, or their R²."""
        answers = self.answers[rows]
        if not len(answers) or not np.isfinite(y).all():
            return float("nan")
        if self.classes:
            said = y.argmax(axis=1) if y.shape[1] > 1 else y[:, 0] > 0
            return float(np.mean(said == answers))
        spread = float(((answers - answers.mean()) ** 2).sum())
        return float(1 - ((y[:, 0] - answers) ** 2).sum() / spread) if spread else float("nan")

    def features(self, texts: list[str]) -> list[Formula | int]:
        """Names as places in `raw`, anything else as formulas of raw features.

        Raises:
            InputError: None, too many, or a formula that is none.
        """
        if not texts:
            raise InputError("No feature is left: a network needs at least one.")
        if len(texts) > max(MOST_FEATURES, len(self.names)):
            raise InputError(f"{len(texts)} features are too many: {MOST_FEATURES} are the most.")
        places = {name: j for j, name in enumerate(self.names)}
        return [places[text] if text in places else Formula.parse(text, self.names) for text in texts]

    def prepare(self, texts: list[str], raw: Array) -> Array:
        """x (n, d) of raw features (n, d₀), in the order of `texts`.

        Raises:
            InputError: A formula that has no value at a row.
        """
        columns = []
        for feature in self.features(texts):
            column = raw[:, feature] if isinstance(feature, int) else feature(raw)
            if not np.isfinite(column).all():
                raise InputError(
                    f"The feature {feature} has no finite value at {int((~np.isfinite(column)).sum())} of "
                    f"{len(column)} places, such as a logarithm of a negative number."
                )
            columns.append(column)
        return np.column_stack(columns).astype(np.float64)

    @cached_property
    def box(self) -> tuple[Array, Array]:
        """The corners (d,) of what pictures show, in raw features."""
        lo, hi = self.raw.min(axis=0), self.raw.max(axis=0)
        if self.preprocessor is None and self.model is None:  # drawn in the plane: the same square, whatever the noise
            reach = max(1.2, float(np.abs(self.raw).max()))
            return np.full(len(lo), -reach), np.full(len(hi), reach)
        middle, half = (lo + hi) / 2, np.maximum((hi - lo) / 2, 0.5) * EDGE
        return middle - half, middle + half

    @cached_property
    def best_plane(self) -> tuple[int, int]:
        """The two raw features that say most about the answers, by correlation; x1 and x2 of a plane."""
        if len(self.names) <= 2:
            return (0, len(self.names) - 1)
        goal = np.eye(len(self.classes))[self.answers.astype(int)] if len(self.classes) > 2 else self.answers[:, None]
        x, t = self.raw - self.raw.mean(axis=0), goal - goal.mean(axis=0)
        spread = np.sqrt((x**2).sum(axis=0))[:, None] * np.sqrt((t**2).sum(axis=0))[None, :]
        strength = np.abs(np.divide(x.T @ t, spread, out=np.zeros(spread.shape), where=spread > 0)).max(axis=1)
        # A number of the table's own before what was made of a date or a name, which no one reads off an axis.
        own = [feature.kind == "number" for feature in self.preprocessor.features] if self.preprocessor else []
        several = np.array([len(np.unique(column)) > 2 for column in self.raw.T])
        order = np.argsort(-(strength + 2.0 * several + (4.0 * np.array(own) if own else 0)), kind="stable")
        return int(order[0]), int(order[1])


def make_problem(data: Settings, shelf: Shelf) -> Problem:
    """The rows that settings speak of.

    Raises:
        InputError: A formula, table or model that cannot be used; it says why.
    """
    if data["kind"] in DRAWN:
        return _drawn(data)
    if data["kind"] == "formula":
        return _formula(data)
    if data["kind"] == "points":
        return _points(data)
    return _table(data, shelf) if data["kind"] == "table" else _of_model(data, shelf)


def split(n: int, share: float, seed: int) -> Array:
    """Which of n rows are held out: the others are about `share`, and at least one."""
    held = np.ones(n, bool)
    held[np.random.default_rng([seed, n]).permutation(n)[: max(1, round(share * n))]] = False
    return held


def _plane(title: str, raw: Array, answers: Array, data: Settings, **more: Any) -> Problem:
    names = more.pop("names", ("x1", "x2"))
    d = raw.shape[1]
    return Problem(
        title=title,
        classes=more.pop("classes", ()),
        target=more.pop("target", "y"),
        names=names,
        raw=np.ascontiguousarray(raw, np.float64),
        answers=np.asarray(answers, np.float64),
        held=split(len(raw), data["share"], data["seed"]),
        affine=((0.0, 1.0),) * d,
        base=np.zeros(d),
        **more,
    )


def _drawn(data: Settings) -> Problem:
    table = EXAMPLES[data["kind"]](n=data["n"], noise=data["noise"], seed=data["seed"])
    raw = table.select(["x1", "x2"]).frame.to_numpy()
    if "y" in table.names:
        return _plane(data["kind"], raw, table["y"].to_numpy(), data)
    target = ClassTarget.fit(table["label"], "label")
    classes = tuple(map(str, target.labels))
    return _plane(
        data["kind"], raw, target.codes(table["label"]), data, classes=classes, target="label", target_map=target
    )


def _formula(data: Settings) -> Problem:
    """f(x1, x2), f(x) or f(x, y) as a quantity; a comparison of two such as two classes."""
    words, n = data["text"], data["n"]
    rng = np.random.default_rng(data["seed"])
    sides = re.split(r"[<>]", words)
    if len(sides) > 2:
        raise InputError(f"{words!r} compares more than once: write one comparison, such as x2 > sin(3*x1).")
    trees = [Formula.parse(re.sub(r"^\s*y\s*=(?!=)", "", side)) for side in sides]
    used = set().union(*(tree.used for tree in trees))
    names: tuple[str, ...] = ("x1", "x2")
    if used <= {"x"} and len(sides) == 1:
        names = ("x",)
    elif used and used <= {"x", "y"}:
        names = ("x", "y")
    formulas = [Formula.parse(tree.text, names) for tree in trees]  # names that are none of these are told apart
    raw = rng.uniform(-1, 1, (n, len(names)))
    values = formulas[0](raw)
    if len(formulas) == 2:
        other = formulas[1](raw)
        values = other - values if "<" in words else values - other
    usable = np.isfinite(values)
    if usable.sum() < 2:
        raise InputError(f"{words!r} has no value between −1 and 1: at least two rows need one.")
    raw, values = raw[usable], values[usable]
    if len(formulas) == 2:
        codes = (values > 0).astype(float)
        if len(np.unique(codes)) < 2:
            raise InputError(
                f"{words!r} is {'true' if codes[0] else 'false'} everywhere between −1 and 1: there is nothing to part."
            )
        raw = raw + data["noise"] * rng.normal(size=raw.shape) * 0.5
        return _plane(words, raw, codes, data, names=names, classes=("no", "yes"), target="true")
    values = values + data["noise"] * float(values.std()) * rng.normal(size=len(values))
    return _plane(words, raw, values, data, names=names)


def _points(data: Settings) -> Problem:
    points = np.array(data["points"], dtype=np.float64).reshape(-1, 3)
    if len(points) < 2 or len(np.unique(points[:, 2])) < 2:
        raise InputError("Points of both classes are needed, one of each at least.")
    # Each draws its own lot, so that rows that were there keep their side as points are added.
    held = np.random.default_rng(data["seed"]).uniform(size=len(points)) >= data["share"]
    if held.all():
        held[0] = False
    found = _plane("points", points[:, :2], points[:, 2], data, classes=("−1", "+1"), target="class")
    return replace(found, held=held)


def _table(data: Settings, shelf: Shelf) -> Problem:
    name, table = _from_shelf(shelf, data["table"], "table")
    target = data["target"] or table.names[-1]
    table.require(target)
    rows = table.take(table[target].is_not_null().arg_true().to_numpy())
    if len(rows) < 4:
        raise TableError(f"{len(rows)} rows have a known {target!r}, but at least 4 are needed to learn and to check.")
    held = split(len(rows), data["share"], data["seed"])
    left_out = len(table) - len(rows)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        map_: ClassTarget | NumberTarget
        if looks_like_classes(rows[target]):
            map_ = ClassTarget.fit(rows[target], target)
            if len(map_.labels) > MOST_CLASSES:
                raise TableError(
                    f"{target!r} has {len(map_.labels)} different values, but at most {MOST_CLASSES} classes can be "
                    f"shown. Choose another target."
                )
            answers = map_.codes(rows[target]).astype(np.float64)
            classes = tuple(map(str, map_.labels))
            affine = (0.0, 1.0)
        else:
            map_ = NumberTarget.fit(rows[target], target)
            answers, classes, affine = map_.encode(rows[target])[:, 0], (), (map_.mean, map_.scale)
        columns = {key: kind for key, kind in data["columns"].items() if key in rows.names and key != target}
        inputs = rows.without(target)
        # Learned from the rows for training alone: what is held out stays unseen.
        preprocessor = Preprocessor.fit(inputs.take(np.flatnonzero(~held)), columns, most_values=MOST_VALUES)
        raw = preprocessor.transform(inputs)
    notes = [f"{left_out} rows without {target!r} are left out."] if left_out else []
    notes += dict.fromkeys(str(warning.message) for warning in caught)
    return Problem(
        title=data["name"] or name,
        classes=classes,
        target=target,
        names=tuple(feature.name for feature in preprocessor.features),
        raw=raw,
        answers=answers,
        held=held,
        affine=affine_of(preprocessor),
        base=typical_row(preprocessor, raw),
        target_affine=affine,
        preprocessor=preprocessor,
        target_map=map_,
        notes=tuple(notes),
    )


def _of_model(data: Settings, shelf: Shelf) -> Problem:
    """A fitted model with a table, or with rows drawn from what it was trained on and its own answers."""
    name, model = _from_shelf(shelf, data["model"], "model")
    subject = Subject.of(model, dtype=np.float64)
    preprocessor = getattr(subject.model, "preprocessor_", None)
    notes: tuple[str, ...] = (subject.note,) if subject.note else ()
    if data["table"]:
        _, rows = _from_shelf(shelf, data["table"], "table")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if isinstance(rows, tuple):
                raw, t = subject.examples(*rows)
            else:
                name_of_target = subject.target_name
                known = as_table(rows)
                if not subject.is_table:
                    name_of_target = known.names[-1]
                    raw, t = subject.examples(known.without(name_of_target), known[name_of_target].to_numpy())
                else:
                    known.require(name_of_target)
                    raw, t = subject.examples(known.take(known[name_of_target].is_not_null().arg_true().to_numpy()))
    else:
        raw = _rows_of(subject, preprocessor)
        t = subject.loss.predict(subject.network.forward(raw)[0])
        notes += ("The model came without rows: these are drawn from what it was trained on, with its own answers.",)
    k = t.shape[1]
    classes = subject.class_names
    if subject.loss.name == "poisson":
        raise InputError("The model predicts eʸ (its loss is poisson), but the studio shows what is y itself.")
    if k > 1 and not classes:
        raise InputError(f"The model predicts {k} quantities at once; the studio shows one, or classes.")
    answers = t.argmax(axis=1) if k > 1 else (t[:, 0] > 0.5) if classes else t[:, 0]
    return Problem(
        title=data["name"] or name,
        classes=classes,
        target=subject.target_name,
        names=subject.feature_names,
        raw=np.asarray(raw, np.float64),
        answers=np.asarray(answers, np.float64),
        held=split(len(raw), data["share"], data["seed"]),
        affine=affine_of(preprocessor) if preprocessor is not None else ((0.0, 1.0),) * len(subject.feature_names),
        base=np.median(raw, axis=0) if preprocessor is None else typical_row(preprocessor, raw),
        target_affine=subject.target_affine,
        preprocessor=preprocessor,
        target_map=getattr(subject.model, "target_", None),
        model=subject,
        notes=notes,
    )


def _rows_of(subject: Subject, preprocessor: Preprocessor | None) -> Array:
    """Rows within what training saw; of a model of arrays, which does not say, a square about 0."""
    rng = np.random.default_rng(0)
    d = len(subject.feature_names)
    if preprocessor is None:
        return rng.uniform(-2, 2, (MODEL_ROWS, d))
    raw = np.zeros((MODEL_ROWS, d))
    places = places_of(preprocessor)
    for column in preprocessor.columns:
        where = places.get(column.name)
        if where is None:
            continue
        if column.kind == "category":
            raw[np.arange(MODEL_ROWS), where[0] + rng.integers(len(where), size=MODEL_ROWS)] = 1
        elif column.kind == "boolean":
            raw[:, where[0]] = rng.choice([-1.0, 1.0], MODEL_ROWS)
        elif column.kind in (*QUANTITIES, "date"):
            lo, hi = ((end - column.mean) / column.scale for end in (column.minimum, column.maximum))
            raw[:, where[0]] = rng.uniform(lo, hi, MODEL_ROWS)
    return raw


def _from_shelf(shelf: Shelf, key: str, what: str) -> tuple[str, Any]:
    if key not in shelf:
        raise InputError(f"The {what} is not here any more: the studio was started anew. Drop the file again.")
    found: tuple[str, Any] = shelf[key]
    return found
