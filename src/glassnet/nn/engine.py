"""One interface, two engines: NumPy, the reference, or the compiled kernel.

Everything that trains or evaluates a network goes through an engine. `init` makes a state of plain arrays, `advance`
takes it some minibatches further; between any two steps the state can be read, edited, saved and resumed, and on either
engine. K networks stand side by side in it.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from glassnet.errors import InputError, ShapeError, TrainingWarning, unknown_name
from glassnet.nn.activations import ACTIVATIONS
from glassnet.nn.elementary import Array
from glassnet.nn.least_squares import LeastSquares, NumpyLeastSquares, Problem
from glassnet.nn.losses import LOSSES, Loss
from glassnet.nn.network import (
    Architecture,
    LayerGradient,
    LayerTrace,
    Network,
    check_features,
    flatten_gradients,
)
from glassnet.nn.optimizers import OPTIMIZERS, Optimizer
from glassnet.nn.random import dropout_mask, permutation
from glassnet.nn.regularizers import clip_norm, l1_penalty, l2_penalty, limit_columns
from glassnet.nn.state import Data, Spec, State, check_data, initial_state

# p of one row, a list, tuple or array of d numbers; y where no loss was given. A float where there is one, else (k,).
Predictor = Callable[[Any], Any]


# L and ∂L/∂θ of θ (P,), in its dtype.
Objective = Callable[[Array], tuple[float, Array]]


class Engine(Protocol):
    """What an engine can do. `x` is (n, d), an array or CSR; numbers are in the network's dtype."""

    name: str

    def forward(self, network: Network, x: Any) -> Array:
        """Scores y (n, k)."""

    def predictor(self, network: Network, loss: Loss | None = None) -> Predictor:
        """A function of one row: p, or y without a loss. It keeps the network as it is now."""

    def trace(self, network: Network, x: Any) -> tuple[Array, list[LayerTrace]]:
        """Scores y (n, k), and x, z, h of every layer."""

    def gradients(
        self, network: Network, loss: Loss, x: Any, t: Array, s: Array | None = None, l2: float = 0.0, l1: float = 0.0
    ) -> tuple[float, list[LayerGradient]]:
        """The loss with its penalties, and the gradient of every layer."""

    def objective(
        self, architecture: Architecture, loss: Loss, data: Data, l2: float = 0.0, l1: float = 0.0
    ) -> Objective:
        """The same as a function of the parameters alone, for who asks often: L, and ∂L/∂θ as one vector (P,)."""

    def jacobian(self, network: Network, x: Any, wrt: str = "parameters") -> Array:
        """∂y/∂θ of each row, (n, k, P); with wrt="inputs" ∂y/∂x, (n, k, d)."""

    def least_squares(self, problem: Problem) -> LeastSquares:
        """A fit by Levenberg–Marquardt, at its beginning, in float64."""

    def evaluate(self, state: State, data: Data) -> Array:
        """The loss of every member without penalty, (K,)."""

    def init(self, spec: Spec, seeds: Sequence[int]) -> State:
        """K = len(seeds) networks with first weights drawn from their seeds, before the first step."""

    def advance(self, state: State, data: Data, steps: int) -> State:
        """The state, `steps` minibatches further, epoch after epoch.

        Works on the state's own arrays; `state.copy()` keeps the past.
        """


# Where weights run away, the trainer says so once; NumPy would at every product.
_DIVERGING = np.errstate(over="ignore", invalid="ignore")


