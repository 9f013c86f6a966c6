"""The protobuf messages of a `.wandb` file, as far as mfwb writes them.

W&B's own classes are in `wandb.proto`, which Python can't import without all of wandb: a fifth of
an offline sync. So the fields are listed here, with the numbers that they have in W&B's files, and
protobuf makes classes of them in a pool of their own. Fields that are not listed stay in a record
that is read and written again, as protobuf keeps all that it does not know.

The numbers can't change: every `.wandb` file has them (wandb 0.30 to 0.31). The contract test
tests/contracts/test_messages.py compares all of them with `wandb.proto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

if TYPE_CHECKING:
    from wandb.proto.wandb_internal_pb2 import (
        ArtifactManifest,
        ArtifactManifestEntry,
        ArtifactRecord,
        EnvironmentRecord,
        FilesItem,
        FilesRecord,
        GitRepoRecord,
        HeaderRecord,
        HistoryRecord,
        MetricRecord,
        OutputLoggerRecord,
        Record,
        RunExitRecord,
        RunRecord,
        SummaryRecord,
        VersionInfo,
    )

__all__ = [
    "FIELDS",
    "ArtifactManifest",
    "ArtifactManifestEntry",
    "ArtifactRecord",
    "EnvironmentRecord",
    "FilesItem",
    "FilesRecord",
    "GitRepoRecord",
    "HeaderRecord",
    "HistoryRecord",
    "MetricRecord",
    "OutputLoggerRecord",
    "Record",
    "RunExitRecord",
    "RunRecord",
    "SummaryRecord",
    "VersionInfo",
]

_TIMESTAMP = "google.protobuf.Timestamp"
_REPEATED = "repeated "

FIELDS: Mapping[str, Mapping[str, tuple[int, str]]] = {
    "Record": {
        "num": (1, "int64"),
        "history": (2, "HistoryRecord"),
        "summary": (3, "SummaryRecord"),
        "files": (6, "FilesRecord"),
        "artifact": (8, "ArtifactRecord"),
        "telemetry": (11, "TelemetryRecord"),
        "metric": (12, "MetricRecord"),
        "run": (17, "RunRecord"),
        "exit": (18, "RunExitRecord"),
        "header": (21, "HeaderRecord"),
        "environment": (26, "EnvironmentRecord"),
        "output_logger": (27, "OutputLoggerRecord"),
        "_info": (200, "_RecordInfo"),
    },
    "_RecordInfo": {"stream_id": (1, "string")},
    "HeaderRecord": {"version_info": (1, "VersionInfo")},
    "VersionInfo": {"producer": (1, "string"), "min_consumer": (2, "string")},
    "RunRecord": {
        "run_id": (1, "string"),
        "entity": (2, "string"),
        "project": (3, "string"),
        "config": (4, "ConfigRecord"),
        "run_group": (6, "string"),
        "job_type": (7, "string"),
        "display_name": (8, "string"),
        "notes": (9, "string"),
        "tags": (10, "repeated string"),
        "sweep_id": (12, "string"),
        "host": (13, "string"),
        "start_time": (17, _TIMESTAMP),
        "telemetry": (19, "TelemetryRecord"),
        "git": (21, "GitRepoRecord"),
    },
    "GitRepoRecord": {"remote_url": (1, "string"), "commit": (2, "string")},
    "TelemetryRecord": {
        "feature": (3, "Feature"),
        "python_version": (4, "string"),
        "cli_version": (5, "string"),
    },
    "Feature": {"offline": (4, "bool"), "server_side_derived_summary": (68, "bool")},
    "ConfigRecord": {"update": (1, "repeated ConfigItem")},
    "ConfigItem": {"key": (1, "string"), "value_json": (16, "string")},
    "EnvironmentRecord": {"started_at": (3, _TIMESTAMP)},
    "MetricRecord": {
        "name": (1, "string"),
        "step_metric": (4, "string"),
        "options": (6, "MetricOptions"),
        "summary": (7, "MetricSummary"),
    },
    "MetricOptions": {"step_sync": (1, "bool"), "defined": (3, "bool")},
    "MetricSummary": {"none": (6, "bool")},
    "HistoryRecord": {"item": (1, "repeated HistoryItem"), "step": (2, "HistoryStep")},
    "HistoryStep": {"num": (1, "int64")},
    "HistoryItem": {"nested_key": (2, "repeated string"), "value_json": (16, "string")},
    "OutputLoggerRecord": {"line": (1, "string")},
    "FilesRecord": {"files": (1, "repeated FilesItem")},
    "FilesItem": {"path": (1, "string")},
    "SummaryRecord": {"update": (1, "repeated SummaryItem")},
    "SummaryItem": {"key": (1, "string"), "value_json": (16, "string")},
    "ArtifactRecord": {
        "run_id": (1, "string"),
        "project": (2, "string"),
        "entity": (3, "string"),
        "type": (4, "string"),
        "name": (5, "string"),
        "digest": (6, "string"),
        "description": (7, "string"),
        "metadata": (8, "string"),
        "user_created": (9, "bool"),
        "use_after_commit": (10, "bool"),
        "aliases": (11, "repeated string"),
        "manifest": (12, "ArtifactManifest"),
        "finalize": (14, "bool"),
        "client_id": (15, "string"),
        "sequence_client_id": (16, "string"),
        "digest_algorithm": (20, "string"),
    },
    "ArtifactManifest": {
        "version": (1, "int32"),
        "storage_policy": (2, "string"),
        "storage_policy_config": (3, "repeated StoragePolicyConfigItem"),
        "contents": (4, "repeated ArtifactManifestEntry"),
    },
    "StoragePolicyConfigItem": {"key": (1, "string"), "value_json": (2, "string")},
    "ArtifactManifestEntry": {
        "path": (1, "string"),
        "digest": (2, "string"),
        "ref": (3, "string"),
        "size": (4, "int64"),
        "local_path": (6, "string"),
        "skip_cache": (8, "bool"),
        "extra": (16, "repeated ExtraItem"),
    },
    "ExtraItem": {"key": (1, "string"), "value_json": (2, "string")},
    "RunExitRecord": {"exit_code": (1, "int32")},
}
"""By message: the number and the type of each field; `_` is at the start as in W&B's files."""

