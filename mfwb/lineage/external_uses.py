"""What a flow run used of other flow runs: who made it, where these could be read, too."""

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
_MOST_TRIGGERS = 100
"""Flow runs; Metaflow names one for each flow in `@trigger_on_finish`."""


def read_triggering_runs(flow_run: FlowRun) -> tuple[str, ...]:
    """Return the flow runs whose end started this one; its first task says so."""
    texts = {text: None for task in flow_run.tasks if (text := task.metadata.get(_TRIGGERS))}
    found: dict[str, None] = {}
    for text in texts:
        for event in _events(text):
            if isinstance(event, dict) and event.get("type") == "run":
                found[flow_run_of(str(event.get("id", "")))] = None
            if len(found) == _MOST_TRIGGERS:
                return tuple(found)
    return tuple(found)


def _events(text: str) -> list[object]:
    try:
        events = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return events if isinstance(events, list) else []


def list_flow_runs_read(flow_run: FlowRun, lineage: Lineage) -> tuple[str, ...]:
    """Return the other flow runs that artifacts are read from, as far as they are named."""
    said = lineage.external_reads_of(flow_run.tasks)
    triggers = read_triggering_runs(flow_run)
    named = {read.flow_run for one in said for read in _reads(one, triggers)}
    return tuple(sorted(named - {flow_run.pathspec}))


def add_external_uses(
    flow_run: FlowRun,
    lineage: Lineage,
    others: Mapping[str, tuple[FlowRun, Lineage]],
    unread: Mapping[str, str],
) -> Lineage:
    """Return a lineage with the uses of what other flow runs made.

    Args:
        flow_run: the flow run.
        lineage: its own.
        others: flow runs and their lineages by pathspec.
        unread: why others of `list_flow_runs_read` could not be read.
    """
    triggers = read_triggering_runs(flow_run)
    holdings = {pathspec: _holdings(*other) for pathspec, other in others.items()}
    uses = {
        ExternalUse(
            Edge(consumer, read.artifact, held.producer, held.ref.sha1, _ground(said)), said
        )
        for consumer, all_said in lineage.externals.items()
        for said in all_said
        for read in _reads(said, triggers)
        if read.flow_run in others
        for holder in _holders(read, others[read.flow_run][0])
        if (held := holdings[read.flow_run][holder].get(read.artifact)) is not None
    }
    missed = {
        said: unread[read.flow_run]
        for said in lineage.external_reads_of(flow_run.tasks)
        for read in _reads(said, triggers)
        if read.flow_run in unread
    }
    return replace(
        lineage, external_uses=tuple(sorted(uses, key=lambda use: use.edge)), unread=missed
    )


def _ground(said: ExternalRead) -> Evidence:
    return Evidence.READ if said.sure else Evidence.AVAILABLE


@dataclass(frozen=True, slots=True)
class _Read:
    """An artifact of another flow run; without a task of any of the step, or of the last step."""

    flow_run: str
    artifact: str
    step: str | None = None
    task: str | None = None


def _reads(said: ExternalRead, triggers: Collection[str]) -> Iterator[_Read]:
    """Yield all that a read can mean, if it can be told.

    A flow may have got more runs since, so that its latest is nobody's guess.

    Args:
        said: as the code says it.
        triggers: the flow runs that started this one.
    """
    if said.parts:
        return  # values that are not known are part of its name
    if said.kind == "trigger":
        for run in triggers:
            yield from _named(f"{run}/{said.pathspec}".rstrip("/"), said.artifact)
    elif said.pathspec.count("/") != KINDS.index(said.kind):
        return  # no object of Metaflow's has such a name
    elif said.kind == "artifact":
        pathspec, artifact = owner_and_name(said.pathspec)
        yield from _named(pathspec, artifact)
    else:
        yield from _named(said.pathspec, said.artifact)


def _named(pathspec: str, artifact: str | None) -> Iterator[_Read]:
    flow, *rest = parts_of(pathspec)
    if artifact and 1 <= len(rest) <= _TO_A_TASK and ANY not in rest:
        yield _Read(f"{flow}/{rest[0]}", artifact, *rest[1:])


_TO_A_TASK = 3  # names below the flow: run, step, task


def _holders(read: _Read, other: FlowRun) -> list[str]:
    """Return the tasks whose artifact is read; a run hands out what its last step has."""
    step = read.step or other.end_step
    tasks = [task for task in other.tasks if task.step == step]
    return [task.pathspec for task in tasks if read.task in {None, task.id}]


def _holdings(flow_run: FlowRun, lineage: Lineage) -> Holdings:
    tasks = {task.pathspec: task for task in flow_run.tasks}
    return trace_holdings((tasks[one] for one in lineage.order), lineage.parents)
