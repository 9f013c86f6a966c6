"""Snapshot, lineage and settings -> Plan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mfwb.config import Settings, StepSettings
from mfwb.lineage import Edge, Ground, Lineage
from mfwb.planning import names
from mfwb.planning.describe import (
    describe_flow_run,
    describe_origin,
    describe_outcome,
    describe_tasks,
)
from mfwb.planning.kinds import Kind, classify
from mfwb.planning.plan import (
    Content,
    InputArtifact,
    OutputArtifact,
    Plan,
    PlannedCard,
    PlannedFile,
    PlannedRun,
    PlannedValue,
    TaskRow,
    WandbRunId,
)
from mfwb.snapshot import ArtifactRef, FlowRun, Loss, Parameter, Step, Task, TaskState

__all__ = ["draft_plan"]


def draft_plan(
    flow_run: FlowRun,
    lineage: Lineage,
    settings: Settings,
    *,
    entity: str | None,
    project: str | None,
) -> Plan:
    """Return what is to be written to W&B for one flow run.

    Args:
        flow_run: a flow run that is finished or failed.
        lineage: of the same flow run.
        settings: of this call.
        entity: where to, resolved; None: the default of whoever uploads.
        project: where to, resolved; None: the flow's name.
    """
    subjects = _subjects(flow_run, settings)
    sortings = [_sorted_out(subject, flow_run, lineage) for subject in subjects]
    types = _types(sortings)
    outputs = {one.subject.id: _outputs(one, flow_run, types) for one in sortings}
    inputs = _inputs(subjects, lineage, outputs)
    runs = [
        _planned_run(subject, flow_run, lineage, outputs[subject.id], inputs[subject.id])
        for subject in subjects
    ]
    order = {subject.id: position for position, subject in enumerate(subjects)}
    group = str(settings.wandb_of(flow_run.flow).get("run_group") or flow_run.pathspec)
    return Plan(
        flow_run=flow_run.pathspec,
        source={"provider": flow_run.provider, "created_at": _original_start(flow_run)},
        entity=entity,
        project=project or flow_run.flow,
        group=names.shortened(group, names.RUN_NAME_LIMIT),
        runs=tuple(sorted(runs, key=lambda run: (run.level, order[run.id]))),
        losses=flow_run.losses,
    )


@dataclass(frozen=True, slots=True)
class _Subject:
    """What one W&B run is about: a step, or one task of it."""

    id: WandbRunId
    name: str
    step: Step
    tasks: tuple[Task, ...]
    merged: bool
    is_first: bool
    settings: StepSettings


def _subjects(flow_run: FlowRun, settings: Settings) -> list[_Subject]:
    by_task = settings.granularity_of(flow_run.flow) == "task"
    subjects = []
    for step in flow_run.steps:
        groups = [(task,) for task in step.tasks] if by_task else [step.tasks]
        for tasks in groups:
            parts = [flow_run.flow, flow_run.id, step.name]
            if by_task:
                parts.append(tasks[0].id)
            subjects.append(
                _Subject(
                    id=names.run_id(*parts),
                    name=names.shortened("/".join(parts), names.RUN_NAME_LIMIT),
                    step=step,
                    tasks=tasks,
                    merged=not by_task and (len(tasks) > 1 or step.is_foreach),
                    is_first=step.name == flow_run.start_step,
                    settings=settings.for_step(flow_run.flow, step.name),
                )
            )
    return subjects


def _original_start(flow_run: FlowRun) -> int:
    """Return the start of the flow run in epoch ms.

    A local flow run's id is its start in microseconds, and its `created_at` moves when it is
    tagged; so the id is the better witness.
    """
    if flow_run.provider.startswith("local@") and flow_run.id.isdecimal():
        return int(flow_run.id) // 1000
    return flow_run.created_at


# --- what a W&B run makes -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outputs:
    artifacts: tuple[OutputArtifact, ...]
    values: tuple[PlannedValue, ...]
    switched_off: tuple[Content, ...]
    losses: tuple[Loss, ...]


@dataclass(slots=True)
class _Sorting:
    """Where the artifacts that a W&B run's tasks wrote go; filled one by one."""

    subject: _Subject
    files: dict[tuple[str, Kind], list[PlannedFile]] = field(
        default_factory=lambda: defaultdict(list)
    )
    values: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))
    switched_off: list[Content] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def add(self, task: str, ref: ArtifactRef, folder: str) -> None:
        """Sort in one artifact of one task."""
        verdict = classify(ref)
        settings = self.subject.settings
        content = Content(task, ref.name, ref.sha1, ref.size)
        if verdict.kind is Kind.VALUE:
            self.values[names.summary_key(ref.name)].append(content)
        elif not getattr(settings, verdict.kind.switch):
            self.switched_off.append(content)
        elif settings.max_artifact_size is not None and ref.size > settings.max_artifact_size:
            reason = f"{ref.size:,} bytes, more than --max-artifact-size allows"
            self.losses.append(Loss(f"{task}/{ref.name}", reason))
        else:
            stem = folder + names.artifact_name(ref.name)
            self.files[ref.name, verdict.kind].append(PlannedFile(stem, verdict.form, content))


