"""Requests go wrong on demand, and the SDK meets what it would meet on a bad day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.wandb_server import Fault, Incoming, Match, WandbServer

from . import deeds
from .client import Client

_FILES = {"a.txt": "one", "b.txt": "two"}


@pytest.mark.parametrize("trouble", ["fail", "cut", "lose_reply"])
def test_passing_faults_change_nothing(
    server: WandbServer, client: Client, project: str, trouble: str
) -> None:
    """After an error status, a cut connection or a lost reply the client tries again."""
    plan: Callable[[Match], Fault] = getattr(server, trouble)
    faults = [plan(match) for match in ("UpsertBucket", "CreateArtifact", "file_stream", "upload")]
    client.do(deeds.log_run, project, "r0", rows=[{"x": 1}, {"x": 2}])
    client.do(deeds.log_artifact, project, "r1", "data", _FILES)

    (version,) = server.state.artifacts(f"acme/{project}")
    run = server.state.run(f"acme/{project}/r0")
    assert [fault.struck for fault in faults] == [1, 1, 1, 1]
    assert [row["x"] for row in run.history] == [1, 2]
    assert run.state == "finished"
    assert dict(version.files) == {"a.txt": b"one", "b.txt": b"two"}
    assert version.producers == (f"acme/{project}/r1",)


def test_a_lost_commit_makes_one_version(server: WandbServer, client: Client, project: str) -> None:
    """A commit whose reply got lost is asked for again and counted once."""
    server.lose_reply("CommitArtifact")
    name = client.do(deeds.log_artifact, project, "r1", "data", _FILES)

    assert name == "data:v0"
    assert [r.status for r in server.requests_of("CommitArtifact")] == [None, 200]
    assert len(server.state.versions(f"acme/{project}")) == 1


def test_retry_after_is_sent(server: WandbServer, client: Client, project: str) -> None:
    """A client that asks too often is told how long to wait, and waits."""
    server.fail("UpsertBucket", status=429, retry_after=2)
    client.do(deeds.log_run, project, "r1")

    first, second, *_ = server.requests_of("UpsertBucket")
    assert (first.status, second.status) == (429, 200)
    assert second.arrived - first.arrived >= 2


def test_a_predicate_chooses_requests(server: WandbServer, client: Client, project: str) -> None:
    """Only the upload of one file fails, and only after the first."""

    def second_file(incoming: Incoming) -> bool:
        return incoming.kind == "upload" and incoming.path.endswith("/b.txt")

    server.fail(second_file, times=1)
    client.do(deeds.log_artifact, project, "r1", "data", _FILES)

    tried = [r for r in server.requests_of("upload") if r.path.endswith(".txt")]
    names = sorted(r.path.rpartition("/")[2] for r in tried)
    assert names == ["a.txt", "b.txt", "b.txt"]


def test_a_fault_can_begin_late(server: WandbServer, client: Client, project: str) -> None:
    """The first requests pass, the next fails."""
    server.fail("CreateArtifact", status=400, times=1, after=1)
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    error = client.do(deeds.failed_artifact, project, "r2", "data", {"a": "2"})

    assert "planned failure" in error
    assert [v.name for v in server.state.artifacts(f"acme/{project}")] == ["data:v0"]


def test_a_lasting_failure_leaves_nothing(
    server: WandbServer, client: Client, project: str
) -> None:
    """A run that cannot be created is not there, and the client says so."""
    server.fail("UpsertBucket", status=500, times=None)
    error = client.do(deeds.failed_init, project, "r1", {"init_timeout": 0.5})

    assert error.startswith("CommError")
    assert server.state.runs(f"acme/{project}") == {}


def test_requests_can_be_held(server: WandbServer, client: Client, project: str) -> None:
    """While a commit is held the version is pending; released, it is finished."""
    held = server.hold("CommitArtifact")
    ended = client.start(deeds.log_artifact, project, "r1", "data", _FILES)
    held.wait()
    before = [v.state for v in server.state.versions(f"acme/{project}")]
    held.release()

    assert ended() == "data:v0"
    assert before == ["PENDING"]
    assert [v.state for v in server.state.versions(f"acme/{project}")] == ["COMMITTED"]


def test_latency_and_delay_slow_the_client(
    server: WandbServer, client: Client, project: str
) -> None:
    """Every request waits for the latency, a chosen one for its delay."""
    server.latency = 0.05
    server.delay("UpsertBucket", 0.5)
    client.do(deeds.log_run, project, "r1")

    slowest = max(server.requests, key=lambda request: request.seconds)
    assert slowest.operation == "UpsertBucket"
    assert slowest.seconds >= 0.55
    assert min(request.seconds for request in server.requests) >= 0.05


def test_a_wrong_key_is_refused(server: WandbServer, client: Client, project: str) -> None:
    """Login and init with a key that is not the server's end with 401."""
    wrong = "0" * 40
    reported = client.do(deeds.login, wrong)
    status = {r.status for r in server.requests}
    again = client.do(deeds.login, server.api_key)

    assert reported.startswith("AuthenticationError")
    assert status == {401}
    assert again == "True"
    assert server.state.runs(f"acme/{project}") == {}
