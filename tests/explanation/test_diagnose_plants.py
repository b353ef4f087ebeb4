"""Faults that were planted are found, and healthy fits are left in peace: both counted on seeds that tuned nothing."""

import warnings
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

import glassnet as gn
from glassnet.explanation.diagnosis import CHECKS, diagnose

pytestmark = pytest.mark.filterwarnings("ignore::glassnet.errors.RangeWarning")  # fresh rows have tails, too

PLANTS, HEALTHY = 50, 200
LEAST_FOUND, MOST_FALSE = 0.9, 0.05
SEED = 0  # thresholds were tuned with 1 and 2
# With this seed, of 50 plants each; and 1 of 200 healthy fits got a finding, an underfitting.
MEASURED = {
    **dict.fromkeys(("leaking_column", "unscaled_inputs", "unscaled_targets", "zero_initialisation"), 50),
    **dict.fromkeys(("symmetric_initialisation", "missing_bias", "saturated_units", "dead_units"), 50),
    **dict.fromkeys(("stuck_at_chance", "underfitting"), 50),
    **dict.fromkeys(("rate_too_high", "rate_too_low", "duplicate_units"), 49),
    **dict.fromkeys(("too_few_rows", "overfitting"), 48),
}


@dataclass
class Task:
    """Rows of a random function, and fresh ones with the truth that no noise has touched."""

    x: np.ndarray
    y: np.ndarray
    fresh_x: np.ndarray
    fresh_y: np.ndarray
    truth: np.ndarray
    classes: int  # 0 for a quantity

    @property
    def outputs(self):
        return 3 if self.classes == 3 else 1


def random_task(rng, classes=None, d=None, n=None, noise=None):
    """A sum of sines, squares, a product and lines, of columns about 0 with a deviation about 1."""
    d = int(rng.integers(1, 5)) if d is None else d
    n = int(rng.integers(150, 350)) if n is None else n
    classes = int(rng.choice([0, 0, 2, 3])) if classes is None else classes
    noise = rng.uniform(0.02, 0.3) if noise is None else noise
    size = (n + 400, d)
    x = rng.normal(size=size) if rng.random() < 0.5 else rng.uniform(-1.7, 1.7, size=size)
    a, b, c, w = rng.normal(size=(4, d))
    f = np.sin(x * (1 + np.abs(w))) @ a + (x**2) @ (0.7 * b) + x @ c
    if d > 1:
        f = f + rng.normal() * x[:, 0] * x[:, 1]
    f = (f - f.mean()) / f.std()
    if classes:
        edges = np.quantile(f, np.arange(1, classes) / classes)
        y, f = np.digitize(f + 0.5 * noise * rng.normal(size=len(f)), edges), np.digitize(f, edges)
    else:
        scale = rng.uniform(0.5, 2)
        y, f = scale * (f + noise * rng.normal(size=len(f))), scale * f
    return Task(x[:n], y[:n], x[n:], y[n:], f[n:], classes)


def perceptron(task, **parameters):
    return (gn.MLPClassifier if task.classes else gn.MLPRegressor)(**{"random_state": 0, **parameters})


def table_model(task, **parameters):
    return (gn.TableClassifier if task.classes else gn.TableRegressor)(
        **{"n_estimators": 1, "random_state": 0, **parameters}
    )


def usual(rng, task, **parameters):
    """A healthy start for a plant."""
    start = {
        "hidden_layer_sizes": (int(rng.integers(12, 33)),),
        "activation": "tanh",
        "batch_size": 32,
        "max_iter": 100,
        "learning_rate_init": 5e-3,
    }
    return perceptron(task, **{**start, **parameters})


def fit(model, task):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(task.x, task.y)


def choose(rng, *names):
    return str(rng.choice(names))


def is_good(model, task):
    """Whether it knows fresh rows nearly as well as the truth does."""
    said = np.asarray(model.predict(task.fresh_x))
    if task.classes:
        return (said == task.fresh_y).mean() > (task.truth == task.fresh_y).mean() - 0.06
    left = ((said - task.fresh_y) ** 2).mean() - ((task.truth - task.fresh_y) ** 2).mean()
    return left < 0.1 * task.fresh_y.var()


