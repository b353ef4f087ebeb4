"""Each number that the page shows is `derive`'s, to the last digit, and a central difference stands beside it."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import InputError
from glassnet.explanation.subject import Subject
from glassnet.nn import LOSSES
from glassnet.studio.describe import layer_names
from glassnet.studio.pictures import Look, Pictures
from glassnet.studio.quantities import Quantities
from glassnet.studio.run import Run
from glassnet.studio.settings import LOSSES_OF, TRAINABLE
from glassnet.studio.stages import Walk
from glassnet.studio.why import answer

LAYERS = [{"units": 5, "activation": "tanh"}, {"units": 3, "activation": "logistic"}]
ROW = 12


def asked(run, about, hidden=(), **look):
    pictures = Pictures(run, Look(**look))
    return answer(run, pictures, about, hidden, layer_names(run))


def numbers(step):
    """The numbers of a formula in order."""
    found = []

    def walk(tokens):
        for token in tokens:
            if isinstance(token, dict):
                if "v" in token:
                    found.append(token["v"])
                for key in ("sq", "of", "T"):
                    walk(token.get(key, []))
                for part in token.get("frac", []):
                    walk(part)

    walk(step["tokens"])
    return found


def step_of(found, name):
    return next(step for step in found["steps"] if step["name"] == name)


def derived(run):
    return gn.derive(Subject.of(run.network, loss=run.loss), run.x[run.training_rows], run.t[run.training_rows])


@pytest.fixture(scope="module")
def run():
    run = Run({"layers": LAYERS}, {})
    run.apply(("advance", 40))
    return run


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("i", [1, "b"])
def test_a_weight_has_derives_numbers(run, layer, i):
    derivation, j = derived(run), 0
    row = int(run.training_rows[ROW])
    about = {"bias": [layer, j]} if i == "b" else {"weight": [layer, i, j]}
    found = asked(run, about, row=row)
    gradient = derivation.db[layer][j] if i == "b" else derivation.dw[layer][i, j]
    assert numbers(step_of(found, "dw"))[-1] == gradient == found["check"]["derivation"]
    assert found["title"][-1]["v"] == gradient
    np.testing.assert_allclose(found["check"]["numerical"], gradient, rtol=1e-6)
    if layer < 2:
        assert numbers(step_of(found, "dh"))[-1] == derivation.dh[layer][ROW, j]
        assert numbers(step_of(found, "dz"))[-1] == derivation.dz[layer][ROW, j]
    else:
        assert numbers(step_of(found, "dy"))[-1] == derivation.dy[ROW, j]
    np.testing.assert_allclose(sum(found["shares"]["values"]), gradient, rtol=1e-9)
    assert sorted(found["shares"]["rows"]) == run.training_rows.tolist()
    assert found["shares"]["values"] == sorted(found["shares"]["values"])
    place = found["shares"]["rows"].index(row)
    assert numbers(step_of(found, "share"))[-1] == found["shares"]["values"][place]


def test_the_terms_of_a_sum_add_up_to_it(run):
    found = asked(run, {"weight": [0, 1, 2]}, row=int(run.training_rows[ROW]))
    dz, w, dz2, w2, *rest, dh = numbers(step_of(found, "dh"))
    assert dh == pytest.approx(dz * w + dz2 * w2 + (rest[0] * rest[1] if len(rest) == 2 else sum(rest)))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_unit_has_derives_numbers(run, layer):
    derivation = derived(run)
    found = asked(run, {"unit": [layer, 0]}, row=int(run.training_rows[ROW]))
    assert numbers(step_of(found, "z"))[-1] == derivation.z[layer][ROW, 0]
    if layer < 2:
        assert numbers(step_of(found, "h"))[-1] == derivation.h[layer][ROW, 0]
        assert sum(found["histogram"]["counts"]) == len(run.training_rows)


@pytest.mark.parametrize("activation", TRAINABLE)
def test_every_activation_is_explained_and_confirmed(activation):
    run = Run({"layers": [{"units": 4, "activation": activation}], "rate": 0.01}, {})
    run.apply(("advance", 5))
    found = asked(run, {"weight": [0, 0, 1]}, row=int(run.training_rows[ROW]))
    if not found["check"]["kink"]:
        np.testing.assert_allclose(found["check"]["numerical"], found["check"]["derivation"], rtol=1e-6, atol=1e-12)
    derivation = derived(run)
    *factors, dz = numbers(step_of(found, "dz"))
    assert dz == derivation.dz[0][ROW, 1]
    assert factors[0] == derivation.dh[0][ROW, 1]
    assert asked(run, {"unit": [0, 1]})["histogram"]["facts"]


@pytest.mark.parametrize("kind", ["circles", "hills"])
def test_every_loss_is_explained_and_confirmed(kind):
    for loss in LOSSES_OF["classes" if kind == "circles" else "quantity"]:
        if loss == "cross_entropy":
            continue  # of more than two classes; see the table below
        run = Run({"data": {"kind": kind}, "loss": loss, "layers": LAYERS}, {})
        assert run.loss == LOSSES[loss]
        run.apply(("advance", 5))
        found = asked(run, {"weight": [2, 1, 0]}, row=int(run.training_rows[ROW]))
        derivation = derived(run)
        assert found["check"]["derivation"] == derivation.dw[2][1, 0]
        if not found["check"]["kink"]:
            np.testing.assert_allclose(found["check"]["numerical"], derivation.dw[2][1, 0], rtol=1e-6, atol=1e-9)


def test_a_table_of_three_classes_is_explained(shelf, penguins_settings):
    run = Run(penguins_settings(), shelf)
    run.apply(("advance", 20))
    found = asked(run, {"weight": [1, 2, 1]}, row=int(run.training_rows[ROW]))
    np.testing.assert_allclose(found["check"]["numerical"], found["check"]["derivation"], rtol=1e-6)
    top, dy = numbers(step_of(found, "dy"))[:2], numbers(step_of(found, "dy"))[-1]
    assert dy == pytest.approx((top[0] - top[1]) / len(run.data))


@pytest.mark.parametrize("about", [{"layer": 0}, {"layer": 2}, {"input": 1}, {"unit": [2, 0]}])
def test_everything_can_be_asked_at_any_row(run, about):
    for row in (None, 0, int(run.held_rows[0])):
        found = asked(run, about, row=row)
        assert found["steps"]
        assert found["title"]
        assert all(step["tokens"] for step in found["steps"])


def test_a_moved_row_is_worked_where_it_was_moved_to(run):
    found = asked(run, {"input": 0}, row=3, at=(0.25, -0.5))
    assert found["title"][-1]["v"] == 0.25
    assert "moved" in found["crumb"]


def test_a_row_held_out_is_said_to_be(run):
    assert "held out" in asked(run, {"unit": [0, 0]}, row=int(run.held_rows[0]))["crumb"]


def test_an_identity_layer_shows_the_product():
    run = Run({"layers": [{"units": 3, "activation": "identity"}]}, {})
    found = asked(run, {"layer": 0})
    v, w = run.network.layers[1], run.network.layers[0]
    tables = {table["title"]: np.array(table["values"]) for table in found["tables"]}
    np.testing.assert_array_equal(tables["wv, the product"], w.w @ v.w)
    np.testing.assert_array_equal(tables["bv + c"][0], w.b @ v.w + v.b)


@pytest.mark.parametrize(
    "about",
    [{}, {"weight": [0, 9, 0]}, {"weight": [0, 0]}, {"weight": "x"}, {"unit": [9, 0]}, {"layer": 7}, {"input": 5}],
)
def test_what_is_not_there_is_refused(run, about):
    with pytest.raises(InputError):
        asked(run, about)


def test_what_a_lesson_asks_for_is_hidden_and_all_that_follows_from_it(run):
    row = int(run.training_rows[ROW])
    found = asked(run, {"weight": [0, 1, 2]}, hidden=["dz"], row=row)
    assert {"ask": True} in step_of(found, "dz")["tokens"]
    derivation = derived(run)
    told = [number for step in found["steps"] for number in numbers(step)]
    assert derivation.dz[0][ROW, 2] not in told
    assert derivation.dw[0][1, 2] not in told
    assert numbers(step_of(found, "dh"))[-1] == derivation.dh[0][ROW, 2]
    assert found["check"] is None
    assert found["shares"] is None


# Stages.


def test_stages_are_the_ones_of_the_next_minibatch_in_order():
    run = Run({"layers": LAYERS, "batch": 16}, {})
    run.apply(("advance", 5))
    walk, names, stages = Walk(run), [], {}
    while (stage := walk.next()) is not None:
        names.append((stage["name"], stage["layer"]))
        stages[names[-1]] = stage
    assert names == [
        *(("forward", None), ("loss", None), ("dy", 2), ("dv", 2)),
        *(("dh", 1), ("dz", 1), ("dw", 1), ("dh", 0), ("dz", 0), ("dw", 0), ("update", None)),
    ]
    before = run.state.parameters[0].copy()
    run.apply(("advance", 1))  # the engine itself takes the step that the stages promised
    np.testing.assert_array_equal(run.state.parameters[0] - before, stages["update", None]["colours"]["values"])


def test_stage_gradients_are_the_minibatchs_own():
    settings = {"layers": LAYERS, "batch": 16, "optimizer": "sgd", "rate": 0.1}
    run = Run(settings, {})
    walk = Walk(run)
    stages = [walk.next() for _ in range(11)]
    dv = np.array(stages[3]["colours"]["values"])
    before = run.state.parameters[0].copy()
    run.apply(("advance", 1))
    change = run.state.parameters[0] - before
    w = run.state.spec.architecture.blocks()[2][0]
    # The first step of SGD with Nesterov's momentum is −η(1 + μ)g.
    np.testing.assert_allclose(change[w], -0.1 * 1.9 * dv, rtol=1e-12)


# Quantities of lessons.


def test_quantities_are_derives_too(run):
    row = int(run.training_rows[ROW])
    quantity = Quantities(run, Pictures(run, Look(row=row)), lambda: (0.1, 0.2), False)
    derivation = derived(run)
    expected = {
        "x_1": run.x[row, 1],
        "t_0": run.t[row, 0],
        "y_0": derivation.y[ROW, 0],
        "p_0": derivation.p[ROW, 0],
        "dy_0": derivation.dy[ROW, 0],
        "z_0_2": derivation.z[0][ROW, 2],
        "h_1_1": derivation.h[1][ROW, 1],
        "dh_0_3": derivation.dh[0][ROW, 3],
        "dz_1_2": derivation.dz[1][ROW, 2],
        "w_0_1_2": run.network.layers[0].w[1, 2],
        "b_1_0": run.network.layers[1].b[0],
        "dw_1_3_2": derivation.dw[1][3, 2],
        "db_2_0": derivation.db[2][0],
        "slope_0_2": 1 - derivation.h[0][ROW, 2] ** 2,
        "n": len(run.training_rows),
        "units": 8,
        "units_2": 3,
        "built_error": 0.1,
        "trained_error": 0.2,
    }
    for name, value in expected.items():
        assert quantity(name) == value, name
    assert quantity.evaluate("dh_0_2 * slope_0_2") == pytest.approx(derivation.dz[0][ROW, 2])
    assert quantity("share_0_1_2") == pytest.approx(derivation.dz[0][ROW, 2] * run.x[row, 1])
    for name in ("accuracy", "dz_9_0", "w_0_0"):
        with pytest.raises(InputError):
            quantity(name)


def test_quantities_of_failures():
    zero = Run({"init": "zeros", "layers": LAYERS}, {})
    zero.apply(("advance", 10))
    pictures = Pictures(zero, Look())
    assert Quantities(zero, pictures, lambda: (0, 0), False)("symmetric") == 1
    dead = Run({"layers": [{"units": 4, "activation": "relu"}]}, {})
    for j in range(4):
        dead.apply(("edit", 0, "b", j, -50.0))
    assert Quantities(dead, Pictures(dead, Look()), lambda: (0, 0), False)("dead") == 1
