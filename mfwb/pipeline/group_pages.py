"""The page in W&B of each flow run's group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mfwb.destination.addresses import group_url, project_url_of_run
from mfwb.outcome import FlowRunOutcome

__all__ = ["with_group_pages"]


def with_group_pages(outcomes: Iterable[FlowRunOutcome]) -> tuple[FlowRunOutcome, ...]:
    """Return outcomes with the pages of their groups; those that have no W&B run have no page."""
    return tuple(map(_with_page, outcomes))


def _with_page(outcome: FlowRunOutcome) -> FlowRunOutcome:
    url = next((run.url for run in outcome.wandb_runs if run.url), None)
    if url is None or not outcome.group:
        return outcome
    return replace(outcome, url=group_url(project_url_of_run(url), outcome.group))
