"""The kernel against the reference, on networks that nobody chose."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.errors import ShapeError
from glassnet.nn import (
    ACTIVATIONS,
    INITIALIZERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    SGD,
    Adam,
    AdamW,
    Architecture,
    BinaryCrossEntropy,
    Cosine,
    CrossEntropy,
    Data,
    Engine,
    Huber,
    Loss,
    Nesterov,
    Network,
    OneCycle,
    Optimizer,
    Quantile,
    RMSprop,
    Schedule,
    Spec,
    State,
    StepDecay,
)
from glassnet.nn.network import flatten_gradients
from glassnet.nn.schedules import Adaptive, InverseScaling

OPTIMIZER_VARIANTS: list[Optimizer] = [
    SGD(0.002),
    SGD(0.002, nesterov=False, weight_decay=0.1),
    SGD(0.02, momentum=0.0),
    Nesterov(0.002, momentum=0.5),
    Adam(0.003),
    Adam(0.001, 0.8, 0.99, 1e-6),
    AdamW(0.003, weight_decay=0.3),
    RMSprop(0.001, momentum=0.3),
]
SCHEDULE_VARIANTS: list[Schedule] = [
    *(Schedule(), Schedule(warmup_steps=9), InverseScaling(), Adaptive()),
    *(StepDecay(milestones=(0.3,)), Cosine(), OneCycle()),
]
LOSS_VARIANTS: list[Loss] = [
    *LOSSES.values(),
    *(Huber(0.2), Quantile(0.3), BinaryCrossEntropy(0.1), CrossEntropy(0.2)),
]
# z² of z² leaves the formats within a few layers; its steps are compared where every level is.
NAMES = sorted(name for name, f in ACTIVATIONS.items() if f.trainable and name != "square")
SMOOTH = sorted(set(NAMES) - {"relu", "leaky_relu", "elu", "selu"})
SMOOTH_LOSSES = [loss for loss in LOSS_VARIANTS if loss.name not in ("absolute_error", "quantile", "huber")]

laws = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


fits = settings(laws, max_examples=20)


@dataclass(frozen=True)
class Problem:
    """All that a training begins with."""

    spec: Spec
    data: Data
    seeds: list[int]
    frozen: Any


@st.composite
def problems(
    draw: st.DrawFn, dtypes: Any = (np.float32, np.float64), names: Any = NAMES, losses: Any = LOSS_VARIANTS
) -> Problem:
    """Sizes cross the panels of 8 and 16 numbers, rows the chunks of 256, batches everything between."""
    loss = draw(st.sampled_from(losses))
    k = draw(st.integers(1, 40 // loss.width))
    sizes = [*draw(st.lists(st.integers(1, 40), min_size=1, max_size=5)), k * loss.width]
    hidden = len(sizes) - 2
    functions = draw(st.lists(st.sampled_from(names), min_size=hidden, max_size=hidden))
    architecture = Architecture.create(sizes, functions, draw(st.booleans()), draw(st.booleans()))
    rate, factor = st.sampled_from([0.0, 0.1, 0.5]), st.floats(0, 2)
    blocks = len(architecture.blocks())
    spec = Spec(
        architecture,
        loss,
        # Steps that grow with the gradient run away with eʸ and e⁻ᵛ.
        draw(
            st.sampled_from(
                [o for o in OPTIMIZER_VARIANTS if loss.name not in ("poisson", "gaussian") or not isinstance(o, SGD)]
            )
        ),
        draw(st.sampled_from(SCHEDULE_VARIANTS)),
        l2=draw(st.sampled_from([0.0, 0.3])),
        l1=draw(st.sampled_from([0.0, 0.2])),
        dropout=tuple(draw(st.one_of(st.just([]), st.lists(rate, min_size=hidden, max_size=hidden)))),
        gradient_norm=draw(st.sampled_from([None, 0.01, 1.0])),
        weight_norm=draw(st.sampled_from([None, 0.5])),
        rates=tuple(
            draw(st.one_of(st.just([]), st.lists(st.tuples(factor, factor), min_size=blocks, max_size=blocks)))
        ),
        batch_size=draw(st.integers(1, 300)),
        shuffle=draw(st.booleans()),
        init=draw(st.sampled_from(sorted(set(INITIALIZERS) - {"zeros"}))),
        dtype=draw(st.sampled_from(dtypes)),
    )
    n = draw(st.integers(1, 600))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.normal(size=(n, sizes[0])) / 2
    if draw(st.booleans()):
        x = scipy.sparse.csr_matrix(x * (rng.random(x.shape) < 0.3))
    t = rng.dirichlet(np.ones(k), size=n)  # as every loss accepts
    s = rng.uniform(0.1, 2, size=n) if draw(st.booleans()) else None
    frozen = rng.random(architecture.n_parameters) < 0.4 if draw(st.booleans()) else None
    seeds = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3, unique=True))
    return Problem(spec, Data(x, t, s).astype(spec.dtype), seeds, frozen)


def begin(engine: Engine, problem: Problem) -> State:
    return replace(engine.init(problem.spec, problem.seeds), frozen=problem.frozen, total_steps=40)


def midway(engine: Engine, problem: Problem) -> State:
    """A state as some steps leave it: Adam's first step divides noise by noise, a later one does not."""
    state, rng = begin(engine, problem), np.random.default_rng(1)
    state.moments[...] = rng.uniform(0.01, 1, state.moments.shape)
    state.step = 5
    return state


