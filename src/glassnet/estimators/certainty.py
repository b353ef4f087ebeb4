"""How sure a score is: 95 % intervals of the scores of several models on the same rows, and of their differences."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from glassnet.estimators.quantities import row_losses
from glassnet.estimators.report import Opinion, own_measure
from glassnet.nn import Loss
from glassnet.nn.elementary import Array

RESAMPLES = 2000
MOST_GROUPS = 2000  # of rows, which are drawn as wholes: that of many rows is as good, and quicker
ENDS = (0.025, 0.975)
SURE = 1e-15  # a probability that was wrong counts as this one at least
Z = 1.959964  # between −Z and Z lie 95 % of a normal distribution


class Estimate(NamedTuple):
    """A number, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def apart(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.low > 0 or self.high < 0


Estimates = dict[str, dict[str, Estimate]]  # by who, by score


def estimates(
    truth: Array, opinions: Mapping[str, Opinion], *, loss: Loss | None = None, seed: int = 0
) -> tuple[Estimates, Estimates]:
    """Scores with their intervals, and those of the first less those of each other, on the same rows.

    Rows are drawn anew with replacement, the same ones for all, so that what is hard for everyone drops out of the
    differences. Of a share, as accuracy is, the interval is Wilson's, which is right for few errors as well.

    Args:
        truth: The answer of each row, (n,): places of classes, or quantities.
        opinions: What is said of each row, by who says so.
        loss: That of the model, as for `scores`.
        seed: Same seed, same intervals.

    Returns:
        By who and by score: the scores, and the differences, which the first has none of. A score that is not defined
        is left out.

    >>> truth, said = np.arange(100) % 2, np.zeros(100)
    >>> sure, unsure = np.eye(2)[truth] * 0.8 + 0.1, np.full((100, 2), 0.5)
    >>> found, differences = estimates(truth, {"a": Opinion(truth, sure), "b": Opinion(said, unsure)})
    >>> [round(end, 2) for end in found["a"]["accuracy"]]
    [1.0, 0.96, 1.0]
    >>> differences["b"]["log_loss"].high < 0
    True
    """
    counts = _draws(len(truth), seed)
    groups = counts.shape[1]
    group = np.random.default_rng([seed, 1]).permutation(np.arange(len(truth)) % groups)  # tables may be sorted
    whole: dict[str, dict[str, float]] = {}
    drawn: dict[str, dict[str, Array]] = {}
    for who, opinion in opinions.items():
        rows, scores = _of_rows(truth, opinion), CLASS_SCORES if opinion.p is not None else QUANTITY_SCORES
        if loss is not None and (own := own_measure(loss)):
            rows = np.column_stack([rows, row_losses(loss, truth, opinion.said)])
            scores = scores | {own: lambda s: s[-1] / s[0]}
        sums = _sums_by_group(rows, group, groups)
        with np.errstate(all="ignore"):
            values = {name: float(score(sums.sum(axis=0))) for name, score in scores.items()}
            whole[who] = {name: value for name, value in values.items() if np.isfinite(value)}
            resampled = (counts @ sums).T
            drawn[who] = {name: scores[name](resampled) for name in whole[who]}
    found = {
        who: {
            name: wilson(value, len(truth)) if name == "accuracy" else _estimate(value, drawn[who][name])
            for name, value in values.items()
        }
        for who, values in whole.items()
    }
    first, *others = opinions
    with np.errstate(invalid="ignore"):  # R² of rows that are all one
        differences = {
            who: {
                name: _estimate(whole[first][name] - value, drawn[first][name] - drawn[who][name])
                for name, value in whole[who].items()
                if name in whole[first]
            }
            for who in others
        }
    return found, differences


def wilson(share: float, n: int) -> Estimate:
    """A share of n rows with Wilson's interval, whose ends stay between 0 and 1.

    (s + z²/2n ± z √(s(1 − s)/n + z²/4n²)) / (1 + z²/n)

    >>> [round(end, 3) for end in wilson(0.5, 100)]
    [0.5, 0.404, 0.596]
    """
    middle, room = share + Z**2 / (2 * n), Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = ((middle + sign * room) / (1 + Z**2 / n) for sign in (-1, 1))
    return Estimate(share, min(max(float(low), 0.0), share), max(min(float(high), 1.0), share))


# Scores by the sums of what each row adds, (columns, …).
Score = Callable[[Array], Array]
CLASS_SCORES: dict[str, Score] = {"accuracy": lambda s: s[1] / s[0], "log_loss": lambda s: s[2] / s[0]}
QUANTITY_SCORES: dict[str, Score] = {
    "r2": lambda s: 1 - s[2] / (s[4] - s[3] ** 2 / s[0]),
    "rmse": lambda s: np.sqrt(s[2] / s[0]),
    "mae": lambda s: s[1] / s[0],
}


def _of_rows(truth: Array, opinion: Opinion) -> Array:
    """What each row adds to the sums, (n, columns): itself; a hit and −ln p, or its error, its square, y and y²."""
    one, (said, p) = np.ones(len(truth)), opinion
    if p is not None:
        return np.column_stack([one, said == truth, -np.log(np.clip(p[np.arange(len(truth)), truth], SURE, None))])
    error, y = np.abs(said - truth), truth - truth.mean()
    return np.column_stack([one, error, error**2, y, y**2])


def _draws(n: int, seed: int) -> Array:
    """How often each group of rows is drawn, (RESAMPLES, groups)."""
    groups = min(n, MOST_GROUPS)
    drawn = np.random.default_rng(seed).integers(groups, size=(RESAMPLES, groups))
    drawn += np.arange(RESAMPLES)[:, None] * groups
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * groups).reshape(RESAMPLES, groups).astype(np.float64)


def _sums_by_group(rows: Array, group: Array, groups: int) -> Array:
    """(groups, columns)."""
    return np.column_stack([np.bincount(group, weights=column, minlength=groups) for column in rows.T])


def _estimate(value: float, drawn: Array) -> Estimate:
    low, high = np.quantile(drawn[np.isfinite(drawn)], ENDS) if np.isfinite(drawn).any() else (value, value)
    return Estimate(value, float(low), float(high))
