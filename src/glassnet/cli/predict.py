"""`glassnet predict`: every row of a table."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.console import print_json, show_notes, tell
from glassnet.cli.inputs import Reading, check_output, gathered_notes, read_model, read_table
from glassnet.cli.options import config_option, jobs_option, json_option, options_panel, reading_options
from glassnet.errors import DataWarning, InputError

if TYPE_CHECKING:
    from glassnet.data.table import Table

Columns = dict[str, Any]  # cells by name
OUTPUTS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("table")
@click.option(
    "-o", "--output", metavar="FILE", help="A .csv, .tsv (also .gz) or .parquet; else CSV on standard output."
)
@click.option(
    "--coverage",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Add between which ends the answer lies in that share of rows, as 0.9; of classes, the set that it is in.",
)
@click.option("--keep", is_flag=True, help="Put the columns of the table before the predictions.")
@jobs_option()
@reading_options
@json_option
@config_option
def predict(
    model: str,
    table: str,
    output: str | None,
    coverage: float | None,
    keep: bool,
    jobs: int | None,
    reading: Reading,
    as_json: bool,
) -> None:
    """Predict every row of TABLE with MODEL.

    The columns are prediction and, where classes are told apart, p_CLASS, the probability of each; with --coverage low
    and high, or the set of classes, as "cat | dog", and on standard error what they promise. Of several targets, each
    has such columns with its name behind: prediction TARGET. Rows keep their order. TABLE is CSV, Parquet or Excel, or
    - for standard input; columns that the model does not know are not looked at.

    \b
    glassnet predict m.safetensors new.csv -o predictions.csv
    glassnet predict m.safetensors new.csv --keep | head
    glassnet predict m.safetensors new.csv --coverage 0.9
    cat new.csv | glassnet predict m.safetensors -
    """
    from glassnet.data.table import write_table

    if output is not None:
        if not output.lower().endswith(OUTPUTS):
            raise InputError(f"The output {output!r} ends in no known way: {', '.join(OUTPUTS)} can be written.")
        if table != "-" and Path(output).expanduser().resolve() == Path(table).expanduser().resolve():
            raise InputError(f"The predictions would be written over the table {table!r}. Name another --output.")
        check_output(output, "table")
    with gathered_notes() as notes:
        fitted = read_model(model).set_params(n_jobs=jobs)
        rows = read_table(table, reading)
        found = _predictions(fitted, rows)
        if coverage is not None:
            found = [told | more for told, more in zip(found, _ranges(fitted, rows, coverage), strict=True)]
        columns = _named(found, fitted.target_.names)
        if keep:
            columns = _kept(rows, columns)
    show_notes(notes)
    if coverage is not None:
        tell(f"These hold for {fitted.guarantee(coverage)}.")
    if output is not None:
        write_table(columns, output)
        tell(f"{len(rows)} predictions are in {output}.")
        if as_json:
            print_json({"output": output, "n": len(rows)})
    elif as_json:
        print_json({name: list(cells) for name, cells in columns.items()})
    else:
        write_table(columns, "-")


def _predictions(model: Any, rows: "Table") -> list[Columns]:
    """Of each target the columns prediction and p_CLASS."""
    import numpy as np

    several = len(model.target_.names) > 1
    if not hasattr(model, "predict_proba"):
        said = model.predict(rows)
        return [{"prediction": cells} for cells in (said.T if several else [said])]
    p = model.predict_proba(rows)
    if not several:
        return [_labels(model.classes_, p, model.threshold_)]
    both = [np.column_stack([1 - second, second]) for second in p.T]
    return [_labels(*one) for one in zip(model.classes_, both, model.threshold_, strict=True)]


def _labels(classes: Any, p: Any, threshold: float) -> Columns:
    """The columns of one target of classes."""
    said = p.argmax(axis=1) if p.shape[1] > 2 else (p[:, 1] > threshold).astype(int)
    return {"prediction": classes[said], **{f"p_{label}": p[:, code] for code, label in enumerate(classes)}}


def _ranges(model: Any, rows: "Table", coverage: float) -> list[Columns]:
    """Of each target the columns low and high, or set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the predictions have told of odd cells already
        if hasattr(model, "predict_interval"):
            ends = model.predict_interval(rows, coverage)  # (n, 2), or (n, targets, 2)
            return [{"low": low, "high": high} for low, high in ends.reshape(len(rows), -1, 2).transpose(1, 2, 0)]
        sets = model.predict_set(rows, coverage)
    return [{"set": [" | ".join(str(label) for label in model.classes_[row]) for row in sets]}]


def _named(found: list[Columns], targets: Sequence[str]) -> Columns:
    """The columns of all targets; of several each with the name of its own."""
    if len(targets) == 1:
        return found[0]
    return {
        f"{name} {target}": cells
        for target, columns in zip(targets, found, strict=True)
        for name, cells in columns.items()
    }


def _kept(rows: "Table", predictions: Columns) -> Columns:
    """The table's own columns, and the predictions."""
    doubles = [name for name in predictions if name in rows.names]
    if doubles:
        raise InputError(
            f"The table has a column {doubles[0]!r} already, so --keep cannot add another. "
            f"Rename it, or leave --keep out."
        )
    return {**{name: rows[name] for name in rows.names}, **predictions}
