"""A model as a record of plain values and named tensors, and back: what a file holds of it."""

from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.records import Record, damaged
from glassnet.data.several import Targets
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import InputError
from glassnet.estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from glassnet.estimators.ensemble import Member
from glassnet.estimators.intervals import Conformal
from glassnet.estimators.quantities import MEASURES, level
from glassnet.formats.mlp import mlp_record, restore_mlp
from glassnet.formats.values import create_estimator, name_activation, plain, read_history, record_parameters
from glassnet.nn import Architecture, Loss, Network, Quantile, get_loss
from glassnet.nn.activations import Identity
from glassnet.nn.elementary import Array

Model = TableClassifier | TableRegressor | MLPClassifier | MLPRegressor | Network

KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (TableClassifier, TableRegressor, MLPClassifier, MLPRegressor, Network)
}
TABLES = ("TableClassifier", "TableRegressor")


def encode(model: Model) -> tuple[dict[str, Any], dict[str, Array]]:
    """The record of a model, JSON-able, and its tensors "layers.0.w", "layers.0.b", …

    Raises:
        InputError: A model of another kind, not fitted, or with parts that a file cannot hold.
    """
    kind = type(model).__name__
    if KINDS.get(kind) is not type(model):
        raise InputError(f"A {kind} cannot be saved. What can: a fitted {', '.join(KINDS)}.")
    if isinstance(model, Network):
        network, rest = model, {}
    elif isinstance(model, TableClassifier | TableRegressor):
        _require_fitted(model, "members_", "preprocessor_", "target_", "loss_")
        network, rest = model.network_, _table_record(model)
    else:
        _require_fitted(model, "coefs_", "intercepts_", "out_activation_", "history_", "n_features_in_", "_state")
        network, rest = model.network_, mlp_record(model)
    tensors = _tensors(network)  # which says what is wrong with a network that has no architecture
    architecture = network.architecture
    for k, member in enumerate(getattr(model, "members_", ())[1:], start=1):
        tensors |= {f"{MEMBER.format(k)}{name}": array for name, array in _tensors(member.network).items()}
    shape = {
        "sizes": [int(size) for size in architecture.sizes],
        "activations": [name_activation(f) for f in architecture.activations],
        "bias": architecture.bias,
        **({"skip": True} if architecture.skip else {}),
    }
    return {"kind": kind, "architecture": shape, **rest}, tensors


def decode(content: Any, tensors: dict[str, Array]) -> Model:
    """The model that `encode` took apart.

    Raises:
        FileFormatError: Whatever does not fit together.
    """
    record = Record(content, "the header")
    kind = record.text("kind")
    if kind not in KINDS:
        raise damaged(f"it holds a {kind!r}; known are {', '.join(KINDS)}")
    shape = Record(record.field("architecture"), "the architecture")
    flags = shape.flag("bias"), "skip" in shape.record and shape.flag("skip")
    try:
        architecture = Architecture.create(shape.items("sizes"), shape.items("activations"), *flags)
    except InputError as error:
        raise damaged(str(error)) from None
    others = {name: array for name, array in tensors.items() if name.startswith(MEMBER.split("{")[0])}
    network = _network(architecture, {name: array for name, array in tensors.items() if name not in others})
    if kind in TABLES:
        estimator = create_estimator(KINDS[kind], _renamed(record.field("parameters")))
        _restore_table(estimator, record, network, others)
        return estimator
    if others:
        raise damaged(f"a {kind} has one network, but tensor {min(others)} is of another")
    if kind == "Network":
        return network
    estimator = create_estimator(KINDS[kind], record.field("parameters"))
    restore_mlp(estimator, record, network)
    return estimator


def _renamed(parameters: Any) -> Any:
    """The parameters of a table model, by their names of today: those of the first format were of one network."""
    if not isinstance(parameters, dict) or "n_estimators" in parameters:
        return parameters
    kept = {name: value for name, value in parameters.items() if name != "alpha"}  # which was another penalty
    return {"metric" if name == "scoring" else name: value for name, value in kept.items()} | {"n_estimators": 1}


def _tensors(network: Network) -> dict[str, Array]:
    """The tensors of a network that can be saved, by name."""
    tensors = {
        f"layers.{i}.{letter}": np.ascontiguousarray(array)
        for i, layer in enumerate(network.layers)
        for letter, array in (("w", layer.w), ("b", layer.b))
        if array is not None
    }
    if network.skip is not None:
        tensors["skip.u"] = np.ascontiguousarray(network.skip)
    if not network.layers or not isinstance(network.layers[-1].f, Identity):
        raise InputError("The network's last layer is missing or not linear: it needs the activation identity.")
    fault = _fault(network.architecture, tensors)
    if fault:
        raise InputError(f"The network cannot be saved: {fault}. Repair its layers, or train it anew.")
    return tensors


