"""Time to equal held-out loss, against scikit-learn's MLP.

    python benchmarks/time_to_loss.py

Both sides have the same network, optimizer, rate, batch size and dtype. Epoch by epoch, it is first seen when each side
reaches a held-out loss that both reach; then `fit` of just so many epochs is timed, sides in turn. One thread each.
"""

import platform
import statistics
import time
import warnings

import numpy as np
import sklearn
from sklearn import neural_network
from sklearn.datasets import load_digits, make_friedman1
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import glassnet as gn

ROUNDS, EPOCHS = 7, 60


def digits(dtype):
    """1,347 rows of 64 pixels, ten classes."""
    x, y = load_digits(return_X_y=True)
    parts = train_test_split((x / 16).astype(dtype), y, test_size=0.25, random_state=0, stratify=y)
    return "MLPClassifier", {"hidden_layer_sizes": (100,)}, parts


def regression(dtype):
    """Friedman's function of ten variables, 4,000 rows: the network 10-64-64-1."""
    x, y = make_friedman1(5000, 10, noise=1.0, random_state=0)
    x, y = StandardScaler().fit_transform(x).astype(dtype), ((y - y.mean()) / y.std()).astype(dtype)
    parts = train_test_split(x, y, test_size=0.2, random_state=0)
    return "MLPRegressor", {"hidden_layer_sizes": (64, 64), "batch_size": 32}, parts


def held_out_loss(model, x, y):
    """Log loss, or half the mean squared error."""
    if hasattr(model, "predict_proba"):
        return log_loss(y, model.predict_proba(x))
    return mean_squared_error(y, model.predict(x)) / 2


def curve(make, parts):
    """Held-out loss after every epoch."""
    x, x_test, y, y_test = parts
    model, losses = make(random_state=np.random.RandomState(0)), []
    classes = {"classes": np.unique(y)} if hasattr(model, "predict_proba") else {}
    for _ in range(EPOCHS):
        model.partial_fit(x, y, **classes)
        losses.append(held_out_loss(model, x_test, y_test))
    return losses


def compare(problem, dtype):
    """Print one line: the loss, epochs and milliseconds of both, and the ratio of the times."""
    name, parameters, parts = problem(dtype)
    x, x_test, y, y_test = parts

    def maker(package):
        def make(**more):
            return getattr(package, name)(**parameters, **more)

        return make

    sides = {"scikit-learn": maker(neural_network), "glassnet": maker(gn)}
    curves = {side: curve(make, parts) for side, make in sides.items()}
    target = 1.02 * max(min(losses) for losses in curves.values())
    epochs = {side: next(i for i, loss in enumerate(losses, 1) if loss <= target) for side, losses in curves.items()}
    times, reached = {side: [] for side in sides}, {}
    for round_ in range(ROUNDS):
        for side, make in sides.items():
            model = make(max_iter=epochs[side], n_iter_no_change=EPOCHS, random_state=round_)
            began = time.perf_counter()
            model.fit(x, y)
            times[side].append(time.perf_counter() - began)
            reached.setdefault(side, []).append(held_out_loss(model, x_test, y_test))
    ratios = [slow / fast for slow, fast in zip(times["scikit-learn"], times["glassnet"], strict=True)]
    print(
        f"| {problem.__name__}, {np.dtype(dtype).name} | {target:.4f} | "
        + " | ".join(
            f"{epochs[side]} | {1000 * statistics.median(times[side]):.0f} ms | {statistics.median(reached[side]):.4f}"
            for side in sides
        )
        + f" | **{statistics.median(ratios):.1f}** ({min(ratios):.1f}–{max(ratios):.1f}) |",
        flush=True,
    )


def main():
    """Print a table in Markdown."""
    warnings.simplefilter("ignore")
    from glassnet import _kernel

    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}, ",
        end="",
    )
    print(f"scikit-learn {sklearn.__version__}, kernel {_kernel.level}, one thread; median of {ROUNDS} rounds.\n")
    print("| | held-out loss | scikit-learn: epochs | time | loss | glassnet: epochs | time | loss | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    with threadpool_limits(1):
        for problem in (digits, regression):
            for dtype in (np.float64, np.float32):
                compare(problem, dtype)


if __name__ == "__main__":
    main()
