"""Reader: a flow run of Metaflow's client -> snapshot.

It makes as few calls as possible: one per task for its metadata; then one batch from the datastore
for all artifact records of the tasks, and another one for their internal artifacts.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from mfwb.errors import SourceError
from mfwb.snapshot import FlowRun
from mfwb.source.artifact_records import ArtifactRecords
from mfwb.source.datastore.roots import DatastoreRoots
from mfwb.source.graph import GraphInfo, to_graph
from mfwb.source.source_code import find_code_packages, read_code
from mfwb.source.state import Liveness
from mfwb.source.task_metadata import RawRun, read_raw_run, still_has_no_outcome
from mfwb.source.to_snapshot import to_flow_run, to_parameters, to_task
from mfwb.source.typed_values import DamagedError

__all__ = ["assert_not_in_future", "read_flow_run"]

_CLOCK_TOLERANCE = 24 * 60 * 60 * 1000
"""Milliseconds; two clocks that are not synchronized may differ by so much."""


def read_flow_run(
    run: Any, provider: str, roots: DatastoreRoots, *, abandoned_after: float
) -> FlowRun:
    """Return the facts of a `metaflow.Run`, read with the namespace switched off.

    Args:
        run: the flow run.
        provider: of its metadata.
        roots: datastores from which its artifacts may be read.
        abandoned_after: seconds without activity after which the flow run counts as abandoned.

    Raises:
        SourceError: its records are damaged, or are where mfwb may not read.
        NotFound: it was deleted in the meantime.
        Unreachable: the metadata service does not answer.
    """
    now = time.time_ns() // 1_000_000
    raw = read_raw_run(run, provider, roots)
    assert_not_in_future(raw, provider, now)
    records = ArtifactRecords(raw.flow, roots.folders)
    records.read(raw.all_tasks)
    for task in raw.tasks:
        # A task that ended after its metadata was read may have recorded its outcome since.
        if (
            task.has_no_outcome
            and records.process_exit(task) is not None
            and still_has_no_outcome(task, provider)
        ):
            records.mark_dead(task)
    graph = _graph(raw, records)
    code, code_missing = read_code(raw.tasks, graph.steps, graph.file)
    flow_run = to_flow_run(
        raw,
        provider,
        [to_task(task, records, raw.parameters, graph) for task in raw.tasks],
        to_parameters(raw.parameters, records, graph) if raw.parameters else [],
        graph,
        liveness=Liveness(
            seen_at=_seen_at(raw, records, provider),
            heartbeat_at=_heartbeat_at(raw),
            abandoned_after=round(abandoned_after * 1000),
            now=time.time_ns() // 1_000_000,
        ),
        without_next={task.pathspec for task in raw.tasks if records.has_no_next(task)},
        exits={
            task.pathspec: process_exit
            for task in raw.tasks
            if (process_exit := records.process_exit(task)) is not None
        },
    )
    packages = find_code_packages(raw.tasks)
    return replace(flow_run, code=code, code_missing=code_missing, code_packages=packages)


def assert_not_in_future(raw: RawRun, provider: str, now: int) -> None:
    """Raise SourceError if a flow run starts in the future: it would always be the newest one."""
    if raw.started_at(provider) > now + _CLOCK_TOLERANCE:
        raise SourceError(
            f"{raw.flow}/{raw.id} has a start more than a day in the future: "
            "the clock of this machine is wrong, or that of the one where it ran"
        )


def _graph(raw: RawRun, records: ArtifactRecords) -> GraphInfo:
    if raw.parameters is None:
        return GraphInfo()
    try:
        return to_graph(records.internal(raw.parameters, "_graph_info"))
    except DamagedError as error:
        raise SourceError(f"{raw.flow}/{raw.id} can't be read: {error}") from None


def _seen_at(raw: RawRun, records: ArtifactRecords, provider: str) -> int:
    """Return the last activity in epoch ms; tags do not count, since people set them."""
    tasks = raw.all_tasks
    deaths = [died_at for task in tasks if (died_at := records.died_at(task)) is not None]
    started = raw.started_at(provider)
    return max([started, *(task.seen_at for task in tasks), *deaths])  # there may be no task yet


def _heartbeat_at(raw: RawRun) -> int | None:
    """Return the last heartbeat of the scheduler, in epoch ms; None if there is none."""
    return raw.record.last_heartbeat_ts * 1000 if raw.record.last_heartbeat_ts else None
