"""Checkpoints in a folder: whatever happens the last one is whole, and the same call goes on to the same bits."""

import errno
import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as serialize

import glassnet as gn
from glassnet import storage
from glassnet.errors import FileFormatError, InputError

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 5))
Y = X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=120)
LABELS = np.where(Y > 0, "yes", "no")
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (8,),
    "dropout": 0.1,
    "early_stopping": True,
    "learning_rate": "cosine",
    "batch_size": 20,
    "max_iter": 9,
    "random_state": 3,
}
posix = pytest.mark.skipif(os.name != "posix", reason="processes are forked and limited the POSIX way")


class Cut(Exception):
    """The power has failed."""


def cut_at(epoch: int) -> Any:
    def callback(report: Any) -> None:
        if report.epoch.epoch == epoch:
            raise Cut

    return callback


def regressor(**more: Any) -> gn.MLPRegressor:
    return gn.MLPRegressor(**SETTINGS | more)


def cut_off(model: Any, y: Any, folder: Path, epoch: int = 5, **more: Any) -> None:
    """A fit that ends without an end."""
    with pytest.raises(Cut):
        model.set_params(callbacks=[cut_at(epoch)]).fit(X, y, checkpoint=folder, **more)


def outcome(model: Any) -> Any:
    """All that a fit ended with, except for the seconds."""
    state, history = model._state, model.history_.to_dict()
    arrays = (state.parameters, state.moments, state.best_score, *model.coefs_)
    epochs = [{**epoch, "seconds": 0} for epoch in history.pop("epochs")]
    return [array.tobytes() for array in arrays], epochs, history, model.n_iter_, model.loss_curve_, model.loss_


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", [gn.MLPRegressor, gn.MLPClassifier])
def test_a_fit_that_was_cut_off_goes_on_to_the_same_bits(kind, solver, tmp_path):
    y = Y if kind is gn.MLPRegressor else LABELS
    settings = SETTINGS | {"solver": solver}
    quiet = kind(**settings).fit(X, y)
    for every in (1, 3):
        folder = tmp_path / str(every)
        cut_off(kind(**settings), y, folder, every=every)
        told: list[int] = []
        model = kind(**settings, callbacks=[lambda report, told=told: told.append(report.epoch.epoch)])
        assert outcome(model.fit(X, y, checkpoint=folder, every=every)) == outcome(quiet)
        assert told == list(range({1: 5, 3: 4}[every], 10)), "it began where the checkpoint was"


def test_a_finished_checkpoint_returns_its_model_at_once(tmp_path):
    first = regressor().fit(X, Y, checkpoint=tmp_path)
    again = regressor(callbacks=[cut_at(1)]).fit(X, Y, checkpoint=tmp_path)
    assert outcome(again) == outcome(first) == outcome(regressor().fit(X, Y))
    np.testing.assert_array_equal(again.predict(X), first.predict(X))


