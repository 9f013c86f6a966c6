"""What a task holds when it ends: what it wrote, and what it hands on as it got it."""

from __future__ import annotations

from collections.abc import Iterator

from mfwb.lineage import Lineage
from mfwb.snapshot import ArtifactRef, Task

__all__ = ["assigned_again", "passed_on", "written"]


def written(task: Task, lineage: Lineage) -> Iterator[ArtifactRef]:
    """Yield the artifacts that a task wrote itself."""
    names = set(lineage.writes[task.pathspec])
    return (ref for ref in task.artifacts if ref.name in names)


def assigned_again(task: Task, lineage: Lineage) -> tuple[str, ...]:
    """Return the names of what a task assigned, and what came out equal to what it got, sorted."""
    return tuple(sorted(lineage.equal_values(task.pathspec).assigned))


def passed_on(task: Task, lineage: Lineage) -> tuple[str, ...]:
    """Return the names of the artifacts that a task hands on as it got them, sorted."""
    names = {*lineage.writes[task.pathspec], *assigned_again(task, lineage)}
    return tuple(ref.name for ref in task.artifacts if ref.name not in names)
