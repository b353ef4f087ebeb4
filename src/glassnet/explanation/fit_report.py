"""What a fit came to: scores beside baselines, calibration, what columns are worth, the largest errors, findings."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data.table import Table as Rows
from glassnet.estimators.certainty import Estimates, estimates
from glassnet.estimators.quantities import MEASURES, scoring_in_units
from glassnet.estimators.reliability import Coverage, Reliability, coverages, reliability
from glassnet.estimators.report import Opinion, Scores, TableModel, answers, opinions, scores
from glassnet.estimators.table_classifier import TableClassifier
from glassnet.explanation.diagnosis import Finding, diagnose
from glassnet.explanation.drawing import axes
from glassnet.explanation.fit_sections import Section, sections
from glassnet.explanation.influence import Importance, permutation_importance
from glassnet.explanation.page import Block, Explanation, Heading, plain
from glassnet.nn.elementary import Array

MOST_PREDICTED = 40_000  # rows, for the importance of all columns; a wide table is judged on fewer of them
MOST_ROWS, FEWEST_ROWS = 1000, 100
REPEATS, MANY_COLUMNS = 3, 100  # shuffles of a column; one, of many columns


@dataclass(frozen=True, eq=False)
class Judged:
    """Rows that say how good a model is.

    Attributes:
        rows: Where they came from: "test", or "out of fold", of which networks that did not train on them speak.
        table: The rows.
        numbers: Theirs in the file that they came from, from 0, (n,).
        truth: Their answers, (n,): places of classes, or quantities.
        opinion: What is said of them.
    """

    rows: str
    table: Rows
    numbers: Array
    truth: Array
    opinion: Opinion

    @property
    def losses(self) -> Array:
        """Of each row, (n,): 1 less the probability of the true class, or the size of the error."""
        if self.opinion.p is None:
            return np.abs(self.opinion.said - self.truth)
        return 1 - self.opinion.p[np.arange(len(self.truth)), self.truth]


@dataclass(frozen=True, eq=False, repr=False)
class FitReport(Explanation):
    """What `fit_report` gives.

    Attributes:
        model: What was fitted.
        train: Its rows, with the target.
        n_test: Rows held out.
        judged: What calibration and errors are told of; None where all rows were trained on.
        scores: By who; {} without rows held out.
        estimates: The same with 95 % intervals.
        differences: Those of the network less those of each other, on the same rows.
        reliability: Of a classifier.
        coverages: Of its sets or intervals on rows held out; () without.
        importance: What each column is worth.
        findings: What keeps it from learning.
        notes: What else deserves a look.
    """

    model: TableModel
    train: Rows
    n_test: int
    judged: Judged | None
    scores: dict[str, Scores]
    estimates: Estimates
    differences: Estimates
    reliability: Reliability | None
    coverages: tuple[Coverage, ...]
    importance: Importance
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> list[str]:
        """The labels as texts; [] of a quantity."""
        return [str(label) for label in self.model.classes_] if isinstance(self.model, TableClassifier) else []

    @property
    def measure(self) -> str:
        """The score that the loss is about."""
        return MEASURES.get(self.model.loss_.name, "log_loss")

    @property
    def confusion(self) -> Array | None:
        """How often each class was taken for each, (k, k), the true one first; None of a quantity."""
        if self.judged is None or not self.classes:
            return None
        k = len(self.classes)
        pairs = self.judged.truth * k + self.judged.opinion.said
        return np.bincount(pairs, minlength=k * k).reshape(k, k)

    @property
    def worst(self) -> Array:
        """The places of the judged rows, the largest error first."""
        return np.zeros(0, np.int64) if self.judged is None else np.argsort(-self.judged.losses, kind="stable")

    def sections(self) -> list[Section]:
        """What is told, part by part."""
        return sections(self)

    def page(self) -> tuple[Block, ...]:
        return tuple(block for part in self.sections() for block in (Heading(part.title), *part.blocks))

    def to_html(self) -> str:
        """The report with its pictures, as a fragment of HTML that needs nothing from elsewhere."""
        from glassnet.explanation.fit_page import fragment

        return fragment(self)

    def write(self, path: str) -> None:
        """One HTML file that needs nothing from elsewhere.

        Args:
            path: Where to.
        """
        from glassnet.explanation.fit_page import document

        Path(path).expanduser().write_text(document(self), encoding="utf-8")

    def to_dict(self) -> dict[str, Any]:
        model, importance = self.model, self.importance
        order = np.argsort(-importance.mean, kind="stable")
        found = self.reliability
        return plain(
            {
                "target": model.target_.name,
                "task": "classes" if self.classes else "quantity",
                "loss": model.loss_.name,
                "classes": list(model.target_.labels) if self.classes else None,
                "n_train": len(self.train),
                "n_test": self.n_test,
                "columns": model.preprocessor_.to_dict()["columns"],
                "networks": [_network(member) for member in model.members_],
                "scores": self.scores,
                "intervals": {
                    who: {name: [one.low, one.high] for name, one in values.items()}
                    for who, values in self.estimates.items()
                },
                "differences": {
                    who: {name: one._asdict() for name, one in values.items()}
                    for who, values in self.differences.items()
                },
                "calibration": found
                and {
                    "error": found.error,
                    "by_chance": found.by_chance,
                    "bins": [{**vars(one), "share": one.share._asdict()} for one in found.bins],
                },
                "coverage": [{**vars(one), "share": one.share._asdict()} for one in self.coverages],
                "importance": {
                    "score": importance.scoring,
                    "n_rows": importance.n_rows,
                    "columns": {importance.columns[j]: importance.mean[j] for j in order},
                },
                "confusion": self.confusion,
                "largest_errors": [self._error(place) for place in self.worst[:20]],
                "judged": self.judged and self.judged.rows,
                "findings": [finding.to_dict() for finding in self.findings],
            }
        )

    def _error(self, place: int) -> dict[str, Any]:
        """One row with its answer and what was said."""
        assert self.judged is not None
        truth, said = self.judged.truth[place], self.judged.opinion.said[place]
        labels = self.model.target_.labels if self.classes else None
        cells = self.judged.table.frame.row(int(place), named=True)
        target = self.model.target_.name
        return {
            "row": self.judged.numbers[place],
            "cells": {name: cell for name, cell in cells.items() if name != target},
            "true": labels[truth] if labels else truth,
            "predicted": labels[said] if labels else said,
            "loss": self.judged.losses[place],
        }

    def plot(self, ax: Any = None) -> Any:
        """The losses of every network over its epochs: validation, or training where nothing was held out."""
        ax = axes(ax, figsize=(6, 3.5))
        for i, member in enumerate(self.model.members_):
            losses = member.history.validation_loss or member.history.loss
            ax.plot(range(1, len(losses) + 1), losses, label=f"network {i}", color=f"C{member.view}")
        ax.set(xlabel="epoch", ylabel="loss", yscale="log")
        return ax


def fit_report(
    model: TableModel,
    train: Any,
    test: Any = None,
    path: str | None = None,
    *,
    compare: bool = False,
    train_rows: Array | None = None,
    test_rows: Array | None = None,
    findings: Sequence[Finding] | None = None,
    notes: Sequence[str] = (),
) -> FitReport:
    """How good a fitted table model is, what it looks at, and where it is wrong.

    Args:
        model: A fitted `TableClassifier` or `TableRegressor` of one target; one of several has `of_target`.
        train: The table that it was fitted to, with the target.
        test: Rows that it was not fitted to, with the target; None where there are none.
        path: An HTML file to write, with pictures, that needs nothing from elsewhere.
        compare: Whether to train scikit-learn's gradient boosting on `train` too, and compare on the same rows.
        train_rows: The numbers of the rows in their file, (n,); None counts them from 0.
        test_rows: Likewise.
        findings: What was diagnosed; None has it diagnosed here.
        notes: What else the report is to tell.

    Returns:
        A report to print, to show in a notebook, or to read as `to_dict()`.

    Raises:
        InputError: A model that is not fitted, or of several targets.
        TableError: A table without a column that the model needs.

    >>> import glassnet as gn
    >>> table = gn.data.example("circles")
    >>> train, test = table.take(slice(300)), table.take(slice(300, None))
    >>> model = gn.TableClassifier(n_estimators=1, max_iter=40, random_state=0).fit(train, target="label")
    >>> report = fit_report(model, train, test)
    >>> sorted(report.scores)
    ['linear model', 'majority class', 'network']
    """
    model._check_one_target()
    train, tested = Rows.read(train), None if test is None else Rows.read(test)
    found: dict[str, Opinion] = {}
    judged = None
    if tested is not None and len(tested):
        found = opinions(model, train, tested, boosting=compare)
        numbers = np.arange(len(tested)) if test_rows is None else test_rows
        judged = Judged("test", tested, numbers, answers(model, tested), found["network"])
    else:
        judged = _out_of_fold(model, train, train_rows)
    values, differences = estimates(judged.truth, found, loss=model.loss_) if judged and found else ({}, {})
    p = judged.opinion.p if judged else None
    report = FitReport(
        model=model,
        train=train,
        n_test=0 if tested is None else len(tested),
        judged=judged,
        scores={who: scores(judged.truth, said, model.loss_) for who, said in found.items()} if judged else {},
        estimates=values,
        differences=differences,
        reliability=reliability(judged.truth, p) if judged and p is not None else None,
        coverages=coverages(model, tested, judged.truth) if judged and tested is not None and found else (),
        importance=_importance(model, tested if tested is not None and len(tested) else train),
        findings=tuple(diagnose(model, train) if findings is None else findings),
        notes=tuple(notes),
    )
    if path is not None:
        report.write(path)
    return report


def _out_of_fold(model: TableModel, train: Rows, train_rows: Array | None) -> Judged | None:
    """The training rows that networks chose their epochs by, as those say that did not train on them."""
    found = model.out_of_fold_
    if found is None or len(found.rows) != len(found.p) or found.rows.max(initial=0) >= len(train):
        return None
    rows = train.take(found.rows)
    numbers = found.rows if train_rows is None else train_rows[found.rows]
    return Judged("out of fold", rows, numbers, answers(model, rows), Opinion.of(model, found.p))


def _importance(model: TableModel, table: Rows) -> Importance:
    """Of rows so few that a wide table takes no longer than a narrow one."""
    used = sum(column.kind != "ignore" for column in model.preprocessor_.columns)
    repeats = REPEATS if used <= MANY_COLUMNS else 1
    n = int(np.clip(MOST_PREDICTED // (repeats * max(used, 1)), FEWEST_ROWS, MOST_ROWS))
    if len(table) > n:
        table = table.take(np.sort(np.random.default_rng(0).choice(len(table), n, replace=False)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd cells the scores have told
        return permutation_importance(model, table, scoring=scoring_in_units(model.loss_), n_repeats=repeats)


def _network(member: Any) -> dict[str, Any]:
    """A network of the model for programs."""
    history = member.history
    return {
        "view": member.view,
        "weight": member.weight,
        "fold": member.fold,
        "temperature": member.temperature,
        "epochs": len(history),
        "best_epoch": history.best_epoch[0] if history.best_epoch else None,
        "stopped_by": history.stopped_by,
        "loss": history.loss,
        "validation_loss": history.validation_loss,
    }
