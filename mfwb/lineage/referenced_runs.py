"""Which flow runs code means that names them by values: these were recorded, so they are known."""

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

_MOST_VALUES = 1_000  # artifacts of a flow run that are looked at
_MOST_MEANINGS = 100  # of one read by one task
_LARGEST = 100_000  # bytes of pickle; a longer list of flow runs names more than are read
_LONGEST = 1_000  # letters
_Word: TypeAlias = "str | ArtifactValue | LookedUpRun"


@dataclass(frozen=True, slots=True, order=True)
class NamingArtifact:
    """An artifact whose value tells which flow run is meant."""

    task: str  # its pathspec: who wrote it
    name: str
    sha1: str
    size: int


def select_values_to_read(flow_run: FlowRun, lineage: Lineage) -> tuple[NamingArtifact, ...]:
    """Return the artifacts by whose values other flow runs are named, as far as they are small."""
    if not _named_by_values(lineage):
        return ()
    facts = _Facts(flow_run, lineage, {})
    held = {
        NamingArtifact(one.producer, one.ref.name, one.ref.sha1, one.ref.size)
        for task, said in _named_by_values(lineage)
        for one in facts.looked_at(task, said)
        if one.ref.size <= _LARGEST
    }
    return tuple(sorted(held))[:_MOST_VALUES]


def resolve_external_reads(
    flow_run: FlowRun, lineage: Lineage, values: Mapping[str, Any]
) -> Lineage:
    """Return a lineage whose reads of other flow runs name these, as far as values tell.

    Args:
        flow_run: the flow run.
        lineage: its own.
        values: of `select_values_to_read`, by sha1; what is missing is not known.
    """
    if not _named_by_values(lineage):
        return lineage
    facts = _Facts(flow_run, lineage, values)
    externals = {
        task: _each_once(one for said in all_said for one in facts.meant(task, said))
        for task, all_said in lineage.externals.items()
    }
    return replace(lineage, externals=externals)


def _each_once(externals: Iterable[ExternalRead]) -> tuple[ExternalRead, ...]:
    """Return reads sorted, without those that are not sure where the same one is."""
    found = set(externals)
    doubled = {one for one in found if not one.sure and replace(one, sure=True) in found}
    return tuple(sorted(found - doubled, key=repr))


def _named_by_values(lineage: Lineage) -> list[tuple[str, ExternalRead]]:
    return [
        (task, one) for task, all_said in lineage.externals.items() for one in all_said if one.parts
    ]


class _Facts:
    """What tasks hold, and what that is."""

    def __init__(self, flow_run: FlowRun, lineage: Lineage, values: Mapping[str, Any]) -> None:
        self._flow_run = flow_run
        self._lineage = lineage
        self._values = values
        self._tasks = {task.pathspec: task for task in flow_run.tasks}
        order = (self._tasks[one] for one in lineage.order)
        self._holdings: Holdings = trace_holdings(order, lineage.parents)
        self._parameters = {
            one.name: one.value for one in flow_run.parameters if one.kind != "IncludeFile"
        }

    def looked_at(self, task: str, said: ExternalRead) -> Iterator[HeldArtifact]:
        """Yield the artifacts whose values a read depends on."""
        for part in said.parts:
            if isinstance(part, ArtifactValue):
                yield from (held for held, _ in self._sources(task, part))
        for stored_run_ids in said.stored_run_ids:
            held = self._holdings[task].get(stored_run_ids.name)
            if held is not None:
                yield held

    def meant(self, task: str, said: ExternalRead) -> Iterator[ExternalRead]:
        """Yield what a read means; itself, if values do not tell."""
        found = list(dict.fromkeys(self._texts(task, said))) if said.parts else []
        is_one = len(found) == 1 and said.sure and not any(map(_is_open, said.parts))
        yield from (replace(_named(said, text), sure=is_one) for text in found)
        if not found:
            yield said

    def _texts(self, task: str, said: ExternalRead) -> Iterator[str]:
        slashes = _slashes_in(said)
        choices = [list(self._texts_of(task, part, said.stored_run_ids)) for part in said.parts]
        for choice in islice(product(*choices), _MOST_MEANINGS):
            text = "".join(choice)
            if all(parts_of(text)) and slashes in {None, text.count("/")}:
                yield text

    def _texts_of(
        self, task: str, part: _Word, stored_run_ids: Iterable[StoredRunId]
    ) -> Iterable[str]:
        if isinstance(part, str):
            return (part,)
        if isinstance(part, ArtifactValue):
            return dict.fromkeys(
                text
                for value in self._values_of(task, part)
                for text in _texts_in(value, part.keys)
            )
        return dict.fromkeys(self._ids(task, part, stored_run_ids))

    def _ids(
        self, task: str, found: LookedUpRun, stored_run_ids: Iterable[StoredRunId]
    ) -> Iterator[str]:
        """Yield the ids of runs of a flow that the task found and wrote down."""
        for one in stored_run_ids:
            held = self._holdings[task].get(one.name)
            if held is None or held.ref.sha1 not in self._values:
                continue
            for text in _texts_in(self._values[held.ref.sha1], one.keys):
                id_ = _id_in(text, one.parts, found)
                if id_ is not None:
                    yield id_

    def _values_of(self, task: str, part: ArtifactValue) -> Iterator[Any]:
        if part.of_input is None and part.name in self._parameters:
            yield self._parameters[part.name]
            return
        for held, index in self._sources(task, part):
            if held.ref.sha1 in self._values:
                value = self._values[held.ref.sha1]
                yield from (value,) if index is None else _at(value, index)

    def _sources(self, task: str, part: ArtifactValue) -> Iterator[tuple[HeldArtifact, int | None]]:
        """Yield the artifacts that a word may stand for; or, of an item, what it is one of."""
        parents = self._lineage.parents[task]
        if not part.name:
            yield from self._item(self._tasks[task], parents)
            return
        if part.of_input is not None:
            parents = _chosen(part.of_input, parents)
        held = [self._holdings[one].get(part.name) for one in parents]
        if part.changed and part.of_input is None:
            held.append(self._holdings[task].get(part.name))
        yield from ((one, None) for one in dict.fromkeys(held) if one is not None)

    def _item(self, task: Task, parents: Iterable[str]) -> Iterator[tuple[HeldArtifact, int]]:
        """Yield what the foreach iterates over that the task is one of, and which item is its."""
        for frame in task.foreach[-1:]:
            for parent in parents:
                transition = self._tasks[parent].transition
                name = frame.var or (transition and transition.foreach)
                held = self._holdings[parent].get(name) if name else None
                if held is not None:
                    yield held, frame.index


