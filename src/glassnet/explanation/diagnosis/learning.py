"""Faults of how a network was trained, and of what came of it."""

from typing import Any

from glassnet.errors import InputError
from glassnet.explanation.diagnosis.case import Case
from glassnet.explanation.diagnosis.finding import Finding, NotExamined, changed_call
from glassnet.explanation.diagnosis.trials import spec_of

RATE_GAIN = 0.1  # of the loss of a constant: what another rate must gain to be said
UNDERFIT, OVERFIT, BETTER = 0.15, 0.2, 0.1  # of the explained variance
CHANCE = 0.05  # explained variance below which a network says hardly more than a constant


def rate_too_high(case: Case) -> Finding | None:
    """A rate at which the loss stays high, where lower rates bring it down."""
    trial = case.rates
    gaps = {f: trial.afresh[1.0].above(losses) / case.unit for f, losses in trial.afresh.items() if f < 1}
    factor = max(gaps, key=lambda f: gaps[f])
    lower = trial.afresh[factor]
    going_on = trial.going_on[1.0].above(trial.going_on[0.1]) / case.unit
    now = max(trial.now.above(losses) for losses in (lower, trial.going_on[0.1])) / case.unit
    stopped = getattr(getattr(case.model, "history_", None), "stopped_by", "")
    # A schedule that falls may begin with a rate at which nothing would settle: there the network as it is decides.
    stays_high = gaps[factor] > RATE_GAIN and not trial.falls
    could_be_lower = now > RATE_GAIN and max(gaps[factor], going_on) > RATE_GAIN
    if not (stopped == "non-finite loss" or stays_high or could_be_lower):
        return None
    ran_away = " The loss ran away in training." if stopped == "non-finite loss" else ""
    rate = trial.rate * factor
    return Finding(
        "rate_too_high",
        f"Trained anew for {trial.epochs} epochs with learning_rate_init={trial.rate:g}, the loss of rows held out "
        f"comes to {trial.afresh[1.0].held_out:.4g}; with {rate:g} to {lower.held_out:.4g}.{ran_away}",
        changed_call(case.model, learning_rate_init=_short(rate)),
        trial.to_dict(),
        {"learning_rate_init": _short(rate)},
    )


def rate_too_low(case: Case) -> Finding | None:
    """A rate at which training hardly moves, where higher ones go on down."""
    trial = case.rates
    higher = {factor: losses for factor, losses in trial.going_on.items() if factor > 1}
    gains = {f: min(now.above(losses) for now in (trial.now, trial.going_on[1.0])) for f, losses in higher.items()}
    most = max(gains.values())
    if not most / case.unit > RATE_GAIN:
        return None
    best = min(f for f, gain in gains.items() if gain > 0.75 * most)  # no higher than needed
    rate = trial.rate * best
    return Finding(
        "rate_too_low",
        f"The loss is {trial.now.held_out:.4g}. {trial.epochs} epochs more with learning_rate_init={trial.rate:g} "
        f"bring it to {trial.going_on[1.0].held_out:.4g}, with {rate:g} to {higher[best].held_out:.4g}, on rows held "
        f"out of them.",
        changed_call(case.model, learning_rate_init=_short(rate)),
        trial.to_dict(),
        {"learning_rate_init": _short(rate)},
    )


def stuck_at_chance(case: Case) -> Finding | None:
    """A network that says hardly more than a constant would."""
    if case.explained >= CHANCE:
        return None
    reference = max(case.reference.explained, 0)
    told = (
        f"So does kernel ridge regression on rows left out ({reference:.0%}): the columns may say nothing about the "
        f"target."
        if reference < CHANCE
        else f"Kernel ridge regression explains {reference:.0%} of rows left out, so that there is something to learn."
    )
    remedy, change = ("Look for other columns.", {}) if reference < CHANCE else _more(case)
    return Finding(
        "stuck_at_chance",
        f"The predictions explain {max(case.explained, 0):.1%} of the target's variance: no better than a constant "
        f"(loss {case.now:.4g}, of the best constant {case.constant:.4g}). {told}",
        remedy,
        {"explained": case.explained, "loss": case.now, "constant": case.constant, "reference": reference},
        change,
    )


