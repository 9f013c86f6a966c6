"""The list of flow runs in a sync status: a line each, and a second one if they don't fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timezone

from rich.console import Console
from rich.text import Text

from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.console import is_limited
from mfwb.report.fit import fit_name, print_wrapped
from mfwb.report.format import count
from mfwb.report.result.losses import print_losses
from mfwb.safe_text import one_line
from mfwb.snapshot import Loss
from mfwb.sync_status import KnownFlowRun, LostItem
from mfwb.units.durations import format_duration

__all__ = ["ago", "destination_text", "print_flow_runs"]

_GAP = 2
_SHORTEST = 12  # columns that a name gets at least
_REASONS = {
    SyncState.BEGUN: "it is being written, or writing was interrupted",
    SyncState.RUNNING: "it is still running",
    SyncState.INCOMPLETE: "another sync may complete it",
}
"""The reasons of open entries that have none of their own."""

_STYLES = {SyncState.FAILED: "red", SyncState.SYNCED: "green", SyncState.LEFT_OUT: "dim"}


def print_flow_runs(
    flow_runs: Sequence[KnownFlowRun],
    console: Console,
    now: datetime,
    *,
    lost: Sequence[LostItem] = (),
    with_base: bool = False,
) -> None:
    """Print a line for each flow run; where there is no terminal, all of it is on that line.

    Args:
        flow_runs: the flow runs.
        console: the console to print to.
        now: the present time, with a time zone.
        lost: losses, which are listed below their flow run.
        with_base: whether to name servers and bundles.
    """
    losses: dict[tuple[str, Destination], list[Loss]] = defaultdict(list)
    for item in lost:
        losses[item.flow_run, item.destination].append(item.loss)
    rows = [_cells(known, now, with_base=with_base, counted=not lost) for known in flow_runs]
    used = [number for number in range(_REASON) if any(row[number] for row in rows)]
    widths = [max(row[number].cell_len for row in rows) for number in used]
    for known, cells in zip(flow_runs, rows, strict=True):
        _print_row([cells[number] for number in used], widths, cells[_REASON], console)
        entry = known.entry
        own = losses.get((entry.flow_run, entry.destination), [])
        print_losses(own, console, whole=True, indent=_GAP)


_REASON = 5


def _cells(
    known: KnownFlowRun, now: datetime, *, with_base: bool, counted: bool
) -> tuple[Text, ...]:
    entry = known.entry
    state = entry.sync_state
    return (
        Text(one_line(entry.flow_run), style="bold"),
        Text(state.value, style=_STYLES.get(state, "cyan")),
        Text(ago(entry.at, now), style="dim"),
        Text(count(known.lost, "loss") if known.lost and counted else "", style="yellow"),
        Text(one_line(destination_text(entry.destination, with_base=with_base))),
        Text(_reason(entry)),
    )


def _reason(entry: Entry) -> str:
    if not entry.sync_state.is_open:
        return ""
    return one_line(entry.reason or _REASONS.get(entry.sync_state, "no reason was recorded"))


def _print_row(
    cells: Sequence[Text], widths: Sequence[int], reason: Text, console: Console
) -> None:
    """Print a line, and below it what does not fit: the destination, and the reason."""
    fits = sum(widths) + _GAP * (len(widths) - 1) <= console.width
    if not (console.is_terminal and is_limited(console)):
        _print_line(cells, widths, console, end=reason)
        return
    kept = len(cells) if fits else len(cells) - 1
    _print_line(*_narrowed(cells[:kept], widths[:kept], console), console)
    for rest in (*cells[kept:], reason):
        if rest:
            print_wrapped(rest, console, indent=_GAP)


def _narrowed(
    cells: Sequence[Text], widths: Sequence[int], console: Console
) -> tuple[Sequence[Text], Sequence[int]]:
    """Return cells that fit, with their widths: the name loses its middle, the last ones go."""
    cells, widths = list(cells), list(widths)
    while len(cells) > 1 and sum(widths[1:]) + _GAP * (len(cells) - 1) + _SHORTEST > console.width:
        cells, widths = cells[:-1], widths[:-1]
    room = console.width - sum(widths[1:]) - _GAP * (len(cells) - 1)
    if widths[0] > room:
        cells[0], widths[0] = fit_name(cells[0], room, console), room
    return cells, widths


def _print_line(
    cells: Sequence[Text], widths: Sequence[int], console: Console, *, end: Text | None = None
) -> None:
    line = Text()
    for cell, width in zip(cells, widths, strict=True):
        line.append_text(cell)
        line.append(" " * (width - cell.cell_len + _GAP))
    line.append_text(end or Text())
    line.rstrip()
    console.print(line, soft_wrap=True)


def destination_text(destination: Destination, *, with_base: bool) -> str:
    """Return `acme/wines`, with the server or the bundle behind it if that is requested."""
    project = destination.project
    path = f"{destination.entity}/{project}" if destination.entity else project
    return f"{path} ({destination.base})" if with_base else path


def ago(moment: str, now: datetime) -> str:
    """Return how long ago a moment was, which the ledger has in UTC."""
    then = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return f"{format_duration(max(0.0, (now - then).total_seconds()))} ago"
