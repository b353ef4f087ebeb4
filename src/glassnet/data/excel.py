"""Excel → a frame. The one door for openpyxl, which only those who read Excel files need."""

import io
import warnings
from difflib import get_close_matches
from typing import Any

import polars as pl

from glassnet.data.cells import elided
from glassnet.data.delimited import MISSING, checked_names, tidied
from glassnet.data.series import from_objects
from glassnet.errors import TableError

ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!")  # what a formula could not compute


def read_excel(data: bytes, origin: str, sheet: str | None) -> pl.DataFrame:
    """One sheet of an Excel workbook as a frame, without its empty rows and columns.

    Formulas count by the value that Excel stored with them. Cells that a CSV would call missing are missing here, and
    those that show an error, too. Dates are dates, and datetimes where one of them has a time of day.

    Args:
        data: The whole file.
        origin: How messages call it.
        sheet: The sheet's name; None is the first.
    """
    rows = [row for row in _rows(data, origin, sheet) if any(cell is not None for cell in row)]
    if len(rows) < 2:
        raise TableError(
            f"{origin} has {'one row' if rows else 'no cells with values'} in {_called(sheet)}. A row of column names "
            f"and a row below it were needed. If formulas should stand there, open it in Excel and save it."
        )
    width = max(map(len, rows))
    columns = list(zip(*(row + [None] * (width - len(row)) for row in rows), strict=True))
    columns = [column for column in columns if any(cell is not None for cell in column)]
    names = checked_names(["" if column[0] is None else str(column[0]) for column in columns], origin)
    return pl.DataFrame([_column(name, list(cells[1:])) for name, cells in zip(names, columns, strict=True)])


def _rows(data: bytes, origin: str, sheet: str | None) -> list[list[Any]]:
    """The cells of a sheet, row by row, in Python's types; missing ones are None."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise TableError(
            f"{origin} is an Excel file, and the package that reads them is not here: pip install 'glassnet[excel]'. "
            f"Or save the table as CSV."
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of decorations that it does not know
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            pages = {page.title: page for page in book.worksheets}
            if sheet in pages or (sheet is None and pages):
                page = next(iter(pages.values())) if sheet is None else pages[sheet]
                page.reset_dimensions()  # some programs write a wrong size
                return [[_cell(cell) for cell in row] for row in page.iter_rows(values_only=True)]
    except Exception as error:  # of a damaged file anything may be raised
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise TableError(f"{origin} is a damaged Excel file, or none: {reason}. Save or download it again.") from None
    near = get_close_matches(str(sheet), pages, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise TableError(f"{origin} has no {_called(sheet)}.{hint} Its sheets: {elided(list(pages)) or 'none'}.")


def _called(sheet: str | None) -> str:
    """A sheet in a message."""
    return "sheet" if sheet is None else f"sheet {sheet!r}"


def _cell(cell: Any) -> Any:
    """A cell, None where it is missing."""
    if not isinstance(cell, str):
        return cell
    text = cell.strip()
    return None if text in MISSING or text in ERRORS else text


def _column(name: str, cells: list[Any]) -> pl.Series:
    """One column, in the type that its cells have in common."""
    series = from_objects(name, cells)
    if series.dtype == pl.String:
        return tidied(series, ".")
    daily = isinstance(series.dtype, pl.Datetime) and (series == series.dt.truncate("1d")).all()
    return series.cast(pl.Date) if daily else series
