"""One step of an optimizer, number by number."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.explanation.derivation import rows_and_targets
from glassnet.explanation.derivation_page import formula_of
from glassnet.explanation.drawing import axes
from glassnet.explanation.page import (
    Block,
    Explanation,
    Formula,
    Heading,
    Matrix,
    Table,
    Text,
    Verdict,
    noted,
    number,
    plain,
)
from glassnet.explanation.paths import check_weight, weight_name
from glassnet.explanation.subject import Subject
from glassnet.nn import SGD, Adam, Loss, Network
from glassnet.nn.elementary import Array
from glassnet.nn.optimizers import Optimizer, get_optimizer


@dataclass(frozen=True, eq=False, repr=False)
class Change:
    """What the step did to one array.

    Attributes:
        name: "w", "b", …, as the formulas call it.
        rows: Names of its rows; None of a bias.
        columns: Names of its columns.
        before, gradient, after: Of the array's shape.
    """

    name: str
    rows: tuple[str, ...] | None
    columns: tuple[str, ...]
    before: Array
    gradient: Array
    after: Array

    @property
    def update(self) -> Array:
        """after − before."""
        return self.after - self.before


@dataclass(frozen=True, eq=False, repr=False)
class Step(Explanation):
    """What `step` found; `print` shows it as a page.

    Attributes:
        subject: The network before the step, with its names.
        optimizer: With its moments after the step.
        changes: One for each w, b and u, first layer first.
        loss_before, loss_after: L of these rows.
        network: The network after the step; the model's own is as it was.
        weight: The one weight that was asked for, or None.
    """

    subject: Subject
    optimizer: Optimizer
    changes: tuple[Change, ...]
    loss_before: float
    loss_after: float
    network: Network
    weight: tuple[int, int | str, int] | None = None

    @property
    def promised(self) -> float:
        """Σ gradient · update: by how much L would change, were it straight."""
        return float(sum((change.gradient.astype(np.float64) * change.update).sum() for change in self.changes))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; "changes" has before, gradient, update and after of every array."""
        return plain(
            {
                "optimizer": self.optimizer.name,
                "learning_rate": self.optimizer.learning_rate,
                "loss_name": self.subject.loss.name,
                "loss_before": self.loss_before,
                "loss_after": self.loss_after,
                "promised_change": self.promised,
                "changes": [
                    {key: getattr(change, key) for key in ("name", "before", "gradient", "update", "after")}
                    for change in self.changes
                ],
                "moments": dict(zip(self.optimizer.moment_names, self.optimizer.moments, strict=True))
                if self.optimizer.moments is not None
                else {},
                "weight": None if self.weight is None else self._of_weight(),
                "note": self.subject.note,
            }
        )

    def page(self) -> Sequence[Block]:
        """The rule, every array before and after, the loss."""
        optimizer = self.optimizer
        plainly = isinstance(optimizer, SGD) and not optimizer.momentum
        start = "its moments start at 0" if optimizer.steps == 1 else f"it is its step {optimizer.steps}"
        blocks: list[Block] = [
            Heading(f"One step of {optimizer.name}"),
            *noted(self.subject.note),
            Formula("θ ← θ − ηg" if plainly else formula_of(optimizer)),
            Text(
                f"Learning rate {optimizer.learning_rate:g}; g is dL/dθ of these rows, without the penalty on weights"
                + ("." if plainly else f"; {start}.")
            ),
        ]
        for change in self.changes:
            blocks += [
                Matrix(f"{change.name} before", change.before, change.rows, change.columns),
                Matrix(f"dL/d{change.name}", change.gradient, change.rows, change.columns),
                Matrix("update", change.update, change.rows, change.columns),
                Matrix(f"{change.name} after", change.after, change.rows, change.columns),
            ]
        if self.weight is not None:
            found = self._of_weight()
            blocks += [
                Heading(f"{found['name']} alone"),
                Table(("before", "gradient", "update", "after"), [[float(found[k]) for k in WEIGHT_KEYS]]),
            ]
        fell = self.loss_after < self.loss_before
        return [
            *blocks,
            Heading("The loss of these rows"),
            Formula(f"L before = {number(self.loss_before, 6)}\nL after  = {number(self.loss_after, 6)}"),
            Verdict(
                "good" if fell else "bad",
                f"L {'fell' if fell else 'did not fall'}: it changed by "
                f"{number(self.loss_after - self.loss_before)}, where its slope alone promised {number(self.promised)}."
                + ("" if fell else " A smaller learning rate keeps to the slope."),
            ),
        ]

    def _of_weight(self) -> dict[str, Any]:
        assert self.weight is not None
        layer, i, j = self.weight
        letters = "u" if layer == len(self.network.layers) else self.subject.letters(layer)
        wanted = letters if isinstance(letters, str) else letters.b if i == "b" else letters.w
        change = next(change for change in self.changes if change.name == wanted)
        place = (j,) if i == "b" else (i, j)
        return {
            "weight": list(self.weight),
            "name": weight_name(self.subject, self.weight),
            **{key: getattr(change, key)[place] for key in WEIGHT_KEYS},
        }

    def plot(self, ax: Any = None) -> Any:
        """Every update against its gradient."""
        ax = axes(ax, figsize=(5, 4))
        for change in self.changes:
            ax.plot(change.gradient.ravel(), change.update.ravel(), "o", markersize=4, alpha=0.7, label=change.name)
        ax.axhline(0, color="grey", linewidth=0.8, zorder=0)
        ax.axvline(0, color="grey", linewidth=0.8, zorder=0)
        ax.set(xlabel="gradient", ylabel="update", title=f"One step of {self.optimizer.name}")
        ax.legend()
        return ax


