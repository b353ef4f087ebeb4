"""What a fit tells at its end."""

from dataclasses import dataclass
from typing import Any

from glassnet.cli.console import heading, line, paragraph, regions, seconds, table, watches_score
from glassnet.cli.picture import curves, decision_regions
from glassnet.cli.score import print_scores
from glassnet.data.cells import elided
from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.estimators import TableClassifier, TableRegressor
from glassnet.estimators.seen import seen
from glassnet.training import History

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


@dataclass
class Outcome:
    """What a fit came to."""

    model: TableClassifier | TableRegressor
    train: Table
    test: Table | None
    scores: dict[str, dict[str, Any]]
    output: str
    notes: list[str]
    source: str | None = None
    asked_task: str = "auto"
    interrupted: bool = False
    refit_rows: int = 0
    refit_epochs: int = 0


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """The report for programs."""
    model = outcome.model
    history, architecture = model.history_, model.network_.architecture
    return {
        "table": outcome.source,
        "target": model.target_.name,
        "task": "classes" if isinstance(model, TableClassifier) else "quantity",
        "classes": list(model.target_.labels) if isinstance(model, TableClassifier) else None,
        "n_train": len(outcome.train),
        "n_test": len(outcome.test) if outcome.test is not None else 0,
        "columns": model.preprocessor_.to_dict()["columns"],
        "network": {
            "sizes": architecture.sizes,
            "activations": [f.name for f in architecture.activations],
            "n_parameters": architecture.n_parameters,
        },
        "training": {
            "epochs": len(history),
            "best_epoch": history.best_epoch[0],
            "seconds": history.epochs[-1].seconds if history.epochs else 0.0,
            "stopped_by": history.stopped_by,
            "loss": history.loss,
            "validation_loss": history.validation_loss,
        },
        "scores": outcome.scores,
        "model": outcome.output,
        "refit": bool(outcome.refit_rows),
        "interrupted": outcome.interrupted,
        "notes": outcome.notes,
    }


def show(outcome: Outcome) -> None:
    """The report for people."""
    model = outcome.model
    if outcome.source is None:
        paragraph("No table was given, so this is the example of two circles: a blob, and a ring around it.")
    heading("Columns")
    show_columns(model.preprocessor_.columns)
    _show_target(outcome)
    heading(f"Network, {model.network_.architecture.n_parameters:,} parameters")
    line(str(model.network_))
    heading("Training")
    show_training(model.history_, len(outcome.train))
    _show_scores(outcome)
    if isinstance(model, TableClassifier):
        shown = outcome.test if outcome.test is not None else outcome.train
        picture = decision_regions(model, shown)
        if picture is not None:
            heading(f"{picture.across[0]} across, {picture.up[0]} up: what the network says, and {len(shown)} rows")
            regions(picture)
    _show_next(outcome)


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
        doubtful = outcome.train[name].dtype.is_integer()
    wrong = f" If that is wrong, pass --task {other}." if doubtful and outcome.asked_task == "auto" else ""
    paragraph(f"\nTarget {name}: {told}.{wrong}")


def show_training(history: History, rows: int | None = None) -> None:
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
    best_epoch = history.best
    if best_epoch is not None and watches_score(best_epoch):
        line(f"{'score':<10} {best_epoch.score[0]:.4g} in the best epoch (--scoring)")


def _show_scores(outcome: Outcome) -> None:
    """The network beside its baselines."""
    if outcome.test is None:
        heading("Scores")
        paragraph("No rows were held out, so there is nothing honest to score on.")
        return
    n = len(outcome.test)
    heading(f"Scores on {n} test row{'s' * (n != 1)}")
    print_scores(outcome.scores)


def _show_next(outcome: Outcome) -> None:
    """Where the model is, and what to try."""
    heading("Saved")
    if outcome.refit_rows:
        paragraph(f"Trained again on all {outcome.refit_rows} rows, {outcome.refit_epochs} epochs, and saved in")
    line(outcome.output)
    heading("Next")
    if outcome.source is None:
        line("glassnet fit YOUR.csv --target COLUMN")
    else:
        line(f"glassnet predict {outcome.output} NEW.csv -o predictions.csv")
    line(f"glassnet info {outcome.output}")
