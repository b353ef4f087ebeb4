"""docs/performance.md and its picture, from benchmarks/results.json alone."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.remarks import REMARKS
from benchmarks.targets import targets
from benchmarks.timing import FOUGHT, OTHERS
from benchmarks.workloads import WORKLOADS

Summary = dict[str, float]


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(1.234e-5), duration(0.5), duration(12.345), duration(9.999e-7)
    ('12.3 µs', '500 ms', '12.3 s', '1 µs')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if float(f"{seconds:.3g}") >= size or unit == "µs":
            return f"{float(f'{seconds / size:.3g}'):g} {unit}"
    raise AssertionError


def spread(s: Summary) -> str:
    """A median and its quartiles in the median's unit.

    >>> spread({"median": 1.5e-5, "low": 1.4e-5, "high": 1.61e-5})
    '15 µs (14–16.1)'
    """
    text = duration(s["median"])
    size = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}[text.split()[1]]
    low, high = (f"{float(f'{s[end] / size:.3g}'):g}" for end in ("low", "high"))
    return f"{text} ({low}–{high})"


def times(r: Summary) -> str:
    """A ratio with its extremes.

    >>> times({"median": 3.0, "low": 2.5, "high": 12.0})
    '3.0 (2.5–12)'
    """
    median, low, high = (
        f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in (r["median"], r["low"], r["high"])
    )
    return f"{float(median):.1f} ({low}–{high})" if r["median"] < 10 else f"{median} ({low}–{high})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(results: dict[str, Any]) -> str:
    """The whole of docs/performance.md."""
    parts = ["# Performance", _stamp(results), REMARKS["head"].strip()]
    if any(name in results for name in WORKLOADS):
        parts.append("![Time of a step, in units of glassnet's](performance.png)")
    parts += [_targets(results), _training(results)]
    for key, title, write in SECTIONS:
        if key in results:
            parts += [f"## {title}", REMARKS[key].strip(), write(results[key]["result"]), _when(results[key])]
    return "\n\n".join(part for part in parts if part) + "\n"


def _stamp(results: dict[str, Any]) -> str:
    """The machine and the versions of the newest section."""
    if not results:
        return "Nothing has been measured yet."
    stamp = max((section["stamp"] for section in results.values()), key=lambda stamp: stamp["date"])
    versions = ", ".join(f"{name} {version}" for name, version in stamp["versions"].items())
    return (
        f"{stamp['date'][:10]}. {stamp['machine']}, {stamp['cores']} cores, kernel level {stamp['level']}. {versions}."
    )


def _when(section: dict[str, Any]) -> str:
    """A line under each section."""
    stamp = section["stamp"]
    words = [f"{stamp['date']}, {stamp['machine']}", f"level {stamp['level']}", f"{stamp['rounds']} rounds"]
    words += ["a quick run, which says little"] * stamp["quick"] + [f"load before it {stamp['load']:.1f}"]
    return f"<sub>{', '.join(words)}</sub>"


def _targets(results: dict[str, Any]) -> str:
    plain = {name: section["result"] for name, section in results.items()}
    found = list(targets(plain))
    if not found:
        return ""
    rows = [[t.name, t.asked, t.measured, "met" if t.met else "**missed**", t.bound] for t in found]
    head = f"{sum(t.met for t in found)} of {len(found)} met. {REMARKS['targets'].strip()}"
    return f"## Targets\n\n{head}\n\n{table(['', 'target', 'measured', '', 'at the FMA peak'], rows)}"


def _training(results: dict[str, Any]) -> str:
    names = [name for name in WORKLOADS if name in results]
    if not names:
        return ""
    parts = ["## Training", REMARKS["training"].strip()]
    parts.append("\n".join(f"- **{name}**: {WORKLOADS[name]}, {WORKLOADS[name].rows:,} rows" for name in names))
    for threads, title in (("1", "One thread"), ("2", "Two threads")):
        of = {name: results[name]["result"][threads] for name in names if threads in results[name]["result"]}
        if of:
            parts += [f"### {title}", _steps(of)]
    parts += _remarks_of_sides({name: results[name]["result"] for name in names})
    when: dict[str, list[str]] = {}
    for name in names:
        when.setdefault(_when(results[name]), []).append(name)
    parts += [line.replace("<sub>", f"<sub>{', '.join(those)}: ") for line, those in when.items()]
    return "\n\n".join(parts)


def _steps(of: dict[str, dict[str, Any]]) -> str:
    """A table: sides down, workloads across."""
    sides = list(dict.fromkeys(side for result in of.values() for side in result["seconds"]))

    def cell(side: str, result: dict[str, Any]) -> str:
        if side not in result["seconds"]:
            return "–"
        text = spread(result["seconds"][side])
        quickest = min(s["median"] for s in result["seconds"].values())
        return f"**{text}**" if result["seconds"][side]["median"] == quickest else text

    rows = [[side, *(cell(side, result) for result in of.values())] for side in sides]
    rows.append(["strongest peer", *(result["strongest"] for result in of.values())])
    rows.append(["its time / glassnet's", *(times(result["ratios"][result["strongest"]]) for result in of.values())])
    if all("JAX" in result["ratios"] for result in of.values()):
        rows.append(
            ["time of JAX as one would write it / glassnet's", *(times(r["ratios"]["JAX"]) for r in of.values())]
        )
    if all("share_of_peak" in result for result in of.values()):
        rows.append(["glassnet, of one core's FMA peak", *(f"{r['share_of_peak']['median']:.0%}" for r in of.values())])
    rows.append(["set-up of a fit", *(duration(result["set_up"]) for result in of.values())])
    return table(["", *of], rows)


def _remarks_of_sides(of: dict[str, dict[str, Any]]) -> list[str]:
    """How each side does it; who could not; where cores were fought for."""
    notes: dict[str, dict[str, None]] = {}
    trouble = []
    for name, by_threads in of.items():
        for threads, result in by_threads.items():
            for side, note in result["notes"].items():
                if side in result["missing"]:
                    trouble.append(f"- {side} could not run {name}, threads: {threads}. {note}")
                else:
                    notes.setdefault(side, {}).update(dict.fromkeys(note.split("; ")))
            busy = result["least_share"] < FOUGHT if threads == "1" else result["others"] > OTHERS
            if busy:
                trouble.append(
                    f"- {name}, threads: {threads}. The machine was busy: a side had its core for only "
                    f"{result['least_share']:.0%} of a round, others kept {result['others']:.1f} cores busy. "
                    f"No win for anyone."
                )
    return ["\n".join(f"- {side}: {'; '.join(all_of)}" for side, all_of in notes.items()), "\n".join(trouble)]


def _loss(result: dict[str, Any]) -> str:
    sides = list(next(iter(result.values()))["seconds"])
    rows = []
    for name, race in result.items():
        cells = [
            f"{race['epochs'][side]} epochs, {spread(race['seconds'][side])}, loss {race['reached'][side]:.4f}"
            for side in sides
        ]
        best = race["strongest"]
        rows.append([name, f"{race['target']:.4f}", *cells, f"{times(race['ratios'][best])} over {best}"])
    return table(["", "held-out loss", *sides, "strongest / glassnet"], rows)


def _inference(result: dict[str, Any]) -> str:
    sides = list(dict.fromkeys(side for kind in result.values() for side in kind["seconds"]))
    rows = [
        [side, *(spread(kind["seconds"][side]) if side in kind["seconds"] else "–" for kind in result.values())]
        for side in sides
    ]
    best = [f"{times(kind['ratios'][kind['strongest']])} over {kind['strongest']}" for kind in result.values()]
    ours = next(iter(result.values()))["notes"]["glassnet"]
    rows.append(["strongest / glassnet", *best])
    return table(["", *result], rows) + f"\n\nOurs for one row: {ours}."


def _cold(result: dict[str, Any]) -> str:
    return table(["", "seconds"], [[side, spread(s)] for side, s in result["seconds"].items()])


def _growth(result: dict[str, Any]) -> str:
    rows = [
        [
            name,
            ", ".join(f"{at}: {duration(value)}" for at, value in result[name]["step"].items()),
            f"{result[name]['slope']:.2f}",
        ]
        for name in result
        if name != "cliff"
    ]
    cliff = result["cliff"]
    widths = table(
        ["width", *cliff["per_gflop"]],
        [
            ["µs a step", *(f"{value * 1e6:.1f}" for value in cliff["step"].values())],
            ["ms per 10⁹ operations", *(f"{value * 1e3:.1f}" for value in cliff["per_gflop"].values())],
        ],
    )
    growth = table(["grows", "time of a step", "slope (rows: of an epoch)"], rows)
    return f"{growth}\n\n{widths}\n\nLargest over smallest per operation: {cliff['spread']:.2f}."


def _memory(result: dict[str, Any]) -> str:
    rows = [
        [
            case["case"],
            f"{case['taken'] / 1e6:.0f} MB",
            f"{case['allowed'] / 1e6:.0f} MB ({case['copies']} × parameters)",
        ]
        for case in result.values()
    ]
    return table(["", "taken", "allowed"], rows)


def _solvers(result: dict[str, Any]) -> str:
    rows = [
        [problem, spread(value["step"]["kernel"]), spread(value["step"]["numpy"]), times(value["ratio"])]
        for problem, value in result["lm"].items()
    ]
    lm = table(["a step of Levenberg–Marquardt", "kernel", "NumPy engine", "ratio"], rows)
    share = result["lbfgs"]
    inside = f"{share['median']:.0%} ({share['low']:.0%}–{share['high']:.0%})"
    return f"{lm}\n\nL-BFGS is inside the kernel for {inside} of its time."


def _functions(result: dict[str, Any]) -> str:
    rows = [
        [name, f"{value['rmse']['median']:.1e}", f"{value['worst']:.1e}", spread(value["seconds"])]
        for name, value in result.items()
    ]
    return table(["", "RMSE: median", "worst", "time"], rows)


def _studio(result: dict[str, Any]) -> str:
    def row(name: str, key: str, write: Callable[[Summary], str]) -> list[str]:
        return [name, *(write(network[key]) for network in result.values())]

    def plain(s: Summary) -> str:
        return f"{s['median']:.0f} ({s['low']:.0f}–{s['high']:.0f})"

    def share(s: Summary) -> str:
        return f"{s['median']:.0%} ({s['low']:.0%}–{s['high']:.0%})"

    rows = [
        row("pictures a second, even pace", "pictures a second", plain),
        row("the page's work for each", "main thread a picture", spread),
        row("pictures a second, full speed", "pictures a second at full speed", plain),
        row("epochs a second, page open", "epochs a second", plain),
        row("of those without a page", "share kept", share),
        row("a click while it trains, 95 of 100 within", "clicks p95", spread),
        row("first picture, cold", "first picture", spread),
    ]
    size = max(network["bytes"]["median"] for network in result.values())
    return f"{table(['', *result], rows)}\n\nThe page is {size / 1e3:.0f} kB in all, font and all."


SECTIONS = (
    ("loss", "Time to equal held-out loss", _loss),
    ("inference", "Prediction", _inference),
    ("cold", "Cold start", _cold),
    ("growth", "Growth", _growth),
    ("memory", "Memory", _memory),
    ("solvers", "Solvers", _solvers),
    ("functions", "Following a function", _functions),
    ("studio", "The studio", _studio),
)


def picture(results: dict[str, Any], path: Path) -> None:
    """Bars: the time of a step over glassnet's, by workload, a panel for each number of threads."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    names = [name for name in WORKLOADS if name in results]
    if not names:
        return
    of = {name: results[name]["result"] for name in names}
    sides = list(dict.fromkeys(s for r in of.values() for one in r.values() for s in one["seconds"]))
    figure, panels = plt.subplots(2, 1, figsize=(10, 8), sharex=True, sharey=True, layout="constrained")
    width = 0.86 / len(sides)
    for panel, threads, title in zip(panels, ("1", "2"), ("one thread", "two threads"), strict=True):
        for i, side in enumerate(sides):
            ratios = {
                j + (i - (len(sides) - 1) / 2) * width: of[name][threads]["ratios"][side]["median"]
                for j, name in enumerate(names)
                if side in of[name].get(threads, {}).get("ratios", {})
            }
            bars = panel.bar(list(ratios), list(ratios.values()), width, label=side, color=COLORS[i % len(COLORS)])
            labels = [f"{value:.2g}" if value < 10 else f"{value:.0f}" for value in ratios.values()]
            panel.bar_label(bars, labels, fontsize=6.5, padding=1)
        panel.axhline(1, color="#57534e", linewidth=0.8)
        panel.set_yscale("log")
        panel.set_ylabel("time of a step / glassnet's")
        panel.set_title(title, loc="left", fontsize=11)
        panel.spines[["top", "right"]].set_visible(False)
    names_below = [f"{name}\n{WORKLOADS[name]}".replace(", ", "\n", 1) for name in names]
    panels[-1].set_xticks(range(len(names)), names_below, fontsize=8)
    panels[0].legend(ncols=4, fontsize=8, frameon=False, loc="upper right", bbox_to_anchor=(1, 1.18))
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110, facecolor="white")
    plt.close(figure)


COLORS = ("#c2410c", "#2563eb", "#7c3aed", "#c4b5fd", "#0f766e", "#5eead4", "#a16207")  # glassnet comes first
