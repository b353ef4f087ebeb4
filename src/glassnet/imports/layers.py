"""Layers that came from elsewhere → a network that is whole, and that says the same as what it came from."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from glassnet.errors import InputError, ShapeError
from glassnet.nn import Activation, Layer, Network, get_activation
from glassnet.nn.elementary import Array

ROWS = 200  # on which two networks are compared
SCALES = (1.0, 10.0)  # of those rows
TOLERANCES = {"float32": 1e-4, "float64": 1e-9}  # as a share of the largest score


@dataclass
class Part:
    """h = f(xw + b) as it was found; `name` is what its own library calls it."""

    name: str
    w: Array
    b: Array | None = None
    f: Activation | None = None


def make_network(parts: Sequence[Part]) -> Network:
    """The network of these layers, in the wider of their dtypes.

    A layer without an activation is linear. Where some have a bias, the others get zeros. After a last layer that is
    not linear comes one that changes nothing, for ours ends in a linear one.

    Raises:
        InputError: Nothing there, numbers that are not finite, or of another dtype than float32 and float64.
        ShapeError: A layer does not fit the one before.
    """
    if not parts:
        raise InputError("There is no layer in it: a network needs one weight matrix at least.")
    for part in parts:
        for array in (part.w, part.b):
            if array is not None and array.dtype not in (np.float32, np.float64):
                raise InputError(f"{part.name} is of {array.dtype}, but weights are float32 or float64 here.")
            if array is not None and not np.isfinite(array).all():
                raise InputError(f"{part.name} holds numbers that are infinite or not a number.")
        if part.w.ndim != 2 or 0 in part.w.shape or (part.b is not None and part.b.shape != part.w.shape[1:]):
            raise ShapeError(
                f"{part.name} has weights {part.w.shape} and bias {None if part.b is None else part.b.shape}, but "
                f"(d, m) and (m,) were needed."
            )
    for before, part in pairwise(parts):
        if before.w.shape[1] != part.w.shape[0]:
            raise ShapeError(
                f"{before.name} gives {before.w.shape[1]} numbers, but {part.name} after it takes {part.w.shape[0]}."
            )
    dtype = np.result_type(*(part.w for part in parts))
    found = list(parts)
    if found[-1].f is not None:
        found.append(Part("the end", np.eye(found[-1].w.shape[1], dtype=dtype)))
    biased = any(part.b is not None for part in found)
    linear = get_activation("identity")
    layers = []
    for part in found:
        b = np.zeros(part.w.shape[1]) if part.b is None else part.b
        layers.append(
            Layer(np.array(part.w, dtype, order="C"), np.array(b, dtype) if biased else None, part.f or linear)
        )
    return Network(layers)


def check_agreement(
    network: Network, other: Callable[[Array], Array], name: str, *, least_tolerance: float = 0.0
) -> None:
    """The scores of both are the same within rounding, on random rows.

    Raises:
        InputError: They are not; a part of the other network was not understood.
    """
    w = network.layers[0].w
    rng = np.random.default_rng(0)
    for scale in SCALES:
        x = (scale * rng.normal(size=(ROWS, len(w)))).astype(w.dtype)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers that overflow, there as here
            ours, theirs = network.forward(x)[0].astype(np.float64), np.asarray(other(x), np.float64)
        if ours.shape != theirs.shape:
            raise InputError(
                f"{name} gives {theirs.shape[1:]} numbers for a row, but its layers make {ours.shape[1:]}."
            )
        far = float(np.abs(ours - theirs).max())
        if not far <= max(TOLERANCES[w.dtype.name], least_tolerance) * (1 + float(np.abs(theirs).max())):
            raise InputError(
                f"{name} was read, but its scores and those of its layers differ by up to {far:.2g} on random rows, so "
                f"that it does something that its layers do not say. It cannot be imported."
            )


def activations_of(names: Any, hidden: int) -> list[Activation]:
    """One name for all hidden layers, or one each."""
    each = [names] * hidden if isinstance(names, str | Activation) else list(names)
    if len(each) != hidden:
        raise InputError(
            f"{len(each)} activations were given for {hidden} hidden layers: give one name for all of them, or one "
            f"each."
        )
    return [get_activation(f) for f in each]
