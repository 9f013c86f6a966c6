"""A W&B stand-in for each worker, and sandboxes that know it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.integration.results import Synced, metadata_of
from tests.support.sandbox import Finished, Sandbox
from tests.support.wandb_server import WandbServer


@pytest.fixture(scope="session")
def w_and_b() -> Iterator[WandbServer]:
    """Return a W&B stand-in that runs as long as the tests."""
    with WandbServer() as server:
        yield server


@pytest.fixture
def online(tmp_path: Path, w_and_b: WandbServer) -> Sandbox:
    """Return a place for programs whose W&B is the stand-in."""
    return Sandbox(tmp_path, {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key})


@pytest.fixture
def project() -> str:
    """Return the name of a project that no other test uses."""
    return f"p{uuid.uuid4().hex[:8]}"


@pytest.fixture
def sync(online: Sandbox, project: str, flows_root: Path) -> Callable[..., Finished]:
    """Return `mfwb sync --json` of shared flow runs into a project of the test's own."""

    def sync(*arguments: str, **environment: str) -> Finished:
        fixed = ("--json", "--project", project, "--metadata", metadata_of(flows_root))
        return online.mfwb("sync", *arguments, *fixed, **environment)

    return sync


@pytest.fixture(scope="session")
def synced(
    w_and_b: WandbServer,
    flow_run: Callable[[str], str],
    flows_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Synced]:
    """Return a function that syncs a flow of tests/flows once, for all tests that only look."""

    @cache
    def synced(flow: str, *arguments: str) -> Synced:
        project = f"p{uuid.uuid4().hex[:8]}"
        pathspec = flow_run(flow)
        sandbox = Sandbox(
            tmp_path_factory.mktemp("synced"),
            {"WANDB_BASE_URL": w_and_b.base_url, "WANDB_API_KEY": w_and_b.api_key},
        )
        fixed = ("--json", "--project", project, "--metadata", metadata_of(flows_root))
        finished = sandbox.mfwb("sync", pathspec, *arguments, *fixed)
        return Synced(pathspec, project, finished, w_and_b)

    return synced
