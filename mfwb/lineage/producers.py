"""Who wrote what: each artifact followed up to the task that wrote that content under that name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mfwb.snapshot import ArtifactRef, Task

__all__ = ["HeldArtifact", "Holdings", "trace_holdings"]


@dataclass(frozen=True, slots=True)
class HeldArtifact:
    """An artifact as a task holds it, and the task that wrote it."""

    producer: str
    ref: ArtifactRef  # as the producer wrote it


Holdings = dict[str, dict[str, HeldArtifact]]  # by task, then by name


def trace_holdings(order: Iterable[Task], parents: Mapping[str, tuple[str, ...]]) -> Holdings:
    """Return what each task holds. What merely passes through it keeps its producer.

    Reading an artifact can make Metaflow pickle it anew into other bytes; so what counts is the
    content, where somebody looked at it (`ArtifactRef.content`), else the sha1.

    Args:
        order: all tasks, parents before children.
        parents: by pathspec.
    """
    holdings: Holdings = {}
    for task in order:
        inherited: dict[tuple[str, str], HeldArtifact] = {}
        for parent in reversed(parents[task.pathspec]):  # the first parent has the last word
            for name, held in holdings[parent].items():
                inherited.update({(name, what): held for what in _identities(held.ref)})
        holdings[task.pathspec] = {
            ref.name: _inherited(ref, inherited) or HeldArtifact(task.pathspec, ref)
            for ref in task.artifacts
        }
    return holdings


def _inherited(
    ref: ArtifactRef, inherited: Mapping[tuple[str, str], HeldArtifact]
) -> HeldArtifact | None:
    found = (inherited.get((ref.name, what)) for what in _identities(ref))
    return next((held for held in found if held is not None), None)


def _identities(ref: ArtifactRef) -> tuple[str, ...]:
    return (ref.sha1,) if ref.content is None else (ref.sha1, ref.content)
