"""Short trainings beside each other, to see what a change would do: other rates, or biases."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.nn import Adam, AdamW, Architecture, Data, Engine, Loss, Network, Spec, State, engine_for
from glassnet.nn.elementary import Array
from glassnet.nn.schedules import Schedule

MOST_STEPS, MOST_EPOCHS = 600, 100
MOST_WORK = 2e10  # multiplications of all networks together: a second or two
LOOKS = 6  # how often the losses are looked at; the last half of the looks counts
LOWER, HIGHER = (1.0, 0.1, 0.01, 0.001), (1.0, 10.0, 100.0, 1000.0, 0.1)


@dataclass(frozen=True)
class Losses:
    """Of one network: on the rows that a trial trains on, and on those that it is judged on."""

    training: float
    held_out: float

    def above(self, other: "Losses") -> float:
        """By how much they are higher than others, on both kinds of rows at least."""
        with np.errstate(invalid="ignore"):
            gaps = np.array([self.training, self.held_out]) - [other.training, other.held_out]
        return float(np.nan_to_num(gaps, nan=0.0).min())  # inf − inf: both ran away


@dataclass(frozen=True)
class RateTrial:
    """Losses after some epochs, by factors on the learning rate.

    Attributes:
        rate: The model's own.
        afresh: From its first weights, or new ones like them, by factor.
        going_on: From where it is now, by factor.
        now: Of the network as it is, which has been trained on all rows.
        epochs: How long each trial was.
        falls: Whether the model's own rate falls by a schedule, which the trials leave out.
    """

    rate: float
    afresh: dict[float, Losses]
    going_on: dict[float, Losses]
    now: Losses
    epochs: int
    falls: bool

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the losses on rows held out."""
        by_rate = {
            name: {f"{self.rate * factor:.3g}": found.held_out for factor, found in losses.items()}
            for name, losses in (("afresh", self.afresh), ("going_on", self.going_on))
        }
        return {"rate": self.rate, "now": self.now.held_out, "epochs": self.epochs, **by_rate}


def try_rates(model: Any, network: Network, spec: Spec, seed: int, data: Data, judged: Data) -> RateTrial:
    """Train the model's network anew with lower rates, and further with higher ones.

    A rate is better only where it is on both kinds of rows: on those that it trains on alone a high one would win by
    learning noise by heart, and on those held out alone a low one by learning less of it.
    """
    factors = np.array([*LOWER, *HIGHER])
    falls = type(spec.schedule) is not Schedule
    spec = replace(spec, schedule=Schedule(), batch_size=min(spec.batch_size, len(data)))
    engine = _engine(model, spec)
    state = engine.init(spec, [seed] * len(factors))
    if hasattr(model, "_prepare"):
        model._prepare(state, data.x)
    state.parameters[len(LOWER) :] = network.parameters
    state.learning_rate[:] = state.first_rate[:] = spec.optimizer.learning_rate * factors
    now = Losses(*(float(engine.evaluate(state, rows)[-1]) for rows in (data, judged)))
    epochs = _epochs(spec, len(data), len(state))
    losses = [Losses(*pair) for pair in _losses(engine, state, data, (data, judged), epochs).tolist()]
    return RateTrial(
        rate=spec.optimizer.learning_rate,
        afresh=dict(zip(LOWER, losses, strict=False)),
        going_on=dict(zip(HIGHER, losses[len(LOWER) :], strict=True)),
        now=now,
        epochs=epochs,
        falls=falls,
    )


def try_biases(model: Any, architecture: Architecture, loss: Loss, data: Data) -> tuple[float, float]:
    """The least loss that a network reaches without biases, and with them, each trained anew from two starts."""
    reached = []
    for bias in (False, True):
        shape = replace(architecture, bias=bias)
        spec = Spec(shape, loss, Adam(0.01), batch_size=min(32, len(data)), dtype=np.float64)
        engine = _engine(model, spec)
        state = engine.init(spec, [0, 1])
        reached.append(float(np.min(_losses(engine, state, data, (data,), 2 * _epochs(spec, len(data), len(state))))))
    return reached[0], reached[1]


def _engine(model: Any, spec: Spec) -> Engine:
    engine, n_jobs = getattr(model, "engine", "auto"), getattr(model, "n_jobs", None)
    return engine_for(engine, spec.architecture, spec.loss, spec.optimizer, n_jobs)


def _epochs(spec: Spec, n: int, members: int) -> int:
    """As many as the limits on steps and work allow, and at least one."""
    step = 6.0 * spec.batch_size * spec.architecture.n_parameters * members
    steps = min(MOST_STEPS, MOST_WORK / step)
    return int(np.clip(steps / spec.batches(n), 1, MOST_EPOCHS))


def _losses(engine: Engine, state: State, data: Data, judged: tuple[Data, ...], epochs: int) -> Array:
    """The losses that members settle at, (K, judged): the median of the last looks, inf where it ran away."""
    looks = []
    steps = np.diff(np.linspace(0, epochs * state.spec.batches(len(data)), LOOKS + 1).astype(int))
    with np.errstate(over="ignore", invalid="ignore"):
        for i, part in enumerate(steps):
            state = engine.advance(state, data, int(part))
            if i >= LOOKS // 2:
                looks.append([engine.evaluate(state, rows) for rows in judged])
    losses: Array = np.median(np.array(looks), axis=0).T
    return np.where(np.isfinite(losses), losses, np.inf)


def spec_of(model: Any, network: Network, loss: Loss, n: int) -> tuple[Spec, int]:
    """How the model was trained, and a seed for first weights like its own.

    Raises:
        InputError: its solver has no rate.
    """
    state: State | None = getattr(model, "_state", None)
    if state is not None:
        if not model._is_stochastic():
            raise InputError(f"solver={model.solver!r} finds the length of its steps by itself")
        return state.spec, int(state.seeds[0])
    spec = Spec(
        network.architecture,
        loss,
        AdamW(model._rate(), weight_decay=float(model.alpha)),
        batch_size=model._batch_size(n),
        init="he",
        dtype=np.float32,
    )
    return spec, 0
