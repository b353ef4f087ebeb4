"""Every bad input: one message that names the thing, status 2, no traceback, and no training."""

import pytest

FILES = {
    "empty.csv": "",
    "header.csv": "a,b\n",
    "one.csv": "a,b\n1,x\n",
    "oneclass.csv": "a,b\n1,x\n2,x\n3,x\n",
    "double.csv": "a,a\n1,2\n2,3\n",
    "mixed.csv": "a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(30)) + "oops,1\n",
    "hole.csv": "a,b\n1,x\n2,\n3,y\n",
    "broken.toml": "hidden = [8",
    "key.toml": "hiden = [8]",
    "type.toml": 'alpha = "much"',
    "flag.toml": "refit = 1",
    "list.toml": "hidden = [8, 1.5]",
    "other.csv": "p,q\n1,2\n",
    "dates.csv": "day,note,b\n"
    + "".join(f"2026-{i % 12 + 1:02}-{i + 1:02},some words {i} of mine,{i % 2}\n" for i in range(28)),
    "strange.csv": "mass,island,tagged,kind,price\n1,Dream,true,enormous,2\n",
}
TRAIN = ("fit", "train.csv", "-t", "kind")
BAD = [
    (("fit", "empty.csv", "-t", "a"), ["empty.csv", "is empty"]),
    (("fit", "header.csv", "-t", "b"), ["header.csv", "no rows"]),
    (("fit", "one.csv", "-t", "b"), ["1 row", "at least 2"]),
    (("fit", "oneclass.csv", "-t", "b"), ["'b'", "only 'x'"]),
    (("fit", "double.csv", "-t", "a"), ["double.csv", "more than one column named 'a'"]),
    (("fit", "mixed.csv", "-t", "b"), ["'a'", "'oops' in row 31", "--column a=category"]),
    (("fit", "hole.csv", "-t", "b"), ["'b' is missing in 1 of 3 rows (row 2"]),
    (("fit", "hole.csv", "-t", "b"), ["--drop-missing-target"]),
    (("fit", "dates.csv", "-t", "day"), ["'day' holds dates (2026-01-01", "--task classes"]),
    (("fit", "dates.csv", "-t", "day", "--task", "quantity"), ["'day' holds dates"]),
    (("fit", "dates.csv", "-t", "note"), ["'note' has another text in nearly every row", "--task classes"]),
    (("cross-validate", "dates.csv", "-t", "day"), ["'day' holds dates"]),
    (("cross-validate", "train.csv", "-t", "kind", "--folds", "1"), ["--folds"]),
    (("cross-validate", "train.csv", "-t", "kind", "--folds", "61"), ["61 folds of 60 rows"]),
    (("cross-validate", "train.csv", "-t", "kind", "--alpha", "-1"), ["--alpha is -1"]),
    (("fit", "train.csv", "-t", "knd"), ["'knd'", "did you mean 'kind'"]),
    (("fit", "train.csv"), ["--target", "mass, island, tagged, kind, price"]),
    (("fit", "trian.csv", "-t", "kind"), ["'trian.csv'", "train.csv"]),
    (("fit", "-t", "kind"), ["No table", "'kind'"]),
    ((*TRAIN, "--task", "quantity"), ["'kind' needs numbers", "--task classes"]),
    ((*TRAIN, "--test", "other.csv"), ["--test", "'kind'"]),
    ((*TRAIN, "--test", "strange.csv"), ["--test", "enormous"]),
    ((*TRAIN, "-o", "nowhere/m.safetensors"), ["nowhere", "--output"]),
    ((*TRAIN, "-o", "."), ["folder"]),
    ((*TRAIN, "-o", "train.csv"), ["'train.csv'", ".safetensors"]),
    ((*TRAIN, "-o", "train.csv/m.safetensors"), ["train.csv", "--output"]),
    ((*TRAIN, "-o", "-"), ["standard output", "--output"]),
    ((*TRAIN, "--alpha", "-1"), ["--alpha is -1", "≥ 0"]),
    ((*TRAIN, "--alpha", "much"), ["--alpha", "'much'"]),
    ((*TRAIN, "--learning-rate", "0"), ["--learning-rate is 0"]),
    ((*TRAIN, "--max-epochs", "0"), ["--max-epochs is 0"]),
    ((*TRAIN, "--patience", "0.5"), ["--patience is 0.5"]),
    ((*TRAIN, "--batch-size", "0"), ["--batch-size is 0"]),
    ((*TRAIN, "--batch-size", "some"), ["--batch-size", "'some'"]),
    ((*TRAIN, "--time-limit", "-3"), ["--time-limit is -3"]),
    ((*TRAIN, "--test-size", "1"), ["--test-size", "1"]),
    ((*TRAIN, "--hidden", "8,x"), ["--hidden", "8,x"]),
    ((*TRAIN, "--activation", "tahn"), ["'tahn'", "'tanh'"]),
    ((*TRAIN, "--engine", "gpu"), ["'gpu'", "kernel, numpy"]),
    ((*TRAIN, "--column", "iland=category"), ["'iland'", "'island'"]),
    ((*TRAIN, "--column", "island=categry"), ["'categry'", "'category'"]),
    ((*TRAIN, "--column", "island"), ["'island'", "NAME=KIND"]),
    ((*TRAIN, "--separator", ";;"), ["--separator", "one character"]),
    ((*TRAIN, "--encoding", "utf9"), ["'utf9'"]),
    ((*TRAIN, "--decimal", ";"), ["--decimal"]),
    ((*TRAIN, "--metric", "roc_acu"), ["'roc_acu'", "'roc_auc'"]),
    ((*TRAIN, "--metric", "r2", "--task", "classes"), ["--metric r2"]),
    ((*TRAIN, "--quality", "bset"), ["'bset'", "'best'"]),
    ((*TRAIN, "--networks", "0"), ["--networks is 0"]),
    ((*TRAIN, "--networks", "many"), ["--networks", "'many'"]),
    ((*TRAIN, "--dropout", "1"), ["--dropout is 1"]),
    ((*TRAIN, "--learning-rate", "fast"), ["--learning-rate", "'fast'"]),
    ((*TRAIN, "--report", "no/r.html"), ["'no'", "with --report"]),
    ((*TRAIN, "--report", "r.txt"), [".html"]),
    ((*TRAIN, "--sheet", "rows"), ["no sheets", "--sheet rows", "Leave --sheet out"]),
    ((*TRAIN, "--log", "no/log.csv"), ["'no'", "with --log"]),
    ((*TRAIN, "--log", "log.txt"), [".csv"]),
    ((*TRAIN, "--log", "./train.csv"), ["written over"]),
    ((*TRAIN, "--hiden", "8"), ["--hiden", "--hidden"]),
    ((*TRAIN, "--config", "none.toml"), ["none.toml", "--config"]),
    ((*TRAIN, "--config", "broken.toml"), ["broken.toml", "not TOML"]),
    ((*TRAIN, "--config", "key.toml"), ["key.toml", "'hiden'", "'hidden'"]),
    ((*TRAIN, "--config", "type.toml"), ["type.toml", "'alpha'", "'much'"]),
    ((*TRAIN, "--config", "flag.toml"), ["flag.toml", "'refit'"]),
    ((*TRAIN, "--config", "list.toml"), ["list.toml", "'hidden'"]),
    (("prdict", "m.safetensors"), ["'prdict'", "'predict'"]),
    (("cross_valdate", "train.csv"), ["cross-validate"]),
]


