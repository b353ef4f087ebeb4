"""A page shows what fits, says what it hides, and lets no text of a user act."""

import json
import re

import numpy as np
import pytest

from glassnet.errors import InputError
from glassnet.explanation import drawing
from glassnet.explanation.html import render_html
from glassnet.explanation.page import (
    Explanation,
    Formula,
    Heading,
    Matrix,
    Table,
    Text,
    Verdict,
    number,
    plain,
    render_text,
)

EVIL = "<script>alert(\"1\")</script> & 'quotes'"


class Result(Explanation):
    def __init__(self, *blocks):
        self.blocks = blocks

    def page(self):
        return self.blocks

    def to_dict(self):
        return {"a": np.array([1.0, np.inf]), "b": np.float32(2), "c": None, "d": ("x", np.bool_(True))}


def test_a_wide_matrix_is_cut_and_says_how_much_is_hidden():
    values = np.arange(20 * 40.0).reshape(20, 40)
    text = render_text([Matrix("w", values, [f"x{i}" for i in range(20)], [f"h{j}" for j in range(40)])], width=80)
    shown = text.splitlines()
    assert shown[0] == "w (20, 40)"
    assert all(len(line) <= 80 for line in shown)
    columns = len(re.findall(r"h\d+", shown[1]))
    assert shown[-1] == f"  … 8 more rows and {40 - columns} more columns; all of them: to_dict()"
    assert shown[2].split()[1:3] == ["0", "1"]


@pytest.mark.parametrize("shape", [(1, 1), (3,), (13, 2), (2, 9)])
def test_a_matrix_that_fits_is_whole(shape):
    text = render_text([Matrix("a", np.ones(shape))], width=100)
    assert "…" not in text
    assert text.split().count("1") >= np.prod(shape)


def test_every_text_is_escaped_in_html():
    blocks = [
        *(Heading(EVIL), Text(EVIL), Formula(EVIL), Verdict("bad", EVIL)),
        Matrix(EVIL, np.ones((1, 1)), [EVIL], [EVIL], EVIL),
        Table([EVIL], [[EVIL]], EVIL),
    ]
    html = render_html(blocks)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 11


def test_html_unfolds_what_it_hides_and_leaves_out_what_is_too_much():
    small = render_html([Matrix("w", np.full((20, 30), 0.25))])
    assert "<details>" in small
    assert small.count("<td>0.25</td>") == 8 * 10 + 20 * 30
    large = render_html([Matrix("w", np.full((200, 300), 0.25))])
    assert "to_dict()" in large
    assert large.count("<td>0.25</td>") == 8 * 10


def test_json_is_strict():
    result = Result(Heading("A result"))
    assert json.loads(result.to_json()) == {"a": [1.0, None], "b": 2.0, "c": None, "d": ["x", True]}
    assert plain(result.to_dict()) == json.loads(result.to_json())


def test_an_explanation_is_named_in_its_repr_and_shown_by_print_and_notebook():
    result = Result(Heading("A result"), Text("Said."))
    assert repr(result) == "<Result: A result>"
    assert str(result).splitlines() == ["A result", "────────", "", "Said."]
    assert result._repr_html_() == result.to_html()


def test_a_table_wraps_its_last_column_and_keeps_all_cells():
    said = "word " * 60
    text = render_text([Table(["name", "value", "what it says"], [["a", 0.123456, said], ["b", None, "short"]])], 80)
    assert text.split().count("word") == 60
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "0.1235" in text


@pytest.mark.parametrize(("value", "shown"), [(1e-7, "1e-07"), (123456.0, "1.235e+05"), (True, "yes"), (12, "12")])
def test_numbers_are_rounded_for_people(value, shown):
    assert number(value) == shown


def test_pictures_need_matplotlib_and_say_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"glassnet\[plot\]"):
        drawing.axes()


def test_axes_that_are_given_are_used():
    ax = drawing.axes()
    assert drawing.axes(ax) is ax
