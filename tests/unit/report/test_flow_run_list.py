"""The list of flow runs as text: no name is broken, whatever the width."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime, timezone

from rich.console import Console

from mfwb.flow_run_list import FlowInList, FlowRunInList, FlowRunList, Sync
from mfwb.ports import Destination, Entry, SyncState
from mfwb.report.flow_run_list import lines_on_rest, show_flow_runs

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
START = round(NOW.timestamp() * 1000) - 3 * 3_600_000
WINES = Destination("online", "https://wandb.example", "acme", "wines")
LONG = "AFlowWithANameOfFortyLettersNoMoreNoLess"


def sync(state: SyncState, lost: int = 0) -> Sync:
    """Return a sync of the flow run."""
    return Sync(Entry(f"{LONG}/1764489721000001", "local@/data", WINES, state), lost)


RUN = FlowRunInList(
    f"{LONG}/1764489721000001",
    "finished",
    START,
    ("prod", "weekly"),
    ("user:ann", "runtime:dev"),
    (sync(SyncState.SYNCED, 2),),
)
LISTED = FlowRunList(
    "local@/data",
    flow_runs=(
        RUN,
        replace(RUN, state="failed", syncs=(sync(SyncState.FAILED),), tags=()),
        FlowRunInList(f"{LONG}/7", "", 0, reason="it is damaged"),
    ),
)


def shown(listed: FlowRunList, *, width: int = 100, terminal: bool = False) -> str:
    """Return the text."""
    console = Console(
        file=io.StringIO(), width=width, highlight=False, force_terminal=terminal, color_system=None
    )
    return show_flow_runs(listed, console=console, now=NOW, as_json=False)[0]


WIDE = f"""\
flow run                                                   state       age  user  tags          in W&B
{LONG}/1764489721000001  finished    3h   ann   prod, weekly  acme/wines 2 losses
{LONG}/1764489721000001  failed      3h   ann                 acme/wines sync failed
{LONG}/7                 unreadable                           it is damaged
"""  # noqa: E501 - a line each


def test_a_line_each() -> None:
    """In a pipe whatever its length, on a terminal if it is wide enough."""
    assert shown(LISTED, width=80) == WIDE
    assert shown(LISTED, width=130, terminal=True) == WIDE


def test_two_lines_each_on_a_narrow_terminal() -> None:
    """A column that does not fit would break names."""
    text = shown(LISTED, width=80, terminal=True)

    assert (
        text
        == f"""\
{LONG}/1764489721000001  finished    3h   ann
    prod, weekly  acme/wines 2 losses
{LONG}/1764489721000001  failed      3h   ann
    acme/wines sync failed
{LONG}/7                 unreadable
    it is damaged
"""
    )


def test_flows() -> None:
    """With their numbers, the newest flow run, or why they can't be listed.

    On a narrow terminal, where there is no heading, the numbers say what they are.
    """
    flows = (
        FlowInList("TrainFlow", 1234, "TrainFlow/9", START, 7),
        FlowInList("BadFlow", reason="no rights"),
    )

    assert shown(FlowRunList("local@/data", flows=flows)) == (
        "flow       runs   synced  newest run   age\n"
        "TrainFlow  1,234  7       TrainFlow/9  3h\n"
        "BadFlow                   no rights\n"
    )
    assert shown(FlowRunList("local@/data", flows=flows), width=30, terminal=True) == (
        "TrainFlow  1,234 runs, 7 synced\n    newest TrainFlow/9  3h\nBadFlow\n    no rights\n"
    )


def test_the_rest_is_counted() -> None:
    """On stderr, so that a pipe has flow runs alone."""
    listed = replace(LISTED, more=9_980, unseen=3)

    assert lines_on_rest(listed) == [
        "9,980 more; --last N or --all lists them",
        "3 older ones were not looked at; --all looks at them, too",
    ]
    assert lines_on_rest(FlowRunList("local@/data")) == ["no flow run of local@/data matches"]


def test_hostile_names() -> None:
    """What a stranger wrote can't steer the terminal, or look like two lines."""
    hostile = replace(RUN, tags=("\x1b[2J\nx",), system_tags=("user:\x07",))

    text = shown(FlowRunList("local@/data", flow_runs=(hostile,)))

    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
    assert "\x07" not in text
