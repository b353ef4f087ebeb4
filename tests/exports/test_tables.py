"""A whole table model in one file: every kind of column and of target, as predict has it."""

import csv
import datetime as dt
import io
import json
import subprocess
import sys
import textwrap

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import glassnet as gn
from glassnet.errors import InputError
from glassnet.exports.c import compiler, run_c
from glassnet.exports.content import content_of
from glassnet.exports.python import run_python
from glassnet.exports.rows import plain_cells, raw_cells
from glassnet.exports.zones import transitions

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
needs_compiler = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
FORMATS = [".onnx", ".py", pytest.param(".c", marks=needs_compiler)]
TARGETS = (
    *("two classes", "three classes", "flags", "several labels"),
    *("quantity", "logarithm", "counts", "several quantities"),
)
UTC = dt.UTC


def answers(model, rows):
    """What predict and predict_proba say."""
    return [model.predict(rows), *([model.predict_proba(rows)] if hasattr(model, "predict_proba") else [])]


def agree(found, expected):
    """To the rounding of the networks, which compute in float32."""
    for own, said in zip(found, expected, strict=True):
        if said.dtype.kind == "f":
            np.testing.assert_allclose(own, said, rtol=1e-4, atol=3e-5 * np.abs(said).max())
        else:
            assert (np.asarray(own) == said).mean() > 0.99  # a tie may fall either way


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_comes_in_its_own_units(target, ending, models, tmp_path):
    model, path = models[target], tmp_path / f"model{ending}"
    done = gn.export(model, path)
    assert done.difference <= done.allowed
    assert done.allowed < 1e-3 * np.abs(answers(model, {"a": [0.0], "b": [1.0]})[-1]).max()
    rng = np.random.default_rng(5)
    rows = gn.Table.read({"a": [None, *rng.normal(size=60).tolist()], "b": rng.normal(size=61)})
    content = content_of(model)
    cells = plain_cells(content, rows, np.dtype(np.float64))
    if ending == ".onnx":
        found = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, cells)
    elif ending == ".py":
        found = run_python(content, path.read_text(encoding="utf-8"), raw_cells(content, rows))
    else:
        found = run_c(content, path.read_bytes(), cells)
    agree(found, answers(model, rows))


def test_a_threshold_other_than_a_half_decides(models, tmp_path):
    model = models["two classes"]
    p = np.sort(model.predict_proba({"a": np.linspace(-2, 2, 50), "b": np.zeros(50)})[:, 1])
    told, model.threshold_ = model.threshold_, float(p[40])
    try:
        gn.export(model, tmp_path / "m.onnx")
        rows = {"a": np.linspace(-2, 2, 50)[:, None], "b": np.zeros((50, 1))}
        session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
        label, probabilities = session.run(None, rows)
        assert ((label == "yes") == (probabilities[:, 1] > model.threshold_)).all()
        assert 5 < (label == "yes").sum() < 15
    finally:
        model.threshold_ = told


@pytest.fixture(scope="module")
def session(of_every_kind, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "every.onnx"
    gn.export(of_every_kind, path)
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def plain(of_every_kind, tmp_path_factory):
    path = tmp_path_factory.mktemp("python") / "every.py"
    gn.export(of_every_kind, path)
    return path.read_text(encoding="utf-8")


def maybe(strategy):
    return st.one_of(st.none(), strategy)


MOMENTS = st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2090, 1, 1)).map(lambda t: t.replace(microsecond=0))
ROW = st.fixed_dictionaries(
    {
        "size": maybe(st.floats(-1e6, 1e6)),
        "mass": maybe(st.floats(-10, 10)),
        "visits": maybe(st.integers(0, 40)),
        "town": maybe(st.sampled_from(["Ulm", " Ulm ", "7", "7.0", "07", "Bad Tölz", "ulm", "8", "Köln"])),
        "street": maybe(st.sampled_from([f"street {i}" for i in range(50)])),
        "sure": maybe(st.booleans()),
        "sold": maybe(MOMENTS),
        "told": maybe(MOMENTS.map(lambda t: t.strftime("%d.%m.%Y"))),
        "at": maybe(MOMENTS.map(lambda t: t.replace(tzinfo=UTC))),
        "opens": maybe(st.times().map(lambda t: t.replace(microsecond=0))),
        "took": maybe(st.integers(-(10**6), 10**6).map(lambda s: dt.timedelta(seconds=s))),
    }
)
SCHEMA = {
    "size": pl.Float64,
    "mass": pl.Float64,
    "visits": pl.Int64,
    "town": pl.String,
    "street": pl.String,
    "sure": pl.Boolean,
    "sold": pl.Datetime("us"),
    "told": pl.String,
    "at": pl.Datetime("us", "UTC"),
    "opens": pl.Time,
    "took": pl.Duration("us"),
}


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=12))
def test_any_rows_say_the_same_in_every_format(rows, of_every_kind, session, plain):
    table = gn.Table.read(pl.DataFrame(rows, schema=SCHEMA))
    content, expected = content_of(of_every_kind), of_every_kind.predict_proba(table)
    np.testing.assert_allclose(
        session.run(["probabilities"], plain_cells(content, table, np.dtype(np.float64)))[0], expected, atol=2e-5
    )
    np.testing.assert_allclose(run_python(content, plain, rows)[1], expected, atol=2e-5)


