"""Splits: each row in one part at most, folds alike, and what must stay together or come later does."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassnet.estimators.splits import FEWEST_IN_FOLD, SPARED, deal, deal_groups, splits

KINDS = ("none", "cv+", "split")


def seed(number=0):
    return np.random.RandomState(number)


def some(count, n, share=0.2, calibration="none", codes=None, random=0, **more):
    return list(islice(splits(n, codes, share, calibration, seed(random), **more), count))


@given(
    n=st.integers(10, 400),
    share=st.sampled_from([0.1, 0.2, 0.25, 0.5]),
    calibration=st.sampled_from(KINDS),
    random=st.integers(0, 100),
)
def test_every_row_is_in_one_part_at_most_and_none_but_calibration_rows_in_no_part(n, share, calibration, random):
    for split in some(7, n, share, calibration, random=random):
        parts = np.concatenate([split.train, split.choose, split.calibrate])
        assert len(np.unique(parts)) == len(parts) == n
        assert all((np.diff(part) > 0).all() for part in (split.train, split.choose, split.calibrate))
        assert len(split.train)
        assert len(split.choose)


@pytest.mark.parametrize(("share", "folds"), [(0.1, 10), (0.2, 5), (0.25, 4), (0.5, 2)])
def test_the_folds_of_one_order_are_all_rows_and_the_next_order_is_another(share, folds):
    found = some(2 * folds, 103, share)
    for turn in (found[:folds], found[folds:]):
        assert sorted(np.concatenate([split.choose for split in turn]).tolist()) == list(range(103))
        assert {len(split.choose) for split in turn} <= {103 // folds, 103 // folds + 1}
    assert {tuple(split.choose) for split in found[:folds]} != {tuple(split.choose) for split in found[folds:]}


@given(counts=st.lists(st.integers(1, 60), min_size=2, max_size=5), folds=st.integers(2, 6), random=st.integers(0, 100))
def test_any_two_folds_have_as_many_rows_of_a_class_or_one_more(counts, folds, random):
    codes = np.repeat(np.arange(len(counts)), counts)
    fold = deal(len(codes), codes, folds, seed(random))
    for code in range(len(counts)):
        inside = np.bincount(fold[codes == code], minlength=folds)
        assert inside.max() - inside.min() <= 1
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1


@given(groups=st.lists(st.integers(0, 12), min_size=8, max_size=80), folds=st.integers(2, 5))
def test_a_group_stands_together(groups, folds):
    fold = deal_groups(np.array(groups), folds, seed())
    for group in set(groups):
        assert len(set(fold[np.array(groups) == group])) == 1


@pytest.mark.parametrize("calibration", KINDS)
def test_no_group_is_in_two_parts(calibration):
    groups = np.array([f"patient {i}" for i in seed().randint(0, 40, 400)])
    for split in some(7, 400, calibration=calibration, groups=groups):
        parts = [set(groups[part]) for part in (split.train, split.choose, split.calibrate)]
        assert len(set.union(*parts)) == sum(map(len, parts))


@pytest.mark.parametrize("calibration", KINDS)
def test_what_is_held_out_is_later_than_what_is_trained_on(calibration):
    time = seed().permutation(200)
    for split in some(6, 200, calibration=calibration, time=time):
        assert time[split.train].max() < time[split.choose].min()
        if len(split.calibrate):
            assert time[split.train].max() < time[split.calibrate].min()


def test_one_part_calibrates_for_all_folds():
    found = some(7, 500, calibration="split")
    assert {tuple(split.calibrate) for split in found} == {tuple(found[0].calibrate)}
    assert len(found[0].calibrate) == 50
    assert len(some(1, 50_000, calibration="split")[0].calibrate) == 1000


def test_a_part_of_each_fold_calibrates_where_it_can_be_spared():
    found = some(5, 5 * FEWEST_IN_FOLD, calibration="cv+")
    assert [len(split.calibrate) for split in found] == [FEWEST_IN_FOLD // SPARED] * 5
    assert len(np.unique(np.concatenate([split.calibrate for split in found]))) == 5 * (FEWEST_IN_FOLD // SPARED)
    assert all(not len(split.calibrate) for split in some(5, 5 * FEWEST_IN_FOLD - 5, calibration="cv+"))


def test_the_same_seed_gives_the_same_splits():
    for calibration in KINDS:
        for one, same in zip(some(7, 300, calibration=calibration), some(7, 300, calibration=calibration), strict=True):
            assert all(
                np.array_equal(getattr(one, part), getattr(same, part)) for part in ("train", "choose", "calibrate")
            )
