"""Which flow runs are meant, told from listings: none of them is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from mfwb.errors import NotFound, SkipFlowRun, SourceError, Stop, UsageError
from mfwb.ports import Listed, Source
from mfwb.safe_text import has_unstorable, storable
from mfwb.snapshot.pathspec import LATEST, Pathspec, parse
from mfwb.units.moments import is_duration, parse_moment, to_epoch_ms

__all__ = ["SELECTORS", "Chosen", "OpenOnes", "Selection", "choose", "find_one", "select"]

_OVERLAP = 600_000  # ms; the clocks of machines differ

OpenOnes = Callable[[str, Sequence[Listed]], Iterable[str]]
"""Of a flow and its listed runs, the pathspecs of those that the ledger knows and that are not done
any more: an earlier sync left them undone, or they were tagged since."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which flow runs a user selects. `select` makes it of what was given.

    Attributes:
        pathspecs: `Flow/123`, `Flow/latest` or `Flow`, in the order in which they were named; none:
            every flow.
        since: those that started then or later, in epoch ms.
        since_is_ago: whether it was said as how long ago, as in 24h: then those of the ten minutes
            before come along. A job that asks again and again must miss none because the clocks of
            machines differ. A date is meant as it is said.
        until: those that started before, in epoch ms.
        last: so many of the newest of each flow.
        every: all, whenever they started.
        tags: those that have all of these, the user's or Metaflow's own.
        failed: those that failed (True) or the others (False); None: both. Listings don't tell, so
            `choose` leaves that to who reads them.
        namespace: Metaflow's, to which the source keeps its listings; None: there are no bounds.
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

    def __post_init__(self) -> None:
        """Raise UsageError if this says too little, or what can't be."""
        bounded = any(one is not None for one in (self.since, self.until, self.last))
        if self.every and bounded:
            raise UsageError("--all is every flow run: leave out --since, --until and --last")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise UsageError("--since has to come before --until")
        if bounded or self.every:
            return
        if not self.pathspecs:
            raise UsageError(
                "say which flow runs: Flow/123, Flow/latest, Flow --last 5, "
                "or --since 24h for all flows"
            )
        for flow in (one.flow for one in self.pathspecs if one.run is None):
            raise UsageError(
                f"which runs of {flow}? Say {flow}/123, {flow}/{LATEST}, {flow} --last 5, "
                f"{flow} --since 24h or {flow} --all"
            )


SELECTORS = ("pathspecs", "since", "until", "last", "every", "tags", "failed")
"""The ways to select flow runs, as commands and functions name them; arguments of `select`."""


