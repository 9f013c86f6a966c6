"""How flow runs stand: a table by flow, what is open, and what was lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mfwb.ports import Destination, Entry, Standing
from mfwb.report.console import printed
from mfwb.report.json_output import for_any_output
from mfwb.report.result.losses import print_losses
from mfwb.safe_text import fit_encoding, one_line
from mfwb.sync_status import FlowStanding, Standings
from mfwb.units.durations import format_duration

__all__ = ["show_status"]

_MANY = 20
"""Of more flow runs than that the rest is counted."""

_GAP = (0, 2, 0, 0)

_HEADINGS = ("synced", "pending", "failed", "left out", "losses")

_WHY = {
    Standing.BEGUN: "it is being written, or that was cut short",
    Standing.RUNNING: "it is still running",
    Standing.INCOMPLETE: "something may arrive if it is tried again",
}
"""What is said of those that have no reason of their own."""


def show_status(
    standings: Standings, *, console: Console, now: datetime, as_json: bool, rebuilt: bool = False
) -> tuple[str, str]:
    """Return what is to be printed, and the same for an output that takes ASCII only.

    Args:
        standings: of a ledger.
        console: where text will go.
        now: with a time zone; ages are told from it.
        as_json: whether a document is asked for rather than text.
        rebuilt: whether W&B has just been asked what it has.
    """
    if as_json:
        document = standings.to_dict()
        return for_any_output(document)
    text = _to_text(standings, console, now, rebuilt=rebuilt)
    return text, fit_encoding(text)


def _to_text(standings: Standings, console: Console, now: datetime, *, rebuilt: bool) -> str:
    with console.capture() as capture:
        if standings.flows:
            console.print(_table(standings.flows, now))
            _print_open(standings.open, console, now)
            if standings.losses:
                console.print()
                print_losses(standings.losses, console, whole=False, indent=0)
        else:
            console.print(Text(_nothing(standings.ledger, rebuilt=rebuilt)), soft_wrap=True)
    return printed(capture.get())


def _nothing(ledger: str, *, rebuilt: bool) -> str:
    begin = f"nothing is known here of flow runs ({ledger}); `mfwb sync Flow/123` begins"
    if rebuilt:
        return begin
    return f"{begin}, and `mfwb status --rebuild` asks W&B if a ledger was lost"


def _table(flows: Iterable[FlowStanding], now: datetime) -> Table:
    flows = list(flows)
    several = len({(one.destination.mode, one.destination.base) for one in flows}) > 1
    table = Table(box=None, pad_edge=False, padding=_GAP, header_style="dim")
    table.add_column("flow", overflow="fold")
    table.add_column("project", overflow="fold")
    for heading in _HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("newest", no_wrap=True)
    for one in flows:
        table.add_row(
            Text(one_line(one.flow), style="bold"),
            Text(one_line(_where(one.destination, with_base=several))),
            _number(one.synced, "green"),
            _number(one.pending, "cyan"),
            _number(one.failed, "red"),
            _number(one.left_out, ""),
            _number(one.lost, "yellow"),
            Text(_ago(one.newest, now) if one.newest else "never"),
        )
    return table


def _number(number: int, style: str) -> Text:
    return Text(f"{number:,}", style=style if number else "dim")


def _where(destination: Destination, *, with_base: bool) -> str:
    project = destination.project
    where = f"{destination.entity}/{project}" if destination.entity else project
    return f"{where} ({destination.base})" if with_base else where


def _print_open(entries: tuple[Entry, ...], console: Console, now: datetime) -> None:
    if not entries:
        return
    console.print()
    table = Table(box=None, pad_edge=False, padding=_GAP, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in entries[:_MANY]:
        table.add_row(
            Text(one_line(one.flow_run), style="bold"),
            Text(one.standing.value, style="red" if one.standing is Standing.FAILED else "cyan"),
            Text(_ago(one.at, now), style="dim"),
            Text(one_line(one.reason or _WHY.get(one.standing, "no reason was given"))),
        )
    console.print(table)
    if len(entries) > _MANY:
        console.print(Text(f"and {len(entries) - _MANY:,} more", style="dim"))


def _ago(moment: str, now: datetime) -> str:
    """Return how long ago something was, which the ledger noted in UTC."""
    then = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return f"{format_duration(max(0.0, (now - then).total_seconds()))} ago"
