"""Values that a task wrote itself, although they equal what a parent passed on.

Different content shows that a task changed a value. A value that equals the parent's may have been
assigned again, or only passed through: the code of the step, and the way joins work, decide that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from mfwb.lineage.producers import Holdings
from mfwb.lineage.static_analysis import StepCode
from mfwb.snapshot import Task, TaskState

__all__ = ["NOTHING_EQUAL", "EqualValues", "find_equal_values"]


@dataclass(frozen=True, slots=True)
class EqualValues:
    """Names of values that one task wrote itself and that equal what a parent passed on.

    Attributes:
        assigned: values that the task certainly assigned.
        counted: values that the task may have assigned; they count, since other tasks of the same
            step assigned or changed them.
        by_code: the values of both sets that are only known from the source.
    """

    assigned: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    by_code: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The names in both sets."""
        return self.assigned | self.counted


NOTHING_EQUAL = EqualValues()


def find_equal_values(
    order: Sequence[Task],
    parents: Mapping[str, tuple[str, ...]],
    holdings: Holdings,
    code: Mapping[str, StepCode | None],
) -> dict[str, EqualValues]:
    """Return the values that tasks wrote themselves although they equal what they received.

    The keys are task pathspecs. A task that did not finish has none: how far it ran is not known.
    A control task of an unbounded foreach has none either: it runs no code of the step.

    Args:
        order: all tasks.
        parents: the parents of each task, by pathspec.
        holdings: the artifacts of each task, with the task that wrote the content.
        code: the analysed code of each task; None: it is not known.
    """
    changed: defaultdict[str, set[str]] = defaultdict(set)
    assigned: defaultdict[str, set[str]] = defaultdict(set)
    for task in order:
        changed[task.step].update(_changed_names(task, holdings))
        known = code[task.pathspec]
        if known is not None:
            assigned[task.step] |= known.writes
    tasks = {task.pathspec: task for task in order}
    result = {}
    for task in order:
        if task.is_control:
            continue
        equal = frozenset(holdings[task.pathspec]) - frozenset(_changed_names(task, holdings))
        inputs = [tasks[parent] for parent in parents[task.pathspec]]
        if task.state is not TaskState.OK:  # how far it ran is known from its content alone
            own = _select_own(equal, frozenset(), frozenset(), frozenset(), inputs)
        else:
            known = code[task.pathspec]
            always = frozenset() if known is None else known.always_writes
            own = _select_own(equal, always, assigned[task.step], changed[task.step], inputs)
        if own.assigned or own.counted:
            result[task.pathspec] = own
    return result


def _changed_names(task: Task, holdings: Holdings) -> Iterator[str]:
    held = holdings[task.pathspec]
    return (name for name, artifact in held.items() if artifact.producer == task.pathspec)


def _select_own(
    equal: frozenset[str],
    always: frozenset[str],
    assigned_in_step: AbstractSet[str],
    changed_in_step: AbstractSet[str],
    inputs: Sequence[Task],
) -> EqualValues:
    chosen = equal & frozenset(_conflicting_names(inputs))
    assigned = equal & (always | chosen)
    counted = equal & (assigned_in_step | changed_in_step) - assigned
    known_by_content = chosen | changed_in_step
    return EqualValues(assigned, counted, (assigned | counted) - known_by_content)


def _conflicting_names(inputs: Sequence[Task]) -> Iterable[str]:
    """Yield the names of artifacts whose bytes differ between the inputs of a join.

    `merge_artifacts` refuses these, so a join that has such an artifact has assigned it.
    """
    if len(inputs) < 2:  # noqa: PLR2004 - two inputs are needed for a difference
        return
    seen: dict[str, str] = {}
    for task in inputs:
        for ref in task.artifacts:
            if seen.setdefault(ref.name, ref.sha1) != ref.sha1:
                yield ref.name