def _network(architecture: Architecture, tensors: dict[str, Array]) -> Network:
    """The network that the tensors make."""
    fault = _fault(architecture, tensors)
    if fault:
        raise damaged(fault)
    parameters = np.concatenate([tensors[name].ravel() for name in _shapes(architecture)])
    return Network.from_parameters(architecture, parameters)


def _shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """The name and shape of every tensor, in the order of the parameters."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (d, m) in enumerate(architecture.shapes):
        shapes[f"layers.{i}.w"] = (d, m)
        if architecture.bias:
            shapes[f"layers.{i}.b"] = (m,)
    if architecture.skip:
        shapes["skip.u"] = (architecture.sizes[0], architecture.sizes[-1])
    return shapes


def _fault(architecture: Architecture, tensors: dict[str, Array]) -> str:
    """What is wrong with the tensors of a network, or ""."""
    needed = _shapes(architecture)
    if needed.keys() != tensors.keys():
        first = min(needed.keys() ^ tensors.keys())
        return f"tensor {first} is {'missing' if first in needed else 'not one of the architecture'}"
    for name, array in tensors.items():
        if array.shape != needed[name]:
            return f"tensor {name} has shape {array.shape}, but the architecture needs {needed[name]}"
        if not np.isfinite(array).all():
            return f"tensor {name} holds numbers that are infinite or not a number"
    dtypes = {array.dtype for array in tensors.values()}
    if len(dtypes) > 1 or not dtypes <= {np.dtype(np.float32), np.dtype(np.float64)}:
        return f"tensors are of {', '.join(sorted(map(str, dtypes)))}, but all must be float32, or all float64"
    return ""


def _require_fitted(model: Any, *attributes: str) -> None:
    if not all(hasattr(model, name) for name in attributes):
        raise InputError(
            f"This {type(model).__name__} has not been fitted, so there is nothing to save: call fit first."
        )


MEMBER = "members.{}."  # before the names of the tensors of every network but the first
NO_HISTORY = {"stopped_by": "", "best_epoch": [], "epochs": []}


def _table_record(model: TableClassifier | TableRegressor) -> dict[str, Any]:
    return {
        "parameters": record_parameters(model),
        "loss": model.loss_.name,
        **({"quantile": model.loss_.quantile} if isinstance(model.loss_, Quantile) else {}),
        "preprocessor": plain(model.preprocessor_.to_dict(), "The preprocessor"),
        "target": plain(model.target_.to_dict(), "The target"),
        "feature_names": plain(model.feature_names_in_, "feature_names_in_"),
        "history": plain(model.history_.to_dict(), "The history"),
        "members": [
            {
                **{name: plain(getattr(member, name), name) for name in ("view", "fold", "weight", "temperature")},
                "history": NO_HISTORY if k == 0 else plain(member.history.to_dict(), "The history"),
            }
            for k, member in enumerate(model.members_)
        ],
        **({"threshold": plain(model.threshold_, "threshold_")} if isinstance(model, TableClassifier) else {}),
        "conformal": None if model.conformal_ is None else plain(model.conformal_.to_dict(), "The intervals"),
        "pieces": None if model.pieces_ is None else plain(model.pieces_.to_dict(), "The preprocessor"),
    }


def _restore_table(model: Any, record: Record, network: Network, others: dict[str, Array]) -> None:
    d, k = network.layers[0].w.shape[0], network.layers[-1].w.shape[1]
    preprocessor = Preprocessor.from_dict(record.field("preprocessor"))
    if len(preprocessor.features) != d:
        raise damaged(f"the preprocessor makes {len(preprocessor.features)} features, but the network takes {d}")
    target = _restore_target(model, record.field("target"))
    loss = _restore_loss(model, record, target)
    labels = len(target.labels) if isinstance(target, ClassTarget) else 0
    outputs = labels if labels > 2 else len(target.names)
    if k != outputs:
        raise damaged(f"the network has {k} outputs, but the target {target.name!r} needs {outputs}")
    names = record.texts("feature_names")
    if set(names) != {column.name for column in preprocessor.columns}:
        raise damaged("the feature names are not those of the preprocessor")
    model.preprocessor_, model.target_, model.loss_ = preprocessor, target, loss
    model.feature_names_in_, model.n_features_in_ = np.array(names, dtype=object), len(names)
    pieces = record.record.get("pieces")
    model.pieces_ = None if pieces is None else Preprocessor.from_dict(pieces)
    if model.pieces_ is not None and [c.name for c in model.pieces_.columns] != [c.name for c in preprocessor.columns]:
        raise damaged("the two preparations are not of the same columns")
    first = Member(network, 0, 1.0, read_history(record.field("history")))
    model.members_ = _restore_members(model, record, first, others) if "members" in record.record else [first]
    if others:
        raise damaged(f"tensor {min(others)} is of a network that the file does not describe")
    if isinstance(model, TableClassifier):
        model.threshold_ = _restore_threshold(record, target)
    model.out_of_fold_, conformal = None, record.record.get("conformal")
    model.conformal_ = None if conformal is None else _restore_conformal(conformal, model)
    model.n_iter_ = max(len(member.history) for member in model.members_)


def _restore_target(model: Any, content: Any) -> ClassTarget | NumberTarget | Targets:
    kind: Any = ClassTarget if isinstance(model, TableClassifier) else NumberTarget
    several = isinstance(content, dict) and content.get("kind") == "several"
    found: ClassTarget | NumberTarget | Targets = (
        Targets.from_dict(content, kind) if several else kind.from_dict(content)
    )
    return found


def _restore_loss(model: Any, record: Record, target: ClassTarget | NumberTarget | Targets) -> Loss:
    """The loss, if it is one of such a target."""
    name, numbers = record.text("loss"), {}
    if isinstance(model, TableClassifier):
        losses = [
            "cross_entropy" if isinstance(target, ClassTarget) and len(target.labels) > 2 else "binary_cross_entropy"
        ]
    else:
        counts = not isinstance(target, ClassTarget) and target.counts
        losses = [loss for loss in MEASURES if (loss == "poisson") == counts]
    if name not in losses:
        raise damaged(f"the loss is {name!r}, which does not fit such a target of a {type(model).__name__}")
    if name == "quantile":
        numbers["quantile"] = record.number("quantile")
    try:
        return get_loss(name, **numbers)
    except InputError as error:
        raise damaged(str(error)) from None


def _restore_threshold(record: Record, target: Any) -> Any:
    """One for a target of classes, (k,) for several."""
    several = isinstance(target, Targets)
    told = (
        record.numbers("threshold")
        if several
        else (record.number("threshold") if "threshold" in record.record else 0.5,)
    )
    if len(told) != len(target.names) or not all(0 <= one <= 1 for one in told):
        raise damaged(f"the threshold is {list(told)}, but a probability for each target was needed")
    return np.array(told) if several else told[0]


def _restore_conformal(content: Any, model: Any) -> Conformal:
    """What intervals and sets need, if it fits the networks."""
    conformal = Conformal.from_dict(content)
    if not {fold for fold in conformal.folds if fold is not None} <= {member.fold for member in model.members_}:
        raise damaged("the intervals are of networks that the file does not hold")
    quantities = model.loss_.name in MEASURES
    if len(conformal.calibrations) != (len(model.target_.names) if quantities else 1):
        raise damaged("the intervals are not of so many targets")
    if bool(conformal.spreads) != (quantities and len(conformal.calibrations[0].scores) > 0):
        raise damaged("the intervals are not of such a target")
    if any(len(spread.knots) not in (0, len(model.preprocessor_.features)) for spread in conformal.spreads):
        raise damaged("the width of the intervals is told from other features")
    if any(conformal.shifts) and level(model.loss_) is None:
        raise damaged("the intervals are moved, but the loss is about the mean")
    return conformal


def _restore_members(model: Any, record: Record, first: Member, tensors: dict[str, Array]) -> list[Member]:
    """The networks of a table model, the first one with what the record says of it."""
    members, architecture = [], first.network.architecture
    for k, item in enumerate(record.items("members")):
        said = Record(item, f"network {k + 1}")
        view, fold, weight = said.count("view"), said.count("fold"), said.positive("weight")
        if view >= len(model._views) or (k == 0 and view):
            raise damaged(f"network {k + 1} sees the table in a way that the file does not hold")
        told: dict[str, Any] = {
            "view": view,
            "fold": fold,
            "weight": weight,
            "temperature": said.positive("temperature"),
        }
        if k == 0:
            members.append(replace(first, **told))
            continue
        own = [name for name in tensors if name.startswith(MEMBER.format(k))]
        sizes = (len(model._views[view].features), *architecture.sizes[1:])
        network = _network(
            replace(architecture, sizes=sizes), {name.removeprefix(MEMBER.format(k)): tensors.pop(name) for name in own}
        )
        members.append(Member(network, history=read_history(said.field("history")), **told))
    if not members or abs(sum(member.weight for member in members) - 1) > 1e-6:
        raise damaged("the weights of its networks do not add up to 1")
    return members
