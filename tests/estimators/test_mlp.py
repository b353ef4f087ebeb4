"""The perceptrons: what scikit-learn's own tests do not ask."""

import inspect
import io
import pickle
import re
import signal
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import scipy.sparse
import sklearn.neural_network
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from glassnet.errors import InputError, ShapeError
from glassnet.estimators import MLPClassifier, MLPRegressor
from glassnet.nn import ACTIVATIONS

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
N, D = 30, 4


def rows(n: int = N, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that are also quantities."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, D))
    return X, np.digitize(X[:, 0] + 0.3 * rng.normal(size=n), [-0.5, 0.5])


def weights_of(model):
    return [*model.coefs_, *model.intercepts_]


def assert_same_bits(model, other):
    for a, b in zip(weights_of(model), weights_of(other), strict=True):
        assert_array_equal(a, b)


# Drop-in.


@BOTH
def test_scikit_learns_arguments_come_first_with_its_defaults_and_ours_are_keyword_only(kind):
    theirs = getattr(sklearn.neural_network, kind.__name__)
    for method in ("__init__", "fit", "partial_fit", "predict"):
        expected = list(inspect.signature(getattr(theirs, method)).parameters.values())
        got = list(inspect.signature(getattr(kind, method)).parameters.values())
        assert [(p.name, p.kind, p.default) for p in got[: len(expected)]] == [
            (p.name, p.kind, p.default) for p in expected
        ]
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in got[len(expected) :])


@BOTH
@pytest.mark.parametrize("options", [{}, {"solver": "sgd", "early_stopping": True}, {"solver": "lbfgs"}])
def test_a_fitted_estimator_has_scikit_learns_attributes_of_the_same_types(kind, options):
    X, y = rows()
    theirs = getattr(sklearn.neural_network, kind.__name__)(max_iter=3, random_state=0, **options).fit(X, y)
    ours = kind(max_iter=3, random_state=0, **options).fit(X, y)
    public = {name for name in vars(theirs) if name.endswith("_") and not name.startswith("_")}
    assert public <= set(vars(ours))
    for name in public - {"loss_curve_", "loss_", "best_loss_"}:
        assert isinstance(getattr(ours, name), type(getattr(theirs, name))), name
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "loss"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_warning_at_max_iter_is_scikit_learns(solver):
    X, y = rows()
    texts = []
    for kind in (MLPClassifier, sklearn.neural_network.MLPClassifier):
        with pytest.warns(ConvergenceWarning) as caught:
            kind(solver=solver, max_iter=2, random_state=0).fit(X, y)
        texts.append(str(caught[0].message))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("learning_rate", ["constant", "adaptive"])
def test_verbose_prints_scikit_learns_lines(capsys, learning_rate, early_stopping):
    X, y = rows()
    options = {"early_stopping": early_stopping, "tol": 10, "n_iter_no_change": 2, "verbose": True}
    options |= {"solver": "sgd", "learning_rate": learning_rate}
    shapes = []
    for kind in (MLPClassifier, sklearn.neural_network.MLPClassifier):
        kind(random_state=0, **options).fit(X, y)
        shapes.append(re.sub(r"(loss = |score: )\d\S+", r"\1#", capsys.readouterr().out))
    assert shapes[0].splitlines() == shapes[1].splitlines()


@pytest.mark.parametrize("sizes", [(10, 5), [10, 5], 10, np.array([10, 5])])
def test_sizes_in_the_place_of_the_loss_are_hidden_layer_sizes(sizes):
    model = MLPRegressor(sizes, activation="tanh", alpha=0.5)
    assert model.get_params() == {**MLPRegressor().get_params(), "activation": "tanh", "alpha": 0.5} | {
        "hidden_layer_sizes": sizes
    }
    assert model.hidden_layer_sizes is sizes
    assert_array_equal(clone(model).hidden_layer_sizes, sizes)
    assert clone(model).loss == "squared_error"
    assert MLPRegressor(sizes, "tanh").activation == "tanh"
    assert MLPRegressor("poisson", sizes).hidden_layer_sizes is sizes


