"""A derivation as a workbook whose formulas live. The door through which openpyxl writes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from glassnet.errors import InputError
from glassnet.explanation.cell_formulas import activation_formulas, loss_formulas, prediction_formulas
from glassnet.explanation.derivation import Derivation, LayerDerivation
from glassnet.nn.elementary import Array

MOST_CELLS, MOST_COLUMNS = 200_000, 16_000  # of a workbook; Excel has 16,384 columns
LABELS = 2  # columns before the numbers: the name of a block, and of its rows
INPUT = "DDEBF7"  # behind what may be changed
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # what a cell cannot hold


@dataclass(frozen=True)
class Place:
    """Where a matrix lies; addresses are absolute."""

    top: int
    left: int
    n: int
    m: int

    def at(self, i: int, j: int) -> str:
        """The address of an element."""
        return f"${_column(self.left + j)}${self.top + i}"

    def row(self, i: int) -> str:
        """The addresses of a row."""
        return f"{self.at(i, 0)}:{self.at(i, self.m - 1)}"

    def column(self, j: int) -> str:
        """The addresses of a column."""
        return f"{self.at(0, j)}:{self.at(self.n - 1, j)}"


def _column(number: int) -> str:
    """The letters of a column, counted from 1."""
    letters = ""
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(65 + digit) + letters
    return letters


class Sheet:
    """Matrices one below the other."""

    def __init__(self) -> None:
        try:
            from openpyxl import Workbook
            from openpyxl.styles import Font, PatternFill
        except ImportError:
            raise InputError(
                "Writing a workbook needs openpyxl, which is not here: pip install 'glassnet[excel]'."
            ) from None
        self.book = Workbook()
        self.page = self.book.active
        self.page.title = "derivation"
        self.page.column_dimensions["A"].width = 24
        self.bold, self.fill = Font(bold=True), PatternFill("solid", fgColor=INPUT)
        self.next = 1

    def text(self, row: int, column: int, text: str, *, bold: bool = False) -> None:
        """A text, never a formula, whatever it begins with."""
        cell = self.page.cell(row, column, CONTROL.sub(" ", text))
        cell.data_type = "s"
        if bold:
            cell.font = self.bold

    def line(self, text: str, *, bold: bool = False) -> None:
        """A line of text."""
        self.text(self.next, 1, text, bold=bold)
        self.next += 1

    def put(
        self,
        name: str,
        cells: Array | Sequence[Sequence[Any]],
        rows: Sequence[str] | None,
        columns: Sequence[str] | None,
        *,
        given: bool = False,
    ) -> Place:
        """A matrix of numbers and formulas, which are texts; what is given may be changed."""
        place = Place(self.next + 1, LABELS + 1, len(cells), len(cells[0]))
        self.text(self.next, 1, name, bold=True)
        for j, label in enumerate(columns or ()):
            self.text(self.next, place.left + j, label)
        for i, line in enumerate(cells):
            if rows is not None:
                self.text(place.top + i, LABELS, rows[i])
            for j, value in enumerate(line):
                cell = self.page.cell(
                    place.top + i, place.left + j, f"={value}" if isinstance(value, str) else float(value)
                )
                cell.number_format = "0.######"
                if given and not isinstance(value, str):
                    cell.fill = self.fill
        self.next = place.top + place.n + 1
        return place

    def matrix(self, n: int, m: int, formula: Callable[[int, int], str]) -> list[list[str]]:
        """n × m formulas."""
        return [[formula(i, j) for j in range(m)] for i in range(n)]


def write_derivation(d: Derivation, path: str | PathLike[str]) -> None:
    """Write forward and backward of these rows as a workbook in which everything but x, t, w, b and u is a formula.

    Args:
        d: What `derive` found.
        path: The file's name, ending in .xlsx.

    Raises:
        InputError: Functions of the user's own, a network that is too large, or a place that cannot be written.
    """
    place = Path(path).expanduser()
    if place.suffix.lower() != ".xlsx":
        raise InputError(f"A workbook's name ends in .xlsx, but {str(path)!r} was given.")
    n, widths = len(d.x), [d.x.shape[1], *(layer.w.shape[1] for layer in d.layers)]
    cells = sum(2 * layer.w.size + 4 * n * layer.w.shape[1] for layer in d.layers) + 2 * d.x.size
    if cells > MOST_CELLS or max(widths) > MOST_COLUMNS:
        raise InputError(
            f"This derivation would fill {cells:,} cells, up to {max(widths):,} in a row, but a workbook holds "
            f"{MOST_CELLS:,} and {MOST_COLUMNS:,} here. Take fewer rows or a smaller network; to_dict() has all."
        )
    book = _fill(d).book
    book.calculation.fullCalcOnLoad = True  # no program has computed the formulas yet
    try:
        book.save(place)
    except OSError as error:
        raise InputError(f"The workbook cannot be written to {str(path)!r}: {error.strerror}.") from None


def _fill(d: Derivation) -> Sheet:
    sheet, n = Sheet(), len(d.x)
    rows = [f"row {i}" for i in range(n)]
    outputs = d.subject.output_names
    sheet.line("Forward and backward, live", bold=True)
    if d.subject.note:
        sheet.line(d.subject.note)
    sheet.line("Change a blue number: every cell behind it follows. " + "; ".join(d.conventions()) + ".")
    sheet.next += 1

    x = _inputs(sheet, d, rows)
    t = sheet.put("t", d.t, rows, outputs[: d.t.shape[1]], given=True)
    below, placed = x, []
    u = None if d.u is None else sheet.put("u", d.u, d.subject.feature_names, outputs, given=True)
    for layer in d.layers:
        w, z, h = _forward(sheet, layer, below, rows, x if layer is d.layers[-1] else None, u)
        placed.append((w, below, z, h))
        below = h
    y = below
    p = sheet.put(
        "p",
        [prediction_formulas(d.subject.loss, [y.at(i, j) for j in range(y.m)]) for i in range(n)],
        rows,
        outputs,
    )
    found = [
        loss_formulas(d.subject.loss, *([where.at(i, j) for j in range(where.m)] for where in (y, t, p)))
        for i in range(n)
    ]
    losses = sheet.put("ℓ", [[formula] for formula, _ in found], rows, [d.subject.loss.name])
    total = sheet.put("L", [[f"AVERAGE({losses.column(0)})"]], None, ["the mean of ℓ"])
    sheet.put("L as it was", [[d.loss]], None, None)
    sheet.put("change of L", [[f"{total.at(0, 0)}-{d.loss!r}"]], None, None)

    sheet.line("Backward", bold=True)
    slopes = [[f"({slope})/{n}" for slope in row] for _, row in found]
    dz = sheet.put("dL/dy", slopes, rows, outputs)
    if d.u is not None:
        cells = sheet.matrix(len(d.u), d.u.shape[1], lambda i, j: f"SUMPRODUCT({x.column(i)},{dz.column(j)})")
        sheet.put("dL/du", cells, d.subject.feature_names, outputs)
    dy = dz
    for i in range(len(d.layers) - 1, -1, -1):
        w, seen, _, _ = placed[i]
        _weights(sheet, d.layers[i], seen, dz)
        if i:
            dz = _down(sheet, d.layers[i - 1], rows, dz, w, *placed[i - 1][2:])
    first = placed[0][0]

    def dx(i: int, j: int) -> str:
        beside = "" if u is None else f"+SUMPRODUCT({dy.row(i)},{u.row(j)})"
        return f"SUMPRODUCT({dz.row(i)},{first.row(j)}){beside}"

    sheet.put("dL/dx", sheet.matrix(n, x.m, dx), rows, d.subject.feature_names)
    return sheet


def _inputs(sheet: Sheet, d: Derivation, rows: Sequence[str]) -> Place:
    """x; numbers of a table stand above it in their own units, and x follows them."""
    values: list[list[Any]] = [list(row) for row in d.x.tolist()]
    numbers = [column for column in d.subject.columns if d.subject.is_table and column.kind in ("number", "count")]
    numbers = [column for column in numbers if column.affine and all(map(_is_number, d.cells.get(column.name, [None])))]
    if numbers:
        given = [[d.cells[column.name][i] for column in numbers] for i in range(len(d.x))]
        cells = sheet.put("cells", given, rows, [column.name for column in numbers], given=True)
        for j, column in enumerate(numbers):
            mean, scale = column.affine or (0.0, 1.0)
            for i, row in enumerate(values):
                row[column.features[0]] = f"({cells.at(i, j)}-({mean!r}))/{scale!r}"
    return sheet.put("x", values, rows, d.subject.feature_names, given=True)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float)


def _forward(
    sheet: Sheet, layer: LayerDerivation, below: Place, rows: Sequence[str], x: Place | None, u: Place | None
) -> tuple[Place, Place, Place]:
    """w, z and h of a layer; x where it is the last one, which sees the skip path."""
    letters = layer.letters
    w = sheet.put(letters.w, layer.w, layer.inputs, layer.units, given=True)
    b = None if layer.b is None else sheet.put(letters.b, layer.b[None, :], None, layer.units, given=True)

    def affine(i: int, j: int) -> str:
        bias = "" if b is None else f"+{b.at(0, j)}"
        beside = "" if x is None or u is None else f"+{_product(x.row(i), u.column(j))}"
        return _product(below.row(i), w.column(j)) + bias + beside

    z = sheet.put(letters.z, sheet.matrix(below.n, w.m, affine), rows, layer.units)
    if x is not None:
        return w, z, z
    f, _ = activation_formulas(layer.f)
    return w, z, sheet.put(letters.h, sheet.matrix(z.n, z.m, lambda i, j: f(z.at(i, j))), rows, layer.units)


def _product(row: str, column: str) -> str:
    """A row times a column: one cell, which SUM takes out of MMULT's matrix."""
    return f"SUM(MMULT({row},{column}))"


