"""A data frame out of an .rda file: R's XDR serialisation, as far as a data frame of factors and numbers needs it."""

import lzma
import struct
from typing import Any

import numpy as np

# Types of R's objects, from the manual "R Internals", section 1.1 (SEXPTYPEs) and 1.8 (serialization formats).
SYMBOL, PAIRLIST, CHARS, LOGICALS, INTEGERS, NUMBERS, STRINGS, LIST = 1, 2, 9, 10, 13, 14, 16, 19
NULL, REFERENCE, NOTHING = 254, 255, 0
MISSING = -(2**31)  # R's NA among integers and factors


def columns(file: bytes, name: str) -> dict[str, list[Any]]:
    """The columns of the data frame of that name; factors as strings, NA as None."""
    content = lzma.decompress(file)
    if not content.startswith(b"RDX2\nX\n"):
        raise ValueError("the file is no .rda file of the second version, in XDR")
    found = dict(Reader(content[7:]).workspace())
    frame, attributes = found[name]
    return {title: _plain(column) for title, column in zip(_strings(attributes["names"]), frame, strict=True)}


def _strings(value: Any) -> list[str]:
    """The strings of a vector without attributes."""
    return list(value[0])


def _plain(column: Any) -> list[Any]:
    """Values, not codes."""
    values, attributes = column
    if "levels" not in attributes:
        return list(values)
    levels = _strings(attributes["levels"])
    return [None if code == MISSING else levels[code - 1] for code in values]


class Reader:
    """Reads one object after the other; a vector becomes (values, attributes)."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0
        self.symbols: list[str] = []
        self._integers(3)  # version of the format, of R that wrote it, of R that can read it

    def workspace(self) -> list[tuple[str, Any]]:
        """Name and value of each object that was saved."""
        pairs: list[tuple[str, Any]] = self._object()
        return pairs

    def _integers(self, n: int) -> list[int]:
        self.at += 4 * n
        return list(struct.unpack(f">{n}i", self.content[self.at - 4 * n : self.at]))

    def _object(self) -> Any:
        (flags,) = self._integers(1)
        kind, has_attributes = flags & 255, bool(flags & 512)
        if kind in (NULL, NOTHING):
            return []
        if kind == SYMBOL:
            self.symbols.append(self._object())
            return self.symbols[-1]
        if kind == REFERENCE:
            return self.symbols[(flags >> 8) - 1]
        if kind == PAIRLIST:
            tag = self._object()
            return [(tag, self._object()), *self._object()]
        (n,) = self._integers(1)
        if kind == CHARS:
            self.at += max(n, 0)
            return None if n < 0 else self.content[self.at - n : self.at].decode("utf-8")
        values = self._values(kind, n)
        return values, dict(self._object()) if has_attributes else {}

    def _values(self, kind: int, n: int) -> Any:
        if kind in (LOGICALS, INTEGERS):
            return self._integers(n)
        if kind == NUMBERS:
            self.at += 8 * n
            return np.frombuffer(self.content[self.at - 8 * n : self.at], ">f8").tolist()
        if kind in (STRINGS, LIST):
            return [self._object() for _ in range(n)]
        raise ValueError(f"an object of R's type {kind} cannot be read")
