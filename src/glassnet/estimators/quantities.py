"""What the loss of a quantity decides: its best constant, what it is called, and its score in the target's units."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import make_scorer, mean_pinball_loss

from glassnet.data.table import Table
from glassnet.data.targets import NumberTarget
from glassnet.estimators.splits import FEWEST_TO_CHOOSE
from glassnet.nn import AbsoluteError, Loss, Poisson, Quantile
from glassnet.nn.elementary import Array

# The losses of TableRegressor, and what the report calls the score that each is about.
MEASURES = {"squared_error": "rmse", "absolute_error": "mae", "poisson": "deviance", "quantile": "pinball"}
LEAST = 1e-9  # of the mean: a count that is predicted as less, such as by another model, counts as this one
SKEWED = 1.0  # a target of more skewness may be learned better as its logarithm
MOST_TRIED_ROWS, TRIAL_SHARE, PAYS = 5000, 0.05, 0.95  # rows, share of a time limit, share of the loss that is left


def level(loss: Loss) -> float | None:
    """Which quantile of the answers a loss asks for; None where it asks for their mean.

    >>> level(Quantile(0.9)), level(AbsoluteError()), level(Poisson())
    (0.9, 0.5, None)
    """
    if isinstance(loss, Quantile):
        return loss.quantile
    return 0.5 if isinstance(loss, AbsoluteError) else None


def best_constant(loss: Loss, t: Array, s: Array | None) -> Array:
    """The prediction (k,) of the least loss among those that are the same for every row: a quantile, or the mean.

    >>> best_constant(AbsoluteError(), np.array([[1.0], [2.0], [9.0]]), None)
    array([2.])
    """
    share = level(loss)
    if share is None:
        return np.asarray(np.average(t, axis=0, weights=s))
    return np.asarray(np.quantile(t, share, axis=0, weights=s, method="inverted_cdf"))


def constant_name(loss: Loss) -> str:
    """What a report calls that constant.

    >>> constant_name(Quantile(0.9)), constant_name(AbsoluteError())
    ('0.9 quantile', 'median')
    """
    if isinstance(loss, Quantile):
        return f"{loss.quantile:g} quantile"
    return "median" if isinstance(loss, AbsoluteError) else "mean"


def row_losses(loss: Loss, truth: Array, said: Array) -> Array:
    """What each row adds to the score that a loss is about, (n,), in the target's units.

    The pinball loss, the absolute error, the Poisson deviance 2(p − y + y ln(y / p)), or the squared error.

    >>> row_losses(Quantile(0.9), np.array([10.0, 10.0]), np.array([9.0, 11.0])).round(3).tolist()
    [0.9, 0.1]
    """
    if isinstance(loss, Poisson):
        least = LEAST * float(truth.mean()) or np.finfo(np.float64).tiny
        return 2 * loss.rows(np.log(np.maximum(said, least))[:, None], truth[:, None])
    if level(loss) is None:
        return (said - truth) ** 2
    return loss.rows(said[:, None], truth[:, None])


def scoring_in_units(loss: Loss) -> Any:
    """What scikit-learn calls that score, turned so that high is good; None for classes.

    >>> scoring_in_units(AbsoluteError())
    'neg_mean_absolute_error'
    """
    if isinstance(loss, Quantile):
        return make_scorer(mean_pinball_loss, greater_is_better=False, alpha=loss.quantile)
    return {
        "squared_error": "neg_root_mean_squared_error",
        "absolute_error": "neg_mean_absolute_error",
        "poisson": "neg_mean_poisson_deviance",
    }.get(loss.name)


def better_form(
    model: Any, described: NumberTarget, table: Table, y: Array, s: Array | None, rows: Array, seed: int
) -> NumberTarget:
    """A target standardised by some of the rows; with its logarithm, where a network that learns that errs less there.

    Args:
        model: The estimator, whose parameters the trials share.
        described: The target of all rows.
        table: All rows, without the target.
        y: Its quantities, (n,).
        s: Weights, (n,), or None.
        rows: Places of those that may decide.
        seed: Of the trials.
    """
    whole: dict[str, Any] = {"minimum": described.minimum, "maximum": described.maximum}
    name, counts, chosen = described.name, described.counts, y[rows]
    plain = replace(NumberTarget.fit(chosen, name, log=described.log, counts=counts), **whole)
    z = chosen / (np.abs(chosen).max() or 1.0)  # a cube of what is huge or tiny is no number
    skewness = float(np.mean((z - z.mean()) ** 3)) / (z.std() ** 3 or 1.0)
    tried = np.random.RandomState(seed).permutation(rows)[:MOST_TRIED_ROWS]
    apart = round(len(tried) * model.validation_fraction)
    asked = model.target_transform == "auto" and not counts
    if not asked or y.min() <= 0 or skewness < SKEWED or apart < FEWEST_TO_CHOOSE:
        return plain
    test, train = tried[:apart], tried[apart:]
    left = {}
    for transform in ("none", "log"):
        parameters = model.get_params(deep=False) | {"callbacks": None}  # which may hold what cannot be copied
        trial = clone(type(model)(**parameters)).set_params(
            target_transform=transform,
            n_estimators=1,
            max_iter=max(model._recipe(len(train)).epochs // 2, 1),
            metric=None,
            random_state=seed,
            time_limit_seconds=None if model.time_limit_seconds is None else TRIAL_SHARE * model.time_limit_seconds,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit itself will tell what there is to tell
            weights = None if s is None else s[train]
            held_out = {"X_val": table.take(test), "y_val": y[test]}
            trial.fit(table.take(train), y[train], sample_weight=weights, **held_out)
            left[transform] = float(np.mean(row_losses(trial.loss_, y[test], trial.predict(held_out["X_val"]))))
    if left["log"] >= PAYS * left["none"]:
        return plain
    return replace(NumberTarget.fit(chosen, name, log=True), **whole)
