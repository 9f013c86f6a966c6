"""A flow run of Metaflow's client -> snapshot.

Read with as few calls as possible: per task one for its metadata; then all that the tasks wrote
about their artifacts in one batch from the datastore, and their internal artifacts in another.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from mfwb.snapshot import FlowRun
from mfwb.source.code import read_code
from mfwb.source.convert import to_flow_run, to_parameters, to_task
from mfwb.source.graph import to_graph
from mfwb.source.raw import RawTask, read_parameters_task, read_raw
from mfwb.source.starting import started_at
from mfwb.source.state import Life
from mfwb.source.stored import Stored

__all__ = ["read_flow_run"]

_THREADS = 4  # for a service, whose answers are waited for


def read_flow_run(run: Any, provider: str, *, abandoned_after: float) -> FlowRun:
    """Return the facts of a `metaflow.Run`, read with the namespace switched off.

    Args:
        run: the flow run.
        provider: of its metadata.
        abandoned_after: seconds without a sign of life after which nothing more will come.
    """
    begun = time.time_ns() // 1_000_000
    steps = list(run)
    tasks = [task for step in steps for task in step]
    raws = _read_all(tasks, provider)
    parameters = read_parameters_task(run, provider)
    stored = Stored(run.path_components[0], begun)
    everything = [*raws, *([parameters] if parameters else [])]
    stored.read(everything)
    graph = (parameters and stored.internal(parameters, "_graph_info")) or {}
    steps_then = to_graph(graph)
    code, code_missing = read_code(raws, steps_then, str(graph.get("file", "")))
    flow_run = to_flow_run(
        run,
        provider,
        [to_task(raw, stored, parameters) for raw in raws],
        to_parameters(parameters, stored, graph) if parameters else [],
        graph,
        life=Life(
            seen_at=_seen_at(run, everything, stored, provider),
            heartbeat_at=_heartbeat_at(run),
            abandoned_after=round(abandoned_after * 1000),
            now=time.time_ns() // 1_000_000,
        ),
    )
    return replace(flow_run, graph=steps_then, code=code, code_missing=code_missing)


def _seen_at(run: Any, raws: list[RawTask], stored: Stored, provider: str) -> int:
    """Return the last sign of life in epoch ms; a tag is none, for people set those."""
    deaths = [died_at for raw in raws if (died_at := stored.died_at(raw)) is not None]
    return max(started_at(run, provider), *(raw.seen_at for raw in raws), *deaths)


def _heartbeat_at(run: Any) -> int | None:
    heartbeat = run._object.get("last_heartbeat_ts")  # noqa: SLF001 - the client hides the heart
    return int(heartbeat) * 1000 if heartbeat else None


def _read_all(tasks: list[Any], provider: str) -> list[RawTask]:
    if provider.startswith("local@"):  # nothing is waited for, and a thread costs a tenth
        return [read_raw(task, provider) for task in tasks]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda task: read_raw(task, provider), tasks))
