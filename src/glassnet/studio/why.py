"""Why a number is what it is: its formula in the algebra's letters with the numbers of a row, step by step."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.central import CentralDifferences
from glassnet.explanation.simplification import folded
from glassnet.studio.pictures import Pictures
from glassnet.studio.run import Run
from glassnet.studio.settings import listed, whole
from glassnet.studio.tokens import MOST_TERMS, Letters, Token, g, slope_formula, total, v
from glassnet.studio.working import Worked, work

MOST_BARS, MOST_BINS = 400, 31
MOST_CHECKED = 5_000_000  # numbers that a central difference may cost
FORWARD = {"z", "h", "y", "p"}  # steps that a unit's own value follows from
NEARLY_FLAT = {"tanh": 0.9, "logistic": 0.9}


def loss_formula(worked: Worked, k: int) -> tuple[list[Token], str]:
    """∂L/∂y of the row with its numbers, and what it says."""
    run, n = worked.run, worked.n
    last = len(worked.trace) - 1
    y, t = worked.h(last), worked.t[0]
    if run.loss.name in ("squared_error", "binary_cross_entropy", "cross_entropy"):
        p = float(run.loss.predict(y[None])[0, k])
        name = "y" if run.loss.name == "squared_error" else "p"
        note = "prediction minus target, and the mean over rows"
        tokens = [{"frac": [[v(p), "−", v(t[k])], [v(n, "plain")]]}]
        return tokens, f"({name} − t) / n: {note}"
    return [{"frac": [[{"i": "ℓ"}, "′"], [v(n, "plain")]]}], "the slope of the loss at this row, over n"


def answer(
    run: Run, pictures: Pictures, about: dict[str, Any], hidden: Sequence[str], names: list[dict[str, Any]]
) -> dict[str, Any]:
    """The message "why".

    Raises:
        InputError: There is no such thing in this network.
    """
    worked, letters = work(run, pictures), Letters(run, names)
    base: dict[str, Any] = {
        "about": about,
        "check": None,
        "shares": None,
        "histogram": None,
        "edit": None,
        "freeze": None,
        "tables": None,
        "lights": [],
    }
    if "weight" in about or "bias" in about:
        found = _parameter(worked, letters, about)
    elif "unit" in about:
        found = _unit(worked, letters, *_numbers(about["unit"], 2))
    elif "layer" in about:
        found = _layer(worked, letters, *_numbers([about["layer"]], 1))
    elif "input" in about:
        found = _input(worked, letters, *_numbers([about["input"]], 1))
    else:
        raise InputError("Nothing was asked: name a weight, a bias, a unit, a layer or an input.")
    return base | _with_questions(found, set(hidden))


def _numbers(value: Any, count: int) -> tuple[int, ...]:
    numbers = [whole("a place", number, 0, 10**6) for number in listed("what is asked", value, count)]
    if len(numbers) != count:
        raise InputError(f"{count} numbers were needed to find it.")
    return tuple(numbers)


def _with_questions(found: dict[str, Any], hidden: set[str]) -> dict[str, Any]:
    """What a lesson asks for is a question mark: the result of the step of that name, and of those after it."""
    if not hidden:
        return found
    asked = False
    steps = []
    for step in found["steps"]:
        asked = asked or step.get("name") in hidden
        tokens = step["tokens"]
        if asked and step.get("name"):
            # The formula in letters stays: which numbers belong into it is what is asked.
            place = next((i for i, token in enumerate(tokens) if _number(token)), len(tokens))
            while place and tokens[place - 1] != "=":
                place -= 1
            tokens = [*tokens[:place], {"ask": True}]
        steps.append(
            {**step, "tokens": tokens, "note": "your turn: the answer appears here" if asked else step["note"]}
        )
    if asked:
        found = {**found, "check": None, "shares": None}
        # The number of the title is a gradient, which follows from all steps, or one of the way forward.
        if found["title"][0].get("d") or hidden & FORWARD:
            found["title"] = [*(t for t in found["title"] if not _number(t)), {"ask": True}]
    return {**found, "steps": steps}


def _number(token: Token) -> bool:
    return isinstance(token, dict) and "v" in token


def _row_name(worked: Worked) -> str:
    kind = "moved" if worked.moved else "" if worked.place is not None else "held out"
    return f"row {worked.row + 1}" + (f" ({kind})" if kind else "")


def _sent_back(worked: Worked, letters: Letters, layer: int, j: int) -> dict[str, Any]:
    """dh of a hidden unit: what the next layer sends back along its lines."""
    above, dz = worked.network.layers[layer + 1], worked.dz(layer + 1)
    w = above.w[j]
    m = above.w.shape[1]
    start = worked.run.place(layer + 1, j, 0).index
    terms: list[tuple[list[Token], float]] = [
        ([g(dz[k]), "·", v(w[k], p=start + k)], float(dz[k] * w[k])) for k in range(m)
    ]
    dh = worked.dh(layer)[j]
    above_name = "y" if layer + 1 == letters.last else f"h{_up(layer + 2)}"
    largest = " (the two largest terms, then the rest together)" if m > MOST_TERMS else ""
    return {
        "name": "dh",
        "tokens": [letters.h(layer, j, d=True), "=", *total(terms, g), "=", g(dh)],
        "note": f"sent back by {above_name} along its lines{largest}",
    }


def _up(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _through(worked: Worked, letters: Letters, layer: int, j: int) -> dict[str, Any]:
    """dz of a hidden unit: what f lets through."""
    f, z, h = worked.network.layers[layer].f, worked.z(layer)[j], worked.h(layer)[j]
    slope, dh, dz = worked.slope(layer)[j], worked.dh(layer)[j], worked.dz(layer)[j]
    lets = f"{f.name} lets {slope:.0%} of it through at this row" if 0 <= slope <= 1 else f"the slope of {f.name} here"
    return {
        "name": "dz",
        "tokens": [
            *(letters.z(layer, j, d=True), "=", letters.h(layer, j, d=True), "·", {"i": "f"}, "′", "="),
            *(g(dh), "·", *slope_formula(f.name, float(z), float(h)), "=", g(dz)),
        ],
        "note": lets,
    }


def _parameter(worked: Worked, letters: Letters, about: dict[str, Any]) -> dict[str, Any]:
    i: int | str
    if "weight" in about:
        layer, i, j = _numbers(about["weight"], 3)
    else:
        (layer, j), i = _numbers(about["bias"], 2), "b"
    run, place = worked.run, worked.run.place(layer, i, j)
    last = layer == letters.last
    share, dw = worked.share(layer, i, j), worked.gradient(layer, i, j)
    steps = []
    if last:
        tokens, note = loss_formula(worked, j)
        steps.append(
            {"name": "dy", "tokens": [letters.y(j, d=True), "=", *tokens, "=", g(worked.dz(layer)[j])], "note": note}
        )
    else:
        steps += [_sent_back(worked, letters, layer, j), _through(worked, letters, layer, j)]
    if run.origin is not None:
        steps[:0] = _product(run, letters, layer, i, j)
    dz = worked.dz(layer)[j]
    if i == "b":
        source: list[Token] = []
        told = f"a bias sees 1 in every row: this row’s share is d{'y' if last else 'z'} itself"
        steps.append({"name": "share", "tokens": [letters.z(layer, j, d=True), "=", g(share)], "note": told})
    else:
        x = worked.h(layer - 1)[int(i)]
        source = [letters.h(layer - 1, int(i)), "·"]
        steps.append(
            {
                "name": "share",
                "tokens": [*source, letters.z(layer, j, d=True), "=", v(x), "·", g(dz), "=", g(share)],
                "note": "this row’s share",
            }
        )
    penalty = ""
    if i != "b" and (run.settings["l2"] or run.settings["l1"]):
        penalty = "; the penalty on weights comes on top when it steps"
    steps.append(
        {
            "name": "dw",
            "tokens": [
                *(letters.w(layer, i, j, d=True), "=", {"sum": "n"}, *source),
                *_indexed(letters.z(layer, j, d=True)),
                "=",
                g(dw),
            ],
            "note": f"summed over all {worked.n} rows; the 1/n is inside dy{penalty}",
        }
    )
    below = "bias" if i == "b" else letters.unit(layer - 1, int(i))
    numeric = _numeric(worked, layer, i, j)
    value = float(run.state.parameters[0, place.index])
    reach = max(3.0, 2 * abs(value))
    key = {"bias": [layer, j]} if i == "b" else {"weight": [layer, i, j]}
    lights = [] if last else [{"weight": [layer + 1, j, k]} for k in range(worked.network.layers[layer + 1].w.shape[1])]
    frozen = run.state.frozen is not None and bool(run.state.frozen[place.index])
    what = f"bias of {letters.unit(layer, j)}" if i == "b" else f"weight from {below} to {letters.unit(layer, j)}"
    return {
        "title": [letters.w(layer, i, j, d=True), "=", g(dw)],
        "crumb": f"{what}, worked at {_row_name(worked)} of {len(run.x)}",
        "steps": steps,
        "check": {"derivation": dw, "numerical": numeric, "kink": numeric is None},
        "shares": _shares(worked, layer, i, j),
        "edit": {**key, "value": value, "lo": -reach, "hi": reach, "frozen": frozen},
        "freeze": {"about": key, "on": frozen},
        "lights": lights,
    }


def _product(run: Run, letters: Letters, layer: int, i: int | str, j: int) -> list[dict[str, Any]]:
    """Of a folded network, how the weight comes from those that are trained: Σ w v, or of a bias Σ b v + c."""
    chain = run.made_of[layer]
    if len(chain) < 2:
        return []
    left = reduce(folded, chain[:-1])
    right, above = chain[-1].w[:, j], chain[-1].b
    row = np.asarray(left.b if i == "b" else left.w[int(i)])
    terms: list[tuple[list[Token], float]] = [
        ([v(a), "·", v(b)], float(a * b)) for a, b in zip(row, right, strict=True)
    ]
    bias: list[Token] = ["+", v(above[j])] if i == "b" and above is not None else []
    value = run.state.parameters[0, run.place(layer, i, j).index]
    largest = ": the two largest products, then the rest" if len(terms) > MOST_TERMS else ""
    tokens = [letters.w(layer, i, j), "=", *total(terms, v), *bias, "=", v(value)]
    return [{"name": "product", "tokens": tokens, "note": f"through the {len(row)} units between{largest}"}]


def _indexed(token: dict[str, Any]) -> list[Token]:
    """A letter with the index of a row before its own."""
    return [{**token, "sub": "n" + token.get("sub", "")}]


def _numeric(worked: Worked, layer: int, i: int | str, j: int) -> float | None:
    """The central difference beside the derivation, on as many rows as it is worth."""
    cost = worked.n * sum(d * m for d, m in worked.network.architecture.shapes)
    if cost > MOST_CHECKED or not np.isfinite(worked.y).all():
        return None
    with np.errstate(all="ignore"):
        differences = CentralDifferences(worked.network, worked.run.loss, worked.x_all, worked.t_all)
        return differences.parameter(layer, i, j)


def _shares(worked: Worked, layer: int, i: int | str, j: int) -> dict[str, Any]:
    """Each row's share, from the most negative to the most positive; of many rows evenly some."""
    shares = worked.shares(layer, i, j)
    order = np.argsort(shares, kind="stable")
    if len(order) > MOST_BARS:
        order = order[np.linspace(0, len(order) - 1, MOST_BARS).astype(int)]
    return {
        "rows": worked.run.training_rows[order].tolist(),
        "values": shares[order].tolist(),
        "selected": worked.row,
        "total": len(shares),
    }


