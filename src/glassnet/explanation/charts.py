"""Pictures for a page as SVG, without matplotlib: lines, dots and bars between two axes.

Colours are variables of the page (--blue, --orange, --ink, …), so that a picture is dark where the page is.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from glassnet.nn.elementary import Array

WIDTH, HEIGHT = 360, 260  # in pixels of a telephone; a wide page shows them larger
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 22, 38
TICKS = 5
MOST_LETTERS = 18

STYLE = """
.chart{width:100%;height:auto;display:block;font:11px system-ui,sans-serif}
.chart text{fill:var(--ink)}
.chart .axis{stroke:var(--ink);fill:none;opacity:.5}
.chart .grid{stroke:var(--ink);opacity:.12}
.chart .middle{text-anchor:middle}
.chart .end{text-anchor:end}
.chart .line{fill:none;stroke-width:1.6;stroke-linejoin:round}
.chart .faint{opacity:.3;stroke-width:1}
.chart .dashed{stroke:var(--ink);stroke-dasharray:4 3;opacity:.6;fill:none}
.chart .blue{stroke:var(--blue)}.chart .orange{stroke:var(--orange)}.chart .ink{stroke:var(--ink)}
.chart .fill-blue{fill:var(--blue)}.chart .fill-orange{fill:var(--orange)}.chart .fill-ink{fill:var(--ink)}
.chart .light{opacity:.45}
""".strip()


def ticks(low: float, high: float, log: bool = False) -> list[float]:
    """Round numbers between two ends, four or so; of a logarithmic axis 1, 2 and 5 times powers of ten.

    >>> ticks(0, 10), ticks(0.03, 3, log=True)
    ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], [0.1, 1.0])
    """
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for digits in ((1,), (1, 3), (1, 2, 5)):
            found = [d * 10.0**power for power in powers for d in digits]
            found = [tick for tick in found if low <= tick <= high]
            if len(found) > 1:
                return found[:: -(-len(found) // (TICKS + 1))]
        return ticks(low, high)
    rough = (high - low) / TICKS or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough * (1 - 1e-9))
    return [float(i * step) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


class Chart:
    """Two axes, and what is drawn between them.

    Args:
        title: What the picture shows, for those who cannot see it.
        x: The ends of the horizontal axis.
        y: Those of the vertical one.
        x_label: What stands below.
        y_label: What stands above, at the left.
        log: Whether the vertical axis is logarithmic.

    >>> chart = Chart("A line", (0, 1), (0, 2))
    >>> chart.line([0, 1], [0, 2], "blue")
    >>> "M46.0 222.0L348.0 22.0" in chart.svg()
    True
    """

    def __init__(
        self,
        title: str,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        x_label: str = "",
        y_label: str = "",
        log: bool = False,
    ) -> None:
        self.title, self.x, self.y, self.log = title, _apart(*x), _apart(*y), log
        self.parts: list[str] = []
        for tick in ticks(*self.x):
            at = self.across(tick)
            self.parts.append(f'<path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            self.parts.append(f'<text class="middle" x="{at:.1f}" y="{HEIGHT - BOTTOM + 14}">{short(tick)}</text>')
        for tick in ticks(*self.y, log=log):
            at = self.up(tick)
            self.parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
            self.parts.append(f'<text class="end" x="{LEFT - 5}" y="{at + 4:.1f}">{short(tick)}</text>')
        self.parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
        middle = (LEFT + WIDTH - RIGHT) / 2
        self.parts.append(f'<text class="middle" x="{middle}" y="{HEIGHT - 6}">{escape(x_label)}</text>')
        self.parts.append(f'<text x="6" y="11">{escape(y_label)}</text>')

    def across(self, x: float) -> float:
        """Pixels from the left."""
        low, high = self.x
        return LEFT + (WIDTH - LEFT - RIGHT) * (min(max(x, low), high) - low) / (high - low)

    def up(self, y: float) -> float:
        """Pixels from the top."""
        low, high = self.y
        y = min(max(y, low), high)
        if self.log:
            low, high, y = math.log(low), math.log(high), math.log(y)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - low) / (high - low)

    def line(self, x: Sequence[float] | Array, y: Sequence[float] | Array, kind: str) -> None:
        """A line through points."""
        points = (f"{self.across(a):.1f} {self.up(b):.1f}" for a, b in zip(x, y, strict=True))
        self.parts.append(f'<path class="line {kind}" d="M{"L".join(points)}"/>')

    def dots(self, x: Iterable[float], y: Iterable[float], kind: str, radius: float = 2.5) -> None:
        """Dots, faint where they are many."""
        self.parts += [
            f'<circle class="{kind}" cx="{self.across(a):.1f}" cy="{self.up(b):.1f}" r="{radius}"/>'
            for a, b in zip(x, y, strict=True)
        ]

    def span(self, x: float, low: float, high: float, kind: str) -> None:
        """An upright line from one value to another."""
        self.parts.append(
            f'<path class="line {kind}" d="M{self.across(x):.1f} {self.up(low):.1f}V{self.up(high):.1f}"/>'
        )

    def bar(self, x: tuple[float, float], y: float, kind: str) -> None:
        """A bar from the lower axis up."""
        left, right, top = self.across(x[0]), self.across(x[1]), self.up(y)
        size = f'width="{max(right - left, 0.5):.1f}" height="{max(HEIGHT - BOTTOM - top, 0):.1f}"'
        self.parts.append(f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" {size}/>')

    def svg(self) -> str:
        """The picture."""
        return picture(self.title, self.parts, HEIGHT)


def bars(
    title: str, names: Sequence[str], values: Array, ends: tuple[Array, Array] | None = None, *, dots: bool = False
) -> str:
    """A bar, or a dot, to the right for each name, from 0, with the line from its low to its high end over it.

    >>> bars("Two", ["a<b", "c"], np.array([1.0, 2.0])).count("<rect")
    2
    """
    low, high = ends if ends is not None else (values, values)
    smallest, largest = float(np.min(low)), float(np.max(high))
    left, right = _apart(smallest if dots else min(0.0, smallest), largest if dots else max(largest, 0.0))
    room = 0.04 * (right - left)
    left, right = left - room * (dots or left < 0), right + room
    start, row = 128, 22

    def across(value: float) -> float:
        return start + (WIDTH - start - RIGHT) * (value - left) / (right - left)

    parts, bottom = [], 4 + row * len(names)
    for tick in ticks(left, right)[:: 2 if len(ticks(left, right)) > 4 else 1]:
        parts.append(f'<path class="grid" d="M{across(tick):.1f} 4V{bottom}"/>')
        parts.append(f'<text class="middle" x="{across(tick):.1f}" y="{bottom + 14}">{short(tick)}</text>')
    for i, (name, value, a, b) in enumerate(zip(names, values, low, high, strict=True)):
        y = 4 + row * i + row / 2
        parts.append(f'<text class="end" x="{start - 6}" y="{y + 4}">{escape(cut(name))}</text>')
        if dots:
            parts.append(f'<circle class="fill-blue" cx="{across(value):.1f}" cy="{y}" r="4"/>')
        else:
            ends_at = sorted((across(0.0), across(value)))
            size = f'width="{ends_at[1] - ends_at[0]:.1f}" height="12"'
            parts.append(f'<rect class="fill-blue light" x="{ends_at[0]:.1f}" y="{y - 6}" {size}/>')
        if ends is not None:
            kind = "blue" if dots else "ink"
            parts.append(f'<path class="line {kind}" d="M{across(a):.1f} {y}H{across(b):.1f}"/>')
    return picture(title, parts, bottom + 22)


def squares(title: str, counts: Array, names: Sequence[str]) -> str:
    """How often each name of the rows became each of the columns, (k, k): the darker, the larger a part of its row."""
    k = len(names)
    start, size = 110, min((WIDTH - 110 - RIGHT) / k, 46)
    parts = [f'<text class="middle" x="{start + k * size / 2:.1f}" y="12">predicted</text>']
    for i, name in enumerate(names):
        y = TOP + i * size
        parts.append(f'<text class="end" x="{start - 6}" y="{y + size / 2 + 4:.1f}">{escape(cut(name, 16))}</text>')
        for j in range(k):
            part = counts[i, j] / max(counts[i].sum(), 1)
            colour = "blue" if i == j else "orange"
            at = f'x="{start + j * size:.1f}" y="{y:.1f}" width="{size - 1:.1f}" height="{size - 1:.1f}"'
            told = f"<title>{escape(name)}, predicted {escape(names[j])}: {counts[i, j]}</title>"
            parts.append(f'<rect class="fill-{colour}" opacity="{0.06 + 0.6 * part:.2f}" {at}>{told}</rect>')
            if counts[i, j]:
                middle = f'x="{start + (j + 0.5) * size:.1f}" y="{y + size / 2 + 4:.1f}"'
                parts.append(f'<text class="middle" {middle}>{counts[i, j]}</text>')
    bottom = TOP + k * size
    for j, name in enumerate(names):
        at = f"{start + (j + 0.5) * size:.1f} {bottom + 12:.1f}"
        parts.append(f'<text class="end" transform="translate({at}) rotate(-35)">{escape(cut(name, 12))}</text>')
    return picture(title, parts, bottom + 54)


def spark(heights: Array, title: str) -> str:
    """Narrow bars without axes, for the cell of a table."""
    n, top = len(heights), float(heights.max()) or 1.0
    width = min(96 / n, 14)
    parts = [
        f'<rect class="fill-blue" x="{i * width:.1f}" y="{24 - 23 * h / top:.1f}" width="{max(width - 1, 0.5):.1f}" '
        f'height="{23 * h / top + 1:.1f}"/>'
        for i, h in enumerate(heights)
    ]
    named = f'<svg class="spark" viewBox="0 0 96 25" role="img"><title>{escape(title)}</title>'
    return f"{named}{''.join(parts)}</svg>"


def picture(title: str, parts: Iterable[str], height: float) -> str:
    """Parts as a picture of the usual width."""
    named = f'<svg class="chart" viewBox="0 0 {WIDTH} {height:.0f}" role="img"><title>{escape(title)}</title>'
    return f"{named}{''.join(parts)}</svg>"


def short(value: float) -> str:
    """A tick in few letters.

    >>> short(0.30000000000000004), short(20000.0), short(1500000.0)
    ('0.3', '20000', '1.5e6')
    """
    size = abs(value)
    if size and not 1e-3 <= size < 1e5:
        digits, _, power = f"{value:.2g}".partition("e")
        return f"{digits}e{int(power)}" if power else digits
    return f"{value:.6g}"


def cut(name: str, most: int = MOST_LETTERS) -> str:
    """The beginning of a long name."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _apart(low: float, high: float) -> tuple[float, float]:
    """Two ends, never at one place."""
    return (low, high) if high > low else (low - 0.5, low + 0.5)
