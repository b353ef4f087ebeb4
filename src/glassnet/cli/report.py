"""What a fit tells at its end."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassnet.cli.console import heading, line, paragraph, regions, seconds, table
from glassnet.cli.picture import curves, decision_regions
from glassnet.data.cells import elided
from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.estimators import TableClassifier, TableRegressor
from glassnet.estimators.seen import seen
from glassnet.explanation.page import MARKS, Block, Text, Verdict, number
from glassnet.explanation.page import Table as PageTable
from glassnet.nn.elementary import Array
from glassnet.training import History

if TYPE_CHECKING:
    from glassnet.explanation.fit_report import FitReport

SHOWN_COLUMNS = 40
STOPPED = {
    "patience": "it got no better any more (--patience)",
    "max_epochs": "it reached the last epoch (--max-epochs)",
    "time limit": "the time was up (--time-limit)",
    "interrupt": "Ctrl-C",
    "non-finite loss": "the loss was no longer a number",
    "callback": "a callback asked for it",
    "converged": "it had converged",
    "no progress": "no step made it better",
}


@dataclass(frozen=True)
class Parts:
    """Rows to train on and rows to score on, with their numbers in the files that they came from, counted from 0."""

    train: Table
    train_numbers: Array
    test: Table | None
    test_numbers: Array | None


@dataclass
class Outcome:
    """What a fit came to."""

    model: TableClassifier | TableRegressor
    parts: Parts
    output: str
    notes: list[str]
    report: "FitReport | None" = None
    page: str | None = None
    source: str | None = None
    asked_task: str = "auto"
    interrupted: bool = False
    refit_rows: int = 0


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The report for programs."""
    model, report = outcome.model, outcome.report
    assert report is not None
    history, architecture = model.history_, model.network_.architecture
    return {
        "table": outcome.source,
        **report.to_dict(),
        "network": {
            "sizes": architecture.sizes,
            "activations": [f.name for f in architecture.activations],
            "n_parameters": architecture.n_parameters,
        },
        "training": {  # of the first network
            "epochs": len(history),
            "best_epoch": history.best_epoch[0],
            "seconds": history.epochs[-1].seconds if history.epochs else 0.0,
            "stopped_by": history.stopped_by,
            "loss": history.loss,
            "validation_loss": history.validation_loss,
        },
        "model": outcome.output,
        "refit": bool(outcome.refit_rows),
        "interrupted": outcome.interrupted,
        "notes": outcome.notes,
    }


def show(outcome: Outcome) -> None:
    """The report for people."""
    model, parts, report = outcome.model, outcome.parts, outcome.report
    assert report is not None
    if outcome.source is None:
        paragraph("No table was given, so this is the example of two circles: a blob, and a ring around it.")
    heading("Columns")
    show_columns(model.preprocessor_.columns)
    _show_target(outcome)
    heading(f"Network, {model.network_.architecture.n_parameters:,} parameters")
    line(str(model.network_))
    for part in report.sections():
        if part.name == "findings":
            continue  # they are notes
        heading(part.title)
        for i, block in enumerate(part.blocks):
            if i:
                line("")
            _show_block(block)
        if part.name == "networks":
            _show_curves(outcome)
    if isinstance(model, TableClassifier):
        shown = parts.test if parts.test is not None else parts.train
        picture = decision_regions(model, shown)
        if picture is not None:
            heading(f"{picture.across[0]} across, {picture.up[0]} up: what the network says, and {len(shown)} rows")
            regions(picture)
    _show_next(outcome)


def _show_block(block: Block) -> None:
    """A part of a page."""
    if isinstance(block, PageTable):
        numeric = [
            j
            for j in range(len(block.columns))
            if all(isinstance(row[j], int | float) or row[j] is None for row in block.rows)
        ]
        table(block.columns, [[number(cell) for cell in row] for row in block.rows], numbers=numeric)
        if block.note:
            paragraph(block.note)
    elif isinstance(block, Verdict):
        paragraph(f"{MARKS[block.kind]} {block.text}")
    elif isinstance(block, Text):
        paragraph(block.text)


