"""The functions of `mfwb` that users import; the command line calls them, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mfwb.arguments import (
    Folder,
    PathspecLike,
    PathspecsLike,
    SettingsArguments,
    flow_names,
    flow_run_pathspecs,
    folder_path,
    pathspec_text,
    read_subset,
)
from mfwb.config import Settings, load_settings
from mfwb.crash_log import BugLogs
from mfwb.destination import bundle_of, entity_and_project, project_of, read_defaults
from mfwb.errors import LockHeld, UsageError
from mfwb.files.home_folder import expand_home
from mfwb.flow_run_list import FlowRunList, Sync
from mfwb.forgotten import Forgotten
from mfwb.ledger import (
    StatusFilter,
    find_entries,
    known_flow_runs,
    ledger_path,
    put_aside_if_damaged,
    read_entries,
    read_sync_status,
)
from mfwb.notebook_display import set_html_renderer
from mfwb.outcome import Result, Status
from mfwb.pipeline import (
    Parts,
    PlannedFlowRun,
    Rebuilt,
    apply_plan,
    make_plan_file,
    plan_flow_runs,
    push_flow_runs,
    rebuild_ledgers,
    retry_with_new_ledger,
    sync_flow_runs,
)
from mfwb.pipeline.reading import TracedFlowRun, trace
from mfwb.pipeline.selection import (
    SELECTORS,
    Selection,
    make_selection,
    read_moment,
    read_shard,
    resolve_flow_run,
)
from mfwb.plan_file import PlanFile, check_plan_path, read_plan, write_plan
from mfwb.ports import Entry, NoProgress, Progress, SimpleProgress, as_progress
from mfwb.snapshot.pathspec import LATEST, parse
from mfwb.sync_status import KnownFlowRun, SyncStatus
from mfwb.units.subsets import NOTHING, Subset
from mfwb.verification.repair import repair as repair_differences
from mfwb.verification_outcome import FlowRunVerification, Verification

if TYPE_CHECKING:
    from typing_extensions import Unpack  # mypy knows it; Python 3.10 does not have it

    from mfwb.diagnosis import Diagnosis
    from mfwb.pipeline.explain import Explanation
    from mfwb.report.html import HtmlReport

__all__ = [
    "Rebuilt",
    "SyncStatus",
    "TracedFlowRun",
    "doctor",
    "explain",
    "lineage",
    "plan",
    "push",
    "rebuild",
    "report",
    "status",
    "sync",
    "verify",
]


def plan(  # noqa: PLR0913 - the ways to choose flow runs
    *pathspecs: PathspecsLike,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    shard: str | None = None,
    online: bool = False,
    out: Folder | None = None,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> Result:
    """Return what `sync` with the same arguments would do. Nothing is written.

    Without `online`, no request is sent to W&B: what was synced before is known from the ledger.

    Args:
        *pathspecs: `Flow/123`, `Flow/latest`, or `Flow` with `since`, `until`, `last` or `every`;
            objects of Metaflow's client, as in `metaflow.Run("Flow/123")`; or lists of these.
            Without any: every flow, with `since`, `until`, `last` or `every`.
        since: only flow runs that started then or later, and those that an earlier sync left open:
            as on the command line (`24h`, `2026-11-01`), a datetime (local, if it has no time
            zone), or epoch ms.
        until: only flow runs that started before, in the same forms.
        last: only so many of the newest flow runs of each flow.
        every: all flow runs.
        tags: only flow runs with all of these tags, the user's or Metaflow's own.
        failed: only flow runs that failed (True), or only the others (False); None: both.
        shard: only one part of all these flow runs: "3/20" is the third of 20 parts, which have no
            flow run in common and together have all. docs/backfill.md has the rule.
        online: whether W&B is asked, too: for what it has, what was deleted, and what others wrote.
        out: a file for the plan, which `sync(plan=...)` carries out; None: none is written.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: True shows it on stderr: on a terminal, in a notebook, or as lines; or an object
            with the methods of `mfwb.ports.Progress`, which are called as the work goes on.
        **settings: settings as in docs/settings.md, such as `project` or `granularity`; None is
            the same as a setting that is not given.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        Unreachable: if Metaflow's metadata can't be reached.
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
    selection = replace(selection, shard=read_shard(shard))
    with watched(progress=progress) as watcher:
        return plan_selection(selection, resolved, watcher, online=online, out=folder_path(out))


