"""The text and the document of `mfwb status`."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from rich.console import Console

from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.status import Listed, status_to_json, status_to_text
from mfwb.snapshot import Loss
from mfwb.sync_status import KnownFlowRun, LostItem, SyncStatus
from tests.unit.sync_statuses import summarize

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


def shown(found: SyncStatus, *, width: int | None = None, listed: Listed = Listed.ALL) -> str:
    """Return the text, with an empty line in front; without a width as in a pipe."""
    console = Console(
        file=io.StringIO(), width=width or 100, force_terminal=width is not None, no_color=True
    )
    text = status_to_text(found, console=console, now=NOW, listed=listed)
    return "\n" + re.sub(r"\x1b\[\d*m", "", text)


RESULT = standings(
    entry("WineFlow/7", SyncState.SYNCED, "09:00:00"),
    entry("WineFlow/8", SyncState.FAILED, reason="W&B refused\nit"),
    entry("WineFlow/9", SyncState.RUNNING, "11:59:59"),
    entry("WineFlow/10", SyncState.INCOMPLETE, reason="2 of its 4 W&B runs are not complete"),
    entry("BeerFlow/1", SyncState.LEFT_OUT),
    losses=(Loss("WineFlow/7/train/4/history", "too large"), Loss("WineFlow/7/log", "gone")),
)


def test_numbers_then_flow_runs_then_losses() -> None:
    """A row for each flow and project; below it the flow runs; then what was lost."""
    expected = """
flow      project     synced  pending  failed  left out  losses  newest
BeerFlow  acme/wines       0        0       0         1       0  never
WineFlow  acme/wines       1        2       1         0       2  3 hours ago

WineFlow/7   synced      3 hours ago    2 losses  acme/wines
WineFlow/8   failed      4 minutes ago            acme/wines  W&B refused it
WineFlow/9   running     1 second ago             acme/wines  it is still running
WineFlow/10  incomplete  4 minutes ago            acme/wines  2 of its 4 W&B runs are not complete
BeerFlow/1   left out    4 minutes ago            acme/wines

2 losses
  WineFlow/7/train/4/history - too large
  WineFlow/7/log - gone
"""

    assert shown(RESULT) == expected


def test_narrow_terminal() -> None:
    """What does not fit stands below; nothing is broken."""
    text = shown(RESULT, width=50, listed=Listed.FAILED)

    assert (
        text
        == """
WineFlow/7   synced      3 hours ago    2 losses
  acme/wines
WineFlow/8   failed      4 minutes ago
  acme/wines
  W&B refused it
WineFlow/9   running     1 second ago
  acme/wines
  it is still running
WineFlow/10  incomplete  4 minutes ago
  acme/wines
  2 of its 4 W&B runs are not complete
BeerFlow/1   left out    4 minutes ago
  acme/wines
"""
    )


def test_each_loss() -> None:
    """If it is asked for, each loss is listed below its flow run, however many there are."""
    many = tuple(Loss(f"WineFlow/7/train/{n}/log", "gone") for n in range(30))
    result = standings(entry("WineFlow/7", SyncState.SYNCED), losses=many)
    text = shown(result, listed=Listed.LOSSES)

    assert text.startswith(
        "\nWineFlow/7  synced  4 minutes ago  acme/wines\n"
        "  30 losses\n    WineFlow/7/train/0/log - gone\n"
    )
    assert text.count(" - gone") == 30


@pytest.mark.parametrize(
    ("listed", "expected"),
    [(Listed.LOSSES, "no losses"), (Listed.FAILED, "no failed flow runs")],
)
def test_nothing_to_list(listed: Listed, expected: str) -> None:
    """That there is none is said."""
    result = replace(standings(entry("WineFlow/7", SyncState.SYNCED)), flow_runs=())

    assert shown(result, listed=listed) == f"\n{expected}\n"


def test_the_rest_is_counted() -> None:
    """Of many flow runs the rest is a number."""
    text = shown(replace(RESULT, more=1005))

    assert "\n… and 1,005 more; --limit N lists more of them\n" in text


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


def test_nothing_selected() -> None:
    """A ledger whose flow runs went elsewhere is not called empty."""
    assert shown(replace(standings(), has_others=True), width=1_000_000) == (
        "\nthe ledger has no such flow runs (/state/ledger.sqlite)\n"
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
    text = "".join(status_to_json(result))
    plain = "".join(status_to_json(result, ascii_only=True, indented=False))

    assert json.loads(text) == json.loads(plain) == result.to_dict()
    assert "für immer" in text
    assert plain.isascii()
    assert text.endswith("}\n")
