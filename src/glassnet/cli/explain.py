"""What the commands that explain have in common: a model and rows to explain, and how the page is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import rich_click as click

from glassnet.cli.console import print_json, show_notes, stdout, tell
from glassnet.cli.inputs import Reading, check_model_place, check_output, quoted, read_table
from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.data.table import Table
    from glassnet.explanation.page import Explanation

FORMATS = ("text", "html", "json")
SUFFIXES = {".html": "html", ".htm": "html", ".json": "json"}


@dataclass(frozen=True)
class Showing:
    """Where a page goes, and in which form."""

    form: str
    output: str | None

    def show(self, explanation: "Explanation | Sequence[Explanation]", notes: Sequence[str] = ()) -> None:
        """Print one page, or several after each other, or write them to the file; notes go to standard error."""
        show_notes(notes)
        several = not hasattr(explanation, "page")  # a diagnosis is a list, and yet one page
        pages: list[Any] = [*cast("Sequence[Explanation]", explanation)] if several else [explanation]
        if self.form == "json" and self.output is None:
            print_json([page.to_dict() for page in pages] if several else pages[0].to_dict())
            return
        if self.form == "json":
            text = f"[{', '.join(page.to_json() for page in pages)}]" if several else pages[0].to_json()
        elif self.form == "html":
            text = document("glassnet", "".join(page.to_html() for page in pages))
        else:
            text = "\n\n".join(str(page) for page in pages)
        if self.form != "json":
            text = text.replace(": to_dict()", ": --format json")
        if self.output is None:
            stdout()  # from here on a letter that the terminal lacks is no crash
            click.echo(text)
        else:
            Path(self.output).expanduser().write_text(text + "\n", encoding="utf-8")
            tell(f"The page is in {self.output}.")


def document(title: str, body: str) -> str:
    """A whole page of HTML around fragments."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"</head><body>{body}</body></html>"
    )


def showing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--format and --output: the command gets both as `showing`."""

    @wraps(command)
    def bundled(*args: Any, form: str | None, output: str | None, **more: Any) -> Any:
        if output is not None:
            check_output(output, "page")
        known = SUFFIXES.get(Path(output).suffix.lower(), "text") if output is not None else "text"
        return command(*args, showing=Showing(form or known, output), **more)

    for option in (
        click.option("-o", "--output", metavar="FILE", help="Write the page there: .html, .json, or text."),
        click.option(
            "--format", "form", type=click.Choice(FORMATS), help="text, html for a browser, or json for programs."
        ),
    ):
        bundled = option(bundled)
    return bundled


target_option = click.option(
    "-t",
    "--target",
    metavar="COLUMN",
    help="Of a model of several targets, the one to tell of; of a model of arrays, the column that holds its target.",
)
float64_option = click.option(
    "--float64", is_flag=True, help="Compute in float64, where the network was trained in float32."
)


def load_any(path: str) -> Any:
    """A model of any kind, a bare network too."""
    from glassnet.formats.safetensors import load

    check_model_place(path)
    return load(path)


def load_model(path: str, target: str | None) -> Any:
    """A model of any kind, for what tells of one target."""
    return of_one_target(load_any(path), path, target)


def targets_of(model: Any) -> tuple[str, ...]:
    """What a model of tables predicts; () of any other."""
    return tuple(model.target_.names) if hasattr(model, "preprocessor_") else ()


def of_one_target(model: Any, path: str, target: str | None) -> Any:
    """The model itself, or of one of several targets that of the one asked for.

    Raises:
        InputError: Several targets, of which none was asked for.
        UnknownNameError: No such target.
    """
    from glassnet.data.cells import elided

    names = targets_of(model)
    if len(names) < 2:
        return model
    if target is None:
        raise InputError(
            f"{path!r} predicts {len(names)} targets, {elided(names)}, but this command tells of one: pass --target "
            f"{quoted(names[0])}, or another of them."
        )
    return model.of_target(target)


def load_rows(model: Any, path: str, reading: Reading, target: str | None = None) -> tuple["Table", Any]:
    """A table for a model, and the target of each row: for a model of tables None, as it finds it by itself.

    Args:
        model: As `load_model` gives it.
        path: The table.
        reading: How to read it.
        target: Of a model of arrays, the column with its target; else the one column more than it has features.

    Raises:
        InputError: no column that can be the target.
    """
    from glassnet.estimators import TableClassifier, TableRegressor

    table = read_table(path, reading)
    if isinstance(model, TableClassifier | TableRegressor):
        if target is not None and target != model.target_.name:
            raise InputError(f"--target is {target!r}, but this model predicts {model.target_.name!r}: leave it out.")
        known = set(model.feature_names_in_)
        if known <= set(table.names):  # what is trained again has no other columns either, such as another target
            table = table.select([name for name in table.names if name in known | {model.target_.name}])
        return table, None
    network = getattr(model, "network_", model)
    d = network.layers[0].w.shape[0]
    if target is None:
        features = [str(name) for name in getattr(model, "feature_names_in_", table.names[:d])]
        left = [name for name in table.names if name not in features]
        if len(left) != 1:
            raise InputError(
                f"The model takes {d} columns and {path!r} has {len(table.names)}, so that its target is not known: "
                f"name it with --target COLUMN."
            )
        target = left[0]
    answers = table[target]
    return table.without(target), answers


def one_row(table: "Table", answers: Any, row: int, path: str) -> tuple["Table", Any]:
    """Row number `row`, counted from 0, and its target."""
    return some_rows(table, answers, slice(row, row + 1), path, f"--row is {row}")


def some_rows(table: "Table", answers: Any, rows: slice, path: str, asked: str) -> tuple["Table", Any]:
    """These rows and their targets.

    Raises:
        InputError: there are none.
    """
    found = table.take(rows)
    if not len(found):
        raise InputError(f"{path!r} has {len(table)} rows, but {asked}. Rows count from 0.")
    return found, None if answers is None else answers[rows]
