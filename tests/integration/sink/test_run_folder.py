"""What an offline sync puts into a bundle lies in it, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mfwb.errors import SinkError
from mfwb.planning import Plan, PlannedRun, Preview
from mfwb.ports import ReadyArtifact, ReadyFile, ReadyPreview, ReadyRun, ReadyTable
from mfwb.sink.offline.manifest import Checksums
from mfwb.sink.offline.new_payloads import NewPayloads
from mfwb.sink.offline.session import OfflineSession
from mfwb.sink.offline.wandb_file import read_records
from mfwb.snapshot.pathspec import FlowRunId
from tests.unit.payload.memory import output, planned_run

RUN = replace(planned_run(outputs=[output()]), started_at=1_700_000_000_000)
NOTHING = ReadyRun(summary={}, history=(), table=None, artifacts=())
TABLE = ReadyTable(("a",), ((1,),))


def write(bundle: Path, ready: ReadyRun, run: PlannedRun = RUN) -> Path:
    """Write a W&B run into a bundle, and return its folder."""
    bundle.mkdir(exist_ok=True)
    source = FlowRunId("Flow/1", "local@/x", 1_700_000_000_000)
    plan = Plan("Flow/1", source, "acme", "flow", "Flow/1", (run,))
    session = OfflineSession(plan, bundle, Checksums(bundle), NewPayloads(bundle), writer="w")
    return Path(session.write(run, ready).location)


def with_file(path: Path) -> ReadyRun:
    """Return a W&B run with an artifact of one file."""
    file = ReadyFile("x.txt", path.lstat().st_size, path, md5="bm90IHJlYWQ=")
    return replace(NOTHING, artifacts=(ReadyArtifact(output(), (file,)),))


def test_a_file_of_the_machine_is_copied(tmp_path: Path) -> None:
    """It may be changed or gone when the bundle is pushed."""
    external = tmp_path / "outside.txt"
    external.write_bytes(b"as it was")

    folder = write(tmp_path / "bundle", with_file(external))
    external.unlink()

    [record] = [
        item for item in read_records(next(folder.glob("*.wandb"))) if item.HasField("artifact")
    ]
    md5 = base64.b64encode(hashlib.md5(b"as it was", usedforsecurity=False).digest()).decode()
    [entry] = record.artifact.manifest.contents
    assert Path(entry.local_path).read_bytes() == b"as it was"
    assert Path(entry.local_path).is_relative_to(folder)
    assert (entry.path, entry.size, entry.digest) == ("x.txt", 9, md5)
    name = Path(entry.local_path).relative_to(tmp_path / "bundle").as_posix()
    assert name in json.loads((folder / "manifest.json").read_bytes())["files"]


@pytest.mark.parametrize("what", ["pipe", "folder", "nothing"])
def test_what_is_no_file_any_more(tmp_path: Path, what: str) -> None:
    """Nothing is waited for, and nothing half is left that would be pushed."""
    external = tmp_path / "outside"
    external.touch()
    ready = with_file(external)
    external.unlink()
    if what == "pipe":
        os.mkfifo(external)
    elif what == "folder":
        external.mkdir()

    with pytest.raises(SinkError, match="outside"):
        write(tmp_path / "bundle", ready)

    assert list((tmp_path / "bundle").rglob("*.wandb")) == []


@pytest.mark.parametrize("key", ["../../../../../escaped", "/escaped", "a/../../../../../escaped"])
def test_names_of_artifacts_are_no_paths(tmp_path: Path, key: str) -> None:
    """A stranger's artifact may be called anything; its table stays in the bundle."""
    key = key.replace("/escaped", f"{tmp_path}/escaped") if key.startswith("/") else key
    preview = ReadyPreview(key, Preview.TABLE, TABLE)

    write(tmp_path / "bundle", replace(NOTHING, previews=(preview,)))

    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_link_in_place_of_a_payload(tmp_path: Path) -> None:
    """Its content is not taken for the bundle's own."""
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    payload = tmp_path / "bundle" / "payloads" / "ab" / "abc.frames" / "x.parquet"
    payload.parent.mkdir(parents=True)
    payload.symlink_to(secret)

    with pytest.raises(SinkError, match="leads out"):
        write(tmp_path / "bundle", with_file(payload))

    assert list((tmp_path / "bundle").rglob("*.wandb")) == []
