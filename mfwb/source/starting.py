"""When a flow run started."""

from __future__ import annotations

from typing import Any

__all__ = ["started_at"]

_FIRST_ID = 10**15
"""The smallest number that is an id of a local flow run: microseconds, as of 2001."""


def started_at(run: Any, provider: str) -> int:
    """Return when a `metaflow.Run` started, in epoch ms.

    Tagging a local flow run moves what Metaflow calls its creation; its id is its start in
    microseconds, unless somebody chose it.
    """
    if provider.startswith("local@") and run.id.isdecimal() and int(run.id) >= _FIRST_ID:
        return int(run.id) // 1000
    return int(run._object["ts_epoch"])  # noqa: SLF001 - created_at is naive local time
