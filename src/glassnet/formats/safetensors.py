"""Save and load: a safetensors file whose header holds a JSON record. No code is stored, and none is run."""

import json
import os
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path
from typing import Any

from glassnet.data.records import damaged
from glassnet.errors import FileFormatError, InputError
from glassnet.formats.models import Model, decode, encode
from glassnet.nn import Network
from glassnet.nn.elementary import Array
from glassnet.storage import FLOATS, HEADER_LIMIT, KEY, canonical, digest, pack, read_tensors, write_whole

FORMAT = 2  # what a newer glassnet raises when this one could not read its files


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file that `load` reads.

    The file is complete or is not there: what stood under the name before stays until the new one is whole. A model
    gives the same bytes every time. Functions are not kept: `callbacks` are left out, and of `random_state` only an int
    is kept. Of an MLP, all that its training goes on from is kept, except the optimizer's moments.

    Args:
        model: A fitted estimator, or a `Network`.
        path: The file's name, by habit ending in .safetensors.

    Raises:
        InputError: A model that is not fitted or has parts that a file cannot hold; a path that cannot be written.

    >>> import tempfile
    >>> network = Network.create([2, 3, 1], activation="tanh", seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(network, Path(folder, "small.safetensors"))
    ...     print(load(Path(folder, "small.safetensors")))
    h = tanh(x w + b)  w (2, 3), b (3,)
    y = h v + c        v (3, 1), c (1,)
    """
    target = _as_path(path)
    record, tensors = encode(model)
    record |= {"format": FORMAT, "glassnet": version("glassnet")}
    try:
        data = pack(record, tensors)
        decode(record, tensors)  # what save writes, load reads
    except ValueError as error:
        raise InputError(f"This {record['kind']} cannot be saved as it stands: {error}") from None
    if int.from_bytes(data[:8], "little") > HEADER_LIMIT:
        raise InputError(
            f"What describes this {record['kind']} takes more than the {HEADER_LIMIT // 10**6} MB that a safetensors "
            f"file allows; the weights are not counted. Most of it will be history_: shorten history_.epochs."
        )
    write_whole(data, target)


def load(path: str | os.PathLike[str]) -> Model:
    """The model that `save` wrote; its predictions are the same, bit for bit.

    Everything is checked before it is used, a checksum included. `partial_fit` and `warm_start` go on, an optimizer's
    moments start from zero.

    Raises:
        InputError: There is no such file, or it cannot be read.
        FileFormatError: The file is damaged, cut short, of something else or of a newer glassnet.
    """
    return _load(_as_path(path))[0]


def describe(path: str | os.PathLike[str]) -> dict[str, Any]:
    """All that a file holds, except the weights, JSON-able; the file is checked as by `load`.

    Infinite numbers and those that are not a number are the texts "inf", "-inf" and "nan".

    Returns:
        "path", "file_size_bytes", "format", "glassnet" (the version that wrote it), "kind", "architecture" ("sizes",
        "activations", "bias", "dtype", "n_parameters", "layers": of each the shapes "w" and "b", and "activation");
        of an estimator "parameters" (the constructor's), "features", "target" (with "classes"), "history" ("epochs" is
        their number, "first", "best", "last" are epochs, or None). Of a table "loss", "columns", each with its kind and
        its category values or its median and range, and "networks" ("view", "fold", "weight", "temperature", "epochs"
        and "stopped_by" of each): "architecture", "features" and "history" are the first one's. Of an MLP
        "out_activation", "n_iter", "loss", and "progress", from which its training goes on.

    Raises:
        InputError: As `load`.
        FileFormatError: As `load`.
    """
    target = _as_path(path)
    model, record, size = _load(target)
    network = model if isinstance(model, Network) else model.network_
    shown: dict[str, Any] = {
        "path": str(target),
        "file_size_bytes": size,
        **{key: record[key] for key in ("format", "glassnet", "kind")},
        "architecture": {
            **record["architecture"],
            "dtype": str(network.layers[0].w.dtype),
            "n_parameters": network.architecture.n_parameters,
            "layers": [
                {
                    "w": list(layer.w.shape),
                    "b": None if layer.b is None else list(layer.b.shape),
                    "activation": layer.f.name,
                }
                for layer in network.layers
            ],
        },
    }
    if isinstance(model, Network):
        return shown
    shown["parameters"] = record["parameters"]
    if "preprocessor" in record:
        shown["loss"] = record["loss"]
        shown["columns"] = record["preprocessor"]["columns"]
        shown["features"] = [feature.name for feature in model.preprocessor_.features]
        shown["networks"] = [
            {
                **{name: getattr(member, name) for name in ("view", "fold", "weight", "temperature")},
                "epochs": len(member.history),
                "stopped_by": member.history.stopped_by,
            }
            for member in model.members_
        ]
    else:
        shown |= {key.rstrip("_"): record["fitted"][key] for key in ("out_activation_", "n_iter_", "loss_")}
        shown |= {"features": record["feature_names"], "progress": record["progress"]}
    shown["target"] = record.get("target")
    history, best = record["history"], model.history_.best
    epochs = history["epochs"]
    shown["history"] = {
        "epochs": len(epochs),
        "stopped_by": history["stopped_by"],
        "best_epoch": history["best_epoch"],
        "first": epochs[0] if epochs else None,
        "best": next((epoch for epoch in epochs if best is not None and epoch["epoch"] == best.epoch), None),
        "last": epochs[-1] if epochs else None,
    }
    return shown


def _as_path(path: str | os.PathLike[str]) -> Path:
    """A path that can name a file."""
    try:
        text = os.fspath(path)
    except TypeError:
        text = ""
    if not isinstance(text, str) or not text or "\0" in text:
        raise InputError(f"The path is {path!r}, but the name of a file is needed, such as 'model.safetensors'.")
    return Path(text)


def _load(path: Path) -> tuple[Any, dict[str, Any], int]:
    """The model, its record, and the size of the file in bytes."""
    try:
        record, data = _read(path)
        tensors = _tensors(data)
        if record.get("sha256") != digest(record, tensors):
            raise damaged("its content is not what its checksum says")
        return decode(record, tensors), record, len(data)
    except (RecursionError, UnicodeEncodeError):
        raise FileFormatError(f"{path} cannot be loaded. {damaged('its header is no text of ours')}") from None
    except FileFormatError as error:
        raise FileFormatError(f"{path} cannot be loaded. {error}") from None


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    """The record, and the whole file, which is read only if it is ours."""
    try:
        if path.exists() and not path.is_file():
            came = "a folder" if path.is_dir() else "not a regular file"
            raise InputError(f"{path} is {came}, but a file that glassnet.save wrote is needed.")
        with open(path, "rb") as file:
            size, start = os.fstat(file.fileno()).st_size, file.read(9)
            length = int.from_bytes(start[:8], "little")
            if not size:
                raise FileFormatError("The file is empty. Save the model again.")
            if len(start) < 9 or start[8:] != b"{" or length > HEADER_LIMIT:
                raise FileFormatError("It is not a safetensors file. Give one that glassnet.save wrote.")
            if size < 8 + length:
                raise FileFormatError("The file is cut short. Copy it again, or save the model again.")
            record = _record(start[8:] + file.read(length - 1))
            file.seek(0)
            return record, file.read()
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.{_nearest(path)}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None


def _record(header: bytes) -> dict[str, Any]:
    """What we wrote into the header of a safetensors file, of a version that we know."""
    try:
        content = json.loads(header)
        metadata = content.get("__metadata__") if isinstance(content, dict) else None
        text = metadata.get(KEY) if isinstance(metadata, dict) else None
        record = json.loads(text) if isinstance(text, str) else None
        if record is not None:
            canonical(record)
    except ValueError:
        raise damaged("its header is not JSON") from None
    if record is None:
        raise FileFormatError(
            "It is a safetensors file, but none that glassnet wrote: weights alone do not say how they are used. "
            "Give one that glassnet.save wrote."
        )
    if isinstance(record, dict) and record.get("kind") == "checkpoint":
        raise FileFormatError(
            "It is a checkpoint of a training, not a model. Call fit with its folder as checkpoint, and save the model "
            "that comes of it."
        )
    number = record.get("format") if isinstance(record, dict) else None
    if type(number) is not int or number < 1:
        raise damaged("it does not say of which format it is")
    if number > FORMAT:
        raise FileFormatError(
            f"It was written by a newer glassnet ({record.get('glassnet')}) in format {number}, and this one "
            f"({version('glassnet')}) reads up to format {FORMAT}. Upgrade: pip install --upgrade glassnet."
        )
    if not isinstance(record.get("glassnet"), str):
        raise damaged("it does not say which glassnet wrote it")
    return record


def _tensors(data: bytes) -> dict[str, Array]:
    """The tensors by name."""
    try:
        return read_tensors(data, FLOATS)
    except FileFormatError as error:
        raise damaged(str(error)) from None


def _nearest(path: Path) -> str:
    """A hint at what may have been meant."""
    folder = path.parent
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError:
        return f" Nor is there a folder {folder}."
    near = [name for name in names if Path(name).stem == path.name] or get_close_matches(path.name, names, n=1)
    return f" Did you mean {folder / near[0]}?" if near else " Save a model there first with glassnet.save."
