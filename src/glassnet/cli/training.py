"""The options of every command that trains."""

from collections.abc import Callable
from copy import copy
from typing import Any

import rich_click as click

from glassnet.cli.inputs import PARAMETERS
from glassnet.cli.options import (
    KINDS,
    Command,
    drop_missing_target_option,
    jobs_option,
    label_and_weight,
    name_and_kind,
    names,
    number_or_auto,
    sizes,
    whole_or_auto,
)

NETWORK = "Network and training"
SEVERAL = "; may be repeated: then all are quantities, or all have two classes"  # of targets


class TrainingCommand(click.RichCommand):
    """Its help shows the defaults of the estimator, which is asked only then."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help, with the defaults as they are."""
        from glassnet.estimators import TableClassifier

        defaults, options = TableClassifier().get_params(), self.params
        self.params = [copy(option) for option in options]
        for option in self.params:
            value = defaults.get(PARAMETERS.get(option.name or "", ""))
            if isinstance(option, click.Option) and value is not None:
                option.default = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
                option.show_default = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self.params = options


def targets_option(more: str = "") -> Callable[[Command], Command]:
    """What is to be predicted; heard each time it is given, also where one is all that a command takes."""
    return click.option(
        "-t", "--target", "targets", metavar="COLUMN", multiple=True, help=f"The column to predict{more}."
    )


def problem_options(command: Command) -> Command:
    """What is to be learned, and from which columns."""
    for option in (
        drop_missing_target_option,
        click.option(
            "--column",
            type=name_and_kind,
            metavar="NAME=KIND",
            multiple=True,
            help=f"Kind of a column: {', '.join(KINDS)}; may be repeated.",
        ),
        click.option(
            "--task",
            type=click.Choice(["auto", "classes", "quantity"]),
            default="auto",
            show_default=True,
            help="What the target holds, or all targets; auto looks.",
        ),
    ):
        command = option(command)
    return command


def network_options(command: Command) -> Command:
    """How the network is made and trained; the command gets `seed`, and the others under their names in PARAMETERS."""
    for option in (
        jobs_option(NETWORK),
        click.option("--engine", panel=NETWORK, help="auto, kernel or numpy."),
        click.option(
            "--seed",
            panel=NETWORK,
            metavar="N",
            type=click.IntRange(0, 2**32 - 1),
            default=0,
            show_default=True,
            help="Same seed, same model.",
        ),
        click.option(
            "--calibration",
            panel=NETWORK,
            metavar="NAME",
            help="Which rows make intervals and sets honest: auto, split, cv+ or none.",
        ),
        click.option(
            "--class-weight",
            panel=NETWORK,
            type=label_and_weight,
            multiple=True,
            metavar="LABEL=WEIGHT",
            help="How much rows of a class count, as rare=5; may be repeated. Or balanced, for all classes alike.",
        ),
        click.option(
            "--quantile",
            panel=NETWORK,
            type=float,
            metavar="SHARE",
            help="With --loss quantile: the share of answers that lie below the prediction.",
        ),
        click.option(
            "--loss",
            panel=NETWORK,
            metavar="NAME",
            help="Of a quantity: squared_error, absolute_error, poisson for counts, or quantile.",
        ),
        click.option(
            "--metric",
            panel=NETWORK,
            metavar="NAME",
            help="What is to be high on validation rows, by scikit-learn's name, as f1 or roc_auc: it chooses epochs, "
            "and of two classes the threshold.",
        ),
        click.option(
            "--time-limit",
            panel=NETWORK,
            type=float,
            metavar="SECONDS",
            help="End all trainings after about so long, with the best weights.",
        ),
        click.option(
            "--patience",
            panel=NETWORK,
            type=number_or_auto,
            metavar="EPOCHS",
            help="Epochs without progress on validation rows before a training stops; auto: a fifth of all.",
        ),
        click.option(
            "--max-epochs",
            panel=NETWORK,
            type=whole_or_auto,
            metavar="EPOCHS",
            help="Epochs at the most; auto: by --quality and the size of the table.",
        ),
        click.option(
            "--batch-size",
            panel=NETWORK,
            type=whole_or_auto,
            metavar="ROWS",
            help="Rows of a minibatch; auto: 32 to 256, growing with the table.",
        ),
        click.option(
            "--learning-rate",
            panel=NETWORK,
            type=number_or_auto,
            metavar="RATE",
            help="Of AdamW at first; auto: by the width of each layer.",
        ),
        click.option("--dropout", panel=NETWORK, type=float, help="Share of the hidden units left out at first."),
        click.option("--alpha", panel=NETWORK, type=float, help="Weight decay of AdamW at first."),
        click.option(
            "--activation", panel=NETWORK, type=names, metavar="NAMES", help="identity, logistic, tanh, relu or silu."
        ),
        click.option(
            "--hidden",
            panel=NETWORK,
            type=sizes,
            metavar="SIZES",
            help="Units of the hidden layers, such as 64 or 128,128; 0 for a linear model; auto: three of 96 or 128.",
        ),
        click.option(
            "--networks",
            panel=NETWORK,
            type=whole_or_auto,
            metavar="N",
            help="Networks, of which the model is the mean; auto: by --quality.",
        ),
        click.option(
            "--quality",
            panel=NETWORK,
            metavar="NAME",
            help="fast, default or best: how many networks, and how long each is trained.",
        ),
    ):
        command = option(command)
    return command
