"""Whatever a table comes from, the same cells arrive; what is no table is refused with a reason."""

import contextlib
import datetime as dt
import gzip
import io
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glassnet.data.table import Table, write_table
from glassnet.errors import DataWarning, TableError

NAMES = ["größe", "city", "n"]
ROWS = [("1.5", "Köln", "1"), ("-1234.25", "a b", "2"), ("", "Zürich, Süd; x\tz|w", "NA"), ("7", "line\nbreak", "40")]
CELLS = {"größe": [1.5, -1234.25, None, 7.0], "city": [row[1] for row in ROWS], "n": [1, 2, None, 40]}


def csv_text(separator: str, decimal: str) -> str:
    """ROWS in a dialect; texts that need it are quoted."""

    def cell(text: str, numeric: bool) -> str:
        text = text.replace(".", decimal) if numeric else text
        return f'"{text}"' if any(mark in text for mark in (separator, "\n")) else text

    lines = [separator.join(NAMES)]
    lines += [separator.join([cell(a, True), cell(b, False), cell(c, True)]) for a, b, c in ROWS]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", "."), (";", ","), ("\t", ","), ("|", ".")])
def test_every_csv_dialect_reads_as_the_same_table(separator, decimal, encoding, compressed, tmp_path):
    data = csv_text(separator, decimal).encode(encoding)
    path = tmp_path / ("t.csv.gz" if compressed else "t.csv")
    path.write_bytes(gzip.compress(data) if compressed else data)

    found, told = Table.read(path), Table.read(str(path), separator=separator, decimal=decimal, encoding=encoding)

    assert found.frame.to_dict(as_series=False) == CELLS
    assert found.frame.equals(told.frame)


@pytest.mark.parametrize(
    "source",
    [
        CELLS,
        pl.DataFrame(CELLS),
        pl.LazyFrame(CELLS),
        pl.DataFrame(CELLS).with_columns(pl.col("city").cast(pl.Categorical), pl.col("n").cast(pl.Float32)),
        pd.DataFrame(CELLS),
        pd.DataFrame(CELLS).astype({"city": "category", "n": "Int64"}),
        pd.DataFrame(CELLS).astype({"city": object, "n": object, "größe": object}),
        pd.DataFrame(CELLS).convert_dtypes(),
        {name: pd.Series(cells) for name, cells in CELLS.items()},
        pa.table(CELLS),
        Table.read(CELLS),
        [dict(zip(CELLS, row, strict=True)) for row in zip(*CELLS.values(), strict=True)],
        (
            {"größe": 1.5, "city": "Köln", "n": 1},
            *({k: CELLS[k][i] for k in ("n", "city", "größe")} for i in (1, 2, 3)),
        ),
        io.BytesIO(csv_text(",", ".").encode()),
        io.StringIO(csv_text(";", ",")),
        csv_text(",", ".").replace("\n", "\r\n").replace("line\r\n", "line\n").encode(),
    ],
    ids=lambda source: type(source).__module__.split(".")[0] + "." + type(source).__name__,
)
def test_every_source_gives_the_same_cells(source):
    assert Table.read(source).frame.to_dict(as_series=False) == CELLS


def test_pandas_needs_no_arrow(monkeypatch):
    frame = pd.DataFrame({"text": ["a", None], "flag": pd.array([True, None], dtype="boolean")})
    frame["when"] = pd.to_datetime(["2020-01-01", None])
    for module in ("pyarrow", "pandas.core.arrays.arrow"):
        monkeypatch.setitem(sys.modules, module, None)
    table = Table.read(frame)
    assert table["text"].to_list() == ["a", None]
    assert table["flag"].to_list() == [True, None]
    assert table["when"].null_count() == 1


def test_parquet_and_standard_input(tmp_path, monkeypatch):
    pl.DataFrame(CELLS).write_parquet(tmp_path / "t.parquet")
    data = (tmp_path / "t.parquet").read_bytes()
    for stdin in (data, gzip.compress(data), csv_text(";", ",").encode()):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        assert Table.read("-").frame.to_dict(as_series=False) == CELLS
    assert Table.read(tmp_path / "t.parquet").frame.to_dict(as_series=False) == CELLS


