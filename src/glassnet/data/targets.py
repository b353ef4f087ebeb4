"""Labels or quantities ↔ targets t (n, k)."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from glassnet.data.cells import PADDED, as_flags, as_numbers, as_text, infinite, moments, positions, quoted
from glassnet.data.records import Record, damaged
from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError

MOST_CLASSES, ROWS_PER_CLASS = 10, 5
LEAST_OF_LOG = 1e-3  # of the least in training: a new row of 0 or less counts as that, for it has no logarithm

Values = pl.Series | np.ndarray | Sequence[Any]


def looks_like_classes(series: pl.Series) -> bool:
    """Whether a target column reads as labels rather than quantities.

    Flags and texts are labels, unless every text is a number. Whole numbers are labels if there are only two
    different ones, or at most 10 with 5 rows each on average. Anything with a fraction is a quantity.

    >>> looks_like_classes(pl.Series([0, 1, 1, 0])), looks_like_classes(pl.Series([1.5, 2.0]))
    (True, False)
    """
    if series.dtype == pl.Boolean:
        return True
    seen = as_numbers(series).drop_nulls()
    if series.dtype == pl.String:
        text = as_text(series).drop_nulls()
        if len(seen) < len(text) or text.str.contains(PADDED).any():
            return True
    n_distinct = seen.n_unique()
    if not len(seen) or not (seen == seen.round()).all():
        return False
    return n_distinct <= 2 or (n_distinct <= MOST_CLASSES and len(seen) >= ROWS_PER_CLASS * n_distinct)


def _series(values: Values, name: str) -> pl.Series:
    """The target as a series without missing cells."""
    series = Table.read({name: values})[name]
    missing = as_text(series).is_null() if not series.dtype.is_nested() else series.is_null()
    if missing.any():
        rows = missing.arg_true()
        first = ", ".join(str(row + 1) for row in rows.head(5))
        more = ", …" if len(rows) > 5 else ""
        raise TableError(
            f"The target {name!r} is missing in {len(rows)} of {len(series)} rows (row {first}{more}, counted from 1). "
            f"A network learns only from rows whose answer is known: drop these rows."
        )
    return series


@dataclass(frozen=True)
class ClassTarget:
    """Labels and their codes: t (n, 1) of 0 and 1 for two classes, else one-hot t (n, k).

    >>> target = ClassTarget.fit(["cat", "dog", "cat"], "animal")
    >>> target.encode(["dog", "cat"]).ravel()
    array([1., 0.])
    >>> target.decode(np.array([[0.9], [0.2]]))
    array(['dog', 'cat'], dtype=object)
    """

    name: str
    labels: tuple[Any, ...]

    @classmethod
    def fit(cls, values: Values, name: str = "target") -> "ClassTarget":
        """Learn the classes, in sorted order."""
        series = _series(values, name)
        if not (series.dtype.is_numeric() or series.dtype in (pl.String, pl.Boolean)):
            raise TableError(f"The target {name!r} holds {series.dtype}. Labels were needed: texts, numbers or flags.")
        labels = tuple(series.unique().sort().to_list())
        if len(labels) < 2:
            only = f"only {labels[0]!r}" if labels else "no rows"
            raise TableError(f"The target {name!r} holds {only}. At least two classes were needed to tell apart.")
        return cls(name, labels)

    @property
    def names(self) -> tuple[str, ...]:
        """The name, as several targets have theirs."""
        return (self.name,)

    @property
    def classes(self) -> np.ndarray:
        """The labels, sorted, in the user's own type; texts as objects."""
        return np.array(self.labels, dtype=object if isinstance(self.labels[0], str) else None)

    def codes(self, values: Values) -> np.ndarray:
        """The place of each label in classes, (n,)."""
        series = _series(values, self.name)
        if isinstance(self.labels[0], bool):
            place = as_flags(series).cast(pl.Int64)
        else:
            labels = pl.Series(self.labels)
            place = positions(series, (labels if labels.dtype == pl.String else as_text(labels)).to_list())
        if place.null_count():
            raise TableError(
                f"The target {self.name!r} holds labels that training never saw: {quoted(series, place.is_null())}. "
                f"Known: {', '.join(str(label) for label in self.labels[:20])}. Drop these rows, or train with them."
            )
        return place.to_numpy().astype(np.int64)

    def encode(self, values: Values) -> np.ndarray:
        """Targets t, (n, 1) for two classes, else (n, k)."""
        codes, k = self.codes(values), len(self.labels)
        return codes[:, None].astype(np.float64) if k == 2 else np.eye(k)[codes]

    def probabilities(self, p: np.ndarray) -> np.ndarray:
        """One column per class, (n, classes), of predictions p (n, 1) or (n, k)."""
        return np.hstack([1 - p, p]) if len(self.labels) == 2 else p

    def decode(self, p: np.ndarray) -> np.ndarray:
        """The most probable label of each row, (n,)."""
        return self.classes[self.probabilities(p).argmax(axis=1)]

    def to_dict(self) -> dict[str, Any]:
        """A record for a file."""
        return {"kind": "classes", "name": self.name, "classes": list(self.labels)}

    @classmethod
    def from_dict(cls, record: Any) -> "ClassTarget":
        """The target that to_dict wrote down; labels keep their type."""
        fields = Record(record, "the target")
        labels = fields.items("classes")
        types = {type(label) for label in labels}
        if fields.text("kind") != "classes" or len(types) != 1 or not types <= {str, bool, int, float}:
            raise damaged("the target's classes must be texts, numbers or flags, all of one kind")
        if len(set(labels)) < max(len(labels), 2) or any(label != label for label in labels):
            raise damaged("the target needs two different classes or more")
        return cls(fields.text("name"), tuple(labels))