def test_accuracy_on_digits_is_scikit_learns():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    options = {"hidden_layer_sizes": 32, "learning_rate_init": 0.01, "max_iter": 30, "random_state": 0}
    theirs = sklearn.neural_network.MLPClassifier(**options).fit(X_train, y_train).score(X_test, y_test)
    ours = MLPClassifier(**options).fit(X_train, y_train).score(X_test, y_test)
    assert ours > theirs - 0.015
    assert ours > 0.95


def test_r2_on_diabetes_is_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), (y - y.mean()) / y.std()
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    options = {"hidden_layer_sizes": 16, "solver": "sgd", "learning_rate_init": 0.01, "max_iter": 60, "random_state": 0}
    theirs = sklearn.neural_network.MLPRegressor(**options).fit(X_train, y_train).score(X_test, y_test)
    ours = MLPRegressor(**options).fit(X_train, y_train).score(X_test, y_test)
    assert ours > theirs - 0.05
    assert ours > 0.3


@pytest.mark.parametrize("weight_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x_dtype", [np.float32, np.float64, np.int64])
def test_predictions_have_the_dtype_of_scikit_learns(weight_dtype, x_dtype):
    X, y = rows()
    results = []
    for module in (sklearn.neural_network, sys.modules[__name__]):
        regressor = module.MLPRegressor(max_iter=1).fit(X.astype(weight_dtype), y)
        classifier = module.MLPClassifier(max_iter=1).fit(X.astype(weight_dtype), y)
        results.append([regressor.predict(X.astype(x_dtype)).dtype, classifier.predict_proba(X.astype(x_dtype)).dtype])
    assert results[0] == results[1]


# The loss that is reported.


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("target", ["squared_error", "poisson", "labels", "classes"])
def test_the_gradient_of_every_solver_is_that_of_the_loss_it_reports(target, weighted):
    rng = np.random.default_rng(0)
    X, s = rng.normal(size=(7, D)), rng.uniform(0.5, 2, 7) if weighted else None
    options = {"hidden_layer_sizes": 3, "activation": "tanh", "alpha": 0.3, "random_state": 0}
    sgd = {"solver": "sgd", "momentum": 0, "learning_rate_init": 1}
    if target in ("squared_error", "poisson"):
        y, first = rng.poisson(2, (7, 3)) + 0.5, {}
        model, other = MLPRegressor(target, **options, **sgd), MLPRegressor(target, **options, solver="lbfgs")
    else:
        y, first = (rng.integers(0, 2, (7, 3)) if target == "labels" else np.arange(7) % 3), {"classes": [0, 1, 2]}
        model, other = MLPClassifier(**options, **sgd), MLPClassifier(**options, solver="lbfgs")
    model.partial_fit(X, y, s, **first)
    start = [array.copy() for array in weights_of(model)]

    def step_from(arrays):
        model.coefs_, model.intercepts_ = [a.copy() for a in arrays[:2]], [a.copy() for a in arrays[2:]]
        return model.partial_fit(X, y, s).loss_

    step_from(start)
    gradients = [a - b for a, b in zip(start, weights_of(model), strict=True)]  # at rate 1, without momentum
    for i, gradient in enumerate(gradients):
        numeric = np.zeros_like(gradient)
        for place in np.ndindex(gradient.shape):
            ahead, behind = [a.copy() for a in start], [a.copy() for a in start]
            ahead[i][place] += 1e-5
            behind[i][place] -= 1e-5
            numeric[place] = (step_from(ahead) - step_from(behind)) / 2e-5
        assert_allclose(gradient, numeric, rtol=1e-5, atol=1e-8, err_msg=f"array {i}")

    other.set_params(max_iter=3).fit(X, y, s)
    assert_allclose(step_from(weights_of(other)), other.loss_, rtol=1e-12)  # L-BFGS reports the same loss


