"""A subject says what the model says, in the model's names, for every kind of model."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss

import glassnet as gn
from glassnet.errors import InputError, ShapeError
from glassnet.explanation.subject import Subject

X = np.random.default_rng(0).normal(size=(40, 3))


def fitted(model, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


MODELS = {
    "classes": (gn.MLPClassifier((4,), max_iter=3, random_state=0), np.array(["a", "b", "c"])[np.arange(40) % 3]),
    "two classes": (gn.MLPClassifier((4,), max_iter=3, random_state=0), np.arange(40) % 2),
    "labels": (gn.MLPClassifier((4,), max_iter=3, random_state=0), (X[:, :2] > 0).astype(int)),
    "quantity": (gn.MLPRegressor((4,), max_iter=3, random_state=0), X[:, 0]),
    "quantities": (gn.MLPRegressor((4,), max_iter=3, random_state=0), X[:, :2]),
    "gaussian": (gn.MLPRegressor("gaussian", (4,), max_iter=3, random_state=0), X[:, 0]),
    "own activation": (
        gn.MLPRegressor((4,), (lambda z: z**3, lambda z: 3 * z**2), max_iter=3, random_state=0),
        X[:, 0],
    ),
}


@pytest.mark.parametrize("kind", MODELS)
def test_its_predictions_are_the_models(kind):
    model, y = MODELS[kind]
    subject = Subject.of(fitted(model, y))
    x, t = subject.examples(X, y)
    scores, trace = subject.trace(x)
    assert np.array_equal(subject.decode(subject.predictions(scores)), model.predict(X).tolist())
    assert len(trace) == len(subject.network.layers)
    assert len(subject.output_names) == scores.shape[1]
    one_x, one_t = subject.examples(X[3], y[3])
    assert np.array_equal(one_x, x[3:4])
    assert np.array_equal(one_t, t[3:4])


def test_a_table_models_predictions_are_its_own_bit_for_bit(penguins_model, penguins):
    subject = Subject.of(penguins_model)
    x, t = subject.examples(penguins)
    scores, _ = subject.trace(x)
    assert np.array_equal(subject.predictions(scores), penguins_model.predict_proba(penguins))
    assert subject.output_names == subject.class_names == ("Adelie", "Chinstrap", "Gentoo")
    assert t.shape == (344, 3)
    assert subject.target_name == "species"


def test_features_lead_back_to_columns_in_their_own_units(penguins_model, penguins):
    subject = Subject.of(penguins_model)
    x, cells = subject.prepare(penguins).astype(float), subject.cells(penguins)
    assert sorted(j for column in subject.columns for j in column.features) == list(range(x.shape[1]))
    checked = 0
    for column in subject.columns:
        if column.affine is not None:
            mean, scale = column.affine
            known = [i for i, cell in enumerate(cells[column.name]) if cell is not None]
            told = np.array([cells[column.name][i] for i in known], float)
            np.testing.assert_allclose(mean + scale * x[known, column.features[0]], told, rtol=1e-5)
            checked += 1
    assert checked == 5


def test_a_quantity_comes_back_in_its_own_units(mass_model, penguins):
    subject = Subject.of(mass_model)
    rows = penguins.take(range(3))
    scores, _ = subject.trace(subject.prepare(rows))
    mean, scale = subject.target_affine
    np.testing.assert_allclose(mean + scale * subject.predictions(scores)[:, 0], mass_model.predict(rows))


def test_one_row_may_come_as_cells_series_or_table(circles_model):
    subject = Subject.of(circles_model)
    cells = {"x1": 0.1, "x2": -0.3}
    rows = [cells, pd.Series(cells), pd.DataFrame([cells]), gn.Table.read([cells]), np.array([0.1, -0.3])[None]]
    prepared = [subject.prepare(row) for row in rows[:-1]]
    assert all(np.array_equal(x, prepared[0]) for x in prepared)


def test_names_of_a_dataframe_are_kept_and_found():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = gn.MLPRegressor((4,), max_iter=3, random_state=0).fit(frame, X[:, 0])
    subject = Subject.of(model)
    assert subject.feature_names == ("a", "b", "c")
    expected = subject.prepare(X[:2])
    assert np.array_equal(subject.prepare(frame[:2]), expected)
    assert np.array_equal(subject.prepare({"c": X[0, 2], "a": X[0, 0], "b": X[0, 1]}), expected[:1])


def test_letters_are_the_chapters_where_one_layer_is_hidden_and_numbered_where_several_are():
    one, two = Subject.of(gn.nn.Network.create([2, 3, 1])), Subject.of(gn.nn.Network.create([2, 3, 4, 2]))
    assert (one.letters(0).w, one.unit_names(0)) == ("w", ("h1", "h2", "h3"))
    assert (two.letters(1).w, two.unit_names(1)[3], two.input_names(1)[2]) == ("w2", "h2.4", "h1.3")
    assert (one.letters(1).w, one.output_names, two.output_names) == ("v", ("y",), ("y1", "y2"))


def test_another_precision_is_a_copy_and_the_own_one_is_not(circles_model):
    assert Subject.of(circles_model).network is circles_model.network_
    double = Subject.of(circles_model, dtype=np.float64)
    assert double.dtype == double.prepare({"x1": 0.1, "x2": 0.2}).dtype == np.float64
    assert circles_model.network_.layers[0].w.dtype == np.float32


@pytest.mark.parametrize("wrong", [None, "model", gn.MLPClassifier()])
def test_anything_else_is_refused(wrong):
    with pytest.raises((InputError, ValueError), match=r"came|not fitted"):
        Subject.of(wrong)


def test_rows_and_targets_of_another_shape_are_refused():
    subject = Subject.of(gn.nn.Network.create([2, 3, 2]))
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        subject.prepare([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match=r"\(n, 2\)"):
        subject.prepare_targets([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match="each row needs one target"):
        subject.examples([[1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(InputError, match="takes numbers"):
        subject.prepare(["a", "b"])
    with pytest.raises(InputError, match="2 scores a target"):
        Subject.of(gn.nn.Network.create([2, 3, 1]), loss="gaussian")


@pytest.fixture(scope="module")
def several(penguins):
    """A model of four networks."""
    model = gn.TableClassifier(n_estimators=4, hidden_layer_sizes=(8,), max_iter=20, random_state=0)
    return model.fit(penguins, target="species")


def test_of_several_networks_the_first_is_explained_and_every_page_says_so(several, penguins):
    said = "Network 1 of 4, on its own: the model averages them."
    subject, row = Subject.of(several), penguins.take([0])
    assert subject.note == said
    assert subject.network is several.members_[0].network
    found = [
        gn.derive(several, row),
        gn.step(several, row),
        gn.attribute(several, row),
        gn.collapse(several, at=row),
        gn.simplify(several),
        gn.probe(several, penguins),
        gn.name_features(several, penguins),
        gn.diagnose(several, penguins),
    ]
    for explanation in found:
        assert said in " ".join(str(explanation).split()), type(explanation)
        assert explanation.to_dict()["note"] == said
    assert said in found[0].to_latex()
    assert "prediction of this network: " in str(found[0])


def test_a_network_alone_needs_no_such_word(penguins_model, penguins):
    assert Subject.of(penguins_model).note == ""
    page = str(gn.derive(penguins_model, penguins.take([0])))
    assert "prediction: " in page
    assert "averages" not in page


def test_what_a_column_is_worth_is_told_of_the_whole_model(several, penguins):
    worth = gn.permutation_importance(several, penguins, scoring="accuracy", n_repeats=2)
    assert worth.score == several.score(penguins)
    assert -gn.permutation_importance(several, penguins, n_repeats=2).score == pytest.approx(
        log_loss(penguins["species"].to_list(), several.predict_proba(penguins))
    )
    for column in ("bill_length_mm", "year", "island"):  # one in pieces, one with few values, a category
        curve = gn.partial_dependence(several, penguins, column)
        for i in (0, len(curve.values) - 1):
            changed = {name: penguins[name].to_list() for name in penguins.names} | {column: [curve.values[i]] * 344}
            np.testing.assert_allclose(curve.average[:, i], several.predict_proba(changed).mean(axis=0), atol=1e-6)
