"""What a `.wandb` file may say: what mfwb writes, and nothing else that `wandb sync` acts upon.

`wandb sync` uploads the files that records name, wherever they lie, reads manifests from other
files, and has settings, requests and jobs that come as records, too. Whoever changes a bundle could
use all of that. So here is what `mfwb.sink.offline.records` writes, field by field (wandb 0.31.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from google.protobuf.message import Message
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.files.rooted_files import is_plain_path
from mfwb.planning.type_table import Kind
from mfwb.sink.offline.manifest import Manifest

__all__ = ["NotOurRecordError", "vetted"]

MEDIA = "media/"
"""Where in the files of a W&B run is what its summary shows."""

_TYPES = {"run_table", *(kind.value for kind in Kind)} - {Kind.VALUE.value}
"""Of artifacts. W&B runs what is in a `job`, for one who asks it to."""

_POLICY = "wandb-storage-policy-v1"
_POLICY_KEYS = frozenset({"storageLayout"})


def _fields(*names: str, **messages: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields by name: of plain values, and of messages with what these have in turn."""
    return {**dict.fromkeys(names), **messages}


_MOMENT = _fields("seconds", "nanos")
_ITEM = _fields("key", "value_json")
_TELEMETRY = _fields(
    "python_version",
    "cli_version",
    feature=_fields("offline", "server_side_derived_summary"),
)
_RECORD = _fields(
    "num",
    _info=_fields("stream_id"),
    header=_fields(version_info=_fields("producer", "min_consumer")),
    run=_fields(
        *("run_id", "entity", "project", "run_group", "job_type", "display_name", "tags", "notes"),
        *("host", "sweep_id"),
        git=_fields("commit", "remote_url"),
        start_time=_MOMENT,
        telemetry=_TELEMETRY,
        config=_fields(update=_ITEM),
    ),
    telemetry=_TELEMETRY,
    environment=_fields(started_at=_MOMENT),
    history=_fields(step=_fields("num"), item=_fields("nested_key", "value_json")),
    output_logger=_fields("line"),
    files=_fields(files=_fields("path")),
    summary=_fields(update=_ITEM),
    artifact=_fields(
        *("run_id", "entity", "project", "name", "type", "digest", "digest_algorithm"),
        *("description", "metadata", "aliases", "finalize", "client_id", "sequence_client_id"),
        *("user_created", "use_after_commit"),
        manifest=_fields(
            *("version", "storage_policy"),
            storage_policy_config=_ITEM,
            contents=_fields(
                *("path", "digest", "ref", "size", "local_path", "skip_cache"), extra=_ITEM
            ),
        ),
    ),
    exit=_fields("exit_code"),
)


class NotOurRecordError(ValueError):
    """A record is not as mfwb writes it."""


def vetted(
    records: Iterable[pb.Record], manifest: Manifest, files: str, run_id: str
) -> Iterator[pb.Record]:
    """Yield the records of a `.wandb` file; NotOurRecordError at the first that is not like ours.

    Args:
        records: as read.
        manifest: of the W&B run.
        files: the folder of what its summary shows, from the bundle.
        run_id: of the only W&B run that they may speak of.
    """
    run: pb.RunRecord | None = None
    for number, record in enumerate(records):
        record.DiscardUnknownFields()
        kind = str(record.WhichOneof("record_type"))
        _check(record, _RECORD, "record")
        if (kind == "header", kind == "run") != (number == 0, number == 1):
            raise NotOurRecordError(f"it has a record {kind} in place {number + 1}")
        if kind == "run":
            run = pb.RunRecord()
            run.CopyFrom(record.run)  # who reads the records may change them
            if run.run_id != run_id:
                raise NotOurRecordError(f"it has the W&B run {run.run_id!r}")
        elif kind == "artifact" and run is not None:
            _check_artifact(record.artifact, run, manifest)
        elif kind == "files":
            for one in record.files.files:
                _check_file(one.path, manifest, files)
        yield record


def _check(message: Message, written: Mapping[str, Any], name: str) -> None:
    """Raise if a message has a field that mfwb never fills in."""
    for field, value in message.ListFields():
        if field.name not in written:
            raise NotOurRecordError(f"it has a {name} with {field.name}, which mfwb does not write")
        inner = written[field.name]
        if inner is not None:
            for one in (value,) if isinstance(value, Message) else value:
                _check(one, inner, field.name)


def _check_artifact(artifact: pb.ArtifactRecord, run: pb.RunRecord, manifest: Manifest) -> None:
    if (artifact.run_id, artifact.entity, artifact.project) != (
        run.run_id,
        run.entity,
        run.project,
    ):
        raise NotOurRecordError(f"its artifact {artifact.name!r} is of another W&B run")
    stored = artifact.manifest
    config = {one.key for one in stored.storage_policy_config}
    if stored.storage_policy != _POLICY or not config <= _POLICY_KEYS:
        raise NotOurRecordError(f"its artifact {artifact.name!r} is stored in another way")
    if artifact.type not in _TYPES:
        raise NotOurRecordError(f"its artifact {artifact.name!r} is of type {artifact.type!r}")
    for entry in stored.contents:
        if not is_plain_path(entry.path):  # W&B's SDK writes to it, below the folder of a download
            raise NotOurRecordError(f"{entry.path!r} is no path in an artifact")
        if not entry.local_path:
            continue
        if entry.ref:
            raise NotOurRecordError(f"{entry.path!r} is both a file and a reference")
        if manifest.path_in_bundle(entry.local_path) is None:
            raise NotOurRecordError(f"it names {entry.local_path!r}, which is not in its manifest")


def _check_file(path: str, manifest: Manifest, files: str) -> None:
    is_plain = PurePosixPath(path).as_posix() == path and ".." not in PurePosixPath(path).parts
    if not (is_plain and path.startswith(MEDIA)) or f"{files}/{path}" not in manifest.files:
        raise NotOurRecordError(f"it shows {path!r}, which is not in its manifest")
