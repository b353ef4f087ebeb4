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
    known_rows,
    read_table,
    without_missing_target,
)
from glassnet.cli.options import (
    Command,
    drop_missing_target_option,
    jobs_option,
    name_and_kind,
    names,
    number_or_auto,
    sizes,
    whole_or_auto,
)
from glassnet.errors import InputError, TableError

if TYPE_CHECKING:
    from glassnet.data.table import Table
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.nn.elementary import Array
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
            help="Epochs without progress on validation rows before a training stops; auto: a quarter of all.",
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
            help="Units of the hidden layers, such as 64 or 128,128; 0 for a linear model.",
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
        numbers: Of the rows, in their file, from 0, (n,).
        test_numbers: Those of `test`.
    """

    rows: "Table"
    test: "Table | None"
    target: str
    classes: bool
    parameters: dict[str, Any]
    notes: list[str]
    numbers: "Array"
    test_numbers: "Array | None"


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
        numbers = known_rows(rows, target, wanted=drop_missing_target)
        rows, dropped = without_missing_target(rows, target, wanted=drop_missing_target)
        tested = test_numbers = None
        if test is not None:
            # Of two tables, one may be a workbook.
            sheet = reading["sheet"] if test.lower().endswith(EXCEL_SUFFIXES) else None
            tested = read_table(test, reading | {"sheet": sheet})
            test_numbers = known_rows(tested, target, wanted=drop_missing_target)
            tested, more = without_missing_target(tested, target, wanted=drop_missing_target)
            dropped += [f"--test: {note}" for note in more]
        classes = _holds_classes(rows, target) if task == "auto" else task == "classes"
        _check_target(rows, target, task, classes)
        check_rows(rows, tested, target, classes, dict(column))
    parameters = {PARAMETERS[name]: value for name, value in model_options.items() if value is not None}
    parameters |= {"columns": dict(column) or None, "random_state": seed}
    return Problem(rows, tested, target, classes, parameters, [*dropped, *notes], numbers, test_numbers)


def train_model(
    problem: Problem, rows: "Table", *, title: str, watched: bool, callbacks: Sequence["Callback"] = ()
) -> "TableClassifier | TableRegressor":
    """A model of some rows of a problem, with a line of progress."""
    from glassnet.estimators import TableClassifier, TableRegressor

    limit, metric = (problem.parameters.get(name) for name in ("time_limit_seconds", "metric"))
    with TrainingProgress(title, wanted=watched, time_limit_seconds=limit, metric=metric) as progress:
        estimator = TableClassifier if problem.classes else TableRegressor
        return estimator(**problem.parameters, callbacks=[progress, *callbacks]).fit(rows, target=problem.target)


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
