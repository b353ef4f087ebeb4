"""show_config: what a report of a bug begins with."""

import json

import numpy
import polars
import pytest
import sklearn

import glassnet as gn
from glassnet.errors import UnknownNameError
from glassnet.nn import get_engine
from glassnet.nn.threads import cpu_count


def test_it_tells_versions_kernel_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNET_TEST", "on")

    config = gn.show_config("dicts")

    assert config["glassnet"] == gn.__version__
    assert config["packages"]["numpy"] == numpy.__version__
    assert config["packages"]["scikit-learn"] == sklearn.__version__
    assert config["packages"]["polars"] == polars.__version__
    assert config["kernel"]["present"] == (get_engine().name == "kernel")
    assert config["environment"]["GLASSNET_TEST"] == "on"
    assert config["threads"]["processors"] >= 1
    assert json.loads(json.dumps(config)) == config


def test_the_level_is_one_that_this_machine_can_run() -> None:
    kernel = gn.show_config("dicts")["kernel"]
    assert (kernel["level"] in kernel["levels"]) == kernel["present"]


def test_it_tells_the_threads_that_a_fit_uses_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSNET_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    config = gn.show_config("dicts")
    assert config["threads"] == {"processors": cpu_count(), "a fit uses": cpu_count()}
    assert "OMP_NUM_THREADS" not in config["environment"]

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    config = gn.show_config("dicts")
    assert config["threads"]["a fit uses"] == 3
    assert config["environment"]["OMP_NUM_THREADS"] == "3"

    monkeypatch.setenv("GLASSNET_NUM_THREADS", "5")
    assert gn.show_config("dicts")["threads"]["a fit uses"] == 5


def test_it_is_shown_where_the_environment_is_wrong_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLASSNET_NUM_THREADS", "many")
    gn.show_config()
    assert "problem: GLASSNET_NUM_THREADS is 'many', but it needs a number of threads" in capsys.readouterr().out


def test_it_prints_every_line_of_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNET_TEST", "on")

    assert gn.show_config() is None

    shown = capsys.readouterr().out
    for line in (
        f"glassnet: {gn.__version__}",
        f"  numpy: {numpy.__version__}",
        "  GLASSNET_TEST: on",
        "kernel:",
        "threads:",
    ):
        assert line in shown.splitlines()


def test_another_mode_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'dicts'"):
        gn.show_config("dict")
