"""Selection of flow runs from listings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfwb.errors import NotFound, SourceError, UsageError
from mfwb.pipeline.selection import SelectedFlowRun, Selection, resolve_flow_run, select_flow_runs
from mfwb.planning import Consoles
from mfwb.ports import Contents, ListedFlowRun
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec, parse

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
NOW = 20_000 * DAY


@dataclass
class Listing:
    """A source that can only list: whoever reads a flow run is wrong."""

    held: dict[str, list[ListedFlowRun]] = field(default_factory=dict)
    vanished: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    listed: list[str] = field(default_factory=list)
    provider: str = "local@/data"
    consoles: Consoles = field(default_factory=Consoles)

    def flows(self) -> list[str]:
        """Return the names of flows, those that vanish next among them."""
        return sorted({*self.held, *self.vanished, *self.failing})

    def list(self, flow: str) -> list[ListedFlowRun]:
        """Return what is held, newest first."""
        self.listed.append(flow)
        if flow in self.failing:
            raise SourceError(f"{flow} can't be read: disk on fire")
        if flow not in self.held:
            raise NotFound(f"there is no {flow}")
        return sorted(self.held[flow], key=lambda item: item.started_at, reverse=True)

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Fail: a listing is all that choosing may cost."""
        raise AssertionError(f"{flow_run} was read")

    def contents(self, flow_run: FlowRun) -> Contents:
        """Fail in the same way."""
        raise AssertionError(f"{flow_run.pathspec} was read")


def listed(pathspec: str, age: int, *tags: str, system: tuple[str, ...] = ()) -> ListedFlowRun:
    """Return a flow run of so many ms ago."""
    return ListedFlowRun(parse(pathspec), NOW - age, tags, system)


def listing(
    *held: ListedFlowRun, vanished: Iterable[str] = (), failing: Iterable[str] = ()
) -> Listing:
    """Return a source with these flow runs."""
    source = Listing(vanished={*vanished}, failing={*failing})
    for item in held:
        source.held.setdefault(item.pathspec.flow, []).append(item)
    return source


def selected(
    source: Listing, *pathspecs: str, open_runs: Iterable[str] = (), **options: object
) -> list[str]:
    """Return the pathspecs that are selected; `since` and `until` are ages."""
    for bound in ("since", "until"):
        if bound in options:
            options[bound] = NOW - int(str(options[bound]))
    selection = Selection(tuple(map(parse, pathspecs)), **options)  # type: ignore[arg-type]

    def find_open(flow: str, _: Sequence[ListedFlowRun]) -> list[str]:
        return [run for run in open_runs if run.startswith(f"{flow}/")]

    return [str(run.pathspec) for run in select_flow_runs(selection, source, find_open)]


LISTED = (
    listed("A/1", 30 * DAY, "prod"),
    listed("A/2", 3 * DAY),
    listed("A/3", DAY, "prod", system=("user:ada",)),
    listed("B/1", 2 * DAY, "prod", "big"),
    listed("B/2", 40 * DAY),
)


# --- by name --------------------------------------------------------------------------------


def test_named_ones_stand_for_themselves() -> None:
    """A flow run that is named is chosen, there or not, and nothing is listed for it."""
    source = listing(*LISTED)

    assert selected(source, "A/9", "B/1", "A/1") == ["A/9", "B/1", "A/1"]
    assert source.listed == []


def test_latest_is_the_one_that_started_last() -> None:
    """Not the one with the highest id."""
    source = listing(listed("A/8", DAY), listed("A/9", 2 * DAY))

    assert select_flow_runs(Selection((parse("A/latest"),)), source, lambda *_: ()) == [
        SelectedFlowRun(parse("A/8"), listed("A/8", DAY))
    ]
    assert resolve_flow_run(parse("A/latest"), source) == parse("A/8")


def test_latest_with_a_tag() -> None:
    """It is the newest of those with the tag."""
    assert selected(listing(*LISTED), "B/latest", "A/latest", tags=("big",)) == ["B/1", "A/latest"]


def test_latest_of_nothing_stays_to_fail() -> None:
    """Whoever reads it is told that there is none; a flow that can't be listed is no exception."""
    assert selected(listing(failing={"C"}), "A/latest", "C/latest") == ["A/latest", "C/latest"]
    with pytest.raises(NotFound, match="there is no A"):
        resolve_flow_run(parse("A/latest"), listing())


def test_find_one_by_name_asks_nobody() -> None:
    """A flow run that is named is that one."""
    source = listing()

    assert resolve_flow_run(parse("A/9"), source) == parse("A/9")
    assert source.listed == []


# --- by time --------------------------------------------------------------------------------


