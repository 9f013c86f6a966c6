"""The shards of a backfill: a line each."""

from __future__ import annotations

from datetime import datetime, timezone

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mfwb.outcome import Result, ShardOutcome, ShardState
from mfwb.report.fit import print_wrapped
from mfwb.report.format import count
from mfwb.safe_text import one_line

__all__ = ["print_shards"]

_STYLES = {ShardState.PLANNED: "cyan", ShardState.DONE: "green", ShardState.FAILED: "red"}
_HEADINGS = ("Shard", "", "Flow runs", "W&B runs", "Requests", "Started")


def print_shards(result: Result, console: Console) -> None:
    """Print the shards of a result, in the order in which they are synced; a plan has no more."""
    if not result.shards:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(
            heading, justify="right" if heading[-1:] == "s" else "left", overflow="fold"
        )
    for shard in result.shards:
        table.add_row(*_cells(shard))
    console.print(table)
    for shard in result.shards:
        if shard.reason:
            reason = Text(f"shard {shard.name}: {one_line(shard.reason)}", style="red")
            print_wrapped(reason, console, whole=True)
    if all(shard.state is ShardState.PLANNED for shard in result.shards):
        wandb_runs = sum(shard.wandb_runs for shard in result.shards)
        requests = sum(shard.requests for shard in result.shards)
        line = f"{count(wandb_runs, 'W&B run')} to write, about {count(requests, 'request')}"
        print_wrapped(Text(line, style="bold"), console, whole=True)


def _cells(shard: ShardOutcome) -> tuple[str | Text, ...]:
    return (
        shard.name,
        Text(shard.state.value, style=_STYLES[shard.state]),
        f"{shard.flow_runs:,}",
        f"{shard.wandb_runs:,}",
        f"{shard.requests:,}",
        _range(shard.since, shard.until),
    )


def _range(since: int, until: int) -> str:
    first, last = _day(since), _day(until)
    return first if first == last else f"{first} to {last}"


def _day(moment: int) -> str:
    """Return the day of a moment in UTC; empty if it is not known."""
    if moment <= 0:
        return ""
    return datetime.fromtimestamp(moment / 1000, tz=timezone.utc).strftime("%Y-%m-%d")
