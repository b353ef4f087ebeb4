"""scikit-learn's own tests of its perceptrons, run on ours: those of the installed version, with two names replaced."""

import importlib.util
from types import ModuleType

import pytest
import sklearn.neural_network

from glassnet.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn.exceptions.UndefinedMetricWarning",
    "ignore:.*`iprint` options:DeprecationWarning",  # an old scikit-learn's PoissonRegressor on a new SciPy
)

# Each has a twin in test_mlp_twins.py that asserts the same through public attributes.
LEFT_OUT = {
    "test_gradient": "calls the private _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads the private _optimizer",
    "test_adaptive_learning_rate": "reads the private _optimizer",
    "test_n_iter_no_change": "reads the private _no_improvement_count",
    "test_n_iter_no_change_inf": "reads the private _no_improvement_count",
}


def _suite() -> ModuleType:
    """scikit-learn's test module, importing our classes in place of its own."""
    spec = importlib.util.find_spec("sklearn.neural_network.tests.test_mlp")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sklearn.neural_network, "MLPClassifier", MLPClassifier)
        patch.setattr(sklearn.neural_network, "MLPRegressor", MLPRegressor)
        spec.loader.exec_module(module)
    return module


SUITE = {name: thing for name, thing in vars(_suite()).items() if name.startswith("test_")}
globals().update({name: test for name, test in SUITE.items() if name not in LEFT_OUT})


@pytest.fixture
def global_random_seed() -> int:
    """scikit-learn's fixture at its default."""
    return 42


def test_the_suite_runs_on_our_classes():
    some_test = SUITE["test_alpha"]
    assert some_test.__globals__["MLPClassifier"] is MLPClassifier
    assert some_test.__globals__["MLPRegressor"] is MLPRegressor


def test_nothing_but_what_is_named_is_left_out():
    assert len(SUITE) > 40
    assert set(LEFT_OUT) < set(SUITE), "a test that is left out no longer exists"
    collected = {name for name in globals() if name in SUITE}
    assert collected == set(SUITE) - set(LEFT_OUT)
