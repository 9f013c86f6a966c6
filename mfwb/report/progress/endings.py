"""One line on a flow run that has ended."""

from __future__ import annotations

from mfwb.outcome import FlowRunOutcome, Status
from mfwb.ports import Ended
from mfwb.report.format import count, human_size
from mfwb.report.problems import difference_line, failure_line
from mfwb.safe_text import one_line
from mfwb.units.durations import format_duration
from mfwb.verification_outcome import FlowRunVerification, Verdict

__all__ = ["describe_end"]

_NOTHING_DONE = (Status.UNCHANGED, Status.SKIPPED)


def describe_end(ended: Ended, seconds: float | None) -> str:
    """Return the line; empty if nothing had to be done, so that a cron job stays silent.

    The line of a failure is the one that `--json` and `--quiet` print for it.

    Args:
        ended: how it ended.
        seconds: how long it took; None: not known.
    """
    if isinstance(ended, FlowRunVerification):
        return _of_verification(ended, seconds)
    if ended.status is Status.FAILED:
        return failure_line(ended)
    if ended.status in _NOTHING_DONE:
        return ""
    return _joined(ended, ended.status.value, _parts(ended), seconds)


def _of_verification(ended: FlowRunVerification, seconds: float | None) -> str:
    if ended.verdict is Verdict.SKIPPED:
        return ""
    if ended.verdict is not Verdict.SAME:
        return difference_line(ended)
    items = sum((ended.compared or {}).values())
    return _joined(ended, ended.verdict.value, [count(items, "item")], seconds)


def _parts(outcome: FlowRunOutcome) -> list[str]:
    outputs = [output for run in outcome.wandb_runs for output in run.outputs]
    size = sum(output.size for output in outputs)
    parts = [count(len(outcome.wandb_runs), "W&B run")]
    if outputs:
        estimated = "\N{ALMOST EQUAL TO} " if outcome.status is Status.PLANNED else ""
        parts.append(f"{count(len(outputs), 'artifact')} of {estimated}{human_size(size)}")
    losses = len(outcome.all_losses)
    return [*parts, count(losses, "loss")] if losses else parts


def _joined(ended: Ended, state: str, parts: list[str], seconds: float | None) -> str:
    if seconds is not None:
        parts = [*parts, format_duration(seconds)]
    return one_line(f"{ended.pathspec} {state}: {', '.join(parts)}")
