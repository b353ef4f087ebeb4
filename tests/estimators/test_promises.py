"""What a table model promises of new rows: intervals and sets, thresholds, honest splits, the form of its target."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from glassnet import TableClassifier, TableRegressor
from glassnet.errors import DataWarning, InputError, TableError, UnknownNameError
from glassnet.estimators import ensemble, table_model
from glassnet.estimators.thresholds import best_threshold

FEW = {"n_estimators": 2, "hidden_layer_sizes": (16,), "max_iter": 40, "random_state": 0}
pytestmark = pytest.mark.filterwarnings(
    "ignore::glassnet.errors.TrainingWarning", "ignore::glassnet.errors.RangeWarning"
)


def noisy(n, seed, sigma=lambda x: 0.2 + x):
    """A quantity whose noise grows with x."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, n)
    return {"x": x, "other": rng.normal(size=n)}, np.sin(4 * x) + sigma(x) * rng.normal(size=n)


def held(ends, y):
    return (ends[:, 0] <= y) & (y <= ends[:, 1])


# Intervals and sets.


@pytest.mark.parametrize("calibration", ["split", "cv+"])
def test_intervals_hold_nine_of_ten_answers_and_widen_where_the_noise_does(calibration):
    (new, truth), hits, widths = noisy(4000, 99), [], []
    for seed in range(8):  # the promise is of many calibrations on average
        rows, y = noisy(600, seed)
        model = TableRegressor(**{**FEW, "n_estimators": 8}, calibration=calibration).fit(rows, y)
        ends = model.predict_interval(new, coverage=0.9)
        hits.append(held(ends, truth).mean())
        widths.append(np.median(np.diff(ends)[new["x"] > 0.8]) / np.median(np.diff(ends)[new["x"] < 0.2]))
    assert 0.87 < np.mean(hits) < 0.95
    assert np.median(widths) > 1.7  # the noise is 1.1 there, and 0.3 here


def test_sets_hold_nine_of_ten_classes_and_are_larger_where_it_is_doubtful():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 2))
    y = np.array(["low", "mid", "high"])[np.digitize(x[:, 0] + 0.5 * rng.normal(size=3000), [-0.5, 0.5])]
    model = TableClassifier(**FEW, calibration="split").fit(x[:1500], y[:1500])
    sets = model.predict_set(x[1500:], coverage=0.9)
    within = sets[np.arange(1500), np.searchsorted(model.classes_, y[1500:])]
    assert 0.86 < within.mean() < 0.95
    near, far = (np.abs(np.abs(x[1500:, 0]) - 0.5) < 0.1), np.abs(x[1500:, 0]) > 1.5
    assert sets[near].sum(axis=1).mean() > sets[far].sum(axis=1).mean() + 0.3
    assert model.predict_set(x[:5], coverage=0.5).sum() <= model.predict_set(x[:5], coverage=0.99).sum()


def test_rows_that_calibrate_decide_nothing_else(monkeypatch):
    rows, y = noisy(400, 0)
    y = np.exp(2 * y)  # skewed, so that its logarithm is tried
    splits_, own = [], table_model.splits

    def noted(*given, **more):
        for split in own(*given, **more):
            splits_.append(split)
            yield split

    monkeypatch.setattr(table_model, "splits", noted)
    model = TableRegressor(**FEW, calibration="split").fit(rows, y)
    apart = splits_[0].calibrate
    changed = y.copy()
    changed[apart] = np.quantile(y, 0.5) + np.linspace(0, 0.1, len(apart))
    again = TableRegressor(**FEW, calibration="split").fit(rows, changed)
    np.testing.assert_array_equal(model.predict(rows), again.predict(rows))
    assert not np.array_equal(model.predict_interval(rows), again.predict_interval(rows))


def test_too_few_rows_make_infinite_intervals_that_say_so():
    rows, y = noisy(40, 0)
    model = TableRegressor(**FEW).fit(rows, y)
    with pytest.warns(DataWarning, match="0 calibration rows came, but a coverage of 0.9 needs 9"):
        assert np.isinf(model.predict_interval(rows, coverage=0.9)).all()
    assert model.guarantee(0.9).startswith("none")


@pytest.mark.parametrize("how", [{"calibration": "none"}, {}])
def test_without_calibration_rows_there_are_no_intervals(how):
    rows, y = noisy(200, 0)
    more = {} if how else {"X_val": noisy(50, 1)[0], "y_val": noisy(50, 1)[1]}
    with pytest.raises(InputError, match='calibration="auto", and without X_val'):
        TableRegressor(**FEW, **how).fit(rows, y, **more).predict_interval(rows)


# Groups and time.


@pytest.fixture
def parts(monkeypatch):
    """The targets of the rows that each network trains on and chooses its epoch by."""
    seen, own = [], ensemble.train

    def noted(engine, state, rows, plan, *, validation, **more):
        seen.append((rows.t, validation.t))
        return own(engine, state, rows, plan, validation=validation, **more)

    monkeypatch.setattr(ensemble, "train", noted)
    return seen


def places(model, parts):
    """The rows, where the target is the place of the row."""
    return [[np.round(model.target_.decode(t)).astype(int) for t in part] for part in parts]


N = 480
UNKNOWN = {"x": np.random.default_rng(0).normal(size=N)}  # says nothing of the place


def test_no_network_is_judged_by_a_group_that_it_was_trained_on(parts):
    patients = np.random.default_rng(1).permutation(np.repeat(np.arange(60), 8))
    rows = {**UNKNOWN, "patient": [f"p{i}" for i in patients]}
    model = TableRegressor(**FEW | {"n_estimators": 8}).fit(rows, np.arange(N), groups="patient")
    assert len(parts) == 8
    for train, chosen in places(model, parts):
        assert len(train) > N / 2
        assert len(chosen) >= 40
        assert not set(patients[train]) & set(patients[chosen])
    assert next(column.kind for column in model.preprocessor_.columns if column.name == "patient") == "ignore"
    assert model.guarantee(0.9).startswith("none for each row")


