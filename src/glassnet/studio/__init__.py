"""A local web page that shows a network learn; `gn.studio(model)` opens it."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from glassnet.errors import InputError

if TYPE_CHECKING:
    from glassnet.studio.server import Studio

PACKAGES = ("starlette", "uvicorn", "websockets")


def studio(
    model: Any = None,
    X: Any = None,
    y: Any = None,
    *,
    port: int = 0,
    open_browser: bool = True,
    block: bool | None = None,
) -> "Studio":
    """Open a page in the browser where a network trains, and every number of it can be asked for.

    The page is served on this computer alone. The link that is printed opens it, and nothing else does.

    Args:
        model: A fitted model or a network to look into and to train on, or a file with one. A table, or a file with
            one, is trained on from the beginning. None begins with an example.
        X: Rows for the model, or the table: whatever `Table.read` takes.
        y: The name of the column to predict, or the answers, (n,). None is the model's own target, or the last column.
        port: On this computer; 0 is a free one.
        open_browser: Show the page in the browser too.
        block: Return only when Ctrl-C has ended the studio. None does so in a script; in a notebook or another session
            where commands are typed, the studio runs until it is closed.

    Returns:
        The studio, with its link as `url`; `close()` ends it.

    Raises:
        InputError: What cannot be shown, a port in use, or packages that are missing.

    >>> page = studio(open_browser=False, block=False)  # doctest: +ELLIPSIS
    http://127.0.0.1:.../?token=...
    >>> page.close()
    """
    check_packages()
    from glassnet.studio.opening import hub_of
    from glassnet.studio.server import serve

    def show(link: str) -> None:
        sys.stdout.write(f"{link}\n")
        sys.stdout.flush()

    if block is None:
        block = not (hasattr(sys, "ps1") or sys.flags.interactive)
    return serve(hub_of(model, X, y), port, show, open_browser=open_browser, block=block)


def check_packages() -> None:
    """An InputError where the extra was not installed."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(f'The studio needs {", ".join(missing)}, not installed here: pip install "glassnet[studio]".')


class _Package(ModuleType):
    """This package, which can be called: in `gn.studio` the function's name and the package's meet."""

    __call__ = staticmethod(studio)


sys.modules[__name__].__class__ = _Package