def select(  # noqa: PLR0913 - the ways to select flow runs
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
    """Return the selection that was given, in the forms in which users give it.

    Args:
        pathspecs: `Flow/123`, `Flow/latest`, or `Flow`.
        since: as on the command line (`24h`, `2026-11-01`), a datetime (local, if it has no time
            zone), or epoch ms.
        until: in the same ways.
        last: of each flow, so many of the newest.
        every: all flow runs.
        tags: those that have all of these.
        failed: those that failed, or the others; None: both.
        namespace: Metaflow's, as the settings have it.

    Raises:
        UsageError: for what can't be read, says too little, or can't be.
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


def _epoch_ms(name: str, moment: str | datetime | int | None, now: int) -> int | None:
    try:
        if isinstance(moment, datetime):
            return to_epoch_ms(moment)
        return parse_moment(moment, now) if isinstance(moment, str) else moment
    except ValueError as error:
        raise UsageError(f"{name}: {error}, not {str(moment)!r}") from None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A flow run that is meant.

    Attributes:
        pathspec: which one. A flow alone, or `latest`, is one that was not found: whoever reads
            it is told why.
        listed: what the listing says of it; None if it was named, or is not listed.
        trouble: why the runs of the flow could not be listed, if that can't be asked again.
    """

    pathspec: Pathspec
    listed: Listed | None = None
    trouble: BaseException | None = field(default=None, compare=False)


def choose(selection: Selection, source: Source, open_ones: OpenOnes) -> list[Chosen]:
    """Return the flow runs that are meant, each once.

    `Flow/123` stands for itself, whether it is there or not, and `Flow/latest` for the newest. They
    come first, in the order in which they were named. The others come after them, the oldest first
    over all flows, so that what one flow run made is there before another one uses it.

    With `since` (or `every`) comes what an earlier sync left open in those flows, and what was
    tagged since then, however long ago it started: so a job that asks for the last days, again and
    again, comes back to a flow run that was still going, or failed to sync, until it is done.
    `last` and `until` by themselves ask for certain flow runs rather than for what is new, and get
    those alone. An open one has to have the tags, too, and to have started before `until`. One that
    is not listed any more is chosen unless there is something it would have to comply with; it then
    fails, which tells it.

    Args:
        selection: which flow runs.
        source: lists flows and their runs.
        open_ones: asked once for each flow that is meant as a whole.

    Raises:
        SourceError: if the flows can't be listed.
        Unreachable: if the source does not answer.
    """
    named = [_named(one, selection, source) for one in selection.pathspecs if one.run is not None]
    if selection.pathspecs:
        flows = list(dict.fromkeys(one.flow for one in selection.pathspecs if one.run is None))
    else:
        flows = source.flows()
    others = [one for flow in flows for one in _alone(flow, selection, source, open_ones)]
    found: dict[Pathspec, Chosen] = {}
    for one in (*named, *sorted(others, key=_start)):
        found.setdefault(one.pathspec, one)
    return list(found.values())


def find_one(pathspec: Pathspec, source: Source) -> Pathspec:
    """Return the flow run that `Flow/123` or `Flow/latest` means; NotFound, Unreachable."""
    return _latest(pathspec.flow, (), source).pathspec if pathspec.run == LATEST else pathspec


def _named(pathspec: Pathspec, selection: Selection, source: Source) -> Chosen:
    if pathspec.run != LATEST:
        return Chosen(pathspec)
    try:
        return _latest(pathspec.flow, selection.tags, source)
    except Stop:
        raise
    except Exception as error:  # noqa: BLE001 - whoever carries it out says what it is
        return Chosen(pathspec, trouble=error)  # to read it would find none of that name


def _latest(flow: str, tags: tuple[str, ...], source: Source) -> Chosen:
    newest = next((one for one in _newest_first(source.list(flow)) if _has(one, tags)), None)
    if newest is None:
        raise NotFound(f"there is no {flow}/{LATEST} in {source.provider}")
    return Chosen(newest.pathspec, newest)


def _alone(flow: str, selection: Selection, source: Source, open_ones: OpenOnes) -> list[Chosen]:
    """Return the runs of a flow that are meant, or the flow itself with what was wrong with it.

    Whatever a listing may trip over, it is that flow's failure: other flows have nothing to do
    with it. Of a flow that nobody named this holds for errors of usage, too.
    """
    if has_unstorable(flow):
        return [_unnamable(Pathspec(flow))]
    try:
        return _of_flow(flow, selection, source, open_ones)
    except UsageError as error:
        if selection.pathspecs:
            raise
        return [Chosen(Pathspec(flow), trouble=SourceError(f"{flow} can't be listed: {error}"))]
    except Stop:
        raise
    except Exception as error:  # noqa: BLE001 - whoever carries it out says what it is
        return [Chosen(Pathspec(flow), trouble=error)]


def _of_flow(flow: str, selection: Selection, source: Source, open_ones: OpenOnes) -> list[Chosen]:
    """Return the runs of a flow that are meant, those of the same moment in their order."""
    listed, trouble = _listed(flow, selection, source)
    trouble += [_unnamable(one.pathspec) for one in listed if has_unstorable(str(one.pathspec))]
    listed = [one for one in listed if not has_unstorable(str(one.pathspec))]
    eligible = [one for one in _newest_first(listed) if _complies(one, selection)]
    overlap = _OVERLAP if selection.since_is_ago else 0
    start = None if selection.since is None else selection.since - overlap
    inside = [one for one in eligible if start is None or one.started_at >= start][: selection.last]
    meant = {one.pathspec for one in inside}
    gone: list[Pathspec] = []
    if selection.since is not None or selection.every:
        left_open = list(_parsed(open_ones(flow, listed), eligible))
        meant |= {*left_open}
        if not (selection.tags or selection.until is not None or selection.namespace is not None):
            known = {one.pathspec for one in listed}
            gone = [one for one in left_open if one not in known]
    chosen = [Chosen(one.pathspec, one) for one in reversed(eligible) if one.pathspec in meant]
    return [*trouble, *(Chosen(one) for one in gone), *chosen]


def _unnamable(pathspec: Pathspec) -> Chosen:
    """Return what a folder whose name is no text becomes: ledger and W&B could not hold it."""
    named = Pathspec(storable(pathspec.flow), pathspec.run and storable(pathspec.run))
    return Chosen(named, trouble=SourceError(f"the name of {named} is no UTF-8 text"))


def _parsed(names: Iterable[str], listed: Iterable[Listed]) -> Iterator[Pathspec]:
    """Yield pathspecs of flow runs that are listed, or that could be said on a command line.

    A stranger may have given a flow run a name that can't be said, and that the ledger has kept.
    """
    known = {str(one.pathspec): one.pathspec for one in listed}
    for name in names:
        with suppress(UsageError):
            yield known[name] if name in known else parse(name)


def _listed(flow: str, selection: Selection, source: Source) -> tuple[list[Listed], list[Chosen]]:
    """Return the runs of a flow, and the flow itself if they can't be listed, to fail by itself.

    A flow that nobody named may vanish: that it was there a moment ago is no reason to complain.
    """
    try:
        return source.list(flow), []
    except NotFound:
        return [], [Chosen(Pathspec(flow))] if selection.pathspecs else []
    except SkipFlowRun:
        return [], [Chosen(Pathspec(flow))]


def _newest_first(listed: Iterable[Listed]) -> list[Listed]:
    return sorted(listed, key=lambda one: one.started_at, reverse=True)


def _complies(listed: Listed, selection: Selection) -> bool:
    in_time = selection.until is None or listed.started_at < selection.until
    return in_time and _has(listed, selection.tags)


def _start(chosen: Chosen) -> int:
    """Return what flow runs are sorted by; what is not listed comes first, as it only fails."""
    return chosen.listed.started_at if chosen.listed else 0


def _has(listed: Listed, tags: tuple[str, ...]) -> bool:
    return {*tags} <= {*listed.tags, *listed.system_tags}