def underfitting(case: Case) -> Finding | None:
    """A network that knows its own training rows less well than another learner rows that it never saw."""
    gap = case.reference.explained - case.explained
    if case.explained < CHANCE or gap < UNDERFIT:
        return None
    remedy, change = _more(case)
    return Finding(
        "underfitting",
        f"The network explains {case.explained:.0%} of the variance of the rows that it was trained on; kernel ridge "
        f"regression explains {case.reference.explained:.0%} of rows that it has not seen.",
        remedy,
        {"explained": case.explained, "reference": case.reference.explained},
        change,
    )


def overfitting(case: Case) -> Finding | None:
    """A network that knows its training rows far better than others, where a plainer learner does not."""
    if case.validation is None and case.explained - case.reference.explained < BETTER:
        return None  # it knows its rows hardly better than can be known: a second fit would tell nothing
    parts = case.held_out
    if parts.training - parts.held_out < OVERFIT or parts.reference - parts.held_out < BETTER:
        return None
    remedy, change = _plainer(case)
    return Finding(
        "overfitting",
        f"The network explains {parts.training:.0%} of the variance of rows that it was trained on and "
        f"{max(parts.held_out, 0):.0%} of others ({parts.how}), where kernel ridge regression explains "
        f"{parts.reference:.0%}.",
        remedy,
        {"training": parts.training, "held_out": parts.held_out, "reference": parts.reference},
        change,
    )


def _more(case: Case) -> tuple[str, dict[str, Any]]:
    """A network that can learn more: longer, with less penalty, or with more units, whichever the numbers name."""
    causes = [name for name in case.found if name not in ("too_few_rows", "stuck_at_chance")]
    if causes:
        return f"That of {causes[0]}, the likely cause.", {}
    if case.model is None:
        sizes = case.network.architecture.sizes
        wider = [2 * m for m in sizes[1:-1]] or [16]
        return f"Network.create({[sizes[0], *wider, sizes[-1]]}), trained for longer", {}
    change: dict[str, Any] = {}
    coupled = 0.0 if case.subject.is_table else 1.0  # a table model's alpha shrinks weights beside the loss
    penalty = coupled * float(case.model.alpha) * sum(float((layer.w**2).sum()) for layer in case.network.layers) / 2
    if penalty / _rows_of_a_step(case) > 0.02 * case.unit or float(case.model.alpha) > 1:
        change = {"alpha": _short(float(case.model.alpha) / 100)}
    elif _still_falling(case):
        change = {"max_iter": 10 * _most_epochs(case), "n_iter_no_change": max(_patience(case), 50)}
    else:
        hidden = [2 * m for m in case.network.architecture.sizes[1:-1]]
        change = {"hidden_layer_sizes": tuple(max(m, 16) for m in hidden) or (32,)}
        if case.network.layers[0].f.name in ("identity", "step") and hidden:
            change = {"activation": "tanh"}
    return changed_call(case.model, **change), change


def _most_epochs(case: Case) -> int:
    """At which training would have ended."""
    return case.model._recipe(case.n).epochs if case.subject.is_table else int(case.model.max_iter)


def _patience(case: Case) -> float:
    """Epochs without progress, after which it ends."""
    return case.model._recipe(case.n).patience if case.subject.is_table else case.model.n_iter_no_change


def _rows_of_a_step(case: Case) -> int:
    """Over which the penalty is averaged."""
    try:
        return min(spec_of(case.model, case.network, case.loss, case.n)[0].batch_size, case.n)
    except InputError:
        return case.n


def _still_falling(case: Case) -> bool:
    """Whether epochs more, at the same rate, would bring the loss down."""
    try:
        trial = case.rates
    except NotExamined:
        return int(case.model.n_iter_) >= _most_epochs(case)
    return trial.now.above(trial.going_on[1.0]) > 0.25 * RATE_GAIN * case.unit


def _plainer(case: Case) -> tuple[str, dict[str, Any]]:
    """A network that is held back."""
    if case.model is None:
        return "Fewer units, a penalty l2 > 0, or an end of training where the loss of validation rows is least", {}
    change: dict[str, Any] = {"alpha": _short(max(100 * float(case.model.alpha), 0.1))}
    if getattr(case.model, "solver", None) not in (None, "lbfgs", "lm"):
        change["early_stopping"] = True
    return changed_call(case.model, **change), change


def _short(rate: float) -> float:
    """A number as one would type it."""
    return float(f"{rate:.2g}")
