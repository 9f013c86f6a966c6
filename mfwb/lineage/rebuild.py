"""Who produced and who used each artifact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from mfwb.lineage.model import Edge, Evidence, Lineage
from mfwb.lineage.own_values import find_equal_values
from mfwb.lineage.parents import find_parents, sort_by_lineage
from mfwb.lineage.producers import Holdings, trace_holdings
from mfwb.lineage.source_check import read_trusted_code
from mfwb.lineage.static_analysis import StepCode
from mfwb.lineage.uses import Candidates, Parent, find_uses
from mfwb.snapshot import FlowRun, Task

__all__ = ["rebuild_lineage"]

_ON_THE_CODE = frozenset({Evidence.READ, Evidence.PARAMETER})


def rebuild_lineage(flow_run: FlowRun) -> Lineage:
    """Return who produced and who used what; LineageError if the facts contradict themselves."""
    parents = find_parents(flow_run)
    order = sort_by_lineage(flow_run.tasks, parents)
    holdings = trace_holdings(order, parents)
    trusted = read_trusted_code(flow_run)
    code = {task.pathspec: trusted.code_of(task) for task in order}
    edges: set[Edge] = set()
    reads: dict[str, tuple[str, ...] | None] = {}
    tasks = {task.pathspec: task for task in order}
    for task in order:
        offer = Candidates(
            task,
            holdings[task.pathspec],
            [Parent(tasks[one], holdings[one]) for one in parents[task.pathspec]],
            flow_run,
        )
        step, _ = code[task.pathspec]
        found = find_uses(offer, step)
        edges |= found
        known = step is not None and not step.doubts
        reads[task.pathspec] = _read(found) if known else None
    return Lineage(
        parents=parents,
        writes={task.pathspec: _written(task, holdings) for task in order},
        edges=tuple(sorted(edges)),
        order=tuple(tasks),
        reads=reads,
        equal=find_equal_values(
            order, parents, holdings, {task: step for task, (step, _) in code.items()}
        ),
        positions={
            (step.name, name): place
            for step, _ in code.values()
            if step is not None
            for name, place in step.positions.items()
        },
        doubts=_doubts(flow_run, order, parents, code),
        externals={
            task.pathspec: tuple(sorted(step.externals, key=repr))
            for task in order
            if (step := code[task.pathspec][0]) is not None and step.externals
        },
    )


def _read(edges: Iterable[Edge]) -> tuple[str, ...]:
    return tuple(sorted({edge.artifact for edge in edges if edge.evidence in _ON_THE_CODE}))


def _written(task: Task, holdings: Holdings) -> tuple[str, ...]:
    held = holdings[task.pathspec]
    return tuple(sorted(name for name, one in held.items() if one.producer == task.pathspec))


def _doubts(
    flow_run: FlowRun,
    tasks: Iterable[Task],
    parents: dict[str, tuple[str, ...]],
    code: dict[str, tuple[StepCode | None, str]],
) -> dict[str, tuple[str, ...]]:
    """Return why it is not known what steps read, each reason once."""
    doubts: dict[str, dict[str, None]] = defaultdict(dict)
    for task in tasks:
        if not parents[task.pathspec] and task.step != flow_run.start_step:
            doubts[task.step][f"nothing says which tasks came before {task.pathspec}"] = None
        step, reason = code[task.pathspec]
        for one in (reason,) if step is None else step.doubts:
            doubts[task.step][one] = None
    return {step: tuple(reasons) for step, reasons in doubts.items()}
