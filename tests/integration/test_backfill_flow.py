"""The flow of a backfill, as Metaflow compiles it for AWS; tests/faults runs it."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from tests.support.aws_stand_in import served_aws
from tests.support.deployments import KEY, compiled
from tests.support.s3_server import S3Server

_SYNCED = ("first", "shard", "last")


def test_step_functions(tmp_path: Path) -> None:
    """Shards are a foreach with retries and resources; the key is in nothing that is deployed."""
    with S3Server() as s3, served_aws() as aws:
        machine, uploads = compiled(
            tmp_path, s3, "batch:image=mfwb", "step-functions", AWS_ENDPOINT_URL=aws
        )
    states = machine["States"]
    mapped = states["*shard"]
    jobs = {**states, **mapped["Iterator"]["States"]}

    assert mapped["Type"] == "Map"
    assert {name: jobs[name]["Parameters"]["RetryStrategy"]["Attempts"] for name in _SYNCED} == (
        dict.fromkeys(_SYNCED, 3)
    )
    for name in _SYNCED:
        needs = jobs[name]["Parameters"]["ContainerOverrides"]["ResourceRequirements"]
        assert {need["Type"]: float(need["Value"]) for need in needs} == {"VCPU": 2, "MEMORY": 4096}
    assert uploads
    assert [name for name, content in uploads.items() if KEY.encode() in _unpacked(content)] == []


def _unpacked(content: bytes) -> bytes:
    """Return a file, and what it holds if it is an archive."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            files = (archive.extractfile(member) for member in archive.getmembers())
            return content + b"".join(file.read() for file in files if file is not None)
    except tarfile.TarError:
        return content + (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else b"")
