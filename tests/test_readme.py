"""The README's first commands are make's, and its Python runs."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]


def test_readme_opens_with_the_two_commands() -> None:
    _, first = BLOCKS[0]
    commands = [line.split("#")[0].strip() for line in first.splitlines() if line.strip()]
    assert commands == ["make demo", "make test"]


def test_readme_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks run in order and share their names, as a reader who types them in."""
    monkeypatch.chdir(tmp_path)
    assert PYTHON, "the README shows no Python"
    names: dict[str, object] = {"__name__": "readme"}
    for i, block in enumerate(PYTHON, start=1):
        exec(compile(block, f"README.md, Python block {i}", "exec"), names)
