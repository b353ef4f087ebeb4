"""A result as a page of blocks: one description for the terminal, for HTML and for JSON.

An explanation says what stands on its page; how that looks is decided here for the terminal, and in `html.py` for
notebooks and reports.
"""

import json
import math
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

NARROWEST, WIDEST = 60, 120  # characters of a page on the terminal
MOST_ROWS = 12  # of a matrix that the terminal shows; as many of a table, times four
DIGITS = 4  # significant ones, of a number in a matrix


@dataclass(frozen=True)
class Heading:
    """A heading."""

    text: str


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Formula:
    """A formula on a line of its own, as plain text and, where it has one, in LaTeX without dollar signs."""

    text: str
    latex: str = ""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Named numbers.

    Attributes:
        name: As formulas call it: "w1", "dL/dw1".
        values: (n,), shown as one row, or (n, m).
        rows: A label for each row.
        columns: A label for each column.
        note: What stands behind the name.
    """

    name: str
    values: Any
    rows: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    note: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells below their headers: numbers are rounded for people, everything else is shown as text."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the numbers say, in a sentence."""

    kind: Literal["good", "bad", "note"]
    text: str


Block = Heading | Text | Formula | Matrix | Table | Verdict
Page = tuple[Block, ...]

MARKS = {"good": "✓", "bad": "✗", "note": "·"}


class Explanation:
    """What every result is: a page, a dict of plain values, a picture.

    A subclass is a frozen dataclass with `eq=False, repr=False`, since its fields are arrays, and has the three
    methods below.

    >>> class Sum(Explanation):
    ...     def page(self):
    ...         return Heading("A sum"), Matrix("x", np.array([1.0, 2.0]), columns=["a", "b"]), Text("It is 3.")
    >>> print(Sum())
    A sum
    ─────
    x (2,)
      a  b
      1  2
    <BLANKLINE>
    It is 3.
    """

    def page(self) -> Sequence[Block]:
        """What is shown, from top to bottom."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Everything, nothing rounded or left out, JSON-able: `plain` makes it so."""
        raise NotImplementedError

    def plot(self, ax: Any = None) -> Any:
        """Draw the result, on `ax` where it is given, and return matplotlib's axes."""
        raise NotImplementedError

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as strict JSON, in which a number that is infinite or none is null."""
        return json.dumps(plain(self.to_dict()), indent=indent, allow_nan=False, ensure_ascii=False)

    def to_html(self) -> str:
        """The page as a fragment of HTML that needs nothing from elsewhere."""
        from glassnet.explanation.html import render_html

        return render_html(self.page())

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        return render_text(self.page())

    def __repr__(self) -> str:
        title = next((block.text for block in self.page() if isinstance(block, Heading)), "")
        return f"<{type(self).__name__}: {title}>"


def plain(value: Any) -> Any:
    """A value as JSON has it: arrays as lists, numbers of NumPy as Python's, what is infinite or no number as None.

    >>> plain({"a": np.array([[1.0, np.nan]]), 2: (np.int64(3), True)})
    {'a': [[1.0, None]], '2': [3, True]}
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def noted(note: str) -> tuple[Text, ...]:
    """A paragraph, where there is something to say."""
    return (Text(note),) if note else ()


def number(value: Any, digits: int = DIGITS) -> str:
    """A cell for people: numbers with so many significant digits, whole ones as they are.

    >>> number(0.123456), number(1234567.0), number(3), number(-0.0), number(None), number("outer")
    ('0.1235', '1.235e+06', '3', '0', '', 'outer')
    """
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return f"{float(value) + 0.0:.{digits}g}"
    return str(value)


def page_width() -> int:
    """Characters that a line of the terminal has."""
    return min(max(shutil.get_terminal_size((100, 24)).columns, NARROWEST), WIDEST)


def render_text(page: Sequence[Block], width: int | None = None) -> str:
    """The page for a terminal; a matrix that does not fit is cut, and says how much is hidden."""
    width = page_width() if width is None else width
    return "\n\n".join("\n".join(_lines(block, width)) for block in page)


