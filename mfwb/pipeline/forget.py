"""Forgets flow runs: removes their ledger entries and, if asked to, their W&B runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from mfwb.config import Settings
from mfwb.errors import NotFound, SinkError, UsageError, ends_the_call
from mfwb.forgotten import Forgotten, ForgottenFlowRun
from mfwb.ports import Entry, Ledger, OwnRun, Sink
from mfwb.safe_text import first_line
from mfwb.snapshot.pathspec import LATEST, FlowRunId, Pathspec, flow_of, parse

__all__ = [
    "FindEntry",
    "ForgetRequest",
    "forget_entries",
    "forget_flow_runs",
    "look_up",
    "parse_request",
    "refuse_unknown",
]

FindEntry = Callable[[Entry], Entry | None]
"""Takes an entry. Returns it with its outcome, as it is now; None if it is not there any more."""


@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """What the user wants to be forgotten.

    Attributes:
        pathspecs: flow runs and flows; empty: all.
        deletes: whether W&B runs are deleted, too.
    """

    pathspecs: tuple[Pathspec, ...]
    deletes: bool


def parse_request(
    pathspecs: Iterable[str], settings: Settings, *, every: bool, deletes: bool
) -> ForgetRequest:
    """Return what is requested; UsageError if that could be more than the user means."""
    requested = tuple(parse(text) for text in pathspecs)
    if any(pathspec.run == LATEST for pathspec in requested):
        raise UsageError("give flow runs by their ids: what is the latest one may change meanwhile")
    if not (requested or every or {"entity", "project", "dir"} & settings.explicit):
        raise UsageError("give flow runs or flows to forget, --project NAME, or --all")
    return ForgetRequest(requested, deletes)


def forget_flow_runs(  # noqa: PLR0913 - what it works with
    request: ForgetRequest,
    settings: Settings,
    ledger: Ledger,
    open_sink: Callable[[], AbstractContextManager[Sink]],
    *,
    path: Path,
    confirm: Callable[[Forgotten], bool] | None,
) -> Forgotten:
    """Remove the requested flow runs from a ledger, and their W&B runs if that is requested.

    Args:
        request: of the user.
        settings: an entity or a project that is given selects, too.
        ledger: an open one.
        open_sink: opens W&B; it is called only if W&B runs are deleted.
        path: of the ledger's file.
        confirm: takes what would be removed, and returns whether that is done; None: nothing is.

    Raises:
        NotFound: the ledger has no such flow run.
        LockHeld: a sync of one of these projects is running.
        Unreachable: W&B can't be reached, or refuses the credentials.
    """
    entries = [entry for entry in ledger.entries() if _is_selected(entry, request, settings)]
    refuse_unknown(request, entries)

    def find(entry: Entry) -> Entry | None:
        return ledger.entry(entry.flow_run, entry.provider, entry.destination)

    with ExitStack() as stack:
        sink = stack.enter_context(open_sink()) if request.deletes and entries else None
        planned = look_up(filter(None, map(find, entries)), sink)
        plan = Forgotten(str(path), tuple(planned), is_plan=True, deletes=request.deletes)
        if confirm is None or not entries or not confirm(plan):
            return plan
        with ledger.lock({entry.destination for entry in entries}, wait=settings.wait):
            done = forget_entries(entries, ledger, find, sink)
    return replace(plan, flow_runs=tuple(done), is_plan=False)


def refuse_unknown(request: ForgetRequest, entries: Sequence[Entry]) -> None:
    """Raise NotFound if none of the ledger's entries is of a flow or a flow run that was named."""
    for wanted in request.pathspecs:
        if not any(_is_of(entry, wanted) for entry in entries):
            raise NotFound(f"the ledger has no {wanted}; `mfwb status` shows what it has")


def _is_selected(entry: Entry, request: ForgetRequest, settings: Settings) -> bool:
    if request.pathspecs and not any(_is_of(entry, wanted) for wanted in request.pathspecs):
        return False
    return all(
        getattr(entry.destination, name) == getattr(settings, name)
        for name in ("entity", "project")
        if name in settings.explicit
    )


def _is_of(entry: Entry, wanted: Pathspec) -> bool:
    return str(wanted) in (entry.flow_run, flow_of(entry.flow_run))


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
    now = [*filter(None, map(find, entries))]
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
