"""The compiled engine: arrays in the form that `glassnet._kernel` takes, and nothing else.

Importing this module raises ImportError where glassnet was installed without its kernel.
"""

from collections.abc import Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet import _kernel
from glassnet.nn.elementary import Array
from glassnet.nn.engine import check_wrt
from glassnet.nn.losses import Loss
from glassnet.nn.network import Architecture, LayerGradient, LayerTrace, Network, check_features
from glassnet.nn.optimizers import Optimizer
from glassnet.nn.state import Data, Spec, State, check_data, initial_state


class KernelEngine:
    """Twin of `NumpyEngine`, compiled: the same draws, the same algebra, the interpreter lock released.

    >>> from glassnet.nn.engine import NumpyEngine
    >>> network, x = Network.create([2, 3, 1], activation="tanh"), np.eye(2)
    >>> bool(np.allclose(KernelEngine().forward(network, x), NumpyEngine().forward(network, x)))
    True
    """

    name = "kernel"

    def forward(self, network: Network, x: Any) -> Array:
        return self._forward(network, x, [], [])

    def trace(self, network: Network, x: Any) -> tuple[Array, list[LayerTrace]]:
        x = check_features(x, network.layers[0].w.shape[0])
        shapes = [(x.shape[0], layer.w.shape[1]) for layer in network.layers]
        z, h = ([np.empty(shape, _dtype(network)) for shape in shapes] for _ in range(2))
        y = self._forward(network, x, z, h)
        below = [x, *h[:-1]]
        return y, [LayerTrace(*arrays) for arrays in zip(below, z, h, strict=True)]

    def gradients(
        self, network: Network, loss: Loss, x: Any, t: Array, s: Array | None = None, l2: float = 0.0
    ) -> tuple[float, list[LayerGradient]]:
        architecture, dtype = network.architecture, _dtype(network)
        data = _prepared(architecture, Data(x, np.asarray(t), s), dtype)
        g = np.empty(architecture.n_parameters, dtype)
        value = _kernel.gradients(
            _handle(architecture), loss.name, network.parameters, *_rows(data.x, dtype), data.t, data.s, float(l2), g
        )
        layers = Network.from_parameters(architecture, g).layers
        return value, [LayerGradient(dw=layer.w, db=layer.b, dz=None, dx=None) for layer in layers]

    def jacobian(self, network: Network, x: Any, wrt: str = "parameters") -> Array:
        check_wrt(wrt)
        architecture, dtype = network.architecture, _dtype(network)
        x = check_features(x, architecture.sizes[0])
        width = architecture.sizes[0] if wrt == "inputs" else architecture.n_parameters
        j = np.empty((x.shape[0], architecture.sizes[-1], width), dtype)
        _kernel.jacobian(_handle(architecture), network.parameters, *_rows(x, dtype), wrt == "inputs", j)
        return j

    def evaluate(self, state: State, data: Data) -> Array:
        spec = state.spec
        data = _prepared(spec.architecture, data, spec.dtype)
        rows = _rows(data.x, spec.dtype)
        return np.array(
            [
                _kernel.evaluate(_handle(spec.architecture), spec.loss.name, theta, *rows, data.t, data.s)
                for theta in np.ascontiguousarray(state.parameters)
            ]
        )

    def init(self, spec: Spec, seeds: Sequence[int]) -> State:
        return initial_state(spec, seeds)

    def advance(self, state: State, data: Data, steps: int) -> State:
        spec = state.spec
        data = _prepared(spec.architecture, data, spec.dtype)
        n, batches = len(data), spec.batches(len(data))
        for name, dtype in (("parameters", spec.dtype), ("moments", spec.dtype), ("loss_sum", np.float64)):
            # Of an array in another layout or dtype the kernel would get a copy, and the steps would be lost with it.
            setattr(state, name, np.require(getattr(state, name), dtype, ["C", "W"]))
        _kernel.advance(
            _handle(spec.architecture),
            spec.loss.name,
            spec.optimizer.name,
            hyperparameters(spec.optimizer),
            state.parameters,
            state.moments,
            state.seeds,
            state.learning_rate,
            state.l2,
            state.loss_sum,
            state.active,
            state.frozen,
            state.epoch,
            state.batch,
            state.step,
            *_rows(data.x, spec.dtype),
            data.t,
            data.s,
            min(spec.batch_size, n),
            spec.shuffle and spec.batch_size < n,
            steps,
        )
        begun = state.batch
        whole, state.batch = divmod(begun + steps, batches)
        state.samples += whole * n + min(state.batch * spec.batch_size, n) - min(begun * spec.batch_size, n)
        state.epoch, state.step = state.epoch + whole, state.step + steps
        return state

    def _forward(self, network: Network, x: Any, z: list[Array], h: list[Array]) -> Array:
        architecture, dtype = network.architecture, _dtype(network)
        x = check_features(x, architecture.sizes[0])
        y = np.empty((x.shape[0], architecture.sizes[-1]), dtype)
        _kernel.forward(_handle(architecture), network.parameters, *_rows(x, dtype), y, z, h)
        return y


def hyperparameters(optimizer: Optimizer) -> list[float]:
    """What an optimizer's twin reads: its fields in order, but for the learning rate, which the state holds."""
    chosen = [f.name for f in fields(optimizer) if f.init and f.name != "learning_rate"]
    return [float(getattr(optimizer, name)) for name in chosen]


@lru_cache(maxsize=64)
def _handle(architecture: Architecture) -> Any:
    names = [f.name for f in architecture.activations]
    return _kernel.Architecture(list(architecture.sizes), names, architecture.bias)


def _dtype(network: Network) -> Any:
    return network.layers[0].w.dtype


def _prepared(architecture: Architecture, data: Data, dtype: Any) -> Data:
    """Checked, and targets and weights row by row in memory, as the kernel reads them."""
    data = check_data(architecture, data, dtype)
    s = None if data.s is None else np.ascontiguousarray(data.s, dtype)
    return Data(data.x, np.ascontiguousarray(data.t, dtype), s)


def _rows(x: Any, dtype: Any) -> tuple[Array, Array | None, Array | None]:
    """Dense rows, or the three arrays of a CSR matrix."""
    if not hasattr(x, "tocsr"):
        return np.ascontiguousarray(x, dtype), None, None
    x = x.tocsr()
    return np.ascontiguousarray(x.data, dtype), x.indptr.astype(np.int64), x.indices.astype(np.int64)
