"""mfwb from Python: what the command line is a thin face of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from mfwb.config import Settings, load_settings
from mfwb.crash_log import BugLogs
from mfwb.destination import bundle_of, entity_and_project, project_of, read_defaults
from mfwb.errors import UsageError
from mfwb.ledger import ledger_path, put_aside_if_damaged, read_sync_status
from mfwb.outcome import Result
from mfwb.pipeline import (
    Parts,
    Rebuilt,
    plan_flow_runs,
    push_flow_runs,
    rebuild_ledgers,
    retry_with_new_ledger,
    sync_flow_runs,
)
from mfwb.pipeline.explain import Explanation, parse_artifact
from mfwb.pipeline.explain import explain as explain_artifact
from mfwb.pipeline.reading import TracedFlowRun, trace
from mfwb.pipeline.selection import Selection, make_selection, resolve_flow_run
from mfwb.ports import Progress, Unwatched
from mfwb.snapshot.pathspec import parse
from mfwb.sync_status import SyncStatus

__all__ = [
    "Explanation",
    "Rebuilt",
    "SyncStatus",
    "TracedFlowRun",
    "explain",
    "lineage",
    "plan",
    "push",
    "rebuild",
    "status",
    "sync",
]


def plan(  # noqa: PLR0913 - the ways to choose flow runs
    *pathspecs: str,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Result:
    """Return what `sync` with the same arguments would do. W&B is not asked.

    Args:
        *pathspecs: `Flow/123`, `Flow/latest`, or `Flow` with `since`, `until`, `last` or `every`.
            None at all: every flow, with one of these.
        since: flow runs that started then or later, and those that an earlier sync left undone:
            as on the command line (`24h`, `2026-11-01`), a datetime (local, if it has no time
            zone), or epoch ms.
        until: flow runs that started before, in the same ways.
        last: of each flow, this many of the newest flow runs.
        every: all flow runs.
        tags: only flow runs with all of these tags, the user's or Metaflow's own.
        failed: only flow runs that failed (True), or that did not (False); None: both.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: told what is going on; None: nobody watches.
        **settings: fields of `mfwb.config.Settings`, such as `project` or `granularity`;
            None counts as not said.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    resolved = load_settings(settings, file=config)
    selection = make_selection(
        pathspecs,
        since=since,
        until=until,
        last=last,
        every=every,
        tags=tags,
        failed=failed,
        namespace=resolved.namespace,
    )
    return plan_selection(selection, resolved, progress)


