"""scikit-learn's MLP."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.workloads import Workload

warnings.simplefilter("ignore")

FRESH = False


class Training:
    """`partial_fit`, which is an epoch without set-up; several networks one after the other."""

    note = "`MLPRegressor.partial_fit`, an epoch per call"

    def __init__(self, workload: Workload, threads: int) -> None:
        self.x, t = workload.data()
        self.y = t[:, 0] if t.shape[1] == 1 else t
        self.models = [
            MLPRegressor(
                hidden_layer_sizes=workload.sizes[1:-1],
                activation=workload.activation,
                alpha=0.0,
                batch_size=workload.batch,
            )
            for _ in range(workload.members)
        ]

    def __call__(self, epochs: int) -> None:
        for model in self.models:
            for _ in range(epochs):
                model.partial_fit(self.x, self.y)


def training(workload: Workload, threads: int) -> Training:
    return Training(workload, threads)


def learning(problem: Any) -> Callable[[int, int, bool], Iterator[np.ndarray]]:
    def run(epochs: int, seed: int, watch: bool) -> Iterator[np.ndarray]:
        kind = MLPClassifier if problem.classes else MLPRegressor
        parameters = {"hidden_layer_sizes": problem.hidden, "batch_size": problem.batch, "alpha": 0.0}
        predict = "predict_proba" if problem.classes else "predict"
        if not watch:
            model = kind(max_iter=epochs, n_iter_no_change=epochs + 1, random_state=seed, **parameters)
            yield getattr(model.fit(problem.x, problem.y), predict)(problem.x_test)
            return
        model = kind(random_state=np.random.RandomState(seed), **parameters)
        classes = {"classes": np.unique(problem.y)} if problem.classes else {}
        for _ in range(epochs):
            model.partial_fit(problem.x, problem.y, **classes)
            yield getattr(model, predict)(problem.x_test)

    return run


def predictor(layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> dict[str, Any]:
    sizes = [layers[0][0].shape[0], *(len(b) for _, b in layers)]
    x = np.zeros((8, sizes[0]), np.float32)
    model = MLPRegressor(hidden_layer_sizes=sizes[1:-1], max_iter=1, batch_size=8).fit(x, np.zeros(8, np.float32))
    model.coefs_, model.intercepts_ = [w for w, _ in layers], [b for _, b in layers]
    return {
        "list": lambda row: model.predict([row]),
        "array": lambda row: model.predict(row[None, :]),
        "rows": model.predict,
        "note": "`predict`",
    }
