"""The stand-in by itself: snapshots, counters, refusals, and the command line."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.support.wandb_server import WandbServer, digest_of

from . import deeds
from .client import Client, client_of


def _ask(server: WandbServer, query: str, variables: dict[str, Any] | None = None) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    return json.loads(_send(server, "/graphql", body, "POST"))


def _send(server: WandbServer, path: str, body: bytes, method: str) -> bytes:
    key = base64.b64encode(f"api:{server.api_key}".encode()).decode()
    address = path if path.startswith("http") else server.base_url + path
    request = urllib.request.Request(  # noqa: S310 - the address is on loopback
        address, body, {"Authorization": f"Basic {key}"}, method=method
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310 - the same
        answer: bytes = response.read()
    return answer


def _write_all(client: Client, project: str) -> None:
    client.do(deeds.log_run, project, "r0", rows=[{"x": 1}], config={"a": 1}, text="line\n")
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"}, aliases=["run-1"])
    client.do(deeds.use_artifacts, project, "r2", "data:v0")
    client.do(deeds.log_table, project, "r3")


def test_nothing_is_held_back() -> None:
    """A reply leaves when it is written, so that a request takes no longer than is asked for."""
    with (
        WandbServer() as server,
        socket.create_connection(("127.0.0.1", server.port)) as client,
    ):
        client.sendall(b"GET /nothing HTTP/1.1\r\nHost: w\r\n\r\n")
        assert client.recv(1)
        [connection] = server.sockets
        reported = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert reported


def test_equal_deeds_give_equal_snapshots(
    server: WandbServer, client: Client, project: str, tmp_path: Path
) -> None:
    """Two servers that were written the same, one of them with faults, cannot be told apart."""
    _write_all(client, project)
    with WandbServer() as other, client_of(other, tmp_path) as second:
        other.lose_reply("CreateArtifact")
        other.cut("file_stream")
        other.latency = 0.01
        _write_all(second, project)
        existing = other.state.snapshot()

    here = server.state.snapshot(f"acme/{project}")
    assert here == existing
    assert len(here["runs"]) == 4
    assert digest_of(here) == digest_of(existing)


def test_different_deeds_give_different_snapshots(
    server: WandbServer, client: Client, project: str
) -> None:
    """One more edge, or one more row, is another state."""
    client.do(deeds.log_artifact, project, "r1", "data", {"a": "1"})
    first = server.state.snapshot(f"acme/{project}")
    client.do(deeds.use_artifacts, project, "r1", "data:v0")
    second = server.state.snapshot(f"acme/{project}")
    client.do(deeds.log_run, project, "r1", rows=[{"x": 1}])
    third = server.state.snapshot(f"acme/{project}")

    assert len({digest_of(each) for each in (first, second, third)}) == 3


def test_uploaded_bytes_are_counted(server: WandbServer, client: Client, project: str) -> None:
    """Large files are counted and kept whole; the same content again costs next to nothing."""
    text = "x" * 3_000_000
    before = server.uploaded_bytes
    client.do(deeds.log_artifact, project, "r1", "data", {"big": text})
    between = server.uploaded_bytes
    client.do(deeds.log_artifact, project, "r2", "data", {"big": text})

    version = server.state.artifact(f"acme/{project}/data:v0")
    assert 3_000_000 <= between - before < 3_010_000
    assert server.uploaded_bytes - between < 10_000
    assert version.files.size("big") == 3_000_000
    assert hashlib.sha256(version.files["big"]).digest() == hashlib.sha256(text.encode()).digest()


def test_requests_are_noted(server: WandbServer, client: Client, project: str) -> None:
    """Each request is noted with kind, operation, variables, status and time."""
    client.do(deeds.log_run, project, "r1", group="g")

    first = server.wait_for("UpsertBucket")[0]
    assert (first.kind, first.operation, first.status) == ("graphql", "UpsertBucket", 200)
    assert (first.variables["name"], first.variables["groupName"]) == ("r1", "g")
    assert first.seconds > 0
    assert server.count("file_stream") >= 1
    assert server.requests_of(lambda r: r.path.endswith("/config.yaml"))
    with pytest.raises(TimeoutError):
        server.wait_for("UseArtifact", timeout=0.01)


@pytest.fixture
def lone_server() -> Any:
    """A server that no SDK talks to."""
    with WandbServer(entities=("acme", "team")) as server:
        yield server


def test_unknown_fields_are_refused(lone_server: WandbServer) -> None:
    """A query for a field that the schema lacks is answered 400 and reported."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        _ask(lone_server, "query Q { viewer { shoeSize } }")
    caught.value.close()

    assert caught.value.code == 400
    assert "shoeSize" in lone_server.surprises[0]


def test_unknown_routes_are_refused(lone_server: WandbServer) -> None:
    """An address that no route answers is 404 and reported."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        _send(lone_server, "/elsewhere", b"", "POST")
    caught.value.close()

    assert caught.value.code == 404
    assert "/elsewhere" in lone_server.surprises[0]


def test_wrong_bytes_are_refused(lone_server: WandbServer) -> None:
    """Bytes whose MD5 was not announced are not taken, and without them there is no commit."""
    created = _ask(
        lone_server,
        "mutation C($input: CreateArtifactInput!) { createArtifact(input: $input) {"
        " artifact { id state } } }",
        {
            "input": {
                "entityName": "team",
                "projectName": "p",
                "artifactTypeName": "t",
                "artifactCollectionName": "n",
                "digest": "0" * 32,
            }
        },
    )
    artifact_id = created["data"]["createArtifact"]["artifact"]["id"]
    md5 = base64.b64encode(hashlib.md5(b"right", usedforsecurity=False).digest()).decode()
    planned = _ask(
        lone_server,
        "mutation F($input: CreateArtifactFilesInput!) { createArtifactFiles(input: $input) {"
        " files { edges { node { uploadUrl } } } } }",
        {"input": {"artifactFiles": [{"artifactID": artifact_id, "name": "f", "md5": md5}]}},
    )
    (edge,) = planned["data"]["createArtifactFiles"]["files"]["edges"]

    with pytest.raises(urllib.error.HTTPError, match="400") as wrong:
        _send(lone_server, edge["node"]["uploadUrl"], b"wrong", "PUT")
    wrong.value.close()
    with pytest.raises(urllib.error.HTTPError, match="400") as early:
        _ask(
            lone_server,
            "mutation M($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { id } } }",
            {"id": artifact_id},
        )
    early.value.close()
    assert [v.state for v in lone_server.state.versions("team/p")] == ["PENDING"]


def test_the_command_line_serves() -> None:
    """`python -m tests.support.wandb_server` prints an address and a key that the API takes."""
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "tests.support.wandb_server", "--entity", "team"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().split("=")[1].strip() for _ in range(2)]
        key = base64.b64encode(f"api:{lines[1]}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 - the address is on loopback
            f"{lines[0]}/graphql",
            json.dumps({"query": "query V { viewer { entity } }"}).encode(),
            {"Authorization": f"Basic {key}"},
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310 - the same
            answer = json.loads(response.read())
        process.terminate()

    assert answer == {"data": {"viewer": {"entity": "team"}}}
