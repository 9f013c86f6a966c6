"""The content of one W&B run, in both modes, as plain values that W&B accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

from mfwb.planning import Plan, PlannedRun
from mfwb.ports import LogLine, ReadyPreview, ReadyRun, ReadyTable
from mfwb.safe_text import printable
from mfwb.sink.content.receipt import Receipt, dump_receipt, dump_rules
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
"""The key in config and summary for mfwb's own values."""

TABLE = "tasks"
"""The key of the table of tasks in the summary."""


_MAX_LOG_PART = 1_000_000
"""The most characters of a log in one write."""


def build_config(plan: Plan, run: PlannedRun, writer: str) -> dict[str, Any]:
    """Return the whole config.

    Args:
        plan: the plan that the W&B run belongs to.
        run: the planned run.
        writer: the id of this sync's ledger.
    """
    marker = {
        "version": __version__,
        "source": plan.source.to_dict(),
        "fingerprint": run.fingerprint,
        "writer": writer,
    }
    config = {**run.config, MARKER: marker}
    if run.externals:
        config["metaflow"] = {**config["metaflow"], "external_inputs": list(run.externals)}
    return config


def has_empty_dict(value: Any) -> bool:
    """Whether a dict has an empty dict inside: wandb-core leaves those out of config.

    It treats config as a tree in which only leaves count. A list is a leaf.
    """
    if not isinstance(value, dict):
        return False
    return not value or any(map(has_empty_dict, value.values()))


def build_summary(run: PlannedRun, ready: ReadyRun) -> dict[str, Any]:
    """Return the summary without tables and cards; None becomes a text, since W&B drops None."""
    shown = {preview.key: preview.value for preview in ready.previews if preview.value is not None}
    values = {key: "None" if value is None else value for key, value in ready.summary.items()}
    values |= shown
    if run.runtime is not None:
        values["_wandb"] = {"runtime": round(run.runtime)}
        values["_runtime"] = run.runtime
    return {**values, **run.summary}


def tables_of(ready: ReadyRun) -> dict[str, ReadyTable]:
    """Return all tables by their key in the summary: the tasks and the previews."""
    tables = {preview.key: preview.table for preview in ready.previews if preview.table is not None}
    return tables if ready.table is None else {TABLE: ready.table, **tables}


def summary_keys(run: PlannedRun, ready: ReadyRun) -> tuple[str, ...]:
    """Return all keys of the summary that mfwb writes, sorted; charts add theirs."""
    shown = (*(card.key for card in ready.cards), *(preview.key for preview in ready.previews))
    charts = (key for _, row in ready.history for key in row)
    keys = {*build_summary(run, ready), *tables_of(ready), *shown, *charts}
    return tuple(sorted(keys))


def file_previews(ready: ReadyRun) -> list[ReadyPreview]:
    """Return the previews that are files."""
    return [preview for preview in ready.previews if preview.media]


def done(fingerprint: str, receipt: Receipt) -> dict[str, Any]:
    """Return the mark of a complete W&B run for its summary: all that was planned is in it."""
    text = dump_receipt(receipt)
    rules = dump_rules(receipt) if text is None else None
    marks = {"complete": fingerprint, "receipt": text, "rules": rules}
    return {MARKER: {name: value for name, value in marks.items() if value is not None}}


def sent(token: str) -> dict[str, Any]:
    """Return the mark of a sent W&B run for its summary, which is still to be checked."""
    return {MARKER: {"sent": token}}


def format_log(lines: Iterable[LogLine]) -> Iterator[str]:
    """Yield many log lines at a time, each with the time it was printed.

    W&B would show the time of the upload.
    """
    parts: list[str] = []
    size = 0
    for line in lines:
        texts = list(_log_lines(line))
        parts += texts
        size += sum(map(len, texts))
        if size >= _MAX_LOG_PART:
            yield "\n".join(parts)
            parts, size = [], 0
    if parts:
        yield "\n".join(parts)


def _log_lines(line: LogLine) -> Iterator[str]:
    """Yield one line for each part that overwrote the one before, as progress bars do."""
    label = "" if line.stream == "stdout" else f"[{line.stream}] "
    start = f"{_format_time(line.time)}{label}"
    texts = [part for part in line.text.split("\r") if part] or [""]
    return (f"{start}{_without_control_codes(text)}" for text in texts)


_ESCAPE_SEQUENCES = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: moves, erases, switches modes
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC, DCS and similar: titles, links
)


def _without_control_codes(text: str) -> str:
    """Return a log line with its colours, which W&B shows, and no other control sequence.

    Other sequences are useful in a terminal only; the rest of unfinished ones is escaped.
    """
    if text.isprintable():
        return text
    parts = []
    end = 0
    for match in _ESCAPE_SEQUENCES.finditer(text):
        parts += [printable(text[end : match.start()]), match["colour"] or ""]
        end = match.end()
    return "".join([*parts, printable(text[end:])])


def _format_time(epoch_ms: int | None) -> str:
    if epoch_ms is None:
        return ""
    time = datetime.fromtimestamp(epoch_ms / 1000, tz=timezone.utc)
    return f"{time:%Y-%m-%d %H:%M:%S}.{epoch_ms % 1000:03d}Z "
