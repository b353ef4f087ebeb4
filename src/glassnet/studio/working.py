"""The rows for training worked through, forward and backward, and one row at which formulas are worked."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glassnet.nn import Network
from glassnet.nn.elementary import Array
from glassnet.nn.network import LayerGradient, LayerTrace
from glassnet.studio.pictures import Pictures
from glassnet.studio.run import EVALUATED, Run


@dataclass(frozen=True, eq=False)
class Worked:
    """All rows for training, forward and backward, and one row at which formulas are worked.

    Attributes:
        trace, gradients, y, dy: Of the rows for training; L is the mean over them, so that dy holds the 1/n.
        place: The row's place among them; None for one that is held out or moved.
        row: Its number among all rows.
        x, t: Of that row, (1, d) and (1, k).
    """

    run: Run
    network: Network
    x_all: Array
    t_all: Array
    y: Array
    trace: list[LayerTrace]
    gradients: list[LayerGradient]
    dy: Array
    row: int
    place: int | None
    x: Array
    t: Array
    moved: bool

    @cached_property
    def _alone(self) -> tuple[list[LayerTrace], list[LayerGradient], Array]:
        y, trace = self.network.forward(self.x)
        dy = self.run.loss.derivative(y, self.t) / self.n
        return trace, self.network.backward(trace, dy), dy

    @property
    def n(self) -> int:
        """Rows for training."""
        return len(self.x_all)

    def _of(self, everywhere: Callable[[], Array], alone: Callable[[], Array]) -> Array:
        return everywhere()[self.place] if self.place is not None else alone()[0]

    def z(self, layer: int) -> Array:
        """z of the row, (m,)."""
        return self._of(lambda: self.trace[layer].z, lambda: self._alone[0][layer].z)

    def h(self, layer: int) -> Array:
        """h of the row, (m,); of layer −1 its features."""
        if layer < 0:
            return self._of(lambda: self.x_all, lambda: self.x)
        return self._of(lambda: self.trace[layer].h, lambda: self._alone[0][layer].h)

    def dz(self, layer: int) -> Array:
        """∂L/∂z of the row, (m,); of the last layer dy."""
        if layer == len(self.trace) - 1:
            return self._of(lambda: self.dy, lambda: self._alone[2])
        return self._of(lambda: self.gradients[layer].dz, lambda: self._alone[1][layer].dz)  # type: ignore[arg-type, return-value]

    def dh(self, layer: int) -> Array:
        """∂L/∂h of the row, (m,), of a hidden layer."""
        return self._of(lambda: self.gradients[layer + 1].dx, lambda: self._alone[1][layer + 1].dx)  # type: ignore[arg-type, return-value]

    def slope(self, layer: int) -> Array:
        """f′(z) of the row, (m,)."""
        z = self.z(layer)[None]
        return self.network.layers[layer].f.derivative(z, self.h(layer)[None])[0]

    def share(self, layer: int, i: int | str, j: int) -> float:
        """This row's part of ∂L/∂w."""
        return float((1.0 if i == "b" else self.h(layer - 1)[int(i)]) * self.dz(layer)[j])

    def shares(self, layer: int, i: int | str, j: int) -> Array:
        """Of every row for training, (n,)."""
        dz = self.dy if layer == len(self.trace) - 1 else self.gradients[layer].dz
        assert dz is not None
        return dz[:, j] * (1.0 if i == "b" else self.trace[layer].x[:, int(i)])

    def gradient(self, layer: int, i: int | str, j: int) -> float:
        """∂L/∂w of one parameter."""
        gradient = self.gradients[layer]
        if i == "b":
            assert gradient.db is not None
            return float(gradient.db[j])
        return float(gradient.dw[int(i), j])


def work(run: Run, pictures: Pictures) -> Worked:
    """The rows worked through; formulas at the chosen row, or else at the first for training."""
    look, network = pictures.look, run.network
    rows = run.training_rows[:EVALUATED]
    x, t = run.x[rows], run.t[rows]
    with np.errstate(all="ignore"):
        y, trace = network.forward(x)
        dy = run.loss.derivative(y, t)
        gradients = network.backward(trace, dy)
    row = int(rows[0]) if look.row is None else look.row
    moved = look.at is not None and look.row is not None
    found = np.flatnonzero(rows == row)
    place = int(found[0]) if len(found) and not moved else None
    x_row = pictures.canvas.at(run, look, row) if moved else run.x[row : row + 1]
    return Worked(run, network, x, t, y, trace, gradients, dy, row, place, x_row, run.t[row : row + 1], moved)
