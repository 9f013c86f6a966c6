"""The log of a W&B run: limited, on disk if large, and every omitted byte is counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mfwb.payload import logs as module
from mfwb.payload.logs import read_log
from mfwb.payload.spooled_log import SpooledLog
from mfwb.ports import LogLine
from mfwb.redaction import Masker
from mfwb.snapshot import Loss
from tests.unit.payload.memory import TASK, MemoryContents, planned_run, row

LINES = [
    LogLine("stdout", 1_700_000_000_000, "grün 7"),
    LogLine("stderr", None, ""),
    LogLine("stdout", None, " \r\u2028 \x1b[31m"),
    LogLine("stdout", 3, "x" * 300_000),
    LogLine("stdout", None, "[mfwb: 5 bytes are left out here]", left_out=5),
]


@pytest.fixture
def log() -> Iterator[SpooledLog]:
    """Return an empty log."""
    result = SpooledLog()
    yield result
    result.close()


def test_lines_come_back(log: SpooledLog) -> None:
    """As often as wanted, also from disk."""
    assert not log
    for line in LINES:
        log.add(line)

    assert list(log) == LINES
    assert list(log) == LINES
    assert len(log) == len(LINES)
    assert LINES[0] in log


def test_lines_are_counted(log: SpooledLog) -> None:
    """A line that only says how much is left out is no line of the task; its bytes are counted."""
    for line in LINES:
        log.add(line)

    assert log.lines == len(LINES) - 1
    assert log.bytes_left_out == 5


def test_text_that_is_no_line(log: SpooledLog) -> None:
    """Several lines are several, and what is no text is spelled out."""
    log.add(LogLine("stdout", 1, "a\nb\udce9"))

    assert list(log) == [LogLine("stdout", 1, "a"), LogLine("stdout", 1, "b\\udce9")]


def test_what_is_left_out_is_a_loss() -> None:
    """With the number of bytes."""
    contents = MemoryContents()
    contents.logs[TASK] = LINES
    losses: list[Loss] = []

    log = read_log(planned_run(), contents, losses, Masker(), [])

    [loss] = losses
    assert loss.item == f"{TASK}/log"
    assert loss.reason.startswith("5 bytes of it are left out")
    assert len(log) == len(LINES)
    assert contents.shares == [module.LOG_LIMIT]
    log.close()


def test_each_part_of_a_progress_bar_says_whose_it_is() -> None:
    """In the log of several tasks, whose lines stand between each other."""
    contents = MemoryContents()
    contents.logs[TASK] = [LogLine("stderr", 1, "50%\r\r100%\r"), LogLine("stderr", 2, "\r")]

    log = read_log(planned_run(tasks=[row(0)]), contents, [], Masker(), [])

    assert [line.text for line in log] == ["[0] 50%\r[0] 100%", "[0] "]
    log.close()


def test_each_task_has_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that printed very much leaves as much as the others are due."""
    monkeypatch.setattr(module, "LOG_LIMIT", 8000)
    contents = MemoryContents()
    tasks = [row(location) for location in range(4)]
    contents.logs = {task.pathspec: [LogLine("stdout", 1, "x" * 4950)] for task in tasks[:1]}

    losses: list[Loss] = []

    log = read_log(planned_run(tasks=tasks), contents, losses, Masker(), [])

    assert [*contents.shares[:1]] == [5000]
    assert all(1000 <= share <= 1100 for share in contents.shares[1:])
    assert [loss.reason for loss in losses] == ["the log is gone"] * 3
    log.close()
