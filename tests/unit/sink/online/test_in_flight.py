"""Equal contents that are logged at the same time."""

from __future__ import annotations

from mfwb.planning import WandbRunId
from mfwb.sink.online.in_flight import InFlight


def test_one_at_a_time() -> None:
    """The second upload waits for the arrival of the first one; then it may continue."""
    under_way = InFlight()
    run_1, run_2 = WandbRunId("1"), WandbRunId("2")
    first, second = under_way.begin("a", "d", run_1), under_way.begin("a", "d", run_2)
    other = under_way.begin("a", "e", run_2)

    assert first is None
    assert other is None
    assert second is not None
    assert second.run_id == run_1
    assert not second.done.is_set()
    under_way.end("a", "d")
    under_way.end("a", "d")
    assert second.done.is_set()
    assert under_way.begin("a", "d", run_2) is None
