"""Look up an artifact among the facts of a flow run; the error names what exists instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mfwb.errors import NotFound
from mfwb.pipeline.explain.artifact_path import ArtifactPath
from mfwb.snapshot import ArtifactRef, FlowRun, Parameter, Step, Task
from mfwb.snapshot.pathspec import PARAMETERS
from mfwb.suggestions import did_you_mean, list_some

__all__ = ["ArtifactMatch", "find_artifact", "resolve_name"]


@dataclass(frozen=True, slots=True)
class ArtifactMatch:
    """The result of a lookup: an artifact of some tasks, or else a parameter.

    Attributes:
        holders: the tasks that have it, by foreach position, each with its artifact.
        among: how many tasks there are that could have it.
        parameter: the parameter, where no task has an artifact of that name.
    """

    holders: tuple[tuple[Task, ArtifactRef], ...] = ()
    among: int = 0
    parameter: Parameter | None = None


def resolve_name(artifact: ArtifactPath, flow_run: FlowRun) -> ArtifactPath:
    """Return the path, with a `/` in the name if there is an artifact of that name."""
    whole = artifact.with_task_in_name
    tasks = [task for task in flow_run.tasks if task.step == artifact.step]
    return whole if any(task.artifact(whole.name) for task in tasks) else artifact


def find_artifact(artifact: ArtifactPath, flow_run: FlowRun) -> ArtifactMatch:
    """Return the artifact or parameter; NotFound, which names what exists, if it does not exist."""
    named = (parameter for parameter in flow_run.parameters if parameter.name == artifact.name)
    parameter = next(named, None)
    if artifact.step == PARAMETERS:
        if parameter is None:
            raise _not_found(
                f"{flow_run.pathspec} has no parameter {artifact.name!r}",
                "its parameters are",
                [parameter.name for parameter in flow_run.parameters],
                artifact.name,
            )
        return ArtifactMatch(parameter=parameter)
    step = _step(artifact, flow_run)
    tasks = step.tasks if artifact.task is None else (_task(artifact.task, step, flow_run),)
    holders = tuple((task, ref) for task in tasks if (ref := task.artifact(artifact.name)))
    if holders:
        return ArtifactMatch(holders, len(tasks))
    if parameter is not None:  # every task holds a copy
        return ArtifactMatch(parameter=parameter)
    raise _no_artifact(artifact, tasks, flow_run)


def _step(artifact: ArtifactPath, flow_run: FlowRun) -> Step:
    for step in flow_run.steps:
        if step.name == artifact.step:
            return step
    names = [step.name for step in flow_run.steps]
    did_not_run = artifact.step in {step.name for step in flow_run.graph}
    missing = f"step {artifact.step} of {flow_run.pathspec} did not run"
    if not did_not_run:
        missing = f"{flow_run.pathspec} has no step {artifact.step!r}"
    raise _not_found(missing, "its steps are", names, artifact.step)


def _task(task_id: str, step: Step, flow_run: FlowRun) -> Task:
    for task in step.tasks:
        if task.id == task_id:
            return task
    ids = [task.id for task in step.tasks]
    missing = f"{flow_run.pathspec}/{step.name} has no task {task_id!r}"
    raise _not_found(missing, "its tasks are", ids, task_id)


def _no_artifact(artifact: ArtifactPath, tasks: Iterable[Task], flow_run: FlowRun) -> NotFound:
    names = {ref.name for task in tasks for ref in task.artifacts}
    names.update(parameter.name for parameter in flow_run.parameters)
    others = [
        step.name
        for step in flow_run.steps
        if any(task.artifact(artifact.name) for task in step.tasks)
    ]
    missing = f"{artifact.holder_path} has no artifact {artifact.name!r}"
    if others:
        return NotFound(f"{missing}, but{list_some('there is one in', others)[1:]}")
    return _not_found(missing, "it has", sorted(names), artifact.name)


def _not_found(missing: str, prefix: str, names: list[str], given: str) -> NotFound:
    return NotFound(f"{missing}{did_you_mean(given, names) or list_some(prefix, names)}")
