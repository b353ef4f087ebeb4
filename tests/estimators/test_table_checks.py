"""scikit-learn's checks of any estimator, on models of tables; what an array lacks of a table is made up for."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from glassnet.estimators import TableClassifier, TableRegressor

SMALL = {"n_estimators": 2, "hidden_layer_sizes": (32,), "max_iter": 60, "learning_rate_init": 0.01, "random_state": 0}
# A row of weight 2 counts twice in the loss; two rows are dealt out to folds each on its own.
OTHERWISE = {"check_sample_weight_equivalence_on_dense_data"}
CHECKS = [
    (estimator, check)
    for model in (TableClassifier(**SMALL), TableRegressor(**SMALL))
    for estimator, check in estimator_checks_generator(model)
    if getattr(check, "func", check).__name__ not in OTHERWISE
]


def _name(thing: object) -> str:
    return getattr(getattr(thing, "func", thing), "__name__", type(thing).__name__)


@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning", "ignore::glassnet.errors.TrainingWarning")
@pytest.mark.filterwarnings("ignore::glassnet.errors.RangeWarning")
@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=_name)
def test_estimator_contract(estimator, check):
    check(estimator)
