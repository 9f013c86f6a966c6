"""Artifacts of a bundle: manifest, digest and metadata are those of `wandb.Artifact`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import wandb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfwb.planning import OutputArtifact
from mfwb.ports import ReadyArtifact, ReadyFile
from mfwb.sink.content.artifacts import make_artifact
from mfwb.sink.offline.artifact_draft import (
    DIGEST_ALGORITHM,
    ArtifactDraft,
    draft_artifact,
    table_artifact_name,
)

START = 1_795_223_691_980

_PARTS = st.text("abc.é日 -_%", min_size=1, max_size=6).filter(lambda part: part.strip(". "))
_PATHS = st.lists(_PARTS, min_size=1, max_size=3).map("/".join)
_URIS = st.builds(
    "{}://{}/{}".format,
    st.sampled_from(["s3a", "http", "https", "hdfs", "abfss", "gcs", "az"]),
    st.sampled_from(["bucket", "account.blob.core.windows.net/box", "h:80/x"]),
    st.sampled_from(["thing", "a/b;p=1/c;q", "a?versionId=7", "a//b#3", "é%20x", "a?x=1&y=2#z"]),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _ready(*files: ReadyFile, metadata: dict[str, Any] | None = None) -> ReadyArtifact:
    planned = OutputArtifact("model", type="model", aliases=(), metadata=metadata or {}, files=())
    return ReadyArtifact(planned, files)


def _drafted(draft: ArtifactDraft) -> list[dict[str, Any]]:
    return [
        {
            "path": entry.path,
            "digest": entry.digest,
            "ref": entry.ref or None,
            "size": entry.size,
            "local_path": entry.local_path or None,
            "extra": dict(entry.extra),
            "skip_cache": bool(entry.local_path),
        }
        for entry in draft.entries
    ]


def _of_wandb(artifact: wandb.Artifact) -> list[dict[str, Any]]:
    return [
        {
            "path": str(entry.path),
            "digest": entry.digest,
            "ref": entry.ref,
            "size": entry.size or 0,
            "local_path": entry.local_path,
            "extra": entry.extra,
            "skip_cache": entry.skip_cache,
        }
        for _, entry in sorted(artifact.manifest.entries.items())
    ]


def _assert_same(ready: ReadyArtifact) -> None:
    draft, theirs = draft_artifact(ready, START), make_artifact(ready, START)

    assert _drafted(draft) == _of_wandb(theirs)
    assert draft.digest == theirs.digest
    assert theirs.digest_algorithm == DIGEST_ALGORITHM
    assert (draft.name, draft.type) == (theirs.name, theirs.type)
    assert json.dumps(draft.metadata) == json.dumps(theirs.metadata)


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.dictionaries(_PATHS, st.binary(max_size=40), max_size=5), st.booleans())
def test_files(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes], knows: object
) -> None:
    """With any names; whether their checksums are known or not."""
    folder = tmp_path_factory.mktemp("files")
    files = []
    for number, (path, data) in enumerate(contents.items()):
        local = folder / str(number)
        local.write_bytes(data)
        md5 = "4uQ0ZQ0+cwzmOkFB5xOOxg==" if knows else None
        files.append(ReadyFile(path, len(data), local, md5=md5))

    _assert_same(_ready(*files))


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.dictionaries(_PATHS, _URIS, max_size=5))
def test_references_without_checksums(uris: dict[str, str]) -> None:
    """Each URI is its own digest; W&B's handler of Azure leaves out the query."""
    _assert_same(_ready(*(ReadyFile(path, 0, uri=uri) for path, uri in uris.items())))


@pytest.mark.parametrize(
    "rest", ["a", "a/b;p=1/c;q", "a?versionId=7", "a//b#3", "/a", "é%20x", "a?x=1&y=2#z", ""]
)
def test_references_to_s3(rest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B's handler sets up a client of S3, though it sends no request."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    _assert_same(_ready(ReadyFile("thing", 0, uri=f"s3://bucket/{rest}")))


@pytest.mark.parametrize(
    "uri",
    ["s3://b/k", "gs://b/k", "https://account.blob.core.windows.net/box/k", "https://h/k"],
)
@pytest.mark.parametrize("version", [None, "7"])
def test_references_with_an_etag(uri: str, version: str | None) -> None:
    """The digest is the ETag."""
    _assert_same(_ready(ReadyFile("k", 5, uri=uri, etag="tag", version=version)))


def test_a_reference_to_a_local_file(tmp_path: Path) -> None:
    """It is read for its checksum, also with a name that a URI escapes."""
    path = tmp_path / "a b%20é#?"
    path.write_bytes(b"content")

    _assert_same(_ready(ReadyFile("k", 0, uri=path.as_uri())))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=5), _JSON, max_size=5))
def test_metadata(metadata: dict[str, Any]) -> None:
    """NaN becomes None, as in W&B."""
    metadata.pop("mfwb", None)

    _assert_same(_ready(metadata=metadata))


@pytest.mark.parametrize(
    "metadata", [{"a": [float("inf")]}, {str(number): number for number in range(100)}]
)
def test_metadata_that_wandb_refuses(metadata: dict[str, Any]) -> None:
    """Both raise the same type of error."""
    for make in (draft_artifact, make_artifact):
        with pytest.raises(ValueError, match=r"JSON|inf|metadata"):
            make(_ready(metadata=metadata), START)


@pytest.mark.parametrize(
    "add", [ReadyFile("a", 0, uri="http://h/2"), ReadyFile("a", 0, uri="http://h/1")]
)
def test_two_files_with_one_path(add: ReadyFile) -> None:
    """Both refuse them, unless they are the same."""
    ready = _ready(ReadyFile("a", 0, uri="http://h/1"), add)
    if add.uri == "http://h/1":
        _assert_same(ready)
        return
    for make in (draft_artifact, make_artifact):
        with pytest.raises(ValueError, match="path"):
            make(ready, START)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_names_of_tables(key: str) -> None:
    """Those that the SDK gives the artifact of a table."""
    from wandb.sdk.artifacts._internal_artifact import sanitize_artifact_name  # noqa: PLC0415

    assert table_artifact_name("abc", key) == sanitize_artifact_name(f"run-abc-{key}")
