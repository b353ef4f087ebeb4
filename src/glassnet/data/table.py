"""CSV, Parquet, Excel or any dataframe, as named columns. The one door for narwhals."""

import gzip
import io
import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
import scipy.sparse

from glassnet.data.cells import elided
from glassnet.data.files import file_bytes, from_bytes
from glassnet.data.series import from_array, from_columns, from_objects, from_pandas
from glassnet.errors import TableError


class Table:
    """Named columns of equal length; a missing cell is null, whatever the source called it.

    >>> table = Table.read({"x": [1.0, 2.5], "colour": ["red", None]})
    >>> table
    Table(2 rows: x, colour)
    >>> table["colour"].null_count()
    1
    """

    __slots__ = ("frame",)

    frame: pl.DataFrame

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame.with_columns(_plain(series) for series in frame)

    @classmethod
    def read(
        cls,
        source: Any,
        *,
        separator: str | None = None,
        encoding: str | None = None,
        decimal: str | None = None,
        sheet: str | None = None,
    ) -> "Table":
        """Read a table from nearly anything that holds one.

        In CSV these cells count as missing: an empty one, NA, N/A, NaN, NaT, null, None, ?, and, in a column where
        everything else is a number, a dash or a point alone. Numbers with leading zeros, as 00007, stay text. Of an
        Excel sheet, the first row that is not empty names the columns; formulas count by the value stored with them.

        Args:
            source: A path to CSV (also .tsv, .txt, .gz), Parquet or Excel (.xlsx, with `glassnet[excel]`), "-" for
                standard input, a binary file, a dataframe (pandas, polars, pyarrow, duckdb, lazy ones too), a dict of
                columns, a list of dicts or of lists, one for each row, or a 2-D array, with columns x0, x1, ….
            separator: Of a CSV; None finds it among , ; tab |.
            encoding: Of a CSV; None finds it among UTF-8, UTF-16 with a byte order mark, and Windows-1252.
            decimal: Of a CSV, "." or ","; None finds it.
            sheet: Of an Excel file, the sheet's name; None is the first.

        >>> Table.read(b"a;b\\n1,5;x\\n2;y\\n")["a"].to_list()
        [1.5, 2.0]
        """
        if isinstance(source, Table):
            return source
        if isinstance(source, pl.DataFrame):
            return cls(source)
        if scipy.sparse.issparse(source):
            raise TableError(
                f"The table is a sparse matrix of {source.shape[1]} columns, but cells of a table are needed: pass "
                f"x.toarray(), or train an MLPClassifier or MLPRegressor, which take sparse input."
            )
        if isinstance(source, Mapping):
            return cls(from_columns(source))
        if isinstance(source, np.ndarray):
            return cls(from_array(source))
        if isinstance(source, list | tuple) and source and all(isinstance(row, Mapping) for row in source):
            names = dict.fromkeys(name for row in source for name in row)
            return cls(from_columns({name: [row.get(name) for row in source] for name in names}))
        rows = source if isinstance(source, list | tuple) else ()
        if _is_array_like(source) or (rows and all(isinstance(row, list | tuple | np.ndarray) for row in rows)):
            return cls(from_array(_as_array(source)))
        origin, data = "The data", source
        if isinstance(source, str | os.PathLike):
            if str(source) == "-":
                origin, data = "Standard input", sys.stdin.buffer.read()
            else:
                origin, data = repr(str(source)), file_bytes(Path(source).expanduser())
        elif hasattr(source, "read"):
            data = source.read()
            data = data.encode() if isinstance(data, str) else data
        if isinstance(data, bytes | bytearray):
            return cls(from_bytes(bytes(data), origin, separator, encoding, decimal, sheet))
        return cls(_from_dataframe(source))

    @property
    def names(self) -> list[str]:
        """The column names, in order."""
        return self.frame.columns

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.frame.height

    def __len__(self) -> int:
        return self.frame.height

    def __getitem__(self, name: str) -> pl.Series:
        self.require(name)
        return self.frame[name]

    def __repr__(self) -> str:
        return f"Table({self.n_rows} rows: {elided(self.names)})"

    def require(self, *names: str) -> None:
        """Raise a TableError that lists every name the table does not have."""
        missing = [name for name in names if name not in self.frame.columns]
        if not missing:
            return
        by_lower = {known.lower(): known for known in self.names}
        hints = []
        for name in missing[:5]:
            near = get_close_matches(str(name).lower(), by_lower, n=1)
            hints.append(f"{name!r}" + (f" (did you mean {by_lower[near[0]]!r}?)" if near else ""))
        more = f", … ({len(missing)} in all)" if len(missing) > 5 else ""
        raise TableError(
            f"The table has no column {', '.join(hints)}{more}. It has {len(self.names)}: {elided(self.names)}."
        )

    def select(self, names: Sequence[str]) -> "Table":
        """These columns, in this order."""
        self.require(*names)
        return Table(self.frame.select(list(names)))

    def without(self, *names: str) -> "Table":
        """All columns but these."""
        self.require(*names)
        return Table(self.frame.drop(list(names)))

    def take(self, indices: Sequence[int] | np.ndarray | slice) -> "Table":
        """These rows, in this order."""
        return Table(self.frame[indices])