def test_since() -> None:
    """What started then or later, the oldest first over all flows."""
    assert selected(listing(*LISTED), since=7 * DAY) == ["A/2", "B/1", "A/3"]
    assert selected(listing(*LISTED), "B", since=7 * DAY) == ["B/1"]


def test_clocks_differ() -> None:
    """The window begins ten minutes early."""
    source = listing(listed("A/1", DAY + 10 * MINUTE), listed("A/2", DAY + 11 * MINUTE))

    assert selected(source, since=DAY) == ["A/1"]


def test_a_date_is_meant_as_it_is_said() -> None:
    """Where a moment was said rather than how long ago, nothing of before it comes along."""
    source = listing(listed("A/1", DAY + MINUTE), listed("A/2", DAY - MINUTE))

    assert selected(source, since=DAY, since_is_ago=False) == ["A/2"]


def test_until() -> None:
    """What started before, and not what started then."""
    assert selected(listing(*LISTED), until=2 * DAY) == ["B/2", "A/1", "A/2"]
    assert selected(listing(*LISTED), since=35 * DAY, until=DAY) == ["A/1", "A/2", "B/1"]


def test_last() -> None:
    """So many of each flow, the newest that are in the window."""
    assert selected(listing(*LISTED), last=1) == ["B/1", "A/3"]
    assert selected(listing(*LISTED), "A", last=2) == ["A/2", "A/3"]
    assert selected(listing(*LISTED), "A", last=1, until=2 * DAY) == ["A/2"]


def test_all() -> None:
    """All of one flow, or of every flow."""
    assert selected(listing(*LISTED), "A", every=True) == ["A/1", "A/2", "A/3"]
    assert len(selected(listing(*LISTED), every=True)) == len(LISTED)


def test_named_ones_first_and_each_once() -> None:
    """What is named comes first; what is named and in the window, then, and only then."""
    assert selected(listing(*LISTED), "B/1", "A", "A/latest", "A", since=7 * DAY) == [
        "B/1",
        "A/3",
        "A/2",
    ]


# --- by tag ---------------------------------------------------------------------------------


def test_tags() -> None:
    """All of them have to be there, whoever set them."""
    source = listing(*LISTED)

    assert selected(source, every=True, tags=("prod",)) == ["A/1", "B/1", "A/3"]
    assert selected(source, every=True, tags=("prod", "user:ada")) == ["A/3"]
    assert selected(source, last=1, tags=("prod",)) == ["B/1", "A/3"]
    assert selected(source, every=True, tags=("none has it",)) == []


# --- what was left open ---------------------------------------------------------------------


