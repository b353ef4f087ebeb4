"""Intervals and sets hold the answer as often as they say; ranks are exact, and nothing is ever compared in bulk."""

import json
import tracemalloc
import warnings
from collections.abc import Callable
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, binom

from glassnet.errors import DataWarning, FileFormatError, InputError
from glassnet.estimators.conformal import Calibration, rank, rows_needed
from glassnet.estimators.spread import FARTHEST, LEAST_ROWS, Spread

Sigma = Callable[[np.ndarray], np.ndarray]
COVERAGE = 0.9


def split(scores: Any) -> Calibration:
    return Calibration("split", np.asarray(scores, dtype=float), np.zeros(len(scores), dtype=int))


def crossed(rng: np.random.Generator, n: int = 57, n_folds: int = 4) -> Calibration:
    return Calibration("cv+", rng.exponential(size=n), rng.integers(n_folds, size=n))


@given(n=st.integers(0, 5000), thousandths=st.integers(1, 999))
def test_ranks_are_those_of_exact_fractions(n: int, thousandths: int) -> None:
    exact = ceil((n + 1) * Fraction(thousandths, 1000))
    assert rank(n, thousandths / 1000) == exact
    assert rank(n, 1 - (1000 - thousandths) / 1000) == exact  # 1 − 0.1 and its like, too
    assert (exact <= n) == (n >= rows_needed(thousandths / 1000))


@given(order=st.permutations(range(1, 11)), tenths=st.integers(1, 9))
def test_the_last_of_exchangeable_scores_is_within_exactly_where_its_rank_says(order: list[int], tenths: int) -> None:
    *scores, new = order
    lower, upper = split(scores).interval(np.zeros((1, 1)), np.ones((1, 1)), tenths / 10)[0]
    assert (lower <= new <= upper) == (new <= tenths)


@pytest.mark.parametrize(("n", "coverage"), [(9, 0.9), (30, 0.8), (119, 0.95), (50, 0.5)])
def test_split_covers_as_often_as_the_law_of_ranks_says(n: int, coverage: float) -> None:
    rng, draws = np.random.default_rng(0), 4000
    hits = 0
    for scores, new in zip(rng.exponential(size=(draws, n)), rng.exponential(size=draws), strict=True):
        hits += bool(new <= split(scores).interval(np.zeros((1, 1)), np.ones((1, 1)), coverage)[0, 1])

    expected = rank(n, coverage) / (n + 1)
    low, high = binom.interval(0.9999, draws, expected)
    assert low <= hits <= high


def test_of_one_calibration_coverage_is_beta_distributed() -> None:
    rng, n = np.random.default_rng(1), 99
    upper = np.array(
        [split(rng.uniform(size=n)).interval(np.zeros((1, 1)), np.ones((1, 1)), 0.9)[0, 1] for _ in range(500)]
    )
    law = beta(90, 10)
    for share in (0.1, 0.5, 0.9):
        assert abs((upper <= law.ppf(share)).mean() - share) < 0.06


def test_with_too_few_rows_intervals_are_infinite_and_sets_full_and_a_warning_counts_them() -> None:
    calibration = split(np.ones(8))
    with pytest.warns(DataWarning, match=r"8 calibration rows came, but a coverage of 0\.9 needs 9"):
        assert np.array_equal(calibration.interval(np.zeros((1, 2)), np.ones((1, 2)), 0.9), [[-np.inf, np.inf]] * 2)
    with pytest.warns(DataWarning, match="8 calibration rows"):
        assert calibration.sets(np.array([[[1.0, 0.0, 0.0]]]), 0.9).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isfinite(split(np.ones(9)).interval(np.zeros((1, 2)), np.ones((1, 2)), 0.9)).all()


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 1.5, 90, float("nan"), float("inf"), "0.9", None, True, 1e-15])
def test_a_coverage_that_is_no_share_is_an_error_that_says_what_came(coverage: Any) -> None:
    with pytest.raises(InputError, match=f"coverage is {coverage!r}.* a number between 0 and 1 was needed"):
        split(np.ones(20)).interval(np.zeros((1, 1)), np.ones((1, 1)), coverage)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_cross_intervals_are_those_of_a_loop_over_rows(coverage: float) -> None:
    rng = np.random.default_rng(2)
    calibration = crossed(rng)
    centers, spreads = rng.normal(size=(4, 23)), rng.uniform(0.2, 3, size=(4, 23))
    ends = calibration.interval(centers, spreads, coverage)

    n = len(calibration.scores)
    upper_rank = rank(n, coverage)
    for j in range(23):
        pairs = list(zip(calibration.folds, calibration.scores, strict=True))
        lower = sorted(centers[k, j] - spreads[k, j] * r for k, r in pairs)
        upper = sorted(centers[k, j] + spreads[k, j] * r for k, r in pairs)
        assert ends[j].tolist() == [lower[n + 1 - upper_rank - 1], upper[upper_rank - 1]]


