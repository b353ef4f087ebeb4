"""The learning rate over time.

A schedule looks at a training after every epoch, and where progress stalls it may slow down instead of stopping.
"""

from dataclasses import dataclass
from typing import ClassVar

from glassnet.errors import unknown_name


@dataclass(frozen=True)
class Schedule:
    """η stays as it is."""

    name: ClassVar[str] = "constant"

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


SCHEDULES: dict[str, type[Schedule]] = {kind.name: kind for kind in (Schedule, InverseScaling, Adaptive)}


def get_schedule(name: str | Schedule, **parameters: float) -> Schedule:
    """The schedule of that name.

    >>> get_schedule("invscaling", power_t=1.0).after_epoch(0.1, 0.1, 9)
    0.01
    """
    if isinstance(name, Schedule):
        return name
    try:
        kind = SCHEDULES[name]
    except (KeyError, TypeError):
        raise unknown_name("schedule", name, SCHEDULES) from None
    return kind(**parameters)
