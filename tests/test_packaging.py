"""What pyproject.toml promises is what is tested."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import glassnet

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_installed_version_is_the_one_in_pyproject() -> None:
    assert version("glassnet") == PROJECT["version"]


def test_oldest_txt_pins_every_lower_bound() -> None:
    extras = PROJECT["optional-dependencies"]
    promised = [*PROJECT["dependencies"], *extras["plot"], *extras["studio"]]
    lower_bounds = dict(requirement.split(">=") for requirement in promised)

    lines = (ROOT / "tests" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))

    assert pins.keys() == lower_bounds.keys()
    for name, bound in lower_bounds.items():
        assert re.fullmatch(rf"{re.escape(bound)}(\.0)*", pins[name]), f"{name} is pinned to {pins[name]}, not {bound}"


def test_no_requirement_has_an_upper_cap() -> None:
    extras = PROJECT["optional-dependencies"].values()
    for requirement in [*PROJECT["dependencies"], *(r for extra in extras for r in extra)]:
        assert "<" not in requirement
        assert "==" not in requirement


def test_the_package_says_that_it_is_typed() -> None:
    assert Path(glassnet.__file__).with_name("py.typed").exists()
