"""The file `.syncstate` of wandb-core, which is not public. Seen in wandb 0.31.0.

`wandb sync` keeps in it the lowest step that a row of a W&B run that goes on may have. We write
one, so that missing rows keep their steps; this fails when wandb changes name, keys or meaning.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.history.rows_file import write_rows
from mfwb.sink.offline import records
from mfwb.sink.offline.wandb_file import write_records
from tests.support.sandbox import Sandbox
from tests.support.versions import since
from tests.support.wandb_server import WandbServer

_ID = "r1"
_NAME = f"offline-run-20200101_000000-{_ID}"


def test_our_state_keeps_the_steps(
    online: Sandbox, w_and_b: WandbServer, project: str, tmp_path: Path
) -> None:
    """Rows come behind those that are there, with the steps that the file says."""
    _write_run(tmp_path / "first" / _NAME, project)
    _sync(online, tmp_path / "first")
    folder = tmp_path / "rows" / _NAME

    write_rows(folder, _run(project), _rows(1, 7), {})
    _sync(online, folder.parent)

    assert _steps(w_and_b, project) == [(0, 0), (4, 4), (1, 1), (7, 7)]


@since("wandb", "0.31", "without such a file, it refuses rows that come before the last one")
def test_what_wandb_writes_without_ours(
    online: Sandbox, w_and_b: WandbServer, project: str, tmp_path: Path
) -> None:
    """It writes such a file itself, and then no row may come before the last one."""
    _write_run(tmp_path / "first" / _NAME, project)
    _sync(online, tmp_path / "first")
    folder = tmp_path / "rows" / _NAME
    write_rows(folder, _run(project), _rows(1, 7), {})
    ours = folder / f"run-{_ID}.wandb.syncstate"
    keys = json.loads(ours.read_bytes()).keys()
    ours.unlink()

    _sync(online, folder.parent)

    theirs = json.loads(ours.read_bytes())
    assert theirs.keys() == keys
    assert theirs["starting_step"] == 5
    assert _steps(w_and_b, project) == [(0, 0), (4, 4), (5, 1), (7, 7)]


def _run(project: str) -> pb.RunRecord:
    record = pb.RunRecord(run_id=_ID, entity="acme", project=project)
    record.start_time.FromMilliseconds(1_700_000_000_000)
    return record


def _rows(*steps: int) -> list[pb.Record]:
    moment = {"_timestamp": 1_700_000_000.0, "_runtime": 0.0}
    rows = [(step, {"x": step}) for step in steps]
    return [*records.history_records(rows, moment), records.exit_record(0)]


def _write_run(folder: Path, project: str) -> None:
    """Write the folder of an offline W&B run with rows at the steps 0 and 4."""
    (folder / "files").mkdir(parents=True)
    every = [records.header_record(), pb.Record(run=_run(project)), *_rows(0, 4)]
    write_records(folder / f"run-{_ID}.wandb", records.number_records(_ID, every))


def _sync(sandbox: Sandbox, folder: Path) -> None:
    done = sandbox.wandb("sync", "--yes", str(folder))
    assert done.code == 0, done.err


def _steps(server: WandbServer, project: str) -> list[tuple[Any, Any]]:
    """Return the steps of all rows in their order, and the steps that these were written at."""
    rows = server.state.run(f"acme/{project}/{_ID}").history
    return [(row["_step"], row["x"]) for row in rows]
