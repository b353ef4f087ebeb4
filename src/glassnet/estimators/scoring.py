"""Any of scikit-learn's scorers as what early stopping watches."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import get_scorer, get_scorer_names

from glassnet.errors import InputError, unknown_name
from glassnet.estimators.thresholds import few_thresholds
from glassnet.nn import Data, Engine, State
from glassnet.nn.elementary import Array
from glassnet.training.trainer import Score


@contextmanager
def no_news() -> Iterator[None]:
    """Around a training that a scorer watches: a class that is not yet predicted is no news.

    Filters are the whole process's, so that they are set before threads are started, and by none of these.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        yield


def check_scoring(name: str | None, parameter: str = "scoring") -> None:
    """One of scikit-learn's names, or None.

    Raises:
        UnknownNameError: Another name; it tells the nearest known one.

    >>> check_scoring("roc_auc")
    """
    if name is not None and name not in get_scorer_names():
        raise unknown_name(parameter, name, get_scorer_names())


def scorer_score(
    name: str, model: Any, engine: Engine, state: State, validation: Data, y: Any, parameter: str = "scoring"
) -> Score:
    """What `training.train` can watch: a scorer's opinion of the weights of the moment.

    The scorer is given the model itself, a copy whose predictions are those of the current weights; so it may ask for
    labels, probabilities or thresholds.

    Args:
        name: A name of `sklearn.metrics.get_scorer_names`.
        model: The estimator, with what it has learned of its target. It answers by `_predicted`, p of rows X, and
            `_predictions` makes p of scores.
        engine: What evaluates the network.
        state: The first weights, on which the scorer is tried before any time is spent.
        validation: The rows to score.
        y: Their answers as `predict` gives them, (n,) or (n, k).
        parameter: What the model calls `name`.

    Raises:
        InputError: The scorer is none for this model or these rows, or knows no weights of rows where there are some.
    """
    check_scoring(name)
    scorer: Any = get_scorer(name)
    weights = {} if validation.s is None else {"sample_weight": validation.s}
    if weights and "sample_weight" not in inspect.signature(scorer._score_func).parameters:
        raise InputError(
            f"{parameter}={name!r} takes no weights of rows, but sample_weight was given. Leave it out, give rows to "
            f"validate on as X_val and y_val, or choose another scoring."
        )
    candidate = copy(model)
    # Labels of two classes come of a threshold, which is chosen once the training is over.
    decides = hasattr(model, "threshold_") and scorer._response_method == "predict" and validation.t.shape[1] == 1
    share = float(np.average(validation.t[:, 0], weights=validation.s))

    def of_member(state: State, k: int) -> float:
        p = model._predictions(engine.forward(state.network(k), validation.x))
        if not np.isfinite(p).all():
            return float("nan")  # never the best, and the trainer ends a training that got there
        candidate._predicted = lambda X: p
        try:
            if not decides:
                return float(scorer(candidate, validation.x, y, **weights))
            scores = []
            for candidate.threshold_ in few_thresholds(p[:, 0], share):
                scores.append(float(scorer(candidate, validation.x, y, **weights)))
            return max(scores)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"{parameter}={name!r} cannot score {type(model).__name__} on these {len(validation)} rows: {error}"
            ) from error

    def score(state: State) -> Array:
        return np.array([of_member(state, k) for k in range(len(state))])

    first = score(state)
    if np.isnan(first).any() and np.isfinite(model._predictions(engine.forward(state.network(), validation.x))).all():
        raise InputError(
            f"{parameter}={name!r} is not defined on the {len(validation)} rows to validate on; it may be that all are "
            f"of one class. Hold out more of them, or choose another scoring."
        )
    return score
