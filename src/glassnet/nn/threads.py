"""How many threads a fit or a prediction may use. Results never depend on it, only how long they take."""

import os

from glassnet.errors import InputError

VARIABLES = ("GLASSNET_NUM_THREADS", "OMP_NUM_THREADS")  # the first that is set counts


def thread_count(n_jobs: int | None = None) -> int:
    """Threads for `n_jobs`, as scikit-learn and joblib count them.

    Args:
        n_jobs: Threads; −1 is one for each processor, −2 one fewer, and so on. None is what the environment says in
            GLASSNET_NUM_THREADS or OMP_NUM_THREADS, else one for each processor that this process may use: its
            affinity and the limit of its container count.

    Raises:
        InputError: 0, or a variable of the environment that is no number of threads.

    >>> thread_count(3), thread_count(-1) >= 1
    (3, True)
    """
    if n_jobs is not None:
        if n_jobs == 0:
            raise InputError("n_jobs is 0, but work needs a thread: give 1 or more, −1 for all processors, or None.")
        return n_jobs if n_jobs > 0 else max(1, cpu_count() + 1 + n_jobs)
    for name in VARIABLES:
        text = os.environ.get(name, "").split(",")[0].strip()  # OpenMP has a list: one number for each level
        if not text:
            continue
        if not text.isdecimal() or int(text) < 1:
            raise InputError(f"{name} is {os.environ[name]!r}, but it needs a number of threads, 1 or more. Unset it.")
        return int(text)
    return cpu_count()


def cpu_count() -> int:
    """Processors that this process may use."""
    import joblib  # with scikit-learn; it knows of affinities and of the limits of containers on every system

    return int(joblib.cpu_count())
