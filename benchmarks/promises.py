"""The table of docs/promises.md, from benchmarks/soak.json and fuzz/results.json alone."""

import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.__main__ import machine
from benchmarks.report import table

ROOT = Path(__file__).parents[1]
SOAK, FUZZ, PAGE = ROOT / "benchmarks" / "soak.json", ROOT / "fuzz" / "results.json", ROOT / "docs" / "promises.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MUST_BE_0 = {
    "torn": "files torn",
    "lost": "kept epochs lost",
    "other_bits": "fits with other bits",
    "failed": "children that failed",
    "grown": "growth beyond the allowance",
    "changed": "good files changed",
    "left": "pieces left behind",
    "unsaid": "faults not said",
}
TRIED = {  # what each line says was met
    "kills": "{kills:,} kills of fits, {in_a_write:,} of them inside a write",
    "leaks": "{fits:,} fits and {predictions:,} single rows in one process: "
    "{megabytes_at_a_tenth:.0f} MB after a tenth, {megabytes:.0f} MB at the end",
    "threads": "{fits:,} fits in two to eight threads at once, {forks:,} forks after them",
    "disk": "{faults:,} writes that could not be: {limits:,} limits of a file, {full_disks:,} full disks, "
    "{read_only_folders:,} read-only folders",
    "models": "{runs:,} hostile model files, {past:.0%} of them past header and checksum",
    "messages": "{runs:,} hostile messages to the studio, {past:.0%} of them of a known type",
    "formulas": "{runs:,} hostile formulas, {past:.0%} of them valid",
}


def note(path: Path, name: str, result: dict[str, Any]) -> None:
    """Put one result into a file of results, with its date, machine and commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    stamp = {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "machine": machine(),
        "commit": commit.stdout.strip(),
    }
    results = read(path) | {name: {**result, "stamp": stamp}}
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """A file of results; empty where there is none."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def measured(results: dict[str, Any]) -> str:
    """The table.

    >>> stamp = {"date": "2030-01-02", "machine": "A processor", "commit": "abc"}
    >>> print(measured({"threads": {"fits": 1000, "forks": 200, "other_bits": 0, "failed": 1, "stamp": stamp}}))
    | tried | found | when, where |
    | --- | --- | --- |
    | 1,000 fits in two to eight threads at once, 200 forks after them | 0 fits with other bits, **1 children that \
failed** | 2030-01-02, A processor, abc |
    """
    rows = [
        (TRIED[name].format(**results[name]), _found(results[name]), ", ".join(results[name]["stamp"].values()))
        for name in TRIED
        if name in results
    ]
    return table(("tried", "found", "when, where"), rows)


def _found(result: dict[str, Any]) -> str:
    """What must be 0; of hostile bytes, which end the run where one breaks a promise, the most that one took."""
    if "slowest_seconds" in result:
        return (
            f"0 crashes, hangs or other errors than ours; at the most {result['slowest_seconds']:.2g} s and "
            f"{result['most_bytes'] / 2**20:.0f} MB for one"
        )
    said = ((result[name], text) for name, text in MUST_BE_0.items() if name in result)
    return ", ".join(f"**{number} {text}**" if number else f"0 {text}" for number, text in said)


def page(text: str, results: dict[str, Any]) -> str:
    """The page with the table between its two markers."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{measured(results)}\n\n{END}{after}"


def write() -> None:
    """The page anew."""
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(page(text, read(SOAK) | read(FUZZ)), encoding="utf-8")
