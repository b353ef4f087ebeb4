"""A network that grows or shrinks while it trains: units, inputs and activations change, all else goes on.

Each function takes a state and gives a new one; parameters, moments and frozen places of all that stays are carried
over. What comes new begins so that scores y stay as they are: a unit with outgoing weights 0, an input with weights 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.errors import InputError
from glassnet.nn.activations import get_activation
from glassnet.nn.elementary import Array
from glassnet.nn.network import Architecture, Layer, Network, flatten
from glassnet.nn.state import State

DRAWN, ZERO = -1, -2  # where a new parameter comes from


def add_unit(state: State, layer: int) -> State:
    """One unit more at the end of a hidden layer, counted from 0: weights into it drawn, those out of it 0.

    >>> from glassnet.nn import Architecture, NumpyEngine, Spec, SquaredError
    >>> state = NumpyEngine().init(Spec(Architecture.create([2, 3, 1], "tanh"), SquaredError()), seeds=[0])
    >>> wider, x = add_unit(state, 0), np.ones((1, 2))
    >>> wider.network().layers[0].w.shape
    (2, 4)
    >>> bool(wider.network().forward(x)[0] == state.network().forward(x)[0])
    True
    """
    _check_hidden(state, layer)

    def grown(places: Network) -> None:
        into, out = places.layers[layer], places.layers[layer + 1]
        into.w = np.column_stack([into.w, np.full(len(into.w), DRAWN)])
        into.b = None if into.b is None else np.append(into.b, DRAWN)
        out.w = np.vstack([out.w, np.full(out.w.shape[1], ZERO)])

    return _changed(state, _resized(state, layer + 1, 1), grown)


def remove_unit(state: State, layer: int, unit: int) -> State:
    """A hidden layer without one of its units, both counted from 0.

    Raises:
        InputError: There is no such unit, or it is the last of its layer.
    """
    _check_hidden(state, layer)
    units = state.spec.architecture.sizes[layer + 1]
    if not 0 <= unit < units or units == 1:
        raise InputError(
            f"Unit {unit} of hidden layer {layer} cannot be removed: it has {units}, counted from 0, and one must stay."
        )

    def shrunk(places: Network) -> None:
        into, out = places.layers[layer], places.layers[layer + 1]
        into.w = np.delete(into.w, unit, axis=1)
        into.b = None if into.b is None else np.delete(into.b, unit)
        out.w = np.delete(out.w, unit, axis=0)

    return _changed(state, _resized(state, layer + 1, -1), shrunk)


def add_input(state: State, place: int) -> State:
    """One feature more before the feature at `place`, with weights 0."""

    def grown(places: Network) -> None:
        for matrix, put in _of_inputs(places):
            put(np.insert(matrix, place, np.full(matrix.shape[1], ZERO), axis=0))

    return _changed(state, _resized(state, 0, 1), grown)


def remove_input(state: State, place: int) -> State:
    """The network without the feature at `place`.

    Raises:
        InputError: It is the only one.
    """
    if state.spec.architecture.sizes[0] == 1:
        raise InputError("The only feature cannot be removed: a network needs one.")

    def shrunk(places: Network) -> None:
        for matrix, put in _of_inputs(places):
            put(np.delete(matrix, place, axis=0))

    return _changed(state, _resized(state, 0, -1), shrunk)


def change_activation(state: State, layer: int, activation: str) -> State:
    """Another function in a hidden layer, counted from 0; every weight stays.

    Raises:
        UnknownNameError: No such activation; InputError: one without slope, which cannot train.
    """
    _check_hidden(state, layer)
    f = get_activation(activation)
    if not f.trainable:
        raise InputError(f"The activation {f.name} has slope 0 wherever it has one: no gradient passes it.")
    fs = list(state.spec.architecture.activations)
    fs[layer] = f
    architecture = replace(state.spec.architecture, activations=tuple(fs))
    return replace(state.copy(), spec=replace(state.spec, architecture=architecture))


def _of_inputs(places: Network) -> list[tuple[Array, Callable[[Array], None]]]:
    """The matrices whose rows are features, and how to put another in their place."""
    first = places.layers[0]
    found: list[tuple[Array, Callable[[Array], None]]] = [(first.w, lambda w: setattr(first, "w", w))]
    if places.skip is not None:
        found.append((places.skip, lambda u: setattr(places, "skip", u)))
    return found


def _check_hidden(state: State, layer: int) -> None:
    hidden = len(state.spec.architecture.activations)
    if not 0 <= layer < hidden:
        raise InputError(f"There is no hidden layer {layer}: this network has {hidden}, counted from 0.")


def _resized(state: State, at: int, by: int) -> Architecture:
    sizes = list(state.spec.architecture.sizes)
    sizes[at] += by
    return replace(state.spec.architecture, sizes=tuple(sizes))


def _changed(state: State, architecture: Architecture, change: Callable[[Network], None]) -> State:
    """The state under another architecture; `change` works on a network that holds, for each parameter, its place."""
    old = state.spec.architecture
    places = Network.from_parameters(old, np.arange(old.n_parameters))
    places = Network([Layer(layer.w, layer.b, layer.f) for layer in places.layers], places.skip)
    change(places)
    origin = flatten([(layer.w, layer.b) for layer in places.layers], places.skip)
    spec = replace(state.spec, architecture=architecture)
    drawn = np.array([architecture.initial_parameters(spec.init, int(seed)) for seed in state.seeds])
    return replace(
        state.copy(),
        spec=spec,
        parameters=_carried(state.parameters, origin, drawn),
        moments=_carried(state.moments, origin),
        best_parameters=None if state.best_parameters is None else _carried(state.best_parameters, origin, drawn),
        frozen=None if state.frozen is None else _carried(state.frozen, origin),
    )


def _carried(values: Array, origin: Array, drawn: Sequence[Any] | Array = ()) -> Array:
    """Of (…, P), the values at their new places; 0 where something is new, unless it is drawn."""
    new = np.where(origin >= 0, values[..., np.maximum(origin, 0)], 0).astype(values.dtype)
    if len(drawn):
        new = np.where(origin == DRAWN, drawn, new).astype(values.dtype)
    return np.ascontiguousarray(new)
