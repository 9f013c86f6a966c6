"""`mfwb.plan` and `mfwb.sync` from Python: what `--json` prints, as values."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.integration.results import metadata_of
from tests.sandbox import Sandbox
from tests.wandb_server import WandbServer

_PROGRAM = """
import json
import sys
import metaflow
import mfwb

metaflow.namespace("user:somebody")
pathspec, metadata, project = sys.argv[1:]
plan = mfwb.plan(pathspec, metadata=metadata, project=project)
first = mfwb.sync(pathspec, metadata=metadata, project=project)
second = mfwb.sync(pathspec, metadata=metadata, project=project, granularity="step")
missing = mfwb.sync("NoSuch/1", metadata=metadata, project=project)
try:
    mfwb.sync(pathspec, granularity="run")
except mfwb.errors.UsageError as error:
    wrong = str(error)
print(json.dumps({
    "statuses": [r.flow_runs[0].status.value for r in (plan, first, second, missing)],
    "names": [run.name for run in first.flow_runs[0].wandb_runs],
    "failed": [first.failed, missing.failed],
    "document": first.to_dict(),
    "wrong": wrong,
    "namespace": metaflow.get_namespace(),
}))
"""


def test_plan_and_sync(
    online: Sandbox,
    w_and_b: WandbServer,
    project: str,
    flow_run: Callable[[str], str],
    flows_root: Path,
) -> None:
    """Both return typed results; the process's own Metaflow settings are put back."""
    pathspec = flow_run("linear_flow")

    done = online.run(sys.executable, "-c", _PROGRAM, pathspec, metadata_of(flows_root), project)

    said = json.loads(done.out) if done.code == 0 else None
    assert said is not None, done.err
    assert said["statuses"] == ["planned", "synced", "unchanged", "failed"]
    assert said["names"] == [f"{pathspec}/{step}" for step in ("start", "middle", "end")]
    assert said["failed"] == [False, True]
    assert said["document"]["totals"]["flow_runs"]["synced"] == 1
    assert "granularity" in said["wrong"]
    assert said["namespace"] == "user:somebody"
    assert len(w_and_b.state.runs(f"acme/{project}")) == 3