def _weights(sheet: Sheet, layer: LayerDerivation, seen: Place, dz: Place) -> None:
    """dL/dw and dL/db of a layer."""
    cells = sheet.matrix(len(layer.dw), layer.dw.shape[1], lambda i, j: f"SUMPRODUCT({seen.column(i)},{dz.column(j)})")
    sheet.put(f"dL/d{layer.letters.w}", cells, layer.inputs, layer.units)
    if layer.db is not None:
        sums = [[f"SUM({dz.column(j)})" for j in range(dz.m)]]
        sheet.put(f"dL/d{layer.letters.b}", sums, None, layer.units)


def _down(sheet: Sheet, layer: LayerDerivation, rows: Sequence[str], dz: Place, w: Place, z: Place, h: Place) -> Place:
    """dL/dh and dL/dz of the layer below w."""
    letters, (_, slope) = layer.letters, activation_formulas(layer.f)
    cells = sheet.matrix(z.n, z.m, lambda i, j: f"SUMPRODUCT({dz.row(i)},{w.row(j)})")
    dh = sheet.put(f"dL/d{letters.h}", cells, rows, layer.units)
    cells = sheet.matrix(z.n, z.m, lambda i, j: f"{dh.at(i, j)}*({slope(z.at(i, j), h.at(i, j))})")
    return sheet.put(f"dL/d{letters.z}", cells, rows, layer.units)
