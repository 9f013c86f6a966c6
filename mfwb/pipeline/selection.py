"""Selection of flow runs, from listings alone: none of the flow runs is read."""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from mfwb.errors import NotFound, SkipFlowRun, SourceError, Stop, UsageError
from mfwb.pipeline.selected_flow_runs import SelectedFlowRun, SelectedFlowRuns
from mfwb.pipeline.unmatched import describe_unmatched_tags
from mfwb.ports import ListedFlowRun, ListedFlowRuns, Source
from mfwb.safe_text import has_unstorable, storable
from mfwb.snapshot.pathspec import LATEST, Pathspec, parse, parts_of
from mfwb.units.moments import is_duration, parse_moment, to_epoch_ms
from mfwb.units.subsets import EVERYTHING, Subset, parse_group

__all__ = [
    "OWN_FLOWS",
    "SELECTORS",
    "FindOpenFlowRuns",
    "SelectedFlowRun",
    "Selection",
    "make_selection",
    "read_moment",
    "read_shard",
    "resolve_flow_run",
    "select_flow_runs",
]

_OVERLAP = 600_000  # ms; the clocks of machines differ

OWN_FLOWS = frozenset({"MfwbBackfillFlow", "MfwbSyncFlow"})
"""The flows in `mfwb/flows`, which sync others: every flow that a user means is not one of them."""

FindOpenFlowRuns = Callable[[str, Sequence[ListedFlowRun]], Iterable[str]]
"""Takes a flow and those of its listed runs that are not selected so far. Returns the pathspecs of
runs in the ledger that are open: an earlier sync did not complete them, or, of those listed ones,
that were tagged since."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The flow runs that a user selects. `make_selection` makes it from the user's values.

    Attributes:
        pathspecs: `Flow/123`, `Flow/latest` or `Flow`, in the given order; empty: every flow.
        since: select flow runs that started then or later, in epoch ms.
        since_is_ago: whether `since` was given as a duration, as in 24h. Then flow runs of the ten
            minutes before it are selected, too: a job that runs again and again must miss none
            because the clocks of machines differ. A date is taken exactly.
        until: select flow runs that started before, in epoch ms.
        last: select this many of the newest runs of each flow.
        every: select all flow runs, whenever they started.
        tags: select flow runs that have all of these tags, the user's or Metaflow's own.
        failed: select flow runs that failed (True) or that did not (False); None: both. Listings
            don't show this, so `select_flow_runs` leaves it to the code that reads the flow runs.
        namespace: the Metaflow namespace of the listings; None: all namespaces.
        shard: select the part of all these flow runs whose pathspecs are in it.
        only: select no flow runs but these, and all of these, listed or not; None: any.
    """

    pathspecs: tuple[Pathspec, ...] = ()
    since: int | None = None
    since_is_ago: bool = True
    until: int | None = None
    last: int | None = None
    every: bool = False
    tags: tuple[str, ...] = ()
    failed: bool | None = None
    namespace: str | None = None
    shard: Subset = EVERYTHING
    only: frozenset[str] | None = None

    @property
    def has_time(self) -> bool:
        """Whether flow runs are selected by when they started."""
        return self.since is not None or self.until is not None

    def __post_init__(self) -> None:
        """Raise UsageError if the values are too few, or contradict each other."""
        bounded = any(bound is not None for bound in (self.since, self.until, self.last))
        if self.every and bounded:
            raise UsageError("--all selects every flow run: leave out --since, --until and --last")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise UsageError("--since must be earlier than --until")
        if bounded or self.every:
            return
        if not self.pathspecs:
            raise UsageError(
                "no flow runs selected: give Flow/123, Flow/latest, Flow --last 5, "
                "or --since 24h for all flows"
            )
        for flow in (pathspec.flow for pathspec in self.pathspecs if pathspec.run is None):
            raise UsageError(
                f"which runs of {flow}? Give {flow}/123, {flow}/{LATEST}, {flow} --last 5, "
                f"{flow} --since 24h or {flow} --all"
            )


SELECTORS = ("pathspecs", "since", "until", "last", "every", "tags", "failed")
"""The options that select flow runs, as commands and functions name them: the arguments of
`make_selection`."""


