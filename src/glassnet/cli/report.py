"""What a fit tells at its end."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glassnet.cli.console import heading, line, paragraph, regions, seconds, table
from glassnet.cli.inputs import quoted
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
SHARED = ("task", "loss", "n_train", "n_test", "columns", "networks")  # of a report, by all targets of a model
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
    """Rows to train on and rows to score on, with their numbers in the files that they came from, counted from 0.

    `order` has the column of groups or time, by that name, where rows were held out by one.
    """

    train: Table
    train_numbers: Array
    test: Table | None
    test_numbers: Array | None
    order: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What a fit came to; `reports` are by target."""

    model: TableClassifier | TableRegressor
    parts: Parts
    output: str
    notes: list[str]
    reports: dict[str, "FitReport"] = field(default_factory=dict)
    page: str | None = None
    source: str | None = None
    asked_task: str = "auto"
    interrupted: bool = False
    refit_rows: int = 0


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The report for programs; of several targets, what they do not share is by target."""
    model, told = outcome.model, {name: report.to_dict() for name, report in outcome.reports.items()}
    one = next(iter(told.values()))
    if len(told) > 1:
        apart = {name: {key: value for key, value in own.items() if key not in SHARED} for name, own in told.items()}
        one = {"target": list(told), **{key: one[key] for key in SHARED}, "targets": apart}
    history, architecture = model.history_, model.network_.architecture
    return {
        "table": outcome.source,
        **one,
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
    model, parts = outcome.model, outcome.parts
    if outcome.source is None:
        paragraph("No table was given, so this is the example of two circles: a blob, and a ring around it.")
    heading("Columns")
    show_columns(model.preprocessor_.columns)
    line("")
    for report in outcome.reports.values():
        _show_target(outcome, report.model)
    _show_parts(parts)
    heading(f"Network, {model.network_.architecture.n_parameters:,} parameters")
    line(str(model.network_))
    for i, (target, report) in enumerate(outcome.reports.items()):
        named = f"{target}: " if len(outcome.reports) > 1 else ""
        for part in report.sections():
            if part.name == "findings" or (part.name == "networks" and i):
                continue  # they are notes; all targets have the same networks
            heading(part.title if part.name == "networks" else f"{named}{part.title}")
            # What is said of the networks in words is of those of one target, with its output alone.
            shared = named and part.name == "networks"
            for j, block in enumerate(block for block in part.blocks if not (shared and isinstance(block, Text))):
                if j:
                    line("")
                _show_block(block)
            if part.name == "networks":
                _show_curves(outcome)
        _show_regions(named, report.model, parts.test if parts.test is not None else parts.train)
    _show_next(outcome)


def _show_regions(named: str, model: TableClassifier | TableRegressor, shown: Table) -> None:
    """What a model of classes says of the plane, where there is one to show."""
    picture = decision_regions(model, shown) if isinstance(model, TableClassifier) else None
    if picture is not None:
        across, up = picture.across[0], picture.up[0]
        heading(f"{named}{across} across, {up} up: what the network says, and {len(shown)} rows")
        regions(picture)


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


def _show_target(outcome: Outcome, model: TableClassifier | TableRegressor) -> None:
    """What a target was taken for."""
    name = model.target_.name
    if isinstance(model, TableClassifier):
        labels = [str(label) for label in model.target_.labels]
        told, other = f"{len(labels)} classes ({elided(labels, 5)})", "quantity"
        doubtful = not isinstance(model.target_.labels[0], str | bool)
    else:
        told, other = f"a quantity, {model.target_.minimum:.6g} to {model.target_.maximum:.6g}", "classes"
        # Several would all need two classes.
        doubtful = outcome.parts.train[name].dtype.is_integer() and len(outcome.reports) == 1
    wrong = f" If that is wrong, pass --task {other}." if doubtful and outcome.asked_task == "auto" else ""
    paragraph(f"Target {name}: {told}.{wrong}")


def _show_parts(parts: Parts) -> None:
    """By what rows were held out, where that was not chance."""
    if parts.test is not None and "groups" in parts.order:
        column = parts.order["groups"]
        n_train, n_test = (part[column].n_unique() for part in (parts.train, parts.test))
        paragraph(f"Groups of {column}: {n_train} are trained on, {n_test} others are scored on.")
    elif parts.test is not None and "time" in parts.order:
        paragraph(f"The {len(parts.test)} latest rows by {parts.order['time']} are scored on.")


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
    if len(outcome.reports) > 1:
        line(f"glassnet attribute {outcome.output} NEW.csv --target {quoted(next(iter(outcome.reports)))}")
    line(f"glassnet info {outcome.output}")
