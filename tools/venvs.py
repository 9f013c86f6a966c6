"""Venvs in which an installed mfwb is tested, beside versions of other packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_UV = ROOT / ".venv-tools" / "bin" / "uv"
_NOT_COPIED = shutil.ignore_patterns("mfwb", ".git", ".venv*", ".*_cache", "__pycache__", "demo")


def make_venv(venv: Path, python: str = sys.executable) -> Path:
    """Make a venv anew, for a Python or a version of it, and return the path of its program."""
    run_uv("venv", "--clear", "--python", python, str(venv))
    return venv / "bin" / "python"


def build_wheel(folder: Path) -> Path:
    """Return the wheel in the folder that the variable WHEEL names, or one that is built now."""
    given = os.environ.get("WHEEL")
    if given:
        folder = ROOT / given
    else:
        run_uv("build", "--wheel", "--python", sys.executable, "--out-dir", str(folder))
    wheels = sorted(folder.glob("mfwb-*.whl"))
    if len(wheels) != 1:
        sys.exit(f"There must be one wheel in {folder}; there are {len(wheels)}.")
    return wheels[0]


def install(python: Path, wheel: Path, constraints: Path) -> None:
    """Install the wheel of mfwb, and what its tests import, in these versions."""
    run_uv(
        *("pip", "install", "--python", str(python), "--constraint", str(constraints)),
        *("--group", "test", "--group", "examples", str(wheel)),
    )


@contextmanager
def copy_of_tests(python: Path) -> Iterator[Path]:
    """Yield a copy of the repository without `mfwb/`, in which the installed mfwb is imported."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "mfwb-tests")
        shutil.copytree(ROOT, copy, ignore=_NOT_COPIED)
        _assert_installed(python, copy)
        yield copy


def run_tests(python: Path, folder: Path, *arguments: str) -> int:
    """Run pytest in a copy of the repository, and return its exit code."""
    workers = os.environ.get("WORKERS", "3")
    command = [str(python), "-m", "pytest", "-n", workers, "--dist", "loadgroup", *arguments]
    return subprocess.run(command, cwd=folder, check=False).returncode


def run_uv(*arguments: str) -> None:
    """Run uv, which finds the Pythons of pyenv, too, and downloads none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    pythons = [str(path) for path in sorted(pyenv.glob("3.*/bin"))]
    environment = {
        **os.environ,
        "UV_PYTHON_DOWNLOADS": "never",
        "PATH": os.pathsep.join([*pythons, os.environ["PATH"]]),
    }
    subprocess.run([str(_UV), "--quiet", *arguments], cwd=ROOT, env=environment, check=True)


def _assert_installed(python: Path, folder: Path) -> None:
    subprocess.run([str(python), "-m", "mfwb", "--version"], cwd=folder, check=True)
    where = "import mfwb, pathlib; print(pathlib.Path(mfwb.__file__).resolve())"
    printed = subprocess.run(
        [str(python), "-c", where], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()
    if not Path(printed).is_relative_to(python.parent.parent):
        sys.exit(f"This is not the installed mfwb: {printed}")
