"""Why a network does not learn, or learns the wrong thing: each fault with its numbers and its remedy."""

from collections.abc import Callable
from typing import Any

from threadpoolctl import threadpool_limits

from glassnet.explanation.diagnosis.case import Case
from glassnet.explanation.diagnosis.finding import Diagnosis, Finding, NotExamined, Report
from glassnet.explanation.diagnosis.learning import (
    overfitting,
    rate_too_high,
    rate_too_low,
    stuck_at_chance,
    underfitting,
)
from glassnet.explanation.diagnosis.rows import leaking_column, too_few_rows, unscaled_inputs, unscaled_targets
from glassnet.explanation.diagnosis.units import (
    dead_units,
    duplicate_units,
    missing_bias,
    saturated_units,
    symmetric_initialisation,
    zero_initialisation,
)

__all__ = ["CHECKS", "Diagnosis", "Finding", "Report", "diagnose"]

# Causes before their symptoms.
CHECKS: dict[str, Callable[[Case], Finding | None]] = {
    check.__name__: check
    for check in (
        *(leaking_column, unscaled_inputs, unscaled_targets),
        *(zero_initialisation, symmetric_initialisation, missing_bias, rate_too_high, rate_too_low),
        *(saturated_units, dead_units, duplicate_units),
        *(too_few_rows, stuck_at_chance, underfitting, overfitting),
    )
}


def diagnose(model: Any, X: Any, y: Any = None, *, X_val: Any = None, y_val: Any = None) -> Diagnosis:
    """Look for what keeps a network from learning, or makes it learn the wrong thing.

    Each check measures: units on the rows, losses after short trainings with other rates, the model fitted again
    without a part of the rows, and beside it kernel ridge regression, a learner that has no training to go wrong. Of
    more than 2,000 rows some are drawn. What cannot be examined is listed, and why.

    Args:
        model: A fitted estimator, or a `Network`; of a bare network its rate, and overfitting without `X_val`, are not
            examined.
        X: The rows that it was trained on.
        y: Their targets; left out where X is a table that holds them.
        X_val: Rows that it was not trained on, if there are any; else the model is fitted again without some.
        y_val: Their targets.

    Returns:
        A list of findings, causes before symptoms, each with `name`, `text`, `evidence` and `remedy`.

    >>> import numpy as np
    >>> import glassnet as gn
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> model = gn.MLPRegressor((8,), "tanh", init="zeros", random_state=0).fit(x, np.sin(3 * x[:, 0]))
    >>> found = diagnose(model, x, np.sin(3 * x[:, 0]))
    >>> found[0].name
    'zero_initialisation'
    >>> found[0].remedy
    "MLPRegressor(activation='tanh', hidden_layer_sizes=(8,), random_state=0)"
    """
    case = Case(model, X, y, X_val, y_val)
    findings, examined, skipped = [], [], {}
    with threadpool_limits(1):  # matrices are small here, and threads of BLAS would wait for each other
        for name, check in CHECKS.items():
            try:
                found = check(case)
            except NotExamined as reason:
                skipped[name] = str(reason)
                continue
            examined.append(name)
            if found is not None:
                findings.append(found)
                case.found.append(name)
        return Diagnosis(Report(tuple(findings), tuple(examined), skipped, _numbers(case), case.subject.note))


def _numbers(case: Case) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "rows": case.n,
        "loss": case.now,
        "loss of the best constant": case.constant,
    }
    try:
        numbers["variance explained on these rows"] = case.explained
        numbers["the same by kernel ridge regression, on rows left out"] = case.reference.explained
    except NotExamined:
        pass
    return numbers
