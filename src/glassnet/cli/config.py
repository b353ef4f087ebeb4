"""Options from a TOML file."""

import tomllib
from pathlib import Path
from typing import Any

import rich_click as click

from glassnet.errors import InputError, unknown_name

# What TOML may say for an option of click's own types; the other types check for themselves.
KINDS: tuple[tuple[type, tuple[type, ...], str], ...] = (
    (type(click.BOOL), (bool,), "true or false"),
    (type(click.INT), (int,), "a whole number"),
    (type(click.FLOAT), (int, float), "a number"),
    (type(click.STRING), (str,), "a text"),
    (click.Choice, (str,), "a text"),
)


def read_config(ctx: click.Context, param: click.Parameter, path: str | None) -> None:
    """Make the values of a TOML file the defaults of a command, each checked as if it were typed.

    Raises:
        InputError: No such file, no TOML, an unknown key, or a value of the wrong type; it names the file and the key.
    """
    if path is None:
        return
    options = {
        option.opts[-1].removeprefix("--"): option
        for option in ctx.command.params
        if isinstance(option, click.Option) and option.expose_value
    }
    defaults = {}
    for key, value in _content(path).items():
        name = key.replace("_", "-")
        if name not in options:
            raise InputError(f"{path}: {unknown_name('option', key, options)}")
        option = options[name]
        try:
            assert option.name is not None
            defaults[option.name] = _checked(option, value, ctx)
        except click.BadParameter as error:
            raise InputError(f"{path}: the option {key!r} cannot be {value!r}: {error.message}") from None
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


def _content(path: str) -> dict[str, Any]:
    """What a TOML file says."""
    try:
        return tomllib.loads(Path(path).expanduser().read_text("utf-8"))
    except OSError as error:
        raise InputError(
            f"The options file {path!r} cannot be read: {error.strerror}. Check the path given to --config."
        ) from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise InputError(
            f'{path} is not TOML: {error}. Lines such as hidden = [64, 64] or target = "species" were needed.'
        ) from None


def _checked(option: click.Option, value: Any, ctx: click.Context) -> Any:
    """A value as the option takes it."""
    if option.multiple:
        items = list(value.items()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
        return [_converted(option, item, ctx) for item in items]
    return _converted(option, value, ctx)


def _converted(option: click.Option, value: Any, ctx: click.Context) -> Any:
    """One value, of the type that the option takes."""
    for kind, accepted, words in KINDS:
        if isinstance(option.type, kind) and (
            not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted)
        ):
            raise click.BadParameter(f"{words} was needed.")
    if isinstance(value, dict | bool) and not option.is_flag:
        raise click.BadParameter("a text, a number or a list was needed.")
    return option.type.convert(value, option, ctx)
