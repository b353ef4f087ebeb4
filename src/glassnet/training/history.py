"""What every epoch measured."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Epoch:
    """One line of a history. Losses and scores are lists with a number for each of the K networks."""

    epoch: int  # counted from 1
    loss: list[float]  # mean over the batches of the epoch, penalty included
    validation_loss: list[float] | None  # without penalty
    score: list[float]  # what was maximised: −loss, or the score on the validation rows
    learning_rate: list[float]
    seconds: float  # since the fit began


@dataclass
class History:
    """All epochs of a fit, and how it ended.

    `stopped_by` is "patience", "max_epochs", "time limit", "interrupt", "callback" or "non-finite loss"; of L-BFGS also
    "converged" or "no progress".
    """

    epochs: list[Epoch] = field(default_factory=list)
    stopped_by: str = ""
    best_epoch: list[int] = field(default_factory=list)  # of each network: of the best score; 0 is the first weights

    def __len__(self) -> int:
        return len(self.epochs)

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    @property
    def loss(self) -> list[float]:
        """Training loss of every epoch, averaged over the networks."""
        return [_mean(epoch.loss) for epoch in self.epochs]

    @property
    def validation_loss(self) -> list[float]:
        """Validation loss of every epoch, averaged over the networks; empty without validation rows."""
        return [_mean(epoch.validation_loss) for epoch in self.epochs if epoch.validation_loss is not None]

    @property
    def best(self) -> Epoch | None:
        """The epoch of the best score, of the first network where there are several; None if no epoch beat the first.

        Its weights were kept where the plan keeps the best.
        """
        number = self.best_epoch[0] if self.best_epoch else 0
        return next((epoch for epoch in self.epochs if epoch.epoch == number), None)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "stopped_by": self.stopped_by,
            "best_epoch": self.best_epoch,
            "epochs": [vars(epoch) for epoch in self.epochs],
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "History":
        """The history that `to_dict` wrote."""
        return cls([Epoch(**epoch) for epoch in content["epochs"]], content["stopped_by"], content["best_epoch"])


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)
