"""Check of the records of artifacts in a bundle."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.sink.offline.manifest import FileChecksum, Manifest
from mfwb.sink.push.record_check import ForeignRecordError, check_records

MANIFEST = Manifest(PurePosixPath("/bundle"), {"payloads/x": FileChecksum(1, "0" * 64)})


def records(type_: str = "dataset", path: str = "x.json") -> list[pb.Record]:
    """Return the records of a W&B run that logs an artifact."""
    location = {"run_id": "run-1", "entity": "acme", "project": "push"}
    header = pb.Record(header=pb.HeaderRecord())
    header.header.version_info.producer = "0.31.0"
    artifact = pb.ArtifactRecord(name="a", type=type_, **location)
    artifact.manifest.storage_policy = "wandb-storage-policy-v1"
    artifact.manifest.contents.add(path=path, local_path="/bundle/payloads/x")
    return [header, pb.Record(run=pb.RunRecord(**location)), pb.Record(artifact=artifact)]


def _count_checked(given: list[pb.Record]) -> int:
    return len(list(check_records(given, MANIFEST, "run/files", "run-1")))


@pytest.mark.parametrize("type_", ["dataset", "model", "other", "run_table", "code"])
def test_types_that_mfwb_writes(type_: str) -> None:
    """The types that mfwb writes are allowed."""
    assert _count_checked(records(type_)) == 3


@pytest.mark.parametrize("type_", ["job", "wandb-history", "value", ""])
def test_other_types(type_: str) -> None:
    """Other types are refused: W&B runs the content of a `job`."""
    with pytest.raises(ForeignRecordError, match="is of type"):
        _count_checked(records(type_))


def test_code_that_wandb_would_run() -> None:
    """W&B's jobs are made of code of such a name."""
    made = records("code")
    made[-1].artifact.name = "source-project-flow.py"

    with pytest.raises(ForeignRecordError, match="is of type"):
        _count_checked(made)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/x", "", ".", "a//b", "a\0b"])
def test_paths_out_of_the_artifact(path: str) -> None:
    """A download of the artifact would write a file at this path."""
    with pytest.raises(ForeignRecordError, match="is not a path"):
        _count_checked(records(path=path))


def test_records_may_be_changed_by_the_caller() -> None:
    """A push changes the id in each record if the W&B run was deleted."""
    read = 0
    for record in check_records(records(), MANIFEST, "run/files", "run-1"):
        record.run.run_id = "run-1-g1"
        read += 1

    assert read == 3
