"""Inspection of artifacts whose bytes changed between tasks: new content, or pickled again?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mfwb.conversion.inspector import inspect_each
from mfwb.conversion.inspector_child import Inspect, Inspection, inspect_here
from mfwb.lineage.parents import find_parents
from mfwb.payload.batches import load_each
from mfwb.planning import Content
from mfwb.ports import Contents
from mfwb.snapshot import ArtifactRef, FlowRun, Task

__all__ = ["add_content_digests"]

_SIZE_LIMIT = 64 * 1024 * 1024  # bytes; a digest takes memory; larger artifacts count as new
_SINGLE_PICKLE_TYPES = frozenset({"str", "int", "float", "bool", "bytes", "NoneType"})


def add_content_digests(
    flow_run: FlowRun, contents: Contents, inspect: Inspect = inspect_here
) -> FlowRun:
    """Return the flow run with `content` filled in where the sha1 alone is not enough.

    That is the case where a task and a parent task hold an artifact of the same name and type in
    other bytes. Reading an artifact is enough for that, because Metaflow pickles it again.
    """
    digests: dict[str, str] = {}
    loaded = load_each(_changed(flow_run), contents)
    for content, (digest, _) in inspect_each(inspect, Inspection.DIGEST, loaded):
        if digest is not None:
            digests[content.sha1] = digest
    if not digests:
        return flow_run
    steps = (
        replace(step, tasks=tuple(_with_digests(task, digests) for task in step.tasks))
        for step in flow_run.steps
    )
    return replace(flow_run, steps=tuple(steps))


def _changed(flow_run: FlowRun) -> Iterator[Content]:
    """Yield the contents before and after each change; one can occur several times."""
    held = {task.pathspec: {ref.name: ref for ref in task.artifacts} for task in flow_run.tasks}
    for task, parents in find_parents(flow_run).items():
        for name, ref in held[task].items():
            before = [(parent, held[parent][name]) for parent in parents if name in held[parent]]
            alike = [(parent, older) for parent, older in before if older.type == ref.type]
            if (
                alike
                and _has_several_pickles(ref)
                and all(older.sha1 != ref.sha1 for _, older in before)
            ):
                yield from _contents([*alike, (task, ref)])


def _contents(held: Iterable[tuple[str, ArtifactRef]]) -> Iterator[Content]:
    for task, ref in held:
        if ref.size <= _SIZE_LIMIT:
            yield Content(task, ref.name, ref.sha1, ref.size)


def _has_several_pickles(ref: ArtifactRef) -> bool:
    """Whether one value of the artifact's type can have several pickles."""
    return ref.is_pickle and ref.type not in _SINGLE_PICKLE_TYPES


def _with_digests(task: Task, digests: dict[str, str]) -> Task:
    refs = (
        replace(ref, content=digests[ref.sha1]) if ref.sha1 in digests else ref
        for ref in task.artifacts
    )
    return replace(task, artifacts=tuple(refs))
