"""A record read from a file, checked field by field."""

import math
from collections.abc import Mapping
from typing import Any

from glassnet.errors import FileFormatError


def damaged(what: str) -> FileFormatError:
    """The error for a record that does not hold what it should."""
    return FileFormatError(f"The file is damaged or of another version: {what}. Save the model again.")


class Record:
    """Reads typed fields of one dict; whatever is missing or of the wrong type is a FileFormatError.

    >>> Record({"name": "a", "mean": 1}, "column").number("mean")
    1.0
    """

    def __init__(self, record: object, name: str) -> None:
        if not isinstance(record, Mapping):
            raise damaged(f"{name} is {type(record).__name__}, a record was needed")
        self.record, self.name = record, name

    def field(self, key: str) -> Any:
        """Whatever stands under key."""
        if key not in self.record:
            raise damaged(f"{self.name} has no {key!r}")
        return self.record[key]

    def text(self, key: str) -> str:
        """A string."""
        value = self.field(key)
        if not isinstance(value, str):
            raise damaged(f"{key!r} of {self.name} is {value!r}, a text was needed")
        return value

    def flag(self, key: str) -> bool:
        """True or False."""
        value = self.field(key)
        if not isinstance(value, bool):
            raise damaged(f"{key!r} of {self.name} is {value!r}, true or false was needed")
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        value = self.field(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise damaged(f"{key!r} of {self.name} is {value!r}, a number was needed")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise damaged(f"{key!r} of {self.name} is {value!r}, a finite number was needed")
        return number

    def positive(self, key: str) -> float:
        """A number that one can divide by."""
        value = self.number(key)
        if value <= 0:
            raise damaged(f"{key!r} of {self.name} is {value!r}, a positive number was needed")
        return value

    def count(self, key: str) -> int:
        """A whole number from zero up."""
        value = self.field(key)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise damaged(f"{key!r} of {self.name} is {value!r}, a count was needed")
        return value

    def items(self, key: str) -> list[Any]:
        """A list."""
        value = self.field(key)
        if not isinstance(value, list | tuple):
            raise damaged(f"{key!r} of {self.name} is {type(value).__name__}, a list was needed")
        return list(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of different strings."""
        values = self.items(key)
        if not all(isinstance(value, str) for value in values) or len(set(values)) < len(values):
            raise damaged(f"{key!r} of {self.name} must list different texts")
        return tuple(values)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers; empty where there is no such field."""
        values = self.items(key) if key in self.record else []
        return tuple(Record({key: value}, self.name).number(key) for value in values)
