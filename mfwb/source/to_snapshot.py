"""Conversion of metadata and artifact records into the snapshot. Nothing is read here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mfwb.errors import SourceError
from mfwb.snapshot import (
    ArtifactRef,
    Attempt,
    Card,
    Failure,
    FlowRun,
    FlowRunState,
    ForeachFrame,
    Loss,
    Parameter,
    Step,
    Task,
    TaskState,
)
from mfwb.snapshot.checkpoints import StoredReference
from mfwb.snapshot.identifiers import is_path_part, is_run_id, is_sha1
from mfwb.snapshot.pathspec import TaskPath
from mfwb.source.artifact_records import ArtifactRecords
from mfwb.source.card_records import to_cards
from mfwb.source.checkpoint_records import to_loaded_keys
from mfwb.source.datastore import internal_artifacts
from mfwb.source.graph import GraphInfo, sort_steps, sort_tasks
from mfwb.source.json_records import AttemptRecord
from mfwb.source.process_exits import ProcessExit
from mfwb.source.scheduler_exit import has_given_up
from mfwb.source.state import Liveness, determine_state
from mfwb.source.task_metadata import RawRun, RawTask
from mfwb.source.typed_values import DamagedError

__all__ = ["to_flow_run", "to_parameters", "to_task"]

_CONFIG_METADATA = (
    "user",
    "runtime",
    "python_version",
    "metaflow_version",
    "script-name",
    "git-info",
    "code-package",
    "execution-triggers",
    "aws-batch-job-id",
    "ec2-region",
    "kubernetes-pod-name",
    "kubernetes-pod-namespace",
    "argo-workflow-name",
    "argo-workflow-namespace",
    "aws-step-functions-execution",
    "airflow-dag-run-id",
)
"""Task metadata that goes into W&B's config; the rest is internal to Metaflow."""


def _to_refs(record: AttemptRecord) -> dict[str, ArtifactRef]:
    return {
        name: ArtifactRef(
            name=name,
            sha1=sha,
            size=details.size or 0,
            type=_type_name(details.type or ""),
            encoding=details.encoding,
        )
        for name, sha in sorted(record.objects.items())
        for details in (record.artifact(name),)
    }


def _type_name(recorded: str) -> str:
    """Return `pandas.DataFrame` of `<class 'pandas.DataFrame'>`."""
    return recorded.removeprefix("<class '").removesuffix("'>")


def to_task(
    raw: RawTask, records: ArtifactRecords, parameters: RawTask | None, graph: GraphInfo
) -> Task:
    """Return one task, without the artifacts that Metaflow copied into it from `_parameters`.

    SourceError if its records are not as Metaflow writes them.
    """
    try:
        return _to_task(raw, records, parameters, graph)
    except DamagedError as error:
        raise SourceError(f"{raw.pathspec} can't be read: {error}") from None


def _to_task(
    raw: RawTask, records: ArtifactRecords, parameters: RawTask | None, graph: GraphInfo
) -> Task:
    attempts = _with_death(raw.attempts, records.died_at(raw))
    shared = records.record(parameters).objects if parameters else {}
    refs = _to_refs(records.record(raw))
    own_artifacts = tuple(
        ref
        for name, ref in refs.items()
        if name not in internal_artifacts.INTERNAL_NAMES and shared.get(name) != ref.sha1
    )
    caught = _failure(raw, records, "_catch_exception")
    state = _state(attempts, records.internal(raw, "_success"))
    attempts = tuple(
        _with_failure(attempt, _failure(raw, records, "_exception", attempt.number))
        for attempt in attempts
    )
    return Task(
        pathspec=raw.pathspec,
        state=state,
        attempts=attempts,
        artifacts=own_artifacts,
        transition=internal_artifacts.to_transition(records.internal(raw, "_transition")),
        foreach=_frames(raw, records),
        is_control=_is_control(raw, records),
        rounds=internal_artifacts.to_rounds(records.internal(raw, "_iteration_stack")),
        origin=_origin(raw),
        failure=caught if state is TaskState.CAUGHT else _last_failure(state, attempts),
        datastore=raw.datastore,
        metadata={
            name: value for name in _CONFIG_METADATA if (value := raw.value(name)) is not None
        },
        cards=tuple(card for card in _cards(raw, attempts, graph) if isinstance(card, Card)),
        saved=_saved(raw, records),
        loaded=to_loaded_keys(raw.records, since=_own_start(raw, attempts)),
    )


