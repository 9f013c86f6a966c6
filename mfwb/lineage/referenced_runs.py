"""Reads of flow runs that the code names by values: the recorded values give their names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any, TypeAlias

from mfwb.lineage.model import Lineage
from mfwb.lineage.producers import HeldArtifact, Holdings, trace_holdings
from mfwb.lineage.static_analysis import (
    KINDS,
    ArtifactValue,
    ExternalRead,
    InputRead,
    LookedUpRun,
    StoredRunId,
    TextParts,
)
from mfwb.snapshot import FlowRun, Task
from mfwb.snapshot.pathspec import parts_of, step_of

__all__ = ["NamingArtifact", "resolve_external_reads", "select_values_to_read"]

_VALUE_LIMIT = 1_000  # artifacts of a flow run whose values are read
_MEANING_LIMIT = 100  # pathspecs that one read by one task may stand for
_SIZE_LIMIT = 100_000  # bytes of pickle; a longer list of flow runs names more than are read
_TEXT_LIMIT = 1_000  # letters
_TextPart: TypeAlias = "str | ArtifactValue | LookedUpRun"


@dataclass(frozen=True, slots=True, order=True)
class NamingArtifact:
    """An artifact whose value names another flow run."""

    task: str  # pathspec of the task that wrote it
    name: str
    sha1: str
    size: int


def select_values_to_read(flow_run: FlowRun, lineage: Lineage) -> tuple[NamingArtifact, ...]:
    """Return the artifacts whose values name other flow runs, if they are small."""
    if not _select_reads_by_value(lineage):
        return ()
    facts = _RecordedFacts(flow_run, lineage, {})
    held = {
        NamingArtifact(artifact.producer, artifact.ref.name, artifact.ref.sha1, artifact.ref.size)
        for task, read in _select_reads_by_value(lineage)
        for artifact in facts.select_needed_artifacts(task, read)
        if artifact.ref.size <= _SIZE_LIMIT
    }
    return tuple(sorted(held))[:_VALUE_LIMIT]


def resolve_external_reads(
    flow_run: FlowRun, lineage: Lineage, values: Mapping[str, Any]
) -> Lineage:
    """Return the lineage with the names of other flow runs in its reads, if the values are known.

    Args:
        flow_run: the flow run.
        lineage: the lineage of the flow run.
        values: the values of `select_values_to_read`, by sha1; a missing one is not known.
    """
    if not _select_reads_by_value(lineage):
        return lineage
    facts = _RecordedFacts(flow_run, lineage, values)
    externals = {
        task: _drop_duplicates(resolved for read in reads for resolved in facts.resolve(task, read))
        for task, reads in lineage.externals.items()
    }
    return replace(lineage, externals=externals)


def _drop_duplicates(externals: Iterable[ExternalRead]) -> tuple[ExternalRead, ...]:
    """Return the reads sorted, without an uncertain read if the same read exists as certain."""
    reads = set(externals)
    doubled = {read for read in reads if not read.sure and replace(read, sure=True) in reads}
    return tuple(sorted(reads - doubled, key=repr))


def _select_reads_by_value(lineage: Lineage) -> list[tuple[str, ExternalRead]]:
    return [
        (task, read) for task, reads in lineage.externals.items() for read in reads if read.parts
    ]


class _RecordedFacts:
    """The artifacts of the tasks, and the values of those that were read."""

    def __init__(self, flow_run: FlowRun, lineage: Lineage, values: Mapping[str, Any]) -> None:
        self._flow_run = flow_run
        self._lineage = lineage
        self._values = values
        self._tasks = {task.pathspec: task for task in flow_run.tasks}
        order = (self._tasks[pathspec] for pathspec in lineage.order)
        self._holdings: Holdings = trace_holdings(order, lineage.parents)
        self._parameters = {
            parameter.name: parameter.value
            for parameter in flow_run.parameters
            if parameter.kind != "IncludeFile"
        }

    def select_needed_artifacts(self, task: str, read: ExternalRead) -> Iterator[HeldArtifact]:
        """Yield the artifacts on whose values the meaning of a read depends."""
        for part in read.parts:
            if isinstance(part, ArtifactValue):
                yield from (held for held, _ in self._find_sources(task, part))
        for stored in read.stored_run_ids:
            held = self._holdings[task].get(stored.name)
            if held is not None:
                yield held

    def resolve(self, task: str, read: ExternalRead) -> Iterator[ExternalRead]:
        """Yield the reads that a read stands for; the read itself if its values are not known."""
        pathspecs = list(dict.fromkeys(self._possible_pathspecs(task, read))) if read.parts else []
        is_certain = len(pathspecs) == 1 and read.sure and not any(map(_may_vary, read.parts))
        yield from (replace(_with_pathspec(read, text), sure=is_certain) for text in pathspecs)
        if not pathspecs:
            yield read

    def _possible_pathspecs(self, task: str, read: ExternalRead) -> Iterator[str]:
        slashes = _count_slashes(read)
        choices = [
            list(self._texts_of_part(task, part, read.stored_run_ids)) for part in read.parts
        ]
        for choice in islice(product(*choices), _MEANING_LIMIT):
            text = "".join(choice)
            if all(parts_of(text)) and slashes in {None, text.count("/")}:
                yield text

    def _texts_of_part(
        self, task: str, part: _TextPart, stored_run_ids: Iterable[StoredRunId]
    ) -> Iterable[str]:
        if isinstance(part, str):
            return (part,)
        if isinstance(part, ArtifactValue):
            return dict.fromkeys(
                text
                for value in self._values_of(task, part)
                for text in _extract_texts(value, part.keys)
            )
        return dict.fromkeys(self._stored_ids_of(task, part, stored_run_ids))

    def _stored_ids_of(
        self, task: str, looked_up: LookedUpRun, stored_run_ids: Iterable[StoredRunId]
    ) -> Iterator[str]:
        """Yield the ids of runs of a flow that the task looked up and stored in an artifact."""
        for stored in stored_run_ids:
            held = self._holdings[task].get(stored.name)
            if held is None or held.ref.sha1 not in self._values:
                continue
            for text in _extract_texts(self._values[held.ref.sha1], stored.keys):
                id_ = _extract_id(text, stored.parts, looked_up)
                if id_ is not None:
                    yield id_

    def _values_of(self, task: str, part: ArtifactValue) -> Iterator[Any]:
        if part.of_input is None and part.name in self._parameters:
            yield self._parameters[part.name]
            return
        for held, index in self._find_sources(task, part):
            if held.ref.sha1 in self._values:
                value = self._values[held.ref.sha1]
                yield from (value,) if index is None else _elements_at(value, index)

    def _find_sources(
        self, task: str, part: ArtifactValue
    ) -> Iterator[tuple[HeldArtifact, int | None]]:
        """Yield the artifacts that a value may come from, with the index of a foreach item."""
        parents = self._lineage.parents[task]
        if not part.name:
            yield from self._find_foreach_item(self._tasks[task], parents)
            return
        if part.of_input is not None:
            parents = _select_parents(part.of_input, parents)
        held = [self._holdings[parent].get(part.name) for parent in parents]
        if part.changed and part.of_input is None:
            held.append(self._holdings[task].get(part.name))
        yield from ((parent, None) for parent in dict.fromkeys(held) if parent is not None)

    def _find_foreach_item(
        self, task: Task, parents: Iterable[str]
    ) -> Iterator[tuple[HeldArtifact, int]]:
        """Yield the artifact that the foreach of the task iterates over, and the task's index."""
        for frame in task.foreach[-1:]:
            for parent in parents:
                transition = self._tasks[parent].transition
                name = frame.var or (transition and transition.foreach)
                held = self._holdings[parent].get(name) if name else None
                if held is not None:
                    yield held, frame.index