def test_plain_python_reads_cells_as_the_model_does(of_every_kind, plain):
    typical = {
        "size": "12.5",
        "mass": "1",
        "visits": "3",
        "town": "Ulm",
        "street": "street 1",
        "sure": "yes",
        "sold": "2019-05-06",
        "told": "01.02.2020",
        "at": "2019-07-01T10:30:00Z",
        "opens": "9:05",
        "took": "0:10:00",
    }
    changed = [
        *({"town": cell} for cell in ("", " Bad Tölz", "7", "7.0", "07", "nowhere")),
        *({"sure": cell} for cell in ("No", "1", "0.0", None)),
        *({"sold": cell} for cell in ("2020-02-29 23:59:59.5", "2019-01-01T00:00", None)),
        *({"told": cell} for cell in ("31.12.2020", "2020-12-31", "1.3.2019 06:00", None)),
        *({"at": cell} for cell in ("2019-10-27T02:30:00+02:00", "2019-10-27 02:30+0100", "2019-03-31", None)),
        *({"opens": cell} for cell in ("23:59:59", "00:00:00.25", None)),
        *({"took": cell} for cell in ("-1:00:05", "100:00:00.5", "77", None)),
    ]
    rows = [typical, *(typical | one for one in changed)]
    # Cell by cell, since a column of a table is read as one.
    expected = np.vstack([of_every_kind.predict_proba({name: [cell] for name, cell in row.items()}) for row in rows])
    np.testing.assert_allclose(run_python(content_of(of_every_kind), plain, rows)[1], expected, atol=2e-5)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *(("size", "many"), ("size", "1_000"), ("size", float("inf")), ("sure", "perhaps"), ("sold", "2019-02-29")),
        *(("sold", "2019-01-01T10:00Z"), ("told", "13.13.2020"), ("at", "2019-03-31 02:30"), ("opens", "25:00")),
        ("took", "1:99:00"),
    ],
)
def test_plain_python_refuses_the_cells_that_the_model_refuses(column, cell, of_every_kind, plain):
    row = dict.fromkeys(SCHEMA) | {column: cell}
    with pytest.raises(ValueError, match=column):
        of_every_kind.predict({name: [own] for name, own in row.items()})
    with pytest.raises(ValueError, match=column):
        run_python(content_of(of_every_kind), plain, [row])


def test_a_zone_is_the_clock_that_polars_knows():
    starts, ahead = transitions("America/New_York")
    utc = np.random.default_rng(0).integers(-2_000_000_000, 4_000_000_000, 500)
    moments = pl.Series(utc * 1_000_000).cast(pl.Datetime("us", "UTC"))
    clock = moments.dt.convert_time_zone("America/New_York").dt.replace_time_zone(None).dt.timestamp("us") / 1e6
    np.testing.assert_array_equal(np.array(ahead)[np.searchsorted(starts, utc, side="right")], clock - utc)


def test_metadata_say_what_inputs_hold(of_every_kind, session):
    told = json.loads(session.get_modelmeta().custom_metadata_map["glassnet"])
    inputs = {one["name"]: one for one in told["inputs"]}
    assert set(inputs) == set(SCHEMA)
    assert inputs["town"]["type"] == "string"
    assert inputs["at"]["zone"] == "Europe/Berlin"
    assert "seconds since 1970" in inputs["at"]["holds"]
    assert told["classes"] == [[0, 1, 2]]
    assert [(one.name, one.shape) for one in session.get_inputs()] == [(name, ["n", 1]) for name in inputs]
    assert [one.name for one in session.get_outputs()] == ["label", "probabilities"]


