"""The totals."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.account import Account, Ending, Kind
from mfwb.outcome import FlowRunOutcome, ItemCounts, Result, Status
from mfwb.report.result.totals import item_totals, totals
from tests.unit.report.samples import BIG, RUNS, flow_run, run

parts = st.tuples(*[st.integers(min_value=0, max_value=5000)] * 5).filter(any)


def counted(values: int, written: int, same: int, off: int, lost: int) -> ItemCounts:
    """Return counts that add up."""
    return ItemCounts(values + written + same + off + lost, values, written, same, off, lost)


def artifacts(lines: list[str]) -> list[int]:
    """Return the numbers of the line about artifacts, the whole first."""
    line = next(line for line in lines if "artifact" in line)
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", line)]


@given(st.sampled_from(["sync", "plan"]), st.lists(parts, min_size=1, max_size=4))
def test_totals_add_up(command: str, counts: list[tuple[int, int, int, int, int]]) -> None:
    """The numbers of the parts make up the whole, whatever the outcome."""
    status = Status.SYNCED if command == "sync" else Status.PLANNED
    runs = [run("train", items=counted(*count)) for count in counts]
    whole, *rest = artifacts(totals(Result(command, (flow_run(*runs, status=status),))))

    assert whole == sum(rest) == sum(map(sum, counts))


def test_what_an_earlier_sync_wrote_is_not_counted_again() -> None:
    """Neither artifacts nor losses of unchanged flow runs are told as if they were of now."""
    result = Result("sync", (flow_run(*RUNS, status=Status.UNCHANGED), flow_run(RUNS[0])))

    assert totals(result) == [
        "2 flow runs: 1 synced, 1 unchanged",
        "1 W&B run",
        "2 artifacts: 1 in summary, 1 written",
    ]


ACCOUNT: Account = {
    Kind.TASKS: {Ending.WRITTEN: 1},
    Kind.ARTIFACTS: {
        Ending.WRITTEN: 1_000,
        Ending.DEDUPLICATED: 2,
        Ending.SWITCHED_OFF: 3,
        Ending.REFERENCED: 4,
        Ending.LOST: 5,
    },
}


def test_items_of_all_kinds() -> None:
    """Items are counted by how they ended, without endings that none had."""
    result = Result("sync", (flow_run(account=ACCOUNT), flow_run(account=ACCOUNT)))

    assert list(item_totals(result))[:1] == [
        "2,030 items: 2,002 written, 4 same content, 6 switched off, 8 referenced, 10 lost"
    ]


def test_items_by_kind() -> None:
    """If it is asked for, each kind has a line."""
    result = Result("plan", (flow_run(account=ACCOUNT, status=Status.PLANNED),))

    assert list(item_totals(result)) == [
        "1,015 items would be: 1,001 written, 2 same content, 3 switched off, 4 referenced, 5 lost",
        "  1 task: 1 written",
        "  1,014 artifacts: 1,000 written, 2 same content, 3 switched off, 4 referenced, 5 lost",
    ]


def test_items_of_unchanged_flow_runs() -> None:
    """They ended as the sync told that wrote them; of what an older mfwb wrote nothing is known."""
    known = flow_run(account=ACCOUNT, status=Status.UNCHANGED)
    old = flow_run(status=Status.UNCHANGED)

    assert next(item_totals(Result("sync", (known, old)))).startswith("1,015 items: 1,001 written")
    assert not list(item_totals(Result("sync", (old,))))
    assert totals(Result("sync", (old,))) == ["no losses"]
    assert totals(Result("sync", (known,))) == []  # five items are lost, as its sync reported


def test_flow_run_without_items() -> None:
    """It is no reason to fall silent."""
    assert list(item_totals(Result("sync", (flow_run(account={}),)))) == ["0 items: nothing"]


def test_losses_beside_artifacts_are_counted() -> None:
    """What is lost of a flow run as a whole counts, though it is no artifact."""
    result = Result("sync", (flow_run(RUNS[0], losses=(BIG, BIG)),))

    assert totals(result)[-1] == "2 losses"


def test_work() -> None:
    """What was sent and how long it took; of a plan nothing of it, of a push the rough size."""
    done = flow_run(replace(RUNS[0], bytes_written=1_500), run("b", state="failed"), seconds=75.2)
    line = "2 W&B runs, 1 marked failed, {} in 1 min 15 s"

    assert totals(Result("sync", (done,)))[0] == line.format("1.5 KB uploaded")
    assert totals(Result("push", (done,)))[0] == line.format("\N{ALMOST EQUAL TO}1.5 KB uploaded")
    offline = replace(done, mode="offline")
    assert totals(Result("sync", (offline,)))[0] == line.format("1.5 KB written")
    nothing = replace(done, wandb_runs=done.wandb_runs[1:], seconds=None)
    assert totals(Result("sync", (nothing,), seconds=0.04))[0] == (
        "1 W&B run, 1 marked failed, nothing uploaded in 0.0 s"
    )
    planned = replace(done, status=Status.PLANNED)
    assert totals(Result("plan", (planned,)))[0] == "2 W&B runs, 1 marked failed"


@pytest.mark.parametrize("status", [Status.FAILED, Status.SKIPPED])
def test_nothing_is_said_about_losses_if_something_was_not_synced(status: Status) -> None:
    """That nothing is lost would be untrue then."""
    others = (flow_run(RUNS[0]), FlowRunOutcome("F/2", status, reason="so"))

    assert "no losses" not in totals(Result("sync", others))
    assert "no losses" not in totals(Result("sync", others[1:]))
    assert "no losses" in totals(Result("sync", others[:1]))
