"""scikit-learn's multi-layer perceptrons on our network: arrays in, drop-in.

Signatures, attributes, messages and stopping rules are scikit-learn's; its random numbers are not. Arguments that it
does not know are keyword-only. One number differs: the loss of several outputs is their sum, where scikit-learn's
squared error reports their mean but follows the gradient of the sum.
"""
# scikit-learn carries no types, so its decorators are Any.
# mypy: allow-untyped-decorators

from functools import wraps
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from glassnet.errors import InputError, unknown_name
from glassnet.estimators.parameters import with_parameters
from glassnet.estimators.perceptron import Perceptron
from glassnet.nn import Loss, get_loss
from glassnet.nn.elementary import Array


def _is_stochastic(model: Perceptron) -> bool:
    if model.solver in ("lbfgs", "lm"):
        raise AttributeError(
            f"partial_fit is only available for stochastic optimizers. {model.solver} is not stochastic."
        )
    return True


def _sizes_may_come_first(own: Any) -> Any:
    """scikit-learn's regressor has its loss first, where people write the sizes of layers."""

    @wraps(own)
    def init(self: Any, *first: Any, **parameters: Any) -> None:
        if first and isinstance(first[0], Integral | tuple | list | np.ndarray) and len(first) <= 2:
            own(self, **dict(zip(("hidden_layer_sizes", "activation"), first, strict=False)), **parameters)
        else:
            own(self, *first, **parameters)

    init.__signature__ = own.__signature__  # type: ignore[attr-defined]
    return init


