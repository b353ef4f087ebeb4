"""One network of whole numbers, worked on paper: every number of forward, backward and a step."""

from types import SimpleNamespace

import numpy as np

from glassnet.nn import SGD, Architecture, Data, Network, Spec, SquaredError
from glassnet.nn.network import flatten

# h = relu(xw + b), y = hv + c, L = Σ(y − t)² / 2n
PAPER = SimpleNamespace(
    x=[[1, 2], [3, -1]],
    t=[[6, -5], [0, 3]],
    w=[[1, -1, 2], [0, 2, -1]],
    b=[0, 1, -1],
    v=[[1, -2], [2, 0], [-1, 1]],
    c=[1, -1],
    z=[[1, 4, -1], [3, -4, 6]],
    h=[[1, 4, 0], [3, 0, 6]],
    y=[[10, -3], [-2, -1]],
    loss=10.0,  # (4² + 2² + 2² + 4²) / 4
    dy=[[2, 1], [-1, -2]],
    dv=[[-1, -5], [8, 4], [-6, -12]],
    dc=[1, -1],
    dz=[[0, 4, 0], [3, 0, -1]],
    dw=[[9, 4, -3], [-3, 8, 1]],
    db=[3, 4, -1],
    dx=[[-4, 8], [1, 1]],
    # With the hidden layer linear instead.
    linear_y=[[11, -4], [-10, -1]],
)


def by_hand(activation: str) -> Network:
    parameters = flatten([(np.array(PAPER.w, float), np.array(PAPER.b, float))])
    parameters = np.concatenate([parameters, flatten([(np.array(PAPER.v, float), np.array(PAPER.c, float))])])
    return Network.from_parameters(Architecture.create([2, 3, 2], activation), parameters)


def test_every_number_of_forward_is_as_worked_by_hand(engine):
    y, trace = engine.trace(by_hand("relu"), np.array(PAPER.x, float))

    assert trace[0].x.tolist() == PAPER.x
    assert trace[0].z.tolist() == PAPER.z
    assert trace[0].h.tolist() == trace[1].x.tolist() == PAPER.h
    assert y.tolist() == trace[1].z.tolist() == trace[1].h.tolist() == PAPER.y
    assert engine.forward(by_hand("identity"), np.array(PAPER.x, float)).tolist() == PAPER.linear_y


def test_every_number_of_backward_is_as_worked_by_hand():
    network, t = by_hand("relu"), np.array(PAPER.t, float)
    y, trace = network.forward(np.array(PAPER.x, float))
    dy = SquaredError().derivative(y, t)
    hidden, last = network.backward(trace, dy)

    assert SquaredError()(y, t) == PAPER.loss
    assert dy.tolist() == last.dz.tolist() == PAPER.dy
    assert last.dw.tolist() == PAPER.dv
    assert last.db.tolist() == PAPER.dc
    assert hidden.dz.tolist() == PAPER.dz
    assert hidden.dw.tolist() == PAPER.dw
    assert hidden.db.tolist() == PAPER.db
    assert hidden.dx.tolist() == PAPER.dx
    assert network.backward(trace, dy, input_gradient=False)[0].dx is None


def test_gradients_and_a_step_are_as_worked_by_hand(engine):
    network, x, t = by_hand("relu"), np.array(PAPER.x, float), np.array(PAPER.t, float)
    value, (hidden, last) = engine.gradients(network, SquaredError(), x, t)
    assert value == PAPER.loss
    assert [hidden.dw.tolist(), hidden.db.tolist()] == [PAPER.dw, PAPER.db]
    assert [last.dw.tolist(), last.db.tolist()] == [PAPER.dv, PAPER.dc]

    spec = Spec(network.architecture, SquaredError(), SGD(learning_rate=1.0, momentum=0.0), batch_size=2)
    state = engine.init(spec, [0])
    state.parameters[0] = network.parameters
    stepped = engine.advance(state, Data(x, t), 1).network()
    assert stepped.layers[0].w.tolist() == [[-8, -5, 5], [3, -6, -2]]
    assert stepped.layers[0].b.tolist() == [-3, -3, 0]
    assert stepped.layers[1].w.tolist() == [[2, 3], [-6, -4], [5, 13]]
    assert stepped.layers[1].b.tolist() == [0, 0]
    assert state.loss_sum.tolist() == [2 * PAPER.loss]
