"""Public packages, downloaded once into build/, and files read out of them; nothing that they bring is ever run."""

import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.timing import ROOT

FOLDER = ROOT / "build" / "accuracy" / "downloads"
TIMEOUT_SECONDS = 600.0


class SourceError(Exception):
    """Why a table cannot be built; it is shown in its place."""


def fetch(registry: str, package: str, version: str) -> Path:
    """The package's archive: from build/, or downloaded by pip ("PyPI") or apt ("Debian").

    Raises:
        SourceError: it cannot be had.
    """
    folder = FOLDER / f"{package}-{version}"
    if not any(folder.glob("*")):
        _download(registry, package, version, folder)
    return next(folder.glob("*"))


def _download(registry: str, package: str, version: str, folder: Path) -> None:
    """Into a folder beside it first, so that an interrupted download leaves no trace."""
    if registry == "PyPI":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", f"{package}=={version}"]
    elif shutil.which("apt-get"):
        command = ["apt-get", "--quiet", "download", package]
    else:
        raise SourceError(f"{package} is a package of Debian, and there is no apt-get here")
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        done = subprocess.run(command, cwd=part, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        raise SourceError(f"{package} {version} did not come within {TIMEOUT_SECONDS:.0f} s") from None
    if done.returncode or len(list(part.iterdir())) != 1:
        said = done.stderr.strip().splitlines()
        raise SourceError(f"{package} {version} cannot be downloaded: {said[-1] if said else 'it came in no file'}")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def member(archive: Path, name: str) -> bytes:
    """A file of a wheel, or of a Debian package.

    Raises:
        SourceError: there is none of that name.
    """
    try:
        if archive.suffix == ".deb":
            return _debian_member(archive.read_bytes(), name)
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    except KeyError:
        raise SourceError(f"{archive.name} has no file {name}") from None


def _debian_member(package: bytes, name: str) -> bytes:
    """An ar archive holds a tar archive, data.tar.*, which holds the file."""
    data = next(content for title, content in _ar(package) if title.startswith("data.tar"))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        file = tar.extractfile(f"./{name}")
        if file is None:
            raise KeyError(name)
        return file.read()


def _ar(package: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file of an ar archive: a header of 60 bytes, then the content, to an even length.

    >>> list(_ar(b"!<arch>\\n" + b"a.txt/".ljust(48) + b"3".ljust(10) + b"`\\n" + b"abc\\n"))
    [('a.txt', b'abc')]
    """
    at = 8
    while at < len(package):
        title, size = package[at : at + 16].decode("ascii").rstrip(" /"), int(package[at + 48 : at + 58])
        yield title, package[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
