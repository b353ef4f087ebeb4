"""Which engine runs: by name, by what was compiled, by what the processor can do."""

import json
import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import glassnet.nn.engine
from glassnet.errors import InputError, TrainingWarning, UnknownNameError
from glassnet.nn import LOSSES, Architecture, CrossEntropy, Data, Spec, get_engine

# Prints the level, and how far a step at odd sizes is from the reference, in float64 and float32, for every loss and
# every activation, under everything that a step may do.
AGREEMENT = """
import json, sys
import numpy as np
from glassnet import _kernel
from glassnet.nn import ACTIVATIONS, LOSSES, Architecture, Data, NumpyEngine, SGD, Spec, get_engine

kernel, reference = get_engine("kernel"), NumpyEngine()
assert kernel.name == "kernel"
rng, distances = np.random.default_rng(0), {}
names = [name for name, f in ACTIVATIONS.items() if f.trainable]
cases = [(loss, sizes, ["logistic", "tanh", "relu"][: len(sizes) - 1], {}) for loss in LOSSES.values()
         for sizes in ([1], [17, 33, 9], [40, 8, 16, 31])]
cases += [(LOSSES["cross_entropy"], [17, 33], [name], {}) for name in names]
everything = dict(l1=0.1, dropout=(0.2, 0.5), gradient_norm=0.1, weight_norm=0.7, rates=((1, 2),) * 4)
cases += [(loss, [17, 33, 9], ["gelu", "mish"], everything) for loss in LOSSES.values()]
for dtype in (np.float64, np.float32):
    for loss, sizes, functions, more in cases:
        k = 3
        architecture = Architecture.create([*sizes, k * loss.width], functions, skip=bool(more))
        optimizer = SGD(0.01, weight_decay=0.1) if more else SGD(0.01)
        spec = Spec(architecture, loss, optimizer, l2=0.1, batch_size=270, dtype=dtype, **more)
        x, t = rng.normal(size=(300, sizes[0])) / 2, rng.dirichlet(np.ones(k), size=300)
        states = [engine.advance(engine.init(spec, [1, 2]), Data(x, t), 1) for engine in (kernel, reference)]
        a, b = (np.concatenate([s.parameters.ravel(), s.moments.ravel()]).astype(float) for s in states)
        name = np.dtype(dtype).name
        distances[name] = max(distances.get(name, 0), float(np.linalg.norm(a - b) / np.linalg.norm(b)))
print(json.dumps({"level": _kernel.level, "distances": distances}))
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The code in a Python of its own."""
    merged = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=merged, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("level", ["baseline", "avx2", "avx512"])
def test_every_level_agrees_with_the_reference(kernel, level):
    from glassnet import _kernel

    if level not in _kernel.levels:
        pytest.skip(f"this processor, or this build, has no {level}")
    child = run(AGREEMENT, GLASSNET_KERNEL=level)
    assert child.returncode == 0, child.stderr
    told = json.loads(child.stdout)
    assert told["level"] == level
    assert told["distances"]["float64"] < 1e-12
    assert told["distances"]["float32"] < 1e-5


def test_no_level_is_without_a_test(kernel):
    from glassnet import _kernel

    assert set(_kernel.levels) <= {"baseline", "avx2", "avx512"}
    assert _kernel.levels[0] == "baseline"
    assert _kernel.level == (os.environ.get("GLASSNET_KERNEL") or _kernel.levels[-1])


def test_a_level_that_does_not_exist_is_told(kernel):
    child = run("from glassnet.nn import get_engine; get_engine()", GLASSNET_KERNEL="avx9000")
    assert child.returncode != 0
    assert "InputError: GLASSNET_KERNEL is 'avx9000', but this machine can run: baseline" in child.stderr
    assert "Unset it" in child.stderr


def test_an_engine_by_name(kernel):
    assert get_engine("numpy").name == "numpy"
    assert get_engine("kernel").name == "kernel"
    assert get_engine("auto").name == get_engine().name == "kernel"


