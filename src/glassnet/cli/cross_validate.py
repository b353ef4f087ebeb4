"""`glassnet cross-validate`: train on all but a part of the rows, score on that part, and so for every part."""

from dataclasses import asdict, dataclass
from typing import Any

import rich_click as click

from glassnet.cli.console import heading, paragraph, print_json, show_notes, table, tell
from glassnet.cli.inputs import Reading, gathered_notes
from glassnet.cli.options import apart_options, config_option, json_option, options_panel, reading_options
from glassnet.cli.problem import Problem, read_problem, train_model
from glassnet.cli.score import number
from glassnet.cli.training import SEVERAL, TrainingCommand, network_options, problem_options, targets_option

INTERRUPTED = 130
SAME_START = 30  # letters by which two notes are of one kind


@dataclass(frozen=True)
class Fold:
    """A training on all but a part of the rows, scored on that part: by target, by who, by score."""

    n_train: int
    n_test: int
    epochs: int
    scores: dict[str, dict[str, dict[str, Any]]]


@click.command("cross-validate", cls=TrainingCommand)
@options_panel
@click.argument("table", required=False)
@targets_option(SEVERAL)
@click.option(
    "--folds", type=click.IntRange(2), metavar="K", default=5, show_default=True, help="Parts, each scored on once."
)
@apart_options
@problem_options
@network_options
@reading_options
@config_option
@json_option
@click.option("-q", "--quiet", is_flag=True, help="Print no progress.")
@click.pass_context
def cross_validate(
    ctx: click.RichContext,
    /,
    table: str | None,
    targets: tuple[str, ...],
    folds: int,
    groups: str | None,
    time: str | None,
    task: str,
    column: tuple[tuple[str, str], ...],
    drop_missing_target: bool,
    seed: int,
    reading: Reading,
    as_json: bool,
    quiet: bool,
    **model_options: Any,
) -> None:
    """Score a network on every row of TABLE, each by a training that did not see it.

    The rows are parted into folds, classes in proportion; groups stay whole, and with --time each fold is later than
    all that is trained on. For each fold a network is trained on all others and scored on it, beside simpler models on
    the same rows; of several targets, each by itself. The mean and its standard error tell how good a network is, and
    how sure that is; 'glassnet fit' makes the one to keep. Ctrl-C ends with the folds that are done.

    \b
    glassnet cross-validate penguins.csv --target species
    glassnet cross-validate prices.csv -t price --folds 10 --hidden 64,64
    glassnet cross-validate sales.csv -t sold --time date
    glassnet cross-validate visits.csv -t days -t dose --groups patient
    """
    problem = read_problem(
        table,
        targets,
        reading,
        task=task,
        column=column,
        drop_missing_target=drop_missing_target,
        seed=seed,
        model_options=model_options,
        groups=groups,
        time=time,
        several=True,
    )
    done: list[Fold] = []
    notes = list(problem.notes)
    interrupted = _run(problem, folds, seed, done, notes, watched=not quiet)
    if interrupted:
        tell(f"Ctrl-C: {len(done)} of {folds} folds were done.")
    show_notes(notes)
    if as_json:
        print_json(_as_dict(problem, table, folds, done, notes, interrupted))
    elif done:
        _show(problem, folds, done)
    if interrupted:
        ctx.exit(INTERRUPTED)


def _run(problem: Problem, n_folds: int, seed: int, done: list[Fold], notes: list[str], *, watched: bool) -> bool:
    """Add the folds to `done` as they are done; whether Ctrl-C ended them."""
    from glassnet.estimators.cross_validation import folds
    from glassnet.estimators.report import compare

    parts = folds(problem.rows, problem.rarest, n_folds, classes=problem.classes, seed=seed, **problem.order)
    try:
        for i, (train, test) in enumerate(parts, 1):
            with gathered_notes() as found:
                model = train_model(problem, train, title=f"Fold {i} of {n_folds}", watched=watched)
                if model.history_.stopped_by == "interrupt":
                    return True
                scores = {name: compare(model.of_target(name), train, test) for name in problem.targets}
            notes += [f"Fold {i}: {note}" for note in found if _is_news(note, notes)]
            epochs = len(model.history_)
            done.append(Fold(len(train), len(test), epochs, scores))
    except KeyboardInterrupt:
        return True
    return False


def _is_news(note: str, notes: list[str]) -> bool:
    """Whether no earlier fold noted the like: most notes come again in each, with other numbers."""
    return not any(note[:SAME_START] in earlier for earlier in notes)


def _as_dict(
    problem: Problem, source: str | None, n_folds: int, done: list[Fold], notes: list[str], interrupted: bool
) -> dict[str, Any]:
    """The report for programs; of several targets, scores and summaries are by target."""
    from glassnet.estimators.cross_validation import summarize

    def by_target(found: dict[str, Any]) -> Any:
        return found if len(problem.targets) > 1 else found[problem.targets[0]]

    return {
        "table": source,
        "target": problem.target,
        "task": "classes" if problem.classes else "quantity",
        "n": len(problem.rows),
        "n_folds": n_folds,
        "folds": [{**asdict(fold), "scores": by_target(fold.scores)} for fold in done],
        "summary": by_target({name: summarize([fold.scores[name] for fold in done]) for name in problem.targets}),
        "interrupted": interrupted,
        "notes": notes,
    }


def _show(problem: Problem, n_folds: int, done: list[Fold]) -> None:
    """The report for people: one table a score, who made it side by side."""
    some = f" of {n_folds}" if len(done) < n_folds else ""
    paragraph(f"{', '.join(problem.targets)}: {len(done)}{some} folds of {len(problem.rows)} rows")
    for target in problem.targets:
        _show_target(f"{target}: " if len(problem.targets) > 1 else "", target, done)


def _show_target(named: str, target: str, done: list[Fold]) -> None:
    """The scores of one target."""
    from glassnet.estimators.cross_validation import summarize
    from glassnet.explanation.fit_sections import NAMES

    summary = summarize([fold.scores[target] for fold in done])
    who = list(summary)
    for name in summary[who[0]]:
        heading(f"{named}{NAMES[name]}")
        rows = [
            [str(i), str(fold.n_test), str(fold.epochs), *(number(name, fold.scores[target][one][name]) for one in who)]
            for i, fold in enumerate(done, 1)
        ]
        rows.append(["mean", "", "", *(number(name, summary[one][name]["mean"]) for one in who)])
        if len(done) > 1:
            rows.append(["± s.e.", "", "", *(number(name, summary[one][name]["standard_error"]) for one in who)])
        table(["fold", "rows", "epochs", *who], rows, numbers=range(1, 3 + len(who)))
