"""References: the entries that W&B's own handlers would make."""

from __future__ import annotations

import pytest
import wandb

from mfwb.ports import ReadyFile
from mfwb.sink.content.artifacts import add_reference

AZURE = "https://account.blob.core.windows.net/box/thing"


@pytest.mark.parametrize(
    ("uri", "version", "extra"),
    [
        ("s3://bucket/thing", None, {"etag": "tag"}),
        ("s3://bucket/thing", "7", {"etag": "tag", "versionID": "7"}),
        (AZURE, "2026-11-29", {"etag": "tag", "versionID": "2026-11-29"}),
        ("gs://bucket/thing", "7", {"versionID": 7}),  # its handler stores a number, and no ETag
        ("gs://bucket/thing", None, {}),
    ],
)
def test_the_entry_is_that_of_the_handler(
    uri: str, version: str | None, extra: dict[str, str | int]
) -> None:
    """By the URI's scheme; no request is sent."""
    artifact = wandb.Artifact("thing", type="other")

    add_reference(artifact, ReadyFile("thing.pkl.gz", 5, uri=uri, etag="tag", version=version))

    assert artifact.manifest.entries["thing.pkl.gz"].to_json() == {
        "path": "thing.pkl.gz",
        "digest": "tag",
        "size": 5,
        "ref": uri,
        "extra": extra,
        "skip_cache": False,
    }
