"""The producer of each artifact: the task that wrote that content under that name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mfwb.snapshot import ArtifactRef, Task

__all__ = ["HeldArtifact", "Holdings", "trace_holdings"]


@dataclass(frozen=True, slots=True)
class HeldArtifact:
    """An artifact that a task has, and the task that wrote it."""

    producer: str
    ref: ArtifactRef  # as the producer wrote it


Holdings = dict[str, dict[str, HeldArtifact]]  # by task, then by name


def trace_holdings(order: Iterable[Task], parents: Mapping[str, tuple[str, ...]]) -> Holdings:
    """Return the artifacts of each task. An artifact that only passes through keeps its producer.

    After a task reads an artifact, Metaflow can pickle it again into other bytes. So artifacts are
    compared by their content, if it was inspected (`ArtifactRef.content`), else by their sha1.

    Args:
        order: all tasks, parents before children.
        parents: the parents of each task, by pathspec.
    """
    holdings: Holdings = {}
    for task in order:
        inherited: dict[tuple[str, str], HeldArtifact] = {}
        for parent in reversed(parents[task.pathspec]):  # the first parent overrides the others
            for name, held in holdings[parent].items():
                inherited.update({(name, identity): held for identity in _identities(held.ref)})
        holdings[task.pathspec] = {
            ref.name: _find_inherited(ref, inherited) or HeldArtifact(task.pathspec, ref)
            for ref in task.artifacts
        }
    return holdings


def _find_inherited(
    ref: ArtifactRef, inherited: Mapping[tuple[str, str], HeldArtifact]
) -> HeldArtifact | None:
    matches = (inherited.get((ref.name, identity)) for identity in _identities(ref))
    return next((held for held in matches if held is not None), None)


def _identities(ref: ArtifactRef) -> tuple[str, ...]:
    return (ref.sha1,) if ref.content is None else (ref.sha1, ref.content)
