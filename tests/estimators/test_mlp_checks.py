"""scikit-learn's checks of any estimator, on ours at their defaults, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from glassnet.estimators import MLPClassifier, MLPRegressor

# A check that does not apply, as of decision_function, skips itself.
CHECKS = [pair for model in (MLPClassifier(), MLPRegressor()) for pair in estimator_checks_generator(model)]


def _name(thing: object) -> str:
    return getattr(getattr(thing, "func", thing), "__name__", repr(thing))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=_name)
def test_estimator_contract(estimator, check):
    check(estimator)
