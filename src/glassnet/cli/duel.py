"""`glassnet duel`: a linear model with formulas of one's own against a network, on the same folds."""

from typing import Any

import rich_click as click

from glassnet.cli.console import show_notes
from glassnet.cli.explain import Showing, showing_options
from glassnet.cli.inputs import Reading, gathered_notes
from glassnet.cli.options import config_option, options_panel, reading_options
from glassnet.cli.problem import read_problem
from glassnet.cli.training import TrainingCommand, network_options, problem_options, targets_option


@click.command(cls=TrainingCommand)
@options_panel
@click.argument("table", required=False)
@targets_option()
@click.option(
    "--features",
    metavar="FORMULA",
    multiple=True,
    help="A formula of columns for the linear model, such as 'x1**2 + x2**2'; may be repeated.",
)
@click.option(
    "--folds", type=click.IntRange(2), metavar="K", default=5, show_default=True, help="Parts, each scored on once."
)
@problem_options
@network_options
@showing_options
@reading_options
@config_option
def duel(
    table: str | None,
    targets: tuple[str, ...],
    features: tuple[str, ...],
    folds: int,
    task: str,
    column: tuple[tuple[str, str], ...],
    drop_missing_target: bool,
    seed: int,
    showing: Showing,
    reading: Reading,
    **model_options: Any,
) -> None:
    """Set a linear model with formulas of your own against a network without them, on the rows of TABLE.

    Both are fitted anew for every fold and scored on the rows that they did not see; the page says who won, and at what
    cost. With no table it runs on the example of two circles.

    \b
    glassnet duel --features 'x1**2 + x2**2'
    glassnet duel prices.csv -t price --features 'length*width' --features 'log(age)'
    glassnet duel prices.csv -t price --features 'length*width' --hidden 16 --format json
    """
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.explanation.dueling import duel as compete

    problem = read_problem(
        table,
        targets,
        reading,
        task=task,
        column=column,
        drop_missing_target=drop_missing_target,
        seed=seed,
        model_options=model_options,
    )
    with gathered_notes() as notes:
        network = (TableClassifier if problem.classes else TableRegressor)(**{"n_estimators": 1} | problem.parameters)
        found = compete(
            problem.rows, features=features, target=problem.targets[0], network=network, folds=folds, random_state=seed
        )
    show_notes(problem.notes)
    showing.show(found, notes)
