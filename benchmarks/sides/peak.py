"""The processor itself: multiply-adds a second on one core, at the level that the kernel runs at."""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.workloads import Workload
from glassnet import _kernel

FLAGS = {
    "avx512": ["-march=x86-64-v4", "-mprefer-vector-width=512", "-DBYTES=64"],
    "avx2": ["-mavx2", "-mfma", "-DBYTES=32"],
    "baseline": ["-DBYTES=16"],  # SSE, or NEON on ARM
}


class Peak:
    """Compiled once; a call measures for some 50 ms and gives GFLOP/s."""

    def __init__(self) -> None:
        compiler = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++") or shutil.which("clang++")
        if compiler is None:
            raise FileNotFoundError("no C++ compiler is found: set CXX")
        self.note = f"{_kernel.level}, {platform.machine()}"
        self.folder = tempfile.TemporaryDirectory()
        self.program = Path(self.folder.name) / "peak"
        source = Path(__file__).parents[1] / "peak.cpp"
        flags = ["-O3", "-std=c++17", "-ffp-contract=fast", *FLAGS.get(_kernel.level, FLAGS["baseline"])]
        subprocess.run([compiler, *flags, str(source), "-o", str(self.program)], check=True)

    def measure(self) -> float:
        done = subprocess.run([str(self.program)], check=True, capture_output=True, text=True)
        return float(done.stdout)


def training(workload: Workload, threads: int) -> Peak:
    return Peak()
