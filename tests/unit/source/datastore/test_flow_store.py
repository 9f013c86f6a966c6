"""Process exits that Metaflow's runtime records for attempts without an outcome."""

from __future__ import annotations

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
