"""Keras on JAX: `model.fit`, an epoch per call."""

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras

from benchmarks.workloads import Workload

FRESH = False


class Training:
    """Epochs by `fit`."""

    note = "`model.fit`, an epoch per call"

    def __init__(self, workload: Workload, threads: int) -> None:
        if workload.members > 1:
            raise NotImplementedError("one network only")
        self.x, self.t = workload.data()
        hidden = [keras.layers.Dense(m, workload.activation) for m in workload.sizes[1:-1]]
        self.model = keras.Sequential(
            [keras.Input((workload.sizes[0],)), *hidden, keras.layers.Dense(workload.sizes[-1])]
        )
        self.model.compile(optimizer=keras.optimizers.Adam(0.001), loss="mse")
        self.batch = workload.batch

    def __call__(self, epochs: int) -> None:
        for _ in range(epochs):
            self.model.fit(self.x, self.t, batch_size=self.batch, epochs=1, shuffle=True, verbose=0)


def training(workload: Workload, threads: int) -> Training:
    return Training(workload, threads)
