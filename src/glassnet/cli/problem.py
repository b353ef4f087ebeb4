"""What a command that trains is to learn: tables and targets, checked before any work begins; and the training."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from glassnet.cli.console import TrainingProgress
from glassnet.cli.inputs import (
    EXCEL_SUFFIXES,
    OF_CLASSES,
    OF_QUANTITIES,
    PARAMETERS,
    Reading,
    check_rows,
    flag,
    gathered_notes,
    known_rows,
    read_table,
    without_missing_target,
)
from glassnet.errors import InputError, TableError

if TYPE_CHECKING:
    from glassnet.data.table import Table
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.nn.elementary import Array
    from glassnet.training import Callback

EXAMPLE, EXAMPLE_TARGET = "circles", "label"


@dataclass
class Problem:
    """What there is to learn.

    Attributes:
        rows: All rows, with the targets.
        test: The rows of another table to score on.
        targets: The columns to predict.
        classes: Whether they hold classes.
        parameters: Of the estimator.
        notes: What deserves a look.
        numbers: Of the rows, in their file, from 0, (n,).
        test_numbers: Those of `test`.
        order: The column of `groups` or `time` that says which rows may be parted, by that name; {} where any may.
    """

    rows: "Table"
    test: "Table | None"
    targets: tuple[str, ...]
    classes: bool
    parameters: dict[str, Any]
    notes: list[str]
    numbers: "Array"
    test_numbers: "Array | None"
    order: dict[str, Any]

    @property
    def target(self) -> str | list[str]:
        """The columns to predict, as `fit` takes them."""
        return self.targets[0] if len(self.targets) == 1 else list(self.targets)

    @property
    def rarest(self) -> str:
        """The target by which rows are parted in proportion: of several, that with the rarest class."""
        if not self.classes:
            return self.targets[0]
        return min(self.targets, key=lambda name: min(self.rows[name].drop_nulls().value_counts()["count"]))

    def alone(self, rows: "Table", target: str) -> "Table":
        """Rows without the other targets, which no model has as columns."""
        return rows.without(*(name for name in self.targets if name != target))


def read_problem(
    table: str | None,
    targets: Sequence[str],
    reading: Reading,
    *,
    test: str | None = None,
    task: str,
    column: Sequence[tuple[str, str]],
    drop_missing_target: bool,
    seed: int,
    model_options: dict[str, Any],
    groups: str | None = None,
    time: str | None = None,
    several: bool = False,
) -> Problem:
    """The tables that a command names, or the example, with all that can be wrong with them found."""
    from glassnet.data.examples import example

    if len(targets) > 1 and not several:
        raise InputError(
            f"--target was given {len(targets)} times, for {', '.join(targets)}, but this command is about one target: "
            f"call it for each."
        )
    dropped: list[str] = []
    with gathered_notes() as notes:
        if table is None:
            rows, targets = example(EXAMPLE), _example_target(targets)
        else:
            rows = read_table(table, reading)
        targets = _known_targets(rows, targets)
        numbers = known_rows(rows, targets, wanted=drop_missing_target)
        rows, dropped = without_missing_target(rows, targets, wanted=drop_missing_target)
        tested = test_numbers = None
        if test is not None:
            # Of two tables, one may be a workbook.
            sheet = reading["sheet"] if test.lower().endswith(EXCEL_SUFFIXES) else None
            tested = read_table(test, reading | {"sheet": sheet})
            test_numbers = known_rows(tested, targets, wanted=drop_missing_target)
            tested, more = without_missing_target(tested, targets, wanted=drop_missing_target)
            dropped += [f"--test: {note}" for note in more]
        classes = _hold_classes(rows, targets) if task == "auto" else task == "classes"
        for target in targets:
            _check_target(rows, target, task, classes)
        check_rows(rows, tested, targets, classes, dict(column))
    parameters = {PARAMETERS[name]: value for name, value in model_options.items() if value is not None}
    if not parameters.get("class_weight"):  # an option that may be repeated, and was not given
        parameters.pop("class_weight", None)
    _check_fitting(parameters, targets, classes)
    if "class_weight" in parameters:
        parameters["class_weight"] = _class_weight(parameters["class_weight"], rows, targets)
    parameters |= {"columns": dict(column) or None, "random_state": seed}
    order = {name: asked for name, asked in (("groups", groups), ("time", time)) if asked is not None}
    if len(order) > 1:
        raise InputError("--groups and --time were both given, but rows are held out by one of them: leave one out.")
    for asked in order.values():
        rows.require(asked)
    return Problem(rows, tested, targets, classes, parameters, [*dropped, *notes], numbers, test_numbers, order)


def train_model(
    problem: Problem,
    rows: "Table",
    *,
    title: str,
    watched: bool,
    callbacks: Sequence["Callback"] = (),
    keeping: tuple[Path, int] | None = None,
) -> "TableClassifier | TableRegressor":
    """A model of some rows of a problem, with a line of progress.

    Args:
        problem: What there is to learn.
        rows: Those to train on.
        title: Of the line.
        watched: Whether there is one.
        callbacks: What else is called after each epoch.
        keeping: The folder of the checkpoints, and the epochs from one to the next.
    """
    from glassnet.estimators import TableClassifier, TableRegressor

    checkpoint, every = keeping or (None, 1)
    limit, metric = (problem.parameters.get(name) for name in ("time_limit_seconds", "metric"))
    with TrainingProgress(title, wanted=watched, time_limit_seconds=limit, metric=metric) as progress:
        estimator = TableClassifier if problem.classes else TableRegressor
        model = estimator(**problem.parameters, callbacks=[progress, *callbacks])
        return model.fit(rows, target=problem.target, **problem.order, checkpoint=checkpoint, every=every)


def _check_fitting(parameters: dict[str, Any], targets: Sequence[str], classes: bool) -> None:
    """An InputError for an option that is for another task."""
    for option in OF_QUANTITIES if classes else OF_CLASSES:
        if PARAMETERS[option] in parameters:
            needed, other = ("a quantity", "classes") if classes else ("classes", "a quantity")
            raise InputError(
                f"{flag(option)} is for {needed}, but the target {targets[0]!r} was taken for {other}. Leave it out, "
                f"or pass --task {needed.split()[-1]}."
            )


def _class_weight(given: Sequence[tuple[str, float] | str], rows: "Table", targets: Sequence[str]) -> Any:
    """What was typed as the estimator takes it: labels in the target's own type."""
    from glassnet.data.targets import ClassTarget

    if len(targets) > 1:
        raise InputError(
            f"--class-weight weighs a row by its class, but with {len(targets)} targets it has a class of each. Leave "
            f"it out, or fit a model of one --target."
        )
    if "balanced" in given:
        if len(given) > 1:
            raise InputError("--class-weight balanced says it for every class: leave the others out.")
        return "balanced"
    labels = {str(label): label for label in ClassTarget.fit(rows[targets[0]], targets[0]).labels}
    return {labels.get(label, label): weight for label, weight in cast("Sequence[tuple[str, float]]", given)}


