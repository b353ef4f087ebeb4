"""NumPy by hand: a product, a sum and a maximum for each layer."""

from typing import Any

import numpy as np

from benchmarks.workloads import Workload


def predictor(layers: list[tuple[np.ndarray, np.ndarray]], threads: int) -> dict[str, Any]:
    (*hidden, (v, c)) = layers

    def of_rows(x: np.ndarray) -> np.ndarray:
        for w, b in hidden:
            x = x @ w
            x += b
            np.maximum(x, 0, out=x)
        return x @ v + c

    return {
        "list": lambda row: of_rows(np.array([row], np.float32)),
        "array": lambda row: of_rows(row[None, :]),
        "rows": of_rows,
        "note": "by hand",
    }


def first_fit(workload: Workload) -> None:
    """Nothing but the data, so that the others can be seen without them."""
    workload.data()
