"""Flow runs without a successful last task: skipped if they may go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.support.sandbox import Sandbox


def test_what_a_sync_skips_is_skipped(
    sandbox: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """The records of the scheduler decide, as for a sync: it gave up a moment ago."""
    pathspec = flow_run("two_flow")
    flow, run_id = pathspec.split("/")
    all_of_it = sandbox.root / ".metaflow" / flow
    shutil.copytree(flows_root / ".metaflow" / flow, all_of_it)
    copied = all_of_it / run_id
    shutil.rmtree(copied / "end")
    [start] = (copied / "start").glob("[0-9]*")
    for path in copied.rglob("sysmeta_ds-root_*"):
        record = {**json.loads(path.read_text("utf-8")), "value": str(sandbox.root / ".metaflow")}
        path.write_text(json.dumps(record), "utf-8")
    (sandbox.root / "bundle").mkdir()
    command = ("verify", pathspec, "--mode", "offline", "--dir", "bundle", "--json")

    before = sandbox.mfwb(*command)
    ended = {"return_code": 1, "killed": False, "success": False}
    (start / "0.runtime").write_text(json.dumps(ended), "utf-8")
    after = sandbox.mfwb(*command)

    [running], [failed] = (json.loads(done.out)["flow_runs"] for done in (before, after))
    assert (before.code, running["verdict"]) == (0, "skipped")
    assert running["reason"] == "it is still running"
    assert (after.code, failed["verdict"]) == (6, "different")
    assert failed["wandb_runs"] == [f"{pathspec}/start"]
