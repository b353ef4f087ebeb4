"""PyTorch, `torch.compile`: forward, backward and Adam on one flat vector of parameters, a single compiled function."""

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from benchmarks.workloads import Workload, glorot

FRESH = False


class Training:
    """A compiled step, called for each minibatch."""

    note = "`torch.compile` of the whole step, flat parameters"

    def __init__(self, workload: Workload, threads: int) -> None:
        torch.set_num_threads(threads)
        self.x, self.t = map(torch.from_numpy, workload.data())
        self.batch, sizes = workload.batch, workload.sizes
        each = [
            np.concatenate([a.ravel() for layer in glorot(sizes, s) for a in layer]) for s in range(workload.members)
        ]
        self.theta = torch.from_numpy(np.stack(each) if workload.members > 1 else each[0])
        self.moments = torch.zeros_like(self.theta), torch.zeros_like(self.theta)
        self.count = torch.zeros(())
        activation = torch.tanh if workload.activation == "tanh" else torch.relu

        def loss(theta: Tensor, x: Tensor, t: Tensor) -> Tensor:
            h, at, last = x, 0, len(sizes) - 2
            for i, (d, m) in enumerate(pairwise(sizes)):
                w, b = theta[at : at + d * m].view(d, m), theta[at + d * m : at + d * m + m]
                h, at = h @ w + b, at + d * m + m
                h = h if i == last else activation(h)
            return (h - t).square().sum() / (2 * len(t))

        gradient = torch.func.grad(loss)
        if workload.members > 1:
            gradient = torch.func.vmap(gradient, in_dims=(0, None, None))
            self.note += "; `vmap`, one order of the rows for all"

        def step(
            theta: Tensor, m: Tensor, v: Tensor, count: Tensor, x: Tensor, t: Tensor, rows: Tensor
        ) -> tuple[Tensor, ...]:
            g = gradient(theta, x[rows], t[rows])
            count = count + 1
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            m_hat, v_hat = m / (1 - 0.9**count), v / (1 - 0.999**count)
            return theta - 0.001 * m_hat / (v_hat.sqrt() + 1e-8), m, v, count

        self.step = torch.compile(step, fullgraph=True, dynamic=False)

    @torch.no_grad()
    def __call__(self, epochs: int) -> None:
        theta, (m, v), count = self.theta, self.moments, self.count
        for _ in range(epochs):
            for rows in torch.randperm(len(self.x)).split(self.batch):
                theta, m, v, count = self.step(theta, m, v, count, self.x, self.t, rows)
        self.theta, self.moments, self.count = theta, (m, v), count


def training(workload: Workload, threads: int) -> Training:
    return Training(workload, threads)
