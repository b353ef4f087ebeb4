"""The report of a fit as one HTML file with pictures: nothing is loaded, nothing runs, every text is escaped."""

import math
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from glassnet.data.cells import as_flags, as_text
from glassnet.data.schema import Column
from glassnet.data.table import Table as Rows
from glassnet.estimators.seen import IN_UNITS, seen
from glassnet.explanation import charts
from glassnet.explanation.charts import Chart
from glassnet.explanation.diagnosis.finding import changed_call
from glassnet.explanation.fit_sections import NAMES, SHOWN_IMPORTANCE, Section, shown_scores
from glassnet.explanation.html import STYLE, block_html
from glassnet.nn.elementary import Array

if TYPE_CHECKING:
    from glassnet.explanation.fit_report import FitReport

MOST_DOTS, MOST_POINTS = 1000, 150  # of a cloud, of a curve
MOST_CLASSES, MOST_PAIRS = 12, 12
MOST_COLUMNS = 200
BINS, MOST_VALUES = 16, 10
TAIL = 0.01  # of the cells at either end of a histogram that stand in its last bars
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

PAGE_STYLE = """
.report{--ink:#1f2328;--paper:#fff;--blue:#2f6fde;--orange:#d9622b}
.report{color:var(--ink);background:var(--paper);max-width:68em;margin:auto}
@media (prefers-color-scheme:dark){.report{--ink:#e6edf3;--paper:#0d1117;--blue:#6ea3ff;--orange:#f08a55}}
.report h1{font-size:1.5em;margin:.2em 0;overflow-wrap:anywhere}
.report h2{font-size:1.2em;margin:1.8em 0 .4em;padding-top:.8em;border-top:1px solid #8a8f9855}
.report .figures{display:grid;gap:1em 2em;margin:.6em 0}
.report .figures{grid-template-columns:repeat(auto-fit,minmax(min(100%,20em),1fr))}
.report figure{margin:0;max-width:31em}
.report figcaption{font-weight:600;margin:.2em 0}
.report .cards{display:flex;flex-wrap:wrap;gap:.6em;margin:1em 0}
.report .card{border:1px solid #8a8f9855;border-radius:.5em;padding:.5em .9em;min-width:7em}
.report .card b{display:block;font-size:1.4em}
.report .spark{width:96px;height:25px;vertical-align:middle}
.report td,.report th{white-space:nowrap;padding-left:0;padding-right:1.2em}
.report td.long{white-space:normal;min-width:14em}
.report .fill-blue{fill:var(--blue)}
""".strip()
BODY_STYLE = """
body{margin:0;padding:1em;background:#fff}
@media (prefers-color-scheme:dark){body{background:#0d1117}}
""".strip()


def document(report: "FitReport") -> str:
    """The whole file."""
    title = escape(f"glassnet: {report.model.target_.name}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><style>{BODY_STYLE}</style>'
        f"</head><body>{fragment(report)}</body></html>\n"
    )


def fragment(report: "FitReport") -> str:
    """What stands in it, with its style."""
    parts = [f"<h1>{escape(report.model.target_.name)}</h1>", _cards(report)]
    parts += [_section(report, part) for part in report.sections()]
    parts.append(f"<h2>What each column was taken for</h2>{_columns(report)}")
    told = changed_call(report.model, callbacks=None)
    parts.append(f'<h2>How it was made</h2><div class="formula">{escape(told)}</div>')
    return f'<div class="glassnet report"><style>{STYLE}{charts.STYLE}{PAGE_STYLE}</style>{"".join(parts)}</div>'


def _section(report: "FitReport", part: Section) -> str:
    pictures = FIGURES[part.name](report) if part.name in FIGURES else {}
    drawn = "".join(f"<figure><figcaption>{escape(name)}</figcaption>{svg}</figure>" for name, svg in pictures.items())
    figures = f'<div class="figures">{drawn}</div>' if drawn else ""
    return f"<h2>{escape(part.title)}</h2>{figures}{''.join(map(block_html, part.blocks))}"


