"""Folds: every row scored once, classes in proportion; the summary worked by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassnet import Table
from glassnet.errors import InputError
from glassnet.estimators.cross_validation import folds, summarize


@settings(max_examples=40, deadline=None)
@given(labels=st.lists(st.sampled_from("abc"), min_size=5, max_size=40), k=st.integers(2, 4), seed=st.integers(0, 9))
def test_rows_are_scored_once_by_a_training_without_them_and_classes_stand_in_proportion(labels, k, seed):
    table = Table.read({"row": range(len(labels)), "y": labels})
    counts = {label: labels.count(label) for label in labels}
    seen = []
    for train, test in folds(table, "y", k, classes=True, seed=seed):
        rows = [part["row"].to_list() for part in (train, test)]
        assert sorted(rows[0] + rows[1]) == list(range(len(labels)))
        assert all(part == sorted(part) for part in rows)
        assert set(test["y"]) <= set(train["y"])
        for label, n in counts.items():
            if n > 1:
                assert n // k <= test["y"].to_list().count(label) <= -(-n // k)
        seen += rows[1]
    assert sorted(seen) == [i for i, label in enumerate(labels) if counts[label] > 1]


def test_the_seed_decides_the_folds():
    table = Table.read({"y": np.arange(20.0)})
    first, again, other = (
        [test["y"].to_list() for _, test in folds(table, "y", 4, classes=False, seed=seed)] for seed in (0, 0, 1)
    )
    assert first == again != other


@pytest.mark.parametrize(("n", "k"), [(10, 1), (10, 11), (2, 2), (3, 2)])
def test_too_many_or_too_few_folds_are_refused(n, k):
    with pytest.raises(InputError, match=f"{k} folds of {n} rows"):
        list(folds(Table.read({"y": range(n)}), "y", k, classes=False, seed=0))


def test_the_summary_is_worked_by_hand():
    scores = [{"network": {"r2": r2, "rmse": rmse, "n": 5}} for r2, rmse in ((0.2, 1.0), (None, 2.0), (0.4, 6.0))]
    found = summarize(scores)["network"]
    assert found["r2"] == {"mean": pytest.approx(0.3), "standard_error": pytest.approx(0.1)}
    assert found["rmse"] == {"mean": 3.0, "standard_error": pytest.approx(np.sqrt(7 / 3))}
    assert summarize(scores[:1])["network"]["rmse"]["standard_error"] is None
    assert summarize([]) == {}
