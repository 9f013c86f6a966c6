"""Totals of a result, with numbers that add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mfwb.account import Ending, count_endings, number_of
from mfwb.outcome import Estimate, FlowRunOutcome, Result, ShardState, Status
from mfwb.report.format import count, human_seconds, human_size
from mfwb.report.result.changes import cost_parts

__all__ = ["item_totals", "numbers", "totals"]

_DONE = (Status.PLANNED, Status.SYNCED, Status.UNCHANGED)


def totals(result: Result) -> list[str]:
    """Return a line on the flow runs, unless it is one, and lines on what was written and lost."""
    new = [flow_run for flow_run in result.others if flow_run.status is not Status.UNCHANGED]
    lines = [] if len(result.flow_runs) == 1 else [_flow_runs(result)]
    if any(flow_run.wandb_runs for flow_run in new):
        alone = new[0].seconds if len(result.flow_runs) == 1 else None
        lines += filter(
            None, numbers(new, alone or result.seconds, result.command, result.estimate)
        )
    if losses := sum(len(flow_run.all_losses) for flow_run in new):
        lines.append(count(losses, "loss"))
    elif _says_no_losses(result) and not _is_plan_of_shards(result):
        lines.append("no losses")
    return lines


def _says_no_losses(result: Result) -> bool:
    is_true = not result.others or says_no_losses(result.others)
    return bool(result.flow_runs) and is_true and not result.set_aside.has_losses


def _is_plan_of_shards(result: Result) -> bool:
    """Return whether the flow runs of a backfill are planned; what they lose is not known."""
    return any(shard.state is ShardState.PLANNED for shard in result.shards)


def numbers(
    flow_runs: Sequence[FlowRunOutcome],
    seconds: float | None,
    command: str,
    estimate: Estimate | None = None,
) -> tuple[str, str]:
    """Return what was written for flow runs, or would be: on W&B runs, and on artifacts.

    The latter is empty if there is none.

    Args:
        flow_runs: flow runs that were not unchanged.
        seconds: how long that took; None: not known.
        command: the command; of a push, the bytes are an estimate.
        estimate: of a plan: what the whole sync would cost; None: the sum of its flow runs.
    """
    return _work(flow_runs, seconds, command, estimate), _artifacts(flow_runs)


def says_no_losses(flow_runs: Sequence[FlowRunOutcome]) -> bool:
    """Return whether it is true, and not misleading, to say that nothing is lost."""
    return bool(flow_runs) and all(
        flow_run.status in _DONE and not flow_run.has_losses for flow_run in flow_runs
    )


def item_totals(result: Result) -> Iterator[str]:
    """Yield how all items ended, and those of each kind.

    Those of unchanged flow runs are counted as the sync ended that wrote them.
    """
    if all(flow_run.account is None for flow_run in result.flow_runs):
        return
    planned = any(flow_run.status is Status.PLANNED for flow_run in result.others)
    would = " would be" if planned else ""
    account = result.account
    yield f"{count(number_of(account), 'item')}{would}: {_endings(count_endings(account))}"
    for kind, endings in account.items():
        noun = kind.value.removesuffix("s").replace("_", " ")
        yield f"  {count(number_of(account, kind), noun)}: {_endings(endings)}"


def _flow_runs(result: Result) -> str:
    by_status = Counter(flow_run.status for flow_run in result.others)
    by_status[Status.UNCHANGED] += result.set_aside.number
    parts = [f"{by_status[status]:,} {status.value}" for status in Status if by_status[status]]
    whole = count(len(result.flow_runs), "flow run")
    return f"{whole}: {', '.join(parts)}" if parts else whole


def _work(
    flow_runs: Sequence[FlowRunOutcome],
    seconds: float | None,
    command: str,
    estimate: Estimate | None,
) -> str:
    """Return the number of W&B runs, the bytes that were written, and how long that took."""
    runs = [run for flow_run in flow_runs for run in flow_run.wandb_runs]
    parts = [count(len(runs), "W&B run")]
    if failed := sum(run.state == "failed" for run in runs):
        parts.append(f"{failed:,} marked failed")
    planned = any(flow_run.status is Status.PLANNED for flow_run in flow_runs)
    verb = "written" if all(flow_run.mode == "offline" for flow_run in flow_runs) else "uploaded"
    took = "" if seconds is None or planned else f" in {human_seconds(seconds)}"
    size = sum(flow_run.bytes_written for flow_run in flow_runs)
    if size and not planned:
        about = "\N{ALMOST EQUAL TO}" if command == "push" else ""
        parts.append(f"{about}{human_size(size)} {verb}{took}")
    elif took:
        parts.append(f"nothing {verb}{took}")
    costs = [flow_run.estimate for flow_run in flow_runs if flow_run.estimate is not None]
    if planned and costs:
        parts += cost_parts(estimate or sum(costs, start=Estimate()))
    return ", ".join(parts)


def _artifacts(flow_runs: Sequence[FlowRunOutcome]) -> str:
    items = [run.items for flow_run in flow_runs for run in flow_run.wandb_runs]
    parts = {
        "in summary": sum(counts.values for counts in items),
        "written": sum(counts.written for counts in items),
        "same content": sum(counts.deduplicated for counts in items),
        "switched off": sum(counts.switched_off for counts in items),
        "lost": sum(counts.lost for counts in items),
    }
    planned = all(flow_run.status is Status.PLANNED for flow_run in flow_runs)
    if planned:  # before a content is sent, it is not known whether W&B has it already
        parts["written"] += parts.pop("same content")
    texts = ", ".join(f"{number:,} {label}" for label, number in parts.items() if number)
    number = sum(counts.total for counts in items)
    would = " would be" if planned else ""
    return f"{count(number, 'artifact')}{would}: {texts}" if texts else ""


def _endings(endings: Mapping[Ending, int]) -> str:
    parts = [f"{endings[end]:,} {_ENDING_LABELS[end]}" for end in Ending if endings.get(end)]
    return ", ".join(parts) or "nothing"


_ENDING_LABELS = {
    Ending.WRITTEN: "written",
    Ending.DEDUPLICATED: "same content",
    Ending.SWITCHED_OFF: "switched off",
    Ending.MASKED: "masked",
    Ending.REFERENCED: "referenced",
    Ending.LOST: "lost",
}
