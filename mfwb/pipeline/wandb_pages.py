"""The pages in W&B that belong to a flow run, by what the ledger has of its syncs."""

from __future__ import annotations

from collections.abc import Sequence

from mfwb.destination.addresses import group_url, project_url, project_url_of_run
from mfwb.errors import NotFound
from mfwb.outcome import WandbRunOutcome
from mfwb.planning.overview import JOB_TYPE
from mfwb.ports import Destination, Entry
from mfwb.suggestions import did_you_mean

__all__ = ["page_of_destination", "page_of_entry"]


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
        return page_of_destination(entry.destination, group)
    return group_url(project_url_of_run(_page(written[0])), group)


def page_of_destination(destination: Destination, group: str) -> str:
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
