"""Read a flow run and rebuild its lineage: what every command begins with."""

from __future__ import annotations

from dataclasses import dataclass

from mfwb.lineage import Lineage, rebuild_lineage
from mfwb.ports import Payloads, Source
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec

__all__ = ["TracedFlowRun", "trace"]


@dataclass(frozen=True, slots=True)
class TracedFlowRun:
    """The facts of one flow run, and what was worked out from them.

    Attributes:
        flow_run: steps, tasks, artifacts and parameters, as Metaflow recorded them.
        lineage: which task made and which used what, and on what ground that is said.
    """

    flow_run: FlowRun
    lineage: Lineage


def trace(choice: Pathspec, source: Source, payloads: Payloads) -> TracedFlowRun:
    """Return a flow run and its lineage; NotThere, SourceError, LineageError, Unreachable."""
    flow_run = source.read(choice)
    flow_run = payloads.look_inside(flow_run, source.contents(flow_run))
    return TracedFlowRun(flow_run, rebuild_lineage(flow_run))
