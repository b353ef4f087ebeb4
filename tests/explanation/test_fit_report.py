"""What a fit came to: numbers that can be worked by hand, and a page that shows them and lets no text act."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

import glassnet as gn
from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.estimators.boosting import cells_as_numbers
from glassnet.estimators.certainty import estimates, wilson
from glassnet.estimators.reliability import reliability
from glassnet.estimators.report import Opinion
from glassnet.explanation import charts

EVIL = "<img src=x onerror=alert(1)>"


def parted(table, n_test):
    order = np.random.default_rng(0).permutation(len(table))
    return table.take(np.sort(order[n_test:])), table.take(np.sort(order[:n_test]))


@pytest.fixture(scope="module")
def species():
    """A report of classes, with its test rows."""
    train, test = parted(gn.data.example("penguins"), 70)
    model = gn.TableClassifier(hidden_layer_sizes=(8,), n_estimators=2, max_iter=30, random_state=0)
    return gn.fit_report(model.fit(train, target="species"), train, test, compare=True), test


@pytest.fixture(scope="module")
def mass():
    """A report of a quantity, with its test rows."""
    table = gn.data.example("penguins")
    table = table.take(np.flatnonzero(table["body_mass_g"].is_not_null().to_numpy()))
    train, test = parted(table, 70)
    model = gn.TableRegressor(hidden_layer_sizes=(8,), n_estimators=1, max_iter=30, random_state=0)
    return gn.fit_report(model.fit(train, target="body_mass_g"), train, test), test


def test_an_interval_of_a_mean_is_as_wide_as_theory_says():
    rng = np.random.default_rng(1)
    truth, said = np.zeros(5000), rng.exponential(size=5000)
    found, _ = estimates(truth, {"a": Opinion(said)})
    one = found["a"]["mae"]
    assert one.value == pytest.approx(said.mean())
    assert one.high - one.low == pytest.approx(2 * 1.96 * said.std() / np.sqrt(5000), rel=0.08)


def test_what_is_hard_for_both_drops_out_of_their_difference():
    rng = np.random.default_rng(2)
    truth = rng.normal(size=300)
    hard = 3 * rng.normal(size=300)
    found, differences = estimates(truth, {"a": Opinion(truth + hard), "b": Opinion(truth + 1.05 * hard)})
    one = differences["b"]["rmse"]
    assert one.value == pytest.approx(found["a"]["rmse"].value - found["b"]["rmse"].value)
    assert one.apart
    assert one.high < 0
    assert found["a"]["rmse"].high > found["b"]["rmse"].low  # apart from each other they could not be told


def test_wilson_leaves_room_where_nothing_was_wrong():
    assert wilson(1.0, 10) == (1.0, pytest.approx(0.7225, abs=1e-3), 1.0)
    assert wilson(0.0, 10).high == pytest.approx(0.2775, abs=1e-3)


def test_a_score_that_is_not_defined_is_left_out():
    found, differences = estimates(np.ones(9), {"a": Opinion(np.zeros(9)), "b": Opinion(np.ones(9))})
    assert "r2" not in found["a"]
    assert set(differences["b"]) == {"rmse", "mae"}


def test_calibration_is_worked_by_hand():
    p = np.array([[0.9, 0.1]] * 4 + [[0.35, 0.65]] * 2)
    found = reliability(np.array([0, 0, 0, 1, 1, 1]), p)
    assert found.error == pytest.approx((4 * abs(0.75 - 0.9) + 2 * abs(1 - 0.65)) / 6)
    assert [(one.n, one.share.value) for one in found.bins] == [(2, 1.0), (4, 0.75)]


def test_right_probabilities_miss_by_chance_as_much_as_is_told():
    rng = np.random.default_rng(3)
    p = rng.uniform(0.5, 1, size=(500, 400))
    right = rng.uniform(size=p.shape) < p
    found = [reliability((~r).astype(int), np.column_stack([q, 1 - q])) for r, q in zip(right, p, strict=True)]
    assert np.mean([one.error for one in found]) == pytest.approx(np.mean([one.by_chance for one in found]), rel=0.05)


def test_boosting_gets_categories_by_their_place_and_missing_cells_as_such():
    columns = [Column("a", "category", values=("x", "y"), pooled=True), Column("b", "boolean")]
    table = Table.read({"a": ["y", "rare", None], "b": [True, None, False]})
    assert np.array_equal(cells_as_numbers(columns, table), [[1, 1], [2, np.nan], [np.nan, 0]], equal_nan=True)


def test_the_report_agrees_with_the_model(species):
    report, test = species
    told = report.to_dict()
    said = report.model.predict(test)
    assert told["scores"]["network"]["accuracy"] == pytest.approx((said == test["species"].to_numpy()).mean())
    assert np.sum(told["confusion"]) == len(test)
    assert np.trace(told["confusion"]) == (said == test["species"].to_numpy()).sum()
    assert sum(one["n"] for one in told["calibration"]["bins"]) == len(test)
    p = report.model.predict_proba(test)
    true = p[np.arange(len(test)), [list(report.model.classes_).index(label) for label in test["species"]]]
    worst = told["largest_errors"][0]
    assert worst["row"] == true.argmin()
    assert worst["loss"] == pytest.approx(1 - true.min())


def test_the_column_that_decides_comes_first_in_the_importance(mass):
    report, _ = mass
    assert next(iter(report.to_dict()["importance"]["columns"])) in ("flipper_length_mm", "species", "sex")
    assert report.importance.scoring == "neg_root_mean_squared_error"


def test_errors_of_a_quantity_are_in_its_units_with_the_largest_first(mass):
    report, test = mass
    errors = np.abs(report.model.predict(test) - test["body_mass_g"].to_numpy())
    told = report.to_dict()
    assert [wrong["loss"] for wrong in told["largest_errors"]] == pytest.approx(np.sort(errors)[::-1][:20])
    assert told["confusion"] is None
    assert told["calibration"] is None


def test_without_rows_held_out_errors_are_told_of_rows_out_of_fold_and_scores_are_not():
    table = gn.data.example("penguins")
    model = gn.TableClassifier(hidden_layer_sizes=(8,), n_estimators=2, max_iter=30, random_state=0)
    report = gn.fit_report(model.fit(table, target="species"), table)
    told = report.to_dict()
    assert (told["scores"], told["judged"], told["coverage"]) == ({}, "out of fold", [])
    rows = set(model.out_of_fold_.rows.tolist())
    assert {wrong["row"] for wrong in told["largest_errors"]} <= rows
    assert sum(one["n"] for one in told["calibration"]["bins"]) == len(rows)
    assert "nothing honest to score" in str(report)


class Tags(HTMLParser):
    """Every tag that is opened is closed, and none can act."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_loads_nothing_and_lets_no_text_act(tmp_path):
    rng = np.random.default_rng(4)
    kinds = np.array([EVIL, "plain"])[rng.integers(2, size=120)]
    answers = np.array([EVIL, "b"])[rng.integers(2, size=120)]
    table = {f"n{EVIL}": rng.normal(size=120), f"c{EVIL}": kinds, f"t{EVIL}": answers}
    model = gn.TableClassifier(hidden_layer_sizes=(4,), n_estimators=1, max_iter=3, random_state=0)
    with pytest.warns(gn.errors.TrainingWarning):
        model.fit(table, target=f"t{EVIL}")
    gn.fit_report(model, table, table, tmp_path / "r.html", notes=[EVIL])
    tags = Tags()
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    tags.feed(text)
    assert not tags.open
    assert EVIL not in text
    names = {tag for tag, _ in tags.seen}
    assert not names & {"script", "img", "link", "iframe", "a", "object"}
    assert not any(name.startswith("on") or name in ("src", "href") for _, attrs in tags.seen for name in attrs)
    assert "url(" not in text


