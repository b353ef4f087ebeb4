"""`glassnet step`: one step of an optimizer, number by number."""

import rich_click as click

from glassnet.cli.derive import chosen, place, row_options
from glassnet.cli.explain import Showing, load_model, load_rows, showing_options
from glassnet.cli.inputs import Reading, gathered_notes
from glassnet.cli.options import config_option, options_panel, reading_options


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@row_options
@click.option("--optimizer", metavar="NAME", help="sgd, nesterov, adam, adamw or rmsprop; else the model's own.")
@click.option("--learning-rate", type=float, metavar="RATE", help="Else the optimizer's own.")
@showing_options
@reading_options
@config_option
def step(
    model: str,
    table: str,
    row: int | None,
    rows: slice | None,
    weight: tuple[str, str, str] | None,
    float64: bool,
    target: str | None,
    optimizer: str | None,
    learning_rate: float | None,
    showing: Showing,
    reading: Reading,
) -> None:
    """Take one step of an optimizer on a row of TABLE: every weight before, its gradient, its update, and after.

    The file MODEL stays as it is. TABLE holds the target, too.

    \b
    glassnet step m.safetensors new.csv --row 3
    glassnet step m.safetensors new.csv --rows 0:32 --optimizer sgd --learning-rate 0.1
    """
    import numpy as np

    from glassnet.explanation.stepping import step as take

    with gathered_notes() as notes:
        fitted = load_model(model, target)
        found, answers = load_rows(fitted, table, reading, target)
        found, answers = chosen(found, answers, row, rows, table)
        taken = take(
            *(fitted, found, answers),
            optimizer=optimizer,
            learning_rate=learning_rate,
            weight=place(weight),
            dtype=np.float64 if float64 else None,
        )
    showing.show(taken, notes)
