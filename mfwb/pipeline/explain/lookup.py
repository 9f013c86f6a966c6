"""Find what is asked for among the facts of a flow run, or say what there is instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mfwb.errors import NotFound
from mfwb.pipeline.explain.artifact_path import AskedArtifact
from mfwb.snapshot import ArtifactRef, FlowRun, Parameter, Step, Task
from mfwb.snapshot.pathspec import PARAMETERS
from mfwb.suggestions import did_you_mean

__all__ = ["Found", "as_named", "find"]

_FEW = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What is meant: an artifact of some tasks, or else a parameter.

    Attributes:
        holders: the tasks that have it, by foreach position, each with what it has.
        among: how many tasks there are that could have it.
        parameter: the parameter, where no task has an artifact of that name.
    """

    holders: tuple[tuple[Task, ArtifactRef], ...] = ()
    among: int = 0
    parameter: Parameter | None = None


def as_named(asked: AskedArtifact, flow_run: FlowRun) -> AskedArtifact:
    """Return what is asked for, with a `/` in the name where there is an artifact of that name."""
    whole = asked.with_slash
    tasks = [task for task in flow_run.tasks if task.step == asked.step]
    return whole if any(task.artifact(whole.name) for task in tasks) else asked


def find(asked: AskedArtifact, flow_run: FlowRun) -> Found:
    """Return what is meant; NotFound with what there is if there is no such thing."""
    parameter = next((one for one in flow_run.parameters if one.name == asked.name), None)
    if asked.step == PARAMETERS:
        if parameter is None:
            raise _not_there(
                f"{flow_run.pathspec} has no parameter {asked.name!r}",
                "its parameters are",
                [one.name for one in flow_run.parameters],
                asked.name,
            )
        return Found(parameter=parameter)
    step = _step(asked, flow_run)
    tasks = step.tasks if asked.task is None else (_task(asked.task, step, flow_run),)
    holders = tuple((task, ref) for task in tasks if (ref := task.artifact(asked.name)))
    if holders:
        return Found(holders, len(tasks))
    if parameter is not None:  # every task holds a copy
        return Found(parameter=parameter)
    raise _no_artifact(asked, tasks, flow_run)


def _step(asked: AskedArtifact, flow_run: FlowRun) -> Step:
    for step in flow_run.steps:
        if step.name == asked.step:
            return step
    names = [step.name for step in flow_run.steps]
    did_not_run = asked.step in {step.name for step in flow_run.graph}
    missing = f"step {asked.step} of {flow_run.pathspec} did not run"
    if not did_not_run:
        missing = f"{flow_run.pathspec} has no step {asked.step!r}"
    raise _not_there(missing, "its steps are", names, asked.step)


def _task(task_id: str, step: Step, flow_run: FlowRun) -> Task:
    for task in step.tasks:
        if task.id == task_id:
            return task
    ids = [task.id for task in step.tasks]
    missing = f"{flow_run.pathspec}/{step.name} has no task {task_id!r}"
    raise _not_there(missing, "its tasks are", ids, task_id)


def _no_artifact(asked: AskedArtifact, tasks: Iterable[Task], flow_run: FlowRun) -> NotFound:
    names = {ref.name for task in tasks for ref in task.artifacts}
    names.update(one.name for one in flow_run.parameters)
    others = [
        step.name
        for step in flow_run.steps
        if any(task.artifact(asked.name) for task in step.tasks)
    ]
    missing = f"{asked.holder} has no artifact {asked.name!r}"
    if others:
        return NotFound(f"{missing}, but there is one in {_listed(others)}")
    return _not_there(missing, "it has", sorted(names), asked.name)


def _not_there(missing: str, there_is: str, names: list[str], meant: str) -> NotFound:
    if hint := did_you_mean(meant, names):
        return NotFound(f"{missing}{hint}")
    return NotFound(f"{missing}; {there_is} {_listed(names)}" if names else missing)


def _listed(names: list[str]) -> str:
    if len(names) > _FEW:
        return f"{', '.join(names[:_FEW])} and {len(names) - _FEW:,} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
