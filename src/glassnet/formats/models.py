"""A model as a record of plain values and named tensors, and back: what a file holds of it."""

from typing import Any

import numpy as np

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.records import Record, damaged
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import InputError
from glassnet.estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from glassnet.formats.mlp import mlp_record, restore_mlp
from glassnet.formats.values import create_estimator, name_activation, plain, read_history, record_parameters
from glassnet.nn import Architecture, Network, get_loss
from glassnet.nn.activations import Identity
from glassnet.nn.elementary import Array

Model = TableClassifier | TableRegressor | MLPClassifier | MLPRegressor | Network

KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (TableClassifier, TableRegressor, MLPClassifier, MLPRegressor, Network)
}
TABLE_LOSSES = {"TableClassifier": ("binary_cross_entropy", "cross_entropy"), "TableRegressor": ("squared_error",)}


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
        _require_fitted(model, "network_", "preprocessor_", "target_", "loss_", "history_")
        network, rest = model.network_, _table_record(model)
    else:
        _require_fitted(model, "coefs_", "intercepts_", "out_activation_", "history_", "n_features_in_", "_state")
        network, rest = model.network_, mlp_record(model)
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
    architecture = network.architecture
    fault = _fault(architecture, tensors)
    if fault:
        raise InputError(f"The network cannot be saved: {fault}. Repair its layers, or train it anew.")
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
    fault = _fault(architecture, tensors)
    if fault:
        raise damaged(fault)
    parameters = np.concatenate([tensors[name].ravel() for name in _shapes(architecture)])
    if kind == "Network":
        return Network.from_parameters(architecture, parameters)
    estimator = create_estimator(KINDS[kind], record.field("parameters"))
    restore = _restore_table if kind in TABLE_LOSSES else restore_mlp
    restore(estimator, record, Network.from_parameters(architecture, parameters))
    return estimator


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


def _table_record(model: TableClassifier | TableRegressor) -> dict[str, Any]:
    return {
        "parameters": record_parameters(model),
        "loss": model.loss_.name,
        "preprocessor": plain(model.preprocessor_.to_dict(), "The preprocessor"),
        "target": plain(model.target_.to_dict(), "The target"),
        "feature_names": plain(model.feature_names_in_, "feature_names_in_"),
        "history": plain(model.history_.to_dict(), "The history"),
    }


def _restore_table(model: Any, record: Record, network: Network) -> None:
    d, k = network.layers[0].w.shape[0], network.layers[-1].w.shape[1]
    preprocessor = Preprocessor.from_dict(record.field("preprocessor"))
    if len(preprocessor.features) != d:
        raise damaged(f"the preprocessor makes {len(preprocessor.features)} features, but the network takes {d}")
    target: Any = (ClassTarget if isinstance(model, TableClassifier) else NumberTarget).from_dict(
        record.field("target")
    )
    labels = len(getattr(target, "labels", ()))
    if k != (1 if labels <= 2 else labels):
        raise damaged(f"the network has {k} outputs, but the target has {labels or 'no'} classes")
    loss, losses = record.text("loss"), TABLE_LOSSES[type(model).__name__]
    if loss != losses[-1 if k > 1 else 0]:
        raise damaged(f"the loss is {loss!r}, which does not fit {k} outputs of a {type(model).__name__}")
    names = record.texts("feature_names")
    if set(names) != {column.name for column in preprocessor.columns}:
        raise damaged("the feature names are not those of the preprocessor")
    model.preprocessor_, model.target_, model.loss_, model.network_ = preprocessor, target, get_loss(loss), network
    model.feature_names_in_, model.n_features_in_ = np.array(names, dtype=object), len(names)
    model.history_ = read_history(record.field("history"))
    model.n_iter_ = len(model.history_)
