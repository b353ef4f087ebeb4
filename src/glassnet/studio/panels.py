"""Explanations that take a while, as the blocks of a page: probe, duel, diagnose, collapse, tables."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassnet.data.table import Table as Rows
from glassnet.errors import InputError
from glassnet.estimators import TableClassifier, TableRegressor
from glassnet.explanation.collapse import collapse
from glassnet.explanation.diagnosis import Diagnosis, diagnose
from glassnet.explanation.dueling import duel
from glassnet.explanation.page import Block, Formula, Heading, Matrix, Table, Text, Verdict, plain
from glassnet.explanation.probing import probe
from glassnet.explanation.subject import Subject, SubjectColumn
from glassnet.nn import Network
from glassnet.studio.run import Run

MOST_ROWS = 1500  # that a panel looks at
FOLDS, DUEL_SECONDS = 3, 2.0  # the longest that one network of a duel may train


class Frozen:
    """What a panel needs of a run, copied, so that the training goes on beside it."""

    def __init__(self, run: Run) -> None:
        rows = run.training_rows
        if len(rows) > MOST_ROWS:
            rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
        held = run.held_rows[:MOST_ROWS]
        self.problem, self.loss = run.problem, run.loss
        self.settings = {**run.settings, "features": list(run.settings["features"])}
        self.layers = [dict(layer) for layer in run.settings["layers"]]
        self.network = run.state.copy().network()
        self.x, self.t, self.answers = run.x[rows], run.t[rows], run.problem.answers[rows]
        self.x_held, self.t_held = run.x[held], run.t[held]
        self.raw = run.problem.raw[rows]

    @property
    def finite(self) -> bool:
        """Whether every parameter is a number."""
        return bool(np.isfinite(self.network.parameters).all())

    def subject(self) -> Subject:
        """The network with the names of its features."""
        features = tuple(self.settings["features"])
        columns = tuple(SubjectColumn(name, "number", (j,), (0.0, 1.0)) for j, name in enumerate(features))
        return Subject(self.network, self.loss, None, features, columns, self.problem.outputs, ())

    @property
    def labels(self) -> Any:
        """Answers as labels or quantities, (n,)."""
        if not self.problem.classes:
            return self.answers
        return np.array([self.problem.classes[int(code)] for code in self.answers], dtype=object)

    @property
    def engineered(self) -> list[str]:
        """The formulas that are on, or x² + y² of a plane."""
        raw = self.problem.names
        on = [feature for feature in self.settings["features"] if feature not in raw]
        if on or self.problem.preprocessor is not None or self.problem.model is not None:
            return on
        return [" + ".join(f"{name}**2" for name in raw)]


def examined(frozen: Frozen) -> Diagnosis:
    """The findings of `diagnose` on the rows for training, checked on those held out."""
    validation: dict[str, Any] = {}
    if len(frozen.x_held):
        validation = {"X_val": frozen.x_held, "y_val": frozen.t_held}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return diagnose(frozen.subject(), frozen.x, frozen.t, **validation)


def findings_of(frozen: Frozen) -> list[dict[str, str]]:
    """Findings in the studio's words: what is wrong, and what to try here."""
    if not frozen.finite or len(frozen.x) < 8:
        return []
    return [
        {
            "name": finding.name.replace("_", " "),
            "text": finding.text,
            "remedy": REMEDIES.get(finding.name, finding.remedy),
        }
        for finding in examined(frozen)
    ]


REMEDIES = {  # what the same remedy is called on the page
    "zero_initialisation": "Choose other first weights, such as glorot, and start over.",
    "symmetric_initialisation": "Choose other first weights, such as glorot, and start over.",
    "missing_bias": "Switch biases on.",
    "rate_too_high": "Take a smaller rate.",
    "rate_too_low": "Take a larger rate, or train longer.",
    "saturated_units": "Take smaller first weights or another activation, and start over.",
    "dead_units": "Take a smaller rate, or leaky relu, and start over.",
    "duplicate_units": "Remove the doubles: fewer units say the same.",
    "underfitting": "Train longer, or add units.",
    "overfitting": "Take more rows, L2, or fewer units.",
    "stuck_at_chance": "Add a hidden layer, or a feature that tells the classes apart.",
    "too_few_rows": "Take more rows, or fewer units.",
}


