"""Look-ahead: W&B and the ledger are queried in bulk for flow runs that come next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from mfwb.config import Settings
from mfwb.errors import ends_the_call
from mfwb.pipeline.selection import SelectedFlowRun
from mfwb.pipeline.sync_history import SyncHistory
from mfwb.planning import choose_group
from mfwb.ports import Destination, Sink

__all__ = ["LOOK_AHEAD", "look_ahead", "look_ahead_in_ledger"]

LOOK_AHEAD = 200  # flow runs whose W&B runs are queried with one request
_FEW = 3  # for this many flow runs, a request in bulk is not worth it


def look_ahead(
    selected: Iterable[SelectedFlowRun], settings: Settings, sink: Sink, history: SyncHistory
) -> Iterator[SelectedFlowRun]:
    """Yield flow runs, after W&B was queried in bulk for those that the ledger lacks.

    The ledger was queried for what it has of the others.
    """
    rest = look_ahead_in_ledger(selected, history)
    while chunk := list(islice(rest, LOOK_AHEAD)):
        groups_by_destination: dict[Destination, list[str]] = {}
        for flow_run in chunk:
            if flow_run.listed is not None and flow_run.error is None and history.is_new(flow_run):
                flow = flow_run.pathspec.flow
                group = choose_group(flow, str(flow_run.pathspec), settings)
                groups = groups_by_destination.setdefault(history.destination(flow), [])
                groups.append(group)
        for destination, groups in groups_by_destination.items():
            if len(groups) > _FEW and not settings.force:
                _prefetch(sink, destination, list(dict.fromkeys(groups)))
        yield from chunk


def look_ahead_in_ledger(
    selected: Iterable[SelectedFlowRun], history: SyncHistory
) -> Iterator[SelectedFlowRun]:
    """Yield flow runs, after the ledger was queried in bulk for what it has of them."""
    rest = iter(selected)
    while chunk := list(islice(rest, LOOK_AHEAD)):
        history.look_ahead(flow_run for flow_run in chunk if flow_run.error is None)
        yield from chunk


def _prefetch(sink: Sink, destination: Destination, groups: Sequence[str]) -> None:
    """Query W&B in bulk. If that fails, each flow run queries for itself, and fails alone."""
    try:
        sink.prefetch(destination, groups)
    except Exception as error:
        if ends_the_call(error):
            raise