class NumpyEngine:
    """The algebra as it is written, and the reference for the kernel.

    >>> from glassnet.nn import Adam, Architecture, SquaredError
    >>> engine = NumpyEngine()
    >>> spec = Spec(Architecture.create([1, 1]), SquaredError(), Adam(learning_rate=0.1))
    >>> data = Data(np.array([[0.0], [1.0]]), np.array([[1.0], [3.0]]))
    >>> state = engine.advance(engine.init(spec, seeds=[0]), data, steps=500)
    >>> bool(np.allclose(state.parameters, [[2, 1]], atol=1e-2))  # t = 2x + 1
    True
    """

    name = "numpy"

    def predictor(self, network: Network, loss: Loss | None = None) -> Predictor:
        parameters, architecture = network.parameters.copy(), network.architecture
        kept = Network.from_parameters(architecture, parameters)

        def predict(row: Any) -> Any:
            x = np.asarray(row, parameters.dtype)
            if x.shape != (architecture.sizes[0],):
                raise ShapeError(
                    f"a row has shape {x.shape}, but this network takes {architecture.sizes[0]} numbers; for many rows "
                    f"at once use predict."
                )
            y = self.forward(kept, x[None])
            p = (y if loss is None else loss.predict(y))[0]
            return float(p[0]) if len(p) == 1 else p

        return predict

    def forward(self, network: Network, x: Any) -> Array:
        return network.forward(_in_dtype(network, x))[0]

    def trace(self, network: Network, x: Any) -> tuple[Array, list[LayerTrace]]:
        return network.forward(_in_dtype(network, x))

    def gradients(
        self, network: Network, loss: Loss, x: Any, t: Array, s: Array | None = None, l2: float = 0.0, l1: float = 0.0
    ) -> tuple[float, list[LayerGradient]]:
        return self._gradients(network, loss, Data(_in_dtype(network, x), t, s), l2, l1, ())

    def _gradients(
        self, network: Network, loss: Loss, data: Data, l2: float, l1: float, masks: Sequence[Array | None]
    ) -> tuple[float, list[LayerGradient]]:
        y, trace = network.forward(data.x, masks)
        value = loss(y, data.t, data.s)
        dy = loss.derivative(y, data.t, data.s).astype(y.dtype, copy=False)
        gradients = network.backward(trace, dy, input_gradient=False)
        if l2 or l1:
            rows = float(len(y) if data.s is None else data.s.sum())
            pairs = [(layer.w, gradient.dw) for layer, gradient in zip(network.layers, gradients, strict=True)]
            if network.skip is not None:
                du = gradients[-1].du
                assert du is not None
                pairs.append((network.skip, du))
            for w, dw in pairs:
                value += l2_penalty(w.ravel(), l2, rows) + l1_penalty(w.ravel(), l1, rows)
                dw += (l2 / rows) * w + (l1 / rows) * np.sign(w)
        return value, gradients

    def objective(
        self, architecture: Architecture, loss: Loss, data: Data, l2: float = 0.0, l1: float = 0.0
    ) -> Objective:
        def value_and_gradient(theta: Array) -> tuple[float, Array]:
            network = Network.from_parameters(architecture, theta)
            value, gradients = self.gradients(network, loss, data.x, data.t, data.s, l2, l1)
            return value, flatten_gradients(gradients)

        return value_and_gradient

    def jacobian(self, network: Network, x: Any, wrt: str = "parameters") -> Array:
        check_wrt(wrt)
        y, trace = self.trace(network, x)
        n, k = y.shape
        columns: list[Any] = []
        for j in range(k):
            dy = np.zeros_like(y)
            dy[:, j] = 1
            gradients = network.backward(trace, dy, input_gradient=wrt == "inputs")
            if wrt == "inputs":
                columns.append(gradients[0].dx)
                continue
            parts = []
            for step, gradient in zip(trace, gradients, strict=True):
                rows = step.x.toarray() if hasattr(step.x, "toarray") else step.x
                dz = gradient.dz
                assert dz is not None
                parts.append((rows[:, :, None] * dz[:, None, :]).reshape(n, gradient.dw.size))
                if gradient.db is not None:
                    parts.append(dz)
            if network.skip is not None:
                rows = trace[0].x.toarray() if hasattr(trace[0].x, "toarray") else trace[0].x
                parts.append((rows[:, :, None] * dy[:, None, :]).reshape(n, network.skip.size))
            columns.append(np.concatenate(parts, axis=1))
        return np.stack(columns, axis=1)

    def least_squares(self, problem: Problem) -> LeastSquares:
        return NumpyLeastSquares(self, problem)

    @_DIVERGING
    def evaluate(self, state: State, data: Data) -> Array:
        data = check_data(state.spec.architecture, state.spec.loss, data, state.spec.dtype)
        return np.array(
            [state.spec.loss(self.forward(state.network(k), data.x), data.t, data.s) for k in range(len(state))]
        )

    def init(self, spec: Spec, seeds: Sequence[int]) -> State:
        return initial_state(spec, seeds)

    def _step(self, state: State, member: int, g: Array, rate: float) -> None:
        """Clip, decay, the optimizer block by block, and the weights held within bounds; what is frozen stays."""
        spec, theta, moments = state.spec, state.parameters[member], state.moments[:, member]
        frozen = np.zeros(theta.shape, bool) if state.frozen is None else state.frozen
        kept, kept_moments = theta[frozen], moments[:, frozen]
        g[frozen] = 0
        if spec.gradient_norm is not None:
            g = clip_norm(g, spec.gradient_norm)
        decay, factors = float(state.weight_decay[member]), spec.rates
        for i, (w, b) in enumerate(spec.architecture.blocks()):
            w_rate, b_rate = (rate * factors[i][0], rate * factors[i][1]) if factors else (rate, rate)
            theta[w] *= 1 - w_rate * decay
            spec.optimizer.update(theta[w], g[w], moments[:, w], w_rate, state.step)
            spec.optimizer.update(theta[b], g[b], moments[:, b], b_rate, state.step)
        theta[frozen], moments[:, frozen] = kept, kept_moments
        if spec.weight_norm is not None:
            limit_columns([layer.w for layer in state.network(member).layers], spec.weight_norm)
            theta[frozen] = kept

    @_DIVERGING
    def advance(self, state: State, data: Data, steps: int) -> State:
        spec = state.spec
        data = check_data(spec.architecture, spec.loss, data, spec.dtype)
        n, size = len(data), spec.batch_size
        factors = spec.schedule.factors(state.step, steps, state.total_steps).tolist()
        orders: dict[int, Array] = {}
        for factor in factors:
            if state.batch == 0 or not orders:
                orders = {
                    int(k): permutation(int(state.seeds[k]), state.epoch, n)
                    if spec.shuffle and size < n
                    else np.arange(n)
                    for k in np.flatnonzero(state.active)
                }
            if state.batch == 0:
                state.loss_sum[state.active] = 0
            state.step += 1
            for k, order in orders.items():
                batch = data.take(order[state.batch * size : (state.batch + 1) * size])
                value, gradients = self._gradients(
                    state.network(k),
                    spec.loss,
                    batch,
                    float(state.l2[k]),
                    float(state.l1[k]),
                    _masks(state, k, len(batch)),
                )
                self._step(state, k, flatten_gradients(gradients), factor * float(state.learning_rate[k]))
                state.loss_sum[k] += value * len(batch)
            state.samples += min(size, n - state.batch * size)
            state.batch += 1
            if state.batch == spec.batches(n):
                state.epoch, state.batch = state.epoch + 1, 0
        return state


