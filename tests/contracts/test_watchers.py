"""What the pipeline relies on of who watches it, and of who writes bugs down."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from mfwb.crash_log import BugLogs
from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import BugLog, NoProgress, Progress
from mfwb.report.progress import progress_on_stderr
from mfwb.verification_outcome import FlowRunVerification, Verdict
from tests.support.fakes import MemoryBugs, MemoryProgress


@pytest.fixture(params=["terminal", "file", "nobody", "memory"])
def progress(request: pytest.FixtureRequest) -> Iterator[Progress]:
    """Return somebody who watches."""
    if request.param in {"terminal", "file"}:
        stream = _Terminal() if request.param == "terminal" else io.StringIO()
        with redirect_stderr(stream), progress_on_stderr(quiet=False) as shown:
            assert not isinstance(shown, NoProgress)
            yield shown
    else:
        yield NoProgress() if request.param == "nobody" else MemoryProgress()


def test_any_course(progress: Progress) -> None:
    """A call may begin flow runs that become nothing, and several may be under way at once."""
    progress.connecting("W&B", 0)
    progress.connecting("W&B", 1)
    progress.connected("W&B")
    progress.connected("nobody")
    progress.selected(3)
    progress.flow_run("Flow/1", 0, 3)
    progress.flow_run("[bold]Flow/2\x1b[0m", 1, 3)
    progress.planned("Flow/1", 0)
    progress.planned("[bold]Flow/2\x1b[0m", 4)
    progress.flow_run("Flow/3", 2, 3)
    progress.planned("Flow/3", 20)
    with ThreadPoolExecutor(4) as pool:
        shown = [pool.submit(_write, progress, f"Flow/3/{number}") for number in range(24)]
    assert [item.result() for item in shown] == [None] * 24
    progress.written("Flow/3", "Flow/3/0")  # one more than was said does no harm
    progress.uploading("Flow/3/0", 3, 4)  # one that was written already, too
    progress.finished(FlowRunOutcome("Flow/3", Status.SYNCED))
    progress.finished(FlowRunVerification("Flow/4", Verdict.SAME))  # that never began


def _write(progress: Progress, wandb_run: str) -> None:
    progress.writing("Flow/3", wandb_run)
    progress.uploading(wandb_run, 1_000_000, 20_000_000)
    progress.written("Flow/3", wandb_run)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


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