def distance(ours: Any, reference: Any, scale: float = 0.0) -> float:
    """‖ours − reference‖ / ‖reference‖, or by `scale` where that is larger."""
    assert ours.dtype == reference.dtype
    assert ours.shape == reference.shape
    difference = np.linalg.norm(np.asarray(ours, float) - np.asarray(reference, float))
    return float(difference / max(np.linalg.norm(np.asarray(reference, float)), scale, np.finfo(float).tiny))


def bound(dtype: Any) -> float:
    return 1e-12 if dtype is np.float64 else 1e-5


def test_initializers_are_drawn_in_one_place(kernel, reference):
    for init in INITIALIZERS:
        spec = Spec(Architecture.create([4, 9, 3], "relu", skip=True), LOSSES["squared_error"], init=init)
        np.testing.assert_array_equal(kernel.init(spec, [1, 2]).parameters, reference.init(spec, [1, 2]).parameters)


def assert_states_near(ours: State, reference: State, bound: float) -> None:
    for k in range(len(reference)):
        assert distance(ours.parameters[k], reference.parameters[k]) <= bound, f"parameters of member {k}"
        for i, name in enumerate(reference.spec.optimizer.moment_names):
            assert distance(ours.moments[i, k], reference.moments[i, k]) <= bound, f"{name} of member {k}"
    assert distance(ours.loss_sum, reference.loss_sum) <= bound
    counters = ("epoch", "batch", "step", "samples")
    assert [getattr(ours, name) for name in counters] == [getattr(reference, name) for name in counters]


def test_every_registered_name_has_a_twin(kernel):
    from glassnet import _kernel

    assert set(_kernel.activations) == set(ACTIVATIONS)
    assert set(_kernel.losses) == set(LOSSES)
    assert set(_kernel.optimizers) == set(OPTIMIZERS)
    assert {type(optimizer) for optimizer in OPTIMIZER_VARIANTS} == set(OPTIMIZERS.values())
    assert {type(schedule) for schedule in SCHEDULE_VARIANTS} == set(SCHEDULES.values())
    assert {loss.name for loss in LOSS_VARIANTS} == set(LOSSES)


@laws
@given(problem=problems())
def test_first_weights_are_the_same(kernel, reference, problem):
    assert kernel.name == "kernel"
    np.testing.assert_array_equal(begin(kernel, problem).parameters, begin(reference, problem).parameters)


@laws
@given(problem=problems())
def test_one_step_agrees(kernel, reference, problem):
    assert kernel.name == "kernel"
    ours = kernel.advance(midway(kernel, problem), problem.data, 1)
    theirs = reference.advance(midway(reference, problem), problem.data, 1)
    assert_states_near(ours, theirs, bound(problem.spec.dtype))


@fits
@given(problem=problems(dtypes=[np.float64], names=SMOOTH, losses=SMOOTH_LOSSES))
def test_smooth_fits_agree_after_a_hundred_steps(kernel, reference, problem):
    assert kernel.name == "kernel"
    optimizer = problem.spec.optimizer
    if hasattr(optimizer, "epsilon"):
        # g / (√v + ε) is smooth only while ε is felt: where few rows are fitted to the last bit, g is rounding, and a
        # small ε makes steps of it.
        spec = replace(problem.spec, optimizer=replace(optimizer, epsilon=1e-3))
        problem = replace(problem, spec=spec)
    ours = kernel.advance(begin(kernel, problem), problem.data, 100)
    theirs = reference.advance(begin(reference, problem), problem.data, 100)
    assert_states_near(ours, theirs, 1e-9)


@fits
@given(problem=problems(dtypes=[np.float32]))
def test_other_fits_end_with_the_same_loss(kernel, reference, problem):
    assert kernel.name == "kernel"
    ours = kernel.advance(begin(kernel, problem), problem.data, 100)
    theirs = reference.advance(begin(reference, problem), problem.data, 100)
    floor = 1e-4  # of losses that are nearly nothing
    np.testing.assert_allclose(
        kernel.evaluate(ours, problem.data), reference.evaluate(theirs, problem.data), 0.01, floor
    )


@fits
@given(problem=problems(dtypes=[np.float64], names=["relu", "leaky_relu", "elu", "selu"]))
def test_kinked_fits_end_with_the_same_loss(kernel, reference, problem):
    assert kernel.name == "kernel"
    ours = kernel.advance(begin(kernel, problem), problem.data, 100)
    theirs = reference.advance(begin(reference, problem), problem.data, 100)
    np.testing.assert_allclose(
        kernel.evaluate(ours, problem.data), reference.evaluate(theirs, problem.data), 0.01, 1e-4
    )


