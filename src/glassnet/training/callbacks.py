"""What may happen after an epoch: a progress bar, and logs for spreadsheets, TensorBoard and MLflow.

A callback is any callable that takes a `Report` and may return True to end the training. One that holds something open
has a `close`, too: it is called when the training has ended, be it by patience, Ctrl-C or an error. Those below hold
nothing before the first epoch nor after `close`, so that estimators which carry them can be cloned and pickled, and
one of them serves any number of trainings, one after another.

The one door for rich outside of the command line, for TensorBoard and for MLflow.
"""

import csv
import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from glassnet.errors import InputError
from glassnet.training.history import Epoch
from glassnet.training.trainer import Report

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """A bar that follows a training, in a terminal or a Jupyter notebook: epoch, losses, the best so far, time left.

    Of several networks side by side it shows the mean; where several trainings make one model, as a table model's do,
    the latest to begin. What is left is the time to the last epoch; patience may end the training sooner. Where nobody
    watches, as in a file or a pipe, nothing is written.

    Args:
        title: Stands before the bar.
        force: Write the bar even where no terminal is seen, for those that do not say what they are.
        file: Where to write; None is standard error. A notebook needs the package ipywidgets for it.

    >>> import sys
    >>> from glassnet import MLPClassifier
    >>> progress = Progress(file=sys.stdout)  # a doctest's is no terminal, so it stays silent
    >>> model = MLPClassifier((4,), solver="lbfgs", callbacks=[progress]).fit([[0.0], [1.0]], [0, 1])
    """

    def __init__(self, title: str = "", *, force: bool = False, file: TextIO | None = None) -> None:
        self.title = title
        self.force = force
        self.file = file
        self._bar: Bar | None = None
        self._first = 0
        self._training = 0

    def __call__(self, report: Report) -> None:
        """After an epoch."""
        if self._bar is None:
            self._first = report.epoch.epoch - 1  # a warm start counts on
            self._bar = self._make_bar()
            self._bar.add_task(self.title, total=report.max_epochs, told="", left="")
            self._training = report.training
        if report.training < self._training:
            return  # one that began before: the latest is followed
        if report.trainings > 1:
            self._training = report.training
            title = f"{self.title} network {report.training + 1} of {report.trainings}".strip()
            self._bar.update(self._bar.task_ids[0], description=title)
        done = report.epoch.epoch - self._first
        left = report.epoch.seconds / done * max(report.max_epochs - done, 0)
        self._bar.update(self._bar.task_ids[0], completed=done, told=_tell(report), left=f"≤ {_clock(left)}")
        self._bar.start()

    def _make_bar(self) -> "Bar":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as Bar

        console = Console(file=self.file, stderr=self.file is None, force_terminal=True if self.force else None)
        return Bar(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}", markup=False),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
            disable=not (console.is_terminal or console.is_jupyter),
        )

    def close(self) -> None:
        """Leave the bar as it is, and the cursor below it."""
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.update(bar.task_ids[0], left="")
            bar.stop()


def _tell(report: Report) -> str:
    """What an epoch measured, and the best so far."""
    epoch = report.epoch
    told = f"loss {_mean(epoch.loss):.3g}"
    if epoch.validation_loss is not None:
        told += f"  validation {_mean(epoch.validation_loss):.3g}"
    best = _mean(report.state.best_score.tolist())
    if any(epoch.score == [-loss for loss in losses] for losses in (epoch.loss, epoch.validation_loss or ())):
        return f"{told} (best {-best:.3g})"
    return f"{told}  score {_mean(epoch.score):.3g} (best {best:.3g})"


def _clock(seconds: float) -> str:
    """Minutes and seconds, and hours where there are any."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


class CSVLog:
    """One line an epoch, written as soon as it is known.

    Columns are epoch, loss, validation_loss, score, learning_rate and seconds; of K > 1 networks those that differ
    stand K times, as loss_0, loss_1, … Where several trainings make one model, as a table model's do, a first column
    `network` says which one a line is of, from 0, and lines stand as they came. A training that begins anew begins the
    file anew; one that goes on from an earlier one (`warm_start`, `partial_fit`) adds to it.

    Args:
        path: The file.

    Raises:
        InputError: At the first epoch, where the file cannot be written, or is not one to add to.

    >>> import tempfile
    >>> from glassnet import MLPRegressor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "log.csv")
    ...     model = MLPRegressor((4,), solver="lbfgs", callbacks=[CSVLog(path)]).fit([[0.0], [1.0]], [0.0, 1.0])
    ...     print(path.read_text().splitlines()[0])
    epoch,loss,validation_loss,score,learning_rate,seconds
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self._file: TextIO | None = None

    def __call__(self, report: Report) -> None:
        """After an epoch."""
        line = _cells(report.epoch)
        if report.trainings > 1:
            line = {"network": report.training, **line}
        if self._file is None:
            self._file = self._open(list(line), anew=len(report.history) == 1)
        csv.writer(self._file, lineterminator="\n").writerow(line.values())
        self._file.flush()

    def _open(self, header: list[str], anew: bool) -> TextIO:
        """The file, at its end, with its header."""
        path = Path(self.path)
        try:
            found = "" if anew or not path.exists() else _first_line(path)
            if found.rstrip("\n") not in ("", ",".join(header)):
                raise InputError(
                    f"{path} begins with {found[:80]!r}, but this training goes on from an earlier one and would add "
                    f"lines of {','.join(header)}. Give CSVLog another path, or remove the file."
                )
            file = path.open("w" if anew else "a", encoding="utf-8", newline="")
            if not found:
                file.write(",".join(header) + "\n")
        except OSError as error:
            raise InputError(
                f"The log {path} cannot be written: {error.strerror}. Give CSVLog a path in a folder "
                f"that exists and may be written to."
            ) from None
        return file

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline()


