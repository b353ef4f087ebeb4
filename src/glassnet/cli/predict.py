"""`glassnet predict`: every row of a table."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.cli.console import print_json, show_notes, tell
from glassnet.cli.inputs import Reading, check_output, gathered_notes, read_model, read_table
from glassnet.cli.options import config_option, jobs_option, json_option, options_panel, reading_options
from glassnet.errors import DataWarning, InputError

if TYPE_CHECKING:
    from glassnet.data.table import Table

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
    and high, or the set of classes, as "cat | dog", and on standard error what they promise. Rows keep their order.
    TABLE is CSV, Parquet or Excel, or - for standard input; columns that the model does not know are not looked at.

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
        columns = _predictions(fitted, rows)
        if coverage is not None:
            columns |= _ranges(fitted, rows, coverage)
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


def _predictions(model: Any, rows: "Table") -> dict[str, Any]:
    """The columns prediction and p_CLASS."""
    if not hasattr(model, "predict_proba"):
        return {"prediction": model.predict(rows)}
    p = model.predict_proba(rows)
    probabilities = {f"p_{label}": p[:, code] for code, label in enumerate(model.classes_)}
    said = p.argmax(axis=1) if p.shape[1] > 2 else (p[:, 1] > getattr(model, "threshold_", 0.5)).astype(int)
    return {"prediction": model.classes_[said], **probabilities}


def _ranges(model: Any, rows: "Table", coverage: float) -> dict[str, Any]:
    """The columns low and high, or set."""
    if not hasattr(model, "guarantee"):
        raise InputError(f"--coverage needs a model that `glassnet fit` made, but this is a {type(model).__name__}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # the predictions have told of odd cells already
        if hasattr(model, "predict_interval"):
            low, high = model.predict_interval(rows, coverage).T
            return {"low": low, "high": high}
        sets = model.predict_set(rows, coverage)
    return {"set": [" | ".join(str(label) for label in model.classes_[row]) for row in sets]}


def _kept(rows: "Table", predictions: dict[str, Any]) -> dict[str, Any]:
    """The table's own columns, and the predictions."""
    doubles = [name for name in predictions if name in rows.names]
    if doubles:
        raise InputError(
            f"The table has a column {doubles[0]!r} already, so --keep cannot add another. "
            f"Rename it, or leave --keep out."
        )
    return {**{name: rows[name] for name in rows.names}, **predictions}
