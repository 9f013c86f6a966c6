"""Lineage of a flow run: the producer and the users of each artifact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter

from mfwb.lineage.model import Edge, Evidence, Lineage
from mfwb.lineage.own_values import find_equal_values
from mfwb.lineage.parents import find_parents, sort_by_lineage
from mfwb.lineage.producers import Holdings, trace_holdings
from mfwb.lineage.source_check import read_trusted_code
from mfwb.lineage.static_analysis import StepCode
from mfwb.lineage.uses import AvailableArtifacts, Parent, find_uses
from mfwb.snapshot import FlowRun, Task

__all__ = ["rebuild_lineage"]

_READ_EVIDENCE = frozenset({Evidence.READ, Evidence.PARAMETER})


def rebuild_lineage(flow_run: FlowRun) -> Lineage:
    """Return the lineage of a flow run; LineageError if the recorded facts contradict."""
    parents = find_parents(flow_run)
    order = sort_by_lineage(flow_run.tasks, parents)
    holdings = trace_holdings(order, parents)
    trusted_code = read_trusted_code(flow_run)
    code = {task.pathspec: trusted_code.code_of(task) for task in order}
    edges: set[Edge] = set()
    reads: dict[str, tuple[str, ...] | None] = {}
    tasks = {task.pathspec: task for task in order}
    for task in order:
        candidates = AvailableArtifacts(
            task,
            holdings[task.pathspec],
            [Parent(tasks[parent], holdings[parent]) for parent in parents[task.pathspec]],
            flow_run,
        )
        step, _ = code[task.pathspec]
        uses = find_uses(candidates, step)
        edges |= uses
        known = step is not None and not step.doubts
        reads[task.pathspec] = _names_read(uses) if known else None
    return Lineage(
        parents=parents,
        writes={task.pathspec: _names_written(task, holdings) for task in order},
        edges=tuple(sorted(edges, key=_by_all_fields)),
        order=tuple(tasks),
        reads=reads,
        equal=find_equal_values(
            order, parents, holdings, {task: step for task, (step, _) in code.items()}
        ),
        producers={
            task.pathspec: received
            for task in order
            if (received := _producers_of_received(task, holdings))
        },
        positions={
            (step.name, name): position
            for step, _ in code.values()
            if step is not None
            for name, position in step.positions.items()
        },
        doubts=_collect_doubts(flow_run, order, parents, code),
        externals={
            task.pathspec: tuple(sorted(step.externals, key=repr))
            for task in order
            if (step := code[task.pathspec][0]) is not None and step.externals
        },
    )


_by_all_fields = attrgetter(*(field.name for field in fields(Edge)))
"""The order of edges, without a comparison of edges in Python."""


def _names_read(edges: Iterable[Edge]) -> tuple[str, ...]:
    return tuple(sorted({edge.artifact for edge in edges if edge.evidence in _READ_EVIDENCE}))


def _names_written(task: Task, holdings: Holdings) -> tuple[str, ...]:
    held = holdings[task.pathspec]
    return tuple(
        sorted(name for name, artifact in held.items() if artifact.producer == task.pathspec)
    )


def _producers_of_received(task: Task, holdings: Holdings) -> dict[str, str]:
    return {
        name: artifact.producer
        for name, artifact in holdings[task.pathspec].items()
        if artifact.producer != task.pathspec
    }


def _collect_doubts(
    flow_run: FlowRun,
    tasks: Iterable[Task],
    parents: dict[str, tuple[str, ...]],
    code: dict[str, tuple[StepCode | None, str]],
) -> dict[str, tuple[str, ...]]:
    """Return why it is not known what the steps read, each reason once."""
    doubts: dict[str, dict[str, None]] = defaultdict(dict)
    for task in tasks:
        if not parents[task.pathspec] and task.step != flow_run.start_step:
            doubts[task.step][f"it was not recorded which tasks came before {task.pathspec}"] = None
        step, reason = code[task.pathspec]
        for doubt in (reason,) if step is None else step.doubts:
            doubts[task.step][doubt] = None
    return {step: tuple(reasons) for step, reasons in doubts.items()}
