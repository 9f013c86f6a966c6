"""The analysis against running code: random steps are run, and no read or write may be missed."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from mfwb.lineage.static_analysis import StepCode, read_flow_code
from mfwb.snapshot import SourceCode
from tests.unit.lineage.static_analysis.programs import NAMES, Record, programs, run


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
