"""PyTorch as it is usually written: modules, autograd, fused Adam, shuffled slices of tensors in memory."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.workloads import Workload, glorot

FRESH = False


def network(layers: list[tuple[np.ndarray, np.ndarray]], activation: str) -> nn.Sequential:
    """A module with these weights."""
    modules: list[nn.Module] = []
    for w, b in layers:
        linear = nn.Linear(*w.shape, dtype=torch.from_numpy(w).dtype)
        linear.weight.data, linear.bias.data = torch.from_numpy(w.T.copy()), torch.from_numpy(b)
        modules += [linear, nn.Tanh() if activation == "tanh" else nn.ReLU()]
    return nn.Sequential(*modules[:-1])


class Ensemble(nn.Module):
    """Networks side by side: each layer one batched product, (K, n, d)(K, d, m)."""

    def __init__(self, sizes: tuple[int, ...], members: int) -> None:
        super().__init__()
        each = [glorot(sizes, seed) for seed in range(members)]
        stacked = [[np.stack([m[i][j] for m in each]) for j in (0, 1)] for i in range(len(sizes) - 1)]
        self.w = nn.ParameterList([torch.from_numpy(w) for w, _ in stacked])
        self.b = nn.ParameterList([torch.from_numpy(b[:, None, :]) for _, b in stacked])

    def forward(self, x: Tensor) -> Tensor:
        h = x.expand(len(self.w[0]), *x.shape)
        for w, b in zip(self.w[:-1], self.b[:-1], strict=True):
            h = torch.relu(torch.baddbmm(b, h, w))
        return torch.baddbmm(self.b[-1], h, self.w[-1])


class Training:
    """Epochs of forward, backward and step."""

    note = "fused Adam"

    def __init__(self, workload: Workload, threads: int) -> None:
        torch.set_num_threads(threads)
        self.x, self.t = map(torch.from_numpy, workload.data())
        self.batch, self.members = workload.batch, workload.members
        if self.members > 1:
            self.model: nn.Module = Ensemble(workload.sizes, self.members)
            self.note = "fused Adam; batched products, one order of the rows for all"
        else:
            self.model = network(glorot(workload.sizes, 0), workload.activation)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=True)

    def __call__(self, epochs: int) -> None:
        for _ in range(epochs):
            order = torch.randperm(len(self.x))
            for rows in order.split(self.batch):
                y = self.model(self.x[rows])
                loss = (y - self.t[rows]).square().sum() / (2 * self.batch)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()


def training(workload: Workload, threads: int) -> Training:
    return Training(workload, threads)


def learning(problem: Any) -> Callable[[int, int, bool], Iterator[np.ndarray]]:
    torch.set_num_threads(1)
    x, x_test = torch.from_numpy(problem.x), torch.from_numpy(problem.x_test)
    t = torch.from_numpy(problem.y)
    distance = nn.CrossEntropyLoss() if problem.classes else nn.MSELoss()

    def run(epochs: int, seed: int, watch: bool) -> Iterator[np.ndarray]:
        torch.manual_seed(seed)
        model = network(glorot(problem.sizes, seed, problem.x.dtype.type), "relu")
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        for epoch in range(1, epochs + 1):
            for rows in torch.randperm(len(x)).split(problem.batch):
                y = model(x[rows])
                loss = distance(y if problem.classes else y[:, 0], t[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            if watch or epoch == epochs:
                with torch.inference_mode():
                    y = model(x_test)
                    yield (y.softmax(1) if problem.classes else y[:, 0]).numpy()

    return run


def predictor(layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> dict[str, Any]:
    torch.set_num_threads(threads)
    model = network(layers, "relu").eval()

    @torch.inference_mode()
    def of_list(row: list[float]) -> Tensor:
        return model(torch.tensor([row]))

    @torch.inference_mode()
    def of_rows(x: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(x)).numpy()

    return {"list": of_list, "array": lambda row: of_rows(row[None, :]), "rows": of_rows, "note": "`inference_mode`"}