def _show_curves(outcome: Outcome) -> None:
    """The losses of every network over its epochs; of one, all that is known of its training."""
    members, metric = outcome.model.members_, outcome.model.metric
    if len(members) == 1:
        show_training(members[0].history, len(outcome.parts.train), metric=metric)
        return
    histories = [member.history for member in members if len(member.history)]
    held_out = all(history.validation_loss for history in histories)
    losses = [history.validation_loss if held_out else history.loss for history in histories]
    paragraph(f"\n{'Validation' if held_out else 'Training'} loss of each network, epoch by epoch:")
    for i, (values, drawn) in enumerate(zip(losses, curves(losses), strict=True)):
        line(f"{i:>7}  {drawn:<30}  {values[0]:.3g} → {values[-1]:.3g}")
    ended = Counter(STOPPED[history.stopped_by] for history in histories)
    told = "; ".join(f"{n} of {len(histories)}: {why}" for why, n in ended.most_common())
    longest = max(history.epochs[-1].seconds for history in histories) if histories else 0.0
    paragraph(f"The longest took {seconds(longest)}. Why they ended: {told}.")


def show_columns(columns: tuple[Column, ...], most_values: int = 5, *, medians: bool = False) -> None:
    """What each column was taken for, and what was seen in it."""
    rows = [
        [column.name, column.kind, seen(column, most_values, median=medians), str(column.n_missing or ""), column.note]
        for column in columns[:SHOWN_COLUMNS]
    ]
    headers = ["name", "taken for", "seen in training", "missing", "note"]
    # Columns of the report in which nothing stands are left out.
    kept = [i for i in range(len(headers)) if i < 3 or any(row[i] for row in rows)]
    table([headers[i] for i in kept], [[row[i] for i in kept] for row in rows], numbers=[3] if 3 in kept else [])
    if len(columns) > SHOWN_COLUMNS:
        line(f"… and {len(columns) - SHOWN_COLUMNS} more")


def _show_target(outcome: Outcome) -> None:
    """What the target was taken for."""
    model, name = outcome.model, outcome.model.target_.name
    if isinstance(model, TableClassifier):
        labels = [str(label) for label in model.target_.labels]
        told, other = f"{len(labels)} classes ({elided(labels, 5)})", "quantity"
        doubtful = not isinstance(model.target_.labels[0], str | bool)
    else:
        told, other = f"a quantity, {model.target_.minimum:.6g} to {model.target_.maximum:.6g}", "classes"
        doubtful = outcome.parts.train[name].dtype.is_integer()
    wrong = f" If that is wrong, pass --task {other}." if doubtful and outcome.asked_task == "auto" else ""
    paragraph(f"\nTarget {name}: {told}.{wrong}")


def show_training(history: History, rows: int | None = None, *, metric: str | None = None) -> None:
    """How long, how well, why it ended, and the curves."""
    if not history.epochs:
        line("It ended before the first epoch: the first weights are kept.")
        return
    on_rows = f" on {rows} rows" if rows is not None else ""
    best = f"; the best was epoch {history.best_epoch[0]}" if history.best_epoch else ""
    paragraph(
        f"{len(history)} epoch{'s' * (len(history) != 1)}{on_rows} in {seconds(history.epochs[-1].seconds)}{best}. "
        f"Why it ended: {STOPPED[history.stopped_by]}."
    )
    lines = {
        name: values for name, values in (("loss", history.loss), ("validation", history.validation_loss)) if values
    }
    for (name, values), drawn in zip(lines.items(), curves(list(lines.values())), strict=True):
        line(f"{name:<10} {drawn} {values[0]:.3g} → {values[-1]:.3g}, least {min(values):.3g}")
    if history.best is not None and metric is not None:
        line(f"{metric:<10} {history.best.score[0]:.4g} in the best epoch (--metric)")


def _show_next(outcome: Outcome) -> None:
    """Where the model is, and what to try."""
    heading("Saved")
    if outcome.refit_rows:
        paragraph(f"Trained again on all {outcome.refit_rows} rows, and saved in")
    line(outcome.output)
    if outcome.page is not None:
        line(f"The report with its pictures is in {outcome.page}")
    heading("Next")
    if outcome.source is None:
        line("glassnet fit YOUR.csv --target COLUMN")
    else:
        line(f"glassnet predict {outcome.output} NEW.csv -o predictions.csv")
    line(f"glassnet info {outcome.output}")
