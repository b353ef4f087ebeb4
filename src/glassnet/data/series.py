"""One column, or several, from sequences, arrays and series of any library."""

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from glassnet.data.cells import elided
from glassnet.errors import TableError


def from_columns(columns: Mapping[Any, Any]) -> pl.DataFrame:
    """A frame from a dict of columns."""
    series = [from_values(str(name), values) for name, values in columns.items()]
    lengths = {s.name: len(s) for s in series}
    if len(lengths) < len(series):
        raise TableError(f"Two columns have the same name: {elided([s.name for s in series])}. Rename one of them.")
    if len(set(lengths.values())) > 1:
        sizes = ", ".join(f"{name}: {n}" for name, n in list(lengths.items())[:10])
        raise TableError(f"Columns have different lengths ({sizes}). One value per row was needed in each.")
    return pl.DataFrame(series)


def from_values(name: str, values: Any) -> pl.Series:
    """One column from a sequence, an array or a series of any library."""
    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise TableError(f"Column {name!r} is {values!r}. A sequence with one value per row was needed: [{values!r}].")
    if hasattr(values, "isna") and hasattr(values, "to_numpy"):
        return from_pandas(name, values)
    if not isinstance(values, np.ndarray):
        return from_objects(name, list(values))
    array = values
    if array.ndim != 1:
        raise TableError(f"Column {name!r} has shape {array.shape}. One value per row was needed, shape (n,).")
    if isinstance(array, np.ma.MaskedArray):
        return from_objects(name, array.tolist())
    if array.dtype.kind in "biuf" and array.dtype.itemsize <= 8:
        return pl.Series(name, array)
    if array.dtype.kind in "mM":
        return pl.Series(name, array.astype("datetime64[us]" if array.dtype.kind == "M" else "timedelta64[us]"))
    return from_objects(name, array.tolist())


def from_array(array: np.ndarray) -> pl.DataFrame:
    """A frame from a 2-D array, columns called x0, x1, …."""
    if array.ndim != 2:
        raise TableError(
            f"The array has shape {array.shape}, (n, d) was needed: one row per sample, one column per feature. "
            f"For a single sample, pass x[None, :], as np.reshape(x, (1, -1)) makes it: Reshape your data."
        )
    if not array.shape[1]:
        raise TableError(
            f"The array has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required: a column for each."
        )
    if array.dtype.kind == "c":
        raise TableError(
            "The array holds complex numbers. Complex data not supported: pass two columns, x.real and x.imag."
        )
    return pl.DataFrame([from_values(f"x{j}", array[:, j]) for j in range(array.shape[1])])


def from_pandas(name: str, series: Any) -> pl.Series:
    """One column from a pandas series."""
    missing = np.asarray(series.isna(), dtype=bool)
    kind = getattr(series.dtype, "kind", "O")
    if kind == "M" and getattr(series.dtype, "tz", None) is None:
        return pl.Series(name, series.to_numpy(dtype="datetime64[us]"))
    if kind == "m":
        return pl.Series(name, series.to_numpy(dtype="timedelta64[us]"))
    if kind in "iu" and not missing.any():
        return pl.Series(name, series.to_numpy(dtype=f"{kind}8"))
    if kind in "iuf":
        return pl.Series(name, series.to_numpy(dtype=np.float64, na_value=np.nan))
    values = series.astype(object).to_numpy()
    return from_objects(name, [None if gone else value for value, gone in zip(values, missing, strict=True)])


def from_objects(name: str, values: list[Any]) -> pl.Series:
    """One column from Python objects: flags, numbers, texts (also where they are mixed), or dates."""
    cells = [None if cell is None or cell != cell else cell for cell in values]  # NaN differs from itself
    types = {type(cell.item() if isinstance(cell, np.generic) else cell) for cell in cells if cell is not None}
    if not types:
        return pl.Series(name, [None] * len(cells), pl.String)
    if types == {str}:
        return pl.Series(name, cells, pl.String)
    if types == {bool}:
        return pl.Series(name, cells, pl.Boolean)
    if types == {int}:
        return pl.Series(name, [None if cell is None else int(cell) for cell in cells])
    if types <= {int, float, Decimal}:
        return pl.Series(name, [None if cell is None else float(cell) for cell in cells], pl.Float64)
    if types <= {int, float, bool, str, Decimal}:
        return pl.Series(name, [None if cell is None else str(cell) for cell in cells], pl.String)
    if all(issubclass(kind, date | str) for kind in types):
        cells = _dates(cells, as_text=str in types)
    try:
        series = pl.Series(name, cells)
    except (TypeError, ValueError, pl.exceptions.PolarsError):
        series = pl.Series(name, cells, pl.Object)
    if series.dtype == pl.Object:
        kinds = ", ".join(sorted(kind.__name__ for kind in types))
        raise TableError(
            f"Column {name!r} holds {kinds}. Numbers, texts, flags or dates were needed: convert the column or drop it."
        )
    return series


def _dates(cells: list[Any], as_text: bool) -> list[Any]:
    """Dates and datetimes all as one type: as text where there are texts among them, else as datetimes if there are."""
    if as_text:
        return [cell.isoformat() if isinstance(cell, date) else cell for cell in cells]
    if all(cell is None or not isinstance(cell, datetime) for cell in cells):
        return cells
    is_day = [isinstance(cell, date) and not isinstance(cell, datetime) for cell in cells]
    return [datetime.combine(cell, time()) if day else cell for cell, day in zip(cells, is_day, strict=True)]
