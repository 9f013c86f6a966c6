"""`mfwb.plan` and `mfwb.sync` from Python: what `--json` prints, as values."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.integration.results import metadata_of
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

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

    done = online.python(_PROGRAM, pathspec, metadata_of(flows_root), project)

    reported = json.loads(done.out) if done.code == 0 else None
    assert reported is not None, done.err
    assert reported["statuses"] == ["planned", "synced", "unchanged", "failed"]
    assert reported["names"] == [f"{pathspec}/{step}" for step in ("start", "middle", "end")]
    assert reported["failed"] == [False, True]
    assert reported["document"]["totals"]["flow_runs"]["synced"] == 1
    assert "granularity" in reported["wrong"]
    assert reported["namespace"] == "user:somebody"
    assert len(w_and_b.state.runs(f"acme/{project}")) == 3


_OBJECTS = """
import json
import os
import sys
from pathlib import Path
import metaflow
import mfwb
import mfwb.lineage.model

pathspec, metadata, project = sys.argv[1:]
metaflow.metadata(metadata)
metaflow.namespace(None)
run = metaflow.Run(pathspec)
flow = metaflow.Flow(run.parent.id)
step = run["middle"]
task = step.task
name = next(artifact.id for artifact in task if artifact.id != "name")

def names(result):
    result.raise_for_failures()
    return [outcome.pathspec for outcome in result.flow_runs]

class Watcher:
    def __init__(self):
        self.calls = []
    def flow_run(self, pathspec, position, total):
        self.calls.append([pathspec, position, total])
    def wandb_runs(self, total):
        self.calls.append(total)
    def advance(self):
        self.calls.append("one")

watcher = Watcher()
offline = {"mode": "offline", "dir": "bundle", "entity": "acme"}
Path("mine.toml").write_text(f'project = "{project}"')
print(json.dumps({
    "planned": {
        type(given).__name__: names(mfwb.plan(given, project=project))
        for given in (run, step, task, task[name], [run], (step, pathspec), iter([task]))
    },
    "of the flow": names(mfwb.plan(flow, every=True, project=project)),
    "synced": names(mfwb.sync(run, config="mine.toml", progress=watcher, **offline)),
    "watched": watcher.calls,
    "pushed": names(mfwb.push("bundle", progress=True)),
    "status": mfwb.status(run, **offline).to_dict()["flows"],
    "lineage": str(mfwb.lineage(run).flow_run.pathspec),
    "edges": type(mfwb.lineage(task, progress=True).lineage.edges[0]).__module__,
    "explained": [
        mfwb.explain(*given).pathspec
        for given in ((task[name],), (task, name), (step, name), (f"{pathspec}/middle", name))
    ],
    "artifact": [task.pathspec, step.pathspec, name],
    "provider": metaflow.get_metadata(),
}))
"""


def test_objects_of_metaflow(
    online: Sandbox,
    w_and_b: WandbServer,
    project: str,
    flow_run: Callable[[str], str],
    flows_root: Path,
) -> None:
    """Flows, runs, steps, tasks and artifacts of Metaflow's client are taken for pathspecs.

    They are read where the process reads them. Folders and settings files may be text.
    """
    pathspec = flow_run("linear_flow")

    done = online.python(_OBJECTS, pathspec, metadata_of(flows_root), project)

    assert done.code == 0, done.err
    reported = json.loads(done.out)
    task, step, name = reported["artifact"]
    assert reported["planned"] == {
        given: [pathspec]
        for given in ("Run", "Step", "Task", "DataArtifact", "list", "tuple", "list_iterator")
    }
    assert pathspec in reported["of the flow"]
    assert reported["synced"] == reported["pushed"] == [pathspec]
    assert reported["watched"] == [[pathspec, 0, 1], 3, "one", "one", "one"]
    assert [(row["mode"], row["synced"]) for row in reported["status"]] == [
        ("offline", 1),
        ("online", 1),
    ]
    assert (reported["lineage"], reported["edges"]) == (pathspec, "mfwb.lineage.model")
    assert reported["explained"] == [f"{task}/{name}"] * 2 + [f"{step}/{name}"] * 2
    assert reported["provider"] == metadata_of(flows_root)
    assert len(w_and_b.state.runs(f"acme/{project}")) == 3


_FAILURES = """
import json
import sys
import mfwb

pathspec, metadata = sys.argv[1:]
settings = {"mode": "offline", "dir": "b", "entity": "acme", "metadata": metadata}
result = mfwb.sync(pathspec, "NoSuch/1", **settings)
try:
    result.raise_for_failures()
except mfwb.errors.FlowRunsFailed as failed:
    print(json.dumps([str(failed), failed.reasons, failed.total, failed.exit_code]))
print(mfwb.sync(pathspec, **settings).raise_for_failures().exit_code)
"""


def test_failures_are_raised_on_request(
    sandbox: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """The error names the flow run that failed; the others are synced, as without it."""
    pathspec = flow_run("linear_flow")

    done = sandbox.python(_FAILURES, pathspec, metadata_of(flows_root))

    assert done.code == 0, done.err
    first, second = done.out.splitlines()
    text, reasons, total, exit_code = json.loads(first)
    assert [*reasons] == ["NoSuch/1"]
    assert text == f"1 of 2 flow runs failed: NoSuch/1: {reasons['NoSuch/1']}"
    assert (total, exit_code, second) == (2, 1, "0")
