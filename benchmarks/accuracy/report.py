"""docs/accuracy.md, from the lines of results alone."""

import math
import statistics
from collections.abc import Iterable, Sequence

from benchmarks.accuracy.goals import against_best_boosting, goals, mean_ranks
from benchmarks.accuracy.peers import ABLATION, OURS, PEERS
from benchmarks.accuracy.remarks import REMARKS
from benchmarks.accuracy.results import Line, Results, main_metric
from benchmarks.accuracy.statistics import Interval, paired, ratio, share, shifted_mean, standard_error
from benchmarks.accuracy.tables import MANY_ROWS, Entry, catalogue
from benchmarks.report import duration, table

NONE = "–"
METRICS = {"error": "error", "nrmse": "nRMSE", "log_loss": "log-loss"}


def page(lines: Iterable[Line], threads: int, cap: int | None) -> str:
    """The whole page."""
    results = Results.of(lines, threads, cap)
    if not results.entries:
        return "# Accuracy\n\nNothing has been measured yet.\n"
    parts = ["# Accuracy", REMARKS["head"], _stamp(results, threads, cap)]
    for key, title, write in SECTIONS:
        if text := write(results):
            parts += [f"## {title}", REMARKS.get(key, ""), text]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _stamp(results: Results, threads: int, cap: int | None) -> str:
    """Who was measured when, on what."""
    rows = []
    for peer in [*results.peers, *(peer for peer in ABLATION if any(results.folds[peer].values()))]:
        lines = [line for folds in results.folds[peer].values() for line in folds.values()]
        dates = sorted({line["date"] for line in lines})
        version = results.versions[peer]
        if state := lines[-1].get("commit"):
            version += f", commit {state}"
        rows.append(
            [
                _title(peer),
                version,
                str(len(lines)),
                dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}",
                "; ".join(sorted({line["machine"] for line in lines})),
                f"{statistics.median(line['load'] for line in lines):.1f}",
            ]
        )
    said = f"Every fit had {threads} thread{'s' * (threads > 1)}."
    if cap is not None:
        said += f" **A quick round: no more than {cap} training rows.**"
    return f"{said}\n\n{table(['', 'versions', 'fits', 'measured', 'machine', 'load'], rows)}"


def _goals(results: Results) -> str:
    """Met, missed, or not measured."""
    words = {True: "met", False: "**missed**", None: "not measured"}
    return table(["goal", "measured", ""], [[goal.said, goal.figure, words[goal.met]] for goal in goals(results)])


def _overall(results: Results) -> str:
    """Ranks and means, over the tables that all have."""
    means = mean_ranks(results)
    if not means:
        return ""
    entries = [entry for entry in results.entries if entry.name in results.common]
    kinds = {metric: [entry for entry in entries if _has(entry, metric)] for metric in METRICS}
    rows = []
    for peer in sorted(means, key=means.__getitem__):
        cells = [f"{means[peer]:.2f}", _shifted(results, peer, entries, "main")]
        cells += [_shifted(results, peer, kinds[metric], metric) for metric in METRICS]
        seconds = [results.common_mean(peer, entry, "cpu_seconds") for entry in entries]
        rows.append([_title(peer), *cells, duration(statistics.median(seconds))])
    left = [entry.name for entry in results.entries if entry.name not in results.common]
    head = ["", "mean rank", "error or nRMSE", *METRICS.values(), "fit, median"]
    said = f"{len(entries)} tables" + (f"; not {', '.join(left)}, which not all of these have" if left else "")
    return f"{table(head, rows)}\n\n{said}."


def _shifted(results: Results, peer: str, entries: Sequence[Entry], metric: str) -> str:
    """A shifted geometric mean."""
    means = [results.common_mean(peer, entry, metric) for entry in entries]
    return f"{shifted_mean(means):.4f}" if means else NONE


def _against_each(results: Results) -> str:
    """glassnet beside each of the others, on the tables that both have."""
    rows = []
    for peer in results.peers:
        pairs = results.pairs(OURS, peer, "main")
        if peer == OURS or not pairs:
            continue
        ours, theirs = results.over_tables(OURS, peer, "main")
        clear = [paired(*pair) for pair in pairs.values() if len(pair[0]) > 1]
        won, lost = (sum(a < b for a, b in zip(*sides, strict=True)) for sides in ((ours, theirs), (theirs, ours)))
        rows.append(
            [
                _title(peer),
                _ratio(ratio(ours, theirs)),
                _over(results, peer, "log_loss"),
                f"{won} / {len(ours) - won - lost} / {lost}",
                "{:.0%} ({:.0%}–{:.0%})".format(*share(won, len(ours))),
                f"{sum(one.high < 0 for one in clear)} / {sum(one.low > 0 for one in clear)}",
                _over(results, peer, "cpu_seconds", shifted=False),
            ]
        )
    head = ["", "error or nRMSE", "log-loss", "won / even / lost", "share won", "clearly won / lost", "fit time"]
    return table(head, rows) if rows else ""


def _over(results: Results, peer: str, metric: str, shifted: bool = True) -> str:
    """The ratio of a metric, where there is any."""
    ours, theirs = results.over_tables(OURS, peer, metric)
    return _ratio(ratio(ours, theirs, shifted)) if ours else NONE


