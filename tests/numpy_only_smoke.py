"""Where no compiler was found, glassnet says so once, and fits on NumPy. Run it there, without pytest."""

import importlib.util
import warnings

import numpy as np

import glassnet as gn


def main() -> None:
    """Fit the same network twice, and listen."""
    assert importlib.util.find_spec("glassnet._kernel") is None, "the kernel is installed: this is not the place to ask"

    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    model = gn.MLPClassifier((16,), learning_rate_init=0.01, max_iter=300, random_state=0)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        p, again = model.fit(X, y).predict_proba(X), model.fit(X, y).predict_proba(X)

    said = [str(warning.message) for warning in caught if "runs on NumPy" in str(warning.message)]
    assert len(said) == 1, f"it should say once that it runs on NumPy, and said: {said}"
    assert (p == again).all(), "one seed gave two networks"
    assert model.score(X, y) > 0.9, f"accuracy on the data it was fitted to: {model.score(X, y)}"
    print(said[0])


if __name__ == "__main__":
    main()