def _chosen(read: InputRead, parents: tuple[str, ...]) -> tuple[str, ...]:
    if read.branch is not None:
        return tuple(one for one in parents if step_of(one) == read.branch)
    siblings = len({step_of(one) for one in parents}) == 1
    if read.index is None or not siblings:  # the order of branches is not recorded
        return parents
    return parents[read.index :][:1] if -len(parents) <= read.index < len(parents) else ()


def _slashes_in(said: ExternalRead) -> int | None:
    """Return how many slashes the pathspec must have; None: any number, below a trigger."""
    if any(isinstance(part, LookedUpRun) for part in said.parts):
        return sum(part.count("/") for part in said.parts if isinstance(part, str))
    return None if said.kind == "trigger" else KINDS.index(said.kind)


def _named(said: ExternalRead, text: str) -> ExternalRead:
    """Return a read with the pathspec that was meant."""
    kind = "trigger" if said.kind == "trigger" else KINDS[text.count("/")]
    return ExternalRead(kind, text, said.artifact)


def _is_open(part: _Word) -> bool:
    """Return whether a word may have stood for something else at the time."""
    return isinstance(part, LookedUpRun) or (isinstance(part, ArtifactValue) and part.changed)


def _texts_in(value: Any, keys: Iterable[str | int | None]) -> Iterator[str]:
    values = [value]
    for key in keys:
        values = [inner for one in values for inner in _at(one, key)][:_MOST_MEANINGS]
    for one in values:
        if isinstance(one, str) or type(one) is int:
            text = str(one)
            if 0 < len(text) <= _LONGEST:
                yield text


def _at(value: Any, key: str | int | None) -> Iterator[Any]:
    """Yield what a value holds under a key; under None, all that iterating over it gives."""
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


def _id_in(text: str, parts: TextParts, found: LookedUpRun) -> str | None:
    """Return the id of a flow run in a text that was made of words; None if that can't be told.

    What stands for the other values is not known, so where the id begins and ends is told by the
    texts beside it. No regular expression: with so many unknowns one can take for ever.
    """
    place = parts.index(found) if found in parts else len(parts)
    before, after = parts[:place], parts[place + 1 :]
    if place == len(parts) or not all(isinstance(one, str) for one in (*before[-1:], *after[:1])):
        return None
    first, last = "".join(map(str, before[-1:])), "".join(map(str, after[:1]))
    for start in _ends_of(first, text) if len(before) > 1 else (len(first),):
        end = text.find(last, start + 1) if len(after) > 1 else len(text) - len(last)
        id_ = text[start : max(start, end)]
        if not id_ or "/" in id_:
            continue
        if _fits(before, text[:start]) and _fits(after, text[end:]):
            return id_
    return None


def _ends_of(part: str, text: str) -> Iterator[int]:
    """Yield where a part of a text ends, the last place first."""
    place = text.rfind(part)
    while place >= 0:
        yield place + len(part)
        place = text.rfind(part, 0, place + len(part) - 1)


def _fits(parts: TextParts, text: str) -> bool:
    """Whether a text can have been made of words, whatever stands for those that are no text."""
    place = 0
    for number, part in enumerate(parts):
        if not isinstance(part, str):
            continue
        if number == len(parts) - 1:
            starts = len(text) - len(part)
            return text.endswith(part) and (starts >= place if number else starts == 0)
        at = text.find(part, place)
        if at < 0 or (number == 0 and at > 0):
            return False
        place = at + len(part)
    return bool(parts) or not text