def make_selection(  # noqa: PLR0913 - the ways to select flow runs
    pathspecs: Iterable[str],
    *,
    since: str | datetime | int | None = None,
    until: str | datetime | int | None = None,
    last: int | None = None,
    every: bool = False,
    tags: Sequence[str] = (),
    failed: bool | None = None,
    namespace: str | None = None,
) -> Selection:
    """Return the selection for values in the forms that users give.

    Args:
        pathspecs: `Flow/123`, `Flow/latest`, or `Flow`.
        since: as on the command line (`24h`, `2026-11-01`), a datetime (local, if it has no time
            zone), or epoch ms.
        until: in the same forms.
        last: of each flow, this many of the newest runs.
        every: all flow runs.
        tags: flow runs that have all of these.
        failed: flow runs that failed (True) or did not (False); None: both.
        namespace: the Metaflow namespace of the settings.

    Raises:
        UsageError: if a value can't be read, or the values are too few or contradict each other.
    """
    now = time.time_ns() // 1_000_000
    return Selection(
        pathspecs=tuple(parse(text) for text in pathspecs),
        since=_epoch_ms("since", since, now),
        since_is_ago=isinstance(since, str) and is_duration(since),
        until=_epoch_ms("until", until, now),
        last=last,
        every=every,
        tags=tuple(tags),
        failed=failed,
        namespace=namespace,
    )


def read_shard(shard: str | None) -> Subset:
    """Return the part of all flow runs that `3/20` names; None: all of them; UsageError."""
    if shard is None:
        return EVERYTHING
    try:
        return parse_group(shard)
    except ValueError as error:
        raise UsageError(f"shard: {error}, not {shard!r}") from None