def test_a_seed_that_nobody_gave_is_kept(tmp_path):
    cut_off(regressor(random_state=None), Y, tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ends = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        ends.append(outcome(regressor(random_state=None).fit(X, Y, checkpoint=folder)))
    assert ends[0] == ends[1]
    seed = storage.unpack(files["fit.safetensors"])[0]["seed"]
    assert ends[0] == outcome(regressor(random_state=seed).fit(X, Y))


def test_a_generator_is_told_by_where_it_stands(tmp_path):
    cut_off(regressor(random_state=np.random.RandomState(5)), Y, tmp_path)
    model = regressor(random_state=np.random.RandomState(5)).fit(X, Y, checkpoint=tmp_path)
    assert outcome(model) == outcome(regressor(random_state=np.random.RandomState(5)).fit(X, Y))
    with pytest.raises(InputError, match="random_state"):
        regressor(random_state=np.random.RandomState(6)).fit(X, Y, checkpoint=tmp_path)


def test_what_changes_no_bit_may_differ(tmp_path):
    cut_off(regressor(), Y, tmp_path)
    again = regressor(n_jobs=1, time_limit_seconds=600.0, callbacks=[lambda report: None])
    assert outcome(again.fit(X, Y, checkpoint=tmp_path)) == outcome(regressor().fit(X, Y))


OTHER = X.copy()
OTHER[7, 3] = np.nextafter(OTHER[7, 3], 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"learning_rate_init": 0.01}, r"learning_rate_init \(was 0.001, is 0.01\)"),
        ({"hidden_layer_sizes": (9,)}, r"hidden_layer_sizes \(was \(8\), is \(9\)\)"),
        ({"random_state": 4}, r"random_state \(was 3, is 4\)"),
        ({"X": OTHER}, r"the data \(X\)\."),
        ({"X": X.astype(np.float32)}, r"the data \(X\)\."),
        ({"y": Y + 1e-9}, r"the data \(y\)\."),
        ({"sample_weight": np.linspace(1, 2, 120)}, r"the data \(sample_weight\)\."),
        ({"X_val": X[:9], "y_val": Y[:9]}, r"the data \(X_val\), the data \(y_val\)\."),
        ({"model": gn.MLPClassifier(**SETTINGS), "y": LABELS}, "estimator"),
    ],
)
def test_another_fit_is_refused_and_what_differs_is_named(change, words, tmp_path):
    cut_off(regressor(), Y, tmp_path)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    given = {"X": X, "y": Y} | change
    parameters = {name: given.pop(name) for name in list(given) if name in SETTINGS or name == "learning_rate_init"}
    model = given.pop("model", None) or regressor(**parameters)
    with pytest.raises(InputError, match=rf"of another fit.*{words}.*Delete the folder.*or give another"):
        model.fit(**given, checkpoint=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_a_warm_start_has_a_checkpoint_of_its_own(tmp_path):
    def first() -> gn.MLPRegressor:
        return regressor(warm_start=True).fit(X, Y, checkpoint=tmp_path / "first")

    quiet = first().fit(X, Y)
    cut_off(first(), Y, tmp_path / "second", epoch=14)
    model = first().fit(X, Y, checkpoint=tmp_path / "second")
    assert outcome(model) == outcome(quiet)
    assert len(model.history_) == 18
    with pytest.raises(InputError, match="the weights to start from"):
        model.fit(X, Y, checkpoint=tmp_path / "second")


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
def test_solvers_that_no_file_can_hold_are_refused(solver, tmp_path):
    model = gn.MLPRegressor((4,), solver=solver)
    with pytest.raises(InputError, match=f"{solver}.*such as 'adam'"):
        model.fit(X, Y, checkpoint=tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_wrong_arguments_are_told_before_anything_is_trained(tmp_path):
    (tmp_path / "file").write_text("")
    for arguments, words in (
        ({"every": 2}, "give checkpoint"),
        ({"checkpoint": tmp_path, "every": 0}, "every is 0"),
        ({"checkpoint": 7}, "checkpoint is 7"),
        ({"checkpoint": tmp_path / "file"}, "cannot be made a folder"),
    ):
        with pytest.raises(InputError, match=words):
            regressor(callbacks=[cut_at(1)]).fit(X, Y, **arguments)


# --- what may happen to a disk


def failing(patch: pytest.MonkeyPatch, name: str, number: int, error: BaseException, *, half: bool = False) -> None:
    """`os.name` fails at call number `number` and ever after; with `half`, after half of the bytes."""
    real, calls = getattr(os, name), 0

    def fail(*arguments: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < number:
            return real(*arguments, **more)
        if half and calls == number:
            return real(arguments[0], arguments[1][: len(arguments[1]) // 2])
        raise error

    patch.setattr(os, name, fail)


@pytest.mark.parametrize("point", ["write", "half", "fsync", "replace"])
def test_a_full_disk_is_told_in_a_sentence_and_the_last_checkpoint_stays(point, tmp_path, monkeypatch):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    number = 2 * 4 + 1 if point == "fsync" else 5  # a file and its folder are synced; two files come before an epoch
    failing(monkeypatch, "write" if point == "half" else point, number, full, half=point == "half")
    with pytest.raises(InputError, match=r"No space left on device. What stood there before is unchanged"):
        regressor().fit(X, Y, checkpoint=tmp_path)
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == ["fit.safetensors", "network-0.safetensors"]
    kept, _ = storage.unpack((tmp_path / "network-0.safetensors").read_bytes())
    assert kept["counters"]["epoch"] == 2
    assert outcome(regressor().fit(X, Y, checkpoint=tmp_path)) == outcome(regressor().fit(X, Y))


@posix
def test_a_file_that_may_not_grow_is_told_in_a_sentence(tmp_path):
    code = f"""
import resource, sys
import numpy as np, glassnet as gn
X = np.random.default_rng(0).normal(size=(60, 3))
model = gn.MLPRegressor((200,), max_iter=3, random_state=0)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    model.fit(X, X[:, 0], checkpoint={str(tmp_path)!r})
except gn.errors.InputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", "import glassnet.errors\n" + code], capture_output=True, text=True)
    assert "File too large. What stood there before is unchanged" in done.stdout, done.stderr
    assert os.listdir(tmp_path) == ["fit.safetensors"]


def test_a_folder_that_may_not_be_written_is_told_before_anything_is_trained(tmp_path, monkeypatch):
    if os.name == "posix" and os.geteuid():
        tmp_path.chmod(0o500)
    else:  # to root all may be written
        failing(monkeypatch, "open", 1, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    try:
        with pytest.raises(InputError, match=r"could not be written: Permission denied.*choose another folder"):
            regressor(callbacks=[cut_at(1)]).fit(X, Y, checkpoint=tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_what_a_killed_write_left_is_cleared_away(tmp_path):
    cut_off(regressor(), Y, tmp_path)
    (tmp_path / f".glassnet-0123{storage.PART}").write_bytes(b"half of a f")
    regressor().fit(X, Y, checkpoint=tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["fit.safetensors", "network-0.safetensors"]


@pytest.mark.parametrize("name", ["fit.safetensors", "network-0.safetensors"])
def test_a_torn_or_changed_file_is_named(name, tmp_path):
    cut_off(regressor(), Y, tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    chance = random.Random(0)
    torn = [whole[: chance.randrange(len(whole))] for _ in range(15)]
    places = [chance.randrange(len(whole)) for _ in range(15)]
    turned = [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in places]
    foreign = [b"", serialize({"w": np.ones(3)}), pickle.dumps(Bomb()), whole[:8] + b"[" * (len(whole) - 8)]
    for content in (*torn, *turned, *foreign):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=f"{name} is no checkpoint to go on from.*Delete the folder"):
            regressor().fit(X, Y, checkpoint=tmp_path)
        assert path.read_bytes() == content


class Bomb:
    """Unpickled, it would fail the test."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('a file was unpickled')",)


def test_files_of_two_fits_are_not_mixed(tmp_path):
    cut_off(regressor(), Y, tmp_path / "a")
    cut_off(regressor(alpha=0.5), Y, tmp_path / "b")
    os.replace(tmp_path / "b" / "network-0.safetensors", tmp_path / "a" / "network-0.safetensors")
    with pytest.raises(FileFormatError, match=r"network-0.safetensors is a checkpoint of another fit"):
        regressor().fit(X, Y, checkpoint=tmp_path / "a")
    (tmp_path / "b" / "network-0.safetensors").write_bytes(b"")
    (tmp_path / "b" / "fit.safetensors").unlink()
    with pytest.raises(FileFormatError, match=r"not fit.safetensors"):
        regressor().fit(X, Y, checkpoint=tmp_path / "b")


def test_a_checkpoint_is_no_model_and_is_told_as_what_it_is(tmp_path):
    cut_off(regressor(), Y, tmp_path)
    with pytest.raises(FileFormatError, match="checkpoint of a training"):
        gn.load(tmp_path / "network-0.safetensors")


# --- processes that are killed


def soak(count: int) -> dict[str, Any]:
    if not (ROOT / "benchmarks").is_dir():
        pytest.skip("the benchmarks are not part of this copy")
    command = [sys.executable, "-m", "benchmarks.soak", "kills", "--count", str(count), "--seed", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@posix
def test_fits_that_are_killed_end_in_the_same_bits():
    found = soak(5)
    assert found["kills"] == 5
    assert not any(found[name] for name in ("torn", "lost", "other_bits", "failed"))


@posix
@pytest.mark.slow
def test_twenty_kills_in_training_and_in_writes_lose_nothing():
    found = soak(20)
    assert found["in_training"] + found["in_a_write"] >= 10
    assert found["in_a_write"] >= 1
    assert not any(found[name] for name in ("torn", "lost", "other_bits", "failed"))
