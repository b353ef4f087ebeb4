"""The bundled tables are what their names promise."""

import numpy as np
import pytest

from glassnet.data.examples import EXAMPLES, circles, example, penguins
from glassnet.data.targets import ClassTarget
from glassnet.errors import InputError, UnknownNameError

SURFACES = ("hills", "plane")
DRAWN = sorted(set(EXAMPLES) - {"penguins", *SURFACES})


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_example_is_balanced_and_depends_on_its_seed_alone(name):
    table = EXAMPLES[name](n=200, seed=3)
    assert table.names == ["x1", "x2", "label"]
    assert ClassTarget.fit(table["label"], "label").codes(table["label"]).sum() == 100
    assert table.frame.equals(EXAMPLES[name](n=200, seed=3).frame)
    assert not table.frame.equals(EXAMPLES[name](n=200, seed=4).frame)


@pytest.mark.parametrize("name", SURFACES)
def test_a_drawn_surface_is_its_formula_with_noise_and_depends_on_its_seed_alone(name):
    exact, noisy = EXAMPLES[name](n=500, noise=0.0, seed=3), EXAMPLES[name](n=500, noise=0.3, seed=3)
    x1, x2 = exact["x1"].to_numpy(), exact["x2"].to_numpy()
    formula = x1 + x2 if name == "plane" else 2 * np.sin(3 * x1) * np.cos(3 * x2)
    np.testing.assert_array_equal(exact["y"].to_numpy(), formula)
    assert (noisy["y"].to_numpy() - formula).std() == pytest.approx(0.3, rel=0.1)
    assert noisy.frame.equals(EXAMPLES[name](n=500, noise=0.3, seed=3).frame)


def test_the_circles_are_parted_by_their_distance_from_the_origin():
    table = circles(noise=0.0)
    outer = (table["label"] == "outer").to_numpy()
    squared = table["x1"].to_numpy() ** 2 + table["x2"].to_numpy() ** 2
    np.testing.assert_allclose(squared[outer], 1)
    assert squared[~outer].max() <= 0.25


def test_penguins_come_with_their_gaps():
    table = penguins()
    assert table.n_rows == 344
    assert table["species"].unique().sort().to_list() == ["Adelie", "Chinstrap", "Gentoo"]
    assert table["sex"].null_count() == 11


def test_an_unknown_example_names_the_nearest():
    assert example("circles").n_rows == 400
    with pytest.raises(UnknownNameError, match=r"'circle'\. Did you mean 'circles'"):
        example("circle")
    with pytest.raises(InputError, match="at least 2 rows"):
        circles(n=1)
    with pytest.raises(InputError, match="at least 1 row"):
        EXAMPLES["plane"](n=0)
