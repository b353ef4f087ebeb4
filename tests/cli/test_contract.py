"""The three lines that others build on, each in a process of its own; and how a process ends."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import glassnet as gn


def glassnet(*args):
    command = [sys.executable, "-m", "glassnet", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_fit_score_and_predict_agree_with_the_library(folder):
    fitted = glassnet("fit", "train.csv", "--target", "kind", "--quality", "fast", "-o", "m.safetensors")
    assert fitted.returncode == 0, fitted.stderr
    scored = glassnet("score", "m.safetensors", "test.csv", "--json")
    predicted = glassnet("predict", "m.safetensors", "test.csv", "-o", "p.csv")
    assert (scored.returncode, predicted.returncode) == (0, 0), scored.stderr + predicted.stderr

    table, written, model = pl.read_csv("test.csv"), pl.read_csv("p.csv"), gn.load("m.safetensors")
    assert written.columns == ["prediction", "p_big", "p_small"]
    np.testing.assert_array_equal(written["prediction"].to_numpy(), model.predict(table))
    np.testing.assert_allclose(written.select("p_big", "p_small").to_numpy(), model.predict_proba(table), atol=1e-12)
    scores = json.loads(scored.stdout)
    assert scores["accuracy"] == pytest.approx((written["prediction"] == table["kind"]).mean())
    true = np.where(table["kind"] == "big", written["p_big"], written["p_small"])
    assert scores["log_loss"] == pytest.approx(-np.log(true).mean(), abs=1e-9)
    assert scores["n"] == 20


def test_ctrl_c_ends_a_fit_with_a_model_and_says_so(folder):
    x = np.random.default_rng(0).normal(size=(5000, 2))
    pl.DataFrame({"x": x[:, 0], "y": x[:, 1]}).write_csv("noise.csv")
    options = ["-t", "y", "-o", "c.safetensors", "--max-epochs", "1000000", "--patience", "inf", "--log", "log.csv"]
    command = [sys.executable, "-m", "glassnet", "fit", "noise.csv", *options]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not Path("log.csv").exists() and time.monotonic() < deadline:  # it begins with the first epoch
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert running.returncode == 130, err
    assert "Ctrl-C" in err
    assert "Traceback" not in err
    assert "linear model" in out
    model = gn.load("c.safetensors")
    assert model.history_.stopped_by == "interrupt"
    assert model.predict({"x": [0.0]}).shape == (1,)


def test_a_closed_pipe_ends_quietly(model):
    many = pl.concat([pl.read_csv("test.csv")] * 2000)
    many.write_parquet("many.parquet")
    running = subprocess.Popen(
        [sys.executable, "-m", "glassnet", "predict", model, "many.parquet"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout.readline() == "prediction,p_big,p_small\n"
    running.stdout.close()
    err = running.stderr.read()
    assert "Traceback" not in err
    assert "Broken" not in err
    running.stderr.close()
    running.wait(timeout=30)


def test_bad_input_in_a_process_is_one_message_and_status_2(folder):
    ended = glassnet("fit", "train.csv", "--target", "knd")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert re.fullmatch(r"Error: .*'knd'.*'kind'.*\n", ended.stderr)
