"""A recorded flow run with metaflow-checkpoint, synced where the package is not installed."""

from __future__ import annotations

import importlib.util
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints.checks import EDGES, assert_artifacts, assert_series, assert_summaries
from tests.checkpoints.flow_run import ARCHIVE, CheckpointRun, extract_flow_run
from tests.integration.results import edges_of, losses_of, metadata_of, run_id_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer

STEPS = ("start", "train", "test", "fan", "each", "join", "end")


@dataclass(frozen=True)
class Recorded:
    """The flow run, a stand-in for W&B, and a sandbox that knows both."""

    flow_run: CheckpointRun
    server: WandbServer
    sandbox: Sandbox

    def mfwb(self, command: str, *arguments: str) -> Finished:
        """Run a command on the flow run."""
        fixed = ("--metadata", metadata_of(self.flow_run.root))
        return self.sandbox.mfwb(command, self.flow_run.pathspec, *fixed, *arguments)

    @property
    def run_id(self) -> str:
        """The id of the flow run."""
        return self.flow_run.pathspec.split("/")[1]


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    """Return the recorded flow run, in a folder of its own."""
    root = tmp_path / "flows"
    root.mkdir()
    flow_run = extract_flow_run(root)
    with WandbServer() as server:
        known = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
        yield Recorded(flow_run, server, Sandbox(tmp_path / "sandbox", known))


def test_the_package_is_not_here() -> None:
    """Otherwise nothing of this would show that it is not needed."""
    assert importlib.util.find_spec("metaflow_extensions") is None
    assert ARCHIVE.stat().st_size < 60_000


def _project() -> str:
    return f"p{uuid.uuid4().hex[:8]}"


def _summaries(recorded: Recorded, project: str, document: Any) -> dict[str, Any]:
    runs = {step: run_id_of(document, f"{recorded.flow_run.pathspec}/{step}") for step in STEPS}
    return {
        step: recorded.server.state.run(f"acme/{project}/{run_id}").summary
        for step, run_id in runs.items()
    }


def test_online(recorded: Recorded) -> None:
    """Files, metadata, aliases, edges and account; a verification agrees; again is unchanged."""
    project = _project()

    done = recorded.mfwb("sync", "--project", project, "--json")
    verified = recorded.mfwb("verify", "--project", project)
    again = recorded.mfwb("sync", "--project", project, "--json")

    assert done.code == 0, done.err
    assert losses_of(done.document) == []
    assert edges_of(done.document) == EDGES
    assert_artifacts(recorded.server, project, recorded.run_id)
    assert_series(recorded.server, project, recorded.run_id)
    assert_summaries(_summaries(recorded, project, done.document))
    [flow_run] = done.document["flow_runs"]
    assert "lost" not in flow_run["account"]["artifacts"]
    assert verified.code == 0, verified.out
    assert again.document["flow_runs"][0]["status"] == "unchanged"


def test_offline_and_push(recorded: Recorded) -> None:
    """A bundle that is pushed ends in the same state."""
    project = _project()
    bundle = ("--mode", "offline", "--dir", "bundle", "--entity", "acme", "--project", project)

    done = recorded.mfwb("sync", *bundle, "--json")
    pushed = recorded.sandbox.mfwb("push", "bundle", "--json")
    verified = recorded.mfwb("verify", "--project", project, "--entity", "acme")

    assert done.code == 0, done.err
    assert pushed.code == 0, pushed.err
    assert_artifacts(recorded.server, project, recorded.run_id)
    assert_series(recorded.server, project, recorded.run_id)
    assert_summaries(_summaries(recorded, project, done.document))
    assert verified.code == 0, verified.out


@pytest.mark.exhaustive
def test_a_run_per_task(recorded: Recorded) -> None:
    """At granularity task, each sibling logs its own checkpoint; the last one is `latest`."""
    project = _project()

    done = recorded.mfwb("sync", "--project", project, "--granularity", "task", "--json")
    verified = recorded.mfwb("verify", "--project", project, "--granularity", "task")

    assert done.code == 0, done.err
    assert losses_of(done.document) == []
    files = {
        dict(recorded.server.state.artifact(f"acme/{project}/candidate:v{number}").files)[
            "rate.txt"
        ]
        for number in (0, 1)
    }
    assert files == {b"0.5", b"0.25"}
    assert verified.code == 0, verified.out


def test_missing_files_are_a_loss(recorded: Recorded) -> None:
    """What was deleted, cut or added is lost with its reason; the rest goes on."""
    store = recorded.flow_run.root / ".metaflow"
    [last] = store.glob("mf.checkpoints/checkpoints/artifacts/*/train/*/*/*.1.epochs.2")
    shutil.rmtree(last)
    [packed] = store.glob("mf.checkpoints/checkpoints/artifacts/*/train/*/*/*.packed.*")
    packed.write_bytes(packed.read_bytes()[:700])
    [net_folder] = store.glob("mf.models/models/artifacts/CheckpointFlow_train_*")
    (net_folder / "weights.bin").write_bytes(b"other")
    project = _project()

    done = recorded.mfwb("sync", "--project", project, "--json")
    verified = recorded.mfwb("verify", "--project", project)

    reasons = {
        loss["item"].rpartition("/")[2]: loss["reason"]
        for loss in losses_of(done.document)
        if not loss["item"].startswith("use of")
    }
    assert reasons["last"] == "its bytes are gone from Metaflow's datastore"
    assert reasons["packed"].startswith("its tar can't be read")
    assert reasons["net_folder"] == "it has 12 bytes, while 307 are recorded"
    assert verified.code == 0, verified.out


def test_references_and_limits(recorded: Recorded) -> None:
    """W&B refers to the files where the settings say so; what is too large is a loss."""
    project, small = _project(), _project()

    done = recorded.mfwb(
        "sync", "--project", project, "--references", "--file-references", "--json"
    )
    verified = recorded.mfwb("verify", "--project", project, "--references", "--file-references")
    limited = recorded.mfwb("sync", "--project", small, "--max-artifact-size", "305", "--json")

    assert losses_of(done.document) == []
    version = recorded.server.state.artifact(f"acme/{project}/last:latest")
    assert sorted(version.references) == ["state/optimizer.txt", "weights.bin"]
    [flow_run] = done.document["flow_runs"]
    assert flow_run["account"]["artifacts"]["referenced"] == len(STEPS)
    assert verified.code == 0, verified.out
    lost = {loss["item"].rpartition("/")[2] for loss in losses_of(limited.document)}
    assert {"last", "packed", "net", "net_folder"} <= lost
