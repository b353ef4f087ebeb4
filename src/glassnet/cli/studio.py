"""`glassnet studio`: a page in the browser where a network learns."""

import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import rich_click as click

from glassnet.cli.console import show_notes, tell
from glassnet.cli.explain import load_any, load_rows, of_one_target
from glassnet.cli.inputs import Reading, gathered_notes, is_model, read_table
from glassnet.cli.options import config_option, options_panel, reading_options
from glassnet.errors import InputError


@click.command()
@options_panel
@click.argument("model", metavar="[TABLE | MODEL]", required=False)
@click.argument("table", metavar="[TABLE]", required=False)
@click.option("-t", "--target", metavar="COLUMN", help="The column of TABLE to predict, or one of MODEL's targets.")
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N", default=0, help="Where the page is served; else a free port."
)
@click.option("--no-open", is_flag=True, help="Print the link, and leave the browser alone.")
@reading_options
@config_option
def studio(
    model: str | None, table: str | None, target: str | None, port: int, no_open: bool, reading: Reading
) -> None:
    """Watch a network learn, in the browser: on TABLE, on rows of a MODEL, or on an example.

    Every number on the page can be asked how it came about. The page is served on this computer alone, and opened by
    the link that is printed. Ctrl-C ends it.

    \b
    glassnet studio
    glassnet studio penguins.csv --target species
    glassnet studio penguins.safetensors penguins.csv
    glassnet studio --port 8000 --no-open
    """
    from glassnet.studio import check_packages

    check_packages()
    from glassnet.studio.hub import Hub
    from glassnet.studio.server import serve

    with gathered_notes() as notes:
        hub = Hub(**_shown(model, table, target, reading))
    show_notes(notes)

    def started(link: str) -> None:
        click.echo(link)
        tell("The studio answers at this link, on this computer alone. Ctrl-C ends it.")

    serve(hub, port, started, open_browser=not no_open)
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end is under way: one more Ctrl-C must not spoil it


def _shown(first: str | None, second: str | None, target: str | None, reading: Reading) -> dict[str, Any]:
    """What the page begins with, as the hub takes it."""
    if first is not None and (is_model(first) or first.lower().endswith(".safetensors")):
        whole = load_any(first)
        model = of_one_target(whole, first, target)
        shown: dict[str, Any] = {"model": (_name(first), model)}
        if second is not None:
            rows, answers = load_rows(model, second, reading, target)
            shown |= {"table": (_name(second), rows)} if answers is None else {"rows": (rows, answers.to_numpy())}
        elif target is not None and model is whole:
            raise InputError(f"--target is {target!r}, but no TABLE was given: glassnet studio MODEL TABLE.")
        return shown
    if second is not None:
        raise InputError(
            f"Two files were given, and the first, {first!r}, is no model. "
            f"The model comes first: glassnet studio MODEL TABLE."
        )
    if first is None and target is not None:
        raise InputError(f"--target is {target!r}, but no TABLE was given: glassnet studio TABLE --target COLUMN.")
    return {} if first is None else {"table": (_name(first), read_table(first, reading)), "target": target}


def _name(path: str) -> str:
    return "standard input" if path == "-" else Path(path).name