def _unit(worked: Worked, letters: Letters, layer: int, j: int) -> dict[str, Any]:
    run, network = worked.run, worked.network
    if layer > letters.last or j >= network.layers[layer].w.shape[1]:
        raise InputError("There is no such unit in this network.")
    into = network.layers[layer]
    x, w = worked.h(layer - 1), into.w[:, j]
    start = run.place(layer, 0, j).index
    m = into.w.shape[1]
    terms: list[tuple[list[Token], float]] = [
        ([v(x[i]), "·", v(w[i], p=start + i * m)], float(x[i] * w[i])) for i in range(len(w))
    ]
    z, h = worked.z(layer)[j], worked.h(layer)[j]
    bias: list[Token] = [] if into.b is None else ["+", v(into.b[j], p=run.place(layer, "b", j).index)]
    skip: list[Token] = []
    if layer == letters.last and network.skip is not None:  # the linear path beside the layers
        skip = ["+", v(worked.h(-1) @ network.skip[:, j])]
    largest = "the two largest terms, then the rest together, and the bias" if len(w) > MOST_TERMS else ""
    first = {
        "name": "z",
        "tokens": [letters.z(layer, j), "=", *total(terms, v), *bias, *skip, "=", v(z)],
        "note": largest or "its inputs times its weights" + (", and its bias" if into.b is not None else ""),
    }
    if layer == letters.last:
        p = float(run.loss.predict(worked.h(layer)[None])[0, j])
        steps = [first, _prediction(worked, letters, j, p)]
        tokens, note = loss_formula(worked, j)
        steps.append(
            {"name": "dy", "tokens": [letters.y(j, d=True), "=", *tokens, "=", g(worked.dz(layer)[j])], "note": note}
        )
    else:
        name = into.f.name
        of: Token = {"i": letters.z(layer, j)["i"], **{k: t for k, t in letters.z(layer, j).items() if k != "d"}}
        steps = [
            first,
            {
                "name": "h",
                "tokens": [letters.h(layer, j), "=", {"fn": _function(name), "of": [of]}, "=", v(h)],
                "note": f"through {name}",
            },
            _sent_back(worked, letters, layer, j),
            _through(worked, letters, layer, j),
        ]
    frozen = run.state.frozen is not None and bool(run.state.frozen[run.places_of({"unit": [layer, j]})].all())
    edit = None
    if into.b is not None:
        value = float(into.b[j])
        reach = max(3.0, 2 * abs(value))
        at = run.place(layer, "b", j).index
        stays = run.state.frozen is not None and bool(run.state.frozen[at])
        edit = {"bias": [layer, j], "value": value, "lo": -reach, "hi": reach, "frozen": stays}
    return {
        "title": [letters.h(layer, j), "=", v(h)],
        "crumb": f"unit {letters.unit(layer, j)}, worked at {_row_name(worked)} of {len(run.x)}",
        "steps": steps,
        "histogram": _histogram(worked, layer, j) if layer < letters.last else None,
        "edit": edit,
        "freeze": {"about": {"unit": [layer, j]}, "on": frozen},
        "lights": [{"weight": [layer, i, j]} for i in range(len(w))],
    }


