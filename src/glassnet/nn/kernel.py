"""The compiled engine: arrays in the form that `glassnet._kernel` takes, and nothing else.

Importing this module raises ImportError where glassnet was installed without its kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any

import numpy as np

from glassnet import _kernel
from glassnet.nn.elementary import Array
from glassnet.nn.engine import Objective, Predictor, check_wrt, own_activations, own_loss, own_optimizer, require_twins
from glassnet.nn.least_squares import FIRST_DAMPING, LEAST_DAMPING, MOST_BENT, PROBE, LeastSquares, Problem
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
        self._workspace = _kernel.Workspace()
        self._job: _Job | None = None

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
        value, g = self.objective(network.architecture, loss, Data(x, np.asarray(t), s), l2, l1)(network.parameters)
        shaped = Network.from_parameters(network.architecture, g)
        gradients = [LayerGradient(dw=layer.w, db=layer.b) for layer in shaped.layers]
        gradients[-1] = replace(gradients[-1], du=shaped.skip)
        return value, gradients

    def objective(
        self, architecture: Architecture, loss: Loss, data: Data, l2: float = 0.0, l1: float = 0.0
    ) -> Objective:
        prepared: dict[Any, tuple[Any, ...]] = {}  # what the kernel reads, for each dtype

        def value_and_gradient(theta: Array) -> tuple[float, Array]:
            dtype = theta.dtype
            if dtype not in prepared:
                rows = _prepared(architecture, loss, data, dtype)
                prepared[dtype] = *_rows(rows.x, dtype), rows.t, rows.s
            g = np.empty(theta.shape, dtype)
            value: float = _kernel.gradients(
                handle, twin, theta, *prepared[dtype], float(l2), float(l1), g, self.threads, self._workspace
            )
            return value, g

        handle, twin = _handle(architecture), _twin(loss)
        return value_and_gradient

    def jacobian(self, network: Network, x: Any, wrt: str = "parameters") -> Array:
        check_wrt(wrt)
        architecture, dtype = network.architecture, _dtype(network)
        x = check_features(x, architecture.sizes[0])
        width = architecture.sizes[0] if wrt == "inputs" else architecture.n_parameters
        j = np.empty((x.shape[0], architecture.sizes[-1], width), dtype)
        _kernel.jacobian(
            _handle(architecture),
            network.parameters,
            *_rows(x, dtype),
            wrt == "inputs",
            j,
            self.threads,
            self._workspace,
        )
        return j

    def least_squares(self, problem: Problem) -> LeastSquares:
        data, dtype = problem.data, np.float64
        fit: LeastSquares = _kernel.LeastSquares(
            _handle(problem.architecture),
            _read(problem.theta, dtype),
            *_rows(data.x, dtype),
            _read(data.t, dtype),
            problem.root,
            _read(problem.places, np.int64),
            problem.pull,
            problem.fixed,
            FIRST_DAMPING,
            LEAST_DAMPING,
            PROBE,
            MOST_BENT,
            self.threads,
        )
        return fit

    def evaluate(self, state: State, data: Data) -> Array:
        spec = state.spec
        data = _prepared(spec.architecture, spec.loss, data, spec.dtype)
        rows = _rows(data.x, spec.dtype)
        return np.array(
            [
                _kernel.evaluate(
                    _handle(spec.architecture),
                    _twin(spec.loss),
                    theta,
                    *rows,
                    data.t,
                    data.s,
                    self.threads,
                    self._workspace,
                )
                for theta in np.ascontiguousarray(state.parameters)
            ]
        )

    def init(self, spec: Spec, seeds: Sequence[int]) -> State:
        return initial_state(spec, seeds)

    def advance(self, state: State, data: Data, steps: int) -> State:
        spec = state.spec
        job = self._job
        if job is None or job.spec is not spec or job.given is not data:
            job = _Job.of(spec, data)
            self._job = job if job.is_lasting() else None
        state.parameters = _writable(state.parameters, spec.dtype)
        state.moments = _writable(state.moments, spec.dtype)
        state.loss_sum = _writable(state.loss_sum, np.float64)
        _kernel.advance(
            *job.network,
            state.parameters,
            state.moments,
            _read(state.seeds, np.uint64),
            _read(state.learning_rate, np.float64),
            spec.schedule.factors(state.step, steps, state.total_steps),
            job.rates,
            _read(state.l2, np.float64),
            _read(state.l1, np.float64),
            _read(state.weight_decay, np.float64),
            *job.regularizers,
            state.loss_sum,
            _read(state.active, np.bool_),
            None if state.frozen is None else _read(state.frozen, np.bool_),
            state.epoch,
            state.batch,
            state.step,
            *job.rows,
            *job.batches,
            steps,
            self.threads,
            self._workspace,
        )
        n, size, begun = len(data), spec.batch_size, state.batch
        whole, state.batch = divmod(begun + steps, spec.batches(n))
        state.samples += whole * n + min(state.batch * size, n) - min(begun * size, n)
        state.epoch, state.step = state.epoch + whole, state.step + steps
        return state

    def _forward(self, network: Network, x: Any, z: list[Array], h: list[Array]) -> Array:
        architecture, dtype = network.architecture, _dtype(network)
        x = check_features(x, architecture.sizes[0])
        y = np.empty((x.shape[0], architecture.sizes[-1]), dtype)
        _kernel.forward(
            _handle(architecture), network.parameters, *_rows(x, dtype), y, z, h, self.threads, self._workspace
        )
        return y


@dataclass(frozen=True)
class _Job:
    """Of `advance`, what stays the same from call to call."""

    spec: Spec
    given: Data
    network: tuple[Any, ...]  # its shape, loss, optimizer and the optimizer's numbers
    rates: list[float]
    regularizers: tuple[Any, ...]
    rows: tuple[Any, ...]
    batches: tuple[Any, ...]

    def is_lasting(self) -> bool:
        """Whether its rows are those that were given, and no copies, which would not follow what is done to them."""
        x, given = self.rows[0], self.given
        return (
            (given.x.data if hasattr(given.x, "tocsr") else given.x) is x
            and self.rows[3] is given.t
            and self.rows[4] is given.s
        )

    @classmethod
    def of(cls, spec: Spec, given: Data) -> "_Job":
        require_twins(own_optimizer(spec.optimizer))
        data = _prepared(spec.architecture, spec.loss, given, spec.dtype)
        dropout = [float(rate) for rate in spec.dropout] if any(spec.dropout) else []
        return cls(
            spec,
            given,
            (_handle(spec.architecture), _twin(spec.loss), spec.optimizer.name, hyperparameters(spec.optimizer)),
            [float(factor) for pair in spec.rates for factor in pair],
            (dropout, float(spec.gradient_norm or 0), float(spec.weight_norm or 0)),
            (*_rows(data.x, spec.dtype), data.t, data.s),
            (min(spec.batch_size, len(data)), spec.shuffle and spec.batch_size < len(data)),
        )


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


def _writable(array: Array, dtype: Any) -> Array:
    """In the layout and dtype that the kernel writes to."""
    return array if array.dtype == dtype and array.flags.carray else np.require(array, dtype, ["C", "W"])


def _read(array: Array, dtype: Any) -> Array:
    """In those that it reads."""
    return array if array.dtype == dtype and array.flags.c_contiguous else np.ascontiguousarray(array, dtype)


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
