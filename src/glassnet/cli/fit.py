"""`glassnet fit`: train on a table, score on rows held out, save, report."""

from dataclasses import replace
from os.path import expanduser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.console import print_json, show_notes, tell
from glassnet.cli.explain import document
from glassnet.cli.inputs import TABLE_SUFFIXES, Reading, check_output, gathered_notes, in_terminal_words
from glassnet.cli.options import apart_options, config_option, json_option, options_panel, reading_options
from glassnet.cli.problem import EXAMPLE, Problem, read_problem, train_model
from glassnet.cli.training import NETWORK, SEVERAL, TrainingCommand, network_options, problem_options, targets_option
from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.cli.report import Outcome, Parts
    from glassnet.explanation.diagnosis import Finding
    from glassnet.explanation.fit_report import FitReport

INTERRUPTED = 130
TOLD = ("leaking_column", "stuck_at_chance")  # findings of which fitting warns by itself


@click.command(cls=TrainingCommand)
@options_panel
@click.argument("table", required=False)
@targets_option(SEVERAL)
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
@click.option(
    "--checkpoint",
    metavar="FOLDER",
    help="Keep the training there as it goes on: cut off, it goes on from there when the same command is given again. "
    "Of this training alone; --refit keeps its own in FOLDER/refit.",
)
@click.option(
    "--every", type=click.IntRange(1), metavar="N", help="Epochs of a network from one checkpoint to the next; else 1."
)
@click.option("--compare", is_flag=True, help="Score scikit-learn's gradient boosting on the same rows, too.")
@click.option("--report", metavar="FILE.html", help="Write the report with pictures, as one file that loads nothing.")
@apart_options
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
    targets: tuple[str, ...],
    output: str | None,
    test_size: float,
    test: str | None,
    refit: bool,
    checkpoint: str | None,
    every: int | None,
    compare: bool,
    report: str | None,
    groups: str | None,
    time: str | None,
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
    """Train networks on TABLE to predict one of its columns, or several.

    TABLE is CSV, Parquet or Excel, or - for standard input; without one, an example is taken. A part of the rows is
    held out, and scored beside simpler models. Ctrl-C ends the training with the best weights so far, and saves them.
    With --checkpoint, what was cut off goes on when it is called again, and a training that had ended gives its model.

    \b
    glassnet fit
    glassnet fit penguins.csv --target species
    glassnet fit penguins.csv -t species --compare --report penguins.html
    glassnet fit prices.csv -t price --column zip=category --quality best --refit
    glassnet fit visits.csv -t ill --groups patient --class-weight balanced
    glassnet fit sales.csv -t sold --time date --loss poisson
    glassnet fit visits.csv -t days -t dose --groups patient
    glassnet fit big.csv -t price --checkpoint big-training --every 5
    cat log.csv.gz | glassnet fit - -t seconds --hidden 64,64 --time-limit 30
    glassnet fit penguins.csv --config penguins.toml --json
    """
    output = expanduser(output or _default_output(table))  # a TOML file may say ~, which no shell has read
    tables = [name for name in (table, test) if name is not None]
    _check_model_output(output, tables)
    if log is not None:
        log = expanduser(log)
        _check_place(log, "log", ".csv", [*tables, output])
    if report is not None:
        report = expanduser(report)
        _check_place(report, "report", ".html", [*tables, output])
    if every is not None and checkpoint is None:
        raise InputError(f"--every is {every}, but belongs to --checkpoint FOLDER: give one, or leave it out.")
    keeping = None if checkpoint is None else (Path(checkpoint).expanduser(), every or 1)
    problem = read_problem(
        table,
        targets,
        reading,
        test=test,
        task=task,
        column=column,
        drop_missing_target=drop_missing_target,
        seed=seed,
        model_options=model_options,
        groups=groups,
        time=time,
        several=True,
    )
    parts = _parted(problem, test_size, seed)
    outcome = _train(problem, parts, output, log, keeping, refit=refit, watched=not quiet)
    outcome.source, outcome.asked_task = table, task
    if as_json or report is not None or not quiet:
        outcome.reports = _measure(problem, outcome, compare=compare, diagnosed=not (quiet or outcome.interrupted))
    if outcome.interrupted:
        scored_first = outcome.model.history_.stopped_by != "interrupt"
        kept = "the model that was scored is kept" if scored_first else "training ended with the best weights so far"
        more = "" if keeping is None else " The same command goes on with it."
        tell(f"Ctrl-C: {kept}, saved in {output}.{more}")
    show_notes(outcome.notes)
    _report(outcome, report, as_json, quiet)
    if outcome.interrupted:
        ctx.exit(INTERRUPTED)


NOT_REFITTED = "Interrupted before the model was trained on all rows: the one that was scored is saved."
NOTHING_TO_ADD = "--refit had nothing to add: no row of the table was held out."


