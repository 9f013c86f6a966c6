"""Log of one W&B run: each task has a share, so that a long log does not displace others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mfwb.errors import ItemLost
from mfwb.payload.spooled_log import SpooledLog
from mfwb.planning import PlannedRun, TaskRow
from mfwb.ports import Contents, LogLine
from mfwb.redaction import LogMasker, Masked, Masker
from mfwb.snapshot import Loss

__all__ = ["LOG_LIMIT", "find_log_losses", "read_log"]

LOG_LIMIT = 32_000_000
"""Bytes that are read of all logs of a W&B run. They are about 400,000 lines: nobody scrolls
through more, and the Logs tab does not show more."""


def read_log(
    run: PlannedRun,
    contents: Contents,
    losses: list[Loss],
    masker: Masker,
    masked: list[Masked],
) -> SpooledLog:
    """Return the log of a W&B run's tasks without secrets.

    Omitted output is added to `losses`, and each log with secrets to `masked`.

    Half of the limit is divided evenly among the tasks; the other half goes to the first tasks
    that need more.
    """
    log = SpooledLog()
    try:
        fair = LOG_LIMIT // 2 // max(1, len(run.tasks))
        rest = LOG_LIMIT // 2
        for task in run.tasks:
            used = left_out = 0
            lines = LogMasker(masker)
            try:
                for line in _lines(run, task, contents, fair + rest, lines):
                    used += log.add(line)
                    left_out += line.left_out
            except ItemLost as error:
                losses.append(Loss(task.log_item, str(error)))
            if lines.marks:
                masked.append(Masked(task.log_item, lines.marks))
            rest = max(0, rest - max(0, used - fair))
            if left_out:
                reason = (
                    f"{left_out:,} bytes of it are left out, since it is too large for the Logs tab"
                )
                losses.append(Loss(task.log_item, reason))
    except BaseException:
        log.close()
        raise
    return log


def find_log_losses(run: PlannedRun, contents: Contents, masker: Masker) -> tuple[int, list[Loss]]:
    """Return the bytes of the logs of a W&B run, and the losses that `read_log` would have.

    Small logs are only measured. If there is a larger one, all of them are read.
    """
    fair = LOG_LIMIT // 2 // max(1, len(run.tasks))
    sizes = [contents.small_log_size(task.pathspec, max_bytes=fair) for task in run.tasks]
    size = sum(length for length in sizes if length is not None)
    losses: list[Loss] = []
    if None in sizes:
        log = read_log(run, contents, losses, masker, [])
        size = log.size
        log.close()
    return size, losses


def _lines(
    run: PlannedRun, task: TaskRow, contents: Contents, max_bytes: int, masker: LogMasker
) -> Iterator[LogLine]:
    for line in contents.log(task.pathspec, max_bytes=max_bytes):
        text = masker.mask(line.stream, line.text)
        if run.merged:
            text = _labelled(text, task.label)
        yield line if text is line.text else replace(line, text=text)


def _labelled(text: str, label: str) -> str:
    """Return a line with its task's label in front, also before parts that overwrite it."""
    return "\r".join(f"[{label}] {part}" for part in text.split("\r") if part) or f"[{label}] "
