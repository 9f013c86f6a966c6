"""Lists flow runs for `mfwb ls`: of Metaflow's side the listing, and the states of those shown."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from mfwb.errors import NotFound, ends_the_call
from mfwb.flow_run_list import FlowInList, FlowRunInList, FlowRunList, Sync
from mfwb.pipeline.selection import SelectedFlowRun, Selection, select_flow_runs
from mfwb.ports import Source, SyncState
from mfwb.safe_text import first_line
from mfwb.snapshot import FlowRunState

__all__ = ["LIMIT", "list_flows", "list_selected"]

LIMIT = 20
"""Flow runs that are listed of each flow if the user sets no bound."""

_LOOK_AT = 200
"""Flow runs of each flow whose states are looked at to find the failed ones, without a bound."""

_READERS = 4
_FINAL = frozenset({FlowRunState.FINISHED.value, FlowRunState.FAILED.value})
_FAILED = frozenset({FlowRunState.FAILED.value, FlowRunState.ABANDONED.value})

FindSyncs = Callable[[str], dict[str, tuple[Sync, ...]]]
"""Takes a flow. Returns the syncs of its runs in the ledger, by pathspec."""


def list_flows(source: Source, find_syncs: FindSyncs, tags: Collection[str] = ()) -> FlowRunList:
    """Return all flows, each with its number of runs; a flow that can't be listed says why.

    Args:
        source: lists flows and their runs.
        find_syncs: of the ledger.
        tags: count only flow runs that have all of these, and leave out flows that have none.

    Raises:
        SourceError: the flows can't be listed.
        Unreachable: the source does not answer.
    """
    flows = [_flow(name, source, find_syncs, tags) for name in source.flows()]
    shown = [flow for flow in flows if flow.runs or flow.reason or not tags]
    return FlowRunList(source.provider, flows=tuple(sorted(shown, key=_newest_first)))


def _newest_first(flow: FlowInList) -> tuple[int, str]:
    return -flow.started_at, flow.flow


def _flow(name: str, source: Source, find_syncs: FindSyncs, tags: Collection[str]) -> FlowInList:
    try:
        listed = [run for run in source.list(name) if {*tags} <= {*run.tags, *run.system_tags}]
    except NotFound:  # it has no run
        return FlowInList(name)
    except Exception as error:
        if ends_the_call(error):
            raise
        return FlowInList(name, reason=first_line(error))
    synced = {pathspec for pathspec, syncs in find_syncs(name).items() if _is_synced(syncs)}
    newest = max(listed, key=lambda run: run.started_at, default=None)
    return FlowInList(
        name,
        runs=len(listed),
        newest=str(newest.pathspec) if newest else "",
        started_at=newest.started_at if newest else 0,
        synced=sum(str(run.pathspec) in synced for run in listed),
    )


def _is_synced(syncs: Iterable[Sync]) -> bool:
    return any(sync.entry.sync_state is SyncState.SYNCED for sync in syncs)


def list_selected(
    selection: Selection, source: Source, find_syncs: FindSyncs, *, limit: int | None = None
) -> FlowRunList:
    """Return the selected flow runs, newest first. Only those that are returned are read.

    Args:
        selection: the user's selection.
        source: lists flow runs, and reads them.
        find_syncs: of the ledger.
        limit: return this many of the newest of each flow, and count the others; None: all.

    Raises:
        NotFound: there is no such flow, or no such flow run.
        SourceError: the flows can't be listed.
        Unreachable: the source does not answer.
    """
    selected = select_flow_runs(selection, source, lambda _flow, _listed: ())
    by_flow: dict[str, list[SelectedFlowRun]] = {}
    for flow_run in sorted(selected, key=_start, reverse=True):
        by_flow.setdefault(flow_run.pathspec.flow, []).append(flow_run)
    shown: list[FlowRunInList] = []
    more = unseen = 0
    for flow, flow_runs in by_flow.items():
        describe = partial(
            _describe,
            source=source,
            syncs=find_syncs(flow),
            is_named=bool(selection.pathspecs),
        )
        if selection.failed is None:
            shown += _in_parallel(describe, flow_runs[:limit])
            more += len(flow_runs[limit:]) if limit else 0
        else:
            looked_at = flow_runs[: limit and _LOOK_AT]
            matching = [
                run
                for run in _in_parallel(describe, looked_at)
                if (run.state in _FAILED) is selection.failed
            ]
            shown += matching[:limit]
            more += len(matching[limit:]) if limit else 0
            unseen += len(flow_runs) - len(looked_at)
    shown.sort(key=lambda run: -run.started_at)
    return FlowRunList(source.provider, flow_runs=tuple(shown), more=more, unseen=unseen)


def _start(selected: SelectedFlowRun) -> int:
    return selected.listed.started_at if selected.listed else 0


def _in_parallel(
    describe: Callable[[SelectedFlowRun], FlowRunInList], flow_runs: Sequence[SelectedFlowRun]
) -> Iterator[FlowRunInList]:
    with ThreadPoolExecutor(_READERS) as executor:
        yield from executor.map(describe, flow_runs)


def _describe(
    selected: SelectedFlowRun,
    *,
    source: Source,
    syncs: dict[str, tuple[Sync, ...]],
    is_named: bool,
) -> FlowRunInList:
    """Return a flow run as it is listed; one that the user named, and that is not there, raises."""
    pathspec = str(selected.pathspec)
    listed = selected.listed
    known = FlowRunInList(
        pathspec,
        state="",
        started_at=listed.started_at if listed else 0,
        tags=listed.tags if listed else (),
        system_tags=listed.system_tags if listed else (),
        syncs=syncs.get(pathspec, ()),
    )
    final = next((sync.entry.state for sync in known.syncs if sync.entry.state in _FINAL), "")
    if final and listed:
        return replace(known, state=final)
    try:
        if selected.error is not None:
            raise selected.error  # noqa: TRY301 - it is treated as that of a read is
        flow_run = source.read(selected.pathspec)
    except Exception as error:
        if ends_the_call(error) or (is_named and isinstance(error, NotFound)):
            raise
        return replace(known, reason=first_line(error))
    return replace(
        known,
        state=flow_run.state.value,
        started_at=known.started_at or flow_run.started_at,
        tags=known.tags or tuple(sorted(flow_run.tags)),
        system_tags=known.system_tags or tuple(sorted(flow_run.system_tags)),
    )