def healthy(rng):
    """A model as somebody sets it up who knows how; one that is not good on fresh rows is not healthy."""
    while True:
        task = random_task(rng)
        hidden = (int(rng.integers(16, 40)),) * int(rng.integers(1, 3))
        kind = choose(rng, "steps", "steps", "steps", "lbfgs", "table")
        if kind == "table":
            model = table_model(task, hidden_layer_sizes=hidden, max_iter=200)
        elif kind == "lbfgs":
            activation, alpha = choose(rng, "tanh", "logistic", "silu"), 10 ** rng.uniform(-1, 0.5)
            model = perceptron(
                task, hidden_layer_sizes=hidden, activation=activation, solver="lbfgs", alpha=alpha, max_iter=300
            )
        else:
            model = perceptron(
                task,
                hidden_layer_sizes=hidden,
                activation=choose(rng, "tanh", "relu", "silu", "elu", "gelu"),
                learning_rate_init=10 ** rng.uniform(-2.7, -1.9),
                learning_rate=choose(rng, "constant", "cosine"),
                batch_size=int(rng.choice([16, 32])),
                alpha=10 ** rng.uniform(-3, -1),
                max_iter=150,
                early_stopping=bool(rng.random() < 0.3),
                n_iter_no_change=30,
            )
        if is_good(fit(model, task), task):
            return model, task


def zero_initialisation(rng):
    task = random_task(rng)
    hidden = (int(rng.integers(3, 40)),) * int(rng.integers(1, 3))
    activation, solver = choose(rng, "tanh", "relu", "logistic", "silu"), choose(rng, "adam", "sgd", "lbfgs")
    model = usual(rng, task, init="zeros", hidden_layer_sizes=hidden, activation=activation, solver=solver)
    return fit(model, task), task


def symmetric_initialisation(rng):
    task, m = random_task(rng), int(rng.integers(2, 40))
    sizes = [task.x.shape[1], *[m] * int(rng.integers(1, 3)), task.outputs]
    value = rng.uniform(0.05, 1)
    model = usual(
        rng,
        task,
        hidden_layer_sizes=tuple(sizes[1:-1]),
        coefs_init=[np.full(shape, value) for shape in pairwise(sizes)],
        intercepts_init=[np.full(size, rng.uniform(-0.3, 0.3)) for size in sizes[1:]],
        activation=choose(rng, "tanh", "relu", "logistic", "silu"),
        solver=choose(rng, "adam", "sgd", "lbfgs"),
    )
    return fit(model, task), task


def missing_bias(rng):
    """A target that is even in part, which odd functions do not reach; for relu, one that is not 0 at 0."""
    activation = choose(rng, "tanh", "sine", "relu")
    while True:
        task = random_task(rng, d=int(rng.integers(1, 4)), noise=0.1)
        if activation == "relu":
            waves = np.sin(3 * task.x[:, 0]) + np.cos(2 * task.x[:, 0]) + 1
            task = replace(task, y=waves + 0.1 * rng.normal(size=len(task.x)), classes=0)
            break
        target = task.y == 1 if task.classes == 3 else task.y
        mirrored = np.abs(task.x[:, None] + task.x[None]).sum(axis=2).argmin(axis=1)
        if np.corrcoef(target, target[mirrored])[0, 1] > 0.3:
            break
    return fit(usual(rng, task, activation=activation, bias=False, max_iter=150), task), task


def rate_too_high(rng):
    """And so high that the loss stays high, of the model's own rows too."""
    while True:
        task = random_task(rng, noise=rng.uniform(0.02, 0.2))
        kind = choose(rng, "table", "sgd", "adam", "adam")
        if kind == "table":
            model = table_model(
                task, hidden_layer_sizes=(32, 32), max_iter=40, learning_rate_init=10 ** rng.uniform(0, 1.5)
            )
        elif kind == "sgd":
            model = usual(rng, task, solver="sgd", learning_rate_init=10 ** rng.uniform(0, 1), gradient_norm=10.0)
        else:
            activation = choose(rng, "tanh", "relu", "silu")
            model = usual(rng, task, activation=activation, learning_rate_init=10 ** rng.uniform(-0.3, 1))
        if fit(model, task).score(task.x, task.y) < 0.85 and not is_good(model, task):
            return model, task


def rate_too_low(rng):
    task = random_task(rng, noise=rng.uniform(0.02, 0.2))
    kind, rate = choose(rng, "table", "sgd", "adam", "adam"), 10 ** rng.uniform(-6.5, -5)
    if kind == "table":
        return fit(table_model(task, hidden_layer_sizes=(32, 32), max_iter=40, learning_rate_init=rate), task), task
    activation = "tanh" if kind == "sgd" else choose(rng, "tanh", "relu", "silu")
    return fit(usual(rng, task, solver=kind, activation=activation, learning_rate_init=rate), task), task


