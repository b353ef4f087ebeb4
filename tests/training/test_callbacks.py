"""Callbacks: closed however a training ends, and what they write is what was measured."""

import csv
import io
import math
import pickle
import signal
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from glassnet import MLPClassifier, MLPRegressor
from glassnet.errors import InputError
from glassnet.nn import Adam, Architecture, Data, NumpyEngine, Spec, SquaredError, State
from glassnet.training import CSVLog, History, MLflowLog, Plan, Progress, Report, TensorBoardLog, train

COLUMNS = ["epoch", "loss", "validation_loss", "score", "learning_rate", "seconds"]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3))
ROWS = Data(X, X[:, :1])


def fresh(members: int = 1) -> State:
    spec = Spec(Architecture.create([3, 1]), SquaredError(), Adam(0.01), batch_size=10)
    return NumpyEngine().init(spec, range(members))


def run(
    state: State, callbacks: list, epochs: int = 3, validate: bool = True, history: History | None = None
) -> History:
    return train(
        NumpyEngine(),
        state,
        ROWS,
        Plan(epochs, patience=np.inf),
        validation=ROWS if validate else None,
        callbacks=callbacks,
        history=history,
    )


def lines(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


class Closed:
    """Counts what it is told."""

    def __init__(self, then: Callable[[Report], bool | None] = lambda report: None) -> None:
        self.then, self.calls, self.closed = then, 0, 0

    def __call__(self, report: Report) -> bool | None:
        self.calls += 1
        return self.then(report)

    def close(self) -> None:
        self.closed += 1


# ------------------------------------------------------------------------------------------- the end of a training


def interrupt(report: Report) -> None:
    signal.raise_signal(signal.SIGINT)


def fail(report: Report) -> None:
    raise RuntimeError("the callback's own")


@pytest.mark.parametrize("then", [lambda report: None, lambda report: True, interrupt])
def test_callbacks_are_closed_once_however_a_training_ends(then) -> None:
    first, second = Closed(then), Closed()

    run(fresh(), [first, second])

    assert (first.closed, second.closed) == (1, 1)


def test_callbacks_are_closed_when_one_of_them_fails() -> None:
    first, second = Closed(), Closed(fail)

    with pytest.raises(RuntimeError, match="the callback's own"):
        run(fresh(), [first, second])

    assert (first.closed, second.closed) == (1, 1)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_estimators_close_their_callbacks_with_every_solver(solver: str) -> None:
    callback = Closed(lambda report: report.epoch.epoch == 2)

    MLPRegressor((4,), solver=solver, tol=0, random_state=0, callbacks=[callback]).fit(X, X[:, 0] ** 2)

    assert (callback.calls, callback.closed) == (2, 1)


@pytest.mark.parametrize("callback", [Progress(), CSVLog("log.csv")])
def test_estimators_with_callbacks_are_cloned_and_pickled(callback, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = MLPRegressor((4,), max_iter=500, tol=1e-2, callbacks=[callback], random_state=0).fit(X, X[:, 0])

    again = pickle.loads(pickle.dumps(clone(model).fit(X, X[:, 0])))

    assert np.array_equal(again.predict(X), model.predict(X))


# ------------------------------------------------------------------------------------------------------- progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("TERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    return Terminal()


def test_progress_shows_epoch_losses_and_best(terminal: Terminal) -> None:
    history = run(fresh(), [Progress("spring", file=terminal)], epochs=5)

    shown = terminal.getvalue()
    last = history.epochs[-1]
    for part in ("spring", "5/5", f"loss {last.loss[0]:.3g}", f"validation {last.validation_loss[0]:.3g}", "(best "):
        assert part in shown


@pytest.mark.parametrize("then", [lambda report: None, lambda report: True, interrupt, fail])
def test_progress_gives_the_cursor_back_however_a_training_ends(then, terminal: Terminal) -> None:
    progress = Progress(file=terminal)
    try:
        run(fresh(), [progress, then])
    except RuntimeError:
        assert then is fail

    hidden, shown = terminal.getvalue().rfind("\x1b[?25l"), terminal.getvalue().rfind("\x1b[?25h")
    assert -1 < hidden < shown
    assert terminal.getvalue().endswith("\n") or terminal.getvalue().endswith("\x1b[?25h")


def test_progress_is_silent_in_a_file_unless_forced(terminal: Terminal) -> None:
    silent, forced = io.StringIO(), io.StringIO()

    run(fresh(), [Progress(file=silent), Progress(file=forced, force=True)])

    assert silent.getvalue() == ""
    assert "3/3" in forced.getvalue()


def test_progress_counts_a_warm_start_from_its_own_first_epoch(terminal: Terminal) -> None:
    state = fresh()
    history = run(state, [], epochs=7)

    run(state, [Progress(file=terminal)], epochs=2, history=history)

    assert "2/2" in terminal.getvalue()
    assert "9/" not in terminal.getvalue()


# ------------------------------------------------------------------------------------------------------------ CSV


def test_csv_log_holds_the_history_to_the_last_bit(tmp_path: Path) -> None:
    history = run(fresh(), [CSVLog(tmp_path / "log.csv")])

    written = lines(tmp_path / "log.csv")
    assert list(written[0]) == COLUMNS
    for line, epoch in zip(written, history, strict=True):
        assert int(line["epoch"]) == epoch.epoch
        assert float(line["seconds"]) == epoch.seconds
        for name in ("loss", "validation_loss", "score", "learning_rate"):
            assert [float(line[name])] == getattr(epoch, name)


def test_csv_log_has_each_epoch_before_the_next(tmp_path: Path) -> None:
    path, seen = tmp_path / "log.csv", []

    run(fresh(), [CSVLog(path), lambda report: seen.append(len(lines(path)))])

    assert seen == [1, 2, 3]


def test_csv_log_of_several_networks_has_a_column_for_each(tmp_path: Path) -> None:
    history = run(fresh(members=2), [CSVLog(tmp_path / "log.csv")], validate=False)

    line = lines(tmp_path / "log.csv")[-1]
    assert [float(line["loss_0"]), float(line["loss_1"])] == history.epochs[-1].loss
    assert line["validation_loss_0"] == line["validation_loss_1"] == ""


def test_csv_log_of_several_trainings_says_which_one_a_line_is_of(tmp_path: Path) -> None:
    log = CSVLog(tmp_path / "log.csv")

    for training in (0, 1):
        run(fresh(), [lambda report, training=training: log(replace(report, training=training, trainings=2))])
    log.close()

    written = lines(tmp_path / "log.csv")
    assert list(written[0]) == ["network", *COLUMNS]
    assert [(line["network"], line["epoch"]) for line in written] == [(k, e) for k in "01" for e in "123"]


def test_csv_log_goes_on_with_a_warm_start_and_begins_anew_with_a_new_fit(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model = MLPRegressor((4,), random_state=0, callbacks=[CSVLog(path)])
    model.partial_fit(X, X[:, 0]).partial_fit(X, X[:, 0])
    assert [line["epoch"] for line in lines(path)] == ["1", "2"]

    model.set_params(max_iter=1000, tol=1e-2).fit(X, X[:, 0])
    assert [int(line["epoch"]) for line in lines(path)] == [epoch.epoch for epoch in model.history_]


def test_csv_log_does_not_add_to_a_foreign_file(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model = MLPRegressor((4,), random_state=0).partial_fit(X, X[:, 0])
    path.write_text("name,price\n", encoding="utf-8")

    with pytest.raises(InputError, match="begins with 'name,price"):
        model.set_params(callbacks=[CSVLog(path)]).partial_fit(X, X[:, 0])

    assert path.read_text(encoding="utf-8") == "name,price\n"


def test_csv_log_names_the_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing.*log\.csv cannot be written"):
        run(fresh(), [CSVLog(tmp_path / "missing" / "log.csv")])


# ---------------------------------------------------------------------------------------------------- TensorBoard


def events(folder: Path) -> list:
    """All events of a folder: each record is a length, its checksum, an event, its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        content, at = path.read_bytes(), 0
        while at < len(content):
            (length,) = struct.unpack_from("<Q", content, at)
            found.append(Event.FromString(content[at + 12 : at + 12 + length]))
            at += 12 + length + 4
    return found


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Numbers by tag and step, as TensorBoard reads them: a restart hides the later steps of what was before."""
    found: dict[str, dict[int, float]] = {}
    for event in events(folder):
        if event.HasField("session_log"):
            found = {tag: {s: x for s, x in steps.items() if s < event.step} for tag, steps in found.items()}
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def test_tensorboard_reads_the_history(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="the extra [tensorboard] is not installed")
    history = run(fresh(), [TensorBoardLog(tmp_path)])

    found = scalars(tmp_path)
    assert found.keys() == {"loss/training", "loss/validation", "score", "learning_rate"}
    for epoch in history:
        assert math.isclose(found["loss/training"][epoch.epoch], epoch.loss[0], rel_tol=1e-6)
        assert math.isclose(found["loss/validation"][epoch.epoch], epoch.validation_loss[0], rel_tol=1e-6)


def test_tensorboard_shows_a_warm_start_behind_and_a_new_fit_in_place_of_the_old(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX", reason="the extra [tensorboard] is not installed")
    log, state = TensorBoardLog(tmp_path), fresh()
    history = run(state, [log], epochs=3)
    run(state, [log], epochs=2, history=history)
    assert list(scalars(tmp_path)["score"]) == [1, 2, 3, 4, 5]

    run(fresh(), [log], epochs=2)
    assert list(scalars(tmp_path)["score"]) == [1, 2]


# --------------------------------------------------------------------------------------------------------- MLflow


@pytest.mark.slow
def test_mlflow_has_a_metric_of_every_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    client = mlflow.MlflowClient()

    own = run(fresh(), [MLflowLog()])
    assert mlflow.active_run() is None
    logged = client.get_metric_history(mlflow.last_active_run().info.run_id, "loss/training")
    assert [(point.step, point.value) for point in logged] == [(epoch.epoch, epoch.loss[0]) for epoch in own]

    with mlflow.start_run() as given:
        run(fresh(members=2), [MLflowLog()])
        assert mlflow.active_run().info.run_id == given.info.run_id
    assert len(client.get_metric_history(given.info.run_id, "loss/training/1")) == 3


@pytest.mark.parametrize(("make", "package"), [(lambda: TensorBoardLog("runs"), "tensorboardX"), (MLflowLog, "mlflow")])
def test_a_log_says_at_once_which_package_it_misses(make, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glassnet.training.callbacks.find_spec", lambda name: None)
    with pytest.raises(InputError, match=f"needs the package {package}.*pip install"):
        make()


def test_a_classifier_takes_all_of_them(tmp_path: Path) -> None:
    callbacks = [Progress(), CSVLog(tmp_path / "log.csv")]
    model = MLPClassifier((4,), early_stopping=True, random_state=0, callbacks=callbacks).fit(X, X[:, 0] > 0)
    assert len(lines(tmp_path / "log.csv")) == len(model.history_)
