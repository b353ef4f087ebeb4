"""A run as a Python script: the rows, the network, and every event since, in the library's own words."""

from pprint import pformat
from typing import Any

from glassnet.studio.run import Event, Run

WIDTH = 110


def replay_code(run: Run, digest: str) -> str:
    """A script that does again what was done, and says whether the bits are the same.

    Rows come from `glassnet.studio.problems`, which splits and prepares them as the studio does; all training is the
    engine's.
    """
    first = run.first
    data = dict(first["data"])
    source, shelf = _source(data)
    sizes = "[x.shape[1], " + "".join(f"{layer['units']}, " for layer in first["layers"]) + "t.shape[1]]"
    fs = [layer["activation"] for layer in first["layers"]]
    lines = [
        '"""A run of glassnet studio, replayed to the same bits."""',
        "",
        "import hashlib",
        "from dataclasses import replace",
        "",
        "import numpy as np",
        "",
        "import glassnet as gn",
        "from glassnet.studio.problems import make_problem",
        "",
        *source,
        f"data = {_pretty(data)}",
        f"features = {_pretty(first['features'])}",
        f"problem = make_problem(data, {shelf})",
        f"loss = problem.loss({first['loss']!r})",
        "",
        "",
        "def prepared():",
        '    """The rows for training, and those held out."""',
        "    x, t = problem.prepare(features, problem.raw), problem.targets(loss)",
        "    return gn.nn.Data(x[~problem.held], t[~problem.held]), gn.nn.Data(x[problem.held], t[problem.held])",
        "",
        "",
        "rows, held_out = prepared()",
        "x, t = rows.x, rows.t",
        f"network = gn.nn.Architecture.create({sizes}, {fs!r}, bias={first['bias']})",
        "spec = gn.nn.Spec(",
        "    network,",
        "    loss,",
        f"    gn.nn.get_optimizer({first['optimizer']!r}, learning_rate={first['rate']!r}),",
        f"    l2={first['l2']!r},",
        f"    l1={first['l1']!r},",
        f"    batch_size={first['batch'] or 'len(rows)'},",
        f"    init={first['init']!r},",
        ")",
        'engine = gn.nn.get_engine("auto")',
        f"state = engine.init(spec, seeds=[{first['seed']}])",
    ]
    if data["kind"] == "model":
        if run.problem.model is not None and run.problem.model.network.skip is not None:
            lines = [line.replace(f"bias={first['bias']})", f"bias={first['bias']}, skip=True)") for line in lines]
        lines.append("state.parameters[0] = problem.model.network.parameters  # it begins as the model is")
    lines.append("")
    writer = _Writer(first)
    for event in run.events:
        lines += writer.lines(event)
    lines += [
        "",
        'print(f"epoch {state.epoch}, loss {engine.evaluate(state, rows)[0]:.6g}", end="")',
        'print(f", held out {engine.evaluate(state, held_out)[0]:.6g}" if len(held_out) else "")',
        "bits = hashlib.sha256(state.parameters.tobytes()).hexdigest()[:16]",
        f'print("the same bits as in the studio" if bits == "{digest}" else',
        '      "other bits than in the studio: another version, or a processor with other instructions")',
    ]
    return "\n".join(lines) + "\n"


def _source(data: dict[str, Any]) -> tuple[list[str], str]:
    """Where a table or a model is read from: files of these names beside the script."""
    name = data.get("name") or "table.csv"
    if data["kind"] == "table":
        data["table"] = "table"
        return [f"table = gn.Table.read({name!r})  # the file that was dropped, beside this script"], (
            f"{{'table': ({name!r}, table)}}"
        )
    if data["kind"] == "model":
        data["model"] = "model"
        lines = [f"model = gn.load({name!r})  # the model that was opened, beside this script"]
        if data.get("table"):
            data["table"] = "table"
            lines.append('table = gn.Table.read("table.csv")  # the rows that were opened with it')
            return lines, f"{{'model': ({name!r}, model), 'table': ('table', table)}}"
        return lines, f"{{'model': ({name!r}, model)}}"
    return [], "{}"


def _pretty(value: Any) -> str:
    return pformat(value, width=WIDTH, sort_dicts=False, compact=True)


class _Writer:
    """Events as statements; it knows the settings as they change."""

    def __init__(self, first: dict[str, Any]) -> None:
        self._optimizer, self._whole = first["optimizer"], not first["batch"]
        self.features = list(first["features"])

    def lines(self, event: Event) -> list[str]:
        """The statements of an event."""
        name, *rest = event
        found: list[str] = getattr(self, name)(*rest)
        return found

    def advance(self, steps: int) -> list[str]:
        return [f"state = engine.advance(state, rows, {steps})"]

    def edit(self, layer: int, i: int | str, j: int, value: float) -> list[str]:
        place = f"b[{j}]" if i == "b" else f"w[{i}, {j}]"
        return [f"state.network().layers[{layer}].{place} = {value!r}"]

    def freeze(self, places: Any, on: bool) -> list[str]:
        return [
            "frozen = np.zeros(state.parameters.shape[1], bool) if state.frozen is None else state.frozen.copy()",
            f"frozen[{_pretty(list(places))}] = {bool(on)}",
            "state = replace(state, frozen=frozen if frozen.any() else None)",
        ]

    def add_unit(self, layer: int) -> list[str]:
        return [f"state = gn.nn.add_unit(state, {layer})"]

    def remove_unit(self, layer: int, unit: int) -> list[str]:
        return [f"state = gn.nn.remove_unit(state, {layer}, {unit})"]

    def activation(self, layer: int, name: str) -> list[str]:
        return [f"state = gn.nn.change_activation(state, {layer}, {name!r})"]

    def input(self, feature: str, on: bool) -> list[str]:
        place = len(self.features) if on else self.features.index(feature)
        if on:
            self.features.append(feature)
        else:
            self.features.remove(feature)
        change = f"gn.nn.add_input(state, {place})" if on else f"gn.nn.remove_input(state, {place})"
        edit = f"features.append({feature!r})" if on else f"features.remove({feature!r})"
        return [edit, f"state = {change}", "rows, held_out = prepared()"]

    def rows(self, data: dict[str, Any]) -> list[str]:
        return [
            f"problem = make_problem({_pretty(data)}, {{}})",
            "rows, held_out = prepared()",
            self._respec("len(rows)")
            if self._whole
            else "state = replace(state, batch=state.batch if state.batch < state.spec.batches(len(rows)) else 0)",
        ]

    def optimizer(self, name: str, rate: float) -> list[str]:
        self._optimizer = name
        made = f"gn.nn.get_optimizer({name!r}, learning_rate={rate!r})"
        return [f"state = state.restart_optimizer(replace(state.spec, optimizer={made}))"]

    def rate(self, value: float) -> list[str]:
        made = f"gn.nn.get_optimizer({self._optimizer!r}, learning_rate={value!r})"
        return [
            f"state = replace(state, spec=replace(state.spec, optimizer={made}), learning_rate=np.full(1, {value!r}))"
        ]

    def penalty(self, name: str, value: float) -> list[str]:
        spec = f"replace(state.spec, {name}={value!r})"
        return [f"state = replace(state, spec={spec}, {name}=np.full(1, {value!r}))"]

    def batch(self, size: int) -> list[str]:
        self._whole = not size
        return [self._respec(str(size or "len(rows)"))]

    @staticmethod
    def _respec(size: str) -> str:
        return f"state = replace(state, spec=replace(state.spec, batch_size={size}), batch=0)"
