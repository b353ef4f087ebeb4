"""glassnet, through the public `fit`; ensembles through `glassnet.training.train`."""

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.workloads import Workload
from glassnet import MLPClassifier, MLPRegressor
from glassnet.nn import Adam, Architecture, Data, Spec, SquaredError, get_engine
from glassnet.training import Plan, train

warnings.simplefilter("ignore")

FRESH = True


def model(kind: Callable[..., Any], threads: int, **parameters: Any) -> Any:
    """An estimator that trains until `max_iter`, without a penalty."""
    return kind(alpha=0.0, engine="kernel", n_jobs=threads, n_iter_no_change=np.inf, **parameters)


class Training:
    """A fit of so many epochs."""

    note = "`MLPRegressor.fit`"

    def __init__(self, workload: Workload, threads: int) -> None:
        self.x, t = workload.data()
        self.y = t[:, 0] if t.shape[1] == 1 else t
        self.make = partial(
            model,
            MLPRegressor,
            threads,
            hidden_layer_sizes=workload.sizes[1:-1],
            activation=workload.activation,
            batch_size=workload.batch,
            random_state=0,
        )

    def __call__(self, epochs: int) -> None:
        self.make(max_iter=epochs).fit(self.x, self.y)


class EnsembleTraining:
    """Several networks at once, each with its own order of the rows."""

    note = "`glassnet.training.train`"

    def __init__(self, workload: Workload, threads: int) -> None:
        self.data, self.members = Data(*workload.data()), workload.members
        architecture = Architecture.create(list(workload.sizes), workload.activation)
        self.spec = Spec(architecture, SquaredError(), Adam(), batch_size=workload.batch, dtype=np.float32)
        self.engine = get_engine("kernel", threads)

    def __call__(self, epochs: int) -> None:
        state = self.engine.init(self.spec, seeds=range(self.members))
        train(self.engine, state, self.data, Plan(epochs, patience=np.inf))


def training(workload: Workload, threads: int) -> Training | EnsembleTraining:
    return (EnsembleTraining if workload.members > 1 else Training)(workload, threads)


def learning(problem: Any) -> Callable[[int, int, bool], Iterator[np.ndarray]]:
    def run(epochs: int, seed: int, watch: bool) -> Iterator[np.ndarray]:
        kind = MLPClassifier if problem.classes else MLPRegressor
        parameters = {"hidden_layer_sizes": problem.hidden, "batch_size": problem.batch}
        predict = "predict_proba" if problem.classes else "predict"
        if not watch:
            fitted = model(kind, 1, max_iter=epochs, random_state=seed, **parameters).fit(problem.x, problem.y)
            yield getattr(fitted, predict)(problem.x_test)
            return
        fitted = model(kind, 1, random_state=np.random.RandomState(seed), **parameters)
        classes = {"classes": np.unique(problem.y)} if problem.classes else {}
        for _ in range(epochs):
            fitted.partial_fit(problem.x, problem.y, **classes)
            yield getattr(fitted, predict)(problem.x_test)

    return run


def predictor(layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> dict[str, Any]:
    sizes = [layers[0][0].shape[0], *(len(b) for _, b in layers)]
    x = np.zeros((8, sizes[0]), np.float32)
    fitted = model(MLPRegressor, threads, hidden_layer_sizes=sizes[1:-1], max_iter=1).fit(x, np.zeros(8, np.float32))
    for i, (w, b) in enumerate(layers):
        fitted.coefs_[i][...], fitted.intercepts_[i][...] = w, b
    if hasattr(fitted, "predictor"):
        one = fitted.predictor()
        return {"list": one, "array": one, "rows": fitted.predict, "note": "`model.predictor()`"}
    network, engine = fitted.network_, get_engine("kernel", threads)

    def of_array(row: np.ndarray) -> np.ndarray:
        return engine.forward(network, row[None, :])

    def of_list(row: list[float]) -> np.ndarray:
        return engine.forward(network, np.array([row], np.float32))

    return {"list": of_list, "array": of_array, "rows": fitted.predict, "note": "`engine.forward`"}
