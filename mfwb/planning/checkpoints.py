"""Facts of checkpoints and models for the metadata of the W&B artifacts that have their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mfwb.free_names import free_name
from mfwb.planning.artifact_metadata import FiledArtifact
from mfwb.planning.plan import Form
from mfwb.snapshot import ArtifactRef, FlowRun
from mfwb.snapshot.checkpoints import StoredReference

__all__ = [
    "FORMS",
    "describe_facts",
    "describe_reference",
    "loaded_by_task",
    "with_facts",
    "with_stored_size",
]

FORMS = frozenset({Form.CHECKPOINT, Form.REFERENCE})
"""Forms of an artifact that refers to a checkpoint: W&B has the files, or refers to them itself."""

_LIMIT = 1_000_000  # characters of the metadata of one W&B artifact
_TAKEN = frozenset({"metaflow", "mfwb"})


def with_stored_size(ref: ArtifactRef) -> ArtifactRef:
    """Return an artifact with the size of the files that it refers to, if it was recorded."""
    size = ref.reference.size if ref.reference is not None else None
    return ref if size is None else replace(ref, size=size)


def with_facts(
    metadata: dict[str, Any],
    filed: Sequence[FiledArtifact],
    loaded: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Return the metadata of a W&B artifact with the facts of its checkpoints.

    The user's own metadata of a single checkpoint is at the top level, as if it had been logged
    with `wandb.Artifact(metadata=...)`; that of several tasks is by folder.

    Args:
        metadata: all other metadata.
        filed: the artifacts of tasks that it has.
        loaded: as `loaded_by_task` returns them.
    """
    return _described(metadata, filed, loaded) or metadata


def describe_facts(
    facts: dict[str, Any], reference: StoredReference, loaded: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Return the metadata of the W&B artifact of a single checkpoint."""
    own = {free_name(key, _TAKEN): value for key, value in reference.metadata.items()}
    return _limited({**own, "metaflow": {**facts, "checkpoint": _facts(reference, loaded)}}, facts)


def _described(
    metadata: dict[str, Any],
    filed: Sequence[FiledArtifact],
    loaded: Mapping[str, Sequence[str]],
) -> dict[str, Any] | None:
    described = {
        entry.file.stem.rpartition("/")[0]: (
            entry.ref.reference,
            _facts(entry.ref.reference, loaded),
        )
        for entry in filed
        if entry.ref.reference is not None and entry.file.form in FORMS
    }
    if not described:
        return None
    if len(filed) == 1:
        [(reference, _)] = described.values()
        return describe_facts(metadata["metaflow"], reference, loaded)
    folders = {
        folder: {**facts, **({"metadata": own.metadata} if own.metadata else {})}
        for folder, (own, facts) in described.items()
    }
    whole = {"metaflow": {**metadata["metaflow"], "checkpoints": folders}}
    return _limited(whole, metadata["metaflow"])


def _limited(whole: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return metadata, without that of the checkpoints if it is too long."""
    if len(json.dumps(whole)) <= _LIMIT:
        return whole
    note = "left out: it is longer than W&B's metadata should be"
    return {"metaflow": {**facts, "checkpoint": note}}


def describe_reference(reference: StoredReference) -> dict[str, Any]:
    """Return the recorded facts of a checkpoint or model, without the user's metadata."""
    facts = {
        "kind": reference.kind,
        "name": reference.name,
        "uuid": reference.uuid,
        "version": reference.version,
        "saved_by": reference.task,
        "attempt": reference.attempt,
        "created_on": reference.created_on,
        "storage_format": reference.storage_format,
        "key": reference.key,
    }
    return {key: value for key, value in facts.items() if value not in {None, ""}}


def loaded_by_task(flow_run: FlowRun) -> dict[str, tuple[str, ...]]:
    """Return the keys of what each task loaded when it began; a clone has those of its origin."""
    loaded: dict[str, tuple[str, ...]] = {}
    for task in flow_run.tasks:
        if task.loaded:
            loaded[task.pathspec] = task.loaded
            if task.origin is not None:
                loaded.setdefault(task.origin, task.loaded)
    return loaded


def _facts(reference: StoredReference, loaded: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    facts = describe_reference(reference)
    parents = sorted({*loaded.get(reference.task, ())} - {reference.key})
    return {**facts, "parents": parents} if parents else facts
