"""Steps and tasks in the order of the graph. Metaflow's client lists them newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mfwb.snapshot import GraphStep, Task

__all__ = ["sorted_steps", "sorted_tasks", "to_graph"]


def to_graph(graph_info: Mapping[str, Any]) -> tuple[GraphStep, ...]:
    """Return the steps of Metaflow's `_graph_info`; empty before 2.4.9, which had none."""
    return tuple(
        GraphStep(
            name=str(name),
            type=_text(node.get("type")),
            line=node.get("line") if isinstance(node.get("line"), int) else None,
            file=_text(node.get("source_file")),
            next=tuple(str(one) for one in node.get("next") or ()),
            foreach=_text(node.get("foreach_artifact")),
            condition=_text(node.get("condition")),
        )
        for name, node in (graph_info.get("steps") or {}).items()
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def sorted_steps(tasks: Iterable[Task], start: str) -> list[str]:
    """Return the names of the steps that ran, each after the steps that led to it.

    The order comes from the transitions that were taken, since a resumed flow run records the
    graph of its origin. In a cycle (recursion) the step that was reached first goes first.
    """
    following: dict[str, set[str]] = {}
    for task in tasks:
        steps = task.transition.steps if task.transition else ()
        following.setdefault(task.step, set()).update(steps)
    left: list[str] = []
    visited: set[str] = set()
    for first in (start, *sorted(following)):
        if first in following:
            _visit(first, following, visited, left)
    return left[::-1]


def _visit(first: str, following: dict[str, set[str]], visited: set[str], left: list[str]) -> None:
    """Walk depth first and list each step when it is left: the reverse is the order wanted."""
    if first in visited:
        return
    visited.add(first)
    trail = [(first, iter(sorted(following[first], reverse=True)))]
    while trail:
        step, rest = trail[-1]
        upcoming = next((one for one in rest if one in following and one not in visited), None)
        if upcoming is None:
            left.append(step)
            trail.pop()
        else:
            visited.add(upcoming)
            trail.append((upcoming, iter(sorted(following[upcoming], reverse=True))))


def sorted_tasks(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return tasks of one step by foreach position, then round, then id."""
    return tuple(
        sorted(
            tasks,
            key=lambda task: (
                tuple(frame.index for frame in task.foreach),
                task.rounds,
                len(task.id),  # ids are numbers more often than not: 9 before 10
                task.id,
            ),
        )
    )
