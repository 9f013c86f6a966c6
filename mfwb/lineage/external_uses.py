"""Artifacts of other flow runs that a flow run used, and the tasks that produced them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from mfwb.lineage.model import Edge, Evidence, ExternalUse, Lineage
from mfwb.lineage.producers import Holdings, trace_holdings
from mfwb.lineage.static_analysis import ANY, KINDS, ExternalRead
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import flow_run_of, owner_and_name, parts_of

__all__ = ["add_external_uses", "list_flow_runs_read", "read_triggering_runs"]

_TRIGGERS = "execution-triggers"
_TRIGGER_LIMIT = 100
"""Flow runs; Metaflow names one for each flow in `@trigger_on_finish`."""


def read_triggering_runs(flow_run: FlowRun) -> tuple[str, ...]:
    """Return the flow runs whose end started this one, from the metadata of its first task."""
    texts = {text: None for task in flow_run.tasks if (text := task.metadata.get(_TRIGGERS))}
    flow_runs: dict[str, None] = {}
    for text in texts:
        for event in _parse_events(text):
            if isinstance(event, dict) and event.get("type") == "run":
                flow_runs[flow_run_of(str(event.get("id", "")))] = None
            if len(flow_runs) == _TRIGGER_LIMIT:
                return tuple(flow_runs)
    return tuple(flow_runs)


def _parse_events(text: str) -> list[object]:
    try:
        events = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return events if isinstance(events, list) else []


def list_flow_runs_read(flow_run: FlowRun, lineage: Lineage) -> tuple[str, ...]:
    """Return the other flow runs whose artifacts this one reads, if their names are known."""
    read = lineage.external_reads_of(flow_run.tasks)
    triggers = read_triggering_runs(flow_run)
    named = {target.flow_run for read in read for target in _artifacts_read(read, triggers)}
    return tuple(sorted(named - {flow_run.pathspec}))


def add_external_uses(
    flow_run: FlowRun,
    lineage: Lineage,
    others: Mapping[str, tuple[FlowRun, Lineage]],
    unread: Mapping[str, str],
) -> Lineage:
    """Return the lineage with the uses of artifacts that other flow runs produced.

    Args:
        flow_run: the flow run.
        lineage: the lineage of the flow run.
        others: the other flow runs and their lineages, by pathspec.
        unread: why other flow runs of `list_flow_runs_read` could not be read, by pathspec.
    """
    triggers = read_triggering_runs(flow_run)
    holdings = {pathspec: _trace_holdings(*other) for pathspec, other in others.items()}
    uses = {
        ExternalUse(
            Edge(consumer, target.artifact, held.producer, held.ref.sha1, _evidence_of(read)),
            read,
            holder,
        )
        for consumer, reads in lineage.externals.items()
        for read in reads
        for target in _artifacts_read(read, triggers)
        if target.flow_run in others
        for holder in _find_holders(target, others[target.flow_run][0])
        if (held := holdings[target.flow_run][holder].get(target.artifact)) is not None
    }
    missed = {
        read: unread[target.flow_run]
        for read in lineage.external_reads_of(flow_run.tasks)
        for target in _artifacts_read(read, triggers)
        if target.flow_run in unread
    }
    return replace(
        lineage, external_uses=tuple(sorted(uses, key=lambda use: use.edge)), unread=missed
    )


def _evidence_of(read: ExternalRead) -> Evidence:
    return Evidence.READ if read.sure else Evidence.AVAILABLE


@dataclass(frozen=True, slots=True)
class _ReadArtifact:
    """An artifact of another flow run.

    Without a task, it is the artifact of any task of the step; without a step, of the last step.
    """

    flow_run: str
    artifact: str
    step: str | None = None
    task: str | None = None


def _artifacts_read(read: ExternalRead, triggers: Collection[str]) -> Iterator[_ReadArtifact]:
    """Yield all artifacts that a read can mean; none if that is not known.

    The latest run of a flow is not known: the flow may have got more runs since.

    Args:
        read: the read, as it is in the code.
        triggers: the flow runs that started this one.
    """
    if read.parts:
        return  # its pathspec contains values that are not known
    if read.kind == "trigger":
        for run in triggers:
            yield from _parse_target(f"{run}/{read.pathspec}".rstrip("/"), read.artifact)
    elif read.pathspec.count("/") != KINDS.index(read.kind):
        return  # no object of Metaflow has such a pathspec
    elif read.kind == "artifact":
        pathspec, artifact = owner_and_name(read.pathspec)
        yield from _parse_target(pathspec, artifact)
    else:
        yield from _parse_target(read.pathspec, read.artifact)


def _parse_target(pathspec: str, artifact: str | None) -> Iterator[_ReadArtifact]:
    flow, *rest = parts_of(pathspec)
    if artifact and 1 <= len(rest) <= _DEPTH_OF_TASK and ANY not in rest:
        yield _ReadArtifact(f"{flow}/{rest[0]}", artifact, *rest[1:])


_DEPTH_OF_TASK = 3  # names below the flow: run, step, task


def _find_holders(target: _ReadArtifact, other: FlowRun) -> list[str]:
    """Return the tasks whose artifact is read; `Run.data` has the artifacts of the last step."""
    step = target.step or other.end_step
    tasks = [task for task in other.tasks if task.step == step]
    return [task.pathspec for task in tasks if target.task in {None, task.id}]


def _trace_holdings(flow_run: FlowRun, lineage: Lineage) -> Holdings:
    tasks = {task.pathspec: task for task in flow_run.tasks}
    return trace_holdings((tasks[pathspec] for pathspec in lineage.order), lineage.parents)