def _sorted_out(subject: _Subject, flow_run: FlowRun, lineage: Lineage) -> _Sorting:
    sorting = _Sorting(subject)
    for task in subject.tasks:
        written = frozenset(lineage.writes[task.pathspec])
        for ref in task.artifacts:
            if ref.name in written:
                sorting.add(task.pathspec, ref, f"{_label(task)}/" if subject.merged else "")
    if subject.is_first:  # the parameters have no W&B run, so the first step logs the files
        for parameter in flow_run.parameters:
            if parameter.kind == "IncludeFile":
                sorting.add(f"{flow_run.pathspec}/_parameters", _sized(parameter), "")
    return sorting


def _sized(included: Parameter) -> ArtifactRef:
    """Return an IncludeFile with the size of its file, if known, rather than of its descriptor."""
    size = included.value.get("size") if isinstance(included.value, dict) else None
    return included.ref if size is None else replace(included.ref, size=size)


def _types(sortings: Iterable[_Sorting]) -> dict[str, Kind]:
    """Return for each name of the flow run the type of the W&B artifact that is called so.

    W&B keeps one type per artifact name: what is of another kind goes by another name.
    """
    kinds = sorted((name, kind) for sorting in sortings for name, kind in sorting.files)
    return dict(reversed(kinds))  # the first kind of a name has the last word


def _outputs(sorting: _Sorting, flow_run: FlowRun, types: dict[str, Kind]) -> _Outputs:
    return _Outputs(
        artifacts=tuple(
            OutputArtifact(
                name=names.artifact_name(
                    name if kind is types[name] else f"{name}-{kind.value}",
                ),
                type=kind.value,
                aliases=("latest", names.run_alias(flow_run.id)),
                metadata=_artifact_metadata(flow_run, sorting.subject, files),
                files=tuple(files),
            )
            for (name, kind), files in sorted(sorting.files.items())
        ),
        values=tuple(
            PlannedValue(key, tuple(contents)) for key, contents in sorted(sorting.values.items())
        ),
        switched_off=tuple(sorting.switched_off),
        losses=tuple(sorting.losses),
    )


def _artifact_metadata(
    flow_run: FlowRun, subject: _Subject, files: Sequence[PlannedFile]
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "flow_run": flow_run.pathspec,
        "step": subject.step.name,
        "artifact": files[0].content.name,
    }
    if len(files) == 1:
        metadata |= {"task": files[0].content.task, "sha1": files[0].content.sha1}
    return {"metaflow": metadata}


# --- what a W&B run uses --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Inputs:
    artifacts: tuple[InputArtifact, ...]
    losses: tuple[Loss, ...]
    level: int


_Logged = dict[tuple[str, str], tuple[_Subject, OutputArtifact]]  # by task and artifact name


def _logged(subjects: Sequence[_Subject], outputs: dict[WandbRunId, _Outputs]) -> _Logged:
    return {
        (file.content.task, file.content.name): (subject, artifact)
        for subject in subjects
        for artifact in outputs[subject.id].artifacts
        for file in artifact.files
    }


def _inputs(
    subjects: Sequence[_Subject], lineage: Lineage, outputs: dict[WandbRunId, _Outputs]
) -> dict[WandbRunId, _Inputs]:
    """Return what each W&B run uses, and on which level that puts it."""
    logged = _logged(subjects, outputs)
    edges: dict[str, list[Edge]] = defaultdict(list)
    for edge in lineage.edges:
        edges[edge.consumer].append(edge)
    found: dict[WandbRunId, _Inputs] = {}
    for subject in subjects:  # in the order of the graph: some tasks may have skipped a step
        mine = [edge for task in subject.tasks for edge in edges[task.pathspec]]
        found[subject.id] = _inputs_of(subject, mine, logged, found)
    return found


