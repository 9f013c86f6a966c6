"""Run tests against mfwb as its users may have it: from the wheel, or beside other versions.

`make test-wheel`, `make test-lowest` and `make test-newest` call this. Each has a venv of its own,
and a copy of the repository without the folder `mfwb`, so that it is the installed mfwb that is
tested and no other.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv-tools" / "bin" / "uv"
FEW = (
    "tests/unit/cli",
    "tests/unit/report",
    "tests/integration/test_sync_offline.py",
    "tests/integration/test_push.py",
)
MANY = ("tests/unit", *FEW[2:], "tests/integration/test_sync_online.py")
NOT_COPIED = shutil.ignore_patterns("mfwb", ".git", ".venv*", ".*_cache", "__pycache__", "demo")


@dataclass(frozen=True)
class Kind:
    """What mfwb is tested beside."""

    resolution: tuple[str, ...] | None  # options for uv; None for the versions of constraints.txt
    tests: tuple[str, ...]


KINDS = {
    "wheel": Kind(None, FEW),
    "lowest": Kind(("--resolution", "lowest-direct"), MANY),
    "newest": Kind(("--prerelease", "allow"), MANY),
}


def main() -> int:
    """Make the venv, run the tests in it, and return the exit code of pytest."""
    name, *tests = sys.argv[1:]
    venv = ROOT / f".venv-{name}"
    python = venv / "bin" / "python"
    _uv("venv", "--clear", "--python", sys.executable, str(venv))
    install(python, wheel(venv), versions(KINDS[name], venv))
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "mfwb-tests")
        shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
        _show_what_is_tested(python, copy)
        return _run_tests(python, copy, tests or list(KINDS[name].tests))


def versions(kind: Kind, venv: Path) -> Path:
    """Return the file that says which versions are to be installed."""
    if kind.resolution is None:
        return ROOT / "constraints.txt"
    path = venv / "versions.txt"
    _uv(
        *("pip", "compile", "--no-annotate", "--no-header", *kind.resolution),
        *("--python", str(venv / "bin" / "python"), "--output-file", str(path)),
        "pyproject.toml",
    )
    return path


def wheel(venv: Path) -> Path:
    """Return the wheel in the folder that the variable WHEEL names, or one that is built now."""
    folder = os.environ.get("WHEEL")
    if not folder:
        folder = str(venv / "dist")
        _uv("build", "--wheel", "--python", sys.executable, "--out-dir", folder)
    found = sorted((ROOT / folder).glob("mfwb-*.whl"))
    if len(found) != 1:
        sys.exit(f"There must be one wheel in {folder}; there are {len(found)}.")
    return found[0]


def install(python: Path, wheel: Path, constraints: Path) -> None:
    """Install the wheel of mfwb, and what its tests import, in these versions."""
    _uv(
        *("pip", "install", "--python", str(python), "--constraint", str(constraints)),
        *("--group", "test", "--group", "examples", str(wheel)),
    )


def _show_what_is_tested(python: Path, folder: Path) -> None:
    subprocess.run([str(python), "-m", "mfwb", "--version"], cwd=folder, check=True)
    where = "import mfwb, pathlib; print(pathlib.Path(mfwb.__file__).resolve())"
    said = subprocess.run(
        [str(python), "-c", where], cwd=folder, check=True, capture_output=True, text=True
    )
    if not Path(said.stdout.strip()).is_relative_to(python.parent.parent):
        sys.exit(f"This is not the installed mfwb: {said.stdout.strip()}")


def _run_tests(python: Path, folder: Path, tests: list[str]) -> int:
    workers = os.environ.get("WORKERS", "3")
    command = [str(python), "-m", "pytest", "-n", workers, "--dist", "loadgroup", *tests]
    return subprocess.run(command, cwd=folder, check=False).returncode


def _uv(*arguments: str) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run([str(UV), "--quiet", *arguments], cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main())
