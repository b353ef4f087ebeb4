"""Activations and losses as a spreadsheet writes them, for cells that are given by their addresses."""

from collections.abc import Callable, Sequence

from glassnet.errors import InputError
from glassnet.nn import Loss
from glassnet.nn.activations import ACTIVATIONS, Activation, Gelu, Selu
from glassnet.nn.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Huber, Quantile

# f(z) and f′(z) by name; {z} and {h} are addresses. z*z and not z^2, for in a spreadsheet −z^2 is (−z)^2, and e^x is
# held below what a cell can hold.
SIGMOID = "(1/(1+EXP(MIN(-{z},700))))"
SOFTPLUS = "(MAX({z},0)+LN(1+EXP(-ABS({z}))))"
INNER = f"TANH({Gelu.root}*({{z}}+{Gelu.cubic}*{{z}}*{{z}}*{{z}}))"
BELOW = "(EXP(MIN({z},0))-1)"
FORMULAS: dict[str, tuple[str, str]] = {
    "identity": ("{z}", "1"),
    "logistic": (SIGMOID, "{h}*(1-{h})"),
    "tanh": ("TANH({z})", "1-{h}*{h}"),
    "relu": ("MAX({z},0)", "IF({z}>0,1,0)"),
    "silu": (f"{{z}}*{SIGMOID}", f"{SIGMOID}*(1+{{z}}*(1-{SIGMOID}))"),
    "leaky_relu": ("IF({z}>0,{z},0.01*{z})", "IF({z}>0,1,0.01)"),
    "elu": (f"IF({{z}}>0,{{z}},{BELOW})", "IF({z}>0,1,{h}+1)"),
    "selu": (
        f"IF({{z}}>0,{Selu.scale}*{{z}},{Selu.scaled_alpha}*{BELOW})",
        f"IF({{z}}>0,{Selu.scale},{{h}}+{Selu.scaled_alpha})",
    ),
    "softplus": (SOFTPLUS, SIGMOID),
    "mish": (
        f"{{z}}*TANH({SOFTPLUS})",
        f"TANH({SOFTPLUS})+{{z}}*{SIGMOID}*(1-TANH({SOFTPLUS})*TANH({SOFTPLUS}))",
    ),
    "gelu": (
        f"0.5*{{z}}*(1+{INNER})",
        f"0.5*(1+{INNER})+0.5*{{z}}*(1-{INNER}*{INNER})*{Gelu.root}*(1+{3 * Gelu.cubic}*{{z}}*{{z}})",
    ),
    "sine": ("SIN({z})", "COS({z})"),
    "square": ("{z}*{z}", "2*{z}"),
    "step": ("IF({z}>0,1,0)", "0"),
}


def activation_formulas(f: Activation) -> tuple[Callable[[str], str], Callable[[str, str], str]]:
    """f of an address z, and f′ of the addresses z and h.

    Raises:
        InputError: A function of the user's own, which a spreadsheet does not know.

    >>> value, slope = activation_formulas(ACTIVATIONS["tanh"])
    >>> value("B2"), slope("B2", "B3")
    ('TANH(B2)', '1-B3*B3')
    """
    if f != ACTIVATIONS.get(f.name) or f.name not in FORMULAS:
        raise InputError(f"A spreadsheet has no formula for the activation {f!r}. Those it has: {', '.join(FORMULAS)}.")
    value, slope = FORMULAS[f.name]
    return lambda z: value.format(z=z), lambda z, h: slope.format(z=z, h=h)


