"""Linear layers of PyTorch, saved as safetensors → a network. torch itself is never imported."""

import os
import re
from pathlib import Path
from typing import Any

from glassnet.errors import FileFormatError, InputError
from glassnet.imports.layers import Part, activations_of, make_network
from glassnet.nn import Network
from glassnet.storage import FLOATS, read_tensors


def from_torch(path: str | os.PathLike[str], activation: Any) -> Network:
    """The network of a PyTorch model whose state_dict of Linear layers was saved as safetensors.

    There: `safetensors.torch.save_file(model.state_dict(), "model.safetensors")`. A Linear layer has a weight
    (out, in), which is transposed, and maybe a bias; their names end in ".weight" and ".bias". Layers come in the order
    of their names, numbers in them as numbers: "layers.2" before "layers.10". A state_dict does not say what is between
    them, nor what comes after the last one: y is what the last Linear layer gives.

    Args:
        path: The file.
        activation: A name for all hidden layers, or one each. torch.nn.GELU is "gelu" with approximate="tanh" alone.

    Raises:
        InputError: There is no such file; a tensor that is of no Linear layer, or layers that do not fit.
        FileFormatError: It is no safetensors file, or holds other numbers than float32 and float64.

    >>> import tempfile
    >>> import numpy as np
    >>> from safetensors.numpy import save_file
    >>> rng = np.random.default_rng(0)
    >>> state = {"0.weight": rng.normal(size=(8, 3)), "0.bias": np.zeros(8), "2.weight": rng.normal(size=(1, 8))}
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file(state, Path(folder, "model.safetensors"))
    ...     print(from_torch(Path(folder, "model.safetensors"), "tanh"))
    h = tanh(x w + b)    w (3, 8), b (8,)
    y = h v + c          v (8, 1), c (1,)
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        tensors = read_tensors(data, FLOATS)
    except FileFormatError as error:
        raise FileFormatError(
            f"{path} cannot be imported: {error}. Save it with safetensors.torch.save_file, in float32 or float64."
        ) from None
    foreign = [
        name
        for name, array in tensors.items()
        if not (name.endswith(".weight") and array.ndim == 2) and not (name.endswith(".bias") and array.ndim == 1)
    ]
    owners = {name.rpartition(".")[0] for name in tensors if name not in foreign}
    foreign += [f"{owner}.bias" for owner in sorted(owners) if f"{owner}.weight" not in tensors]
    if foreign:
        raise InputError(
            f"{path} holds {foreign[0]!r}, which is of no Linear layer: a weight (out, in) and maybe a bias (out,) "
            f"were needed. Other layers cannot be imported."
        )
    names = sorted(owners, key=_numbers_as_numbers)
    parts = [Part(name, tensors[f"{name}.weight"].T, tensors.get(f"{name}.bias")) for name in names]
    for part, f in zip(parts, activations_of(activation, max(len(parts) - 1, 0)), strict=False):
        part.f = f
    return make_network(parts)


def _numbers_as_numbers(name: str) -> list[tuple[int, str]]:
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", name)]