def sync(  # noqa: PLR0913 - the same
    *pathspecs: str,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Result:
    """Replay flow runs into W&B and return what was done. Arguments as of `plan`.

    A flow run that can't be synced is in the result with status `failed` and a reason; the
    others go on. So is one that met an error of mfwb's own: its `bug` is true, and the reason
    names a log. `Result.has_bugs` tells whether there is any.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
        LockHeld: if another sync works with the same ledger.
    """
    resolved = load_settings(settings, file=config)
    selection = make_selection(
        pathspecs,
        since=since,
        until=until,
        last=last,
        every=every,
        tags=tags,
        failed=failed,
        namespace=resolved.namespace,
    )
    return sync_selection(selection, resolved, progress)


def push(
    bundle: Path | None = None,
    *,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Result:
    """Upload the bundle of an offline sync and return what was done.

    What was pushed before is left alone. A flow run that can't be pushed is in the result with
    status `failed` and a reason; the others go on, as with `sync`.

    Args:
        bundle: its folder; None: the `dir` of the settings.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: told what is going on; None: nobody watches.
        **settings: fields of `mfwb.config.Settings`; `timeout`, `wait`, `workers`, `on_deleted`
            and `overwrite_edits` matter here.

    Raises:
        UsageError: if there is no bundle, or for a setting that is wrong.
        Unreachable: if W&B can't be reached, or refuses the credentials.
        LockHeld: if another push, or a sync into the bundle, is at work.
    """
    return push_bundle(bundle, load_settings(settings, file=config), progress)


def lineage(
    pathspec: str,
    *,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> TracedFlowRun:
    """Return one flow run and its rebuilt lineage. W&B has no part in it.

    Args:
        pathspec: `Flow/123` or `Flow/latest`. A flow run that still goes on is no error.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: told what is going on; None: nobody watches.
        **settings: fields of `mfwb.config.Settings`; `metadata` and `namespace` matter here.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotFound: if there is no such flow run.
        SourceError: if it can't be read.
        LineageError: if what was recorded of it contradicts itself.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    choice = parse(pathspec)
    if choice.run is None:
        raise UsageError(
            f"lineage is that of one flow run: say {choice}/123 or {choice}/latest, "
            f"rather than {choice}"
        )
    resolved = load_settings(settings, file=config)
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it brings Metaflow

    with wire_source(resolved) as (source, payloads):
        found = resolve_flow_run(choice, source)
        (progress or Unwatched()).flow_run(str(found), 0, 1)
        return trace(found, source, payloads)


def explain(
    pathspec: str,
    *,
    config: Path | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Explanation:
    """Return what an artifact is, what W&B would get of it, and why. W&B has no part in it.

    Args:
        pathspec: `Flow/123/train/model`, `Flow/latest/train/model`, `Flow/123/train/4/model` of
            one task, or `Flow/123/_parameters/alpha`.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        progress: told what is going on; None: nobody watches.
        **settings: fields of `mfwb.config.Settings`, as a sync would be given them.

    Raises:
        UsageError: for a pathspec or a setting that is wrong.
        NotFound: if there is no such flow run, step, task or artifact.
        SourceError: if it can't be read.
        LineageError: if what was recorded of the flow run contradicts itself.
        Unreachable: if Metaflow's metadata can't be reached.
    """
    asked = parse_artifact(pathspec)
    resolved = _with_plugins(load_settings(settings, file=config))
    entity, project = entity_and_project(asked.flow_run.flow, resolved, read_defaults())
    from mfwb.wiring import wire_source  # noqa: PLC0415 - it brings Metaflow

    with wire_source(resolved) as (source, payloads):
        found = resolve_flow_run(asked.flow_run, source)
        (progress or Unwatched()).flow_run(str(found), 0, 1)
        return explain_artifact(
            asked.with_flow_run(found),
            resolved,
            source,
            payloads,
            entity=entity,
            project=project,
        )


def status(*flows: str, config: Path | None = None, **settings: Any) -> SyncStatus:
    """Return how flow runs stand, as the ledger has it. Neither Metaflow nor W&B is asked.

    Args:
        *flows: names of those that are of interest; none: all.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        **settings: fields of `mfwb.config.Settings`: `mode` and `dir` say whose ledger; an `entity`
            or a `project` that is said here or by a variable leaves out what went elsewhere.

    Raises:
        UsageError: for a name or a setting that is wrong, or a ledger that can't be used.
        LockHeld: if another process keeps the ledger locked.
    """
    resolved = load_settings(settings, file=config)
    return read_sync_status(
        ledger_path(bundle_of(resolved, read_defaults())),
        flows=_flow_names(flows),
        entity=resolved.entity if "entity" in resolved.explicit else None,
        project=resolved.project if "project" in resolved.explicit else None,
    )


def rebuild(
    *flows: str,
    config: Path | None = None,
    moved: Callable[[Path], object] | None = None,
    **settings: Any,
) -> tuple[Rebuilt, ...]:
    """Make a ledger that was lost or damaged anew of what W&B has; say what each project has.

    Args:
        *flows: whose projects are meant; all flow runs of these are noted. None: `project` says.
        config: a settings file; None: `mfwb.toml` or pyproject.toml of the current folder.
        moved: told what a damaged ledger is called now, as soon as it was put aside.
        **settings: fields of `mfwb.config.Settings`, as a sync would be given them.

    Raises:
        UsageError: for a name or a setting that is wrong, or if no project is said.
        LockHeld: if a sync is at work there.
        SinkError: if W&B does not say what it has.
        Unreachable: if Metaflow or W&B can't be reached, or W&B refuses the credentials.
    """
    resolved = load_settings(settings, file=config)
    names = _flow_names(flows)
    defaults = read_defaults()
    if not (names or project_of("", resolved, defaults)):
        raise UsageError("say what to ask W&B for: --project NAME, or the flows that went there")
    if bundle_of(resolved, defaults) is not None:
        raise UsageError("W&B does not know what is in a bundle: sync into that again")
    from mfwb.wiring import wire  # noqa: PLC0415 - it brings both SDKs

    return rebuild_ledgers(
        names,
        resolved,
        partial(wire, resolved, Unwatched(), may_ask=True),
        put_aside=partial(put_aside_if_damaged, ledger_path(None)),
        moved=moved,
    )


def _flow_names(flows: Iterable[str]) -> list[str]:
    choices = [parse(text) for text in flows]
    for one in choices:
        if one.run is not None:
            raise UsageError(f"status is that of flows: say {one.flow} rather than {one}")
    return [one.flow for one in choices]


def plan_selection(
    selection: Selection, settings: Settings, progress: Progress | None = None
) -> Result:
    """Return what `plan` returns, of a selection and settings that were made before."""
    return _carry_out(plan_flow_runs, selection, settings, progress, may_ask=False)


def sync_selection(
    selection: Selection, settings: Settings, progress: Progress | None = None
) -> Result:
    """Return what `sync` returns, of a selection and settings that were made before."""
    act = partial(_carry_out, sync_flow_runs, selection, settings, progress, may_ask=True)
    return retry_with_new_ledger(act, put_aside_if_damaged)


def push_bundle(
    bundle: Path | None, settings: Settings, progress: Progress | None = None
) -> Result:
    """Return what `push` returns, with settings that were made before."""
    folder = bundle or settings.dir
    if folder is None:
        raise UsageError("say which bundle to push: mfwb push DIR")
    from mfwb.wiring import wire_push  # noqa: PLC0415 - it brings wandb

    with wire_push(settings, folder.expanduser().resolve()) as (ledger, pusher):
        return push_flow_runs(settings, ledger, pusher, progress or Unwatched(), BugLogs())


_Act = Callable[[Selection, Settings, Parts], Result]


def _carry_out(
    act: _Act,
    selection: Selection,
    settings: Settings,
    progress: Progress | None,
    *,
    may_ask: bool,
) -> Result:
    settings = _with_plugins(settings)
    from mfwb.wiring import wire  # noqa: PLC0415 - it brings both SDKs

    with wire(settings, progress or Unwatched(), may_ask=may_ask) as parts:
        return act(selection, settings, parts)


def _with_plugins(settings: Settings) -> Settings:
    from mfwb.conversion.plugins import find_plugins  # noqa: PLC0415 - it looks through all packages

    return settings.model_copy(update={"plugins": find_plugins()})
