"""What comes from outside: tables, models, places to write; each checked with a message for the terminal."""

import re
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from glassnet.errors import DataWarning, InputError, TableError, TrainingWarning

if TYPE_CHECKING:
    from glassnet.data.table import Table
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.nn.elementary import Array

EXCEL_SUFFIXES = (".xlsx", ".xlsm")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".gz", *EXCEL_SUFFIXES)
Reading = dict[str, str | None]  # separator, encoding, decimal and sheet

# Parameters of the estimators by their options.
PARAMETERS = {
    "quality": "quality",
    "networks": "n_estimators",
    "hidden": "hidden_layer_sizes",
    "activation": "activation",
    "alpha": "alpha",
    "dropout": "dropout",
    "learning_rate": "learning_rate_init",
    "batch_size": "batch_size",
    "max_epochs": "max_iter",
    "patience": "n_iter_no_change",
    "time_limit": "time_limit_seconds",
    "engine": "engine",
    "jobs": "n_jobs",
    "metric": "metric",
    "calibration": "calibration",
    "class_weight": "class_weight",
    "loss": "loss",
    "quantile": "quantile",
}
OF_CLASSES, OF_QUANTITIES = ("class_weight",), ("loss", "quantile")


def flag(option: str) -> str:
    """The option as it is typed.

    >>> flag("max_epochs")
    '--max-epochs'
    """
    return f"--{option.replace('_', '-')}"


def in_terminal_words(message: str) -> str:
    """A message of the library with its Python turned into options.

    >>> in_terminal_words("Clean these cells, or pass columns={'id': 'category'}.")
    'Clean these cells, or pass --column id=category.'
    >>> in_terminal_words("max_iter is 0, but must be a whole number ≥ 1.")
    '--max-epochs is 0, but must be a whole number ≥ 1.'
    """
    message = re.sub(r"columns=\{'(.*?)': '(\w+)'\}", lambda m: f"--column {quoted(f'{m[1]}={m[2]}')}", message)
    message = re.sub(r"\bencoding='([\w-]+)'", r"--encoding \1", message)
    message = re.sub(r"\b(sheet|metric)='(.*?)'", lambda m: f"--{m[1]} {quoted(m[2])}", message)
    message = re.sub(r"\b([Ll]eave) (sheet|metric) out\b", r"\1 --\2 out", message)
    message = message.replace("known: drop these rows.", "known: pass --drop-missing-target, which drops these rows.")
    message = message.replace("validation_fraction=0.2 of this table", "a fifth of the training rows")
    message = message.replace("Hold out more, give X_val, or leave", "Train on more rows, or leave")
    message = message.replace("pass separator=.", "pass --separator.")
    message = re.sub(r", use (a classifier: )?TableClassifier\b", ", pass --task classes", message)
    message = re.sub(r", use (a regressor: )?TableRegressor\b", ", pass --task quantity", message)
    if "checkpoint" in message:
        message = _of_checkpoints(message)
    for option, parameter in PARAMETERS.items():
        message = re.sub(rf"\b{parameter}=(\S+?)(?=[.,]?(\s|$))", rf"{flag(option)} \1", message)
        if parameter != option:
            message = re.sub(rf"\b{parameter}\b", flag(option), message)
    for option in (*PARAMETERS, "separator", "encoding", "decimal"):
        message = re.sub(rf"^{option} is\b", f"{flag(option)} is", message)
    message = message.replace("glassnet.save wrote", "glassnet wrote").replace(
        "with glassnet.save", "with glassnet fit"
    )
    message = message.replace("collapse(model, at=row)", "glassnet collapse MODEL TABLE --row 0")
    return message.replace("a number of seconds above 0, or None.", "a number of seconds above 0.")


# What a checkpoint's fingerprint calls what is no parameter, or is an option of another name.
OF_CHECKPOINTS = {
    "the data (X)": "the columns of the rows to train on",
    "the data (y)": "their target",
    "the data (groups and time)": "which rows each network trains on",
    "random_state": "--seed",
    "columns": "--column",
}


def _of_checkpoints(message: str) -> str:
    """A message about a checkpoint, with what differs named as it is typed.

    >>> _of_checkpoints("The checkpoint in a is of another fit; what differs: max_iter (was 5, is 6), the data (y).")
    'The checkpoint in a is of another fit; what differs: --max-epochs (was 5, is 6), their target.'
    """
    message = re.sub(r"\bcheckpoint='(.*?)'", lambda m: f"--checkpoint {quoted(m[1])}", message)
    message = message.replace("call fit with the same data and parameters", "give the same TABLE and options")
    typed = OF_CHECKPOINTS | {parameter: flag(option) for option, parameter in PARAMETERS.items()}
    before, differs, rest = message.partition("what differs: ")
    for name, words in typed.items():
        rest = re.sub(rf"(^|, ){re.escape(name)}(?=[ ,.])", rf"\1{words}", rest)
    return before + differs + rest


def quoted(word: str) -> str:
    """A word as a shell takes it."""
    return word if re.fullmatch(r"[\w./=:@%+,-]+", word) else f"'{word}'"