def _function(name: str) -> str:
    """How a function is written."""
    return {"logistic": "σ", "identity": "id", "sine": "sin", "leaky_relu": "leaky relu"}.get(name, name)


def _prediction(worked: Worked, letters: Letters, k: int, p: float) -> dict[str, Any]:
    run, t = worked.run, worked.t[0, k]
    name = {"binary_cross_entropy": "σ", "cross_entropy": "softmax"}.get(run.loss.name, "")
    last = len(worked.trace) - 1
    tokens: list[Token] = [{"i": "p"}, "="]
    tokens += [{"fn": name, "of": [letters.y(k)]}, "=", v(p)] if name else [letters.y(k), "=", v(worked.h(last)[k])]
    mean, scale = run.problem.target_affine
    own = f"; in its own units {mean + scale * p:.4g}" if (mean, scale) != (0.0, 1.0) else ""
    return {"name": "p", "tokens": [*tokens, ",", {"i": "t"}, "=", v(t)], "note": f"prediction and target{own}"}


def _histogram(worked: Worked, layer: int, j: int) -> dict[str, Any]:
    """z of all rows under f, and what that says of the unit."""
    f, z, h = worked.network.layers[layer].f, worked.trace[layer].z[:, j], worked.trace[layer].h[:, j]
    if not np.isfinite(z).all():
        return {"edges": [0, 1], "counts": [0], "curve": [], "facts": ["z is not finite"]}
    lo, hi = float(z.min()), float(z.max())
    pad = 0.05 * (hi - lo) or 0.5
    counts, edges = np.histogram(z, bins=MOST_BINS, range=(lo - pad, hi + pad))
    at = np.linspace(lo - pad, hi + pad, 60)
    slope = np.abs(f.derivative(z[:, None], h[:, None])[:, 0])
    facts = []
    if f.name in NEARLY_FLAT:
        middle = 0.5 if f.name == "logistic" else 0.0
        reach = 0.5 if f.name == "logistic" else 1.0
        facts.append(f"{np.mean(np.abs(h - middle) > NEARLY_FLAT[f.name] * reach):.0%} of rows saturated")
    elif f.name in ("relu", "leaky_relu", "elu", "selu"):
        off = float(np.mean(z <= 0))
        facts.append("dead: off at every row" if off == 1 and f.name == "relu" else f"{off:.0%} of rows below 0")
    facts.append(f"mean slope {slope.mean():.2f}")
    facts.append(f"h varies by {h.std():.3g}")
    return {
        "edges": edges.tolist(),
        "counts": counts.tolist(),
        "curve": np.column_stack([at, f(at)]).tolist(),
        "facts": facts,
    }


