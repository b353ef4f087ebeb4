"""Options that several commands share, and the kinds of values they take."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import rich_click as click

from glassnet.cli.config import read_config

Command = Callable[..., Any]
READING = "Reading a table, where it is not found by itself"
KINDS = ("number", "count", "category", "boolean", "date", "time", "duration", "ignore")  # named here, for quick help

options_panel = click.option_panel("Options")  # named, for else it stands below all others, or nowhere


def sizes(value: Any) -> tuple[int, ...] | str:
    """Units of hidden layers: 128,128; or 0 or none for a linear model; or auto.

    >>> sizes("64, 32"), sizes([8]), sizes("none")
    ((64, 32), (8,), ())
    """
    parts = [str(part) for part in value] if isinstance(value, list | tuple) else str(value).replace(" ", "").split(",")
    if parts in (["0"], ["none"], []):
        return ()
    if parts == ["auto"]:
        return "auto"
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"{value!r} is no list of units, such as 64 or 128,128; 0 is a linear model.")
    return tuple(int(part) for part in parts)


def names(value: Any) -> str | list[str]:
    """One name, or several with commas between."""
    found = [str(name).strip() for name in (value if isinstance(value, list) else str(value).split(","))]
    return found[0] if len(found) == 1 else found


def whole_or_auto(value: Any) -> int | str:
    """A whole number, or auto.

    >>> whole_or_auto("12"), whole_or_auto("auto")
    (12, 'auto')
    """
    if value != "auto" and (isinstance(value, float) or not str(value).removeprefix("-").isdecimal()):
        raise click.BadParameter(f"{value!r} is neither a whole number nor auto.")
    return value if value == "auto" else int(value)


def number_or_auto(value: Any) -> float | str:
    """A number, or auto.

    >>> number_or_auto("0.1"), number_or_auto("inf"), number_or_auto("auto")
    (0.1, inf, 'auto')
    """
    if value == "auto":
        return "auto"
    try:
        return float(value)
    except (TypeError, ValueError):
        raise click.BadParameter(f"{value!r} is neither a number nor auto.") from None


def threads(value: Any) -> int:
    """A number of threads; -1 is one for each processor.

    >>> threads("4"), threads(-1)
    (4, -1)
    """
    if isinstance(value, bool | float) or not str(value).removeprefix("-").isdecimal() or int(value) == 0:
        raise click.BadParameter(f"{value!r} is no number of threads: give 1 or more, or -1 for all processors.")
    return int(value)


def name_and_kind(value: Any) -> tuple[str, str]:
    """NAME=KIND, or a pair of them."""
    name, kind = value if isinstance(value, tuple) else str(value).rpartition("=")[::2]
    if not (name and kind and isinstance(kind, str)):
        raise click.BadParameter(
            f"{value!r} is not of the form NAME=KIND, such as island=category. Kinds: {', '.join(KINDS)}."
        )
    return name, kind


def label_and_weight(value: Any) -> tuple[str, float] | str:
    """LABEL=WEIGHT, or a pair of them; or balanced.

    >>> label_and_weight("rare=5"), label_and_weight("balanced")
    (('rare', 5.0), 'balanced')
    """
    if value == "balanced":
        return "balanced"
    label, weight = value if isinstance(value, tuple) else str(value).rpartition("=")[::2]
    try:
        weight = float(weight)
    except (TypeError, ValueError):
        weight, label = 0.0, ""
    if not label:
        raise click.BadParameter(f"{value!r} is neither balanced nor of the form LABEL=WEIGHT, as rare=5.")
    return str(label), weight


def character(value: Any) -> str:
    """A separator; tab may be written out."""
    return "\t" if value in ("tab", r"\t") else str(value)


def name_and_cell(value: Any) -> tuple[str, str]:
    """NAME=VALUE, or a pair of them."""
    name, sign, cell = (value[0], "=", value[1]) if isinstance(value, tuple) else str(value).partition("=")
    if not (name and sign):
        raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE, such as age=40.")
    return name, str(cell)


def reading_options(command: Command) -> Command:
    """How to read a table, where it is not found by itself: the command gets all of it as `reading`."""

    @wraps(command)
    def bundled(
        *args: Any, separator: str | None, encoding: str | None, decimal: str | None, sheet: str | None, **more: Any
    ) -> Any:
        reading = {"separator": separator, "encoding": encoding, "decimal": decimal, "sheet": sheet}
        return command(*args, reading=reading, **more)

    for option in (
        click.option("--sheet", panel=READING, metavar="NAME", help="Sheet of an Excel file; else the first."),
        click.option("--decimal", panel=READING, type=click.Choice([".", ","]), help="Decimal mark of a CSV."),
        click.option("--encoding", panel=READING, help="Of a CSV, such as latin-1."),
        click.option(
            "--separator", panel=READING, type=character, metavar="CHARACTER", help="Of a CSV, such as ';' or tab."
        ),
    ):
        bundled = option(bundled)
    return bundled


def config_option(command: Command) -> Command:
    """Options from a TOML file."""
    return click.option(
        "--config",
        metavar="FILE.toml",
        is_eager=True,
        expose_value=False,
        callback=read_config,
        help="Take options from a TOML file, by their long names; the command line wins.",
    )(command)


def jobs_option(panel: str = "Options") -> Callable[[Command], Command]:
    """How many threads may work; the command gets `jobs`."""
    return click.option(
        "-j",
        "--jobs",
        panel=panel,
        type=threads,
        metavar="N",
        help="Threads at the most, -1 for all processors; else GLASSNET_NUM_THREADS, OMP_NUM_THREADS or all. "
        "Results are the same.",
    )


def apart_options(command: Command) -> Command:
    """Which rows may not be parted at random."""
    for option in (
        click.option(
            "--time",
            metavar="COLUMN",
            help="When each row was: a model is judged by later rows than those it was trained on.",
        ),
        click.option(
            "--groups",
            metavar="COLUMN",
            help="What belongs together, as the patient: never parted, and not learned from.",
        ),
    ):
        command = option(command)
    return command


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for programs.")
drop_missing_target_option = click.option(
    "--drop-missing-target", is_flag=True, help="Leave out rows whose target is missing, and say how many."
)