def test_a_list_of_dicts_may_leave_cells_out():
    table = Table.read([{"a": 1}, {"b": "x", "a": 2}])
    assert table.frame.to_dict(as_series=False) == {"a": [1, 2], "b": [None, "x"]}


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (np.array(["2020-01-31", "NaT"], dtype="datetime64[ns]"), dt.datetime(2020, 1, 31)),
        (np.array([90, 1], dtype="timedelta64[s]"), dt.timedelta(minutes=1, seconds=30)),
        (pd.Series(pd.to_timedelta([90, None], unit="s")), dt.timedelta(minutes=1, seconds=30)),
        (pd.Series(pd.to_datetime(["2020-01-31"], utc=True)), dt.datetime(2020, 1, 31, tzinfo=dt.UTC)),
        ([dt.date(2020, 1, 31), dt.datetime(2020, 1, 31, 5), None], dt.datetime(2020, 1, 31)),
        ([dt.date(2020, 1, 31), "soon"], "2020-01-31"),
        ([dt.time(5), None], dt.time(5)),
    ],
)
def test_times_of_every_library_keep_their_meaning(cells, first):
    assert Table.read({"a": cells})["a"][0] == first


def test_an_array_names_its_columns_and_nan_is_missing():
    table = Table.read(np.array([[1.0, np.nan], [3.0, 4.0]]))
    assert table.names == ["x0", "x1"]
    assert table["x1"].to_list() == [None, 4.0]
    assert Table.read({"m": np.ma.array([1, 2], mask=[False, True])})["m"].to_list() == [1, None]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("zip,b\n00007,1\n12345,2\n", ["00007", "12345"]),  # a code keeps its zeros
        ('zip,b\n"00007",1\n"12345",2\n', ["00007", "12345"]),
        ("a,b\n0.5,1\n0,2\n", [0.5, 0.0]),  # zeros before a point are a number's
        ("a,b\n1.5,x\n-,y\n", [1.5, None]),  # a dash among numbers is missing
        ("a,b\n+,x\n-,y\n", ["+", "-"]),  # among signs it is a sign
        ("a,b\n?,x\n 3,y\n", [None, 3]),
        ("a\n1\n\n3\n", [1, None, 3]),  # in one column, an empty line is a missing cell
        ("a,b\n1,x\n\n3,\n", [1, 3]),  # in more, it is nothing
        ("a;b\n1.234.567;1,5\n999;2\n", [1234567.0, 999.0]),
        ("a\rx\ry\r", ["x", "y"]),
        ('a,b\n5" pipe,1\n6 foot,2\n', ['5" pipe', "6 foot"]),
        ("a,b\nTRUE,1\nfalse,\n", [True, False]),
        ('a,b\n"1,234",x\n999,y\n"-1,234,567.5",z\n', [1234.0, 999.0, -1234567.5]),  # thousands as in the US
        ('a,b\n"1,23",x\n9,y\n', ["1,23", "9"]),  # no thousands
        ("a;b\n1,234.5;x\n2,000;y\n", [1234.5, 2000.0]),
        ("when,b\n31.12.2020,1\n,2\n", ["31.12.2020", None]),  # how dates are written is seen when training knows all
    ],
)
def test_cells_of_a_csv_mean_what_a_person_reads(text, cells):
    assert Table.read(text.encode()).frame.to_series(0).to_list() == cells


def test_a_late_fraction_is_not_rounded():
    assert Table.read(("a\n" + "4\n" * 30_000 + "3.5\n").encode())["a"][-1] == 3.5


def test_a_very_wide_header_is_read_whole():
    names = [f"a_rather_long_column_name_{j}" for j in range(5_000)]
    table = Table.read((",".join(names) + "\n" + ",".join("1" * 5_000) + "\n").encode())
    assert table.names == names


def test_a_nameless_column_gets_a_name_and_a_warning():
    with pytest.warns(DataWarning, match=r"without a name, called 'column_1'.*'ignore'"):
        assert Table.read(b",a\n0,5\n1,6\n").names == ["column_1", "a"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b,a\n1,2,3\n", "more than one column named 'a'"),
        (b"5.1,3.5,x\n4.9,3.0,y\n", "header line was needed"),
        (b"a,b\n1,2\n3\n", "line 3: 1 cells, but the header names 2"),
        (b"a,b\n1,2\n\n3,4,5\n", "line 4: 3 cells, but the header names 2"),
        (b'a,b\n1,"x\n2,y\n', "line 2: a quotation mark"),
        (b"\x7fELF\x00\x01\x02", "binary data"),
        (b"PK\x03\x04....", "a zip file.*Excel .*save it as one of them"),
        (b"PAR1....", "damaged Parquet"),
        (b"\x1f\x8b....", "damaged gzip"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(data, words):
    with pytest.raises(TableError, match=words):
        Table.read(data)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (5, "Cannot read a table from int"),
        (np.zeros(3), r"shape \(3,\).*x\[None, :\]"),
        ({"a": 1}, "one value per row"),
        ({"a": [1], "b": [1, 2]}, "different lengths.*a: 1, b: 2"),
        ({"a": np.zeros((2, 2))}, r"shape \(2, 2\)"),
        ({"a": [object()]}, "'a' holds object"),
        ({1: [1], "1": [2]}, "same name"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column named a"),
    ],
)
def test_what_holds_no_columns_is_refused_with_a_reason(source, words):
    with pytest.raises(TableError, match=words):
        Table.read(source)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"separator": "::"}, "one character"),
        ({"separator": '"'}, "one character"),
        ({"decimal": "x"}, "'.' or ','"),
        ({"encoding": "utf-88"}, "Unknown encoding"),
        ({"encoding": "ascii"}, "not text in ascii"),
    ],
)
def test_an_impossible_option_is_refused(options, words):
    with pytest.raises(TableError, match=words):
        Table.read("a,b\né,1\n".encode(), **options)


