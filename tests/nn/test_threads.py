"""Threads of the kernel: the same bits for any number of them, and good manners beside whatever else runs."""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from glassnet.errors import InputError
from glassnet.nn import SGD, Adam, Architecture, Cosine, Data, Engine, Network, Spec, State, get_engine, get_loss
from glassnet.nn.threads import cpu_count, thread_count

THREADS = (1, 2, 8)
STEPS = 14  # of long steps the first are tried alone, the next together
linux = pytest.mark.skipif(sys.platform != "linux", reason="processors and threads are looked at as Linux shows them")

# Sizes, activation, loss, batch, rows, and what else a Spec says; of all of them together nothing is left out.
WORKLOADS: dict[str, tuple[list[int], str, str, int, int, dict[str, Any]]] = {
    "2-8-1": ([2, 8, 1], "tanh", "squared_error", 10, 100, {}),
    "10-64-64-1, batch 32": ([10, 64, 64, 1], "relu", "squared_error", 32, 320, {}),
    "10-64-64-1, batch 256": ([10, 64, 64, 1], "relu", "squared_error", 256, 1000, {}),
    "64-128-10": ([64, 128, 10], "relu", "cross_entropy", 64, 500, {}),
    "100-256-256-10": ([100, 256, 256, 10], "relu", "cross_entropy", 128, 500, {}),
    "ragged sizes": ([33, 47, 65, 3], "silu", "cross_entropy", 201, 470, {}),
    "an ensemble": ([10, 32, 2], "tanh", "squared_error", 64, 200, {"members": 16}),
    "a pair of large ones": ([64, 96, 10], "relu", "cross_entropy", 128, 300, {"members": 2}),
    "all rows at once, in slabs": ([20, 48, 2], "tanh", "squared_error", 3000, 3000, {}),
    "sparse": ([90, 64, 3], "relu", "cross_entropy", 200, 500, {"sparse": True}),
    "sparse, narrow": ([400, 1], "relu", "squared_error", 3000, 3000, {"sparse": True}),
    "dropout": ([30, 80, 40, 3], "relu", "cross_entropy", 150, 400, {"dropout": (0.3, 0.5)}),
    "weights of rows": ([30, 80, 3], "relu", "cross_entropy", 150, 400, {"weighted": True}),
    "schedule": ([30, 80, 3], "relu", "cross_entropy", 150, 400, {"schedule": Cosine()}),
    "penalties": ([30, 80, 3], "relu", "cross_entropy", 150, 400, {"l1": 0.1, "l2": 0.2}),
    "clipped": ([30, 80, 3], "relu", "cross_entropy", 150, 400, {"gradient_norm": 0.05, "weight_norm": 0.9}),
    "decay": ([30, 80, 3], "relu", "cross_entropy", 150, 400, {"optimizer": SGD(0.05, weight_decay=0.1)}),
    "skip path": ([30, 80, 3], "relu", "cross_entropy", 150, 400, {"skip": True}),
    "frozen": ([30, 80, 3], "relu", "cross_entropy", 150, 400, {"frozen": True}),
}


def problem(name: str, dtype: Any) -> tuple[Spec, Data, int, bool]:
    """Spec, rows, members and whether parameters are frozen."""
    sizes, f, loss, batch, n, more = WORKLOADS[name]
    more = dict(more)
    rng = np.random.default_rng(0)
    x: Any = rng.normal(size=(n, sizes[0])).astype(dtype)
    if more.pop("sparse", False):
        x = scipy.sparse.csr_array(np.where(rng.random(x.shape) < 0.1, x, 0).astype(dtype))
    k = sizes[-1]
    t = (rng.dirichlet(np.ones(k), size=n) if loss == "cross_entropy" else rng.normal(size=(n, k))).astype(dtype)
    s = rng.random(n).astype(dtype) + 0.1 if more.pop("weighted", False) else None
    members, frozen, skip = more.pop("members", 1), more.pop("frozen", False), more.pop("skip", False)
    optimizer = more.pop("optimizer", Adam(0.01))
    architecture = Architecture.create(sizes, f, skip=skip)
    spec = Spec(architecture, get_loss(loss), optimizer, batch_size=batch, dtype=dtype, **more)
    return spec, Data(x, t, s), members, frozen


def trained(engine: Engine, name: str, dtype: Any, steps: int = STEPS) -> State:
    """Some steps into a workload."""
    spec, data, members, frozen = problem(name, dtype)
    state = engine.init(spec, range(members))
    state.total_steps = steps
    if frozen:
        state.frozen = np.random.default_rng(1).random(state.parameters.shape[1]) < 0.3
    return engine.advance(state, data, steps)


