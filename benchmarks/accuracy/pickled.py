"""A data frame out of a pickle that pandas wrote, without pandas and without running what a pickle may ask for."""

import io
import lzma
import pickle
from typing import Any

import numpy as np


class Part:
    """Stands for an object of pandas: what it was made of, and nothing that it does."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _from_buffer(buffer: bytes, dtype: Any, shape: tuple[int, ...], order: Any) -> Any:
    return np.frombuffer(buffer, dtype).reshape(shape, order=order)


def _empty(_: type, shape: tuple[int, ...], dtype: Any) -> Any:
    """An array that its state fills."""
    return np.ndarray(shape, dtype)


# All that a pickle may name; anything else ends it.
KNOWN = {
    ("builtins", "slice"): slice,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy.core.multiarray", "_reconstruct"): _empty,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("pandas._libs.internals", "_unpickle_block"): Part,
    ("pandas.core.frame", "DataFrame"): Part,
    ("pandas.core.indexes.base", "Index"): Part,
    ("pandas.core.indexes.base", "_new_Index"): Part,
    ("pandas.core.indexes.range", "RangeIndex"): Part,
    ("pandas.core.internals.managers", "BlockManager"): Part,
}


class Unpickler(pickle.Unpickler):
    """Knows what a data frame is made of."""

    def find_class(self, module: str, name: str) -> Any:
        """
        Raises:
            pickle.UnpicklingError: the pickle names something else.
        """
        try:
            return KNOWN[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"a data frame has no need of {module}.{name}") from None


def columns(file: bytes) -> dict[str, np.ndarray]:
    """The columns of a data frame in an xz-compressed pickle, by name."""
    blocks, axes = Unpickler(io.BytesIO(lzma.decompress(file))).load().state["_mgr"].arguments
    names = axes[0].arguments[1]["data"]
    found: dict[int, np.ndarray] = {}
    for block in blocks:
        values, where, _ = block.arguments  # values (columns, rows); where they stand: indices or a slice
        places = range(len(names))[where] if isinstance(where, slice) else where.tolist()
        found |= dict(zip(places, values, strict=True))
    return {name: found[place] for place, name in enumerate(names)}
