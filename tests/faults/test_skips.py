"""The bound of what a matrix may skip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.skips import MOST_SKIPPED, size_of

_ROOT = Path(__file__).parents[2]
_CONFTEST = """
from tests.faults.skips import SkipBounds

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(SkipBounds({"test_it.py::test_it": 2}, lambda _: 6))
"""
_TEST = """
import pytest

@pytest.mark.parametrize("point", range(6))
def test_it(point):
    if point < %d:
        pytest.skip("there is no such request")
"""


@pytest.mark.parametrize(
    ("skipped", "arguments", "code"),
    [
        (2, (), 0),
        (3, (), 1),
        (3, ("-n", "2"), 1),
        pytest.param(2, ("-n", "2"), 0, marks=pytest.mark.exhaustive),
        (6, ("-k", "not 5"), 0),
    ],
)
def test_bounded(tmp_path: Path, skipped: int, arguments: tuple[str, ...], code: int) -> None:
    """More of a whole matrix than its bound fails, by any number of workers; a selection never."""
    (tmp_path / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    (tmp_path / "test_it.py").write_text(_TEST % skipped, encoding="utf-8")

    plugins = ("-p", "no:cacheprovider", *(("-p", "xdist") if "-n" in arguments else ()))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *plugins, *arguments],
        cwd=tmp_path,
        # Of all plugins it takes one, and to import the others takes longer than the tests.
        env={"PYTHONPATH": str(_ROOT), "PATH": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert (f"{skipped} of 6 points were skipped" in done.stdout) == bool(code)


@pytest.mark.parametrize("matrix", MOST_SKIPPED)
def test_each_matrix_is_there(matrix: str) -> None:
    """A bound is for a test that exists, and most of its points run."""
    assert size_of(matrix) > 3 * MOST_SKIPPED[matrix]
