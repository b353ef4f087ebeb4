"""`glassnet derive`: rows worked through, forward and backward, every number."""

from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.console import tell
from glassnet.cli.explain import (
    Showing,
    float64_option,
    load_model,
    load_rows,
    one_row,
    showing_options,
    some_rows,
    target_option,
)
from glassnet.cli.inputs import Reading, check_output, gathered_notes
from glassnet.cli.options import config_option, options_panel, reading_options
from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.data.table import Table


def span(value: Any) -> slice:
    """A:B, rows from A up to, not including, B.

    >>> span("3:8")
    slice(3, 8, None)
    """
    start, sign, stop = str(value).partition(":")
    if not (sign and start.isdecimal() and stop.isdecimal() and int(start) < int(stop)):
        raise click.BadParameter(f"{value!r} is not of the form A:B, such as 0:8 for the first eight rows.")
    return slice(int(start), int(stop))


def place(value: tuple[str, str, str] | None) -> tuple[Any, ...] | None:
    """LAYER I J as whole numbers; I may be b."""
    if value is None:
        return None
    return tuple(int(part) if part.isdecimal() else part for part in value)


def chosen(table: "Table", answers: Any, row: int | None, rows: slice | None, path: str) -> tuple["Table", Any]:
    """The row or rows that were asked for, with their targets; the first row if none was."""
    if row is not None and rows is not None:
        raise InputError("Both --row and --rows were given: one row, or a minibatch?")
    if rows is None:
        return one_row(table, answers, row or 0, path)
    return some_rows(table, answers, rows, path, f"--rows is {rows.start}:{rows.stop}")


def row_options(command: Any) -> Any:
    """Which rows, and which weight alone: for the commands that work rows through."""
    for option in (
        target_option,
        float64_option,
        click.option(
            "--weight",
            type=(str, str, str),
            metavar="LAYER I J",
            help="One weight alone, counted from 0: from I to J; I is b for a bias, LAYER the number after the last "
            "for the skip path.",
        ),
        click.option("--rows", type=span, metavar="A:B", help="A minibatch: rows A up to, not including, B."),
        click.option("--row", type=click.IntRange(0), metavar="N", help="Which row, counted from 0; else the first."),
    ):
        command = option(command)
    return command


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@row_options
@click.option("--xlsx", metavar="FILE", help="Write a workbook, too, whose formulas live.")
@click.option("--latex", metavar="FILE", help="Write the formulas with their numbers as LaTeX, too.")
@showing_options
@reading_options
@config_option
def derive(
    model: str,
    table: str,
    row: int | None,
    rows: slice | None,
    weight: tuple[str, str, str] | None,
    float64: bool,
    target: str | None,
    xlsx: str | None,
    latex: str | None,
    showing: Showing,
    reading: Reading,
) -> None:
    """Work a row of TABLE through MODEL: forward, the loss, and backward, every number.

    Beside each gradient stands a central difference that confirms it. TABLE holds the target, too.

    \b
    glassnet derive m.safetensors new.csv --row 3
    glassnet derive m.safetensors new.csv --row 3 --weight 0 1 2
    glassnet derive m.safetensors new.csv --rows 0:4 --float64 --format json
    glassnet derive m.safetensors new.csv --xlsx row.xlsx
    """
    from pathlib import Path

    import numpy as np

    from glassnet.explanation.derivation import derive as work_through

    for path, what, option in ((xlsx, "workbook", "--xlsx"), (latex, "formulas", "--latex")):
        if path is not None:
            check_output(path, what, option)
    with gathered_notes() as notes:
        fitted = load_model(model, target)
        found, answers = load_rows(fitted, table, reading, target)
        found, answers = chosen(found, answers, row, rows, table)
        dtype = np.float64 if float64 else None
        derivation = work_through(fitted, found, answers, weight=place(weight), dtype=dtype)
        if xlsx is not None:
            derivation.to_excel(xlsx)
        if latex is not None:
            Path(latex).expanduser().write_text(derivation.to_latex(), encoding="utf-8")
    showing.show(derivation, notes)
    for path, what in ((xlsx, "workbook is"), (latex, "formulas are")):
        if path is not None:
            tell(f"The {what} in {path}.")
