"""How much memory a call takes at its most: a glance at each by the kernel's count, and an exact look at some.

tracemalloc knows every byte that was asked for, touched or not, and makes a call take six times as long. So it looks
at each sixteenth call, and again at every call by which the process grew.
"""

import re
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

EXACT = 16  # one in so many calls is looked at exactly
GROWN_BYTES = 4 * 2**20  # by the kernel's count; then it is looked at, too
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_SIZES = re.compile(rb"Vm(Peak|HWM|RSS):\s*(\d+) kB")


class Memory:
    """Measures calls; it counts them to know which is the sixteenth."""

    def __init__(self) -> None:
        self.calls = 0
        self.counted = _STATUS.exists() and _RESET.exists()  # on Linux; elsewhere every call is looked at exactly

    def of(self, call: Callable[[], bool]) -> tuple[bool, int]:
        """What a call gives, and the bytes that it held at its most: 0 where that is less than anybody asks about."""
        self.calls += 1
        if not self.counted or self.calls % EXACT == 1:
            return exactly(call)
        with suppress(OSError):
            _RESET.write_text("5")  # the most pages so far are those of now
        before = _sizes()
        result = call()
        after = _sizes()
        grown = max(after["HWM"] - before["RSS"], after["Peak"] - before["Peak"])
        return exactly(call) if grown > GROWN_BYTES else (result, 0)


def exactly(call: Callable[[], bool]) -> tuple[bool, int]:
    """The same, by every allocation of Python and NumPy."""
    tracemalloc.start(1)
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _sizes() -> dict[str, int]:
    """Bytes of memory: the most address space so far, the most pages, the pages now."""
    return {name.decode(): 1024 * int(kilobytes) for name, kilobytes in _SIZES.findall(_STATUS.read_bytes())}
