"""Tags that come later."""

from __future__ import annotations

import json
import time
from pathlib import Path

__all__ = ["tag_flow_run"]


def tag_flow_run(root: Path, pathspec: str, *tags: str, at_ms: int | None = None) -> None:
    """Add user tags to a local flow run as Metaflow does: its record then has the time of tagging.

    Args:
        root: the folder that holds `.metaflow`.
        pathspec: the flow run.
        tags: what is added.
        at_ms: when, in epoch milliseconds; now.
    """
    path = root / ".metaflow" / pathspec / "_meta" / "_self.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    all_tags = sorted({*record["tags"], *tags})
    moment = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    new = path.with_suffix(".new")
    new.write_text(json.dumps({**record, "tags": all_tags, "ts_epoch": moment}), encoding="utf-8")
    new.replace(path)
