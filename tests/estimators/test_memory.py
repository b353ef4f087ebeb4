"""What a fit needs beside its data: seven times the parameters with Adam, and the activations of a batch."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassnet.estimators import MLPRegressor
from glassnet.nn import Architecture, Data, Spec, get_engine, get_loss

MB = 2**20
SLACK = 8 * MB  # the allocator's, the interpreter's and the threads' own

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the peak is read where Linux shows it"),
]


def status(name: str) -> int:
    """Bytes, by a name in the process's status."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) * 1024


def begin() -> int:
    """Forget the peak so far; bytes in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def run_here(what: str) -> Any:
    """What a function of this file says in a Python of its own."""
    code = f"import json, {Path(__file__).stem} as here; print(json.dumps(here.{what}))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONWARNINGS": "ignore"}
    child = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=100)
    assert child.returncode == 0, child.stderr
    return json.loads(child.stdout.splitlines()[-1])


def growth_of_a_fit(n: int, d: int, hidden: tuple[int, ...], batch: int, epochs: int) -> int:
    """Bytes at the peak of a fit of float32 rows beyond those before it."""
    small = np.random.default_rng(0).normal(size=(min(n, 1000), d)).astype(np.float32)
    x, t = np.resize(small, (n, d)), np.resize(small[:, 0], n)
    model = MLPRegressor(hidden, batch_size=batch, max_iter=epochs, random_state=0, tol=0, n_jobs=2)
    MLPRegressor((2,), max_iter=1).fit(small, small[:, 0])  # all that is loaded once is there
    before = begin()
    model.fit(x, t)
    return status("VmHWM") - before


def test_a_fit_takes_seven_times_its_parameters_and_the_activations_of_a_batch(kernel):
    d, hidden, batch = 2000, (4000, 3000), 32
    parameters = 4 * Architecture.create([d, *hidden, 1]).n_parameters
    activations = 4 * batch * (d + 3 * sum(hidden))  # x, and z, h and dz of every layer
    growth = run_here(f"growth_of_a_fit(64, {d}, {hidden}, {batch}, 2)")
    print(f"{growth / MB:.0f} MB, {growth / parameters:.2f} times {parameters / MB:.0f} MB of parameters")
    assert growth <= 7 * parameters + activations + SLACK


def test_float32_rows_are_not_copied(kernel):
    n, d = 1_000_000, 100  # 400 MB
    growth = run_here(f"growth_of_a_fit({n}, {d}, (2,), 1000, 1)")
    print(f"{growth / MB:.0f} MB beside 400 MB")
    targets_and_order = n * (4 + 8)
    assert growth <= 2 * targets_and_order + SLACK


def growth_of_epochs(few: int, many: int) -> int:
    """Bytes at the peak of many epochs beyond those at the peak of few."""
    engine, rng = get_engine("kernel", 2), np.random.default_rng(0)
    data = Data(rng.normal(size=(200, 30)), rng.normal(size=(200, 2)))
    spec = Spec(Architecture.create([30, 64, 64, 2]), get_loss("squared_error"), batch_size=100, dropout=(0.1, 0.1))
    state, peaks = engine.init(spec, [0]), []
    engine.advance(state, data, 20)
    for epochs in (few, many):
        begin()
        engine.advance(state, data, 2 * epochs)
        peaks.append(status("VmHWM"))
    return peaks[1] - peaks[0]


def test_a_thousand_epochs_take_no_more_than_ten(kernel):
    growth = run_here("growth_of_epochs(10, 1000)")
    assert growth <= 128 * 1024
