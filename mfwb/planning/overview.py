"""The overview of a flow run: one more W&B run, which stands for the flow run as a whole.

What it shows is a second view of what other W&B runs have. So no item is counted for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mfwb.config import Settings
from mfwb.lineage import Evidence, Lineage
from mfwb.planning import names
from mfwb.planning.chosen_siblings import find_chosen_tasks
from mfwb.planning.final_artifacts import FinalArtifact, select_final_artifacts
from mfwb.planning.foreach_items import list_foreach_columns
from mfwb.planning.inputs import select_strongest
from mfwb.planning.plan import (
    Content,
    Form,
    InputArtifact,
    Overview,
    OverviewAttempt,
    OverviewEdge,
    OverviewFileRules,
    OverviewStep,
    OverviewTask,
    OverviewValue,
    PlannedRun,
)
from mfwb.planning.run_metadata import (
    describe_failure,
    describe_flow_run_outcome,
    describe_origin,
    seconds_between,
    span_of,
    span_of_flow_run,
)
from mfwb.planning.run_scopes import RunScope, task_label
from mfwb.planning.size_limits import CONFIG_LIMIT, FACTS_LIMIT, cut_losses, cut_to_limit
from mfwb.snapshot import Attempt, FlowRun, FlowRunState, Step, Task, TaskState
from mfwb.snapshot.pathspec import parameters_of, step_of

__all__ = ["JOB_TYPE", "plan_overview"]

JOB_TYPE = "flow"
"""The job type of the W&B run of a whole flow run."""

_LINKS_LIMIT = 1000
"""W&B runs whose ids are in config; the table of steps has all."""


def plan_overview(  # noqa: PLR0913 - each is a fact of its own
    flow_run: FlowRun,
    lineage: Lineage,
    settings: Settings,
    *,
    group: str,
    parameters: dict[str, Any],
    facts: dict[str, Any],
    scopes: Sequence[RunScope],
    runs: Sequence[PlannedRun],
) -> PlannedRun:
    """Return the W&B run of a whole flow run.

    Args:
        flow_run: the flow run.
        lineage: of the same flow run.
        settings: of this call.
        group: of the W&B runs of the flow run.
        parameters: config's entries for the parameters.
        facts: the facts of the flow run for `config["metaflow"]`.
        scopes: the scope of each other W&B run.
        runs: the other W&B runs, with the aliases of their outputs, in the same order.
    """
    name = names.shortened(flow_run.pathspec, names.RUN_NAME_LIMIT)
    wandb_settings = dict(settings.wandb_of(flow_run.flow))
    tags = (*flow_run.tags, *(wandb_settings.pop("run_tags", None) or ()))
    for field_name in ("run_group", "run_job_type", "entity", "project"):
        wandb_settings.pop(field_name, None)
    by_step = _group_by_step(scopes, runs)
    final = select_final_artifacts(flow_run, lineage, runs)
    started, finished = span_of_flow_run(flow_run)
    runtime = seconds_between(started, finished)
    config, cut_in_config = cut_to_limit(
        {**facts, "pathspec": name, "wandb_runs": _list_wandb_runs(by_step)}, CONFIG_LIMIT
    )
    outcome, cut_in_summary = cut_to_limit(
        describe_flow_run_outcome(flow_run, started, finished), FACTS_LIMIT
    )
    return PlannedRun(
        id=names.run_id(flow_run.flow, flow_run.id),
        name=name,
        group=group,
        job_type=JOB_TYPE,
        level=max(run.level for run in runs) + 1,
        merged=False,
        tasks=(),
        tags=tuple(sorted({names.shortened(tag, names.TAG_LIMIT) for tag in tags} - {""})),
        config={**parameters, "metaflow": config},
        summary={"metaflow": outcome},
        values=(),
        inputs=select_strongest(_inputs(flow_run, runs)),
        outputs=tuple(
            replace(
                artifact.output,
                aliases=(),  # they belong to the W&B run that made the artifact
                is_candidate=False,
                files=tuple(replace(file, preview=None) for file in artifact.output.files),
            )
            for artifact in final
        ),
        cards=(),
        exit_code=1 if flow_run.state in _BAD_FLOW_RUNS else 0,
        origin={**describe_origin(next(flow_run.tasks)), "host": ""},
        started_at=started,
        runtime=runtime,
        by_code=tuple(pathspec for run in runs for pathspec in run.by_code),
        losses=(
            *cut_losses(cut_in_config, "config.metaflow", name),
            *cut_losses(cut_in_summary, "summary.metaflow", name),
        ),
        wandb_settings=wandb_settings,
        unpickle=settings.unpickle,
        overview=Overview(
            steps=tuple(
                _step(step, by_step[step.name], lineage) for step in flow_run.steps if step.tasks
            ),
            tasks=tuple(_task(task) for task in flow_run.tasks),
            values=tuple(_values(flow_run, lineage, by_step)),
            edges=tuple(sorted(set(_edges(by_step)))),
            file_rules=tuple(_file_rules(final)),
        ),
    )


_BAD_FLOW_RUNS = frozenset({FlowRunState.FAILED, FlowRunState.ABANDONED})

_Steps = Mapping[str, Sequence[PlannedRun]]
"""The W&B runs of each step."""


def _group_by_step(scopes: Iterable[RunScope], runs: Iterable[PlannedRun]) -> _Steps:
    by_step: defaultdict[str, list[PlannedRun]] = defaultdict(list)
    for scope, run in zip(scopes, runs, strict=True):
        by_step[scope.step.name].append(run)
    return by_step


def _inputs(flow_run: FlowRun, runs: Iterable[PlannedRun]) -> Iterator[InputArtifact]:
    """Yield the artifacts of other flow runs that steps use, and the files that were included."""
    owner = parameters_of(flow_run.pathspec)
    for run in runs:
        yield from (used for used in run.inputs if used.place)
        for output in run.outputs:
            included = (file for file in output.files if file.form is Form.INCLUDE)
            if any(file.content.task == owner for file in included):
                evidence = Evidence.PARAMETER.value
                yield InputArtifact(output.name, output.type, run.id, run.name, evidence)


def _list_wandb_runs(by_step: _Steps) -> dict[str, Any]:
    """Return the ids of the W&B runs of each step, for config; one of a step as text."""
    ids: dict[str, Any] = {}
    left = _LINKS_LIMIT
    for step, runs in by_step.items():
        left -= len(runs)
        every = [run.id for run in runs]
        ids[step] = every[0] if len(every) == 1 else every if left >= 0 else f"{len(every):,}"
    return ids


def _step(step: Step, runs: Sequence[PlannedRun], lineage: Lineage) -> OverviewStep:
    started, finished = span_of(step.tasks)
    before = {step_of(parent) for task in step.tasks for parent in lineage.parents[task.pathspec]}
    return OverviewStep(
        name=step.name,
        type=step.type,
        state=_state_of(step.tasks),
        tasks=len(step.tasks),
        started_at=started,
        seconds=seconds_between(started, finished),
        wandb_runs=tuple(run.id for run in runs),
        parents=tuple(sorted(before - {step.name})),
        outputs=tuple(sorted({output.name for run in runs for output in run.outputs})),
        inputs=tuple(sorted({used.name for run in runs for used in run.inputs})),
    )


def _state_of(tasks: Sequence[Task]) -> str:
    """Return the worst state of the tasks."""
    order = (TaskState.FAILED, TaskState.UNFINISHED, TaskState.CAUGHT, TaskState.OK)
    states = {task.state for task in tasks}
    return next(state.value for state in order if state in states)


def _task(task: Task) -> OverviewTask:
    return OverviewTask(
        pathspec=task.pathspec,
        step=task.step,
        label=task_label(task),
        state=task.state.value,
        attempts=tuple(
            _attempt(attempt, task, is_last=attempt is task.attempts[-1])
            for attempt in task.attempts
        ),
        failure=None if task.failure is None else describe_failure(task.failure),
        foreach=list_foreach_columns(task),
    )


def _attempt(attempt: Attempt, task: Task, *, is_last: bool) -> OverviewAttempt:
    """Return one attempt; the last one ended as the task did, and the earlier ones failed."""
    return OverviewAttempt(
        number=attempt.number,
        state=task.state.value if is_last else TaskState.FAILED.value,
        started_at=attempt.started_at,
        seconds=seconds_between(attempt.started_at, attempt.finished_at),
    )


def _values(flow_run: FlowRun, lineage: Lineage, by_step: _Steps) -> Iterator[OverviewValue]:
    """Yield each value that a step wrote, with the contents of all its tasks.

    If only some tasks have a value under a name, and others a file or a caught exception, there is
    none: a number of some tasks would look like that of all.
    """
    chosen = find_chosen_tasks(flow_run, lineage)
    for step in flow_run.steps:
        runs = by_step.get(step.name, ())
        contents: defaultdict[str, list[Content]] = defaultdict(list)
        for run in runs:
            for value in run.values:
                contents[value.key] += value.contents
        mixed = {shown.key for run in runs for shown in run.shown}
        mixed |= {value.key for run in runs for value in run.values if value.elsewhere}
        for key in sorted(contents.keys() - mixed):
            yield OverviewValue(
                key=f"{step.name}/{key}",
                contents=tuple(contents[key]),
                is_merged=len(step.tasks) > 1 or step.is_foreach,
                chosen=chosen.get(step.name, ""),
            )


def _edges(by_step: _Steps) -> Iterator[OverviewEdge]:
    """Yield the uses of artifacts between steps, and those of other flow runs."""
    steps = {run.id: step for step, runs in by_step.items() for run in runs}
    for step, runs in by_step.items():
        for run in runs:
            for used in run.inputs:
                producer = steps.get(used.producer, used.producer_name)
                if producer != step:
                    yield OverviewEdge(producer, used.name, step)


def _file_rules(final: Iterable[FinalArtifact]) -> Iterator[OverviewFileRules]:
    for artifact in final:
        if {file.form for file in artifact.output.files} & {Form.PATH, Form.INCLUDE}:
            run = artifact.run
            yield OverviewFileRules(artifact.output.name, run.path_roots, run.file_limit)
