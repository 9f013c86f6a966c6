"""Tags that come later."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["tag_flow_run"]


def tag_flow_run(root: Path, pathspec: str, *tags: str, at_ms: int) -> None:
    """Add user tags to a local flow run as Metaflow does: its record then has the time of tagging.

    Args:
        root: the folder that holds `.metaflow`.
        pathspec: the flow run.
        tags: what is added.
        at_ms: when, in epoch milliseconds.
    """
    path = root / ".metaflow" / pathspec / "_meta" / "_self.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    all_tags = sorted({*record["tags"], *tags})
    new = path.with_suffix(".new")
    new.write_text(json.dumps({**record, "tags": all_tags, "ts_epoch": at_ms}), encoding="utf-8")
    new.replace(path)