def test_a_column_called_label_keeps_its_name(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 2))
    model = gn.TableClassifier(n_estimators=1, max_iter=2, hidden_layer_sizes=(4,), random_state=0)
    model.fit({"label": x[:, 0], "probabilities": x[:, 1]}, x[:, 0] > 0)
    assert list(gn.export(model, tmp_path / "m.onnx").outputs) == ["label_", "probabilities_"]
    onnx.checker.check_model(str(tmp_path / "m.onnx"), full_check=True)


def test_names_and_labels_with_every_odd_letter_are_kept(tmp_path):
    odd = 'a "quoted" \\ name */ ??/ {braces} \'\'\' """ é\n'
    x = np.random.default_rng(0).normal(size=(60, 2))
    model = gn.TableClassifier(n_estimators=1, max_iter=2, hidden_layer_sizes=(4,), random_state=0)
    model.fit({odd: x[:, 0], "b": x[:, 1]}, np.where(x[:, 0] > 0, odd, "other"))
    for ending in (".onnx", ".py", *([".c"] if compiler() else [])):
        assert gn.export(model, tmp_path / f"m{ending}").difference < 1e-5


def test_c_refuses_other_columns_and_names_them(of_every_kind, tmp_path):
    with pytest.raises(InputError, match=r"town, street, sure, sold.*write \.onnx or \.py"):
        gn.export(of_every_kind, tmp_path / "m.c")
    assert not list(tmp_path.iterdir())


def test_labels_of_several_types_are_refused_by_onnx_alone(tmp_path):
    x = np.random.default_rng(0).normal(size=(60, 2))
    model = gn.TableClassifier(n_estimators=1, max_iter=2, hidden_layer_sizes=(4,), random_state=0)
    model.fit({"a": x[:, 0], "b": x[:, 1]}, {"p": np.where(x[:, 0] > 0, "y", "n"), "q": x[:, 1] > 0})
    with pytest.raises(InputError, match="bool, str"):
        gn.export(model, tmp_path / "m.onnx")
    assert gn.export(model, tmp_path / "m.py").outputs["label"] == "list of bool|str"


def test_a_wrong_preparation_is_not_written(of_every_kind, tmp_path, monkeypatch):
    (tmp_path / "m.onnx").write_bytes(b"as it was")
    monkeypatch.setattr("glassnet.exports.onnx_graph.DAY", 86_401.0)
    with pytest.raises(InputError, match="probabilities differs by"):
        gn.export(of_every_kind, tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx").read_bytes() == b"as it was"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_file_of_python_runs_without_any_package(of_every_kind, plain, tmp_path):
    rows = [
        {"size": "5.5", "mass": "0.5", "visits": "2", "town": "Ulm", "street": "street 3", "sure": "yes"},
        {"size": "NA", "mass": "-1", "visits": "0", "town": "Köln", "street": "?", "sure": ""},
    ]
    times = {"sold": "2019-05-06", "told": "01.02.2020", "at": "2019-07-01", "opens": "09:05", "took": "0:10:00"}
    names = [*rows[0], *times]
    (tmp_path / "every.py").write_text(plain, encoding="utf-8")
    with (tmp_path / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, names)
        out.writeheader()
        out.writerows(row | times for row in rows)
    command = [sys.executable, "-S", "-I", "every.py", "rows.csv"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(told[0]) == ["prediction", "p_0", "p_1", "p_2"]
    expected = [
        of_every_kind.predict_proba({n: [None if c in ("NA", "?", "") else c] for n, c in (row | times).items()})[0]
        for row in rows
    ]
    found = [[float(line[f"p_{label}"]) for label in range(3)] for line in told]
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert [int(line["prediction"]) for line in told] == np.argmax(expected, axis=1).tolist()


def test_the_file_of_onnx_runs_without_glassnet(models, tmp_path):
    gn.export(models["quantity"], tmp_path / "m.onnx")
    code = """
        import sys
        sys.modules["glassnet"] = None
        import numpy as np
        import onnxruntime
        session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
        (prediction,) = session.run(["prediction"], {"a": np.array([[0.5], [np.nan]]), "b": np.array([[1.0], [2.0]])})
        print(*prediction.tolist())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    expected = models["quantity"].predict({"a": [0.5, None], "b": [1.0, 2.0]})
    np.testing.assert_allclose([float(word) for word in done.stdout.split()], expected, rtol=1e-5)
