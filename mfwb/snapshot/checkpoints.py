"""References to checkpoints and models of the package `metaflow-checkpoint`, as recorded.

`current.checkpoint.save(...)` and `current.model.save(...)` store files in the datastore and return
a dict that refers to them. A flow keeps that dict as an artifact. The package itself is not needed
to read it: docs/checkpoints.md has the layout.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from mfwb.snapshot.pathspec import TaskPath

__all__ = [
    "BOOKKEEPING",
    "SAVED",
    "StoredReference",
    "parse_reference",
    "parse_references",
    "record_key",
    "series_name",
]

BOOKKEEPING = frozenset({"_task_checkpoints", "_task_latest_checkpoint", "_task_stored_models"})
"""Artifacts that the package writes for itself: all references that a task got from it."""

SAVED = "saved with metaflow-checkpoint: "
"""Begins the name of what stands for a checkpoint beside the artifacts of its task."""

_KEY_LIMIT = 1_000  # characters
_TEXT_LIMIT = 500  # characters
_LARGEST = 2**53
_BAD_CHARACTERS = re.compile(r"[\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CHECKPOINT_FOLDER = ("checkpoints", "artifacts")
_MODEL_FOLDER = ("models", "artifacts")
_CHECKPOINT_PARTS = 5  # flow, step, scope, task identifier, and the name of the checkpoint
_FORMATS = frozenset({"files", "tar"})


@dataclass(frozen=True, slots=True)
class StoredReference:
    """A reference to a checkpoint or a model.

    Attributes:
        kind: `checkpoint` or `model`.
        key: path below the root of the datastore: of a folder, or of a tar.
        url: the same path with the root of the datastore, as the flow run had it.
        storage_format: `files` or `tar`.
        task: pathspec of the task that saved it.
        attempt: of that task.
        name: that the code gave to the checkpoint, or label of the model.
        uuid: of a model.
        version: number of the checkpoint in its attempt, from 0.
        size: in bytes: of the tar, or of all files; None: not recorded.
        created_on: as recorded, an ISO time without a time zone.
        metadata: of the user, as JSON.
    """

    kind: str
    key: str
    storage_format: str
    task: str
    attempt: int
    created_on: str
    url: str = ""
    name: str = ""
    uuid: str = ""
    version: int | None = None
    size: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict, hash=False)


def parse_reference(value: Any, flow: str) -> StoredReference | None:
    """Return a reference to a checkpoint or model of a flow; None for any other value.

    A reference is taken only if its key is a plain path inside the folders of the package, and if
    a task of the same flow saved it. Anything else is a dict like any other.

    Args:
        value: of an artifact, as JSON.
        flow: the name of the flow.
    """
    match value:
        case {
            "type": ("checkpoint" | "model") as kind,
            "key": str(key),
            "pathspec": str(task),
            "attempt": int(attempt),
            "created_on": str(created_on),
            "storage_format": str(storage_format),
        }:
            pass
        case _:
            return None
    uuid = value.get("model_uuid") if kind == "model" else ""
    name = value.get("name") if kind == "checkpoint" else _label(uuid)
    is_valid = (
        storage_format in _FORMATS
        and 0 <= attempt < _LARGEST
        and all(isinstance(text, str) and len(text) <= _TEXT_LIMIT for text in (uuid, name, task))
        and len(created_on) <= _TEXT_LIMIT
        and _is_of_flow(task, flow)
        and _is_key(key, kind, flow, uuid)
    )
    if not is_valid:
        return None
    url, metadata = value.get("url"), value.get("metadata")
    return StoredReference(
        kind=kind,
        key=key,
        storage_format=storage_format,
        task=task,
        attempt=int(attempt),
        created_on=created_on,
        url=url if isinstance(url, str) else "",
        name=str(name),
        uuid=str(uuid),
        version=_whole(value.get("version_id")),
        size=_whole(value.get("size")),
        metadata=dict(metadata) if isinstance(metadata, dict) else {},
    )


def parse_references(values: Any, flow: str) -> tuple[StoredReference, ...]:
    """Return the references in a list, as the package's own artifacts have them."""
    entries = values if isinstance(values, list) else []
    parsed = (parse_reference(entry, flow) for entry in entries)
    return tuple(reference for reference in parsed if reference is not None)


def series_name(reference: StoredReference) -> str:
    """Return the name of a W&B artifact for all checkpoints that a step saved under one name.

    The name that the package gives by default says nothing, so it becomes `checkpoint`; a model
    without a label is labelled with flow and step.
    """
    path = TaskPath.of(reference.task)
    name = reference.name
    if name in {_DEFAULT_NAME, f"{path.flow}_{path.step}", ""}:
        name = reference.kind
    return f"{path.step}-{name}"


_DEFAULT_NAME = "mfchckpt"


def _label(uuid: Any) -> Any:
    """Return the label of a model: the package appends a random number to it."""
    return uuid.rpartition("_")[0] if isinstance(uuid, str) else uuid


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and math.isfinite(value):
        value = int(value) if value == int(value) else None
    return value if type(value) is int and 0 <= value < _LARGEST else None


def _is_of_flow(task: str, flow: str) -> bool:
    try:
        return TaskPath.of(task).flow == flow
    except ValueError:
        return False


def _is_key(key: str, kind: str, flow: str, uuid: Any) -> bool:
    """Return whether a key leads into the package's folder for this flow, without detours."""
    parts = key.split("/")
    if len(key) > _KEY_LIMIT or _BAD_CHARACTERS.search(key):
        return False
    if any(part in {"", ".", ".."} for part in parts):
        return False
    if kind == "model":
        return tuple(parts[-3:]) == (*_MODEL_FOLDER, uuid) and len(parts) > len(_MODEL_FOLDER) + 1
    for position in range(1, len(parts) - _CHECKPOINT_PARTS - 1):
        if tuple(parts[position : position + 2]) == _CHECKPOINT_FOLDER:
            return parts[position + 2] == flow
    return False


def record_key(reference: StoredReference) -> str:
    """Return the key of the record that the package keeps of a model."""
    folder, _, name = reference.key.rpartition("/")
    return f"{folder.removesuffix('artifacts')}artifact_metadata/{name}.metadata"
