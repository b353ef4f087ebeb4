"""The learning rate over time.

A schedule says by what factor a step's rate differs from the state's, from how far the training has come; it looks at a
training after every epoch, and where progress stalls it may slow down instead of stopping. Factors are computed here
alone, for both engines.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from glassnet.errors import InputError, unknown_name
from glassnet.nn.elementary import Array, cos


@dataclass(frozen=True)
class Schedule:
    """η stays as it is, after a linear rise over the first `warmup_steps` steps.

    >>> Schedule(warmup_steps=4).factors(0, 5, 100).tolist()
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    name: ClassVar[str] = "constant"
    warmup_steps: int = 0

    def __post_init__(self) -> None:
        if self.warmup_steps < 0:
            raise InputError(f"warmup_steps is {self.warmup_steps!r}, but must be a whole number ≥ 0.")

    def factors(self, step: int, count: int, total: int) -> Array:
        """What η is multiplied by in steps step … step + count, counted from 0, of `total` in all, (count,).

        Where nobody has said how many there will be, `total` is 0, and the training stays at its beginning.
        """
        steps = np.arange(step, step + count)
        factors = self.shape(np.minimum(steps / total, 1.0) if total else np.zeros(count))
        return factors * np.minimum(1.0, (steps + 1) / self.warmup_steps) if self.warmup_steps else factors

    def shape(self, progress: Array) -> Array:
        """The factor where `progress` of the training, from 0 to 1, is done."""
        return np.ones_like(progress)

    def after_epoch(self, initial: float, rate: float, samples: int) -> float:
        """η for the next epoch, after `samples` rows in all."""
        return rate

    def on_plateau(self, rate: float) -> float | None:
        """η to go on with where nothing improved any more, or None to stop."""
        return None


@dataclass(frozen=True)
class InverseScaling(Schedule):
    """η = η₀ / (samples + 1)ᵖ"""

    name: ClassVar[str] = "invscaling"
    power_t: float = 0.5

    def after_epoch(self, initial: float, rate: float, samples: int) -> float:
        return initial / (samples + 1) ** self.power_t


@dataclass(frozen=True)
class Adaptive(Schedule):
    """η ← η / 5 at every plateau, until it is at most 1e-6."""

    name: ClassVar[str] = "adaptive"

    def on_plateau(self, rate: float) -> float | None:
        return None if rate <= 1e-6 else rate / 5


@dataclass(frozen=True)
class StepDecay(Schedule):
    """η · γ from every milestone on, milestones as shares of the training.

    >>> StepDecay().factors(0, 4, 4).round(3).tolist()
    [1.0, 1.0, 0.1, 0.01]
    """

    name: ClassVar[str] = "step"
    milestones: tuple[float, ...] = (0.5, 0.75)
    gamma: float = 0.1

    def shape(self, progress: Array) -> Array:
        return self.gamma ** np.searchsorted(sorted(self.milestones), progress, side="right").astype(float)


@dataclass(frozen=True)
class Cosine(Schedule):
    """η · (f + (1 − f)(1 + cos πs) / 2), from 1 to f = `final` (Loshchilov and Hutter 2017, eq. 5, without restarts)

    >>> Cosine().factors(0, 5, 4).round(3).tolist()
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """

    name: ClassVar[str] = "cosine"
    final: float = 0.0

    def shape(self, progress: Array) -> Array:
        return self.final + (1 - self.final) * 0.5 * (1 + cos(np.pi * progress))


@dataclass(frozen=True)
class OneCycle(Schedule):
    """From `start` up to 1 at `peak` of the training, then down to `final`, both as half a cosine (Smith 2018)

    >>> OneCycle(peak=0.5, start=0.0).factors(0, 5, 4).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    name: ClassVar[str] = "one_cycle"
    peak: float = 0.3
    start: float = 0.04
    final: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.peak < 1:
            raise InputError(f"peak is {self.peak!r}, but must be a share of the training between 0 and 1.")

    def shape(self, progress: Array) -> Array:
        up = 0.5 * (1 - cos(np.pi * np.minimum(progress / self.peak, 1)))
        down = 0.5 * (1 + cos(np.pi * np.maximum((progress - self.peak) / (1 - self.peak), 0)))
        return np.where(progress < self.peak, self.start + (1 - self.start) * up, self.final + (1 - self.final) * down)


SCHEDULES: dict[str, type[Schedule]] = {
    kind.name: kind for kind in (Schedule, InverseScaling, Adaptive, StepDecay, Cosine, OneCycle)
}


def get_schedule(name: str | Schedule, **parameters: Any) -> Schedule:
    """The schedule of that name, with those of the parameters that it has; a `Schedule` is passed through.

    >>> get_schedule("invscaling", power_t=1.0).after_epoch(0.1, 0.1, 9)
    0.01
    """
    if isinstance(name, Schedule):
        return name
    try:
        kind = SCHEDULES[name]
    except (KeyError, TypeError):
        raise unknown_name("schedule", name, SCHEDULES) from None
    known = {f.name for f in fields(kind)}
    return kind(**{key: value for key, value in parameters.items() if key in known})
