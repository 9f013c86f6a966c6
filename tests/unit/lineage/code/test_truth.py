"""The analysis against the truth: random steps are run, and nothing they do may be missed."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from mfwb.lineage.static_analysis import StepCode, read_flow_code
from mfwb.snapshot import SourceCode
from tests.unit.lineage.code.programs import NAMES, Record, programs, run


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(program=programs())
def test_no_read_is_missed(program: str) -> None:
    """What a run reads of its parents is among the reads, whichever way it takes."""
    found = read_flow_code(SourceCode("f.py", {"f.py": program}, "file"), "F").steps["a"]

    assert found.doubts == ()
    for seed in range(12):
        _compare(found, run(program, seed), program)


def _compare(found: StepCode, truth: Record, program: str) -> None:
    names = set(NAMES)
    assert truth.reads & names <= found.reads, program
    assert truth.writes & names <= found.writes, program
    assert truth.deletes & names <= found.deletes, program
    if truth.at_end is not None:
        assert found.always_writes <= truth.at_end, program