def test_the_loss_of_several_outputs_is_their_sum_and_alpha_weighs_it_as_scikit_learn_does():
    X, s = rows()[0], np.random.default_rng(1).uniform(0.5, 2, N)
    Y = X[:, :3] ** 2
    model = MLPRegressor(5, solver="lbfgs", alpha=0.3, max_iter=5, random_state=0).fit(X, Y, s)
    squares = ((model.predict(X) - Y) ** 2).sum(axis=1)
    penalty = 0.3 * sum((w**2).sum() for w in model.coefs_)
    assert_allclose(model.loss_, (s @ squares + penalty) / (2 * s.sum()))


# Rows and their weights.


@BOTH
@pytest.mark.parametrize(
    "options", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"solver": "sgd", "batch_size": 7}]
)
def test_a_row_of_weight_zero_is_as_if_absent(kind, options):
    X, y = rows()
    s = np.random.default_rng(1).choice([0, 0.5, 2.0], N)
    X_nonsense = np.where(s[:, None] > 0, X, 1e6)
    model = kind(hidden_layer_sizes=5, max_iter=20, random_state=0, **options)
    assert_same_bits(clone(model).fit(X_nonsense, y, s), clone(model).fit(X[s > 0], y[s > 0], s[s > 0]))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=N, max_size=N).filter(lambda s: sum(s) > 0), st.sampled_from(["adam", "sgd"])
)
def test_a_row_of_weight_two_is_the_row_twice(s, solver):
    X, y = rows()
    model = MLPRegressor((5,), solver=solver, max_iter=10, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        weighted = clone(model).fit(X, y, sample_weight=s)
        repeated = clone(model).fit(np.repeat(X, s, axis=0), np.repeat(y, s))
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-9)
    assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("container", [scipy.sparse.csr_array, scipy.sparse.csc_matrix, scipy.sparse.coo_array])
def test_sparse_rows_train_as_dense_ones(kind, solver, container):
    X, y = rows()
    X = X * (X > 0)
    model = kind(hidden_layer_sizes=5, solver=solver, batch_size=7, max_iter=5, random_state=0)
    dense, sparse = clone(model).fit(X, y), clone(model).fit(container(X), y)
    for a, b in zip(weights_of(dense), weights_of(sparse), strict=True):
        assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert_allclose(sparse.predict(container(X)), sparse.predict(X), rtol=1e-12)


# Going on.


@BOTH
@pytest.mark.parametrize("options", [{}, {"solver": "sgd"}, {"solver": "sgd", "learning_rate": "invscaling"}])
def test_partial_fit_k_times_is_a_fit_of_k_epochs(kind, options):
    X, y = rows()
    model = kind(hidden_layer_sizes=5, batch_size=7, max_iter=6, tol=0, random_state=0, **options)
    whole, parts = clone(model).fit(X, y), clone(model)
    for _ in range(6):
        parts.partial_fit(X, y, **({"classes": [0, 1, 2]} if kind is MLPClassifier else {}))
    assert_same_bits(whole, parts)
    assert whole.loss_curve_ == parts.loss_curve_
    assert whole.t_ == parts.t_ == 6 * N


@BOTH
@pytest.mark.parametrize("options", [{}, {"solver": "sgd", "learning_rate": "invscaling"}])
@pytest.mark.parametrize("dump", ["pickle", "joblib"])
def test_a_model_saved_midway_goes_on_with_the_same_bits(kind, options, dump):
    X, y = rows()
    model = kind(hidden_layer_sizes=5, batch_size=7, max_iter=3, random_state=0, **options).fit(X, y)
    if dump == "pickle":
        copy = pickle.loads(pickle.dumps(model))
    else:
        file = io.BytesIO()
        joblib.dump(model, file)
        file.seek(0)
        copy = joblib.load(file)
    assert_array_equal(copy.predict(X), model.predict(X))
    for _ in range(3):
        model.partial_fit(X, y)
        copy.partial_fit(X, y)
    assert_same_bits(model, copy)


