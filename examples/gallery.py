"""Every explanation once, on the chapter's circles and on the penguins: writes docs/gallery.md with its pictures.

    make gallery

What stands below is what the page shows: the docstring of a function is its text, the body its code, and what comes
back is printed and drawn. The same code gives the same page; only durations are left out of it.
"""

import inspect
import os
import re
import textwrap
import warnings
from pathlib import Path

os.environ["COLUMNS"] = "100"  # characters of a line, whatever the terminal has

import matplotlib
import numpy as np

import glassnet as gn
from glassnet.explanation.page import Explanation, Table, render_text

matplotlib.use("Agg")
DOCS = Path(__file__).resolve().parents[1] / "docs"
MOST_LINES = 40  # of a text that is shown at once

circles = gn.data.example("circles")
order = np.random.default_rng(0).permutation(len(circles))
seen, unseen = circles.take(order[:200]), circles.take(order[200:])
alone = {"n_estimators": 1, "dropout": 0, "random_state": 0}  # one small network, all of its units at every step
tanh = {"activation": "tanh", "learning_rate_init": 0.03, "max_iter": 400, **alone}
rings = gn.TableClassifier(hidden_layer_sizes=(4,), **tanh)
rings.fit(seen, target="label")

penguins = gn.data.example("penguins")
birds = gn.TableClassifier(hidden_layer_sizes=(8,), activation="relu", **alone).fit(penguins, target="species")


def the_formulas():
    """`print(model.network_)` gives the formulas with their shapes. The circles are two rings that no line parts; the
    network has four tanh units."""
    return rings.network_


def the_diagram():
    """The units, with the weights on the edges: blue edges add, orange ones subtract. `.svg` is a drawing, `.mermaid` a
    text that many pages draw by themselves."""
    return rings.network_.diagram(["x1", "x2"], ["outer"])


def derive():
    """One row worked through: forward, the loss, backward, and beside each gradient the central difference that
    confirms it. `weight=(layer, from, to)` adds one weight in scalars."""
    return gn.derive(rings, unseen.take([0]), weight=(0, 0, 1), dtype=np.float64)


def step():
    """One step of an optimizer on the same row: every weight before, its gradient, its update, and after."""
    return gn.step(rings, unseen.take([0]), optimizer="sgd", learning_rate=0.5, dtype=np.float64)


def collapse():
    """Without activations, layers are one layer: y = xW + c."""
    linear = gn.MLPRegressor((5, 3), activation="identity", solver="lbfgs", random_state=0)
    x = penguins.frame.select("bill_length_mm", "flipper_length_mm", "body_mass_g").drop_nulls().to_numpy() / 100
    return gn.collapse(linear.fit(x[:, :2], x[:, 2]))


def collapse_around_a_row():
    """A network of relu is linear around every row, as far as the nearest hinge."""
    return gn.collapse(birds, at=penguins.take([0]))


def probe():
    """The same logistic regression on raw features, on one made by hand, and on those that the hidden layer learned.
    The network has not seen these rows."""
    return gn.probe(rings, unseen, engineered=["x1**2 + x2**2"])


def name_features():
    """Which features made by hand the hidden layer spans, and which its score follows. Beside it stands what a layer of
    random weights spans: a wider one spans x1² + x2² nearly as well untrained, so that the span alone is no sign of
    learning."""
    return gn.name_features(rings, unseen)


def duel():
    """A linear model with your own formula against a network without it, on the same folds."""
    return gn.duel(circles, features="x1**2 + x2**2", target="label", network=rings, random_state=0)


def construct():
    """The proof, built: a network with given weights that follows a function, and a certificate of how closely."""
    return gn.construct("sin(6*x)+x", on=(0, 1), error=1e-3)


def approximate():
    """The same function, by networks with given weights and by trained ones, wider and wider."""
    return gn.approximate("sin(6*x)+x", (0, 1), 1e-3, widths=(1, 2, 3, 4, 6), time_limit_seconds=60, random_state=0)


def diagnose():
    """What keeps a network from learning, with the numbers and the remedy. Here one unit is too few."""
    narrow = gn.TableClassifier(hidden_layer_sizes=(1,), **tanh).fit(seen, target="label")
    return gn.diagnose(narrow, seen, X_val=unseen)