def test_a_path_that_does_not_lead_to_a_table_says_where_it_leads(tmp_path):
    (tmp_path / "penguins.csv").write_text("a,b\n1,2\n")
    (tmp_path / "book.xlsx").write_text("not really")
    (tmp_path / "t.parquet").write_text("a,b\n1,2\n")
    for name, words in {
        "penguin.csv": "Did you mean .*penguins.csv",
        "elsewhere/t.csv": "no file .*Check the path",
        "": "is a folder.*penguins.csv",
        "book.xlsx": "damaged Excel file",
        "t.parquet": "not a Parquet file",
    }.items():
        with pytest.raises(TableError, match=words):
            Table.read(tmp_path / name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.filterwarnings("ignore::glassnet.errors.DataWarning")
@given(st.one_of(st.binary(max_size=60), st.text('ab1,;\t|"\n\r. -', max_size=40).map(str.encode)))
def test_no_bytes_crash_the_reader(data):
    with contextlib.suppress(TableError):
        assert Table.read(data).n_rows > 0


@pytest.mark.parametrize("pack", [gzip.compress, lambda text: parquet(Table.read(text))], ids=["gz", "parquet"])
def test_a_damaged_file_is_an_error_or_a_table(pack):
    whole = pack(b"a,b\n" + b"1,x\n2,y\n" * 20)
    rng = np.random.default_rng(0)
    for position in rng.integers(4, len(whole), 100):
        for damaged in (whole[:position], whole[:position] + rng.bytes(1) + whole[position + 1 :]):
            with contextlib.suppress(TableError):
                Table.read(damaged)


def parquet(table: Table) -> bytes:
    """The table as the bytes of a Parquet file."""
    stream = io.BytesIO()
    table.frame.write_parquet(stream)
    return stream.getvalue()


def test_columns_and_rows_are_chosen_by_name_and_number():
    table = Table.read({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    assert table.select(["b"]).names == table.without("a").names == ["b"]
    assert table.take(np.array([2, 0]))["a"].to_list() == [3, 1]
    assert len(table.take([])) == 0
    assert "3 rows: a, b" in repr(table)


def test_a_missing_column_names_the_nearest_and_elides_the_rest():
    table = Table.read({"Mass": [1]} | {f"column{i}": [1] for i in range(30)})
    with pytest.raises(TableError, match=r"'mass' \(did you mean 'Mass'\?\).*has 31: Mass, column0.*… \(19 more\)"):
        table["mass"]
    with pytest.raises(TableError, match="'no', 'nope'"):
        table.select(["no", "nope"])


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.tsv", "t.parquet"])
def test_what_is_written_reads_back(name, tmp_path):
    columns = {"p": np.array([0.1, 1 / 3]), "label": ["a,b", 'say "x"'], "n": [1, 2]}
    write_table(columns, tmp_path / name)
    assert Table.read(tmp_path / name).frame.equals(Table.read(columns).frame)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_standard_output_is_csv_and_a_link_stays_a_link(tmp_path, capsys):
    write_table({"a": [1]}, "-")
    assert capsys.readouterr().out == "a\n1\n"
    (tmp_path / "link.csv").symlink_to(tmp_path / "file.csv")
    write_table({"a": [1]}, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "file.csv").read_text() == "a\n1\n"


def test_a_failed_write_says_why_and_leaves_the_old_file(tmp_path):
    (tmp_path / "old.csv").write_text("old")
    with pytest.raises(TableError, match="different lengths"):
        write_table({"a": [1], "b": []}, tmp_path / "old.csv")
    assert (tmp_path / "old.csv").read_text() == "old"
    with pytest.raises(TableError, match="must end in"):
        write_table({"a": [1]}, tmp_path / "t.xlsx")
    with pytest.raises(TableError, match=r"cannot be written.*No such"):
        write_table({"a": [1]}, tmp_path / "nowhere" / "t.csv")
