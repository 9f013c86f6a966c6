"""Run tests against mfwb as its users may have it: from the wheel, or beside other versions.

`make test-wheel`, `make test-lowest` and `make test-newest` call this. Each has a venv of its own,
and a copy of the repository without the folder `mfwb`, so that it is the installed mfwb that is
tested and no other.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tools.matrix import SDK_TESTS
from tools.venvs import ROOT, build_wheel, copy_of_tests, install, make_venv, run_tests, run_uv

FEW = (
    "tests/unit/cli",
    "tests/unit/report",
    "tests/integration/test_sync_offline.py",
    "tests/integration/test_push.py",
)
MANY = (
    "tests/unit",
    "tests/contracts",
    *FEW[2:],
    "tests/integration/test_sync_online.py",
    *(
        test
        for test in SDK_TESTS
        if "::" not in test and not test.startswith(("tests/unit", "tests/contracts"))
    ),
)


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
    python = make_venv(venv)
    install(python, build_wheel(venv / "dist"), versions(KINDS[name], venv))
    with copy_of_tests(python) as folder:
        return run_tests(python, folder, *(tests or dict.fromkeys(KINDS[name].tests)))


def versions(kind: Kind, venv: Path) -> Path:
    """Return the file that says which versions are to be installed."""
    if kind.resolution is None:
        return ROOT / "constraints.txt"
    path = venv / "versions.txt"
    run_uv(
        *("pip", "compile", "--no-annotate", "--no-header", *kind.resolution),
        *("--python", str(venv / "bin" / "python"), "--output-file", str(path)),
        "pyproject.toml",
    )
    return path


if __name__ == "__main__":
    sys.exit(main())
