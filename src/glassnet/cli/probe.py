"""`glassnet probe`: the same linear model on raw features, on engineered ones and on learned ones."""

import rich_click as click

from glassnet.cli.explain import Showing, load_model, load_rows, showing_options, target_option
from glassnet.cli.inputs import Reading, gathered_notes
from glassnet.cli.options import config_option, options_panel, reading_options


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@target_option
@click.option(
    "--engineered",
    metavar="FORMULA",
    multiple=True,
    help="A formula of columns, such as 'x1**2 + x2**2'; may be repeated.",
)
@click.option("--folds", type=click.IntRange(2), metavar="K", default=5, show_default=True, help="Parts of the rows.")
@click.option("--refit", is_flag=True, help="Train a copy of the network for every fold, on the other folds alone.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), metavar="N", default=0, show_default=True, help="Of the folds."
)
@showing_options
@reading_options
@config_option
def probe(
    model: str,
    table: str,
    target: str | None,
    engineered: tuple[str, ...],
    folds: int,
    refit: bool,
    seed: int,
    showing: Showing,
    reading: Reading,
) -> None:
    """Compare raw features, engineered ones and those that MODEL's hidden layers learned, under one linear model.

    TABLE holds the target, too; best are rows that MODEL was not trained on. Scores are held out, fold by fold; of
    classes it is proved whether one linear map can tell them apart on all rows.

    \b
    glassnet probe m.safetensors test.csv
    glassnet probe m.safetensors test.csv --engineered 'x1**2 + x2**2'
    glassnet probe m.safetensors train.csv --refit --format json
    """
    from glassnet.explanation.probing import probe as compare

    with gathered_notes() as notes:
        fitted = load_model(model, target)
        rows, answers = load_rows(fitted, table, reading, target)
        found = compare(fitted, rows, answers, engineered=engineered, folds=folds, refit=refit, random_state=seed)
    showing.show(found, notes)
