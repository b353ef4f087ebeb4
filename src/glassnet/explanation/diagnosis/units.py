"""Faults that show in the weights and units of the hidden layers."""

from collections.abc import Iterator

import numpy as np

from glassnet.explanation.diagnosis.case import Case
from glassnet.explanation.diagnosis.finding import Finding, NotExamined, changed_call
from glassnet.explanation.diagnosis.trials import try_biases
from glassnet.nn import Data, Network
from glassnet.nn.elementary import Array
from glassnet.nn.network import Layer, LayerTrace

ZERO = 1e-12
SAME_WEIGHTS = {"float32": 1e-4, "float64": 1e-5}  # relative, by the dtype of training
FLAT_TAILS = ("logistic", "tanh")
HALF_LINEAR = ("relu", "elu", "selu", "softplus", "silu", "gelu", "mish")  # flat, or nearly, far below 0
FLAT = 0.02  # a slope that is less than this share of the steepest
ALL_ROWS = 0.95  # of the rows; a unit may do something for a few
SATURATED_SHARE, DEAD_SHARE, COPIED_SHARE = 0.5, 0.5, 0.05  # of a layer's units, from where it is a fault
BIAS_GAIN = 0.1  # of the loss of a constant


def zero_initialisation(case: Case) -> Finding | None:
    """Hidden weights that are zero, or that began so and have stayed alike."""
    _require_hidden(case.network)
    empty = [i for i, layer, _ in _hidden(case) if np.abs(layer.w).max() <= ZERO]
    asked = getattr(case.model, "init", "") == "zeros" or _all_zero(getattr(case.model, "coefs_init", None))
    alike = [i for i, layer, step in _hidden(case) if _n_different(case, layer, step) == 1 and layer.w.shape[1] > 1]
    if not empty and not (asked and alike):
        return None
    layers = _named(empty or alike)
    told = "all weights are 0" if empty else "all units are the same, since they began at 0"
    return Finding(
        "zero_initialisation",
        f"In {layers} {told}: with zero weights every unit gets the same gradient, or none, and none can become a "
        f"feature of its own.",
        _with_init(case),
        {"layers": empty or alike, "init": getattr(case.model, "init", None)},
        {} if not asked else {"init": _init(case), "coefs_init": None},
    )


def symmetric_initialisation(case: Case) -> Finding | None:
    """A layer in which every unit is the same."""
    _require_hidden(case.network)
    if zero_initialisation(case) is not None:
        return None
    alike = [
        (i, layer.w.shape[1])
        for i, layer, step in _hidden(case)
        if layer.w.shape[1] > 1 and _n_different(case, layer, step) == 1
    ]
    if not alike:
        return None
    i, m = alike[0]
    return Finding(
        "symmetric_initialisation",
        f"All {m} units of {_named([i])} have the same weights: they began alike, so that they get the same gradient, "
        f"and are one unit {m} times.",
        _with_init(case),
        {"layers": [i for i, _ in alike], "units": [m for _, m in alike]},
        {} if getattr(case.model, "coefs_init", None) is None else {"init": _init(case), "coefs_init": None},
    )


def duplicate_units(case: Case) -> Finding | None:
    """Units of a layer that are copies of others of it, but not all."""
    _require_hidden(case.network)
    counts = [(i, layer.w.shape[1], _n_different(case, layer, step)) for i, layer, step in _hidden(case)]
    copies = [(i, m, m - different) for i, m, different in counts if 1 < different < (1 - COPIED_SHARE) * m]
    if not copies:
        return None
    i, m, n = max(copies, key=lambda copy: copy[2] / copy[1])
    return Finding(
        "duplicate_units",
        f"{n} of the {m} units of {_named([i])} are copies of others, up to sign or scale: they can be left out, and "
        f"what they say be added to the others' weights.",
        _with_init(case) if getattr(case.model, "coefs_init", None) is not None else _fewer(case, i, m - n),
        {"layer": i, "units": m, "copies": n},
    )


def saturated_units(case: Case) -> Finding | None:
    """Units with flat tails that stand in them for nearly all rows."""
    shares = {
        i: float((_flat(layer, step).mean(axis=0) >= ALL_ROWS).mean())
        for i, layer, step in _hidden(case)
        if layer.f.name in FLAT_TAILS
    }
    if not shares:
        raise NotExamined("no layer has an activation with flat tails")
    i = max(shares, key=lambda i: shares[i])
    if shares[i] < SATURATED_SHARE:
        return None
    layer, step = case.network.layers[i], case.trace[i]
    typical = float(np.median(np.abs(step.z)))
    return Finding(
        "saturated_units",
        f"In {_named([i])} {shares[i]:.0%} of the units are saturated: for at least {ALL_ROWS:.0%} of the rows their "
        f"slope is below {FLAT:.0%} of the steepest ({layer.f.name}; half of all |z| are above {typical:.3g}), so that "
        f"hardly any gradient passes them.",
        _smaller_start(case),
        {"layer": i, "share": shares[i], "median_z": typical},
        {"init": "data", "coefs_init": None, "intercepts_init": None} if _is_perceptron(case) else {},
    )