def bits(*arrays: Any) -> str:
    """A hash of every bit."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def of_training(engine: Engine, dtype: Any) -> dict[str, str]:
    """Hashes of all that a training leaves, by workload."""
    states = {name: trained(engine, name, dtype) for name in WORKLOADS}
    return {name: bits(state.parameters, state.moments, state.loss_sum) for name, state in states.items()}


def of_the_rest(engine: Engine, dtype: Any) -> dict[str, str]:
    """Hashes of what is asked of a network as it is, dense and sparse."""
    rng = np.random.default_rng(0)
    x, loss = rng.normal(size=(100_000, 20)).astype(dtype), get_loss("cross_entropy")
    network = Network.create([20, 40, 3], "tanh", seed=0, dtype=dtype)
    sparse = scipy.sparse.csr_array(np.where(rng.random((5000, 20)) < 0.2, x[:5000], 0).astype(dtype))
    found = {"predictions": bits(engine.forward(network, x))}
    for kind, rows in (("dense", x[:3001]), ("sparse", sparse)):
        t = rng.dirichlet(np.ones(3), size=rows.shape[0]).astype(dtype)
        s = rng.random(rows.shape[0]).astype(dtype)
        value, gradients = engine.gradients(network, loss, rows, t, s, 0.1, 0.1)
        found[f"{kind} gradients"] = bits(value, *(array for g in gradients for array in (g.dw, g.db)))
        found[f"{kind} jacobian"] = bits(engine.jacobian(network, rows))
        found[f"{kind} jacobian by inputs"] = bits(engine.jacobian(network, rows, wrt="inputs"))
        y, traces = engine.trace(network, rows)
        found[f"{kind} trace"] = bits(y, *(array for trace in traces for array in (trace.z, trace.h)))
        state = engine.init(Spec(network.architecture, loss, dtype=dtype), [0, 1])
        found[f"{kind} loss"] = bits(engine.evaluate(state, Data(rows, t, s)))
    return found


def all_bits() -> dict[str, Any]:
    """The level, and every hash by number of threads; a child prints it."""
    from glassnet import _kernel

    told = {}
    for threads in THREADS:
        engine, hashes = get_engine("kernel", threads), {}
        for dtype in (np.float32, np.float64):
            found = of_training(engine, dtype) | of_the_rest(engine, dtype)
            hashes |= {f"{name}, {np.dtype(dtype).name}": value for name, value in found.items()}
        told[str(threads)] = hashes
    return {"level": _kernel.level, "bits": told}


def run_here(what: str, timeout: float = 100, **environment: str) -> Any:
    """What a function of this file says in a Python of its own."""
    code = f"import json, {Path(__file__).stem} as here; print(json.dumps(here.{what}))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), **environment}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=timeout
    )
    assert child.returncode == 0, f"ended with {child.returncode}: {child.stderr}"
    return json.loads(child.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_any_number_of_threads_gives_the_same_bits_on_every_level(kernel, level):
    from glassnet import _kernel

    if level not in _kernel.levels:
        pytest.skip(f"this processor, or this build, has no {level}")
    told = run_here("all_bits()", GLASSNET_KERNEL=level)
    assert told["level"] == level
    one = told["bits"]["1"]
    assert len(one) == 2 * (len(WORKLOADS) + 11)
    for threads in THREADS[1:]:
        differing = [name for name, value in told["bits"][str(threads)].items() if value != one[name]]
        assert not differing, f"{threads} threads"


@pytest.mark.parametrize("name", ["100-256-256-10", "an ensemble", "clipped"])
def test_any_number_of_threads_gives_the_same_weights(kernel, name):
    one, two, eight = (trained(get_engine("kernel", threads), name, np.float32).parameters for threads in THREADS)
    np.testing.assert_array_equal(two, one)
    np.testing.assert_array_equal(eight, one)


def different_numbers_in_turn(seconds: float) -> bool:
    """Whether calls with few threads are right that follow calls with many; a child says so, if it lives."""
    rng = np.random.default_rng(0)
    network, loss = Network.create([64, 64, 64, 4], "tanh"), get_loss("squared_error")
    x, t = rng.normal(size=(400, 64)), rng.normal(size=(400, 4))
    engines = [get_engine("kernel", threads) for threads in (16, 2, 8, 2, 3)]

    def gradient(engine: Engine) -> Any:
        return np.concatenate([g.dw.ravel() for g in engine.gradients(network, loss, x, t)[1]])

    one, end, right = gradient(get_engine("kernel", 1)), time.monotonic() + seconds, True
    while right and time.monotonic() < end:
        right = all(np.array_equal(gradient(engine), one) for engine in engines)
    return right


def test_a_thread_of_a_call_with_many_does_not_enter_a_call_with_few(kernel):
    assert run_here("different_numbers_in_turn(3)")


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of threads."""
    monkeypatch.delenv("GLASSNET_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.usefixtures("no_variables")
def test_the_environment_says_how_many_ours_before_openmp_s(kernel, monkeypatch):
    assert thread_count() == get_engine("kernel").threads == cpu_count()
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")  # the second is for levels within
    assert thread_count() == get_engine("kernel").threads == 3
    monkeypatch.setenv("GLASSNET_NUM_THREADS", " 5 ")
    assert thread_count() == get_engine("kernel").threads == 5
    monkeypatch.setenv("GLASSNET_NUM_THREADS", "")
    assert thread_count() == 3
    assert get_engine("kernel", 2).threads == 2  # what a program says counts more


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize("name", ["GLASSNET_NUM_THREADS", "OMP_NUM_THREADS"])
@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_variable_that_is_no_number_of_threads_is_told(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=rf"{name} is '{value}', but it needs a number of threads, 1 or more. Unset"):
        thread_count()


def test_negative_numbers_count_from_all_processors_down(kernel):
    assert thread_count(-1) == get_engine("kernel", -1).threads == cpu_count()
    assert thread_count(-2) == max(1, cpu_count() - 1)
    assert thread_count(-1000) == 1
    with pytest.raises(InputError, match=r"n_jobs is 0, but work needs a thread: give 1 or more, −1 for all"):
        get_engine("kernel", 0)


@linux
def test_processors_are_those_that_this_process_may_use():
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])
    try:
        assert cpu_count() == 1
    finally:
        os.sched_setaffinity(0, cores)


