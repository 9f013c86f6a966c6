"""Positions of reads in the source."""

from __future__ import annotations

import pytest

from mfwb.lineage.static_analysis import SourcePosition, read_flow_code
from mfwb.snapshot import SourceCode

SOURCE = """\
from metaflow import FlowSpec, Run, step
class DemoFlow(FlowSpec):
    @step
    def start(self):
        self.written = 1
        self.counted += 1
        print(self.read, self.read)
        getattr(
            self,
            "named",
        )
        self.next(
            self.work,
            foreach="items",
        )

    @step
    def work(self):
        print(self.written, self.late)
        self.late = self.late + self.once
        print(self.late, [self.inner for _ in "ab"], self.helped())
        print(Run("Other/3").data.theirs, {}.read)
        self.next(self.join)

    def helped(self):
        return self.far

    @step
    def join(self, inputs):
        print([one.score for one in inputs], inputs.work.named)
        self.next(self.end)

    @step
    def end(self):
        def later():
            return self.deferred
        self.own = 1
        print(self.own, later(), lambda: self.lazy)

class Other:
    def end(self): return self.x
"""

FILE = "src/demo.py"


def positions(source: str = SOURCE) -> dict[tuple[str, str], SourcePosition]:
    """Return all places in a source, by step and artifact."""
    code = read_flow_code(SourceCode(FILE, {FILE: source}, "package"), "DemoFlow")
    return {
        (step.name, name): location
        for step in code.steps.values()
        for name, location in step.positions.items()
    }


@pytest.mark.parametrize(
    ("step", "name", "line"),
    [
        ("start", "read", 7),
        ("start", "counted", 6),
        ("start", "named", 10),  # the text itself
        ("start", "items", 14),
        ("work", "written", 19),
        ("work", "late", 19),
        ("work", "once", 20),
        ("work", "inner", 21),
        ("work", "theirs", 22),
        ("join", "score", 30),
        ("join", "named", 30),
        ("end", "deferred", 36),
        ("end", "lazy", 38),
    ],
)
def test_lines(step: str, name: str, line: int) -> None:
    """Reads, changes and names in calls are found where they first stand."""
    assert positions()[step, name] == SourcePosition(FILE, line)


@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("start", "written"),
        ("end", "own"),  # its own
        ("work", "read"),  # of something else
        ("work", "far"),  # in a helper
        ("join", "read"),
        ("end", "x"),  # of another class
    ],
)
def test_no_line(step: str, name: str) -> None:
    """What is only written has no line, nor what another function or class reads."""
    assert (step, name) not in positions()


def test_step_of_a_base_class_in_another_file() -> None:
    """The file is that of the step; another step may call it, and is not where it reads."""
    base = (
        "from metaflow import FlowSpec, step\nclass Base(FlowSpec):\n    @step\n"
        "    def start(self):\n        self.next(self.end)\n    @step\n"
        "    def end(self):\n        print(self.x)\n"
    )
    flow = (
        "from metaflow import step\nfrom base import Base\nclass DemoFlow(Base):\n    @step\n"
        "    def start(self):\n        print(self.x)\n        self.end()\n"
        "        self.next(self.end)\n"
    )

    code = read_flow_code(SourceCode("demo.py", {"demo.py": flow, "base.py": base}, ""), "DemoFlow")

    assert code.steps["start"].positions == {"x": SourcePosition("demo.py", 6)}
    assert code.steps["end"].positions == {"x": SourcePosition("base.py", 8)}


def test_places_do_not_count() -> None:
    """Code that says the same at other lines is the same code, but for where steps begin."""
    moved = SOURCE.replace("        self.written = 1\n", "        self.written = 1\n\n")
    item, other = (
        read_flow_code(SourceCode(FILE, {FILE: text}, "package"), "DemoFlow").steps["start"]
        for text in (SOURCE, moved)
    )

    assert item == other
    assert item.positions != other.positions
