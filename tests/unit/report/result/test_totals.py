"""The totals."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mfwb.account import Account, Ending, Kind
from mfwb.outcome import ItemCounts, Result, Status
from mfwb.report.result.totals import totals
from tests.unit.report.samples import BIG, RUNS, flow_run, run

parts = st.tuples(*[st.integers(min_value=0, max_value=5000)] * 5)


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
    """Artifacts of unchanged flow runs are not told as written now; losses are told."""
    result = Result("sync", (flow_run(*RUNS, status=Status.UNCHANGED), flow_run(RUNS[0])))

    assert totals(result) == [
        "2 flow runs: 1 synced, 1 unchanged",
        "2 artifacts: 1 in summary, 1 written",
        "1 loss",
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

    assert totals(result)[1:-1] == [
        "2,030 items: 2,002 written, 4 same content, 6 switched off, 8 referenced, 10 lost"
    ]


def test_items_by_kind() -> None:
    """If it is asked for, each kind has a line."""
    result = Result("plan", (flow_run(account=ACCOUNT, status=Status.PLANNED),))

    assert totals(result, verbose=True)[:-1] == [
        "1,015 items would be: 1,001 written, 2 same content, 3 switched off, 4 referenced, 5 lost",
        "  1 task: 1 written",
        "  1,014 artifacts: 1,000 written, 2 same content, 3 switched off, 4 referenced, 5 lost",
    ]


def test_items_of_unchanged_flow_runs() -> None:
    """They ended as the sync told that wrote them; of what an older mfwb wrote nothing is known."""
    known = flow_run(account=ACCOUNT, status=Status.UNCHANGED)
    old = flow_run(status=Status.UNCHANGED)

    assert totals(Result("sync", (known, old)))[1].startswith("1,015 items: 1,001 written")
    assert totals(Result("sync", (old,))) == ["no losses"]


def test_flow_run_without_items() -> None:
    """It is no reason to fall silent."""
    assert totals(Result("sync", (flow_run(account={}),)))[0] == "0 items: nothing"


def test_losses_beside_artifacts_are_counted() -> None:
    """What is lost of a flow run as a whole counts, though it is no artifact."""
    result = Result("sync", (flow_run(RUNS[0], losses=(BIG, BIG)),))

    assert totals(result)[-1] == "2 losses"
