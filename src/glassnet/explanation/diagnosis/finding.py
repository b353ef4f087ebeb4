"""What a diagnosis found: each fault with its numbers and its remedy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glassnet.explanation.drawing import axes
from glassnet.explanation.page import Block, Explanation, Formula, Heading, Table, Text, Verdict, noted, plain
from glassnet.explanation.samples import unfitted


class NotExamined(Exception):
    """A check that cannot be made here; its text says why."""


@dataclass(frozen=True)
class Finding:
    """One fault.

    Attributes:
        name: A key of `CHECKS`.
        text: What is wrong, with its numbers, in a sentence or two.
        remedy: A changed call, or what to do with the data.
        evidence: The numbers by name.
        change: Parameters of the estimator that the remedy sets; {} where it is something else.
    """

    name: str
    text: str
    remedy: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name.replace('_', ' ').capitalize()}: {self.text} Remedy: {self.remedy}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**vars(self), "evidence": plain(self.evidence), "change": plain(self.change)}


@dataclass(frozen=True, eq=False, repr=False)
class Report(Explanation):
    """A diagnosis as a page.

    Attributes:
        findings: Causes before their symptoms.
        examined: Names of the checks that were made.
        skipped: Those that were not, and why.
        numbers: What every check starts from: rows, losses, shares of the variance explained.
        note: Which network of several was examined; or "".
    """

    findings: tuple[Finding, ...]
    examined: tuple[str, ...]
    skipped: Mapping[str, str]
    numbers: Mapping[str, Any]
    note: str = ""

    def page(self) -> tuple[Block, ...]:
        rows = [[name, value] for name, value in self.numbers.items()]
        blocks: list[Block] = [Heading("Diagnosis"), *noted(self.note), Table(["measured", ""], rows)]
        for finding in self.findings:
            blocks += [
                Verdict("bad", f"{finding.name.replace('_', ' ')}: {finding.text}"),
                Formula(f"Remedy: {finding.remedy}"),
            ]
        n = len(self.examined)
        if not self.findings:
            blocks.append(Verdict("good", f"None of {n} faults was found."))
        told = ", ".join(name.replace("_", " ") for name in self.examined)
        blocks.append(Text(f"Examined ({n}): {told}."))
        if self.skipped:
            reasons = [[name.replace("_", " "), why] for name, why in self.skipped.items()]
            blocks.append(Table(["not examined", "since"], reasons))
        return tuple(blocks)

    def to_dict(self) -> dict[str, Any]:
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "examined": list(self.examined),
            "skipped": dict(self.skipped),
            "numbers": plain(self.numbers),
            "note": self.note,
        }

    def plot(self, ax: Any = None) -> Any:
        """Each check as a line: red where a fault was found, green where not, grey where it was not made."""
        found = [finding.name for finding in self.findings]
        names = [*self.examined, *self.skipped]
        ax = axes(ax, figsize=(6, 0.5 + 0.28 * len(names)))
        colours = ["#d0453b" if name in found else "#2e9e5b" if name in self.examined else "#b0b4ba" for name in names]
        ax.barh(range(len(names)), 1, color=colours)
        ax.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
        ax.set_xticks([])
        ax.invert_yaxis()
        return ax


class Diagnosis(Explanation, list[Finding]):
    """A list of findings, which shows itself as the page of its `report`."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.findings)
        self.report = report

    @property
    def names(self) -> list[str]:
        """Of the findings."""
        return [finding.name for finding in self]

    def page(self) -> tuple[Block, ...]:
        return self.report.page()

    def to_dict(self) -> dict[str, Any]:
        return self.report.to_dict()

    def plot(self, ax: Any = None) -> Any:
        return self.report.plot(ax)


def changed_call(model: Any, **change: Any) -> str:
    """The call that makes this estimator with some parameters changed, as one types it.

    >>> from glassnet.estimators import MLPRegressor
    >>> changed_call(MLPRegressor(hidden_layer_sizes=(8,), learning_rate_init=5.0), learning_rate_init=0.001)
    'MLPRegressor(hidden_layer_sizes=(8,))'
    """
    return " ".join(repr(unfitted(model, **change)).split())
