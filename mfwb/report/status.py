"""Sync status for people: a table of flows, the open flow runs, and the losses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.console import printed
from mfwb.report.fit import Name, Wrapped, print_wrapped
from mfwb.report.json_output import for_any_output
from mfwb.report.result.losses import print_losses
from mfwb.safe_text import fit_encoding, one_line
from mfwb.sync_status import FlowSyncStatus, LostItem, SyncStatus
from mfwb.units.durations import format_duration

__all__ = ["show_status"]

_MANY = 20
"""If there are more flow runs, the rest is only counted."""

_GAP = (0, 2, 0, 0)

_HEADINGS = ("synced", "pending", "failed", "left out", "losses")

_REASONS = {
    SyncState.BEGUN: "it is being written, or writing was interrupted",
    SyncState.RUNNING: "it is still running",
    SyncState.INCOMPLETE: "another sync may complete it",
}
"""The reasons of entries that have none of their own."""


def show_status(  # noqa: PLR0913 - the ways to show it
    sync_status: SyncStatus,
    *,
    console: Console,
    now: datetime,
    as_json: bool,
    rebuilt: bool = False,
    all_losses: bool = False,
) -> tuple[str, str]:
    """Return the output, and the same for a stream that takes ASCII only.

    Args:
        sync_status: the sync status of a ledger.
        console: the console that text is formatted for.
        now: the present time, with a time zone; ages are computed from it.
        as_json: return a JSON document rather than text.
        rebuilt: whether the ledger has just been rebuilt from W&B.
        all_losses: list each loss with its flow run and its reason, however many there are.
    """
    if as_json:
        document = sync_status.to_dict()
        return for_any_output(document)
    text = _to_text(sync_status, console, now, rebuilt=rebuilt, all_losses=all_losses)
    return text, fit_encoding(text)


def _to_text(
    sync_status: SyncStatus, console: Console, now: datetime, *, rebuilt: bool, all_losses: bool
) -> str:
    with console.capture() as capture:
        if sync_status.flows:
            console.print(_table(sync_status.flows, now))
            _print_open(sync_status.open, console, now)
            if all_losses:
                _print_losses_by_flow_run(sync_status.lost, console)
            elif sync_status.lost:
                console.print()
                print_losses(sync_status.losses, console, whole=False, indent=0)
        else:
            print_wrapped(Text(_nothing(sync_status.ledger, rebuilt=rebuilt)), console, whole=True)
    return printed(capture.get())


def _print_losses_by_flow_run(lost: Sequence[LostItem], console: Console) -> None:
    for (flow_run, destination), items in groupby(lost, key=_owner):
        console.print()
        where = _destination(destination, with_base=False)
        print_wrapped(Text.assemble((one_line(flow_run), "bold"), "  ", one_line(where)), console)
        print_losses([item.loss for item in items], console, whole=True, indent=2)
    if not lost:
        console.print()
        console.print("no losses")


def _owner(item: LostItem) -> tuple[str, Destination]:
    return item.flow_run, item.destination


def _nothing(ledger: str, *, rebuilt: bool) -> str:
    start = f"the ledger has no flow runs ({ledger}); start with `mfwb sync Flow/123`"
    if rebuilt:
        return start
    return f"{start}, or rebuild a lost ledger with `mfwb status --rebuild`"


def _table(flows: Sequence[FlowSyncStatus], now: datetime) -> Table:
    """Return the table of flows, without columns of zeros."""
    counted = [_numbers_of(row) for row in flows]
    headings = [
        name for name in _HEADINGS if name == "synced" or any(row[name][0] for row in counted)
    ]
    several = len({(row.destination.mode, row.destination.base) for row in flows}) > 1
    table = Table(box=None, pad_edge=False, padding=_GAP, header_style="dim")
    table.add_column("flow")
    table.add_column("project")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("newest")
    for row in flows:
        numbers = _numbers_of(row)
        table.add_row(
            Name(Text(one_line(row.flow), style="bold")),
            Name(Text(one_line(_destination(row.destination, with_base=several)))),
            *(_number(*numbers[heading]) for heading in headings),
            Wrapped(Text(_ago(row.newest, now) if row.newest else "never")),
        )
    return table


def _numbers_of(row: FlowSyncStatus) -> dict[str, tuple[int, str]]:
    """Return the numbers of a row and their colors, by heading."""
    return {
        "synced": (row.synced, "green"),
        "pending": (row.pending, "cyan"),
        "failed": (row.failed, "red"),
        "left out": (row.left_out, ""),
        "losses": (row.lost, "yellow"),
    }


def _number(number: int, style: str) -> Text:
    return Text(f"{number:,}", style=style if number else "dim")


def _destination(destination: Destination, *, with_base: bool) -> str:
    project = destination.project
    path = f"{destination.entity}/{project}" if destination.entity else project
    return f"{path} ({destination.base})" if with_base else path


def _print_open(entries: tuple[Entry, ...], console: Console, now: datetime) -> None:
    if not entries:
        return
    console.print()
    table = Table(box=None, pad_edge=False, padding=_GAP, show_header=False)
    for _ in range(4):
        table.add_column()
    for entry in entries[:_MANY]:
        state = entry.sync_state
        table.add_row(
            Name(Text(one_line(entry.flow_run), style="bold")),
            Text(state.value, style="red" if state is SyncState.FAILED else "cyan"),
            Wrapped(Text(_ago(entry.at, now), style="dim")),
            Wrapped(Text(one_line(entry.reason or _REASONS.get(state, "no reason was recorded")))),
        )
    console.print(table)
    if len(entries) > _MANY:
        console.print(Text(f"and {len(entries) - _MANY:,} more", style="dim"))


def _ago(moment: str, now: datetime) -> str:
    """Return how long ago a moment was, which the ledger has in UTC."""
    then = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return f"{format_duration(max(0.0, (now - then).total_seconds()))} ago"
