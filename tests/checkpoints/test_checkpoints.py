"""A flow with metaflow-checkpoint is really run, local and in S3, and synced without it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkpoints.checks import EDGES, assert_artifacts, assert_series
from tests.checkpoints.flow_run import CheckpointRun, run_flow
from tests.integration.results import edges_of, losses_of, metadata_of
from tests.support.s3_server import S3Server
from tests.support.sandbox import Sandbox
from tests.support.wandb_server import WandbServer

pytestmark = [pytest.mark.checkpoints, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def server() -> Iterator[WandbServer]:
    """Return a stand-in for W&B."""
    with WandbServer() as server:
        yield server


def _sync(flow_run: CheckpointRun, server: WandbServer, root: Path, known: dict[str, str]) -> None:
    """Sync and verify a flow run, and compare what W&B has with what the flow saved."""
    project = f"p{uuid.uuid4().hex[:8]}"
    w_and_b = {"WANDB_BASE_URL": server.base_url, "WANDB_API_KEY": server.api_key}
    sandbox = Sandbox(root, {**w_and_b, **known}, patience=900)
    fixed = ("--metadata", metadata_of(flow_run.root), "--project", project)
    done = sandbox.mfwb("sync", flow_run.pathspec, *fixed, "--json")
    verified = sandbox.mfwb("verify", flow_run.pathspec, *fixed)

    assert done.code == 0, done.err
    assert losses_of(done.document) == []
    assert edges_of(done.document) == EDGES
    run_id = flow_run.pathspec.split("/")[1]
    assert_artifacts(server, project, run_id)
    assert_series(server, project, run_id)
    assert verified.code == 0, verified.out


def test_local(tmp_path: Path, server: WandbServer) -> None:
    """The flow run of a local datastore."""
    flow_run = run_flow(tmp_path / "flows", {})

    _sync(flow_run, server, tmp_path / "sandbox", {})


def test_in_s3(tmp_path: Path, server: WandbServer) -> None:
    """The flow run of a datastore in S3, which is the default one of Metaflow's configuration."""
    with S3Server() as s3:
        in_s3 = {**s3.env, "METAFLOW_DEFAULT_DATASTORE": "s3"}
        flow_run = run_flow(tmp_path / "flows", in_s3)

        assert s3.keys("mf.models/models/artifacts/")
        _sync(flow_run, server, tmp_path / "sandbox", s3.env)


def test_in_two_datastores(tmp_path: Path, server: WandbServer) -> None:
    """With `--datastore s3`, the package still stores its files in the default datastore."""
    with S3Server() as s3:
        flow_run = run_flow(tmp_path / "flows", s3.env, "--datastore", "s3")

        assert not s3.keys("mf.models/")
        _sync(flow_run, server, tmp_path / "sandbox", s3.env)