def _plain(series: pl.Series) -> pl.Series:
    """The series in a plain dtype, missing cells as null."""
    if series.dtype in (pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    if series.dtype.is_decimal():
        return series.cast(pl.Float64)
    if series.dtype == pl.Object:
        return from_objects(series.name, series.to_list())
    return series.fill_nan(None) if series.dtype.is_float() else series


def _from_dataframe(source: Any) -> pl.DataFrame:
    """A frame from any dataframe that narwhals knows; pandas column by column, which needs no Arrow."""
    if hasattr(source, "iloc") and hasattr(source, "columns"):
        names = [str(name) for name in source.columns]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise TableError(f"The dataframe has more than one column named {elided(doubles)}. Rename the doubles.")
        return pl.DataFrame([from_pandas(name, source.iloc[:, j]) for j, name in enumerate(names)])
    try:
        frame = nw.from_native(source)
    except TypeError:
        raise TableError(
            f"Cannot read a table from {type(source).__name__}. A path, a dataframe, a dict of columns, "
            f"a list of dicts or a 2-D array was needed."
        ) from None
    return frame.collect("polars").to_native() if isinstance(frame, nw.LazyFrame) else frame.to_polars()


def write_table(columns: Mapping[str, Sequence[Any] | np.ndarray], destination: str | os.PathLike[str]) -> None:
    """Write columns as CSV (.csv, .tsv, also .gz) or Parquet, as the name says; "-" is CSV on standard output.

    A file appears whole or not at all: it is written beside its place and then moved there.
    """
    frame = Table.read(columns).frame
    if destination == "-":
        sys.stdout.write(frame.write_csv())
        return
    path = Path(destination).expanduser()
    stream = io.BytesIO()
    suffixes = "".join(path.suffixes[-2:]).lower()
    if suffixes.endswith(".parquet"):
        frame.write_parquet(stream)
    elif suffixes.removesuffix(".gz").endswith((".csv", ".tsv", ".txt")):
        separator = "\t" if suffixes.removesuffix(".gz").endswith(".tsv") else ","
        frame.write_csv(stream, separator=separator)
    else:
        raise TableError(
            f"Cannot tell a format from {str(path)!r}. The name must end in .csv, .csv.gz, .tsv or .parquet."
        )
    data = stream.getvalue()
    _write_whole(path, gzip.compress(data, mtime=0) if suffixes.endswith(".gz") else data)


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; a pipe or device is written in place."""
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        path = path.resolve()  # through a link, to the file it names
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise TableError(
            f"{str(path)!r} cannot be written: {error.strerror}. Choose a folder you can write to."
        ) from None


def _is_array_like(source: Any) -> bool:
    """Whether it makes an array of itself, and is no dataframe."""
    return hasattr(source, "__array__") and not hasattr(source, "columns") and not hasattr(source, "dtypes")


def _as_array(source: Any) -> np.ndarray:
    """An array of rows; where their cells are of several kinds, each as it is."""
    array = np.asarray(source)
    return np.array(source, dtype=object) if array.dtype.kind in "US" else array
