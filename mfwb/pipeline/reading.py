"""Read a flow run and rebuild its lineage: what every command begins with."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from mfwb.errors import SkipFlowRun, Stop, UsageError
from mfwb.lineage import (
    Lineage,
    add_external_uses,
    list_flow_runs_read,
    rebuild_lineage,
    resolve_external_reads,
    select_values_to_read,
)
from mfwb.planning import Content
from mfwb.ports import Payloads, Source
from mfwb.safe_text import one_line
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec, parse
from mfwb.snapshot.storable import with_storable_text

__all__ = ["TracedFlowRun", "trace"]


_MOST_OTHERS = 100
"""Other flow runs that are read for one: all of them are in memory at a time."""


@dataclass(frozen=True, slots=True)
class TracedFlowRun:
    """The facts of one flow run, and what was worked out from them.

    Attributes:
        flow_run: steps, tasks, artifacts and parameters, as Metaflow recorded them.
        lineage: which task made and which used what, and on what ground that is said.
        others: flow runs that this one used artifacts of.
    """

    flow_run: FlowRun
    lineage: Lineage
    others: tuple[TracedFlowRun, ...] = ()


def trace(choice: Pathspec, source: Source, payloads: Payloads) -> TracedFlowRun:
    """Return a flow run and its lineage; NotFound, SourceError, LineageError, Unreachable.

    Flow runs that it used artifacts of are read, too, but not those that they used. One of them
    that can't be read, whatever is wrong with it, is told as such: this one is sound.
    """
    traced = _alone(choice, source, payloads)
    others, unread = [], {}
    for place, pathspec in enumerate(list_flow_runs_read(traced.flow_run, traced.lineage)):
        if place >= _MOST_OTHERS:
            unread[pathspec] = f"the flow run reads more than {_MOST_OTHERS} other flow runs"
            continue
        try:
            others.append(_alone(parse(pathspec), source, payloads))
        except (SkipFlowRun, UsageError) as error:
            unread[pathspec] = str(error)
        except Stop:
            raise
        except Exception as error:  # noqa: BLE001 - that one's fault; its own sync calls it a bug
            unread[pathspec] = f"it can't be read ({one_line(f'{type(error).__name__}: {error}')})"
    if not others and not unread:
        return traced
    by_pathspec = {one.flow_run.pathspec: (one.flow_run, one.lineage) for one in others}
    lineage = add_external_uses(traced.flow_run, traced.lineage, by_pathspec, unread)
    return TracedFlowRun(traced.flow_run, lineage, tuple(others))


def _alone(choice: Pathspec, source: Source, payloads: Payloads) -> TracedFlowRun:
    flow_run = source.read(choice)
    contents = source.contents(flow_run)
    flow_run = payloads.look_inside(flow_run, contents)
    flow_run = with_storable_text(flow_run)
    lineage = rebuild_lineage(flow_run)
    wanted = [Content(*astuple(one)) for one in select_values_to_read(flow_run, lineage)]
    values = payloads.decoded(wanted, contents) if wanted else {}
    return TracedFlowRun(flow_run, resolve_external_reads(flow_run, lineage, values))
