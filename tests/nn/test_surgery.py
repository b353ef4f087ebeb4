"""Networks that grow and shrink while they train: y stays, and so does all that is not touched."""

from dataclasses import replace

import numpy as np
import pytest

from glassnet.errors import InputError
from glassnet.nn import (
    Adam,
    Architecture,
    Data,
    NumpyEngine,
    Spec,
    SquaredError,
    add_input,
    add_unit,
    change_activation,
    get_engine,
    remove_input,
    remove_unit,
)

N, D, M, K = 12, 3, 4, 2


@pytest.fixture(params=[(True, False), (False, False), (True, True)], ids=["bias", "no bias", "skip"])
def state(request):
    bias, skip = request.param
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(N, D)), rng.normal(size=(N, K)))
    spec = Spec(Architecture.create([D, M, M + 1, K], "tanh", bias, skip), SquaredError(), Adam(0.01), batch_size=5)
    engine = NumpyEngine()
    state = engine.advance(engine.init(spec, seeds=[3, 4]), data, 7)  # moments that are not 0, in the midst of an epoch
    return replace(state, frozen=np.arange(state.parameters.shape[1]) % 5 == 0), data


def scores(state, x):
    return [state.network(k).forward(x)[0] for k in range(len(state))]


@pytest.mark.parametrize("layer", [0, 1])
def test_a_new_unit_leaves_y_as_it_is_and_learns(state, layer):
    old, data = state
    new = add_unit(old, layer)
    assert new.spec.architecture.sizes[layer + 1] == old.spec.architecture.sizes[layer + 1] + 1
    np.testing.assert_array_equal(scores(new, data.x), scores(old, data.x))
    assert np.abs(new.network().layers[layer].w[:, -1]).min() > 0  # drawn, or it would never part from its neighbours
    after = get_engine().advance(new.copy(), data, 5)
    assert np.abs(after.network().layers[layer + 1].w[-1]).max() > 0
    assert (old.step, old.batch, old.epoch) == (new.step, new.batch, new.epoch)


@pytest.mark.parametrize("layer", [0, 1])
def test_a_unit_that_came_and_went_leaves_nothing_behind(state, layer):
    old, _ = state
    last = old.spec.architecture.sizes[layer + 1]
    again = remove_unit(add_unit(old, layer), layer, last)
    for name in ("parameters", "moments", "frozen"):
        np.testing.assert_array_equal(getattr(again, name), getattr(old, name))
    assert again.spec == old.spec


def test_removing_a_unit_takes_its_own_weights_and_no_others(state):
    old, data = state
    unit = 2
    network = old.network()
    network.layers[1].w[unit] = 0  # silenced, it can go without a change of y
    new = remove_unit(old, 0, unit)
    np.testing.assert_allclose(scores(new, data.x)[0], scores(old, data.x)[0], rtol=1e-12)


def test_inputs_come_with_weight_0_and_go_with_their_row(state):
    old, data = state
    new = add_input(old, 1)
    wider = np.insert(data.x, 1, 9.0, axis=1)
    np.testing.assert_allclose(scores(new, wider), scores(old, data.x), rtol=1e-12)
    again = remove_input(new, 1)
    np.testing.assert_array_equal(again.parameters, old.parameters)
    np.testing.assert_array_equal(again.moments, old.moments)


def test_another_activation_keeps_every_weight(state):
    old, _ = state
    new = change_activation(old, 1, "identity")
    assert [f.name for f in new.spec.architecture.activations] == ["tanh", "identity"]
    np.testing.assert_array_equal(new.parameters, old.parameters)
    assert [f.name for f in old.spec.architecture.activations] == ["tanh", "tanh"]


def test_what_cannot_be_changed_is_said(state):
    old, _ = state
    with pytest.raises(InputError, match="There is no hidden layer 2"):
        add_unit(old, 2)
    with pytest.raises(InputError, match="Unit 9 of hidden layer 0"):
        remove_unit(old, 0, 9)
    with pytest.raises(InputError, match="slope 0"):
        change_activation(old, 0, "step")
    with pytest.raises(InputError, match="needs one"):
        remove_input(remove_input(remove_input(old, 0), 0), 0)
