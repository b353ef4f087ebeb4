"""What is trained: layers, activation, batch, rows; and the arithmetic in a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Workload:
    """A network and its minibatches: Adam, squared error, float32, shuffled, whole batches only.

    >>> w = Workload("example", (10, 64, 64, 1), "relu", batch=32, rows=9_984)
    >>> w.steps, w.parameters
    (312, 4929)
    """

    name: str
    sizes: tuple[int, ...]
    activation: str
    batch: int
    rows: int
    members: int = 1

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return self.rows // self.batch

    @property
    def parameters(self) -> int:
        """Weights and biases of one network."""
        return sum((d + 1) * m for d, m in pairwise(self.sizes))

    @property
    def flops(self) -> int:
        """Of a step: 2·n·Σ d·m for each of y = xw, dw and, but for the first layer, dh; times the networks."""
        products = [d * m for d, m in pairwise(self.sizes)]
        return 2 * self.batch * (3 * sum(products) - products[0]) * self.members

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """x (n, d) and t (n, k), smooth functions of random rows."""
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.rows, self.sizes[0]), dtype=np.float32)
        mix = rng.standard_normal((self.sizes[0], self.sizes[-1]), dtype=np.float32) / np.sqrt(self.sizes[0])
        return x, np.sin(2 * (x @ mix)).astype(np.float32)

    def __str__(self) -> str:
        layers = "-".join(map(str, self.sizes))
        many = f", {self.members} networks" if self.members > 1 else ""
        return f"{layers} {self.activation}, batch {self.batch}{many}"


# Rows are whole batches, so that no side pays for a ragged one.
WORKLOADS = {
    w.name: w
    for w in (
        Workload("w1", (2, 8, 1), "tanh", 10, 10_000),
        Workload("w2", (10, 64, 64, 1), "relu", 32, 9_984),
        Workload("w2b", (10, 64, 64, 1), "relu", 256, 19_968),
        Workload("w3", (64, 128, 10), "relu", 64, 9_984),
        Workload("w4", (784, 512, 512, 10), "relu", 128, 19_968),
        Workload("w5", (10, 64, 64, 1), "relu", 32, 9_984, members=16),
    )
}


def glorot(sizes: Sequence[int], seed: int, dtype: type = np.float32) -> list[tuple[np.ndarray, np.ndarray]]:
    """First weights and biases of each layer, as scikit-learn and glassnet draw them: U(±√(6 / (d + m)))."""
    rng = np.random.default_rng(seed)
    bounds = [(d, m, np.sqrt(6 / (d + m))) for d, m in pairwise(sizes)]
    return [(rng.uniform(-a, a, (d, m)).astype(dtype), rng.uniform(-a, a, m).astype(dtype)) for d, m, a in bounds]