def _cards(report: "FitReport") -> str:
    """What one wants to know first."""
    told = [(f"{len(report.classes)} classes" if report.classes else "a quantity", "to predict")]
    for name, one in report.estimates.get("network", {}).items():
        told.append((f"{one.value:.4g}", f"{NAMES[name]}, {one.low:.3g} to {one.high:.3g}"))
    told += [(f"{len(report.train):,}", "rows to learn from"), (f"{report.n_test:,}", "rows held out")]
    n = len(report.model.members_)
    told.append((str(n), f"network{'s' * (n != 1)}"))
    return f'<div class="cards">{"".join(f"<div class=card><b>{value}</b>{name}</div>" for value, name in told)}</div>'


def _learning(report: "FitReport") -> dict[str, str]:
    """The curve of every network, in the colour of what it sees, with a dot at the epoch that was kept."""
    histories = [(member.view, member.history) for member in report.model.members_ if len(member.history)]
    held_out = all(history.validation_loss for _, history in histories)
    losses = [np.array(history.validation_loss if held_out else history.loss, dtype=float) for _, history in histories]
    seen = np.concatenate(losses) if losses else np.zeros(0)
    seen = seen[np.isfinite(seen) & (seen > 0)]
    if not len(seen):
        return {}
    ends = float(seen.min()), float(np.quantile(seen, 0.99))
    longest = max(map(len, losses))
    name = "Validation loss" if held_out else "Training loss"
    chart = Chart(name, (1, longest), ends, x_label="epoch", y_label=name.lower(), log=ends[1] > 3 * ends[0])
    for (view, history), curve in zip(histories, losses, strict=True):
        kind = ("blue", "orange")[view]
        at = np.unique(np.linspace(0, len(curve) - 1, MOST_POINTS).astype(int))
        at = at[np.isfinite(curve[at])]
        chart.line(at + 1, curve[at], kind)
        best = history.best_epoch[0] if history.best_epoch else 0
        if held_out and best:
            chart.dots([best], [curve[best - 1]], f"fill-{kind}", 3.5)
    views = {view for view, _ in histories}
    told = "; blue: numbers as they are, orange: in pieces" if len(views) > 1 else ""
    return {f"{name} of each network{told}": chart.svg()}


def _score(report: "FitReport") -> dict[str, str]:
    drawn = {}
    for name in shown_scores(report) if report.estimates else ():
        title = NAMES[name]
        found = {who: values[name] for who, values in report.estimates.items() if name in values}
        if found:
            low, high = (np.array([getattr(one, end) for one in found.values()]) for end in ("low", "high"))
            values = np.array([one.value for one in found.values()])
            drawn[f"{title}, 95 % intervals"] = charts.bars(title, list(found), values, (low, high), dots=True)
    return dict(list(drawn.items())[:2])


def _reliable(report: "FitReport") -> dict[str, str]:
    drawn = {}
    found = report.reliability
    if found:
        chart = Chart("Reliability", (0, 1), (0, 1), x_label="probability", y_label="share right")
        most = max(one.n for one in found.bins)
        for one in found.bins:
            chart.bar((one.low, one.high), 0.25 * one.n / most, "fill-ink faint")
        chart.line([0, 1], [0, 1], "dashed")
        for one in found.bins:
            chart.span(one.p, one.share.low, one.share.high, "blue")
        chart.dots([one.p for one in found.bins], [one.share.value for one in found.bins], "fill-blue", 3.5)
        drawn["Share right by probability; bars: how many rows"] = chart.svg()
    if report.coverages:
        least = min(0.4, *(held.share.low for held in report.coverages))
        chart = Chart("Coverage", (0.4, 1), (least, 1), x_label="asked", y_label="held")
        chart.line([0.4, 1], [0.4, 1], "dashed")
        for held in report.coverages:
            chart.span(held.asked, held.share.low, held.share.high, "blue")
        chart.dots(
            [held.asked for held in report.coverages], [held.share.value for held in report.coverages], "fill-blue", 3.5
        )
        drawn[f"{'Sets' if report.classes else 'Intervals'}: how often they hold the answer"] = chart.svg()
    return drawn