@dataclass(frozen=True)
class NumberTarget:
    """Quantities, standardised: t = (y − mean) / scale; with `log` t = (ln y − mean) / scale.

    Counts and other quantities that are never below 0 may be divided by their mean alone, so that they stay so: with
    `counts` the scale is that mean, and `mean` is 0.

    >>> target = NumberTarget.fit([1.0, 3.0], "price")
    >>> target.encode([1.0, 5.0]).ravel()
    array([-1.,  3.])
    >>> target.decode(np.array([[-1.0], [3.0]]))
    array([1., 5.])
    """

    name: str
    mean: float
    scale: float
    minimum: float
    maximum: float
    log: bool = False
    counts: bool = False

    @classmethod
    def fit(cls, values: Values, name: str = "target", *, log: bool = False, counts: bool = False) -> "NumberTarget":
        """Learn mean and scale; a constant target keeps scale 1, with a DataWarning."""
        y = _quantities(values, name)
        if not len(y):
            raise TableError(f"The target {name!r} has no rows. At least one was needed.")
        low, high = float(y.min()), float(y.max())
        if log and low <= 0:
            raise TableError(f"The target {name!r} is {low!r} in a row, but a logarithm needs numbers above 0.")
        if counts:
            _require_counts(low, name)
        learned = np.log(y) if log else y
        mean, scale = moments(learned, float(np.median(learned)))
        if scale == 0:
            warnings.warn(
                f"The target {name!r} is {low!r} in every row: there is nothing to learn, the model will predict "
                f"that. Check that it is the right column.",
                DataWarning,
                stacklevel=2,
            )
        if counts:
            mean, scale = 0.0, mean
        return cls(name, mean, scale or 1.0, low, high, log, counts)

    @property
    def names(self) -> tuple[str, ...]:
        """The name, as several targets have theirs."""
        return (self.name,)

    def encode(self, values: Values) -> np.ndarray:
        """Targets t, (n, 1)."""
        y = self.quantities(values)
        if self.counts and len(y):
            _require_counts(float(y.min()), self.name)
        if self.log:
            y = np.log(np.maximum(y, LEAST_OF_LOG * self.minimum))
        return ((y - self.mean) / self.scale)[:, None]

    def quantities(self, values: Values) -> np.ndarray:
        """The target as finite numbers in its own units, (n,)."""
        return _quantities(values, self.name)

    def decode(self, p: np.ndarray) -> np.ndarray:
        """Predictions in the target's own units, (n,), of p (n, 1)."""
        return self.in_units(p[:, 0])

    def in_units(self, p: np.ndarray) -> np.ndarray:
        """The same of p of any shape."""
        learned = p * self.scale + self.mean
        if self.counts:
            return np.maximum(learned, 0)
        return np.exp(learned) if self.log else learned

    def to_dict(self) -> dict[str, Any]:
        """A record for a file."""
        numbers = {key: getattr(self, key) for key in ("mean", "scale", "minimum", "maximum")}
        forms = {form: True for form in ("log", "counts") if getattr(self, form)}
        return {"kind": "number", "name": self.name} | numbers | forms

    @classmethod
    def from_dict(cls, record: Any) -> "NumberTarget":
        """The target that to_dict wrote down."""
        fields = Record(record, "the target")
        if fields.text("kind") != "number":
            raise damaged(f"the target is of kind {fields.text('kind')!r}, 'number' was needed")
        numbers = {key: fields.number(key) for key in ("mean", "minimum", "maximum")}
        log, counts = (form in fields.record and fields.flag(form) for form in ("log", "counts"))
        if log and numbers["minimum"] <= 0:
            raise damaged("the target has a logarithm, but was not above 0")
        if counts and (log or numbers["mean"] or numbers["minimum"] < 0):
            raise damaged("the target counts, but is moved, has a logarithm, or was below 0")
        return cls(fields.text("name"), scale=fields.positive("scale"), log=log, counts=counts, **numbers)


def _require_counts(low: float, name: str) -> None:
    if low < 0:
        raise TableError(
            f"The target {name!r} is {low!r} in a row, but loss='poisson' needs counts or other quantities that are "
            f"never below 0. Drop these rows, or choose another loss."
        )


def _quantities(values: Values, name: str) -> np.ndarray:
    """The target as finite numbers (n,)."""
    series = _series(values, name)
    numbers = as_numbers(series)
    if numbers.null_count():
        raise TableError(
            f"The target {name!r} needs numbers, but holds {quoted(series, numbers.is_null())}. "
            f"To learn labels, use a classifier: TableClassifier."
        )
    if infinite(numbers).any():
        raise TableError(
            f"The target {name!r} holds infinite or too large numbers: {quoted(series, infinite(numbers))}. "
            f"Drop these rows."
        )
    return numbers.to_numpy()
