"""The totals."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

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
    runs = [run("train", items=counted(*one)) for one in counts]
    whole, *rest = artifacts(totals(Result(command, (flow_run(*runs, status=status),))))

    assert whole == sum(rest) == sum(map(sum, counts))


def test_what_an_earlier_sync_wrote_is_not_counted_again() -> None:
    """Artifacts of unchanged flow runs are not told as written now; losses are told."""
    result = Result("sync", (flow_run(*RUNS, status=Status.UNCHANGED), flow_run(RUNS[0])))

    assert totals(result) == [
        "2 flow runs: 1 synced, 1 unchanged",
        "2 artifacts: 1 in summary, 1 written, 0 same content, 0 switched off, 0 lost",
        "1 loss",
    ]


def test_losses_beside_artifacts_are_counted() -> None:
    """What is lost of a flow run as a whole counts, though it is no artifact."""
    result = Result("sync", (flow_run(RUNS[0], losses=(BIG, BIG)),))

    assert totals(result)[-1] == "2 losses"
