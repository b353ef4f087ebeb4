"""n_jobs: how many threads may work, and never what they find; with processes that come and go around a fit."""

import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import glassnet as gn
from glassnet.errors import InputError
from glassnet.estimators import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from glassnet.nn.threads import cpu_count

PATIENCE_SECONDS = 60
# A few epochs are enough to compare.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning"),
]
can_fork = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere what NumPy calls may not live through a fork")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 40)).astype(np.float32)
Y = np.sin(X[:, 0]) + X[:, 1] ** 2
TABLE = {**{f"x{i}": X[:, i] for i in range(40)}, "y": Y, "kind": np.where(Y > 1, "high", "low")}


def model(**parameters: Any) -> MLPRegressor:
    """Steps long enough that threads share them."""
    given = {"hidden_layer_sizes": (96, 64), "batch_size": 200, "max_iter": 6, "tol": 0, "random_state": 0}
    return MLPRegressor(**(given | parameters))


def bits(fitted: Any) -> str:
    """A hash of its weights."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(w).tobytes() for w in fitted.coefs_)).hexdigest()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parameters", [{}, {"solver": "sgd"}, {"solver": "lbfgs"}, {"early_stopping": True}], ids=str)
def test_any_n_jobs_gives_the_same_weights_and_predictions(parameters, dtype):
    one, *others = (model(n_jobs=k, **parameters).fit(X.astype(dtype), Y) for k in (1, 2, 8, -1))
    for other in others:
        for w, same in zip(other.coefs_ + other.intercepts_, one.coefs_ + one.intercepts_, strict=True):
            np.testing.assert_array_equal(w, same)
        assert other.loss_curve_ == one.loss_curve_ if hasattr(one, "loss_curve_") else other.loss_ == one.loss_
        np.testing.assert_array_equal(other.predict(X), one.predict(X))


@pytest.mark.parametrize(("kind", "target"), [(TableRegressor, "y"), (TableClassifier, "kind")])
def test_any_n_jobs_gives_the_same_table_model(kind, target):
    one, *others = (kind(n_jobs=k, random_state=0, max_iter=4).fit(rows(target), target=target) for k in (1, 2, 8))
    for other in others:
        np.testing.assert_array_equal(other.network_.parameters, one.network_.parameters)
        np.testing.assert_array_equal(other.predict(TABLE), one.predict(TABLE))


def rows(target: str) -> dict[str, Any]:
    """The table with one of its targets."""
    return {name: column for name, column in TABLE.items() if name.startswith("x") or name == target}


@pytest.mark.parametrize("kind", [TableRegressor, TableClassifier, MLPRegressor, MLPClassifier])
def test_n_jobs_is_a_parameter_as_any_other(kind):
    assert kind().get_params()["n_jobs"] is None
    assert clone(kind(n_jobs=3)).set_params(n_jobs=2).get_params()["n_jobs"] == 2


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The n_jobs that the kernel is asked for, one after the other."""
    seen: list[int | None] = []
    own = pytest.importorskip("glassnet.nn.kernel").thread_count

    def note(n_jobs: int | None = None) -> int:
        seen.append(n_jobs)
        return own(n_jobs)

    monkeypatch.setattr("glassnet.nn.kernel.thread_count", note)
    return seen


def test_every_fit_and_prediction_keeps_to_n_jobs(asked):
    table = TableClassifier(n_estimators=1, n_jobs=3, random_state=0, max_iter=2).fit(rows("kind"), target="kind")
    table.predict(TABLE)
    table.score(TABLE)
    assert len(asked) >= 3
    perceptron = model(n_jobs=3).fit(X, Y)
    perceptron.predict(X)
    perceptron.transform(X)
    assert len(asked) >= 6
    assert set(asked) == {3}