def prediction_formulas(loss: Loss, y: Sequence[str]) -> list[str]:
    """p of the scores y of one row, given by their addresses, which lie side by side."""
    _check(loss)
    if loss.name == "binary_cross_entropy":
        return [SIGMOID.format(z=cell) for cell in y]
    if loss.name == "cross_entropy":
        row = f"{y[0]}:{y[-1]}"
        return [f"EXP({cell}-MAX({row}))/SUMPRODUCT(EXP({row}-MAX({row})))" for cell in y]
    if loss.name == "poisson":
        return [f"EXP({cell})" for cell in y]
    if loss.name == "gaussian":
        return [cell if j < len(y) // 2 else f"EXP({cell})" for j, cell in enumerate(y)]
    return list(y)


def loss_formulas(loss: Loss, y: Sequence[str], t: Sequence[str], p: Sequence[str]) -> tuple[str, list[str]]:
    """ℓ of one row, and ∂ℓ/∂y of each of its scores, from the addresses of y, t and p, each side by side."""
    _check(loss)
    pairs = list(zip(y, t, strict=False))
    if isinstance(loss, CrossEntropy):
        row, targets, share = f"{y[0]}:{y[-1]}", f"SUM({t[0]}:{t[-1]})", f"{loss.label_smoothing / len(t)!r}"
        smoothed = [f"({1 - loss.label_smoothing!r}*{cell}+{share}*{targets})" for cell in t]
        top = f"(MAX({row})+LN(SUMPRODUCT(EXP({row}-MAX({row})))))"
        terms = [f"{s}*({top}-{cell})" for s, cell in zip(smoothed, y, strict=True)]
        return "+".join(terms), [f"{q}*{targets}-{s}" for q, s in zip(p, smoothed, strict=True)]
    if isinstance(loss, BinaryCrossEntropy):
        smoothed = [f"({1 - loss.label_smoothing!r}*{cell}+{0.5 * loss.label_smoothing!r})" for cell in t]
        terms = [f"MAX({cell},0)-{s}*{cell}+LN(1+EXP(-ABS({cell})))" for cell, s in zip(y, smoothed, strict=True)]
        return "+".join(terms), [f"{q}-{s}" for q, s in zip(p, smoothed, strict=True)]
    if loss.name == "gaussian":
        k = len(t)
        parts = list(zip(y[:k], y[k:], t, strict=True))
        terms = [f"0.5*(LN(2*PI())+{v}+({a}-{m})*({a}-{m})*EXP(-{v}))" for m, v, a in parts]
        slopes = [f"({m}-{a})*EXP(-{v})" for m, v, a in parts]
        return "+".join(terms), [*slopes, *(f"0.5*(1-({a}-{m})*({a}-{m})*EXP(-{v}))" for m, v, a in parts)]
    if isinstance(loss, Huber):
        delta = f"{loss.delta!r}"
        terms = [
            f"IF(ABS({a}-{b})<={delta},0.5*({a}-{b})*({a}-{b}),{delta}*(ABS({a}-{b})-0.5*{delta}))" for a, b in pairs
        ]
        return "+".join(terms), [f"MAX(MIN({a}-{b},{delta}),-{delta})" for a, b in pairs]
    if isinstance(loss, Quantile):
        q, rest = f"{loss.quantile!r}", f"{1 - loss.quantile!r}"
        terms = [f"IF({b}>{a},{q}*({b}-{a}),{rest}*({a}-{b}))" for a, b in pairs]
        return "+".join(terms), [f"IF({b}>{a},-{q},IF({b}<{a},{rest},0))" for a, b in pairs]
    if loss.name == "poisson":
        terms = [f"EXP({a})-{b}+IF({b}>0,{b}*LN(MAX({b},1E-300)),0)-{b}*{a}" for a, b in pairs]
        return "+".join(terms), [f"EXP({a})-{b}" for a, b in pairs]
    if loss.name == "absolute_error":
        return "+".join(f"ABS({a}-{b})" for a, b in pairs), [f"SIGN({a}-{b})" for a, b in pairs]
    return "+".join(f"0.5*({a}-{b})*({a}-{b})" for a, b in pairs), [f"{a}-{b}" for a, b in pairs]


def _check(loss: Loss) -> None:
    if type(loss) is not type(LOSSES.get(loss.name)):
        raise InputError(f"A spreadsheet has no formula for the loss {loss!r}. Those it has: {', '.join(LOSSES)}.")
