"""`glassnet name-features`: which features made by hand the hidden layers span."""

from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.explain import Showing, load_model, load_rows, showing_options, target_option
from glassnet.cli.inputs import Reading, gathered_notes, read_table
from glassnet.cli.options import config_option, options_panel, reading_options

if TYPE_CHECKING:
    from glassnet.data.table import Table


@click.command("name-features", no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@target_option
@click.option(
    "--candidate",
    metavar="FORMULA",
    multiple=True,
    help="A formula of columns to try beside the usual ones; may be repeated.",
)
@click.option("--folds", type=click.IntRange(2), metavar="K", default=5, show_default=True, help="Parts of the rows.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    default=0,
    show_default=True,
    help="Of folds, resamples and random weights.",
)
@showing_options
@reading_options
@config_option
def name_features(
    model: str,
    table: str,
    target: str | None,
    candidate: tuple[str, ...],
    folds: int,
    seed: int,
    showing: Showing,
    reading: Reading,
) -> None:
    """Tell which features made by hand MODEL's hidden layers span, and which its scores follow, on the rows of TABLE.

    Powers, products, distances, sin, exp and log of the columns are tried, and your own formulas. Each number is
    measured on rows held out, beside what raw features and random weights give. TABLE may lack the target.

    \b
    glassnet name-features m.safetensors test.csv
    glassnet name-features m.safetensors test.csv --candidate 'sqrt(x1**2 + x2**2)'
    """
    from glassnet.explanation.naming import name_features as look

    with gathered_notes() as notes:
        fitted = load_model(model, target)
        found = look(fitted, _rows(fitted, table, reading, target), candidate, folds=folds, random_state=seed)
    showing.show(found, notes)


def _rows(model: Any, path: str, reading: Reading, target: str | None) -> "Table":
    """The rows; of a model of arrays without the column that holds the target, where there is one."""
    rows = read_table(path, reading)
    network = getattr(model, "network_", model)
    if target is None and len(rows.names) == network.layers[0].w.shape[0]:
        return rows
    return load_rows(model, path, reading, target)[0]