def _saved(raw: RawTask, records: ArtifactRecords) -> tuple[StoredReference, ...]:
    """Return the checkpoints and models that a task saved; those of a clone are its origin's."""
    origin = _origin(raw)
    values = (records.internal(raw, name) for name in internal_artifacts.SAVED_NAMES)
    owners = (raw.pathspec,) if origin is None else (raw.pathspec, origin)
    return internal_artifacts.to_saved(values, owners)


def _failure(
    raw: RawTask, records: ArtifactRecords, name: str, attempt: int | None = None
) -> Failure | None:
    read = internal_artifacts.to_failure(records.internal(raw, name, attempt))
    return read or internal_artifacts.describe_unread_failure(records.size(raw, name, attempt))


def _frames(raw: RawTask, records: ArtifactRecords) -> tuple[ForeachFrame, ...]:
    """Return the foreach frames of a task; a killed task has them in its metadata, if at all."""
    stack = records.internal(raw, "_foreach_stack")
    if stack is None:
        return internal_artifacts.to_path(raw.value("foreach-execution-path"))
    return internal_artifacts.to_frames(stack)


def _is_control(raw: RawTask, records: ArtifactRecords) -> bool:
    """Return whether a task is the control task of an unbounded foreach."""
    stack = records.internal(raw, "_foreach_stack")
    if stack is None:
        return internal_artifacts.is_control_path(raw.value("foreach-execution-path"))
    return internal_artifacts.is_control_stack(stack)


def _with_death(attempts: tuple[Attempt, ...], died_at: int | None) -> tuple[Attempt, ...]:
    """Mark the latest attempt as failed if it died without recording an outcome."""
    if died_at is None:
        return attempts
    return *attempts[:-1], replace(attempts[-1], ok=False, finished_at=died_at)


def _with_failure(attempt: Attempt, failure: Failure | None) -> Attempt:
    return attempt if attempt.ok else replace(attempt, failure=failure)


def _last_failure(state: TaskState, attempts: Sequence[Attempt]) -> Failure | None:
    return attempts[-1].failure if attempts and state is TaskState.FAILED else None


def _state(attempts: Sequence[Attempt], success: Any) -> TaskState:
    last = attempts[-1].ok if attempts else None
    if last is None:
        return TaskState.UNFINISHED
    if not last:
        return TaskState.FAILED
    return TaskState.CAUGHT if success is False else TaskState.OK


def _origin(raw: RawTask) -> str | None:
    """Return the task that this one is a clone of. A fresh task's origin-run-id is "None"."""
    run, task = raw.value("origin-run-id"), raw.value("origin-task-id")
    if run is None or task is None:
        return None
    flow, _, step, _ = raw.path
    if not (is_run_id(run) and is_path_part(task)):
        raise DamagedError("its origin is not a task")
    return str(TaskPath(flow, run, step, task))


def _cards(raw: RawTask, attempts: Sequence[Attempt], graph: GraphInfo) -> list[Card | Loss]:
    """Return the cards of a task; a clone has those of its origin, which are older."""
    declared = graph.cards.get(raw.path[2], {})
    since = _own_start(raw, attempts)
    return list(to_cards(raw.pathspec, raw.records, declared, since=since))


