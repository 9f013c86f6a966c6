"""One server and one client process for all tests here; every test has a project of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.support.wandb_server import Assumptions, WandbServer

from .client import Client, client_of


@pytest.fixture(scope="session")
def shared_server() -> Iterator[WandbServer]:
    """A server that runs as long as the tests."""
    with WandbServer() as server:
        yield server


@pytest.fixture(scope="session")
def client(
    shared_server: WandbServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """A process that uses the SDK against the shared server."""
    with client_of(shared_server, tmp_path_factory.mktemp("client")) as client:
        yield client


@pytest.fixture
def server(shared_server: WandbServer) -> Iterator[WandbServer]:
    """The shared server, without faults and with an empty request log."""
    shared_server.clear_requests()
    yield shared_server
    surprises = shared_server.surprises
    shared_server.clear_faults()
    shared_server.latency = 0.0
    shared_server.assumptions = Assumptions()
    assert surprises == []


@pytest.fixture
def project() -> str:
    """The name of a project that no other test uses."""
    return f"p{uuid.uuid4().hex[:8]}"