@pytest.mark.parametrize("n_jobs", [0, 1.5, "2"])
def test_what_is_no_number_of_threads_is_told_before_any_work(n_jobs):
    with pytest.raises(InputError, match=rf"n_jobs is {n_jobs!r}, but must be a number of threads, 1 or more, or −1"):
        TableRegressor(n_jobs=n_jobs).fit(rows("y"), target="y")
    with pytest.raises(ValueError, match="n_jobs"):
        model(n_jobs=n_jobs).fit(X, Y)


def test_a_saved_model_does_not_say_how_many_threads_there_were(tmp_path):
    table = TableRegressor(n_estimators=2, n_jobs=2, random_state=0, max_iter=2).fit(rows("y"), target="y")
    for fitted in (table, model(n_jobs=2).fit(X, Y)):
        gn.save(fitted, tmp_path / "model.safetensors")
        assert b"n_jobs" not in (tmp_path / "model.safetensors").read_bytes()
        assert gn.load(tmp_path / "model.safetensors").n_jobs is None


def run_here(what: str) -> Any:
    """What a function of this file says in a Python of its own, which has no threads of other libraries."""
    code = f"import json, {Path(__file__).stem} as here; print(json.dumps(here.{what}))"
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    environment |= {"PYTHONPATH": str(Path(__file__).parent), "PYTHONWARNINGS": "ignore"}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS + 30
    )
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout.splitlines()[-1])


def in_a_fork() -> str:
    """Bits of a fit in a child of this process; why there are none, where it does not end well."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, bits(model(n_jobs=2).fit(X, Y)).encode())
        finally:
            os._exit(0)
    os.close(write)
    told = os.read(read, 100).decode() if select.select([read], [], [], PATIENCE_SECONDS / 6)[0] else "it hangs"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(read)
    return told or "it died"


def forks(fitting: bool) -> list[str]:
    """Bits of a fit here, of one in each of some children, and of one here afterwards."""
    found, ended = [bits(model(n_jobs=2).fit(X, Y))], threading.Event()

    def fit_on() -> None:
        while not ended.is_set():
            model(n_jobs=2).fit(X, Y)

    thread = threading.Thread(target=fit_on)
    if fitting:
        thread.start()
    for i in range(12 if fitting else 2):
        time.sleep(0.007 * i * fitting)  # in other places of the fit each time
        found.append(in_a_fork())
    ended.set()
    if fitting:
        thread.join()
    return [*found, bits(model(n_jobs=2).fit(X, Y))]


@can_fork
@pytest.mark.parametrize("fitting", [False, True], ids=["at rest", "while another thread fits"])
def test_a_forked_process_fits_the_same_bits(fitting):
    assert len(set(run_here(f"forks({fitting})"))) == 1


def in_a_pool() -> list[str]:
    """Bits of a fit here, and in the processes of a pool."""
    import multiprocessing

    here = bits(model(n_jobs=2).fit(X, Y))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = [pool.apply_async(one_fit) for _ in range(4)]
        return [here, *(result.get(PATIENCE_SECONDS) for result in results)]


def one_fit() -> str:
    """Bits of a fit."""
    return bits(model(n_jobs=2).fit(X, Y))


@can_fork
def test_a_pool_of_forked_processes_fits_the_same_bits():
    assert len(set(run_here("in_a_pool()"))) == 1


def in_workers() -> dict[str, Any]:
    """Scores of folds here and in joblib's processes, and how many threads each of those is given."""
    import joblib
    from sklearn.model_selection import cross_val_score

    from glassnet.nn.threads import thread_count

    return {
        "here": cross_val_score(model(), X, Y, cv=4, n_jobs=1).tolist(),
        "there": cross_val_score(model(), X, Y, cv=4, n_jobs=2).tolist(),
        "threads": joblib.Parallel(n_jobs=2)(joblib.delayed(thread_count)() for _ in range(2)),
    }


@pytest.mark.slow
def test_processes_of_joblib_score_the_same_and_share_the_processors():
    told = run_here("in_workers()")
    assert told["there"] == told["here"]
    assert set(told["threads"]) == {max(1, cpu_count() // 2)}