def read_moment(name: str, moment: str | datetime | int | None) -> int | None:
    """Return a moment in epoch ms, of the forms that users give; None: none was given.

    Args:
        name: of the argument.
        moment: as on the command line (`24h`, `2026-11-01`), a datetime (local, if it has no time
            zone), or epoch ms.

    Raises:
        UsageError: if it can't be read.
    """
    return _epoch_ms(name, moment, time.time_ns() // 1_000_000)


def _epoch_ms(name: str, moment: str | datetime | int | None, now: int) -> int | None:
    try:
        if isinstance(moment, datetime):
            return to_epoch_ms(moment)
        return parse_moment(moment, now) if isinstance(moment, str) else moment
    except ValueError as error:
        raise UsageError(f"{name}: {error}, not {str(moment)!r}") from None


def select_flow_runs(
    selection: Selection,
    source: Source,
    find_open_flow_runs: FindOpenFlowRuns,
    notes: list[str] | None = None,
) -> SelectedFlowRuns:
    """Return the selected flow runs, each once.

    `Flow/123` selects this flow run, whether it exists or not, and `Flow/latest` the newest one.
    They come first, in the given order. mfwb's own flows are selected only by their names. The
    others follow, the oldest first over all flows, so that
    the artifacts of one flow run exist before another flow run uses them.

    `since` and `every` also select what an earlier sync left open in those flows, and what was
    tagged since then, however long ago it started. So a job that syncs the last days, again and
    again, returns to a flow run that was still running, or failed to sync, until it is done.
    `last` and `until` alone select certain flow runs rather than what is new, so they select no
    open ones. An open flow run must have the tags, too, and must have started before `until`. An
    open flow run that is not listed any more is selected unless a condition can't be checked for
    it; it then fails, which shows it to the user.

    Args:
        selection: the user's selection.
        source: lists flows and their runs.
        find_open_flow_runs: called once for each flow that is selected as a whole.
        notes: gets a line that says why nothing was selected, if no flow run has the tags.

    Raises:
        SourceError: if the flows can't be listed.
        Unreachable: if the source does not answer.
    """
    selected = SelectedFlowRuns(
        _select_named(pathspec, selection, source)
        for pathspec in selection.pathspecs
        if pathspec.run is not None
    )
    if selection.pathspecs:
        whole = (pathspec.flow for pathspec in selection.pathspecs if pathspec.run is None)
        flows = list(dict.fromkeys(whole))
    else:
        flows = [flow for flow in source.flows() if flow not in OWN_FLOWS]
    looked_at: list[ListedFlowRuns] = []
    others = SelectedFlowRuns()
    for flow in flows:
        others.extend(_select_in_flow(flow, selection, source, find_open_flow_runs, looked_at))
    if notes is not None and selection.tags and looked_at and not others:
        condition = "started in that time" if selection.has_time else ""
        listed = [flow_run for flow_runs in looked_at for flow_run in flow_runs]
        notes.append(describe_unmatched_tags(selection.tags, listed, condition))
    selected.extend(others.oldest_first())
    selected = selected.unique()
    if selection.only is not None:
        return _only(selection.only, selected)
    if selection.shard == EVERYTHING:
        return selected
    return selected.filtered(lambda flow_run: selection.shard.has(str(flow_run.pathspec)))


def _only(names: frozenset[str], selected: SelectedFlowRuns) -> SelectedFlowRuns:
    """Return the flow runs of these names; first those that are not listed: they only fail."""
    kept = selected.filtered(lambda flow_run: str(flow_run.pathspec) in names)
    unlisted = names - {str(flow_run.pathspec) for flow_run in kept}
    result = SelectedFlowRuns(SelectedFlowRun(_parse_name(name)) for name in sorted(unlisted))
    result.extend(kept)
    return result


def _parse_name(name: str) -> Pathspec:
    """Return the pathspec of a name; a stranger's may not be one that a user can give."""
    flow, *run = parts_of(name)
    return Pathspec(flow, run[0] if run else None)


def resolve_flow_run(pathspec: Pathspec, source: Source) -> Pathspec:
    """Return the pathspec that `Flow/123` or `Flow/latest` stands for; NotFound, Unreachable."""
    return _latest(pathspec.flow, (), source).pathspec if pathspec.run == LATEST else pathspec


def _select_named(pathspec: Pathspec, selection: Selection, source: Source) -> SelectedFlowRun:
    if pathspec.run != LATEST:
        return SelectedFlowRun(pathspec)
    try:
        return _latest(pathspec.flow, selection.tags, source)
    except Stop:
        raise
    except Exception as error:  # noqa: BLE001 - it is reported when the flow run is carried out
        # Reading would only report that there is no flow run called `latest`.
        return SelectedFlowRun(pathspec, error=error)


def _latest(flow: str, tags: tuple[str, ...], source: Source) -> SelectedFlowRun:
    listed = source.list(flow)
    newest = next((flow_run for flow_run in listed if _has_tags(flow_run, tags)), None)
    if newest is None and tags:
        raise NotFound(
            f"there is no {flow}/{LATEST} with these tags: "
            f"{describe_unmatched_tags(tags, listed, '')}"
        )
    if newest is None:
        raise NotFound(f"there is no {flow}/{LATEST} in {source.provider}")
    return SelectedFlowRun(newest.pathspec, newest)


def _select_in_flow(
    flow: str,
    selection: Selection,
    source: Source,
    find_open_flow_runs: FindOpenFlowRuns,
    looked_at: list[ListedFlowRuns],
) -> SelectedFlowRuns:
    """Return the selected runs of a flow, or the flow itself with its error.

    Any error of a listing is the failure of that flow alone: it does not concern other flows. For a
    flow whose name the user did not give, this includes usage errors.
    """
    if has_unstorable(flow):
        return SelectedFlowRuns([_with_unstorable_name(Pathspec(flow))])
    try:
        listed, failures = _list_flow(flow, selection, source)
        if listed:
            looked_at.append(listed)
        selected = SelectedFlowRuns(failures)
        selected.extend(_select_listed(flow, selection, listed, find_open_flow_runs))
    except UsageError as error:
        if selection.pathspecs:
            raise
        failure = SourceError(f"{flow} can't be listed: {error}")
        return SelectedFlowRuns([SelectedFlowRun(Pathspec(flow), error=failure)])
    except Stop:
        raise
    except Exception as error:  # noqa: BLE001 - it is reported when the flow run is carried out
        return SelectedFlowRuns([SelectedFlowRun(Pathspec(flow), error=error)])
    return selected


def _select_listed(
    flow: str,
    selection: Selection,
    listed: ListedFlowRuns,
    find_open_flow_runs: FindOpenFlowRuns,
) -> SelectedFlowRuns:
    """Return the selected runs of a flow; runs with the same start keep their order."""
    unstorable = [run.pathspec for run in listed.objects if has_unstorable(str(run.pathspec))]
    selected = SelectedFlowRuns(map(_with_unstorable_name, unstorable))
    if unstorable:
        listed = ListedFlowRuns(run for run in listed if run.pathspec not in unstorable)
    eligible = _eligible(listed, selection)
    inside = eligible[: _count_inside(listed, eligible, selection)][: selection.last]
    if selection.since is None and not selection.every:
        selected.extend(SelectedFlowRuns.of_listing(listed, reversed(inside)))
        return selected
    is_chosen = bytearray(len(listed))
    for position in inside:
        is_chosen[position] = 1
    unselected = listed.at(position for position in range(len(listed)) if not is_chosen[position])
    left_open = list(find_open_flow_runs(flow, unselected))
    positions = _find_positions(left_open, listed)
    for name in positions:
        is_chosen[positions[name]] = 1
    if not (selection.tags or selection.until is not None or selection.namespace is not None):
        unlisted = (name for name in left_open if name not in positions)
        selected.extend(SelectedFlowRuns(map(SelectedFlowRun, _parse_names(unlisted))))
    in_order = (position for position in reversed(eligible) if is_chosen[position])
    selected.extend(SelectedFlowRuns.of_listing(listed, in_order))
    return selected


def _eligible(listed: ListedFlowRuns, selection: Selection) -> Sequence[int]:
    """Return the positions of the flow runs that have the tags, and started before the end."""
    if selection.until is None and not selection.tags:
        return range(len(listed))
    return array("L", (n for n, run in enumerate(listed) if _is_eligible(run, selection)))


def _count_inside(listed: ListedFlowRuns, eligible: Sequence[int], selection: Selection) -> int:
    """Return how many of these, the newest first, started in the time of a selection."""
    if selection.since is None:
        return len(eligible)
    start = selection.since - (_OVERLAP if selection.since_is_ago else 0)
    return sum(1 for _ in takewhile(lambda n: listed.started_at(n) >= start, eligible))


def _find_positions(names: Iterable[str], listed: ListedFlowRuns) -> dict[str, int]:
    """Return the positions of those that are listed, by pathspec."""
    wanted = set(names)
    if not wanted:
        return {}
    pathspecs = (str(run.pathspec) for run in listed)
    return {name: position for position, name in enumerate(pathspecs) if name in wanted}


def _with_unstorable_name(pathspec: Pathspec) -> SelectedFlowRun:
    """Return the failure for a folder whose name is not text: ledger and W&B could not store it."""
    named = Pathspec(storable(pathspec.flow), pathspec.run and storable(pathspec.run))
    return SelectedFlowRun(named, error=SourceError(f"the name of {named} is not UTF-8 text"))


def _parse_names(names: Iterable[str]) -> Iterator[Pathspec]:
    """Yield the pathspecs of flow runs that can be given on a command line.

    A stranger may have chosen a name that can't be given there, and the ledger may have it.
    """
    for name in names:
        with suppress(UsageError):
            yield parse(name)


def _list_flow(
    flow: str, selection: Selection, source: Source
) -> tuple[ListedFlowRuns, list[SelectedFlowRun]]:
    """Return the runs of a flow, and the flow itself as a failure if they can't be listed.

    A flow whose name the user did not give may vanish between two requests: that is not a failure.
    """
    try:
        return ListedFlowRuns.of(source.list(flow)), []
    except NotFound:
        return ListedFlowRuns(), [SelectedFlowRun(Pathspec(flow))] if selection.pathspecs else []
    except SkipFlowRun:
        return ListedFlowRuns(), [SelectedFlowRun(Pathspec(flow))]


def _is_eligible(listed: ListedFlowRun, selection: Selection) -> bool:
    in_time = selection.until is None or listed.started_at < selection.until
    return in_time and _has_tags(listed, selection.tags)


def _has_tags(listed: ListedFlowRun, tags: tuple[str, ...]) -> bool:
    return {*tags} <= {*listed.tags, *listed.system_tags}