@pytest.mark.parametrize("n_folds", [1, 4])
@pytest.mark.parametrize("coverage", [0.3, 0.8, 0.9])
def test_sets_are_those_of_a_loop_over_rows_and_classes(coverage: float, n_folds: int) -> None:
    rng = np.random.default_rng(3)
    calibration = Calibration("cv+", rng.uniform(size=57).round(2), rng.integers(n_folds, size=57))
    p = rng.dirichlet(np.ones(5), size=(n_folds, 31)).round(2)  # with ties
    sets = calibration.sets(p, coverage)

    for j in range(31):
        for c in range(5):
            pairs = zip(calibration.folds, calibration.scores, strict=True)
            count = sum(score >= 1 - p[k, j, c] for k, score in pairs)
            likely = c == p[:, j].mean(axis=0).argmax()
            assert sets[j, c] == (Fraction(1 + int(count), 58) > 1 - Fraction(str(coverage)) or likely)


def test_one_fold_gives_the_same_whether_split_or_crossed() -> None:
    rng = np.random.default_rng(4)
    scores, zeros = rng.exponential(size=40), np.zeros(40, dtype=int)
    centers, spreads = rng.normal(size=(1, 9)), rng.uniform(1, 2, size=(1, 9))
    a, b = (Calibration(kind, scores, zeros).interval(centers, spreads, 0.8) for kind in ("split", "cv+"))
    assert np.array_equal(a, b)
    assert np.allclose((a[:, 1] - a[:, 0]) / 2 / spreads[0], np.sort(scores)[rank(40, 0.8) - 1])


@given(seed=st.integers(0, 1000), a=st.floats(0.5, 0.94), b=st.floats(0.5, 0.94))
def test_a_higher_coverage_never_takes_anything_away(seed: int, a: float, b: float) -> None:
    rng = np.random.default_rng(seed)
    calibration = crossed(rng)
    centers, spreads = rng.normal(size=(4, 5)), rng.uniform(0.2, 3, size=(4, 5))
    p = rng.dirichlet(np.ones(3), size=(4, 5))
    small, large = (calibration.interval(centers, spreads, c) for c in sorted((a, b)))
    assert (large[:, 0] <= small[:, 0]).all()
    assert (large[:, 1] >= small[:, 1]).all()
    assert (calibration.sets(p, max(a, b)) >= calibration.sets(p, min(a, b))).all()


@given(seed=st.integers(0, 200), coverage=st.floats(0.01, 0.94))
def test_no_interval_ends_before_it_begins_and_no_set_is_empty(seed: int, coverage: float) -> None:
    rng = np.random.default_rng(seed)
    calibration = crossed(rng)
    ends = calibration.interval(10 * rng.normal(size=(4, 5)), np.ones((4, 5)), coverage)
    assert (ends[:, 0] <= ends[:, 1]).all()
    p = rng.dirichlet(np.ones(3), size=(4, 5))
    sets = calibration.sets(p, coverage)
    assert sets[np.arange(5), p.mean(axis=0).argmax(axis=1)].all()


