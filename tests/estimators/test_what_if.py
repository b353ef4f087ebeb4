"""what_if: its predictions are the model's own, and its page says what a reader needs."""

import json
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from glassnet import MLPClassifier, Table, TableClassifier, TableRegressor, what_if
from glassnet.data import example
from glassnet.errors import InputError, TableError, UnknownNameError

PENGUINS = example("penguins")
FEW = {"n_estimators": 2, "hidden_layer_sizes": (8,), "max_iter": 20, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore:The network is no better:glassnet.errors.TrainingWarning")


@pytest.fixture(scope="module")
def species():
    return TableClassifier(**FEW, columns={"year": "ignore"}).fit(PENGUINS, target="species")


@pytest.fixture(scope="module")
def price():
    rng = np.random.default_rng(0)
    day = [date(2026, 1, 1) + timedelta(days=int(i)) for i in rng.integers(0, 200, 120)]
    table = {"floor area": rng.normal(80, 20, 120), "sold": day, "price": rng.normal(3e5, 1e4, 120)}
    return TableRegressor(**FEW).fit(table, target="price")


def test_before_and_after_are_what_the_model_predicts(species):
    answer = what_if(species, PENGUINS.take([0]), bill_length_mm=50, island="Dream")
    cells = {name: PENGUINS[name].to_list()[:1] for name in PENGUINS.names}
    changed = cells | {"bill_length_mm": [50], "island": ["Dream"]}
    assert (answer.before, answer.after) == (species.predict(cells)[0], species.predict(changed)[0])
    for case, table in zip(answer.cases, (cells, changed), strict=True):
        np.testing.assert_allclose(list(case.probabilities.values()), species.predict_proba(table)[0])
    assert answer.row == {"bill_length_mm": cells["bill_length_mm"][0], "island": "Torgersen"}


def test_a_quantity_comes_in_its_own_units(price):
    row = {"floor area": 80.0, "sold": date(2026, 2, 1)}
    answer = what_if(price, row, {"floor area": 100})
    assert answer.before == pytest.approx(price.predict({name: [cell] for name, cell in row.items()})[0])
    assert answer.after == pytest.approx(price.predict({"floor area": [100], "sold": [row["sold"]]})[0])
    assert f"{answer.before:.6g} → {answer.after:.6g}" in str(answer)
    assert f"({answer.after - answer.before:+.4g})" in str(answer)


def test_lists_give_one_prediction_for_each_value_and_each_combination(species, price):
    answer = what_if(price, {"floor area": 80, "sold": "2026-02-01"}, {"floor area": [60, 80, 100]})
    assert len(answer.after) == 3
    assert answer.after[1] == pytest.approx(answer.before)
    both = what_if(species, PENGUINS.take([0]), island=["Dream", "Biscoe"], sex=["male", "female"])
    assert [tuple(case.changes.values()) for case in both.cases[1:]] == [
        ("Dream", "male"), ("Dream", "female"), ("Biscoe", "male"), ("Biscoe", "female"),
    ]  # fmt: skip
    assert len(str(both).splitlines()) == 6
    assert what_if(species, PENGUINS.take([0]), sex=["male"]).after == [species.predict(PENGUINS.take([0]))[0]]


def test_every_form_of_a_row_gives_the_same(species):
    cells = {name: PENGUINS[name][0] for name in PENGUINS.names}
    frame = pd.DataFrame(PENGUINS.frame.to_dict(as_series=False))
    answers = [
        what_if(species, row, island="Biscoe").to_dict()
        for row in (cells, PENGUINS.take([0]), PENGUINS.frame[:1], frame.iloc[0], frame.iloc[[0]])
    ]
    assert all(answer == answers[0] for answer in answers)


def test_an_array_row_has_columns_by_number():
    x = np.random.default_rng(0).normal(size=(40, 2))
    model = TableRegressor(**FEW).fit(x, x[:, 0] + x[:, 1])
    assert what_if(model, x[0], x1=x[0, 1]).after == pytest.approx(model.predict(x[:1])[0])


def test_the_page_names_what_changed_and_what_came_of_it(species):
    page = str(what_if(species, PENGUINS.take([0]), island="Dream"))
    for fact in ("island  Torgersen  →  Dream", "then species", "p(Adelie)", "p(Gentoo)"):
        assert fact in page
    assert max(map(len, page.splitlines())) < 80


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"bill_length_mm": 99}, "bill_length_mm = 99 lies beyond what training saw (32.1 to 59.6)"),
        ({"island": "Mars"}, "island: 'Mars'"),
        ({"island": None}, "Missing where training had no missing cell: island"),
        ({"year": 2000}, "'year' was left out in training"),
    ],
)
def test_what_is_unlike_training_is_said_in_the_text(species, changes, note):
    answer = what_if(species, PENGUINS.take([0]), changes)
    assert note in str(answer)
    assert note in answer.to_dict()["notes"][0]
    assert not what_if(species, PENGUINS.take([0]), bill_length_mm=50, island="Dream").notes


def test_a_date_beyond_training_is_said_in_dates(price):
    answer = what_if(price, {"floor area": 80, "sold": "2026-02-01"}, sold=date(2031, 1, 1))
    assert "sold = 2031-01-01 lies beyond what training saw (2026-01-" in answer.notes[0]


def test_the_dict_is_json(species, price):
    for answer in (
        what_if(species, PENGUINS.take([0]), bill_length_mm=[np.float32(40), 50.5]),
        what_if(price, {"floor area": 80, "sold": date(2026, 2, 1)}, sold=date(2026, 3, 1)),
    ):
        content = answer.to_dict()
        assert json.loads(json.dumps(content)) == content
        assert set(content) == {"target", "row", "before", "after", "notes"}
        assert len(content["after"]) == len(answer.cases) - 1


@pytest.mark.parametrize(
    ("row", "changes", "error", "message"),
    [
        (PENGUINS.take([0]), {"bil_length_mm": 1}, UnknownNameError, "Did you mean 'bill_length_mm'"),
        (PENGUINS.take([0]), {"species": "Gentoo"}, InputError, "'species' is what the model predicts"),
        (PENGUINS.take([0]), {}, InputError, "Nothing was changed"),
        (PENGUINS.take([0]), {"island": []}, InputError, "make 0 rows"),
        (PENGUINS.take([0]), "island", InputError, "changes is 'island'"),
        (PENGUINS, {"island": "Dream"}, TableError, "344 rows, but what_if takes one"),
        (PENGUINS.take([0]).without("sex"), {"island": "Dream"}, TableError, "'sex'"),
        (PENGUINS.take([0]), {"bill_length_mm": "long"}, TableError, "'long'"),
    ],
)
def test_what_cannot_be_asked_is_told(species, row, changes, error, message):
    with pytest.raises(error, match=message):
        what_if(species, row, changes)


def test_models_without_columns_are_refused():
    with pytest.raises(InputError, match="MLPClassifier"):
        what_if(MLPClassifier(), Table.read({"a": [1]}), a=2)