def dead_units(case: Case) -> Finding | None:
    """Units that are 0, or hardly move, for every row."""
    shares = {i: float(_dead(layer, step).mean()) for i, layer, step in _hidden(case) if layer.f.name in HALF_LINEAR}
    if not shares:
        raise NotExamined("no layer has an activation that can die")
    i = max(shares, key=lambda i: shares[i])
    if shares[i] < DEAD_SHARE:
        return None
    m = case.network.layers[i].w.shape[1]
    n = round(shares[i] * m)
    return Finding(
        "dead_units",
        f"In {_named([i])} {n} of {m} units are dead: z is below 0 for every row, so that they say the same of all and "
        f"get no gradient to come back with. A step that was too long, or first biases far below 0, does that.",
        _smaller_start(case),
        {"layer": i, "dead": n, "units": m, "share": shares[i]},
        {"init": "data", "coefs_init": None, "intercepts_init": None} if _is_perceptron(case) else {},
    )


def missing_bias(case: Case) -> Finding | None:
    """A network without biases on data that need them, as a trial with both shows."""
    if any(layer.b is not None for layer in case.network.layers):
        return None
    data = Data(case.x, case.t)
    without, with_them = try_biases(case.model, case.network.architecture, case.loss, data)
    gain = (without - with_them) / case.unit
    if not gain > BIAS_GAIN:
        return None
    remedy = "Network.create(…, bias=True), or a column of ones in x"
    return Finding(
        "missing_bias",
        f"The network has no biases, and these data need them: trained anew it reaches a loss of {without:.4g} without "
        f"and {with_them:.4g} with biases. Without, f(xw) has its own symmetry about x = 0 (tanh is odd, relu grows "
        f"from 0), which the target does not share.",
        changed_call(case.model, bias=True) if _is_perceptron(case) else remedy,
        {"loss_without": without, "loss_with": with_them, "gain": gain},
        {"bias": True} if _is_perceptron(case) else {},
    )


def _hidden(case: Case) -> Iterator[tuple[int, Layer, LayerTrace]]:
    for i, (layer, step) in enumerate(zip(case.network.layers, case.trace, strict=False)):
        yield i, layer, step


def _require_hidden(network: Network) -> None:
    if len(network.layers) == 1:
        raise NotExamined("there is no hidden layer")


def _flat(layer: Layer, step: LayerTrace) -> Array:
    """Where the slope is next to nothing, (n, m)."""
    around = np.linspace(-4, 4, 801)
    steepest = np.abs(layer.f.derivative(around, layer.f(around))).max()
    return np.abs(layer.f.derivative(step.z, step.h)) < FLAT * steepest


def _n_different(case: Case, layer: Layer, step: LayerTrace) -> int:
    """Units that are not the same as another one: equal weights; up to sign where f is odd, to scale where it allows.

    Dead units count as different from all: a penalty lets their weights fade, until they look alike.
    """
    dead = _dead(layer, step)
    if dead.all():
        dead[:] = False  # and alike, perhaps
    units = layer.w.T if layer.b is None else np.column_stack([layer.w.T, layer.b])  # (m, d + 1)
    units = units[~dead]
    sizes = np.linalg.norm(units, axis=1, keepdims=True)
    if layer.f.name in ("relu", "leaky_relu"):
        units = units / np.where(sizes > 0, sizes, 1)
    elif layer.f.name in ("tanh", "sine"):
        greatest = np.abs(units).argmax(axis=1)
        units = units * np.sign(units[np.arange(len(units)), greatest])[:, None]
    allowed = SAME_WEIGHTS[case.trained_in] * np.abs(units).max(axis=1)
    one = units[:, units.std(axis=0).argmax()]  # a weight that tells most of them apart at once
    kept = np.zeros(len(units), bool)
    for i, unit in enumerate(units):
        near = np.flatnonzero(kept & (np.abs(one - one[i]) <= allowed))
        kept[i] = not (np.abs(units[near] - unit).max(axis=1) <= allowed[near]).any()
    return int(kept.sum() + dead.sum())


def _dead(layer: Layer, step: LayerTrace) -> Array:
    """Which units are flat for every row, below 0, (m,)."""
    if layer.f.name not in HALF_LINEAR:
        return np.zeros(step.z.shape[1], bool)
    return np.asarray(((step.z <= 0) & _flat(layer, step)).all(axis=0))


def _named(layers: list[int]) -> str:
    numbers = ", ".join(str(i + 1) for i in layers)
    return f"hidden layer{'s' * (len(layers) > 1)} {numbers}"


def _all_zero(arrays: object) -> bool:
    return isinstance(arrays, list | tuple) and all(not np.any(array) for array in arrays)


def _is_perceptron(case: Case) -> bool:
    return case.model is not None and not case.subject.is_table


def _init(case: Case) -> str:
    return "he" if case.network.layers[0].f.name in HALF_LINEAR else "glorot"


def _with_init(case: Case) -> str:
    if _is_perceptron(case):
        return changed_call(case.model, init=_init(case), coefs_init=None)
    sizes = list(case.network.architecture.sizes)
    return f"Network.create({sizes}, init={_init(case)!r}, seed=0), trained anew"


def _smaller_start(case: Case) -> str:
    if _is_perceptron(case):
        return changed_call(case.model, init="data", coefs_init=None, intercepts_init=None)
    if case.model is not None:
        return changed_call(case.model, learning_rate_init=case.model._rate() / 10)
    return "standardise_units(network, x) before training: z has mean 0 and variance 1 in every unit"


def _fewer(case: Case, layer: int, units: int) -> str:
    sizes = list(case.network.architecture.sizes[1:-1])
    sizes[layer] = units
    if case.model is not None:
        return changed_call(case.model, hidden_layer_sizes=tuple(sizes))
    whole = [case.network.architecture.sizes[0], *sizes, case.network.architecture.sizes[-1]]
    return f"Network.create({whole})"
