"""show_config: what a report of a bug begins with."""

import json

import numpy
import polars
import pytest
import sklearn

import glassnet as gn
from glassnet.errors import UnknownNameError
from glassnet.nn import get_engine


def test_it_tells_versions_kernel_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNET_TEST", "on")

    config = gn.show_config("dicts")

    assert config["glassnet"] == gn.__version__
    assert config["packages"]["numpy"] == numpy.__version__
    assert config["packages"]["scikit-learn"] == sklearn.__version__
    assert config["packages"]["polars"] == polars.__version__
    assert config["kernel"]["present"] == (get_engine().name == "kernel")
    assert config["environment"]["GLASSNET_TEST"] == "on"
    assert config["cpus"] >= 1
    assert json.loads(json.dumps(config)) == config


def test_the_level_is_one_that_this_machine_can_run() -> None:
    kernel = gn.show_config("dicts")["kernel"]
    assert (kernel["level"] in kernel["levels"]) == kernel["present"]


def test_it_prints_every_line_of_it(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLASSNET_TEST", "on")

    assert gn.show_config() is None

    shown = capsys.readouterr().out
    for line in (f"glassnet: {gn.__version__}", f"  numpy: {numpy.__version__}", "  GLASSNET_TEST: on", "kernel:"):
        assert line in shown.splitlines()


def test_another_mode_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'dicts'"):
        gn.show_config("dict")
