"""scikit-learn's perceptrons come over with the scores that they had; explanations work on what came."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

import glassnet as gn
from glassnet.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
TARGETS: dict[str, Any] = {
    "two classes": np.where(X[:, 0] > 0, "yes", "no"),
    "three classes": np.argmax(X[:, :3], axis=1),
    "several labels": (X[:, :3] > 0).astype(int),
}


def fitted(kind: Any, y: Any, rows: Any = X, **parameters: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**{"hidden_layer_sizes": (7, 5), "max_iter": 5, "random_state": 0} | parameters).fit(rows, y)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_a_classifier_is_softmax_or_logistic_of_its_scores(y, activation):
    mlp = fitted(MLPClassifier, y, activation=activation)
    scores, _ = gn.from_sklearn(mlp).forward(X)
    p = mlp.predict_proba(X)
    if mlp.out_activation_ == "softmax":
        e = np.exp(scores)
        np.testing.assert_allclose(e / e.sum(axis=1, keepdims=True), p, atol=1e-12)
    else:
        np.testing.assert_allclose(1 / (1 + np.exp(-scores)), p[:, 1:] if scores.shape[1] == 1 else p, atol=1e-12)


@pytest.mark.parametrize("y", [X[:, 0], X[:, :2]], ids=["one", "two"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_regressor_is_its_scores_in_its_dtype(y, dtype):
    mlp = fitted(MLPRegressor, y.astype(dtype), X.astype(dtype))
    network = gn.from_sklearn(mlp)
    assert {layer.w.dtype for layer in network.layers} == {np.dtype(dtype)}
    scores, _ = network.forward(X.astype(dtype))
    np.testing.assert_allclose(np.squeeze(scores), mlp.predict(X.astype(dtype)), rtol=1e-4, atol=1e-5)


def test_names_of_columns_no_hidden_layer_and_the_original_are_no_hindrance():
    mlp = fitted(MLPRegressor, X[:, 0], pd.DataFrame(X, columns=list("abcd")), hidden_layer_sizes=())
    network = gn.from_sklearn(mlp)
    network.layers[0].w[...] = 0
    assert mlp.out_activation_ == "identity"
    assert list(mlp.feature_names_in_) == list("abcd")
    assert mlp.coefs_[0].any(), "the network has arrays of its own"


def test_what_is_not_scikit_learns_or_not_fitted_is_told():
    for model, words in (
        (MLPRegressor(), "has not been fitted"),
        (LogisticRegression(), "A LogisticRegression came"),
        (gn.MLPRegressor((3,), solver="lbfgs").fit(X, X[:, 0]), "network_"),
    ):
        with pytest.raises(InputError, match=words):
            gn.from_sklearn(model)


def test_a_model_that_says_something_else_than_its_layers_is_refused():
    mlp = fitted(MLPRegressor, X[:, 0])

    class Shifted(MLPRegressor):
        def predict(self, X: Any) -> Any:
            return super().predict(X) + 1e-6

    mlp.__class__ = Shifted
    with pytest.raises(InputError, match="differ by up to 1e-06"):
        gn.from_sklearn(mlp)


def test_explanations_work_on_what_came():
    network = gn.from_sklearn(fitted(MLPRegressor, X[:, 0]))
    y = network.forward(X)[0]
    np.testing.assert_allclose(gn.derive(network, X[0], y[0]).y[0], y[0])
    assert gn.diagnose(network, X, y) is not None
    local = gn.collapse(network, at=X[0])
    np.testing.assert_allclose(X[0] @ local.w + local.b, y[0])
