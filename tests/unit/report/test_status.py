"""The text and the document of `mfwb status`."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import datetime, timezone

from rich.console import Console

from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.status import show_status
from mfwb.snapshot import Loss
from mfwb.sync_status import KnownFlowRun, LostItem, SyncStatus, summarize

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
WINES = Destination("online", "https://wandb.example", "acme", "wines")


def entry(flow_run: str, standing: SyncState, at: str = "11:56:00", reason: str = "") -> Entry:
    """Return an entry that was written today."""
    when = f"2026-11-21T{at}Z"
    return Entry(flow_run, "local@/data", WINES, standing, at=when, reason=reason)


def standings(*entries: Entry, losses: tuple[Loss, ...] = ()) -> SyncStatus:
    """Return how they stand, as if all was lost of the first."""
    lost = [len(losses), *[0] * len(entries)]
    known = [KnownFlowRun(item, number) for item, number in zip(entries, lost, strict=False)]
    items = [LostItem(entries[0].flow_run, WINES, loss) for loss in losses]
    return summarize("/state/ledger.sqlite", known, items)


def shown(found: SyncStatus, *, width: int = 100) -> str:
    """Return the text, with an empty line in front as the expectations have it."""
    console = Console(file=io.StringIO(), width=width, highlight=False)
    text, plain = show_status(found, console=console, now=NOW, as_json=False)
    assert text.isascii() is (text == plain)
    return "\n" + text


def test_numbers_then_what_is_open_then_losses() -> None:
    """A row for each flow and project; below it what is open, and why; then what was lost."""
    result = standings(
        entry("WineFlow/7", SyncState.SYNCED, "09:00:00"),
        entry("WineFlow/8", SyncState.FAILED, reason="W&B refused\nit"),
        entry("WineFlow/9", SyncState.RUNNING, "11:59:59"),
        entry("WineFlow/10", SyncState.INCOMPLETE, reason="2 of its 4 W&B runs are not complete"),
        entry("BeerFlow/1", SyncState.LEFT_OUT),
        losses=(Loss("WineFlow/7/train/4/history", "too large"), Loss("WineFlow/7/log", "gone")),
    )
    expected = """
flow      project     synced  pending  failed  left out  losses  newest
BeerFlow  acme/wines       0        0       0         1       0  never
WineFlow  acme/wines       1        2       1         0       2  3 hours ago

WineFlow/8   failed      4 minutes ago  W&B refused it
WineFlow/10  incomplete  4 minutes ago  2 of its 4 W&B runs are not complete
WineFlow/9   running     1 second ago   it is still running

2 losses
  WineFlow/7/train/4/history - too large
  WineFlow/7/log - gone
"""

    assert shown(result) == expected


def test_each_loss() -> None:
    """If it is asked for, each loss of each flow run is listed, however many there are."""
    many = tuple(Loss(f"WineFlow/7/train/{n}/log", "gone") for n in range(30))
    result = standings(entry("WineFlow/7", SyncState.SYNCED), losses=many)
    console = Console(file=io.StringIO(), width=100, highlight=False)
    text, _ = show_status(result, console=console, now=NOW, as_json=False, all_losses=True)

    assert "WineFlow/7  acme/wines\n  30 losses\n    WineFlow/7/train/0/log - gone\n" in text
    assert text.count(" - gone") == 30


def test_each_loss_of_none() -> None:
    """That there is none is said."""
    result = standings(entry("WineFlow/7", SyncState.SYNCED))
    console = Console(file=io.StringIO(), width=100, highlight=False)
    text, _ = show_status(result, console=console, now=NOW, as_json=False, all_losses=True)

    assert text.endswith("\nno losses\n")


def test_all_is_well() -> None:
    """Where nothing is open or lost, the table is all."""
    expected = """
flow      project     synced  newest
WineFlow  acme/wines       1  4 minutes ago
"""

    assert shown(standings(entry("WineFlow/7", SyncState.SYNCED))) == expected


def test_very_many_open_ones_are_counted() -> None:
    """Of many open ones the rest is a number."""
    many = [entry(f"WineFlow/{number:03}", SyncState.FAILED) for number in range(1025)]
    text = shown(standings(*many))

    assert "WineFlow/019" in text
    assert "WineFlow/020" not in text
    assert text.endswith("\nand 1,005 more\n")


def test_many_losses_are_told_by_reason() -> None:
    """No reason is left out."""
    losses = (*[Loss(f"F/{n}", "too large") for n in range(30)], Loss("F/log", "gone"))
    text = shown(standings(entry("F/1", SyncState.SYNCED), losses=losses))

    assert "31 losses\n  F/0\n  F/1\n  F/2\n  and 27 more - too large\n  F/log - gone\n" in text


def test_several_servers_are_told_apart() -> None:
    """Where projects of one name lie in different places, these are named."""
    other = replace(WINES, base="https://api.wandb.ai", entity=None)
    result = standings(
        entry("F/1", SyncState.SYNCED), replace(entry("F/1", SyncState.SYNCED), destination=other)
    )

    assert "acme/wines (https://wandb.example)" in shown(result)
    assert "\nF     wines (https://api.wandb.ai) " in shown(result)


def test_nothing_known() -> None:
    """An empty ledger is told on one line, with what to do."""
    assert shown(standings(), width=1_000_000) == (
        "\nthe ledger has no flow runs (/state/ledger.sqlite); start with `mfwb sync Flow/123`, or "
        "rebuild a lost ledger with `mfwb status --rebuild`\n"
    )


def test_clock_that_was_wrong() -> None:
    """What was written in the future was written just now."""
    assert "0 seconds ago" in shown(standings(entry("F/1", SyncState.SYNCED, "23:00:00")))


def test_what_others_said_does_not_steer_the_terminal() -> None:
    """Escapes in reasons are shown, not obeyed."""
    text = shown(standings(entry("F/1", SyncState.FAILED, reason="bad\x1b[2J [red]value")))

    assert "bad\\x1b[2J [red]value\n" in text


def test_document() -> None:
    """With --json there is one document, also for outputs that take ASCII only."""
    result = standings(entry("F/1", SyncState.FAILED, reason="für immer"))
    console = Console(file=io.StringIO())
    text, plain = show_status(result, console=console, now=NOW, as_json=True)

    assert json.loads(text) == json.loads(plain) == result.to_dict()
    assert "für immer" in text
    assert plain.isascii()
    assert text.endswith("}\n")
