"""`glassnet diagnose`: what keeps a network from learning."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.explain import (
    Showing,
    load_any,
    load_rows,
    of_one_target,
    showing_options,
    target_option,
    targets_of,
)
from glassnet.cli.inputs import PARAMETERS, Reading, flag, gathered_notes, quoted, without_missing_target
from glassnet.cli.options import config_option, drop_missing_target_option, options_panel, reading_options

if TYPE_CHECKING:
    from glassnet.explanation.diagnosis import Finding, Report


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@click.option("--test", metavar="TABLE", help="Rows that MODEL was not trained on; else it is fitted without some.")
@target_option
@drop_missing_target_option
@showing_options
@reading_options
@config_option
def diagnose(
    model: str,
    table: str,
    test: str | None,
    target: str | None,
    drop_missing_target: bool,
    showing: Showing,
    reading: Reading,
) -> None:
    """Look for what keeps MODEL from learning, on TABLE, the rows that it was trained on, with their target.

    Each fault comes with its numbers and its remedy; what could not be examined is listed, and why.

    \b
    glassnet diagnose m.safetensors train.csv
    glassnet diagnose m.safetensors train.csv --test test.csv --format json
    """
    from glassnet.explanation.diagnosis import diagnose as look

    dropped: list[str] = []
    with gathered_notes() as notes:
        whole = load_any(model)
        fitted = of_one_target(whole, model, target)
        rows, answers = load_rows(fitted, table, reading, target)
        if answers is None:
            rows, dropped = without_missing_target(rows, fitted.target_.names, wanted=drop_missing_target)
        held_out: tuple[Any, Any] = (None, None)
        if test is not None:
            held_out = load_rows(fitted, test, reading, target)
        found = look(fitted, rows, answers, X_val=held_out[0], y_val=held_out[1])
    showing.show(in_commands(found.report, targets_of(whole), table), [*dropped, *notes])


def in_commands(report: "Report", targets: Sequence[str], table: str | None) -> "Report":
    """The same report, with remedies as commands where one can be typed: for models that `glassnet fit` makes.

    Args:
        report: What was found.
        targets: What the model predicts; () of a model of no table.
        table: The file with its rows; None is the example that `glassnet fit` takes.
    """
    if not targets:
        return report
    return replace(report, findings=tuple(_in_command(finding, targets, table) for finding in report.findings))


def _in_command(finding: "Finding", targets: Sequence[str], table: str | None) -> "Finding":
    words = {parameter: flag(option) for option, parameter in PARAMETERS.items()}
    typed = []
    for parameter, value in finding.change.items():
        if parameter == "columns":
            typed += [f"--column {quoted(f'{name}={kind}')}" for name, kind in value.items()]
        elif parameter in words:
            shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
            typed.append(f"{words[parameter]} {shown}")
        else:
            return finding
    if not typed:
        return finding
    rows = [] if table is None else [quoted(table), *(f"--target {quoted(target)}" for target in targets)]
    return replace(finding, remedy=" ".join(["glassnet fit", *rows, *typed]))
