"""The public API reads what is there and changes what it may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.wandb_server import WandbServer

from . import deeds
from .client import Client


@pytest.mark.usefixtures("server")
def test_the_viewer_is_known(client: Client) -> None:
    """The API key belongs to a user with a default entity."""
    assert client.do(deeds.viewer) == ["tester", "acme", "acme"]


@pytest.mark.usefixtures("server")
def test_a_run_is_read_back(client: Client, project: str) -> None:
    """Config, summary, history in all its forms, and console lines come back."""
    client.do(
        deeds.log_run,
        project,
        "r1",
        name="one",
        group="g",
        job_type="train",
        tags=["t"],
        notes="n",
        config={"a": {"b": [1, 2]}},
        rows=[{"loss": 3.0}, {"loss": 2.0}, {"loss": 1.0}],
        summary={"best": 1.0},
        text="first\nlast\n",
    )
    losses = [3.0, 2.0, 1.0]

    assert client.do(deeds.read_run, f"acme/{project}/r1") == {
        "id": "r1",
        "name": "one",
        "state": "finished",
        "group": "g",
        "job_type": "train",
        "tags": ["t"],
        "notes": "n",
        "config": {"a": {"b": [1, 2]}},
        "summary": {"best": 1.0, "loss": 1.0},
        "user": "tester",
        "history": losses,
        "sampled": losses,
        "scanned": losses,
        "scanned_key": losses,
        "last_step": 2,
        "console": [("info", "first"), ("info", "last")],
        "last_line": ["last"],
    }


@pytest.mark.usefixtures("server")
def test_an_unknown_run_is_not_found(client: Client, project: str) -> None:
    """A missing run and a missing project raise the API's own not-found error."""
    client.do(deeds.log_run, project, "r1")

    assert client.do(deeds.missing, f"acme/{project}/r2") == "RunNotFoundError"
    assert client.do(deeds.missing, "acme/no-such-project/r1") == "RunNotFoundError"


@pytest.fixture(scope="module")
def ranked(client: Client) -> str:
    """A project with four runs of two groups; each has its rank in its config."""
    for rank in range(4):
        client.do(
            deeds.log_run,
            "ranked",
            f"r{rank}",
            group=f"Flow/{rank // 2}",
            tags=[f"t{rank}"],
            config={"rank": rank, "metaflow": {"user": f"u{rank}"}, "a.b": rank},
            summary={"score": -rank},
        )
    return "acme/ranked"


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [0, 1, 2, 3]),
        ({"group": "Flow/1"}, [2, 3]),
        ({"name": {"$in": ["r0", "r3", "r9"]}}, [0, 3]),
        ({"config.metaflow.user": "u2"}, [2]),
        ({"config.metaflow.value.user": "u2"}, [2]),
        ({"config.a.b": {"$gte": 2}}, [2, 3]),
        ({"$or": [{"tags": "t1"}, {"summary_metrics.score": -3}]}, [1, 3]),
        ({"$and": [{"state": "finished"}, {"group": {"$ne": "Flow/0"}}]}, [2, 3]),
        ({"display_name": {"$regex": "^run-r[01]"}}, [0, 1]),
        ({"config.missing": {"$exists": True}}, []),
    ],
)
def test_runs_are_filtered(
    client: Client, ranked: str, filters: dict[str, Any], found: list[int]
) -> None:
    """Filters choose runs; the order is that of creation."""
    runs = client.do(deeds.find_runs, ranked, filters, per_page=3, lazy=False)

    assert runs == [(f"r{rank}", rank) for rank in found]


def test_runs_come_in_pages(server: WandbServer, client: Client, ranked: str) -> None:
    """One query per page; lazy runs cost one query more each when their config is read."""
    eager = client.do(deeds.find_runs, ranked, {}, per_page=2, lazy=False)
    pages = server.count("Runs")
    lazy = client.do(deeds.find_runs, ranked, {}, per_page=10, order="-created_at")

    assert eager == list(reversed(lazy))
    assert pages == 2
    assert server.count("Run") == 4


def test_files_are_downloaded(
    server: WandbServer, client: Client, project: str, tmp_path: Path
) -> None:
    """The files of a run come back byte by byte, those added later too."""
    client.do(deeds.log_run, project, "r1", summary={"x": 1})
    client.do(deeds.upload_file, f"acme/{project}/r1", str(tmp_path), "late.txt", "added")
    texts = client.do(deeds.download_files, f"acme/{project}/r1", str(tmp_path / "down"))

    kept = server.state.run(f"acme/{project}/r1").files
    assert texts == {name: data.decode() for name, data in kept.items()}
    assert texts["late.txt"] == "added"
    assert server.count("download") == len(kept)


