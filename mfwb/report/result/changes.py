"""What a plan says of changes: of a flow run in a few words, and of what a sync would cost."""

from __future__ import annotations

from collections.abc import Iterator

from mfwb.outcome import Change, Estimate, FlowRunOutcome, RunAction, WandbRunOutcome
from mfwb.report.format import count, human_seconds, planned_size, short_name
from mfwb.safe_text import one_line

__all__ = ["change_lines", "cost_parts"]

_LISTED = 5  # W&B runs whose changes are listed each
_VERBS = {
    RunAction.CREATE: "new",
    RunAction.REWRITE: "written again",
    RunAction.UPDATE: "updated in place",
    RunAction.SKIP: "left alone",
}


def change_lines(flow_run: FlowRunOutcome) -> Iterator[str]:
    """Yield what a plan says of a flow run: new or changed, why, and what becomes of W&B runs."""
    if flow_run.change in (None, Change.UNCHANGED):
        return
    reasons = "; ".join(map(one_line, flow_run.reasons))
    yield f"{flow_run.change.value}{f': {reasons}' if reasons else ''}"
    if flow_run.change is Change.NEW:
        return
    changed = [run for run in flow_run.wandb_runs if run.action in _VERBS]
    yield from (_run_line(run, flow_run.pathspec) for run in changed[:_LISTED])
    if len(changed) > _LISTED:
        yield f"  and {len(changed) - _LISTED:,} more"
    kept = sum(run.action is RunAction.KEEP for run in flow_run.wandb_runs)
    if kept:
        yield f"  {count(kept, 'W&B run')} unchanged"


def _run_line(run: WandbRunOutcome, pathspec: str) -> str:
    verb = _VERBS[run.action] if run.action else ""
    reasons = ", ".join(map(one_line, run.reasons))
    return f"  {one_line(short_name(run.name, pathspec))} {verb}{f': {reasons}' if reasons else ''}"


def cost_parts(estimate: Estimate) -> Iterator[str]:
    """Yield what a sync would write, in how many requests and how long; nothing if it is none."""
    if not estimate.seconds:
        return
    size = planned_size(estimate.size, is_estimate=estimate.size_is_estimate)
    yield f"{size} to write"
    if estimate.requests:
        yield f"about {count(estimate.requests, 'request')}"
    yield f"about {human_seconds(estimate.seconds)}"