def test_an_unknown_engine_is_told():
    with pytest.raises(
        UnknownNameError, match=r"Unknown engine 'kernal'. Did you mean 'kernel'\? Known: auto, kernel, numpy"
    ):
        get_engine("kernal")


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where glassnet was installed without a compiler."""
    monkeypatch.setitem(sys.modules, "glassnet.nn.kernel", None)
    monkeypatch.setattr(glassnet.nn.engine, "_told", False)
    monkeypatch.delenv("GLASSNET_REQUIRE_KERNEL", raising=False)


@pytest.mark.usefixtures("no_kernel")
def test_a_missing_kernel_is_told_once():
    with pytest.warns(TrainingWarning, match=r"runs on NumPy, slower.*install a C\+\+ compiler") as told:
        assert get_engine().name == "numpy"
    assert len(told) == 1
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get_engine().name == get_engine("auto").name == get_engine("numpy").name == "numpy"


@pytest.mark.usefixtures("no_kernel")
def test_a_kernel_that_was_asked_for_and_is_missing_is_an_error():
    with pytest.raises(InputError, match=r"kernel is missing .*install a C\+\+ compiler"):
        get_engine("kernel")


@pytest.mark.usefixtures("no_kernel")
def test_a_required_kernel_that_is_missing_is_an_error(monkeypatch):
    monkeypatch.setenv("GLASSNET_REQUIRE_KERNEL", "1")
    with pytest.raises(InputError, match="kernel is missing"):
        get_engine()
    assert get_engine("numpy").name == "numpy"


def test_other_threads_run_while_the_kernel_works(kernel):
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(1000, 30)), rng.dirichlet(np.ones(3), size=1000))
    spec = Spec(Architecture.create([30, 60, 3], "tanh"), CrossEntropy(), batch_size=50)
    state, steps, duration = kernel.init(spec, [0]), 50, 0.0
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.wait(0.002):
            ticks.append(time.perf_counter())

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        while duration < 0.3:  # one call, long enough
            steps *= 2
            began = time.perf_counter()
            kernel.advance(state, data, steps)
            ended = time.perf_counter()
            duration = ended - began
    finally:
        done.set()
        ticking.join()
    margin = 0.1 * duration
    assert [t for t in ticks if began + margin < t < ended - margin], "the interpreter lock was held"


# Short steps of two networks: there is work for two threads, and a third one stands by.
FEW_MEMBERS = """
import numpy as np
from glassnet.nn import Architecture, Data, Spec, SquaredError, get_engine

rng = np.random.default_rng(0)
data = Data(rng.normal(size=(60, 8)), rng.normal(size=(60, 2)))
spec = Spec(Architecture.create([8, 17, 2], "tanh"), SquaredError(), batch_size=25)
one, *others = (get_engine("kernel", n_jobs) for n_jobs in (1, *[3] * 100))
expected = one.advance(one.init(spec, [1, 2]), data, 60).parameters
for engine in others:
    assert (engine.advance(engine.init(spec, [1, 2]), data, 60).parameters == expected).all()
"""


def test_more_threads_than_networks_do_no_harm(kernel):
    child = run(FEW_MEMBERS)  # a Python of its own, for what went wrong could end it
    assert child.returncode == 0, child.stderr or f"ended by signal {-child.returncode}"


def test_threads_train_their_own_networks_at_once(kernel):
    data = Data(np.random.default_rng(0).normal(size=(100, 5)), np.ones((100, 2)) / 2)
    spec = Spec(Architecture.create([5, 20, 2], "tanh"), LOSSES["cross_entropy"])
    alone = [kernel.advance(kernel.init(spec, [seed]), data, 200).parameters for seed in range(4)]
    states = [kernel.init(spec, [seed]) for seed in range(4)]
    threads = [threading.Thread(target=kernel.advance, args=(state, data, 200)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state, parameters in zip(states, alone, strict=True):
        np.testing.assert_array_equal(state.parameters, parameters)
