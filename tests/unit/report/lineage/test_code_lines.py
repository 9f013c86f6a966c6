"""Where a step names an artifact."""

from __future__ import annotations

import pytest

from mfwb.report.lineage.code_lines import lines_of_reads
from mfwb.snapshot import SourceCode

SOURCE = """\
class DemoFlow(FlowSpec):
    @step
    def start(self):
        self.written = 1
        self.counted += 1
        print(self.read, self.read)
        getattr(self, "named")
        self.next(self.work, foreach="items")

    @step
    def join(self, inputs):
        return [one.score for one in inputs]

class Other:
    def twice(self): return self.x

class Another:
    def twice(self): return self.x
"""


def lines(source: str) -> dict[tuple[str, str], str]:
    """Return the places in a source."""
    return lines_of_reads(SourceCode("src/demo.py", {"src/demo.py": source}, "package"))


@pytest.mark.parametrize(
    ("step", "name", "line"),
    [
        ("start", "read", 6),
        ("start", "counted", 5),
        ("start", "named", 7),
        ("start", "items", 8),
        ("join", "score", 12),
    ],
)
def test_lines(step: str, name: str, line: int) -> None:
    """Reads, changes and names in calls are found where they first stand."""
    assert lines(SOURCE)[step, name] == f"line {line} of demo.py"


@pytest.mark.parametrize("key", [("start", "written"), ("twice", "x"), ("join", "read")])
def test_no_line(key: tuple[str, str]) -> None:
    """What is only written has no line, nor what could be meant by several methods."""
    assert key not in lines(SOURCE)


@pytest.mark.parametrize("source", ["def (", "\0"])
def test_no_code(source: str) -> None:
    """What does not parse has no lines; nor has what is not there."""
    assert lines(source) == {}
    assert lines_of_reads(None) == {}
    assert lines_of_reads(SourceCode("gone.py", {}, "package")) == {}
