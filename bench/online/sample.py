"""The flow runs that are synced: one by Metaflow, the others copies of it with other artifacts."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import shutil
from pathlib import Path

from bench.cron.flow_runs import Sample
from bench.small_flow import run_small_flow
from tests.support.copies import copy_flow_run
from tests.support.copies.contents import contents_of, give, tasks_of

__all__ = ["BUILD", "STEPS", "make_sample"]

BUILD = Path(__file__).resolve().parent.parent.parent / "build" / "bench-online"
STEPS = 10
_FLOW = Path(__file__).with_name("online_flow.py")
_MINUTE = 60_000  # ms


def make_sample(count: int) -> Sample:
    """Return that many flow runs of ten steps, a minute apart, oldest first.

    Each artifact has a content of its own, as those of real flow runs have.
    """
    root = BUILD / "flow-runs"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    first = run_small_flow(_FLOW, root)
    begin = int(first.partition("/")[2]) // 1000
    copies = [
        copy_flow_run(root, first, started_at_ms=begin - _MINUTE * number)
        for number in range(count - 1, 0, -1)
    ]
    for number, pathspec in enumerate(copies):
        for task in tasks_of(root, pathspec):
            sha1, facts = contents_of(root, task)["state"]
            content = f"{number} {sha1}".encode() * 50
            give(root, task, {"state": (_store(root, content), facts)})
    return Sample(root, (*copies, first))


def _store(root: Path, value: object) -> str:
    """Write a value to the datastore, as Metaflow does, and return its key."""
    raw = pickle.dumps(value, protocol=4)
    key = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    path = root / ".metaflow" / "OnlineFlow" / "data" / key[:2] / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw, compresslevel=3))
    facts = {"cas_raw": False, "cas_version": 1}
    path.with_name(f"{key}_meta").write_text(json.dumps(facts), encoding="utf-8")
    return key
