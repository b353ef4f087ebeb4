"""The chapter's circles: what a line cannot do, a feature can, and a hidden layer learns by itself.

    python examples/circles.py [PICTURE.png]

Four networks on the same data, scored on rows that they did not see. The third has x² + y² made for it in its hidden
layer, which nobody designed; the fourth shows that without biases it could not have.
"""

import sys

import numpy as np

import glassnet as gn
from glassnet.nn import Adam, Architecture, BinaryCrossEntropy, Data, Spec, get_engine
from glassnet.training import Plan, train

TRIALS = 10
INNER, OUTER = "#c85a00", "#1a6fb8"


def rings(seed):
    """x (n, 2) and t (n, 1) of the chapter's two rings."""
    table = gn.data.EXAMPLES["circles"](n=800, seed=seed)
    x = np.column_stack([table["x1"], table["x2"]])
    return x, (table["label"].to_numpy() == "outer").astype(float)[:, None]


def with_feature(x):
    """The feature x₁² + x₂² beside x."""
    return np.column_stack([x, (x**2).sum(axis=1)])


MODELS = [
    # title, features, hidden units, bias
    ("no hidden layer", lambda x: x, [], True),
    ("no hidden layer, x² + y² added", with_feature, [], True),
    ("8 tanh units", lambda x: x, [8], True),
    ("8 tanh units, no biases", lambda x: x, [8], False),
]


def fit(features, hidden, bias, seed):
    """A network trained on half of the rows, and its accuracy on the other half."""
    x, t = rings(seed)
    half = len(x) // 2
    engine = get_engine()
    spec = Spec(
        Architecture.create([features(x).shape[1], *hidden, 1], "tanh", bias),
        BinaryCrossEntropy(),
        Adam(learning_rate=0.02),
        batch_size=20,
    )
    state = engine.init(spec, seeds=[seed])
    train(engine, state, Data(features(x[:half]), t[:half]), Plan(max_epochs=200, patience=np.inf))
    network = state.network()
    y = engine.forward(network, features(x[half:]))
    return network, float(((y > 0) == t[half:]).mean())


def picture(networks, path):
    """Each network's answer over the plane, with the data it was scored on."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 4), layout="constrained")
    shades = LinearSegmentedColormap.from_list("answer", [INNER, "#f3f4f6", OUTER])
    x, t = rings(seed=0)
    x, t = x[len(x) // 2 :], t[len(t) // 2 :, 0]
    reach = 1.1 * np.abs(x).max()
    line = np.linspace(-reach, reach, 200)
    plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    for axes, (title, features, _, _), (network, accuracy) in zip(figure.subplots(1, 4), MODELS, networks, strict=True):
        p = BinaryCrossEntropy().predict(network.forward(features(plane))[0]).reshape(200, 200)
        axes.imshow(p, extent=(-reach, reach) * 2, origin="lower", cmap=shades, vmin=0, vmax=1, alpha=0.5)
        axes.scatter(*x[t == 0].T, s=7, c=INNER, label="inner")
        axes.scatter(*x[t == 1].T, s=7, c=OUTER, marker="s", label="outer")
        axes.set(title=f"{title}\n{accuracy:.0%} held out", xticks=[], yticks=[])
    figure.axes[0].legend(loc="lower right", frameon=False, markerscale=2)
    figure.savefig(path, dpi=120)


def main():
    """Fit the four, print their scores, draw them."""
    print(f"Accuracy on held-out rows of the circles, median of {TRIALS} trials (lowest, highest):\n")
    first = []
    for title, *model in MODELS:
        trials = [fit(*model, seed) for seed in range(TRIALS)]
        scores = sorted(accuracy for _, accuracy in trials)
        print(f"  {title:<32} {np.median(scores):6.1%}   ({scores[0]:.1%}, {scores[-1]:.1%})")
        first.append(trials[0])
    print(f"\nThe network of 8 tanh units:\n\n{first[2][0]}")
    path = sys.argv[1] if len(sys.argv) > 1 else "circles.png"
    try:
        picture(first, path)
    except ImportError:
        print("\nFor the picture: pip install 'glassnet[plot]'")
    else:
        print(f"\nPicture: {path}")


if __name__ == "__main__":
    main()
