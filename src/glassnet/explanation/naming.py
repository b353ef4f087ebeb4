"""Which features that people make by hand the hidden layers span, and which the scores follow."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glassnet.errors import InputError
from glassnet.explanation.candidates import usual_formulas, values
from glassnet.explanation.ceilings import Ceiling, along, ceilings, unit_r2
from glassnet.explanation.naming_page import SPANNED, Estimate, FirstUnit, NamedFeature, NamedFeatures, NamedUnit
from glassnet.explanation.samples import (
    PENALTIES,
    Split,
    as_formulas,
    few_threads,
    formula_features,
    parts,
    subject_variables,
)
from glassnet.explanation.subject import Subject
from glassnet.nn import Network
from glassnet.nn.elementary import Array
from glassnet.nn.network import standardise_units

MOST_COLUMNS = 8  # that usual formulas are made of: those with the largest first weights
MOST_ROWS, CEILING_ROWS = 2000, 1000  # drawn from more
FEWEST_ROWS = 20  # below, an R² says nothing
SHOWN = 8  # features that are told of
RESAMPLES = 500
CONTROLS = 3  # networks of random weights
ALIKE = 0.9  # correlation of candidates that go together


def name_features(
    model: Any, X: Any, candidates: str | Sequence[str] | None = None, *, folds: int = 5, random_state: int = 0
) -> NamedFeatures:
    """Which features made by hand the hidden layers span, and which the scores follow.

    A candidate g is predicted from all units of a layer by ridge regression, which chooses its penalty on its training
    rows, and R² = 1 − Σ(g − ĝ)² / Σ(g − ḡ)² is measured on rows that it did not see; in the same way from the raw
    features, from the scores and, as a control, from layers of random weights. Learned features are not unique: a layer
    that spans g need not hold it in a unit. Candidates that are nearly a line of the raw features are left out.

    Args:
        model: A `Network`, or a fitted `MLP*` or `Table*` estimator.
        X: Rows as the model takes them. Of more than 2,000 a random choice is used.
        candidates: Formulas of columns in their own units, as "x1**2 + x2**2", to try beside the usual ones: powers,
            products, distances, sin, exp and log of up to 8 columns. Those are always shown.
        folds: Parts of the rows.
        random_state: Of the folds, the resamples, the random weights and the searches.

    Returns:
        A `NamedFeatures`; of its `features`, those that the scores follow most closely come first.

    Raises:
        InputError: rows or formulas that cannot be used, fewer than 20 rows, or no column of numbers.

    >>> from glassnet import MLPClassifier
    >>> from glassnet.data.examples import circles
    >>> table = circles()
    >>> X, y = table.without("label").frame.to_numpy(), table["label"].to_list()
    >>> model = MLPClassifier((8,), "tanh", solver="lbfgs", alpha=0.1, random_state=0).fit(X, y)
    >>> found = name_features(model, X, "x1**2 + x2**2")
    >>> round_one = next(feature for feature in found.features if feature.formula == "x1**2 + x2**2")
    >>> round_one.layers[-1].low > 0.8, round_one.best_unit[1] < round_one.direction_ceiling < 0.6
    (True, True)
    """
    with few_threads(0):  # at most 2,000 rows
        return _named(Subject.of(model), X, list(dict.fromkeys(as_formulas(candidates))), folds, random_state)


def _named(subject: Subject, X: Any, own: list[str], folds: int, random_state: int) -> NamedFeatures:
    """What `name_features` says of formulas of the user's own and the usual ones."""
    x, rng = subject.prepare(X), np.random.default_rng(random_state)
    if len(x) < FEWEST_ROWS:
        raise InputError(f"X has {len(x)} rows, but {FEWEST_ROWS} or more are needed for an R² that says anything.")
    if len(x) > MOST_ROWS:
        x = x[np.sort(rng.choice(len(x), MOST_ROWS, replace=False))]
    formulas, g, n_own = _candidates(subject, x, own)
    splits = parts(np.zeros(len(x)), folds, False, random_state)
    y, trace = subject.trace(x)
    hidden = [step.h.astype(np.float64) for step in trace[:-1]]
    y, x = y[:, : y.shape[1] // subject.loss.width].astype(np.float64), x.astype(np.float64)
    if not all(np.isfinite(part).all() for part in (x, *hidden, y)):
        raise InputError("The network gives numbers that are not finite here: look for nan in the rows and weights.")

    n_tried = len(formulas)
    raw = r2(held_out_errors(x, g, splits), g)
    bent = [c for c in range(n_tried) if c < n_own or raw[c] < SPANNED] or list(range(n_tried))
    formulas, g, raw = [formulas[c] for c in bent], g[:, bent], raw[bent]
    resamples = rng.multinomial(len(x), np.full(len(x), 1 / len(x)), size=RESAMPLES).astype(np.float64)
    layers = [_resampled(held_out_errors(h, g, splits), g, resamples) for h in hidden]
    untrained = _untrained(subject.network, x, g, splits, random_state)
    output = _resampled(held_out_errors(y, g, splits), g, resamples)
    first = np.bincount(output.argmax(axis=1), minlength=len(formulas)) / len(output)

    ranking = np.argsort(-output[0], kind="stable")
    usual = [c for c in ranking if c >= n_own][: max(SHOWN - n_own, 1)]
    shown = [int(c) for c in ranking if c < n_own or c in usual]
    single, first_units = _first_layer(subject, x, hidden[0] if hidden else y, g[:, shown], rng)
    together = np.atleast_2d(np.corrcoef(g[:, shown].T))[0]
    return NamedFeatures(
        features=tuple(
            NamedFeature(
                formula=formulas[c],
                raw=float(raw[c]),
                layers=tuple(_estimate(found[:, c]) for found in layers),
                untrained=tuple(float(found[c]) for found in untrained),
                output=_estimate(output[:, c]),
                first=float(first[c]),
                best_unit=unit,
                unit_ceiling=top.activation,
                direction_ceiling=top.any_function,
            )
            for c, (unit, top) in zip(shown, single, strict=True)
        ),
        first_units=first_units if hidden else (),
        units=tuple(
            unit
            for i, h in enumerate(hidden[1:], 1)
            for unit in _named_units(subject.unit_names(i), h, formulas, g, resamples)
        ),
        alike=tuple((formulas[c], float(r)) for c, r in zip(shown[1:], together[1:], strict=True) if abs(r) >= ALIKE),
        linear=float(r2(held_out_errors(x, y, splits), y).mean()) if (np.ptp(y, axis=0) > 0).all() else 1.0,
        n_candidates=n_tried,
        n_linear=n_tried - len(formulas),
        n=len(x),
        folds=len(splits),
        activation=subject.network.layers[0].f.name,
        output="logits" if len(subject.class_names) > 2 else "logit" if subject.class_names else "output",
        note=subject.note,
    )


def _first_layer(
    subject: Subject, x: Array, h: Array, g: Array, rng: np.random.Generator
) -> tuple[list[tuple[tuple[str, float], Ceiling]], tuple[FirstUnit, ...]]:
    """Of each feature g (n, C) the nearest unit with its R², and the ceilings; of the first feature every unit."""
    layer, names, fits = subject.network.layers[0], subject.unit_names(0), unit_r2(h, g)
    some = slice(None) if len(x) <= CEILING_ROWS else np.sort(rng.choice(len(x), CEILING_ROWS, replace=False))
    w = layer.w.astype(np.float64)
    single = []
    tops = ceilings(x[some], g[some], layer.f, layer.b is not None, w.T, rng)
    for r, top in zip(fits.T, tops, strict=True):
        best = float(r.max())  # what a unit reached on all rows, a ceiling that was found on some cannot deny
        top = top._replace(any_function=max(top.any_function, best), activation=max(top.activation, best))
        single.append(((names[int(r.argmax())], best), top))
    ways = [float(along(x[some], w[:, j], g[some][:, :1])[0]) for j in range(w.shape[1])]
    units = zip(names, fits[:, 0].tolist(), ways, strict=True)
    return single, tuple(FirstUnit(name, r, max(r, way)) for name, r, way in units)


def held_out_errors(features: Array, g: Array, splits: Sequence[Split]) -> Array:
    """(g − ĝ)² of each candidate g (n, C), ĝ by a ridge regression that did not see the row, (n, C)."""
    errors = np.empty_like(g)
    for train, test in splits:
        model = make_pipeline(StandardScaler(), RidgeCV(PENALTIES, alpha_per_target=True))
        with np.errstate(all="ignore"):  # leaving out a row that alone holds a feature divides 0 by 0
            model.fit(features[train], g[train])
        errors[test] = (g[test] - model.predict(features[test]).reshape(len(test), -1)) ** 2
    return errors


def r2(errors: Array, g: Array) -> Array:
    """1 − Σ(g − ĝ)² / Σ(g − ḡ)² of each candidate, (C,).

    >>> g = np.array([[1.0], [3.0]])
    >>> r2(np.zeros((2, 1)), g).tolist(), r2(np.ones((2, 1)), g).tolist()
    ([1.0], [0.0])
    """
    return 1 - errors.mean(axis=0) / g.var(axis=0)


def _candidates(subject: Subject, x: Array, own: list[str]) -> tuple[list[str], Array, int]:
    """Formulas, their values (n, C), and how many of the first ones are the user's."""
    columns = subject_variables(subject, x)
    formula_features(own, columns, len(x))  # complains where one cannot be used
    if not columns:
        raise InputError("No column holds numbers, durations or booleans, of which formulas could be made.")
    formulas, g = values([*own, *usual_formulas(_weighty(subject, x, columns))], columns, keep=len(own))
    constant = [text for text in own if text not in formulas]
    if constant:
        raise InputError(f"The formula {constant[0]!r} is the same number on every row: there is nothing to look for.")
    if not formulas:
        raise InputError("No column of numbers varies on these rows, so that there is no feature to make of them.")
    return formulas, g, len(own)


def _weighty(subject: Subject, x: Array, columns: Mapping[str, Array]) -> dict[str, Array]:
    """Those columns that vary and have the largest first weights, in their order."""
    size = x.std(axis=0) * np.linalg.norm(subject.network.layers[0].w, axis=1)
    weight = {column.name: float(size[list(column.features)].max()) for column in subject.columns if column.features}
    varying = [name for name, column in columns.items() if np.ptp(column) > 0 and "`" not in name]  # which quotes names
    kept = sorted(varying, key=lambda name: -weight[name])[:MOST_COLUMNS]
    return {name: column for name, column in columns.items() if name in kept}


def _resampled(errors: Array, g: Array, resamples: Array) -> Array:
    """R² of all rows in the first line, then that of each resample; (1 + resamples, C)."""
    n = len(g)
    centred = g - g.mean(axis=0)
    means, squares = resamples @ centred / n, resamples @ (centred**2) / n
    spread = np.maximum(squares - means**2, np.finfo(float).tiny)
    return np.vstack([r2(errors, g), 1 - (resamples @ errors / n) / spread])


def _estimate(found: Array) -> Estimate:
    """The value, and where the middle 95 % of the resamples lie."""
    low, high = np.quantile(found[1:], [0.025, 0.975])
    return Estimate(float(found[0]), float(low), float(high))


def _untrained(network: Network, x: Array, g: Array, splits: Sequence[Split], seed: int) -> list[Array]:
    """R² from each hidden layer of the same network with random weights and biases, a mean over networks, [(C,)]."""
    architecture = network.architecture
    found: list[list[Array]] = []
    for k in range(CONTROLS):
        control = Network.from_parameters(architecture, architecture.initial_parameters("glorot", seed + k))
        standardise_units(control, x)
        rng = np.random.default_rng(seed + k)
        for layer in control.layers[:-1]:
            if layer.b is not None:  # a trained network has units that are not centred
                layer.b += rng.normal(size=layer.b.shape)
        found.append([r2(held_out_errors(step.h, g, splits), g) for step in control.forward(x)[1][:-1]])
    return [np.mean(each, axis=0) for each in zip(*found, strict=True)]


def _named_units(
    names: Sequence[str], h: Array, formulas: Sequence[str], g: Array, resamples: Array
) -> Iterator[NamedUnit]:
    """Each unit that varies with its nearest candidate."""
    fits = unit_r2(h, g)
    for j in np.flatnonzero(h.std(axis=0) > 0).tolist():
        c = int(fits[j].argmax())
        a, b = h[:, j] - h[:, j].mean(), g[:, c] - g[:, c].mean()
        sums = resamples @ np.column_stack([a, b, a * a, b * b, a * b]) / len(a)
        both = sums[:, 4] - sums[:, 0] * sums[:, 1]
        spread = (sums[:, 2] - sums[:, 0] ** 2) * (sums[:, 3] - sums[:, 1] ** 2)
        again = both**2 / np.maximum(spread, np.finfo(float).tiny)
        yield NamedUnit(names[j], formulas[c], _estimate(np.append(fits[j, c], again)))
