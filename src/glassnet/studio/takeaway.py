"""What a reader takes away: the model, also in other languages, the code of the run, a file or a link of its state."""

import base64
import hashlib
import io
import json
import tempfile
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data.preprocessor import Preprocessor
from glassnet.data.schema import Column
from glassnet.data.table import Table
from glassnet.data.targets import ClassTarget, NumberTarget
from glassnet.errors import InputError, TableError
from glassnet.estimators import TableClassifier, TableRegressor
from glassnet.estimators.ensemble import Member
from glassnet.explanation.page import plain
from glassnet.formats.safetensors import load, save
from glassnet.studio.replay import replay_code
from glassnet.studio.run import Run
from glassnet.studio.settings import Settings
from glassnet.training.history import History

FORMAT = "glassnet studio 1"
MOST_LINK = 32_000  # letters; browsers and mail programs cut longer ones
MOST_INLINE = 50_000_000  # bytes of a table in a state file
Shelf = Mapping[str, Any]
File = tuple[bytes, str, str]  # content, media type, name


def take(run: Run, what: str, shelf: Shelf) -> File:
    """A file of the run.

    Raises:
        InputError: Nothing of that name can be taken, and why.
    """
    return ready(run, what, shelf)()


def ready(run: Run, what: str, shelf: Shelf) -> Callable[[], File]:
    """What makes a file of the run as it is now, in any thread: an export takes seconds, and the run goes on.

    Raises:
        InputError: Nothing of that name can be taken; what is called may raise it, too.
    """
    if what in EXPORTS:
        model, name = deepcopy(model_of(run)), f"{_stem(run)}{Path(what).suffix}"
        return lambda: _export(model, name, EXPORTS[what])
    if what not in FILES:
        raise InputError(f"There is no {what[:60]!r} to take away. There is: {', '.join([*FILES, *EXPORTS])}.")
    file = FILES[what](run, shelf)
    return lambda: file


def digest(parameters: np.ndarray) -> str:
    """The bits of parameters in a few letters.

    >>> digest(np.zeros((1, 2)))
    '374708fff7719dd5'
    """
    return hashlib.sha256(np.ascontiguousarray(parameters).tobytes()).hexdigest()[:16]


def model_of(run: Run) -> Any:
    """The model in the best form that holds it: of a table in its own columns and units, else the bare network.

    A model of tables has the loss of its kind; a network with engineered features, or with another loss, is a
    `Network` of its features, in the order in which the page shows them.
    """
    problem, network = run.problem, run.state.member(0).network()
    names = list(problem.names)
    expected = ("binary_cross_entropy", "cross_entropy") if problem.classes else ("squared_error",)
    if problem.model is not None and not isinstance(problem.model.model, TableClassifier | TableRegressor):
        return network
    if run.settings["features"] != names or run.loss.name not in expected or network.skip is not None:
        return network
    preprocessor, target = problem.preprocessor, problem.target_map
    if preprocessor is None:
        preprocessor = Preprocessor(
            tuple(_as_it_is(name, column) for name, column in zip(names, problem.raw.T, strict=True))
        )
    if target is None and not problem.classes:
        lo, hi = float(problem.answers.min()), float(problem.answers.max())
        target = NumberTarget(problem.target, 0.0, 1.0, lo, hi)
    if target is None:
        target = ClassTarget.fit(list(problem.classes), problem.target)
        if tuple(map(str, target.labels)) != problem.classes:
            return network
    layers = run.settings["layers"]
    kind = TableClassifier if problem.classes else TableRegressor
    model = kind(
        hidden_layer_sizes=tuple(layer["units"] for layer in layers),
        activation=[layer["activation"] for layer in layers] if layers else "tanh",
        alpha=run.settings["l2"],
        learning_rate_init=run.settings["rate"],
        batch_size=run.settings["batch"] or "auto",
        random_state=run.settings["seed"],
    )
    columns = [column.name for column in preprocessor.columns]
    model.preprocessor_, model.target_, model.loss_ = preprocessor, target, run.loss
    model.members_ = [Member(network, 0, 1.0, History([], "interrupt", []))]
    model.pieces_ = model.out_of_fold_ = model.conformal_ = None
    model.n_features_in_, model.feature_names_in_ = len(columns), np.array(columns, dtype=object)
    if problem.classes:
        model.threshold_ = 0.5
    model.n_iter_ = run.state.epoch
    return model


def _as_it_is(name: str, values: np.ndarray) -> Column:
    """A number that the network sees in its own units."""
    lo, hi = float(values.min()), float(values.max())
    return Column(name, "number", 0, float(np.median(values)), 0.0, 1.0, lo, hi)


def _model_file(run: Run, shelf: Shelf) -> File:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save(model_of(run), path)
        return path.read_bytes(), "application/octet-stream", f"{_stem(run)}.safetensors"


