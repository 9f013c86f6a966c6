"""Check of the records in a `.wandb` file: only what mfwb writes is passed to `wandb sync`.

`wandb sync` uploads the files that records name, wherever they are. It reads manifests from other
files, and it also obeys settings, requests and jobs in records. A person who changes a bundle could
misuse all of that. So this module lists the fields that `mfwb.sink.offline.records` writes, one by
one (wandb 0.31.0).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from google.protobuf.message import Message
from wandb.proto import wandb_internal_pb2 as pb

from mfwb.files.rooted_files import is_plain_path
from mfwb.planning.code_artifact import CODE_TYPE
from mfwb.planning.type_table import Kind
from mfwb.sink.offline.manifest import Manifest

__all__ = ["ForeignRecordError", "check_records"]

MEDIA = "media/"
"""The folder, among the files of a W&B run, of the files that its summary shows."""

_CODE_OF_JOBS = "source-"  # W&B runs code of such a name
_TYPES = {"run_table", CODE_TYPE, *(kind.value for kind in Kind)} - {Kind.VALUE.value}
"""Allowed types of artifacts. `job` is not allowed: W&B runs the content of a job on request."""

_POLICY = "wandb-storage-policy-v1"
_POLICY_KEYS = frozenset({"storageLayout"})


def _fields(*names: str, **messages: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields by name: plain values as None, and messages with their own fields."""
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


class ForeignRecordError(ValueError):
    """A record is not as mfwb writes it."""


def check_records(
    records: Iterable[pb.Record], manifest: Manifest, files: str, run_id: str
) -> Iterator[pb.Record]:
    """Yield the records of a `.wandb` file; ForeignRecordError at the first that mfwb never writes.

    Args:
        records: the records of the file.
        manifest: the manifest of the W&B run.
        files: the folder of the files that its summary shows, relative to the bundle.
        run_id: the id of the only W&B run that the records may belong to.
    """
    run: pb.RunRecord | None = None
    for number, record in enumerate(records):
        record.DiscardUnknownFields()
        kind = str(record.WhichOneof("record_type"))
        _check(record, _RECORD, "record")
        if (kind == "header", kind == "run") != (number == 0, number == 1):
            raise ForeignRecordError(f"it has a record {kind} at position {number + 1}")
        if kind == "run":
            run = pb.RunRecord()
            run.CopyFrom(record.run)  # the caller may change the records
            if run.run_id != run_id:
                raise ForeignRecordError(f"it has the W&B run {run.run_id!r}")
        elif kind == "artifact" and run is not None:
            _check_artifact(record.artifact, run, manifest)
        elif kind == "files":
            for item in record.files.files:
                _check_file(item.path, manifest, files)
        yield record


def _check(message: Message, written: Mapping[str, Any], name: str) -> None:
    """Raise if a message has a field that mfwb never fills in."""
    for field, value in message.ListFields():
        if field.name not in written:
            raise ForeignRecordError(
                f"it has a {name} with {field.name}, which mfwb does not write"
            )
        inner = written[field.name]
        if inner is not None:
            for item in (value,) if isinstance(value, Message) else value:
                _check(item, inner, field.name)


def _check_artifact(artifact: pb.ArtifactRecord, run: pb.RunRecord, manifest: Manifest) -> None:
    if (artifact.run_id, artifact.entity, artifact.project) != (
        run.run_id,
        run.entity,
        run.project,
    ):
        raise ForeignRecordError(f"its artifact {artifact.name!r} belongs to another W&B run")
    stored = artifact.manifest
    config = {item.key for item in stored.storage_policy_config}
    if stored.storage_policy != _POLICY or not config <= _POLICY_KEYS:
        raise ForeignRecordError(f"its artifact {artifact.name!r} is stored in another way")
    is_wandbs_code = artifact.type == CODE_TYPE and artifact.name.startswith(_CODE_OF_JOBS)
    if artifact.type not in _TYPES or is_wandbs_code:
        raise ForeignRecordError(f"its artifact {artifact.name!r} is of type {artifact.type!r}")
    for entry in stored.contents:
        if not is_plain_path(entry.path):  # a download writes to this path
            raise ForeignRecordError(f"{entry.path!r} is not a path in an artifact")
        if not entry.local_path:
            continue
        if entry.ref:
            raise ForeignRecordError(f"{entry.path!r} is both a file and a reference")
        if manifest.path_in_bundle(entry.local_path) is None:
            raise ForeignRecordError(f"it names {entry.local_path!r}, which is not in its manifest")


def _check_file(path: str, manifest: Manifest, files: str) -> None:
    is_plain = PurePosixPath(path).as_posix() == path and ".." not in PurePosixPath(path).parts
    if not (is_plain and path.startswith(MEDIA)) or f"{files}/{path}" not in manifest.files:
        raise ForeignRecordError(f"it shows {path!r}, which is not in its manifest")
