"""Selected flow runs: as a list of objects, of which the listed ones are only positions."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from mfwb.pipeline.selected_flow_runs import SelectedFlowRun, SelectedFlowRuns
from mfwb.ports import ListedFlowRun, ListedFlowRuns
from mfwb.snapshot.pathspec import Pathspec

_FLOWS = ("A", "B", "C")
STARTS = st.integers(-2, 6)
LISTINGS = st.tuples(
    *(
        st.dictionaries(st.integers(1, 9), STARTS, max_size=5).map(
            lambda starts, flow=flow: [  # type: ignore[misc]
                ListedFlowRun(Pathspec(flow, str(run)), start, ()) for run, start in starts.items()
            ]
        )
        for flow in _FLOWS
    )
)
NAMED = st.lists(
    st.builds(
        SelectedFlowRun, st.builds(Pathspec, st.sampled_from(_FLOWS), st.integers(1, 9).map(str))
    ),
    max_size=4,
)


def both(
    named: list[SelectedFlowRun], listings: tuple[list[ListedFlowRun], ...]
) -> tuple[SelectedFlowRuns, list[SelectedFlowRun]]:
    """Return flow runs in this form, and as a list."""
    selected = SelectedFlowRuns(named)
    for listing in listings:
        listed = ListedFlowRuns(listing)
        selected.extend(SelectedFlowRuns.of_listing(listed, reversed(range(len(listed)))))
    objects = (SelectedFlowRun(run.pathspec, run) for runs in listings for run in reversed(runs))
    return selected, [*named, *objects]


@given(NAMED, LISTINGS)
def test_like_a_list(
    named: list[SelectedFlowRun], listings: tuple[list[ListedFlowRun], ...]
) -> None:
    """They come in their order, one by one and in parts."""
    selected, expected = both(named, listings)

    assert list(selected) == expected
    assert selected == expected
    assert list(selected[1:4]) == expected[1:4]
    assert [selected[n] for n in range(len(selected))] == expected
    assert selected.flows == {flow_run.pathspec.flow for flow_run in expected}
    assert selected != [*expected, SelectedFlowRun(Pathspec("A"))]


@given(NAMED, LISTINGS)
def test_oldest_first(
    named: list[SelectedFlowRun], listings: tuple[list[ListedFlowRun], ...]
) -> None:
    """Those that are not listed have no start; of one start, they keep their order."""
    selected, flow_runs = both(named, listings)

    expected = sorted(flow_runs, key=lambda run: run.listed.started_at if run.listed else 0)
    assert list(selected.oldest_first()) == expected


@given(NAMED, LISTINGS)
def test_each_once(named: list[SelectedFlowRun], listings: tuple[list[ListedFlowRun], ...]) -> None:
    """The first of each pathspec stays, whether it was named or listed."""
    selected, flow_runs = both(named, listings)
    turned = SelectedFlowRuns()
    turned.extend(selected[len(named) :])
    turned.extend(selected[: len(named)])

    for given_, objects in (
        (selected, flow_runs),
        (turned, [*flow_runs[len(named) :], *flow_runs[: len(named)]]),
    ):
        first: dict[Pathspec, SelectedFlowRun] = {}
        for flow_run in objects:
            first.setdefault(flow_run.pathspec, flow_run)
        assert list(given_.unique()) == list(first.values())


def test_filtered() -> None:
    """What is left is in its order, and what it was made of stays as it was."""
    listing = [ListedFlowRun(Pathspec("A", str(n)), n, ()) for n in range(5)]
    selected, flow_runs = both([SelectedFlowRun(Pathspec("B", "1"))], (listing,))
    kept = selected.filtered(lambda flow_run: flow_run.pathspec.run in {"1", "3"})
    more = SelectedFlowRuns([SelectedFlowRun(Pathspec("C", "1"))])
    kept.extend(more)

    names = [str(flow_run.pathspec) for flow_run in kept]
    assert names == ["B/1", "A/3", "A/1", "C/1"]
    assert list(selected) == flow_runs
    assert list(itertools.chain(more)) == [SelectedFlowRun(Pathspec("C", "1"))]
