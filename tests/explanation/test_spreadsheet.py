"""A workbook computes, cell by cell, what the derivation says, and follows when a number is changed."""

import math
import re
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from openpyxl.utils import range_boundaries

import glassnet as gn
from glassnet.errors import InputError
from glassnet.explanation.derivation import derive
from glassnet.nn import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    CustomActivation,
    CustomLoss,
    Huber,
    Network,
    Quantile,
)
from glassnet.nn.activations import ACTIVATIONS

FUNCTIONS = {
    "SUM": np.sum,
    "SUMPRODUCT": lambda *parts: np.sum(np.prod(np.broadcast_arrays(*parts), axis=0)),
    "MMULT": lambda a, b: np.atleast_2d(a) @ np.atleast_2d(b),
    "AVERAGE": np.mean,
    "MAX": lambda *parts: max(float(np.max(part)) for part in parts),
    "MIN": lambda *parts: min(float(np.min(part)) for part in parts),
    "IF": lambda holds, yes, no: yes if holds else no,
    "EXP": np.exp,
    "LN": np.log,
    "TANH": np.tanh,
    "SIN": np.sin,
    "COS": np.cos,
    "ABS": np.abs,
    "SIGN": np.sign,
    "PI": lambda: math.pi,
}
RANGE = re.compile(r"\$[A-Z]+\$\d+(:\$[A-Z]+\$\d+)?")


class Workbook:
    """A spreadsheet program in forty lines: the blocks of a workbook by name, computed; cells can be changed."""

    def __init__(self, path):
        self.page = load_workbook(path)["derivation"]
        self.value = lru_cache(maxsize=None)(self._value)

    def _value(self, row, column):
        cell = self.page.cell(row, column)
        if cell.data_type != "f":
            return cell.value
        code = RANGE.sub(lambda m: f"R('{m[0]}')", cell.value[1:])
        return float(eval(code, {"__builtins__": {}}, FUNCTIONS | {"R": self._range}))

    def _range(self, address):
        left, top, right, bottom = range_boundaries(address.replace("$", ""))
        values = [[self.value(i, j) for j in range(left, right + 1)] for i in range(top, bottom + 1)]
        return values[0][0] if left == right and top == bottom else np.array(values)

    def place(self, name):
        """The row below the one where a block's name stands."""
        return 1 + next(row for row in range(1, self.page.max_row + 1) if self.page.cell(row, 1).value == name)

    def block(self, name, shape):
        """The numbers of a block."""
        top = self.place(name)
        n, m = shape if len(shape) == 2 else (1, *shape)
        return np.array([[self.value(top + i, 3 + j) for j in range(m)] for i in range(n)]).reshape(shape)

    def change(self, name, i, j, value):
        """Type another number into a block."""
        self.page.cell(self.place(name) + i, 3 + j).value = value
        self.value.cache_clear()


def derived(sizes, activation="tanh", loss="squared_error", n=2, **shape):
    rng = np.random.default_rng(3)
    network = Network.create(sizes, activation, seed=1, **shape)
    if network.skip is not None:
        network.skip[...] = rng.normal(size=network.skip.shape)
    width = 1 if isinstance(loss, str) else loss.width
    k = sizes[-1] // width
    return derive(network, rng.normal(size=(n, sizes[0])), rng.dirichlet(np.ones(k + 1), size=n)[:, :k], loss=loss)


def compare(path, d):
    """Every block against the derivation."""
    book = Workbook(path)
    expected = {"x": d.x, "y": d.y, "p": d.p, "dL/dx": d.dx, "dL/dy": d.dy, "L": np.array([[d.loss]])}
    for layer in d.layers:
        w, b, z, h = layer.letters
        expected |= {z: layer.z, h: layer.h, f"dL/d{w}": layer.dw, f"dL/d{z}": layer.dz, f"dL/d{h}": layer.dh}
        if layer.db is not None:
            expected[f"dL/d{b}"] = layer.db
    if d.du is not None:
        expected["dL/du"] = d.du
    for name, values in expected.items():
        np.testing.assert_allclose(book.block(name, values.shape), values, rtol=1e-9, atol=1e-12, err_msg=name)
    return book


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_cells_of_every_activation_are_the_derivations(tmp_path, activation):
    d = derived([2, 3, 2], activation)
    d.to_excel(tmp_path / "d.xlsx")
    compare(tmp_path / "d.xlsx", d)


