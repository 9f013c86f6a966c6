"""The lines that the Logs tab of a W&B run should have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from metaflow.mflog import mflog

from mfwb.errors import ItemLost
from mfwb.ports import Readable
from mfwb.safe_text import printable
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.verification.expected.facts import TaskFacts
from mfwb.verification.expected.model import ExpectedLine

__all__ = ["read_lines"]

_FILES = tuple(
    (source, stream) for stream in ("stdout", "stderr") for source in ("runtime", "task")
)
_MAX = (
    16_000_000  # bytes of the logs of a W&B run; of longer ones, W&B gets only beginnings and ends
)
_MAX_LINE = 100_000  # bytes
_CONTROL = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"
)


def read_lines(
    tasks: Sequence[tuple[TaskFacts, FlowStore | None]], *, labelled: bool
) -> list[ExpectedLine] | None:
    """Return the log of some tasks; None if it is too long to be synced as a whole.

    Args:
        tasks: with their datastores; a task without one printed nothing.
        labelled: whether each line has its task in front, as where a W&B run has several.
    """
    lines: list[ExpectedLine] = []
    left = _MAX
    for task, store in tasks:
        if store is None or not task.attempts or task.origin is not None:
            continue  # the log of a clone belongs to its origin
        lines_of_task: list[tuple[datetime, str, str]] = []
        for source, stream in _FILES:
            path = f"{task.path}/{task.attempts[-1].number}.{source}_{stream}.log"
            try:
                with store.open(path) as blob:
                    data = b"" if blob is None else _read(blob.stream, left + 1)
            except ItemLost:
                return None
            left -= len(data)
            if left < 0 or any(len(line) > _MAX_LINE for line in data.split(b"\n")):
                return None
            lines_of_task += _parsed(data, stream)
        label = f"[{task.label}] " if labelled else ""
        for when, stream, text in sorted(lines_of_task, key=lambda line: line[0]):
            lines += _shown(when, stream, text, label)
    return lines


def _read(stream: Readable, max_bytes: int) -> bytes:
    parts = []
    while max_bytes > 0 and (part := stream.read(min(max_bytes, 1 << 20))):
        parts.append(part)
        max_bytes -= len(part)
    return b"".join(parts)


_NO_TIME = datetime(1, 1, 1)  # noqa: DTZ001 - a mark; Metaflow's own times are naive UTC, too


def _parsed(data: bytes, stream: str) -> Iterator[tuple[datetime, str, str]]:
    latest = _NO_TIME
    for line in data.split(b"\n"):
        parsed = mflog.parse(line)
        if parsed is None:
            if line:
                yield latest, stream, line.decode("utf-8", "backslashreplace")
            continue
        latest = max(latest, parsed.utc_tstamp)
        yield parsed.utc_tstamp, stream, parsed.msg.decode("utf-8", "backslashreplace")


def _shown(when: datetime, stream: str, text: str, label: str) -> Iterator[ExpectedLine]:
    """Yield a line for each part that overwrote the one before it, as progress bars do."""
    clock = ""
    if when != _NO_TIME:
        moment = when.replace(tzinfo=timezone.utc)
        clock = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}Z "
    mark = f"[{stream}] " if stream == "stderr" else ""
    for part in [part for part in text.split("\r") if part] or [""]:
        yield ExpectedLine(clock, f"{mark}{_visible(label + part)}")


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    parts, end = [], 0
    for match in _CONTROL.finditer(text):
        parts += [printable(text[end : match.start()]), match["colour"] or ""]
        end = match.end()
    return "".join([*parts, printable(text[end:])])