def sync(  # noqa: PLR0913 - the same
    *pathspecs: PathspecsLike,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    shard: str | None = None,
    plan: Folder | None = None,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> Result:
    """Replay flow runs into W&B and return what was done. The arguments are those of `plan`.

    With `plan`, a file that `plan(out=...)` wrote, exactly that is carried out, or nothing if a
    flow run, the settings, the ledger, W&B or mfwb changed since. It has the flow runs and the
    settings that `plan` was given, so only those settings have to be given again that may do harm.

    A flow run that can't be synced is in the result with status `failed` and a reason; the
    others are synced. The same applies to an error in mfwb itself: then `bug` is true, the reason
    names a log, and so `Result.has_bugs` is true. `Result.raise_for_failures` raises an error
    if any flow run failed.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
        LockHeld: if another sync uses the same ledger for the same projects.
    """
    selectors: dict[str, Any] = {
        "pathspecs": flow_run_pathspecs(pathspecs),
        "since": since,
        "until": until,
        "last": last,
        "every": every,
        "tags": tags,
        "failed": failed,
    }
    if plan is not None:
        if shard is not None:
            raise UsageError("a plan has its own flow runs: leave out shard")
        plan_file = plan_with_flags(Path(plan), selectors)
        resolved = load_settings({**plan_file.flags, **_given(settings)}, file=folder_path(config))
        with watched(progress=progress) as watcher:
            return apply_plan_file(plan_file, resolved, watcher).in_memory()
    resolved = load_settings(settings, file=folder_path(config))
    selection = make_selection(**selectors, namespace=resolved.namespace)
    selection = replace(selection, shard=read_shard(shard))
    with watched(progress=progress) as watcher:
        return sync_selection(selection, resolved, watcher).in_memory()


def push(
    bundle: Folder | None = None,
    *,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> Result:
    """Upload the bundle of an offline sync and return what was done.

    Flow runs that were pushed before stay as they are. A flow run that can't be pushed is in the
    result with status `failed` and a reason; the others are pushed, as with `sync`.

    Args:
        bundle: its folder; None: the `dir` of the settings.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: as for `plan`.
        **settings: as for `plan`; only `timeout`, `wait`, `workers`, `on_deleted` and
            `overwrite_edits` have an effect.

    Raises:
        UsageError: if there is no bundle, or for a setting that is wrong.
        Unreachable: if W&B can't be reached, or refuses the credentials.
        LockHeld: if another push, or a sync into the bundle, is running.
    """
    resolved = load_settings(settings, file=folder_path(config))
    with watched(progress=progress) as watcher:
        return push_bundle(folder_path(bundle), resolved, watcher)


def verify(  # noqa: PLR0913 - the ways to choose flow runs
    *pathspecs: PathspecsLike,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    read_data: bool | str = False,
    repair: bool = False,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> Verification:
    """Read W&B back and return how it differs from what Metaflow says.

    What W&B should say is worked out from Metaflow alone: no ledger, and nothing that a sync noted
    in W&B, is believed. Give the settings that the sync was given.

    Args:
        *pathspecs: as for `plan`. With the folder of a bundle (`dir`) and nothing else: all flow
            runs in it.
        since: as for `plan`.
        until: as for `plan`.
        last: as for `plan`.
        every: as for `plan`.
        tags: as for `plan`.
        failed: as for `plan`.
        read_data: whether the bytes of files are downloaded and compared, too: True, or a part of
            the files: "5%", or "1/20" for the first of 20 groups, which together are all files.
        repair: sync the flow runs that differ once more, and verify them again. It overwrites what
            people changed only with `overwrite_edits`, and deletes nothing.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: as for `plan`.
        **settings: as for `plan`.

    Returns:
        A flow run that could not be read is in it with the verdict `failed` and a reason; the
        others are verified. `Verification.raise_for_differences` raises an error if any differs.

    Raises:
        UsageError: for a pathspec or a setting that is wrong, or a folder without a bundle.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
    """
    resolved = load_settings(settings, file=folder_path(config))
    selectors = {
        "since": since,
        "until": until,
        "last": last,
        "every": every,
        "tags": tags,
        "failed": failed,
    }
    selection = verified_selection(
        {"pathspecs": flow_run_pathspecs(pathspecs)} | selectors, resolved
    )
    with watched(progress=progress) as watcher:
        return verify_selection(
            selection, resolved, watcher, read_data=read_subset(read_data), repair=repair
        )


def lineage(
    pathspec: PathspecLike,
    *,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> TracedFlowRun:
    """Return one flow run and its lineage, rebuilt from what Metaflow recorded. W&B is not used.

    Args:
        pathspec: `Flow/123`, `Flow/latest`, or an object of Metaflow's client. A flow run that is
            still running is not an error.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: as for `plan`.
        **settings: as for `plan`; only those about reading from Metaflow have an effect, such as
            `metadata` and `namespace`.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotFound: if there is no such flow run.
        SourceError: if it can't be read.
        LineageError: if the recorded facts contradict themselves.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    requested = parse(*flow_run_pathspecs([pathspec]))
    if requested.run is None:
        raise UsageError(
            f"lineage shows one flow run: give {requested}/123 or {requested}/latest, "
            f"not {requested}"
        )
    resolved = load_settings(settings, file=folder_path(config))
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it imports Metaflow

    with (
        watched(progress=progress) as watcher,
        wire_source(resolved, watcher) as (source, payloads),
    ):
        flow_run = resolve_flow_run(requested, source)
        watcher.flow_run(str(flow_run), 0, 1)
        return trace(flow_run, source, payloads)


def explain(
    pathspec: PathspecLike,
    name: str | None = None,
    *,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> Explanation:
    """Return what an artifact is, what W&B would get of it, and why. W&B is not used.

    Args:
        pathspec: of the artifact: `Flow/123/train/model`, `Flow/latest/train/model`,
            `Flow/123/train/4/model` of one task, `Flow/123/_parameters/alpha`, or a
            `metaflow.DataArtifact`. With `name`, of its step or task: `Flow/123/train`, a
            `metaflow.Step` or a `metaflow.Task`.
        name: of the artifact, if the pathspec has none.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: as for `plan`.
        **settings: as for `plan`; give those that a sync would be given.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotFound: if there is no such flow run, step, task or artifact.
        SourceError: if it can't be read.
        LineageError: if the recorded facts of the flow run contradict themselves.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    holder = pathspec_text(pathspec)
    from mfwb.pipeline.explain import explain as explain_artifact  # noqa: PLC0415 - not for others
    from mfwb.pipeline.explain import parse_artifact  # noqa: PLC0415 - the same

    artifact = parse_artifact(holder if name is None else f"{holder}/{name}")
    resolved = with_plugins(load_settings(settings, file=folder_path(config)))
    entity, project = entity_and_project(artifact.flow_run.flow, resolved, read_defaults())
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it imports Metaflow

    with (
        watched(progress=progress) as watcher,
        wire_source(resolved, watcher) as (source, payloads),
    ):
        flow_run = resolve_flow_run(artifact.flow_run, source)
        watcher.flow_run(str(flow_run), 0, 1)
        return explain_artifact(
            artifact.with_flow_run(flow_run),
            resolved,
            source,
            payloads,
            entity=entity,
            project=project,
        )


def report(  # noqa: PLR0913 - the ways to choose flow runs
    *pathspecs: PathspecsLike,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    config: Folder | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> HtmlReport:
    """Return a report of one flow run, or a comparison of several, as a page of HTML.

    It is made of what Metaflow recorded, so it needs no sync; what an earlier sync wrote to W&B is
    in it, from the ledger. W&B is not used, and pickles do not run.

    Args:
        *pathspecs: as for `plan`; at most 20 flow runs.
        since: as for `plan`.
        until: as for `plan`.
        last: as for `plan`.
        every: as for `plan`.
        tags: as for `plan`.
        failed: as for `plan`.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: as for `plan`.
        **settings: as for `plan`; give those that a sync would be given: what they exclude has no
            preview, and what they mask is masked.

    Raises:
        UsageError: for a pathspec or a setting that is wrong, or too many flow runs.
        NotFound: if there is no such flow run.
        SourceError: if it can't be read.
        LineageError: if the recorded facts contradict themselves.
        Unreachable: if Metaflow's metadata can't be reached.
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
    with watched(progress=progress) as watcher:
        return report_selection(selection, resolved, watcher)


def status(
    *pathspecs: PathspecsLike,
    since: str | datetime | int | None = None,
    failed: bool = False,
    losses: bool = False,
    limit: int | None = None,
    config: Folder | None = None,
    **settings: Unpack[SettingsArguments],
) -> SyncStatus:
    """Return the sync status of flow runs from the ledger. Metaflow and W&B are not used.

    Args:
        *pathspecs: `Flow`, `Flow/123`, objects of Metaflow's client, or lists of these; none: all
            flow runs.
        since: only flow runs that started then or later, in the forms that `plan` takes.
        failed: list only flow runs that could not be synced.
        losses: list only flow runs with losses.
        limit: list at most so many flow runs; None: all.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        **settings: as for `plan`: `mode` and `dir` select the ledger. An `entity` or a `project`
            that is given here or by a variable excludes what went elsewhere.

    Raises:
        UsageError: for a name or a setting that is wrong, or a ledger that can't be used.
        LockHeld: if another process has locked the ledger.
    """
    resolved = load_settings(settings, file=folder_path(config))
    return read_sync_status(
        ledger_path(bundle_of(resolved, read_defaults())),
        StatusFilter(
            pathspecs=_ledger_pathspecs(pathspecs),
            entity=resolved.entity if "entity" in resolved.explicit else None,
            project=resolved.project if "project" in resolved.explicit else None,
            since=read_moment("since", since),
        ),
        failed=failed,
        lossy=losses,
        limit=limit,
    )


def doctor(*, config: Folder | None = None, **settings: Unpack[SettingsArguments]) -> Diagnosis:
    """Check all that a sync needs: versions, settings, Metaflow, W&B and this machine.

    Both ends are really read, and nothing is written anywhere. What is wrong is in the result,
    and raises nothing.

    Args:
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        **settings: as for `plan`; give those that a sync would be given. `timeout` limits each
            check, by default to 20 seconds.
    """
    from mfwb.diagnosis import diagnose  # noqa: PLC0415 - it needs much that others do not

    return diagnose(settings, config=folder_path(config))


def rebuild(
    *flows: PathspecsLike,
    config: Folder | None = None,
    moved: Callable[[Path], object] | None = None,
    progress: Progress | SimpleProgress | bool | None = None,
    **settings: Unpack[SettingsArguments],
) -> tuple[Rebuilt, ...]:
    """Rebuild a ledger that was lost or damaged from W&B; return what each project has.

    Args:
        *flows: names of flows, objects of Metaflow's client, or lists of these. Their projects are
            read, and all flow runs in them recorded. None: the project of the settings.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        moved: called with the new path of a damaged ledger, as soon as it is renamed.
        progress: as for `plan`.
        **settings: as for `plan`; give those that a sync would be given.

    Raises:
        UsageError: for a name or a setting that is wrong, or if no project is given.
        LockHeld: if a sync of these projects is running.
        SinkError: if W&B does not list its runs.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
    """
    resolved = load_settings(settings, file=folder_path(config))
    names = _flow_names(flows)
    defaults = read_defaults()
    if not (names or project_of("", resolved, defaults)):
        raise UsageError("give --project NAME, or the flows to look for in W&B")
    if bundle_of(resolved, defaults) is not None:
        raise UsageError(
            "the ledger of a bundle can't be rebuilt from W&B: sync into the bundle again"
        )
    from mfwb.wiring import wire  # noqa: PLC0415 - it imports both SDKs

    with watched(progress=progress) as watcher:
        return rebuild_ledgers(
            names,
            resolved,
            partial(wire, resolved, watcher, may_ask=True),
            put_aside=partial(put_aside_if_damaged, ledger_path(None)),
            moved=moved,
        )


def list_selection(
    selectors: Mapping[str, Any], settings: Settings, *, every: bool = False
) -> FlowRunList:
    """Return what `mfwb ls` shows: the selected flow runs; without any selector, all flows.

    Args:
        selectors: the options that select flow runs, by the names of SELECTORS.
        settings: of this call.
        every: list all flow runs; else only the newest of each flow, unless the user sets a bound.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotFound: there is no such flow, or no such flow run.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    is_limited = not (every or selectors["last"] is not None or selectors["since"] is not None)
    is_bounded = any(selectors[name] is not None for name in ("last", "since", "until"))
    chosen = make_selection(**{**selectors, "every": not is_bounded}, namespace=settings.namespace)
    ledger = ledger_path(bundle_of(settings, read_defaults()))
    from mfwb.pipeline import list_flow_runs as listing  # noqa: PLC0415 - not for others
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it imports Metaflow

    with wire_source(settings) as (source, _), known_flow_runs(ledger) as known:
        find_syncs = partial(_syncs_by_flow_run, known, source.provider)
        if not (chosen.pathspecs or is_bounded or every or chosen.failed is not None):
            return listing.list_flows(source, find_syncs, chosen.tags)
        return listing.list_selected(
            replace(chosen, since_is_ago=False),
            source,
            find_syncs,
            limit=listing.LIMIT if is_limited else None,
        )


def find_page(pathspec: str, settings: Settings, *, overview: bool = False) -> str:
    """Return the page in W&B of a flow, a flow run, a step or a task.

    It is known from the ledger. A flow run that the ledger does not have may have been synced
    elsewhere: if an entity or a project is given, the page is that which a sync would write to.

    Args:
        pathspec: `Flow`, `Flow/123`, `Flow/latest`, `Flow/123/train`, `Flow/123/train/4`.
        settings: of this call.
        overview: whether the W&B run of the flow run as a whole is meant.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotFound: it was not synced, or there is no such W&B run.
        Unreachable: W&B has to be asked for the entity, and does not answer.
    """
    from mfwb.pipeline.wandb_pages import find_page as find_in_ledger  # noqa: PLC0415 - not for others
    from mfwb.pipeline.wandb_pages import parse_page  # noqa: PLC0415 - the same
    from mfwb.wiring import find_destination, wire_source  # noqa: PLC0415 - Metaflow or wandb

    requested = parse_page(pathspec, overview=overview)
    if requested.flow_run.run == LATEST:
        with wire_source(settings) as (source, _):
            latest = resolve_flow_run(requested.flow_run, source)
        requested = replace(requested, flow_run=latest)
    entries = find_entries(ledger_path(bundle_of(settings, read_defaults())), requested.flow_run)
    return find_in_ledger(requested, entries, settings, partial(find_destination, settings))


def forget_selection(
    pathspecs: Sequence[str],
    settings: Settings,
    *,
    every: bool,
    deletes: bool,
    confirm: Callable[[Forgotten], bool] | None,
) -> Forgotten:
    """Remove flow runs from the ledger, and their W&B runs if that is requested.

    Args:
        pathspecs: `Flow`, or `Flow/123`; none: all flow runs of the given destination.
        settings: of this call. An entity or a project that is given selects, too.
        every: whether all flow runs of the ledger may be meant.
        deletes: whether W&B runs that mfwb wrote are deleted, too.
        confirm: takes what would be removed, and returns whether that is done; None: nothing is.

    Raises:
        UsageError: for a pathspec or a setting that is wrong, or if nothing is selected.
        NotFound: the ledger has no such flow run.
        LockHeld: a sync of one of these projects is running.
        Unreachable: W&B can't be reached, or refuses the credentials.
    """
    from mfwb.pipeline import forget  # noqa: PLC0415 - not for others
    from mfwb.wiring import wire_ledger, wire_sink  # noqa: PLC0415 - wandb

    request = forget.parse_request(pathspecs, settings, every=every, deletes=deletes)
    bundle = bundle_of(settings, read_defaults())
    if bundle is not None and deletes:
        raise UsageError("a bundle has no W&B runs to delete; remove its folder instead")
    path = ledger_path(bundle)
    if not path.exists():
        forget.refuse_unknown(request, ())
        return Forgotten(str(path), (), is_plan=confirm is None, deletes=deletes)
    with wire_ledger(path) as ledger:
        return forget.forget_flow_runs(
            request, settings, ledger, partial(wire_sink, settings), path=path, confirm=confirm
        )


def _syncs_by_flow_run(
    known: Callable[[str], Iterable[KnownFlowRun]], provider: str, flow: str
) -> dict[str, tuple[Sync, ...]]:
    """Return the syncs of a flow's runs of one provider, by pathspec."""
    syncs: dict[str, tuple[Sync, ...]] = {}
    for flow_run in known(flow):
        entry = flow_run.entry
        if entry.provider in (provider, ""):
            before = syncs.get(entry.flow_run, ())
            syncs[entry.flow_run] = (*before, Sync(entry, flow_run.lost))
    return syncs


def _ledger_pathspecs(given: Iterable[PathspecsLike]) -> list[str]:
    """Return flows and flow runs to look up in a ledger; UsageError."""
    pathspecs = [parse(text) for text in flow_run_pathspecs(given)]
    for pathspec in pathspecs:
        if pathspec.run == LATEST:
            raise UsageError(
                f"status does not ask Metaflow which flow run is the latest: give {pathspec.flow} "
                f"or {pathspec.flow}/123"
            )
    return [str(pathspec) for pathspec in pathspecs]


def _flow_names(flows: Iterable[PathspecsLike]) -> list[str]:
    pathspecs = [parse(text) for text in flow_names(flows)]
    for pathspec in pathspecs:
        if pathspec.run is not None:
            raise UsageError(
                f"a ledger is rebuilt for whole flows: give {pathspec.flow}, not {pathspec}"
            )
    return [pathspec.flow for pathspec in pathspecs]


def plan_selection(
    selection: Selection,
    settings: Settings,
    progress: Progress | None = None,
    *,
    online: bool = False,
    out: Path | None = None,
) -> Result:
    """Return what `plan` returns, for a selection and settings that exist already.

    Args:
        selection: the flow runs.
        settings: of this call.
        progress: is notified of the work.
        online: whether W&B is asked what it has.
        out: where to write a plan file; None: nowhere.
    """
    if out is not None:
        check_plan_path(out)
    planned: list[PlannedFlowRun] = []
    providers: list[str] = []

    def pipeline(selection: Selection, settings: Settings, parts: Parts) -> Result:
        providers.append(parts.source.provider)
        return plan_flow_runs(selection, settings, parts, online=online, keep=planned.append)

    result = _carry_out(pipeline, selection, settings, progress, may_ask=online, read_only=True)
    if out is not None:
        _raise_if_entity_is_unknown(planned)
        plan_file = make_plan_file(
            planned, settings, provider=providers[0], failed=selection.failed, online=online
        )
        write_plan(out, plan_file)
    return result


def _raise_if_entity_is_unknown(planned: Iterable[PlannedFlowRun]) -> None:
    for item in planned:
        if item.destination is not None and item.destination.entity is None:
            raise UsageError(
                f"--out: it is not known to which W&B entity {item.outcome.pathspec} would go; add "
                "--entity, set WANDB_ENTITY, or ask W&B with --online"
            )


def apply_plan_file(plan: PlanFile, settings: Settings, progress: Progress | None = None) -> Result:
    """Carry out a plan file, for settings that exist already; UsageError if anything changed."""
    call = partial(
        _carry_out,
        lambda _, settings, parts: apply_plan(plan, settings, parts),
        _NO_SELECTION,
        settings,
        progress,
        may_ask=True,
    )
    return retry_with_new_ledger(call, put_aside_if_damaged)


def plan_with_flags(path: Path, selectors: Mapping[str, Any]) -> PlanFile:
    """Return the plan in a file; UsageError, also if flow runs were selected beside it."""
    if any(selectors[name] not in (None, False, (), []) for name in SELECTORS):
        raise UsageError("a plan has its own flow runs: select none beside it")
    return read_plan(path)


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def sync_selection(
    selection: Selection,
    settings: Settings,
    progress: Progress | None = None,
    *,
    forced: Collection[str] | None = None,
) -> Result:
    """Return what `sync` returns, for a selection and settings that exist already.

    Args:
        selection: the flow runs.
        settings: of this call.
        progress: is notified of the work.
        forced: names of the W&B runs that `force` is for; None: all of them.
    """
    pipeline = partial(sync_flow_runs, forced=forced)
    call = partial(_carry_out, pipeline, selection, settings, progress, may_ask=True)
    return retry_with_new_ledger(call, put_aside_if_damaged)


def push_bundle(
    bundle: Path | None, settings: Settings, progress: Progress | None = None
) -> Result:
    """Return what `push` returns, for settings that exist already."""
    folder = bundle or settings.dir
    if folder is None:
        raise UsageError("give the bundle to push: mfwb push DIR")
    from mfwb.wiring import wire_push  # noqa: PLC0415 - it imports wandb

    watcher = progress or NoProgress()
    with wire_push(settings, expand_home(folder).resolve(), watcher) as (ledger, pusher):
        return push_flow_runs(settings, ledger, pusher, watcher, BugLogs())


def report_selection(selection: Selection, settings: Settings, progress: Progress) -> HtmlReport:
    """Return what `report` returns, for a selection and settings that exist already."""
    from mfwb.pipeline.report_material import gather_materials  # noqa: PLC0415 - not for others
    from mfwb.report.html import build_report  # noqa: PLC0415 - it imports Jinja2
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it imports Metaflow

    settings = with_plugins(settings)
    with wire_source(settings, progress) as (source, payloads):
        materials = gather_materials(selection, settings, source, payloads, progress)
        return build_report(
            materials, [_entries_of(material.traced, settings) for material in materials]
        )


def _entries_of(traced: TracedFlowRun, settings: Settings) -> list[Entry]:
    """Return what the ledger has of a flow run; nothing if it can't be read: a sync says why."""
    with suppress(UsageError, LockHeld):
        path = ledger_path(bundle_of(settings, read_defaults()))
        return read_entries(path, traced.flow_run.pathspec, traced.flow_run.provider)
    return []


def verified_selection(selectors: Mapping[str, Any], settings: Settings) -> Selection | None:
    """Return the selection of flow runs to verify; None for all that a bundle has; UsageError."""
    if bundle_of(settings, read_defaults()) is not None and not any(
        selectors[name] not in (None, False, (), []) for name in SELECTORS
    ):
        return None
    return make_selection(**selectors, namespace=settings.namespace)


def verify_selection(
    selection: Selection | None,
    settings: Settings,
    progress: Progress | None = None,
    *,
    read_data: Subset = NOTHING,
    repair: bool = False,
) -> Verification:
    """Return what `verify` returns, for a selection and settings that exist already.

    Args:
        selection: the flow runs; None: all that the bundle has.
        settings: of this call.
        progress: is notified of the work.
        read_data: the files whose bytes are compared.
        repair: whether flow runs that differ are synced again.
    """
    watcher = progress or NoProgress()
    from mfwb.wiring import wire_verification  # noqa: PLC0415 - it imports both SDKs

    notes: list[str] = []

    def verified(chosen: Selection | None) -> list[FlowRunVerification]:
        with wire_verification(settings, watcher) as verifier:
            results = list(verifier.verify(verifier.choose(chosen), read_data))
            notes.extend(verifier.notes)
            return results

    def sync_again(pathspecs: Sequence[str], wandb_runs: Collection[str] | None) -> dict[str, str]:
        forcing = settings.model_copy(update={"force": True})
        result = sync_selection(make_selection(pathspecs), forcing, watcher, forced=wandb_runs)
        return {
            run.pathspec: run.reason or ""
            for run in result.flow_runs
            if run.status is Status.FAILED
        }

    first = Verification(tuple(verified(selection)), notes=tuple(notes))
    if not repair:
        return first
    return repair_differences(first, sync_again, lambda names: verified(make_selection(names)))


def _html_of(value: Any) -> str:
    """Return what a notebook shows of what a function returned."""
    from mfwb.report.notebook import to_html  # noqa: PLC0415 - only notebooks need it

    return to_html(value)


set_html_renderer(_html_of)


_Pipeline = Callable[[Selection, Settings, Parts], Result]

_NO_SELECTION = Selection(last=0)  # a plan file has its own


def _carry_out(  # noqa: PLR0913 - what a call may do, each by its name
    pipeline: _Pipeline,
    selection: Selection,
    settings: Settings,
    progress: Progress | None,
    *,
    may_ask: bool,
    read_only: bool = False,
) -> Result:
    settings = with_plugins(settings)
    from mfwb.wiring import wire  # noqa: PLC0415 - it imports both SDKs

    watcher = progress or NoProgress()
    with wire(settings, watcher, may_ask=may_ask, read_only=read_only) as parts:
        return pipeline(selection, settings, parts)


@contextmanager
def watched(*, progress: Progress | SimpleProgress | bool | None) -> Iterator[Progress]:
    """Yield the object that is notified of progress, according to the argument `progress`."""
    if progress is True:
        from mfwb.report.progress import progress_on_stderr  # noqa: PLC0415 - rich

        with progress_on_stderr(quiet=False) as shown:
            yield shown
    else:
        yield as_progress(progress or None)


def with_plugins(settings: Settings) -> Settings:
    from mfwb.conversion.plugins import find_plugins  # noqa: PLC0415 - it reads all packages

    return settings.model_copy(update={"plugins": find_plugins()})
