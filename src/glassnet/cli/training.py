"""What every command that trains has in common: its options, and the checked tables that it learns from."""

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.console import TrainingProgress
from glassnet.cli.inputs import (
    EXCEL_SUFFIXES,
    PARAMETERS,
    Reading,
    check_rows,
    gathered_notes,
    read_table,
    without_missing_target,
)
from glassnet.cli.options import (
    Command,
    drop_missing_target_option,
    jobs_option,
    name_and_kind,
    names,
    rows_or_auto,
    sizes,
)
from glassnet.errors import InputError, TableError

if TYPE_CHECKING:
    from glassnet.data.table import Table
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.training import Callback

NETWORK = "Network and training"
EXAMPLE, EXAMPLE_TARGET = "circles", "label"


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


def problem_options(command: Command) -> Command:
    """What is to be learned, and from which columns."""
    for option in (
        drop_missing_target_option,
        click.option(
            "--column",
            type=name_and_kind,
            metavar="NAME=KIND",
            multiple=True,
            help="Kind of a column; may be repeated.",
        ),
        click.option(
            "--task",
            type=click.Choice(["auto", "classes", "quantity"]),
            default="auto",
            show_default=True,
            help="What the target holds; auto looks.",
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
            "--scoring",
            panel=NETWORK,
            metavar="NAME",
            help="What to watch on validation rows in place of the loss: scikit-learn's name of a score, as roc_auc.",
        ),
        click.option(
            "--time-limit",
            panel=NETWORK,
            type=float,
            metavar="SECONDS",
            help="End a training after about so long, with the best weights.",
        ),
        click.option(
            "--patience",
            panel=NETWORK,
            type=float,
            help="Epochs without a lower validation loss before training stops.",
        ),
        click.option("--max-epochs", panel=NETWORK, type=int, help="Epochs at the most."),
        click.option(
            "--batch-size", panel=NETWORK, type=rows_or_auto, metavar="ROWS", help="Rows of a minibatch, or auto."
        ),
        click.option("--learning-rate", panel=NETWORK, type=float, help="Of Adam."),
        click.option("--alpha", panel=NETWORK, type=float, help="Weight decay."),
        click.option(
            "--activation", panel=NETWORK, type=names, metavar="NAMES", help="identity, logistic, tanh, relu or silu."
        ),
        click.option(
            "--hidden",
            panel=NETWORK,
            type=sizes,
            metavar="SIZES",
            help="Units of the hidden layers, such as 64 or 128,128; 0 for a linear model.",
        ),
    ):
        command = option(command)
    return command


@dataclass
class Problem:
    """What there is to learn.

    Attributes:
        rows: All rows, with the target.
        test: The rows of another table to score on.
        target: The column to predict.
        classes: Whether it holds classes.
        parameters: Of the estimator.
        notes: What deserves a look.
    """

    rows: "Table"
    test: "Table | None"
    target: str
    classes: bool
    parameters: dict[str, Any]
    notes: list[str]


def read_problem(
    table: str | None,
    target: str | None,
    reading: Reading,
    *,
    test: str | None = None,
    task: str,
    column: Sequence[tuple[str, str]],
    drop_missing_target: bool,
    seed: int,
    model_options: dict[str, Any],
) -> Problem:
    """The tables that a command names, or the example, with all that can be wrong with them found."""
    from glassnet.data.examples import example

    dropped: list[str] = []
    with gathered_notes() as notes:
        if table is None:
            rows, target = example(EXAMPLE), _example_target(target)
        else:
            rows = read_table(table, reading)
        target = _known_target(rows, target)
        rows, dropped = without_missing_target(rows, target, wanted=drop_missing_target)
        tested = None
        if test is not None:
            # Of two tables, one may be a workbook.
            sheet = reading["sheet"] if test.lower().endswith(EXCEL_SUFFIXES) else None
            tested, more = without_missing_target(
                read_table(test, reading | {"sheet": sheet}), target, wanted=drop_missing_target
            )
            dropped += [f"--test: {note}" for note in more]
        classes = _holds_classes(rows, target) if task == "auto" else task == "classes"
        _check_target(rows, target, task, classes)
        check_rows(rows, tested, target, classes, dict(column))
    parameters = {PARAMETERS[name]: value for name, value in model_options.items() if value is not None}
    parameters |= {"columns": dict(column) or None, "random_state": seed}
    return Problem(rows, tested, target, classes, parameters, [*dropped, *notes])


def train_model(
    problem: Problem, rows: "Table", *, title: str, watched: bool, callbacks: Sequence["Callback"] = (), **changes: Any
) -> "TableClassifier | TableRegressor":
    """A model of some rows of a problem, with a line of progress; `changes` are of its parameters."""
    from glassnet.estimators import TableClassifier, TableRegressor

    parameters = problem.parameters | changes
    limit = parameters.get("time_limit_seconds")
    with TrainingProgress(title, wanted=watched, time_limit_seconds=limit) as progress:
        estimator = TableClassifier if problem.classes else TableRegressor
        return estimator(**parameters, callbacks=[progress, *callbacks]).fit(rows, target=problem.target)


def _example_target(target: str | None) -> str:
    """The example's own; another one asked for means that a table was forgotten."""
    if target not in (None, EXAMPLE_TARGET):
        raise InputError(f"No table was given to find the column {target!r} in: glassnet fit TABLE --target {target}.")
    return EXAMPLE_TARGET


def _known_target(rows: "Table", target: str | None) -> str:
    """The target, if the table has it."""
    from glassnet.data.cells import elided

    if target is None:
        raise InputError(
            f"Which column is to be predicted? Pass --target COLUMN. The table has {len(rows.names)}: "
            f"{elided(rows.names)}."
        )
    rows.require(target)
    return target


def _holds_classes(rows: "Table", target: str) -> bool:
    """Whether the target reads as labels."""
    from glassnet.data.targets import looks_like_classes

    return looks_like_classes(rows[target])


def _check_target(rows: "Table", target: str, task: str, classes: bool) -> None:
    """An InputError where the target holds dates, or texts that are no labels."""
    from glassnet.data.inference import FREE_TEXT, IDENTIFIER, infer_columns

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            column = infer_columns(rows.select([target]))[0]
        except TableError:  # in words for columns to learn from; what is wrong with a target is told by its own check
            return
    seen = rows[target].drop_nulls()
    first = str(seen[0])[:60] if len(seen) else ""
    written = not seen.dtype.is_temporal()  # as text, which may be labels all the same
    labels = " If each is a label that comes again, pass --task classes." if written else ""
    what = {"date": "dates", "time": "times of day", "duration": "durations"}.get(column.kind)
    if what and not (task == "classes" and written):
        raise InputError(
            f"The target {target!r} holds {what} ({first}, …), but a quantity in numbers or classes are needed. Make a "
            f"number of it, such as days since a certain date, hours or seconds, and predict that.{labels}"
        )
    if task == "auto" and classes and column.note.startswith((FREE_TEXT, IDENTIFIER)):
        raise InputError(
            f"The target {target!r} has another text in nearly every row ({first!r}, …), and what comes only once "
            f"cannot be learned. Make a column of labels that come again, such as a topic, and predict that.{labels}"
        )
