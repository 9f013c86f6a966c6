"""The same source is analysed once, however many flow runs ran it."""

from __future__ import annotations

from dataclasses import replace

from mfwb.lineage.static_analysis import read_flow_code
from mfwb.snapshot import SourceCode

_TEXT = """
class AFlow(FlowSpec):
    @step
    def start(self):
        self.a = 1
        self.next(self.end)

    @step
    def end(self):
        print(self.a)
"""
_SOURCE = SourceCode(script="flow.py", files={"flow.py": _TEXT}, origin="package")


def test_the_same_text_is_analysed_once() -> None:
    """When it was written, and where it comes from, makes no difference."""
    first = read_flow_code(_SOURCE, "AFlow")

    again = replace(_SOURCE, files=dict(_SOURCE.files), origin="file", changed_at=1)

    assert read_flow_code(again, "AFlow") is first


def test_another_text_is_another_code() -> None:
    """Also if the same letters stand in other files."""
    first = read_flow_code(_SOURCE, "AFlow")

    changed = replace(_SOURCE, files={"flow.py": _TEXT.replace("print(self.a)", "pass")})
    more = replace(_SOURCE, files={"flow.py": _TEXT, "other.py": ""})

    assert read_flow_code(changed, "AFlow").steps["end"].reads == frozenset()
    assert first.steps["end"].reads == {"a"}
    assert read_flow_code(more, "AFlow") is not first