def _example_target(targets: Sequence[str]) -> tuple[str, ...]:
    """The example's own; another one asked for means that a table was forgotten."""
    if any(target != EXAMPLE_TARGET for target in targets):
        asked = " ".join(f"--target {target}" for target in targets)
        columns = f"the column{'s' * (len(targets) > 1)} {', '.join(map(repr, targets))}"
        raise InputError(f"No table was given to find {columns} in: glassnet fit TABLE {asked}.")
    return (EXAMPLE_TARGET,)


def _known_targets(rows: "Table", targets: Sequence[str]) -> tuple[str, ...]:
    """The targets, if the table has them."""
    from glassnet.data.cells import elided

    if not targets:
        raise InputError(
            f"Which column is to be predicted? Pass --target COLUMN. The table has {len(rows.names)}: "
            f"{elided(rows.names)}."
        )
    rows.require(*targets)
    twice = [target for target in targets if targets.count(target) > 1]
    if twice:
        raise InputError(f"--target {twice[0]} was given more than once: once is enough.")
    return tuple(targets)


def _hold_classes(rows: "Table", targets: Sequence[str]) -> bool:
    """Whether the targets read as labels."""
    from glassnet.data.targets import looks_like_classes

    labels = [name for name in targets if looks_like_classes(rows[name])]
    quantities = [name for name in targets if name not in labels]
    if labels and quantities:
        raise InputError(
            f"The target {labels[0]!r} reads as classes and {quantities[0]!r} as a quantity, but one model predicts "
            f"either. Fit a model for each of the two; or, where that is read wrongly, pass --task classes or --task "
            f"quantity for all targets."
        )
    return bool(labels)


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
