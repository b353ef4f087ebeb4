"""Numbers of a run by their names, for the conditions and exercises of lessons: loss, units_1, dz_0_5, …"""

from collections.abc import Callable
from typing import Any

import numpy as np

from glassnet.errors import InputError, unknown_name
from glassnet.explanation.formulas import Formula
from glassnet.studio.pictures import Pictures
from glassnet.studio.run import Run
from glassnet.studio.working import Worked, work

SATURATED = 0.9  # of the range of a bounded activation
EQUAL = 1e-9  # of units that are the same


class Quantities:
    """What a lesson may ask of a run, worked out when it is asked for.

    Args:
        run: The run.
        pictures: How it is looked at: the chosen row.
        curve: The largest errors of the constructed and the trained network, (nan, nan) where there is no curve.
        diverged: Whether its weights ran away.
    """

    def __init__(self, run: Run, pictures: Pictures, curve: Callable[[], tuple[float, float]], diverged: bool) -> None:
        self.run, self.pictures, self.curve, self.diverged = run, pictures, curve, diverged
        self._worked: Worked | None = None
        self._known: dict[str, float] = {}

    def __call__(self, name: str) -> float:
        """The number of that name.

        Raises:
            UnknownNameError: There is none.
        """
        if name not in self._known:
            found = self._of_run(name)
            self._known[name] = self._of_row(name) if found is None else float(found)
        return self._known[name]

    def evaluate(self, text: str) -> float:
        """A formula of such names.

        >>> from glassnet.studio.pictures import Look
        >>> run = Run({}, {})
        >>> Quantities(run, Pictures(run, Look()), lambda: (0.0, 0.0), False).evaluate("units_1 + 2*hidden_layers")
        10.0
        """
        formula = Formula.parse(text)
        return float(formula({name: np.array([self(name)]) for name in formula.used} or np.zeros((1, 0)))[0])

    @property
    def worked(self) -> Worked:
        """All rows, forward and backward."""
        if self._worked is None:
            self._worked = work(self.run, self.pictures)
        return self._worked

    def _of_run(self, name: str) -> float | None:
        run = self.run
        if name in ("loss", "validation_loss"):
            return run.losses(run.state)[name != "loss"]
        if name in ("score", "validation_score"):
            return run.scores(run.network)[name != "score"]
        if name in ("built_error", "trained_error"):
            return self.curve()[name != "built_error"]
        if name.startswith("units_") and name[6:].isdecimal():
            layers, number = run.settings["layers"], int(name[6:])
            return layers[number - 1]["units"] if 1 <= number <= len(layers) else 0
        known: dict[str, Callable[[], Any]] = {
            "epoch": lambda: run.state.epoch,
            "step": lambda: run.steps,
            "n": lambda: len(run.data),
            "hidden_layers": lambda: len(run.settings["layers"]),
            "units": lambda: sum(layer["units"] for layer in run.settings["layers"]),
            "inputs": lambda: run.x.shape[1],
            "rate": lambda: run.settings["rate"],
            "nonlinear": lambda: sum(layer["activation"] != "identity" for layer in run.settings["layers"]),
            "collapsed": lambda: run.foldable,
            "biases": lambda: run.settings["bias"],
            "dead": lambda: self._share(lambda h, f: (h == 0).all(axis=0)),
            "saturated": lambda: self._share(_beyond, rows=True),
            "diverged": lambda: self.diverged,
            "symmetric": self._symmetric,
            "largest_weight": lambda: np.abs(run.state.parameters).max(),
            "l1": lambda: run.settings["l1"],
            "l2": lambda: run.settings["l2"],
            "batch": lambda: run.settings["batch"],
            "frozen": lambda: len(run.frozen),
            "edits": lambda: sum(event[0] == "edit" for event in run.events),
        }
        return float(known[name]()) if name in known else None

    def _hidden(self) -> list[tuple[Any, Any]]:
        """h (n, m) and f of each hidden layer."""
        pairs = zip(self.worked.trace[:-1], self.worked.network.layers[:-1], strict=True)
        return [(step.h, layer.f) for step, layer in pairs]

    def _share(self, of: Callable[[Any, Any], Any], rows: bool = False) -> float:
        parts = [np.asarray(of(h, f)).ravel() for h, f in self._hidden()]
        return float(np.mean(np.concatenate(parts))) if parts else 0.0

    def _symmetric(self) -> bool:
        return any(h.shape[1] > 1 and np.ptp(h, axis=1).max() < EQUAL for h, _ in self._hidden())

    def _of_row(self, name: str) -> float:
        """x_i, z_l_j, dw_l_i_j, … counted from 0."""
        letter, *places = name.split("_")
        known = ("x", "t", "y", "p", "dy", "z", "h", "slope", "dh", "dz", "w", "b", "share", "dw", "db")
        if letter not in known or not places or not all(place.isdecimal() for place in places):
            raise unknown_name("quantity", name, ("loss", "score", "epoch", *(f"{k}_…" for k in known)))
        at = [int(place) for place in places]
        try:
            return float(self._numbers(letter, at))
        except (IndexError, ValueError):
            raise InputError(f"This network has no {name}.") from None

    def _numbers(self, letter: str, at: list[int]) -> Any:
        worked = self.worked
        last = len(worked.trace) - 1
        if letter in ("x", "t", "y", "p", "dy"):
            (place,) = at
            if letter == "p":
                return worked.run.loss.predict(worked.h(last)[None])[0, place]
            return {"x": worked.h(-1), "t": worked.t[0], "y": worked.h(last), "dy": worked.dz(last)}[letter][place]
        if letter in ("w", "share", "dw"):
            layer, i, j = at
            if letter == "w":
                return worked.network.layers[layer].w[i, j]
            return worked.share(layer, i, j) if letter == "share" else worked.gradient(layer, i, j)
        layer, j = at
        if letter in ("b", "db"):
            b = worked.network.layers[layer].b
            if b is None:
                raise IndexError
            return b[j] if letter == "b" else worked.gradient(layer, "b", j)
        return getattr(worked, letter)(layer)[j]


def _beyond(h: Any, f: Any) -> Any:
    """Which outputs of a bounded activation are near its ends; of others none."""
    if f.name == "tanh":
        return np.abs(h) > SATURATED
    if f.name == "logistic":
        return np.abs(2 * h - 1) > SATURATED
    return np.zeros(h.shape, bool)
