"""Which values are a task's own: whether it wrote one is what its code says, not what came out.

Content tells what a task changed. What came out equal to what a parent had handed on may have been
assigned anew, or merely be there: that is for the code to say, and for how joins work.
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
    """Values of one task that are its own and equal to what a parent handed on; names.

    Attributes:
        assigned: it has surely assigned them.
        counted: it may have; they count as those of the other tasks of its step do.
        by_code: those of either that are only known from the source.
    """

    assigned: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    by_code: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.assigned | self.counted


NOTHING_EQUAL = EqualValues()


def find_equal_values(
    order: Sequence[Task],
    parents: Mapping[str, tuple[str, ...]],
    holdings: Holdings,
    code: Mapping[str, StepCode | None],
) -> dict[str, EqualValues]:
    """Return by pathspec what is a task's own though it is equal to what it was handed.

    A task that did not come to its end has none: how far it came is not known. A control task of
    an unbounded foreach has none either: it runs no code of the step.

    Args:
        order: all tasks.
        parents: by pathspec.
        holdings: what each task holds, and who wrote that content.
        code: what is known of a task's code; None: nothing.
    """
    changed: defaultdict[str, set[str]] = defaultdict(set)
    assigned: defaultdict[str, set[str]] = defaultdict(set)
    for task in order:
        changed[task.step].update(_changed(task, holdings))
        known = code[task.pathspec]
        if known is not None:
            assigned[task.step] |= known.writes
    tasks = {task.pathspec: task for task in order}
    found = {}
    for task in order:
        if task.state is not TaskState.OK or task.is_control:
            continue
        equal = frozenset(holdings[task.pathspec]) - frozenset(_changed(task, holdings))
        inputs = [tasks[one] for one in parents[task.pathspec]]
        known = code[task.pathspec]
        always = frozenset() if known is None else known.always_writes
        own = _own(equal, always, assigned[task.step], changed[task.step], inputs)
        if own.assigned or own.counted:
            found[task.pathspec] = own
    return found


def _changed(task: Task, holdings: Holdings) -> Iterator[str]:
    held = holdings[task.pathspec]
    return (name for name, one in held.items() if one.producer == task.pathspec)


def _own(
    equal: frozenset[str],
    always: frozenset[str],
    assigned_in_step: AbstractSet[str],
    changed_in_step: AbstractSet[str],
    inputs: Sequence[Task],
) -> EqualValues:
    chosen = equal & frozenset(_in_dispute(inputs))
    assigned = equal & (always | chosen)
    counted = equal & (assigned_in_step | changed_in_step) - assigned
    told_by_facts = chosen | changed_in_step
    return EqualValues(assigned, counted, (assigned | counted) - told_by_facts)


def _in_dispute(inputs: Sequence[Task]) -> Iterable[str]:
    """Yield the names of what the inputs of a join have in different bytes.

    `merge_artifacts` refuses these, so whoever has one behind the join has assigned it.
    """
    if len(inputs) < 2:  # noqa: PLR2004 - no two to differ
        return
    seen: dict[str, str] = {}
    for task in inputs:
        for ref in task.artifacts:
            if seen.setdefault(ref.name, ref.sha1) != ref.sha1:
                yield ref.name
