"""Tables, notes and progress on the terminal: the one door for rich."""

import json
import math
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.style import Style
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from glassnet.cli.picture import Regions
    from glassnet.training import Report

WIDTH_IN_FILES = 100  # of a report that goes to a file or a pipe
COLOURS = (
    (70, 130, 240),
    (240, 120, 40),
    (60, 170, 90),
    (200, 80, 200),
    (220, 190, 40),
    (60, 190, 200),
    (230, 90, 110),
)
SHADES, MARKS = " ░▒▓:-=+", "ox*#@%&$"  # regions and points where there are no colours


def stdout() -> Console:
    """Where reports go."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a report is not worth a crash where a terminal lacks a letter
    return _console(sys.stdout)


def stderr() -> Console:
    """Where progress, notes and errors go."""
    return _console(sys.stderr)


def _console(stream: Any) -> Console:
    """A console that leaves text as it is, and lines long where nobody watches."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in console._environ:
        console.width = WIDTH_IN_FILES
    return console


def complain(message: str, advice: str = "", title: str = "Error: ") -> None:
    """One message on standard error."""
    console = stderr()
    text = Text.assemble((title, "bold red"), message, f"\n{advice}" if advice else "")
    console.print(text, soft_wrap=not console.is_terminal)


def tell(text: str) -> None:
    """A line on standard error."""
    console = stderr()
    console.print(text, soft_wrap=not console.is_terminal)


def show_notes(notes: Iterable[str]) -> None:
    """What deserves a look, on standard error."""
    console = stderr()
    for note in notes:
        console.print(Text.assemble(("Note: ", "bold yellow"), note), soft_wrap=not console.is_terminal)


def print_json(content: Any) -> None:
    """One object in strict JSON, which knows no NaN: it becomes null."""
    sys.stdout.write(json.dumps(_strict(content), allow_nan=False, ensure_ascii=False, indent=2) + "\n")


def _strict(content: Any) -> Any:
    """The content with plain Python numbers, finite or None."""
    if isinstance(content, dict):
        return {str(key): _strict(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_strict(value) for value in content]
    if hasattr(content, "tolist"):
        return _strict(content.tolist())
    return None if isinstance(content, float) and not math.isfinite(content) else content


def heading(text: str) -> None:
    """A heading of a report."""
    stdout().print(Text(f"\n{text}", "bold"))


def line(text: str, style: str = "") -> None:
    """A line of a report; nothing in it is wrapped in the midst of a path."""
    stdout().print(Text(text, style), soft_wrap=True)


def paragraph(text: str) -> None:
    """A paragraph of a report, wrapped at words."""
    stdout().print(Text(text))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> None:
    """A table of a report; columns in `numbers` stand flush right."""
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for i, header in enumerate(headers):
        grid.add_column(header, justify="right" if i in numbers else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    stdout().print(grid)


def regions(picture: "Regions") -> None:
    """A map of what a model says of the plane, its points on it; two pixels a character where there are colours."""
    console = stdout()
    coloured = console.color_system is not None and not console.no_color
    for top in range(0, picture.height, 2):
        text = Text("  ")
        for column in range(picture.width):
            if coloured:
                upper, lower = (_colour(picture, row, column) for row in (top, top + 1))
                text.append("▀", Style(color=upper, bgcolor=lower))
            else:
                text.append(_mark(picture, top, column))
        console.print(text, no_wrap=True, crop=True)
    legend = Text("  ")
    for code, name in enumerate(picture.classes):
        red, green, blue = COLOURS[code % len(COLOURS)]
        legend.append("●" if coloured else MARKS[code % len(MARKS)], f"rgb({red},{green},{blue})")
        legend.append(f" {name}   " if coloured else f" {name} on '{SHADES[code % len(SHADES)]}'   ")
    console.print(legend)


def _colour(picture: "Regions", row: int, column: int) -> str:
    """A point in its full colour; a region in a dark one, the darker the less the model is sure."""
    point = picture.points[row, column]
    code = picture.codes[row, column] if point < 0 else point
    # From one in k, which is no knowledge at all, up to 1.
    sure = (picture.sure[row, column] * len(picture.classes) - 1) / (len(picture.classes) - 1)
    strength = 1.0 if point >= 0 else 0.1 + 0.35 * sure
    red, green, blue = (round(strength * part) for part in COLOURS[code % len(COLOURS)])
    return f"rgb({red},{green},{blue})"


def _mark(picture: "Regions", top: int, column: int) -> str:
    """A point's letter, or the shade of its region, of two pixels one above the other."""
    points = [int(code) for code in picture.points[top : top + 2, column] if code >= 0]
    return MARKS[points[0] % len(MARKS)] if points else SHADES[picture.codes[top, column] % len(SHADES)]


class TrainingProgress:
    """A line that follows the training of one or several networks, where somebody watches; a callback of the trainer.

    The bar is over the epochs of all networks. Each thread trains one network after the other, so that one is done when
    its thread tells of another.
    """

    def __init__(
        self, title: str, *, wanted: bool, time_limit_seconds: float | None = None, metric: str | None = None
    ) -> None:
        console = stderr()
        self._limit, self._metric = time_limit_seconds, metric
        self._task: TaskID | None = None
        self._began = 0.0
        self._epochs: dict[int, int] = {}  # of each network so far
        self._now: dict[int, int] = {}  # which network each thread trains
        self._progress = Progress(
            TextColumn(title),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[told]}"),
            console=console,
            transient=True,
            disable=not (wanted and console.is_terminal),
        )

    def __enter__(self) -> Self:
        self._progress.start()
        self._task = self._progress.add_task("", total=None, told="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, report: "Report") -> None:
        """After an epoch."""
        if self._progress.disable or self._task is None:
            return
        epoch, most, networks = report.epoch, report.max_epochs, report.trainings
        if not self._epochs:
            self._began = time.monotonic() - epoch.seconds
        self._epochs[report.training], self._now[threading.get_ident()] = epoch.epoch, report.training
        under_way = {i for i in self._now.values() if self._epochs[i] < most}
        done = self._epochs.keys() - under_way
        completed = most * len(done) + sum(self._epochs[i] for i in under_way)
        elapsed = time.monotonic() - self._began
        left = elapsed / sum(self._epochs.values()) * (most * networks - completed)
        if self._limit is not None:
            left = min(left, self._limit - elapsed)
        told = [f"{len(done)}/{networks} networks"] if networks > 1 else []
        told.append(f"epoch {epoch.epoch}/{most}")
        if epoch.validation_loss is None:
            told.append(f"loss {epoch.loss[0]:.4g}")
        else:
            told.append(f"validation {epoch.validation_loss[0]:.4g}")
        if self._metric is not None:
            told.append(f"{self._metric} {epoch.score[0]:.4g}")
        told.append(f"≤ {seconds(max(left, 0))}")
        self._progress.update(self._task, total=most * networks, completed=completed, told=" · ".join(told))


def seconds(duration: float) -> str:
    """A duration in words.

    >>> seconds(0.25), seconds(75)
    ('0.2 s', '1 min 15 s')
    """
    if duration < 60:
        return f"{duration:.1f} s" if duration < 10 else f"{duration:.0f} s"
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
