"""Estimates: what a sync of a planned W&B run costs, in bytes, requests and seconds. Pure.

The numbers were measured against the stand-in server of the tests, with wandb 0.31; docs/plan.md
has them, and tests/integration/test_plan_estimates.py holds them against a sync.
"""

from __future__ import annotations

from mfwb.outcome import Estimate, RunAction
from mfwb.planning import Form, PlannedRun, Preview
from mfwb.ports import ExpectedRun

__all__ = ["estimate_flow_run", "estimate_run"]

_REQUESTS_OF_RUN = 14.0  # claim, open, texts, summary, history, log and end of a W&B run; checks
_REQUESTS_OF_ARTIFACT = 6.0  # its collection, draft, manifest, files, commit and aliases
_REQUESTS_OF_FILE = 1.0
_REQUESTS_OF_USE = 1.0
_REQUESTS_OF_PANEL = 1.0  # a file of the W&B run: a card, an image, a table
_REQUESTS_OF_UPDATE = 3.0
_REQUESTS_OF_FLOW_RUN = 3.0  # what exists, and what has arrived

_BYTES_OF_RUN = 12_000  # config, summary and the records of wandb-core
_SECONDS_OF_RUN = 0.25  # of the processor, mostly of wandb-core, for a W&B run
_SECONDS_OF_ARTIFACT = 0.03
_SECONDS_OF_REQUEST = 0.1  # a round trip to a server; as many at once as there are workers
_SECONDS_OF_CALL = 3.0  # imports, and the checks at the end
_BYTES_PER_SECOND = 10_000_000  # of an upload
_BYTES_PER_SECOND_OF_DISK = 100_000_000  # of what is read, checked and converted

_WRITES = frozenset({RunAction.CREATE, RunAction.REWRITE})


def estimate_run(
    run: PlannedRun, action: RunAction, expected: ExpectedRun, *, online: bool
) -> Estimate:
    """Return what a sync of one W&B run costs; its seconds are those of one worker.

    Args:
        run: the planned W&B run.
        action: what a sync does with it.
        expected: what is known of its files.
        online: whether it is sent to a server; into a bundle there are no requests.
    """
    if action is RunAction.UPDATE:
        requests = _REQUESTS_OF_UPDATE if online else 0
        return Estimate(requests=round(requests), seconds=requests * _SECONDS_OF_REQUEST)
    if action not in _WRITES:
        return Estimate()
    files = expected.files.values()
    sent = sum(file.size - file.linked for file in files) + expected.card_bytes
    size = sent + expected.log_bytes
    requests = (
        _REQUESTS_OF_RUN
        + _REQUESTS_OF_ARTIFACT * len(files)
        + _REQUESTS_OF_FILE * sum(file.number for file in files)
        + _REQUESTS_OF_USE * len(run.inputs)
        + _REQUESTS_OF_PANEL * _count_panels(run)
    )
    seconds = _SECONDS_OF_RUN + _SECONDS_OF_ARTIFACT * len(files) + size / _BYTES_PER_SECOND_OF_DISK
    if online:
        seconds += requests * _SECONDS_OF_REQUEST + (size + _BYTES_OF_RUN) / _BYTES_PER_SECOND
    return Estimate(
        size=size,
        size_is_estimate=any(file.is_estimate for file in files),
        requests=round(requests) if online else 0,
        seconds=seconds,
    )


def estimate_flow_run(runs: list[Estimate], *, workers: int, online: bool) -> Estimate:
    """Return what a sync of one flow run costs, with its W&B runs written several at once."""
    total = sum(runs, start=Estimate())
    if not total.seconds:
        return total
    at_once = max(1, min(workers, sum(bool(run.seconds) for run in runs)))
    return Estimate(
        size=total.size,
        size_is_estimate=total.size_is_estimate,
        requests=total.requests + (round(_REQUESTS_OF_FLOW_RUN) if online else 0),
        seconds=round(total.seconds / at_once + (_SECONDS_OF_CALL if online else 0.5), 1),
    )


def _count_panels(run: PlannedRun) -> int:
    """Return the number of files that the W&B run itself has, for panels."""
    tables = 1 if run.merged or run.overview is not None else 0
    figures = 3 if run.overview is not None else 0
    previews = sum(
        file.preview not in {None, Preview.CHART} or file.form is Form.IMAGE
        for artifact in run.outputs
        for file in artifact.files
    )
    return len(run.cards) + tables + figures + previews
