"""`glassnet attribute`: what moved a prediction, what columns are worth, and which rows lie out of range."""

from typing import TYPE_CHECKING

import rich_click as click

from glassnet.cli.collapse import load_features
from glassnet.cli.explain import Showing, load_model, load_rows, one_row, showing_options, target_option
from glassnet.cli.inputs import Reading, gathered_notes
from glassnet.cli.options import config_option, options_panel, reading_options
from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.explanation.page import Explanation


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@click.option("--row", type=click.IntRange(0), metavar="N", help="Which row, counted from 0; else the first.")
@click.option("--of", "explained", metavar="NAME", help="Which class or output to explain; else the one predicted.")
@click.option("--importance", is_flag=True, help="How much worse predictions get with the cells of a column shuffled.")
@click.option("--scoring", metavar="NAME", help="With --importance: scikit-learn's name of a score, as accuracy.")
@click.option("--dependence", metavar="COLUMN", multiple=True, help="How predictions go with it; may be repeated.")
@click.option("--ranges", is_flag=True, help="Which rows lie outside of the range that training saw.")
@click.option("--training", metavar="TABLE", help="With --ranges, for a bare network: the rows it was trained on.")
@target_option
@showing_options
@reading_options
@config_option
def attribute(
    model: str,
    table: str,
    row: int | None,
    explained: str | None,
    importance: bool,
    scoring: str | None,
    dependence: tuple[str, ...],
    ranges: bool,
    training: str | None,
    target: str | None,
    showing: Showing,
    reading: Reading,
) -> None:
    """Divide what MODEL says of a row of TABLE among its columns.

    The row is compared with the mean of all rows of TABLE, by integrated gradients. Instead of that, what each column
    is worth over all rows, how predictions go with a column, or which rows lie out of range.

    \b
    glassnet attribute m.safetensors new.csv --row 3
    glassnet attribute m.safetensors test.csv --importance --scoring accuracy
    glassnet attribute m.safetensors test.csv --dependence age
    glassnet attribute m.safetensors new.csv --ranges
    """
    from glassnet.explanation.attribution import attribute as divide
    from glassnet.explanation.influence import partial_dependence, permutation_importance
    from glassnet.explanation.ranges import check_range

    wants_all = importance or dependence or ranges
    for given, option, needed in (
        (row is not None and wants_all, "--row", "one row, without --importance, --dependence and --ranges"),
        (explained is not None and wants_all, "--of", "one row, without --importance, --dependence and --ranges"),
        (scoring is not None and not importance, "--scoring", "--importance"),
        (training is not None and not ranges, "--training", "--ranges"),
    ):
        if given:
            raise InputError(f"{option} belongs to {needed}.")
    found: list[Explanation] = []
    with gathered_notes() as notes:
        fitted = load_model(model, target)
        if importance:
            rows, answers = load_rows(fitted, table, reading, target)
            found.append(permutation_importance(fitted, rows, answers, scoring=scoring))
        rows = load_features(fitted, table, reading, target)
        found += [partial_dependence(fitted, rows, column) for column in dependence]
        if ranges:
            known = None if training is None else load_features(fitted, training, reading, target)
            found.append(check_range(fitted, rows, X=known))
        if not found:
            one = one_row(rows, None, row or 0, table)[0]
            found.append(divide(fitted, one, baseline=rows if len(rows) > 1 else None, output=explained))
    showing.show(found if len(found) > 1 else found[0], notes)
