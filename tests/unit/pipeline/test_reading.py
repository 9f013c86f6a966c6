"""Reading a flow run and rebuilding its lineage, with all ports in memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfwb.errors import LineageError, NotFound, SourceError, Unreachable
from mfwb.pipeline.reading import trace
from mfwb.ports import Contents
from mfwb.snapshot import FlowRun
from mfwb.snapshot.pathspec import Pathspec, parse
from tests.support.fakes import MemoryMetaflow, MemoryPayloads
from tests.support.flow_runs import flow_run, task
from tests.unit.lineage.sources import with_source

LINE = flow_run(task("start/1", to="end", has="x=1"), task("end/2", has="x=1"))


class Looking(MemoryPayloads):
    """Payloads that see something: what they return is what counts."""

    def inspect(self, flow_run: FlowRun, contents: Contents) -> FlowRun:  # noqa: ARG002
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
    with pytest.raises(NotFound):
        trace(parse("DemoFlow/8"), MemoryMetaflow([LINE]), MemoryPayloads())

    cycle = flow_run(task("a/1", to="b"), task("b/2", to="a"))
    with pytest.raises(LineageError, match="a/1"):
        trace(parse("DemoFlow/7"), MemoryMetaflow([cycle]), MemoryPayloads())


READER = with_source(
    """
    @step
    def start(self):
        from metaflow import Run
        self.y = Run("Other/3").data.x
        self.next(self.end)

    @step
    def end(self):
        pass
    """,
    task("start/1", to="end", has="y=1"),
    task("end/2", has="y=1"),
)


class Odd(MemoryMetaflow):
    """A source in which another flow run is odd."""

    def __init__(self, error: Exception) -> None:
        super().__init__([READER])
        self.error = error

    def read(self, flow_run: Pathspec) -> FlowRun:
        """Return a flow run, but not that one."""
        if flow_run.flow == "Other":
            raise self.error
        return super().read(flow_run)


@pytest.mark.parametrize("error", [SourceError("odd"), KeyError("odd"), RecursionError("odd")])
def test_another_flow_run_that_can_not_be_read(error: Exception) -> None:
    """Who used an artifact of it is sound; that it could not be read is said."""
    traced = trace(parse("DemoFlow/7"), Odd(error), MemoryPayloads())

    assert traced.others == ()
    [(reported, why)] = traced.lineage.unread.items()
    assert reported.pathspec == "Other/3"
    assert "odd" in why
    with pytest.raises(Unreachable):
        trace(parse("DemoFlow/7"), Odd(Unreachable("off")), MemoryPayloads())


def test_too_many_other_flow_runs() -> None:
    """All that are read for one are in memory together, so that they are not read without end."""
    reads = "\n".join(f'        self.y = Run("Other/{n}").data.x' for n in range(120))
    source = f"""
    @step
    def start(self):
        from metaflow import Run
{reads}
        self.next(self.end)

    @step
    def end(self):
        pass
    """
    reader = with_source(source, task("start/1", to="end", has="y=1"), task("end/2", has="y=1"))
    others = [replace(LINE, flow="Other", id=str(n)) for n in range(120)]

    traced = trace(parse("DemoFlow/7"), MemoryMetaflow([reader, *others]), MemoryPayloads())

    assert len(traced.others) == 100
    assert set(traced.lineage.unread.values()) == {
        "the flow run reads more than 100 other flow runs"
    }


def test_text_that_can_not_be_stored() -> None:
    """What no database takes is escaped, once, where a flow run is read."""
    odd = replace(LINE, tags=("\udcff", "nul \0"), doc="fine \u2028")
    traced = trace(parse("DemoFlow/7"), MemoryMetaflow([odd]), MemoryPayloads())

    assert traced.flow_run.tags == ("\\udcff", "nul \\x00")
    assert traced.flow_run == replace(LINE, tags=traced.flow_run.tags, doc="fine \u2028")