def _worth(report: "FitReport") -> dict[str, str]:
    found = report.importance
    order = np.argsort(-found.mean, kind="stable")[:SHOWN_IMPORTANCE]
    mean, spread = found.mean[order], found.falls.std(axis=1)[order]
    title = f"Rise of the {NAMES[report.measure]}"
    names = [found.columns[j] for j in order]
    return {title: charts.bars(title, names, mean, (mean - spread, mean + spread))}


def _wrong(report: "FitReport") -> dict[str, str]:
    judged, confusion = report.judged, report.confusion
    if judged is None:
        return {}
    if confusion is not None:
        if len(confusion) <= MOST_CLASSES:
            return {"True classes and what they were taken for": charts.squares("Confusion", confusion, report.classes)}
        wrong = confusion * (1 - np.eye(len(confusion), dtype=int))
        pairs = [divmod(int(i), len(wrong)) for i in np.argsort(-wrong.ravel(), kind="stable")[:MOST_PAIRS]]
        names = [f"{charts.cut(report.classes[i], 8)} as {charts.cut(report.classes[j], 8)}" for i, j in pairs]
        counts = np.array([float(wrong[pair]) for pair in pairs])
        return {"Most often confused": charts.bars("Confused", names, counts)} if counts.any() else {}
    y, said = judged.truth, judged.opinion.said
    if len(y) > MOST_DOTS:
        some = np.random.default_rng(0).choice(len(y), MOST_DOTS, replace=False)
        y, said = y[some], said[some]
    kind, name = "fill-blue light", report.model.target_.name
    ends = float(min(y.min(), said.min())), float(max(y.max(), said.max()))
    cloud = Chart("Predicted and true", ends, ends, x_label=f"true {name}", y_label="predicted")
    cloud.line(ends, ends, "dashed")
    cloud.dots(y, said, kind)
    error = said - y
    most = float(np.abs(error).max()) or 1.0
    across = float(said.min()), float(said.max())
    residuals = Chart("Errors", across, (-most, most), x_label=f"predicted {name}", y_label="predicted − true")
    residuals.line(across, (0, 0), "dashed")
    residuals.dots(said, error, kind)
    return {"Predicted and true": cloud.svg(), "Errors by prediction": residuals.svg()}


FIGURES: dict[str, Callable[["FitReport"], dict[str, str]]] = {
    "networks": _learning,
    "scores": _score,
    "calibration": _reliable,
    "importance": _worth,
    "errors": _wrong,
}


def _columns(report: "FitReport") -> str:
    """Name, kind, and how the cells are spread."""
    columns = report.model.preprocessor_.columns
    rows = "".join(
        "<tr>"
        f'<td class="text">{escape(column.name)}</td><td class="text">{escape(column.kind)}</td>'
        f'<td>{_spread(column, report.train)}</td><td class="text long">{escape(seen(column))}</td>'
        f'<td>{column.n_missing or ""}</td><td class="text long">{escape(column.note)}</td></tr>'
        for column in columns[:MOST_COLUMNS]
    )
    heads = ("name", "taken for", "", "seen in training", "missing", "note")
    head = "".join(f'<th class="text">{escape(name)}</th>' for name in heads)
    more = f'<p class="note">… {len(columns) - MOST_COLUMNS} more</p>' if len(columns) > MOST_COLUMNS else ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{more}'


def _spread(column: Column, table: Rows) -> str:
    """A histogram of a quantity; how frequent the values of a category are."""
    heights = _heights(column, table)
    return charts.spark(heights, f"How {column.name} is spread") if len(heights) else ""


def _heights(column: Column, table: Rows) -> Array:
    cells = table[column.name]
    if column.kind == "ignore":
        return np.zeros(0)
    if column.kind in IN_UNITS:
        values = IN_UNITS[column.kind](column, cells).cast(float).drop_nulls().to_numpy()
        low, high = np.quantile(values, [TAIL, 1 - TAIL]) if len(values) else (math.nan, math.nan)
        return np.histogram(np.clip(values, low, high), BINS)[0] if high > low else np.zeros(0)
    text = as_flags(cells) if column.kind == "boolean" else as_text(cells)
    return text.drop_nulls().value_counts(sort=True)["count"].head(MOST_VALUES).to_numpy()
