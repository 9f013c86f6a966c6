"""Repair: sync the flow runs that differ once more, and verify them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from mfwb.safe_text import one_line
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification

__all__ = ["repair"]

SyncAgain = Callable[[Sequence[str]], Mapping[str, str]]
"""Writes flow runs again; returns the reason of each that failed, by pathspec."""

VerifyAgain = Callable[[Sequence[str]], Iterable[FlowRunVerification]]


def repair(first: Verification, sync_again: SyncAgain, verify_again: VerifyAgain) -> Verification:
    """Return the verification after the flow runs that differ were synced again.

    Only flow runs with a difference that a sync can write are synced, each on its own. W&B runs
    that nobody planned stay: to delete them is for people to decide.

    Args:
        first: the verification before.
        sync_again: writes flow runs again, complete ones included.
        verify_again: verifies flow runs.
    """
    broken = [
        run.pathspec
        for run in first.flow_runs
        if run.verdict is Verdict.DIFFERENT and any(one.repairable for one in run.differences)
    ]
    failures = sync_again(broken) if broken else {}
    after = {run.pathspec: run for run in verify_again(broken)} if broken else {}
    return replace(
        first,
        flow_runs=tuple(_with_repair(run, after.get(run.pathspec)) for run in first.flow_runs),
        notes=(
            *first.notes,
            *(f"{name} was not repaired: {one_line(why)}" for name, why in failures.items()),
        ),
    )


def _with_repair(
    before: FlowRunVerification, after: FlowRunVerification | None
) -> FlowRunVerification:
    if before.verdict is not Verdict.DIFFERENT:
        return before
    if after is None:
        return replace(before, repaired=0)
    left = {_key(one) for one in after.differences}
    mended = sum(_key(one) not in left for one in before.differences)
    known = after.verdict in (Verdict.SAME, Verdict.DIFFERENT)
    return replace(
        after,
        repaired=mended if known else 0,
        requests=before.requests + after.requests,
        bytes_read=before.bytes_read + after.bytes_read,
    )


def _key(difference: Difference) -> tuple[str, str | None, str]:
    return difference.kind, difference.wandb_run, difference.item
