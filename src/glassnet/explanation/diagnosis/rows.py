"""Faults of the rows that a network was trained on."""

import numpy as np
from scipy.stats import rankdata

from glassnet.data.leaks import leaks
from glassnet.data.table import Table
from glassnet.explanation.diagnosis.case import MEANS, Case
from glassnet.explanation.diagnosis.finding import Finding, NotExamined, changed_call
from glassnet.nn.elementary import Array

FAR, LARGE, UNEQUAL = 10.0, 30.0, 30.0  # |mean| / deviation; deviation, or its inverse; the largest over the least
KNOWS = 0.9  # of the variance explained
RANKS, SHARE = 0.999, 0.98  # of a column that is the target with a little noise
FEWEST_TO_TELL = 20
QUANTITIES = ("squared_error", "absolute_error", "huber", "quantile", "gaussian")
FEW_ROWS, ROWS_PER_FEATURE = 40, 5
FEW_GAP = 0.25  # of the explained variance, between rows trained on and rows held out


def unscaled_inputs(case: Case) -> Finding | None:
    """Columns of x that are far from 0, very wide or narrow, or of very unequal widths."""
    if case.subject.is_table:
        raise NotExamined("a table model prepares its columns by itself")
    told, worst = _unscaled(case, case.x, case.subject.feature_names)
    if not told:
        return None
    name = type(case.model).__name__
    call = "x = (x - x.mean(axis=0)) / x.std(axis=0)"
    if case.model is not None:
        call = f"make_pipeline(StandardScaler(), {changed_call(case.model)})"
    return Finding(
        "unscaled_inputs",
        f"{told} First weights and rates are made for columns about 0 with a deviation about 1"
        + (f"; {name} takes them as they come." if case.model is not None else "."),
        call,
        worst,
    )


def unscaled_targets(case: Case) -> Finding | None:
    """Quantities that are far from 0, or very large or small."""
    if case.subject.is_table:
        raise NotExamined("a table model scales its target by itself")
    if case.loss.name not in QUANTITIES or case.subject.class_names:
        raise NotExamined(f"the loss {case.loss.name!r} has targets of its own scale")
    told, worst = _unscaled(case, case.t, case.subject.output_names)
    if not told:
        return None
    call = "t = (t - t.mean(axis=0)) / t.std(axis=0)"
    if case.model is not None:
        call = f"TransformedTargetRegressor({changed_call(case.model)}, transformer=StandardScaler())"
    return Finding(
        "unscaled_targets",
        f"Of the targets: {told} A network begins near 0 with a deviation about 1, and at its rate it is a long way to "
        f"there; the tolerance that ends a training is absolute, too.",
        call,
        worst,
    )


def leaking_column(case: Case) -> Finding | None:
    """A column from which the target can be read off."""
    if len(case.t) < FEWEST_TO_TELL:
        raise NotExamined(f"in fewer than {FEWEST_TO_TELL} rows a perfect agreement may be luck")
    used = [column for column in case.subject.columns if column.features]
    if len(used) < 2:
        raise NotExamined("there is only one column: of course the target goes by it")
    found = _copies(case)
    if not found:
        return None
    column, how = next(iter(found.items()))
    rest = tuple(name for name in found if name != column)
    more = f" So do {', '.join(rest)}." if rest else ""
    if case.subject.is_table:
        ignored = {**(case.model.columns or {}), **dict.fromkeys(found, "ignore")}
        call, change = changed_call(case.model, columns=ignored), {"columns": ignored}
    else:
        places = [case.subject.feature_names.index(name) for name in found]
        call, change = f"np.delete(X, {places}, axis=1), and fit again", {}
    return Finding(
        "leaking_column",
        f"Column {column!r} gives {case.subject.target_name!r} away: {how}.{more} If it is not known before the target "
        f"is, the model is of no use.",
        call,
        {"columns": list(found), "how": how},
        change,
    )


