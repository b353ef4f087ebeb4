"""What the loss is asked to pay for large weights, and what holds a step within bounds.

Penalties are divided by the weight of the rows, Σs, as the mean loss is: so α weighs the penalty against the *sum* of
row losses (scikit-learn's convention). They pull on weights, not biases.
"""

from collections.abc import Sequence

import numpy as np

from glassnet.nn.elementary import Array


def l2_penalty(weights: Array, alpha: float, rows: float) -> float:
    """α ‖w‖² / 2Σs. Its gradient is αw / Σs.

    Args:
        weights: Weights of a network as one vector, biases zeroed or left out.
        alpha: α ≥ 0.
        rows: Σs, the number of rows in the batch, or the sum of their weights.
    """
    return float(0.5 * alpha * (weights @ weights) / rows)


def l1_penalty(weights: Array, alpha: float, rows: float) -> float:
    """α Σ|w| / Σs. Its gradient is α sign(w) / Σs, 0 at w = 0."""
    return float(alpha * np.abs(weights).sum() / rows)


def clip_norm(g: Array, largest: float) -> Array:
    """g, or where ‖g‖ > largest, g scaled to that length (Pascanu et al. 2013, section 3.2).

    >>> clip_norm(np.array([3.0, 4.0]), 1.0)
    array([0.6, 0.8])
    """
    long = g.astype(np.float64, copy=False)  # the squares of a float32 may leave its format
    norm = float(np.sqrt(long @ long))
    return g * (largest / norm) if norm > largest else g


def limit_columns(matrices: Sequence[Array], largest: float) -> None:
    """Scale down, in place, the weights into a unit, a column of w (d, m), whose length is above `largest`.

    Maximum norm (Srebro and Shraibman 2005; with dropout, Srivastava et al. 2014, section 5.1).

    >>> w = np.array([[3.0, 0.1], [4.0, 0.1]])
    >>> limit_columns([w], 1.0)
    >>> w.round(3).tolist()
    [[0.6, 0.1], [0.8, 0.1]]
    """
    for w in matrices:
        norms = np.sqrt((w * w).sum(axis=0))
        w *= (largest / np.fmax(norms, largest)).astype(w.dtype)
