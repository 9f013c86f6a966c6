"""The pages in W&B that belong to a flow run, by what the ledger has of its syncs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mfwb.config import Settings
from mfwb.destination.addresses import group_url, project_url, project_url_of_run
from mfwb.errors import NotFound, UsageError
from mfwb.outcome import WandbRunOutcome
from mfwb.planning.draft import choose_group
from mfwb.planning.overview import JOB_TYPE
from mfwb.ports import Destination, Entry
from mfwb.snapshot.pathspec import Pathspec, parse, parts_of
from mfwb.suggestions import did_you_mean

__all__ = ["RequestedPage", "find_page", "page_of_entry", "parse_page"]

_TASK_LEVEL = 4


@dataclass(frozen=True, slots=True)
class RequestedPage:
    """What the user wants to see.

    Attributes:
        flow_run: the flow run, or a flow.
        step: the name of a step, or a step and a task; empty: the flow run.
        overview: whether the W&B run of the flow run as a whole is meant.
    """

    flow_run: Pathspec
    step: tuple[str, ...] = ()
    overview: bool = False


def parse_page(pathspec: str, *, overview: bool) -> RequestedPage:
    """Return what a pathspec of a flow, a flow run, a step or a task means; UsageError."""
    parts = parts_of(pathspec.strip().strip("/"))
    if len(parts) > _TASK_LEVEL:
        raise UsageError(f"{pathspec!r} is no flow run, step or task; give Flow/123/train")
    try:
        flow_run = parse("/".join(parts[:2]))
    except UsageError:
        raise UsageError(
            f"{pathspec!r} is not a pathspec; give Flow, Flow/123 or Flow/123/train"
        ) from None
    if overview and (flow_run.run is None or parts[2:]):
        raise UsageError(
            f"--overview is the W&B run of a whole flow run: give Flow/123, not {pathspec}"
        )
    return RequestedPage(flow_run, tuple(parts[2:]), overview)


def find_page(
    requested: RequestedPage,
    entries: Iterable[Entry],
    settings: Settings,
    find_destination: Callable[[str], Destination],
) -> str:
    """Return the page of a flow, a flow run, a step or a task.

    Args:
        requested: what the user wants to see; not `latest`.
        entries: of the ledger, the newest first; those of a flow run with their outcomes.
        settings: an entity and a project that are given select entries; if there are none, the page
            is that which a sync would write to.
        find_destination: takes a flow, and returns where a sync would write its runs.

    Raises:
        NotFound: it was not synced, or there is no such W&B run.
        UsageError, Unreachable: the destination can't be found.
    """
    given = {"entity", "project"} & settings.explicit
    matching = [entry for entry in entries if _is_at(entry.destination, settings)]
    flow_run = requested.flow_run
    is_whole = not (requested.step or requested.overview)
    if flow_run.run is None:
        if matching or given:
            destination = matching[0].destination if matching else find_destination(flow_run.flow)
            return _page_of_destination(destination, "")
    elif matching:
        return page_of_entry(matching[0], requested.step, overview=requested.overview)
    elif given and is_whole:
        group = choose_group(flow_run.flow, str(flow_run), settings)
        return _page_of_destination(find_destination(flow_run.flow), group)
    verb = f"mfwb sync {flow_run}{'' if flow_run.run else '/latest'}"
    raise NotFound(
        f"{flow_run} was not synced from here, as far as the ledger knows; `{verb}` does it, and "
        "--project NAME opens what was synced elsewhere"
    )


def _is_at(destination: Destination, settings: Settings) -> bool:
    """Return whether this is on a server, and where the settings of this call explicitly say."""
    if destination.mode != "online":
        return False
    return all(
        getattr(destination, name) == getattr(settings, name)
        for name in ("entity", "project")
        if name in settings.explicit
    )


def page_of_entry(entry: Entry, step: Sequence[str] = (), *, overview: bool = False) -> str:
    """Return the page of a flow run that was synced: of its group, or of one of its W&B runs.

    Args:
        entry: of the ledger, with its outcome.
        step: the name of a step, or a step and a task; empty: the flow run.
        overview: whether the W&B run of the flow run as a whole is meant.

    Raises:
        NotFound: the sync wrote no such W&B run.
    """
    runs = entry.outcome.wandb_runs if entry.outcome else ()
    written = [run for run in runs if run.url and not run.deleted]
    if overview:
        return _page(_find_overview(written, entry.flow_run))
    if step:
        return _page(_find_step(written, entry.flow_run, step))
    group = (entry.outcome and entry.outcome.group) or entry.flow_run
    if not written:
        return _page_of_destination(entry.destination, group)
    return group_url(project_url_of_run(_page(written[0])), group)


def _page_of_destination(destination: Destination, group: str) -> str:
    """Return the page that a group has at a destination, whether it exists or not."""
    project = project_url(destination.base, destination.entity or "", destination.project)
    return group_url(project, group) if group else project


def _page(run: WandbRunOutcome) -> str:
    return run.url or ""


def _find_overview(written: Sequence[WandbRunOutcome], flow_run: str) -> WandbRunOutcome:
    for run in written:
        if run.job_type == JOB_TYPE and run.name == flow_run:
            return run
    raise NotFound(f"{flow_run} has no overview run in W&B; sync it with --overview")


def _find_step(
    written: Sequence[WandbRunOutcome], flow_run: str, step: Sequence[str]
) -> WandbRunOutcome:
    """Return the W&B run of a task if there is one, else that of its step."""
    for name in ("/".join((flow_run, *step)), f"{flow_run}/{step[0]}"):
        for run in written:
            if run.name == name:
                return run
    tasks = [run for run in written if run.job_type == step[0]]
    if tasks:  # one W&B run for each task, or names that were too long
        return tasks[0]
    names = {run.job_type for run in written} - {JOB_TYPE}
    raise NotFound(f"{flow_run} has no W&B run of {'/'.join(step)}{did_you_mean(step[0], names)}")
