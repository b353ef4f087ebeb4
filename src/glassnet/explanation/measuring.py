"""How far a network is from a function, as far as it is found: a lower bound."""

import numpy as np

from glassnet.explanation.functions import Function
from glassnet.nn import Network
from glassnet.nn.elementary import Array

DENSE = 20_000  # points at which an error is measured up to three inputs, where the network is not wide
WORK = 2**23  # numbers of the widest layer on all these points, or so many 32nds of products
SLICE = 2**17  # numbers of a layer at a time, as many as a cache holds
SOBOL = 2**14  # points beyond three inputs


def measure(function: Function, network: Network, seed: int = 0) -> tuple[float, Array]:
    """The largest |f − y| that was found, and where: a lower bound of the true one.

    On a dense grid up to three inputs, by Sobol points beyond, each followed by a search around the worst.
    """
    lo, hi, d = function.lo, function.hi, function.d
    rng = np.random.default_rng(seed)
    side = 0
    if d <= 3:
        work = max(max(layer.w.shape[1], layer.w.size // 32) for layer in network.layers)
        side = 1 + round(max(4000, min(DENSE, WORK // work)) ** (1 / d))
        axes = [np.linspace(a, b, side) for a, b in zip(lo, hi, strict=True)]
        x = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
    else:
        from scipy.stats import qmc

        x = lo + (hi - lo) * qmc.Sobol(d, seed=seed).random(SOBOL)
    errors = deviation(function, network, x)
    reach = (hi - lo) / (side - 1 if side else SOBOL ** (1 / d))
    best, place = 0.0, x[0]
    for start in np.argsort(-errors, kind="stable")[: 3 if d == 1 else 5]:
        here, error, around = x[start], float(errors[start]), reach
        for _ in range(5):
            near = np.clip(here + around * rng.uniform(-1, 1, size=(40 * d, d)), lo, hi)
            found = deviation(function, network, near)
            if found.max() > error:
                here, error = near[int(found.argmax())], float(found.max())
            around = around * 0.4
        if error > best:
            best, place = error, here
    return best, place


def deviation(function: Function, network: Network, x: Array) -> Array:
    """|f − y| at x (n,)."""
    return np.abs(scores(network, x) - function(x))


def scores(network: Network, x: Array) -> Array:
    """y of one output (n,), in slices, so that wide layers fit into memory."""
    widest = max(layer.w.shape[1] for layer in network.layers)
    # Between two hidden layers a slice must be worth reading all their weights for.
    step = max(1 if len(network.layers) == 2 else 1024, SLICE // widest)
    return np.concatenate([network.forward(x[i : i + step])[0][:, 0] for i in range(0, len(x), step)])
