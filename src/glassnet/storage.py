"""Named arrays and a record of plain values in one safetensors file: written whole or not at all, with a checksum.

The one door for safetensors, of models (`formats`) and of checkpoints (`estimators`) alike.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save as serialize

from glassnet.errors import FileFormatError, InputError
from glassnet.nn.elementary import Array

KEY = "glassnet"  # of the one entry in the header's metadata
HEADER_LIMIT = 100_000_000  # bytes, that of the safetensors format
PART = ".part"  # how the name of a file ends that is being written
FLOATS: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
DTYPES = {**FLOATS, "I64": np.dtype("<i8"), "U64": np.dtype("<u8"), "BOOL": np.dtype("?")}


def canonical(record: dict[str, Any]) -> str:
    """The one JSON text of a record."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(record: dict[str, Any], tensors: Mapping[str, Array]) -> str:
    """SHA-256 of all that a file holds."""
    found = hashlib.sha256(canonical({key: record[key] for key in record if key != "sha256"}).encode())
    for name in sorted(tensors):
        array = tensors[name]
        found.update(f"{name} {array.dtype} {array.shape} ".encode())
        found.update(array.data)
    return found.hexdigest()


def pack(record: dict[str, Any], tensors: dict[str, Array]) -> bytes:
    """The bytes of a file; into the record goes the checksum.

    >>> unpack(pack({"rows": 3}, {"w": np.ones(2)}))[1]["w"]
    array([1., 1.])
    """
    record["sha256"] = digest(record, tensors)
    return serialize(tensors, {KEY: canonical(record)})


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Array]]:
    """The record and the arrays that `pack` made bytes of, as they were, bit for bit.

    Raises:
        FileFormatError: Anything else: cut short, changed, or of another kind.
    """
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        record = json.loads(header["__metadata__"][KEY])
        tensors = read_tensors(data, DTYPES)
        intact = record["sha256"] == digest(record, tensors)
    except (ValueError, TypeError, KeyError, RecursionError) as error:  # FileFormatError is a ValueError
        reason = str(error) if isinstance(error, FileFormatError) else "it is cut short, or glassnet did not write it"
        raise FileFormatError(reason) from None
    if not intact:
        raise FileFormatError("its content is not what its checksum says")
    return record, tensors


def read_tensors(data: bytes, dtypes: Mapping[str, np.dtype[Any]]) -> dict[str, Array]:
    """The arrays by name, of those dtypes and no others.

    Raises:
        FileFormatError: No safetensors file, or an array of another dtype.
    """
    try:
        entries: list[tuple[str, dict[str, Any]]] = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise FileFormatError(f"it is cut short, or no safetensors file ({error})") from None
    tensors = {}
    for name, entry in entries:
        if entry["dtype"] not in dtypes:
            raise FileFormatError(f"tensor {name} is of {entry['dtype']}, {' or '.join(dtypes)} was needed")
        tensors[name] = np.frombuffer(entry["data"], dtypes[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def write_whole(data: bytes, path: Path) -> None:
    """Put data under path whole, or leave what was there; it is on the disk when this returns.

    Raises:
        InputError: It could not be written.
    """
    try:
        place = Path(os.path.realpath(path))  # behind a link stands the file to replace
        if place.exists() and not place.is_file():
            came = "a folder" if place.is_dir() else "not a regular file"
            raise InputError(f"{path} is {came}: give the name of a file.")
        if not place.parent.is_dir():
            raise InputError(
                f"{path} cannot be written: there is no folder {path.parent}. Create it, or choose another."
            )
        part = place.parent / f".glassnet-{secrets.token_hex(8)}{PART}"
        try:
            _write_through(data, part)
            os.replace(part, place)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise
        _sync_folder(place.parent)
    except OSError as error:
        raise InputError(
            f"{path} could not be written: {error.strerror or error}. What stood there before is unchanged. "
            f"Check the disk's free space and your permissions, or choose another folder."
        ) from None


def _write_through(data: bytes, path: Path) -> None:
    """A new file that is on the disk."""
    # Unlike a temporary file's, its mode is what the umask says.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """The new name is on the disk, too. Windows opens no folders, and some network disks sync none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_parts(folder: Path) -> None:
    """Remove what a process left that ended while it was writing."""
    for part in folder.glob(f".glassnet-*{PART}"):
        with suppress(OSError):
            part.unlink()
