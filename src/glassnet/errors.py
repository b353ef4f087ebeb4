"""Messages: what came, what was needed, what to do.

Every error that a user can cause is an `InputError`; the command line shows its text and ends with status 2.
An `AssertionError` is ours.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Something that the user gave cannot be used as it is."""


class ShapeError(InputError):
    """An array has the wrong shape."""


class TableError(InputError):
    """A table or one of its columns cannot be used."""


class FileFormatError(InputError):
    """A file is damaged, truncated, foreign or of another version."""


class UnknownNameError(InputError):
    """A name that no registry knows."""


class DataWarning(UserWarning):
    """The data were used, but something about them deserves a look."""


class RangeWarning(DataWarning):
    """A prediction was asked for far from all that training saw."""


class TrainingWarning(UserWarning):
    """A training ended, but not as one would wish."""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a misspelt name, with the nearest known one.

    >>> str(unknown_name("activation", "tahn", ["relu", "tanh"]))
    "Unknown activation 'tahn'. Did you mean 'tanh'? Known: relu, tanh."
    """
    known = sorted(known)
    near = get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return UnknownNameError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(known)}.")