def _ratio(interval: Interval) -> str:
    """
    >>> _ratio(Interval(0.8, 0.7, 0.912))
    '0.80 (0.70–0.91)'
    """
    return "{:.2f} ({:.2f}–{:.2f})".format(*interval)


def _by_table(results: Results, metric: str) -> str:
    """Every mean over folds, the least of each table in bold."""
    rows = []
    for entry in results.entries:
        if metric == "log_loss" and entry.task == "regression":
            continue
        means = {peer: results.mean(peer, entry, metric) for peer in results.peers if results.folds[peer][entry.name]}
        cells = [_spread(results, peer, entry, metric, least=min(means.values())) for peer in results.peers]
        what = f" ({METRICS[main_metric(entry)]})" if metric == "main" else ""
        rows.append([f"{entry.name}{what}", *cells])
    return table(["", *map(_title, results.peers)], rows) if rows else ""


def _spread(results: Results, peer: str, entry: Entry, metric: str, least: float) -> str:
    """Mean and standard error."""
    if entry.name in results.late[peer]:
        return "too slow"
    if not results.folds[peer][entry.name]:
        return "failed" if entry.name in results.failed[peer] else NONE
    values = results.values(peer, entry, metric)
    mean, error = statistics.fmean(values), standard_error(values)
    text = f"**{mean:.4f}**" if mean == least else f"{mean:.4f}"
    return text if math.isnan(error) else f"{text} ± {error:.4f}"


def _boosting(results: Results) -> str:
    """The best boosting of each table, and how far we are from it."""
    found = against_best_boosting(results)
    rows = [
        [name, _title(best), "{:+.1f} % ({:+.1f} to {:+.1f})".format(*(100 * x for x in interval))]
        for name, (best, interval) in found.items()
    ]
    return table(["", "best boosting", "glassnet's error or nRMSE against it"], rows) if rows else ""


def _times(results: Results) -> str:
    """Processor time of a fit, by table."""
    rows = []
    for entry in results.entries:
        cells = []
        for peer in results.peers:
            measured = results.folds[peer][entry.name]
            late = "> limit" if entry.name in results.late[peer] else NONE
            cells.append(duration(results.mean(peer, entry, "cpu_seconds")) if measured else late)
        rows.append([entry.name, *cells])
    return table(["", *map(_title, results.peers)], rows)


def _ablation(results: Results) -> str:
    """Each variant in units of the recipe."""
    rows = []
    for peer in ABLATION:
        ours, theirs = results.over_tables(peer, OURS, "main")
        if not ours:
            continue
        cells = [_ratio(ratio(ours, theirs))]
        for metric in METRICS:
            a, b = results.over_tables(peer, OURS, metric)
            cells.append(_ratio(ratio(a, b)) if a else NONE)
        times = ratio(*results.over_tables(peer, OURS, "cpu_seconds"), shifted=False)
        rows.append([_title(peer), *cells, _ratio(times), str(len(ours))])
    return table(["", "error or nRMSE", *METRICS.values(), "fit time", "tables"], rows) if rows else ""


def _sources(results: Results) -> str:
    """Where each table is from."""
    measured = {entry.name for entry in results.entries}
    rows = []
    for entry in catalogue().values():
        where = f"{entry.package} {entry.version}, {entry.registry}" if entry.registry != "installed" else entry.package
        rows.append(
            [
                entry.name if entry.name in measured else f"{entry.name} (not measured)",
                entry.task,
                f"{entry.n:,}",
                f"{entry.d} ({len(entry.text)})",
                where,
                entry.licence,
            ]
        )
    return table(["", "task", "rows", "columns (of categories)", "package", "licence"], rows)


def _peers(results: Results) -> str:
    """How each was asked."""
    return "\n".join(f"- **{_title(peer)}**: {PEERS[peer].what}." for peer in PEERS)


def _trouble(results: Results) -> str:
    """What did not come to an end."""
    said = [
        f"- {_title(peer)} on {name}: a fit was ended at the limit."
        for peer, names in results.late.items()
        for name in names
    ]
    said += [
        f"- {_title(peer)} on {name}: {why}."
        for peer, tables in results.failed.items()
        for name, why in tables.items()
        if not results.folds[peer][name]
    ]
    return "\n".join(said)


def _has(entry: Entry, metric: str) -> bool:
    """Whether a table of that kind has the metric."""
    return (entry.task == "regression") == (metric == "nrmse")


def _title(peer: str) -> str:
    return {**PEERS, **ABLATION}[peer].title


SECTIONS = (
    ("goals", "Goals", _goals),
    ("overall", "All tables together", _overall),
    ("pairs", "glassnet beside each", _against_each),
    ("tables", "Error or nRMSE, table by table", lambda results: _by_table(results, "main")),
    ("log_loss", "Log-loss, table by table", lambda results: _by_table(results, "log_loss")),
    ("boosting", "Beside the best boosting", _boosting),
    ("times", "Time of a fit", _times),
    ("ablation", "What each ingredient is worth", _ablation),
    ("trouble", "What did not end", _trouble),
    ("sources", f"The tables; with more than {MANY_ROWS:,} rows one fold", _sources),
    ("peers", "Who was compared", _peers),
)