def _probe(frozen: Frozen) -> Sequence[Block]:
    raw = [j for j, name in enumerate(frozen.settings["features"]) if name in frozen.problem.names]
    formulas = [text for text in frozen.engineered if text not in frozen.settings["features"]]
    if len(raw) < len(frozen.problem.names):
        formulas = []
    found = probe(frozen.subject(), frozen.x, frozen.labels, engineered=formulas or None, folds=FOLDS)
    return found.page()


def _duel(frozen: Frozen) -> Sequence[Block]:
    problem, settings = frozen.problem, frozen.settings
    columns = {name: frozen.raw[:, j] for j, name in enumerate(problem.names)}
    target = problem.target if problem.target not in columns else f"{problem.target} (target)"
    table = Rows.read({**columns, target: frozen.labels.tolist()})
    hidden = tuple(layer["units"] for layer in frozen.layers)
    kind = TableClassifier if problem.classes else TableRegressor
    network = kind(
        n_estimators=1,
        hidden_layer_sizes=hidden,
        activation=[layer["activation"] for layer in frozen.layers] if hidden else "tanh",
        learning_rate_init=settings["rate"],
        alpha=settings["l2"],
        max_iter=2000,
        n_iter_no_change=100,
        time_limit_seconds=DUEL_SECONDS,
        random_state=settings["seed"],
    )
    return duel(table, target=target, features=frozen.engineered, network=network, folds=FOLDS).page()


def _diagnose(frozen: Frozen) -> Sequence[Block]:
    return examined(frozen).page()


def _collapse(frozen: Frozen) -> Sequence[Block]:
    """The whole network as one map where every activation is the identity; else around the first row."""
    subject = frozen.subject()
    if all(layer.f.name == "identity" for layer in frozen.network.layers):
        return collapse(subject, rows=frozen.x[:200]).page()
    return [
        Text("Some activation is not the identity, so no one map fits everywhere. Around the first row it is:"),
        *collapse(subject, at=frozen.x[0]).page(),
    ]


def _tables(frozen: Frozen) -> Sequence[Block]:
    """Every weight, bias and gradient as a table that can be read and copied."""
    network: Network = frozen.network
    with np.errstate(all="ignore"):
        y, trace = network.forward(frozen.x)
        gradients = network.backward(trace, frozen.loss.derivative(y, frozen.t))
    subject = frozen.subject()
    blocks: list[Block] = [Heading("Weights and gradients")]
    for i, (layer, gradient) in enumerate(zip(network.layers, gradients, strict=True)):
        letters, rows, columns = subject.letters(i), subject.input_names(i), subject.unit_names(i)
        blocks.append(Matrix(letters.w, layer.w, rows, columns))
        if layer.b is not None:
            blocks.append(Matrix(letters.b, layer.b[None, :], ["b"], columns))
        blocks.append(Matrix(f"dL/d{letters.w}", gradient.dw, rows, columns))
    return blocks


PANELS: dict[str, tuple[str, Callable[[Frozen], Sequence[Block]]]] = {
    "probe": ("What the hidden layer learned", _probe),
    "duel": ("Engineered features against the network", _duel),
    "diagnose": ("What keeps it from learning", _diagnose),
    "collapse": ("One linear map", _collapse),
    "tables": ("Tables", _tables),
}


def panel_of(frozen: Frozen, name: str) -> dict[str, Any]:
    """The content of the message "panel".

    Raises:
        InputError: It cannot be worked out for this network, and why.
    """
    if not frozen.finite:
        raise InputError("The weights are not finite numbers: nothing can be worked out of them.")
    title, make = PANELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = make(frozen)
    return {"panel": name, "title": title, "blocks": [_plain(block) for block in blocks]}


def _plain(block: Block) -> dict[str, Any]:
    """A block as the page takes it."""
    if isinstance(block, Heading):
        return {"heading": block.text}
    if isinstance(block, Text):
        return {"text": block.text}
    if isinstance(block, Formula):
        return {"formula": block.text}
    if isinstance(block, Verdict):
        return {"verdict": [block.kind, block.text]}
    if isinstance(block, Table):
        return {"table": {"header": list(block.columns), "rows": plain([list(row) for row in block.rows])}}
    values = np.atleast_2d(np.asarray(block.values))
    rows = list(block.rows) if block.rows is not None else [""] * len(values)
    columns = list(block.columns) if block.columns is not None else [str(j + 1) for j in range(values.shape[1])]
    matrix = {"title": block.name, "rows": rows, "columns": columns, "values": plain(values), "note": block.note}
    return {"matrix": matrix}