class MLPClassifier(ClassifierMixin, Perceptron):
    """Classes from numbers: scikit-learn's `MLPClassifier`, on an engine of its own.

    h = f(xw + b), repeated, y = hv + c, and p = softmax y; with two classes p = 1 / (1 + e⁻ʸ), and the same for every
    label where a row may have several. Training makes small

        L = −Σᵢ sᵢ Σⱼ tᵢⱼ ln pᵢⱼ / Σᵢ sᵢ + α‖w‖² / 2Σᵢ sᵢ

    (for two classes, and for each label, with −(1 − t) ln(1 − p) added), summed over outputs.

    Args:
        hidden_layer_sizes: Units of each hidden layer; a number is one layer, () is a linear model.
        activation: f of the hidden layers, a name of `glassnet.nn.ACTIVATIONS`; or a list with one for each; or a pair
            (f, f′) of your own, on the NumPy engine.
        solver: "adam", "adamw", "sgd", "nesterov", "rmsprop" or a `glassnet.nn.Optimizer`, which take a step for every
            minibatch; "lbfgs", which looks at all rows at once and suits small data; or "lm", Levenberg–Marquardt, for
            small regressions on the squared error that are to be right to many digits.
        alpha: α of the penalty on weights, not biases. With "lm" the default stands for 0.
        batch_size: Rows of a minibatch; "auto" is min(200, n).
        learning_rate: "constant"; "step", "cosine" or "one_cycle" over the `max_iter` epochs; a
            `glassnet.nn.Schedule`; with "sgd" and "nesterov" also "invscaling", which is `learning_rate_init` /
            (rows seen + 1)ᵖ, or "adaptive", a fifth of itself at every plateau, until it is at most 1e-6.
        learning_rate_init: The first learning rate of a solver that takes steps.
        power_t: p of "invscaling".
        max_iter: Epochs at the most; with "lbfgs" steps.
        shuffle: A new order of rows for every epoch.
        random_state: Seeds first weights, shuffling and the split for early stopping.
        tol: An epoch improves when the loss falls (with `early_stopping`, the score rises) by at least so much.
            With "lbfgs" and "lm", no element of the gradient is larger at the end ("lm": 1e-12 unless it is set).
        verbose: Print a line for every epoch.
        warm_start: `fit` goes on from the last fit's weights.
        momentum: Of "sgd".
        nesterovs_momentum: With momentum, look ahead.
        early_stopping: Watch the accuracy on rows held out, and end with the best weights. Not with "lbfgs".
        validation_fraction: The share of rows that is held out, where `fit` gets no `X_val`.
        beta_1: How slowly "adam" forgets gradients.
        beta_2: How slowly "adam" forgets their squares.
        epsilon: Keeps "adam" from dividing by 0.
        n_iter_no_change: Stop after more than so many epochs without an improvement; inf never stops.
        max_fun: With "lbfgs", evaluations at the most.
        engine: "kernel", "numpy", or "auto": the kernel where it was compiled.
        time_limit_seconds: End after about so long with what has been reached.
        callbacks: Each is called with a `glassnet.training.Report` after every epoch; returning True ends the fit.
        bias: False leaves out every b.
        skip: True adds a linear path u from input to output, `skip_coef_`: y = hv + c + xu.
        dropout: The share of units that a step leaves out, for all hidden layers or one each.
        l1: α of a penalty αΣ|w| / Σs.
        weight_decay: λ: before a step weights shrink by 1 − ηλ; None is 0.01 for "adamw" and 0 for the others.
        gradient_norm: A longer gradient is scaled down to this length.
        weight_norm: The weights into a unit are scaled down to this length after a step.
        warmup_steps: Steps over which the rate rises to where it should be.
        layer_rates: Factors on the learning rate, one for each layer, the last one included.
        bias_rate: A factor on the learning rate of biases.
        init: First weights: "glorot", "he", "lecun", "orthogonal", "zeros", or "data", which standardises every unit on
            the first 1,000 rows.
        coefs_init: First weights of your own, of the shapes of `coefs_`.
        intercepts_init: First biases of your own, of the shapes of `intercepts_`.
        frozen: Numbers of layers that stay as they are, from 0, the last one included.
        n_restarts: With "lbfgs" and "lm", how many more first weights are tried; the best network is kept.
        ftol: With "lbfgs" and "lm", end where a step lowers the loss by less than this share; 0 is never.
        n_jobs: Threads of the kernel, at the most; -1 is one for each processor. None is what the environment says in
            GLASSNET_NUM_THREADS or OMP_NUM_THREADS, else one for each. Every number gives the same bits.
        scoring: What `early_stopping` watches in place of the accuracy: a name of `sklearn.metrics.get_scorer_names`,
            such as "roc_auc", "neg_log_loss" or "f1_macro".
        label_smoothing: ε: a target t becomes (1 − ε)t + ε / classes.
        class_weight: "balanced", or a dict label → weight, which multiplies the weights of rows.

    Attributes:
        classes_: Labels, in the order of the columns of p.
        coefs_: w of each layer. Arrays that may be edited or replaced; whatever is next called uses them.
        intercepts_: b of each layer.
        network_: Both, as a `glassnet.nn.Network`; printed, its formulas.
        history_: What every epoch measured, a `glassnet.training.History`.
        loss_: L of the last epoch, averaged over its batches.
        loss_curve_: L of every epoch, not with "lbfgs".
        best_loss_: The smallest of them; None with `early_stopping`.
        validation_scores_: Accuracy, or `scoring`, of every epoch on the rows held out; None without `early_stopping`.
        best_validation_score_: The largest of them; None without `early_stopping`.
        n_iter_: Epochs of the last fit.
        t_: Rows seen in all.
        n_features_in_: d.
        feature_names_in_: Names of the columns, where X had them.
        feature_range_: The least and the greatest value of each feature, (2, d), over all fits that went on.
        n_layers_: Layers, the input's included.
        n_outputs_: k.
        out_activation_: "softmax" or "logistic".

    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0).fit(X, ["no", "yes", "yes", "no"])
    >>> model.predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    >>> print(model.network_)
    h = tanh(x w + b)  w (2, 8), b (8,)
    y = h v + c        v (8, 1), c (1,)
    """

    loss = "log_loss"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [None, StrOptions({"balanced"}), dict, list],
    }

    @with_parameters
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        **parameters: Any,
    ) -> None:
        super().__init__(hidden_layer_sizes, activation, **parameters)
        self.label_smoothing, self.class_weight = label_smoothing, class_weight

    @property
    def _loss(self) -> Loss:
        name = "cross_entropy" if self.out_activation_ == "softmax" else "binary_cross_entropy"
        return get_loss(name, label_smoothing=float(self.label_smoothing))

    def _weigh(self, y: Any, s: Array | None, incremental: bool) -> Array | None:
        if self.class_weight is None:
            return s
        if incremental and self.class_weight == "balanced":
            raise InputError(
                "class_weight='balanced' counts the rows of every class, which partial_fit does not see at once: "
                "give the weights as a dict, label to weight."
            )
        if isinstance(self.class_weight, dict):
            for label in self.class_weight:
                if label not in np.unique(y):
                    raise unknown_name("class in class_weight", label, map(str, np.unique(y)))
        weights = compute_sample_weight(self.class_weight, y)
        return weights if s is None else s * weights

    @available_if(_is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """One epoch more over these rows.

        Args:
            X: Features (n, d).
            y: Labels (n,), or 0 and 1 (n, k).
            sample_weight: A weight ≥ 0 for each row, (n,).
            classes: All labels that will ever come; needed in the first call alone.
        """
        if _check_partial_fit_first_call(self, classes):
            labels = y if type_of_target(y).startswith("multilabel") else classes
            self._label_binarizer = LabelBinarizer().fit(labels)
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> Array:
        """Labels (n,), or 0 and 1 (n, k) where a row may have several."""
        return self._decode(self._predicted(X))

    def predict_proba(self, X: Any) -> Array:
        """p (n, classes), in the order of `classes_`."""
        p = self._predicted(X)
        return np.hstack([1 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> Array:
        """ln p (n, classes); −inf where p is 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _learn_targets(self, y: Any, incremental: bool) -> Array:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        elif self.warm_start:
            classes = unique_labels(y)
            if set(classes) != set(self.classes_):
                raise ValueError(
                    f"warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {classes}"
                )
        self.out_activation_ = "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"
        return self._encode(y)

    def _encode(self, y: Any) -> Array:
        classes = unique_labels(y)
        if len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}."
            )
        return self._label_binarizer.transform(y).astype(bool)

    def _decode(self, p: Array) -> Array:
        return self._label_binarizer.inverse_transform(p.ravel() if p.shape[1] == 1 else p)

    def _score(self, p: Array, t: Array, s: Array | None) -> float:
        hit = (
            p.argmax(axis=1) == t.argmax(axis=1) if self.out_activation_ == "softmax" else ((p > 0.5) == t).all(axis=1)
        )
        return float(np.average(hit, weights=s))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class MLPRegressor(RegressorMixin, Perceptron):
    """Quantities from numbers: scikit-learn's `MLPRegressor`, on an engine of its own.

    h = f(xw + b), repeated, y = hv + c, and p = y; with Poisson loss p = eʸ. Training makes small, summed over outputs,

        L = Σᵢ sᵢ (pᵢ − tᵢ)² / 2Σᵢ sᵢ + α‖w‖² / 2Σᵢ sᵢ        or Poisson: pᵢ − tᵢ + tᵢ ln(tᵢ / pᵢ) for the square

    Args:
        loss: "squared_error"; "absolute_error"; "huber"; "quantile"; "gaussian", which learns a variance for every row
            too; "poisson", for counts and other targets ≥ 0; or a `glassnet.nn.Loss`. Since sizes come first everywhere
            else, `MLPRegressor((64, 64), "tanh")` is understood too: sizes in its place are `hidden_layer_sizes`, and a
            name after them the `activation`.
        delta: δ of "huber".
        quantile: q of "quantile".

    All others, and the attributes, as in `MLPClassifier`; the score that `early_stopping` watches is R², unless
    `scoring` names another, and `out_activation_` is "identity" or "exp".

    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor((10,), activation="tanh", solver="lbfgs", random_state=0).fit(X, np.sin(3 * X[:, 0]))
    >>> model.score(X, np.sin(3 * X[:, 0])) > 0.99
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber", "quantile", "gaussian", "poisson"}), Loss],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    @_sizes_may_come_first
    @with_parameters
    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        delta: float = 1.0,
        quantile: float = 0.5,
        **parameters: Any,
    ) -> None:
        super().__init__(hidden_layer_sizes, activation, **parameters)
        self.loss, self.delta, self.quantile = loss, delta, quantile

    @property
    def _loss(self) -> Loss:
        numbers = {"huber": {"delta": float(self.delta)}, "quantile": {"quantile": float(self.quantile)}}
        return self.loss if isinstance(self.loss, Loss) else get_loss(self.loss, **numbers.get(self.loss, {}))

    @available_if(_is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch more over these rows.

        Args:
            X: Features (n, d).
            y: Quantities (n,) or (n, k).
            sample_weight: A weight ≥ 0 for each row, (n,).
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any, *, return_std: bool = False) -> Any:
        """Quantities (n,), or (n, k) where there are several.

        Args:
            X: Features (n, d).
            return_std: With loss="gaussian", also the standard deviation of each, which the network has learned.
        """
        if not return_std:
            return self._decode(self._predicted(X))
        if self._loss.name != "gaussian":
            raise InputError(f"return_std needs loss='gaussian', which learns a variance; this is {self._loss.name!r}.")
        mean, variance = np.split(self._loss.predict(self._scores(X)), 2, axis=1)
        return self._decode(mean), self._decode(np.sqrt(variance))

    def _predictions(self, y: Array) -> Array:
        p = self._loss.predict(y)
        return p[:, : p.shape[1] // self._loss.width]

    def _learn_targets(self, y: Any, incremental: bool) -> Array:
        self.out_activation_ = "exp" if self._loss.name == "poisson" else "identity"
        return self._encode(y)

    def _encode(self, y: Any) -> Array:
        if y.dtype.kind in "SU":
            raise InputError("y holds text, but MLPRegressor predicts numbers. For labels use MLPClassifier.")
        y = y.toarray() if hasattr(y, "toarray") else y
        t = np.asarray(y, np.float64).reshape(len(y), -1)
        if self._loss.name == "poisson" and (t < 0).any():
            raise InputError(
                f"y has {int((t < 0).sum())} negative values, the least {t.min():g}, but loss='poisson' is for counts "
                f"and other targets ≥ 0. Use loss='squared_error', or another target."
            )
        return t

    def _decode(self, p: Array) -> Array:
        return p.ravel() if p.shape[1] == 1 else p

    def _score(self, p: Array, t: Array, s: Array | None) -> float:
        return float(r2_score(t, p, sample_weight=s))
