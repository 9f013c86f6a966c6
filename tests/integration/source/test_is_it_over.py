"""Real flow runs that were ended from outside: when they are over, and what becomes of them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from mfwb.sink.offline.wandb_file import read_records
from tests.support.metaflow_service import metadata_service
from tests.support.sandbox import FLOWS, Sandbox

_PATIENCE = 120  # seconds
_DEAD_TO_METAFLOW = 360  # seconds after the last heartbeat
MORE = pytest.mark.exhaustive


@pytest.fixture
def flow_run_of(sandbox: Sandbox) -> Callable[[signal.Signals], str]:
    """Return a function that runs a flow, ends it by a signal while a task sleeps, and names it."""

    def flow_run_of(sent: signal.Signals) -> str:
        command = [sys.executable, str(FLOWS / "sleeping_flow.py"), "--quiet", "run"]
        with subprocess.Popen(
            [*command, "--run-id-file", "id.txt"],
            cwd=sandbox.root,
            env=sandbox.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as runtime:
            task = _task_at_work(sandbox.root / ".metaflow" / "SleepingFlow", runtime)
            runtime.send_signal(sent)
            if sent is signal.SIGKILL:
                task.kill()  # which its runtime would have done
            runtime.wait(timeout=_PATIENCE)
        return f"SleepingFlow/{(sandbox.root / 'id.txt').read_text(encoding='utf-8')}"

    return flow_run_of


def _task_at_work(flow: Path, runtime: subprocess.Popen[bytes]) -> psutil.Process:
    deadline = time.monotonic() + _PATIENCE
    while not list(flow.glob("*/start/*/_meta/sysmeta_attempt_*")):
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.05)
    [task] = psutil.Process(runtime.pid).children()
    return task


def _planned(sandbox: Sandbox, pathspec: str, *arguments: str) -> dict[str, Any]:
    done = sandbox.mfwb("plan", pathspec, "--json", *arguments)
    assert done.code == 0, done.err
    [planned] = done.document["flow_runs"]
    return dict(planned)


def test_killed(sandbox: Sandbox, flow_run_of: Callable[[signal.Signals], str]) -> None:
    """Killed by -9, it looks as if it still ran, until it was silent for long; then it failed."""
    pathspec = flow_run_of(signal.SIGKILL)

    running = _planned(sandbox, pathspec)
    time.sleep(1)  # the silence that is asked for next
    abandoned = _planned(sandbox, pathspec, "--abandoned-after", "1s")

    assert (running["status"], running["reason"]) == ("skipped", "it is still running")
    assert abandoned["status"] == "planned"
    assert [(item["name"], item["state"]) for item in abandoned["wandb_runs"]] == [
        (f"{pathspec}/start", "failed")
    ]

    bundle = ("--mode", "offline", "--dir", "bundle", "--entity", "acme")
    done = sandbox.mfwb("sync", pathspec, "--json", "--abandoned-after", "1s", *bundle)

    assert done.code == 0, done.err
    [outcome] = done.document["flow_runs"]
    [run] = outcome["wandb_runs"]
    assert (outcome["status"], run["state"]) == ("synced", "failed")
    assert _config_of(Path(run["dir"]))["metaflow"]["state"] == "abandoned"


def _config_of(folder: Path) -> dict[str, Any]:
    """Return the config of an offline W&B run."""
    [path] = folder.glob("run-*.wandb")
    [run] = [record.run for record in read_records(path) if record.HasField("run")]
    return {item.key: json.loads(item.value_json) for item in run.config.update}


def test_interrupted(sandbox: Sandbox, flow_run_of: Callable[[signal.Signals], str]) -> None:
    """Ctrl-C: the runtime wrote down that it killed the task, so all is known at once."""
    pathspec = flow_run_of(signal.SIGINT)

    failed = _planned(sandbox, pathspec)

    assert failed["status"] == "planned"
    assert [item["state"] for item in failed["wandb_runs"]] == ["failed"]
    assert _verified(sandbox, pathspec) == "same"


def _verified(sandbox: Sandbox, pathspec: str) -> str:
    """Return the verdict of a verification of what a sync writes of a flow run."""
    bundle = ("--mode", "offline", "--dir", "bundle", "--entity", "acme")
    assert sandbox.mfwb("sync", pathspec, *bundle).code == 0
    [item] = sandbox.mfwb("verify", pathspec, "--json", *bundle).document["flow_runs"]
    return str(item["verdict"])


def test_failed_after_it_went_well(
    sandbox: Sandbox, flow_run: Callable[[str], str], flows_root: Path
) -> None:
    """As where metadata does not take an artifact, like the local one `a/b`: known at once."""
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
    ended = {"return_code": 1, "killed": False, "success": False}

    before = _planned(sandbox, pathspec)
    (start / "0.runtime").write_text(json.dumps(ended), "utf-8")
    after = _planned(sandbox, pathspec)

    assert (before["status"], before["reason"]) == ("skipped", "it is still running")
    assert [(item["job_type"], item["state"]) for item in after["wandb_runs"]] == [
        ("start", "failed")
    ]
    assert _verified(sandbox, pathspec) == "same"


@pytest.mark.parametrize("how", ["exit", pytest.param("return", marks=MORE)])
def test_failed_a_moment_ago_on_a_service(sandbox: Sandbox, how: str) -> None:
    """Its heart beat seconds ago; but what its scheduler wrote says that it gave up."""
    with metadata_service() as service:
        where = {"METAFLOW_DEFAULT_METADATA": "service", "METAFLOW_SERVICE_URL": service.url}
        known = Sandbox(sandbox.root, where)
        done = known.flow("early_flow", "run", "--how", how, "--run-id-file", "id.txt")
        run_id = (sandbox.root / "id.txt").read_text(encoding="utf-8")
        beat = service.objects[f"/flows/EarlyFlow/runs/{run_id}"]["last_heartbeat_ts"]

        failed = _planned(known, f"EarlyFlow/{run_id}", "--metadata", f"service@{service.url}")

    assert done.code == 1
    assert time.time() - beat < _DEAD_TO_METAFLOW
    assert failed["status"] == "planned"
    states = [(item["job_type"], item["state"]) for item in failed["wandb_runs"]]
    assert states == [("start", "finished"), ("work", "failed")]
