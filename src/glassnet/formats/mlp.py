"""A fitted MLPClassifier or MLPRegressor as a record, and back."""

import sys
from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer  # noqa: TID251 - the classifier's own part, rebuilt here

from glassnet.data.records import Record, damaged
from glassnet.errors import InputError
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.formats.values import plain, read_count, read_history, read_number, read_numbers, record_parameters
from glassnet.nn import Network, get_engine

OUT_ACTIVATIONS = {"MLPClassifier": ("logistic", "softmax"), "MLPRegressor": ("identity", "exp")}
CURVES = ("loss_curve_", "validation_scores_")  # lists that L-BFGS, or no early stopping, leaves out
BESTS = ("best_loss_", "best_validation_score_")


def mlp_record(model: MLPClassifier | MLPRegressor) -> dict[str, Any]:
    """What a file holds of a fitted model beside its weights; parameters that no fit would take are an InputError."""
    try:
        model._validate_params()
    except ValueError as error:
        raise InputError(f"{error} Set it right with set_params before saving.") from None
    state = model._state
    fitted = {name: getattr(model, name) for name in ("out_activation_", "n_iter_", "loss_")}
    optional = {name: getattr(model, name) for name in (*CURVES, *BESTS) if hasattr(model, name)}
    names = getattr(model, "feature_names_in_", None)
    ranges = getattr(model, "feature_range_", None)  # which earlier releases did not keep
    progress = {
        "seed": state.seeds[0],
        "epoch": state.epoch,
        "samples": state.samples,
        "learning_rate": state.learning_rate[0],
        "first_rate": state.first_rate[0],
        "best_score": state.best_score[0],
        "best_epoch": state.best_epoch[0],
        "stale": state.stale[0],
    }
    return {
        "parameters": record_parameters(model),
        "fitted": plain({**fitted, **optional}, "A fitted attribute"),
        "progress": plain(progress, "The progress of training"),
        "history": plain(model.history_.to_dict(), "The history"),
        "feature_names": None if names is None else plain(names, "feature_names_in_"),
        **({} if ranges is None else {"feature_range": plain(ranges, "feature_range_")}),
        **({"target": _labels_record(model)} if isinstance(model, MLPClassifier) else {}),
    }


def _labels_record(model: MLPClassifier) -> dict[str, Any]:
    """The classes with their dtype, so that predictions come in it again."""
    labels, binarizer = np.asarray(model.classes_), model._label_binarizer
    texts = labels.dtype.kind == "U" or (labels.dtype.kind == "O" and all(isinstance(label, str) for label in labels))
    if not texts and labels.dtype.kind not in "biuf":
        raise InputError(f"classes_ are of {labels.dtype}, but a file holds only texts, numbers and flags as labels.")
    return {
        "dtype": {"U": "str", "O": "object"}.get(labels.dtype.kind, labels.dtype.name),
        "classes": labels.tolist(),
        "multilabel": binarizer.y_type_ == "multilabel-indicator",
        "sparse": bool(binarizer.sparse_input_),
    }


