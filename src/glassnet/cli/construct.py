"""`glassnet construct`: the network that follows a formula, with given weights, and how closely it does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from glassnet.cli.console import tell
from glassnet.cli.explain import Showing, showing_options
from glassnet.cli.inputs import TABLE_SUFFIXES, Reading, check_output, gathered_notes, read_table
from glassnet.cli.options import config_option, options_panel, reading_options
from glassnet.errors import InputError

Domain = tuple[tuple[float, float], ...]


def function_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its domain, and the file for the network: for the commands that follow a function."""
    for option in (
        click.option("--save", metavar="FILE", help="Write the network there, as gn.save does."),
        click.option(
            "--on",
            type=(float, float),
            metavar="A B",
            multiple=True,
            help="The domain, from A to B; of several inputs one for all, or one each, in the order of their names.",
        ),
        click.argument("formula"),
    ):
        command = option(command)
    return command


def followed(formula: str, on: Domain, reading: Reading) -> tuple[Any, Any]:
    """The formula or the table, and its domain."""
    if formula.lower().endswith(TABLE_SUFFIXES):
        return read_table(formula, reading), on[0] if on else None
    if not on:
        raise InputError("--on is missing: give the domain, from A to B, as in --on 0 1.")
    return formula, on[0] if len(on) == 1 else list(on)


def save_network(network: Any, path: str | None) -> None:
    """Write the network, where a file was named."""
    from glassnet.formats.safetensors import save

    if path is not None:
        save(network, Path(path).expanduser())
        tell(f"The network is in {path}.")


@click.command(no_args_is_help=True)
@options_panel
@function_options
@click.option("--error", type=float, metavar="E", help="The largest |f − y| allowed; as few units as meet it are made.")
@click.option("--units", type=click.IntRange(1), metavar="N", help="Instead of --error, the hidden units to spend.")
@click.option(
    "--activation",
    type=click.Choice(["relu", "step", "logistic"]),
    default="relu",
    show_default=True,
    help="Hats, steps or steep sigmoids.",
)
@showing_options
@reading_options
@config_option
def construct(
    formula: str,
    on: Domain,
    error: float | None,
    units: int | None,
    activation: str,
    save: str | None,
    showing: Showing,
    reading: Reading,
) -> None:
    """Build a network with given weights that follows FORMULA, with a certificate of how closely.

    No training: the weights are those of the proof that a hidden layer approximates any continuous function. FORMULA
    has numbers, names of inputs, + - * / **, parentheses, sin cos tan exp log sqrt abs tanh min max sign, pi and e. Up
    to three inputs. It may be a table of two columns instead, x and f(x).

    \b
    glassnet construct "sin(6*x)+x" --on 0 1 --error 1e-3
    glassnet construct "sin(6*x)+x" --on 0 1 --units 128 --activation step
    glassnet construct "x1**2 + x2**2" --on -1 1 --error 0.01 --save bowl.safetensors
    """
    from glassnet.explanation.construction import construct as build

    if (error is None) == (units is None) and not (error is None and formula.lower().endswith(TABLE_SUFFIXES)):
        raise InputError("Give either --error, the largest |f − y| allowed, or --units, the hidden units to spend.")
    if save is not None:
        check_output(save, "network", "--save")
    with gathered_notes() as notes:
        function, domain = followed(formula, on, reading)
        built = build(function, domain, error=error, units=units, activation=activation)
    showing.show(built, notes)
    save_network(built.network, save)