@pytest.fixture
def files(folder):
    for name, text in FILES.items():
        (folder / name).write_text(text)
    return folder


def check(result, facts):
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    for fact in facts:
        assert fact in result.stderr


@pytest.mark.parametrize(("args", "facts"), BAD, ids=[" ".join(args) for args, _ in BAD])
def test_bad_input_to_fit(run, files, monkeypatch, args, facts):
    monkeypatch.setattr("glassnet.estimators.ensemble.train", lambda *args, **more: pytest.fail("training began"))
    check(run(*args), facts)
    assert not list(files.glob("*.safetensors"))


@pytest.mark.parametrize(
    ("args", "facts"),
    [
        (("score", "m.safetensors", "other.csv"), ["'kind'"]),
        (("score", "m.safetensors", "strange.csv"), ["enormous", "big, small"]),
        (("score", "train.csv", "m.safetensors"), ["'train.csv' is a table", "MODEL TABLE"]),
        (("score", "n.safetensors", "test.csv"), ["n.safetensors", "m.safetensors"]),
        (("score", "garbage", "test.csv"), ["garbage", "safetensors"]),
        (("predict", "m.safetensors", "other.csv"), ["'mass'", "'island'"]),
        (("predict", "m.safetensors", "m.safetensors"), ["is a model file", "table was needed"]),
        (("fit", "m.safetensors", "-t", "kind"), ["is a model file", "table was needed"]),
        (("predict", "m.safetensors", "test.csv", "-o", "p.doc"), ["'p.doc'", ".parquet"]),
        (("predict", "m.safetensors", "test.csv", "-o", "no/p.csv"), ["'no'", "--output"]),
        (("predict", "m.safetensors", "test.csv", "-o", "./test.csv"), ["written over", "'test.csv'"]),
        (("predict", "m.safetensors"), ["TABLE"]),
        (("score", "m.safetensors", "hole.csv"), ["'kind'"]),
        (("what-if", "m.safetensors", "test.csv"), ["--set"]),
        (("what-if", "m.safetensors", "test.csv", "--set", "mass"), ["'mass'", "NAME=VALUE"]),
        (("what-if", "m.safetensors", "test.csv", "--set", "mas=2"), ["'mas'", "'mass'"]),
        (("what-if", "m.safetensors", "test.csv", "--set", "mass=heavy"), ["'mass'", "'heavy'"]),
        (("what-if", "m.safetensors", "test.csv", "--row", "20", "--set", "mass=2"), ["20 rows", "--row is 20"]),
        (("what-if", "m.safetensors", "test.csv", "--set", "kind=big"), ["'kind' is what the model predicts"]),
        (("info", "train.csv"), ["'train.csv' is a table"]),
        (("info", "nothing"), ["nothing"]),
    ],
    ids=str,
)
def test_bad_input_with_a_model(run, files, model, args, facts):
    (files / "garbage").write_bytes(b"not a model at all")
    check(run(*args), facts)
