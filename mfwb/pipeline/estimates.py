"""Estimates: what a sync of a planned W&B run costs, in bytes, requests and seconds. Pure.

The numbers were measured against the stand-in server of the tests, with wandb 0.31; docs/plan.md
has them, and tests/integration/test_plan_truth.py holds them against a sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from mfwb.outcome import Estimate, RunAction
from mfwb.pipeline.flow_run_room import MAX_FLOW_RUNS
from mfwb.pipeline.request_costs import (
    REQUESTS_OF_FLOW_RUN,
    REQUESTS_OF_UPDATE,
    count_panels,
    count_requests,
    count_tables,
)
from mfwb.planning import PlannedRun
from mfwb.ports import ExpectedRun

__all__ = ["estimate_call", "estimate_flow_run", "estimate_run"]

_BYTES_OF_RUN = 12_000  # config, summary and the records of wandb-core
_SECONDS_OF_RUN = 0.25  # of the processor, mostly of wandb-core, for a W&B run
_SECONDS_OF_ARTIFACT = 0.03
_SECONDS_OF_REQUEST = 0.1  # a round trip to a server; as many at once as there are workers
_SECONDS_OF_CALL = 3.0  # imports, and the checks at the end
_SECONDS_OF_OFFLINE_CALL = 0.5
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
        requests = REQUESTS_OF_UPDATE if online else 0
        return Estimate(requests=requests, seconds=requests * _SECONDS_OF_REQUEST)
    if action not in _WRITES:
        return Estimate()
    files = expected.files.values()
    sent = sum(file.size - file.linked for file in files) + expected.card_bytes
    size = sent + expected.log_bytes
    requests = count_requests(
        artifacts=len(files),
        files=sum(file.number for file in files),
        panels=count_panels(run),
        tables=count_tables(run),
    )
    seconds = _SECONDS_OF_RUN + _SECONDS_OF_ARTIFACT * len(files) + size / _BYTES_PER_SECOND_OF_DISK
    if online:
        seconds += requests * _SECONDS_OF_REQUEST + (size + _BYTES_OF_RUN) / _BYTES_PER_SECOND
    return Estimate(
        size=size,
        size_is_estimate=any(file.is_estimate for file in files),
        requests=requests if online else 0,
        seconds=seconds,
    )


def estimate_flow_run(
    runs: Sequence[tuple[PlannedRun, Estimate]], *, workers: int, online: bool
) -> Estimate:
    """Return what a sync of one flow run costs, without what a call costs in any case.

    Its W&B runs are written level by level, and those of one level several at once.

    Args:
        runs: its W&B runs, each with its own estimate.
        workers: W&B runs that are written at once.
        online: whether it is sent to a server.
    """
    total = sum((estimate for _, estimate in runs), start=Estimate())
    written = [run for run, estimate in runs if estimate.seconds]
    if not written:
        return total
    levels = len({run.level for run in written})
    at_once = max(1.0, min(workers, len(written) / levels))
    return replace(
        total,
        requests=total.requests + (REQUESTS_OF_FLOW_RUN if online else 0),
        seconds=round(total.seconds / at_once, 1),
    )


def estimate_call(flow_runs: Iterable[Estimate], *, workers: int, online: bool) -> Estimate:
    """Return what a sync of flow runs costs; several are written at once."""
    with_work = [estimate for estimate in flow_runs if estimate.seconds]
    total = sum(with_work, start=Estimate())
    if not with_work:
        return total
    at_once = min(workers, len(with_work), MAX_FLOW_RUNS) if online else 1
    seconds = _SECONDS_OF_CALL if online else _SECONDS_OF_OFFLINE_CALL
    return replace(total, seconds=round(total.seconds / at_once + seconds, 1))