WEIGHT_KEYS = ("before", "gradient", "update", "after")


def step(
    model: Any,
    row: Any,
    target: Any = None,
    *,
    optimizer: str | Optimizer | None = None,
    learning_rate: float | None = None,
    loss: str | Loss | None = None,
    weight: Sequence[Any] | None = None,
    dtype: Any = None,
) -> Step:
    """One step of an optimizer on these rows: each weight before, its gradient, its update, and after; L before, after.

    The model stays as it is: the step is taken by a copy. Penalties on weights are left out.

    Args:
        model: A `glassnet.nn.Network` or a fitted `MLP*` or `Table*` estimator.
        row: One row, or the rows of a minibatch.
        target: The target of each row.
        optimizer: A name, or a `glassnet.nn.Optimizer`, whose moments go on in a copy. None is the estimator's own,
            from its first step, of a table model plain Adam at a rate that stands for its recipe; of a bare network,
            and of solvers that take no such steps, plain gradient descent, θ ← θ − ηg.
        learning_rate: η; None is the optimizer's own.
        loss: Another loss than the fitted one; of a bare network, None is the squared error.
        weight: (layer, i, j), counted from 0, to be shown alone.
        dtype: np.float64 works in that precision; None in the network's own.

    Raises:
        InputError: As `derive`; UnknownNameError: an optimizer that does not exist.

    >>> from glassnet.nn import Network
    >>> network = Network.create([2, 3, 1], activation="tanh", seed=0)
    >>> taken = step(network, [1.0, 2.0], 0.5, learning_rate=0.01)
    >>> taken.loss_after < taken.loss_before
    True
    """
    subject = Subject.of(model, loss=loss, dtype=dtype)
    _, x, t = rows_and_targets(subject, row, target)
    asked = None if weight is None else check_weight(subject, weight)
    before, used = subject.network, subject.loss
    taker = _taker(subject, optimizer)
    if learning_rate is not None:
        taker.learning_rate = float(learning_rate)
    after = Network.from_parameters(before.architecture, before.parameters)
    y, traces = subject.trace(x)
    gradients = before.backward(traces, used.derivative(y, t).astype(y.dtype, copy=False), input_gradient=False)
    taker.step(after, gradients)
    changes: list[Change] = []
    for i, (old, new, gradient) in enumerate(zip(before.layers, after.layers, gradients, strict=True)):
        letters, units = subject.letters(i), subject.unit_names(i)
        changes.append(Change(letters.w, subject.input_names(i), units, old.w.copy(), gradient.dw, new.w))
        if old.b is not None and new.b is not None and gradient.db is not None:
            changes.append(Change(letters.b, None, units, old.b.copy(), gradient.db, new.b))
    du = gradients[-1].du
    if before.skip is not None and after.skip is not None and du is not None:
        names = subject.feature_names, subject.output_names
        changes.append(Change("u", *names, before.skip.copy(), du, after.skip))
    moved, _ = subject.engine.trace(after, x)
    return Step(subject, taker, tuple(changes), used(y, t), used(moved, t), after, asked)


def _taker(subject: Subject, optimizer: str | Optimizer | None) -> Optimizer:
    """What takes the step; its own moments, so that nobody else's change."""
    if optimizer is not None:
        return deepcopy(get_optimizer(optimizer))
    model = subject.model
    if subject.is_table:
        return Adam(model._rate())
    if model is None or model.solver in ("lbfgs", "lm"):
        return SGD(learning_rate=0.1, momentum=0.0, nesterov=False)
    return deepcopy(model._optimizer())
