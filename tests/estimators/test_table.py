"""Table estimators: what a user of dataframes and files relies on."""

import pickle
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score

from glassnet import Table, TableClassifier, TableRegressor, load, save
from glassnet.data import example
from glassnet.errors import DataWarning, InputError, TableError, TrainingWarning, UnknownNameError
from glassnet.estimators.thresholds import few_thresholds

PENGUINS = example("penguins")
FEW = {"n_estimators": 2, "hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
# Five epochs teach little, and the tests below do not ask for more.
pytestmark = pytest.mark.filterwarnings("ignore:The network is no better:glassnet.errors.TrainingWarning")


def line(n=200, noise=0.05, seed=0):
    """y = 3a − 2 + noise, in large units."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    return {"a": a, "y": 1e6 * (3 * a - 2 + noise * rng.normal(size=n))}


@pytest.fixture(scope="module")
def penguin_model():
    return TableClassifier(n_estimators=2, random_state=0).fit(PENGUINS, target="species")


def test_real_table_with_categories_and_missing_values_is_learned():
    rows = np.random.default_rng(0).permutation(len(PENGUINS))
    model = TableClassifier(random_state=0).fit(PENGUINS.take(rows[:250]), target="species")
    assert model.score(PENGUINS.take(rows[250:])) > 0.95
    assert model.classes_.tolist() == ["Adelie", "Chinstrap", "Gentoo"]
    p = model.predict_proba(PENGUINS)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (model.classes_[p.argmax(axis=1)] == model.predict(PENGUINS)).all()


def test_quantity_is_predicted_in_its_own_units():
    model = TableRegressor(random_state=0).fit(line(), target="y")
    assert model.score(line(seed=1), target="y") > 0.98
    assert model.predict({"a": [0.0]})[0] == pytest.approx(-2e6, rel=0.1)


def test_target_of_any_scale_is_learned_alike():
    x, y = load_diabetes(return_X_y=True)
    units = ((1, 0), (1e-6, 0), (1, 1e7))
    models = [TableRegressor(n_estimators=2, random_state=0).fit(x, scale * y + offset) for scale, offset in units]
    scores = [model.score(x, scale * y + offset) for model, (scale, offset) in zip(models, units, strict=True)]
    np.testing.assert_allclose(scores, scores[0], atol=0.02)
    assert scores[0] > 0.4


@pytest.mark.parametrize("form", ["polars", "lazy", "pandas", "arrow", "dict", "csv", "csv.gz", "parquet"])
def test_every_form_of_a_table_gives_the_same_model(form, penguin_model, tmp_path):
    frame = PENGUINS.frame
    path = tmp_path / f"penguins.{form}"
    if form in ("csv", "csv.gz", "parquet"):
        from glassnet.data import write_table

        write_table({name: PENGUINS[name].to_list() for name in PENGUINS.names}, path)
    source = {
        "polars": lambda: frame,
        "lazy": frame.lazy,
        "pandas": lambda: pd.DataFrame(frame.to_dict(as_series=False)),
        "arrow": frame.to_arrow,
        "dict": lambda: frame.to_dict(as_series=False),
    }.get(form, lambda: path)()
    model = TableClassifier(n_estimators=2, random_state=0).fit(source, target="species")
    np.testing.assert_array_equal(model.predict_proba(source), penguin_model.predict_proba(PENGUINS))


def test_target_inside_or_beside_the_table_is_the_same():
    beside = TableClassifier(**FEW).fit(PENGUINS.without("species"), PENGUINS["species"])
    inside = TableClassifier(**FEW).fit(PENGUINS, target="species")
    np.testing.assert_array_equal(beside.predict_proba(PENGUINS), inside.predict_proba(PENGUINS))


def test_same_seed_same_bits_and_other_seed_other_model():
    first, again, other = (
        TableClassifier(**FEW | {"random_state": s}).fit(PENGUINS, target="species") for s in (1, 1, 2)
    )
    for one, same, another in zip(first.members_, again.members_, other.members_, strict=True):
        np.testing.assert_array_equal(one.network.parameters, same.network.parameters)
        assert (one.network.parameters != another.network.parameters).any()


@pytest.mark.filterwarnings("ignore::glassnet.errors.RangeWarning")
def test_the_epoch_with_the_fewest_errors_is_kept_and_of_several_the_one_of_the_least_loss():
    x = np.random.default_rng(0).normal(size=(300, 2))
    y = x[:, 0] + np.random.default_rng(1).normal(size=300) > 0
    seen = []  # errors, loss of every epoch, by hand
    held = {"X_val": x[200:], "y_val": y[200:]}

    def look(report):
        network = report.state.network()
        z = network.forward(((x[200:] - x[:200].mean(axis=0)) / x[:200].std(axis=0)).astype(np.float32))[0][:, 0]
        seen.append((int(((z > 0) != y[200:]).sum()), report.epoch.validation_loss[0]))

    model = TableClassifier(n_estimators=1, max_iter=60, callbacks=[look], random_state=0).fit(x[:200], y[:200], **held)
    assert len({errors for errors, _ in seen}) < len(seen)  # there were ties
    assert model.history_.best.epoch == 1 + min(range(len(seen)), key=lambda i: seen[i])
    assert (model.predict(x[200:]) != y[200:]).sum() == min(seen)[0]


def test_the_epoch_of_the_least_loss_is_kept_of_quantities():
    model = TableRegressor(n_estimators=1, random_state=0).fit(*load_diabetes(return_X_y=True))
    assert model.history_.best.epoch == 1 + int(np.argmin(model.history_.validation_loss))
    assert model.history_.stopped_by == "patience"


@pytest.mark.filterwarnings("ignore::glassnet.errors.RangeWarning")
def test_given_validation_table_decides_the_epoch():
    data, held_out = line(seed=0), line(seed=1)
    model = TableRegressor(n_estimators=1, random_state=0, max_iter=30).fit(data, target="y", X_val=held_out)
    t = model.target_.encode(held_out["y"])
    y = (model.predict(held_out)[:, None] - model.target_.mean) / model.target_.scale
    assert model.history_.best.validation_loss[0] == pytest.approx(0.5 * np.mean((y - t) ** 2), rel=1e-3)


def test_rows_of_weight_zero_are_as_if_absent():
    data = line(100)
    half = {name: values[:50] for name, values in data.items()}
    weighted = TableRegressor(**FEW).fit(data, target="y", sample_weight=np.repeat([1.0, 0.0], 50))
    absent = TableRegressor(**FEW).fit(half, target="y", sample_weight=np.ones(50))
    np.testing.assert_array_equal(weighted.predict(data), absent.predict(data))


def test_weights_matter():
    x, y = np.tile([[0.0], [1.0]], (100, 1)), np.tile([0, 1], 100)
    y[:100] = 1 - y[:100]
    model = TableClassifier(n_estimators=2, random_state=0, validation_fraction=0, max_iter=50)
    model.fit(x, y, sample_weight=np.repeat([1.0, 9.0], 100))
    assert model.predict(np.array([[0.0], [1.0]])).tolist() == [0, 1]


@pytest.mark.filterwarnings("ignore:Column 'x0' gives the target:glassnet.errors.DataWarning")
@pytest.mark.parametrize("labels", [[0, 1], [3, 7, 9], ["no", "yes"], [False, True], [1.5, 2.5]])
def test_labels_come_back_in_their_own_type(labels):
    y = np.array(labels)[np.arange(90) % len(labels)]
    x = np.arange(90)[:, None] % len(labels)
    model = TableClassifier(**FEW | {"hidden_layer_sizes": (32,), "max_iter": 100}).fit(x, y)
    assert model.predict(x).tolist() == y.tolist()
    assert model.classes_.tolist() == labels


def test_works_in_pipelines_searches_and_clones():
    frame = pd.DataFrame(PENGUINS.frame.to_dict(as_series=False)).sample(frac=1, random_state=0)
    x, y = frame.drop(columns="species"), frame["species"]
    assert cross_val_score(TableClassifier(n_estimators=2, max_iter=20, random_state=0), x, y, cv=3).mean() > 0.9
    search = GridSearchCV(TableClassifier(**FEW), {"hidden_layer_sizes": [(), (8,)]}, cv=2).fit(x, y)
    assert search.best_params_["hidden_layer_sizes"] in ((), (8,))
    assert clone(TableClassifier(alpha=0.5)).get_params()["alpha"] == 0.5


def test_pickle_and_joblib_keep_every_bit(penguin_model, tmp_path):
    joblib.dump(penguin_model, tmp_path / "model")
    for again in (pickle.loads(pickle.dumps(penguin_model)), joblib.load(tmp_path / "model")):
        np.testing.assert_array_equal(again.predict_proba(PENGUINS), penguin_model.predict_proba(PENGUINS))


def test_file_keeps_every_bit(penguin_model, tmp_path):
    save(penguin_model, tmp_path / "model.safetensors")
    again = load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict_proba(PENGUINS), penguin_model.predict_proba(PENGUINS))
    assert again.get_params() == penguin_model.get_params()


def test_a_single_row_and_no_row_are_predicted(penguin_model):
    assert penguin_model.predict(PENGUINS.take([0])).shape == (1,)
    assert penguin_model.predict_proba(PENGUINS.take([])).shape == (0, 3)


def test_columns_in_another_order_and_more_of_them_change_nothing(penguin_model):
    shuffled = PENGUINS.frame.select(reversed(PENGUINS.names)).with_columns(pl.lit(1).alias("more"))
    np.testing.assert_array_equal(penguin_model.predict(shuffled), penguin_model.predict(PENGUINS))


def test_unseen_category_predicts_with_a_warning(penguin_model):
    row = PENGUINS.take([0]).frame.with_columns(pl.lit("Mars").alias("island"))
    with pytest.warns(DataWarning, match=r"island.*Mars"):
        assert penguin_model.predict(row).shape == (1,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: frame.drop("island", "sex"), "'island', 'sex'"),
        (lambda frame: frame.with_columns(pl.lit("heavy").alias("body_mass_g")), "'body_mass_g'.*'heavy' in row 1"),
    ],
)
def test_wrong_table_at_predict_time_names_the_column(change, message, penguin_model):
    with pytest.raises(TableError, match=message):
        penguin_model.predict(change(PENGUINS.frame))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: TableClassifier().fit({"a": [], "y": []}, target="y"), TableError, "0 rows"),
        (lambda: TableClassifier().fit({"a": [1], "y": [1]}, target="y"), TableError, "1 row "),
        (lambda: TableClassifier().fit({"a": [1, 2], "y": ["b", "b"]}, target="y"), TableError, "only 'b'"),
        (lambda: TableClassifier().fit(PENGUINS, target="specie"), TableError, "did you mean 'species'"),
        (lambda: TableClassifier().fit(PENGUINS, "species"), InputError, "target='species'"),
        (lambda: TableClassifier().fit(PENGUINS), InputError, "neither y nor target"),
        (lambda: TableClassifier().fit(PENGUINS, [0], target="species"), InputError, "both y and target"),
        (lambda: TableClassifier().fit(PENGUINS, [0, 1]), InputError, "344 rows and y has 2"),
        (lambda: TableClassifier().fit(PENGUINS, np.arange(688).reshape(344, 2)), InputError, "344 classes"),
        (lambda: TableRegressor().fit(PENGUINS, target="species"), TableError, "needs numbers.*TableClassifier"),
        (lambda: TableClassifier().fit({"a": [1, None], "y": [1, None]}, target="y"), TableError, "missing in 1 of 2"),
        (lambda: TableClassifier(activation="tahn").fit(PENGUINS, target="sex"), UnknownNameError, "'tanh'"),
        (lambda: TableClassifier(engine="cuda").fit(PENGUINS, target="sex"), UnknownNameError, "numpy"),
        (lambda: TableClassifier(columns={"yeer": "number"}).fit(PENGUINS, target="species"), UnknownNameError, "year"),
        (lambda: TableClassifier(hidden_layer_sizes=(8, 0)).fit(PENGUINS, target="species"), InputError, r"\(8, 0\)"),
        (lambda: TableClassifier(learning_rate_init=0).fit(PENGUINS, target="species"), InputError, "init is 0"),
        (lambda: TableClassifier(alpha=-1).fit(PENGUINS, target="species"), InputError, "alpha is -1"),
        (lambda: TableClassifier(max_iter=0).fit(PENGUINS, target="species"), InputError, "max_iter is 0"),
        (lambda: TableClassifier(batch_size="big").fit(PENGUINS, target="species"), InputError, "batch_size is 'big'"),
        (lambda: TableClassifier(validation_fraction=1).fit(PENGUINS, target="species"), InputError, "validation_fr"),
        (lambda: TableClassifier(time_limit_seconds=-1).fit(PENGUINS, target="species"), InputError, "seconds is -1"),
        (lambda: TableClassifier().fit(PENGUINS, target="species", sample_weight=[1.0]), InputError, "sample_weight"),
        (lambda: TableClassifier().fit("nowhere.csv", target="y"), TableError, "nowhere.csv"),
        (lambda: TableClassifier().predict(PENGUINS), NotFittedError, "TableClassifier has not been fitted"),
        (lambda: TableRegressor().score(PENGUINS, target="year"), NotFittedError, "TableRegressor has not been fitted"),
    ],
)  # fmt: skip
def test_bad_input_is_told_before_any_training(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_constant_columns_only_leave_nothing_to_learn_from():
    with pytest.warns(DataWarning), pytest.raises(TableError, match="No column is left"):
        TableClassifier().fit({"a": [1, 1, 1], "y": [0, 1, 0]}, target="y")


def test_non_finite_loss_restores_the_best_weights_with_advice():
    with pytest.warns(TrainingWarning, match=r"restored.*learning_rate_init=1e\+29"):
        model = TableRegressor(n_estimators=2, learning_rate_init=1e30, random_state=0).fit(line(), target="y")
    assert np.isfinite(model.predict(line())).all()


@pytest.mark.filterwarnings("default:The network is no better")
def test_a_network_that_learned_nothing_says_so_and_one_that_did_does_not():
    told = {"the mean": 0, "the majority class": 0, "nothing": 0}
    small = {"hidden_layer_sizes": (16, 16), "max_iter": 60, "random_state": 0}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        columns = {"a": rng.random(200), "noise": rng.random(200), "coin": rng.integers(0, 2, 200)}
        for what, model, target in (
            ("the mean", TableRegressor(**small), columns["noise"]),
            ("the majority class", TableClassifier(**small), columns["coin"]),
            ("nothing", TableRegressor(**small), columns["a"] + columns["noise"] / 2),
        ):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                model.fit({"a": columns["a"]}, target)
            told[what] += any(f"no better than predicting {what}" in str(each.message) for each in caught)
            told["nothing"] += what == "nothing" and bool(caught)
    assert told["the mean"] >= 8
    assert told["the majority class"] >= 8
    assert told["nothing"] <= 1


@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
def test_a_training_that_did_not_settle_is_told_from_columns_that_say_nothing():
    with pytest.warns(TrainingWarning, match=r"did not settle.*learning_rate_init=10\."):
        TableRegressor(n_estimators=1, alpha=0, learning_rate_init=1000, random_state=0).fit(line(), target="y")


def test_time_limit_ends_a_long_fit():
    model = TableRegressor(max_iter=10**6, n_iter_no_change=10**6, time_limit_seconds=0.5, random_state=0)
    began = time.perf_counter()
    assert model.fit(line(2000), target="y").history_.stopped_by == "time limit"
    assert 0.25 < time.perf_counter() - began < 5


def test_callback_sees_every_epoch_and_can_end_the_training():
    seen = []

    def third(report):
        seen.append(report.epoch.validation_loss[0])
        return len(seen) == 3

    model = TableRegressor(n_estimators=1, random_state=0, callbacks=[third]).fit(line(), target="y")
    assert model.history_.stopped_by == "callback"
    assert model.history_.validation_loss == seen


def test_tiny_tables_train_on_every_row():
    model = TableClassifier(n_estimators=2, random_state=0).fit(
        {"a": [0, 1, 0, 1], "y": ["n", "y", "n", "y"]}, target="y"
    )
    assert model.history_.validation_loss == []
    assert model.predict(Table.read({"a": [1, 0]})).tolist() == ["y", "n"]


def scarce(n=400, share=0.1, seed=0):
    """Two classes that overlap, the second of them rare."""
    rng = np.random.default_rng(seed)
    kind = rng.random(n) < share
    return {"a": rng.normal(size=n) + 1.2 * kind, "kind": np.where(kind, "rare", "usual")}


def test_class_weight_is_a_weight_of_rows():
    table = scarce()
    weights = np.where(np.array(table["kind"]) == "rare", 7.0, 1.0)
    by_row = TableClassifier(**FEW).fit(table, target="kind", sample_weight=weights)
    by_class = TableClassifier(**FEW, class_weight={"rare": 7.0}).fit(table, target="kind")
    np.testing.assert_array_equal(by_class.network_.parameters, by_row.network_.parameters)
    both = TableClassifier(**FEW, class_weight={"rare": 3.5}).fit(table, target="kind", sample_weight=1 + (weights > 1))
    np.testing.assert_array_equal(both.network_.parameters, by_row.network_.parameters)


def test_balanced_classes_count_alike_and_the_rare_one_is_found():
    table = scarce(2000)
    rare = np.array(table["kind"]) == "rare"
    by_hand = {"rare": len(rare) / 2 / rare.sum(), "usual": len(rare) / 2 / (~rare).sum()}
    plain, balanced, same = (
        TableClassifier(**FEW | {"max_iter": "auto"}, class_weight=weight).fit(table, target="kind")
        for weight in (None, "balanced", by_hand)
    )
    assert (plain.predict(table) == "rare")[rare].mean() < 0.2
    assert (balanced.predict(table) == "rare")[rare].mean() > 0.6
    np.testing.assert_array_equal(balanced.network_.parameters, same.network_.parameters)


def test_class_weights_reach_a_given_validation_table_but_not_the_scorer():
    table, held_out = scarce(seed=0), scarce(seed=1)
    alone = FEW | {"n_estimators": 1}
    model = TableClassifier(**alone, class_weight={"rare": 9.0}).fit(table, target="kind", X_val=held_out)
    p = model.predict_proba(held_out)
    rare = np.array(held_out["kind"]) == "rare"
    y = np.log(p[:, 1] / p[:, 0]) * model.members_[0].temperature  # the scores that were trained
    losses = np.logaddexp(0, np.where(rare, y, -y))
    expected = np.average(losses, weights=np.where(rare, 9.0, 1.0))
    assert model.history_.best.validation_loss[0] == pytest.approx(expected, rel=1e-3)
    model = TableClassifier(**alone, class_weight="balanced", metric="accuracy")
    model.fit(table, target="kind", X_val=held_out)
    usual, p = np.array(held_out["kind"]) == "usual", model.predict_proba(held_out)[:, 1]
    right = max(np.mean((p > threshold) == usual) for threshold in few_thresholds(p, usual.mean()))
    assert model.history_.best.score[0] == pytest.approx(right)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"Adélie": 2.0}, "class in class_weight 'Adélie'. Did you mean 'Adelie'"),
        ({"Adelie": 0}, "finite numbers > 0"),
        ({"Adelie": "2"}, "finite numbers > 0"),
        ("balance", '"balanced"'),
        (2.0, '"balanced"'),
    ],
)
def test_a_wrong_class_weight_is_told(class_weight, message):
    with pytest.raises(InputError, match=message):
        TableClassifier(class_weight=class_weight).fit(PENGUINS, target="species")


@pytest.mark.parametrize("labels", [["no", "yes"], [3, 7], [False, True], [0.5, 1.5]])
@pytest.mark.filterwarnings("ignore:Column 'x0' gives the target:glassnet.errors.DataWarning")
def test_a_saved_model_keeps_its_class_weight(labels, tmp_path):
    y = np.array(labels)[np.arange(40) % 2]
    model = TableClassifier(**FEW, class_weight={labels[1]: 2.5}).fit(np.arange(40.0)[:, None] % 2, y)
    save(model, tmp_path / "m.safetensors")
    kept = load(tmp_path / "m.safetensors").class_weight
    assert kept == {labels[1]: 2.5}
    assert type(next(iter(kept))) is type(labels[1])


@pytest.mark.parametrize(("estimator", "target"), [(TableClassifier, "kind"), (TableRegressor, "price")])
def test_a_column_that_gives_the_target_away_is_told_unless_it_is_left_out(estimator, target):
    rng = np.random.default_rng(0)
    kind, price = rng.integers(0, 2, 100), rng.normal(size=100)
    table = {
        "a": rng.normal(size=100) + kind + price,
        "sort": np.array(["s", "t"])[kind],
        "cents": 100 * price,
        target: {"kind": np.array(["x", "y"])[kind], "price": price}[target],
    }
    column = {"kind": "sort", "price": "cents"}[target]
    with pytest.warns(DataWarning, match=f"'{column}' gives the target '{target}' away") as told:
        estimator(**FEW).fit(table, target=target)
    assert "test_table" in told[0].filename
    estimator(**FEW, columns={column: "ignore"}).fit(table, target=target)
