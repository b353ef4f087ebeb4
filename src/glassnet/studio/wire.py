"""What goes over the wire: JSON texts, and frames of arrays behind a header in JSON."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.page import plain
from glassnet.nn.elementary import Array

DTYPES = {"f8": np.float64, "f4": np.float32, "i1": np.int8, "u1": np.uint8, "u4": np.uint32}
NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
MOST_LETTERS = 4_000_000
ALIGNED = 8


def message(content: Mapping[str, Any]) -> str:
    """A message in strict JSON: what is infinite or no number is null."""
    return json.dumps(plain(content), allow_nan=False, ensure_ascii=False, separators=(",", ":"))


def frame(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """A header with arrays behind it, each at a multiple of eight bytes.

    The first four bytes are the header's length, little-endian; the header names each array's type, shape and place.

    >>> data = frame({"type": "frame"}, {"w": np.array([1.5, -2.0])})
    >>> header, arrays = unpacked(data)
    >>> header["type"], arrays["w"].tolist()
    ('frame', [1.5, -2.0])
    """
    # Places depend on the header's length, which depends on the places' digits: room for both is left.
    described: dict[str, Any] = {}
    at = 0
    for name, array in arrays.items():
        described[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "at": at}
        at += -(-array.nbytes // ALIGNED) * ALIGNED
    length = len(_header(header, described)) + 12 * len(described)
    start = -(-(4 + length) // ALIGNED) * ALIGNED
    for place in described.values():
        place["at"] += start
    text = _header(header, described).ljust(start - 4)
    parts = [len(text).to_bytes(4, "little"), text]
    for array in arrays.values():
        data = np.ascontiguousarray(array).tobytes()
        parts += [data, bytes(-len(data) % ALIGNED)]
    return b"".join(parts)


def unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header and the arrays of a frame, as a page reads them."""
    length = int.from_bytes(data[:4], "little")
    header: dict[str, Any] = json.loads(data[4 : 4 + length])
    arrays = {}
    for name, place in header["arrays"].items():
        count = int(np.prod(place["shape"]))
        array = np.frombuffer(data, DTYPES[place["dtype"]], count, place["at"])
        arrays[name] = array.reshape(place["shape"])
    return header, arrays


def _header(header: Mapping[str, Any], described: Mapping[str, Any]) -> bytes:
    content = plain({**header, "arrays": described})
    return json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def parsed(text: Any) -> dict[str, Any]:
    """What a page sent, an object with a "type".

    Raises:
        InputError: Anything else.
    """
    if not isinstance(text, str):
        raise InputError("A message must be text in JSON, but binary data came.")
    if len(text) > MOST_LETTERS:
        raise InputError(f"A message of {len(text):,} letters came, but {MOST_LETTERS:,} are the most.")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("A message must be JSON, and this is none.") from None
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        raise InputError('A message must be an object with a \'type\', as {"type": "play"}.')
    return content