def _lines(block: Block, width: int) -> list[str]:
    if isinstance(block, Heading):
        return [block.text, "─" * min(len(block.text), width)]
    if isinstance(block, Text):
        return [line for part in block.text.split("\n") for line in textwrap.wrap(part, width) or [""]]
    if isinstance(block, Formula):
        return [line for part in block.text.split("\n") for line in _formula(part, width)]
    if isinstance(block, Verdict):
        return textwrap.wrap(block.text, width, initial_indent=f"{MARKS[block.kind]} ", subsequent_indent="  ")
    if isinstance(block, Matrix):
        return _matrix(block, width)
    return _table(block, width)


def _formula(line: str, width: int) -> list[str]:
    """A line of a formula, its spaces kept where it fits."""
    if len(line) + 2 <= width:
        return [f"  {line}"]
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line.strip(), width, initial_indent=indent, subsequent_indent=indent + "    ")


def matrix_cells(block: Matrix, n: int, m: int) -> tuple[list[list[str]], list[str], list[str]]:
    """The first n rows and m columns as texts, row by row, and their labels, "" where there are none."""
    values = np.atleast_2d(np.asarray(block.values))[:n, :m]
    rows = [""] * values.shape[0] if block.rows is None else [str(label) for label in block.rows[:n]]
    columns = [""] * values.shape[1] if block.columns is None else [str(label) for label in block.columns[:m]]
    return [[number(cell) for cell in row] for row in values.tolist()], rows, columns


def matrix_title(block: Matrix) -> str:
    """The name, the shape and the note."""
    shape = f"{block.name} {np.shape(block.values)}".strip()
    return f"{shape}    {block.note}" if block.note else shape


def _matrix(block: Matrix, width: int) -> list[str]:
    n, m = np.atleast_2d(np.asarray(block.values)).shape
    hidden_rows = n - MOST_ROWS if n > MOST_ROWS + 1 else 0
    cells, rows, columns = matrix_cells(block, n - hidden_rows, width)  # a column takes a character and two spaces
    margin = max([2, *(len(label) + 4 for label in rows if label)])
    lines, fits = _grid([columns, *cells] if any(columns) else cells, width - margin, m)
    labels = ["", *rows] if any(columns) else rows
    hidden = ((hidden_rows, "row"), (m - fits, "column"))
    told = [f"{count} more {what}{'s' * (count > 1)}" for count, what in hidden if count]
    return [
        *textwrap.wrap(matrix_title(block), width, subsequent_indent="  "),
        *(f"  {label}".ljust(margin) + line for label, line in zip(labels, lines, strict=True)),
        *([f"  … {' and '.join(told)}; all of them: to_dict()"] if told else []),
    ]


def _grid(rows: list[list[str]], width: int, m: int) -> tuple[list[str], int]:
    """Cells flush right, as many of m columns as fit; how many do."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    room = np.cumsum([size + 2 for size in widths]) - 2
    fits = m if m == len(widths) and (not m or room[-1] <= width) else max(int((room <= width - 3).sum()), 1)
    dots = ["…"] * (fits < m)
    return [
        "  ".join([*(cell.rjust(size) for cell, size in zip(row[:fits], widths, strict=False)), *dots]) for row in rows
    ], fits


def _table(block: Table, width: int) -> list[str]:
    most = 4 * MOST_ROWS
    hidden = max(len(block.rows) - most, 0)
    shown = [[number(cell) for cell in row] for row in block.rows[: len(block.rows) - hidden]]
    grid = [list(map(str, block.columns)), *shown]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    flush = [
        all(isinstance(row[j], int | float | np.number) or row[j] is None for row in block.rows)
        for j in range(len(widths))
    ]
    # What is too wide loses it in the last column, which wraps: that is where sentences stand.
    last = max(width - sum(size + 2 for size in widths[:-1]) - 2, 20)
    widths[-1] = min(widths[-1], last)
    lines = []
    for row in grid:
        wrapped = textwrap.wrap(row[-1], widths[-1]) or [""]
        for i, part in enumerate(wrapped):
            cells = [*(row[:-1] if i == 0 else [""] * (len(row) - 1)), part]
            lines.append(
                "  "
                + "  ".join(
                    cell.rjust(size) if right else cell.ljust(size)
                    for cell, size, right in zip(cells, widths, flush, strict=True)
                ).rstrip()
            )
    lines.insert(1, "  " + "  ".join("─" * size for size in widths))
    if hidden:
        lines.append(f"  … {hidden} more rows; all of them: to_dict()")
    return [*lines, *textwrap.wrap(block.note, width)]
