"""`mfwb.flows.sync_flow`: Metaflow starts a sync when a flow run has ended."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.sandbox import Finished, Sandbox

_MODULE = "mfwb.flows.sync_flow"
KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def sandbox(tmp_path: Path, flows_root: Path, flow_run: Callable[[str], str]) -> Sandbox:
    """Return a machine with a flow run of `TwoFlow`, whose W&B is a bundle."""
    pathspec = flow_run("two_flow")
    flow, _, run_id = pathspec.partition("/")
    existing, here = flows_root / ".metaflow" / flow, tmp_path / ".metaflow" / flow
    for part in ("_meta", run_id, "data"):
        shutil.copytree(existing / part, here / part)
    settings = {"flows": ["TwoFlow"], "arguments": ["--project", "wines"]}
    (tmp_path / "sync.json").write_text(json.dumps(settings), encoding="utf-8")
    (tmp_path / "pathspec").write_text(pathspec, encoding="utf-8")
    return Sandbox(
        tmp_path,
        {
            "MFWB_MODE": "offline",
            "MFWB_DIR": str(tmp_path / "bundle"),
            "MFWB_ENTITY": "acme",
            "WANDB_API_KEY": KEY,
        },
    )


def sync_flow(sandbox: Sandbox, *arguments: str, **environment: str) -> Finished:
    """Run the flow's file."""
    spec = find_spec(_MODULE)
    assert spec is not None
    assert spec.origin is not None
    where = str(Path(spec.origin).parents[2])
    return sandbox.script(spec.origin, "--quiet", *arguments, **environment, PYTHONPATH=where)


def synced_runs(sandbox: Sandbox) -> int:
    """Return how many W&B runs there are."""
    return len(list((sandbox.root / "bundle").rglob("run-*.wandb")))


def test_a_flow_run_triggers_its_sync(sandbox: Sandbox) -> None:
    """With the arguments of the configuration; the key is nowhere in what Metaflow keeps."""
    pathspec = (sandbox.root / "pathspec").read_text(encoding="utf-8")
    as_users_do = (sys.executable, "-m", _MODULE, "--quiet")
    done = sandbox.run(*as_users_do, "--trigger", pathspec, "run")
    [record] = (sandbox.root / ".metaflow" / "MfwbSyncFlow").glob("*/start/*/0.data.json")
    files = [path for path in (sandbox.root / ".metaflow").rglob("*") if path.is_file()]

    assert done.code == 0, done.err
    assert f"mfwb: {pathspec} synced: 2 W&B runs" in done.out + done.err
    assert synced_runs(sandbox) == 2
    assert "synced" in json.loads(record.read_text(encoding="utf-8"))["objects"]
    assert not any(KEY.encode() in path.read_bytes() for path in files)


def test_a_wrong_configuration_is_refused(sandbox: Sandbox) -> None:
    """Before a task starts: as texts, the arguments would be letters, and be tried four times."""
    text = json.dumps({"flows": ["TwoFlow"], "arguments": "--entity acme"})
    done = sync_flow(sandbox, "--config-value", "sync", text, "check")

    assert done.code == 1
    assert 'like {"flows": ["TrainFlow"], "arguments": ["--entity", "team"]}' in done.err
    assert "Traceback" not in done.err


def test_argo_events(sandbox: Sandbox) -> None:
    """Argo passes each event as a variable of the first task; only those of flow runs count."""
    pathspec = (sandbox.root / "pathspec").read_text(encoding="utf-8")
    event = {"name": "metaflow.TwoFlow.end", "id": f"{pathspec}/end/2", "timestamp": 1796058306}
    names = [f"ARGO_WORKFLOW_{name}" for name in ("TEMPLATE", "NAME", "NAMESPACE")]
    run = ("--run-id", "argo-sync-1")
    before = sync_flow(sandbox, "init", *run, "--task-id", "1")
    assert before.code == 0, before.err
    done = sync_flow(
        sandbox,
        *("--with", "argo_workflows_internal:auto-emit-argo-events=0", "step", "start"),
        *(*run, "--task-id", "2", "--input-paths", "argo-sync-1/_parameters/1"),
        METAFLOW_ARGO_EVENT_PAYLOAD_run_TwoFlow=json.dumps(event),
        METAFLOW_ARGO_EVENT_PAYLOAD_event_other=json.dumps({"name": "other", "id": "x"}),
        METAFLOW_OWNER="tester",
        **dict.fromkeys(names, "mfwbsyncflow"),
    )

    assert f"mfwb: {pathspec} synced: 2 W&B runs" in done.out + done.err
    assert synced_runs(sandbox) == 2
    # What Argo asks of each task comes after the sync: its own folder, which only a pod has.
    assert done.code == 0 or "'/mnt/out/task_id'" in done.err


@pytest.mark.parametrize(
    ("pathspecs", "reason"),
    [
        ("TwoFlow/1", "mfwb sync ended with exit code 1; see the log"),
        ("", "nothing triggered this one, nor --pathspecs"),
    ],
)
def test_a_sync_that_fails_is_a_task_that_fails(
    sandbox: Sandbox, pathspecs: str, reason: str
) -> None:
    """So Metaflow tries it again, and shows it as failed."""
    run = ("--run-id", "1")
    before = sync_flow(sandbox, "init", *run, "--task-id", "1", "--pathspecs", pathspecs)
    assert before.code == 0, before.err
    done = sync_flow(
        sandbox, "step", "start", *run, "--task-id", "2", "--input-paths", "1/_parameters/1"
    )

    assert done.code == 1
    assert reason in done.err
