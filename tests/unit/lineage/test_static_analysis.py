"""The whole analysis: large flows take little time, and no read of a running program is missed."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from mfwb.lineage.static_analysis import StepCode, read_flow_code
from mfwb.snapshot import SourceCode
from tests.support.operations import counted_calls
from tests.unit.lineage.static_analysis.programs import NAMES, Record, programs, run

STEP = """
    @retry(times=2)
    @step
    def s{i}(self):
        self.data{i} = self.load({i})
        total = 0
        for row in self.rows:
            if row > self.rate:
                total += row
            else:
                try:
                    total -= float(row)
                except ValueError:
                    continue
        self.total{i} = total
        for name in ("a", "b"):
            setattr(self, f"{{name}}_{i}", max(self.rows, key=lambda r: r * self.rate))
        self.next(self.s{j})
"""

HEAD = """
from metaflow import FlowSpec, Parameter, retry, step

class F(FlowSpec):
    rate = Parameter("rate", default=1.0)

    def load(self, n):
        self.rows = [self.rate * i for i in range(n)]
        return self.scale(self.rows)

    def scale(self, rows):
        return [r * self.rate for r in rows]
"""


def test_fifty_steps() -> None:
    """Each is followed, and together they take no more work than each alone."""
    text = HEAD + "".join(STEP.format(i=i, j=i + 1) for i in range(50))
    source = SourceCode("flow.py", {"flow.py": text}, "file")

    with counted_calls() as calls:
        result = read_flow_code(source, "F")

    assert len(result.steps) == 50
    assert result.steps["s7"].reads == {"rate"}
    assert result.steps["s7"].always_writes == {"rows", "data7", "total7", "a_7", "b_7"}
    assert calls.count < 1_000_000


def test_methods_that_call_each_other_are_analysed_once() -> None:
    """Each helper calls the next one twice: without a memory that would be 2 to the 40th."""
    helpers = "\n".join(
        f"    def h{i}(self):\n        self.h{i + 1}()\n        self.h{i + 1}()" for i in range(35)
    )
    text = f"{HEAD}{helpers}\n    def h35(self): self.x\n    @step\n    def a(self): self.h0()"

    result = read_flow_code(SourceCode("flow.py", {"flow.py": text}, "file"), "F").steps["a"]

    assert result.reads == {"x"}
    assert result.doubts == ()


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(program=programs())
def test_no_read_is_missed(program: str) -> None:
    """What a run reads of its parents is among the reads, whichever way it takes."""
    result = read_flow_code(SourceCode("f.py", {"f.py": program}, "file"), "F").steps["a"]

    assert result.doubts == ()
    for seed in range(12):
        _compare(result, run(program, seed), program)


def _compare(result: StepCode, truth: Record, program: str) -> None:
    names = set(NAMES)
    assert truth.reads & names <= result.reads, program
    assert truth.writes & names <= result.writes, program
    assert truth.deletes & names <= result.deletes, program
    if truth.at_end is not None:
        assert result.always_writes <= truth.at_end, program