def _select_parents(read: InputRead, parents: tuple[str, ...]) -> tuple[str, ...]:
    if read.branch is not None:
        return tuple(parent for parent in parents if step_of(parent) == read.branch)
    siblings = len({step_of(parent) for parent in parents}) == 1
    if read.index is None or not siblings:  # the order of branches is not recorded
        return parents
    return parents[read.index :][:1] if -len(parents) <= read.index < len(parents) else ()


def _count_slashes(read: ExternalRead) -> int | None:
    """Return the number of slashes that the pathspec must have; None: any, below a trigger."""
    if any(isinstance(part, LookedUpRun) for part in read.parts):
        return sum(part.count("/") for part in read.parts if isinstance(part, str))
    return None if read.kind == "trigger" else KINDS.index(read.kind)


def _with_pathspec(read: ExternalRead, text: str) -> ExternalRead:
    """Return the read with its pathspec filled in."""
    kind = "trigger" if read.kind == "trigger" else KINDS[text.count("/")]
    return ExternalRead(kind, text, read.artifact)


def _may_vary(part: _TextPart) -> bool:
    """Return whether a part may have had another value when the code read it."""
    return isinstance(part, LookedUpRun) or (isinstance(part, ArtifactValue) and part.changed)


def _extract_texts(value: Any, keys: Iterable[str | int | None]) -> Iterator[str]:
    values = [value]
    for key in keys:
        values = [inner for inner in values for inner in _elements_at(inner, key)][:_MEANING_LIMIT]
    for inner in values:
        if isinstance(inner, str) or type(inner) is int:
            text = str(inner)
            if 0 < len(text) <= _TEXT_LIMIT:
                yield text