def restore_mlp(model: Any, record: Record, network: Network) -> None:
    """Make a model with its constructor's parameters a fitted one."""
    sizes, dtype = network.architecture.sizes, network.layers[0].w.dtype.type
    try:
        model._validate_params()
    except ValueError as error:
        raise damaged(str(error)) from None
    try:
        agrees = network.architecture == model._architecture(sizes[0], sizes[-1])
    except (InputError, ValueError, TypeError):
        agrees = False
    if not agrees:
        raise damaged("the architecture is not that of the parameters")
    fitted = Record(record.field("fitted"), "the fitted attributes")
    model.out_activation_ = fitted.text("out_activation_")
    if model.out_activation_ not in OUT_ACTIVATIONS[type(model).__name__]:
        raise damaged(f"a {type(model).__name__} has no {model.out_activation_!r} outputs")
    if isinstance(model, MLPClassifier):
        _restore_labels(model, Record(record.field("target"), "the target"), sizes[-1])
    loss = model._loss
    if sizes[-1] % loss.width:
        raise damaged(f"the loss {loss.name!r} does not fit {sizes[-1]} outputs")
    model.n_features_in_, model.n_outputs_, model.n_layers_ = sizes[0], sizes[-1] // loss.width, len(sizes)
    if record.field("feature_names") is not None:
        model.feature_names_in_ = np.array(record.texts("feature_names"), dtype=object)
        if len(model.feature_names_in_) != sizes[0]:
            raise damaged(f"there are {len(model.feature_names_in_)} feature names for {sizes[0]} features")
    if "feature_range" in record.record:
        model.feature_range_ = _read_range(record.items("feature_range"), sizes[0])
    model.history_ = read_history(record.field("history"))
    model.n_iter_, model.loss_ = read_count(fitted, "n_iter_"), read_number(fitted.field("loss_"), "loss_")
    for name in fitted.record.keys() & {*CURVES, *BESTS}:
        value, read = fitted.field(name), read_numbers if name in CURVES else read_number
        setattr(model, name, None if value is None else read(value, name))

    # A state without the optimizer's moments: partial_fit and warm_start go on from here.
    progress = Record(record.field("progress"), "the progress of training")
    try:
        spec = model._spec(network.architecture, loss, dtype, n=sys.maxsize)
        state = get_engine("numpy").init(spec, [read_count(progress, "seed")])
        model._freeze(state)
    except (ValueError, TypeError, OverflowError) as error:
        raise damaged(f"its parameters make no training: {error}") from None
    state.parameters[0] = network.parameters
    state.epoch, state.samples = read_count(progress, "epoch"), read_count(progress, "samples")
    state.learning_rate[0] = read_number(progress.field("learning_rate"), "learning_rate")
    state.first_rate[0] = read_number(progress.field("first_rate"), "first_rate")
    state.best_score[0] = read_number(progress.field("best_score"), "best_score")
    state.best_epoch[0], state.stale[0] = read_count(progress, "best_epoch"), read_count(progress, "stale")
    model._state, model.t_, model._scored_by = state, state.samples, model.scoring
    layers = state.network().layers
    model.coefs_ = [layer.w for layer in layers]
    model.intercepts_ = [layer.b for layer in layers if layer.b is not None]
    if network.skip is not None:
        model.skip_coef_ = state.network().skip


def _read_range(ends: list[Any], d: int) -> np.ndarray:
    """The least and the greatest value of each feature, (2, d)."""
    numbers = [read_numbers(end, "feature_range") for end in ends]
    if [len(end) for end in numbers] != [d, d] or not all(low <= high for low, high in zip(*numbers, strict=True)):
        raise damaged(f"feature_range is no least and greatest value for each of {d} features")
    return np.array(numbers)


def _restore_labels(model: MLPClassifier, record: Record, k: int) -> None:
    """classes_, and what turns p into them."""
    values, dtype, multilabel = record.items("classes"), record.text("dtype"), record.flag("multilabel")
    texts = dtype in ("str", "object")
    if not values or not all(isinstance(value, str if texts else bool | int | float) for value in values):
        raise damaged("the classes are not of the kind that they should be")
    try:
        if not texts and np.dtype(dtype).kind not in "biuf":
            raise TypeError(f"no labels are of {dtype}")
        labels = np.array(values, dtype=dtype)
        # Any two rows of ones stand for a target with several labels a row.
        binarizer = LabelBinarizer().fit(np.ones((2, k), int) if multilabel else labels)
    except (ValueError, TypeError, OverflowError) as error:
        raise damaged(f"the classes cannot be used: {error}") from None
    outputs = 1 if binarizer.y_type_ == "binary" else k
    if (
        labels.tolist() != values
        or not np.array_equal(binarizer.classes_, labels)
        or k != outputs
        or len(labels) != max(k, min(len(labels), 2))
        or (binarizer.y_type_ == "multiclass") != (model.out_activation_ == "softmax")
    ):
        raise damaged(f"{len(labels)} classes do not fit {k} outputs")
    if record.flag("sparse") and (texts or dtype == "float16"):
        raise damaged(f"labels of {dtype} have no sparse form")
    binarizer.sparse_input_ = record.flag("sparse")
    model.classes_, model._label_binarizer = labels, binarizer
