"""What must hold of any bytes: an answer, or one of our own errors, in little time and memory, and no code run."""

import io
import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

import glassnet as gn
from fuzz.memory import Memory
from fuzz.mutations import Mutation, changed_message, changed_model, changed_text
from glassnet.errors import InputError
from glassnet.explanation.formulas import Formula
from glassnet.formats import safetensors

MOST_SECONDS = 10.0  # on a machine that others use too; a file that hangs takes for ever
SPARE_BYTES = 64 * 2**20
ASKED = 4  # one in so many models is asked for predictions, which take longer than loading it


class Broken(Exception):
    """A promise that some bytes have broken."""


@dataclass
class Target:
    """One thing that reads bytes.

    Attributes:
        check: Raises `Broken`, or whatever it should not, where a promise is broken; whether the bytes got past
            the outer form, so that what is behind it was tried.
        seeds: Valid bytes to begin with.
        mutate: How they are changed.
    """

    name: str
    check: Callable[[bytes], bool]
    seeds: Callable[[], list[bytes]]
    mutate: Mutation
    runs: int = 0
    past: int = 0
    slowest: float = 0.0
    largest: int = 0
    memory: Memory = field(default_factory=Memory)

    def __call__(self, data: bytes) -> None:
        """Try these bytes within their limits of time and memory."""
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            past, grown = self.memory.of(lambda: self.check(data))
        seconds = time.perf_counter() - start
        self.past += past
        self.runs += 1
        self.slowest, self.largest = max(self.slowest, seconds), max(self.largest, grown)
        if seconds > MOST_SECONDS:
            raise Broken(f"{seconds:.1f} s for {len(data)} bytes")
        if grown > 2 * len(data) + SPARE_BYTES:
            raise Broken(f"{grown / 2**20:.0f} MB of memory for {len(data)} bytes")


# Model files.

_PLACE = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None), "fuzzed.safetensors")


def load_model(data: bytes) -> bool:
    """A model that answers finite questions, or one of our errors; whether the header and the checksum were right."""
    reached = []
    decode = safetensors.decode

    def noted(*content: Any) -> Any:
        reached.append(True)
        return decode(*content)

    _PLACE.write_bytes(data)
    safetensors.decode = noted  # type: ignore[assignment]
    try:
        model = gn.load(_PLACE)
    except InputError:
        return bool(reached)
    finally:
        safetensors.decode = decode
    repr(model)
    if sum(data[:1000]) % ASKED == 0:
        with suppress(InputError):  # rows that a kind of column does not fit
            _ask(model)
    return True


def _ask(model: Any) -> None:
    """Predictions of a few rows, as a user would ask for them next."""
    if isinstance(model, gn.nn.Network):
        width = model.layers[0].w.shape[0]
        model.forward(np.zeros((2, width), model.layers[0].w.dtype))
    elif isinstance(model, gn.TableClassifier | gn.TableRegressor):
        kinds = {column.name: column for column in model.preprocessor_.columns}
        cell = {"category": "a", "boolean": True, "date": "2024-05-01", "time": "10:00", "ignore": None}
        rows = {name: [cell.get(kinds[name].kind, 1.0)] * 2 for name in model.feature_names_in_}
        if model.n_features_in_ <= 1000:
            model.predict(rows)
    elif model.n_features_in_ <= 10_000:
        model.predict(np.zeros((2, model.n_features_in_)))


def model_files() -> list[bytes]:
    """Small ones of every kind."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    table = {
        "mass": x[:, 0],
        "island": ["a", "b", None, "c"] * 10,
        "day": [f"2024-{1 + i % 12:02}-11" for i in range(40)],
        "flag": [True, False] * 20,
        "y": x[:, 0] + x[:, 1],
        "species": ["p", "q", "r", "q"] * 10,
    }
    few: dict[str, Any] = {"hidden_layer_sizes": (3,), "max_iter": 2, "random_state": 0, "n_estimators": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        models = [
            gn.TableClassifier(**few).fit(table, target="species"),
            gn.TableRegressor(**few).fit(table, target="y"),
            gn.MLPClassifier((3,), max_iter=2, random_state=0).fit(x, x[:, 0] > 0),
            gn.MLPRegressor((3, 2), max_iter=2, random_state=0).fit(x, x[:, 0]),
            gn.nn.Network.create([2, 3, 1], activation="tanh", seed=0),
        ]
    files = []
    for model in models:
        gn.save(model, _PLACE)
        files.append(_PLACE.read_bytes())
    return files


# The studio's messages.

_STUDIO: dict[str, Any] = {}


def receive(data: bytes) -> bool:
    """The session answers with a notice at worst and goes on; whether it was a message of a known type."""
    from glassnet.studio.commands import COMMANDS

    session, said = _session()
    text = data.decode("utf-8", "replace")
    said.truncate(0)
    session._safely(lambda: session._take("text", text))
    if said.getvalue():
        raise Broken(said.getvalue()[-2000:])
    if _STUDIO["age"] > 50 or session.closed:
        _STUDIO.clear()
        session.close()
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(asked, dict) and asked.get("type") in list(COMMANDS)


def _session() -> tuple[Any, io.StringIO]:
    """A run whose thread rests, and what is logged of mistakes of ours; after 50 messages another run."""
    from glassnet.studio.session import Session

    if not _STUDIO:
        said = io.StringIO()
        logger = logging.getLogger("glassnet.studio.session")
        logger.handlers, logger.propagate = [logging.StreamHandler(said)], False
        session = Session("fuzz", {}, {}, _Idle())
        session.inbox.put(("work", lambda: setattr(session, "closed", True)))
        session.thread.join()
        session.closed = False
        session.connect(lambda message: None)
        _STUDIO.update(session=session, said=said, age=0)
    _STUDIO["age"] += 1
    return _STUDIO["session"], _STUDIO["said"]


class _Idle(ThreadPoolExecutor):
    """Helpers that do what they are given at once."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        future: Any = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except InputError as error:
            future.set_exception(error)
        return future


def messages() -> list[bytes]:
    """One of each type, as the page sends them."""
    return [json.dumps(message).encode() for message in json.loads((CORPUS / "messages.json").read_text("utf-8"))]


# Formulas.


def read_formula(data: bytes) -> bool:
    """A function that has values and can be read again, or one of our errors; whether it was one."""
    text = data.decode("utf-8", "replace")
    try:
        formula = Formula.parse(text, ("x", "y"))
    except InputError:
        return False
    formula({"x": np.linspace(-1, 1, 5), "y": np.ones(5)})
    return True


def formulas() -> list[bytes]:
    """Those that people write."""
    return [line.encode() for line in (CORPUS / "formulas.txt").read_text("utf-8").splitlines()]


CORPUS = Path(__file__).parent / "corpus"
TARGETS = {
    target.name: target
    for target in (
        Target("models", load_model, model_files, changed_model),
        Target("messages", receive, messages, changed_message),
        Target("formulas", read_formula, formulas, changed_text),
    )
}


def wild(target: Target, seed: int, runs: int) -> Iterator[bytes]:
    """Bytes without a guide: seeds changed again and again, the same for the same seed."""
    random, seeds = Random(seed), target.seeds()
    for _ in range(runs):
        data = random.choice(seeds)
        for _ in range(random.choice((1, 1, 2, 4))):
            data = target.mutate(data, random)
        yield data
