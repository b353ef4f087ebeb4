"""What is compiled for a newer processor stays where only such a processor goes.

The linker keeps one copy of a weak symbol, from whichever object it likes: one that two levels share, or a level and
the bindings, may hold instructions that the processor at hand does not know.
"""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

BUILD = Path(__file__).parents[2] / "build"
LEVELS = ("baseline", "avx2", "avx512")
# VEX and EVEX: the names that begin with v (but verr, verw and vmcall's kin), and those of whole numbers and of masks.
NEWER = re.compile(
    r"\t(v(?!err|erw|m[clrwxf][a-z]{2})\w+|k(?:mov|and|or|xor|xnor|not|test|ortest|add|shift|unpck)\w*"
    r"|andn|bextr|blsi|blsr|blsmsk|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx)\b|%[yz]mm"
)


def tool(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def objects() -> Path:
    """The folder of the newest build."""
    if sys.platform != "linux" or not shutil.which("nm") or not shutil.which("objdump"):
        pytest.skip("nm and objdump of ELF files are missing")
    built = list(BUILD.glob("cp*/CMakeFiles/kernel_baseline.dir/src/kernel/kernel.cpp.o"))
    if not built:
        pytest.skip("the kernel was not built here")
    return max(built, key=lambda path: path.stat().st_mtime).parents[3]


def kernel_object(objects: Path, level: str) -> Path:
    path = objects / f"kernel_{level}.dir/src/kernel/kernel.cpp.o"
    if not path.exists():
        pytest.skip(f"this build has no {level}")
    return path


def instructions(path: Path) -> Iterator[str]:
    for line in tool("objdump", "--disassemble", "--no-show-raw-insn", path).splitlines():
        if ":\t" in line:
            yield line


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_shares_no_symbol(objects, level):
    own = re.compile(rf"_Z[A-Z]*8glassnet{len(level)}{level}")
    listed = [line.split() for line in tool("nm", "--defined-only", kernel_object(objects, level)).splitlines()]
    # Small letters are symbols of the object alone, but for these.
    shared = [(kind, name) for _, kind, name in listed if kind.isupper() or kind in "uvw"]

    assert [name for _, name in shared if not own.match(name)] == []
    assert [name for kind, name in shared if kind not in "VWuvw"] == [f"_ZN8glassnet{len(level)}{level}6kernelEv"]


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_does_nothing_when_it_is_loaded(objects, level):
    sections = tool("objdump", "--section-headers", kernel_object(objects, level))

    assert ".text" in sections
    assert ".init_array" not in sections
    assert ".ctors" not in sections


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86 has levels")
def test_what_every_processor_runs_has_no_newer_instruction(objects):
    everywhere = [path for path in objects.glob("*.dir/**/*.o") if "kernel_avx" not in str(path)]
    assert {"bindings.cpp.o", "team.cpp.o", "kernel.cpp.o"} <= {path.name for path in everywhere}

    for path in everywhere:
        found = [line for line in instructions(path) if NEWER.search(line)]
        assert found == [], f"{path.name}: {found[:3]}"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86 has levels")
@pytest.mark.parametrize(("level", "registers"), [("avx2", "%ymm"), ("avx512", "%zmm")])
def test_a_level_uses_what_it_is_named_after(objects, level, registers):
    fused = [line for line in instructions(kernel_object(objects, level)) if "\tvfmadd" in line and registers in line]

    assert len(fused) > 100
    assert all(NEWER.search(line) for line in fused)