def _own_start(raw: RawTask, attempts: Sequence[Attempt]) -> int:
    """Return when the latest attempt began; 0 for a clone, whose records are of its origin."""
    attempt_start = attempts[-1].started_at if attempts and _origin(raw) is None else None
    return attempt_start or 0


def _losses(tasks: Sequence[RawTask], graph: GraphInfo) -> Iterator[Loss]:
    clones = Counter(raw.deleted_origin for raw in tasks if raw.deleted_origin)
    for origin, count in sorted(clones.items()):
        yield Loss(  # its text is part of the plan's digest
            f"what Metaflow recorded with {origin}",
            f"{count} tasks were cloned from it, and it was deleted: their cards, their code, and "
            "what else only their origins had are gone",
        )
    for raw in tasks:
        cards = _cards(raw, raw.attempts, graph)
        yield from (loss for loss in cards if isinstance(loss, Loss))


def to_parameters(
    parameters: RawTask, records: ArtifactRecords, graph: GraphInfo
) -> list[Parameter]:
    """Return parameters, configs, included files and constants, sorted by name."""
    refs = _to_refs(records.record(parameters))
    kinds = graph.kinds
    if not graph.is_recorded:  # written before Metaflow recorded its graph
        kinds = {name: "Parameter" for name in refs if not name.startswith("_") and name != "name"}
    return [
        Parameter(name, kind, refs[name], _included(name, refs[name], records))
        for name, kind in sorted(kinds.items())
        if name in refs
    ]


def _included(name: str, ref: ArtifactRef, records: ArtifactRecords) -> dict[str, Any] | None:
    """Return the config value of an IncludeFile; Metaflow does not record the file's own name."""
    included = internal_artifacts.to_included(records.decoded(ref.sha1))
    if included is None:
        return None
    sha1 = included.url.rsplit("/", 1)[-1] if included.is_uploaded else ""
    return {"name": name, "size": included.size, "sha1": sha1 if is_sha1(sha1) else None}


def to_flow_run(  # noqa: PLR0913 - one for each thing that was read
    run: RawRun,
    provider: str,
    tasks: Sequence[Task],
    parameters: Sequence[Parameter],
    graph: GraphInfo,
    *,
    liveness: Liveness,
    exits: Mapping[str, ProcessExit],
    without_next: Collection[str],
) -> FlowRun:
    """Return the snapshot of a flow run.

    Args:
        run: the provider's metadata of it.
        provider: of the metadata.
        tasks: its tasks, converted.
        parameters: its parameters, converted.
        graph: as recorded.
        liveness: when it was last known to be alive.
        exits: how the processes of unsuccessful tasks ended, by pathspec.
        without_next: pathspecs of tasks that are known to have taken no `self.next`.
    """
    types = {step.name: step.type for step in graph.steps}
    ended = [task.finished_at for task in tasks if task.finished_at is not None]
    state = determine_state(
        tasks,
        end_step=graph.end_step,
        retries=graph.retries,
        liveness=liveness,
        has_given_up=has_given_up(tasks, exits, graph, without_next=without_next),
    )
    by_step: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        by_step[task.step].append(task)
    return FlowRun(
        flow=run.flow,
        id=run.id,
        state=state,
        provider=provider,
        user=run.record.user_name,
        started_at=run.started_at(provider),
        finished_at=max(ended, default=None) if state is not FlowRunState.RUNNING else None,
        tags=tuple(sorted({*(run.record.tags or ())})),
        system_tags=tuple(sorted({*(run.record.system_tags or ())})),
        parameters=tuple(parameters),
        steps=tuple(
            Step(
                name=name,
                tasks=sort_tasks(by_step[name]),
                type=types.get(name),
                doc=graph.docs.get(name, ""),
            )
            for name in sort_steps(tasks, graph.start_step)
        ),
        start_step=graph.start_step,
        end_step=graph.end_step,
        doc=graph.doc,
        losses=tuple(_losses(run.tasks, graph)),
        graph=graph.steps,
    )
