"""What every test run should know: whether the kernel is here."""

from importlib.util import find_spec

KERNEL = find_spec("glassnet._kernel") is not None

# Doctests import every module, and this one imports the kernel.
collect_ignore = [] if KERNEL else ["src/glassnet/nn/kernel.py"]


def pytest_report_header() -> str:
    """One line at the top of a test run."""
    return f"glassnet: {'with its kernel' if KERNEL else 'on NumPy alone, for no kernel is installed'}"
