"""Repair: sync the flow runs that differ once more, and verify them again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from mfwb.safe_text import one_line
from mfwb.verification_outcome import Difference, FlowRunVerification, Verdict, Verification

__all__ = ["repair"]

SyncAgain = Callable[[Sequence[str], Collection[str] | None], Mapping[str, str]]
"""Takes flow runs, and the W&B runs of them to write again, or None for all; returns the reason of
each flow run that failed, by pathspec."""

VerifyAgain = Callable[[Sequence[str]], Iterable[FlowRunVerification]]


def repair(first: Verification, sync_again: SyncAgain, verify_again: VerifyAgain) -> Verification:
    """Return the verification after the flow runs that differ were synced again.

    Only W&B runs with a difference that a sync can write are written again; all of a flow run, if
    the difference is one of the flow run as a whole. W&B runs that nobody planned stay: to delete
    them is for people to decide.

    Args:
        first: the verification before.
        sync_again: writes flow runs again, complete ones included.
        verify_again: verifies flow runs.
    """
    broken = [run for run in first.flow_runs if _to_write(run)]
    partly = [run for run in broken if None not in _to_write(run)]
    whole = [run for run in broken if run not in partly]
    failures: dict[str, str] = {}
    if partly:
        names = {name for run in partly for name in _to_write(run) if name is not None}
        failures.update(sync_again([run.pathspec for run in partly], names))
    if whole:
        failures.update(sync_again([run.pathspec for run in whole], None))
    pathspecs = [run.pathspec for run in broken]
    after = {run.pathspec: run for run in verify_again(pathspecs)} if pathspecs else {}
    return replace(
        first,
        flow_runs=tuple(_with_repair(run, after.get(run.pathspec)) for run in first.flow_runs),
        notes=(
            *first.notes,
            *(f"{name} was not repaired: {one_line(why)}" for name, why in failures.items()),
        ),
    )


def _to_write(run: FlowRunVerification) -> set[str | None]:
    """Return the W&B runs with differences that a sync can write; None: the whole flow run."""
    if run.verdict is not Verdict.DIFFERENT:
        return set()
    return {difference.wandb_run for difference in run.differences if difference.repairable}


def _with_repair(
    before: FlowRunVerification, after: FlowRunVerification | None
) -> FlowRunVerification:
    if before.verdict is not Verdict.DIFFERENT:
        return before
    if after is None:
        return replace(before, repaired=0)
    left = {_key(difference) for difference in after.differences}
    mended = sum(_key(difference) not in left for difference in before.differences)
    known = after.verdict in (Verdict.SAME, Verdict.DIFFERENT)
    return replace(
        after,
        repaired=mended if known else 0,
        requests=before.requests + after.requests,
        bytes_read=before.bytes_read + after.bytes_read,
    )


def _key(difference: Difference) -> tuple[str, str | None, str]:
    return difference.kind, difference.wandb_run, difference.item
