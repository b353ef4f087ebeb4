"""`glassnet fit`: train on a table, score on rows held out, save, report."""

from copy import copy
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.console import TrainingProgress, print_json, show_notes, tell
from glassnet.cli.inputs import PARAMETERS, TABLE_SUFFIXES, check_output, check_rows, gathered_notes, read_table
from glassnet.cli.options import config_option, csv_options, json_option, name_and_kind, names, rows_or_auto, sizes
from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.cli.report import Outcome
    from glassnet.data.table import Table

EXAMPLE, EXAMPLE_TARGET = "circles", "label"
INTERRUPTED = 130
NETWORK = "Network and training"


class FitCommand(click.RichCommand):
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


@click.command(cls=FitCommand)
@click.argument("table", required=False)
@click.option("-t", "--target", metavar="COLUMN", help="The column to predict.")
@click.option("-o", "--output", metavar="FILE", help="Where to save the model; TABLE's name with .safetensors, here.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classes", "quantity"]),
    default="auto",
    show_default=True,
    help="What the target holds; auto looks.",
)
@click.option(
    "--test-size",
    type=click.FloatRange(0, 1, max_open=True),
    metavar="SHARE",
    default=0.2,
    show_default=True,
    help="Share of the rows held out to score on; 0 for none.",
)
@click.option("--test", metavar="TABLE", help="Score on the rows of another table, and hold out none.")
@click.option("--refit", is_flag=True, help="After scoring, train once more on all rows, and save that.")
@click.option(
    "--column",
    type=name_and_kind,
    metavar="NAME=KIND",
    multiple=True,
    help="Kind of a column; may be repeated.",
)
@click.option(
    "--hidden",
    panel=NETWORK,
    type=sizes,
    metavar="SIZES",
    help="Units of the hidden layers, such as 64 or 128,128; 0 for a linear model.",
)
@click.option(
    "--activation",
    panel=NETWORK,
    type=names,
    metavar="NAMES",
    help="identity, logistic, tanh, relu or silu.",
)
@click.option("--alpha", panel=NETWORK, type=float, help="Weight decay.")
@click.option("--learning-rate", panel=NETWORK, type=float, help="Of Adam.")
@click.option("--batch-size", panel=NETWORK, type=rows_or_auto, metavar="ROWS", help="Rows of a minibatch, or auto.")
@click.option("--max-epochs", panel=NETWORK, type=int, help="Epochs at the most.")
@click.option(
    "--patience", panel=NETWORK, type=float, help="Epochs without a lower validation loss before training stops."
)
@click.option(
    "--time-limit", panel=NETWORK, type=float, metavar="SECONDS", help="End after about so long, with the best weights."
)
@click.option(
    "--seed",
    panel=NETWORK,
    metavar="N",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Same seed, same model.",
)
@click.option("--engine", panel=NETWORK, help="auto, kernel or numpy.")
@csv_options
@config_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print no progress and no report.")
@click.pass_context
def fit(
    ctx: click.RichContext,
    /,
    table: str | None,
    target: str | None,
    output: str | None,
    task: str,
    test_size: float,
    test: str | None,
    refit: bool,
    column: tuple[tuple[str, str], ...],
    seed: int,
    separator: str | None,
    encoding: str | None,
    decimal: str | None,
    as_json: bool,
    quiet: bool,
    **model_options: Any,
) -> None:
    """Train a network on TABLE to predict one of its columns.

    TABLE is CSV or Parquet, or - for standard input; without one, an example is taken. A part of the rows is held
    out, and scored beside simpler models. Ctrl-C ends the training with the best weights so far, and saves them.

    \b
    glassnet fit
    glassnet fit penguins.csv --target species
    glassnet fit prices.csv -t price --column zip=category --refit
    cat log.csv.gz | glassnet fit - -t seconds --hidden 64,64 --time-limit 30
    glassnet fit penguins.csv --config penguins.toml --json
    """
    from glassnet.data.examples import example
    from glassnet.estimators.report import hold_out

    output = expanduser(output or _default_output(table))  # a TOML file may say ~, which no shell has read
    _check_model_output(output, [name for name in (table, test) if name is not None])
    reading = (separator, encoding, decimal)
    with gathered_notes() as notes:
        if table is None:
            rows, target = example(EXAMPLE), _example_target(target)
        else:
            rows = read_table(table, *reading)
        target = _known_target(rows, target)
        tested = read_table(test, *reading) if test is not None else None
        classes = _holds_classes(rows, target) if task == "auto" else task == "classes"
        check_rows(rows, tested, target, classes, dict(column))
    train, held_out = (
        (rows, tested) if tested is not None else hold_out(rows, target, test_size, classes=classes, seed=seed)
    )
    parameters = {PARAMETERS[name]: value for name, value in model_options.items() if value is not None}
    outcome = _train(
        parameters | {"columns": dict(column) or None, "random_state": seed},
        train,
        held_out,
        rows if refit else None,
        target,
        classes,
        output,
        watched=not quiet,
        notes=notes,
    )
    outcome.source, outcome.asked_task = table, task
    if outcome.interrupted:
        scored_first = outcome.model.history_.stopped_by != "interrupt"
        kept = "the model that was scored is kept" if scored_first else "training ended with the best weights so far"
        tell(f"Ctrl-C: {kept}, saved in {output}.")
    show_notes(outcome.notes)
    _report(outcome, as_json, quiet)
    if outcome.interrupted:
        ctx.exit(INTERRUPTED)