def _masks(state: State, member: int, rows: int) -> list[Array | None]:
    """The dropout masks of this step, in the state's dtype."""
    spec, seed = state.spec, int(state.seeds[member])
    return [
        dropout_mask(seed, state.epoch, state.batch, i, (rows, m), rate).astype(spec.dtype) if rate else None
        for i, (m, rate) in enumerate(zip(spec.architecture.sizes[1:], spec.dropout, strict=False))
    ]


def check_wrt(wrt: str) -> None:
    """A Jacobian is with respect to one of two things."""
    if wrt not in ("parameters", "inputs"):
        raise unknown_name("wrt", wrt, ("parameters", "inputs"))


def _in_dtype(network: Network, x: Any) -> Any:
    return check_features(x, network.layers[0].w.shape[0]).astype(network.layers[0].w.dtype, copy=False)


def engine_for(
    name: str, architecture: Architecture, loss: Loss, optimizer: Optimizer | None = None, n_jobs: int | None = None
) -> Engine:
    """`get_engine`, but "auto" is NumPy where a function, a loss or an optimizer is the user's own.

    Raises:
        InputError: the kernel was asked for such a network.
    """
    own = own_activations(architecture) + own_loss(loss) + ([] if optimizer is None else own_optimizer(optimizer))
    if name == "kernel":
        require_twins(own)
    return get_engine("numpy" if own and name == "auto" else name, n_jobs)


def own_activations(architecture: Architecture) -> list[str]:
    """Those that no registry has; a subclass is one of them, even under its parent's name."""
    return [f"the activation {f!r}" for f in architecture.activations if f != ACTIVATIONS.get(f.name)]


def own_loss(loss: Loss) -> list[str]:
    """The loss, where no registry has its kind."""
    return [] if type(loss) is type(LOSSES.get(loss.name)) else [f"the loss {loss!r}"]


def own_optimizer(optimizer: Optimizer) -> list[str]:
    """The optimizer, where no registry has its kind."""
    return [] if type(optimizer) is OPTIMIZERS.get(optimizer.name) else [f"the optimizer {optimizer!r}"]


def require_twins(own: list[str]) -> None:
    """The kernel runs what it was compiled with, and nothing in its place."""
    if own:
        raise InputError(
            f"The kernel is compiled and does not know {', '.join(own)}: use engine='numpy', or 'auto', which does so."
        )


_told = False


def get_engine(name: str = "auto", n_jobs: int | None = None) -> Engine:
    """The engine "kernel" or "numpy"; "auto" takes the kernel where it was compiled.

    `n_jobs` is how many threads the kernel may use, as `KernelEngine` says; NumPy has its own.

    Where it was not, "auto" says so once and takes NumPy, unless the environment has GLASSNET_REQUIRE_KERNEL=1.

    Raises:
        UnknownNameError: another name.
        InputError: the kernel was asked for, or is required, and is missing; or GLASSNET_KERNEL, which picks the
            instructions that it uses, has a value that this machine cannot run.
    """
    global _told
    if name not in ("auto", "kernel", "numpy"):
        raise unknown_name("engine", name, ("auto", "kernel", "numpy"))
    if name == "numpy":
        return NumpyEngine()
    try:
        from glassnet.nn.kernel import KernelEngine
    except ImportError as error:
        if "GLASSNET_KERNEL is" in str(error):  # it is there, and refuses a level that was asked for by mistake
            raise InputError(str(error)) from error
        how = (
            "install a C++ compiler (Debian: 'apt install g++', macOS: 'xcode-select --install'), then glassnet again."
        )
        if name == "kernel" or os.environ.get("GLASSNET_REQUIRE_KERNEL") == "1":
            raise InputError(f"glassnet's compiled kernel is missing ({error}): {how}") from error
        if not _told:
            _told = True
            warnings.warn(
                f"glassnet runs on NumPy, slower, since it was installed without its kernel: {how}",
                TrainingWarning,
                stacklevel=2,
            )
        return NumpyEngine()
    return KernelEngine(n_jobs)
