"""A network as a graph: units as circles, weights on the edges between them; as SVG and as Mermaid's text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.nn.network import Network

MOST_UNITS = 8  # of a layer; of a larger one some, and how many are left out
SHOWN_UNITS = 6
MOST_LABELS = 12  # of the edges between two layers; where there are more, colour, width and a tooltip tell the weight
RADIUS, GAP, MARGIN = 22, 78, 30
STYLE = (
    ".glassnet-diagram{color:#1f2328;--paper:#fff;font:12px system-ui,sans-serif;max-width:100%;height:auto}"
    "@media (prefers-color-scheme:dark){.glassnet-diagram{color:#e6edf3;--paper:#0d1117}}"
    ".glassnet-diagram .paper{fill:var(--paper)}"
    ".glassnet-diagram circle{fill:var(--paper);stroke:currentColor;stroke-width:1.5}"
    ".glassnet-diagram text{fill:currentColor;text-anchor:middle}"
    ".glassnet-diagram .weight{font-size:11px;paint-order:stroke;stroke:var(--paper);stroke-width:4px}"
    ".glassnet-diagram .aside{font-size:10px;opacity:.75}"
    ".glassnet-diagram path{fill:none}"
    ".glassnet-diagram .up{stroke:#2f6fde}.glassnet-diagram .down{stroke:#d9622b}"
)


class Node(NamedTuple):
    """A circle: its name, its bias, and where it stands."""

    name: str
    bias: float | None
    x: float
    y: float


class Edge(NamedTuple):
    """An arrow from unit i of one layer to unit j of another, which are numbered with the inputs as 0."""

    start: tuple[int, int]
    end: tuple[int, int]
    weight: float


@dataclass(frozen=True, eq=False)
class Diagram:
    """A network drawn: `svg` and `mermaid` are texts, a notebook shows the first, `print` the second.

    Args:
        network: What is drawn, as it stands when the diagram is made into text.
        inputs: Names of the features; else x1, x2, ….
        outputs: Names of the outputs; else y, or y1, y2, ….

    >>> from glassnet.nn.network import Network
    >>> diagram = Diagram(Network.create([1, 1, 1], activation="tanh", bias=False, seed=0))
    >>> print(diagram)
    graph LR
        n0_0(("x1"))
        n1_0(("h1"))
        n2_0(("y"))
        n0_0 -->|"1.646"| n1_0
        n1_0 -->|"-0.5202"| n2_0
    >>> diagram.svg[:4]
    '<svg'
    """

    network: "Network"
    inputs: Sequence[str] | None = None
    outputs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        sizes = self.network.architecture.sizes
        for names, what, size in ((self.inputs, "inputs", sizes[0]), (self.outputs, "outputs", sizes[-1])):
            if names is not None and len(names) != size:
                raise InputError(f"{len(names)} names of {what} were given, but the network has {size}.")

    @cached_property
    def nodes(self) -> list[dict[int, Node]]:
        """The units that are shown, by number, layer by layer, the inputs first."""
        sizes, layers = self.network.architecture.sizes, self.network.layers
        tallest = max(min(size, MOST_UNITS) for size in sizes)
        columns, x = [], MARGIN + RADIUS + 20.0
        for k, size in enumerate(sizes):
            shown = range(size if size <= MOST_UNITS else SHOWN_UNITS)
            rows = len(shown) + (size > MOST_UNITS)
            top = MARGIN + RADIUS + 20 + (tallest - rows) * GAP / 2
            b = layers[k - 1].b if k else None
            columns.append(
                {j: Node(self._name(k, j), None if b is None else float(b[j]) + 0.0, x, top + j * GAP) for j in shown}
            )
            x += 170 + 40 * min(len(shown), 6)
        return columns

    @cached_property
    def edges(self) -> list[Edge]:
        """The weights between them; those of the skip path last."""
        edges = [  # + 0.0, for a weight of −0 is 0
            Edge((k, i), (k + 1, j), float(layer.w[i, j]) + 0.0)
            for k, layer in enumerate(self.network.layers)
            for i in self.nodes[k]
            for j in self.nodes[k + 1]
        ]
        skip, last = self.network.skip, len(self.nodes) - 1
        if skip is not None:
            edges += [Edge((0, i), (last, j), float(skip[i, j]) + 0.0) for i in self.nodes[0] for j in self.nodes[last]]
        return edges

    def _name(self, k: int, j: int) -> str:
        sizes = self.network.architecture.sizes
        if k == 0:
            return f"x{j + 1}" if self.inputs is None else str(self.inputs[j])
        if k == len(sizes) - 1:
            return ("y" if sizes[-1] == 1 else f"y{j + 1}") if self.outputs is None else str(self.outputs[j])
        return f"h{j + 1}" if len(sizes) == 3 else f"h{k}.{j + 1}"

    def _hidden(self, k: int) -> int:
        """How many units of a layer are left out."""
        return self.network.architecture.sizes[k] - len(self.nodes[k])

    def _headings(self) -> list[str]:
        fs = [layer.f.name for layer in self.network.layers[:-1]]
        return ["x", *(f"h = {f}(z)" if len(fs) == 1 else f"h{k + 1} = {f}(z{k + 1})" for k, f in enumerate(fs)), "y"]

    @property
    def mermaid(self) -> str:
        """The graph as the chapter writes it; biases stand below the names of their units."""
        lines = ["graph LR"]
        for k, column in enumerate(self.nodes):
            for j, node in column.items():
                bias = "" if node.bias is None else f"<br/>{node.bias:+.3g}"
                lines.append(f'    n{k}_{j}(("{_quoted(node.name)}{bias}"))')
            if self._hidden(k):
                lines.append(f'    n{k}_more["… {self._hidden(k)} more"]')
        for (k, i), (m, j), weight in self.edges:
            lines.append(f'    n{k}_{i} -->|"{weight:.4g}"| n{m}_{j}')
        return "\n".join(lines)

    @property
    def svg(self) -> str:
        """The drawing: blue edges add, orange ones subtract, the wider the larger the weight."""
        width = max(node.x for column in self.nodes for node in column.values()) + RADIUS + MARGIN + 20
        bottom = max(
            node.y + (GAP if self._hidden(k) else 0) for k, column in enumerate(self.nodes) for node in column.values()
        )
        skips = self.network.skip is not None
        height = bottom + RADIUS + MARGIN + (90 if skips else 10)
        size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
        sizes = " – ".join(map(str, self.network.architecture.sizes))
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="glassnet-diagram" role="img" {size}>',
            f"<title>A network of {sizes} units</title><style>{STYLE}</style>",
            f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
            *self._draw_edges(bottom),
            *self._draw_nodes(),
        ]
        return "\n".join([*parts, "</svg>"])

    def _draw_edges(self, bottom: float) -> Iterator[str]:
        widest = max(abs(edge.weight) for edge in self.edges) or 1.0
        labels = []
        for edge in self.edges:
            (k, i), (m, j), weight = edge
            start, end = self.nodes[k][i], self.nodes[m][j]
            few = len(self.nodes[k]) * len(self.nodes[m]) <= MOST_LABELS
            line = f"M{start.x + RADIUS:.1f} {start.y:.1f}L{end.x - RADIUS:.1f} {end.y:.1f}"
            # Labels of one source stand at one place along its edges, so that those of two sources do not meet.
            along = 0.25 + 0.5 * (i + 0.5) / len(self.nodes[k])
            if m - k > 1:
                middle = bottom + RADIUS + 90 + 10 * i
                line = f"M{start.x:.1f} {start.y + RADIUS:.1f}C{start.x:.1f} {middle:.1f} {end.x:.1f} {middle:.1f} "
                line += f"{end.x:.1f} {end.y + RADIUS:.1f}"
            told = escape(f"{start.name} → {end.name}: {weight:.6g}")
            kind, stroke = "up" if weight >= 0 else "down", 0.6 + 2.4 * abs(weight) / widest
            yield f'<path class="{kind}" stroke-width="{stroke:.2f}" d="{line}"><title>{told}</title></path>'
            if few and m - k == 1:
                x = start.x + RADIUS + (end.x - start.x - 2 * RADIUS) * along
                y = start.y + (end.y - start.y) * along + 4
                labels.append(f'<text class="weight" x="{x:.1f}" y="{y:.1f}">{weight:.3g}</text>')
        yield from labels

    def _draw_nodes(self) -> Iterator[str]:
        for k, (column, heading) in enumerate(zip(self.nodes, self._headings(), strict=True)):
            x = column[0].x
            yield f'<text class="aside" x="{x:.1f}" y="{MARGIN - 12}">{escape(heading)}</text>'
            for node in column.values():
                name = node.name if len(node.name) <= 6 else f"{node.name[:5]}…"
                yield (
                    f'<g><title>{escape(node.name)}</title><circle cx="{node.x:.1f}" cy="{node.y:.1f}" r="{RADIUS}"/>'
                    f'<text x="{node.x:.1f}" y="{node.y + 4:.1f}">{escape(name)}</text></g>'
                )
                if node.bias is not None:
                    letter = "c" if k == len(self.nodes) - 1 else "b"
                    below = node.y + RADIUS + 13
                    yield f'<text class="aside" x="{node.x:.1f}" y="{below:.1f}">{letter} = {node.bias:.3g}</text>'
            if self._hidden(k):
                y = max(node.y for node in column.values()) + GAP
                yield f'<text x="{x:.1f}" y="{y:.1f}">… {self._hidden(k)} more</text>'

    def _repr_html_(self) -> str:
        return self.svg

    def __str__(self) -> str:
        return self.mermaid


def _quoted(text: str) -> str:
    """A label between Mermaid's quotation marks."""
    for sign, code in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("`", "#96;")):
        text = text.replace(sign, code)
    return text