def _inputs_of(
    subject: _Subject, edges: Iterable[Edge], logged: _Logged, done: dict[WandbRunId, _Inputs]
) -> _Inputs:
    used, losses, level = set(), set(), 0
    for edge in edges:
        producer, artifact = logged.get((edge.producer, edge.artifact), (subject, None))
        if artifact is None or producer.id == subject.id:
            continue
        if producer.id not in done:
            reason = f"{subject.name} and {producer.name} use artifacts of each other"
            losses.add(Loss(f"use of {artifact.name} by {subject.name}", reason))
            continue
        level = max(level, done[producer.id].level + 1)
        used.add(
            InputArtifact(
                name=artifact.name,
                type=artifact.type,
                producer=producer.id,
                producer_name=producer.name,
                ground=edge.ground.value,
            )
        )
    by_item = sorted(losses, key=lambda loss: loss.item)
    return _Inputs(_strongest(used), tuple(by_item), level)


def _strongest(used: Iterable[InputArtifact]) -> tuple[InputArtifact, ...]:
    """Return one input per W&B artifact; `available` gives way to a ground that says more."""
    best: dict[tuple[WandbRunId, str], InputArtifact] = {}
    for one in sorted(used, key=lambda one: one.ground == Ground.AVAILABLE.value):
        best.setdefault((one.producer, one.name), one)
    return tuple(sorted(best.values()))


# --- the W&B run itself ---------------------------------------------------------------------


def _planned_run(
    subject: _Subject, flow_run: FlowRun, lineage: Lineage, outputs: _Outputs, inputs: _Inputs
) -> PlannedRun:
    wandb_settings = dict(subject.settings.wandb)
    job_type = str(wandb_settings.pop("run_job_type", None) or subject.step.name)
    tags = (*flow_run.tags, *(wandb_settings.pop("run_tags", None) or ()))
    for settled in ("entity", "project", "run_group"):  # these are the plan's, not the step's
        wandb_settings.pop(settled, None)
    failed = any(task.state in _BAD_STATES for task in subject.tasks)
    started = [task.started_at for task in subject.tasks if task.started_at is not None]
    finished = [task.finished_at for task in subject.tasks if task.finished_at is not None]
    runtime = (max(finished) - min(started)) / 1000 if started and finished else None
    written = {name for task in subject.tasks for name in lineage.writes[task.pathspec]}
    return PlannedRun(
        id=subject.id,
        name=subject.name,
        job_type=names.shortened(job_type, names.JOB_TYPE_LIMIT),
        level=inputs.level,
        merged=subject.merged,
        tasks=tuple(_row(task, place) for place, task in enumerate(subject.tasks)),
        tags=tuple(sorted({names.shortened(tag, names.TAG_LIMIT) for tag in tags})),
        config={
            **{
                names.config_key(parameter.name): parameter.value
                for parameter in flow_run.parameters
                if parameter.kind != "constant"
            },
            "metaflow": {
                **describe_flow_run(flow_run),
                **describe_tasks(subject.step, subject.tasks),
                "pathspec": subject.name,
            },
        },
        summary={"metaflow": describe_outcome(subject.tasks, runtime)},
        values=outputs.values,
        inputs=inputs.artifacts,
        outputs=outputs.artifacts,
        cards=tuple(_cards(subject)),
        exit_code=1 if failed else 0,
        origin=describe_origin(subject.tasks[0]),
        started_at=min(started, default=None),
        runtime=runtime,
        passed_on=tuple(
            sorted({ref.name for task in subject.tasks for ref in task.artifacts} - written)
        ),
        switched_off=outputs.switched_off,
        losses=(*outputs.losses, *inputs.losses),
        wandb_settings=wandb_settings,
    )


def _cards(subject: _Subject) -> Iterable[PlannedCard]:
    """Yield the cards of all tasks; the only one of the only task is just "card"."""
    for task in subject.tasks:
        for place, card in enumerate(task.cards):
            parts = ["card"]
            if subject.merged:
                parts.append(_label(task))
            if len(task.cards) > 1:
                parts.append(card.id or f"{card.type}-{place}")
            yield PlannedCard("/".join(parts), task.pathspec, card)


_BAD_STATES = frozenset({TaskState.FAILED, TaskState.UNFINISHED})


def _label(task: Task) -> str:
    """Return the place of a task among its siblings: `3`, or `0/3` in a nested foreach."""
    return "/".join(str(place) for place in (*(f.index for f in task.foreach), *task.rounds)) or "0"


def _row(task: Task, place: int) -> TaskRow:
    started, finished = task.started_at, task.finished_at
    return TaskRow(
        pathspec=task.pathspec,
        row=task.index if len(task.foreach) == 1 and not task.rounds else place,
        label=_label(task),
        state=task.state.value,
        seconds=None if started is None or finished is None else (finished - started) / 1000,
        failure=None if task.failure is None else f"{task.failure.type}: {task.failure.message}",
    )
