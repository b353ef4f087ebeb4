"""The benchmark of accuracy: tables are what was recorded, nothing is measured twice, goals are judged as they say."""

import doctest
import json
import lzma
import pickle
import re
import struct
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

ROOT = Path(__file__).parents[1]
if not (ROOT / "benchmarks" / "accuracy").is_dir():
    pytest.skip("the benchmarks are not part of this copy", allow_module_level=True)
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

downloads, goals, peers, pickled, r_data, report, results, rounds, statistics, tables, variants, worker = (
    import_module(f"benchmarks.accuracy.{name}")
    for name in (
        "downloads",
        "goals",
        "peers",
        "pickled",
        "r_data",
        "report",
        "results",
        "rounds",
        "statistics",
        "tables",
        "variants",
        "worker",
    )
)
command = import_module("benchmarks.accuracy.__main__")

CATALOGUE = tables.catalogue()
VERSIONS = {"glassnet": "glassnet 1, sources aaa", "sk": "scikit-learn 1", "lgbm": "lightgbm 1"}
Line = dict[str, Any]


@pytest.mark.parametrize(
    "module", [command, downloads, goals, peers, report, rounds, statistics, tables, variants], ids=lambda m: m.__name__
)
def test_the_examples_in_the_benchmark_of_accuracy_run(module: Any) -> None:
    outcome = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert outcome.attempted > 0
    assert outcome.failed == 0


# --- the tables


def test_the_catalogue_names_a_public_package_and_a_licence_for_each_of_sixteen_tables() -> None:
    assert len(CATALOGUE) == 16
    for entry in CATALOGUE.values():
        assert entry.registry in ("PyPI", "Debian", "installed")
        assert entry.package
        assert entry.version
        assert entry.licence
        assert re.fullmatch("[0-9a-f]{64}", entry.fingerprint)
        assert entry.registry == "installed" or entry.reader in tables.READERS


@pytest.mark.parametrize("name", ["diabetes", "breast_cancer"])
def test_a_table_that_scikit_learn_brings_is_what_was_recorded(name: str) -> None:
    table = tables.build(CATALOGUE[name])
    assert tables.fingerprint(table) == CATALOGUE[name].fingerprint
    assert table.shape == (CATALOGUE[name].n, CATALOGUE[name].d + 1)
    assert table.columns[-1] == "target"