def test_an_artifact_is_read_back(
    server: WandbServer, client: Client, project: str, tmp_path: Path
) -> None:
    """An artifact comes back with its bytes, its producer and its users."""
    client.do(
        deeds.log_artifact,
        project,
        "r1",
        "data",
        {"a.txt": "one", "deep/b.txt": "two"},
        metadata={"k": 1},
        description="d",
    )
    client.do(deeds.use_artifacts, project, "r2", "data:v0")
    kept = server.state.artifact(f"acme/{project}/data:v0")

    assert client.do(deeds.read_artifact, f"acme/{project}/data:latest", str(tmp_path)) == {
        "name": "data:latest",
        "type": "dataset",
        "version": "v0",
        "aliases": ["latest"],
        "digest": kept.digest,
        "size": 6,
        "metadata": {"k": 1},
        "description": "d",
        "logged_by": "r1",
        "used_by": ["r2"],
        "files": {"a.txt": "one", "deep/b.txt": "two"},
    }
    assert client.do(deeds.read_lineage, f"acme/{project}/r1") == {
        "logged": ["data:v0"],
        "used": [],
    }
    assert client.do(deeds.read_lineage, f"acme/{project}/r2") == {
        "logged": [],
        "used": ["data:v0"],
    }


@pytest.mark.usefixtures("server")
def test_artifacts_are_listed(client: Client, project: str) -> None:
    """Types, collections and versions are listed, and unknown names are not there."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    client.do(deeds.log_artifact, project, "r2", "data", {"a": "2"})
    client.do(deeds.log_artifact, project, "r3", "net", {"a": "1"}, kind="model")
    location = f"acme/{project}"

    assert client.do(deeds.list_artifacts, location, "dataset", "data") == {
        "types": ["dataset", "model"],
        "collections": ["data"],
        "versions": ["v1", "v0"],
    }
    assert client.do(
        deeds.artifacts_exist,
        f"{location}/data:v1",
        f"{location}/data:v2",
        f"{location}/none:latest",
    ) == [True, False, False]


def test_a_version_can_be_edited(server: WandbServer, client: Client, project: str) -> None:
    """Aliases, description and metadata change; the content stays."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"}, aliases=["old"])
    client.do(deeds.edit_aliases, f"acme/{project}/data:v0", add="new", remove="old")

    version = server.state.artifact(f"acme/{project}/data:new")
    assert version.aliases == ("latest", "new")
    assert (version.description, version.metadata) == ("edited", {"edited": True})
    assert version.files["a"] == b"1"


def test_edges_can_be_added_later(server: WandbServer, client: Client, project: str) -> None:
    """A finished run gets an input and an output that are there already."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    client.do(deeds.log_run, project, "r2")
    name = f"acme/{project}/data:v0"
    client.do(deeds.add_edges, f"acme/{project}/r2", used=name, logged=name)

    run = server.state.run(f"acme/{project}/r2")
    assert [v.name for v in run.used] == [v.name for v in run.logged] == ["data:v0"]
    assert "again" in server.state.artifact(name).aliases
    assert run.state == "finished"


def test_a_finished_run_can_be_changed(server: WandbServer, client: Client, project: str) -> None:
    """Config, tags and summary change, and the run stays finished."""
    client.do(deeds.log_run, project, "r1", config={"a": 1}, tags=["t"])
    client.do(deeds.change_run, f"acme/{project}/r1")

    run = server.state.run(f"acme/{project}/r1")
    assert run.config == {"a": 1, "later": {"x": 1}}
    assert run.tags == ("t", "edited")
    assert (run.summary["score"], run.runtime) == (7, 42)
    assert run.state == "finished"


def test_a_deleted_run_is_not_found(server: WandbServer, client: Client, project: str) -> None:
    """After delete the run is gone, and the edges to it."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    client.do(deeds.delete_run, f"acme/{project}/r1")

    assert client.do(deeds.missing, f"acme/{project}/r1") == "RunNotFoundError"
    assert server.state.artifact(f"acme/{project}/data:v0").logged_by is None