def with_first_layer(rng, task, w, b, v, **parameters):
    """A model that begins with these weights."""
    start = {
        "hidden_layer_sizes": (len(b),),
        "coefs_init": [w, v],
        "intercepts_init": [b, np.zeros(task.outputs)],
    }
    return fit(usual(rng, task, **start, **parameters), task), task


def saturated_units(rng):
    task, m = random_task(rng), int(rng.integers(8, 33))
    size, some = 10 ** rng.uniform(1, 2, size=m), rng.random(m) < rng.uniform(0, 0.3)
    w = np.where(some, 1, size) * rng.normal(size=(task.x.shape[1], m))
    b = np.where(some, 0, size * rng.uniform(3, 6, size=m) * rng.choice([-1, 1], size=m))
    v = rng.normal(size=(m, task.outputs)) / np.sqrt(m)
    return with_first_layer(rng, task, w, b, v, activation=choose(rng, "tanh", "logistic"))


def dead_units(rng):
    task, m = random_task(rng), int(rng.integers(8, 33))
    d = task.x.shape[1]
    dead = rng.permutation(m) < np.ceil(rng.uniform(0.5, 0.95) * m)
    w = rng.normal(size=(d, m)) * np.sqrt(2 / d)
    b = np.where(dead, -rng.uniform(4, 20, size=m) * np.linalg.norm(w, axis=0) * np.sqrt(d), 0)
    v = rng.normal(size=(m, task.outputs)) / np.sqrt(m)
    return with_first_layer(rng, task, w, b, v, activation="relu")


def duplicate_units(rng):
    task, m = random_task(rng), int(rng.integers(6, 33))
    d, different = task.x.shape[1], int(rng.integers(2, m - 1))
    of = np.concatenate([np.arange(different), rng.integers(0, different, m - different)])
    w, b = rng.normal(size=(d, different))[:, of] / np.sqrt(d), rng.normal(size=different)[of]
    v = rng.normal(size=(different, task.outputs))[of] / m
    activation, solver = choose(rng, "tanh", "relu", "silu"), choose(rng, "adam", "lbfgs")
    return with_first_layer(rng, task, w, b, v, activation=activation, solver=solver)


def unscaled_inputs(rng):
    task = random_task(rng)
    x, j = task.x.copy(), int(rng.integers(task.x.shape[1]))
    x[:, j] = x[:, j] * 10 ** rng.uniform(2, 5) if rng.random() < 0.5 else x[:, j] + rng.uniform(20, 1000)
    task = replace(task, x=x)
    return fit(usual(rng, task, activation=choose(rng, "tanh", "relu")), task), task


def unscaled_targets(rng):
    task = random_task(rng, classes=0)
    kind = choose(rng, "large", "small", "far")
    size = {"large": 10 ** rng.uniform(2, 5), "small": 10 ** rng.uniform(-5, -2), "far": 1}[kind]
    task = replace(task, y=task.y * size + (rng.uniform(50, 1000) if kind == "far" else 0))
    return fit(usual(rng, task, activation=choose(rng, "tanh", "relu")), task), task


def leaking_column(rng):
    task = random_task(rng, d=int(rng.integers(2, 5)), noise=rng.uniform(0.1, 0.5))
    y = task.y.astype(float)
    kind = choose(rng, "copy", "other units", "noise")
    leak = {"copy": y, "other units": 12 - 3.7 * y, "noise": y + 0.01 * y.std() * rng.normal(size=len(y))}[kind]
    x = np.insert(task.x, int(rng.integers(task.x.shape[1])), (leak - leak.mean()) / leak.std(), axis=1)
    task = replace(task, x=x)
    if rng.random() < 0.3:
        return fit(table_model(task, hidden_layer_sizes=(16,), max_iter=30), task), task
    return fit(usual(rng, task), task), task


def too_few_rows(rng):
    """And so few that fresh rows show it."""
    while True:
        task = random_task(rng, d=int(rng.integers(3, 11)), n=int(rng.integers(12, 32)), noise=0.1)
        if task.classes and np.unique(task.y, return_counts=True)[1].min() < 4:
            continue
        solver, activation = choose(rng, "adam", "lbfgs"), choose(rng, "tanh", "relu")
        model = fit(usual(rng, task, activation=activation, solver=solver, max_iter=200, batch_size=8), task)
        gap = model.score(task.x, task.y) - model.score(task.fresh_x, task.fresh_y)
        if gap > (0.2 if task.classes else 0.4):
            return model, task


