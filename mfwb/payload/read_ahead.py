"""Small artifacts of several W&B runs, inspected and converted together.

The W&B run of a single task has a few values, an array, a pickle. To ask the processes that load
pickles for each of them takes longer than their work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from threading import Lock

from mfwb.conversion.inspector_child import Answer, Inspect, Inspection
from mfwb.payload.files import FileBuilder
from mfwb.payload.inspections import Inspections
from mfwb.payload.values import look_at_values
from mfwb.pickles.packages import WHOLE_LIMIT
from mfwb.planning import Content, Form, Plan, PlannedRun
from mfwb.ports import Contents

__all__ = ["ReadAhead"]

_RUNS_TOGETHER = 32

_BYTES_TOGETHER = 1_000_000
"""Bytes of what is inspected and converted for them; of more, asking is the smaller part."""

_Wanted = dict[Inspection, dict[str, Content]]
"""Contents by their sha1."""


@dataclass(slots=True, eq=False)
class _Group:
    """W&B runs whose small artifacts are inspected together, when the first of them is prepared."""

    runs: list[PlannedRun] = field(default_factory=list)
    size: int = 0  # bytes of their artifacts
    lock: Lock = field(default_factory=Lock)
    is_done: bool = False
    answers: dict[tuple[Inspection, str], Answer] = field(default_factory=dict)


class ReadAhead:
    """Groups the W&B runs of plans; safe to use from several threads."""

    def __init__(self, inspect: Inspect, files: FileBuilder) -> None:
        self._inspect = inspect
        self._files = files
        self._groups: dict[str, _Group] = {}  # by the id of a W&B run

    def add(self, plan: Plan) -> None:
        """Note that the W&B runs of a plan will be prepared, those of one level after another."""
        group = _Group()
        for level in plan.levels():
            for run in level:
                size = _size_of(run)
                is_full = len(group.runs) == _RUNS_TOGETHER or group.size + size > _BYTES_TOGETHER
                if group.runs and is_full:
                    group = _Group()
                group.runs.append(run)
                group.size += size
                self._groups[run.id] = group

    def prepare(self, run: PlannedRun, contents: Contents) -> Inspections:
        """Return what inspects the contents of a W&B run; many answers are known by then.

        Args:
            run: the W&B run, which is prepared now.
            contents: source of the bytes of its flow run.
        """
        inspections = Inspections(contents, self._inspect)
        group = self._groups.get(run.id)
        if group is None:
            return inspections
        with group.lock:  # the other W&B runs of the group would do the same work
            if not group.is_done:
                self._files.convert_ahead(group.runs, contents)
                if len(group.runs) > 1:
                    group.answers.update(_inspect_all(group.runs, inspections))
                group.is_done = True
        return replace(inspections, known=group.answers)

    def release(self, run: PlannedRun) -> None:
        """Forget a W&B run, and what is known of its group if it is the last one."""
        self._groups.pop(run.id, None)


def _size_of(run: PlannedRun) -> int:
    inspected = (content for of_look in _wanted([run]).values() for content in of_look.values())
    converted = (file.content for output in run.outputs for file in output.files)
    return sum(content.size for content in {*inspected, *converted})


def _wanted(runs: Iterable[PlannedRun]) -> _Wanted:
    """Return the contents that will be inspected for the summaries and descriptions of runs."""
    wanted: _Wanted = defaultdict(dict)
    for run in runs:
        looks = (
            (look_at_values(run.unpickle), (*run.values, *run.curves)),
            (Inspection.SHOWN, run.shown),
        )
        for look, values in looks:
            for value in values:
                wanted[look].update((content.sha1, content) for content in value.contents)
        wanted[Inspection.NAMES].update((content.sha1, content) for content in _pickles_of(run))
    return wanted


def _pickles_of(run: PlannedRun) -> Iterator[Content]:
    for artifact in run.outputs:
        for file in artifact.files:
            if file.form is Form.PICKLE and 0 < file.content.size <= WHOLE_LIMIT:
                yield file.content


def _inspect_all(
    runs: Iterable[PlannedRun], inspections: Inspections
) -> Iterator[tuple[tuple[Inspection, str], Answer]]:
    for look, wanted in _wanted(runs).items():
        for content, answer in inspections.of(look, wanted.values()):
            yield (look, content.sha1), answer
