"""Forgets flow runs: removes their ledger entries and, if asked to, their W&B runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from mfwb.errors import SinkError, ends_the_call
from mfwb.forgotten import ForgottenFlowRun
from mfwb.ports import Entry, Ledger, OwnRun, Sink
from mfwb.safe_text import first_line
from mfwb.snapshot.pathspec import FlowRunId

__all__ = ["FindEntry", "forget_entries", "look_up"]

FindEntry = Callable[[Entry], Entry | None]
"""Takes an entry. Returns it with its outcome, as it is now; None if it is not there any more."""


def look_up(entries: Iterable[Entry], sink: Sink | None) -> list[ForgottenFlowRun]:
    """Return what would be removed for some entries, which have their outcomes.

    Args:
        entries: of the ledger.
        sink: where W&B runs would be deleted; None: none would be.
    """
    return [_looked_up(entry, sink)[0] for entry in entries]


def _looked_up(entry: Entry, sink: Sink | None) -> tuple[ForgottenFlowRun, list[OwnRun]]:
    kept = _count_artifacts(entry)
    if sink is None or entry.destination.mode != "online":
        return ForgottenFlowRun(entry, kept_artifacts=kept), []
    try:
        own, others = sink.find_own_runs(
            entry.destination,
            FlowRunId(entry.flow_run, entry.provider, entry.started_at),
            group=(entry.outcome and entry.outcome.group) or entry.flow_run,
            wandb_runs=[run.id for run in (entry.outcome.wandb_runs if entry.outcome else ())],
        )
    except Exception as error:
        if ends_the_call(error):
            raise
        return ForgottenFlowRun(entry, reason=first_line(error)), []
    names = tuple((run.id, run.name) for run in own)
    return ForgottenFlowRun(entry, names, kept_runs=others, kept_artifacts=kept), own


def _count_artifacts(entry: Entry) -> int:
    """Return how many versions of W&B artifacts the last sync logged or found."""
    runs = entry.outcome.wandb_runs if entry.outcome else ()
    return len({(output.name, output.version) for run in runs for output in run.outputs})


def forget_entries(
    entries: Sequence[Entry], ledger: Ledger, find: FindEntry, sink: Sink | None
) -> list[ForgottenFlowRun]:
    """Remove entries, whose locks are held, and return what was removed.

    With a sink, a flow run's W&B runs are deleted first. The ledger notes beforehand which these
    are. So if this is killed, the next call goes on; or the next sync, to which nothing that is
    missing counts as deleted by somebody else, writes it anew.
    """
    now = [found for entry in entries if (found := find(entry)) is not None]
    if sink is None:
        ledger.remove(now)
        return look_up(now, None)
    return [_delete(entry, ledger, sink) for entry in now]


def _delete(entry: Entry, ledger: Ledger, sink: Sink) -> ForgottenFlowRun:
    forgotten, own = _looked_up(entry, sink)
    if forgotten.reason:
        return forgotten
    if foreign := [run.name for run in own if run.is_open and run.writer != ledger.id]:
        return replace(
            forgotten,
            wandb_runs=(),
            reason=f"another machine may be writing {foreign[0]}; try again when it has ended",
        )
    if own:
        ledger.begin_deletion(entry, [run.id for run in own])
    deleted: list[tuple[str, str]] = []
    try:
        for run in own:
            sink.delete_run(entry.destination, run)
            deleted.append((run.id, run.name))
    except SinkError as error:
        return replace(forgotten, wandb_runs=tuple(deleted), reason=str(error))
    ledger.remove([entry])
    return forgotten