def test_warm_start_goes_on_from_the_last_weights():
    X, y = rows()
    model = MLPClassifier(5, max_iter=20, warm_start=True, random_state=0).fit(X, y)
    first = model.loss_curve_[:]
    model.fit(X, y)
    assert model.loss_curve_[:20] == first
    assert len(model.loss_curve_) == len(model.history_) == 40
    assert model.n_iter_ == 20
    assert model.loss_curve_[20] < first[0]


def test_warm_start_may_change_its_solver():
    X, y = rows()
    model = MLPRegressor((5,), solver="lbfgs", max_iter=30, warm_start=True, random_state=0).fit(X, y)
    reached = model.loss_
    model.set_params(solver="sgd", max_iter=2).fit(X, y)
    assert_allclose(model.loss_curve_[0], reached, rtol=1e-9)
    model.set_params(early_stopping=True).fit(X, y)
    assert len(model.validation_scores_) == 2


@BOTH
def test_weights_may_be_edited_and_replaced(kind):
    X, y = rows()
    model = kind(hidden_layer_sizes=5, max_iter=2, random_state=0).fit(X, y)
    model.coefs_[1][...] = 0
    model.intercepts_ = [np.zeros(5), np.arange(model.n_outputs_, dtype=float)]
    outputs = model.predict_proba(X) if kind is MLPClassifier else model.predict(X)
    assert (outputs == outputs[0]).all()  # every row gives c alone
    model.partial_fit(X, y)
    assert np.abs(model.coefs_[1]).max() < 0.01  # one small step of Adam from 0
    model.coefs_ = [np.zeros((D, 6)), np.zeros((6, model.n_outputs_))]
    with pytest.raises(ShapeError, match="warm_start=False"):
        model.partial_fit(X, y)


def test_the_network_is_made_of_the_weights():
    X, y = rows()
    model = MLPRegressor((5, 6), activation="silu", max_iter=2, random_state=0).fit(X, y)
    assert all(layer.w is w for layer, w in zip(model.network_.layers, model.coefs_, strict=True))
    assert_allclose(model.network_.forward(X)[0][:, 0], model.predict(X), rtol=1e-9, atol=1e-12)
    assert not hasattr(MLPRegressor(), "network_")
    with pytest.raises(NotFittedError, match="not fitted yet"):
        MLPRegressor().predict(X)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_random_state_is_scikit_learns(early_stopping):
    X, y = rows()

    def fit(random_state):
        return MLPClassifier(3, max_iter=3, early_stopping=early_stopping, random_state=random_state).fit(X, y)

    assert_same_bits(fit(7), fit(7))
    assert_same_bits(fit(np.random.RandomState(7)), fit(7))
    shared = np.random.RandomState(7)
    one, two = fit(shared), fit(shared)
    assert (one.coefs_[0] != two.coefs_[0]).all()
    one, two = fit(None), fit(None)
    assert (one.coefs_[0] != two.coefs_[0]).all()
    assert (fit(7).coefs_[0] != fit(8).coefs_[0]).all()


# Beyond scikit-learn.


@pytest.mark.parametrize("activation", [name for name, f in ACTIVATIONS.items() if f.trainable])
def test_every_activation_learns(activation):
    X, y = rows(200)
    model = MLPClassifier((8, 8), activation, solver="lbfgs", max_iter=50, random_state=0).fit(X, y)
    assert model.score(X, y) > 0.75


def test_without_hidden_layers_it_is_the_linear_model():
    X, y = rows()
    model = MLPRegressor((), solver="lbfgs", alpha=0, tol=1e-8, random_state=0).fit(X, y)
    line = LinearRegression().fit(X, y)
    assert model.n_layers_ == 2
    assert_allclose(model.coefs_[0][:, 0], line.coef_, atol=1e-3)  # SciPy's own tolerance on the loss ends it before
    assert MLPClassifier((), solver="lbfgs", random_state=0).fit(X, y).score(X, y) > 0.8


