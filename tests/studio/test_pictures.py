"""Pictures show the network: every byte is its own forward pass at that place."""

import numpy as np
import pytest

from glassnet.data.table import Table
from glassnet.errors import InputError
from glassnet.studio.pictures import MAP, OUTPUT, Canvas, Look, Pictures, nice, sticky
from glassnet.studio.run import Run

LAYERS = [{"units": 5, "activation": "tanh"}, {"units": 3, "activation": "relu"}]


@pytest.fixture
def run():
    run = Run({"layers": LAYERS}, {})
    run.apply(("advance", 300))
    return run


def test_a_map_is_the_unit_at_each_place_from_the_top_left(run):
    pictures = Pictures(run, Look())
    arrays, told = pictures.arrays(run.network)
    lo, hi = run.problem.box
    row, column = 3, 20
    place = [lo[0] + (column + 0.5) / MAP * (hi[0] - lo[0]), hi[1] - (row + 0.5) / MAP * (hi[1] - lo[1])]
    y, trace = run.network.forward(np.array([place]))
    tiles = [*place, *trace[0].h[0], *trace[1].h[0], y[0, 0]]
    scales = [s for s, shown in zip(told["scales"], told["shown"], strict=True) for _ in shown]
    expected = np.clip(np.rint(np.array(tiles) / scales * 127), -127, 127)
    np.testing.assert_array_equal(arrays["maps"][:, row, column], expected)
    assert arrays["maps"].shape == (2 + 5 + 3 + 1, MAP, MAP)
    assert arrays["output"].shape == (OUTPUT, OUTPUT)


def test_in_hidden_space_the_decision_is_the_vertical_line(run):
    arrays, told = Pictures(run, Look()).arrays(run.network)
    y = run.network.forward(run.x)[0][:, 0]
    np.testing.assert_allclose(arrays["hidden"][:, 0], y, rtol=1e-6)
    assert told["hidden"]["line"] == 0
    up = arrays["hidden"][:, 1]
    assert abs(np.corrcoef(up, run.network.forward(run.x)[1][-1].x @ run.network.layers[-1].w[:, 0])[0, 1]) < 1


def test_two_components_hold_the_most_variance(run):
    arrays, _ = Pictures(run, Look(hidden="components")).arrays(run.network)
    h = run.network.forward(run.x)[1][-1].x
    values = np.linalg.eigvalsh(np.cov(h.T, bias=True))[::-1]
    np.testing.assert_allclose(arrays["hidden"].var(axis=0), values[:2], rtol=1e-4)


def test_a_curve_is_drawn_over_one_feature():
    run = Run({"data": {"kind": "formula", "text": "sin(6*x) + x"}, "layers": LAYERS}, {})
    pictures = Pictures(run, Look())
    arrays, _ = pictures.arrays(run.network)
    x = np.linspace(pictures.canvas.lo[0], pictures.canvas.hi[0], 256)[:, None]
    np.testing.assert_allclose(arrays["curve"], run.network.forward(x)[0][:, 0], rtol=1e-5)
    assert "output" not in arrays
    np.testing.assert_allclose(pictures.points()["xy"][:, 1], run.t[:, 0], rtol=1e-6)


def test_a_slice_of_a_table_holds_the_other_columns_where_it_says(shelf, penguins_settings):
    run = Run(penguins_settings(), shelf)
    look = Look()
    plane = [run.problem.names.index(name) for name in ("bill_depth_mm", "bill_length_mm")]
    look.change(run, {"plane": plane, "held": {"island": "Dream", "sex": "female", "body_mass_g": 4200}})
    canvas = Canvas(run, look)
    names = run.settings["features"]
    raw = {name: canvas.large[:, j] for j, name in enumerate(names)}
    assert (raw["island=Dream"] == 1).all()
    assert (raw["island=Biscoe"] == 0).all()
    mean, scale = run.problem.affine[run.problem.names.index("body_mass_g")]
    np.testing.assert_allclose(mean + scale * raw["body_mass_g"], 4200)
    across, up = (raw[run.problem.names[axis]].reshape(OUTPUT, OUTPUT) for axis in plane)
    assert (np.diff(across, axis=1) > 0).all()
    assert (np.diff(up, axis=0) < 0).all()  # the top is where it is largest
    for wrong in ({"island": "Atlantis"}, {"age": 3}, {"body_mass_g": "heavy"}):
        with pytest.raises(InputError):
            look.change(run, {"held": wrong})


