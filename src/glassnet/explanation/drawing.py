"""The one door for matplotlib, which only those who draw need."""

from typing import Any

from glassnet.errors import InputError


def axes(ax: Any = None, **size: Any) -> Any:
    """The axes to draw on: those given, or new ones.

    Args:
        ax: matplotlib's axes, or None.
        size: Of a new figure, as `matplotlib.pyplot.subplots` takes it: figsize=(6, 4).

    Raises:
        InputError: matplotlib is not installed.
    """
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise InputError("Pictures need matplotlib, which is not here: pip install 'glassnet[plot]'.") from None
    return pyplot.subplots(layout="constrained", **size)[1]