def _cells(epoch: Epoch) -> dict[str, float | str]:
    """The cells of a line by column; without validation rows, an empty one."""
    several = len(epoch.loss) > 1
    cells: dict[str, float | str] = {"epoch": epoch.epoch}
    for name in ("loss", "validation_loss", "score", "learning_rate"):
        numbers: list[Any] = getattr(epoch, name) or [""] * len(epoch.loss)
        cells |= {f"{name}_{k}" if several else name: number for k, number in enumerate(numbers)}
    return cells | {"seconds": epoch.seconds}


class TensorBoardLog:
    """The numbers of every epoch as TensorBoard's scalars: `pip install glassnet[tensorboard]`, `tensorboard --logdir`.

    Tags are loss/training, loss/validation, score and learning_rate, with /0, /1, … of K > 1 networks. A training that
    begins anew in the same folder takes the place of the one before; to compare two, give each its own folder.

    Args:
        folder: Where event files go; made where it is missing.

    Raises:
        InputError: At once, where the package tensorboardX is missing.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        _require("tensorboardX", "TensorBoardLog", "glassnet[tensorboard]")
        self.folder = folder
        self._writer: Any = None

    def __call__(self, report: Report) -> None:
        """After an epoch."""
        epoch = report.epoch
        if self._writer is None:
            from tensorboardX import SummaryWriter

            # Later epochs of an earlier training are hidden. Files are read in the order of their names, which begin
            # with whole seconds: the suffix tells apart what began within one.
            self._writer = SummaryWriter(
                os.fspath(self.folder), purge_step=epoch.epoch, filename_suffix=f".{time.time_ns()}"
            )
        for tag, number in _scalars(report).items():
            self._writer.add_scalar(tag, number, epoch.epoch)

    def close(self) -> None:
        """Write what is left, and close the file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()


class MLflowLog:
    """The numbers of every epoch as metrics of MLflow's active run, or of one that lasts as long as the training.

    Metrics are named as TensorBoardLog's tags, a step is an epoch. All else MLflow does through scikit-learn's
    interface, which every estimator here has: `mlflow.sklearn.log_model(model, name="model",
    serialization_format="cloudpickle")` stores a fitted one, and `mlflow.sklearn.autolog()` records parameters and
    metrics of a `Pipeline` or a `GridSearchCV` around one; of estimators that stand alone it knows scikit-learn's own.

    Raises:
        InputError: At once, where the package mlflow is missing.
    """

    def __init__(self) -> None:
        _require("mlflow", "MLflowLog", "mlflow")
        self._run: str | None = None  # the active run
        self._own = False  # whether it began here

    def __call__(self, report: Report) -> None:
        """After an epoch."""
        import mlflow

        if self._run is None:
            active = mlflow.active_run()
            self._own = active is None
            self._run = (active or mlflow.start_run()).info.run_id
        mlflow.log_metrics(_scalars(report), step=report.epoch.epoch, run_id=self._run)

    def close(self) -> None:
        """End the run that began here."""
        run, self._run = self._run, None
        if run is not None and self._own:
            import mlflow

            mlflow.end_run()


def _scalars(report: Report) -> dict[str, float]:
    """The numbers of an epoch by tag."""
    tags = {
        "loss": "loss/training",
        "validation_loss": "loss/validation",
        "score": "score",
        "learning_rate": "learning_rate",
    }
    epoch = report.epoch
    several = len(epoch.loss) > 1 or report.trainings > 1
    return {
        f"{tag}/{report.training + k}" if several else tag: number
        for name, tag in tags.items()
        for k, number in enumerate(getattr(epoch, name) or ())
    }


def _require(package: str, name: str, requirement: str) -> None:
    """An extra is there, or the error says how to get it."""
    if find_spec(package) is None:
        raise InputError(f"{name} needs the package {package}, which is not installed: pip install '{requirement}'")
