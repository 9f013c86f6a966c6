"""Scopes of W&B runs: each W&B run stands for a step, or for a task."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.config import Settings, StepSettings
from mfwb.planning import names
from mfwb.planning.plan import WandbRunId
from mfwb.snapshot import FlowRun, Step, Task

__all__ = ["RunScope", "build_run_scopes", "task_label"]


@dataclass(frozen=True, slots=True)
class RunScope:
    """The scope of one W&B run: a step, or one task of a step."""

    id: WandbRunId
    name: str
    pathspec: str  # of the step, or of the task
    step: Step
    tasks: tuple[Task, ...]
    merged: bool
    is_first: bool
    settings: StepSettings


def build_run_scopes(flow_run: FlowRun, settings: Settings) -> list[RunScope]:
    """Return the scope of each W&B run, in the order of the graph."""
    by_task = settings.granularity_of(flow_run.flow) == "task"
    scopes = []
    for step in flow_run.steps:
        groups = [(task,) for task in step.tasks] if by_task else [step.tasks]
        for tasks in groups:
            parts = [flow_run.flow, flow_run.id, step.name]
            if by_task:
                parts.append(tasks[0].id)
            scopes.append(
                RunScope(
                    id=names.run_id(*parts),
                    name=names.shortened("/".join(parts), names.RUN_NAME_LIMIT),
                    pathspec="/".join(parts),
                    step=step,
                    tasks=tasks,
                    merged=not by_task and (len(tasks) > 1 or step.is_foreach),
                    is_first=step.name == flow_run.start_step,
                    settings=settings.for_step(flow_run.flow, step.name),
                )
            )
    return scopes


def task_label(task: Task) -> str:
    """Return the position of a task among its siblings: `3`, or `0/3` in a nested foreach.

    The control task of an unbounded foreach has no position, and its label is `control`.
    """
    parts = [str(position) for position in (*(f.index for f in task.foreach), *task.rounds)]
    if task.is_control:
        parts.append("control")
    return "/".join(parts) or "0"
