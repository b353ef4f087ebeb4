"""Whether a file says what the model says, as far as the model itself is known to its last digits.

A float32 has 24 bits, a float64 53. Sums in another order, another exp, and weights in double where the model has
floats, change each operation by a unit or a few in the last place. What comes of that depends on the network: of one
with large weights that cancel each other, more. So the network itself is asked: each weight is moved up or down by one
unit in the last place, and the largest change of an output is `own`. A result is as good as the model's
own where it differs by no more than

    allowed = floor · max|output| + 16 · own        floor = 1e-5 in float32, 1e-12 in float64

for 16 units in the last place are more than the sums of a few hundred terms lose. Labels are compared where the
probabilities leave no doubt: where they are further from a tie than `allowed`.
"""

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.exports.content import Content, Labels
from glassnet.nn import Network
from glassnet.nn.elementary import Array

FLOORS = {"float32": 1e-5, "float64": 1e-12}
UNITS = 16  # in the last place of every weight
SEED = 0


@dataclass(frozen=True)
class Reference:
    """What the model says of rows, by output, and how much of a difference is none."""

    outputs: dict[str, Array]
    allowed: dict[str, float]


def reference_of(model: Any, content: Content, rows: Any, dtype: np.dtype[Any]) -> Reference:
    """What a model says of rows, and what a file that computes in a dtype may say.

    Args:
        model: The model.
        content: What it is made of.
        rows: A table, or x.
        dtype: Of the file's networks; the coarser one, its or the model's, counts.
    """
    coarse = min(dtype, content.dtype, key=lambda one: one.itemsize)
    outputs = _answers(model, content, rows)
    moved = _answers(_moved(model, content, coarse), content, rows)
    allowed = {}
    for name, found in outputs.items():
        if name != "label":
            size = float(np.abs(found[np.isfinite(found)]).max(initial=0.0))
            allowed[name] = FLOORS[coarse.name] * size + UNITS * difference(found, moved[name])
    return Reference(outputs, allowed)


def compare(content: Content, reference: Reference, found: Sequence[Array]) -> float:
    """The largest difference between a file's outputs and the model's.

    Raises:
        InputError: It is more than is allowed, or a label is another one where there is no doubt.
    """
    largest = 0.0
    for (name, said), own in zip(reference.outputs.items(), found, strict=True):
        if np.shape(own) != said.shape:
            raise _wrong(f"{name} has shape {np.shape(own)}, but {said.shape} was needed")
        if name == "label":
            continue
        apart = difference(said, own)
        largest = max(largest, apart)
        if not apart <= reference.allowed[name]:
            raise _wrong(f"{name} differs by {apart:.3g}, but {reference.allowed[name]:.3g} at the most was needed")
    if isinstance(content.answer, Labels):
        p = reference.outputs["probabilities"]
        sure = _margins(content.answer, p) > reference.allowed["probabilities"]
        other = (np.asarray(found[0]) != reference.outputs["label"]) & sure
        if other.any():
            raise _wrong(f"{int(other.sum())} of {len(p)} labels are not the model's")
    return largest


def difference(a: Array, b: Array) -> float:
    """max|a − b|; what is infinite or not a number in both counts as equal, in one alone as infinitely far."""
    with np.errstate(invalid="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        apart = np.where(same, 0.0, np.abs(np.asarray(a, np.float64) - b))
    return float(np.where(np.isnan(apart), np.inf, apart).max(initial=0.0))


def _answers(model: Any, content: Content, rows: Any) -> dict[str, Array]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", UserWarning)  # rows are odd on purpose, and features need no names
        if content.answer is None:
            return {"y": model.forward(rows)[0]}
        if isinstance(content.answer, Labels):
            return {"label": model.predict(rows), "probabilities": model.predict_proba(rows)}
        if content.answer.spread:
            prediction, std = model.predict(rows, return_std=True)
            return {"prediction": prediction, "std": std}
        return {"prediction": model.predict(rows)}


def _moved(model: Any, content: Content, dtype: np.dtype[Any]) -> Any:
    """The same model, with each weight a unit in the last place of a dtype away."""
    rng, unit = np.random.default_rng(SEED), float(np.finfo(dtype).eps)

    def moved(network: Network) -> Network:
        parameters = network.parameters
        sides = rng.choice([-unit, unit], parameters.shape)
        return Network.from_parameters(network.architecture, (parameters * (1 + sides)).astype(parameters.dtype))

    if isinstance(model, Network):
        return moved(model)
    other = copy(model)
    if content.views:
        other.members_ = [replace(member, network=moved(member.network)) for member in model.members_]
        return other
    network = moved(model.network_)
    other.coefs_ = [layer.w for layer in network.layers]
    other.intercepts_ = [layer.b for layer in network.layers if layer.b is not None]
    if network.skip is not None:
        other.skip_coef_ = network.skip
    return other


def _margins(answer: Labels, p: Array) -> Array:
    """How far from another label each row, (n,), or each of its labels, (n, k), is."""
    if answer.several:
        return np.abs(p - np.array(answer.thresholds))
    if answer.binary:
        return np.abs(p[:, 1] - answer.thresholds[0])
    top = np.sort(p, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def _wrong(what: str) -> InputError:
    return InputError(
        f"The exported file would not say what the model says, so it was not written: {what}. This is a fault of "
        f"glassnet, or of the compiler or runtime that the file was tried with: please report it with the model."
    )