def _parted(problem: Problem, share: float, seed: int) -> "Parts":
    """Rows to train on and rows to score on, with their numbers in the files that they came from."""
    from glassnet.cli.report import Parts
    from glassnet.estimators.report import hold_out

    rows, numbers = problem.rows, problem.numbers
    if problem.test is not None:
        return Parts(rows, numbers, problem.test, problem.test_numbers)
    train, test = hold_out(rows, problem.rarest, share, classes=problem.classes, seed=seed, **problem.order)
    held_out = rows.take(test) if len(test) else None
    return Parts(rows.take(train), numbers[train], held_out, numbers[test], problem.order)


def _train(
    problem: Problem,
    parts: "Parts",
    output: str,
    log: str | None,
    keeping: tuple[Path, int] | None,
    *,
    refit: bool,
    watched: bool,
) -> "Outcome":
    """Train and save; then, if asked, train on everything and save that.

    Args:
        problem: What there is to learn.
        parts: Its rows.
        output: Where the model is saved.
        log: Where the numbers of every epoch are written.
        keeping: The folder of the checkpoints, and the epochs from one to the next.
        refit: Whether to train on everything.
        watched: Whether to show progress.
    """
    from glassnet.cli.report import Outcome
    from glassnet.formats.safetensors import save
    from glassnet.training import CSVLog

    with gathered_notes() as found:
        callbacks = [CSVLog(log)] if log is not None else []
        model = train_model(
            problem, parts.train, title="Training", watched=watched, callbacks=callbacks, keeping=keeping
        )
        save(model, output)
    outcome = Outcome(model, parts, output, [*problem.notes, *found])
    outcome.interrupted = model.history_.stopped_by == "interrupt"
    if refit and len(parts.train) == len(problem.rows):
        outcome.notes.append(NOTHING_TO_ADD)
    elif refit and not outcome.interrupted:
        with gathered_notes():
            own = None if keeping is None else (keeping[0] / "refit", keeping[1])  # other rows: another training
            final = train_model(problem, problem.rows, title="All rows", watched=watched, keeping=own)
        outcome.interrupted = final.history_.stopped_by == "interrupt"
        if not outcome.interrupted:  # half a refit may be worse than the model that was scored
            save(final, output)
            outcome.refit_rows = len(problem.rows)
    if refit and outcome.interrupted:
        outcome.notes.append(NOT_REFITTED)
    return outcome


def _measure(problem: Problem, outcome: "Outcome", *, compare: bool, diagnosed: bool) -> "dict[str, FitReport]":
    """How good the model is at each target, and what keeps it from learning; what other notes say is left out."""
    from glassnet.cli.diagnose import in_commands
    from glassnet.explanation.diagnosis import diagnose
    from glassnet.explanation.fit_report import fit_report

    parts, told, reports = outcome.parts, list(outcome.notes), {}
    for name in problem.targets:
        model, train = outcome.model.of_target(name), problem.alone(parts.train, name)
        test = None if parts.test is None else problem.alone(parts.test, name)
        findings: tuple[Finding, ...] = ()
        if diagnosed:
            found = in_commands(diagnose(model, train).report, problem.targets, outcome.source).findings
            findings = tuple(replace(one, text=in_terminal_words(one.text)) for one in found if one.name not in TOLD)
        with gathered_notes() as notes:
            reports[name] = fit_report(
                model,
                train,
                test,
                compare=compare,
                train_rows=parts.train_numbers,
                test_rows=parts.test_numbers,
                findings=findings,
                notes=told,
            )
        named = f"{name}: " if len(problem.targets) > 1 else ""
        more = [*notes, *(f"{named}{finding}" for finding in findings)]
        outcome.notes += [note for note in more if note not in outcome.notes]
    return reports


def _report(outcome: "Outcome", path: str | None, as_json: bool, quiet: bool) -> None:
    """On standard output, for a person or a program, and as a page."""
    from glassnet.cli.report import as_dict, show

    if path is not None:
        reports = list(outcome.reports.values())
        if len(reports) == 1:
            reports[0].write(path)
        else:
            body = "".join(report.to_html() for report in reports)
            Path(path).write_text(document(f"glassnet: {outcome.model.target_.name}", body) + "\n", encoding="utf-8")
        outcome.page = path
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


def _check_place(path: str, what: str, suffix: str, others: list[str]) -> None:
    """An InputError where a file could not be written, or would be written over a table or the model."""
    option = f"--{what}"
    if any(other != "-" and Path(path).resolve() == Path(other).expanduser().resolve() for other in others):
        raise InputError(f"The {what} would be written over {path!r}. Name another file with {option}.")
    if not path.lower().endswith(suffix):
        raise InputError(
            f"The {what} {path!r} does not say what it is: name a file that ends in {suffix} with {option}."
        )
    check_output(path, what, option)
