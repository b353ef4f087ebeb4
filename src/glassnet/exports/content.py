"""A fitted model → what its predictions are made of: columns, networks, and the way from their scores to an answer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.encoders import ENCODERS
from glassnet.data.schema import Column
from glassnet.data.several import Targets
from glassnet.data.targets import NumberTarget
from glassnet.errors import InputError
from glassnet.estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from glassnet.nn import Loss, Network
from glassnet.nn.activations import ACTIVATIONS, LeakyRelu

# What the last function of each loss is; one of a user's own is known if it is none.
FUNCTIONS = {
    "squared_error": "identity",
    "absolute_error": "identity",
    "huber": "identity",
    "quantile": "identity",
    "gaussian": "gaussian",
    "binary_cross_entropy": "logistic",
    "cross_entropy": "softmax",
    "poisson": "exponential",
}

LEAK = -float(LeakyRelu()(np.array(-1.0)))
# |z| beyond which sine holds z at this bound, as nn.elementary does for either format.
FARTHEST = {"float32": 8192.0, "float64": 1e6}


@dataclass(frozen=True)
class Part:
    """One network of the mean: which preparation of the columns it sees, and its weight."""

    network: Network
    view: int = 0
    weight: float = 1.0


@dataclass(frozen=True)
class Labels:
    """Classes of each target. A second class is said where p > its threshold; of more than two, the most probable."""

    classes: tuple[tuple[Any, ...], ...]
    thresholds: tuple[float, ...]
    several: bool  # whether a row has a label of each target

    @property
    def binary(self) -> bool:
        """Whether one p is the probability of the second of two classes."""
        return not self.several and len(self.classes[0]) == 2


@dataclass(frozen=True)
class Units:
    """A quantity of p: p · scale + mean, of which `form` "log" takes the exponential, and "counts" holds at 0."""

    mean: float = 0.0
    scale: float = 1.0
    form: str = ""


@dataclass(frozen=True)
class Quantities:
    """Units of each target, and whether a standard deviation of each was learned, too."""

    units: tuple[Units, ...]
    spread: bool = False


@dataclass(frozen=True)
class Content:
    """All that a prediction needs.

    Attributes:
        kind: The model's type.
        views: The columns that make features, as networks of each view see them; () where a model takes arrays.
        names: Of the inputs: columns, or features of an array.
        parts: The networks, whose weights add up to 1.
        function: From scores y to p, of `FUNCTIONS`.
        answer: From p to what is predicted; None of a bare network, which gives y.
    """

    kind: str
    views: tuple[tuple[Column, ...], ...]
    names: tuple[str, ...]
    parts: tuple[Part, ...]
    function: str
    answer: Labels | Quantities | None

    @property
    def dtype(self) -> np.dtype[Any]:
        """In which the networks compute."""
        return self.parts[0].network.layers[0].w.dtype

    @property
    def outputs(self) -> tuple[str, ...]:
        """What is given for each row."""
        if self.answer is None:
            return ("y",)
        if isinstance(self.answer, Labels):
            return ("label", "probabilities")
        return ("prediction", "std") if self.answer.spread else ("prediction",)


def content_of(model: Any) -> Content:
    """What the predictions of a model are made of.

    Raises:
        InputError: No model of ours, one that is not fitted, or one with functions of the user's own.
    """
    if isinstance(model, Network):
        d = model.architecture.sizes[0]
        content = Content("Network", (), _x_names(d), (Part(model),), "identity", None)
    elif isinstance(model, TableClassifier | TableRegressor):
        content = _of_table(model)
    elif isinstance(model, MLPClassifier | MLPRegressor):
        content = _of_mlp(model)
    else:
        raise InputError(
            f"A {type(model).__name__} cannot be exported: a fitted TableClassifier, TableRegressor, MLPClassifier or "
            f"MLPRegressor, or a glassnet.nn.Network was needed."
        )
    for part in content.parts:
        own = [f.name for f in part.network.architecture.activations if f.name not in ACTIVATIONS]
        if own:
            raise InputError(
                "A layer has an activation of your own, whose code cannot be written in another language: train with "
                "one that glassnet names, such as 'silu'."
            )
        if not np.isfinite(part.network.parameters).all():
            raise InputError("A weight is infinite or not a number, so that there is nothing to export: train anew.")
    return content


def _of_table(model: Any) -> Content:
    model._check_fitted()
    views = tuple(tuple(c for c in p.columns if c.kind in ENCODERS) for p in model._views)
    parts = tuple(Part(member.network, member.view, float(member.weight)) for member in model.members_)
    answer: Labels | Quantities
    targets: Any = model.target_.parts if isinstance(model.target_, Targets) else (model.target_,)
    if isinstance(model, TableClassifier):
        thresholds = tuple(float(threshold) for threshold in np.atleast_1d(model.threshold_))
        answer = Labels(tuple(part.labels for part in targets), thresholds, isinstance(model.target_, Targets))
    else:
        answer = Quantities(tuple(_units(target) for target in targets))
    names = tuple(column.name for column in views[0])
    return Content(type(model).__name__, views, names, parts, _function(model.loss_), answer)


def _units(target: NumberTarget) -> Units:
    form = "counts" if target.counts else "log" if target.log else ""
    return Units(float(target.mean), float(target.scale), form)


def _of_mlp(model: Any) -> Content:
    network = model.network_
    answer: Labels | Quantities
    if isinstance(model, MLPRegressor):
        loss = model._loss
        answer = Quantities((Units(),) * (network.architecture.sizes[-1] // loss.width), loss.width == 2)
    else:
        labels = tuple(np.asarray(model.classes_).tolist())
        several = model._label_binarizer.y_type_.startswith("multilabel")
        count = network.architecture.sizes[-1]
        answer = Labels(((0, 1),) * count if several else (labels,), (0.5,) * (count if several else 1), several)
    names = tuple(map(str, getattr(model, "feature_names_in_", _x_names(network.architecture.sizes[0]))))
    return Content(type(model).__name__, (), names, (Part(network),), _function(model._loss), answer)


def _function(loss: Loss) -> str:
    """What makes p of y."""
    if loss.name in FUNCTIONS:
        return FUNCTIONS[loss.name]
    if getattr(loss, "prediction", None) is None:
        return "identity"
    raise InputError(
        "The loss has a prediction p(y) of your own, whose code cannot be written in another language: export "
        "model.network_, which gives y, and make p of it there."
    )


def _x_names(d: int) -> tuple[str, ...]:
    return tuple(f"x{j + 1}" for j in range(d))
