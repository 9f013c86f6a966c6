"""What W&B is told of an artifact beside its bytes: where it is from, and what it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mfwb.planning.plan import PlannedFile
from mfwb.snapshot import ArtifactRef, FlowRun

__all__ = ["FiledArtifact", "describe_artifact"]


class FiledArtifact(NamedTuple):
    """An artifact of a task, and the file that it becomes."""

    file: PlannedFile
    ref: ArtifactRef
    attempt: int | None  # of the task


def describe_artifact(
    flow_run: FlowRun, step: str, filed: Sequence[FiledArtifact]
) -> dict[str, Any]:
    """Return the facts of one W&B artifact: of one task's artifact, or what those of many share."""
    facts: dict[str, Any] = {
        "flow_run": flow_run.pathspec,
        "step": step,
        "artifact": filed[0].ref.name,
        "python_type": _agreed(one.ref.type for one in filed),
        "encoding": _agreed(one.ref.encoding for one in filed),
        "size": sum(one.ref.size for one in filed),
    }
    if len(filed) > 1:
        return {**facts, "tasks": len(filed)}
    [(file, ref, attempt)] = filed
    facts |= {"pathspec": file.content.pathspec, "task": file.content.task, "sha1": ref.sha1}
    return facts if attempt is None else {**facts, "attempt": attempt}


def _agreed(words: Iterable[str]) -> str | list[str]:
    """Return the word of all, or each that there is."""
    found = sorted(set(words))
    return found[0] if len(found) == 1 else found