def stuck_at_chance(rng):
    """By a logistic slope of at most 1/4 layer by layer, by stopping too soon, or since there is nothing to learn."""
    while True:
        task, kind = random_task(rng), choose(rng, "deep", "stops", "noise")
        if kind == "deep":
            sizes = {"hidden_layer_sizes": (12,) * 5, "activation": "logistic", "learning_rate_init": 1e-3}
            model = usual(rng, task, max_iter=30, **sizes)
        elif kind == "stops":
            model = usual(rng, task, activation="logistic", learning_rate_init=1e-4, max_iter=30, batch_size=200)
        else:
            task = replace(task, y=rng.permutation(task.y))
            model = usual(rng, task, hidden_layer_sizes=(4,), alpha=30.0, max_iter=40)
        chance = np.unique(task.y, return_counts=True)[1].max() / len(task.y) + 0.02 if task.classes else 0.03
        if fit(model, task).score(task.x, task.y) < chance:
            return model, task


def underfitting(rng):
    """And by so much that the scores show it, though better than chance."""
    while True:
        task = random_task(rng, noise=rng.uniform(0.02, 0.15), d=int(rng.integers(1, 4)))
        kind = choose(rng, "small", "short", "penalty", "linear")
        how = {
            "small": {"hidden_layer_sizes": (1,), "max_iter": 150},
            "short": {"max_iter": int(rng.integers(2, 6)), "learning_rate_init": 1e-3, "batch_size": 64},
            "penalty": {"alpha": 10 ** rng.uniform(1, 2)},
            "linear": {"hidden_layer_sizes": () if rng.random() < 0.5 else (16,), "activation": "identity"},
        }[kind]
        model = fit(usual(rng, task, **how), task)
        low, high = (1 / task.classes + 0.12, 0.85) if task.classes else (0.1, 0.7)
        if low < model.score(task.x, task.y) < high:
            return model, task


def overfitting(rng):
    """And by so much that fresh rows show it."""
    while True:
        n, d = int(rng.integers(60, 120)), int(rng.integers(1, 6))
        task = random_task(rng, noise=rng.uniform(0.7, 1.5), n=n, d=d)
        hidden = (int(rng.integers(30, 60)),) * int(rng.integers(1, 3))
        wide = {"hidden_layer_sizes": hidden, "alpha": 0, "max_iter": 200}
        if rng.random() < 0.5:
            model = usual(rng, task, activation=choose(rng, "tanh", "relu"), solver="lbfgs", **wide)
        else:
            long = {"learning_rate_init": 1e-2, "tol": 0, "n_iter_no_change": 200}
            model = usual(rng, task, activation="relu", **wide, **long)
        gap = fit(model, task).score(task.x, task.y) - model.score(task.fresh_x, task.fresh_y)
        if gap > (0.2 if task.classes else 0.5):
            return model, task


PLANTED = {
    plant.__name__: plant
    for plant in (
        *(leaking_column, unscaled_inputs, unscaled_targets, zero_initialisation, symmetric_initialisation),
        *(missing_bias, rate_too_high, rate_too_low, saturated_units, dead_units, duplicate_units),
        *(too_few_rows, stuck_at_chance, underfitting, overfitting),
    )
}


def generator(name, i, seed=SEED):
    return np.random.default_rng([seed, sorted([*PLANTED, "healthy"]).index(name), i])


def test_every_check_has_its_plant():
    assert list(PLANTED) == list(CHECKS)
    assert PLANTED.keys() == MEASURED.keys()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_with_evidence_and_a_remedy(name):
    for i in range(3):  # one of three, since some escape
        model, task = PLANTED[name](generator(name, i))
        found = {finding.name: finding for finding in diagnose(model, task.x, task.y)}
        if name in found:
            break

    assert found[name].text
    assert found[name].remedy
    assert found[name].evidence


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_at_least_nine_of_ten_planted_faults_are_found(name):
    found = Counter()
    for i in range(PLANTS):
        model, task = PLANTED[name](generator(name, i))
        found.update(diagnose(model, task.x, task.y).names)

    assert found[name] >= LEAST_FOUND * PLANTS, found
    assert abs(found[name] - MEASURED[name]) <= 3, "the table above no longer holds"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_at_most_one_of_twenty_healthy_fits_gets_a_finding():
    told = {}
    for i in range(HEALTHY):
        model, task = healthy(generator("healthy", i))
        told[i] = diagnose(model, task.x, task.y).names

    false = {i: names for i, names in told.items() if names}
    assert len(false) <= MOST_FALSE * HEALTHY, false
