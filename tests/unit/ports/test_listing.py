"""Flow runs of a listing in columns: as a list of objects, and in a fraction of the memory."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.ports import ListedFlowRun, ListedFlowRuns
from mfwb.snapshot.pathspec import Pathspec

_MANY = 20_000
_BYTES = 40  # of a flow run; an object takes 250

RUN_IDS = st.one_of(
    st.integers(0, 10**20).map(str),
    st.sampled_from(["007", "0", "argo-x-1", "٣", "-5", str(2**63), "\udcff"]),
)
LISTED = st.builds(
    ListedFlowRun,
    st.builds(Pathspec, st.sampled_from(["Flow", "Other"]), RUN_IDS),
    st.one_of(st.integers(-5, 5), st.just(2**70)),
    st.sampled_from([(), ("prod",), ("a", "b")]),
    st.sampled_from([(), ("user:ada",)]),
)


@given(st.lists(LISTED))
def test_like_a_list(flow_runs: list[ListedFlowRun]) -> None:
    """Whatever the ids are, the objects come out as they went in."""
    listed = ListedFlowRuns(flow_runs)

    assert list(listed) == flow_runs
    assert [listed[position] for position in range(len(listed))] == flow_runs
    assert list(listed[1:3]) == flow_runs[1:3]
    assert [listed.started_at(n) for n in range(len(listed))] == [
        flow_run.started_at for flow_run in flow_runs
    ]
    assert ListedFlowRuns.of(listed) is listed
    with pytest.raises(IndexError):
        listed[len(listed)]


@given(st.lists(LISTED))
def test_newest_first(flow_runs: list[ListedFlowRun]) -> None:
    """Of one start, a longer id is the later one, as of numbers."""

    def order(listed: ListedFlowRun) -> tuple[int, int, str]:
        run = str(listed.pathspec.run)
        return listed.started_at, len(run), run

    expected = sorted(flow_runs, key=order, reverse=True)
    assert list(ListedFlowRuns(flow_runs).newest_first()) == expected


def test_memory() -> None:
    """A hundred thousand flow runs are a few megabytes, whatever tags they share."""

    def flow_runs(count: int) -> ListedFlowRuns:
        return ListedFlowRuns(
            ListedFlowRun(Pathspec("Flow", str(10**15 + n)), 10**12 + n, (f"tag{n % 10}",))
            for n in range(count)
        )

    flow_runs(10)
    tracemalloc.start()
    listed = flow_runs(_MANY)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(listed) == _MANY
    assert size < _BYTES * _MANY