@contextmanager
def gathered_notes() -> Iterator[list[str]]:
    """The warnings of what runs inside, as a list of messages that is filled at the end."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        for category in (DataWarning, TrainingWarning):
            warnings.simplefilter("always", category)
        yield notes
    notes += dict.fromkeys(in_terminal_words(str(warning.message)) for warning in caught)


def read_table(path: str, reading: Reading) -> "Table":
    """A table from a file or standard input; a model in its place is told apart."""
    from glassnet.data.table import Table

    if path != "-" and is_model(path):
        raise InputError(
            f"{path!r} is a model file, but a table was needed here: CSV, Parquet or Excel. "
            f"The model comes first: {_command('predict')} MODEL TABLE."
        )
    return Table.read(path, **reading)


def _command(otherwise: str) -> str:
    """The command that runs, as it is typed, if it takes a model."""
    context = click.get_current_context(silent=True)
    takes_model = context is not None and any(option.name == "model" for option in context.command.params)
    return context.command_path if context is not None and takes_model else f"glassnet {otherwise}"


def is_model(path: str) -> bool:
    """Whether a file begins as safetensors do: the length of a header in JSON, and the header."""
    place = Path(path).expanduser()
    try:
        if not place.is_file():  # what is read of a pipe is gone
            return False
        with place.open("rb") as file:
            start = file.read(9)
    except OSError:
        return False
    return len(start) == 9 and start[8:] == b"{" and start[6:8] == b"\0\0"


def read_model(path: str) -> "TableClassifier | TableRegressor":
    """A table model from a file; anything else is told apart."""
    from glassnet.estimators import TableClassifier, TableRegressor
    from glassnet.formats.safetensors import load

    check_model_place(path)
    model: Any = load(path)
    if not isinstance(model, TableClassifier | TableRegressor):
        raise InputError(
            f"{path!r} holds a {type(model).__name__}, which takes arrays and knows no columns, but a model made by "
            f"'glassnet fit' was needed. In Python: glassnet.load({path!r}).predict(X)."
        )
    return model


def check_model_place(path: str) -> None:
    """An InputError where a path given as a model is a table."""
    if path.lower().endswith(TABLE_SUFFIXES) and not is_model(path):
        raise InputError(
            f"{path!r} is a table by its name, but a model file was needed here. The model comes first: "
            f"{_command('score')} MODEL TABLE. 'glassnet fit {path} --target COLUMN' makes one."
        )


def check_rows(
    rows: "Table", test: "Table | None", targets: Sequence[str], classes: bool, kinds: dict[str, str]
) -> None:
    """All that can be wrong with the tables, found in whole tables, so that messages count rows as the files do."""
    from glassnet.data.preprocessor import Preprocessor
    from glassnet.data.targets import ClassTarget, NumberTarget

    if len(rows) < 2:
        raise TableError(
            f"The table has {len(rows)} row, but at least 2 are needed to learn from, "
            f"and a few dozen to learn anything that holds."
        )
    with warnings.catch_warnings():  # told again, and of the rows it is trained on, when it is trained
        warnings.simplefilter("ignore")
        described = [(ClassTarget if classes else NumberTarget).fit(rows[target], target) for target in targets]
        for one in described:
            if len(targets) > 1 and isinstance(one, ClassTarget) and len(one.labels) != 2:
                raise InputError(
                    f"The target {one.name!r} has {len(one.labels)} classes, but several targets need two each. Fit a "
                    f"model for each target; or, where all are quantities, pass --task quantity."
                )
        preprocessor = Preprocessor.fit(rows.without(*targets), kinds)
        if test is not None:
            try:
                for one in described:
                    one.encode(test[one.name])
                preprocessor.transform(test)
            except TableError as error:
                raise TableError(f"Of the tables, the one given to --test cannot be scored on. {error}") from None


def without_missing_target(rows: "Table", targets: Sequence[str], *, wanted: bool) -> tuple["Table", list[str]]:
    """The rows whose targets are known, and a note of the others; all rows where that is not wanted."""
    known = known_rows(rows, targets, wanted=wanted)
    n = len(rows) - len(known)
    if not n:
        return rows, []
    missing = " or ".join(f"no {target!r}" for target in targets)
    left_out = f"{n} of {len(rows)} rows {'has' if n == 1 else 'have'} {missing} and"
    note = f"{left_out} {'was' if n == 1 else 'were'} left out."
    return rows.take(known), [note]


def known_rows(rows: "Table", targets: Sequence[str], *, wanted: bool) -> "Array":
    """The numbers of the rows whose targets are all known; of all where the others are not to be left out."""
    import numpy as np

    from glassnet.data.cells import as_text

    known = np.ones(len(rows), dtype=bool)
    for target in targets if wanted else ():
        if target in rows.names and not rows[target].dtype.is_nested():
            known &= as_text(rows[target]).is_not_null().to_numpy()
    return np.flatnonzero(known)


def check_output(path: str, what: str, option: str = "--output") -> None:
    """An InputError where a file could not be written later, found out before the work begins."""
    place = Path(path).expanduser()
    if place.is_dir():
        raise InputError(f"The output {path!r} is a folder. Name a file for the {what} in it.")
    if not place.parent.is_dir():
        raise InputError(
            f"The {what} cannot be written to {path!r}: there is no folder {str(place.parent)!r}. "
            f"Create it, or choose another place with {option}."
        )
    if place.exists() and not place.is_file():
        return  # a pipe or a device
    try:
        with tempfile.TemporaryFile(dir=place.resolve().parent):
            pass
    except OSError as error:
        raise InputError(
            f"The {what} cannot be written to {path!r}: {error.strerror}. Choose another place with {option}."
        ) from None
