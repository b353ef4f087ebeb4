"""One counter-based generator for both engines: Philox4x64-10 (Salmon et al., SC 2011).

A number drawn depends on its address alone, (seed, purpose, index, place), never on what was drawn before or on who
draws it. So first weights, shuffles and masks are the same in NumPy and in the kernel, for any number of threads, and a
training resumed between two steps needs no generator state.
"""

import numpy as np
from numpy.typing import NDArray

WEIGHTS, SHUFFLE, DROPOUT = 1, 2, 3  # purposes: each has a stream of its own


def random_words(
    seed: int, purpose: int, index: int, count: int, second: int = 0, third: int = 0
) -> NDArray[np.uint32]:
    """`count` random 32-bit words at address (seed, purpose, index, second, third).

    >>> random_words(0, SHUFFLE, 3, 2).tolist() == random_words(0, SHUFFLE, 3, 5)[:2].tolist()
    True
    """
    philox = np.random.Philox(key=_two_words(seed, purpose), counter=np.array([0, index, second, third], np.uint64))
    # Each 64-bit word gives its low half first.
    return philox.random_raw((count + 1) // 2).astype("<u8").view("<u4")[:count].astype(np.uint32)


def uniform(seed: int, purpose: int, index: int, count: int) -> NDArray[np.float64]:
    """Numbers in (0, 1), on a grid of 2⁻³², symmetric about ½.

    >>> u = uniform(seed=0, purpose=WEIGHTS, index=0, count=1000)
    >>> bool(0 < u.min() and u.max() < 1)
    True
    """
    return (random_words(seed, purpose, index, count).astype(np.float64) + 0.5) * 2.0**-32


def permutation(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """The order of n rows in an epoch: Fisher–Yates, from the last place to the first.

    Place i swaps with ⌊r(i + 1) / 2³²⌋, r a 32-bit word: off from uniform by less than n / 2³².

    >>> sorted(permutation(seed=7, epoch=0, n=5).tolist())
    [0, 1, 2, 3, 4]
    """
    words: NDArray[np.uint64] = random_words(seed, SHUFFLE, epoch, max(n - 1, 0)).astype(np.uint64)
    partners = np.right_shift(words * np.arange(n, 1, -1, dtype=np.uint64), np.uint64(32)).tolist()
    order = list(range(n))
    for i, j in zip(range(n - 1, 0, -1), partners, strict=True):
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int64)


def dropout_mask(
    seed: int, epoch: int, batch: int, layer: int, shape: tuple[int, int], rate: float
) -> NDArray[np.float64]:
    """What multiplies h (n, m) of a layer in a step: 0 with probability `rate`, else 1 / (1 − rate).

    Each number takes 16 bits, so that the rate is met to 2⁻¹⁶.

    >>> np.unique(dropout_mask(0, 0, 0, 0, (100, 10), rate=0.5)).tolist()
    [0.0, 2.0]
    """
    count = shape[0] * shape[1]
    words = random_words(seed, DROPOUT, epoch, (count + 1) // 2, batch, layer)
    draws = words.astype("<u4").view("<u2")[:count].reshape(shape)  # each word gives its low half first
    return np.where(draws >= int(rate * 65536 + 0.5), 1 / (1 - rate), 0.0)


def _two_words(seed: int, purpose: int) -> NDArray[np.uint64]:
    return np.array([seed, purpose], dtype=np.uint64)