LONG = "100-256-256-10"


def ticks_of_threads() -> dict[int, int]:
    """Processor time of every thread of this process, in the system's ticks."""
    found = {}
    for folder in Path("/proc/self/task").iterdir():
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        found[int(folder.name)] = int(fields[11]) + int(fields[12])
    return found


def test_fits_at_once_give_the_bits_of_fits_one_by_one(kernel):
    engine, names = get_engine("kernel", 2), [LONG, "an ensemble", "64-128-10", LONG]
    alone = [trained(engine, name, np.float32, 60).parameters for name in names]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda name: trained(engine, name, np.float32, 60).parameters, names))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(other, one)


@linux
def test_fits_at_once_leave_the_kernel_s_own_threads_at_rest(kernel):
    engine, callers, done = get_engine("kernel", 4), set(), threading.Event()
    spec, data, _, _ = problem(LONG, np.float32)

    def fit_on() -> None:
        callers.add(threading.get_native_id())
        state = engine.init(spec, [0])
        while not done.is_set():
            engine.advance(state, data, 200)

    trained(engine, LONG, np.float32)  # has all threads started
    with ThreadPoolExecutor(4) as threads:
        fits = [threads.submit(fit_on) for _ in range(4)]
        time.sleep(0.2)  # until all are at work
        before = ticks_of_threads()
        time.sleep(1)
        after = ticks_of_threads()
        done.set()
    assert all(fit.exception() is None for fit in fits)
    spent = {thread: ticks - before.get(thread, 0) for thread, ticks in after.items()}
    own = sum(ticks for thread, ticks in spent.items() if thread not in callers)
    assert set(after) == set(before), "more threads were started"
    assert own <= 0.2 * sum(spent.values()), "four callers keep four threads busy, and no call may use more"


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_are_busy_than_a_fit_may_use(kernel, threads):
    engine = get_engine("kernel", threads)
    trained(engine, LONG, np.float32)
    began, worked = time.perf_counter(), time.process_time()
    trained(engine, LONG, np.float32, 200)
    assert time.process_time() - worked <= (threads + 0.15) * (time.perf_counter() - began)


def test_python_runs_on_while_a_fit_does(kernel):
    counts, done = [0], threading.Event()

    def count() -> None:
        while not done.is_set():
            counts[0] += 1
            time.sleep(0.001)

    counting = threading.Thread(target=count)
    counting.start()
    try:
        engine = get_engine("kernel", 2)
        spec, data, _, _ = problem(LONG, np.float32)
        state = engine.init(spec, [0])
        before, began = counts[0], time.perf_counter()
        engine.advance(state, data, 150)
        beats, seconds = counts[0] - before, time.perf_counter() - began
    finally:
        done.set()
        counting.join()
    assert beats > 20 * seconds, "the interpreter lock was held"


@contextmanager
def busy_core() -> Iterator[None]:
    """The last core is kept busy by another process."""
    core = max(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, [{core}]); print(end='.', flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read(1)
        try:
            yield
        finally:
            child.kill()


@linux
@pytest.mark.slow
def test_a_busy_core_slows_a_fit_by_no_more_than_its_share(kernel):
    if cpu_count() < 2:
        pytest.skip("there is one processor")
    engine = get_engine("kernel", 2)
    spec, data, _, _ = problem(LONG, np.float32)

    def seconds(steps: int) -> float:
        state, began = engine.init(spec, [0]), time.perf_counter()
        engine.advance(state, data, steps)
        return time.perf_counter() - began

    seconds(50)
    steps = max(100, int(100 * 1.5 / seconds(100)))
    for _ in range(3):  # others may come and go meanwhile: it is measured again, not asked for less
        quiet, busy = [], []
        for _ in range(5):
            quiet.append(seconds(steps))
            with busy_core():
                busy.append(seconds(steps))
        ratio = statistics.median(busy) / statistics.median(quiet)
        if ratio <= 2.2:
            break
    print(f"quiet {sorted(quiet)}, busy {sorted(busy)}, ratio of medians {ratio:.2f}")
    assert ratio <= 2.2
