"""Labels and quantities come back as they went in."""

import datetime
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.data.several import Targets
from glassnet.data.targets import LEAST_OF_LOG, ClassTarget, NumberTarget, looks_like_classes
from glassnet.errors import DataWarning, FileFormatError, TableError

LABELS = {
    "text": (["b", "a", "c", "a"], str),
    "int": ([3, -1, 2, 2], int),
    "float": ([0.1, 2.5, 1e-9, 2.5], float),
    "bool": ([True, False, True, True], bool),
    "two": (["no", "yes", "no", "no"], str),
    "spaces": (["b", " b", "c", "c"], str),
}


@pytest.mark.parametrize("container", [list, pl.Series, pd.Series, np.array])
@pytest.mark.parametrize(("labels", "kind"), LABELS.values(), ids=LABELS)
def test_labels_come_back_in_their_own_type(labels, kind, container):
    target = ClassTarget.fit(container(labels), "label")
    t = target.encode(container(labels))
    k = len(set(labels))
    assert t.shape == (4, 1 if k == 2 else k)
    assert t.dtype == np.float64
    assert target.classes.tolist() == sorted(set(labels))
    assert target.decode(t).tolist() == labels
    assert all(type(label) is kind for label in target.decode(t).tolist())
    assert target.probabilities(t).sum(axis=1).tolist() == [1, 1, 1, 1]
    restored = ClassTarget.from_dict(json.loads(json.dumps(target.to_dict())))
    assert restored == target
    assert restored.classes.dtype == target.classes.dtype


@pytest.mark.parametrize(
    ("trained", "scored"),
    [([0, 1], [0.0, 1.0]), ([0, 1], ["0", "1"]), (["0", "1"], [0, 1]), ([False, True], ["no", "yes"])],
)
def test_labels_count_by_what_they_say_not_by_their_type(trained, scored):
    assert ClassTarget.fit(trained).encode(scored).tolist() == [[0], [1]]


def test_float32_labels_find_themselves():
    labels = np.array([0.1, 0.2], dtype=np.float32)
    assert ClassTarget.fit(labels).encode(labels).tolist() == [[0], [1]]


@given(st.lists(st.floats(-1e100, 1e100), min_size=1, max_size=20, unique=True))
@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
def test_quantities_come_back_in_their_own_units(y):
    target = NumberTarget.fit(y, "price")
    restored = NumberTarget.from_dict(json.loads(json.dumps(target.to_dict(), allow_nan=False)))
    assert restored == target
    t = target.encode(y)
    assert t.shape == (len(y), 1)
    np.testing.assert_allclose(restored.decode(t), y, atol=1e-12 * max(map(abs, y)))


def test_quantities_are_standardised():
    t = NumberTarget.fit([1, 2, 6], "price").encode([1, 2, 6])
    assert t.mean() == pytest.approx(0, abs=1e-15)
    assert t.std() == pytest.approx(1)


def test_a_constant_quantity_is_predicted_with_a_warning():
    with pytest.warns(DataWarning, match=r"'price' is 7\.0 in every row"):
        target = NumberTarget.fit([7, 7], "price")
    assert target.encode([7, 8]).tolist() == [[0], [1]]
    assert target.decode(np.zeros((1, 1))).tolist() == [7]


above_0 = st.lists(st.floats(1e-6, 1e12), min_size=1, max_size=20, unique=True)


@given(above_0)
@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
def test_quantities_learned_as_their_logarithm_come_back_in_their_own_units(y):
    target = NumberTarget.fit(y, "price", log=True)
    restored = NumberTarget.from_dict(json.loads(json.dumps(target.to_dict(), allow_nan=False)))
    assert restored == target
    assert restored.log
    t = target.encode(y)
    assert t.shape == (len(y), 1)
    np.testing.assert_allclose(restored.decode(t), y, rtol=1e-9)
    assert (target.minimum, target.maximum) == (min(y), max(y))


@given(above_0, st.lists(st.floats(-5, 5), min_size=2, max_size=4))
@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
def test_whatever_a_network_says_of_a_logarithm_is_above_0_and_in_order(y, p):
    target = NumberTarget.fit(y, "price", log=True)
    ends = target.in_units(np.sort(p)[None, :])  # such as the ends of an interval
    assert (ends > 0).all()
    assert (np.diff(ends) >= 0).all()


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=20), st.lists(st.floats(-5, 1e3), min_size=2, max_size=4))
@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
def test_counts_are_divided_by_their_mean_and_never_below_0(y, p):
    target = NumberTarget.fit(y, "visits", counts=True)
    assert NumberTarget.from_dict(json.loads(json.dumps(target.to_dict(), allow_nan=False))) == target
    t = target.encode(y)
    assert (t >= 0).all()
    if any(y):
        assert t.mean() == pytest.approx(1)
    np.testing.assert_allclose(target.decode(t), y, rtol=1e-12, atol=1e-300)
    assert (target.in_units(np.array(p)) >= 0).all()
    with pytest.raises(TableError, match="never below 0"):
        target.encode([*y, -1.0])