def test_open_ones_come_back() -> None:
    """With --since, what was left open is chosen, however long ago it started."""
    source = listing(*LISTED)

    assert selected(source, since=DAY // 2, open_runs=["A/1", "B/2"]) == ["B/2", "A/1"]
    assert selected(source, "A", since=DAY // 2, open_runs=["A/1", "B/2"]) == ["A/1"]


def test_open_ones_come_only_with_since() -> None:
    """Who asks for the last ones, for what was before, or for one flow run, gets that."""
    source, left_open = listing(*LISTED), ["A/1"]

    assert selected(source, "A", last=1, open_runs=left_open) == ["A/3"]
    assert selected(source, "A", until=DAY, last=1, open_runs=left_open) == ["A/2"]
    assert selected(source, "A/3", open_runs=left_open) == ["A/3"]


def test_open_ones_beside_the_last() -> None:
    """They come with --since, whatever number is wanted of the window."""
    assert selected(listing(*LISTED), "A", since=7 * DAY, last=1, open_runs=["A/1"]) == [
        "A/1",
        "A/3",
    ]


def test_open_ones_comply() -> None:
    """An open one without the tag, or too young, is not asked for."""
    left_open = ["A/1", "A/2", "B/1"]

    assert selected(listing(*LISTED), since=DAY, tags=("prod",), open_runs=left_open) == [
        "A/1",
        "B/1",
        "A/3",
    ]
    assert selected(listing(*LISTED), since=4 * DAY, until=3 * DAY, open_runs=left_open) == ["A/1"]


def test_open_one_that_is_gone() -> None:
    """It is chosen, to fail; unless nobody can say whether it is asked for."""
    source, left_open = listing(*LISTED), ["A/7"]

    assert selected(source, since=2 * DAY, open_runs=left_open) == ["A/7", "B/1", "A/3"]
    assert selected(source, every=True, open_runs=left_open)[0] == "A/7"
    for bound in ({"tags": ("prod",)}, {"until": DAY // 2}, {"namespace": "user:ada"}):
        assert "A/7" not in selected(source, since=2 * DAY, open_runs=left_open, **bound)


# --- what is not there ----------------------------------------------------------------------


def test_a_named_flow_that_is_not_there() -> None:
    """It is chosen itself, to fail by itself, and the others go on."""
    assert selected(listing(*LISTED), "C", "A", last=1) == ["C", "A/3"]


def test_a_flow_that_vanishes() -> None:
    """It is no error of a call that did not name it."""
    assert selected(listing(*LISTED, vanished={"C"}), last=1) == ["B/1", "A/3"]


def test_a_flow_that_cannot_be_listed() -> None:
    """It is chosen itself, whether or not it was named: unknown is not absent."""
    assert selected(listing(*LISTED, failing={"C"}), last=1) == ["C", "B/1", "A/3"]
    assert selected(listing(*LISTED, failing={"C"}), "C", since=DAY, open_runs=["C/1"]) == [
        "C",
        "C/1",
    ]


def test_no_flows_at_all() -> None:
    """Nothing is there, so nothing is meant."""
    assert selected(listing(), since=DAY) == []


# --- what can't be asked --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "Flow/123"),
        ({"tags": ("prod",)}, "--since 24h"),
        ({"pathspecs": (parse("A"),)}, "which runs of A"),
        ({"pathspecs": (parse("B/1"), parse("A"))}, "A --last 5"),
        ({"every": True, "last": 5}, "--all"),
        ({"every": True, "since": 0}, "--all"),
        ({"since": 5, "until": 5}, "--until"),
    ],
)
def test_what_cannot_be_selected(options: dict[str, object], complaint: str) -> None:
    """Too little, or what contradicts itself, is refused before anybody is asked."""
    with pytest.raises(UsageError, match=complaint):
        Selection(**options)  # type: ignore[arg-type]


# --- whatever there is ----------------------------------------------------------------------

_FLOWS = ("A", "B", "C")
_RUNS = st.builds(
    ListedFlowRun,
    st.builds(Pathspec, st.sampled_from(_FLOWS), st.integers(1, 30).map(str)),
    st.integers(NOW - 30 * DAY, NOW),
    st.sampled_from([(), ("x",), ("x", "y")]),
)
_NAMED = st.builds(
    Pathspec,
    st.sampled_from(_FLOWS),
    st.one_of(st.none(), st.just("latest"), st.integers(1, 30).map(str)),
)


@given(
    held=st.lists(_RUNS, unique_by=lambda item: item.pathspec),
    left_open=st.lists(st.builds(Pathspec, st.sampled_from(_FLOWS), st.integers(1, 40).map(str))),
    named=st.lists(_NAMED, max_size=5),
    since=st.integers(1, 40),
    length=st.none() | st.integers(1, 40),
    tags=st.sampled_from([(), ("x",), ("x", "y")]),
)
def test_whatever_there_is(  # noqa: PLR0913, PLR0917 - what can be said
    held: list[ListedFlowRun],
    left_open: list[Pathspec],
    named: list[Pathspec],
    since: int,
    length: int | None,
    tags: tuple[str, ...],
) -> None:
    """Each once, named first, then the oldest first; all that was asked for, and nothing else."""
    start = NOW - since * DAY
    end = None if length is None else start + length * DAY
    selection = Selection(tuple(named), since=start, until=end, tags=tags)

    result = select_flow_runs(
        selection,
        listing(*held),
        lambda flow, _: [str(item) for item in left_open if item.flow == flow],
    )

    pathspecs = [item.pathspec for item in result]
    assert len(pathspecs) == len({*pathspecs})
    spelled = list(dict.fromkeys(item for item in named if item.run not in {None, "latest"}))
    if not any(item.run == "latest" for item in named):  # which may come to one of the others
        assert [pathspec for pathspec in pathspecs if pathspec in spelled] == spelled
    assert {*spelled} <= {*pathspecs}
    flows = {*_FLOWS} if not named else {item.flow for item in named if item.run is None}
    window = [
        item
        for item in held
        if item.pathspec.flow in flows
        and {*tags} <= {*item.tags}
        and (item.started_at >= start - 10 * MINUTE or item.pathspec in left_open)
        and (end is None or item.started_at < end)
    ]
    assert {item.pathspec for item in window} <= {*pathspecs}
    first = sum(item.run is not None for item in named)
    others = [item for item in result[first:] if item.listed is not None]
    assert {other.pathspec for other in others} <= {item.pathspec for item in window}
    starts = [other.listed.started_at for other in others if other.listed is not None]
    assert starts == sorted(starts)
    unknown = {
        pathspec for pathspec in pathspecs if pathspec not in {item.pathspec for item in held}
    }
    assert unknown <= {*named, *left_open}