@pytest.mark.parametrize("kind", ["split", "cv+"])
def test_sets_hold_the_class_as_often_as_they_say(kind: str) -> None:
    rng, n_folds, hits = np.random.default_rng(5), 1 if kind == "split" else 5, []
    for _ in range(300):
        true = rng.dirichlet(np.full(4, 0.5), size=120)
        labels = (true.cumsum(axis=1) > rng.uniform(size=(120, 1))).argmax(axis=1)
        p = true * rng.uniform(0.5, 2, size=(n_folds, 120, 4))  # models that are wrong, each in its way
        p /= p.sum(axis=2, keepdims=True)
        folds = np.arange(100) % n_folds
        calibration = Calibration(kind, 1 - p[folds, np.arange(100), labels[:100]], folds)
        hits.append(calibration.sets(p[:, 100:], 0.8)[np.arange(20), labels[100:]])
    assert 0.78 < np.mean(hits) < (0.83 if kind == "split" else 0.87)


def test_comparing_many_new_rows_with_many_calibration_rows_takes_little_memory() -> None:
    rng = np.random.default_rng(6)
    calibration = crossed(rng, 2000, 5)
    centers, spreads = rng.normal(size=(5, 50_000)), rng.uniform(1, 2, size=(5, 50_000))
    p = rng.dirichlet(np.ones(3), size=(5, 50_000))
    tracemalloc.start()
    try:
        calibration.interval(centers, spreads, 0.9)
        calibration.sets(p, 0.9)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50e6  # all pairs at once are 800 MB


def test_the_guarantee_says_what_holds() -> None:
    rng = np.random.default_rng(7)
    assert split(np.ones(312)).guarantee(0.9) == (
        "at least 90 % of new rows like these (split conformal, 312 calibration rows)"
    )
    assert crossed(rng, 100).guarantee(0.5).startswith("at least 0 % of new rows like these by theory, about 50 %")
    assert split([1.0]).guarantee(0.95).startswith("none: infinite, for 19 calibration rows are needed")


SIGMAS: dict[str, Sigma] = {
    "constant": lambda x: np.ones(len(x)),
    "linear": lambda x: 0.2 + x,
    "quadratic": lambda x: 0.2 + 2 * (2 * x - 1) ** 2,
    "exponential": lambda x: np.exp(3 * x - 2),
    "jump": lambda x: np.where(x > 0.5, 1.5, 0.3),
}
# Two straight pieces and a curve cannot follow a jump: near it widths are too large before and too small after it.
WORST = {"constant": 0.05, "linear": 0.05, "quadratic": 0.05, "exponential": 0.05, "jump": 0.08}


