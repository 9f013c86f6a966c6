"""References to checkpoints and models of `metaflow-checkpoint`: docs/checkpoints.md."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Reference", "find_saved", "to_reference"]

_FOLDERS = {"checkpoint": "/checkpoints/artifacts/", "model": "/models/artifacts/"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: the path of its files in the datastore, and what the user noted."""

    kind: str
    key: str
    url: str
    name: str
    is_tar: bool
    size: int | None
    metadata: Mapping[str, Any]


def find_saved(lists: Iterable[Any], tasks: Collection[str], flow: str) -> tuple[Reference, ...]:
    """Return what a task saved, in the order of saving; it may have inherited other tasks' lists.

    Args:
        lists: the package's own artifacts.
        tasks: the task, and the one that it is a clone of.
        flow: the name of the flow.
    """
    entries = [entry for own in lists if isinstance(own, list) for entry in own]
    own_entries = [
        entry for entry in entries if isinstance(entry, dict) and entry.get("pathspec") in tasks
    ]
    saved = {
        reference.key: (entry.get("attempt", 0), str(entry.get("created_on")), reference)
        for entry in own_entries
        if (reference := to_reference(entry, flow)) is not None
    }
    ordered = sorted(saved.values(), key=lambda own: (own[0], own[1], own[2].key))
    return tuple(reference for _, _, reference in ordered)


def to_reference(facts: Any, flow: str) -> Reference | None:
    """Return a dict as a reference, if it is one of a task of this flow."""
    if not isinstance(facts, dict):
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
        name=str(_name(facts, str(kind))),
        is_tar=facts["storage_format"] == "tar",
        size=size if type(size) is int else None,
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _name(facts: Mapping[str, Any], kind: str) -> Any:
    """Return the name of a checkpoint; of a model its label, before the random number."""
    if kind == "checkpoint":
        return facts.get("name") or ""
    return str(facts.get("model_uuid")).rpartition("_")[0]
