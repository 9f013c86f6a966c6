"""Metadata of a W&B artifact: where the artifact comes from, and its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mfwb.planning.plan import PickedArtifact, PlannedFile
from mfwb.snapshot import ArtifactRef, FlowRun

__all__ = ["FiledArtifact", "describe_artifact"]


class FiledArtifact(NamedTuple):
    """An artifact of a task, and the file that it becomes."""

    file: PlannedFile
    ref: ArtifactRef
    attempt: int | None  # of the task


def describe_artifact(
    flow_run: FlowRun,
    step: str,
    filed: Sequence[FiledArtifact],
    picked: Mapping[str, PickedArtifact],
) -> dict[str, Any]:
    """Return the metadata of one W&B artifact: of one task's artifact, or shared by many tasks.

    Args:
        flow_run: the flow run.
        step: the step whose W&B run logs it.
        filed: the artifacts and their files.
        picked: those that other tasks wrote, by pathspec.
    """
    facts: dict[str, Any] = {
        "flow_run": flow_run.pathspec,
        "step": step,
        "artifact": filed[0].ref.name,
        "python_type": _join_distinct(entry.ref.type for entry in filed),
        "encoding": _join_distinct(entry.ref.encoding for entry in filed),
        "size": sum(entry.ref.size for entry in filed),
    }
    if producers := sorted(
        picked[pathspec].producer
        for entry in filed
        if (pathspec := entry.file.content.pathspec) in picked
    ):
        facts["picked_from"] = producers if len(filed) > 1 else producers[0]
    if len(filed) > 1:
        return {**facts, "tasks": len(filed)}
    [(file, ref, attempt)] = filed
    facts |= {"pathspec": file.content.pathspec, "task": file.content.task, "sha1": ref.sha1}
    return facts if attempt is None else {**facts, "attempt": attempt}


def _join_distinct(values: Iterable[str]) -> str | list[str]:
    """Return the single value if all are equal, else the sorted distinct values."""
    distinct = sorted(set(values))
    return distinct[0] if len(distinct) == 1 else distinct
