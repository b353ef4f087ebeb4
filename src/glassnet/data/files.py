"""Bytes → a frame: what kind of file they are, CSV, Parquet or Excel, is found by looking."""

import gzip
import io
import zipfile
import zlib
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from glassnet.data.cells import elided
from glassnet.data.delimited import read_delimited
from glassnet.data.excel import read_excel
from glassnet.errors import TableError

GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"
FOREIGN = {
    ZIP: "a zip file",
    b"\xd0\xcf\x11\xe0": "an old Excel file, or one with a password",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
}
EXCEL = (".xlsx", ".xlsm")
FOREIGN_SUFFIXES = (".xls", ".ods", ".zip", ".json", ".jsonl", ".feather", ".arrow", ".sqlite", ".db", ".h5")


def file_bytes(path: Path) -> bytes:
    """The content of a file that should hold a table."""
    if path.is_dir():
        tables = sorted(file.name for file in path.iterdir() if {".csv", ".parquet", ".xlsx"} & {*file.suffixes})
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


def from_bytes(
    data: bytes, origin: str, separator: str | None, encoding: str | None, decimal: str | None, sheet: str | None
) -> pl.DataFrame:
    """A frame from the bytes of an Excel, Parquet or CSV file, perhaps compressed."""
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise TableError(f"{origin} is a damaged gzip file: {error}. Copy or download it again.") from None
    name = origin.strip("'").lower()
    if name.endswith(EXCEL) or (data.startswith(ZIP) and _is_workbook(data)):
        return read_excel(data, origin, sheet)
    if sheet is not None:
        raise TableError(f"{origin} has no sheets, but sheet={sheet!r} was asked for. Leave sheet out.")
    if data.startswith(PARQUET):
        try:
            return pl.read_parquet(io.BytesIO(data))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            reason = str(error).split("\n")[0]
            raise TableError(f"{origin} is a damaged Parquet file: {reason}. Copy or download it again.") from None
    kind = next((kind for magic, kind in FOREIGN.items() if data.startswith(magic)), None)
    if kind is None and name.endswith(FOREIGN_SUFFIXES):
        kind = f"a {Path(name).suffix} file"
    if kind is None and name.endswith(".parquet"):
        raise TableError(
            f"{origin} is not a Parquet file, whatever its name says. Write it again, or rename it to .csv."
        )
    if kind is not None:
        raise TableError(f"{origin} is {kind}. CSV, Parquet or Excel (.xlsx) was needed: save it as one of them.")
    return read_delimited(data, origin, separator, encoding, decimal)


def _is_workbook(data: bytes) -> bool:
    """Whether the bytes of a zip file are an Excel workbook."""
    try:
        return "xl/workbook.xml" in zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile:
        return False
