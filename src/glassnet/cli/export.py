"""`glassnet export`: a model for programs that have no glassnet."""

from typing import TYPE_CHECKING, Any, Literal, cast

import rich_click as click

from glassnet.cli.console import line, print_json, show_notes, table
from glassnet.cli.inputs import Reading, check_model_place, check_output, gathered_notes, read_table
from glassnet.cli.options import config_option, json_option, options_panel, reading_options

if TYPE_CHECKING:
    from glassnet.exports.exporting import Export

SHOWN = 24  # inputs


@click.command(no_args_is_help=True)
@options_panel
@click.argument("model")
@click.argument("output", metavar="OUT")
@click.option("--rows", metavar="FILE", help="A table to try the file on; else 1,000 rows are drawn.")
@click.option(
    "--dtype",
    type=click.Choice(["float", "double"]),
    help="In which the networks of .onnx and .c compute; else as those of the model do.",
)
@reading_options
@json_option
@config_option
def export(model: str, output: str, rows: str | None, dtype: str | None, reading: Reading, as_json: bool) -> None:
    """Write MODEL as OUT, a file that runs without glassnet: .onnx, .py or .c, as its name says.

    .onnx holds whole models, an input for each column, and needs the extra onnx to be written. .py is one file of plain
    Python. .c is C99 for models whose columns are all numbers. Each is run on 1,000 rows before it is written, and must
    say what the model says.

    \b
    glassnet export m.safetensors m.onnx
    glassnet export m.safetensors m.py --rows new.csv
    glassnet export m.safetensors m.c --dtype float
    """
    from glassnet.exports.exporting import export as write
    from glassnet.formats.safetensors import load

    check_model_place(model)
    check_output(output, "model")
    with gathered_notes() as notes:
        fitted = load(model)
        tried = None if rows is None else read_table(rows, reading)
        done = write(fitted, output, rows=tried, dtype=cast(Literal["float", "double"] | None, dtype))
    show_notes(notes)
    if as_json:
        print_json(_record(done))
    else:
        _show(done)


def _record(done: "Export") -> dict[str, Any]:
    """What was written, for programs."""
    names = ("size_bytes", "inputs", "outputs", "n_rows", "difference", "allowed")
    return {"output": str(done.path), **{name: getattr(done, name) for name in names}}


def _show(done: "Export") -> None:
    """The same for people."""
    line(f"{done.path}, {done.size_bytes:,} bytes", "bold")
    inputs = list(done.inputs.items())
    table(["input", "type"], [list(pair) for pair in inputs[:SHOWN]])
    if len(inputs) > SHOWN:
        line(f"… ({len(inputs) - SHOWN} more inputs)")
    table(["output", "type"], [list(pair) for pair in done.outputs.items()])
    if done.difference is None:
        line("It was not tried: there is no C compiler (cc, gcc or clang) here.")
    else:
        line(
            f"The largest difference from the model on {done.n_rows:,} rows: {done.difference:.2g} "
            f"(more than {done.allowed:.2g} would have been an error)"
        )
