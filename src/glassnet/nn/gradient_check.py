"""Backward against central differences."""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.nn.elementary import Array
from glassnet.nn.losses import Loss
from glassnet.nn.network import Network


def central_difference(value: Callable[[], float], array: Array, step: float = 1e-5) -> Array:
    """(L(a + ε) − L(a − ε)) / 2ε for every element a of an array that `value` reads, which is left as it was.

    >>> a = np.array([3.0])
    >>> central_difference(lambda: float(a[0] ** 2), a).round(6)
    array([6.])
    """
    slopes = np.empty_like(array)
    for i in np.ndindex(array.shape):
        kept = array[i]
        array[i] = kept + step
        above = value()
        array[i] = kept - step
        slopes[i] = (above - value()) / (2 * step)
        array[i] = kept
    return slopes


def check_gradients(network: Network, loss: Loss, x: Any, t: Array, s: Array | None = None) -> dict[str, float]:
    """How far every dw, db and du of backward is from central differences: ‖difference‖ / ‖gradient‖.

    Args:
        network: A network of float64.
        loss: Its loss.
        x: Features (n, d).
        t: Targets (n, k).
        s: Weights of rows (n,).

    Returns:
        "dw of layer 0": 3e-10, and so on. Above 1e-6 something is wrong, or a unit sits on a kink.

    >>> from glassnet.nn.losses import SquaredError
    >>> network, x = Network.create([2, 3, 1], activation="tanh"), np.eye(2)
    >>> max(check_gradients(network, SquaredError(), x, np.ones((2, 1))).values()) < 1e-6
    True
    """
    y, trace = network.forward(x)
    gradients = network.backward(trace, loss.derivative(y, t, s), input_gradient=False)
    distances = {}
    for i, (layer, gradient) in enumerate(zip(network.layers, gradients, strict=True)):
        beside = None if gradient.du is None else network.skip
        for name, parameter, exact in (
            *(("dw", layer.w, gradient.dw), ("db", layer.b, gradient.db)),
            ("du", beside, gradient.du),
        ):
            if parameter is not None and exact is not None:
                numeric = central_difference(lambda: loss(network.forward(x)[0], t, s), parameter)
                scale = max(float(np.linalg.norm(exact)), 1e-12)
                distances[f"{name} of layer {i}"] = float(np.linalg.norm(exact - numeric)) / scale
    return distances
