"""`mfwb backfill`: flow runs are planned in shards, and processes sync these at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from time import monotonic
from typing import TYPE_CHECKING, Any

from mfwb.api import watched, with_plugins
from mfwb.arguments import (
    Folder,
    PathspecsLike,
    SettingsArguments,
    flow_run_pathspecs,
    folder_path,
)
from mfwb.config import Settings, load_settings
from mfwb.destination import bundle_of, read_defaults
from mfwb.errors import UsageError
from mfwb.ledger import SqliteLedger, copy_entries, ledger_path, merge_ledgers
from mfwb.outcome import FlowRunOutcome, Result, ShardOutcome, ShardState, Status
from mfwb.pipeline.group_pages import with_group_pages
from mfwb.pipeline.selection import Selection, make_selection
from mfwb.ports import NoProgress, Progress, SimpleProgress
from mfwb.shards.document import read_shard_plan, write_shard_plan
from mfwb.shards.facts import choose
from mfwb.shards.folder import BackfillFolder
from mfwb.shards.model import ShardPlan
from mfwb.shards.partition import partition
from mfwb.shards.processes import ShardEnd, raise_if_none_began, run_shards
from mfwb.snapshot.pathspec import flow_of
from mfwb.version import __version__
from mfwb.wiring import wire, wire_sink

if TYPE_CHECKING:
    from typing_extensions import Unpack  # mypy knows it; Python 3.10 does not have it

__all__ = ["add_up", "backfill", "backfill_selection", "cores", "make_shard_plan"]

_HOW = frozenset({"workers", "max_requests_per_minute", "timeout", "wait", "strict"})
"""Settings that decide how a backfill works, and not what it does: a restart may have others."""


def backfill(  # noqa: PLR0913 - the ways to choose flow runs
    *pathspecs: PathspecsLike,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    shards: int,
    processes: int | None = None,
    dry_run: bool = False,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> Result:
    """Sync many flow runs by several processes of this machine, and return what was done.

    W&B ends as after one `sync` of the same flow runs. They are chosen once: a call with the same
    arguments carries on with the same choice, until all of it is done.

    Args:
        *pathspecs: as for `sync`, and so are all arguments that are not below.
        since: as for `sync`.
        until: as for `sync`.
        last: as for `sync`.
        every: as for `sync`.
        tags: as for `sync`.
        failed: as for `sync`.
        shards: how many parts of about the same work there are; beside them there may be one that
            is synced before, and one that is synced afterwards.
        processes: how many of them are synced at once; None: as many as this process has cores.
        dry_run: whether the shards are only planned.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: as for `plan`.
        **settings: as for `plan`, without `mode` offline.

    Returns:
        A result as of `sync`, with `shards`. A flow run that its shard did not reach has failed.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
        LockHeld: if another sync uses the same ledger for the same projects.
    """
    resolved = load_settings(settings, file=folder_path(config))
    selection = make_selection(
        flow_run_pathspecs(pathspecs),
        since=since,
        until=until,
        last=last,
        every=every,
        tags=tags,
        failed=failed,
        namespace=resolved.namespace,
    )
    given = {"since": since, "until": until}
    with watched(progress=progress) as watcher:
        return backfill_selection(
            selection,
            resolved,
            watcher,
            given=given,
            shards=shards,
            processes=processes,
            dry_run=dry_run,
        )


def backfill_selection(  # noqa: PLR0913 - what a call may be given, each by its name
    selection: Selection,
    settings: Settings,
    progress: Progress | None = None,
    *,
    given: Mapping[str, Any],
    shards: int,
    processes: int | None = None,
    dry_run: bool = False,
) -> Result:
    """Return what `backfill` returns, for a selection and settings that exist already.

    Args:
        selection: the flow runs.
        settings: of this call.
        progress: is notified of the work.
        given: the moments `since` and `until` as they were given: `24h` is another moment later.
        shards: how many.
        processes: how many are synced at once; None: as many as there are cores.
        dry_run: whether they are only planned.
    """
    began = monotonic()
    if bundle_of(settings, read_defaults()) is not None:
        raise UsageError(
            "a backfill writes to W&B, since a bundle has one ledger: leave out --mode offline, or "
            "sync each --shard into a --dir of its own"
        )
    if shards < 1 or (processes is not None and processes < 1):
        raise UsageError("a backfill needs at least one shard and one process")
    watcher = progress or NoProgress()
    request = _request(selection, settings, given, shards)
    folder = BackfillFolder.of(request)
    kept = read_shard_plan(folder.plan)
    plan = kept
    if plan is None:
        plan = make_shard_plan(
            selection, settings, watcher, shards=shards, request=request, may_ask=not dry_run
        )
    if dry_run:
        return _planned(plan, _remarks(kept))
    with _locked(plan, settings):
        kept = read_shard_plan(folder.plan)  # another backfill may have ended, or begun, meanwhile
        plan = kept or plan
        result = _run(plan, folder, settings, watcher, processes or cores(), is_new=kept is None)
    return Result(
        "backfill",
        result.flow_runs,
        notes=(*_remarks(kept), *result.notes),
        shards=result.shards,
        seconds=monotonic() - began,
    )


def make_shard_plan(  # noqa: PLR0913 - as above
    selection: Selection,
    settings: Settings,
    progress: Progress,
    *,
    shards: int,
    request: Mapping[str, Any],
    may_ask: bool,
) -> ShardPlan:
    """Return the shards of selected flow runs; nothing is written.

    Args:
        selection: the flow runs.
        settings: of this call.
        progress: is notified of the work.
        shards: how many.
        request: what the user asked for.
        may_ask: whether W&B may be asked for an entity that was not given.

    Raises:
        UsageError: for settings that Metaflow or W&B refuse.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
    """
    settings = with_plugins(settings)
    with wire(settings, progress, may_ask=may_ask, read_only=True) as parts:
        chosen = choose(selection, settings, parts)
        return ShardPlan(
            mfwb=__version__,
            provider=parts.source.provider,
            created_at=time.time_ns() // 1_000_000,
            request=dict(request),
            failed=selection.failed,
            shards=partition(chosen.flow_runs, shards),
            skipped=chosen.skipped,
            notes=tuple(chosen.notes),
        )


def add_up(plan: ShardPlan, ends: Sequence[ShardEnd]) -> Result:
    """Return the result of a backfill.

    Args:
        plan: of the backfill.
        ends: how each shard of the plan ended.
    """
    by_name = {end.name: end for end in ends}
    outcomes = [
        outcome
        for shard in plan.shards
        for outcome in by_name[shard.name].complete(shard.flow_runs)
    ]
    skipped = [_skipped(name, reason) for name, reason in plan.skipped.items()]
    notes = dict.fromkeys([*plan.notes, *(note for end in ends for note in end.notes)])
    return Result(
        "backfill",
        with_group_pages([*outcomes, *skipped]),
        notes=tuple(notes),
        shards=_shard_outcomes(plan, by_name),
    )


def _shard_outcomes(plan: ShardPlan, ends: Mapping[str, ShardEnd]) -> tuple[ShardOutcome, ...]:
    """Return the shards of a result; those without an end are only planned."""
    return tuple(
        ShardOutcome(
            name=shard.name,
            state=_state(ends.get(shard.name), shard.flow_runs),
            reason=ends[shard.name].error or None if shard.name in ends else None,
            flow_runs=len(shard.flow_runs),
            wandb_runs=shard.wandb_runs,
            requests=shard.requests,
            since=shard.since,
            until=shard.until,
        )
        for shard in plan.shards
    )


def _state(end: ShardEnd | None, flow_runs: Sequence[str]) -> ShardState:
    if end is None:
        return ShardState.PLANNED
    failed = any(outcome.status is Status.FAILED for outcome in end.complete(flow_runs))
    return ShardState.FAILED if end.error or failed else ShardState.DONE


def _request(
    selection: Selection, settings: Settings, given: Mapping[str, Any], shards: int
) -> dict[str, Any]:
    """Return what is asked for, as JSON: the same call again leads to the same backfill."""
    names = {name for name in settings.model_fields_set - _HOW if name != "plugins"}
    return {
        "pathspecs": [str(pathspec) for pathspec in selection.pathspecs],
        **{name: value and str(value) for name, value in given.items()},
        "last": selection.last,
        "every": selection.every,
        "tags": list(selection.tags),
        "failed": selection.failed,
        "shards": shards,
        "settings": settings.model_dump(mode="json", include=names),
        "defaults": repr(read_defaults()),
    }


def _remarks(kept: ShardPlan | None) -> tuple[str, ...]:
    """Return a remark if an earlier call made the choice: flow runs that started since lack."""
    if kept is None:
        return ()
    at = datetime.fromtimestamp(kept.created_at / 1000, tz=timezone.utc)
    chosen = f"this carries on with the flow runs that were chosen on {at:%Y-%m-%d at %H:%M} UTC"
    return (f"{chosen}; `mfwb sync` syncs those that started since",)


def _planned(plan: ShardPlan, remarks: tuple[str, ...]) -> Result:
    skipped = [_skipped(name, reason) for name, reason in plan.skipped.items()]
    planned = [FlowRunOutcome(name, Status.PLANNED) for name in plan.flow_runs]
    return Result(
        "backfill",
        (*planned, *skipped),
        notes=(*remarks, *plan.notes),
        shards=_shard_outcomes(plan, {}),
    )


def _skipped(pathspec: str, reason: str) -> FlowRunOutcome:
    return FlowRunOutcome(pathspec, Status.SKIPPED, reason=reason)


@contextmanager
def _locked(plan: ShardPlan, settings: Settings) -> Iterator[None]:
    """Hold the locks of all projects in the user's ledger, as a sync does; LockHeld."""
    flows = {flow_of(name) for name in plan.flow_runs}
    with wire_sink(settings) as sink:
        destinations = {sink.destination(flow) for flow in flows}
    with SqliteLedger.open(ledger_path(None)) as ledger:
        lock = ledger.lock(destinations, wait=settings.wait)
    with lock:
        yield


def _run(  # noqa: PLR0913 - what a backfill works with
    plan: ShardPlan,
    folder: BackfillFolder,
    settings: Settings,
    progress: Progress,
    processes: int,
    *,
    is_new: bool,
) -> Result:
    """Sync all shards, merge their ledgers, and forget the choice if all is done."""
    own = ledger_path(None)
    folder.make()
    if is_new:
        write_shard_plan(folder.plan, plan)
    for shard in plan.shards:
        # So that a shard knows what was deleted in W&B, and what an earlier sync did not finish.
        folder.make(shard.name)
        copy_entries(folder.ledger(shard.name), own, frozenset(shard.flow_runs))
    progress.selected(len(plan.flow_runs))
    ends = run_shards(plan, folder, settings, progress, processes=processes)
    merge_ledgers(own, (folder.ledger(shard.name) for shard in plan.shards))
    raise_if_none_began(ends)
    result = add_up(plan, ends)
    if not result.failed:
        with suppress(OSError):  # it is complete, so that a restart would find nothing to do
            folder.remove()
    return result


def cores() -> int:
    """Return how many cores this process may use."""
    with suppress(AttributeError):  # macOS has no affinity
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
