"""References to checkpoints and models of `metaflow-checkpoint`: docs/checkpoints.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mfwb.verification.expected.facts import HeldArtifact
from mfwb.verification.expected.value_reader import PickledValue

__all__ = ["Reference", "find_reference"]

_FOLDERS = {"checkpoint": "/checkpoints/artifacts/", "model": "/models/artifacts/"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: the path of its files in the datastore, and what the user noted."""

    kind: str
    key: str
    url: str
    is_tar: bool
    size: int | None
    metadata: Mapping[str, Any]


def find_reference(artifact: HeldArtifact, value: PickledValue, flow: str) -> Reference | None:
    """Return what a dict refers to, if it is such a reference of a task of this flow."""
    facts = value.json_value
    if artifact.type != "dict" or not artifact.is_pickle or not isinstance(facts, dict):
        return None
    kind, key, task = facts.get("type"), facts.get("key"), facts.get("pathspec")
    if kind not in _FOLDERS or not isinstance(key, str) or not isinstance(task, str):
        return None
    prefix, folder, rest = key.partition(_FOLDERS[kind])
    parts = key.split("/")
    own = rest.startswith(f"{flow}/") if kind == "checkpoint" else rest == facts.get("model_uuid")
    is_plain = not {"", ".", ".."} & {*parts} and key.isprintable() and "\\" not in key
    if not (prefix and folder and own and is_plain and task.startswith(f"{flow}/")):
        return None
    if facts.get("storage_format") not in {"files", "tar"} or not facts.get("created_on"):
        return None
    size, metadata = facts.get("size"), facts.get("metadata")
    return Reference(
        kind=str(kind),
        key=key,
        url=str(facts.get("url") or ""),
        is_tar=facts["storage_format"] == "tar",
        size=size if type(size) is int else None,
        metadata=metadata if isinstance(metadata, dict) else {},
    )
