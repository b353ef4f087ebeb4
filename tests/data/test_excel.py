"""An Excel sheet reads as the table that a person sees in it."""

import datetime as dt
import io
import re
import sys
import zipfile

import pytest

from glassnet.data.table import Table
from glassnet.errors import DataWarning, TableError

openpyxl = pytest.importorskip("openpyxl")


def workbook(*sheets: tuple[str, dict[str, object]]) -> bytes:
    """A workbook of sheets, each a name and its cells by their place."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets:
        sheet = book.create_sheet(name)
        for place, cell in cells.items():
            sheet[place] = cell
    book.save(stream := io.BytesIO())
    return stream.getvalue()


def column(*cells: object) -> list[object]:
    """What a column of a sheet with these cells reads as."""
    below = {f"B{3 + i}": cell for i, cell in enumerate(cells)} | {f"C{3 + i}": i for i in range(len(cells))}
    return Table.read(workbook(("s", {"B2": "a", "C2": "n"} | below)))["a"].to_list()


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        ((1, 2, None), [1, 2, None]),
        ((1, 2.5), [1.0, 2.5]),
        ((1 / 3, 1e20), [1 / 3, 1e20]),
        (("00501", "10001"), ["00501", "10001"]),
        (("00501", 10001), ["00501", "10001"]),
        ((" x ", "y", ""), ["x", "y", None]),
        ((1, "NA", "#DIV/0!"), [1, None, None]),
        ((1, "x"), ["1", "x"]),
        (("1,234", "5"), [1234.0, 5.0]),
        ((True, False), [True, False]),
        ((dt.date(2020, 1, 31), None), [dt.date(2020, 1, 31), None]),
        (
            (dt.datetime(2020, 1, 31), dt.datetime(2020, 1, 31, 5)),
            [dt.datetime(2020, 1, 31), dt.datetime(2020, 1, 31, 5)],
        ),
        ((dt.date(2020, 1, 31), "soon"), ["2020-01-31T00:00:00", "soon"]),
        ((dt.time(10, 30), dt.time(23)), [dt.time(10, 30), dt.time(23)]),
        ((dt.timedelta(hours=30), dt.timedelta(0)), [dt.timedelta(hours=30), dt.timedelta(0)]),
    ],
)
def test_cells_keep_their_type(cells, read):
    assert column(*cells) == read


def test_empty_rows_and_columns_are_nothing(tmp_path):
    cells = {"C4": "a", "E4": 2020, "C5": 1, "E5": "x", "C8": 2, "G20": None}
    (tmp_path / "book.xlsx").write_bytes(workbook(("s", cells)))
    table = Table.read(tmp_path / "book.xlsx")
    assert table.frame.to_dict(as_series=False) == {"a": [1, 2], "2020": ["x", None]}


def test_the_first_sheet_is_read_or_the_one_that_is_named():
    data = workbook(("one", {"A1": "a", "A2": 1}), ("two", {"A1": "b", "A2": 2}), ("empty", {}), ("head", {"A1": "a"}))
    assert Table.read(data).names == ["a"]
    assert Table.read(io.BytesIO(data), sheet="two").names == ["b"]
    with pytest.raises(TableError, match=r"no sheet 'tow'\. Did you mean 'two'\? Its sheets: one, two, empty, head"):
        Table.read(data, sheet="tow")
    with pytest.raises(TableError, match=r"no cells with values in sheet 'empty'.*row of column names"):
        Table.read(data, sheet="empty")
    with pytest.raises(TableError, match="one row in sheet 'head'"):
        Table.read(data, sheet="head")
    with pytest.raises(TableError, match="has no sheets, but sheet='one' was asked for"):
        Table.read(b"a\n1\n", sheet="one")


def test_a_formula_counts_by_its_stored_value():
    data = workbook(("s", {"A1": "a", "A2": 3, "A3": "=2*A2"}))
    source, stream = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(stream, "w") as book:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                content, found = re.subn(rb"<f>2\*A2</f><v ?/?>(</v>)?", b"<f>2*A2</f><v>6</v>", content)
                assert found == 1
            book.writestr(name, content)
    assert Table.read(stream.getvalue())["a"].to_list() == [3, 6]


def test_names_are_checked_as_in_a_csv():
    with pytest.raises(TableError, match="more than one column named 'a'"):
        Table.read(workbook(("s", {"A1": "a", "B1": "a ", "A2": 1})))
    with pytest.warns(DataWarning, match="without a name, called 'column_1'"):
        assert Table.read(workbook(("s", {"B1": "a", "A2": 1, "B2": 2}))).names == ["column_1", "a"]


def test_a_damaged_workbook_is_refused(tmp_path):
    data = workbook(("s", {"A1": "a", "A2": 1}))
    (tmp_path / "book.xlsx").write_bytes(data[: len(data) // 2])
    with pytest.raises(TableError, match=r"book\.xlsx' is a damaged Excel file, or none"):
        Table.read(tmp_path / "book.xlsx")
    with pytest.raises(TableError, match="a zip file"):
        Table.read(data[: len(data) // 2])


def test_without_its_reader_an_excel_file_says_what_to_install(monkeypatch):
    data = workbook(("s", {"A1": "a", "A2": 1}))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(TableError, match=r"pip install 'glassnet\[excel\]'.*save the table as CSV"):
        Table.read(data)