@BOTH
def test_a_validation_set_is_watched_and_recorded(kind):
    X, y = rows(60)
    X_val, y_val = rows(40, seed=1)
    model = kind(hidden_layer_sizes=8, max_iter=40, learning_rate_init=0.05, random_state=0)
    recorded = clone(model).fit(X, y, X_val=X_val, y_val=y_val)
    assert_same_bits(recorded, clone(model).fit(X, y))  # looked at, nothing else
    assert recorded.validation_scores_ is None
    assert len(recorded.history_.validation_loss) == recorded.n_iter_

    watched = clone(model).set_params(early_stopping=True).fit(X, y, X_val=X_val, y_val=y_val)
    assert_allclose(watched.best_validation_score_, watched.score(X_val, y_val))  # the best weights are kept
    assert watched.best_validation_score_ == max(watched.validation_scores_)
    assert watched.t_ == watched.n_iter_ * 60  # nothing was split off

    solver = clone(model).set_params(solver="lbfgs", max_iter=5).fit(X, y, X_val=X_val, y_val=y_val)
    assert len(solver.history_.validation_loss) == solver.n_iter_ == 5


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_sees_every_epoch_and_may_end_the_fit(solver):
    X, y = rows()
    seen = []

    def third(report):
        seen.append((report.epoch.epoch, report.epoch.loss[0]))
        return len(seen) == 3

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLPClassifier(5, solver=solver, callbacks=[third], random_state=0).fit(X, y)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert [loss for _, loss in seen] == model.history_.loss
    assert model.n_iter_ == 3
    assert model.history_.stopped_by == "callback"


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_time_limit_ends_the_fit(solver):
    X, y = rows()
    model = MLPClassifier((5,), solver=solver, time_limit_seconds=0.05, max_iter=10**7, tol=0, n_iter_no_change=np.inf)
    model.set_params(callbacks=[lambda report: report.epoch.seconds > 5]).fit(X, y)
    # On these few rows L-BFGS may be done before.
    assert model.history_.stopped_by in (("time limit",) if solver == "adam" else ("time limit", "converged"))
    assert model.predict(X).shape == (N,)


def test_weights_that_leave_the_numbers_are_told_of_where_better_ones_are_kept():
    X, y = rows()
    model = MLPRegressor((5,), solver="sgd", learning_rate_init=1e3, early_stopping=True, random_state=0)
    with pytest.warns(ConvergenceWarning, match="no longer finite.*lower learning_rate_init"):
        model.fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        model.set_params(early_stopping=False).fit(X, y)


