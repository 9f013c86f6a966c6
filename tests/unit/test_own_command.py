"""mfwb in a process of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mfwb.own_command import own_program
from mfwb.version import __version__


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_a_folder_of_others_is_not_looked_at(tmp_path: Path, safe_path: str) -> None:
    """Neither the current one, nor with Python's own switch for that, which changes the path."""
    (tmp_path / "signal.py").write_text("raise SystemExit('foreign')", encoding="utf-8")
    done = subprocess.run(
        own_program("mfwb.cli", "--version"),
        cwd=tmp_path,
        env={"PYTHONSAFEPATH": safe_path, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == f"mfwb {__version__}\n", done.stderr
