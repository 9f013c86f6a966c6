"""The page in W&B of each flow run's group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mfwb.destination.addresses import group_url, project_url_of_run
from mfwb.outcome import FlowRunOutcome

__all__ = ["with_group_page", "with_group_pages"]


def with_group_pages(outcomes: Iterable[FlowRunOutcome]) -> tuple[FlowRunOutcome, ...]:
    """Return outcomes with the pages of their groups; those that have no W&B run have no page."""
    return tuple(map(with_group_page, outcomes))


def with_group_page(outcome: FlowRunOutcome) -> FlowRunOutcome:
    """Return an outcome with the page of its group, unless it has it."""
    if outcome.url is not None:
        return outcome
    url = next((run.url for run in outcome.wandb_runs if run.url), None)
    if url is None or not outcome.group:
        return outcome
    return replace(outcome, url=group_url(project_url_of_run(url), outcome.group))
