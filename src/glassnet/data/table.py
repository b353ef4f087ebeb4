"""CSV, Parquet or any dataframe, as named columns. The one door for narwhals."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from glassnet.data.cells import elided
from glassnet.data.delimited import read_delimited
from glassnet.data.series import from_array, from_columns, from_objects, from_pandas
from glassnet.errors import TableError

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
FOREIGN = {
    b"PK\x03\x04": "a zip or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
}
FOREIGN_SUFFIXES = (".xlsx", ".xls", ".ods", ".zip", ".json", ".jsonl", ".feather", ".arrow", ".sqlite", ".db", ".h5")


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
        cls, source: Any, *, separator: str | None = None, encoding: str | None = None, decimal: str | None = None
    ) -> "Table":
        """Read a table from nearly anything that holds one.

        In CSV these cells count as missing: an empty one, NA, N/A, NaN, NaT, null, None, ?, and, in a column where
        everything else is a number, a dash or a point alone. Numbers with leading zeros, as 00007, stay text.

        Args:
            source: A path to CSV (also .tsv, .txt, .gz) or Parquet, "-" for standard input, a binary file, a
                dataframe (pandas, polars, pyarrow, duckdb, lazy ones too), a dict of columns, or a 2-D array,
                whose columns are called x0, x1, ….
            separator: Of a CSV; None finds it among , ; tab |.
            encoding: Of a CSV; None finds it among UTF-8, UTF-16 with a byte order mark, and Windows-1252.
            decimal: Of a CSV, "." or ","; None finds it.

        >>> Table.read(b"a;b\\n1,5;x\\n2;y\\n")["a"].to_list()
        [1.5, 2.0]
        """
        if isinstance(source, Table):
            return source
        if isinstance(source, pl.DataFrame):
            return cls(source)
        if isinstance(source, Mapping):
            return cls(from_columns(source))
        if isinstance(source, np.ndarray):
            return cls(from_array(source))
        origin, data = "The data", source
        if isinstance(source, str | os.PathLike):
            if str(source) == "-":
                origin, data = "Standard input", sys.stdin.buffer.read()
            else:
                origin, data = repr(str(source)), _file_bytes(Path(source).expanduser())
        elif hasattr(source, "read"):
            data = source.read()
            data = data.encode() if isinstance(data, str) else data
        if isinstance(data, bytes | bytearray):
            return cls(_from_bytes(bytes(data), origin, separator, encoding, decimal))
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


def _file_bytes(path: Path) -> bytes:
    """The content of a file that should hold a table."""
    if path.is_dir():
        tables = sorted(file.name for file in path.iterdir() if ".csv" in file.suffixes or ".parquet" in file.suffixes)
        inside = f" Tables in it: {elided(tables, 5)}." if tables else ""
        raise TableError(f"{str(path)!r} is a folder, a file was needed.{inside}")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        beside = sorted(file.name for file in path.parent.iterdir()) if path.parent.is_dir() else []
        near = get_close_matches(path.name, beside, n=1)
        hint = f" Did you mean {str(path.with_name(near[0]))!r}?" if near else " Check the path."
        raise TableError(f"There is no file {str(path)!r}.{hint}") from None
    except OSError as error:
        raise TableError(
            f"{str(path)!r} cannot be read: {error.strerror}. Check the path and its permissions."
        ) from None


def _from_bytes(
    data: bytes, origin: str, separator: str | None, encoding: str | None, decimal: str | None
) -> pl.DataFrame:
    """A frame from the bytes of a Parquet or CSV file, either of them perhaps compressed."""
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(f"{origin} is a damaged gzip file: {error}. Copy or download it again.") from None
    if data.startswith(PARQUET):
        try:
            return pl.read_parquet(io.BytesIO(data))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            reason = str(error).split("\n")[0]
            raise TableError(f"{origin} is a damaged Parquet file: {reason}. Copy or download it again.") from None
    name = origin.strip("'").lower()
    kind = next((kind for magic, kind in FOREIGN.items() if data.startswith(magic)), None)
    if kind is None and name.endswith(FOREIGN_SUFFIXES):
        kind = f"a {Path(name).suffix} file"
    if kind is None and name.endswith(".parquet"):
        raise TableError(
            f"{origin} is not a Parquet file, whatever its name says. Write it again, or rename it to .csv."
        )
    if kind is not None:
        raise TableError(f"{origin} is {kind}. CSV or Parquet was needed: save or export it as one of them.")
    return read_delimited(data, origin, separator, encoding, decimal)


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
            f"Cannot read a table from {type(source).__name__}. A path, a dataframe, a dict of columns "
            f"or a 2-D array was needed."
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