def _elements_at(value: Any, key: str | int | None) -> Iterator[Any]:
    """Yield the element of a value under a key; under None, all its elements."""
    if isinstance(value, dict):
        if key is None:
            yield from value
        elif key in value:
            yield value[key]
    elif isinstance(value, list | tuple):
        if key is None:
            yield from value
        elif isinstance(key, int) and -len(value) <= key < len(value):
            yield value[key]
    elif isinstance(value, set | frozenset) and key is None:
        yield from value


def _extract_id(text: str, parts: TextParts, looked_up: LookedUpRun) -> str | None:
    """Return the id of a flow run in a text that was built from parts; None if it is not certain.

    The other values in the text are not known, so the constant texts beside the id decide where it
    begins and ends. This uses no regular expression: with many unknown values, matching one can
    take for ever.
    """
    position = parts.index(looked_up) if looked_up in parts else len(parts)
    before, after = parts[:position], parts[position + 1 :]
    if position == len(parts) or not all(
        isinstance(part, str) for part in (*before[-1:], *after[:1])
    ):
        return None
    first, last = "".join(map(str, before[-1:])), "".join(map(str, after[:1]))
    for start in _find_ends(first, text) if len(before) > 1 else (len(first),):
        end = text.find(last, start + 1) if len(after) > 1 else len(text) - len(last)
        id_ = text[start : max(start, end)]
        if not id_ or "/" in id_:
            continue
        if _can_match(before, text[:start]) and _can_match(after, text[end:]):
            return id_
    return None


def _find_ends(part: str, text: str) -> Iterator[int]:
    """Yield the positions at which a part of a text ends, the last one first."""
    position = text.rfind(part)
    while position >= 0:
        yield position + len(part)
        position = text.rfind(part, 0, position + len(part) - 1)


def _can_match(parts: TextParts, text: str) -> bool:
    """Return whether a text can be built from the parts, with any text for unknown values."""
    position = 0
    for number, part in enumerate(parts):
        if not isinstance(part, str):
            continue
        if number == len(parts) - 1:
            starts = len(text) - len(part)
            return text.endswith(part) and (starts >= position if number else starts == 0)
        at = text.find(part, position)
        if at < 0 or (number == 0 and at > 0):
            return False
        position = at + len(part)
    return bool(parts) or not text
