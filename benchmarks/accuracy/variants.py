"""The ablation: what of the recipe is left out, as parameters of `TableClassifier` and `TableRegressor`."""

from typing import Any

VARIANTS: dict[str, dict[str, Any]] = {
    "one network": {"n_estimators": 1},
    "two networks": {"n_estimators": 2},
    "six networks": {"n_estimators": 6},
    "no dropout": {"dropout": 0.0},
    "no weight decay": {"alpha": 0.0},
    "ReLU": {"activation": "relu"},
    "one rate of 0.002 for all weights": {"learning_rate_init": 0.002},
    "batches of 256": {"batch_size": 256},
    "two hidden layers": {"hidden_layer_sizes": (128, 128)},
    "layers of 96": {"hidden_layer_sizes": (96, 96, 96)},
    "layers of 128": {"hidden_layer_sizes": (128, 128, 128)},
    "no rows for calibration": {"calibration": "none"},
    "quality fast": {"quality": "fast"},
    "quality best": {"quality": "best"},
}
CLASSES_ONLY = frozenset({"class_weight"})  # that TableRegressor does not have


def parameters(variant: str, task: str) -> dict[str, Any] | None:
    """What is given to the estimator of that task; None where the variant is the recipe itself.

    >>> parameters("one network", "regression")
    {'n_estimators': 1}
    """
    chosen = VARIANTS[variant]
    if task == "regression":
        chosen = {name: value for name, value in chosen.items() if name not in CLASSES_ONLY}
    return chosen or None
