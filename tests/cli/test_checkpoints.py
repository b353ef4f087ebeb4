"""`glassnet fit --checkpoint`: what was cut off goes on where it was."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import glassnet as gn

FEW = ("--networks", "1", "--hidden", "8", "--max-epochs", "5", "-q")
KEPT = ("--checkpoint", "kept")


@pytest.fixture
def epochs(monkeypatch):
    """The epochs that are trained in this process, as the line of progress is told of them."""
    heard = []
    monkeypatch.setattr(
        "glassnet.cli.console.TrainingProgress.__call__", lambda self, report: heard.append(report.epoch.epoch)
    )
    return heard


def weights(path):
    return gn.load(path).network_.parameters


def test_a_process_that_was_killed_goes_on_and_ends_as_one_that_was_not(run, folder, epochs):
    x = np.random.default_rng(0).normal(size=(2000, 2))
    pl.DataFrame({"x": x[:, 0], "y": x.sum(axis=1)}).write_csv("sums.csv")
    options = (
        "--networks",
        "1",
        "--hidden",
        "32",
        "--batch-size",
        "8",
        "--max-epochs",
        "60",
        "--patience",
        "inf",
        "-q",
    )
    command = ["fit", "sums.csv", "-t", "y", *options]
    running = subprocess.Popen([sys.executable, "-m", "glassnet", *command, *KEPT, "--log", "log.csv"])
    log, deadline = Path("log.csv"), time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") > 3) and time.monotonic() < deadline:
        time.sleep(0.005)
    running.kill()
    assert running.wait(timeout=30) == -signal.SIGKILL
    assert not Path("sums.safetensors").exists()

    run.well(*command, *KEPT)
    assert 1 < epochs[0] < epochs[-1] == 60
    gone_on = weights("sums.safetensors")
    epochs.clear()
    run.well(*command, *KEPT)
    assert not epochs  # it had ended
    np.testing.assert_array_equal(weights("sums.safetensors"), gone_on)
    run.well(*command)
    np.testing.assert_array_equal(weights("sums.safetensors"), gone_on)


def test_a_refit_keeps_its_own(run, folder, epochs):
    command = ("fit", "train.csv", "-t", "kind", *FEW, "--refit")
    run.well(*command)
    plain = weights("train.safetensors")
    epochs.clear()
    for trained in (10, 0):
        run.well(*command, *KEPT, "--every", "2")
        assert len(epochs) == trained
        np.testing.assert_array_equal(weights("train.safetensors"), plain)
        epochs.clear()
    assert (folder / "kept" / "refit").is_dir()


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        ((*KEPT, "--max-epochs", "6"), ["kept", "--max-epochs (was 5, is 6)", "the same TABLE and options"]),
        ((*KEPT, "--seed", "1"), ["--seed (was 0, is 1)"]),
        ((*KEPT, "--column", "island=ignore"), ["--column"]),
        (("--checkpoint", "train.csv"), ["--checkpoint train.csv cannot be made a folder"]),
        (("--every", "2"), ["--every is 2", "--checkpoint FOLDER"]),
        ((*KEPT, "--every", "0"), ["--every"]),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_checkpoint_is_said_as_it_is_typed(run, folder, options, facts):
    run.well("fit", "train.csv", "-t", "kind", *FEW, *KEPT)
    refused = run("fit", "train.csv", "-t", "kind", *FEW, *options)
    assert (refused.exit_code, refused.stdout) == (2, "")
    for fact in facts:
        assert fact in refused.stderr
    for word in ("max_iter", "random_state", "checkpoint=", "(X)", "call fit", "n_estimators"):
        assert word not in refused.stderr