def test_with_time_every_row_that_judges_is_later_than_every_row_that_trains(parts):
    order = np.random.default_rng(1).permutation(N)
    days = (np.datetime64("2024-01-01") + order.astype("timedelta64[D]")).astype(str)
    model = TableRegressor(**FEW | {"n_estimators": 8}).fit(UNKNOWN, np.arange(N), time=days)
    assert len(parts) == 8
    for train, chosen in places(model, parts):
        assert order[train].max() < order[chosen].min()
        assert len(chosen) >= 30
    assert len({len(train) for train, _ in parts}) == 4  # the splits differ
    assert model.guarantee(0.9).startswith("none, for tomorrow")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"groups": "x", "time": "other"}, InputError, "both given"),
        ({"groups": np.arange(7)}, InputError, "7 values for 200 rows"),
        ({"groups": np.zeros(200)}, InputError, "all rows into one group"),
        ({"time": "when"}, TableError, "no column 'when'"),
        ({"time": np.array(["a", "b"] * 100)}, TableError, "dates or numbers that grow"),
    ],
)
def test_groups_and_times_that_are_none_are_told(given, error, message):
    rows, y = noisy(200, 0)
    with pytest.raises(error, match=message):
        TableRegressor(**FEW).fit(rows, y, **given)


# Thresholds.


def rare(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    return x, np.where(x[:, 0] + x[:, 1] ** 2 + rng.normal(size=n) > 3.2, "rare", "common")


def test_the_threshold_makes_a_metric_of_labels_better_on_new_rows():
    x, y = rare(6000, 0)
    model = TableClassifier(**{**FEW, "n_estimators": 4}, metric="balanced_accuracy").fit(x[:2000], y[:2000])
    assert model.threshold_ < 0.4
    p = model.predict_proba(x[2000:])
    plain = balanced_accuracy_score(y[2000:], model.classes_[p.argmax(axis=1)])
    assert balanced_accuracy_score(y[2000:], model.predict(x[2000:])) > plain + 0.03


@pytest.mark.parametrize("metric", [None, "roc_auc", "neg_log_loss"])
def test_a_metric_of_probabilities_leaves_the_threshold_at_one_half(metric):
    x, y = rare(600, 0)
    assert TableClassifier(**FEW, metric=metric).fit(x, y).threshold_ == 0.5


def test_the_best_threshold_is_near_the_one_of_an_exhaustive_search():
    rng = np.random.default_rng(0)
    p = rng.beta(1, 6, 4000)
    labels = (rng.uniform(size=4000) < p).astype(int)
    found = best_threshold("f1", p, labels, np.array([0, 1]), None)
    best = max(f1_score(labels, p > threshold) for threshold in np.linspace(0.01, 0.99, 99))
    assert f1_score(labels, p > found) > best - 0.01
    weighted = best_threshold("f1", p, labels, np.array([0, 1]), np.where(labels == 1, 20.0, 1.0))
    assert weighted < found  # who counts the rare ones twentyfold is content with less


# The target's form.


def test_the_logarithm_of_a_skewed_target_is_learned_where_that_is_nearer():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 4))
    price = np.exp(2 * x[:, 0] + x[:, 1] + 0.1 * rng.normal(size=900))
    chosen = TableRegressor(**FEW).fit(x[:600], price[:600])
    assert chosen.target_.log
    plain = TableRegressor(**FEW, target_transform="none").fit(x[:600], price[:600])
    errors = [np.abs(m.predict(x[600:]) - price[600:]).mean() for m in (chosen, plain)]
    assert errors[0] < errors[1]
    ends = chosen.predict_interval(x[600:], coverage=0.9)
    assert (ends > 0).all()
    assert 0.8 < held(ends, price[600:]).mean() <= 1


def test_a_skewed_target_that_is_a_sum_stays_as_it_is_and_so_does_one_below_zero():
    rng = np.random.default_rng(0)
    x = rng.exponential(size=(600, 3)) ** 2
    y = x.sum(axis=1) + 0.1
    assert not TableRegressor(**FEW).fit(x, y).target_.log
    assert not TableRegressor(**FEW).fit(x, y - 1).target_.log


def test_what_a_target_cannot_be_is_told():
    with pytest.raises(UnknownNameError, match="target_transform"):
        TableRegressor(target_transform="sqrt").fit([[0.0], [1.0]], [1.0, 2.0])
    with pytest.raises(TableError, match="a logarithm needs numbers above 0"):
        TableRegressor(target_transform="log").fit([[0.0], [1.0]], [0.0, 2.0])
    with pytest.raises(InputError, match=r"Unknown label type.*Use TableRegressor"):
        TableClassifier().fit([[0.0], [1.0], [2.0]], [0.1, 0.2, 0.3])


# Quality.


@pytest.mark.slow
def test_each_quality_is_better_than_the_one_before():
    errors = []
    for quality in ("fast", "default", "best"):
        found = []
        for seed in range(3):
            rows, y = noisy(250, seed, lambda x: 0.1 + 0 * x)
            new, truth = noisy(2000, 50 + seed, lambda x: 0 * x)
            model = TableRegressor(quality=quality, random_state=seed).fit(rows, y)
            found.append(np.mean((model.predict(new) - truth) ** 2))
        errors.append(np.mean(found))
    assert errors == sorted(errors, reverse=True), errors
