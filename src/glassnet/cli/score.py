"""`glassnet score`: a model on a table that holds the answers."""

from typing import Any

import rich_click as click

from glassnet.cli.console import paragraph, print_json, show_notes
from glassnet.cli.console import table as print_table
from glassnet.cli.inputs import Reading, gathered_notes, read_model, read_table, without_missing_target
from glassnet.cli.options import (
    config_option,
    drop_missing_target_option,
    jobs_option,
    json_option,
    options_panel,
    reading_options,
)

NO_UNIT = ("accuracy", "log_loss", "r2")


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@drop_missing_target_option
@jobs_option()
@reading_options
@json_option
@config_option
def score(model: str, table: str, drop_missing_target: bool, jobs: int | None, reading: Reading, as_json: bool) -> None:
    """Measure MODEL on TABLE, which holds the answers.

    TABLE is CSV, Parquet or Excel, or - for standard input. Scores of classes: accuracy and log loss, the mean of -ln p
    of the true class. Of quantities: R2, and in the target's units the root of the mean squared error (RMSE) and the
    mean absolute error (MAE). A model of several targets is scored on each.

    \b
    glassnet score m.safetensors test.csv
    glassnet score m.safetensors test.csv --json
    """
    from glassnet.estimators.report import evaluate

    with gathered_notes() as notes:
        fitted = read_model(model).set_params(n_jobs=jobs)
        rows = read_table(table, reading)
        rows, dropped = without_missing_target(rows, fitted.target_.names, wanted=drop_missing_target)
        scores = evaluate(fitted, rows)
    show_notes([*dropped, *notes])
    if as_json:
        print_json(scores)
        return
    n, several = len(rows), len(fitted.target_.names) > 1
    paragraph(f"{fitted.target_.name}: {n} row{'s' * (n != 1)} of {table}")
    print_scores(scores if several else {"model": scores})


def print_scores(scores: dict[str, dict[str, Any]]) -> None:
    """Rows of scores, by who made them."""
    from glassnet.explanation.fit_sections import NAMES

    names = [name for name in next(iter(scores.values())) if name in NAMES]
    rows = [[who, *(number(name, found[name]) for name in names)] for who, found in scores.items()]
    print_table(["", *(NAMES[name] for name in names)], rows, numbers=range(1, len(names) + 1))


def number(name: str, value: float | None) -> str:
    """Three decimals of what has no unit; four digits of what has one."""
    return "-" if value is None else f"{value:.3f}" if name in NO_UNIT else f"{value:.4g}"
