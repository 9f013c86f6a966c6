"""Process exits that Metaflow's runtime records, and blobs that are read a second time."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import json, sys
from mfwb.source.datastore.flow_store import AttemptKey, FlowStore
from mfwb.source.datastore.local import LocalBlobs

keys = [AttemptKey("7", "train", task, 1) for task in sys.argv[2:]]
ends = FlowStore(LocalBlobs(sys.argv[1]), "WineFlow").read_exits(keys)
print(json.dumps({key.task: [one.at, one.return_code, one.killed] for key, one in ends.items()}))
"""
_DIED_AT = 1_700_000_000_123
_WRITTEN = {
    "killed": '{"return_code": -9, "killed": true, "success": false}',
    "crashed": '{"return_code": -11, "killed": false, "success": false}',
    "failed": '{"return_code": 1, "killed": false, "success": false}',
    "well": '{"return_code": 0, "killed": false, "success": true}',
    "half": '{"return_code": -9, "kil',  # it is being written
    "none": None,  # it runs, or its runtime was killed, too
}


def test_deaths(tmp_path: Path) -> None:
    """The scheduler records how the process of an attempt ended; the time is that of the file."""
    for name, written in _WRITTEN.items():
        task = tmp_path / "WineFlow" / "7" / "train" / name
        task.mkdir(parents=True)
        (task / "0.runtime").write_text('{"return_code": 1}', encoding="utf-8")
        if written is not None:
            (task / "1.runtime").write_text(written, encoding="utf-8")
            os.utime(task / "1.runtime", ns=(0, _DIED_AT * 1_000_000))

    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path), *_WRITTEN],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == {
        "killed": [_DIED_AT, -9, True],
        "crashed": [_DIED_AT, -11, False],
        "failed": [_DIED_AT, 1, False],
        "well": [_DIED_AT, 0, False],
    }


_TWICE = """
import gzip, hashlib, json, os, sys
from pathlib import Path
from mfwb.errors import ItemLost
from mfwb.source.datastore.flow_store import FlowStore
from mfwb.source.datastore.local import LocalBlobs
from mfwb.source.datastore.recent_blobs import RecentBlobs

root, copy = map(Path, sys.argv[1:])
data = b"of a step"
sha = hashlib.sha1(data).hexdigest()
blob = root / "WineFlow" / "data" / sha[:2] / sha
blob.parent.mkdir(parents=True)
blob.write_bytes(gzip.compress(data))
store, recent = FlowStore(LocalBlobs(str(root)), "WineFlow"), RecentBlobs()

def read(size, recent):
    [(_, found)] = store.read([sha], {sha: size}, recent=recent)
    return f"lost: {found}" if isinstance(found, ItemLost) else found.decode()

def copied(recent):
    copy.unlink(missing_ok=True)
    try:
        return [store.copy(sha, len(data), copy, recent=recent), copy.read_bytes().decode()]
    except ItemLost as lost:
        return f"lost: {lost}"

first = [read(len(data), recent), copied(recent)]
blob.unlink()
second = [read(len(data), recent), copied(recent)]
print(json.dumps([*first, *second, read(len(data), None), copied(None)]))
"""


def test_a_blob_that_was_read_lately_is_not_read_again(tmp_path: Path) -> None:
    """Its file is gone, and only who has it from before gets it."""
    done = subprocess.run(
        [sys.executable, "-c", _TWICE, str(tmp_path / "store"), str(tmp_path / "copy")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    md5 = base64.b64encode(hashlib.md5(b"of a step", usedforsecurity=False).digest()).decode()
    gone = "lost: its bytes are gone from Metaflow's datastore"
    assert json.loads(done.stdout) == [
        *("of a step", [md5, "of a step"]),
        *("of a step", [md5, "of a step"]),
        *(gone, gone),
    ]