INTERRUPTED = """
import time
import numpy as np
from glassnet.estimators import MLPClassifier
rng = np.random.default_rng(0)
X, y = rng.normal(size=(300, 10)), rng.integers(0, 2, 300)
def step(report):
    print("step", flush=True)
    time.sleep(0.01)
for solver in ("adam", "lbfgs"):
    model = MLPClassifier(50, solver=solver, max_iter=10**6, tol=0, n_iter_no_change=np.inf, callbacks=[step])
    model.fit(X, y)
    assert model.predict(X).shape == (300,)
    assert model.n_iter_ == len(model.history_) >= 2
    print(solver, "stopped by", model.history_.stopped_by, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_ends_a_fit_with_a_fitted_model():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=pipe, stderr=pipe, text=True) as child:
        assert child.stdout is not None
        endings = []
        for _ in range(2):
            child.stdout.readline()
            child.stdout.readline()
            child.send_signal(signal.SIGINT)
            endings.append(next((line for line in child.stdout if line != "step\n"), "nothing"))
        errors = child.communicate(timeout=60)[1]
    assert endings == ["adam stopped by interrupt\n", "lbfgs stopped by interrupt\n"], errors
    assert child.returncode == 0, errors
    assert errors.count("UserWarning: Training interrupted by user.") == 2


# Bad input.


def never(report):
    raise AssertionError("training began")


X, Y = rows()
BAD = {
    "rows differ": (MLPRegressor(), (X, Y[:-1]), {}, "inconsistent numbers of samples"),
    "one dimension": (MLPRegressor(), (X[0], Y[:1]), {}, "Expected 2D array"),
    "nan": (MLPRegressor(), (np.where(X > 1, np.nan, X), Y), {}, "X contains NaN"),
    "infinite target": (MLPRegressor(), (X, np.where(Y > 1, np.inf, Y)), {}, "y contains infinity"),
    "words": (MLPRegressor(), (X, Y.astype(str)), {}, "y holds text.*use MLPClassifier"),
    "activation": (MLPClassifier(activation="tahn"), (X, Y), {}, "'activation' parameter .* Got 'tahn'"),
    "solver": (MLPClassifier(solver="adamm"), (X, Y), {}, "'solver' parameter .* Got 'adamm'"),
    "engine": (MLPClassifier(engine="gpu"), (X, Y), {}, "'engine' parameter .* Got 'gpu'"),
    "time": (MLPClassifier(time_limit_seconds=0), (X, Y), {}, "'time_limit_seconds' parameter .* Got 0"),
    "callback": (MLPClassifier(callbacks=[3]), (X, Y), {}, "callbacks holds 3"),
    "loss": (MLPRegressor("hubert"), (X, Y), {}, "'loss' parameter .* Got 'hubert'"),
    "size 0": (MLPClassifier((5, 0)), (X, Y), {}, r"hidden_layer_sizes must be > 0, got \[5, 0\]"),
    "size 1.5": (MLPClassifier((1.5,)), (X, Y), {}, "whole numbers"),
    "negative counts": (MLPRegressor("poisson"), (X, Y - 1), {}, "loss='poisson' is for counts"),
    "negative weight": (MLPRegressor(), (X, Y, X[:, 0]), {}, "negative values.*give weights ≥ 0"),
    "no weight": (MLPRegressor(), (X, Y, np.zeros(N)), {}, "zero|is 0 for every row"),
    "weights differ": (MLPRegressor(), (X, Y, np.ones(3)), {}, "sample_weight.shape"),
    "no y_val": (MLPRegressor(), (X, Y), {"X_val": X}, "X_val was given without y_val"),
    "no X_val": (MLPRegressor(), (X, Y), {"y_val": Y}, "y_val was given without X_val"),
    "X_val width": (MLPRegressor(), (X, Y), {"X_val": X[:, 1:], "y_val": Y}, "has 3 features"),
    "new class": (MLPClassifier(), (X, Y), {"X_val": X, "y_val": Y + 1}, "classes not in `self.classes_`"),
}


@pytest.mark.parametrize(("model", "arrays", "options", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_before_training(model, arrays, options, message):
    model = clone(model)
    if model.callbacks is None:
        model.set_params(callbacks=[never])
    with pytest.raises(ValueError, match=f"(?s){message}"):
        model.fit(*arrays, **options)


def test_our_own_messages_are_input_errors():
    with pytest.raises(InputError):
        MLPRegressor("poisson").fit(X, Y - 1)
    with pytest.raises(InputError):
        MLPRegressor().fit(X, Y, -np.ones(N))


@BOTH
def test_partial_fit_belongs_to_the_stochastic_solvers(kind):
    assert not hasattr(kind(solver="lbfgs"), "partial_fit")
    with pytest.raises(AttributeError, match="'partial_fit'"):
        kind(solver="lbfgs").partial_fit(X, Y)


def test_several_labels_a_row():
    X, Y = make_multilabel_classification(n_samples=80, n_labels=2, random_state=0)
    model = MLPClassifier(5, solver="lbfgs", random_state=0, max_iter=20).fit(X, Y)
    assert model.out_activation_ == "logistic"
    assert_array_equal(model.predict(X), model.predict_proba(X) > 0.5)
    sparse = MLPClassifier(5, solver="lbfgs", random_state=0, max_iter=20).fit(X, scipy.sparse.csr_matrix(Y))
    assert_same_bits(model, sparse)