_PACKAGE = "wandb_internal"

_SCALARS = {
    name: getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{name.upper()}")
    for name in ("bool", "int32", "int64", "string")
}


def _make_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="mfwb/wandb_file.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[timestamp_pb2.DESCRIPTOR.name],
    )
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        if name == "Record":
            message.oneof_decl.add(name="record_type")  # all but the message about itself
        for field, (number, type_) in fields.items():
            _add_field(message, field, number, type_)
    pool = DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in FIELDS
    }


def _add_field(message: Any, name: str, number: int, type_: str) -> None:
    field = message.field.add(name=name, number=number)
    is_repeated = type_.startswith(_REPEATED)
    field.label = field.LABEL_REPEATED if is_repeated else field.LABEL_OPTIONAL
    item = type_.removeprefix(_REPEATED)
    if item in _SCALARS:
        field.type = _SCALARS[item]
        return
    field.type = field.TYPE_MESSAGE
    field.type_name = f".{item}" if item == _TIMESTAMP else f".{_PACKAGE}.{item}"
    if message.name == "Record" and not name.startswith("_"):
        field.oneof_index = 0


if not TYPE_CHECKING:
    _classes = _make_classes()
    ArtifactManifest = _classes["ArtifactManifest"]
    ArtifactManifestEntry = _classes["ArtifactManifestEntry"]
    ArtifactRecord = _classes["ArtifactRecord"]
    EnvironmentRecord = _classes["EnvironmentRecord"]
    FilesItem = _classes["FilesItem"]
    FilesRecord = _classes["FilesRecord"]
    GitRepoRecord = _classes["GitRepoRecord"]
    HeaderRecord = _classes["HeaderRecord"]
    HistoryRecord = _classes["HistoryRecord"]
    MetricRecord = _classes["MetricRecord"]
    OutputLoggerRecord = _classes["OutputLoggerRecord"]
    Record = _classes["Record"]
    RunExitRecord = _classes["RunExitRecord"]
    RunRecord = _classes["RunRecord"]
    SummaryRecord = _classes["SummaryRecord"]
    VersionInfo = _classes["VersionInfo"]