@pytest.mark.parametrize(
    "loss",
    [*LOSSES.values(), Huber(0.1), Quantile(0.9), BinaryCrossEntropy(0.2), CrossEntropy(0.3)],
    ids=lambda loss: repr(loss),
)
def test_the_cells_of_every_loss_are_the_derivations(tmp_path, loss):
    d = derived([2, 3, 2], loss=loss, n=3)
    d.to_excel(tmp_path / "d.xlsx")
    compare(tmp_path / "d.xlsx", d)


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [([2, 1], {"skip": True}), ([2, 3, 4, 2], {"skip": True, "bias": False}), ([1, 30, 1], {})],
)
def test_every_shape_of_network_is_written(tmp_path, sizes, shape):
    d = derived(sizes, n=1, **shape)
    d.to_excel(tmp_path / "d.xlsx")
    compare(tmp_path / "d.xlsx", d)


def test_a_changed_weight_is_followed_by_every_cell(tmp_path):
    d = derived([2, 3, 1])
    d.to_excel(tmp_path / "d.xlsx")
    book = compare(tmp_path / "d.xlsx", d)
    book.change("w", 1, 2, 0.75)
    network = Network.from_parameters(d.subject.network.architecture, d.subject.network.parameters)
    network.layers[0].w[1, 2] = 0.75
    again = derive(network, d.x, d.t)
    assert again.loss != d.loss
    np.testing.assert_allclose(book.block("L", (1, 1)), again.loss)
    np.testing.assert_allclose(book.block("dL/dw", (2, 3)), again.dw[0], rtol=1e-9)
    np.testing.assert_allclose(book.block("change of L", (1, 1)), again.loss - d.loss, rtol=1e-9)


def test_a_row_of_a_table_stands_in_its_own_units_and_x_follows(tmp_path, mass_model, penguins):
    rows = penguins.take([0, 4])
    d = derive(mass_model, rows, dtype=np.float64)
    d.to_excel(tmp_path / "d.xlsx")
    book = compare(tmp_path / "d.xlsx", d)
    names = [book.page.cell(book.place("cells") - 1, 3 + j).value for j in range(4)]
    j = names.index("flipper_length_mm")
    book.change("cells", 1, j, 200)
    changed = [{name: rows[name][i] for name in rows.names} | {"flipper_length_mm": (181, 200)[i]} for i in (0, 1)]
    again = derive(mass_model, changed, dtype=np.float64)
    np.testing.assert_allclose(book.block("y", (2, 1)), again.y, rtol=1e-9)


def test_a_name_that_looks_like_a_formula_stays_a_text(tmp_path):
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2)), columns=["=1+1", "a\x07b"])
    model = gn.MLPRegressor((2,), solver="lbfgs", random_state=0).fit(X, X.iloc[:, 0])
    derive(model, X[:1], 0.5).to_excel(tmp_path / "d.xlsx")
    cells = [cell for row in load_workbook(tmp_path / "d.xlsx")["derivation"].iter_rows() for cell in row]
    named = [cell for cell in cells if cell.value == "=1+1"]
    assert named
    assert all(cell.data_type != "f" for cell in named)


def test_what_a_spreadsheet_does_not_know_is_told(tmp_path):
    cube = CustomActivation(lambda z: z**3, lambda z: 3 * z**2)
    quartic = CustomLoss(lambda y, t: ((y - t) ** 4).sum(axis=1), lambda y, t: 4 * (y - t) ** 3)
    with pytest.raises(InputError, match="no formula for the activation"):
        derived([2, 3, 1], cube).to_excel(tmp_path / "d.xlsx")
    with pytest.raises(InputError, match="no formula for the loss"):
        derived([2, 3, 1], loss=quartic).to_excel(tmp_path / "d.xlsx")
    with pytest.raises(InputError, match="cells"):
        derived([400, 400, 1]).to_excel(tmp_path / "d.xlsx")
    with pytest.raises(InputError, match=r"\.xlsx"):
        derived([2, 3, 1]).to_excel(tmp_path / "d.csv")
    with pytest.raises(InputError, match="cannot be written"):
        derived([2, 3, 1]).to_excel(tmp_path / "nowhere" / "d.xlsx")


def test_without_openpyxl_it_says_what_to_install(tmp_path, monkeypatch):
    d = derived([2, 3, 1])
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"glassnet\[excel\]"):
        d.to_excel(tmp_path / "d.xlsx")
