"""What this glassnet runs on: versions, kernel, processors, settings of the environment."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from glassnet.errors import InputError, unknown_name

PACKAGES = ("numpy", "scipy", "scikit-learn", "polars", "narwhals", "safetensors")


def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Show what glassnet runs on; a report of a bug should begin with it.

    The versions of glassnet, Python and the packages beneath it; whether the compiled kernel is here, the instructions
    that it uses ("level") and those that this machine could ("levels"); how many processors this process may use, and
    how many threads a fit uses where it is not told; and the environment's variables named GLASSNET_*, and
    OMP_NUM_THREADS.

    Args:
        mode: "stdout" prints it, "dicts" returns it, as NumPy's function of this name does.

    Returns:
        With "dicts" the configuration, JSON-able; else None.

    Raises:
        UnknownNameError: Another mode.

    >>> show_config("dicts")["kernel"]["present"] in (True, False)
    True
    """
    if mode not in ("stdout", "dicts"):
        raise unknown_name("mode", mode, ("stdout", "dicts"))
    config = {
        "glassnet": version("glassnet"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: _version(name) for name in PACKAGES},
        "kernel": _kernel(),
        "threads": _threads(),
        "environment": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith("GLASSNET_") or name == "OMP_NUM_THREADS"
        },
    }
    if mode == "dicts":
        return config
    for name, value in config.items():
        if not isinstance(value, dict):
            print(f"{name}: {value}")  # noqa: T201 - what it is for
            continue
        print(f"{name}:{'' if value else ' nothing is set'}")  # noqa: T201
        for key, item in value.items():
            print(f"  {key}: {', '.join(item) if isinstance(item, list) else item}")  # noqa: T201
    return None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _kernel() -> dict[str, Any]:
    """Whether it can be loaded, at which level, or why not."""
    try:
        from glassnet import _kernel as kernel
    except ImportError as error:
        return {"present": False, "level": None, "levels": [], "problem": str(error)}
    return {"present": True, "level": kernel.level, "levels": list(kernel.levels)}


def _threads() -> dict[str, Any]:
    """Processors that this process may use, and threads that a fit does, or why the environment does not tell."""
    from glassnet.nn.threads import cpu_count, thread_count

    try:
        return {"processors": cpu_count(), "a fit uses": thread_count()}
    except InputError as error:
        return {"processors": cpu_count(), "a fit uses": None, "problem": str(error)}
