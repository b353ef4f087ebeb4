"""`glassnet collapse`: the linear map that a network is, everywhere or around a row."""

from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.explain import Showing, load_model, load_rows, one_row, showing_options, target_option
from glassnet.cli.inputs import Reading, gathered_notes, read_table
from glassnet.cli.options import config_option, options_panel, reading_options
from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.data.table import Table
    from glassnet.explanation.page import Explanation


def load_features(model: Any, path: str, reading: Reading, target: str | None) -> "Table":
    """Rows for a model, without the target where they hold one: it is not needed."""
    network = getattr(model, "network_", model)
    table = read_table(path, reading)
    if target is None and (hasattr(model, "preprocessor_") or len(table.names) == network.layers[0].w.shape[0]):
        return table
    return load_rows(model, path, reading, target)[0]


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table", required=False)
@click.option("--row", type=click.IntRange(0), metavar="N", help="Which row of TABLE, counted from 0; else the first.")
@click.option("--simplify", is_flag=True, help="Fold the linear layers of a deeper network instead.")
@target_option
@showing_options
@reading_options
@config_option
def collapse(
    model: str,
    table: str | None,
    row: int | None,
    simplify: bool,
    target: str | None,
    showing: Showing,
    reading: Reading,
) -> None:
    """Show the linear map y = xW + c that MODEL is.

    Without TABLE, everywhere: for a network of linear layers. With TABLE, around one of its rows: exactly, for a
    network of relu, as far as the nearest hinge; for one that bends everywhere, its tangent.

    \b
    glassnet collapse linear.safetensors
    glassnet collapse m.safetensors new.csv --row 3
    glassnet collapse deep.safetensors --simplify
    """
    from glassnet.explanation.collapse import collapse as fold
    from glassnet.explanation.simplification import simplify as fold_layers

    if simplify and row is not None:
        raise InputError("Both --simplify and --row were given: linear layers are folded for all rows at once.")
    if table is None and row is not None:
        raise InputError("--row needs a TABLE to take the row from.")
    with gathered_notes() as notes:
        fitted = load_model(model, target)
        rows = None if table is None else load_features(fitted, table, reading, target)
        found: Explanation
        if simplify:
            found = fold_layers(fitted, rows=rows)
        elif rows is None:
            found = fold(fitted)
        else:
            found = fold(fitted, at=one_row(rows, None, row or 0, str(table))[0])
    showing.show(found, notes)
