"""Linear layers inside a network, folded into their neighbours: a smaller network that says the same."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Explanation, Formula, Heading, Text, Verdict, noted, plain
from glassnet.explanation.subject import Subject
from glassnet.nn import ACTIVATIONS, Network
from glassnet.nn.activations import Activation
from glassnet.nn.elementary import Array
from glassnet.nn.network import Layer

TRIED_ROWS = 1000  # drawn where no rows are given


@dataclass(frozen=True, eq=False, repr=False)
class Simplified(Explanation):
    """A network whose linear layers are folded into their neighbours: what `simplify` gives.

    Attributes:
        network: The smaller network, in the dtype of the first.
        folded: The hidden layers that are gone, counted from 0.
        kept: Linear layers that stay, since without them there would be more weights.
        before: Parameters of the network that came.
        after: Parameters of the smaller one.
        difference: The largest difference of their scores over the rows, both in float64.
        largest: The largest score, |y|, over the rows.
        n_rows: Rows on which the two were compared.
        note: Which network of several it is; or "".
    """

    network: Network
    folded: tuple[int, ...]
    kept: tuple[int, ...]
    before: int
    after: int
    difference: float
    largest: float
    n_rows: int
    original: Network
    note: str = ""

    def page(self) -> tuple[Block, ...]:
        narrow = [
            Text(
                f"Hidden layer {i + 1} is linear too, but narrow: without it there would be more weights, and their "
                f"matrix would have no higher rank. It stays."
            )
            for i in self.kept
        ]
        if not self.folded:
            return (
                Heading("Nothing to fold"),
                *noted(self.note),
                Text("No linear layer can go without more weights."),
                *narrow,
            )
        gone = ", ".join(str(i + 1) for i in self.folded)
        return (
            Heading("Linear layers folded into their neighbours"),
            *noted(self.note),
            Text(
                f"Hidden layer{'s' * (len(self.folded) > 1)} {gone}: where h = xw + b has no function around it, "
                f"hv + c = x(wv) + (bv + c)."
            ),
            Text("Before"),
            Formula(str(self.original)),
            Text("After"),
            Formula(str(self.network)),
            Verdict("good", f"{self.before} parameters became {self.after}."),
            Verdict(
                "good" if self.difference <= 1e-5 * max(self.largest, 1) else "bad",
                f"On {self.n_rows} rows their scores differ by {self.difference:.2g} at the most, where |y| goes up to "
                f"{self.largest:.3g}.",
            ),
            *narrow,
        )

    def to_dict(self) -> dict[str, Any]:
        names = ("folded", "kept", "before", "after", "difference", "largest", "n_rows")
        layers = [{"f": layer.f.name, "w": plain(layer.w), "b": plain(layer.b)} for layer in self.network.layers]
        values = {name: plain(getattr(self, name)) for name in (*names, "note")}
        return {**values, "layers": layers, "u": plain(self.network.skip)}

    def plot(self, ax: Any = None) -> Any:
        ax = axes(ax, figsize=(6, 3))
        for place, network in enumerate((self.original, self.network)):
            sizes = network.architecture.sizes
            ax.plot(range(len(sizes)), sizes, marker="o", label=("before", "after")[place])
        ax.set_xlabel("layer")
        ax.set_ylabel("units")
        ax.legend()
        return ax


def simplify(model: Any, *, rows: Any = None) -> Simplified:
    """Fold linear layers into their neighbours: hv + c = x(wv) + (bv + c) where h = xw + b.

    A hidden layer with the identity goes, unless it is so narrow that the network would have more weights without it.

    Args:
        model: A `Network`, or a fitted estimator.
        rows: Rows on which both networks are compared; None draws some.

    >>> network = Network.create([3, 8, 8, 1], activation=["tanh", "identity"], seed=0)
    >>> small = simplify(network)
    >>> small.network.architecture.sizes, small.before, small.after
    ((3, 8, 1), 113, 41)
    """
    subject = Subject.of(model)
    network = subject.network
    layers, places = [Layer(layer.w, layer.b, layer.f) for layer in network.astype(np.float64).layers], []
    names = list(range(len(layers) - 1))  # of the hidden layers that are left, as they were counted
    while True:
        savings = {i: _saving(layers[i], layers[i + 1]) for i in range(len(layers) - 1) if _is_linear(layers[i].f)}
        best = max(savings, key=lambda i: savings[i], default=-1)
        if best < 0 or savings[best] < 0:
            break
        layers[best : best + 2] = [folded(layers[best], layers[best + 1])]
        places.append(names.pop(best))
    small = Network(layers, network.skip).astype(subject.dtype)
    x, _ = rows_to_compare(subject, rows)
    before, after = (part.astype(np.float64).forward(x.astype(np.float64))[0] for part in (network, small))
    return Simplified(
        network=small,
        folded=tuple(sorted(places)),
        kept=tuple(names[i] for i in savings),
        before=network.parameters.size,
        after=small.parameters.size,
        difference=float(np.abs(before - after).max()),
        largest=float(np.abs(before).max()),
        n_rows=len(x),
        original=network,
        note=subject.note,
    )


def folded(layer: Layer, above: Layer) -> Layer:
    """x → (xw + b)v + c as one layer: wv, bv + c."""
    b = None if layer.b is None else layer.b @ above.w
    if above.b is not None:
        b = above.b if b is None else b + above.b
    return Layer(layer.w @ above.w, b, above.f)


def rows_to_compare(subject: Subject, rows: Any) -> tuple[Array, bool]:
    """Prepared rows on which two networks are compared, and whether they were given."""
    if rows is not None:
        return subject.prepare(rows), True
    drawn = np.random.default_rng(0).normal(size=(TRIED_ROWS, len(subject.feature_names)))
    return drawn.astype(subject.dtype), False


def _saving(layer: Layer, above: Layer) -> int:
    """How many parameters fewer there are when `layer` is folded into the one above it."""
    (d, m), k = layer.w.shape, above.w.shape[1]
    biases = 0 if layer.b is None else m
    return d * m + m * k + biases - d * k - (k if above.b is None and layer.b is not None else 0)


def _is_linear(f: Activation) -> bool:
    return f == ACTIVATIONS["identity"]
