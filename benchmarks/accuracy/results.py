"""The lines of results, put in order: of each peer the newest version, by table and fold."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from benchmarks.accuracy.peers import ABLATION, OURS, PEERS
from benchmarks.accuracy.tables import Entry, catalogue

Line = dict[str, Any]
Folds = dict[int, Line]
ENOUGH = 0.75  # of the tables: who has fewer is compared in pairs, and is left out of ranks and means


@dataclass
class Results:
    """Of one number of threads and one cap.

    Attributes:
        folds: peer → table → fold → line.
        versions: The one that counts, of each peer.
        late: peer → tables on which a fit took too long.
        failed: peer → table → what was said.
    """

    folds: dict[str, dict[str, Folds]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    versions: dict[str, str] = field(default_factory=dict)
    late: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))

    @classmethod
    def of(cls, lines: Iterable[Line], threads: int, cap: int | None) -> "Results":
        """The lines that count: of the tables as they are catalogued, and of each peer's newest version.

        Variants are of the same version as ours, or they do not count.
        """
        entries, made = catalogue(), cls()
        used = [
            line
            for line in lines
            if line["peer"] in {**PEERS, **ABLATION}
            and (line["threads"], line["cap"]) == (threads, cap)
            and line["table"] in entries
            and entries[line["table"]].fingerprint.startswith(line["data"])
        ]
        made.versions = {line["peer"]: line["version"] for line in used}
        for peer in ABLATION:
            if peer in made.versions and OURS in made.versions:
                made.versions[peer] = made.versions[OURS]
        for line in used:
            peer, table = line["peer"], line["table"]
            if line["version"] != made.versions[peer]:
                continue
            if line.get("late"):
                made.late[peer].append(table)
            elif "failed" in line:
                made.failed[peer][table] = line["failed"]
            else:
                made.folds[peer][table][line["fold"]] = line
        for peer, tables in made.late.items():  # some folds and not others would be no fair mean
            for table in tables:
                made.folds[peer].pop(table, None)
        return made

    @cached_property
    def entries(self) -> list[Entry]:
        """The tables on which anything was measured, in the catalogue's order."""
        measured = {table for tables in self.folds.values() for table, folds in tables.items() if folds}
        return [entry for entry in catalogue().values() if entry.name in measured]

    @cached_property
    def peers(self) -> list[str]:
        """Those of whom there is any result, variants apart."""
        return [peer for peer in PEERS if any(self.folds[peer].values())]

    @cached_property
    def ranked(self) -> list[str]:
        """Those with results on most tables."""
        least = ENOUGH * len(self.entries)
        return [peer for peer in self.peers if sum(map(bool, self.folds[peer].values())) >= least]

    @cached_property
    def common(self) -> dict[str, list[int]]:
        """The folds of which each of those has results, by table; without the tables where there is none."""
        if not self.ranked:
            return {}
        found = {}
        for entry in self.entries:
            folds = set.intersection(*(set(self.folds[peer][entry.name]) for peer in self.ranked))
            found[entry.name] = sorted(folds)
        return {table: folds for table, folds in found.items() if folds}

    def values(self, peer: str, entry: Entry, metric: str, folds: Iterable[int] | None = None) -> list[float]:
        """Of these folds, of all where none are named, in order; "main" is the share of errors or nRMSE."""
        name = main_metric(entry) if metric == "main" else metric
        lines = self.folds[peer][entry.name]
        return [lines[fold][name] for fold in (sorted(lines) if folds is None else folds)]

    def mean(self, peer: str, entry: Entry, metric: str) -> float:
        """Over all its folds."""
        return float(np.mean(self.values(peer, entry, metric)))

    def common_mean(self, peer: str, entry: Entry, metric: str) -> float:
        """Over the folds that everybody has."""
        return float(np.mean(self.values(peer, entry, metric, self.common[entry.name])))

    def pairs(self, a: str, b: str, metric: str) -> dict[str, tuple[list[float], list[float]]]:
        """By table, both one's values on the folds that both have."""
        found = {}
        for entry in self.entries:
            name = main_metric(entry) if metric == "main" else metric
            left, right = self.folds[a][entry.name], self.folds[b][entry.name]
            shared = [fold for fold in sorted(left) if fold in right and name in left[fold]]
            if shared:
                found[entry.name] = [left[fold][name] for fold in shared], [right[fold][name] for fold in shared]
        return found

    def over_tables(self, a: str, b: str, metric: str) -> tuple[list[float], list[float]]:
        """Both one's means, table by table."""
        pairs = self.pairs(a, b, metric).values()
        return [float(np.mean(left)) for left, _ in pairs], [float(np.mean(right)) for _, right in pairs]


def main_metric(entry: Entry) -> str:
    """What a table is judged by."""
    return "nrmse" if entry.task == "regression" else "error"
