"""The parts of a fit's report as blocks: for the terminal, and between the pictures of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.estimators.boosting import BOOSTING
from glassnet.estimators.certainty import Estimate
from glassnet.estimators.ensemble import VIEWS
from glassnet.explanation.charts import cut
from glassnet.explanation.page import Block, Formula, Table, Text, Verdict, number
from glassnet.nn import AbsoluteError, Poisson, Quantile

if TYPE_CHECKING:
    from glassnet.explanation.fit_report import FitReport, Judged

NAMES = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
    "deviance": "Poisson deviance",
    "pinball": "pinball loss",
}
IN_UNITS = ("deviance", "pinball", "rmse", "mae")  # scores that grow with the target's units
HIGH = ("accuracy", "r2")  # scores that are better the higher they are
WORST, SHOWN_COLUMNS, SHOWN_IMPORTANCE = 8, 4, 15


@dataclass(frozen=True)
class Section:
    """A part of the report: its name for programs, its title, and what stands in it."""

    name: str
    title: str
    blocks: Sequence[Block]


def sections(report: "FitReport") -> list[Section]:
    """All that there is something to say about."""
    return [
        _networks(report),
        _scores(report),
        *([_calibration(report)] if report.reliability or report.coverages else []),
        *([_importance(report)] if report.importance.columns else []),
        *([_errors(report, report.judged)] if report.judged else []),
        _findings(report),
    ]


def shown_scores(report: "FitReport") -> list[str]:
    """What is scored: accuracy or R², what the loss is about, and the rest."""
    names = [name for name in NAMES if name in report.scores["network"]]
    return sorted(names, key=lambda name: (name not in HIGH, name != report.measure))


def interval(name: str, one: Estimate, *, signed: bool = False) -> str:
    """A score with its interval: three decimals of what has no unit, four digits of what has one.

    >>> interval("accuracy", Estimate(0.95, 0.9, 0.98))
    '0.950 (0.900 to 0.980)'
    """
    form = (".4g" if name in IN_UNITS else ".3f") if not signed else "+.3g"
    value, low, high = (format(part, form) for part in one)
    return f"{value} ({low} to {high})"


def _networks(report: "FitReport") -> Section:
    members = report.model.members_
    cooled = any(member.temperature != 1 for member in members)
    rows = []
    for i, member in enumerate(members):
        history = member.history
        losses = history.validation_loss
        rows.append(
            [
                *(i, VIEWS[member.view], round(member.weight, 4)),
                *([round(member.temperature, 3)] if cooled else []),
                *(len(history), history.best_epoch[0] if history.best_epoch and losses else None),
                min(losses) if losses else None,
            ]
        )
    headers = ["network", "sees", "weight", *(["temperature"] * cooled), "epochs", "best", "validation loss, least"]
    n = len(members)
    parameters = members[0].network.architecture.n_parameters
    told = f"{n} networks, of which the model is the mean; the first has {parameters:,} parameters."
    if n == 1:
        told = f"One network with {parameters:,} parameters."
    if cooled:
        told += " Its scores are divided by the temperature." if n == 1 else " Scores are divided by the temperature."
    target, loss = report.model.target_, report.model.loss_
    if not report.classes and target.log:
        told += f" What is learned is the logarithm of {target.name}."
    if isinstance(loss, Quantile):
        told += (
            f" What is predicted is the {loss.quantile:g} quantile, below which {loss.quantile:.3g} of the answers lie."
        )
    if isinstance(loss, AbsoluteError):
        told += f" What is predicted is the median of {target.name} in rows like this one."
    if isinstance(loss, Poisson):
        told += f" What is learned is the logarithm of the mean of {target.name} in rows like this one."
    return Section("networks", "Training", [Text(told), Table(headers, rows)])


def _scores(report: "FitReport") -> Section:
    n = report.n_test
    if not report.estimates:
        return Section(
            "scores", "Scores", [Text("No rows were held out, so there is nothing honest to score the model on.")]
        )
    names = shown_scores(report)

    def cell(who: str, name: str, values: Any, *, signed: bool = False) -> str:
        return interval(name, values[who][name], signed=signed) if name in values[who] else "-"

    rows = [[who, *(cell(who, name, report.estimates) for name in names)] for who in report.estimates]
    less = [[who, *(cell(who, name, report.differences, signed=True) for name in names)] for who in report.differences]
    return Section(
        "scores",
        f"Scores on {n} test row{'s' * (n != 1)}",
        [
            Table(["", *(NAMES[name] for name in names)], rows, "In brackets, 95 % intervals: how far chance goes."),
            Table(["network less …", *(NAMES[name] for name in names)], less, "On the same rows, so that it is surer."),
            _verdict(report),
        ],
    )


def _verdict(report: "FitReport") -> Verdict:
    """The network beside gradient boosting, or else the linear model."""
    boosted = BOOSTING in report.differences
    name = report.measure
    one = report.differences[BOOSTING if boosted else "linear model"][name]
    who = BOOSTING if boosted else "the linear model"
    told = interval(name, one, signed=True)
    if not one.apart:
        return Verdict("note", f"These rows show no clear difference from {who}: {NAMES[name]} {told}.")
    better = (one.value > 0) == (name in HIGH)
    word = "better" if better else "worse"
    return Verdict("good" if better else "bad", f"The network is {word} than {who}: {NAMES[name]} {told}.")


def _calibration(report: "FitReport") -> Section:
    blocks: list[Block] = []
    found, judged = report.reliability, report.judged
    if found and judged:
        rows = [
            [
                f"{one.low:.1f} to {one.high:.1f}",
                one.n,
                round(one.p, 3),
                interval("accuracy", one.share),
            ]
            for one in found.bins
        ]
        blocks += [
            Text(
                f"Of rows whose class has a probability of 0.8, 0.8 should be of it. The expected calibration error is "
                f"{found.error:.3f}; on {len(judged.truth)} rows, right probabilities would have about "
                f"{found.by_chance:.3f}, by chance.{_of_which(judged)}"
            ),
            Table(["probability", "rows", "mean", "share right"], rows),
        ]
    if report.coverages:
        what, size = ("sets of classes", "classes") if report.classes else ("intervals", "width")
        within = [
            [f"{one.asked:.0%}", interval("accuracy", one.share), float(f"{one.size:.4g}")] for one in report.coverages
        ]
        blocks += [
            Text(f"The model's {what} should hold the answer as often as is asked of them:"),
            Table(["asked", "held", size if report.classes else "median width"], within),
            Text(f"What is promised of 90 %: {report.model.guarantee(0.9)}."),
        ]
    return Section("calibration", "Calibration", blocks)


def _importance(report: "FitReport") -> Section:
    found = report.importance
    order = np.argsort(-found.mean, kind="stable")
    shown = order[:SHOWN_IMPORTANCE]
    spread = found.falls.std(axis=1)
    rows = [[found.columns[j], float(f"{found.mean[j]:.3g}"), float(f"{spread[j]:.2g}")] for j in shown]
    loss = NAMES[report.measure]
    where = "" if report.n_test else " of the training, which count what was learned by heart, too"
    more = f"{len(order) - len(shown)} more columns are worth less." if len(order) > len(shown) else ""
    return Section(
        "importance",
        "What each column is worth",
        [
            Text(
                f"With the cells of one column shuffled among {found.n_rows} rows{where}, the {loss} rises by so much. "
                f"Of columns that say the same, each looks worthless while the other is there."
            ),
            Table(["column", f"{loss} rises by", "± over shuffles"], rows, more),
        ],
    )


def _errors(report: "FitReport", judged: "Judged") -> Section:
    order = np.argsort(-report.importance.mean, kind="stable")[:SHOWN_COLUMNS]
    names = [report.importance.columns[j] for j in order]
    said = judged.opinion.said
    rows = []
    for place in report.worst[:WORST]:
        cells = [cut(str(number(judged.table[name][int(place)])), 24) for name in names]
        if report.classes:
            answer = [cut(report.classes[code], 24) for code in (judged.truth[place], said[place])]
            rows.append([int(judged.numbers[place]), *cells, *answer, f"{1 - judged.losses[place]:.3g}"])
        else:
            answer = [number(float(value), 5) for value in (judged.truth[place], said[place])]
            rows.append([int(judged.numbers[place]), *cells, *answer, number(float(said[place] - judged.truth[place]))])
    last = "p of the true" if report.classes else "error"
    blocks: list[Block] = [Table(["row", *names, "true", "predicted", last], rows)]
    if not report.classes:
        half, most = np.quantile(judged.losses, [0.5, 0.9])
        blocks.insert(
            0,
            Text(
                f"Half of the errors are below {half:.4g}, nine in ten below {most:.4g}; the mean of prediction less "
                f"truth is {float((said - judged.truth).mean()):.4g}; {(judged.truth < said).mean():.1%} of answers "
                f"are less than the prediction."
            ),
        )
    blocks.append(Text(f"Rows count from 0, as for --row.{_of_which(judged)}"))
    return Section("errors", "Rows with the largest error", blocks)


def _of_which(judged: "Judged") -> str:
    """Which rows, where they are not those that were held out."""
    if judged.rows == "test":
        return ""
    return " These are rows of the training, as networks see them that did not train on them, but chose epochs by them."


def _findings(report: "FitReport") -> Section:
    blocks: list[Block] = []
    for finding in report.findings:
        blocks += [
            Verdict("bad", f"{finding.name.replace('_', ' ').capitalize()}: {finding.text}"),
            Formula(f"Remedy: {finding.remedy}"),
        ]
    blocks += [Verdict("note", note) for note in report.notes]
    return Section(
        "findings", "Findings", blocks or [Verdict("good", "Nothing was found that keeps it from learning.")]
    )
