"""What pyproject.toml promises is what is tested."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

import glassnet

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]


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
        bounds = requirement.split(";")[0]  # behind it stands where it is needed
        assert "<" not in bounds
        assert "==" not in bounds


def test_every_dependency_has_its_reason_in_contributing() -> None:
    extras = PROJECT["optional-dependencies"].values()
    asked = [*PYPROJECT["build-system"]["requires"], *PROJECT["dependencies"], *(r for extra in extras for r in extra)]
    names = {match[0] for match in map(re.compile(r"[\w-]+").match, asked) if match} - {"glassnet"}
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", page.split("## Dependencies")[1], re.MULTILINE)
    told = {name.strip() for row in rows for name in row.split("(")[0].split(",")}
    assert names <= told, f"without a reason in CONTRIBUTING.md: {', '.join(sorted(names - told))}"


def test_the_package_says_that_it_is_typed() -> None:
    assert Path(glassnet.__file__).with_name("py.typed").exists()


# The workflow of a release.

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
if_there = pytest.mark.skipif(not WORKFLOW.exists(), reason="the workflow is not part of this copy")


def workflow() -> dict[str, Any]:
    return dict(yaml.load(WORKFLOW.read_text(encoding="utf-8"), yaml.BaseLoader))  # in which `on` is no boolean


@if_there
def test_every_job_of_the_release_runs_pinned_steps_after_jobs_that_exist() -> None:
    jobs = workflow()["jobs"]
    for name, job in jobs.items():
        needs = job.get("needs", [])
        assert ({needs} if isinstance(needs, str) else set(needs)) <= jobs.keys()
        assert job["runs-on"] == "${{ matrix.os }}" or re.fullmatch(r"[a-z]+-[\d.]+(-\w+)?", job["runs-on"])
        for step in job["steps"]:
            assert len({"uses", "run"} & step.keys()) == 1, f"{name}: {step}"
            assert step.keys() <= {"name", "uses", "run", "with", "env"}
            assert re.fullmatch(r"[\w./-]+@(v\d+(\.\d+){0,2}|release/v\d+)", step.get("uses", "a@v1"))


@if_there
def test_what_is_in_braces_in_the_release_is_known() -> None:
    for inside in re.findall(r"\$\{\{ *(.*?) *\}\}", WORKFLOW.read_text(encoding="utf-8")):
        assert inside == "matrix.os"


@if_there
def test_wheels_are_made_for_every_platform_and_tried_before_anything_is_published() -> None:
    jobs = workflow()["jobs"]
    systems = " ".join(jobs["wheels"]["strategy"]["matrix"]["os"])
    for system in (r"ubuntu-[\d.]+( |$)", r"ubuntu-[\d.]+-arm", r"macos-", r"windows-"):
        assert re.search(system, systems), system
    assert set(jobs["publish"]["needs"]) == jobs.keys() - {"publish"}
    built = PYPROJECT["tool"]["cibuildwheel"]
    smoke = built["test-command"].split("{project}/")[1]
    assert (ROOT / smoke).is_file()
    assert Path(smoke).name in WORKFLOW.read_text(encoding="utf-8")
    first = PROJECT["requires-python"].removeprefix(">=").replace(".", "")
    stable = PYPROJECT["tool"]["scikit-build"]["wheel"]["py-api"]
    assert {f"cp{first}-*", f"{stable}-*"} <= set(built["build"])


@if_there
def test_only_a_tag_publishes_and_only_that_job_may_say_who_it_is() -> None:
    told = workflow()
    assert told["on"]["push"] == {"tags": ["v*"]}
    assert told["permissions"] == {"contents": "read"}
    assert told["jobs"]["publish"]["if"] == "github.event_name == 'push'"
    assert [name for name, job in told["jobs"].items() if "permissions" in job] == ["publish"]
    assert "secrets." not in WORKFLOW.read_text(encoding="utf-8")