def _layer(worked: Worked, letters: Letters, layer: int) -> dict[str, Any]:
    network, run = worked.network, worked.run
    if layer > letters.last:
        raise InputError("There is no such layer in this network.")
    into, gradient = network.layers[layer], worked.gradients[layer]
    last = layer == letters.last
    rows = [letters.unit(layer - 1, i) for i in range(into.w.shape[0])]
    columns = [letters.unit(layer, j) for j in range(into.w.shape[1])]
    w = letters.w(layer, "", "")
    bias = [] if into.b is None else ["+", {**letters.w(layer, "b", ""), "sub": ""}]
    z = [{**letters.h(layer - 1, ""), "sub": ""}, {**w, "sub": ""}, *bias]
    d, m = into.w.shape
    shapes = f"({worked.n}, {m}) = ({worked.n}, {d})({d}, {m})" + ("" if into.b is None else f" + ({m},)")
    left = {**letters.h(layer, ""), "sub": ""}
    steps = [
        {
            "name": "h",
            "tokens": [left, "=", *(z if last else [{"fn": _function(into.f.name), "of": z}])],
            "note": f"forward: shapes {shapes}",
        },
        {
            "name": "dw",
            "tokens": [
                {**w, "sub": "", "d": True},
                "=",
                {"T": [{**letters.h(layer - 1, ""), "sub": ""}]},
                {**letters.z(layer, "", d=True), "sub": ""},
            ],
            "note": f"backward: ({d}, {m}) = ({d}, {worked.n})({worked.n}, {m}); biases are its column sums",
        },
    ]
    tables = [
        {"title": "weights", "rows": rows, "columns": columns, "values": into.w.tolist(), "gradient": False},
        {
            "title": "their gradients",
            "rows": rows,
            "columns": columns,
            "values": gradient.dw.tolist(),
            "gradient": True,
        },
    ]
    if into.b is not None and gradient.db is not None:
        values = [into.b.tolist(), gradient.db.tolist()]
        tables.append({"title": "biases", "rows": ["b", "db"], "columns": columns, "values": values, "gradient": False})
    if not last and into.f.name == "identity":
        steps.append(_joined(letters, layer))
        one = folded(into, network.layers[layer + 1])
        above = [letters.unit(layer + 1, j) for j in range(one.w.shape[1])]
        tables.insert(
            0, {"title": "wv, the product", "rows": rows, "columns": above, "values": one.w.tolist(), "gradient": False}
        )
        if one.b is not None:
            row = {"title": "bv + c", "rows": ["b"], "columns": above, "values": [one.b.tolist()], "gradient": False}
            tables.insert(1, row)
    places = run.places_of({"layer": layer})
    frozen = run.state.frozen is not None and bool(run.state.frozen[places].all())
    title = f"Layer {layer + 1}" if not last else "The output layer"
    return {
        "title": [{"t": title}],
        "crumb": f"{d} input{_s(d)}, {m} unit{_s(m)}, {len(places)} parameters",
        "steps": steps,
        "tables": tables,
        "freeze": {"about": {"layer": layer}, "on": frozen},
    }


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _joined(letters: Letters, layer: int) -> dict[str, Any]:
    """(xw + b)v + c = x(wv) + (bv + c)."""
    x, w, v_ = (
        {**t, "sub": ""} for t in (letters.h(layer - 1, ""), letters.w(layer, "", ""), letters.w(layer + 1, "", ""))
    )
    tokens: list[Token] = ["(", x, w]
    if letters.run.settings["bias"]:
        b, c = ({**letters.w(at, "b", ""), "sub": ""} for at in (layer, layer + 1))
        tokens += ["+", b, ")", v_, "+", c, "=", x, "(", w, v_, ")", "+", "(", b, v_, "+", c, ")"]
    else:
        tokens += [")", v_, "=", x, "(", w, v_, ")"]
    return {"name": "", "tokens": tokens, "note": "with the identity between them two layers are one linear map"}


