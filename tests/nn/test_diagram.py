"""A diagram shows every unit and weight that it has room for, and says what it leaves out."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from glassnet.errors import InputError
from glassnet.nn import Network

SVG = "{http://www.w3.org/2000/svg}"


def drawn(network, **names):
    return ET.fromstring(network.diagram(**names).svg)


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def test_the_chapters_network_shows_every_weight_and_bias():
    network = Network.create([2, 3, 1], activation="tanh", seed=0)
    network.layers[0].b[...] = [0.25, -0.5, 0.125]
    root = drawn(network)
    told = texts(root)
    for layer in network.layers:
        for weight in layer.w.ravel():
            assert f"{weight:.3g}" in told
    assert {"x1", "x2", "h1", "h2", "h3", "y", "b = 0.25", "b = -0.5", "h = tanh(z)"} <= set(told)
    assert len(list(root.iter(f"{SVG}circle"))) == 6
    assert len(list(root.iter(f"{SVG}path"))) == 9


def test_mermaid_has_a_node_for_each_unit_and_an_arrow_for_each_weight():
    network = Network.create([2, 3, 1], bias=False, seed=0)
    lines = network.diagram().mermaid.splitlines()
    assert lines[0] == "graph LR"
    assert sum("((" in line for line in lines) == 6
    assert sum("-->" in line for line in lines) == 9
    assert f'    n0_1 -->|"{network.layers[0].w[1, 2]:.4g}"| n1_2' in lines
    assert str(network.diagram()) == network.diagram().mermaid


def test_a_large_network_is_elided_and_says_how_much():
    network = Network.create([100, 200, 50, 3], seed=0)
    root = drawn(network)
    told = texts(root)
    assert {"… 94 more", "… 194 more", "… 44 more"} <= set(told)
    assert len(list(root.iter(f"{SVG}circle"))) == 6 + 6 + 6 + 3
    assert network.diagram().mermaid.count(" more") == 3
    assert len(network.diagram().svg) < 60_000


def test_the_skip_path_is_drawn():
    network = Network.create([2, 3, 2], skip=True, seed=0)
    network.skip[...] = 0.75
    titles = [title.text for title in drawn(network).iter(f"{SVG}title")]
    assert titles.count("x1 → y2: 0.75") == 1
    assert network.diagram().mermaid.count('-->|"0.75"|') == 4


def test_names_are_escaped_and_counted():
    network = Network.create([2, 1], seed=0)
    names = ['<script>"a"', "b & c"]
    root = drawn(network, inputs=names, outputs=["price"])
    assert names[0] in [title.text for title in root.iter(f"{SVG}title")]
    assert "<script>" not in network.diagram(names).svg
    assert '"a"' not in network.diagram(names).mermaid
    with pytest.raises(InputError, match="3 names of inputs"):
        network.diagram(["a", "b", "c"])


@pytest.mark.parametrize("sizes", [[1, 1], [1, 9, 1], [8, 8], [9, 10, 11, 12]])
def test_every_drawing_lies_on_its_paper(sizes):
    root = drawn(Network.create(sizes, seed=0))
    width, height = float(root.get("width")), float(root.get("height"))
    for circle in root.iter(f"{SVG}circle"):
        x, y, r = (float(circle.get(name)) for name in ("cx", "cy", "r"))
        assert r <= x <= width - r
        assert r <= y <= height - r


def test_weights_of_zero_are_drawn():
    network = Network.create([2, 2, 1], init="zeros")
    assert not np.any(network.parameters)
    assert texts(drawn(network)).count("0") == 6
