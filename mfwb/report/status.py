"""Sync status for people: a table of flows, a list of flow runs, and the losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mfwb.report.console import printed
from mfwb.report.fit import Name, Wrapped, print_wrapped
from mfwb.report.json_output import document_parts
from mfwb.report.result.losses import print_losses
from mfwb.report.status_list import ago, destination_text, print_flow_runs
from mfwb.safe_text import one_line
from mfwb.sync_status import FlowSyncStatus, SyncStatus

__all__ = ["Listed", "status_to_json", "status_to_text"]

_GAP = (0, 2, 0, 0)

_HEADINGS = ("synced", "pending", "failed", "left out", "losses")


class Listed(Enum):
    """Which flow runs are listed."""

    ALL = "all"
    FAILED = "those that could not be synced"
    LOSSES = "those with losses, and each loss"
    FAILED_WITH_LOSSES = "those that could not be synced and have losses, and each loss"

    @classmethod
    def of(cls, *, failed: bool, losses: bool) -> Listed:
        """Return which flow runs are listed, by the options that were given."""
        if failed:
            return cls.FAILED_WITH_LOSSES if losses else cls.FAILED
        return cls.LOSSES if losses else cls.ALL

    @property
    def shows_each_loss(self) -> bool:
        """Whether each loss is listed below its flow run."""
        return self in {Listed.LOSSES, Listed.FAILED_WITH_LOSSES}


_NONE_LISTED = {
    Listed.FAILED: "no failed flow runs",
    Listed.LOSSES: "no losses",
    Listed.FAILED_WITH_LOSSES: "no failed flow runs with losses",
}


def status_to_json(
    sync_status: SyncStatus, *, ascii_only: bool = False, indented: bool = True
) -> Iterator[str]:
    """Yield the document that `--json` prints, one flow run after the other: there may be many.

    Args:
        sync_status: the sync status of a ledger.
        ascii_only: escape all letters beyond ASCII.
        indented: for people; else each flow run is one line.
    """
    listed = (flow_run.to_dict() for flow_run in sync_status.flow_runs)
    rest = sync_status.without_flow_runs()
    yield from document_parts(rest, "flow_runs", listed, ascii_only=ascii_only, indented=indented)


def status_to_text(
    sync_status: SyncStatus,
    *,
    console: Console,
    now: datetime,
    listed: Listed = Listed.ALL,
    rebuilt: bool = False,
) -> str:
    """Return the text for people.

    Args:
        sync_status: the sync status of a ledger.
        console: the console that text is formatted for.
        now: the present time, with a time zone; ages are computed from it.
        listed: which flow runs it lists; if not all of them, there is nothing else in the text.
        rebuilt: whether the ledger has just been rebuilt from W&B.
    """
    with console.capture() as capture:
        if not sync_status.flows:
            text = _nothing(sync_status, rebuilt=rebuilt)
            print_wrapped(Text(text), console)
        elif listed is Listed.ALL:
            console.print(_table(sync_status.flows, now))
            _print_list(sync_status, console, now, listed)
            if sync_status.lost:
                console.print()
                print_losses(sync_status.losses, console, whole=False, indent=0)
        else:
            _print_list(sync_status, console, now, listed)
    return printed(capture.get())


def _nothing(sync_status: SyncStatus, *, rebuilt: bool) -> str:
    ledger = sync_status.ledger
    if sync_status.has_others:
        return f"the ledger has no such flow runs ({ledger})"
    start = f"the ledger has no flow runs ({ledger}); start with `mfwb sync Flow/123`"
    return start if rebuilt else f"{start}, or rebuild a lost ledger with `mfwb status --rebuild`"


def _print_list(sync_status: SyncStatus, console: Console, now: datetime, listed: Listed) -> None:
    flow_runs = sync_status.flow_runs
    if listed is Listed.ALL and flow_runs:
        console.print()
    elif not flow_runs and listed in _NONE_LISTED:
        console.print(_NONE_LISTED[listed])
    print_flow_runs(
        flow_runs,
        console,
        now,
        lost=sync_status.lost if listed.shows_each_loss else (),
        with_base=_several_bases(sync_status.flows),
    )
    if sync_status.more:
        more = f"{_ELLIPSIS} and {sync_status.more:,} more"
        print_wrapped(Text(f"{more}; --limit N lists more of them", style="dim"), console)


_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def _several_bases(flows: Sequence[FlowSyncStatus]) -> bool:
    """Return whether flow runs were sent to several servers or bundles."""
    return len({(row.destination.mode, row.destination.base) for row in flows}) > 1


def _table(flows: Sequence[FlowSyncStatus], now: datetime) -> Table:
    """Return the table of flows, without columns of zeros."""
    counted = [_numbers_of(row) for row in flows]
    headings = [
        name for name in _HEADINGS if name == "synced" or any(row[name][0] for row in counted)
    ]
    several = _several_bases(flows)
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
            Name(Text(one_line(destination_text(row.destination, with_base=several)))),
            *(_number(*numbers[heading]) for heading in headings),
            Wrapped(Text(ago(row.newest, now) if row.newest else "never")),
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
