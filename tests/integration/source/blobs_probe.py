"""Read blobs as mfwb does, in little memory and with little room on disk; print what came out.

    python blobs_probe.py CASES

CASES is a JSON file: a list of {"name", "kind", "root", "sha", "size": in bytes, 0 if unknown}.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

from mfwb.errors import ItemLost, SourceError
from mfwb.snapshot import Datastore
from mfwb.source.datastore.flow_store import FlowStore, open_store

_MEMORY = 4 << 30  # of addresses: threads and libraries have reserved much of it
_FILE = 64 << 20


class Reader:
    """Reads one case each way."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._case = case
        self.target = Path(f"{case['name']}.copied")

    @property
    def _store(self) -> FlowStore:
        return open_store(Datastore(self._case["kind"], self._case["root"]), "Flow")

    def copy(self) -> str:
        """Return the bytes of a copy, in hex."""
        self._store.copy(self._case["sha"], self._case["size"], self.target)
        return self.target.read_bytes().hex()

    def read(self) -> str:
        """Return the bytes read into memory, in hex."""
        sha, size = self._case["sha"], self._case["size"]
        [(_, data)] = self._store.read([sha], {sha: size} if size else None)
        if isinstance(data, ItemLost):
            raise data
        return data.hex()

    def locate(self) -> list[Any] | None:
        """Return where it lies."""
        item = self._store.locate(self._case["sha"])
        return None if item is None else [*astuple(item)]


def outcome(act: Callable[[], Any]) -> tuple[str, Any]:
    """Return what an action returns, or what it raises."""
    try:
        return "done", act()
    except (ItemLost, SourceError) as error:
        return type(error).__name__, str(error)


def main() -> None:
    """Read all cases each way."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE, _FILE))
    before = _peak()  # what a process inherits counts, too
    result = {}
    for case in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        reader = Reader(case)
        result[case["name"]] = {
            "copy": outcome(reader.copy),
            "left": reader.target.exists(),
            "read": outcome(reader.read),
            "locate": outcome(reader.locate),
        }
    json.dump({"found": result, "grown_mb": _peak() - before}, sys.stdout)


def _peak() -> int:
    """Return the most memory this process had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