def _input(worked: Worked, letters: Letters, i: int) -> dict[str, Any]:
    run, features = worked.run, worked.run.settings["features"]
    if i >= len(features):
        raise InputError("There is no such feature in this network.")
    name, x = features[i], worked.x_all[:, i]
    at = float(worked.h(-1)[i])
    w = worked.network.layers[0].w[i]
    own = ""
    if name in run.problem.names:
        mean, scale = run.problem.affine[run.problem.names.index(name)]
        own = f"; in its own units {mean + scale * at:.4g}" if (mean, scale) != (0.0, 1.0) else ""
    told = f"mean {x.mean():.3g}, spread {x.std():.3g}, from {x.min():.3g} to {x.max():.3g}{own}"
    norm = float(np.linalg.norm(w))
    return {
        "title": [letters.h(-1, i), "=", {"t": name}, "=", v(at)],
        "crumb": f"a feature, at {_row_name(worked)} of {len(run.x)}",
        "steps": [
            {"name": "x", "tokens": [letters.h(-1, i), "=", v(at)], "note": told},
            {
                "name": "",
                "tokens": ["‖", {**letters.w(0, i, ""), "sub": str(i + 1)}, "‖", "=", v(norm)],
                "note": "length of its weights: how strongly the first layer listens to it",
            },
        ],
        "lights": [{"weight": [0, i, j]} for j in range(len(w))],
    }
