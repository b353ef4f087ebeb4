"""What a fit has to be told of: a training that ended badly, or that learned nothing."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.errors import TrainingWarning
from glassnet.estimators.ensemble import OutOfFold, scores_of
from glassnet.estimators.quantities import best_constant
from glassnet.nn import Data


def warn_of_training(model: Any, views: Sequence[Data]) -> None:
    """A TrainingWarning of a fit that ended badly, or learned nothing.

    Args:
        model: A table model that `fit` has just fitted, and which calls this.
        views: All rows, as the networks of each view see them.
    """
    if model.history_.stopped_by == "non-finite loss":
        best = model.history_.best
        kept = f"the weights of epoch {best.epoch} were restored" if best else "the first weights were restored"
        warnings.warn(
            f"The loss became infinite or not a number in epoch {len(model.history_)}; {kept}. "
            f"Try a smaller rate, such as learning_rate_init={model._rate() / 10:g}.",
            TrainingWarning,
            stacklevel=3,
        )
    data = views[0]
    best = best_constant(model.loss_, data.t, data.s)
    found = model.out_of_fold_
    if found is None:
        found = OutOfFold(np.arange(len(data)), model._mean_prediction([view.x for view in views]), data.t, data.s)
    constant = np.broadcast_to(scores_of(model.loss_, best), found.t.shape)
    gain = model.loss_.rows(constant, found.t) - model.loss_.rows(scores_of(model.loss_, found.p), found.t)
    if found.s is not None:
        gain = gain * found.s / found.s.mean()
    noise = gain.std() / np.sqrt(len(gain))  # standard error of the mean gain
    folds = len({member.fold for member in model.members_})
    varies = not np.all(data.t == data.t[0])
    started = model.history_.loss[0] if len(model.history_) else 0.0
    # A scorer may have chosen weights that are right more often, and surer where they are wrong. The best of many
    # epochs is one standard error of its own fold lucky.
    if model.metric is not None or not varies or gain.mean() > (1 + np.sqrt(folds)) * noise:
        return
    if -gain.mean() > 10 * abs(float(model.loss_.rows(constant, found.t).mean())):
        warnings.warn(
            f"The training did not settle: its loss began at {started:.2g} and its best network is far worse than "
            f"predicting {model._constant_name()} for every row. "
            f"Try a smaller rate, such as learning_rate_init={model._rate() / 100:g}.",
            TrainingWarning,
            stacklevel=3,
        )
    else:
        warnings.warn(
            f"The network is no better than predicting {model._constant_name()} for every row (its loss is lower by "
            f"{gain.mean():.2g} ± {noise:.2g} on rows it did not train on). The columns may say nothing about "
            f"{model.target_.name!r}, or the rows may be too few.",
            TrainingWarning,
            stacklevel=3,
        )
