"""`glassnet what-if`: one row predicted again with some of its cells changed."""

from dataclasses import replace
from typing import Any

import rich_click as click

from glassnet.cli.console import line, print_json, show_notes
from glassnet.cli.explain import of_one_target
from glassnet.cli.inputs import Reading, gathered_notes, in_terminal_words, read_model, read_table
from glassnet.cli.options import config_option, json_option, name_and_cell, options_panel, reading_options
from glassnet.errors import TableError


@click.command("what-if", no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@click.option(
    "--row", type=click.IntRange(0), metavar="N", default=0, show_default=True, help="Which row; 0 is the first."
)
@click.option(
    "--set",
    "cells",
    type=name_and_cell,
    metavar="NAME=VALUE",
    multiple=True,
    required=True,
    help="A new cell; may be repeated, also for one column: then each of its values is tried.",
)
@click.option("-t", "--target", metavar="COLUMN", help="Of a model of several targets, the one to tell of.")
@reading_options
@config_option
@json_option
def what_if(
    model: str,
    table: str,
    row: int,
    cells: tuple[tuple[str, str], ...],
    target: str | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Predict one row of TABLE with MODEL, and again with some of its cells changed.

    What comes out is what the model would say of such a row. An empty VALUE is a missing cell.

    \b
    glassnet what-if m.safetensors new.csv --row 3 --set age=40 --set sex=male
    glassnet what-if m.safetensors new.csv --set age=30 --set age=40 --set age=50
    glassnet what-if visits.safetensors new.csv --set age=40 --target days
    """
    from glassnet.estimators.what_if import what_if as ask

    with gathered_notes() as notes:
        fitted = of_one_target(read_model(model), model, target)
        rows = read_table(table, reading)
        if row >= len(rows):
            raise TableError(f"{table!r} has {len(rows)} rows, but --row is {row}. Rows count from 0.")
        answer = ask(fitted, rows.take([row]), _changes(cells, reading["decimal"] or "."))
    show_notes([*notes, *map(in_terminal_words, answer.notes)])
    if as_json:
        print_json(answer.to_dict())
    else:
        line(str(replace(answer, notes=())))


def _changes(cells: tuple[tuple[str, str], ...], decimal: str) -> dict[str, Any]:
    """New cells by column, read as those of a CSV; a list where a column has several."""
    from glassnet.data.delimited import tidied
    from glassnet.data.table import Table

    texts: dict[str, list[str]] = {}
    for name, cell in cells:
        texts.setdefault(name, []).append(cell)
    read = {name: tidied(Table.read({name: found})[name], decimal).to_list() for name, found in texts.items()}
    return {name: found if len(found) > 1 else found[0] for name, found in read.items()}
