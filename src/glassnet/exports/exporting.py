"""Export: a model → one file of another language, checked against `predict`, and then written whole."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from glassnet.errors import InputError
from glassnet.exports.agreement import compare, reference_of
from glassnet.exports.c import c_types, run_c, to_c
from glassnet.exports.content import Content, content_of
from glassnet.exports.onnx import onnx_types, run_onnx, to_onnx
from glassnet.exports.python import python_types, run_python, to_python
from glassnet.exports.rows import drawn, given, plain_cells, raw_cells
from glassnet.nn.elementary import Array
from glassnet.storage import write_whole

DTYPES: dict[str, np.dtype[Any]] = {"float": np.dtype(np.float32), "double": np.dtype(np.float64)}


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        path: The file.
        size_bytes: Its size.
        inputs: What each input holds, by its name: a type of ONNX or of C; in Python the kind of the column.
        outputs: The type of each output, by its name.
        n_rows: On how many rows the file was tried; 0 where no compiler was found to try it with.
        difference: The largest difference from what the model says of them, in the output's units; None without rows.
        allowed: The largest difference that would not have been an error, for the output with the largest.
    """

    path: Path
    size_bytes: int
    inputs: dict[str, str]
    outputs: dict[str, str]
    n_rows: int
    difference: float | None
    allowed: float


@dataclass(frozen=True)
class Format:
    """How a file of one kind is made, and what it says of rows; None where it cannot be tried here."""

    write: Callable[[Content, np.dtype[Any], str], bytes]
    run: Callable[[Content, np.dtype[Any], bytes, Any], list[Array] | None]
    types: Callable[[Content, np.dtype[Any]], tuple[dict[str, str], dict[str, str]]]
    dtypes: tuple[str, ...] = ("float", "double")


FORMATS = {
    ".onnx": Format(
        lambda content, dtype, name: to_onnx(content, dtype),
        lambda content, dtype, data, rows: run_onnx(data, plain_cells(content, rows, dtype)),
        onnx_types,
    ),
    ".py": Format(
        lambda content, dtype, name: to_python(content, name).encode(),
        lambda content, dtype, data, rows: run_python(content, data.decode(), raw_cells(content, rows)),
        lambda content, dtype: python_types(content),
        ("double",),
    ),
    ".c": Format(
        lambda content, dtype, name: to_c(content, dtype, name).encode(),
        lambda content, dtype, data, rows: run_c(content, data, plain_cells(content, rows, DTYPES["double"])),
        lambda content, dtype: c_types(content),
    ),
}


def export(
    model: Any,
    path: str | os.PathLike[str],
    *,
    rows: Any = None,
    dtype: Literal["float", "double"] | None = None,
) -> Export:
    """Write a model as a file that runs without glassnet: .onnx, .py or .c, as the name says.

    Before anything is written the file is run on 1,000 rows and compared with `predict` and `predict_proba`; a
    difference beyond rounding is an error, and what stood under the name stays. Rounding is about 1e-5 of the largest
    output where networks compute in float32, as those of tables do, and 1e-12 in float64; more for a network whose
    own weights, moved by a unit in their last place, change its answers by more.

    - .onnx: whole models in one file, an input (n, 1) for each column, for onnxruntime and whatever else runs ONNX.
      Needs `glassnet[onnx]`.
    - .py: one file that needs Python's standard library alone, with `predict`, `predict_many`, `predict_proba`.
    - .c: C99 with libc and libm alone and no malloc, of models whose columns are all numbers.

    Args:
        model: A fitted estimator, or a `glassnet.nn.Network`.
        path: The file to write.
        rows: Rows to try it on: a table, or of MLPs and networks x (n, d). Left out, 1,000 are drawn from what the
            model knows of its columns; of MLPs and networks they are standard normal.
        dtype: In which the networks compute: "float" or "double"; left out, as the model does. Python has doubles
            alone.

    Raises:
        InputError: An unknown ending or dtype, a model that the format cannot hold, or a file that would not agree.

    >>> import tempfile
    >>> from glassnet.nn import Network
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = export(Network.create([2, 3, 1], "tanh", seed=0), Path(folder, "small.py"))
    >>> done.inputs, done.outputs, done.n_rows, done.difference < 1e-12
    ({'x1': 'number', 'x2': 'number'}, {'y': 'list of float'}, 1000, True)
    """
    place = Path(path).expanduser()
    if place.suffix.lower() not in FORMATS:
        raise InputError(
            f"The output {str(path)!r} ends in no known way: a model can be written as .onnx, .py (plain Python) or "
            f".c (C99)."
        )
    form, content = FORMATS[place.suffix.lower()], content_of(model)
    chosen = _dtype(dtype, content, form, place.suffix)
    data = form.write(content, chosen, place.stem)
    tried = drawn(content) if rows is None else given(content, rows)
    found = form.run(content, chosen, data, tried)
    largest, allowed = None, 0.0
    if found is not None:
        reference = reference_of(model, content, tried, chosen)
        largest = compare(content, reference, found)
        allowed = max(reference.allowed.values())
    write_whole(data, place)
    inputs, outputs = form.types(content, chosen)
    return Export(place, len(data), inputs, outputs, 0 if found is None else len(tried), largest, allowed)


def _dtype(asked: str | None, content: Content, form: Format, suffix: str) -> np.dtype[Any]:
    """In which the file's networks compute."""
    if asked is not None and asked not in DTYPES:
        raise InputError(f'dtype is {asked!r}, but must be "float" or "double".')
    if asked is not None and asked not in form.dtypes:
        raise InputError(
            f"A {suffix} file computes in double, but dtype is {asked!r}: leave it out, or write .onnx or .c."
        )
    if asked is None:
        return DTYPES["double"] if len(form.dtypes) == 1 else content.dtype
    return DTYPES[asked]
