"""What an engine is asked to do, and how far it is: plain arrays and counters, to read, edit, save and resume."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from glassnet.errors import InputError, ShapeError
from glassnet.nn.elementary import Array
from glassnet.nn.losses import Loss
from glassnet.nn.network import Architecture, Network, check_features
from glassnet.nn.optimizers import Adam, Optimizer
from glassnet.nn.schedules import Schedule


@dataclass(frozen=True)
class Spec:
    """What is trained, and how: all that does not change from step to step.

    Args:
        architecture: The shape of the network.
        loss: What is made small.
        optimizer: How a gradient becomes a step; its learning rate and moments stand in the state.
        schedule: How the learning rate changes over time.
        l2: α of the penalty α‖w‖² / 2Σs.
        l1: α of the penalty αΣ|w| / Σs.
        dropout: For each hidden layer the share of its units that a step leaves out; () is none.
        gradient_norm: A longer gradient, of all parameters together, is scaled down to this length.
        weight_norm: After a step the weights into a unit are scaled down to this length.
        rates: For each layer a factor on the learning rate of w and one on that of b; () is 1 for all. With a skip path
            one pair more, of u.
        batch_size: Rows of a minibatch; the last one of an epoch may be smaller.
        shuffle: A new order of rows for every epoch; needless, so not done, where one batch holds all rows.
        init: How first weights are drawn.
        dtype: float32 or float64, of parameters and arithmetic.
    """

    architecture: Architecture
    loss: Loss
    optimizer: Optimizer = field(default_factory=Adam)
    schedule: Schedule = field(default_factory=Schedule)
    l2: float = 0.0
    l1: float = 0.0
    dropout: tuple[float, ...] = ()
    gradient_norm: float | None = None
    weight_norm: float | None = None
    rates: tuple[tuple[float, float], ...] = ()
    batch_size: int = 32
    shuffle: bool = True
    init: str = "glorot"
    dtype: Any = np.float64

    def __post_init__(self) -> None:
        hidden, layers = len(self.architecture.activations), len(self.architecture.blocks())
        for holds, message in (
            (self.batch_size >= 1, f"batch_size is {self.batch_size}, but a minibatch needs at least 1 row"),
            (
                len(self.dropout) in (0, hidden) and all(0 <= rate < 1 for rate in self.dropout),
                f"dropout is {self.dropout}, but needs a share from 0 up to, not including, 1 for each of {hidden} "
                f"hidden layers",
            ),
            (
                len(self.rates) in (0, layers) and all(rate >= 0 for pair in self.rates for rate in pair),
                f"rates is {self.rates}, but needs a pair of factors ≥ 0, for w and b, for each of {layers} layers",
            ),
            (self.l1 >= 0 and self.l2 >= 0, f"l1 is {self.l1} and l2 {self.l2}, but penalties must be ≥ 0"),
            (
                all(norm is None or norm > 0 for norm in (self.gradient_norm, self.weight_norm)),
                f"gradient_norm is {self.gradient_norm} and weight_norm {self.weight_norm}, but both need > 0 or None",
            ),
            (
                self.architecture.sizes[-1] % self.loss.width == 0,
                f"the loss {self.loss.name!r} needs {self.loss.width} scores for each target, but the network has "
                f"{self.architecture.sizes[-1]} outputs",
            ),
        ):
            if not holds:
                raise InputError(f"{message}.")

    def batches(self, n: int) -> int:
        """Steps of an epoch of n rows."""
        return -(-n // self.batch_size)


@dataclass
class State:
    """All that the next step reads, of K networks of P parameters.

    `epoch` counts whole epochs, `batch` the steps since, `step` the optimizer's steps since its moments were zero,
    `samples` the rows seen. `loss_sum` adds up, over the batches of the epoch so far, the batch's loss (with its
    penalty) times its rows. The best parameters, the score that they had, when, and how many epochs have passed
    without a better one are the trainer's, kept here so that a saved state resumes whole.
    """

    spec: Spec
    seeds: Array  # (K,) uint64
    parameters: Array  # (K, P)
    moments: Array  # (moments of the optimizer, K, P)
    first_rate: Array  # (K,) float64: η₀, from which a schedule counts
    learning_rate: Array  # (K,) float64: η of the next step
    l2: Array  # (K,) float64
    l1: Array  # (K,) float64
    weight_decay: Array  # (K,) float64
    loss_sum: Array  # (K,) float64
    active: Array  # (K,) bool: a member that has stopped is left as it is
    best_score: Array  # (K,) float64
    best_epoch: Array  # (K,) int64
    stale: Array  # (K,) int64: epochs without a better score
    best_parameters: Array | None = None  # (K, P), from where a training that keeps the best begins
    frozen: Array | None = None  # (P,) bool: parameters that stay as they are
    epoch: int = 0
    batch: int = 0
    step: int = 0
    samples: int = 0
    total_steps: int = 0  # that the schedule counts on, set where a training begins

    def __len__(self) -> int:
        return len(self.parameters)

    def network(self, member: int = 0) -> Network:
        """The network of a member: views of its parameters."""
        return Network.from_parameters(self.spec.architecture, self.parameters[member])

    def member(self, k: int) -> "State":
        """A state of that network alone, which shares no array with this one."""
        held = {name: getattr(self, name) for name in _BY_MEMBER}
        one = {name: array[k : k + 1].copy() for name, array in held.items() if array is not None}
        return replace(self.copy(), **one, moments=self.moments[:, k : k + 1].copy())

    def copy(self) -> "State":
        """A state that shares no array with this one."""
        arrays: dict[str, Any] = {
            f.name: value.copy() for f in fields(self) if isinstance(value := getattr(self, f.name), np.ndarray)
        }
        return replace(self, **arrays)

    def restart_optimizer(self, spec: Spec) -> "State":
        """The same networks under another spec of the same architecture: moments zero, rates as `spec` says."""
        fresh = _blank_state(spec, self.seeds)
        fresh.parameters[...] = self.parameters
        return replace(fresh, frozen=self.frozen, epoch=self.epoch, samples=self.samples)


_BY_MEMBER = (
    *("seeds", "parameters", "first_rate", "learning_rate", "l2", "l1", "weight_decay", "loss_sum", "active"),
    *("best_parameters", "best_score", "best_epoch", "stale"),
)


@dataclass(frozen=True)
class Data:
    """Rows to train on: features x (n, d), an array or a SciPy CSR matrix, targets t (n, k), row weights s (n,)."""

    x: Any
    t: Array
    s: Array | None = None

    def __post_init__(self) -> None:
        if (
            self.t.ndim != 2
            or self.x.shape[0] != len(self.t)
            or (self.s is not None and self.s.shape != self.t.shape[:1])
        ):
            raise ShapeError(
                f"x has shape {self.x.shape}, t {self.t.shape}"
                + (f" and s {self.s.shape}" if self.s is not None else "")
                + ", but they must have the same rows: x (n, d), t (n, k), s (n,)."
            )

    def __len__(self) -> int:
        return len(self.t)

    def take(self, rows: Any) -> "Data":
        """Those rows."""
        return Data(self.x[rows], self.t[rows], None if self.s is None else self.s[rows])

    def astype(self, dtype: Any) -> "Data":
        """The same rows in the arithmetic of a spec; nothing is copied that already is."""
        s = None if self.s is None else self.s.astype(dtype, copy=False)
        return Data(self.x.astype(dtype, copy=False), self.t.astype(dtype, copy=False), s)


def initial_state(spec: Spec, seeds: Sequence[int]) -> State:
    """`Engine.init`, for both engines: there is one way to draw first weights."""
    if not spec.architecture.trainable:
        names = ", ".join(f.name for f in spec.architecture.activations if not f.trainable)
        raise InputError(
            f"The activation {names} has slope 0 wherever it has one, so no gradient passes it: it is for prediction "
            f"with weights that are given. To train, take 'logistic' or 'tanh', which are smooth steps."
        )
    state = _blank_state(spec, np.array(seeds, dtype=np.uint64))
    for k, seed in enumerate(seeds):
        state.parameters[k] = spec.architecture.initial_parameters(spec.init, int(seed))
    return state


def _blank_state(spec: Spec, seeds: Array) -> State:
    shape = len(seeds), spec.architecture.n_parameters
    return State(
        spec=spec,
        seeds=seeds.copy(),
        parameters=np.zeros(shape, spec.dtype),
        moments=np.zeros((len(spec.optimizer.moment_names), *shape), spec.dtype),
        first_rate=np.full(len(seeds), spec.optimizer.learning_rate, np.float64),
        learning_rate=np.full(len(seeds), spec.optimizer.learning_rate, np.float64),
        l2=np.full(len(seeds), spec.l2, np.float64),
        l1=np.full(len(seeds), spec.l1, np.float64),
        weight_decay=np.full(len(seeds), spec.optimizer.weight_decay, np.float64),
        loss_sum=np.zeros(len(seeds)),
        active=np.ones(len(seeds), bool),
        best_score=np.full(len(seeds), -np.inf),
        best_epoch=np.zeros(len(seeds), np.int64),
        stale=np.zeros(len(seeds), np.int64),
    )


def check_data(architecture: Architecture, loss: Loss, data: Data, dtype: Any) -> Data:
    """Data in that dtype, of the shapes that a network and its loss take."""
    sizes = architecture.sizes
    check_features(data.x, sizes[0])
    k = sizes[-1] // loss.width
    if data.t.shape[1] != k or not len(data):
        raise ShapeError(
            f"targets t have shape {data.t.shape}, but this network has {sizes[-1]} outputs "
            f"and needs (n, {k}) with n ≥ 1: one row per sample, one column per target."
        )
    return data.astype(dtype)