def test_several_targets_are_each_as_they_are_alone():
    height, weight = NumberTarget.fit([1.0, 3.0], "height"), NumberTarget.fit([2.0, 8.0], "weight", log=True)
    targets = Targets((height, weight))
    table = {"weight": [2.0, 8.0], "more": [0, 0], "height": [1.0, 3.0]}
    t = targets.encode(table)  # by name, in any order
    np.testing.assert_array_equal(t, np.hstack([height.encode([1.0, 3.0]), weight.encode([2.0, 8.0])]))
    np.testing.assert_allclose(targets.decode(t), [[1, 2], [3, 8]])
    ends = targets.in_units(np.stack([t - 1, t + 1], axis=-1))
    np.testing.assert_allclose(ends[:, 1, 0], weight.in_units(t[:, 1] - 1))
    assert Targets.from_dict(json.loads(json.dumps(targets.to_dict())), NumberTarget) == targets
    with pytest.raises(TableError, match="came as 3 columns, but this model has 2: height, weight"):
        targets.encode([[1.0, 2.0, 3.0]])


def test_logarithms_are_standardised():
    y = np.exp([1.0, 2.0, 6.0])
    target = NumberTarget.fit(y, "price", log=True)
    t = target.encode(y)
    assert (target.mean, target.scale) == (pytest.approx(3), pytest.approx(np.std([1, 2, 6])))
    assert t.mean() == pytest.approx(0, abs=1e-15)
    assert t.std() == pytest.approx(1)


@pytest.mark.parametrize("least", [0, -0.5])
def test_a_logarithm_needs_numbers_above_0(least):
    with pytest.raises(TableError, match=rf"'price' is {float(least)!r} in a row.*logarithm needs numbers above 0"):
        NumberTarget.fit([1, least, 2], "price", log=True)


def test_a_new_row_without_a_logarithm_counts_as_the_least():
    target = NumberTarget.fit([10, 20, 40], "price", log=True)
    least = target.encode([10 * LEAST_OF_LOG])
    assert target.encode([0, -7, 1e-30]).tolist() == [least[0].tolist()] * 3
    assert target.decode(least) == pytest.approx([10 * LEAST_OF_LOG])
    assert target.encode([5]) > least  # below training, but it has one of its own
    assert target.quantities([0, -7]).tolist() == [0, -7]  # what a score compares with stays what it is


def test_a_constant_logarithm_is_predicted_with_a_warning():
    with pytest.warns(DataWarning, match=r"'price' is 7\.0 in every row"):
        target = NumberTarget.fit([7, 7], "price", log=True)
    assert target.decode(np.zeros((1, 1))) == pytest.approx([7])


def test_a_record_says_log_only_where_there_is_one():
    whole = NumberTarget.fit([1, 2], "price").to_dict()
    assert "log" not in whole  # as files of the first format have it
    assert not NumberTarget.from_dict(whole).log
    record = NumberTarget.fit([1, 2], "price", log=True).to_dict()
    assert record["log"] is True
    for change in ({"log": 1}, {"log": "yes"}, {"log": None}, {"minimum": 0.0}, {"minimum": -1.0}):
        with pytest.raises(FileFormatError):
            NumberTarget.from_dict(record | change)


@pytest.mark.parametrize("kind", [ClassTarget, NumberTarget])
def test_a_missing_answer_is_counted_and_located(kind):
    with pytest.raises(TableError, match=r"'y' is missing in 2 of 4 rows \(row 2, 4, counted from 1\).*drop"):
        kind.fit([1, None, 2, float("nan")], "y")


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        (lambda: ClassTarget.fit(["a", "a"], "y"), "'y' holds only 'a'.*two classes"),
        (lambda: ClassTarget.fit([], "y"), "no rows"),
        (lambda: ClassTarget.fit([datetime.date(2020, 1, 1)] * 2, "y"), "'y' holds Date"),
        (lambda: ClassTarget.fit(["a", "b"], "y").encode(["a", "z"]), "never saw: 'z' in row 2.*Known: a, b"),
        (lambda: ClassTarget.fit([True, False], "y").encode(["perhaps"]), "never saw: 'perhaps' in row 1"),
        (lambda: NumberTarget.fit(["1", "dear"], "y"), "'y' needs numbers.*'dear' in row 2.*TableClassifier"),
        (lambda: NumberTarget.fit([1, np.inf], "y"), "'y' holds infinite.*inf in row 2"),
        (lambda: NumberTarget.fit([], "y"), "no rows"),
    ],
)
def test_an_unusable_target_says_why(fit, words):
    with pytest.raises(TableError, match=words):
        fit()


@pytest.mark.parametrize(
    ("classes", "cells"),
    [
        (True, ["a", "b"]),
        (True, ["007", "012"]),
        (True, [True, False]),
        (True, [0, 1]),
        (True, [0.0, 1.0, 0.0]),
        (True, [1, 2, 3] * 5),
        (False, [1, 2, 3]),
        (False, list(range(11)) * 9),
        (False, [0.5, 1.0]),
        (False, ["1", "2.5"]),
        (False, [None, None]),
    ],
)
def test_labels_are_told_from_quantities(classes, cells):
    assert looks_like_classes(pl.Series(cells)) is classes


@pytest.mark.parametrize("kind", [ClassTarget, NumberTarget])
@pytest.mark.parametrize(
    "change",
    [
        None,
        {"name": 3},
        {"kind": "other"},
        {"classes": ["a"]},
        {"classes": ["a", "a"]},
        {"classes": ["a", 1]},
        {"classes": [[], []]},
        {"mean": "1"},
        {"scale": 0.0},
        {"scale": float("nan")},
        {"minimum": True},
    ],
)
def test_a_damaged_record_is_refused(kind, change):
    record = kind.fit([1, 2], "y").to_dict()
    if change is not None and not set(change) <= set(record):
        return
    with pytest.raises(FileFormatError, match="damaged or of another version"):
        kind.from_dict(None if change is None else record | change)