def entry_of(reader: str, task: str = "binary", **more: Any) -> Any:
    return tables.Entry(
        name="t",
        task=task,
        n=3,
        d=2,
        registry="PyPI",
        package="p",
        version="1",
        licence="MIT",
        reader=reader,
        **{"file": "t.csv", "target": "target", "fingerprint": "0" * 64, **more},
    )


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package p 1 that is downloaded already, with two files in it."""
    monkeypatch.setattr(downloads, "FOLDER", tmp_path / "downloads")
    monkeypatch.setattr(tables, "FOLDER", tmp_path / "tables")
    file = tmp_path / "downloads" / "p-1" / "p-1-py3-none-any.whl"
    file.parent.mkdir(parents=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("t.csv", '"a","kind","no","target"\n1,"u",0,10\n2,"",0,100\nNA,"v",0,1000\n')
        archive.writestr("t.dat", "1.5, u , 7, yes\n2, v , 8, no\n")
    return file


def test_a_csv_file_becomes_numbers_categories_and_a_target(wheel: Path) -> None:
    table = tables.build(entry_of("csv", "regression", text=("kind",), drop=("no",), log10=True))
    assert table.to_dict(as_series=False) == {
        "a": [1, 2, None],
        "kind": ["u", None, "v"],
        "target": [1.0, 2.0, 3.0],
    }


def test_a_row_of_keel_has_its_class_last(wheel: Path) -> None:
    table = tables.build(entry_of("keel", file="t.dat", text=("x1",)))
    assert table.to_dict(as_series=False) == {
        "x0": [1.5, 2.0],
        "x1": ["u", "v"],
        "x2": [7, 8],
        "target": ["yes", "no"],
    }


def test_a_package_that_holds_another_table_than_was_recorded_is_refused(wheel: Path) -> None:
    with pytest.raises(downloads.SourceError, match=r"p has another table than was recorded: .*; 3 rows"):
        tables.load(entry_of("csv", text=("kind",)))


def test_a_table_is_built_once(wheel: Path) -> None:
    found = tables.fingerprint(tables.build(entry_of("csv", text=("kind",))))
    entry = entry_of("csv", text=("kind",), fingerprint=found)
    first = tables.load(entry)
    wheel.unlink()
    assert tables.load(entry).equals(first)


def test_a_file_that_a_package_does_not_have_is_named(wheel: Path) -> None:
    with pytest.raises(downloads.SourceError, match=r"p-1-py3-none-any\.whl has no file other\.csv"):
        tables.build(entry_of("csv", file="other.csv"))


def test_a_pickle_that_asks_for_anything_but_a_frame_is_refused() -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"no need of .*\.print"):
        pickled.columns(lzma.compress(pickle.dumps(print)))


def xdr(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}i", *numbers)


def test_a_data_frame_of_r_has_factors_and_numbers() -> None:
    """Saved as R does: a pairlist of one object, whose columns are a factor with a missing value and numbers."""

    def chars(text: str) -> bytes:
        return xdr(9, len(text)) + text.encode()

    def strings(*texts: str) -> bytes:
        return xdr(16, len(texts)) + b"".join(map(chars, texts))

    def tag(name: str) -> bytes:
        return xdr(2 | 1024, 1) + chars(name)

    factor = xdr(13 | 512, 3, 2, r_data.MISSING, 1) + tag("levels") + strings("low", "high") + xdr(254)
    numbers = xdr(14, 3) + struct.pack(">3d", 0.5, 1.5, 2.5)
    frame = xdr(19 | 512, 2) + factor + numbers + tag("names") + strings("f", "x") + xdr(254)
    saved = b"RDX2\nX\n" + xdr(2, 0, 0) + tag("Frame") + frame + xdr(254)

    assert r_data.columns(lzma.compress(saved), "Frame") == {"f": ["high", None, "low"], "x": [0.5, 1.5, 2.5]}


def test_five_folds_share_the_rows_among_them_and_a_cap_keeps_every_class() -> None:
    table = pl.DataFrame({"x": range(100), "target": ["a"] * 80 + ["b"] * 20})
    entry = entry_of("csv")
    tests = [tables.split(entry, table, fold)[1] for fold in range(5)]
    assert sorted(np.concatenate(tests)) == list(range(100))
    assert all(table["target"].gather(test).value_counts(sort=True)["count"].to_list() == [16, 4] for test in tests)

    train, test = tables.split(entry, table, 0, cap=40)
    assert table["target"].gather(train).value_counts(sort=True)["count"].to_list() == [32, 8]
    assert np.array_equal(test, tests[0])


# --- the peers


@pytest.mark.parametrize("peer", ["linear", "sk", "hgb"])
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_a_peer_takes_missing_values_and_categories_that_it_has_not_seen(peer: str, task: str) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    rng = np.random.default_rng(0)
    train = pl.DataFrame({"a b": [*rng.normal(size=59), None], "kind": ["u", "v", None] * 20})
    test = pl.DataFrame({"a b": [0.0, None], "kind": ["w", None]})
    problem = peers.Problem(task, ("kind",), seed=0, threads=1)
    answers = rng.integers(2, size=60)
    a, b = peers.PEERS[peer].frames(problem, train, test)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so small a fit does not converge
        model = peers.PEERS[peer].model(problem).fit(a, answers)
        classes = None if task == "regression" else np.arange(2)
        found = peers.scores(classes, np.array([0, 1]), model, b)

    assert set(found) == ({"rmse"} if task == "regression" else {"error", "log_loss"})
    assert all(np.isfinite(value) for value in found.values())


def test_every_variant_is_known_to_the_estimators() -> None:
    import glassnet

    for variant in variants.VARIANTS:
        for task, kind in (("binary", glassnet.TableClassifier), ("regression", glassnet.TableRegressor)):
            kind().set_params(**(variants.parameters(variant, task) or {}))


# --- what is to be measured


def line_of(table: str, fold: int, peer: str, **more: Any) -> Line:
    key = {"table": table, "data": CATALOGUE[table].fingerprint[:12], "fold": fold, "peer": peer}
    stamp = {"date": "2030-01-02", "machine": "A processor, 2 cores", "load": 0.5}
    return {**key, "version": VERSIONS.get(peer, "x 1"), "seed": 0, "threads": 1, "cap": None, **stamp, **more}


def left(lines: list[Line], versions: dict[str, str] | None = None, cap: int | None = None) -> list[tuple[str, int]]:
    entries = [CATALOGUE["diabetes"], CATALOGUE["magic"]]
    jobs = rounds.missing(entries, versions or {"sk": VERSIONS["sk"]}, range(5), 1, cap, lines)
    return [(job.table, job.fold) for job in jobs]


def test_a_table_of_many_rows_has_one_fold_and_what_is_measured_is_not_measured_again() -> None:
    assert left([]) == [("diabetes", 0), ("magic", 0), *(("diabetes", fold) for fold in range(1, 5))]
    lines = [line_of("diabetes", fold, "sk", nrmse=0.5) for fold in range(4)]
    assert left(lines) == [("magic", 0), ("diabetes", 4)]


def test_another_version_or_another_cap_is_measured_anew() -> None:
    lines = [line_of("magic", 0, "sk", error=0.1)]
    assert ("magic", 0) not in left(lines)
    assert ("magic", 0) in left(lines, {"sk": "scikit-learn 2"})
    assert ("magic", 0) in left(lines, cap=100)


def test_a_failed_fit_is_tried_again_and_a_slow_one_is_not() -> None:
    assert ("magic", 0) in left([line_of("magic", 0, "sk", failed="no memory")])
    assert left([line_of("diabetes", 0, "sk", late=600.0)]) == [("magic", 0)]


def test_a_line_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    rounds.append({"a": 1}, file)
    with file.open("a", encoding="utf-8") as out:
        out.write('{"a": 2, "b')
    assert rounds.read(file) == [{"a": 1}]


def test_a_peer_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known, absent = rounds.versions(["sk", "glassnet"])
    assert known["sk"].startswith("scikit-learn ")
    assert re.fullmatch(r"glassnet \S+, sources [0-9a-f]{12}", known["glassnet"])
    assert absent == {}

    gone = peers.Peer("gone", ("no-such-package",), peers.as_it_is, lambda _: None, "")
    monkeypatch.setitem(rounds.PEERS, "gone", gone)
    assert rounds.versions(["gone"]) == ({}, {"gone": "no-such-package is not installed"})


@pytest.mark.skipif(sys.platform == "win32", reason="a fit's limit is a timer of POSIX")
def test_a_misspelt_peer_ends_the_command_with_a_message() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy", "--only", "catbost"],
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "catbost is none of the peers: glassnet, linear, sk" in done.stderr
    assert "Traceback" not in done.stderr


# --- what is said of the figures


def test_the_corrected_interval_is_wider_than_that_of_independent_folds() -> None:
    ours, theirs = [0.9, 1.0, 1.1, 1.0, 1.0], [1.0, 1.1, 1.0, 1.2, 0.7]
    d = np.subtract(ours, theirs)
    naive = 2.776445 * d.std(ddof=1) / np.sqrt(5)
    interval = statistics.paired(ours, theirs)
    assert_allclose((interval.high - interval.low) / 2, naive * np.sqrt((1 / 5 + 1 / 4) / (1 / 5)), atol=2e-4)


def test_a_ratio_lies_within_its_interval() -> None:
    rng = np.random.default_rng(0)
    ours, theirs = rng.uniform(0.1, 0.5, (2, 16))
    interval = statistics.ratio(ours, theirs)
    assert interval.low < interval.value < interval.high


def measured(factor: float, seconds: float, table_factors: dict[str, float] | None = None) -> Iterator[Line]:
    """Everybody errs alike, and glassnet `factor` times as much in `seconds` where the others take one."""
    rng = np.random.default_rng(0)
    for entry in CATALOGUE.values():
        for fold in range(entry.folds):
            base = rng.uniform(0.2, 0.22)
            for peer in peers.PEERS:
                by = (table_factors or {}).get(entry.name, factor) if peer == "glassnet" else rng.uniform(1, 1.01)
                found = (
                    {"nrmse": by * base} if entry.task == "regression" else {"error": by * base, "log_loss": by * base}
                )
                yield line_of(entry.name, fold, peer, **found, cpu_seconds=seconds if peer == "glassnet" else 1.0)


def judged(lines: list[Line]) -> dict[str, bool | None]:
    return {goal.said: goal.met for goal in goals.goals(results.Results.of(lines, 1, None))}


def test_goals_are_met_by_who_is_far_ahead_and_missed_by_who_is_not() -> None:
    assert set(judged(list(measured(0.7, 0.1))).values()) == {True}
    behind = judged(list(measured(1.2, 3.0)))
    assert set(behind.values()) == {False}
    assert set(judged([]).values()) == {None}


def test_one_table_far_behind_the_best_boosting_misses_that_goal_alone() -> None:
    missed = [said for said, met in judged(list(measured(0.5, 0.1, {"soybean": 1.3}))).items() if not met]
    assert missed == ["on no table a 95 % interval wholly above 5 % behind the best boosting"]


def test_only_the_newest_version_counts_and_a_variant_must_be_of_the_same() -> None:
    variant = next(iter(peers.ABLATION))
    lines = [
        line_of("magic", 0, "glassnet", version="old", error=0.5),
        line_of("magic", 0, variant, version="old", error=0.6),
        line_of("magic", 0, "glassnet", error=0.1),
    ]
    chosen = results.Results.of(lines, 1, None)
    assert chosen.mean("glassnet", CATALOGUE["magic"], "main") == 0.1
    assert not chosen.folds[variant]["magic"]


def test_a_table_on_which_some_folds_were_too_slow_does_not_count() -> None:
    lines = [line_of("diabetes", 0, "tabm", nrmse=0.5), line_of("diabetes", 1, "tabm", late=600.0)]
    assert results.Results.of(lines, 1, None).peers == []


def test_ranks_are_of_the_folds_that_everybody_has() -> None:
    """A first fold that is easy for all is no merit of the one who has no other."""
    lines = [line_of("diabetes", fold, "sk", nrmse=[0.1, 0.9][fold]) for fold in (0, 1)]
    chosen = results.Results.of([*lines, line_of("diabetes", 0, "lgbm", nrmse=0.2)], 1, None)
    assert goals.mean_ranks(chosen) == {"sk": 1.0, "lgbm": 2.0}


def test_results_of_another_table_than_the_catalogue_has_do_not_count() -> None:
    assert results.Results.of([line_of("magic", 0, "sk", data="0" * 12, error=0.1)], 1, None).entries == []


def test_the_page_says_what_was_met_what_was_slow_and_on_what_machine() -> None:
    lines = [line for line in measured(0.7, 0.1) if (line["peer"], line["table"]) != ("tabm", "mnist5k")]
    lines += [line_of("mnist5k", 0, "tabm", late=600.0)]
    lines += [
        {**line, "peer": next(iter(peers.ABLATION)), "version": VERSIONS["glassnet"]}
        for line in measured(0.8, 0.05)
        if line["peer"] == "glassnet"
    ]
    page = report.page(lines, 1, None)
    assert page.count("\n## ") == len(report.SECTIONS)
    assert "| error at least 18 % below sk's MLP's | " in page
    assert "| missed |" not in page
    assert "A processor, 2 cores" in page
    assert "TabM on mnist5k: a fit was ended at the limit." in page
    assert "too slow" in page
    assert "15 tables; not mnist5k, which not all of these have" in page
    assert "nan" not in page


def test_the_page_of_nothing_says_so() -> None:
    assert report.page([], 1, None) == "# Accuracy\n\nNothing has been measured yet.\n"


def test_a_quick_round_is_told_apart() -> None:
    lines = [line_of("magic", 0, "sk", error=0.1, log_loss=0.2, cpu_seconds=1.0, cap=100)]
    assert "A quick round: no more than 100 training rows." in report.page(lines, 1, 100)
    assert "Nothing has been measured" in report.page(lines, 1, None)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="a fit's limit is a timer of POSIX")
def test_a_fit_in_a_process_of_its_own_comes_back_with_scores_and_times(tmp_path: Path) -> None:
    request = {
        "table": "diabetes",
        "fold": 0,
        "peer": "linear",
        "seed": 0,
        "threads": 1,
        "cap": 50,
        "limit_seconds": 60,
    }
    pytest.importorskip("pandas", reason="pandas is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.accuracy.worker"],
        input=json.dumps(request),
        cwd=ROOT,
        env=rounds.environment(1),
        capture_output=True,
        text=True,
        timeout=100,
    )
    answer = json.loads(done.stdout)
    assert 0.5 < answer["nrmse"] < 1.0
    assert 0 < answer["cpu_seconds"] < 10
    assert answer["predict_seconds"] > 0