def too_few_rows(case: Case) -> Finding | None:
    """So few rows that the network fits them and no others."""
    n, d = case.n, len(case.subject.feature_names)
    enough = max(FEW_ROWS, ROWS_PER_FEATURE * d)
    if n >= enough:
        return None
    parts = case.held_out
    gap = parts.training - max(parts.held_out, 0)
    if gap < FEW_GAP:
        return None
    return Finding(
        "too_few_rows",
        f"{n} rows for {d} feature{'s' * (d > 1)}: the network explains {parts.training:.0%} of the variance of those "
        f"it is trained on, and {max(parts.held_out, 0):.0%} of that of {parts.how}.",
        f"Collect rows: at least {enough}, {ROWS_PER_FEATURE} for every feature; until then take fewer columns, or a "
        f"linear model, hidden_layer_sizes=().",
        {"rows": n, "features": d, "training": parts.training, "held_out": parts.held_out},
    )


def _unscaled(case: Case, values: Array, names: tuple[str, ...]) -> tuple[str, dict[str, float]]:
    """What is odd about the scale of columns, in words and in numbers; "" where nothing is.

    A narrow column does harm where it is needed: a network that knows its rows does well without.
    """
    mean, scale = values.mean(axis=0), values.std(axis=0)
    varies = scale > 1e-12 * np.maximum(np.abs(values).max(axis=0), 1e-300)
    if not varies.any():
        return "", {}
    names = tuple(np.array(names[: len(mean)], dtype=object)[varies])
    mean, scale = mean[varies], scale[varies]
    off = np.abs(mean) / scale
    wide, narrow, far = int(scale.argmax()), int(scale.argmin()), int(off.argmax())
    told = []
    if scale[wide] > LARGE:
        told.append(f"{names[wide]} has a deviation of {scale[wide]:.3g}.")
    knows = case.loss.name in MEANS and case.explained > KNOWS
    if scale[narrow] < 1 / LARGE and not knows:
        told.append(f"{names[narrow]} has a deviation of only {scale[narrow]:.3g}.")
    if scale[wide] > UNEQUAL * scale[narrow] and len(told) < 2 and (told or not knows):
        told.append(f"{names[wide]} is {scale[wide] / scale[narrow]:.3g} times as wide as {names[narrow]}.")
    if off[far] > FAR:
        told.append(f"{names[far]} lies {off[far]:.3g} deviations from 0.")
    numbers = {
        "largest_deviation": float(scale[wide]),
        "least_deviation": float(scale[narrow]),
        "farthest_mean": float(off[far]),
    }
    return " ".join(told), numbers


def _copies(case: Case) -> dict[str, str]:
    """The columns that are the target in another dress, and how: exactly so, or with a little noise."""
    if case.subject.is_table:
        used = [column.name for column in case.subject.columns if column.features]
        table, target = case.rows.select(used), case.answers
    else:
        table = Table.read({name: case.x[:, j] for j, name in enumerate(case.subject.feature_names)})
        answers = case.answers if np.ndim(case.answers) == 1 else case.t[:, 0]
        target = Table.read({"the target": answers})["the target"]
    found = {leak.column: f"{leak.how} in every row" for leak in leaks(table, target)}
    for column in case.subject.columns:
        if column.affine is None or not column.features or column.name in found:
            continue
        cells = case.x[:, column.features[0]]
        if case.subject.class_names:
            share = _share_between(cells, case.t)
            if share > SHARE:
                found[column.name] = f"its classes make {share:.2%} of its variance"
        elif case.t.shape[1] == 1:
            ranks = float(np.abs(np.corrcoef(rankdata(cells), rankdata(case.t[:, 0]))[0, 1])) if cells.std() else 0.0
            if ranks > RANKS:
                found[column.name] = f"their ranks correlate by {ranks:.5f}"
    return found


def _share_between(cells: Array, t: Array) -> float:
    """How much of a column's variance lies between the classes, not within."""
    total = float(((cells - cells.mean()) ** 2).sum())
    codes = t.argmax(axis=1) if t.shape[1] > 1 else (t[:, 0] > 0.5).astype(int)
    within = sum(float(((part - part.mean()) ** 2).sum()) for c in np.unique(codes) if len(part := cells[codes == c]))
    return 1 - within / total if total > 0 else 0.0
