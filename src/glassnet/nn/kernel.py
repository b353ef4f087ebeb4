"""The compiled engine: arrays in the form that `glassnet._kernel` takes, and nothing else.

Importing this module raises ImportError where glassnet was installed without its kernel.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet import _kernel
from glassnet.nn.elementary import Array
from glassnet.nn.engine import Predictor, check_wrt, own_activations, own_loss, own_optimizer, require_twins
from glassnet.nn.losses import Loss
from glassnet.nn.network import Architecture, LayerGradient, LayerTrace, Network, check_features
from glassnet.nn.optimizers import Optimizer
from glassnet.nn.state import Data, Spec, State, check_data, initial_state
from glassnet.nn.threads import thread_count


class KernelEngine:
    """Twin of `NumpyEngine`, compiled: the same draws, the same algebra, the interpreter lock released.

    Args:
        n_jobs: Threads, as `thread_count` counts them. Results are the same bits for any number. Short work is done
            with one thread; of long work the engine measures whether the others help. Calls that come together, from
            several threads of a program, share the same few.

    >>> from glassnet.nn.engine import NumpyEngine
    >>> network, x = Network.create([2, 3, 1], activation="tanh"), np.eye(2)
    >>> bool(np.allclose(KernelEngine().forward(network, x), NumpyEngine().forward(network, x)))
    True
    """

    name = "kernel"

    def __init__(self, n_jobs: int | None = None) -> None:
        self.threads = thread_count(n_jobs)
        self._pace = _kernel.Pace()

    def predictor(self, network: Network, loss: Loss | None = None) -> Predictor:
        """A function of one row, in about a microsecond; the network is copied."""
        own = _kernel.Predictor32 if _dtype(network) == np.float32 else _kernel.Predictor64
        predict: Predictor = own(
            _handle(network.architecture), None if loss is None else _twin(loss), network.parameters
        )
        return predict

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
        self, network: Network, loss: Loss, x: Any, t: Array, s: Array | None = None, l2: float = 0.0, l1: float = 0.0
    ) -> tuple[float, list[LayerGradient]]:
        architecture, dtype = network.architecture, _dtype(network)
        data = _prepared(architecture, loss, Data(x, np.asarray(t), s), dtype)
        g = np.empty(architecture.n_parameters, dtype)
        rows = _rows(data.x, dtype)
        value = _kernel.gradients(
            _handle(architecture),
            _twin(loss),
            network.parameters,
            *rows,
            data.t,
            data.s,
            float(l2),
            float(l1),
            g,
            self.threads,
        )
        shaped = Network.from_parameters(architecture, g)
        gradients = [LayerGradient(dw=layer.w, db=layer.b) for layer in shaped.layers]
        gradients[-1] = replace(gradients[-1], du=shaped.skip)
        return value, gradients

    def jacobian(self, network: Network, x: Any, wrt: str = "parameters") -> Array:
        check_wrt(wrt)
        architecture, dtype = network.architecture, _dtype(network)
        x = check_features(x, architecture.sizes[0])
        width = architecture.sizes[0] if wrt == "inputs" else architecture.n_parameters
        j = np.empty((x.shape[0], architecture.sizes[-1], width), dtype)
        _kernel.jacobian(_handle(architecture), network.parameters, *_rows(x, dtype), wrt == "inputs", j, self.threads)
        return j

    def evaluate(self, state: State, data: Data) -> Array:
        spec = state.spec
        data = _prepared(spec.architecture, spec.loss, data, spec.dtype)
        rows = _rows(data.x, spec.dtype)
        return np.array(
            [
                _kernel.evaluate(
                    _handle(spec.architecture), _twin(spec.loss), theta, *rows, data.t, data.s, self.threads
                )
                for theta in np.ascontiguousarray(state.parameters)
            ]
        )

    def init(self, spec: Spec, seeds: Sequence[int]) -> State:
        return initial_state(spec, seeds)

    def advance(self, state: State, data: Data, steps: int) -> State:
        spec = state.spec
        require_twins(own_optimizer(spec.optimizer))
        data = _prepared(spec.architecture, spec.loss, data, spec.dtype)
        n, batches, read = len(data), spec.batches(len(data)), np.ascontiguousarray
        for name, dtype in (("parameters", spec.dtype), ("moments", spec.dtype), ("loss_sum", np.float64)):
            # In the layout and dtype that the kernel writes to; what it only reads is brought there below.
            setattr(state, name, np.require(getattr(state, name), dtype, ["C", "W"]))
        _kernel.advance(
            _handle(spec.architecture),
            _twin(spec.loss),
            spec.optimizer.name,
            hyperparameters(spec.optimizer),
            state.parameters,
            state.moments,
            read(state.seeds, np.uint64),
            read(state.learning_rate, np.float64),
            spec.schedule.factors(state.step, steps, state.total_steps),
            [float(factor) for pair in spec.rates for factor in pair],
            read(state.l2, np.float64),
            read(state.l1, np.float64),
            read(state.weight_decay, np.float64),
            [float(rate) for rate in spec.dropout] if any(spec.dropout) else [],
            float(spec.gradient_norm or 0),
            float(spec.weight_norm or 0),
            state.loss_sum,
            read(state.active, np.bool_),
            None if state.frozen is None else read(state.frozen, np.bool_),
            state.epoch,
            state.batch,
            state.step,
            *_rows(data.x, spec.dtype),
            data.t,
            data.s,
            min(spec.batch_size, n),
            spec.shuffle and spec.batch_size < n,
            steps,
            self.threads,
            self._pace,
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
        _kernel.forward(_handle(architecture), network.parameters, *_rows(x, dtype), y, z, h, self.threads)
        return y


def hyperparameters(optimizer: Optimizer) -> list[float]:
    """What an optimizer's twin reads: its fields in order, but for the rate and the decay, which the state holds."""
    chosen = [f.name for f in fields(optimizer) if f.init and f.name not in ("learning_rate", "weight_decay")]
    return [float(getattr(optimizer, name)) for name in chosen]


@lru_cache(maxsize=64)
def _handle(architecture: Architecture) -> Any:
    require_twins(own_activations(architecture))
    names = [f.name for f in architecture.activations]
    return _kernel.Architecture(list(architecture.sizes), names, architecture.bias, architecture.skip)


@lru_cache(maxsize=64)
def _twin(loss: Loss) -> Any:
    require_twins(own_loss(loss))
    return _kernel.Loss(loss.name, loss.hyperparameters)


def _dtype(network: Network) -> Any:
    return network.layers[0].w.dtype


def _prepared(architecture: Architecture, loss: Loss, data: Data, dtype: Any) -> Data:
    """Checked, and targets and weights row by row in memory, as the kernel reads them."""
    data = check_data(architecture, loss, data, dtype)
    s = None if data.s is None else np.ascontiguousarray(data.s, dtype)
    return Data(data.x, np.ascontiguousarray(data.t, dtype), s)


def _rows(x: Any, dtype: Any) -> tuple[Array, Array | None, Array | None]:
    """Dense rows, or the three arrays of a CSR matrix."""
    if not hasattr(x, "tocsr"):
        return np.ascontiguousarray(x, dtype), None, None
    x = x.tocsr()
    return np.ascontiguousarray(x.data, dtype), np.ascontiguousarray(x.indptr), np.ascontiguousarray(x.indices)
