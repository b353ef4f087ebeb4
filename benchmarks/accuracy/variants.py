"""The ablation: what of the recipe is left out, as parameters of `TableClassifier` and `TableRegressor`."""

from typing import Any

VARIANTS: dict[str, dict[str, Any]] = {
    "one network": {"n_estimators": 1},
    "quality fast": {"quality": "fast"},
    "quality best": {"quality": "best"},
}
CLASSES_ONLY = frozenset({"calibration", "class_weight", "label_smoothing"})  # that TableRegressor does not have


def parameters(variant: str, task: str) -> dict[str, Any] | None:
    """What is given to the estimator of that task; None where the variant is the recipe itself.

    >>> parameters("one network", "regression")
    {'n_estimators': 1}
    """
    chosen = VARIANTS[variant]
    if task == "regression":
        chosen = {name: value for name, value in chosen.items() if name not in CLASSES_ONLY}
    return chosen or None
