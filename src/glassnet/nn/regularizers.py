"""What the loss is asked to pay for large weights."""

from glassnet.nn.elementary import Array


def l2_penalty(weights: Array, alpha: float, rows: float) -> float:
    """α ‖w‖² / 2Σs, over weights, not biases. Its gradient is αw / Σs.

    Divided by the weight of the rows as the mean loss is, so that α weighs the penalty against the *sum* of row losses
    (scikit-learn's convention).

    Args:
        weights: Weights of a network as one vector, biases zeroed or left out.
        alpha: α ≥ 0.
        rows: Σs, the number of rows in the batch, or the sum of their weights.
    """
    return float(0.5 * alpha * (weights @ weights) / rows)
