"""One minibatch, a stage at a time: forward, loss, dy, dv, dh, dz, dw, update.

The rows are those that the next step will take, in its order, so that the update at the end is the engine's own.
"""

from typing import Any

import numpy as np

from glassnet.nn.elementary import Array
from glassnet.nn.random import permutation
from glassnet.studio.describe import layer_names
from glassnet.studio.run import Run
from glassnet.studio.tokens import Letters, Token, g, v

MOST_SHOWN = 4  # numbers of an array in a line


class Walk:
    """The stages of the next minibatch; `next` gives one after the other, None when the update is due."""

    def __init__(self, run: Run) -> None:
        self.run, self.index = run, 0
        state, data = run.state, run.data
        size, n = state.spec.batch_size, len(data)
        order = permutation(int(state.seeds[0]), state.epoch, n) if size < n else np.arange(n)
        batch = data.take(order[state.batch * size : (state.batch + 1) * size])
        network, self.rows = run.network, len(batch)
        with np.errstate(all="ignore"):
            y, trace = network.forward(batch.x)
            self.value = run.loss(y, batch.t)
            dy = run.loss.derivative(y, batch.t)
            gradients = network.backward(trace, dy)
        letters = Letters(run, layer_names(run))
        last = len(network.layers) - 1
        self.stages: list[dict[str, Any]] = [
            self._stage(
                "forward", None, [{"i": "y"}, "=", *_chain(letters)], "h of every unit, averaged over the rows"
            ),
            self._stage(
                "loss",
                None,
                [{"i": "L"}, "=", v(self.value)],
                f"{run.loss.name.replace('_', ' ')}, the mean over the {self.rows} rows",
            ),
        ]
        means = [(i, step.h.mean(axis=0)) for i, step in enumerate(trace)]
        self.stages[0]["colours"] = _colours(units=means, gradient=False)
        self.stages.append(
            self._stage(
                "dy",
                last,
                [letters.y("", d=True), "=", {"i": "∂"}, {"i": "L"}, "/", {"i": "∂"}, {"i": "y"}],
                "how the loss changes with each score; summed over the rows",
                units=[(last, dy.sum(axis=0))],
            )
        )
        for i in range(last, -1, -1):
            gradient = gradients[i]
            if i < last:
                dh, dz = gradients[i + 1].dx, gradient.dz
                assert dh is not None
                assert dz is not None
                above = {**letters.w(i + 1, "", ""), "sub": ""}
                self.stages.append(
                    self._stage(
                        "dh",
                        i,
                        [_bare(letters.h(i, "", d=True)), "=", _bare(letters.z(i + 1, "", d=True)), {"T": [above]}],
                        "sent back along the lines; summed over the rows",
                        units=[(i, dh.sum(axis=0))],
                    )
                )
                self.stages.append(
                    self._stage(
                        "dz",
                        i,
                        [
                            *(_bare(letters.z(i, "", d=True)), "=", _bare(letters.h(i, "", d=True))),
                            *("⊙", {"i": "f"}, "′", "(", _bare(letters.z(i, "")), ")"),
                        ],
                        f"what {network.layers[i].f.name} lets through; over all rows it is the bias’s gradient",
                        units=[(i, dz.sum(axis=0))],
                    )
                )
            name = "dv" if i == last and last else "dw"
            self.stages.append(
                self._stage(
                    name,
                    i,
                    [
                        *({**letters.w(i, "", "", d=True), "sub": ""}, "="),
                        *({"T": [_bare(letters.h(i - 1, ""))]}, _bare(letters.z(i, "", d=True))),
                    ],
                    f"inputs times what came back, summed over {self.rows} rows",
                    weights=(i, gradient.dw),
                )
            )
        self.stages.append(self._update(letters))

    def _stage(
        self,
        name: str,
        layer: int | None,
        title: list[Token],
        note: str,
        units: list[tuple[int, Array]] | None = None,
        weights: tuple[int, Array] | None = None,
    ) -> dict[str, Any]:
        values = np.concatenate([array.ravel() for _, array in units or []]) if units else np.zeros(0)
        if weights is not None:
            values = weights[1].ravel()
        shown = [g(value) for value in values[:MOST_SHOWN]]
        numbers: list[Token] = [token for value in shown for token in (value, ",")][:-1]
        if len(values) > MOST_SHOWN:
            numbers += [",", {"t": "…"}]
        if numbers:
            title = [*title, "=", "(", *numbers, ")"]
        return {
            "name": name,
            "layer": layer,
            "title": title,
            "note": note,
            "text": f"minibatch of {self.rows} rows",
            "colours": _colours(units, weights),
        }

    def _update(self, letters: Letters) -> dict[str, Any]:
        """What the engine's own step would change, worked out on a copy of the state."""
        run = self.run
        with np.errstate(all="ignore"):
            after = run.engine.advance(run.state.copy(), run.data, 1).parameters[0]
        change = np.nan_to_num(after - run.state.parameters[0])
        optimizer = run.state.spec.optimizer
        size = float(np.linalg.norm(change))
        title = [{"i": "θ"}, "←", {"i": "θ"}, "+", {"i": "u"}, ",", "‖", {"i": "u"}, "‖", "=", g(size)]
        note = f"{optimizer.name} with rate {run.settings['rate']:g}: the next press takes this step"
        found = self._stage("update", None, title, note)
        found["colours"] = {"units": [], "weights": None, "values": change.tolist(), "gradient": True}
        return found

    def next(self) -> dict[str, Any] | None:
        """The next stage as a message; None after the last."""
        if self.index >= len(self.stages):
            return None
        stage = {**self.stages[self.index], "index": self.index, "of": len(self.stages)}
        self.index += 1
        return stage


def _bare(token: dict[str, Any]) -> dict[str, Any]:
    """A letter without its index: the whole array."""
    return {**token, "sub": ""}


def _chain(letters: Letters) -> list[Token]:
    """h v + c of the last layer."""
    last = letters.last
    bias: list[Token] = ["+", {**letters.w(last, "b", ""), "sub": ""}] if letters.run.settings["bias"] else []
    return [_bare(letters.h(last - 1, "")), {**letters.w(last, "", ""), "sub": ""}, *bias]


def _colours(
    units: list[tuple[int, Array]] | None = None,
    weights: tuple[int, Array] | None = None,
    gradient: bool = True,
) -> dict[str, Any]:
    """What was just computed, for the page to colour."""
    return {
        "units": [
            {"unit": [layer, j], "value": float(value)}
            for layer, values in units or []
            for j, value in enumerate(values)
        ],
        "weights": None if weights is None else weights[0],
        "values": None if weights is None else weights[1].ravel().tolist(),
        "gradient": gradient,
    }
