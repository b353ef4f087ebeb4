"""Names of what the studio measures, by which lessons speak of its state.

At the chosen row, with layers l, inputs i, units j and outputs k counted from 0:

    x_i  t_k  y_k  p_k  dy_k        z_l_j  h_l_j  slope_l_j  dh_l_j  dz_l_j        slope is f′(z)
    share_l_i_j        this row's share of ∂L/∂w

and of the whole network:

    w_l_i_j  b_l_j        dw_l_i_j  db_l_j        ∂L/∂w and ∂L/∂b over all n training rows

L is the mean over the n rows for training. The 1/n is inside of dy, so the shares of all rows add up to dw.
"""

import re
from collections.abc import Callable

from glassnet.errors import FileFormatError, unknown_name

# The value of a quantity by its name; nan where the state has none of that name, such as a unit that was taken away.
Quantity = Callable[[str], float]
# The value of a formula in quantities, such as "dh_0_5 * (1 - h_0_5**2)"; nan, or an InputError, likewise.
Evaluate = Callable[[str], float]

# Of the state as a whole, each as a sentence names it.
NAMED = {
    "epoch": "the epoch",
    "step": "the step",
    "n": "the number of training rows",
    "loss": "the loss on training rows",
    "validation_loss": "the loss on held-out rows",
    "score": "the score on training rows",
    "validation_score": "the score on held-out rows",
    "hidden_layers": "the number of hidden layers",
    "units": "the number of hidden units",
    "inputs": "the number of features",
    "rate": "the learning rate",
    "batch": "the size of a minibatch (0 is all rows)",
    "edits": "the number of parameters set by hand",
    "nonlinear": "the number of hidden layers that are not linear",
    "collapsed": "whether the network is collapsed",
    "biases": "whether there are biases (1 or 0)",
    "dead": "the share of units that are 0 on every row",
    "saturated": "the share of saturated outputs",
    "diverged": "whether training diverged (1 or 0)",
    "symmetric": "whether all units of a layer are equal (1 or 0)",
    "largest_weight": "the largest weight",
    "built_error": "the largest error of the constructed network",
    "trained_error": "the largest error of the trained network",
}
# Numbers after the name.
INDEXED = (
    dict.fromkeys(("x", "t", "y", "p", "dy", "units"), 1)
    | dict.fromkeys(("z", "h", "slope", "dh", "dz", "b", "db"), 2)
    | dict.fromkeys(("w", "dw", "share"), 3)
)
FUNCTIONS = ("sin", "cos", "tan", "exp", "log", "sqrt", "abs", "tanh", "min", "max", "sign")
CONSTANTS = ("pi", "e")


def is_quantity(name: str) -> bool:
    """Whether the name is well formed.

    >>> [is_quantity(name) for name in ("dz_0_5", "validation_score", "units_1", "dz_0", "units_0", "accuracy")]
    [True, True, True, False, False, False]
    """
    kind, *places = name.split("_")
    indexed = len(places) == INDEXED.get(kind, 0) > 0 and all(re.fullmatch(r"0|[1-9]\d*", p) for p in places)
    return name in NAMED or (indexed and name != "units_0")


def used(formula: str) -> list[str]:
    """The quantities of a formula.

    >>> used("-b_0_0 / sqrt(w_0_0_0) + 1e-3")
    ['b_0_0', 'w_0_0_0']
    """
    names = re.findall(r"(?<![\w.])[A-Za-z_]\w*", formula)
    return [name for name in dict.fromkeys(names) if name not in FUNCTIONS + CONSTANTS]


def check_quantity(where: str, name: str) -> None:
    """Refuse a name that no state has.

    Raises:
        FileFormatError: It is one; the nearest known name is said.
    """
    if not is_quantity(name):
        known = [*NAMED, *(kind + "_0" * count for kind, count in INDEXED.items())]
        raise FileFormatError(f"{where}: {unknown_name('quantity', name, known)}")


def named(name: str) -> str:
    """A quantity as a sentence names it.

    >>> named("validation_score"), named("units_1")
    ('the score on held-out rows', 'the number of units of hidden layer 1')
    """
    if name.startswith("units_"):
        return f"the number of units of hidden layer {name.removeprefix('units_')}"
    return NAMED.get(name, name)
