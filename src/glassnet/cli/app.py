"""The commands, and how they end: a message and status 2 for bad input, 130 for Ctrl-C, silence for a closed pipe."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import rich_click as click

from glassnet.cli.advise_width import advise_width
from glassnet.cli.approximate import approximate
from glassnet.cli.attribute import attribute
from glassnet.cli.collapse import collapse
from glassnet.cli.console import complain
from glassnet.cli.construct import construct
from glassnet.cli.cross_validate import cross_validate
from glassnet.cli.derive import derive
from glassnet.cli.diagnose import diagnose
from glassnet.cli.duel import duel
from glassnet.cli.export import export
from glassnet.cli.fit import fit
from glassnet.cli.info import info
from glassnet.cli.inputs import in_terminal_words
from glassnet.cli.name_features import name_features
from glassnet.cli.predict import predict
from glassnet.cli.probe import probe
from glassnet.cli.score import score
from glassnet.cli.step import step
from glassnet.cli.studio import studio
from glassnet.cli.what_if import what_if
from glassnet.errors import InputError

BAD_INPUT, INTERRUPTED = 2, 130
PANELS = {
    "Train and predict": (fit, cross_validate, score, predict, what_if, info, export),
    "In the browser": (studio,),
    "See through a model": (derive, step, collapse, probe, name_features, attribute, diagnose),
    "Before a model": (duel, advise_width, construct, approximate),
}


class Commands(click.RichGroup):
    """A group that tells what went wrong in one message, and never in a traceback, where the user can mend it."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; cross_validate is cross-validate, too."""
        return super().get_command(ctx, cmd_name) or super().get_command(ctx, cmd_name.replace("_", "-"))

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command, and exit with its status."""
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        try:
            status = super().main(args, prog_name, standalone_mode=False, **extra)
            sys.stdout.flush()  # a closed pipe is heard here, not in the interpreter's last moments
        except InputError as error:
            complain(in_terminal_words(str(error)))
            status = BAD_INPUT
        except click.ClickException as error:
            usage = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
            complain(error.format_message(), f"Try '{usage} --help'." if usage else "")
            status = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            complain("Interrupted.", title="")
            status = INTERRUPTED
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 1
        sys.exit(status)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.rich_config(help_config=click.RichHelpConfiguration(text_paragraph_linebreaks="\n\n"))
@click.version_option(package_name="glassnet", message="glassnet %(version)s")
def cli() -> None:
    """Neural networks for tables that one can look into.

    A tour:

    \b
    glassnet fit                                         train on an example
    glassnet fit penguins.csv --target species           train on a table
    glassnet cross-validate penguins.csv -t species      how well that goes
    glassnet score penguins.safetensors test.csv         measure the model
    glassnet predict penguins.safetensors new.csv        use it
    glassnet what-if penguins.safetensors new.csv --set sex=male
    glassnet info penguins.safetensors                   look into it
    glassnet export penguins.safetensors penguins.onnx   take it to ONNX, plain Python or C
    glassnet studio penguins.csv                         watch it learn, in the browser
    glassnet diagnose penguins.safetensors penguins.csv  what is wrong with it
    glassnet derive penguins.safetensors new.csv --row 3 every number of a row
    glassnet probe penguins.safetensors test.csv         what it has learned
    glassnet attribute penguins.safetensors new.csv      what moved it so
    glassnet approximate "sin(6*x)+x" --on 0 1           follow a formula
    """


for panel, commands in PANELS.items():
    cli.add_panel(click.RichCommandPanel(panel, commands=[str(command.name) for command in commands]))
    for command in commands:
        cli.add_command(command)


def main() -> None:
    """The script `glassnet`."""
    cli.main(prog_name="glassnet")
