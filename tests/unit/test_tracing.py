"""Reading a flow run and rebuilding its lineage, with everything outside in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfwb.errors import LineageError, NotThere
from mfwb.ports import Contents
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import parse
from mfwb.tracing import trace
from tests.unit.flow_runs import flow_run, task
from tests.unit.memory import MemoryMetaflow, MemoryPayloads

LINE = flow_run(task("start/1", to="end", has="x=1"), task("end/2", has="x=1"))


class Looking(MemoryPayloads):
    """Payloads that see something: what they return is what counts."""

    def look_inside(self, flow_run: FlowRun, contents: Contents) -> FlowRun:  # noqa: ARG002
        """Say so in the flow run."""
        return replace(flow_run, doc="looked at")


def test_trace() -> None:
    """A flow run comes with its lineage, after a look inside."""
    traced = trace(parse("DemoFlow/7"), MemoryMetaflow([LINE]), Looking())

    assert traced.flow_run == replace(LINE, doc="looked at")
    assert traced.lineage.parents["DemoFlow/7/end/2"] == ("DemoFlow/7/start/1",)
    assert traced.lineage.writes["DemoFlow/7/end/2"] == ()


def test_what_is_not_there() -> None:
    """Errors are those of the source, and of the lineage."""
    with pytest.raises(NotThere):
        trace(parse("DemoFlow/8"), MemoryMetaflow([LINE]), MemoryPayloads())

    cycle = flow_run(task("a/1", to="b"), task("b/2", to="a"))
    with pytest.raises(LineageError, match="a/1"):
        trace(parse("DemoFlow/7"), MemoryMetaflow([cycle]), MemoryPayloads())