def test_points_lie_in_the_tables_own_units(shelf, penguins_settings):
    run = Run(penguins_settings(), shelf)
    pictures = Pictures(run, Look())
    points, axes = pictures.points(), pictures.described_axes()
    across = axes[look_axis(pictures)]
    lo, hi = across["lo"], across["hi"]
    assert (points["xy"][:, 0] >= lo).all()
    assert (points["xy"][:, 0] <= hi).all()
    table = shelf["penguins"][1]
    own = table[across["name"]].drop_nulls().to_numpy()
    assert points["xy"][:, 0].max() == pytest.approx(own.max(), rel=1e-6)


def look_axis(pictures):
    return pictures.look.axes(pictures.run.problem)[0]


def test_of_a_wide_layer_the_strongest_are_shown_and_the_selected_stay():
    run = Run({"layers": [{"units": 40, "activation": "tanh"}]}, {})
    run.state.parameters[0, run.state.spec.architecture.blocks()[1][0]] = 0.01
    for strong in (7, 31):
        run.apply(("edit", 1, strong, 0, 3.0))
    pictures = Pictures(run, Look(most=6))
    pictures.rank(run.network)
    assert {7, 31} <= set(pictures.shown[1])
    assert len(pictures.shown[1]) == 5
    weak = next(j for j in range(40) if j not in pictures.shown[1])
    pictures.look.about = {"unit": [0, weak]}
    pictures.rank(run.network)
    assert {7, 31, weak} <= set(pictures.shown[1])
    arrays, told = pictures.arrays(run.network)
    hidden = [j for j in range(40) if j not in pictures.shown[1]]
    assert told["more"] == [0, 35, 0]
    w = run.network.layers[0].w[:, hidden]
    assert arrays["rest"][0] == pytest.approx(np.sqrt((w**2).sum()), rel=1e-6)


def test_weights_that_ran_away_make_a_picture_too(run):
    run.state.parameters[...] = np.inf
    arrays, _ = Pictures(run, Look(row=0)).arrays(run.network)
    assert arrays["maps"].dtype == np.int8


@pytest.mark.parametrize("value", [1e-12, 0.3, 1, 2, 4.9, 5.01, 77, 1e9])
def test_a_scale_is_the_next_of_1_2_5_and_stays_a_while(value):
    scale = nice(value)
    assert value <= scale * (1 + 1e-9) < 2.51 * value * (1 + 1e-9)
    assert sticky(scale, scale) == scale
    assert sticky(scale, scale / 2.9) == scale
    assert sticky(scale, scale / 3.1) < scale
    assert sticky(scale, scale * 1.01) > scale


def test_a_picture_is_cut_along_numbers_of_the_table_before_what_was_made_of_dates():
    rng = np.random.default_rng(0)
    days = [f"{2000 + i % 20}-0{1 + i % 9}-15" for i in range(120)]
    area, staff = rng.normal(size=(2, 120))
    table = Table.read(
        {"opened": days, "area": area, "staff": staff, "closed": ["yes" if d[3] > "4" else "no" for d in days]}
    )
    data = {"kind": "table", "table": "t", "name": "t", "target": "closed"}
    problem = Run({"data": data, "features": []}, {"t": ("t", table)}).problem
    assert {problem.names[axis] for axis in problem.best_plane} == {"area", "staff"}
