"""A run: settings and the events since, and nothing else, decide every number of it.

What happens to a network here is an event, a plain tuple: steps of training, an edit, a unit more. `apply` is the one
way in, so that the list of events, replayed on the same settings, gives the same bits.
"""

from collections.abc import Callable, Sequence
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.explanation.simplification import folded as fold
from glassnet.nn import (
    ACTIVATIONS,
    Architecture,
    Data,
    Engine,
    Layer,
    Network,
    Spec,
    State,
    add_input,
    add_unit,
    change_activation,
    get_engine,
    get_optimizer,
    remove_input,
    remove_unit,
)
from glassnet.nn.elementary import Array
from glassnet.studio.problems import Shelf, make_problem
from glassnet.studio.settings import (
    MOST_PARAMETERS,
    MOST_UNITS,
    checked,
    listed,
    number,
    one_of,
    text,
    whole,
)

Event = tuple[Any, ...]
EVALUATED = 20_000  # rows whose loss is worked out for each picture
MOST_EVENTS = 20_000


@dataclass(frozen=True)
class Place:
    """One parameter: layer, row i of w or "b", column j; its place in the vector (P,)."""

    layer: int
    i: int | str
    j: int
    index: int


class Run:
    """A network in training, from settings.

    Attributes:
        settings: As they are now: events change them.
        first: As they were before the first event.
        events: What has happened.
        problem: The rows.
        x: Prepared features of all rows (n, d).
        data, validation: Rows to train on, and those held out (None if there are none).
        state: Parameters, moments, counters.
        steps: Minibatches since the beginning.

    >>> run = Run({"layers": [{"units": 3, "activation": "tanh"}], "features": ["x1", "x2", "x1*x2"]}, {})
    >>> run.apply(("advance", 10))
    >>> run.apply(("edit", 0, 1, 2, 0.5))
    >>> float(run.network.layers[0].w[1, 2]), run.steps, run.events
    (0.5, 10, [('advance', 10), ('edit', 0, 1, 2, 0.5)])
    """

    def __init__(self, settings: Any, shelf: Shelf, n_jobs: int | None = None) -> None:
        self.shelf = shelf
        self.origin: Run | None = None  # of a folded view the run that it shows
        self.made_of: list[list[Layer]] = []  # and the layers that each of its own was folded of
        self.engine: Engine = get_engine("auto", n_jobs)
        self.settings = checked(settings)
        self.problem = make_problem(self.settings["data"], shelf)
        self._fit_settings()
        self.first = deepcopy(self.settings)
        self.events: list[Event] = []
        self.steps = 0
        self.prepare()
        self.state = self._first_state()

    def _fit_settings(self) -> None:
        """Settings that other rows cannot have make way: features by their names, layers by a model's own."""
        problem, settings = self.problem, self.settings
        known = set(problem.names)
        kept = []
        for feature in settings["features"]:
            try:
                problem.features([feature])
            except InputError:
                continue
            kept.append(feature)
        if problem.model is not None:
            network = problem.model.network
            settings["features"] = list(problem.names)
            settings["layers"] = [
                {"units": layer.w.shape[1], "activation": layer.f.name} for layer in network.layers[:-1]
            ]
            settings["bias"] = network.layers[0].b is not None
            if any(layer.f != ACTIVATIONS.get(layer.f.name) or not layer.f.trainable for layer in network.layers[:-1]):
                raise InputError("The model has an activation of its own, which the studio cannot train.")
        elif not known & set(kept) and not (kept and len(problem.names) == 2):
            settings["features"] = list(problem.names)
        else:
            settings["features"] = kept
        if settings["loss"] != "auto" and settings["loss"] not in problem.losses:
            settings["loss"] = "auto"

    def prepare(self) -> None:
        """Features and targets of the rows, as the settings want them."""
        problem = self.problem
        self.loss = problem.loss(self.settings["loss"])
        self.x = problem.prepare(self.settings["features"], problem.raw)
        self.t = problem.targets(self.loss)
        train, held = np.flatnonzero(~problem.held), np.flatnonzero(problem.held)
        self.training_rows, self.held_rows = train, held
        self.data = Data(self.x[train], self.t[train])
        self.validation = Data(self.x[held], self.t[held]) if len(held) else None

    def _spec(self, architecture: Architecture) -> Spec:
        settings = self.settings
        return Spec(
            architecture=architecture,
            loss=self.loss,
            optimizer=get_optimizer(settings["optimizer"], learning_rate=settings["rate"]),
            l2=settings["l2"],
            l1=settings["l1"],
            batch_size=settings["batch"] or len(self.data),
            init=settings["init"],
        )

    def _first_state(self) -> State:
        settings, model = self.settings, self.problem.model
        sizes = [self.x.shape[1], *(layer["units"] for layer in settings["layers"]), self.t.shape[1]]
        fs = [layer["activation"] for layer in settings["layers"]]
        skip = model is not None and model.network.skip is not None
        architecture = Architecture.create(sizes, fs, settings["bias"], skip)
        self._check_size(architecture)
        state = self.engine.init(self._spec(architecture), [settings["seed"]])
        if model is not None:
            state.parameters[0] = model.network.parameters
        return state

    @staticmethod
    def _check_size(architecture: Architecture) -> None:
        if architecture.n_parameters > MOST_PARAMETERS:
            raise InputError(
                f"This network has {architecture.n_parameters:,} parameters, but the studio shows at most "
                f"{MOST_PARAMETERS:,}: take fewer units, or columns of fewer values."
            )

    @property
    def network(self) -> Network:
        """Views of the parameters as they are now."""
        return self.state.network()

    @property
    def frozen(self) -> list[int]:
        """Places of parameters that stay as they are."""
        return [] if self.state.frozen is None else np.flatnonzero(self.state.frozen).tolist()

    @property
    def foldable(self) -> bool:
        """Whether some hidden layer is the identity, so that two layers of weights are one linear map."""
        return any(f.name == "identity" for f in self.state.spec.architecture.activations)

    def folded(self) -> "Run":
        """The same network with as few layers as it can have: x(wv) + (bv + c) where the identity stands between.

        To look at, not to train: it shares rows and settings with this run, which is its `origin`.

        >>> run = Run({"layers": [{"units": 3, "activation": "identity"}]}, {})
        >>> run.folded().network.layers[0].w.shape
        (2, 1)
        """
        network = self.network
        made_of = [[network.layers[0]]]
        for above in network.layers[1:]:
            if made_of[-1][-1].f.name == "identity":
                made_of[-1].append(above)
            else:
                made_of.append([above])
        joined = Network([reduce(fold, layers) for layers in made_of], network.skip)
        spec = replace(self.state.spec, architecture=joined.architecture)
        parameters = joined.parameters[None]
        blank = np.zeros((len(self.state.moments), *parameters.shape))
        view = copy(self)
        view.origin, view.made_of = self, made_of
        view.state = replace(
            self.state, spec=spec, parameters=parameters, moments=blank, frozen=None, best_parameters=None
        )
        kept = [layer for layer in self.settings["layers"] if layer["activation"] != "identity"]
        view.settings = {**self.settings, "layers": kept}
        return view

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch."""
        return self.state.spec.batches(len(self.data))

    # What happens. Each name is an event's first entry.

    def apply(self, event: Sequence[Any]) -> None:
        """Let an event happen and remember it.

        Raises:
            InputError: It cannot happen; then nothing has changed.
        """
        name, *rest = event or (None,)
        handler = HANDLERS.get(name) if isinstance(name, str) else None
        if handler is None:
            raise InputError(f"There is no event {str(name)[:60]!r}.")
        if len(self.events) >= MOST_EVENTS:
            raise InputError(f"This run has {MOST_EVENTS:,} changes, more than can be kept. Start over.")
        if name == "advance" and len(rest) == 1:  # often, and cannot leave anything half done
            self._remember(self._advance(*rest))
            return
        before = {key: getattr(self, key) for key in MADE} | {"settings": deepcopy(self.settings)}
        try:
            done = handler(self, *rest)
            self._check_size(self.state.spec.architecture)
        except (InputError, TypeError) as error:
            for key, value in before.items():
                setattr(self, key, value)
            if isinstance(error, InputError):
                raise
            raise InputError(f"The event {name!r} came with values that it does not take.") from None
        self._remember(done)

    def _remember(self, event: Event) -> None:
        """Steps that follow each other are one event, and so are edits of the same parameter."""
        last = self.events[-1] if self.events else None
        if last is not None and event[0] == last[0] == "advance":
            self.events[-1] = ("advance", last[1] + event[1])
        elif last is not None and event[0] == last[0] == "edit" and event[1:4] == last[1:4]:
            self.events[-1] = event
        else:
            self.events.append(event)

    def _advance(self, steps: Any) -> Event:
        steps = whole("steps", steps, 0, 10**12)
        with np.errstate(all="ignore"):
            self.state = self.engine.advance(self.state, self.data, steps)
        self.steps += steps
        return "advance", steps

    def _edit(self, layer: Any, i: Any, j: Any, value: Any) -> Event:
        place = self.place(layer, i, j)
        value = number("the value", value, -1e6, 1e6)
        self.state.parameters[0, place.index] = value
        return "edit", place.layer, place.i, place.j, value

    def _freeze(self, indices: Any, on: Any) -> Event:
        size = self.state.parameters.shape[1]
        places = [whole("a place", index, 0, size - 1) for index in listed("places", list(indices), size)]
        frozen = np.zeros(size, bool) if self.state.frozen is None else self.state.frozen.copy()
        frozen[places] = bool(on)
        self.state = replace(self.state, frozen=frozen if frozen.any() else None)
        return "freeze", tuple(places), bool(on)

    def _add_unit(self, layer: Any) -> Event:
        layer = self.hidden(layer)
        if self.settings["layers"][layer]["units"] >= MOST_UNITS:
            raise InputError(f"A layer has at most {MOST_UNITS} units here.")
        self.state = add_unit(self.state, layer)
        self.settings["layers"][layer]["units"] += 1
        return "add_unit", layer

    def _remove_unit(self, layer: Any, unit: Any) -> Event:
        layer = self.hidden(layer)
        unit = whole("the unit", unit, 0, MOST_UNITS * 100)
        self.state = remove_unit(self.state, layer, unit)
        self.settings["layers"][layer]["units"] -= 1
        return "remove_unit", layer, unit

    def _activation(self, layer: Any, name: Any) -> Event:
        layer, name = self.hidden(layer), one_of("activation", name, ACTIVATIONS)
        self.state = change_activation(self.state, layer, name)
        self.settings["layers"][layer]["activation"] = name
        return "activation", layer, name

    def _input(self, feature: Any, on: Any) -> Event:
        """A feature more or less; more come last, so that names keep their places."""
        feature, features = text("a feature", feature), list(self.settings["features"])
        if bool(on) == (feature in features):
            raise InputError(f"The feature {feature!r} is {'on' if on else 'off'} already.")
        if on:
            self._try_features([*features, feature])
            self.state = add_input(self.state, len(features))
        else:
            place = features.index(feature)
            self._try_features([f for f in features if f != feature])
            self.state = remove_input(self.state, place)
        self.prepare()
        return "input", feature, bool(on)

    def _try_features(self, features: list[str]) -> None:
        self.problem.prepare(features, self.problem.raw)
        self.settings["features"] = features

    def _rows(self, data: Any) -> Event:
        """Other rows under the same features, such as points that were added."""
        settings = checked({"data": data})["data"]
        problem = make_problem(settings, self.shelf)
        if problem.names != self.problem.names or problem.classes != self.problem.classes:
            raise InputError("These rows have other columns: start over with them.")
        problem.prepare(self.settings["features"], problem.raw)
        self.problem, self.settings["data"] = problem, settings
        self.prepare()
        self._respec()
        return "rows", settings

    def _optimizer(self, name: Any, rate: Any) -> Event:
        self.settings["optimizer"] = check("optimizer", name)
        self.settings["rate"] = check("rate", rate)
        self.state = self.state.restart_optimizer(self._spec(self.state.spec.architecture))
        return "optimizer", self.settings["optimizer"], self.settings["rate"]

    def _rate(self, value: Any) -> Event:
        self.settings["rate"] = check("rate", value)
        self.state = replace(self.state, learning_rate=np.full(1, self.settings["rate"]))
        self._respec()
        return "rate", self.settings["rate"]

    def _penalty(self, name: Any, value: Any) -> Event:
        name = one_of("penalty", name, ("l1", "l2"))
        self.settings[name] = check(name, value)
        changed: dict[str, Any] = {name: np.full(1, self.settings[name])}
        self.state = replace(self.state, **changed)
        self._respec()
        return "penalty", name, self.settings[name]

    def _batch(self, size: Any) -> Event:
        self.settings["batch"] = check("batch", size)
        self._respec()
        return "batch", self.settings["batch"]

    def _respec(self) -> None:
        """The spec that settings describe; where the batches change, the epoch begins anew."""
        spec = self._spec(self.state.spec.architecture)
        begun = spec.batch_size == self.state.spec.batch_size and self.state.batch < spec.batches(len(self.data))
        self.state = replace(self.state, spec=spec, batch=self.state.batch if begun else 0)

    # Where things are.

    def hidden(self, layer: Any) -> int:
        """The number of a hidden layer, from 0."""
        hidden = len(self.settings["layers"])
        if not hidden:
            raise InputError("There is no hidden layer: add one first.")
        return whole("the hidden layer", layer, 0, hidden - 1)

    def place(self, layer: Any, i: Any, j: Any) -> Place:
        """A parameter of the network; i is "b" for a bias."""
        shapes, blocks = self.state.spec.architecture.shapes, self.state.spec.architecture.blocks()
        layer = whole("the layer", layer, 0, len(shapes) - 1)
        d, m = shapes[layer]
        j = whole("the unit", j, 0, m - 1)
        if i == "b":
            if not self.settings["bias"]:
                raise InputError("This network has no biases.")
            return Place(layer, "b", j, blocks[layer][1].start + j)
        i = whole("the input", i, 0, d - 1)
        return Place(layer, i, j, blocks[layer][0].start + i * m + j)

    def places_of(self, about: dict[str, Any]) -> list[int]:
        """The parameters of what is asked about: a weight, a bias, all into a unit, all of a layer."""
        if "weight" in about:
            return [self.place(*listed("a weight", about["weight"], 3)).index]
        if "bias" in about:
            layer, j = _pair("a bias", about["bias"])
            return [self.place(layer, "b", j).index]
        shapes = self.state.spec.architecture.shapes
        if "unit" in about:
            layer, j = _pair("a unit", about["unit"])
            layer = whole("the layer", layer, 0, len(shapes) - 1)
            rows: list[Any] = [*range(shapes[layer][0]), *(["b"] if self.settings["bias"] else [])]
            return [self.place(layer, i, j).index for i in rows]
        if "layer" in about:
            layer = whole("the layer", about["layer"], 0, len(shapes) - 1)
            w, b = self.state.spec.architecture.blocks()[layer]
            return list(range(w.start, b.stop))
        raise InputError("Name a weight, a bias, a unit or a layer.")

    # What is measured.

    def losses(self, state: State) -> tuple[float, float]:
        """The loss on the rows for training and on those held out, without penalties; nan where there are none."""
        with np.errstate(all="ignore"):
            training = float(self.engine.evaluate(state, _some(self.data))[0])
            held = np.nan if self.validation is None else float(self.engine.evaluate(state, _some(self.validation))[0])
        return training, held

    def scores(self, network: Network) -> tuple[float, float]:
        """Accuracy or R² on both."""
        found = []
        for rows in (self.training_rows[:EVALUATED], self.held_rows[:EVALUATED]):
            with np.errstate(all="ignore"):
                found.append(
                    self.problem.score(self.engine.forward(network, self.x[rows]), rows) if len(rows) else np.nan
                )
        return found[0], found[1]

    def gradient(self, network: Network) -> tuple[float, Array]:
        """L over all rows for training, without penalties, and ∂L/∂θ (P,)."""
        with np.errstate(all="ignore"):
            value, gradients = self.engine.gradients(network, self.loss, _some(self.data).x, _some(self.data).t)
        parts = [part for g in gradients for part in (g.dw, g.db)] + [gradients[-1].du]
        return value, np.concatenate([part.ravel() for part in parts if part is not None])


def _some(data: Data) -> Data:
    return data if len(data) <= EVALUATED else data.take(slice(0, EVALUATED))


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    pair = listed(name, value, 2)
    if len(pair) != 2:
        raise InputError(f"{name} is two numbers: the layer, and the unit.")
    return pair[0], pair[1]


def check(name: str, value: Any) -> Any:
    """One setting, checked."""
    return checked({name: value})[name]


MADE = ("problem", "loss", "x", "t", "training_rows", "held_rows", "data", "validation", "state")
HANDLERS: dict[str, Callable[..., Event]] = {
    "advance": Run._advance,
    "edit": Run._edit,
    "freeze": Run._freeze,
    "add_unit": Run._add_unit,
    "remove_unit": Run._remove_unit,
    "activation": Run._activation,
    "input": Run._input,
    "rows": Run._rows,
    "optimizer": Run._optimizer,
    "rate": Run._rate,
    "penalty": Run._penalty,
    "batch": Run._batch,
}