@pytest.mark.parametrize("which", ["species", "mass"])
def test_every_picture_is_there_and_every_number_in_it_is_one(request, which):
    html = request.getfixturevalue(which)[0].to_html()
    told = re.findall(r"<figcaption>(.*?)</figcaption>", html)
    for name in ("Validation loss", "95 % intervals", "how often they hold", "Rise of the"):
        assert any(name in caption for caption in told), name
    assert any(name in told for name in ("True classes and what they were taken for", "Errors by prediction"))
    assert html.count('class="spark"') == 7
    assert not re.search(r'="[^"]*\b(nan|inf)\b', html)


def test_a_report_is_made_without_matplotlib(species, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert "<svg" in species[0].to_html()


def test_a_chart_keeps_what_lies_outside_at_its_edge():
    chart = charts.Chart("c", (0, 1), (1e-3, 1), log=True)
    assert chart.up(0) == chart.up(1e-3)
    assert chart.up(1e9) == charts.TOP
    assert chart.across(5) == charts.WIDTH - charts.RIGHT


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3, 7), (1e-9, 2e-9), (5, 5.001), (0, 123456)])
def test_ticks_are_few_and_inside(low, high):
    found = charts.ticks(low, high)
    assert 3 <= len(found) <= 7
    assert all(low - 1e-9 * abs(high) <= tick <= high * (1 + 1e-9) for tick in found)


def test_a_target_that_is_learned_as_its_logarithm_is_told_and_scored_in_its_own_units():
    rng = np.random.default_rng(5)
    x = rng.normal(size=200)
    table = Table.read({"x": x, "y": np.exp(2 * x + 0.1 * rng.normal(size=200))})
    model = gn.TableRegressor(n_estimators=1, max_iter=20, target_transform="log", random_state=0)
    report = gn.fit_report(model.fit(table, target="y"), table, table)
    assert "the logarithm of y" in str(report)
    y = table["y"].to_numpy()
    assert report.scores["mean"]["rmse"] == pytest.approx(y.std())
    assert report.scores["linear model"]["r2"] < report.scores["network"]["r2"]
