"""A page as HTML: one renderer for notebooks, reports and the studio.

What comes out is a fragment that needs nothing from elsewhere: its style is scoped to its own class, colours follow the
page around it, and every text is escaped.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from glassnet.explanation.page import (
    MARKS,
    Block,
    Formula,
    Heading,
    Matrix,
    Table,
    Text,
    Verdict,
    matrix_cells,
    matrix_title,
    number,
)

FEW_ROWS, FEW_COLUMNS = 8, 10  # of a matrix that are shown at once
MOST_CELLS = 10_000  # of a matrix that can be unfolded
SHOWN_ROWS = 50  # of a table

STYLE = """
.glassnet{font:14px/1.5 system-ui,sans-serif;max-width:70em}
.glassnet h3{font-size:1.15em;margin:1.2em 0 .3em}
.glassnet p{margin:.5em 0;white-space:pre-line}
.glassnet .formula{font-family:ui-monospace,monospace;margin:.5em 0 .5em 1.5em;white-space:pre-wrap}
.glassnet .scroll{overflow-x:auto}
.glassnet table{border-collapse:collapse;margin:.4em 0;font-variant-numeric:tabular-nums}
.glassnet .title{font-family:ui-monospace,monospace;margin:.8em 0 0;white-space:pre-wrap}
.glassnet th,.glassnet td{padding:.15em .6em;border:0;text-align:right;background:none}
.glassnet th{font-weight:600;opacity:.75}
.glassnet td.text,.glassnet th.text{text-align:left}
.glassnet thead th{border-bottom:1px solid currentColor}
.glassnet .matrix th{white-space:nowrap}
.glassnet .matrix thead th{border-bottom:0}
.glassnet .matrix td:first-of-type{border-left:1px solid currentColor}
.glassnet .matrix td:last-child{border-right:1px solid currentColor}
.glassnet .note{opacity:.75}
.glassnet .verdict{padding:.3em .7em;border-left:3px solid #8a8f98}
.glassnet .good{border-color:#2e9e5b}
.glassnet .bad{border-color:#d0453b}
""".strip()


def render_html(page: Sequence[Block]) -> str:
    """The page as a fragment.

    >>> render_html([Text("1 < 2")]).endswith('<p>1 &lt; 2</p></div>')
    True
    """
    return f'<div class="glassnet"><style>{STYLE}</style>' + "".join(map(block_html, page)) + "</div>"


def block_html(block: Block) -> str:
    """One block, without the style around it."""
    if isinstance(block, Heading):
        return f"<h3>{escape(block.text)}</h3>"
    if isinstance(block, Text):
        return f"<p>{escape(block.text)}</p>"
    if isinstance(block, Formula):
        return f'<div class="formula">{escape(block.text)}</div>'
    if isinstance(block, Verdict):
        return f'<p class="verdict {block.kind}">{MARKS[block.kind]} {escape(block.text)}</p>'
    return _matrix(block) if isinstance(block, Matrix) else _table(block)


def _matrix(block: Matrix) -> str:
    n, m = np.atleast_2d(np.asarray(block.values)).shape
    title = escape(matrix_title(block))
    if n <= FEW_ROWS + 1 and m <= FEW_COLUMNS + 1:
        return _grid(*matrix_cells(block, n, m), title)
    few = _grid(*matrix_cells(block, FEW_ROWS, FEW_COLUMNS), title)
    counts = ((n - FEW_ROWS, "row"), (m - FEW_COLUMNS, "column"))
    hidden = " and ".join(f"{count} more {what}{'s' * (count > 1)}" for count, what in counts if count > 0)
    if n * m > MOST_CELLS:
        return f'{few}<p class="note">… {hidden}; all of them: to_dict()</p>'
    return f"{few}<details><summary>… {hidden}</summary>{_grid(*matrix_cells(block, n, m), '')}</details>"


def _grid(cells: list[list[str]], rows: list[str], columns: list[str], title: str) -> str:
    head = "".join(f"<th>{escape(label)}</th>" for label in columns)
    corner = "<th></th>" if any(rows) else ""
    body = "".join(
        "<tr>"
        + (f"<th>{escape(label)}</th>" if corner else "")
        + "".join(f"<td>{escape(cell)}</td>" for cell in row)
        + "</tr>"
        for label, row in zip(rows, cells, strict=True)
    )
    above = f'<div class="title">{title}</div>' if title else ""
    header = f"<thead><tr>{corner}{head}</tr></thead>" if any(columns) else ""
    return f'{above}<div class="scroll"><table class="matrix">{header}<tbody>{body}</tbody></table></div>'


def _table(block: Table) -> str:
    kinds = [
        "" if all(isinstance(row[j], int | float) or row[j] is None for row in block.rows) else ' class="text"'
        for j in range(len(block.columns))
    ]
    head = "".join(f"<th{kind}>{escape(str(name))}</th>" for name, kind in zip(block.columns, kinds, strict=True))

    def lines(rows: Sequence[Sequence[object]]) -> str:
        return "".join(
            "<tr>"
            + "".join(f"<td{kind}>{escape(number(cell))}</td>" for cell, kind in zip(row, kinds, strict=True))
            + "</tr>"
            for row in rows
        )

    note = f'<p class="note">{escape(block.note)}</p>' if block.note else ""
    first, rest = block.rows[:SHOWN_ROWS], block.rows[SHOWN_ROWS:]
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{lines(first)}</tbody></table>"
    more = f"<details><summary>… {len(rest)} more rows</summary><table>{lines(rest)}</table></details>" if rest else ""
    return f'<div class="scroll">{table}{more}</div>{note}'
