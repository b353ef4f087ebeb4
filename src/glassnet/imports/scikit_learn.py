"""scikit-learn's multi-layer perceptrons → networks."""

from copy import copy
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from glassnet.errors import InputError
from glassnet.imports.layers import Part, check_agreement, make_network
from glassnet.nn import Network, get_activation
from glassnet.nn.elementary import Array


def from_sklearn(mlp: Any) -> Network:
    """The network of a fitted `sklearn.neural_network.MLPClassifier` or `MLPRegressor`.

    The network gives the scores y, before the last function of the model. A classifier's p is softmax y where there are
    more than two classes; with two, y is one column and p = 1 / (1 + e⁻ʸ) is the probability of `classes_[1]`, and the
    same for every label where a row may have several. A regressor's p is y, and eʸ with loss="poisson"
    (`mlp.out_activation_` says which). Its scores are compared with the model's own on random rows.

    Args:
        mlp: Fitted. Of a pipeline its last step; the network takes what that step takes.

    Raises:
        InputError: Something else, or not fitted.

    >>> from sklearn.neural_network import MLPRegressor
    >>> X = np.linspace(-1, 1, 40)[:, None]
    >>> mlp = MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", solver="lbfgs").fit(X, X[:, 0])
    >>> network = from_sklearn(mlp)
    >>> bool(np.allclose(network.forward(X)[0][:, 0], mlp.predict(X)))
    True
    """
    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        hint = " It has a network of ours already: network_." if hasattr(mlp, "network_") else ""
        raise InputError(
            f"A {type(mlp).__name__} came, but scikit-learn's MLPClassifier or MLPRegressor was needed; of a pipeline "
            f"give its last step.{hint}"
        )
    if not hasattr(mlp, "coefs_"):
        raise InputError(f"This {type(mlp).__name__} has not been fitted: call fit first.")
    last = len(mlp.coefs_) - 1
    f = get_activation(mlp.activation)
    parts = [
        Part(f"layer {i}", np.asarray(w), np.asarray(b), f if i < last else None)
        for i, (w, b) in enumerate(zip(mlp.coefs_, mlp.intercepts_, strict=True))
    ]
    network = make_network(parts)
    plain = copy(mlp)
    plain.out_activation_ = "identity"
    if hasattr(plain, "feature_names_in_"):
        del plain.feature_names_in_

    def scores(x: Array) -> Array:
        if isinstance(mlp, MLPRegressor):
            return np.reshape(plain.predict(x), (len(x), -1))
        y = plain.predict_proba(x)  # of two classes 1 − y and y
        return y[:, 1:] if mlp.n_outputs_ == 1 else y

    check_agreement(network, scores, f"This {type(mlp).__name__}")
    return network
