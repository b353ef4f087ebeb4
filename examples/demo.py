"""The main job on a real table: fit, score, look at what was learned.

    python examples/demo.py

Penguins of the Palmer archipelago: which species is it? Data by Horst, Hill and Gorman (2020), licence CC0.
"""

import warnings
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet.cli.app import cli
from glassnet.errors import RangeWarning

FOLDER = Path("demo")
COLOURS = {"Adelie": "#c85a00", "Chinstrap": "#7b4fa3", "Gentoo": "#1a6fb8"}
MARKERS = {"Adelie": "o", "Chinstrap": "^", "Gentoo": "s"}


def hidden_features(model, table):
    """What the last hidden layer of the first network made of each row, by its two main components, (n, 2)."""
    x = model.preprocessor_.transform(table)
    _, trace = gn.nn.get_engine().trace(model.network_, x)
    h = trace[-1].x - trace[-1].x.mean(axis=0)  # the input of the last layer
    _, _, components = np.linalg.svd(h, full_matrices=False)
    return h @ components[:2].T


def picture(model, table, path):
    """The decision over two columns, the hidden space, and the loss of every epoch."""
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4.4), layout="constrained")
    decision, hidden, loss = figure.subplots(1, 3)
    species = table["species"].to_numpy()
    known = ~np.isnan(table["bill_length_mm"].cast(float).to_numpy())

    names = ["bill_length_mm", "flipper_length_mm"]
    lines = [np.linspace(column.min() - 2, column.max() + 2, 150) for column in (table[name] for name in names)]
    grid = np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)
    typical = {
        name: [table[name].drop_nulls().mode().sort()[0]] * len(grid) for name in table.names if name != "species"
    }
    for name in ("bill_depth_mm", "body_mass_g"):
        typical[name] = [table[name].median()] * len(grid)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)  # the picture reaches beyond the penguins on purpose
        p = model.predict_proba(typical | dict(zip(names, grid.T, strict=True)))
    shades = p @ np.array([to_rgb(COLOURS[name]) for name in model.classes_])
    decision.imshow(
        shades.reshape(150, 150, 3),
        extent=(lines[0][0], lines[0][-1], lines[1][0], lines[1][-1]),
        origin="lower",
        aspect="auto",
        alpha=0.45,
    )
    features = hidden_features(model, table)
    for name in model.classes_:
        rows = (species == name) & known
        style = {"s": 14, "c": COLOURS[name], "marker": MARKERS[name], "label": name, "edgecolors": "white", "lw": 0.3}
        decision.scatter(*(table[column].cast(float).to_numpy()[rows] for column in names), **style)
        hidden.scatter(*features[species == name].T, **style)
    decision.set(title="Decision, other columns at typical values", xlabel=names[0], ylabel=names[1])
    hidden.set(title="Last hidden layer of the first network", xlabel="component 1", ylabel="component 2")
    hidden.legend(frameon=False)
    epochs = range(1, len(model.history_) + 1)
    loss.plot(epochs, model.history_.loss, color="#5f6877", label="training")
    loss.plot(epochs, model.history_.validation_loss, color="#14181f", label="validation")
    loss.axvline(model.history_.best_epoch[0], color="#2f7d32", lw=1, ls=":", label="kept")
    loss.set(title="Loss of the first network", xlabel="epoch", yscale="log")
    loss.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main():
    """Write the table, fit by the command line, draw."""
    FOLDER.mkdir(exist_ok=True)
    table = gn.data.example("penguins")
    source = FOLDER / "penguins.csv"
    gn.data.write_table({name: table[name].to_list() for name in table.names}, source)
    print("Palmer penguins, 344 rows (Horst, Hill and Gorman 2020, licence CC0). The command is:\n")
    arguments = ["fit", str(source), "--target", "species", "-o", str(FOLDER / "penguins.safetensors")]
    print("  glassnet", *arguments, end="\n\n", flush=True)
    cli.main(arguments, standalone_mode=False)
    try:
        picture(gn.load(FOLDER / "penguins.safetensors"), table, FOLDER / "penguins.png")
    except ImportError:
        print("\nFor the picture of what was learned: pip install 'glassnet[plot]'")
    else:
        print(f"\nWhat was learned, as a picture: {FOLDER / 'penguins.png'}")


if __name__ == "__main__":
    main()
