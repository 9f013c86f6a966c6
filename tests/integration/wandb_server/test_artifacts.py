"""Artifacts are versioned, deduplicated, named and used as on the real server."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from tests.support.wandb_server import WandbServer

from . import deeds
from .client import Client


def test_an_artifact_arrives_byte_by_byte(
    server: WandbServer, client: Client, project: str
) -> None:
    """Files, references, digest, aliases and metadata are what the client logged."""
    name = client.do(
        deeds.log_artifact,
        project,
        "r1",
        "data",
        {"a.txt": "one", "deep/b.txt": "two"},
        aliases=["run-1"],
        references={"source": "metaflow://Flow/1/start/2/data"},
        metadata={"rows": 2},
        description="two files",
    )

    version = server.state.artifact(f"acme/{project}/data:run-1")
    lines = [
        "wandb-artifact-manifest-v1",
        *(f"{path}:{version.manifest[path]['digest']}" for path in sorted(version.manifest)),
    ]
    digest = hashlib.md5("".join(f"{line}\n" for line in lines).encode(), usedforsecurity=False)
    assert name == "data:v0"
    assert (version.name, version.type, version.state) == ("data:v0", "dataset", "COMMITTED")
    assert dict(version.files) == {"a.txt": b"one", "deep/b.txt": b"two"}
    assert version.references == {"source": "metaflow://Flow/1/start/2/data"}
    assert version.digest == digest.hexdigest()
    assert version.aliases == ("latest", "run-1")
    assert (version.metadata, version.description) == ({"rows": 2}, "two files")
    assert version.logged_by == f"acme/{project}/r1"
    assert [v.name for v in server.state.run(f"acme/{project}/r1").logged] == ["data:v0"]


def test_same_content_makes_no_new_version(
    server: WandbServer, client: Client, project: str
) -> None:
    """A second run that logs the same content gets the version that is there."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "one"}, metadata={"n": 1})
    server.clear_requests()
    name = client.do(deeds.log_artifact, project, "r2", "data", {"a": "one"}, metadata={"n": 2})

    (version,) = server.state.artifacts(f"acme/{project}")
    uploads = [r.path for r in server.requests_of("upload") if "/artifact/" in r.path]
    assert name == "data:v0"
    assert uploads == []
    assert version.metadata == {"n": 1}
    assert version.logged_by == f"acme/{project}/r1"
    assert version.producers == (f"acme/{project}/r1", f"acme/{project}/r2")


def test_new_content_moves_latest(server: WandbServer, client: Client, project: str) -> None:
    """A new version takes `latest` and the aliases it is given; the old one keeps the rest."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"}, aliases=["best", "run-1"])
    name = client.do(deeds.log_artifact, project, "r2", "data", {"a": "2"}, aliases=["best"])

    aliases = {v.name: v.aliases for v in server.state.artifacts(f"acme/{project}")}
    assert name == "data:v1"
    assert aliases == {"data:v0": ("run-1",), "data:v1": ("best", "latest")}
    assert server.state.artifact(f"acme/{project}/data:v0").files["a"] == b"1"


def test_unchanged_files_are_not_uploaded_again(
    server: WandbServer, client: Client, project: str
) -> None:
    """The next version of a collection uploads only what is new, and still holds every byte."""
    client.do(deeds.log_artifact, project, "r1", "data", {"same": "x" * 1000, "new": "1"})
    server.clear_requests()
    client.do(deeds.log_artifact, project, "r2", "data", {"same": "x" * 1000, "new": "2"})

    uploads = [r.path.rpartition("/")[2] for r in server.requests_of("upload")]
    version = server.state.artifact(f"acme/{project}/data:v1")
    assert "same" not in uploads
    assert "new" in uploads
    assert dict(version.files) == {"new": b"2", "same": b"x" * 1000}


def test_old_content_again_is_the_old_version(
    server: WandbServer, client: Client, project: str
) -> None:
    """Going back to earlier content moves the aliases back to the earlier version."""
    for run, text in (("r1", "1"), ("r2", "2"), ("r3", "1")):
        client.do(deeds.log_artifact, project, run, "data", {"a": text})

    versions = server.state.artifacts(f"acme/{project}")
    assert [(v.name, v.aliases) for v in versions] == [("data:v0", ("latest",)), ("data:v1", ())]


def test_assumptions_on_old_content_can_be_switched(
    server: WandbServer, client: Client, project: str
) -> None:
    """The server may compare with the newest version only, ignore aliases, and draw no edge."""
    server.assumptions = replace(
        server.assumptions, dedupe="newest", aliases_on_dedupe="ignored", second_producer="none"
    )
    for run, text in (("r1", "1"), ("r2", "2"), ("r3", "1")):
        client.do(deeds.log_artifact, project, run, "data", {"a": text})
    client.do(deeds.log_artifact, project, "r4", "data", {"a": "1"}, aliases=["again"])

    versions = server.state.artifacts(f"acme/{project}")
    assert [v.name for v in versions] == ["data:v0", "data:v1", "data:v2"]
    assert versions[2].aliases == ("latest",)
    assert versions[2].producers == (f"acme/{project}/r3",)


def test_a_name_has_one_type(server: WandbServer, client: Client, project: str) -> None:
    """An artifact of another type cannot have the name."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"}, kind="dataset")
    error = client.do(deeds.type_conflict, project, "data", "model")

    assert "already exists with type 'dataset'" in error
    assert [v.type for v in server.state.versions(f"acme/{project}")] == ["dataset"]