def _export(model: Any, name: str, media_type: str) -> File:
    """The model in another language, tried on rows before anybody gets it."""
    from glassnet.exports.exporting import export

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name  # the function of C is called by it
        try:
            export(model, path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from None
        return path.read_bytes(), media_type, name


def read_model(name: str, data: bytes) -> Any:
    """A model from the bytes of its file.

    Raises:
        InputError: It is no such file.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        path.write_bytes(data)
        try:
            return load(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), name)) from None


def _code_file(run: Run, shelf: Shelf) -> File:
    code = replay_code(run, digest(run.state.parameters))
    return code.encode(), "text/x-python; charset=utf-8", f"{_stem(run)}_replay.py"


def _state(run: Run) -> dict[str, Any]:
    return {"settings": run.first, "events": [list(event) for event in run.events]}


def _state_file(run: Run, shelf: Shelf) -> File:
    data: dict[str, Any] = {"format": FORMAT, "glassnet": version("glassnet"), **_state(run)}
    source = run.first["data"]
    if source["kind"] == "table" or source.get("table"):
        stream = io.BytesIO()
        table = shelf[source["table"]][1]
        if not isinstance(table, Table):
            raise InputError("The rows came as arrays from Python and are in no file: save the model instead.")
        table.frame.write_parquet(stream)
        if stream.tell() > MOST_INLINE:
            raise InputError(f"The table takes {stream.tell() / 1e6:.0f} MB: too much for a file of the state.")
        data["table"] = base64.b64encode(stream.getvalue()).decode()
    if source["kind"] == "model":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            save(shelf[source["model"]][1], path)
            data["model"] = base64.b64encode(path.read_bytes()).decode()
    text = json.dumps(plain(data), ensure_ascii=False, allow_nan=False)
    return text.encode(), "application/json", f"{_stem(run)}_studio.json"


def read_state(content: Any, shelf: Any) -> tuple[Settings, list[Any]]:
    """Settings and events of a state file; a table or model in it goes onto the shelf.

    Raises:
        InputError: It is no such file.
    """
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f'This is no state of the studio: a JSON file with "format": "{FORMAT}" was needed.')
    settings, events = content.get("settings"), content.get("events")
    if not isinstance(settings, dict) or not isinstance(events, list):
        raise InputError("The state is damaged: its settings or its events are missing.")
    settings = deepcopy(settings)
    data = settings.get("data")
    if isinstance(data, dict) and (data.get("kind") in ("table", "model")):
        for what in ("table", "model"):
            if isinstance(content.get(what), str):
                data[what] = _put(what, content[what], str(data.get("name", "")), shelf)
        for event in events:  # rows that change stay those of this file
            if isinstance(event, list) and len(event) == 2 and isinstance(event[1], dict) and event[1].get("table"):
                event[1]["table"] = data.get("table")
    return settings, events


def _put(what: str, encoded: str, name: str, shelf: Any) -> str:
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise InputError(f"The state is damaged: its {what} cannot be read.") from None
    key = f"{what}-{hashlib.sha256(data).hexdigest()[:20]}"
    if key not in shelf:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if what == "model":
                thing: Any = read_model(name or "the model", data)
            else:
                try:
                    thing = Table.read(data)
                except TableError:
                    raise InputError("The state is damaged: its table cannot be read.") from None
        shelf[key] = (name, thing)
    return key


def _link(run: Run, shelf: Shelf) -> File:
    """The part of a link behind the #: settings and events."""
    if run.first["data"]["kind"] in ("table", "model"):
        return _answer({"hash": None, "why": "A link holds no table: the state's file does."})
    text = json.dumps(_state(run), separators=(",", ":"), ensure_ascii=False)
    encoded = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    if len(encoded) > MOST_LINK:
        why = f"This run takes {len(encoded):,} letters, too many for a link: the state's file has room for it."
        return _answer({"hash": None, "why": why})
    return _answer({"hash": f"#s={encoded}"})


def _answer(content: dict[str, Any]) -> File:
    return json.dumps(content).encode(), "application/json", "link.json"


def _stem(run: Run) -> str:
    """A file name from the title."""
    stem = Path(run.problem.title).stem
    kept = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in stem).strip("_")[:40]
    return kept or "studio"


FILES: dict[str, Callable[[Run, Shelf], File]] = {
    "model.safetensors": _model_file,
    "replay.py": _code_file,
    "state.json": _state_file,
    "link": _link,
}
EXPORTS = {  # media types; what glassnet.exports writes
    "model.onnx": "application/octet-stream",
    "model.py": "text/x-python; charset=utf-8",
    "model.c": "text/x-c; charset=utf-8",
}
