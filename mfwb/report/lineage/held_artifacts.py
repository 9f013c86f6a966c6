"""The artifacts that a task has at its end: those that it wrote, and those that it passes on."""

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
    """Return the names of artifacts that a task assigned again with an equal value, sorted."""
    return tuple(sorted(lineage.equal_values(task.pathspec).assigned))


def passed_on(task: Task, lineage: Lineage) -> tuple[str, ...]:
    """Return the names of the artifacts that a task passes on unchanged, sorted."""
    names = {*lineage.writes[task.pathspec], *assigned_again(task, lineage)}
    return tuple(ref.name for ref in task.artifacts if ref.name not in names)
