"""JAX with the order of the rows drawn by NumPy: the sort within JAX's own shuffle is most of a small step's time.

The scan is unrolled where that is seen to be faster.
"""

from benchmarks.sides.jax_scan import Training
from benchmarks.workloads import Workload

FRESH = False


def training(workload: Workload, threads: int) -> Training:
    return Training(workload, inside=False, unrolls=(1, 4))
