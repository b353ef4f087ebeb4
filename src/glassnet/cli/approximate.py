"""`glassnet approximate`: error against width, of networks with given weights and of trained ones."""

import rich_click as click

from glassnet.cli.construct import Domain, followed, function_options, save_network
from glassnet.cli.explain import Showing, showing_options
from glassnet.cli.inputs import Reading, check_output, gathered_notes
from glassnet.cli.options import config_option, options_panel, reading_options, sizes


@click.command(no_args_is_help=True)
@options_panel
@function_options
@click.option("--error", type=float, metavar="E", help="The largest |f − y| allowed: which width meets it?")
@click.option("--activation", metavar="NAME", default="tanh", show_default=True, help="Of the trained networks.")
@click.option("--widths", type=sizes, metavar="UNITS", help="Of the trained networks, such as 2,4,8; else from 1 on.")
@click.option(
    "--solver",
    type=click.Choice(["lm", "lbfgs"]),
    default="lm",
    show_default=True,
    help="Levenberg–Marquardt or L-BFGS.",
)
@click.option(
    "--restarts", type=click.IntRange(1), metavar="N", default=4, show_default=True, help="Random starts of each width."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    default=2.0,
    show_default=True,
    help="Of the trainings together.",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", default=0, show_default=True, help="Of the random starts.")
@showing_options
@reading_options
@config_option
def approximate(
    formula: str,
    on: Domain,
    error: float | None,
    activation: str,
    widths: tuple[int, ...] | None,
    solver: str,
    restarts: int,
    time_limit: float,
    seed: int,
    save: str | None,
    showing: Showing,
    reading: Reading,
) -> None:
    """Follow FORMULA with networks of more and more units: given weights and trained ones, side by side.

    Shows error against width, the slopes, and the smallest width that met the error. Trained networks have one hidden
    layer and up to ten inputs; with given weights up to three. FORMULA is as for 'glassnet construct'.

    \b
    glassnet approximate "sin(6*x)+x" --on 0 1 --error 1e-3
    glassnet approximate "exp(-x**2 - y**2)" --on -2 2 --on -1 1 --error 0.01
    glassnet approximate "sin(6*x)+x" --on 0 1 --widths 2,4,8 --solver lbfgs --save sine.safetensors
    """
    from glassnet.explanation.approximation import approximate as compare

    if save is not None:
        check_output(save, "network", "--save")
    with gathered_notes() as notes:
        function, domain = followed(formula, on, reading)
        found = compare(
            function,
            domain,
            error,
            activation=activation,
            widths=widths or None,
            solver=solver,
            restarts=restarts,
            random_state=seed,
            time_limit_seconds=time_limit,
        )
    showing.show(found, notes)
    save_network(found.network, save)
