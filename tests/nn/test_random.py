"""One generator: what is drawn depends on its address, and is the same in both engines."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from glassnet.nn import Network
from glassnet.nn.random import SHUFFLE, WEIGHTS, permutation, random_words, uniform

LARGEST_SEED = 2**64 - 1


def philox(key: tuple[int, int], counter: list[int]) -> list[int]:
    """Philox4x64-10 in whole numbers, from figure 2 and table 2 of Salmon et al. 2011."""
    mask = 2**64 - 1
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        p0, p1 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (p1 >> 64) ^ c1 ^ k0, p1 & mask, (p0 >> 64) ^ c3 ^ k1, p0 & mask
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return [c0, c1, c2, c3]


def kernel_permutation(seed: int, epoch: int, n: int) -> list[int]:
    from glassnet import _kernel

    order = np.empty(n, np.int64)
    _kernel.permutation(seed, epoch, order)
    return order.tolist()


def test_the_generator_gives_the_published_answers():
    # The first line of Philox4x64-10 in the authors' table of known answers.
    assert philox((0, 0), [0, 0, 0, 0]) == [
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    ]


@pytest.mark.parametrize(("seed", "purpose", "index"), [(0, 1, 0), (7, 2, 3), (LARGEST_SEED, 2, 2**40)])
def test_words_are_philox_at_their_address(seed, purpose, index):
    blocks = [philox((seed, purpose), [block, index, 0, 0]) for block in (1, 2, 3)]
    halves = [half for block in blocks for word in block for half in (word & 0xFFFFFFFF, word >> 32)]
    assert random_words(seed, purpose, index, 21).tolist() == halves[:21]


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000])
@pytest.mark.parametrize("epoch", [0, 1, 2**33])
@pytest.mark.parametrize("seed", [0, 1, LARGEST_SEED])
def test_the_kernel_shuffles_as_the_reference_does(kernel, seed, epoch, n):
    assert kernel_permutation(seed, epoch, n) == permutation(seed, epoch, n).tolist()


def test_no_rows_are_shuffled_without_complaint(kernel):
    assert kernel_permutation(0, 0, 0) == permutation(0, 0, 0).tolist() == []


def test_a_shuffle_is_the_same_on_every_machine_and_in_every_version():
    assert permutation(seed=0, epoch=0, n=10).tolist() == [0, 2, 4, 9, 5, 1, 3, 8, 7, 6]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, LARGEST_SEED), epoch=st.integers(0, 10**6), n=st.integers(0, 200))
def test_a_shuffle_holds_every_row_once(seed, epoch, n):
    assert sorted(permutation(seed, epoch, n).tolist()) == list(range(n))


def test_other_seeds_and_epochs_give_other_orders():
    orders = {tuple(permutation(seed, epoch, 30).tolist()) for seed in range(20) for epoch in range(20)}
    assert len(orders) == 400


def test_every_order_is_equally_likely():
    places = np.zeros((5, 5))
    orders: dict[tuple[int, ...], int] = {}
    for epoch in range(12000):
        order = permutation(3, epoch, 5)
        places[order, np.arange(5)] += 1
        orders[tuple(order.tolist())] = orders.get(tuple(order.tolist()), 0) + 1
    assert len(orders) == 120
    assert chisquare(list(orders.values())).pvalue > 1e-3
    assert chisquare(places.ravel()).pvalue > 1e-3


def test_numbers_are_uniform_between_0_and_1():
    u = uniform(seed=11, purpose=WEIGHTS, index=0, count=20000)
    assert u.min() > 0
    assert u.max() < 1
    assert kstest(u, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.03


def test_purposes_have_streams_of_their_own():
    assert not set(random_words(0, WEIGHTS, 0, 100)) & set(random_words(0, SHUFFLE, 0, 100))


def test_threads_change_nothing(kernel):
    alone = [
        (permutation(seed, 1, 500).tolist(), Network.create([5, 4, 2], seed=seed).parameters) for seed in range(16)
    ]

    with ThreadPoolExecutor(8) as threads:
        drawn = list(threads.map(lambda seed: kernel_permutation(seed, 1, 500), range(16)))
        made = list(threads.map(lambda seed: Network.create([5, 4, 2], seed=seed).parameters, range(16)))

    assert drawn == [order for order, _ in alone]
    assert all((weights == first).all() for weights, (_, first) in zip(made, alone, strict=True))
