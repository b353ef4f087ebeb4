"""`glassnet fit`: train on a table, score on rows held out, save, report."""

from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.console import print_json, show_notes, tell
from glassnet.cli.inputs import TABLE_SUFFIXES, Reading, check_output, gathered_notes
from glassnet.cli.options import config_option, json_option, options_panel, reading_options
from glassnet.cli.training import (
    EXAMPLE,
    NETWORK,
    Problem,
    TrainingCommand,
    network_options,
    problem_options,
    read_problem,
    train_model,
)
from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.cli.report import Outcome
    from glassnet.data.table import Table

INTERRUPTED = 130
TOLD = ("leaking_column", "stuck_at_chance")  # findings of which fitting warns by itself


@click.command(cls=TrainingCommand)
@options_panel
@click.argument("table", required=False)
@click.option("-t", "--target", metavar="COLUMN", help="The column to predict.")
@click.option("-o", "--output", metavar="FILE", help="Where to save the model; TABLE's name with .safetensors, here.")
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
@problem_options
@network_options
@click.option("--log", panel=NETWORK, metavar="FILE.csv", help="Write the numbers of every epoch to a CSV.")
@reading_options
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
    test_size: float,
    test: str | None,
    refit: bool,
    task: str,
    column: tuple[tuple[str, str], ...],
    drop_missing_target: bool,
    seed: int,
    log: str | None,
    reading: Reading,
    as_json: bool,
    quiet: bool,
    **model_options: Any,
) -> None:
    """Train a network on TABLE to predict one of its columns.

    TABLE is CSV, Parquet or Excel, or - for standard input; without one, an example is taken. A part of the rows is
    held out, and scored beside simpler models. Ctrl-C ends the training with the best weights so far, and saves them.

    \b
    glassnet fit
    glassnet fit penguins.csv --target species
    glassnet fit prices.csv -t price --column zip=category --refit
    cat log.csv.gz | glassnet fit - -t seconds --hidden 64,64 --time-limit 30
    glassnet fit penguins.csv --config penguins.toml --json
    """
    from glassnet.estimators.report import hold_out

    output = expanduser(output or _default_output(table))  # a TOML file may say ~, which no shell has read
    tables = [name for name in (table, test) if name is not None]
    _check_model_output(output, tables)
    if log is not None:
        log = expanduser(log)
        _check_log(log, [*tables, output])
    problem = read_problem(
        table,
        target,
        reading,
        test=test,
        task=task,
        column=column,
        drop_missing_target=drop_missing_target,
        seed=seed,
        model_options=model_options,
    )
    train, held_out = problem.rows, problem.test
    if held_out is None:
        train, held_out = hold_out(train, problem.target, test_size, classes=problem.classes, seed=seed)
    outcome = _train(problem, train, held_out, output, log, refit=refit, watched=not quiet)
    outcome.source, outcome.asked_task = table, task
    if not (quiet or outcome.interrupted):
        outcome.notes += _findings(outcome, table)
    if outcome.interrupted:
        scored_first = outcome.model.history_.stopped_by != "interrupt"
        kept = "the model that was scored is kept" if scored_first else "training ended with the best weights so far"
        tell(f"Ctrl-C: {kept}, saved in {output}.")
    show_notes(outcome.notes)
    _report(outcome, as_json, quiet)
    if outcome.interrupted:
        ctx.exit(INTERRUPTED)


NOT_REFITTED = "Interrupted before the model was trained on all rows: the one that was scored is saved."


def _train(
    problem: Problem, train: "Table", test: "Table | None", output: str, log: str | None, *, refit: bool, watched: bool
) -> "Outcome":
    """Train, save, score; then, if asked, train on everything and save that."""
    from glassnet.cli.report import Outcome
    from glassnet.estimators.report import compare
    from glassnet.formats.safetensors import save
    from glassnet.training import CSVLog

    with gathered_notes() as found:
        callbacks = [CSVLog(log)] if log is not None else []
        model = train_model(problem, train, title="Training", watched=watched, callbacks=callbacks)
        save(model, output)
        scores = compare(model, train, test) if test is not None else {}
    outcome = Outcome(model, train, test, scores, output, [*problem.notes, *found])
    outcome.interrupted = model.history_.stopped_by == "interrupt"
    if refit and outcome.interrupted:
        outcome.notes.append(NOT_REFITTED)
    if not refit or outcome.interrupted:
        return outcome
    epochs = max(model.history_.best_epoch[0], 1)
    # As many epochs as were best, since no row is left to tell when to stop.
    alone: dict[str, Any] = {
        "validation_fraction": 0.0,
        "scoring": None,
        "max_iter": epochs,
        "n_iter_no_change": epochs,
    }
    with gathered_notes():
        final = train_model(problem, problem.rows, title="All rows", watched=watched, **alone)
    outcome.interrupted = final.history_.stopped_by == "interrupt"
    if not outcome.interrupted:  # half a refit may be worse than the model that was scored
        save(final, output)
        outcome.refit_rows, outcome.refit_epochs = len(problem.rows), len(final.history_)
    else:
        outcome.notes.append(NOT_REFITTED)
    return outcome


def _findings(outcome: "Outcome", table: str | None) -> list[str]:
    """What keeps the network from learning; what other notes say already is left out."""
    from glassnet.cli.diagnose import in_commands
    from glassnet.explanation.diagnosis import diagnose

    report = in_commands(diagnose(outcome.model, outcome.train).report, outcome.model, table)
    return [str(found) for found in report.findings if found.name not in TOLD]


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


def _check_log(log: str, others: list[str]) -> None:
    """An InputError where the log could not be written, or would be written over a table or the model."""
    if any(other != "-" and Path(log).resolve() == Path(other).expanduser().resolve() for other in others):
        raise InputError(f"The log would be written over {log!r}. Name another file with --log.")
    if not log.lower().endswith(".csv"):
        raise InputError(f"The log {log!r} is a CSV, but does not say so: name a file that ends in .csv with --log.")
    check_output(log, "log", "--log")
