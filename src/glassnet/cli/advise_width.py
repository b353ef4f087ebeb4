"""`glassnet advise-width`: cross-validated error against width, and the least width that is as good as the best."""

from typing import Any

import rich_click as click

from glassnet.cli.console import show_notes
from glassnet.cli.explain import Showing, showing_options
from glassnet.cli.inputs import Reading, gathered_notes
from glassnet.cli.options import config_option, options_panel, reading_options
from glassnet.cli.problem import read_problem
from glassnet.cli.training import TrainingCommand, network_options, problem_options, targets_option


def widths(value: Any) -> tuple[int, ...]:
    """Widths to try: 0,1,2,4,8.

    >>> widths("0, 4")
    (0, 4)
    """
    parts = [str(part).strip() for part in (value if isinstance(value, list | tuple) else str(value).split(","))]
    if not parts or not all(part.isdecimal() for part in parts):
        raise click.BadParameter(f"{value!r} is no list of widths, such as 0,4,16; 0 is a linear model.")
    return tuple(int(part) for part in parts)


@click.command("advise-width", cls=TrainingCommand)
@options_panel
@click.argument("table", required=False)
@targets_option()
@click.option(
    "--widths",
    "tried",
    type=widths,
    metavar="WIDTHS",
    default="0,1,2,4,8,16,32,64,128",
    show_default=True,
    help="Units of each hidden layer to try; 0 is a linear model.",
)
@click.option("--layers", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="Hidden layers.")
@click.option(
    "--folds", type=click.IntRange(2), metavar="K", default=5, show_default=True, help="Parts, each scored on once."
)
@problem_options
@network_options
@showing_options
@reading_options
@config_option
def advise_width(
    table: str | None,
    targets: tuple[str, ...],
    tried: tuple[int, ...],
    layers: int,
    folds: int,
    task: str,
    column: tuple[tuple[str, str], ...],
    drop_missing_target: bool,
    seed: int,
    showing: Showing,
    reading: Reading,
    **model_options: Any,
) -> None:
    """Advise how wide a network for TABLE should be: the least width whose held-out error is as good as the best.

    For every width a network is trained for each fold and scored on the rows that it did not see; as good is within one
    standard error. With no table it runs on the example of two circles.

    \b
    glassnet advise-width prices.csv -t price
    glassnet advise-width prices.csv -t price --widths 0,8,64 --layers 2
    """
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.explanation.width import advise_width as measure

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
        found = measure(
            problem.rows,
            target=problem.targets[0],
            widths=tried,
            layers=layers,
            network=network,
            folds=folds,
            random_state=seed,
        )
    show_notes(problem.notes)
    showing.show(found, notes)


# Of the options of a network, the one that this command answers.
advise_width.params = [option for option in advise_width.params if option.name != "hidden"]
