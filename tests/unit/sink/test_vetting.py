"""What the records of a bundle may say of artifacts, beside what their files are."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.offline.manifest import FileChecksum, Manifest
from mfwb.sink.push.vetting import NotOurRecordError, vetted

MANIFEST = Manifest(PurePosixPath("/bundle"), {"payloads/x": FileChecksum(1, "0" * 64)})


def records(type_: str = "dataset", path: str = "x.json") -> list[pb.Record]:
    """Return the records of a W&B run that logs an artifact."""
    place = {"run_id": "run-1", "entity": "acme", "project": "push"}
    header = pb.Record(header=pb.HeaderRecord())
    header.header.version_info.producer = "0.31.0"
    artifact = pb.ArtifactRecord(name="a", type=type_, **place)
    artifact.manifest.storage_policy = "wandb-storage-policy-v1"
    artifact.manifest.contents.add(path=path, local_path="/bundle/payloads/x")
    return [header, pb.Record(run=pb.RunRecord(**place)), pb.Record(artifact=artifact)]


def _vet(said: list[pb.Record]) -> int:
    return len(list(vetted(said, MANIFEST, "run/files", "run-1")))


@pytest.mark.parametrize("type_", ["dataset", "model", "other", "run_table"])
def test_types_that_mfwb_writes(type_: str) -> None:
    """Its own types pass."""
    assert _vet(records(type_)) == 3


@pytest.mark.parametrize("type_", ["job", "code", "wandb-history", "value", ""])
def test_other_types(type_: str) -> None:
    """W&B does more with some types than to keep them: a `job` is run."""
    with pytest.raises(NotOurRecordError, match="is of type"):
        _vet(records(type_))


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "", ".", "a//b", "a\0b"])
def test_paths_out_of_the_artifact(path: str) -> None:
    """Who downloads the artifact has a file written there."""
    with pytest.raises(NotOurRecordError, match="no path"):
        _vet(records(path=path))


def test_who_reads_may_change_what_was_read() -> None:
    """A push gives a W&B run that was deleted another id, record by record."""
    read = 0
    for record in vetted(records(), MANIFEST, "run/files", "run-1"):
        record.run.run_id = "run-1-g1"
        read += 1

    assert read == 3