def simulate(kind: str, sigma: Sigma, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Widths and hits of new rows over independent draws of y = f(x) + σ(x)ε, with models that are a little wrong."""
    rng, n_folds, n, new = np.random.default_rng(0), 1 if kind == "split" else 5, 400, 40
    folds, rows = np.arange(n) % n_folds, np.arange(n)
    widths, hits = [], []
    for _ in range(draws):
        x = rng.uniform(size=(n_folds * n + n + new, 5))
        f = np.sin(3 * x[:, 0]) + x[:, 1]
        y = f + sigma(x[:, 0]) * rng.normal(size=len(x))
        centers = np.array([f + x[:, 2:4] @ rng.normal(scale=0.1, size=2) for _ in range(n_folds)])
        spreads = np.empty_like(centers)
        for k in range(n_folds):
            own = slice(n + new + k * n, n + new + (k + 1) * n)
            spreads[k] = Spread.fit(x[own], centers[k, own], y[own] - centers[k, own]).at(x, centers[k])
        scores = np.abs(y[:n] - centers[folds, rows]) / spreads[folds, rows]
        part = slice(n, n + new)
        lower, upper = Calibration(kind, scores, folds).interval(centers[:, part], spreads[:, part], COVERAGE).T
        widths.append(upper - lower)
        hits.append((lower <= y[part]) & (y[part] <= upper))
    return np.concatenate(widths), np.concatenate(hits)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize(
    ("kind", "draws"), [("split", 120), pytest.param("split", 500, marks=pytest.mark.slow), ("cv+", 40)]
)
def test_where_noise_differs_each_fifth_of_the_widths_is_covered(kind: str, draws: int, sigma: str) -> None:
    widths, hits = simulate(kind, SIGMAS[sigma], draws)
    error = 4 * np.sqrt(COVERAGE * (1 - COVERAGE) / (len(hits) / 5)) if draws < 500 else 0.0
    fifths = [hits[part].mean() for part in np.array_split(np.argsort(widths, kind="stable"), 5)]
    assert abs(hits.mean() - COVERAGE) < 0.03
    assert max(abs(fifth - COVERAGE) for fifth in fifths) < WORST[sigma] + error


def test_the_spread_follows_the_noise_and_stays_constant_where_there_is_nothing_to_follow() -> None:
    rng = np.random.default_rng(8)
    x = rng.uniform(size=(800, 6))
    noise = rng.normal(size=800)
    for name, sigma in SIGMAS.items():
        s = sigma(x[:, 0])
        fitted = Spread.fit(x, x[:, 1], noise * s).at(x, x[:, 1])
        error = np.std(np.log(fitted / s))
        assert error < (0.12 if name == "constant" else 0.55 * np.std(np.log(s))), name


def test_the_spread_stays_within_a_factor_of_its_median_however_far_the_row() -> None:
    rng = np.random.default_rng(9)
    x = rng.uniform(size=(300, 3))
    spread = Spread.fit(x, x[:, 0], rng.normal(size=300) * np.exp(3 * x[:, 0]))
    median = np.median(spread.at(x, x[:, 0]))
    far = spread.at(np.array([[1e9, -1e9, 1e9], [-1e9, 1e9, 0]]), np.array([1e9, -1e9]))
    assert (far <= median * FARTHEST * 1.0001).all()
    assert (far >= median / FARTHEST / 1.0001).all()


@pytest.mark.parametrize(
    "residual",
    [np.zeros(100), np.ones(LEAST_ROWS - 1), np.zeros(0), np.r_[np.zeros(99), 1.0], np.full(100, 1e-300)],
    ids=["zeros", "few", "none", "one", "tiny"],
)
def test_a_spread_of_degenerate_residuals_is_positive_and_finite(residual: np.ndarray) -> None:
    x = np.random.default_rng(10).normal(size=(len(residual), 3))
    s = Spread.fit(x, np.zeros(len(x)), residual).at(np.ones((4, 3)), np.ones(4))
    assert np.isfinite(s).all()
    assert (s > 0).all()


def test_constant_equal_and_many_columns_do_no_harm() -> None:
    rng = np.random.default_rng(11)
    x = np.hstack(
        [np.full((60, 1), 1e6 + 0.1), np.repeat(rng.integers(2, size=(60, 1)), 2, axis=1), rng.normal(size=(60, 90))]
    )
    s = Spread.fit(x.astype(np.float32), np.full(60, 0.1), rng.normal(size=60)).at(x, np.full(60, 0.1))
    assert s.max() / s.min() < 4


def test_both_records_survive_a_file() -> None:
    rng = np.random.default_rng(12)
    x = rng.uniform(size=(200, 3))
    spread = Spread.fit(x, x[:, 0], rng.normal(size=200) * x[:, 0])
    again = Spread.from_dict(json.loads(json.dumps(spread.to_dict())))
    assert np.array_equal(again.at(x, x[:, 0]), spread.at(x, x[:, 0]))
    assert np.ptp(spread.at(x, x[:, 0])) > 0

    calibration = crossed(rng)
    read = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert read.kind == calibration.kind
    assert np.array_equal(read.scores, calibration.scores)
    assert np.array_equal(read.folds, calibration.folds)


@pytest.mark.parametrize(
    "change",
    [{"kind": "other"}, {"scores": [1.0]}, {"scores": [float("nan"), 1.0]}, {"folds": [0, 0.5]}, {"folds": [0, 1]}],
)
def test_a_damaged_calibration_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FileFormatError):
        Calibration.from_dict(split([1.0, 2.0]).to_dict() | change)


@pytest.mark.parametrize("change", [{"weights": [1.0]}, {"curve": []}, {"limits": [1.0, 0.0]}, {"bias": "0"}])
def test_a_damaged_spread_is_refused(change: dict[str, Any]) -> None:
    record = Spread.fit(np.zeros((5, 2)), np.zeros(5), np.ones(5)).to_dict()
    with pytest.raises(FileFormatError):
        Spread.from_dict(record | change)
