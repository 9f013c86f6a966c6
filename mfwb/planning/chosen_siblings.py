"""The siblings of a foreach that a join chose: `self.model = best.model`.

A join that has content of only some of its parents, where these differ, chose it. Which one it was
counts for all values of that sibling, also for those that the join did not pass on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from mfwb.lineage import Lineage
from mfwb.snapshot import FlowRun, Task

__all__ = ["find_chosen_tasks"]


def find_chosen_tasks(flow_run: FlowRun, lineage: Lineage) -> dict[str, str]:
    """Return the chosen task of each step that has siblings, by step.

    Only a join outside of all foreachs chooses for the whole flow run. If the artifacts of a join
    are from different siblings, none was chosen.
    """
    tasks = {task.pathspec: task for task in flow_run.tasks}
    order = [tasks[pathspec] for pathspec in lineage.order]
    choices: dict[str, str] = {}  # by join
    chosen: dict[str, str] = {}
    for task in order:
        parents = [tasks[parent] for parent in lineage.parents[task.pathspec]]
        if len(parents) < 2 or not parents[0].foreach:  # noqa: PLR2004
            continue
        sibling = _find_sibling(task, parents, lineage)
        if sibling is not None:
            choices[task.pathspec] = sibling
            if not task.foreach:
                chosen.update(_branch_of(sibling, tasks, lineage, choices))
    return chosen


def _find_sibling(join: Task, parents: list[Task], lineage: Lineage) -> str | None:
    """Return the only parent that has all artifacts that the join chose; None if there is none."""
    contents = {
        parent.pathspec: {ref.name: ref.content or ref.sha1 for ref in parent.artifacts}
        for parent in parents
    }
    candidates = set(contents)
    for ref in join.artifacts:
        producer = lineage.producer_of(join.pathspec, ref.name)
        of_parents = {parent: names.get(ref.name) for parent, names in contents.items()}
        if producer == join.pathspec or len(set(of_parents.values())) == 1:
            continue  # the join wrote it itself, or had no choice
        own = ref.content or ref.sha1
        candidates &= {
            parent
            for parent, content in of_parents.items()
            if content == own or _has_from(parent, ref.name, content, producer, lineage)
        }
    return next(iter(candidates)) if len(candidates) == 1 else None


def _has_from(parent: str, name: str, content: str | None, producer: str, lineage: Lineage) -> bool:
    return content is not None and lineage.producer_of(parent, name) == producer


def _branch_of(
    sibling: str, tasks: Mapping[str, Task], lineage: Lineage, choices: Mapping[str, str]
) -> dict[str, str]:
    """Return a sibling and its ancestors in the same foreach, by step, if a step has only one."""
    branch: defaultdict[str, set[str]] = defaultdict(set)
    waiting = [sibling]
    while waiting:
        pathspec = waiting.pop()
        task = tasks[pathspec]
        if not task.foreach or pathspec in branch[task.step]:
            continue
        branch[task.step].add(pathspec)
        choice = choices.get(pathspec)
        waiting += lineage.parents[pathspec] if choice is None else [choice]
    return {step: next(iter(own)) for step, own in branch.items() if len(own) == 1}
