"""Changes to what is valid, small and large: bytes → other bytes, by a `random.Random` and nothing else."""

import json
import math
import re
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from glassnet.errors import FileFormatError
from glassnet.storage import DTYPES, KEY, digest, pack, read_tensors

CHECKED = 0.85  # share of the changed model files whose checksum is right, so that what is behind it is reached
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 3, 255, 2**31, -(2**31), 2**53, 2**63, 10**30, 10**300),
    *(0.5, -0.0, 1e-320, 1e30, 1e308, -1e308, "", "a", "\0", "nan", "🦔" * 3, "x" * 5000, "../x", "number", "category"),
    *([], {}, [[]], [None], [1, "a"], {"": 0}, {"kind": 1}, [0] * 1000),
)
TOKENS = ("sin", "x", "y", "1", "2.5", "1e308", "(", ")", "+", "-", "*", "/", "**", "^", ",", "pi", "`x`", "max", "−")
WHOLE = ("x", "y", "1", "2.5e-300", "1e308", "pi", "`x`", "(x)", "sin(y)", "max(x, y)", "min(1, x)", "-x", "0")
AROUND = ("({})", "-{}", "exp({})", "log({})", "sqrt({})", "max({}, y)", "{0}*({0})", "({})**y")


def hostile(random: Random) -> Any:
    """A value that nobody expects."""
    value = random.choice(HOSTILE)
    return value if random.random() < 0.9 else [value] * random.randrange(1, 50)


def changed(value: Any, random: Random, depth: int = 0) -> Any:
    """A tree of JSON with one of its places changed: replaced, left out, doubled, moved, or a number nudged."""
    inner = isinstance(value, dict | list) and value and random.random() < 0.93 and depth < 40
    if not inner:
        if isinstance(value, bool) or value is None or random.random() < 0.4:
            return hostile(random)
        if isinstance(value, int):
            return value + random.choice((-1, 1, 7, -(10**6), 10**9, 2**62))
        if isinstance(value, float):
            return random.choice((-value, value * 1e9, value * 1e-9, value + 1, round(value, 3), 1e300))
        if isinstance(value, str) and value:
            at = random.randrange(len(value))
            return value[:at] + random.choice(("", "\0", "é", value, "x" * 300)) + value[at + random.randrange(2) :]
        return hostile(random)
    if isinstance(value, dict):
        copy, key = dict(value), random.choice(list(value))
        what = random.random()
        if what < 0.12:
            del copy[key]
        elif what < 0.2:
            copy[random.choice(("", "x", "kind", *value))] = copy.pop(key)
        elif what < 0.26:
            copy[key] = copy[random.choice(list(value))]
        else:
            copy[key] = changed(copy[key], random, depth + 1)
        return copy
    copy, at = list(value), random.randrange(len(value))
    what = random.random()
    if what < 0.15:
        del copy[at]
    elif what < 0.3:
        copy.insert(at, copy[random.randrange(len(copy))])
    elif what < 0.35:
        copy += copy
    else:
        copy[at] = changed(copy[at], random, depth + 1)
    return copy


def changed_bytes(data: bytes, random: Random) -> bytes:
    """Bits flipped, bytes cut, doubled or put in, anywhere."""
    found = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(found) + 1)
        what = random.random()
        if what < 0.4 and at < len(found):
            found[at] ^= 1 << random.randrange(8)
        elif what < 0.6:
            del found[at : at + random.choice((1, 4, 8, 1000))]
        elif what < 0.8:
            found[at:at] = random.randbytes(random.choice((1, 4, 8)))
        else:
            found[at:at] = found[at : at + random.choice((1, 8, 64))]
    return bytes(found)