def test_use_draws_edges(server: WandbServer, client: Client, project: str) -> None:
    """An artifact used by name, and one used as a draft, become inputs of the run."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    client.do(deeds.log_artifact, project, "r1b", "by-draft", {"b": "2"})
    client.do(deeds.use_artifacts, project, "r2", "data:latest", {"b": "2"})

    run = server.state.run(f"acme/{project}/r2")
    assert [v.name for v in run.used] == ["data:v0", "by-draft:v0"]
    assert run.logged == ()
    assert server.state.artifact(f"acme/{project}/data:v0").used_by == (run.path,)
    assert server.state.artifact(f"acme/{project}/by-draft:v0").logged_by == f"acme/{project}/r1b"


def test_a_new_draft_that_is_used_has_no_producer(
    server: WandbServer, client: Client, project: str
) -> None:
    """Using a draft whose content is new uploads it as an input that no run logged."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    client.do(deeds.use_artifacts, project, "r2", "data:v0", {"b": "2"})

    version = server.state.artifact(f"acme/{project}/by-draft:v0")
    assert dict(version.files) == {"b": b"2"}
    assert version.logged_by is None
    assert version.used_by == (f"acme/{project}/r2",)


def test_a_committed_object_can_be_used(server: WandbServer, client: Client, project: str) -> None:
    """The object that one run logged is an input of another run of the same process."""
    client.do(deeds.use_committed, project, "producer", "consumer")

    version = server.state.artifact(f"acme/{project}/shared:v0")
    assert version.logged_by == f"acme/{project}/producer"
    assert version.used_by == (f"acme/{project}/consumer",)


def test_a_table_brings_its_own_artifact(server: WandbServer, client: Client, project: str) -> None:
    """wandb.Table is a file of the run and an artifact of type run_table."""
    client.do(deeds.log_table, project, "r1")

    (version,) = server.state.artifacts(f"acme/{project}")
    run = server.state.run(f"acme/{project}/r1")
    assert (version.name, version.type) == ("run-r1-tasks:v0", "run_table")
    assert b'"index"' in version.files["tasks.table.json"]
    assert run.summary["tasks"]["path"] in run.files


def test_a_deleted_version_is_gone(server: WandbServer, client: Client, project: str) -> None:
    """A deleted version is not found, and its number is not given again."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    client.do(deeds.delete_artifact, f"acme/{project}/data:v0")
    name = client.do(deeds.log_artifact, project, "r2", "data", {"a": "1"})

    assert name == "data:v1"
    assert [v.name for v in server.state.artifacts(f"acme/{project}")] == ["data:v1"]
    assert server.state.run(f"acme/{project}/r1").logged == ()
