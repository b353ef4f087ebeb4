"""What scikit-learn's suite asserts through private attributes, asserted here through public ones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_digits

from glassnet.estimators import MLPClassifier
from glassnet.nn import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(n_class=2, return_X_y=True)
    return X[:100] / 16, y[:100]


def epochs_without_improvement(losses: list[float], tol: float) -> int:
    """At the end of a training, counted as the documentation of `tol` says."""
    best, stale = np.inf, 0
    for loss in losses:
        stale = stale + 1 if loss > best - tol else 0
        best = min(best, loss)
    return stale


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("activation", [name for name, f in ACTIVATIONS.items() if f.trainable])
def test_gradient(activation, n_classes):
    rng = np.random.default_rng(42)
    X, y = rng.random((5, 4)), 1 + np.arange(1, 6) % n_classes
    # Without momentum, at rate 1, one epoch of one batch moves the weights by the negative gradient.
    model = MLPClassifier(3, activation, solver="sgd", momentum=0, learning_rate_init=1, alpha=1e-5, random_state=1)
    model.partial_fit(X, y, classes=np.unique(y))
    start = [array.copy() for array in (*model.coefs_, *model.intercepts_)]

    def step_from(arrays: list[np.ndarray]) -> float:
        model.coefs_, model.intercepts_ = [a.copy() for a in arrays[:2]], [a.copy() for a in arrays[2:]]
        return model.partial_fit(X, y).loss_

    step_from(start)
    gradients = [a - b for a, b in zip(start, (*model.coefs_, *model.intercepts_), strict=True)]
    for i, gradient in enumerate(gradients):
        numeric = np.zeros_like(gradient)
        for place in np.ndindex(gradient.shape):
            ahead, behind = [a.copy() for a in start], [a.copy() for a in start]
            ahead[i][place] += 1e-5
            behind[i][place] -= 1e-5
            numeric[place] = (step_from(ahead) - step_from(behind)) / 2e-5
        assert_allclose(gradient, numeric, atol=1e-7, err_msg=f"array {i}")


@pytest.mark.parametrize("learning_rate", ["invscaling", "constant"])
def test_learning_rate_warmstart(learning_rate):
    X, y = [[3, 2], [1, 6], [5, 6], [-2, -4]], [1, 1, 1, 0]
    model = MLPClassifier(4, solver="sgd", learning_rate=learning_rate, max_iter=1, power_t=0.25, warm_start=True)
    model.fit(X, y).fit(X, y).partial_fit(X, y)
    rates = [epoch.learning_rate[0] for epoch in model.history_]
    after_eight_rows = 0.001 / (8 + 1) ** 0.25 if learning_rate == "invscaling" else 0.001
    assert rates == [0.001, 0.001, after_eight_rows]


def test_adaptive_learning_rate():
    model = MLPClassifier(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive").fit([[3, 2], [1, 6]], [1, 0])
    rates = [epoch.learning_rate[0] for epoch in model.history_]
    assert model.max_iter > model.n_iter_
    assert rates[-1] < 1e-6
    assert_allclose(np.unique(rates)[::-1], 0.001 / 5.0 ** np.arange(6))


@pytest.mark.parametrize("n_iter_no_change", [2, 5, 10, 50, 100])
def test_n_iter_no_change(n_iter_no_change):
    model = MLPClassifier(tol=0.01, max_iter=3000, solver="sgd", n_iter_no_change=n_iter_no_change).fit(*digits())
    assert epochs_without_improvement(model.loss_curve_, tol=0.01) == n_iter_no_change + 1
    assert model.max_iter > model.n_iter_


def test_n_iter_no_change_inf():
    model = MLPClassifier(tol=1e9, max_iter=1000, solver="sgd", n_iter_no_change=np.inf).fit(*digits())
    assert model.n_iter_ == model.max_iter
    assert epochs_without_improvement(model.loss_curve_, tol=1e9) == model.n_iter_ - 1
