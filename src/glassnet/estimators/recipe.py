"""How a network for a table is trained where nobody says otherwise: its size, rates, batches, epochs and helpers.

It began as the recipe of RealMLP-TD (Holzmüller, Grinsztajn and Steinwart 2024, Better by Default, section 3), reduced
to what proved its worth on small tables.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassnet.nn import AdamW, Architecture, Cosine, Loss, Spec
from glassnet.training import Report

LAYERS, WIDTH = 3, 96  # hidden layers, and the units of each
WIDE, MANY_FEATURES = 128, 64  # units, where x has more features than that
FULL_BATCH = 256  # for which the rates are; a smaller batch goes with a rate smaller by the root of the ratio
BATCHES = ((500, 32), (1000, 64), (3000, 128))  # rows below which a batch is that small, so that an epoch has steps
RATE, RATES = 0.04, {"squared_error": 0.1}  # of every loss, and of those that learn better by another
NARROW = 32  # units; in a layer of fewer each one counts: none is dropped, and its bias may go where it must
BIAS_RATE = 0.1  # of the rate of the weights
BETAS = (0.9, 0.95)
MOST_STEPS = 8_000  # of a training: a large table needs fewer epochs
FEWEST_EPOCHS = 16
MOST_TIMES = 4  # as many epochs, of a table so small that an epoch has hardly a step
MANY_ROWS = 20_000
PATIENCE, LEAST_PATIENCE = 0.2, 8  # of the epochs


@dataclass(frozen=True)
class Quality:
    """What `quality` stands for: networks of each view of the columns, epochs, and least steps."""

    networks: int
    epochs: int
    steps: int


QUALITIES = {"fast": Quality(1, 64, 512), "default": Quality(4, 128, 1024), "best": Quality(10, 192, 1536)}


@dataclass(frozen=True)
class Recipe:
    """How each network is trained.

    Attributes:
        hidden: Units of the hidden layers.
        activation: A name for all of them, or one each.
        rate: The base rate η.
        by_fan_in: Whether it is that of a batch of FULL_BATCH, of which the weights of a layer of fan-in d have η/√d
            and the biases BIAS_RATE · η; else it is the rate of every weight, as it stands.
        dropout: Share of the hidden units left out at first.
        weight_decay: λ of AdamW at first.
        batch_size: Rows of a minibatch.
        epochs: At the most.
        patience: Epochs without a better score or a lower loss before it ends.
    """

    hidden: tuple[int, ...]
    activation: str | tuple[str, ...]
    rate: float
    by_fan_in: bool
    dropout: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: float

    def shares(self, left: float) -> tuple[float, ...]:
        """Dropout of each hidden layer, when `left` of it is left: none of a layer so narrow that each unit counts."""
        return tuple(self.dropout * left if units >= NARROW else 0.0 for units in self.hidden)

    def spec(self, d: int, k: int, loss: Loss) -> Spec:
        """For d features and k outputs: AdamW, rates by fan-in, a cosine to 0, first weights after He."""
        sizes = [d, *self.hidden, k]
        activation: Any = self.activation if isinstance(self.activation, str) else list(self.activation)
        rate = self.rate
        rates: tuple[tuple[float, float], ...] = ()
        if self.by_fan_in:
            rate *= np.sqrt(min(self.batch_size / FULL_BATCH, 1.0))
            rates = tuple(
                (1 / np.sqrt(fan_in), BIAS_RATE if units >= NARROW else 1.0)
                for fan_in, units in zip(sizes[:-1], [*self.hidden, NARROW], strict=True)
            )
        return Spec(
            architecture=Architecture.create(sizes, activation),
            loss=loss,
            optimizer=AdamW(rate, beta_1=BETAS[0], beta_2=BETAS[1], weight_decay=self.weight_decay),
            schedule=Cosine(),
            dropout=self.shares(1.0),
            rates=rates,
            batch_size=self.batch_size,
            init="he",
            dtype=np.float32,
        )


def hidden(d: int) -> list[int]:
    """Units of the hidden layers for d features: a narrower network is as good on few of them, and takes less time."""
    return [WIDE if d > MANY_FEATURES else WIDTH] * LAYERS


def networks(n: int, quality: Quality) -> int:
    """How many: those of a large table differ less, and half of them are enough."""
    return max(quality.networks * (2 if n < MANY_ROWS else 1), 2)


def batch_size(n: int) -> int:
    """Rows of a minibatch of a table of n: small for small tables."""
    return min(n, next((size for rows, size in BATCHES if n < rows), FULL_BATCH))


def epochs(n: int, batch: int, quality: Quality) -> int:
    """Enough for a small table to have its steps, not more than a large one needs."""
    steps = -(-n // batch)
    wanted = min(max(quality.epochs, -(-quality.steps // steps)), MOST_TIMES * quality.epochs)
    return max(min(wanted, MOST_STEPS // steps), FEWEST_EPOCHS)


class Fade:
    """A callback: dropout and weight decay fall with the rate, as a half cosine; ends a training that stands still.

    That is one without a better score and without a lower validation loss for more than `patience` epochs: where
    errors are counted, the loss still tells of progress between two of them.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.least = np.inf
        self.best = -np.inf
        self.last = 0  # the epoch of the latest progress
        self.seen = 0  # epochs of the history

    def __call__(self, report: Report) -> bool:
        """After an epoch."""
        epoch, state = report.epoch, report.state
        state.spec = self.spec_after(state.spec, epoch.epoch, report.max_epochs)
        state.weight_decay[:] = self.recipe.weight_decay * self._left(epoch.epoch, report.max_epochs)
        if epoch.validation_loss is None:
            return False
        # All that have not been seen: of a training that goes on from a checkpoint there are several at first.
        for one in report.history.epochs[self.seen :]:
            loss, score = one.validation_loss[0] if one.validation_loss else np.inf, one.score[0]
            if loss < self.least or score > self.best:
                self.last = one.epoch
            self.least, self.best = min(self.least, loss), max(self.best, score)
        self.seen = len(report.history)
        return epoch.epoch - self.last > self.recipe.patience

    def spec_after(self, spec: Spec, epoch: int, epochs: int) -> Spec:
        """What is left of dropout after so many of the epochs."""
        return replace(spec, dropout=self.recipe.shares(self._left(epoch, epochs)))

    def _left(self, epoch: int, epochs: int) -> float:
        return float(0.5 * (1 + np.cos(np.pi * min(epoch / epochs, 1.0))))