def diagnose_a_healthy_fit():
    """And here nothing is wrong."""
    return gn.diagnose(rings, seen, X_val=unseen)


def advise_width():
    """How wide is wide enough: held-out error against width, and the least width that is as good as the best."""
    return gn.advise_width(circles, target="label", network=rings, widths=(0, 1, 2, 3, 4, 8, 16, 32), random_state=0)


def attribute():
    """What moved a prediction, column by column: integrated gradients, whose parts add up to the change."""
    return gn.attribute(birds, penguins.take([200]), baseline=penguins)


def check_range():
    """Rows outside of what training saw, how far out, and what the network does there."""
    strange = {**penguins.frame.row(0, named=True), "body_mass_g": 7000, "island": "Ross"}
    return gn.check_range(birds, strange)


SECTIONS = {
    "The network": (the_formulas, the_diagram),
    "One row": (derive, step),
    "The whole map": (collapse, collapse_around_a_row),
    "What the hidden layer learned": (probe, name_features, duel),
    "What networks can do": (construct, approximate),
    "What is wrong with it": (diagnose, diagnose_a_healthy_fit, advise_width),
    "Why it says so": (attribute, check_range),
}
UNDRAWN = (collapse, step, diagnose_a_healthy_fit, check_range)  # their pictures say no more than their texts


def body(function):
    """The code of a function, as one would type it."""
    lines = inspect.getsource(function).split('"""', 2)[2]
    return re.sub(r"^return ", "", textwrap.dedent(lines).strip(), flags=re.MULTILINE)


def timeless(found):
    """The page as text, without durations, which are others every time."""
    if not isinstance(found, Explanation):
        return str(found)
    page = []
    for block in found.page():
        if isinstance(block, Table) and "seconds" in block.columns:
            j = list(block.columns).index("seconds")
            rows = [[*row[:j], *row[j + 1 :]] for row in block.rows]
            block = Table([*block.columns[:j], *block.columns[j + 1 :]], rows, block.note)
        page.append(block)
    return re.sub(r"\b[\d.e-]+ s\b", "… s", render_text(page))


def shown(function):
    """A section: text, code, what it prints, and its picture."""
    name = function.__name__
    found = function()
    lines = timeless(found).splitlines()
    text = ["```text", *(line.rstrip() for line in lines), "```"]
    if len(lines) > MOST_LINES:
        text = ["<details><summary>All that it prints</summary>", "", *text, "", "</details>"]
    if function is the_diagram:
        (DOCS / "gallery/diagram.svg").write_text(found.svg + "\n", encoding="utf-8")
        text = ["![A diagram of the network](gallery/diagram.svg)", "", "```mermaid", found.mermaid, "```"]
    picture = []
    if isinstance(found, Explanation) and function not in UNDRAWN:
        drawn = found.plot()
        figure = getattr(drawn, "figure", drawn)
        figure.savefig(DOCS / f"gallery/{name}.png", dpi=110, metadata={"Software": None}, facecolor="white")
        matplotlib.pyplot.close(figure)
        picture = [f"![{name.replace('_', ' ')}](gallery/{name}.png)", ""]
    prose = " ".join(inspect.cleandoc(function.__doc__).split())
    return [f"### {name.replace('_', ' ')}", "", prose, "", "```python", body(function), "```", "", *picture, *text, ""]


def main():
    warnings.simplefilter("ignore")  # what they say, the page says
    (DOCS / "gallery").mkdir(parents=True, exist_ok=True)
    source = inspect.getsource(inspect.getmodule(main))
    made = source[source.index("circles = ") : source.index("def the_formulas")].strip()
    lines = [
        "# See through it",
        "",
        "All that stands here was computed by `make gallery`, that is, by [a script](../examples/gallery.py).",
        "Each function has a command, too: `glassnet derive --help`.",
        "",
        "```python",
        "import numpy as np",
        "import glassnet as gn",
        "",
        made,
        "```",
        "",
    ]
    for title, functions in SECTIONS.items():
        lines += [f"## {title}", ""]
        for function in functions:
            lines += shown(function)
    (DOCS / "gallery.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print(f"The gallery is in {DOCS / 'gallery.md'}.")


if __name__ == "__main__":
    main()
