"""What the pipeline relies on of who watches it, and of who writes bugs down."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from mfwb.crash_log import BugLogs
from mfwb.ports import BugLog, NoProgress, Progress
from mfwb.report.progress import progress_on_stderr
from tests.support.fakes import MemoryBugs, MemoryProgress


@pytest.fixture(params=["terminal", "nobody", "memory"])
def progress(request: pytest.FixtureRequest) -> Iterator[Progress]:
    """Return somebody who watches."""
    if request.param == "terminal":
        console = Console(file=io.StringIO(), force_terminal=True)
        with progress_on_stderr(quiet=False, console=console) as shown:
            assert not isinstance(shown, NoProgress)
            yield shown
    else:
        yield NoProgress() if request.param == "nobody" else MemoryProgress()


def test_any_course(progress: Progress) -> None:
    """A call may begin flow runs that become nothing, and several may be under way at once."""
    progress.flow_run("Flow/1", 0, 3)
    progress.flow_run("[bold]Flow/2\x1b[0m", 1, 3)
    progress.wandb_runs(0)
    progress.wandb_runs(4)
    progress.flow_run("Flow/3", 2, 3)
    progress.wandb_runs(20)
    with ThreadPoolExecutor(4) as pool:
        shown = [pool.submit(progress.advance) for _ in range(24)]
    assert [item.result() for item in shown] == [None] * 24
    progress.advance()  # one more than was said does no harm


@pytest.fixture(params=["log", "memory"])
def bugs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BugLog:
    """Return where bugs are written down."""
    monkeypatch.setenv("MFWB_STATE_DIR", str(tmp_path))
    return BugLogs() if request.param == "log" else MemoryBugs()


def test_one_line_for_each_bug(bugs: BugLog) -> None:
    """However many there are, each has a line that calls it a bug, and what it was."""
    lines = [bugs.reason(ValueError(f"no {number}\nof them")) for number in range(5)]

    for number, line in enumerate(lines):
        assert len(line.splitlines()) == 1
        assert "a bug" in line
        assert f"no {number}" in line