@laws
@given(problem=problems())
def test_scores_traces_losses_and_gradients_agree(kernel, reference, problem):
    assert kernel.name == "kernel"
    state, data, near = begin(reference, problem), problem.data, bound(problem.spec.dtype)
    network, loss, penalties = state.network(), problem.spec.loss, (problem.spec.l2, problem.spec.l1)

    y, trace = kernel.trace(network, data.x)
    _, expected = reference.trace(network, data.x)
    assert (kernel.forward(network, data.x) == y).all()
    for i, (step, right) in enumerate(zip(trace, expected, strict=True)):
        # A sum may end near 0: its rounding is that of its terms.
        terms = float(np.linalg.norm(abs(right.x) @ abs(network.layers[i].w)))
        assert distance(step.z, right.z, terms) <= near, f"z of layer {i}"
        assert distance(step.h, right.h, terms) <= near, f"h of layer {i}"
    assert distance(kernel.evaluate(state, data), reference.evaluate(state, data)) <= near
    value, gradients = kernel.gradients(network, loss, data.x, data.t, data.s, *penalties)
    right_value, right_gradients = reference.gradients(network, loss, data.x, data.t, data.s, *penalties)
    assert value == pytest.approx(right_value, rel=near)
    assert distance(flatten_gradients(gradients), flatten_gradients(right_gradients)) <= near


@settings(laws, max_examples=20)
@given(problem=problems())
def test_jacobians_agree(kernel, reference, problem):
    assert kernel.name == "kernel"
    network, x = begin(reference, problem).network(), problem.data.x[:20]
    for wrt in ("parameters", "inputs"):
        assert distance(kernel.jacobian(network, x, wrt), reference.jacobian(network, x, wrt)) <= bound(
            problem.spec.dtype
        )


@settings(laws, max_examples=20)
@given(problem=problems(dtypes=[np.float64], names=SMOOTH))
def test_frozen_parameters_stay(engine, problem):
    state = begin(engine, problem)
    frozen = np.zeros(problem.spec.architecture.n_parameters, bool) if state.frozen is None else state.frozen
    first = state.parameters.copy()
    engine.advance(state, problem.data, 3)
    assert (state.parameters[:, frozen] == first[:, frozen]).all()
    assert not state.moments[:, :, frozen].any()


@pytest.mark.parametrize("form", ["csr_matrix", "csr_array", "csc_array"])
def test_a_sparse_table_is_the_dense_one(engine, form):
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(30, 9)) * (rng.random((30, 9)) < 0.3)
    t = rng.normal(size=(30, 2))
    spec = Spec(Architecture.create([9, 5, 2], "tanh"), LOSSES["squared_error"], batch_size=7)

    of_sparse = engine.advance(engine.init(spec, [1]), Data(getattr(scipy.sparse, form)(dense), t), 20)
    of_dense = engine.advance(engine.init(spec, [1]), Data(dense, t), 20)

    assert distance(of_sparse.parameters, of_dense.parameters) < 1e-12


@pytest.mark.parametrize(
    "make", [np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], lambda a: a.astype(np.float32)]
)
def test_the_layout_of_the_rows_does_not_matter(engine, make):
    rng = np.random.default_rng(0)
    x, t, s = rng.integers(-3, 4, size=(30, 9)), rng.integers(0, 2, size=(30, 2)), rng.integers(1, 4, size=30)
    x, t = x.astype(float), t.astype(float)
    spec = Spec(Architecture.create([9, 5, 2], "tanh"), LOSSES["cross_entropy"], batch_size=7)

    plain = engine.advance(engine.init(spec, [1]), Data(x, t, s.astype(float)), 20)
    other = engine.advance(engine.init(spec, [1]), Data(make(x), make(t), s), 20)

    assert distance(other.parameters, plain.parameters) < 1e-12


def test_shapes_that_do_not_fit_are_told(engine):
    network, loss = Network.create([4, 3, 2]), LOSSES["squared_error"]
    spec = Spec(network.architecture, loss)
    state = engine.init(spec, [0])
    x, t = np.zeros((5, 4)), np.zeros((5, 2))

    for x_wrong in (np.zeros((5, 3)), np.zeros(4), scipy.sparse.csr_matrix((5, 3))):
        for call in (engine.forward, engine.trace, engine.jacobian):
            with pytest.raises(ShapeError, match=r"takes \(n, 4\)"):
                call(network, x_wrong)
    with pytest.raises(ShapeError, match=r"x\[None, :\]"):
        engine.forward(network, np.zeros(4))
    for t_wrong in (np.zeros((5, 3)), np.zeros((4, 2)), np.zeros(5)):
        with pytest.raises(ShapeError):
            engine.gradients(network, loss, x, t_wrong)
    with pytest.raises(ShapeError, match="same rows"):
        Data(x, t, np.ones(4))
    for bad in (Data(np.zeros((5, 3)), t), Data(x, np.zeros((5, 1))), Data(x[:0], t[:0])):
        with pytest.raises(ShapeError):
            engine.advance(state, bad, 1)
        with pytest.raises(ShapeError):
            engine.evaluate(state, bad)


def test_a_jacobian_of_something_else_is_told(engine):
    with pytest.raises(ValueError, match="Did you mean 'inputs'"):
        engine.jacobian(Network.create([1, 1]), np.zeros((1, 1)), wrt="input")
