"""Run mfwb and note which flow runs' folders it looks into: python watched.py NOTES ROOT ARGS...

NOTES becomes a JSON object: run id -> the paths below its folder that were opened or listed, but
for `_meta` and `_meta/_self.json`, which is what Metaflow reads of each flow run to list them.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

_LISTING = {"", "_meta", "_meta/_self.json"}
_EVENTS = {"open", "os.listdir", "os.scandir"}


def main() -> None:
    """Watch, and run mfwb as its console script does."""
    notes, root, *arguments = sys.argv[1:]
    datastore = os.path.join(os.path.realpath(root), ".metaflow") + os.sep  # noqa: PTH118
    seen: defaultdict[str, set[str]] = defaultdict(set)

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event not in _EVENTS or not isinstance(given[0], (str, os.PathLike)):
            return
        path = os.fspath(given[0])
        if not isinstance(path, str) or not path.startswith(datastore):
            return
        _, _, within = path[len(datastore) :].partition("/")  # behind the flow's name
        run_id, _, inside = within.partition("/")
        if run_id.isdigit() and inside.rstrip("/") not in _LISTING:
            seen[run_id].add(inside)

    sys.addaudithook(watch)
    sys.argv = ["mfwb", *arguments]
    from mfwb.cli import main as mfwb  # noqa: PLC0415 - what it imports is watched, too

    try:
        mfwb()
    finally:
        paths_by_run = {run_id: sorted(paths) for run_id, paths in seen.items()}
        Path(notes).write_text(json.dumps(paths_by_run), encoding="utf-8")


if __name__ == "__main__":
    main()