def changed_text(data: bytes, random: Random) -> bytes:
    """A formula with signs, names and numbers put in or taken out, or bytes changed."""
    text = data.decode("utf-8", "replace")
    for _ in range(random.choice((1, 1, 2, 5))):
        at = random.randrange(len(text) + 1)
        what = random.random()
        if what < 0.3:
            text = f"{text} {random.choice(('+', '-', '*', '/', '**', '^', '−'))} {random.choice(WHOLE)}"
        elif what < 0.45:
            text = random.choice(AROUND).format(text)
        elif what < 0.55:
            parts = re.split(r"([a-z0-9.]+)", text)
            parts[random.randrange(len(parts))] = random.choice(WHOLE)
            text = "".join(parts)
        elif what < 0.75:
            text = text[:at] + random.choice(TOKENS) + text[at:]
        elif what < 0.92:
            text = text[:at] + text[at + random.randrange(1, 4) :]
        else:
            text = text[:at] + text[at : at + 30] * random.choice((2, 3, 50)) + text[at + 30 :]
    return text.encode()[:3_000] if random.random() < 0.9 else changed_bytes(data, random)


def changed_message(data: bytes, random: Random) -> bytes:
    """A message of a page with a part of its content changed."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return changed_bytes(data, random)
    if random.random() < 0.1:
        return changed_bytes(data, random)
    before = content
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        content = changed(content, random)
    if isinstance(before, dict) and isinstance(content, dict) and "type" in before and random.random() < 0.8:
        content["type"] = before["type"]  # or it would get no further
    try:
        return json.dumps(content).encode()
    except (ValueError, RecursionError):
        return data


def changed_model(data: bytes, random: Random) -> bytes:
    """A model file with its record, its tensors, its header or its bytes changed, mostly under a checksum that fits."""
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        record, tensors = json.loads(header["__metadata__"][KEY]), read_tensors(data, DTYPES)
    except (ValueError, TypeError, KeyError, RecursionError, FileFormatError):
        return changed_bytes(data, random)
    if not isinstance(record, dict) or random.random() < 0.05:
        return changed_bytes(data, random)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        if random.random() < 0.75:
            found = changed(record, random)
            record = found if isinstance(found, dict) else record
        else:
            tensors = _changed_tensors(tensors, random)
    try:
        if random.random() < CHECKED:
            return pack(record, tensors)
        record["sha256"] = random.choice((digest(record, tensors)[:-1] + "0", None, "", 7))
        return _with_header(pack(record, tensors), random)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return data  # no JSON can say it


def _changed_tensors(tensors: dict[str, Any], random: Random) -> dict[str, Any]:
    """One of them with other numbers, of another shape or type, under another name, or gone."""
    copy = dict(tensors)
    if not copy:
        return {"layers.0.w": np.ones((2, 1))}
    name = random.choice(list(copy))
    array = np.array(copy[name])
    what = random.random()
    if what < 0.35 and array.size and array.dtype.kind == "f":
        array.flat[random.randrange(array.size)] = random.choice((math.nan, math.inf, -math.inf, 3e38, 1e-45, 0.0))
    elif what < 0.5:
        array = array.reshape(random.choice(((array.size,), (1, array.size), (array.size, 1), array.T.shape)))
    elif what < 0.65:
        with np.errstate(all="ignore"):
            array = array.astype(random.choice(("float64", "float32", "int64", "bool")))
    elif what < 0.75:
        array = array[: random.randrange(len(array) + 1)] if array.ndim else array
    elif what < 0.85:
        del copy[name]
        return copy
    elif what < 0.92:
        copy[random.choice(("layers.9.w", "", "members.1.layers.0.w", "skip.u"))] = copy.pop(name)
        return copy
    else:
        array = np.concatenate([array, array]) if array.ndim else array
    copy[name] = np.ascontiguousarray(array)
    return copy


def _with_header(data: bytes, random: Random) -> bytes:
    """The safetensors header itself changed: the length, the places and shapes of tensors, the record's text."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if random.random() < 0.3:
        length = random.choice((0, 1, length - 1, length + 1, 10**8, 10**8 + 1, 2**63, 2**64 - 1))
        return length.to_bytes(8, "little") + data[8:]
    if random.random() < 0.5:
        nested = random.choice(("[" * 20_000, '{"a":' * 5000, "[" * 500 + "]" * 500))
        header["__metadata__"][KEY] = nested
    else:
        header = changed(header, random)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


Mutation = Callable[[bytes, Random], bytes]
