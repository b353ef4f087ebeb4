"""What glassnet's defaults are to reach over the tables, and whether they do."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.accuracy.peers import BOOSTING, OURS, PEERS
from benchmarks.accuracy.results import Results
from benchmarks.accuracy.statistics import Interval, paired, ranks, ratio

ERROR_BELOW_MLP = 0.18
LOG_LOSS_BELOW = {"lgbm": 0.20, "catboost": 0.175}
RANKED_BEHIND = ("catboost", "realmlp")
BEHIND_BOOSTING = 0.05
FIT_TIME = {"catboost": 1.0, "realmlp": 0.2}


class Goal(NamedTuple):
    """A goal, what was measured, and whether that meets it: None where nothing was."""

    said: str
    figure: str
    met: bool | None


def mean_ranks(results: Results) -> dict[str, float]:
    """Of those with results on most tables, on the tables and folds that all of them have, by the main metric."""
    entries = [entry for entry in results.entries if entry.name in results.common]
    table = [[results.common_mean(peer, entry, "main") for peer in results.ranked] for entry in entries]
    if not table:
        return {}
    return dict(zip(results.ranked, ranks(np.array(table)).mean(axis=0).tolist(), strict=True))


def against_best_boosting(results: Results) -> dict[str, tuple[str, Interval]]:
    """By table: the boosting that errs least there, and how much more we err, in units of its error."""
    found = {}
    for entry in results.entries:
        able = [peer for peer in BOOSTING if results.folds[peer][entry.name]]
        if able and results.folds[OURS][entry.name]:
            errors = {peer: results.mean(peer, entry, "main") for peer in able}
            best = min(errors, key=errors.__getitem__)
            found[entry.name] = best, paired(*results.pairs(OURS, best, "main")[entry.name])
    return found


def goals(results: Results) -> Iterator[Goal]:
    """All, in the order of the page."""
    yield _least(results, "error", "sk", "main", 1 - ERROR_BELOW_MLP)
    means = mean_ranks(results)
    for peer in RANKED_BEHIND:
        said = f"mean rank ahead of {PEERS[peer].title}'s"
        if OURS in means and peer in means:
            yield Goal(said, f"{means[OURS]:.2f} against {means[peer]:.2f}", means[OURS] < means[peer])
        else:
            yield Goal(said, "", None)
    for peer, share in LOG_LOSS_BELOW.items():
        yield _least(results, "log-loss", peer, "log_loss", 1 - share)
    yield _never_behind(results)
    for peer, most in FIT_TIME.items():
        yield _fit_time(results, peer, most)


def percent(interval: Interval) -> str:
    """A ratio as what it is less or more than one.

    >>> percent(Interval(0.8, 0.7, 1.005))
    '-20.0 % (-30.0 to +0.5)'
    """
    return "{:+.1f} % ({:+.1f} to {:+.1f})".format(*(100 * (x - 1) for x in interval))


def _least(results: Results, what: str, peer: str, metric: str, most: float) -> Goal:
    """That a shifted geometric mean is so much below another."""
    said = f"{what} at least {100 * (1 - most):.3g} % below {PEERS[peer].title}'s"
    ours, theirs = results.over_tables(OURS, peer, metric)
    if not ours:
        return Goal(said, "", None)
    r = ratio(ours, theirs)
    return Goal(said, f"{percent(r)}, {len(ours)} tables", r.value <= most)


def _never_behind(results: Results) -> Goal:
    """That no interval lies wholly above the bound."""
    said = f"on no table a 95 % interval wholly above {100 * BEHIND_BOOSTING:g} % behind the best boosting"
    found = against_best_boosting(results)
    behind = {table: interval for table, (_, interval) in found.items() if interval.low > BEHIND_BOOSTING}
    if not found:
        return Goal(said, "", None)
    named = ", ".join(f"{table} ({100 * interval.value:+.1f} %)" for table, interval in behind.items())
    return Goal(said, named or f"none of {len(found)} tables", not behind)


def _fit_time(results: Results, peer: str, most: float) -> Goal:
    """That the geometric mean of the ratios of processor time is below a bound."""
    said = f"fit time below {'' if most == 1 else f'{most:g} of '}{PEERS[peer].title}'s"
    ours, theirs = results.over_tables(OURS, peer, "cpu_seconds")
    if not ours:
        return Goal(said, "", None)
    r = ratio(ours, theirs, shifted=False)
    return Goal(said, f"{r.value:.2f} ({r.low:.2f} to {r.high:.2f}), {len(ours)} tables", r.value < most)
