"""Values from W&B's answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfwb.errors import SinkError
from mfwb.verification.recorded import RecordedFile
from mfwb.verification.recorded_online.parse import (
    files_of_manifest,
    parse_config,
    parse_json,
    parse_runtime,
    parse_started_at,
    parse_version,
)


def _node(**fields: Any) -> dict[str, Any]:
    return {
        "id": "i",
        "versionIndex": 3,
        "digest": "d",
        "artifactSequence": {
            "name": "net",
            "project": {"entityName": "acme", "name": "wines"},
        },
        "artifactType": {"name": "model"},
        "aliases": [
            {"alias": "latest", "artifactCollection": {"name": "net"}},
            {"alias": "best", "artifactCollection": {"name": "portfolio"}},
        ],
        **fields,
    }


@pytest.mark.parametrize(
    ("own_project", "index", "key"),
    [
        (("acme", "wines"), 3, "net:v3"),
        (("acme", "beers"), 3, "acme/wines/net:v3"),
        (("acme", "wines"), None, "i"),
    ],
)
def test_keys_of_versions(own_project: tuple[str, str], index: int | None, key: str) -> None:
    """A version of another project has that in its key; one that is not committed has its id."""
    version = parse_version(_node(versionIndex=index), {}, own_project)

    assert version.key == key
    assert version.version == (None if index is None else "v3")


def test_aliases_are_those_of_its_own_collection() -> None:
    """A registry may give the same version other aliases."""
    assert parse_version(_node(), {}, ("acme", "wines")).aliases == {"latest"}


@pytest.mark.parametrize("field", ["digest", "aliases", "artifactType", "artifactSequence"])
def test_what_is_missing_is_an_error(field: str) -> None:
    """It never reads as empty."""
    node = _node()
    del node[field]

    with pytest.raises(SinkError):
        parse_version(node, {}, ("acme", "wines"))


def test_a_config() -> None:
    """Values are unwrapped, and W&B's own part goes, after its start and runtime were read."""
    writer = {"startedAt": "2026-01-01T00:00:01.500Z"}
    raw = {"rate": {"value": 0.5, "desc": None}, "_wandb": {"value": {"e": {"w": writer}}}}

    assert parse_config(raw) == {"rate": 0.5}
    assert parse_started_at(raw) == 1_767_225_601.5
    assert parse_started_at({}) is None
    assert parse_runtime({"_wandb": {"runtime": 7}}) == 7.0
    assert parse_runtime({"_wandb": {"runtime": True}}) is None


def test_a_manifest() -> None:
    """A reference has no checksum, as its digest is not one of its bytes."""
    contents = {
        "a": {"digest": "md5-a", "size": 1},
        "b": {"digest": "etag", "size": 2, "ref": "s3://bucket/b"},
    }

    assert files_of_manifest(json.dumps({"contents": contents}).encode()) == {
        "a": RecordedFile("a", 1, "md5-a"),
        "b": RecordedFile("b", 2, None, "s3://bucket/b"),
    }


@pytest.mark.parametrize("text", ["[]", "{", "1"])
def test_what_is_no_object(text: str) -> None:
    """Damaged JSON is an error; only null and an empty text are empty."""
    with pytest.raises(SinkError, match="config is no JSON"):
        parse_json(text, "config")
    with pytest.raises(SinkError, match="manifest"):
        files_of_manifest(b"{}")
    assert parse_json("null", "config") == parse_json("", "config") == {}


def test_links_are_the_other_collections_of_a_version() -> None:
    """They are not known if they were not requested."""
    project = {"name": "p", "entityName": "acme"}
    registry = {"name": "wandb-registry-data", "entityName": "acme-org"}
    node: dict[str, Any] = {
        "id": "1",
        "digest": "d",
        "versionIndex": 0,
        "artifactType": {"name": "dataset"},
        "artifactSequence": {"name": "frame", "project": project},
        "aliases": [],
    }
    members = [{"name": "frame", "project": project}, {"name": "frames", "project": registry}]
    edges = [{"node": {"artifactCollection": member}} for member in members]
    linked = {**node, "artifactMemberships": {"edges": edges}}
    assert parse_version(node, {}, ("acme", "p")).links is None
    links = parse_version(linked, {}, ("acme", "p")).links
    assert links == frozenset({"acme-org/wandb-registry-data/frames"})
