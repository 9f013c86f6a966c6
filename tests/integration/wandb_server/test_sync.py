"""`wandb sync` brings offline folders to the server."""

from __future__ import annotations

from tests.support.wandb_server import WandbServer

from . import deeds
from .client import Client


def test_an_offline_run_is_synced_whole(server: WandbServer, client: Client, project: str) -> None:
    """History, console levels, artifacts and the exit code come from the folder."""
    folder = client.do(
        deeds.offline_run,
        project,
        "r1",
        rows=[{"x": 1}, {"x": 2}],
        outputs={"data": {"a": "1"}},
        exit_code=1,
    )
    done = client.wandb("sync", "--yes", folder)

    run = server.state.run(f"acme/{project}/r1")
    assert done.returncode == 0
    assert (run.state, run.exit_code) == ("failed", 1)
    assert [row["x"] for row in run.history] == [1, 2]
    assert ("error", "careful") in [(line.level, line.line) for line in run.console]
    assert [v.name for v in run.logged] == ["data:v0"]
    assert run.logged[0].files["a"] == b"1"


def test_a_consumer_record_becomes_an_edge(
    server: WandbServer, client: Client, project: str
) -> None:
    """After its producer, the record of a consumer uploads nothing and draws the edge."""
    data = {"data": {"a": "1"}}
    producer = client.do(deeds.offline_run, project, "producer", outputs=data)
    consumer = client.do(deeds.offline_run, project, "consumer", inputs=data)
    client.wandb("sync", "--yes", producer)
    server.clear_requests()
    client.wandb("sync", "--yes", consumer)

    (version,) = server.state.artifacts(f"acme/{project}")
    uploads = [r.path for r in server.requests_of("upload") if "/run/" not in r.path]
    assert uploads == []
    assert version.logged_by == f"acme/{project}/producer"
    assert version.producers == (f"acme/{project}/producer",)
    assert version.used_by == (f"acme/{project}/consumer",)


def test_a_type_conflict_loses_the_artifact(
    server: WandbServer, client: Client, project: str
) -> None:
    """The server refuses the artifact, and sync ends as if all were well."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"}, kind="dataset")
    folder = client.do(deeds.offline_run, project, "r2", outputs={"data": {"a": "2"}}, kind="model")
    server.clear_requests()
    done = client.wandb("sync", "--yes", folder)

    assert done.returncode == 0
    assert [r.status for r in server.requests_of("CreateArtifact")] == [400]
    assert server.state.run(f"acme/{project}/r2").logged == ()
    assert [v.type for v in server.state.versions(f"acme/{project}")] == ["dataset"]