def _train(
    parameters: dict[str, Any],
    train: "Table",
    test: "Table | None",
    everything: "Table | None",
    target: str,
    classes: bool,
    output: str,
    *,
    watched: bool,
    notes: list[str],
) -> "Outcome":
    """Train, save, score; then, if asked, train on everything and save that."""
    from glassnet.cli.report import Outcome
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.estimators.report import baselines, evaluate
    from glassnet.formats.safetensors import save

    estimator = TableClassifier if classes else TableRegressor
    limit = parameters.get("time_limit_seconds")
    with gathered_notes() as found:
        with TrainingProgress("Training", wanted=watched, time_limit_seconds=limit) as progress:
            model = estimator(**parameters, callbacks=[progress]).fit(train, target=target)
        save(model, output)
        scores = {}
        if test is not None:
            scores = {"network": evaluate(model, test), **baselines(model, train, test)}
    outcome = Outcome(model, train, test, scores, output, [*notes, *found])
    outcome.interrupted = model.history_.stopped_by == "interrupt"
    if everything is None or outcome.interrupted:
        return outcome
    epochs = max(model.history_.best_epoch[0], 1)
    # As many epochs as were best, since no row is left to tell when to stop.
    again = parameters | {"validation_fraction": 0.0, "max_iter": epochs, "n_iter_no_change": epochs}
    with gathered_notes(), TrainingProgress("All rows", wanted=watched, time_limit_seconds=limit) as progress:
        final = estimator(**again, callbacks=[progress]).fit(everything, target=target)
    outcome.interrupted = final.history_.stopped_by == "interrupt"
    if not outcome.interrupted:  # half a refit may be worse than the model that was scored
        save(final, output)
        outcome.refit_rows, outcome.refit_epochs = len(everything), len(final.history_)
    return outcome


def _report(outcome: "Outcome", as_json: bool, quiet: bool) -> None:
    """On standard output, for a person or a program."""
    from glassnet.cli.report import as_dict, show

    if as_json:
        print_json(as_dict(outcome))
    elif not quiet:
        show(outcome)


def _default_output(table: str | None) -> str:
    """In the current folder, by the name of the table."""
    name = EXAMPLE if table is None else "model" if table == "-" else Path(table).name
    for suffix in (".gz", *TABLE_SUFFIXES):
        name = name[: -len(suffix)] if name.lower().endswith(suffix) and len(name) > len(suffix) else name
    return f"{name}.safetensors"


def _check_model_output(output: str, tables: list[str]) -> None:
    """An InputError where the model could not be saved, or would be saved over a table."""
    if output == "-":
        raise InputError("A model cannot be written to standard output. Name a file with --output.")
    place = Path(output).expanduser()
    over_table = any(name != "-" and place.resolve() == Path(name).expanduser().resolve() for name in tables)
    if over_table or output.lower().endswith(TABLE_SUFFIXES):
        raise InputError(
            f"The model would be saved as {output!r}, which is a table by its name. "
            f"Name a file that ends in .safetensors with --output."
        )
    if place.exists() and not (place.is_file() or place.is_dir()):
        raise InputError(f"The output {output!r} is no regular file. Name a file with --output.")
    check_output(output, "model")


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
