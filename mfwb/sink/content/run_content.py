"""What one W&B run says, in both modes: plain values, as W&B takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

from mfwb.planning import Plan, PlannedRun
from mfwb.ports import LogLine, ReadyPreview, ReadyRun, ReadyTable
from mfwb.safe_text import printable
from mfwb.sink.content.receipt import Receipt, dump_receipt
from mfwb.version import __version__

__all__ = [
    "MARKER",
    "TABLE",
    "build_config",
    "build_summary",
    "done",
    "file_previews",
    "format_log",
    "has_empty_dict",
    "sent",
    "summary_keys",
    "tables_of",
]

MARKER = "mfwb"
"""The key in config and summary under which mfwb speaks of itself."""

TABLE = "tasks"
"""The key in the summary of the table of tasks."""


_LOG_PART = 1_000_000
"""Characters of a log that are said at a time."""


def build_config(plan: Plan, run: PlannedRun, writer: str) -> dict[str, Any]:
    """Return the whole config.

    Args:
        plan: the plan that the W&B run belongs to.
        run: as planned.
        writer: the ledger of this sync.
    """
    marker = {
        "version": __version__,
        "source": plan.source.to_dict(),
        "fingerprint": run.fingerprint,
        "writer": writer,
    }
    said = {**run.config, MARKER: marker}
    if run.externals:
        said["metaflow"] = {**said["metaflow"], "external_inputs": list(run.externals)}
    return said


def has_empty_dict(said: Any) -> bool:
    """Whether there is an empty dict in a dict: wandb-core leaves them out of config.

    It takes config for a tree of which only leaves count. What is in a list is a leaf.
    """
    if not isinstance(said, dict):
        return False
    return not said or any(map(has_empty_dict, said.values()))


def build_summary(run: PlannedRun, ready: ReadyRun) -> dict[str, Any]:
    """Return the summary but for tables and cards; W&B would drop None, so it is said in words."""
    values = {key: "None" if value is None else value for key, value in ready.summary.items()}
    if run.runtime is not None:
        values["_wandb"] = {"runtime": round(run.runtime)}
        values["_runtime"] = run.runtime
    return {**values, **run.summary}


def tables_of(ready: ReadyRun) -> dict[str, ReadyTable]:
    """Return all tables by their key in the summary: that of tasks, and previews."""
    tables = {one.key: one.table for one in ready.previews if one.table is not None}
    return tables if ready.table is None else {TABLE: ready.table, **tables}


def summary_keys(run: PlannedRun, ready: ReadyRun) -> tuple[str, ...]:
    """Return all keys of the summary that mfwb writes, sorted; charts bring theirs along."""
    shown = (*(card.key for card in ready.cards), *(one.key for one in ready.previews))
    charts = (key for _, row in ready.history for key in row)
    keys = {*build_summary(run, ready), *tables_of(ready), *shown, *charts}
    return tuple(sorted(keys))


def file_previews(ready: ReadyRun) -> list[ReadyPreview]:
    """Return the previews that are files."""
    return [one for one in ready.previews if one.path is not None]


def done(fingerprint: str, receipt: Receipt) -> dict[str, Any]:
    """Return what marks, in the summary, a W&B run as complete: all that was planned is in it."""
    said = {"complete": fingerprint, "receipt": dump_receipt(receipt)}
    return {MARKER: {name: value for name, value in said.items() if value is not None}}


def sent(token: str) -> dict[str, Any]:
    """Return what marks, in the summary, a W&B run that was sent and is still to be looked at."""
    return {MARKER: {"sent": token}}


def format_log(lines: Iterable[LogLine]) -> Iterator[str]:
    """Yield lines with the time they were printed, many at a time.

    W&B would show the time of the upload.
    """
    parts: list[str] = []
    size = 0
    for line in lines:
        texts = list(_log_lines(line))
        parts += texts
        size += sum(map(len, texts))
        if size >= _LOG_PART:
            yield "\n".join(parts)
            parts, size = [], 0
    if parts:
        yield "\n".join(parts)


def _log_lines(line: LogLine) -> Iterator[str]:
    """Yield a line for each that was written over the one before, as progress bars do."""
    label = "" if line.stream == "stdout" else f"[{line.stream}] "
    start = f"{_clock(line.time)}{label}"
    texts = [part for part in line.text.split("\r") if part] or [""]
    return (f"{start}{_shown(text)}" for text in texts)


_SEQUENCES = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: moves, erases, switches modes
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS and their kin: titles, links
)


def _shown(text: str) -> str:
    """Return a line of a log with colours, which W&B shows, and nothing else that steers.

    Other sequences are of use to a terminal alone; what is left of unfinished ones is escaped.
    """
    if text.isprintable():
        return text
    parts = []
    end = 0
    for found in _SEQUENCES.finditer(text):
        parts += [printable(text[end : found.start()]), found["colour"] or ""]
        end = found.end()
    return "".join([*parts, printable(text[end:])])


def _clock(epoch_ms: int | None) -> str:
    if epoch_ms is None:
        return ""
    moment = datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{epoch_ms % 1000:03d}Z "
