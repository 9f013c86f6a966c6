"""Read a flow run and rebuild its lineage: what every command begins with."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from mfwb.errors import NotFound, SkipFlowRun, Stop, UsageError
from mfwb.lineage import (
    Lineage,
    add_external_uses,
    list_flow_runs_read,
    rebuild_lineage,
    resolve_external_reads,
    select_values_to_read,
)
from mfwb.notebook_display import ShownInNotebooks
from mfwb.operations import noted
from mfwb.planning import Content
from mfwb.ports import Payloads, Source
from mfwb.safe_text import one_line
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec, parse
from mfwb.snapshot.storable import with_storable_text

__all__ = ["TracedFlowRun", "trace"]


_MAX_OTHERS = 100
"""Other flow runs that are read for one flow run: all of them are in memory at the same time."""


@dataclass(frozen=True, slots=True)
class TracedFlowRun(ShownInNotebooks):
    """The facts of one flow run, and its lineage.

    Attributes:
        flow_run: steps, tasks, artifacts and parameters, as Metaflow recorded them.
        lineage: which task made and which task used each artifact, and the evidence for it.
        others: flow runs whose artifacts this one used.
    """

    flow_run: FlowRun
    lineage: Lineage
    others: tuple[TracedFlowRun, ...] = ()

    def __repr__(self) -> str:
        """Return `<mfwb lineage of Flow/3: finished, 12 tasks, 30 uses of artifacts>`: one line."""
        run = self.flow_run
        numbers = (
            f"{sum(1 for _ in run.tasks):,} tasks, {len(self.lineage.edges):,} uses of artifacts"
        )
        return f"<mfwb lineage of {one_line(run.pathspec)}: {run.state.value}, {numbers}>"


def trace(pathspec: Pathspec, source: Source, payloads: Payloads) -> TracedFlowRun:
    """Return a flow run and its lineage; NotFound, SourceError, LineageError, Unreachable.

    Flow runs whose artifacts it used are read, too, but not the flow runs that those used. If one
    of them can't be read, for any reason, the lineage reports it; this flow run does not fail.
    """
    traced = _read_alone(pathspec, source, payloads)
    others, unread = [], {}
    for number, other in enumerate(list_flow_runs_read(traced.flow_run, traced.lineage)):
        if number >= _MAX_OTHERS:
            unread[other] = f"the flow run reads more than {_MAX_OTHERS} other flow runs"
            continue
        try:
            others.append(_read_alone(parse(other), source, payloads))
        except NotFound as error:
            unread[other] = error.reason
        except (SkipFlowRun, UsageError) as error:
            unread[other] = str(error)
        except Stop:
            raise
        except Exception as error:  # noqa: BLE001 - its own sync reports it as a bug
            unread[other] = f"it can't be read ({one_line(f'{type(error).__name__}: {error}')})"
    if not others and not unread:
        return traced
    by_pathspec = {other.flow_run.pathspec: (other.flow_run, other.lineage) for other in others}
    lineage = add_external_uses(traced.flow_run, traced.lineage, by_pathspec, unread)
    return TracedFlowRun(traced.flow_run, lineage, tuple(others))


def _read_alone(pathspec: Pathspec, source: Source, payloads: Payloads) -> TracedFlowRun:
    with noted(str(pathspec), "read"):
        flow_run = source.read(pathspec)
    contents = source.contents(flow_run)
    with noted(str(pathspec), "inspect its pickles"):
        flow_run = payloads.inspect(flow_run, contents)
    flow_run = with_storable_text(flow_run)
    with noted(str(pathspec), "rebuild its lineage"):
        lineage = rebuild_lineage(flow_run)
        wanted = [Content(*astuple(value)) for value in select_values_to_read(flow_run, lineage)]
        values = payloads.decode(wanted, contents) if wanted else {}
        return TracedFlowRun(flow_run, resolve_external_reads(flow_run, lineage, values))
